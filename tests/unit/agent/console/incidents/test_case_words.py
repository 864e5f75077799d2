"""What is known of an incident in words: every code of every closed set has some, in four languages."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from storage_of_test import incident_of_test

from agent.console.incidents.case_words import CaseWords
from agent.storage.letter_rows import LetterKind
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.sanction import Step
from rules.steps import StepState
from rules.subject import Audience

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def incident(confidence: Confidence = Confidence.B, level: Level = Level.PERSON, intent: int = 70) -> Incident:
    return incident_of_test(
        level=level,
        confidence=confidence,
        state=State.CANDIDATE,
        intent=intent,
        reasons=(Reason("sites", 40, {"sites": 9, "minutes": 6}),),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words_of_its_own_in_every_language(language: str) -> None:
    words = CaseWords(load_texts(language))
    tables: list[tuple[Callable[..., str], Iterable[object]]] = [
        (words.kind, Kind),
        (words.state, State),
        (words.track, Track),
        (words.track_means, Track),
        (words.audience, Audience),
        (words.place, Place),
        (words.risk, Risk),
        (words.deliberate, Intent),
        (words.dismissal, Dismissal),
        (words.step_state, StepState),
        (words.step, Step),
        (words.letter, LetterKind),
        (words.standing, ("holds", "expired", "withdrawn")),
        (words.confidence, map(incident, Confidence)),
        (words.weight, (incident(intent=intent) for intent in (0, 70, 90))),
    ]
    for word, codes in tables:
        found = [word(code) for code in codes]
        assert len(set(found)) == len(found), found


def test_what_is_about_a_device_accuses_nobody() -> None:
    words = CaseWords(load_texts("en"))
    assert "nobody is known" in words.confidence(incident(Confidence.A, Level.DEVICE))
    assert words.confidence(incident(Confidence.D, Level.DEVICE)).startswith("D:")


def test_what_was_not_weighed_has_no_weight() -> None:
    told = Incident(
        **{name: getattr(incident(), name) for name in Incident.__slots__} | {"reasons": (Reason("report"),)}
    )
    assert CaseWords(load_texts("en")).weight(told) == ""


def test_a_reason_without_its_numbers_comes_out_as_it_is_written() -> None:
    assert CaseWords(load_texts("en")).reason(Reason("row", 5), Kind.GAMBLING) == "row"


@pytest.mark.parametrize("subject", ["report-7a", "heads-7a"])
def test_a_report_that_named_nobody_is_about_nobody_known(subject: str) -> None:
    told = replace(incident(Confidence.D, Level.DEVICE), subject=subject)
    words = CaseWords(load_texts("en"))
    assert (words.subject(told), words.confidence(told)) == ("", "D: nobody has said who it was.")
    assert words.subject(incident()) == "p-x"
    assert words.confidence(incident(Confidence.D, Level.DEVICE)).startswith("D: only a device is known")
