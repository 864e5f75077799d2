"""What a reviewer sees of the record: the filter and the record whole, of people and requests that something was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.record.reviewed_rows import WITHHELD, is_of_requests, reviewed, reviewed_kind
from agent.storage.record import Entry

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def row(kind: str, **facts: Any) -> Entry:
    return Entry(7, NOW, kind, "p1", "x4", facts, None, is_erased=True)


@pytest.mark.parametrize(
    "kind",
    [
        "override_requested",
        "override_used",
        "override_broke_glass",
        "suspension_agreed",
        "suspension_ended",
        "rules_answered",
    ],
)
def test_a_row_about_a_request_tells_only_that_there_was_something(kind: str) -> None:
    assert is_of_requests(kind)
    assert reviewed(row(kind, names=["bet.example"])) == Entry(7, NOW, WITHHELD, "", "", {}, None, is_erased=False)


@pytest.mark.parametrize(
    "kind", ["signed_in", "people_changed", "medium_lost", "rule_refused", "register_read", "new"]
)
def test_a_row_about_people_and_their_things_tells_what_happened_and_to_nobody(kind: str) -> None:
    assert not is_of_requests(kind)
    assert reviewed(row(kind, label="Zoë")) == Entry(7, NOW, kind, "", "", {}, None, is_erased=False)


@pytest.mark.parametrize(
    "kind", ["filter_change_approved", "filter_off_without_record", "record_verified", "rows_lost", "gateway_started"]
)
def test_what_the_filter_and_the_record_went_through_is_told_whole(kind: str) -> None:
    assert reviewed(row(kind, networks=["classrooms"])) == row(kind, networks=["classrooms"])


def test_what_somebody_counted_by_kind_is_added_up() -> None:
    counts = {"override_approved": 1, "override_refused": 2, "rules_answered": 1, "signed_in": 4}
    assert reviewed(row("record_signed_off", counts=counts, remark="Seen.")).facts == {
        "counts": {WITHHELD: 4, "signed_in": 4},
        "remark": "Seen.",
    }
    assert reviewed_kind("override_approved") == WITHHELD
