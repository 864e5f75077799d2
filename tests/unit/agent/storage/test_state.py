"""The state store: one act is one transaction, and what is acknowledged is there."""

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from parts import small_disk

from agent.storage.chain import GENESIS
from agent.storage.record import verify
from agent.storage.schema import VERSION
from agent.storage.state import StateStore, instant_text, is_begun, read_only
from rules.errors import RefusedRequestError, StorageError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
KILLS = 30

# Asks for an override and approves it, each in one act; says what was acknowledged; dies before its nth statement.
LIFE_CYCLE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from agent.storage.state import StateStore

path, name, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = StateStore(path, clock=lambda: datetime.now(UTC))
seen = 0

def die(statement):
    global seen
    seen += 1
    if seen == last:
        os.kill(os.getpid(), signal.SIGKILL)

store._database.set_trace_callback(die)
with store.act() as act:
    act.database.execute(
        "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at) "
        "VALUES (?, 't1', '{}', 'r', 'waiting', '', '', '')", (name,))
    act.database.execute("INSERT INTO override_moves VALUES (?, '', 't1', 'request', '')", (name,))
    act.note("override_requested", actor="t1", subject=name, personal={"reason": "r"})
print("waiting", flush=True)
with store.act() as act:
    act.database.execute("UPDATE overrides SET state = 'approved', version = 2 WHERE id = ?", (name,))
    act.database.execute("INSERT INTO override_moves VALUES (?, '', 'm1', 'approve', '')", (name,))
    act.note("override_approved", actor="m1", subject=name)
print("approved", flush=True)
"""

# Acts without end, and says the number of each row that was acknowledged.
WRITER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from agent.storage.state import StateStore

store = StateStore(Path(sys.argv[1]), clock=lambda: datetime.now(UTC), busy_seconds=30)
while True:
    time.sleep(0.002)
    with store.act() as act:
        number = act.note("tick", actor="system", personal={"a": "b" * 200})
    print(number, flush=True)
"""

# Fills what room there is, and says what was acknowledged and how it was refused.
FILLER = """
import json, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from agent.storage.state import StateStore
from rules.errors import StorageError

store = StateStore(Path(sys.argv[1]), clock=lambda: datetime.now(UTC))
if limit := int(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
told, acknowledged = "", []
while not told:
    try:
        with store.act() as act:
            number = act.note("tick", actor="system", facts={"a": "b" * 20000})
        acknowledged.append(number)
    except StorageError as error:
        told = str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
Path(sys.argv[3]).unlink(missing_ok=True)
with store.act() as act:
    after = act.note("tock", actor="system")
print(json.dumps({"told": told, "acknowledged": acknowledged, "after": after}))
"""


def opened(path: Path, *, clock: Callable[[], datetime] = lambda: NOW) -> StateStore:
    return StateStore(path, clock=clock, busy_seconds=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[StateStore]:
    with closing(opened(path)) as made:
        yield made


def count(store: StateStore, table: str) -> int:
    with store.read() as database:
        return len(database.execute(f"SELECT 1 FROM {table}").fetchall())  # noqa: S608 the tests name the tables


def add_person(store: StateStore, name: str = "t1") -> None:
    with store.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES (?, 'T', '')", (name,))


def test_the_file_is_for_its_owner_only(store: StateStore, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("user_version", VERSION),
    ],
)
def test_the_file_is_kept_as_promised(store: StateStore, pragma: str, value: object) -> None:
    assert store._database.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_an_act_and_its_row_are_there_together(store: StateStore) -> None:
    with store.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('t1', 'T', '')")
        number = act.note("people_changed", actor="system", subject="t1", facts={"roles": ["teacher"]})
    with store.read() as database:
        row = database.execute("SELECT * FROM audit").fetchone()
    assert number == 1
    assert (row["at"], row["kind"], row["actor"], row["subject"]) == (
        instant_text(NOW),
        "people_changed",
        "system",
        "t1",
    )
    assert (row["facts"], row["commitment"], row["previous"]) == ('{"roles":["teacher"]}', "", GENESIS)


def test_each_row_names_the_one_before(store: StateStore) -> None:
    for _ in range(3):
        with store.act() as act:
            act.note("tick", actor="system")
    with store.read() as database:
        rows = database.execute("SELECT number, previous, hash FROM audit ORDER BY number").fetchall()
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert [row["previous"] for row in rows] == [GENESIS, rows[0]["hash"], rows[1]["hash"]]


def test_personal_payload_stands_outside_the_chain(store: StateStore) -> None:
    with store.act() as act:
        act.note("seen", actor="t1", personal={"pupil": "Ann"})
        act.note("seen", actor="t1", personal={"pupil": "Ann"})
    with store.read() as database:
        rows = database.execute(
            "SELECT facts, commitment, content FROM audit JOIN personal USING (number)"
        ).fetchall()
    assert [(row["facts"], json.loads(row["content"])) for row in rows] == [("{}", {"pupil": "Ann"})] * 2
    assert rows[0]["commitment"] != rows[1]["commitment"]


def change_person(store: StateStore, fault: BaseException | None = None, statement: str = "SELECT 1") -> None:
    with store.act() as act:
        act.note("people_changed", actor="system")
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('t1', 'T', '')")
        act.database.execute(statement)
        if fault is not None:
            raise fault


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (ValueError(), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (RefusedRequestError(), RefusedRequestError),
        (sqlite3.OperationalError(), StorageError),
    ],
)
def test_any_fault_undoes_the_whole_act(store: StateStore, fault: BaseException, told: type[BaseException]) -> None:
    with pytest.raises(told):
        change_person(store, fault)
    assert (count(store, "people"), count(store, "audit")) == (0, 0)
    with store.act() as act:
        assert act.note("tick", actor="system") == 1


def test_what_the_tables_do_not_take_is_refused_in_a_sentence(store: StateStore) -> None:
    with pytest.raises(StorageError, match=r"the state refused this \(FOREIGN KEY.*\); nothing was stored\."):
        change_person(store, statement="INSERT INTO memberships VALUES ('nobody', 'pupil', '')")
    assert count(store, "audit") == 0


def test_half_a_character_is_refused_in_a_sentence(store: StateStore) -> None:
    with pytest.raises(RefusedRequestError, match=r"holds half a character \('\\ud800'\)"), store.act() as act:
        act.note("tick", actor="system", facts={"reason": "x\ud800"})
    assert count(store, "audit") == 0


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE audit; --", "<script>", "\x00", "\u202e", "\U0001d518", "a\r\nb", "=1+1"]
)
def test_text_is_kept_as_it_came(store: StateStore, text: str) -> None:
    with store.act() as act:
        act.note("tick", actor=text, subject=text, facts={text: text}, personal={text: text})
    with store.read() as database:
        row = database.execute("SELECT actor, facts FROM audit").fetchone()
        assert (row["actor"], json.loads(row["facts"])) == (text, {text: text})
        assert verify(database, anchors_key=None).is_whole


def test_an_instant_is_written_in_utc_so_that_text_sorts_as_time(path: Path) -> None:
    tokyo = timezone(timedelta(hours=9))
    with closing(opened(path, clock=lambda: NOW.astimezone(tokyo))) as store, store.act() as act:
        assert act.now == NOW
        assert instant_text(act.now) == "2026-03-02T09:15:00.000000+00:00"


def test_two_people_at_the_same_instant_are_one_after_the_other(path: Path) -> None:
    with closing(StateStore(path, clock=lambda: NOW, busy_seconds=30)) as store, ThreadPoolExecutor(8) as threads:

        def decide(person: int) -> int:
            with store.act() as act:
                return act.note("override_approved", actor=str(person))

        assert sorted(threads.map(decide, range(40))) == list(range(1, 41))
        with store.read() as database:
            assert verify(database, anchors_key=None).rows == 40


def test_a_look_cannot_write(store: StateStore) -> None:
    with pytest.raises(StorageError, match="cannot be written"), store.read() as database:
        database.execute("DELETE FROM people")


def test_a_look_sees_one_moment(store: StateStore) -> None:
    with store.read() as database:
        assert database.execute("SELECT count(*) FROM people").fetchone()[0] == 0
        add_person(store)
        assert database.execute("SELECT count(*) FROM people").fetchone()[0] == 0
    assert count(store, "people") == 1


def test_a_state_has_begun_once_its_tables_are_there(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert not is_begun(path)
    path.touch()
    assert not is_begun(path)
    with closing(StateStore(path, clock=lambda: datetime.now(UTC))):
        assert is_begun(path)
    (tmp_path / "other.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError):
        is_begun(tmp_path / "other.db")


def test_a_look_at_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be opened"), read_only(tmp_path / "state.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_locked_file_refuses_the_act_and_nothing_else(store: StateStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"is locked by another program; nothing was stored\."), store.act():
            pass
        assert count(store, "audit") == 0
    with store.act() as act:
        assert act.note("tick", actor="system") == 1


def test_an_act_inside_an_act_is_refused_instead_of_waiting_for_ever(store: StateStore) -> None:
    with store.act() as act:
        act.note("tick", actor="system")
        with pytest.raises(StorageError, match="another act has not ended"), store.act():
            pass
    assert count(store, "audit") == 1


def test_a_closed_store_says_so(path: Path) -> None:
    store = opened(path)
    store.close()
    with pytest.raises(StorageError, match="refused this"), store.act():
        pass


def spoil_header(path: Path) -> None:
    path.write_bytes(b"this is no database" + path.read_bytes()[19:])


def spoil_pages(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    for page in range(4096, len(octets), 4096):
        octets[page : page + 64] = b"\xff" * 64
    path.write_bytes(octets)


@pytest.mark.parametrize("spoil", [spoil_header, spoil_pages], ids=["header", "pages"])
def test_a_damaged_file_is_kept_aside_and_told(path: Path, spoil: Callable[[Path], None]) -> None:
    with closing(opened(path)) as store:
        add_person(store)
    spoil(path)
    spoilt = path.read_bytes()
    with pytest.raises(StorageError, match=r"is damaged \(.*\) and was kept aside as state\.db\.corrupt;"):
        opened(path)
    assert path.with_name("state.db.corrupt").read_bytes() == spoilt
    with closing(opened(path)) as store, store.read() as database:
        row = database.execute("SELECT kind, facts FROM audit").fetchone()
    assert tuple(row) == ("state_begun_anew", '{"kept_aside":["state.db.corrupt"]}')


def test_a_second_damaged_file_does_not_replace_the_first(path: Path) -> None:
    for _ in range(2):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not a database at all")
        with pytest.raises(StorageError):
            opened(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["state.db.corrupt", "state.db.corrupt-2"]


def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageError, match=f"version {VERSION + 1}.; expected {VERSION} at most"):
        opened(path)
    assert path.exists()


def test_a_place_where_no_file_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="could not be made"):
        opened(tmp_path / "state" / "state.db")


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_kill_before_any_statement_loses_nothing_that_was_acknowledged(path: Path) -> None:
    with closing(opened(path)) as store:
        add_person(store)
    said = {}
    for statement in range(1, KILLS + 1):
        said[f"o{statement}"] = (ended := run(LIFE_CYCLE, path, f"o{statement}", statement)).stdout.split()
        if ended.returncode == 0:
            break
    else:
        pytest.fail("more statements than kills")
    with closing(opened(path)) as store, store.read() as database:
        assert verify(database, anchors_key=None).is_whole
        for name, acknowledged in said.items():
            found = database.execute("SELECT state, version FROM overrides WHERE id = ?", (name,)).fetchone()
            moves = database.execute("SELECT count(*) FROM override_moves WHERE override = ?", (name,)).fetchone()[0]
            rows = database.execute("SELECT count(*) FROM audit WHERE subject = ?", (name,)).fetchone()[0]
            assert moves == rows == (found["version"] if found else 0)
            assert rows >= len(acknowledged)
            assert not acknowledged or acknowledged[-1] == "waiting" or found["state"] == "approved"
    assert {len(acknowledged) for acknowledged in said.values()} == {0, 1, 2}


def test_kill_at_any_moment_loses_nothing_while_two_processes_write(path: Path) -> None:
    opened(path).close()
    chance = random.Random(20260302)
    acknowledged: list[int] = []
    for _ in range(6):
        command = [sys.executable, "-c", WRITER, str(path)]
        writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.append(int(writer.stdout.readline()))
        time.sleep(chance.uniform(0, 0.05))
        for writer in writers:
            writer.kill()
            # A line that was cut off was not acknowledged.
            acknowledged += [
                int(line) for line in writer.communicate()[0].splitlines(keepends=True) if line[-1] == "\n"
            ]
    with closing(opened(path)) as store, store.read() as database:
        found = verify(database, anchors_key=None)
    assert found.is_whole
    assert len(set(acknowledged)) == len(acknowledged)
    assert found.rows >= max(acknowledged)


def check_filled(path: Path, ended: subprocess.CompletedProcess[str], told: str) -> None:
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert told in said["told"]
    assert said["acknowledged"] == list(range(1, said["after"]))
    with closing(opened(path)) as store, store.read() as database:
        assert verify(database, anchors_key=None).rows == said["after"]


def test_a_file_that_cannot_grow_acknowledges_nothing_that_is_lost(path: Path) -> None:
    check_filled(path, run(FILLER, path, 300_000, path.with_name("none")), "nothing was stored.")


def test_a_full_disk_acknowledges_nothing_that_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", megabytes=2) as mounted:
        ballast = mounted / "ballast"
        ballast.write_bytes(bytes(500_000))
        ended = run(FILLER, mounted / "state.db", 0, ballast)
        check_filled(
            mounted / "state.db", ended, "could not be written because the disk is full; nothing was stored."
        )
