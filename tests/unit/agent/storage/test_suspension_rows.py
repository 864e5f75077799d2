"""Suspensions come out of the file as they went in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from granting import MORNING, Granting

from agent.storage.suspension_rows import FiledSuspension, read_suspension, read_suspensions, write_suspension
from rules.suspension import Extent, State, Suspension

EVERYTHING = Suspension(
    id="s1",
    requester="manager",
    extent=Extent(networks=frozenset({"library"}), groups=frozenset({"year5", "year6"})),
    reason="<i>'because'</i>",
    state=State.ENDED,
    requested_at=MORNING,
    from_at=MORNING + timedelta(microseconds=1),
    until_at=MORNING + timedelta(hours=1),
    agreed_by="head",
    ended_at=MORNING + timedelta(hours=1),
)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def write(school: Granting, *filed: FiledSuspension) -> None:
    with school.store.act() as act:
        for each in filed:
            write_suspension(act.database, each)


@pytest.mark.parametrize(
    "suspension",
    [
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(
            replace(EVERYTHING, extent=Extent(is_for_school=True), agreed_by=None, ended_at=None), id="for-the-school"
        ),
    ],
)
def test_what_is_written_is_read(school: Granting, suspension: Suspension) -> None:
    filed = FiledSuspension(suspension, 3)
    write(school, filed)
    with school.store.read() as database:
        assert read_suspension(database, "s1") == filed
        assert read_suspension(database, "s2") is None


def test_what_a_list_is_restricted_to(school: Granting) -> None:
    newer = replace(EVERYTHING, id="s2", state=State.WAITING, requested_at=MORNING + timedelta(minutes=1))
    first, second = FiledSuspension(EVERYTHING, 1), FiledSuspension(newer, 1)
    write(school, FiledSuspension(replace(EVERYTHING, reason="before"), 1), first, second)
    with school.store.read() as database:
        assert read_suspensions(database) == [second, first]
        assert read_suspensions(database, states=(State.WAITING,)) == [second]
        assert read_suspensions(database, until_after=EVERYTHING.until_at) == []
        assert read_suspensions(database, limit=1, offset=1) == [first]
