"""Daily anchors: signed once a day, readable from paper, worthless under another key."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.storage.anchors import (
    Anchor,
    anchor_if_due,
    anchors_of,
    keep_last_anchor,
    key_path,
    last_anchor_path,
    parse_anchor,
    read_last_anchor,
    record_key,
    sign,
)
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError, StorageError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HASH = "ab" * 32


class ClockOfTest:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> ClockOfTest:
    return ClockOfTest()


@pytest.fixture
def store(tmp_path: Path, clock: ClockOfTest) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=clock)) as opened:
        yield opened


def note(store: StateStore) -> int:
    with store.act() as act:
        return act.note("tick", actor="system")


def test_an_empty_record_has_nothing_to_sign(store: StateStore) -> None:
    assert anchor_if_due(store, KEY) is None


def test_an_anchor_holds_the_last_row_and_is_itself_a_row(store: StateStore) -> None:
    note(store)
    anchor = anchor_if_due(store, KEY)
    with store.read() as database:
        assert anchors_of(database) == [anchor]
        rows = [tuple(row) for row in database.execute("SELECT kind, subject, hash FROM audit ORDER BY number")]
    assert anchor is not None
    assert (anchor.day, anchor.number, anchor.hash) == ("2026-03-02", 1, rows[0][2])
    assert rows[1][:2] == ("record_anchored", "2026-03-02")
    assert anchor.is_signed_by(KEY.public_key())


def test_once_a_day_in_utc(store: StateStore, clock: ClockOfTest) -> None:
    note(store)
    assert anchor_if_due(store, KEY) is not None
    assert anchor_if_due(store, KEY) is None
    clock.now += timedelta(minutes=1)
    second = anchor_if_due(store, KEY)
    assert second is not None
    assert (second.day, second.number) == ("2026-03-03", 2)


def test_a_clock_that_was_ahead_does_not_end_the_anchors(store: StateStore, clock: ClockOfTest) -> None:
    note(store)
    clock.now += timedelta(days=30_000)
    assert anchor_if_due(store, KEY) is not None
    clock.now -= timedelta(days=30_000)
    assert anchor_if_due(store, KEY) is not None


def test_the_key_beside_the_state_file_is_made_once(store: StateStore, clock: ClockOfTest) -> None:
    note(store)
    first = anchor_if_due(store)
    clock.now += timedelta(days=1)
    second = anchor_if_due(store)
    path = key_path(store.path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["record.key"]
    assert first is not None
    assert second is not None
    assert second.is_signed_by(record_key(path).public_key())
    assert first.is_signed_by(record_key(path).public_key())


def last_anchor(store: StateStore) -> Anchor | None:
    return read_last_anchor(last_anchor_path(store.path))


def test_the_last_anchor_follows_the_acts(store: StateStore) -> None:
    assert not keep_last_anchor(store), "there is nothing to write down"
    for number in (1, 2):
        note(store)
        assert keep_last_anchor(store)
        assert not keep_last_anchor(store)
        found = last_anchor(store)
        assert found is not None
        assert (found.day, found.number) == ("2026-03-02", number)
        assert found.is_signed_by(record_key(key_path(store.path)).public_key())
    assert last_anchor_path(store.path).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in store.path.parent.glob("last*")} == {"last-anchor.txt"}


def test_an_older_copy_of_the_record_does_not_take_its_last_anchor_along(
    store: StateStore, clock: ClockOfTest, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    note(store)
    with store.read() as database, closing(sqlite3.connect(copy)) as target:
        database.backup(target)
    note(store)
    keep_last_anchor(store)
    kept = last_anchor(store)
    store.close()
    copy.replace(store.path)
    clock.now += timedelta(seconds=1)
    with closing(StateStore(store.path, clock=clock)) as older:
        for _ in range(3):
            assert not keep_last_anchor(older)
            note(older)
        assert last_anchor(older) == kept


@pytest.mark.parametrize("octets", [b"", b"2026-03-02 12\n", b"\xff", b"x" * 5000])
def test_a_last_anchor_that_is_none_is_told_and_kept(store: StateStore, octets: bytes) -> None:
    note(store)
    path = last_anchor_path(store.path)
    path.write_bytes(octets)
    with pytest.raises(StorageError, match="found something else; expected an anchor"):
        keep_last_anchor(store)
    assert path.read_bytes() == octets


def test_a_last_anchor_that_cannot_be_written_is_told(store: StateStore) -> None:
    note(store)
    last_anchor_path(store.path).with_suffix(".new").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        keep_last_anchor(store)


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "record.key"
    record_key(path)
    path.chmod(0o644)
    with pytest.raises(StorageError, match=r"others may read the key \(mode 0644\); expected 0600\."):
        record_key(path)


@pytest.mark.parametrize("octets", [b"", b"short", bytes(33)])
def test_a_file_that_is_no_key_is_told_and_kept(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "record.key"
    path.touch(mode=0o600)
    path.write_bytes(octets)
    with pytest.raises(StorageError, match=f"found {len(octets)} octets; expected a key of 32"):
        record_key(path)
    assert path.read_bytes() == octets


def test_a_place_where_no_key_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="could not be read or made"):
        record_key(tmp_path / "keys" / "record.key")


def test_an_anchor_is_read_from_the_line_that_was_printed() -> None:
    anchor = sign(KEY, "2026-03-02", 12, HASH)
    assert parse_anchor(f"  {anchor}\n") == anchor


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="nothing"),
        pytest.param("2026-03-02 12 abc", id="without-a-signature"),
        pytest.param("2026-02-30 12 abc def", id="a-day-that-does-not-exist"),
        pytest.param("2026-03-02 twelve abc def", id="a-row-that-is-no-number"),
        pytest.param("2026-03-02 12 abc def ghi", id="a-word-too-many"),
    ],
)
def test_a_line_that_is_no_anchor(line: str) -> None:
    with pytest.raises(RefusedRequestError, match="expected an anchor as it was printed: day, row number, hash"):
        parse_anchor(line)


GOOD = sign(KEY, "2026-03-02", 12, HASH)


@pytest.mark.parametrize(
    "anchor",
    [
        pytest.param(replace(GOOD, day="2026-03-03"), id="another-day"),
        pytest.param(replace(GOOD, number=13), id="another-row"),
        pytest.param(replace(GOOD, hash="cd" * 32), id="another-hash"),
        pytest.param(replace(GOOD, signature=""), id="no-signature"),
        pytest.param(replace(GOOD, signature="not base64"), id="a-signature-that-is-no-base64"),
        pytest.param(replace(GOOD, signature="é"), id="a-signature-that-is-no-ascii"),
        pytest.param(sign(Ed25519PrivateKey.generate(), "2026-03-02", 12, HASH), id="another-key"),
    ],
)
def test_a_signature_covers_everything(anchor: Anchor) -> None:
    assert GOOD.is_signed_by(KEY.public_key())
    assert not anchor.is_signed_by(KEY.public_key())
