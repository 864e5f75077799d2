"""A school's own pack on top of others: what it replaces, what it inherits, and what it cannot do."""

import pytest

from rules.assessment import AssessmentRules
from rules.errors import ConfigurationError
from rules.incident_kind import Kind
from rules.pack_layers import What, lay_over
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.roles import Role
from rules.span import parse_span
from rules.subject import Audience

BELOW = """\
pack: below
title: Below
source: The policy below
roles:
  teacher: {title: Class teacher, holds: class_teacher, section: A, line: 1, says: Knows the class.}
  head: {title: Head teacher, holds: head_teacher, section: A, line: 2, says: Answers for it.}
sanctions:
  pupil:
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: [head], step: warn, within: 5 days}
    rows:
      P01: {key: one, label: One, line: 1, ticks: [refer], kinds: [games], risk: conduct, visibility: partial}
      P02: {key: two, label: Two, line: 2, ticks: [refer, warning], kinds: [repeat], risk: conduct, visibility: full,
            repeat: true, note: Only from warnings.}
assessment:
  kinds: {games: {categories: [], risk: conduct}}
"""
OTHER = """\
pack: other
title: Other
source: The other policy
roles:
  head: {title: Principal, holds: head_teacher, section: B, line: 1, says: Leads.}
  officer: {title: Officer, holds: data_protection_officer, section: B, line: 2, says: Watches.}
"""
OWN = "pack: own\ntitle: Own\nsource: Our policy\n"


def packs() -> tuple[Pack, Pack]:
    below = parse_pack(BELOW, file="below.yaml", categories=())
    return below, parse_pack(OTHER, file="other.yaml", categories=())


def laid(text: str) -> tuple[tuple[Pack, ...], list[str]]:
    own = parse_pack(OWN + text, file="own.yaml", categories=(), over=packs())
    found, replaced = lay_over(packs(), own)
    return found, [f"{each.what} {each.id} of {each.pack}: {', '.join(each.parts) or 'new'}" for each in replaced]


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(OWN + text, file="own.yaml", categories=(), over=packs())
    return str(caught.value)


def test_a_pack_with_nothing_of_its_own_replaces_nothing() -> None:
    found, replaced = laid("")
    assert found[:2] == packs()
    assert (found[2].id, found[2].sanctions, dict(found[2].handbook.roles), replaced) == ("own", {}, {}, [])


def test_a_row_is_replaced_in_part_and_the_rest_of_it_stays() -> None:
    (below, _, own), replaced = laid("sanctions: {pupil: {rows: {P01: {ticks: [warning]}}}}")
    row, before = below.sanctions["pupil"].rows["P01"], packs()[0].sanctions["pupil"].rows["P01"]
    assert (row.actions, row.label, row.kinds, row.line) == (("warning",), before.label, before.kinds, 1)
    assert row.location == "own.yaml:4:28"
    assert replaced == ["row P01 of below: actions"]
    assert own.sanctions == {}


def test_all_that_is_not_replaced_is_as_it_was() -> None:
    (below, other, _), _ = laid("sanctions: {pupil: {rows: {P01: {ticks: [warning]}}}}")
    before = packs()
    assert below.sanctions["pupil"].rows["P02"] == before[0].sanctions["pupil"].rows["P02"]
    assert below.sanctions["pupil"].actions == before[0].sanctions["pupil"].actions
    assert (below.handbook, other) == (before[0].handbook, before[1])


def test_owners_and_times_of_an_action_are_replaced() -> None:
    (below, *_), replaced = laid(
        "sanctions: {pupil: {actions: {warning: {owners: [teacher], within: 1 school day}}}}"
    )
    action = below.sanctions["pupil"].actions["warning"]
    assert (action.owners, action.within, str(action.label)) == (("teacher",), parse_span("1 school day"), "Warn")
    assert list(below.sanctions["pupil"].actions) == ["refer", "warning"]
    assert replaced == ["action warning of below: owners, within"]


def test_a_new_row_and_a_new_action_come_at_the_end() -> None:
    (below, *_), replaced = laid(
        "sanctions: {pupil: {actions: {talk: {label: Talk, owners: [officer], step: refer, within: 1 day}},"
        " rows: {P03: {key: c, label: Three, ticks: [talk], kinds: [phone], risk: conduct, visibility: partial}}}}"
    )
    table = below.sanctions["pupil"]
    assert (list(table.actions)[-1], list(table.rows)[-1]) == ("talk", "P03")
    assert [action.id for action in table.actions_of("P03")] == ["talk"]
    assert replaced == ["role officer of below: new", "action talk of below: new", "row P03 of below: new"]


def test_whoever_owns_a_step_is_known_to_the_pack_that_has_the_table() -> None:
    (below, *_), _ = laid("sanctions: {pupil: {actions: {refer: {owners: [officer]}}}}")
    assert below.handbook.roles["officer"].holds is Role.DATA_PROTECTION_OFFICER


def test_what_may_be_proposed_follows_the_rows() -> None:
    (below, *_), _ = laid("sanctions: {pupil: {rows: {P01: {kinds: [gambling]}, P02: {repeat: false}}}}")
    rules = below.assessment or AssessmentRules({}, {})
    assert rules.rows == {(Audience.PUPIL, Kind.GAMBLING): ("P01",), (Audience.PUPIL, Kind.REPEAT): ("P02",)}
    assert rules.repeat_rows == {}


def test_a_role_is_replaced_in_every_pack_that_has_it() -> None:
    (below, other, own), replaced = laid("roles: {head: {title: Our head, holds: slt}}")
    for pack in (below, other):
        assert (str(pack.handbook.roles["head"].title), pack.handbook.roles["head"].holds) == ("Our head", Role.SLT)
    assert str(below.handbook.roles["head"].cites.says) == "Answers for it."
    assert replaced == ["role head of below: title, holds", "role head of other: title, holds, cites"]
    assert list(own.handbook.roles) == ["head"]


def test_that_two_packs_call_somebody_the_same_replaces_nobody() -> None:
    (below, other, _), replaced = laid("")
    assert str(below.handbook.roles["head"].title) == "Head teacher"
    assert str(other.handbook.roles["head"].title) == "Principal"
    assert replaced == []


def test_text_that_only_moved_replaces_nothing() -> None:
    _, replaced = laid("sanctions: {pupil: {rows: {P01: {ticks: [refer]}}}}\nroles: {head: {title: Head teacher}}")
    assert replaced == ["role head of other: title, cites"]


def test_a_table_that_nobody_has_stays_in_the_own_pack() -> None:
    (below, _, own), replaced = laid(
        "sanctions: {staff: {actions: {refer: {label: Refer, owners: [head], step: refer, within: 1 day}},"
        " rows: {S01: {key: one, label: One, ticks: [refer], kinds: [games], risk: conduct, visibility: partial}}}}"
    )
    assert list(below.sanctions) == ["pupil"]
    assert (list(own.sanctions), list(own.handbook.roles), replaced) == (["staff"], ["head"], [])


def test_chains_and_reviews_may_name_roles_of_the_packs_below() -> None:
    place = "section: s, says: So it is."
    (*_, own), _ = laid(
        f"chains: {{c: {{kinds: [games], {place}, steps: [{{to: teacher, within: 1 h}}]}}}}\n"
        f"reviews: {{r: {{title: R, every: 1 year, by: [officer], {place}}}}}"
    )
    assert set(own.handbook.roles) == {"teacher", "officer"}


def test_several_own_packs_lie_on_each_other() -> None:
    first = parse_pack(
        OWN + "sanctions: {pupil: {rows: {P01: {ticks: [warning]}}}}", file="a", categories=(), over=packs()
    )
    middle, _ = lay_over(packs(), first)
    text = OWN.replace("own", "top") + "sanctions: {pupil: {rows: {P01: {risk: content}}}}"
    top = parse_pack(text, file="b", categories=(), over=middle)
    (below, *_), replaced = lay_over(middle, top)
    row = below.sanctions["pupil"].rows["P01"]
    assert (row.actions, row.risk, row.location) == (("warning",), "content", "b:4:28")
    assert [(each.what, each.parts) for each in replaced] == [(What.ROW, ("risk",))]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "sanctions: {pupil: {rows: {P01: {ticks: [police]}}}}",
            "own.yaml:4:42: sanctions.pupil.rows.P01.ticks[0]: found 'police'; expected a column of the table",
            id="a-tick-outside-the-table",
        ),
        pytest.param(
            "sanctions: {pupil: {rows: {P09: {ticks: [refer]}}}}",
            "own.yaml:4:33: sanctions.pupil.rows.P09: found the row P09 without a label; expected a whole row, or",
            id="a-row-that-stands-nowhere",
        ),
        pytest.param(
            "sanctions: {pupil: {rows: {P09: {label: Nine}}}}",
            "sanctions.pupil.rows.P09: found no risk; expected the key risk",
            id="a-new-row-without-its-parts",
        ),
        pytest.param(
            "sanctions: {pupil: {actions: {refer: {owners: [caretaker]}}}}",
            "owners[0]: found 'caretaker'; expected a role of this pack, one of",
            id="an-unknown-owner",
        ),
        pytest.param(
            "sanctions: {pupil: {actions: {refer: {within: 3}}}}",
            "within: found '3'; expected at once, or a number and a unit",
            id="a-time-without-a-unit",
        ),
        pytest.param(
            "rows: {bets: {label: B, section: s, line: 1, tick: unacceptable, categories: [], visibility: partial}}",
            "rows: found a table of user actions; expected none here: rows and policies of the site file say what is",
            id="a-table-of-user-actions",
        ),
        pytest.param(
            "sanctions: {pupil: {rows: {P01: {tcks: []}}}}", "found the unknown key tcks; expected ticks", id="typo"
        ),
    ],
)
def test_each_fault_has_a_place_and_a_sentence(text: str, sentence: str) -> None:
    assert sentence in problem(text)


@pytest.mark.parametrize("name", ["Own", "our pack", "9lives", "a" * 65, "../x"])
def test_the_name_of_a_pack_is_one_word(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a name of small letters, digits and hyphens"):
        parse_pack(f"pack: '{name}'\ntitle: t\nsource: s\n", file="p.yaml", categories=())
