"""The answer of the service, as a teacher reads it."""

from typing import Any

import pytest
from facts_of_test import STICK, WRITES

from agent.endpoint.local_status import _COVERAGE, _NO_SIGNATURES, _SIGNATURES, _SOURCES
from agent.endpoint.notice_texts import LANGUAGES, endpoint_texts
from agent.endpoint.status_words import StatusWords

POLICY = {
    "version": 0,
    "expires": 0,
    "is_expired": False,
    "fault": "",
    "warnings": [],
    "file_names": "hashed",
    "file_names_reason": "",
}
FOUND: dict[str, Any] = {
    "device": "d1",
    "standing": "active",
    "code": "",
    "gateway": "https://gate:8443",
    "last_contact": 0.0,
    "started_at": 50.0,
    "heard_before": 0.0,
    "problem": "",
    "policy_problem": "",
    "waiting": 0,
    "oldest_seconds": 0.0,
    "missing": 0,
    "quarantined": 0,
    "spool_usable": True,
    "policy": POLICY,
    "account": "theo",
    "helper": True,
    "filter": {"seen": "", "open": [], "asked_at": None},
    "usage": {"cpu_average": 0.004, "rss_bytes": 61_000_000},
    "agent": "0.1.0",
    "collectors": [],
    "recorded": [],
}
ROW = {
    "name": "file_writes",
    "health": "ok",
    "why": "",
    "looked_seconds_ago": 12.0,
    "sees": "how much is written to such media, and what kinds of files",
    "cannot": ["what is in a file", "devices as they happen: Permission denied", "what a newer service cannot see"],
}


def words(language: str = "en") -> StatusWords:
    return StatusWords(endpoint_texts(language), lambda at: f"@{at:g}")


def facts(**more: Any) -> dict[str, str]:
    return {name: value for name, value in words().facts({**FOUND, **more}) if name and value}


def test_how_it_stands() -> None:
    assert facts() == {
        "laptop": "d1, let in",
        "gateway": "https://gate:8443",
        "last heard": "never",
        "waiting": "nothing",
        "policy": "none yet; what holds without one",
        "file names": "never leave this laptop",
        "you": "theo; whose laptop this is, the register of the gateway says",
        "notices": "a helper shows them",
        "filter": "not asked: nobody knows that this is the school's network",
        "uses": "0.40% of a processor on average, 61 MB of memory",
        "program": "0.1.0",
    }


@pytest.mark.parametrize(
    ("more", "name", "said"),
    [
        pytest.param(
            {"device": "", "standing": "not_enrolled"},
            "laptop",
            "without a name, not enrolled; what is observed waits here",
            id="not-enrolled",
        ),
        pytest.param({"standing": "odd"}, "laptop", "d1, odd", id="another-standing"),
        pytest.param({"last_contact": 60.0, "heard_before": 9.0}, "last heard", "@60", id="heard"),
        pytest.param(
            {"heard_before": 40.0},
            "last heard",
            "not since the service started at @50; before that at @40, as far as was noted",
            id="heard-before-the-start",
        ),
        pytest.param({"heard_before": 55.0}, "last heard", "@55", id="heard-by-another-key-since"),
        pytest.param(
            {"waiting": 9, "oldest_seconds": 7200.0}, "waiting", "events: 9, the oldest for 2 h", id="waiting"
        ),
        pytest.param({"missing": 2}, "lost", "missing at the gateway: 2; put aside: 0", id="lost"),
        pytest.param({"spool_usable": False}, "store", "cannot be used now; only what is urgent is kept", id="store"),
        pytest.param(
            {"policy": {**POLICY, "version": 3, "expires": 70, "is_expired": True}},
            "policy",
            "version 3, until @70 (over; it stays until there is another)",
            id="policy",
        ),
        pytest.param(
            {"policy": {**POLICY, "file_names": "kept", "file_names_reason": "Safeguarding"}},
            "file names",
            "kept as text: Safeguarding",
            id="names-kept",
        ),
        pytest.param(
            {"account": ""}, "you", "no account; whose laptop this is, the register of the gateway says", id="nobody"
        ),
        pytest.param({"helper": False}, "notices", "nobody shows them: no helper runs in a session", id="no-helper"),
        pytest.param(
            {"filter": {"seen": "answered_by_us", "open": ["games"], "asked_at": 60.0}},
            "filter",
            "the school's filter answers this laptop; open that should be closed: games (@60)",
            id="filter",
        ),
    ],
)
def test_what_there_is_to_say(more: dict[str, Any], name: str, said: str) -> None:
    assert facts(**more)[name] == said


def test_problems_stand_below_the_policy() -> None:
    policy = {**POLICY, "warnings": ["One.", "Two."]}
    shown = [value for name, value in words().facts({**FOUND, "policy": policy, "policy_problem": "No."}) if not name]
    assert shown == ["No.", "One.", "Two."]


def test_what_is_looked_at() -> None:
    assert list(words().looks({**FOUND, "collectors": [ROW]})) == [
        "",
        "What is written to them: works; looked 12 s ago",
        "  sees: how much is written to such media, and what kinds of files",
        "  does not see: what is in a file",
        "  does not see: devices as they happen: Permission denied",
        "  does not see: what a newer service cannot see",
    ]
    row = {
        **ROW,
        "name": "new_look",
        "health": "failing",
        "why": "timed_out",
        "looked_seconds_ago": None,
        "cannot": [],
    }
    assert next(line for line in words().looks({**FOUND, "collectors": [row]}) if line) == (
        "new_look: fails: it took too long; has not looked yet"
    )


def test_what_is_recorded_names_media_as_people_do() -> None:
    recorded = [
        {"kind": "media", "name": "sdb1#26", "at": 7.0, "facts": STICK},
        {"kind": "writes", "name": "sdb1#26", "at": 8.0, "facts": {**WRITES, "names": []}},
    ]
    lines = list(words().recorded({**FOUND, "recorded": recorded}))
    assert lines[:3] == [
        "",
        "Recorded now:",
        "  @7  USB stick PUPILS (DataTraveler, 32 GB): not encrypted, can be written to",
    ]
    assert lines[3].startswith("  @8  Files written to USB stick PUPILS (DataTraveler, 32 GB): 3 (3.1 MB)")
    assert list(words().recorded(FOUND)) == ["", "Nothing is recorded yet."]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_what_the_service_can_and_cannot_see_is_said_in_every_language(language: str) -> None:
    sees = [what for what, _cannot in _COVERAGE.values()]
    cannot = [each for _sees, missing in _COVERAGE.values() for each in missing]
    cannot += [*_SOURCES.values(), *_SIGNATURES.values(), _NO_SIGNATURES]
    row = {**ROW, "cannot": cannot}
    here, english = (
        list(words(each).looks({**FOUND, "collectors": [{**row, "sees": what} for what in sees]}))
        for each in (language, "en")
    )
    assert [one for one, other in zip(here, english, strict=True) if one == other and one] == []
