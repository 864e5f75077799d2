"""The written form of a handbook: roles, chains, clocks and the rest, each with its place in the document."""

import pytest

from rules.errors import ConfigurationError
from rules.handbook import Case, Handbook, Keeper, Means, Start
from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.roles import Role
from rules.span import Span, Unit
from rules.subject import Audience
from rules.words import words

HEAD = "pack: p\ntitle: t\nsource: s\n"
PLACE = "section: '5', line: 12, says: Somebody answers for it."
ROLES = f"roles: {{dpo: {{title: {{nl: fg, en: DPO}}, holds: data_protection_officer, {PLACE}}}}}\n"


def handbook(text: str) -> Handbook:
    return parse_pack(HEAD + ROLES + text, file="p.yaml", categories=()).handbook


def test_roles_say_who_holds_them_in_the_product() -> None:
    found = handbook(f"statements: {{x: {{{PLACE}}}}}")
    assert (found.roles["dpo"].title, found.roles["dpo"].holds) == (
        words(nl="fg", en="DPO"),
        Role.DATA_PROTECTION_OFFICER,
    )
    assert (found.statements["x"].section, found.statements["x"].line) == ("5", 12)


def test_a_chain_names_whom_to_tell_by_when() -> None:
    found = handbook(
        f"chains: {{breach: {{kinds: [data_breach], {PLACE}, steps: [{{to: dpo, within: at once, when: always}}]}}}}"
    ).chains["breach"]
    assert found.kinds == {Kind.DATA_BREACH}
    assert [(step.to, step.within.amount, str(step.when)) for step in found.steps] == [("dpo", 0, "always")]


def test_when_a_step_counts_is_said_or_left_to_who_finds_it() -> None:
    step = "to: dpo, within: 1 h"
    steps = f"{{{step}}}, {{{step}, when: so}}, {{{step}, case: serious, when: so}}"
    found = handbook(f"chains: {{c: {{{PLACE}, steps: [{steps}]}}}}").chains["c"]
    assert [step.case for step in found.steps] == [Case.ALWAYS, Case.FOUND, Case.SERIOUS]


def test_a_clock_says_which_incidents_it_is_of_and_whom_it_is_told_to() -> None:
    clocks = handbook(
        f"clocks: {{a: {{title: A, from: awareness, length: 72 h, {PLACE}}},"
        f" b: {{title: B, from: awareness, length: 72 h, kinds: [data_breach], to: dpo, case: serious, {PLACE}}}}}"
    ).clocks
    assert (clocks["a"].kinds, clocks["a"].to, clocks["a"].case) == (frozenset(), "", Case.ALWAYS)
    assert clocks["b"].kinds == {Kind.DATA_BREACH}
    assert (clocks["b"].to, clocks["b"].case) == ("dpo", Case.SERIOUS)


@pytest.mark.parametrize("keeper", ["referrals", "media", "sign_outs"])
def test_each_register_of_the_product_can_keep_what_a_document_wants(keeper: str) -> None:
    found = handbook(f"registers: {{b: {{title: B, kept_by: {keeper}, {PLACE}}}}}")
    assert found.registers["b"].kept_by == keeper


def test_a_chain_may_be_for_one_audience_and_a_place_may_have_no_line() -> None:
    found = handbook("chains: {c: {audience: staff, section: s, says: x, steps: [{to: dpo, within: 1 h}]}}").chains[
        "c"
    ]
    assert (found.audience, found.cites.line) == (Audience.STAFF, 0)


def test_clocks_registers_retention_reviews_measures_and_procedures_are_read() -> None:
    found = handbook(
        f"clocks: {{r: {{title: Regulator, from: awareness, length: 72 h, {PLACE}}}}}\n"
        f"registers: {{b: {{title: Breaches, kept_by: incidents, {PLACE}}}}}\n"
        f"retention: {{i: {{title: Incidents, length: 7 years, {PLACE}}}, j: {{title: Others, {PLACE}}}}}\n"
        f"reviews: {{e: {{title: Evaluation, every: 1 year, by: [dpo], {PLACE}}}}}\n"
        f"measures: {{m: {{evidence: [schoolgate_record_rows], {PLACE}}}}}\n"
        f"procedures: {{q: {{title: Illegal, steps: [Stop, Call], contacts: [Police], {PLACE}}}}}\n"
        "coverage: {NL-01: {how: logs, by: The record}}\n"
    )
    assert (found.clocks["r"].starts, found.clocks["r"].length) == (Start.AWARENESS, Span(72, Unit.HOURS))
    assert found.registers["b"].kept_by is Keeper.INCIDENTS
    assert (found.retention["i"].length, found.retention["j"].length) == (Span(7, Unit.YEARS), None)
    assert (found.reviews["e"].every, found.reviews["e"].by) == (Span(1, Unit.YEARS), ("dpo",))
    assert found.measures["m"].evidence == ("schoolgate_record_rows",)
    assert [str(step) for step in found.procedures["q"].steps] == ["Stop", "Call"]
    assert (found.coverage["NL-01"].means, str(found.coverage["NL-01"].by)) == (Means.LOGS, "The record")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"chains: {{c: {{kinds: [fire], {PLACE}, steps: [{{to: dpo, within: 1 h}}]}}}}", "kinds[0]: found 'fire'"),
        (
            f"chains: {{c: {{{PLACE}, steps: [{{to: head, within: 1 h}}]}}}}",
            "chains.c.steps[0].to: found 'head'; expected a role of this pack",
        ),
        (f"chains: {{c: {{{PLACE}}}}}", "chains.c: found no steps; expected whom to tell first"),
        (
            f"chains: {{c: {{{PLACE}, steps: [{{to: dpo, within: 1 h, case: seriously}}]}}}}",
            "chains.c.steps[0].case: found 'seriously'",
        ),
        (
            f"clocks: {{r: {{title: R, from: awareness, length: 72 h, to: police, {PLACE}}}}}",
            "clocks.r.to: found 'police'; expected a role of this pack",
        ),
        (
            f"clocks: {{r: {{title: R, from: awareness, length: 72 h, case: found, {PLACE}}}}}",
            "clocks.r.case: found 'found'; expected always or serious",
        ),
        (
            f"clocks: {{r: {{title: R, from: awareness, length: 72, {PLACE}}}}}",
            "clocks.r.length: found '72'; expected at once, or a number and a unit",
        ),
        (
            f"reviews: {{e: {{title: E, every: 1 year, by: [nobody], {PLACE}}}}}",
            "by[0]: found 'nobody'; expected dpo",
        ),
        ("coverage: {NL-01: {how: maybe, by: x}}", "coverage.NL-01.how: found 'maybe'; expected one of enforces,"),
        (
            f"chains: {{c: {{audience: parent, {PLACE}, steps: [{{to: dpo, within: 1 h}}]}}}}",
            "audience: found 'parent'",
        ),
        ("statements: {x: {section: a, line: 1}}", "statements.x: found no says; expected the key says"),
    ],
)
def test_each_fault_has_a_place_and_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        handbook(text)
    assert sentence in str(caught.value)


def test_nobody_is_outside_and_holds_a_role() -> None:
    with pytest.raises(ConfigurationError, match="somebody outside who holds a role"):
        parse_pack(
            f"{HEAD}roles: {{x: {{title: X, holds: auditor, outside: true, {PLACE}}}}}", file="p.yaml", categories=()
        )
