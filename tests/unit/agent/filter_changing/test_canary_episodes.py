"""Episodes as the record tells them, whoever reads it and however often."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.filter_changing.canary_episodes import (
    FOUND,
    OFF,
    ON_AGAIN,
    Cause,
    Episodes,
    Place,
    facts_of_places,
    facts_off,
)
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PUPILS, STAFF, CHESS = Place("pupils"), Place("staff"), Place("pupil+chess", is_profile=True)


class Record:
    """A record, and the episodes that were read from it."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self.episodes = Episodes()

    def note(self, kind: str, facts: dict[str, Any]) -> None:
        with self.store.act() as act:
            act.note(kind, actor="system", facts=facts)
        self.read(self.episodes)

    def read(self, episodes: Episodes) -> Episodes:
        with self.store.read() as database:
            episodes.read(database)
        return episodes

    def off(self, *places: Place, categories: set[str], cause: Cause = Cause.WORKERS) -> None:
        self.note(OFF, facts_off(cause, places, categories, workers={1, 0}, since=NOW))

    def on_again(self, *places: Place, cause: Cause = Cause.WORKERS) -> None:
        self.note(ON_AGAIN, facts_of_places(cause, places))

    def found(self, opens: dict[str, list[str]], *, switches_off: list[str]) -> None:
        self.note(FOUND, {"opens": opens, "switches_off": switches_off})


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield Record(store)
    store.close()


def test_a_row_says_what_where_since_when_and_by_whom() -> None:
    facts = facts_off(Cause.WORKERS, (STAFF, CHESS, PUPILS), {"games", "chat"}, workers={1, 0}, since=NOW)
    assert facts == {
        "cause": "workers",
        "networks": ["pupils", "staff"],
        "profiles": ["pupil+chess"],
        "categories": ["chat", "games"],
        "workers": [0, 1],
        "since": "2026-03-02T09:15:00+00:00",
        "is_without_lists": False,
    }


def test_an_episode_begins_grows_and_ends_place_by_place(record: Record) -> None:
    assert record.episodes.count() == 0
    record.off(PUPILS, CHESS, categories={"games"})
    record.off(PUPILS, categories={"chat"})
    assert record.episodes.told == {
        (Cause.WORKERS, PUPILS): {"games", "chat"},
        (Cause.WORKERS, CHESS): {"games"},
    }
    assert record.episodes.count() == 3
    record.on_again(PUPILS)
    assert record.episodes.places(Cause.WORKERS) == [CHESS]
    record.on_again(CHESS)
    assert record.episodes.told == {}


def test_causes_begin_and_end_each_for_itself_and_a_canary_counts_once(record: Record) -> None:
    record.off(PUPILS, categories={"games"})
    record.off(PUPILS, categories={"games", "chat"}, cause=Cause.SITE_FILE)
    assert record.episodes.count() == 2
    record.on_again(PUPILS)
    assert record.episodes.places(Cause.SITE_FILE) == [PUPILS]


def test_a_site_file_that_switches_off_is_untold_until_an_episode_tells_of_it(record: Record) -> None:
    record.found({"pupils": ["chat", "games"], "staff": ["chat"]}, switches_off=["pupils"])
    assert {network: each.categories for network, each in record.episodes.untold.items()} == {
        "pupils": {"chat", "games"}
    }
    assert record.episodes.untold["pupils"].since == NOW
    record.off(PUPILS, categories={"chat", "games"}, cause=Cause.SITE_FILE)
    assert record.episodes.untold == {}


def test_rows_of_other_kinds_and_older_ones_say_nothing(record: Record) -> None:
    record.note(FOUND, {"approved_by": None, "is_first": True})
    record.note("filter_change_approved", {"switches_off": ["pupils"]})
    assert (record.episodes.told, record.episodes.untold) == ({}, {})


def test_who_reads_it_all_at_once_knows_the_same(record: Record) -> None:
    record.off(PUPILS, STAFF, categories={"games"})
    record.found({"staff": ["chat"]}, switches_off=["staff"])
    record.on_again(STAFF)
    afresh = record.read(Episodes())
    assert afresh.told == record.episodes.told == {(Cause.WORKERS, PUPILS): {"games"}}
    assert afresh.untold == record.episodes.untold
