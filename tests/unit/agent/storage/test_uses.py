"""Uses of overrides: each once, by devices that nobody can follow further, and nothing left of them afterwards."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.dns.outcomes import outcome
from agent.dns.spool import USED, Batch, Row, row_code
from agent.storage.uses import Counted, UseStore, read_uses, uses_path
from rules.errors import StorageError
from rules.verdict import ReasonCode

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BLOCKED = row_code(outcome("pupil", "blocked", "gambling", 3), ReasonCode.POLICY)
SEGMENT = "0-1-00000001.seg"


class StoreOfTest(UseStore):
    """A store with a clock, whose devices are called after the last octet of their address."""

    def __init__(self, folder: Path, *, counters: int = 1) -> None:
        self.now = NOON
        self.aside: list[Path] = []
        self.path = folder / "activity" / "uses.db"
        super().__init__(
            self.path,
            counters_begun_at=counters,
            device_of=lambda address: f"device {address[-1]}" if address else "",
            nanoseconds=self._nanoseconds,
            counts_since=self._nanoseconds,
            on_set_aside=self.aside.append,
        )

    def _nanoseconds(self) -> int:
        return int(self.now.timestamp()) * 1_000_000_000

    def count(self, *rows: Row, position: int, segments: Sequence[str] = (SEGMENT,)) -> None:
        self.store([Batch(SEGMENT, position, 0.0, list(rows))], segments=segments)

    def counted(self, override: str = "o1") -> Counted:
        counted = read_uses(self.path, override)
        assert counted is not None
        return counted

    def use(self, override: str = "o1") -> tuple[int, int | None]:
        return self.counted(override).times, self.counted(override).devices

    def read(self, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(statement).fetchall()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreOfTest]:
    with closing(StoreOfTest(tmp_path)) as opened:
        yield opened


def used(override: str = "o1", device: int | None = 7, times: int = 1) -> Row:
    return Row(b"" if device is None else bytes((192, 0, 2, device)), override.encode(), USED, times)


def test_uses_are_counted_by_override_and_device(store: StoreOfTest) -> None:
    store.count(used(times=3), used(device=8), used("o2"), position=100)
    store.count(used(times=2), position=200)
    assert (store.use("o1"), store.use("o2"), store.use("o3")) == ((6, 2), (1, 1), (0, 0))


def test_who_may_not_be_told_apart_is_counted_and_nobody_says_how_many_they_were(store: StoreOfTest) -> None:
    store.count(used(device=None, times=3), used(), position=100)
    assert store.use() == (4, None)


def test_nothing_but_uses_is_looked_at(store: StoreOfTest) -> None:
    store.count(Row(bytes((192, 0, 2, 7)), b"\x03bet\x04test", BLOCKED, 3), position=100)
    assert not store.path.exists()


def test_a_batch_that_comes_again_counts_once(store: StoreOfTest) -> None:
    for position in (100, 200, 100, 200, 300):
        store.count(used(), position=position)
    assert store.use() == (3, 1)


def test_nobody_remembers_how_far_a_segment_was_taken_that_is_gone(store: StoreOfTest) -> None:
    store.count(used(), position=100)
    store.store([Batch("0-1-00000002.seg", 100, 0.0, [used()])], segments=["0-1-00000002.seg"])
    assert store.read("SELECT source FROM positions") == [("0-1-00000002.seg",)]


def test_a_device_is_the_same_within_an_override_and_another_in_the_next(store: StoreOfTest) -> None:
    store.count(used("o1"), used("o2"), position=100)
    store.count(used("o1"), position=200)
    pseudonyms = [device for (device,) in store.read("SELECT device FROM uses")]
    assert len(set(pseudonyms)) == len(pseudonyms) == 2
    assert all(isinstance(each, bytes) and len(each) == 10 for each in pseudonyms)


def test_what_is_forgotten_leaves_nothing_behind_not_even_in_the_file(store: StoreOfTest) -> None:
    store.count(used("o1"), used("o2"), position=100)
    traces = [each for row in store.read("SELECT key FROM keys UNION ALL SELECT device FROM uses") for each in row]
    assert sorted(store.overrides()) == ["o1", "o2"]
    store.forget([])
    store.forget(["o1", "o2", "never"])
    assert store.overrides() == []
    octets = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert not [trace for trace in traces if isinstance(trace, bytes) and trace in octets]
    store.count(used("o1"), position=200)
    assert store.use("o1") == (1, 1), "as if it had not been there"


def test_only_its_owner_reads_it(store: StoreOfTest) -> None:
    store.count(used(), position=100)
    assert store.path.stat().st_mode & 0o777 == 0o600


# ---- what may be missing ---------------------------------------------------------------------------------------


def test_counting_begins_with_the_file(store: StoreOfTest) -> None:
    store.note_losses(0)
    store.now += timedelta(days=1)
    store.close()
    store.count(used(), position=100)
    assert store.counted() == Counted(1, 1, since=NOON, lost_at=None)


def test_it_is_noted_when_rows_are_lost(store: StoreOfTest) -> None:
    store.note_losses(0)
    for minutes, lost in enumerate((0, 3, 3, 5, 5)):
        store.now = NOON + timedelta(minutes=minutes)
        store.note_losses(lost)
    assert store.counted().lost_at == NOON + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("ends", "counters", "lost_rows", "is_lost"),
    [
        pytest.param("in order", 1, 3, False, id="in-order-and-nothing-new-is-lost"),
        pytest.param("in order", 1, 4, True, id="lost-while-it-was-away"),
        pytest.param("in order", 2, 0, False, id="in-order-and-the-gateway-began-anew"),
        pytest.param("in order", 2, 1, True, id="lost-before-it-looked-at-new-counters"),
        pytest.param("killed", 1, 3, False, id="killed-but-the-workers-went-on"),
        pytest.param("killed", 2, 0, True, id="killed-with-its-gateway"),
    ],
)
def test_what_an_end_means_for_what_was_counted(
    tmp_path: Path, ends: str, counters: int, lost_rows: int, is_lost: bool
) -> None:
    store = StoreOfTest(tmp_path)
    store.note_losses(3)
    store.count(used(), position=100)
    store.end() if ends == "in order" else store.close()
    with closing(StoreOfTest(tmp_path, counters=counters)) as again:
        again.now = NOON + timedelta(hours=1)
        again.note_losses(lost_rows)
        assert again.counted().lost_at == (NOON + timedelta(hours=1) if is_lost else NOON)
        assert again.use() == (1, 1)


def test_a_damaged_file_is_set_aside_and_counting_begins_anew(store: StoreOfTest) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="could not be counted"):
        store.count(used(), position=100)
    assert [path.name for path in store.aside] == ["uses.db.corrupt"]
    store.now += timedelta(minutes=1)
    store.count(used(), position=100)
    assert store.counted() == Counted(1, 1, since=NOON + timedelta(minutes=1), lost_at=None)


def test_a_locked_file_is_one_sentence_and_nothing_is_lost(store: StoreOfTest) -> None:
    store.count(used(), position=100)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            store.count(used(), position=200)
    store.count(used(), position=200)
    assert store.use() == (2, 1)


def test_a_fault_of_our_own_undoes_what_was_begun(tmp_path: Path) -> None:
    with closing(StoreOfTest(tmp_path)) as store:
        with pytest.raises(UnicodeDecodeError):
            store.count(used("o1"), Row(b"", b"\xff", USED, 1), position=100)
        assert store.overrides() == []


# ---- reading ---------------------------------------------------------------------------------------------------


def test_where_nobody_counts_nothing_is_known(tmp_path: Path) -> None:
    assert read_uses(uses_path(str(tmp_path)), "o1") is None


def test_where_the_file_is_only_being_made_nothing_is_known_yet(store: StoreOfTest) -> None:
    store.path.parent.mkdir()
    store.path.touch()
    assert read_uses(store.path, "o1") is None
    store.count(used(), position=100)
    assert store.use() == (1, 1)


def test_what_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    path = uses_path(str(tmp_path))
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError):
        read_uses(path, "o1")


steps = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 2), st.integers(0, 4), st.integers(1, 3)),
        st.tuples(st.sampled_from(["again", "restart"]), st.integers(0, 20), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_counts_add_up_however_often_batches_come_again(
    tmp_path_factory: pytest.TempPathFactory, taken: list[tuple[str, int, int, int]]
) -> None:
    store = StoreOfTest(tmp_path_factory.mktemp("uses"))
    written: list[Batch] = []
    expected: dict[int, dict[int, int]] = {0: {}, 1: {}, 2: {}}
    for what, number, device, times in taken:
        if what == "use":
            written.append(Batch(SEGMENT, 100 * (len(written) + 1), 0.0, [used(f"o{number}", device or None, times)]))
            expected[number][device] = expected[number].get(device, 0) + times
            store.store(written[-1:], segments=[SEGMENT])
        elif what == "again":
            store.store(written[number:], segments=[SEGMENT])
        else:
            store.close()
            store = StoreOfTest(store.path.parent.parent)
    store.note_losses(0)
    for number, by_device in expected.items():
        devices = None if 0 in by_device else len(by_device)
        assert store.use(f"o{number}") == (sum(by_device.values()), devices)
    store.close()
