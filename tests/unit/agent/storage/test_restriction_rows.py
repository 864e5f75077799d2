"""Restrictions come out of the file as they went in."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage_of_test import ANOTHER, INCIDENT, NOW, store_with_incidents

from agent.storage.restriction_rows import (
    Restriction,
    read_restriction,
    read_restrictions,
    read_running,
    write_restriction,
)

RUNNING = Restriction(
    id="r1",
    incident=INCIDENT,
    step=7,
    groups=frozenset({"year5", "club"}),
    devices=frozenset({"02:00:00:00:00:07"}),
    from_at=NOW,
    until_at=NOW + timedelta(days=7),
    review_on=NOW.date(),
)
OVER = replace(RUNNING, id="r2", from_at=NOW + timedelta(hours=1), ended_at=NOW + timedelta(days=1), ended_by="p1")
OTHER = replace(RUNNING, id="r3", incident=ANOTHER, groups=frozenset())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with closing(store_with_incidents(tmp_path)) as store:
        with store.act() as act:
            for each in (OVER, RUNNING, OTHER):
                write_restriction(act, each)
        with store.read() as database:
            assert read_restrictions(database, INCIDENT) == [RUNNING, OVER]
            assert read_running(database) == [RUNNING, OTHER]
            assert read_restriction(database, "r2") == OVER
            assert read_restriction(database, "r9") is None
