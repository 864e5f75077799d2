"""Entries of a timeline in words: what is known has words, what is not comes out as it is kept."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_of_test import NOW, incident_of_test

import agent
from agent.console.incidents.timeline_words import Fact, entry_in_words, facts_in_words
from agent.storage.timeline_rows import Entry
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident import State
from rules.incident_kind import Risk
from rules.observation import Confidence, Place

ENGLISH = load_texts("en")
INCIDENT = incident_of_test(risk=Risk.CONDUCT, confidence=Confidence.B, state=State.CANDIDATE, place=Place.ON_SITE)


def facts(content: dict[str, Any], personal: dict[str, Any] | None = None, language: str = "en") -> list[Fact]:
    entry = Entry(NOW, "observed", "system", content, personal)
    return facts_in_words(entry, INCIDENT, load_texts(language), "Europe/London")


@pytest.mark.parametrize(
    ("kept", "fact"),
    [
        ({"category": "gambling"}, Fact("category", "Gambling")),
        ({"category": "no such"}, Fact("category", "no such")),
        ({"source": "endpoint"}, Fact("how it is known", "a school laptop told it")),
        ({"kind": "games"}, Fact("what it is about", "games")),
        ({"place": "off_site"}, Fact("where", "outside the school")),
        ({"dismissal": "test"}, Fact("why it was none", "somebody tried out the filter")),
        ({"in_lesson": True}, Fact("during a lesson", "")),
        ({"times": 7}, Fact("times", "7")),
        ({"is_never_heard_of": "x"}, Fact("never heard of", "x")),
        ({"due_at": "2026-07-02T09:15:00+00:00"}, Fact("due", "Thursday 2 July 2026, 10:15")),
        ({"expires_on": "2027-02-26"}, Fact("counts until", "26 February 2027")),
        ({"crypt": "plain"}, Fact("encryption", "not encrypted")),
        ({"keeps": ["a", "b"]}, Fact("what they kept", "a and b", is_name=True)),
        ({"letter": "parents"}, Fact("letter", "Letter to parents or carers")),
        ({"language": "ja"}, Fact("language", "日本語")),
        ({"happened": "potential"}, Fact("what happened", "Not yet, but I am worried")),
        ({"x": {"a": 1, "b": "c"}}, Fact("x", "a: 1; b: c")),
        ({"evidence": json.dumps([{"source": "s", "value": 1}])}, Fact("signs", "s 1")),
        ({"evidence": "[" * 5_000}, Fact("signs", ("[" * 5_000)[:2_000])),
    ],
)
def test_a_fact_in_words(kept: dict[str, Any], fact: Fact) -> None:
    assert facts(kept) == [fact]


def test_what_the_head_of_the_page_says_already_and_what_says_nothing_is_left_out() -> None:
    content = {"kind": "gambling", "place": "on_site", "confidence": "B", "times": 1, "is_weak": False, "row": ""}
    assert facts(content, {"name": "bet.example"}) == [Fact("name", "bet.example", is_name=True)]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["kind", "category", "evidence", "of", "due_at", "x"]), ANYTHING))
def test_whatever_is_kept_can_be_shown(kept: dict[str, Any]) -> None:
    for fact in facts(kept):
        assert isinstance(fact.value, str)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_enters_a_timeline_has_words(language: str) -> None:
    root = Path(agent.__file__).parent
    entered = {"observed"}
    for file in (*root.glob("incidents/incident*.py"),):
        entered |= set(re.findall(r'^[A-Z]+\b.*?= "(incident_[a-z_]+)"', file.read_text("utf-8"), re.MULTILINE))
        entered |= set(re.findall(r'Move\.[A-Z]+: "(incident_[a-z_]+)"', file.read_text("utf-8")))
    noted_alone = {
        "incident_viewed",
        "incident_confidential",
        "incident_letter_read",
        "incident_unseal_asked",
        "incident_metadata_viewed",
        "incident_withheld",
    }
    texts = load_texts(language)
    for what in sorted(entered - noted_alone):
        assert entry_in_words(what, texts) != what.removeprefix("incident_").replace("_", " "), what


def test_one_case_that_was_accepted_is_one_in_french() -> None:
    assert entry_in_words("incident_accepted", load_texts("fr")) == "Retenu"


def test_what_nobody_has_words_for_comes_out_as_it_is_written() -> None:
    assert entry_in_words("incident_painted_green", ENGLISH) == "painted green"
