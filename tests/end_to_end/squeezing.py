"""A program that takes overrides through their whole life where there is no room, then a little more, at every act.

Each act is tried with no room to store it, then with a page more, until it is done. On standard output stands what
was acknowledged, and what was refused: at which act, with how much room, and in which words.
"""

import os
import resource
import secrets
import sqlite3
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from granting import REASON, Granting

from agent.storage.override_rows import Filed, Use
from rules.errors import StorageError

PAGE = 4096
# A page of the write-ahead log stands behind a header of its own. Source: sqlite.org/fileformat2.html, section 4.1.
FRAME = PAGE + 24

Do = Callable[[], Filed]
Acts = Generator[tuple[str, Do], Filed, None]


def acts(school: Granting) -> Acts:
    """Give one act after the other; each is sent back what came of the one before."""
    for life in (refused, withdrawn, revoked, narrowed, taken_in_an_emergency) * 2:
        yield from life(school)


def refused(school: Granting) -> Acts:
    of = (yield "request", asked(school)).override.id
    yield "refuse", partial(school.overrides.refuse, "manager", of, version=1, reason=REASON)


def withdrawn(school: Granting) -> Acts:
    of = (yield "request", asked(school)).override.id
    yield "withdraw", partial(school.overrides.withdraw, "teacher", of, version=1)


def revoked(school: Granting) -> Acts:
    of = (yield "request", asked(school)).override.id
    yield "approve", partial(school.overrides.approve, "manager", of, version=1)
    yield "revoke", partial(school.overrides.revoke, "head", of, version=2, reason=REASON)


def narrowed(school: Granting) -> Acts:
    filed = yield "request", asked(school)
    of, until_at = filed.override.id, filed.override.lift.until_at - timedelta(minutes=5)
    yield "narrow", partial(school.overrides.narrow, "manager", of, version=1, reason=REASON, until_at=until_at)
    yield from over(school, of)


def taken_in_an_emergency(school: Granting) -> Acts:
    of = (yield "break_glass", asked(school, "manager", is_break_glass=True)).override.id
    yield "countersign", partial(school.overrides.countersign, "head", of, version=1, reason=REASON)
    yield from over(school, of)


def over(school: Granting, of: str) -> Acts:
    """Let it end by the clock, and be summed up."""
    school.clock.advance(hours=2)
    yield "end", partial(swept, school, of)
    school.uses[of] = Use(3, 2, is_complete=True)
    yield "sum_up", partial(swept, school, of)


def asked(school: Granting, person: str = "teacher", **parts: Any) -> Do:
    return partial(school.overrides.request, person, school.written(**parts))


def swept(school: Granting, of: str) -> Filed:
    school.overrides.sweep()
    return school.overrides.get(of)


@contextmanager
def no_file_grows(folder: Path, pages: int) -> Iterator[None]:
    """Leave room for so many pages at the end of the write-ahead log."""
    size = (folder / "state.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + pages * FRAME, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def disk_is_full(folder: Path, pages: int) -> Iterator[None]:
    """Leave so many free pages on the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        with suppress(OSError):
            while file.write(bytes(PAGE)):
                pass
        os.ftruncate(file.fileno(), max(0, file.tell() - pages * PAGE))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def somebody_writes(folder: Path, pages: int) -> Iterator[None]:
    """Let another program hold the file, the first time."""
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as other:
        if pages == 0:
            other.execute("BEGIN IMMEDIATE")
        yield


SQUEEZES = {each.__name__: each for each in (no_file_grows, disk_is_full, somebody_writes)}


def say(line: str) -> None:
    """Say a line in one system call."""
    os.write(1, f"{line}\n".encode())


def main(folder: Path, squeeze: str) -> None:
    with Granting.reopened(folder, new_id=lambda: secrets.token_hex(8)) as school:
        school.store._database.execute("PRAGMA busy_timeout = 20")
        life = acts(school)
        name, do = next(life)
        with suppress(StopIteration):
            while True:
                filed = squeezed(folder, squeeze, name, do)
                say(f"acknowledged {filed.override.id} {filed.version} {filed.override.state}")
                name, do = life.send(filed)


def squeezed(folder: Path, squeeze: str, name: str, do: Do) -> Filed:
    for pages in count():
        try:
            with SQUEEZES[squeeze](folder, pages):
                return do()
        except StorageError as error:
            say(f"refused {name} {pages} {error}")
    raise AssertionError("never")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
