"""What commands about incidents share: a case by its number, how it reads, and days."""

from datetime import date

import pytest

from agent.commands.cli_cases import facts_of, read_day, what_of, whom_of
from agent.commands.cli_times import Clock
from rules.errors import ConfigurationError

CASE = {
    "number": 12,
    "state": "candidate",
    "is_held": False,
    "track": "ordinary",
    "kind": "self_harm",
    "risk": "content",
    "place": "off_site",
    "audience": "pupil",
    "subject": "p-abcd",
    "level": "person",
    "confidence": "B",
    "intent": 40,
    "is_background": True,
    "row": None,
    "rows": ["P02", "P04"],
    "opened_at": "2026-11-23T10:00:00Z",
    "last_at": "2026-11-23T10:00:00Z",
    "filed_at": "2026-11-23T10:00:10Z",
    "aware_at": "2026-11-23T10:00:10Z",
    "is_serious": None,
    "decide_by": None,
    "decided_by": None,
    "decided_at": None,
    "deliberate": None,
    "dismissal": None,
    "closed_at": None,
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, "self harm", id="the-usual-way"),
        pytest.param({"track": "safeguarding"}, "self harm (safeguarding)", id="another-way"),
    ],
)
def test_what_a_case_is_about(changes: dict[str, str], told: str) -> None:
    assert what_of(CASE | changes) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, "pupil p-abcd, person, confidence B", id="a-person-by-pseudonym"),
        pytest.param({"subject": ""}, "pupil, nobody known", id="nobody"),
        pytest.param({"subject": "", "track": "sealed"}, "pupil", id="sealed"),
    ],
)
def test_whom_a_case_is_about(changes: dict[str, str], told: str) -> None:
    assert whom_of(CASE | changes) == told


def test_what_is_known_of_a_case() -> None:
    told = dict(facts_of(CASE, Clock("Europe/London")))
    assert (told["case"], told["intent"], told["proposed"]) == ("12: candidate", "40 of 100, background", "P02, P04")
    assert told["happened"] == "Mon 2026-11-23 10:00"
    assert dict(facts_of(CASE | {"row": "P02"}, Clock("UTC")))["proposed"] == ""


def test_a_day() -> None:
    assert read_day("--on", "2026-11-23") == date(2026, 11, 23).isoformat()
    assert read_day("--on", None) is None
    with pytest.raises(ConfigurationError, match="--on: found 'soon'"):
        read_day("--on", "soon")
