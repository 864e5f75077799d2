"""What is followed within one act: written once, at its end, and undone as far as it was marked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.storage.case_rows import Case, read_case, read_cases_of, write_case
from agent.storage.held_cases import HeldCases
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
STICK = Case("laptop1", "media b sdb1#17", {"files": 1}, 7.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with opened.act() as act:
        write_case(act, STICK)
        write_case(act, Case("laptop1", "laptop", {"told": {}}))
    yield opened
    opened.close()


def on_file(store: StateStore, key: str = STICK.key) -> Case | None:
    with store.read() as database:
        return read_case(database, "laptop1", key)


def test_only_what_has_the_beginning_is_held(store: StateStore) -> None:
    with store.act() as act:
        held = HeldCases(act, "media ")
        assert held.read_all("laptop1") == [STICK]
        assert (held.read("laptop1", "laptop"), held.read_all("laptop2")) == (None, [])


def test_it_is_written_at_the_end_and_not_before(store: StateStore) -> None:
    with store.act() as act:
        held = HeldCases(act, "media ")
        for files in range(50):
            held.write(Case("laptop1", STICK.key, {"files": files}))
        held.write(Case("laptop1", "media a", {}))
        assert [each.key for each in held.read_all("laptop1")] == ["media a", STICK.key]
        assert read_cases_of(act.database, "laptop1")[1:] == [STICK]
        held.end()
    assert on_file(store) == Case("laptop1", STICK.key, {"files": 49})
    assert on_file(store, "media a") is not None


def test_what_is_deleted_is_gone_at_the_end(store: StateStore) -> None:
    with store.act() as act:
        held = HeldCases(act, "media ")
        held.delete("laptop1", STICK.key)
        held.delete("laptop1", "media never")
        assert held.read("laptop1", STICK.key) is None
        held.end()
    assert on_file(store) is None


def test_what_came_after_the_mark_is_undone(store: StateStore) -> None:
    with store.act() as act:
        held = HeldCases(act, "media ")
        held.write(Case("laptop1", STICK.key, {"files": 2}))
        held.mark()
        held.write(Case("laptop1", STICK.key, {"files": 3}))
        held.delete("laptop1", STICK.key)
        held.write(Case("laptop1", "media new", {}))
        held.undo()
        held.end()
    assert on_file(store) == Case("laptop1", STICK.key, {"files": 2})
    assert on_file(store, "media new") is None


def test_what_becomes_of_a_content_afterwards_is_not_kept(store: StateStore) -> None:
    content = {"files": 5}
    with store.act() as act:
        held = HeldCases(act, "media ")
        held.write(Case("laptop1", STICK.key, content))
        content["files"] = 6
        held.end()
    assert on_file(store) == Case("laptop1", STICK.key, {"files": 5})
