"""What an event says of how a laptop is now."""

from typing import Any

import pytest

from agent.fleet.batch_reader import ReadEvent
from agent.fleet.fleet_states import Change, changes_of

STICK = {"device": "sdb1", "insertion": "7"}


@pytest.mark.parametrize(
    ("kind", "priority", "facts", "expected"),
    [
        ("media_inserted", 0, STICK, [Change("media", "sdb1#7")]),
        ("media_present", 1, STICK, [Change("media", "sdb1#7")]),
        ("media_removed", 1, STICK, [Change("media", "sdb1#7", is_over=True)]),
        ("media_unclean", 1, STICK, [Change("media", "sdb1#7", is_over=True)]),
        ("service_started", 1, {}, [Change("media", "", is_over=True)]),
        ("heartbeat", 3, {}, [Change("heartbeat", "")]),
        ("posture", 1, {"check": "firewall"}, [Change("posture", "firewall")]),
        ("resolver", 1, {}, [Change("resolver", "")]),
        ("filter", 1, {"seen": "not_ours"}, [Change("filter", "")]),
        ("writes", 2, {"device": "sdb1"}, []),
        ("bypass", 0, {}, []),
        ("from_the_future", 1, {"key": ["odd"]}, [Change("from_the_future", "['odd']")]),
    ],
)
def test_what_changes(kind: str, priority: int, facts: dict[str, Any], expected: list[Change]) -> None:
    event = ReadEvent(1, 0.0, 0.0, "b", kind, priority, facts, "{}", b"")
    assert list(changes_of(event)) == expected
