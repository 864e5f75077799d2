"""What every act on the filter leaves behind: the version, its row, and a word to whoever is to know."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.filter_changing.filter_acts import (
    RECORDED_CHANGES,
    TOLD,
    existing,
    facts_of,
    file_version,
    hash_of,
    supersede,
)
from agent.people.attempts import UnknownIdError
from agent.storage.filter_rows import Source, State, Version, read_version
from agent.storage.record import show
from agent.storage.state import Act, StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
VERSION = Version(
    3, NOW, Source.API, State.APPROVED, "a", "ab", ("One.",), review_on=date(2026, 9, 1), owner="p1", restores=1
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield store
    store.close()


@pytest.mark.parametrize("kind", [*sorted(TOLD), "filter_change_withdrawn"])
def test_an_act_is_written_recorded_and_told_at_once(store: StateStore, kind: str) -> None:
    told: list[tuple[Act, str, Version]] = []
    with store.act() as act:
        file_version(
            act,
            VERSION,
            kind,
            actor="p2",
            tell=lambda *what: told.append(what),
            facts={"more": True},
            personal={"reason": "b"},
        )
        assert told == ([(act, kind, VERSION)] if kind in TOLD else [])
    with store.read() as database:
        assert read_version(database, 3) == VERSION
        (row,) = show(database, with_personal=True)
    assert (row.kind, row.actor, row.subject, row.personal) == (kind, "p2", "3", {"reason": "b"})
    assert row.facts == {
        "source": "api",
        "hash": "ab",
        "changes": ["One."],
        "changes_in_all": 1,
        "owner": "p1",
        "review_on": "2026-09-01",
        "restores": 1,
        "more": True,
    }


def test_the_record_keeps_a_bounded_number_of_sentences_for_ever() -> None:
    version = Version(1, NOW, Source.DISK, State.ON_DISK, "", "", tuple(map(str, range(1000))))
    facts = facts_of(version)
    assert (len(facts["changes"]), facts["changes_in_all"]) == (RECORDED_CHANGES, 1000)


def test_what_a_new_version_takes_the_place_of_is_superseded(store: StateStore) -> None:
    with store.act() as act:
        supersede(act, State.APPROVED)
        file_version(act, VERSION, "filter_change_approved", actor="p2", tell=lambda *_: None)
        supersede(act, State.ON_DISK)
        assert existing(act.database, 3).state is State.APPROVED
        supersede(act, State.APPROVED)
        assert existing(act.database, 3).state is State.SUPERSEDED
        with pytest.raises(UnknownIdError, match="no version of the filter with that number"):
            existing(act.database, 4)


def test_the_hash_of_a_text_is_what_anybody_finds() -> None:
    assert hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
