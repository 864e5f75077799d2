"""The record: proved, shown, handed out, and freed of personal payload; it is written by `Act.note`.

The chain proves that nothing between its first and its last row was touched by somebody who did not rewrite all that
follows. The anchors prove the rest: a tail that was cut, and a chain that was written anew.
"""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.storage.anchors import Anchor, anchors_of, key_path, last_anchor_path, read_last_anchor, record_key
from agent.storage.chain import COLUMNS, row_text
from agent.storage.diagnosis import Finding, stored_rows
from agent.storage.state import Act, instant_text, read_only
from agent.storage.walk import ERASED, Walk, cores, walking_beside
from rules.errors import RefusedRequestError, StorageError

# Says by its subject that a row is not for whoever asks.
Withheld: TypeAlias = Callable[[str], bool]
# Below so many rows a second core is not worth the start of a process.
BESIDE_FROM: Final = 100_000
# A cell that begins so would be a formula to a spreadsheet; one apostrophe before it is taken off when it is read.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")

# Of a row that was withheld the hash is as told, so that what stands before it is vouched for by the anchors alone.
# What a third party runs on an export, with nothing but Python: `python3 verify.py record.jsonl ["ANCHOR" ...]`.
VERIFY_SCRIPT: Final = """\
import csv, hashlib, json, sys

def rows(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        if not path.endswith(".csv"):
            yield from map(json.loads, file)
            return
        csv.field_size_limit(2**31 - 1)
        for row in csv.DictReader(file):
            row = {name: cell.removeprefix("'") for name, cell in row.items()}
            facts = json.loads(row["facts"]) if row["kind"] else None
            yield row | {"number": int(row["number"]), "facts": facts, "withheld": not row["kind"]}

hashes, withheld = ["0" * 64], 0
try:
    for row in rows(sys.argv[1]):
        told, is_withheld = row.pop("hash"), row.pop("withheld", False)
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        found = told if is_withheld else hashlib.sha256(text.encode()).hexdigest()
        withheld += is_withheld
        if (row["number"], row["previous"], told) != (len(hashes), hashes[-1], found):
            raise ValueError
        hashes.append(told)
except (ValueError, LookupError, TypeError, AttributeError, csv.Error):
    sys.exit(f"row {len(hashes)} was altered, removed, inserted or moved")
for day, number, told, *_ in map(str.split, sys.argv[2:]):
    if hashes[int(number) : int(number) + 1] != [told]:
        sys.exit(f"row {number} is not the row that was anchored on {day}")
told = f"; {withheld} of them were withheld" if withheld else ""
print(f"{len(hashes) - 1} rows are whole; the last hash is {hashes[-1]}{told}")
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the record found.

    `rows` were checked in order and are sound; `broken` is the first that is not, and `what` says why in a sentence.
    `anchors` agree with the record.
    """

    rows: int
    anchors: int = 0
    broken: int | None = None
    what: str = ""

    @property
    def is_whole(self) -> bool:
        """Say whether nothing was found."""
        return self.broken is None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the record for a person to read; `personal` is None where there is none, or it was erased."""

    number: int
    at: datetime
    kind: str
    actor: str
    subject: str
    facts: Mapping[str, Any]
    personal: Mapping[str, Any] | None
    is_erased: bool


def verify(
    database: sqlite3.Connection,
    *,
    anchors_key: Ed25519PublicKey | None,
    witnessed: Sequence[Anchor] = (),
    beside_from: int = BESIDE_FROM,
) -> Verdict:
    """Find the first row that was altered, removed, inserted or moved.

    Args:
        database: a look at one moment of the store.
        anchors_key: whose signature the anchors must bear; None leaves the signatures unchecked.
        witnessed: anchors that were printed or mailed; they also prove what is missing together with its anchors.
        beside_from: of so many rows or more, a process beside walks over the second half.
    """
    walk = Walk()
    if (broken := _walk_over(database, walk, beside_from)) is not None:
        return _verdict_of(broken)
    proof = _Proof(database, walk)
    anchors = list(dict.fromkeys((*anchors_of(database), *witnessed)))
    findings = (
        proof.cut_tail(),
        proof.first_broken_anchor(anchors, anchors_key),
        proof.first_missing_anchor(),
        proof.altered_payload(),
        proof.missing_payload(),
    )
    if found := [finding for finding in findings if finding is not None]:
        return _verdict_of(min(found, key=lambda finding: finding.number))
    return Verdict(walk.end, anchors=len(anchors))


def verify_file(path: Path, *, witnessed: Sequence[Anchor] = ()) -> Verdict:
    """Verify a state file by the key and the last anchor that lie beside it, where they do.

    Raises:
        StorageError: one of them cannot be read.
    """
    place = key_path(path)
    key = record_key(place).public_key() if os.access(place, os.R_OK) else None
    last = read_last_anchor(last_anchor_path(path))
    with read_only(path) as database:
        return verify(database, anchors_key=key, witnessed=[*witnessed, *([last] if last else ())])


def _walk_over(database: sqlite3.Connection, walk: Walk, beside_from: int) -> Finding | None:
    """Walk from the first row to the last; gives the first that breaks the chain."""
    end, path = length(database), _path_of(database)
    if path and end >= beside_from and cores() > 1:
        middle = end // 2
        with walking_beside(Path(path), after=middle, until=end) as beside:
            if (broken := walk.go_on(database, middle)) is not None:
                return broken
            walk.join(beside)
    return walk.go_on(database, end)


def _path_of(database: sqlite3.Connection) -> str:
    """Give the file of a connection, nothing for one in memory."""
    return str(database.execute("PRAGMA database_list").fetchone()[2])


def _verdict_of(finding: Finding) -> Verdict:
    return Verdict(max(finding.number - 1, 0), broken=finding.number, what=finding.what)


def show(
    database: sqlite3.Connection,
    *,
    actor: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
    with_personal: bool = False,
) -> list[Entry]:
    """Give rows of the record, newest first.

    Args:
        database: a look at one moment of the store.
        actor: only what this person did.
        kind: only what happened so.
        since: only from this instant on.
        until: only before this instant.
        before: only rows with a smaller number, to turn the page.
        limit: how many at most.
        with_personal: with what can be erased; left out otherwise.

    Raises:
        StorageError: a row cannot be read, because somebody altered it.
    """
    wanted = {
        "a.actor = ?": actor,
        "a.kind = ?": kind,
        "a.at >= ?": since and instant_text(since),
        "a.at < ?": until and instant_text(until),
        "a.number < ?": before,
    }
    asked = {term: value for term, value in wanted.items() if value is not None}
    where = f"WHERE {' AND '.join(asked)}" if asked else ""
    rows = database.execute(
        "SELECT a.number, a.at, a.kind, a.actor, a.subject, a.facts, a.commitment, p.content "  # noqa: S608 the terms are ours
        f"FROM audit a LEFT JOIN personal p ON p.number = a.number {where} ORDER BY a.number DESC LIMIT ?",
        (*asked.values(), limit),
    )
    return [_entry(row, with_personal=with_personal) for row in rows]


def _hand_out_all(_subject: str) -> bool:
    """Withhold nothing."""
    return False


def export_jsonl(database: sqlite3.Connection, out: TextIO, *, withheld: Withheld = _hand_out_all) -> int:
    """Write every row with its chain as JSON Lines, without personal payload; gives how many.

    Args:
        withheld: says by its subject that of a row only its place in the chain is handed out.
    """
    count = 0
    for count, row in enumerate(stored_rows(database), start=1):  # noqa: B007 the count is the result
        if withheld(row[4]):
            place = {"hash": row[8], "number": row[0], "previous": row[7], "withheld": True}
            out.write(json.dumps(place, separators=(",", ":")) + "\n")
            continue
        out.write(f'{row_text(row[:8])[:-1]},"hash":{json.dumps(row[8])}}}\n')
    return count


def export_csv(database: sqlite3.Connection, out: TextIO, *, withheld: Withheld = _hand_out_all) -> int:
    """Write every row with its chain as CSV that a spreadsheet takes for text; gives how many.

    Args:
        database: a look at one moment of the store.
        out: opened with `newline=""`.
        withheld: says by its subject that of a row only its place in the chain is handed out.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for count, row in enumerate(stored_rows(database), start=1):  # noqa: B007 the count is the result
        place = (row[0], *("",) * 6, *row[7:])
        writer.writerow(as_text(cell) for cell in (place if withheld(row[4]) else row))
    return count


def erase(act: Act, number: int, *, actor: str, reason: str) -> int:
    """Erase the personal payload of a row together with the key of its commitment; gives the row that says so.

    Raises:
        RefusedRequestError: the row holds none.
    """
    gone = act.database.execute("DELETE FROM personal WHERE number = ?", (number,)).rowcount
    if not gone:
        raise RefusedRequestError(f"Row {number} of the record holds no personal payload; expected a row that does.")
    act.erases = True
    return act.note(ERASED, actor=actor, subject=str(number), facts={"number": number, "reason": reason})


def length(database: sqlite3.Connection) -> int:
    """Give the number of the last row, 0 where there is none."""
    return int(database.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0])


def as_text(cell: str | int) -> str | int:
    """Give a cell as a spreadsheet takes it for text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _entry(row: sqlite3.Row, *, with_personal: bool) -> Entry:
    number, at, kind, actor, subject, facts, commitment, content = row
    try:
        personal = json.loads(content) if with_personal and content is not None else None
        instant = datetime.fromisoformat(at)
        return Entry(
            number, instant, kind, actor, subject, json.loads(facts), personal, bool(commitment) and content is None
        )
    except ValueError as error:
        raise StorageError(
            f"Row {number} of the record cannot be read; `schoolgate audit verify` says why."
        ) from error


class _Proof:
    """What can be held against a record that was walked over from its first row to its last."""

    def __init__(self, database: sqlite3.Connection, walk: Walk) -> None:
        self._database = database
        self._walk = walk

    def first_broken_anchor(self, anchors: Iterable[Anchor], key: Ed25519PublicKey | None) -> Finding | None:
        """Hold the record against what was signed."""
        agreed = 0
        for anchor in sorted(anchors, key=lambda anchor: anchor.number):
            number = anchor.number
            if key is not None and not anchor.is_signed_by(key):
                return Finding(
                    number, f"The anchor of {anchor.day} for row {number} is not signed with the record's key."
                )
            if number > self._walk.end:
                return self._cut(number, f"the anchor of {anchor.day}")
            row = next(stored_rows(self._database, "WHERE number = ?", number), None)
            if row is None or row[8] != anchor.hash:
                what = f"A row from {agreed + 1} to {number} was altered and the chain written anew from there"
                return Finding(agreed + 1, f"{what}: row {number} is not the one that was anchored on {anchor.day}.")
            agreed = number
        return None

    def first_missing_anchor(self) -> Finding | None:
        """Find an anchor that the record tells of and that is not there."""
        kept = {row[0] for row in self._database.execute("SELECT day FROM anchors")}
        for day, number in self._walk.anchored.items():
            if day not in kept:
                return Finding(number, f"The anchor of {day}, which row {number} tells of, was removed.")
        return None

    def cut_tail(self) -> Finding | None:
        """Find rows missing at the end, from the highest number that the file remembers."""
        used = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
        return self._cut(used[0], "the file") if used is not None and used[0] > self._walk.end else None

    def altered_payload(self) -> Finding | None:
        """Find payload that is not what its row is bound to."""
        number = self._walk.altered
        return None if number is None else Finding(number, f"The personal payload of row {number} was altered.")

    def missing_payload(self) -> Finding | None:
        """Find payload that is gone although no row says that it was erased."""
        erased = set(self._walk.erased)
        for number in self._walk.bare:
            if str(number) not in erased and not self._has_payload(number):
                return Finding(number, f"The personal payload of row {number} was removed, and no row says so.")
        return None

    def _has_payload(self, number: int) -> bool:
        # A walk beside may have seen what was erased since this look at the record began.
        return self._database.execute("SELECT 1 FROM personal WHERE number = ?", (number,)).fetchone() is not None

    def _cut(self, number: int, witness: str) -> Finding:
        first = self._walk.end + 1
        gone = f"Row {first} was" if first == number else f"Rows {first} to {number} were"
        return Finding(first, f"{gone} removed at the end: {witness} knows of row {number}.")
