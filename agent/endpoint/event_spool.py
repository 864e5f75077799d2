"""The spool of a laptop: what was observed waits here until the gateway has said that it is stored.

What `add` returned True for survives the death of the process and the loss of power. Numbers rise and are never used
twice within an epoch, which is one file. Room is bounded: whoever adds up what arrived and what tombstones count
finds every event. What was handed out for sending is never changed any more, for the gateway may have it already.

(`agent.dns.spool` is another thing: how DNS workers hand rows over within the gateway.)
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

from agent.endpoint.keys import write_private
from agent.endpoint.spool_file import Limits, Row, SpoolFile, dropped_row, is_damage
from agent.endpoint.spool_reserve import RESERVE_BYTES, SpoolReserve
from agent.endpoint.spool_salvage import finish_replacing, read_damaged, replace_damaged, successor
from agent.endpoint.wire_batch import MAX_BYTES, MAX_EVENTS, Event
from collectors.observed import JSON, Observed, Priority

FILE: Final = "spool.db"
RESERVE_FILE: Final = "incidents.reserve"
# Given up where the disk is too full even for deleting, which takes room before it gives some.
ROOM_FILE: Final = "deleting.reserve"
ROOM_BYTES: Final = 512 * 1024

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of this laptop, and the id of its boot: at most 64 letters, digits, `_` and `-`."""

    wall: Callable[[], float] = field(default=time.time)
    monotonic: Callable[[], float] = field(default=time.monotonic)
    boot: str = "unknown"


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What waits; `oldest_seconds` is 0 where nothing does.

    Args:
        is_usable: False while the file cannot be opened and only the reserve takes incidents.
    """

    epoch: str
    waiting: Mapping[Priority, int]
    size_bytes: int
    oldest_seconds: float
    quarantined: int
    in_reserve: int
    is_usable: bool

    @property
    def depth(self) -> int:
        """How many events wait."""
        return sum(self.waiting.values()) + self.in_reserve


class HandedOut(NamedTuple):
    """What goes next, and what its batch must say of the file that it is from."""

    epoch: str
    previous: str
    events: tuple[Event, ...]


class SpoolUnusableError(Exception):
    """The spool cannot be read or written at this moment; incidents go to the reserve meanwhile."""


class EventSpool:
    """The one writer of a spool; its methods may be called from several threads.

    Raises:
        OSError: the folder cannot be made, or there is no room for the reserve.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clocks: Clocks | None = None,
        limits: Limits | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._clocks = clocks or Clocks()
        self._limits = limits or Limits()
        self._new_epoch = new_epoch
        self._lock = threading.RLock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        self._reserve = SpoolReserve(folder / RESERVE_FILE, size_bytes=reserve_bytes)
        self._room = folder / ROOM_FILE
        self._file: SpoolFile | None = None
        # Acknowledged, while the disk is too full even to delete it.
        self._undeleted: tuple[str, int, str] | None = None
        with suppress(SpoolUnusableError):
            self._surely(lambda _: None)
            self._take_room()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open; everything is on the disk already."""
        with self._lock:
            self._close_file()
            self._reserve.close()

    @property
    def epoch(self) -> str:
        """The id of the file; empty while it cannot be opened."""
        return self._file.epoch if self._file else ""

    def add(self, observed: Observed) -> bool:
        """Keep what was observed, for good; False says that there was no room, which is counted and will be told."""
        row = self._row(observed.kind, observed.priority, observed.facts, observed.key)
        with self._lock:
            try:
                return self._surely(lambda file: self._take(file, row))
            except SpoolUnusableError:
                return self._fall_back(row)

    def next_events(self, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> HandedOut:
        """Hand out what goes next, oldest number first; one event at least where any waits.

        Args:
            max_bytes: of their texts and what joins them.

        Raises:
            SpoolUnusableError: the spool cannot be read now.
        """
        with self._lock:
            self._delete_acknowledged()
            return self._surely(
                lambda file: HandedOut(file.epoch, file.previous, file.next_events(max_events, max_bytes))
            )

    def acknowledge(self, epoch: str, last: int, previous: str) -> None:
        """Take away everything up to `last`, which the gateway has stored; nothing where the epoch is another by now.

        Args:
            previous: what the next batch names as the hash of the one before it.

        Raises:
            SpoolUnusableError: it cannot be taken away now; what is sent twice the gateway takes once.
        """
        with self._lock:
            self._undeleted = (epoch, last, previous)
            self._delete_acknowledged()

    def put_aside(self, epoch: str, sequence: int, reason: str) -> None:
        """Put an event aside that the gateway refuses; what says so takes its place and number.

        Raises:
            SpoolUnusableError: the spool cannot be written now.
        """
        with self._lock:
            self._within(epoch, lambda file: file.put_aside(sequence, reason))

    def put_back(self, epoch: str, sequence: int) -> None:
        """Put an event that was put aside into its place again: it was not at fault.

        Raises:
            SpoolUnusableError: the spool cannot be written now.
        """
        with self._lock:
            self._within(epoch, lambda file: file.put_back(sequence))

    def state(self) -> SpoolState:
        """Say what waits."""
        with self._lock:
            oldest, quarantined = 0.0, 0
            with suppress(SpoolUnusableError):
                oldest, quarantined = self._surely(lambda file: (self._age(file), file.quarantined()))
            file = self._file
            return SpoolState(
                epoch=self.epoch,
                waiting=dict(file.counts) if file else dict.fromkeys(Priority, 0),
                size_bytes=sum(file.sizes.values()) if file else 0,
                oldest_seconds=oldest,
                quarantined=quarantined,
                in_reserve=len(self._reserve.records),
                is_usable=file is not None,
            )

    def _row(self, kind: str, priority: Priority, facts: Mapping[str, JSON], key: str = "") -> Row:
        # A file system may have names that are no text; nothing that was observed is lost for that.
        text = json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace").decode()
        return Row(self._clocks.wall(), self._clocks.monotonic(), self._clocks.boot, kind, int(priority), key, text)

    def _take(self, file: SpoolFile, row: Row) -> bool:
        rows = [*self._reserved(row), row]
        if len(rows) == 1:
            return file.take(rows)[-1]
        kept = file.take(rows, filling=self._reserve.filling.hex())
        self._reserve.start_anew()
        return kept[-1]

    def _reserved(self, now: Row) -> list[Row]:
        """Give what the reserve holds, and the tombstones of what it could only count."""
        rows = [Row(**record) for record in self._reserve.records]
        for priority, lost in self._reserve.lost.items():
            rows.append(dropped_row(now._replace(priority=int(priority)), lost.count, lost.first_at, lost.last_at))
        return rows

    def _fall_back(self, row: Row) -> bool:
        if row.priority == Priority.INCIDENT and self._reserve.keep(row._asdict()):
            return True
        self._reserve.lose(Priority(row.priority), row.wall)
        return False

    def _delete_acknowledged(self) -> None:
        if self._undeleted is None:
            return
        epoch, last, previous = self._undeleted
        try:
            self._within(epoch, lambda file: file.delete_to(last, previous))
        except SpoolUnusableError:
            self._room.unlink(missing_ok=True)
            self._within(epoch, lambda file: file.delete_to(last, previous))
        self._undeleted = None
        with suppress(SpoolUnusableError):
            self._surely(SpoolFile.give_back_room)
        self._take_room()

    def _take_room(self) -> None:
        if self._room.exists():
            return
        try:
            write_private(self._room, bytes(ROOM_BYTES))
        except OSError:
            self._room.with_name(f"{ROOM_FILE}.draft").unlink(missing_ok=True)

    def _age(self, file: SpoolFile) -> float:
        oldest = file.oldest()
        if oldest is None:
            return 0.0
        wall, monotonic, boot = oldest
        if boot == self._clocks.boot:
            return max(0.0, self._clocks.monotonic() - monotonic)
        return max(0.0, self._clocks.wall() - wall)

    def _within(self, epoch: str, work: Callable[[SpoolFile], None]) -> None:
        """Do it, unless the file is another by now, in which the numbers mean other events."""

        def work_within(file: SpoolFile) -> None:
            if file.epoch == epoch:
                work(file)

        self._surely(work_within)

    def _surely(self, work: Callable[[SpoolFile], _T]) -> _T:
        """Do it, on a new file where the one that is there turns out to be damaged.

        Raises:
            SpoolUnusableError: it cannot be done now.
        """
        try:
            try:
                return work(self._opened())
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                return work(self._recovered())
        except (sqlite3.Error, OSError) as error:
            raise SpoolUnusableError(str(error)) from error

    def _opened(self) -> SpoolFile:
        if self._file is None:
            finish_replacing(self._path)
            file = self._open(self._path)
            if file.is_new and self._reserve.was_there:
                self._note_reset(file, "missing", "", 0)
            self._use(file)
            return file
        return self._file

    def _open(self, path: Path) -> SpoolFile:
        return SpoolFile(path, limits=self._limits, new_epoch=self._new_epoch)

    def _use(self, file: SpoolFile) -> None:
        self._file = file
        if file.filling == self._reserve.filling.hex():
            # Taken over already, and then the process died.
            self._reserve.start_anew()

    def _recovered(self) -> SpoolFile:
        """Begin a new file with what can be read of the damaged one, which is kept."""
        self._close_file()
        epoch, rows = read_damaged(self._path)
        finish_replacing(self._path)
        fresh = self._open(successor(self._path))
        try:
            self._note_reset(fresh, "damaged", epoch, len(rows))
            fresh.take(rows)
        finally:
            fresh.close()
        replace_damaged(self._path, self._clocks.wall())
        file = self._open(self._path)
        self._use(file)
        return file

    def _note_reset(self, file: SpoolFile, why: str, epoch: str, salvaged: int) -> None:
        facts: dict[str, JSON] = {"why": why, "epoch_before": epoch, "salvaged": salvaged}
        file.take([self._row("spool_reset", Priority.INCIDENT, facts)])

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
