"""A walk over the chain, from any row on: here, or in a process beside, so that two cores prove one record.

Rows are only ever added and personal payload only ever erased, so what a walk beside found sound was sound at any
later moment too; whatever else it met is looked at again by whoever asked it.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from agent.storage.anchors import ANCHORED
from agent.storage.chain import COLUMNS, GENESIS, commitment_of, hash_of, row_text
from agent.storage.diagnosis import Finding, Stored, diagnose
from agent.storage.state import read_only

ERASED: Final = "personal_erased"
# Somebody may have numbered rows below the first.
_LEAST: Final = -(2**63)
_ROWS: Final = (
    f"SELECT {', '.join(f'audit.{column}' for column in COLUMNS)}, key, CAST(content AS BLOB)"  # noqa: S608 (our own words)
    " FROM audit LEFT JOIN personal ON personal.number = audit.number"
    " WHERE audit.number > ? AND audit.number <= ? ORDER BY audit.number"
)


@dataclass(slots=True)
class Walk:
    """How far somebody came, and what they met on their way.

    `end` and `hash` are of the last row that is sound, `altered` is the first row whose personal payload is not what
    it is bound to, `bare` are those whose payload is gone. `erased` are the rows that the record says were erased,
    `anchored` the rows that tell of the anchor of a day.
    """

    end: int = 0
    hash: str = GENESIS
    altered: int | None = None
    bare: list[int] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    anchored: dict[str, int] = field(default_factory=dict)

    def go_on(self, database: sqlite3.Connection, until: int) -> Finding | None:
        """Walk on to a row; gives the first that breaks the chain, and what was done to it."""
        try:
            broken = self.advance(database, until)
        except (sqlite3.OperationalError, TypeError) as error:
            # What is no text at all is told without a code of SQLite.
            if getattr(error, "sqlite_errorcode", None) is not None:
                raise
            return Finding(self.end + 1, f"Row {self.end + 1} was altered: it holds something that is no text.")
        return None if broken is None else diagnose(database, self.end + 1, broken, self.hash)

    def advance(self, database: sqlite3.Connection, until: int) -> Stored | None:
        """Walk on to a row, or to the first that breaks the chain; gives that one.

        A million rows take seconds, so the loop does little but compare.
        """
        cursor = database.cursor()
        cursor.row_factory = None
        previous, number = self.hash, self.end
        try:
            for row in cursor.execute(_ROWS, (number or _LEAST, until)):
                if row[0] != number + 1 or row[7] != previous or hash_of(row_text(row[:8])) != row[8]:
                    broken: Stored = row[:9]
                    return broken
                previous, number = row[8], row[0]
                if row[9] is not None:
                    if commitment_of(row[9], row[10]) != row[6] and self.altered is None:
                        self.altered = number
                elif row[6]:
                    self.bare.append(number)
                if row[2] == ERASED:
                    self.erased.append(row[4])
                elif row[2] == ANCHORED:
                    self.anchored[row[4]] = number
        finally:
            self.end, self.hash = number, previous
        return None

    def join(self, beside: "Beside") -> None:
        """Go on where a walk beside ended, if it began where this one is."""
        if (found := beside.result()) is None or (beside.after, found[0]) != (self.end, self.hash):
            return
        further = found[1]
        self.end, self.hash = further.end, further.hash
        self.altered = further.altered if self.altered is None else self.altered
        self.bare += further.bare
        self.erased += further.erased
        self.anchored |= further.anchored


class Beside:
    """A walk in a process of its own that begins after a row."""

    def __init__(self, process: subprocess.Popen[bytes], after: int) -> None:
        self.after = after
        self._process = process

    def result(self) -> tuple[str, Walk] | None:
        """Wait for the end; gives the hash that it began with, and the walk. Nothing where it failed."""
        output, _ = self._process.communicate()
        if self._process.returncode:
            return None
        begun_with, walk = json.loads(output)
        return begun_with, Walk(**walk)


@contextmanager
def walking_beside(path: Path, *, after: int, until: int) -> Iterator[Beside]:
    """Walk from the row after one to another, in a process beside that ends with the block."""
    command = [sys.executable, "-P", "-m", "agent.storage.walk", str(path), str(after), str(until)]
    with subprocess.Popen(  # noqa: S603 (our own module, no shell)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield Beside(process, after)
        finally:
            process.kill()


def cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> int:
    """Walk over a part of the file that is named: from the row after one to another."""
    path, after, until = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with read_only(path) as database:
        (begun_with,) = database.execute("SELECT hash FROM audit WHERE number = ?", (after,)).fetchone()
        walk = Walk(end=after, hash=begun_with)
        # Why it ends here is found out by whoever goes on from there.
        with suppress(sqlite3.OperationalError, TypeError):
            walk.advance(database, until)
    sys.stdout.write(json.dumps([begun_with, asdict(walk)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
