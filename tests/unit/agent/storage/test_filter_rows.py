"""Versions of the filter come out of the store as they went in."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.storage.filter_rows import (
    Source,
    State,
    Version,
    next_number,
    read_in_state,
    read_version,
    read_versions,
    write_version,
)
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
FULL = Version(
    number=1,
    at=NOW,
    source=Source.API,
    state=State.APPROVED,
    text="policies: {é: {block: games}}",
    hash="ab",
    changes=("One.", "Two."),
    drafted_by="p1",
    approved_by="p2",
    reason="A reason.",
    review_on=date(2026, 9, 1),
    owner="p3",
    restores=7,
    overlay="a",
    in_force="b",
    origins={"policies.é": 1},
    fault="c",
    path="/nowhere/site.yaml",
    os_user="root",
    decided_at=NOW,
    decision_reason="Another.",
    is_review_told=True,
)
BARE = Version(2, NOW, Source.DISK, State.ON_DISK, "", "cd", ())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield store
    store.close()


def test_a_version_comes_out_as_it_went_in(store: StateStore) -> None:
    with store.act() as act:
        assert next_number(act.database) == 1
        for version in (FULL, BARE):
            write_version(act.database, version)
    with store.read() as database:
        assert [read_version(database, number) for number in (1, 2, 3)] == [FULL, BARE, None]
        assert read_versions(database) == [BARE, FULL]
        assert read_versions(database, limit=1) == [BARE]
        assert read_versions(database, before=2) == [FULL]
        assert read_versions(database, before=1) == []
        assert read_versions(database, states=[State.APPROVED]) == [FULL]
        assert read_in_state(database, State.ON_DISK) == BARE
        assert read_in_state(database, State.DRAFTED) is None
        assert next_number(database) == 3


def test_writing_a_version_again_says_what_has_become_of_it(store: StateStore) -> None:
    with store.act() as act:
        write_version(act.database, FULL)
        write_version(act.database, replace(FULL, state=State.SUPERSEDED))
        assert [each.state for each in read_versions(act.database)] == [State.SUPERSEDED]


@pytest.mark.parametrize("state", sorted(set(State) - {State.DRAFTED, State.ON_DISK}))
def test_every_move_leads_further(state: State) -> None:
    assert replace(FULL, state=state).step > replace(FULL, state=State.DRAFTED).step
    assert replace(FULL, state=State.SUPERSEDED).step > replace(FULL, state=State.APPROVED).step
