"""Which half of a laptop is silent, and when nobody can say so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.silence import Halves, Silence, silence_of

NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def halves(**changes: Any) -> Halves:
    """Give a laptop that is heard, and has asked nothing for an hour while others did."""
    values: dict[str, Any] = {
        "heard_at": NOW - 2 * MINUTE,
        "here_since": NOW - 90 * MINUTE,
        "asked_at": NOW - 60 * MINUTE,
        "told_at": NOW - MINUTE,
        "others": 4,
        "is_certain": True,
    }
    return Halves(**{**values, **changes})


AWAY = {"heard_at": NOW - 80 * MINUTE, "asked_at": NOW - MINUTE}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, Silence.NO_QUESTIONS, id="it-is-on-and-asks-nothing-any-more"),
        pytest.param({"asked_at": NOW - 5 * MINUTE}, None, id="it-has-asked-of-late"),
        pytest.param({"asked_at": None}, None, id="it-never-asked-here"),
        pytest.param({"others": 0}, None, id="nobody-asks-so-it-is-us"),
        pytest.param({"here_since": NOW - 5 * MINUTE}, None, id="it-has-just-come"),
        pytest.param(
            {"asked_at": NOW - 31 * MINUTE, "told_at": NOW - 2 * MINUTE},
            None,
            id="it-may-have-asked-since-that-was-told",
        ),
        pytest.param(
            {"here_since": NOW - 31 * MINUTE, "told_at": NOW - 2 * MINUTE},
            None,
            id="half-an-hour-after-it-came-was-not-told-of-yet",
        ),
        pytest.param(
            {"asked_at": NOW - 5 * MINUTE, "told_at": NOW + 60 * MINUTE}, None, id="no-clock-makes-it-longer"
        ),
        pytest.param(AWAY, Silence.NO_WORD, id="it-asks-and-tells-nothing-any-more"),
        pytest.param({**AWAY, "is_certain": False}, None, id="the-address-may-be-another-device's-by-now"),
        pytest.param({**AWAY, "asked_at": NOW - 79 * MINUTE}, None, id="it-was-switched-off"),
        pytest.param({**AWAY, "heard_at": NOW - 20 * MINUTE}, None, id="it-has-been-away-for-a-moment"),
    ],
)
def test_which_half_is_silent(changes: dict[str, Any], expected: Silence | None) -> None:
    found = silence_of(halves(**changes), now=NOW, after=30 * MINUTE, heartbeat=5 * MINUTE)
    assert found is expected
