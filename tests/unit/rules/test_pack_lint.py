"""What looks wrong in a pack."""

import pytest

from rules.pack_lint import lint
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.roles import Role

PACK = """\
pack: p
title: t
source: s
roles:
  teacher: {title: Form tutor, holds: class_teacher, section: s, line: 1, says: Knows the class.}
  police: {title: Police, outside: true, section: s, line: 1, says: Are called.}
sanctions:
  pupil:
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: OWNERS, step: warn, within: 1 day}
    rows:
      P15: {key: offensive, label: Offensive, line: 1, ticks: PUPIL, kinds: [offensive], risk: content,
            visibility: partial}
      P11: {key: again, label: Again, line: 2, ticks: [REPEAT], kinds: [repeat], risk: conduct, visibility: full,
            repeat: true}
  staff:
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: [teacher], step: warn, within: 1 day}
    rows:
      S15: {key: offensive, label: Offensive, line: 3, ticks: STAFF, kinds: [offensive], risk: content,
            visibility: partial}
"""


def pack(
    *,
    repeat: str = "warning",
    staff: str = "[refer, warning]",
    pupil: str = "[refer, warning]",
    owners: str = "[teacher]",
) -> Pack:
    written = {"REPEAT": repeat, "STAFF": staff, "PUPIL": pupil, "OWNERS": owners}
    text = PACK
    for word, value in written.items():
        text = text.replace(word, value)
    return parse_pack(text, file="p.yaml", categories=())


def test_a_pack_as_it_should_be_has_no_findings() -> None:
    assert lint(pack(), held={Role.CLASS_TEACHER}) == ()


@pytest.mark.parametrize(
    ("odd", "code", "sentence"),
    [
        (pack(staff="[]"), "no_action", "p.yaml:22:7: Row S15 ticks no action, so nobody would do anything."),
        (
            pack(staff="[refer]"),
            "staff_weaker",
            "Row S15 of the staff ticks 1 of 2 actions and does not warn, unlike row P15 of the pupils, which is",
        ),
        (
            pack(repeat="refer"),
            "repeat_without_warning",
            "for going on after a warning, and ticks no warning itself; of the other rows only P15 ticks one.",
        ),
        (
            pack(repeat="refer", pupil="[refer]"),
            "repeat_without_warning",
            "and ticks no warning itself, and no other row does either, so nothing would ever lead to it.",
        ),
        (pack(owners="[]"), "no_owner", "p.yaml:11:7: Nobody is to do what the column warning says."),
    ],
)
def test_each_oddity_is_told_with_its_place(odd: Pack, code: str, sentence: str) -> None:
    found = {finding.code: str(finding) for finding in lint(odd)}
    assert sentence in found[code]


def test_a_role_that_nobody_holds_is_told_and_one_outside_the_school_is_not() -> None:
    assert [str(finding) for finding in lint(pack(), held=())] == [
        "p.yaml:5:3: Nobody at the school is class teacher, which this policy calls Form tutor."
    ]


def test_what_staff_have_no_column_for_makes_no_row_weaker() -> None:
    text = PACK.replace("OWNERS", "[teacher]").replace("REPEAT", "warning").replace("PUPIL", "[refer, warning]")
    before, staff, after = text.replace("STAFF", "[refer]").partition("  staff:\n")
    without = after.replace("      warning: {label: Warn, owners: [teacher], step: warn, within: 1 day}\n", "")
    assert without != after
    assert lint(parse_pack(before + staff + without, file="p.yaml", categories=())) == ()


def test_several_titles_of_one_office_are_told_once_and_people_without_an_office_are_not() -> None:
    text = """\
pack: p
title: t
source: s
roles:
  one: {title: Deputy, holds: slt, section: s, says: One.}
  two: {title: Assistant, holds: slt, section: s, says: Two.}
  head: {title: Head teacher, holds: head_teacher, section: s, says: Three.}
  pupil: {title: Pupils, holds: pupil, section: s, says: Four.}
  clerk: {title: Clerk, section: s, says: Five.}
"""
    found = lint(parse_pack(text, file="p.yaml", categories=()), held=())
    assert [finding.sentence for finding in found] == [
        "Nobody at the school is member of the senior leadership team, which this policy calls Deputy and Assistant.",
        "Nobody at the school is head teacher.",
    ]
