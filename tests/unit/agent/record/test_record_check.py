"""The record proved in a process beside: when asked, and by itself once a day."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.record.record_check import DAY_SECONDS, MOST_SECONDS, RETRY_SECONDS, RecordCheck, prove
from agent.storage.anchors import anchor_if_due, keep_last_anchor
from agent.storage.record import Verdict
from agent.storage.state import Act, StateStore
from rules.errors import StorageError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
ROWS = 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    """Give a record of four acts and the anchor of their day."""
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW, busy_seconds=0.05)) as opened:
        for number in range(ROWS - 1):
            note(opened, f"a{number}")
        anchor_if_due(opened)
        keep_last_anchor(opened)
        yield opened


class Watching:
    """A check of a record, with a clock that a test sets."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self.now = 0.0
        self.told: list[int] = []
        self.check = RecordCheck(store, tell=self._tell, monotonic=lambda: self.now)

    def _tell(self, act: Act) -> None:
        self.told.append(act.database.execute("SELECT max(number) FROM audit").fetchone()[0])

    def look_until(self, number: int) -> None:
        """Look until so many checks are on record."""
        until = time.monotonic() + 30
        while len(checks(self.store)) < number:
            assert time.monotonic() < until
            time.sleep(0.01)
            self.check.look()


@pytest.fixture
def watching(store: StateStore) -> Iterator[Watching]:
    made = Watching(store)
    with closing(made.check):
        yield made


def note(store: StateStore, subject: str) -> None:
    with store.act() as act:
        act.note("override_requested", actor="p1", subject=subject, personal={"reason": "news"})


def checks(store: StateStore) -> list[tuple[str, dict[str, Any]]]:
    with store.read() as database:
        rows = database.execute("SELECT kind, facts FROM audit WHERE kind LIKE 'record_%' ORDER BY number").fetchall()
    return [(kind, json.loads(facts)) for kind, facts in rows if kind != "record_anchored"]


def tamper(store: StateStore, *statements: str) -> None:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("DROP TRIGGER IF EXISTS audit_is_never_changed")
        database.execute("DROP TRIGGER IF EXISTS audit_is_never_deleted")
        for statement in statements:
            database.execute(statement)


def test_a_record_is_proved_where_somebody_asks(store: StateStore) -> None:
    assert prove(store.path).verdict == Verdict(ROWS, anchors=2)
    tamper(store, "UPDATE audit SET actor = 'p2' WHERE number = 3")
    assert prove(store.path).verdict == Verdict(2, broken=3, what="Row 3 was altered.")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda path: path.unlink(), "could not be opened", id="no-file"),
        pytest.param(lambda path: path.write_bytes(b"no database" * 999), "is damaged", id="no-database"),
        pytest.param(
            lambda path: path.with_name("last-anchor.txt").write_text("x"), "expected an anchor", id="no-anchor"
        ),
    ],
)
def test_why_it_could_not_be_proved_is_said(
    store: StateStore, spoil: Callable[[Path], object], told: str, tmp_path: Path
) -> None:
    store.close()
    spoil(store.path)
    with pytest.raises(StorageError, match=told):
        prove(store.path)


def test_a_whole_record_is_noted_at_once_and_again_after_a_day(store: StateStore, watching: Watching) -> None:
    watching.look_until(1)
    kind, facts = checks(store)[0]
    assert (kind, facts["rows"], facts["seconds"] < 30) == ("record_verified", ROWS, True)
    watching.now = DAY_SECONDS - 1
    for _ in range(3):
        watching.check.look()
    assert len(checks(store)) == 1
    watching.now = DAY_SECONDS
    watching.look_until(2)
    assert checks(store)[1][1]["rows"] == ROWS + 1
    assert watching.told == []


def test_a_broken_record_is_noted_each_day_and_told_once(store: StateStore, watching: Watching) -> None:
    tamper(store, "UPDATE audit SET actor = 'p2' WHERE number = 3")
    for day in range(2):
        watching.now = day * DAY_SECONDS
        watching.look_until(day + 1)
    for kind, facts in checks(store):
        assert (kind, facts["row"], facts["what"]) == ("record_broken", 3, "Row 3 was altered.")
    assert watching.told == [ROWS + 1], "in the act that noted it first"
    tamper(store, "UPDATE audit SET actor = 'p2' WHERE number = 2")
    watching.now = 2 * DAY_SECONDS
    watching.look_until(3)
    assert len(watching.told) == 2, "that is another fault"


def test_a_proof_holds_nobody_up(store: StateStore, watching: Watching) -> None:
    watching.check.look()
    note(store, "while it is under way")
    watching.look_until(1)
    assert checks(store)[0][0] == "record_verified"


def test_what_was_found_is_noted_once_it_can_be(store: StateStore, watching: Watching) -> None:
    with store.act(), pytest.raises(StorageError, match="another act has not ended"):
        watching.look_until(1)
    watching.check.look()
    assert [kind for kind, _ in checks(store)] == ["record_verified"]


def test_a_proof_that_failed_is_tried_again_after_an_hour(store: StateStore, watching: Watching) -> None:
    last = store.path.with_name("last-anchor.txt")
    kept = last.read_text()
    last.write_text("x")
    with pytest.raises(StorageError, match="expected an anchor"):
        watching.look_until(1)
    last.write_text(kept)
    watching.now = RETRY_SECONDS - 1
    watching.check.look()
    assert checks(store) == []
    watching.now = RETRY_SECONDS
    watching.look_until(1)


def test_a_proof_that_does_not_end_is_ended(store: StateStore, watching: Watching) -> None:
    watching.check.look()
    watching.now = MOST_SECONDS + 1
    with pytest.raises(StorageError, match="ended with status -9"):
        watching.check.look()


def test_closing_ends_a_proof(watching: Watching) -> None:
    watching.check.look()
    watching.check.close()
    watching.check.close()
