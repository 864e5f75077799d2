"""Facts of rows in words: every one that the source writes has some, and instants are on the clock of the school."""

from typing import Any

import pytest
from facts_of_record import facts_written

from agent.console.registers.record_facts import MOST_CHARACTERS, MOST_FACTS, FactWords
from agent.texts import load_texts

# What proves a row is shown to nobody.
PROOFS = {"sha256"}
ENGLISH = FactWords(load_texts("en"), "Europe/London", actions={"refer_head": "Tell the head"})


@pytest.mark.parametrize("name", sorted(facts_written() - PROOFS))
def test_each_fact_that_is_written_has_words_in_every_language(name: str) -> None:
    raw = name.replace("_", " ")
    assert FactWords(load_texts("ja"), "Europe/London").title(name) not in (name, raw) or name == "id"


def test_the_source_is_really_read() -> None:
    assert {
        "is_serious",
        "from_at",
        "seconds_ahead",
        "counts",
        "climbed",
        "purge_on",
        "opens",
        "unconfirmed",
    } <= facts_written()


@pytest.mark.parametrize(
    ("kind", "name", "value", "written"),
    [
        ("incident_accepted", "is_serious", False, ("serious", "no")),
        ("incident_accepted", "level", "person", ("about", "a person")),
        ("incident_step_done", "action", "refer_head", ("action", "Tell the head")),
        ("incident_accepted", "deliberate", "accidental", ("what somebody thinks it was", "by accident")),
        ("incident_accepted", "kind", "gambling", ("what it is about", "gambling")),
        (
            "override_requested",
            "from_at",
            "2026-07-01T08:00:00.000000+00:00",
            ("begins", "Wednesday 1 July 2026, 09:00"),
        ),
        ("override_requested", "lifts", ["gambling", "games"], ("what is opened", "Gambling and Games")),
        ("override_requested", "audiences", ["pupil"], ("for whom", "pupils")),
        ("filter_change_approved", "review_on", "2026-07-01", ("looked at again on", "1 Jul 2026")),
        ("filter_change_approved", "source", "api", ("where it comes from", "the console")),
        ("people_imported", "source", "csv", ("where it comes from", "from a CSV file")),
        ("people_changed", "roles", ["teacher"], ("roles", "teacher")),
        ("people_changed", "change", "class_set", ("what was changed", "a class was set")),
        ("record_signed_off", "counts", {"signed_in": 3}, ("how many of what", "Signed in: 3")),
        ("filter_changed_on_disk", "opens", {"hall": ["gambling"]}, ("what it opens", "hall: Gambling")),
        ("sign_in_refused", "why", "locked", ("why", "too many attempts, locked for a while")),
        ("device_approved", "state", "active", ("how it stands", "in use")),
        (
            "rule_refused",
            "wanted",
            "read_record or export_record",
            ("right that was missing", "read the record; take the record away as a file"),
        ),
        ("register_read", "register", "accesses", ("register", "Who looked at what")),
        ("incident_decision_undone", "undone", "incident_accepted", ("decision taken back", "Case: It was accepted")),
        ("moon_rose", "moon_phase", "full", ("moon phase", "full")),
        ("incident_accepted", "level", "<b>", ("about", "<b>")),
    ],
)
def test_a_fact_is_written_in_words(kind: str, name: str, value: Any, written: tuple[str, str]) -> None:
    assert ENGLISH.facts(kind, {name: value}) == [written]


def test_what_is_empty_or_only_proves_is_left_out_and_what_is_long_is_cut() -> None:
    assert ENGLISH.facts("people_changed", {"roles": [], "sha256": "ab", "evidence": "cd", "title": ""}) == []
    ((_, value),) = ENGLISH.facts("people_changed", {"title": "a" * 999})
    assert len(value) == MOST_CHARACTERS
    assert len(ENGLISH.facts("people_changed", {f"n{number}": 1 for number in range(99)})) == MOST_FACTS
