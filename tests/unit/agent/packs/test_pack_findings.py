"""What looks odd in a pack, in words: every kind of it, in four languages."""

import pytest

from agent.packs.pack_findings import spell_finding
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.pack_lint import Finding, NoAction, NoOwner, RepeatWithoutWarning, StaffWeaker, VacantRole
from rules.roles import Role
from rules.sanction import Step
from rules.words import words

SENTENCES: list[tuple[Finding, str]] = [
    (NoOwner("p:1:1", "warning"), "Nobody is to do what the column warning says."),
    (NoAction("p:1:1", "S15"), "Row S15 ticks no action, so nobody would do anything."),
    (
        RepeatWithoutWarning("p:1:1", "P11", ("P13",)),
        "Row P11 is for going on after a warning, and ticks no warning itself; of the other rows only P13 ticks one.",
    ),
    (
        RepeatWithoutWarning("p:1:1", "P11", ("P10", "P13")),
        (
            "Row P11 is for going on after a warning, and ticks no warning itself; of the other rows only P10 and P13"
            " tick one."
        ),
    ),
    (
        RepeatWithoutWarning("p:1:1", "P11", ()),
        (
            "Row P11 is for going on after a warning, but no row of its table ticks one, so nothing would ever lead"
            " to it."
        ),
    ),
    (
        StaffWeaker("p:1:1", "S15", 4, 8, (Step.TECHNICAL, Step.WARN), "P15", 9, 9),
        (
            "Row S15 of the staff ticks 4 of 8 actions and brings in no technical support and does not warn, unlike"
            " row P15 of the pupils, which is about the same and ticks 9 of 9."
        ),
    ),
    (
        VacantRole("p:1:1", Role.SLT, (words(en="Deputy"), words(en="Assistant"))),
        (
            "Nobody at the school has the role of member of the senior leadership team, which this policy calls"
            " Deputy and Assistant."
        ),
    ),
    (
        VacantRole("p:1:1", Role.HEAD_TEACHER, (words(en="Head teacher"),)),
        "Nobody at the school has the role of head teacher.",
    ),
]


@pytest.mark.parametrize(("finding", "sentence"), SENTENCES)
def test_each_finding_is_a_sentence(finding: Finding, sentence: str) -> None:
    assert spell_finding(finding, load_texts("en")) == sentence


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize("finding", [finding for finding, _ in SENTENCES], ids=lambda finding: finding.code)
def test_each_finding_has_words_of_every_language(finding: Finding, language: str) -> None:
    spelt = spell_finding(finding, load_texts(language))
    assert spelt not in [sentence for _, sentence in SENTENCES]
    assert "%" not in spelt


@pytest.mark.parametrize("step", Step)
def test_whatever_a_row_leaves_out_is_said(step: Step) -> None:
    finding = StaffWeaker("p:1:1", "S15", 1, 8, (step,), "P15", 9, 9)
    told = {spell_finding(finding, load_texts(language)) for language in LANGUAGES}
    assert len(told) == len(LANGUAGES)
