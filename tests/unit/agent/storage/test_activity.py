"""The activity store: what is kept, where, and for how long."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.dns.outcomes import outcome
from agent.dns.spool import Batch, Row, row_code
from agent.sites.site import ActivityLevel
from agent.storage.activity import SCHEMA, ActivityStore, Keeping
from rules.errors import StorageError
from rules.name import DomainName, to_wire
from rules.verdict import ReasonCode

LONDON = ZoneInfo("Europe/London")
DAY = date(2026, 6, 15)
NOON = datetime(2026, 6, 15, 12, 0, 30, tzinfo=LONDON).timestamp()
CLIENT = bytes((192, 0, 2, 7))


class StoreOfTest(ActivityStore):
    """A store that remembers whose pseudonyms it asked for and what it set aside."""

    def __init__(self, folder: Path, keeping: Keeping, timezone: ZoneInfo = LONDON) -> None:
        self.asked_for: list[bytes] = []
        self.aside: list[Path] = []
        super().__init__(
            folder,
            timezone=timezone,
            keeping=keeping,
            pseudonym_of=self._pretend,
            on_set_aside=self.aside.append,
        )

    def _pretend(self, address: bytes, day: date) -> str:
        self.asked_for.append(address)
        return f"{address.hex()}@{day.year}"

    def read(self, day: date, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path(day))) as database:
            return database.execute(statement).fetchall()

    def queries(self, day: date = DAY) -> list[tuple[object, ...]]:
        return self.read(day, "SELECT pseudonym, audience, verdict, name, category, reason, times FROM queries")


def keeping(level: ActivityLevel = ActivityLevel.BLOCKED) -> Keeping:
    return Keeping(level, frozenset({"health_education"}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreOfTest]:
    with closing(StoreOfTest(tmp_path / "activity", keeping())) as opened:
        yield opened


def row(
    name: str,
    verdict: str = "blocked",
    tag: str | None = "gambling",
    reason: ReasonCode = ReasonCode.POLICY,
    *,
    times: int = 1,
) -> Row:
    return Row(CLIENT, to_wire(DomainName(name)), row_code(outcome("pupil", verdict, tag, 0), reason), times)


def batch(*rows: Row, at: float = NOON, segment: str = "a", position: int = 100) -> Batch:
    return Batch(segment, position, at, list(rows))


BLOCKED = row("casino.example")
REWRITTEN = row("www.search.example", "rewritten", "search:google", ReasonCode.SAFE_SEARCH)
ALLOWED = row("news.example", "allowed", None, ReasonCode.NO_POLICY)
HELP = row("help.example", "allowed", "helplines", ReasonCode.GUARD)
HEALTH = row("health.example", "allowed", "health_education", ReasonCode.GUARD)
BLOCKED_HELP = row("help.example", "blocked", "helplines", ReasonCode.POLICY)


# ---- what is kept ----------------------------------------------------------------------------------------------


def test_a_blocked_query_is_kept_with_its_reason(store: StoreOfTest) -> None:
    assert store.store_rows(DAY, [batch(BLOCKED)]) == 1
    assert store.queries() == [
        ("c0000207@2026", "pupil", "blocked", "casino.example", "gambling", "policy", 1),
    ]
    assert store.read(DAY, "SELECT minute_at FROM queries") == [(int(NOON) - 30,)]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        pytest.param(ActivityLevel.COUNTS, [], id="counts-keeps-no-query"),
        pytest.param(ActivityLevel.BLOCKED, ["casino.example"], id="blocked-keeps-what-was-blocked"),
        pytest.param(
            ActivityLevel.ALL,
            ["casino.example", "www.search.example", "news.example"],
            id="all-keeps-all-but-what-is-nobodys-business",
        ),
    ],
)
def test_the_level_says_what_is_kept(tmp_path: Path, level: ActivityLevel, kept: list[str]) -> None:
    with closing(StoreOfTest(tmp_path / "activity", keeping(level))) as store:
        rows = [BLOCKED, REWRITTEN, ALLOWED, HELP, HEALTH, BLOCKED_HELP]
        assert store.store_rows(DAY, [batch(*rows)]) == len(kept)
        assert [line[3] for line in store.queries()] == kept
        assert store.positions() == {"a": 100}


def test_a_helpline_is_never_kept_against_a_person_whatever_the_site_says(tmp_path: Path) -> None:
    with closing(StoreOfTest(tmp_path / "activity", Keeping(ActivityLevel.ALL, frozenset()))) as store:
        assert store.store_rows(DAY, [batch(HELP, BLOCKED_HELP)]) == 0
        assert store.asked_for == []
        assert b"help" not in store.path(DAY).read_bytes()


def test_equal_rows_of_a_minute_are_one_line(store: StoreOfTest) -> None:
    batches = [
        batch(row("casino.example", times=2), at=NOON),
        batch(row("casino.example", times=3), at=NOON + 20, position=200),
        batch(row("casino.example", times=4), at=NOON + 40, position=300),
    ]
    assert store.store_rows(DAY, batches) == 9
    assert store.read(DAY, "SELECT minute_at, times FROM queries") == [(int(NOON) - 30, 5), (int(NOON) + 30, 4)]


def test_counts_add_up_by_the_hour(store: StoreOfTest) -> None:
    blocked, allowed = ("pupil", "blocked", "gambling"), ("staff", "allowed", "none")
    store.store_counts(NOON, {blocked: 2, allowed: 5}, {"c-1": 7})
    store.store_counts(NOON + 3000, {blocked: 1}, {"c-1": 8})
    store.store_counts(NOON + 3600, {blocked: 1}, {"c-1": 9})
    hour = int(NOON) - 30
    assert store.read(DAY, "SELECT * FROM counts ORDER BY hour_at, audience") == [
        (hour, *blocked, 3),
        (hour, *allowed, 5),
        (hour + 3600, *blocked, 1),
    ]
    assert store.positions() == {"c-1": 9}


def test_an_hour_belongs_to_one_day_where_clocks_stand_half_an_hour_apart(tmp_path: Path) -> None:
    with closing(StoreOfTest(tmp_path / "activity", keeping(), ZoneInfo("Asia/Kolkata"))) as store:
        before_midnight = datetime(2026, 6, 15, 23, 59, tzinfo=store.timezone).timestamp()
        store.store_counts(before_midnight, {("pupil", "blocked", "gambling"): 1}, {})
        store.store_counts(before_midnight + 120, {("pupil", "blocked", "gambling"): 1}, {})
        assert store.days() == [date(2026, 6, 15), date(2026, 6, 16)]


# ---- days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("2026-06-14T22:59:59+00:00", date(2026, 6, 14), id="before-midnight-in-summer-time"),
        pytest.param("2026-06-14T23:00:00+00:00", date(2026, 6, 15), id="midnight-in-summer-time"),
        pytest.param("2026-12-14T23:30:00+00:00", date(2026, 12, 14), id="before-midnight-in-winter"),
    ],
)
def test_a_day_ends_at_the_schools_midnight(store: StoreOfTest, at: str, expected: date) -> None:
    assert store.day_of(datetime.fromisoformat(at).timestamp()) == expected


def test_days_have_files_that_only_their_owner_may_read(store: StoreOfTest) -> None:
    store.store_rows(DAY, [batch(BLOCKED)])
    assert store.path(DAY).name == "activity-2026-06-15.db"
    assert store.path(DAY).stat().st_mode & 0o777 == 0o600


def test_retention_deletes_whole_days_and_nothing_else(store: StoreOfTest) -> None:
    for day in (date(2026, 5, 15), date(2026, 5, 16), DAY):
        store.store_rows(day, [batch(BLOCKED)])
    folder = store.path(DAY).parent
    (folder / "activity-2026-05-01.db.corrupt-2").touch()
    (folder / "notes.txt").touch()
    gone = store.delete_expired(DAY, retention_days=30)
    assert {path.name.split("-wal")[0].split("-shm")[0] for path in gone} == {
        "activity-2026-05-15.db",
        "activity-2026-05-01.db.corrupt-2",
    }
    assert store.days() == [date(2026, 5, 16), DAY]
    assert (folder / "notes.txt").exists()


def test_positions_are_the_furthest_of_all_days(store: StoreOfTest) -> None:
    store.store_rows(date(2026, 6, 14), [batch(BLOCKED, position=500), batch(BLOCKED, segment="b", position=7)])
    store.store_rows(DAY, [batch(BLOCKED, position=400)])
    assert store.positions() == {"a": 500, "b": 7}


# ---- faults ----------------------------------------------------------------------------------------------------


def test_a_locked_file_is_one_sentence_and_works_again_later(store: StoreOfTest) -> None:
    store.store_rows(DAY, [batch(BLOCKED)])
    with closing(sqlite3.connect(store.path(DAY), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"activity-2026-06-15\.db: .*locked"):
            store.store_rows(DAY, [batch(BLOCKED, position=200)])
    assert store.positions() == {"a": 100}
    store.store_rows(DAY, [batch(BLOCKED, position=200)])
    assert len(store.queries()) == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"this is no database at all, but a long enough text to be taken for one" * 30, id="text"),
        pytest.param(b"SQLite format 3\0" + bytes(5000), id="a-header-and-zeros"),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(store: StoreOfTest, content: bytes) -> None:
    path = store.path(DAY)
    for number in (1, 2):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        with pytest.raises(StorageError):
            store.store_rows(DAY, [batch(BLOCKED)])
        assert not path.exists()
        assert len(store.aside) == number
        assert store.aside[-1].read_bytes() == content
        assert store.store_rows(DAY, [batch(BLOCKED)]) == 1
        store.close()
    assert [aside.name for aside in store.aside] == [f"{path.name}.corrupt", f"{path.name}.corrupt-2"]


def test_damage_within_a_file_is_found_when_it_is_opened(store: StoreOfTest) -> None:
    for number in range(200):
        store.store_rows(DAY, [batch(row(f"casino{number}.example"), position=number)])
    store.close()
    content = bytearray(store.path(DAY).read_bytes())
    content[4096 * 4 : 4096 * 5] = b"\xff" * 4096
    store.path(DAY).write_bytes(content)
    with pytest.raises(StorageError):
        store.store_rows(DAY, [batch(BLOCKED)])
    assert len(store.aside) == 1


def test_a_damaged_file_of_an_earlier_day_does_not_stop_the_start_for_ever(store: StoreOfTest) -> None:
    store.path(DAY).parent.mkdir()
    store.path(DAY).write_bytes(b"no database" * 500)
    with pytest.raises(StorageError, match="could not be read"):
        store.positions()
    assert store.positions() == {}


@pytest.mark.parametrize("tables", [0, 1], ids=["none", "some"])
def test_a_file_whose_maker_was_killed_stops_nothing(store: StoreOfTest, tables: int) -> None:
    store.path(DAY).parent.mkdir()
    with closing(sqlite3.connect(store.path(DAY))) as database:
        for statement in SCHEMA.split(";")[:tables]:
            database.execute(statement)
    assert store.path(DAY).exists()
    assert store.positions() == {}
    assert store.store_rows(DAY, [batch(BLOCKED)]) == 1
    assert store.aside == []
    assert len(store.read(DAY, "SELECT id FROM file")) == 1


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "activity").write_text("a file where the folder should be")
    store = StoreOfTest(tmp_path / "activity", keeping())
    with pytest.raises(StorageError, match="could not be made"):
        store.store_rows(DAY, [batch(BLOCKED)])


def test_nothing_is_stored_where_the_pseudonym_cannot_be_made(tmp_path: Path) -> None:
    def fail(_: bytes, __: date) -> str:
        raise StorageError("no key")

    with closing(ActivityStore(tmp_path, timezone=LONDON, keeping=keeping(), pseudonym_of=fail)) as store:
        with pytest.raises(StorageError, match="no key"):
            store.store_rows(DAY, [batch(BLOCKED)])
        assert store.positions() == {}


def test_every_file_has_an_id_of_its_own_that_stays(store: StoreOfTest, tmp_path: Path) -> None:
    store.store_rows(DAY, [batch(BLOCKED)])
    ids = store.read(DAY, "SELECT id FROM file")
    store.close()
    store.store_rows(DAY, [batch(BLOCKED)])
    assert store.read(DAY, "SELECT id FROM file") == ids
    assert len(ids) == 1
    store.close()
    store.path(DAY).unlink()
    store.store_rows(DAY, [batch(BLOCKED)])
    assert store.read(DAY, "SELECT id FROM file") != ids


def test_a_file_that_held_rows_before_there_were_ids_has_none(store: StoreOfTest) -> None:
    store.store_rows(DAY, [batch(BLOCKED)])
    store.close()
    with closing(sqlite3.connect(store.path(DAY))) as database:
        database.execute("DROP TABLE file")
    store.store_rows(DAY, [batch(BLOCKED)])
    assert store.read(DAY, "SELECT id FROM file") == []
