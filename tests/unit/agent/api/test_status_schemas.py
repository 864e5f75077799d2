"""How things stand, as it goes out: every part that is not for everybody can be left out."""

from datetime import UTC, datetime

from agent.api.status_schemas import RecordTold, StatusTold, Waiting
from agent.record.record_status import RecordStatus

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def test_whoever_may_know_nothing_is_told_that_filtering_is_on() -> None:
    told = StatusTold(
        at=NOW,
        suspensions=[],
        emergencies=[],
        waiting=Waiting(overrides=None, suspensions=None, filter_changes=None),
        approvers=None,
        filter=None,
        record=None,
        in_force=None,
    ).model_dump(mode="json")
    assert told["at"] == "2026-03-02T09:15:00Z"
    assert [part for part, value in told.items() if value is None] == [
        "approvers",
        "beginning",
        "filter",
        "record",
        "in_force",
        "observing",
    ]


def test_the_record_is_told_as_it_stands() -> None:
    stands = RecordStatus(rows=7, verified_at=NOW, is_intact=False, fault="row 5 was altered", anchored_at=None)
    told = RecordTold.model_validate(stands)
    assert (told.rows, told.verified_at, told.is_intact) == (7, NOW, False)
    assert (told.fault, told.anchored_at) == ("row 5 was altered", None)
