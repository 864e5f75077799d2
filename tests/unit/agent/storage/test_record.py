"""The record: proved, shown, handed to a third party, and freed of personal payload."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.storage.anchors import Anchor, anchor_if_due, keep_last_anchor, key_path, record_key, sign
from agent.storage.chain import COLUMNS, GENESIS, hash_of, row_text
from agent.storage.record import (
    BESIDE_FROM,
    VERIFY_SCRIPT,
    Verdict,
    erase,
    export_csv,
    export_jsonl,
    length,
    show,
    verify,
    verify_file,
)
from agent.storage.schema import SCHEMA
from agent.storage.state import Act, StateStore, instant_text
from rules.errors import RefusedRequestError, StorageError

KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGUN_AT: Final = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
DAYS: Final = 3
# On each of three days: two rows, the second with personal payload, and the anchor.
ROWS: Final = 3 * DAYS
TEXTS: Final = ("=1+1", "'quoted", "+é", '@x\r\ny,"z"', "-\x00", "\t", "<b>", "")


class ClockOfTest:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = BEGUN_AT

    def __call__(self) -> datetime:
        return self.now


def fill(store: StateStore, clock: ClockOfTest) -> None:
    for day in range(DAYS):
        clock.now = BEGUN_AT + timedelta(days=day)
        with store.act() as act:
            act.note(
                "override_requested",
                actor="t1",
                subject=f"over-{day}",
                facts={"names": ["example.org"], "topic": "é"},
            )
            act.note("revealed", actor="c1", subject=f"i{day}", personal={"pupil": f"Ann {day}"})
        anchor_if_due(store, KEY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    clock = ClockOfTest()
    with closing(StateStore(tmp_path / "state.db", clock=clock)) as opened:
        fill(opened, clock)
        yield opened


@contextmanager
def tampered(store: StateStore) -> Iterator[sqlite3.Connection]:
    """Open the file as somebody does who does not go through the program."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("DROP TRIGGER IF EXISTS audit_is_never_changed")
        database.execute("DROP TRIGGER IF EXISTS audit_is_never_deleted")
        yield database


def judged(store: StateStore, *witnessed: Anchor, beside_from: int = BESIDE_FROM) -> Verdict:
    with store.read() as database:
        return verify(database, anchors_key=KEY.public_key(), witnessed=witnessed, beside_from=beside_from)


def keep_key(store: StateStore) -> None:
    """Leave the key of these anchors where that of the record is."""
    path = key_path(store.path)
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(KEY.private_bytes_raw())


def anchor_rows(store: StateStore) -> list[Anchor]:
    with store.read() as database:
        return [Anchor(*row) for row in database.execute("SELECT * FROM anchors ORDER BY number")]


def rewrite_from(database: sqlite3.Connection, number: int) -> None:
    """Compute every hash anew from this row on, as somebody does who knows how it works."""
    previous = database.execute("SELECT hash FROM audit WHERE number = ?", (number - 1,)).fetchone()[0]
    for row in database.execute("SELECT * FROM audit WHERE number >= ? ORDER BY number", (number,)).fetchall():
        anew = hash_of(row_text((*row[:7], previous)))
        database.execute("UPDATE audit SET previous = ?, hash = ? WHERE number = ?", (previous, anew, row[0]))
        previous = anew


def test_a_record_that_nobody_touched_is_whole(store: StateStore) -> None:
    found = judged(store)
    assert found == Verdict(rows=ROWS, anchors=DAYS)
    assert found.is_whole


def test_two_cores_find_whole_what_nobody_touched(store: StateStore) -> None:
    with store.act() as act:
        erase(act, 5, actor="d1", reason="The parents asked for it.")
        erase(act, 8, actor="d1", reason="The parents asked for it.")
    assert judged(store, beside_from=2) == Verdict(rows=ROWS + 2, anchors=DAYS)


def test_an_empty_record_is_whole(tmp_path: Path) -> None:
    with closing(StateStore(tmp_path / "state.db", clock=ClockOfTest())) as store:
        assert judged(store) == Verdict(rows=0)
        with store.read() as database:
            assert (length(database), show(database)) == (0, [])
            assert export_jsonl(database, io.StringIO()) == 0


def test_twenty_thousand_rows_are_whole(tmp_path: Path) -> None:
    clock = ClockOfTest()
    with closing(StateStore(tmp_path / "state.db", clock=clock)) as store:
        with store.act() as act:
            for number in range(20_000):
                act.note("tick", actor="system", subject=str(number))
        assert judged(store) == Verdict(rows=20_000)
        with tampered(store) as database:
            database.execute("UPDATE audit SET subject = '0' WHERE number = 19999")
        assert judged(store).broken == 19_999


def cut_tail(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit WHERE number > 7")


def cut_tail_and_counter(database: sqlite3.Connection) -> None:
    cut_tail(database)
    database.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'")


def cut_tail_and_its_anchor(database: sqlite3.Connection) -> None:
    cut_tail(database)
    database.execute("DELETE FROM anchors WHERE number > 7")


def write_anew(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET actor = 'somebody else' WHERE number = 5")
    rewrite_from(database, 5)


def remove_anchor(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM anchors WHERE day = '2026-03-03'")


def forge_anchor(database: sqlite3.Connection) -> None:
    write_anew(database)
    other = Ed25519PrivateKey.generate()
    for day, number in database.execute("SELECT day, number FROM anchors").fetchall():
        stored = database.execute("SELECT hash FROM audit WHERE number = ?", (number,)).fetchone()[0]
        forged = sign(other, day, number, stored)
        database.execute("UPDATE anchors SET hash = ?, signature = ? WHERE day = ?", (stored, forged.signature, day))


def spoil_anchor(database: sqlite3.Connection) -> None:
    database.execute("UPDATE anchors SET number = -4 WHERE day = '2026-03-03'")


def alter_payload(database: sqlite3.Connection) -> None:
    database.execute("""UPDATE personal SET content = '{"pupil":"Bob"}' WHERE number = 5""")


def alter_payload_to_no_text(database: sqlite3.Connection) -> None:
    database.execute("UPDATE personal SET content = CAST(x'ff' AS TEXT) WHERE number = 5")


def alter_payload_key(database: sqlite3.Connection) -> None:
    database.execute("UPDATE personal SET key = x'00' WHERE number = 5")


def remove_payload(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM personal WHERE number = 5")


def add_payload(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO personal VALUES (4, x'00', '{}')")


CASES: Final = [
    (cut_tail, 8, "Rows 8 to 9 were removed at the end: the file knows of row 9."),
    (cut_tail_and_counter, 8, "the anchor of 2026-03-04 knows of row 8"),
    (cut_tail_and_its_anchor, 8, "Rows 8 to 9 were removed at the end: the file knows of row 9."),
    (
        write_anew,
        3,
        "A row from 3 to 5 was altered and the chain written anew from there: row 5 is not the one that was anchored",
    ),
    (remove_anchor, 6, "The anchor of 2026-03-03, which row 6 tells of, was removed."),
    (forge_anchor, 2, "The anchor of 2026-03-02 for row 2 is not signed with the record's key."),
    (spoil_anchor, -4, "The anchor of 2026-03-03 for row -4 is not signed with the record's key."),
    (alter_payload, 5, "The personal payload of row 5 was altered."),
    (alter_payload_to_no_text, 5, "The personal payload of row 5 was altered."),
    (alter_payload_key, 5, "The personal payload of row 5 was altered."),
    (remove_payload, 5, "The personal payload of row 5 was removed, and no row says so."),
    (add_payload, 4, "The personal payload of row 4 was altered."),
]


@pytest.mark.parametrize(("do", "broken", "what"), CASES, ids=[case[0].__name__.replace("_", "-") for case in CASES])
def test_what_the_chain_alone_cannot_see_is_found(
    store: StateStore, do: Callable[[sqlite3.Connection], None], broken: int, what: str
) -> None:
    with tampered(store) as database:
        do(database)
    found = judged(store)
    assert (found.broken, found.is_whole) == (broken, False)
    assert what in found.what
    assert judged(store, beside_from=2) == found, "two cores find what one finds"


def test_an_anchor_on_paper_finds_what_was_cut_together_with_its_anchors(store: StateStore) -> None:
    paper = anchor_rows(store)
    with tampered(store) as database:
        database.execute("DELETE FROM audit WHERE number > 4")
        database.execute("DELETE FROM personal WHERE number > 4")
        database.execute("DELETE FROM anchors WHERE number > 4")
        database.execute("UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'")
    assert judged(store).is_whole
    found = judged(store, *paper)
    assert (found.broken, found.what) == (
        5,
        "Row 5 was removed at the end: the anchor of 2026-03-03 knows of row 5.",
    )


@pytest.mark.parametrize(
    ("acts", "broken", "what"),
    [
        pytest.param(0, ROWS + 1, "Rows 10 to 12 were removed at the end", id="at-once"),
        pytest.param(1, ROWS + 2, "Rows 11 to 12 were removed at the end", id="after-an-act"),
        pytest.param(
            5, ROWS, "the chain written anew from there: row 12 is not", id="after-more-acts-than-are-missing"
        ),
    ],
)
def test_an_older_copy_put_in_its_place_is_found(store: StateStore, acts: int, broken: int, what: str) -> None:
    keep_key(store)
    copy = store.path.with_name("copy.db")
    with store.read() as database, closing(sqlite3.connect(copy)) as target:
        database.backup(target)
    for _ in range(3):
        with store.act() as act:
            act.note("tick", actor="system")
    keep_last_anchor(store)
    store.close()
    copy.replace(store.path)
    with closing(StateStore(store.path, clock=store.clock)) as older:
        for _ in range(acts):
            with older.act() as act:
                act.note("tock", actor="system")
        keep_last_anchor(older)
    found = verify_file(store.path)
    assert found.broken == broken
    assert what in found.what


def test_a_file_is_verified_by_what_lies_beside_it(store: StateStore) -> None:
    other_key = record_key(key_path(store.path))
    assert verify_file(store.path).what == "The anchor of 2026-03-02 for row 2 is not signed with the record's key."
    assert not any(anchor.is_signed_by(other_key.public_key()) for anchor in anchor_rows(store))
    store.close()
    alone = store.path.parent / "alone" / "state.db"
    alone.parent.mkdir()
    store.path.rename(alone)
    assert verify_file(alone) == Verdict(ROWS, anchors=DAYS), "without a key"


def test_a_number_that_was_cut_off_is_not_given_again(store: StateStore) -> None:
    with tampered(store) as database:
        cut_tail(database)
        database.execute("DELETE FROM anchors WHERE number > 7")
    with store.act() as act:
        assert act.note("tick", actor="system") == ROWS + 1
    assert (judged(store).broken, judged(store).what) == (8, "Rows 8 to 9 were removed.")


def test_without_a_key_the_anchors_still_hold_the_record(store: StateStore) -> None:
    with tampered(store) as database:
        write_anew(database)
    with store.read() as database:
        assert verify(database, anchors_key=None).broken == 3


def altered(octets: bytes, place: int, octet: int) -> bytes:
    return octets[:place] + bytes([octet]) + octets[place + 1 :]


@contextmanager
def small_record() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for statement in SCHEMA:
            if "TRIGGER" not in statement:
                database.execute(statement)
        act = Act(database, BEGUN_AT)
        for number, text in enumerate(TEXTS):
            act.note("tick", actor="system", subject=text, facts={"n": [number, text]}, personal={"x": text})
        yield database


@settings(deadline=None)
@given(
    number=st.integers(1, len(TEXTS)),
    column=st.sampled_from(COLUMNS),
    place=st.integers(min_value=0),
    octet=st.integers(0, 255),
)
def test_any_one_octet_of_any_row_is_found(number: int, column: str, place: int, octet: int) -> None:
    with small_record() as database:
        stored = database.execute(
            f"SELECT CAST({column} AS BLOB) FROM audit WHERE number = ?",  # noqa: S608 one of our columns
            (number,),
        ).fetchone()[0]
        assume(stored)
        changed = altered(stored, place % len(stored), octet)
        assume(changed != stored)
        if column == "number":
            assume(changed.isdigit() and not 1 <= int(changed) <= len(TEXTS))
            database.execute("UPDATE audit SET number = ? WHERE number = ?", (int(changed), number))
        else:
            database.execute(
                f"UPDATE audit SET {column} = CAST(? AS TEXT) WHERE number = ?",  # noqa: S608 one of our columns
                (changed, number),
            )
        found = verify(database, anchors_key=None)
    assert found.broken == (0 if column == "number" and changed == b"0" else number)


@settings(deadline=None)
@given(
    number=st.integers(1, len(TEXTS)), place=st.integers(min_value=0), octet=st.integers(0, 255), is_key=st.booleans()
)
def test_any_one_octet_of_any_personal_payload_is_found(number: int, place: int, octet: int, *, is_key: bool) -> None:
    column, kind = ("key", "BLOB") if is_key else ("content", "TEXT")
    with small_record() as database:
        look = f"SELECT CAST({column} AS BLOB) FROM personal WHERE number = ?"  # noqa: S608 one of our columns
        stored = database.execute(look, (number,)).fetchone()[0]
        changed = altered(stored, place % len(stored), octet)
        assume(changed != stored)
        change = f"UPDATE personal SET {column} = CAST(? AS {kind}) WHERE number = ?"  # noqa: S608 one of our columns
        database.execute(change, (changed, number))
        found = verify(database, anchors_key=None)
    assert (found.broken, found.what) == (number, f"The personal payload of row {number} was altered.")


def test_one_octet_that_is_changed_in_the_file_itself_is_found(store: StateStore) -> None:
    with tampered(store) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    octets = store.path.read_bytes()
    assert octets.count(b"over-1") == 1
    store.path.write_bytes(octets.replace(b"over-1", b"over-7"))
    assert (judged(store).broken, judged(store).what) == (4, "Row 4 was altered.")


def test_erasing_leaves_the_record_whole_and_is_itself_a_row(store: StateStore) -> None:
    with store.act() as act:
        number = erase(act, 5, actor="d1", reason="The parents asked for it.")
    assert judged(store) == Verdict(rows=ROWS + 1, anchors=DAYS)
    with store.read() as database:
        told, *_, erased = show(database, before=number + 1, limit=number - 4, with_personal=True)
    assert (told.kind, told.actor, told.subject) == ("personal_erased", "d1", "5")
    assert told.facts == {"number": 5, "reason": "The parents asked for it."}
    assert (erased.number, erased.personal, erased.is_erased) == (5, None, True)


def test_what_was_erased_is_in_no_file_any_more(store: StateStore) -> None:
    def is_there() -> bool:
        return any(b"Ann 1" in path.read_bytes() for path in store.path.parent.iterdir())

    assert is_there()
    with store.act() as act:
        erase(act, 5, actor="d1", reason="The parents asked for it.")
    assert not is_there()


@pytest.mark.parametrize("number", [1, 99], ids=["a-row-without-payload", "no-row"])
def test_there_is_nothing_to_erase(store: StateStore, number: int) -> None:
    with (
        pytest.raises(RefusedRequestError, match=f"Row {number} of the record holds no personal payload"),
        store.act() as act,
    ):
        erase(act, number, actor="d1", reason="r")
    assert judged(store).rows == ROWS


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        pytest.param({}, [9, 8, 7, 6, 5, 4, 3, 2, 1], id="everything-newest-first"),
        pytest.param({"actor": "c1"}, [8, 5, 2], id="of-a-person"),
        pytest.param({"kind": "override_requested"}, [7, 4, 1], id="of-a-kind"),
        pytest.param({"actor": "t1", "kind": "revealed"}, [], id="of-a-person-and-a-kind"),
        pytest.param({"since": BEGUN_AT + timedelta(days=2)}, [9, 8, 7], id="from-an-instant-on"),
        pytest.param({"until": BEGUN_AT + timedelta(days=1)}, [3, 2, 1], id="before-an-instant"),
        pytest.param({"limit": 2}, [9, 8], id="so-many"),
        pytest.param({"limit": 2, "before": 8}, [7, 6], id="the-next-page"),
        pytest.param({"actor": "' OR 1=1 --"}, [], id="of-somebody-who-is-not-there"),
    ],
)
def test_rows_are_shown(store: StateStore, asked: dict[str, object], numbers: list[int]) -> None:
    with store.read() as database:
        assert [entry.number for entry in show(database, **asked)] == numbers  # type: ignore[arg-type]  # a table of keywords


def test_a_row_is_shown_as_values(store: StateStore) -> None:
    with store.read() as database:
        (request,) = show(database, before=2)
        (_, reveal, *_) = show(database, before=4, with_personal=True)
        (_, hidden, *_) = show(database, before=4)
    assert (request.at, request.actor, request.subject) == (BEGUN_AT, "t1", "over-0")
    assert (request.facts, request.personal, request.is_erased) == (
        {"names": ["example.org"], "topic": "é"},
        None,
        False,
    )
    assert reveal.personal == {"pupil": "Ann 0"}
    assert (hidden.personal, hidden.is_erased) == (None, False)


@pytest.mark.parametrize("change", ["facts = '{'", "facts = '[1'", "at = 'noon'"])
def test_a_row_that_somebody_spoilt_is_told_instead_of_shown(store: StateStore, change: str) -> None:
    with tampered(store) as database:
        database.execute(f"UPDATE audit SET {change} WHERE number = 5")  # noqa: S608 written above
    with (
        store.read() as database,
        pytest.raises(StorageError, match=r"Row 5 of the record cannot be read; `schoolgate"),
    ):
        show(database)


# --- what a third party gets ---


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "verify.py"
    path.write_text(VERIFY_SCRIPT)
    return path


@pytest.fixture(params=["jsonl", "csv"])
def exported(store: StateStore, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    with store.act() as act:
        for text in TEXTS:
            act.note("tick", actor="system", subject=text, facts={"n": text}, personal={"x": "Ann"})
    path = tmp_path / f"record.{request.param}"
    write = export_csv if request.param == "csv" else export_jsonl
    with path.open("w", encoding="utf-8", newline="") as out, store.read() as database:
        assert write(database, out) == ROWS + len(TEXTS)
    return path


def run(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_script_is_short_enough_to_be_read() -> None:
    lines = [line for line in VERIFY_SCRIPT.splitlines() if line]
    assert len(lines) <= 28
    assert max(map(len, lines)) <= 100


def test_a_third_party_finds_the_export_whole(script: Path, exported: Path, store: StateStore) -> None:
    with store.read() as database:
        last = database.execute("SELECT hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()[0]
    ended = run(script, exported, *anchor_rows(store))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{ROWS + len(TEXTS)} rows are whole; the last hash is {last}\n"


def test_no_personal_payload_leaves_with_the_export(exported: Path) -> None:
    assert "Ann" not in exported.read_text(encoding="utf-8")


def remove_line(lines: list[bytes]) -> None:
    del lines[-8]


def swap_lines(lines: list[bytes]) -> None:
    lines[-8], lines[-9] = lines[-9], lines[-8]


@pytest.mark.parametrize(("do", "first"), [(remove_line, 2), (swap_lines, 1)], ids=["removed", "swapped"])
def test_a_third_party_finds_what_was_done_to_the_lines(
    script: Path, store: StateStore, tmp_path: Path, do: Callable[[list[bytes]], None], first: int
) -> None:
    path = tmp_path / "record.jsonl"
    with path.open("w", encoding="utf-8") as out, store.read() as database:
        export_jsonl(database, out)
    lines = path.read_bytes().splitlines(keepends=True)
    do(lines)
    path.write_bytes(b"".join(lines))
    ended = run(script, path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"row {first} was altered, removed, inserted or moved\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"over-1", b"over-7", id="a-subject"),
        pytest.param(b"over-1", b"over-\xff", id="a-text-that-is-none"),
        pytest.param(b"over-1", b'over-"', id="a-quotation-mark"),
    ],
)
def test_a_third_party_finds_one_octet(script: Path, exported: Path, old: bytes, new: bytes) -> None:
    octets = exported.read_bytes()
    assert octets.count(old) == 1
    exported.write_bytes(octets.replace(old, new))
    ended = run(script, exported)
    assert (ended.returncode, ended.stderr) == (1, "row 4 was altered, removed, inserted or moved\n")


def test_a_third_party_with_an_anchor_finds_a_tail_that_was_cut(
    script: Path, store: StateStore, tmp_path: Path
) -> None:
    path = tmp_path / "record.jsonl"
    with tampered(store) as database:
        cut_tail(database)
        with path.open("w", encoding="utf-8") as out:
            export_jsonl(database, out)
    assert run(script, path).returncode == 0
    ended = run(script, path, *anchor_rows(store))
    assert (ended.returncode, ended.stderr) == (1, "row 8 is not the row that was anchored on 2026-03-04\n")


def test_a_line_of_json_is_the_canonical_text_of_its_row(store: StateStore) -> None:
    out = io.StringIO()
    with store.read() as database:
        export_jsonl(database, out)
    first, *_ = out.getvalue().splitlines()
    columns = json.loads(first)
    assert set(columns) == set(COLUMNS)
    assert (columns["at"], columns["previous"]) == (instant_text(BEGUN_AT), GENESIS)
    assert columns.pop("hash") == hash_of(
        json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    )


def test_no_cell_of_the_csv_is_a_formula(store: StateStore) -> None:
    with store.act() as act:
        for text in TEXTS:
            act.note("tick", actor=text, subject=text)
    out = io.StringIO(newline="")
    with store.read() as database:
        export_csv(database, out)
    cells = [cell for row in csv.reader(io.StringIO(out.getvalue(), newline="")) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
