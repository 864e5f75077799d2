"""The intake: takes what workers spooled, and what they counted, into the activity store; counts uses of overrides.

A process of its own at the lowest priority, so that neither the disk nor a long backlog is ever in the way of an
answer or of the supervisor. Whatever fails is tried again while the rows wait in the spool. It tells how it gets on
through shared memory, because nobody should have to ask it.
"""

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import compress, groupby
from operator import ne
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from agent.dns.background import step_back
from agent.dns.outcomes import OUTCOMES, read_outcome
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import Snapshot, read_snapshot
from agent.dns.spool import SpoolReader, segments, spool_bytes, spool_folder
from agent.logs import configure_logs, log
from agent.people.pseudonyms import Pseudonyms, device_of
from agent.sites.site import ActivityLevel
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.state import read_only
from agent.storage.uses import UseStore, uses_path
from rules.errors import SchoolgateError, StorageError

# A transaction takes so many rows; then others may have the disk.
ROWS: Final = 5000
BUSY_SECONDS: Final = 0.01
IDLE_SECONDS: Final = 1.0
COUNT_SECONDS: Final = 10.0
FORGET_SECONDS: Final = 60.0
DAY_SECONDS: Final = 86_400
CLOSE_SECONDS: Final = 1.0


class Intake:
    """What stands between the spool, the counters and the store.

    Args:
        memory: the counters of the workers, and the place to tell how the intake gets on.
        snapshot: the site, and the devices that are known.
    """

    def __init__(
        self,
        memory: SharedMemory,
        snapshot: Snapshot,
        *,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        state = Path(snapshot.site.paths.state)
        self._memory = memory
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._snapshot = snapshot
        self._spool = spool_folder(snapshot.site.paths.state)
        self._pseudonyms = Pseudonyms(state / "keys")
        self._store = ActivityStore(
            state / "activity",
            timezone=ZoneInfo(snapshot.site.school.timezone),
            keeping=_keeping(snapshot),
            pseudonym_of=self._pseudonym_of,
            on_set_aside=self._on_set_aside,
        )
        self._uses = UseStore(
            uses_path(snapshot.site.paths.state),
            counters_begun_at=memory.created_at_nanoseconds,
            device_of=self._device_of,
            nanoseconds=self._nanoseconds,
            counts_since=self._counts_since,
            on_set_aside=self._on_set_aside,
        )
        self._reader: SpoolReader | None = None
        self._counted = [0] * OUTCOMES
        self._counter_prefix = f"outcomes-{memory.created_at_nanoseconds}-"
        self._count_at = self._forget_at = monotonic()
        self._today: date | None = None
        self._told = memory.intake()
        self._lock: BinaryIO | None = None

    def adopt(self, snapshot: Snapshot) -> None:
        """Go on with another policy: other devices, another level, another retention."""
        self._snapshot = snapshot
        self._store.timezone = ZoneInfo(snapshot.site.school.timezone)
        self._store.keeping = _keeping(snapshot)
        self._today = None

    def step(self) -> bool:
        """Do what is due, one transaction of rows at most; says whether more is waiting.

        Raises:
            SchoolgateError: something could not be stored or deleted; nothing is lost, and it can be tried again.
            OSError: the spool could not be read.
        """
        reader = self._reader or self._begin()
        self._delete_expired()
        if self._monotonic() >= self._count_at:
            self._store_counts()
            self._count_at = self._monotonic() + COUNT_SECONDS
        if self._monotonic() >= self._forget_at:
            self._forget_at = self._monotonic() + FORGET_SECONDS
            # What cannot be looked up now is tried again, and nothing else waits for it.
            with contextlib.suppress(StorageError):
                self._forget_uses()
        looked_at = self._nanoseconds()
        has_more = self._store_rows(reader) >= ROWS
        self._note_losses()
        if not has_more:
            self._told["taken_until_nanoseconds"] = looked_at
        return has_more

    def survive_step(self) -> bool:
        """Do a step and tell how it went; a failure is logged, counted and tried again later."""
        has_more = False
        try:
            has_more = self.step()
            self._told["is_failing"] = 0
        except (SchoolgateError, OSError) as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 (a fault of ours must not end the record for good)
            self._fail(f"{type(error).__name__} at {_place(error)}")
        with contextlib.suppress(OSError):
            self._told["waiting_bytes"] = self._reader.waiting_bytes() if self._reader else spool_bytes(self._spool)
        self._told["heartbeat_nanoseconds"] = int(self._monotonic() * 1e9)
        self._memory.tell_intake(self._told)
        return has_more

    def close(self) -> None:
        """Take what is there, as far as it goes at once, and close the store; the rest waits for the next start."""
        self._count_at = self._monotonic()
        until = self._count_at + CLOSE_SECONDS
        while self.survive_step() and self._monotonic() < until:
            pass
        if self._reader is not None:
            with contextlib.suppress(SchoolgateError):
                self._uses.end()
        self._uses.close()
        self._store.close()
        if self._lock is not None:
            self._lock.close()

    def _begin(self) -> SpoolReader:
        """Find out how far everything was taken before, once nobody else takes it any more."""
        if self._lock is None:
            self._lock = _lock(self._spool.parent / "intake.lock")
        positions = self._store.positions()
        waiting = {path.name for path in segments(self._spool)}
        for source, position in positions.items():
            if source.startswith(self._counter_prefix):
                self._counted[int(source.removeprefix(self._counter_prefix))] = position
        self._reader = SpoolReader(self._spool, {name: positions[name] for name in waiting & positions.keys()})
        return self._reader

    def _store_rows(self, reader: SpoolReader) -> int:
        damaged_before = reader.damaged_frames
        taken = 0
        try:
            batches = reader.read(ROWS)
            self._uses.store(batches, segments={path.name for path in segments(self._spool)})
            for day, of_day in groupby(batches, lambda batch: self._store.day_of(batch.at_unix)):
                part = list(of_day)
                self._told["queries_stored"] += self._store.store_rows(day, part)
                reader.confirm(part)
                taken += sum(len(batch.rows) for batch in part)
            reader.confirm(())
        except BaseException:
            reader.rewind()
            raise
        finally:
            self._told["rows_taken"] += taken
            self._told["damaged_frames"] += reader.damaged_frames - damaged_before
        return taken

    def _store_counts(self) -> None:
        counted = self._memory.outcomes()
        counts: Counter[tuple[str, str, str]] = Counter()
        positions = {}
        for place in compress(range(OUTCOMES), map(ne, counted, self._counted)):
            what = read_outcome(place)
            counts[what.audience, what.verdict, what.category] += counted[place] - self._counted[place]
            positions[f"{self._counter_prefix}{place}"] = counted[place]
        if counts:
            self._store.store_counts(self._wall_clock(), counts, positions)
        self._counted = counted

    def _delete_expired(self) -> None:
        """Once a day, delete what has been kept for long enough, and the keys that belong to it."""
        today = self._store.day_of(self._wall_clock())
        if today == self._today:
            return
        days = self._snapshot.site.retention.activity_days
        gone = self._store.delete_expired(today, retention_days=days)
        needed_since = self._pseudonyms_needed_since()
        gone += self._pseudonyms.delete_expired_keys(today, retention_days=days, needed_since=needed_since)
        if gone:
            log.info("activity_expired", count=len(gone))
        self._today = today

    def _pseudonyms_needed_since(self) -> date | None:
        """Give the oldest day of which somebody may have to be told by their pseudonym, by what is on file."""
        # Loaded late: it is asked for once a day.
        from agent.assembly import STATE_NAME  # noqa: PLC0415
        from agent.storage.incident_rows import oldest_about_somebody  # noqa: PLC0415

        state = Path(self._snapshot.site.paths.state) / STATE_NAME
        if not state.exists():
            return None
        try:
            with read_only(state) as database:
                oldest = oldest_about_somebody(database)
        except StorageError:
            # What cannot be looked up keeps every key.
            return date.min
        return None if oldest is None else self._store.day_of(oldest.timestamp())

    def _note_losses(self) -> None:
        """Remember that something is missing in what was counted, where that is so."""
        lost = sum(worker.plain()["rows_lost"] for worker in self._memory.workers())
        self._uses.note_losses(lost + self._told["damaged_frames"])

    def _forget_uses(self) -> None:
        """Delete how overrides were used that have been summed up, or ended longer ago than activity is kept."""
        if not (counted := self._uses.overrides()):
            return
        # Loaded late: most of the time there is nothing to look up.
        from agent.assembly import STATE_NAME  # noqa: PLC0415
        from agent.storage.override_rows import ids_to_sum_up  # noqa: PLC0415

        oldest = self._wall_clock() - self._snapshot.site.retention.activity_days * DAY_SECONDS
        with read_only(Path(self._snapshot.site.paths.state) / STATE_NAME) as database:
            kept = ids_to_sum_up(database, counted, until_after=datetime.fromtimestamp(oldest, UTC))
        self._uses.forget(set(counted) - kept)

    def _nanoseconds(self) -> int:
        return int(self._wall_clock() * 1e9)

    def _counts_since(self) -> int:
        """Say from when on everything is counted: as long as nothing was taken, all that was seen is in the spool."""
        return self._nanoseconds() if self._told["rows_taken"] else self._memory.created_at_nanoseconds

    def _device_of(self, address: bytes) -> str:
        """Say by what a device is known; nothing where the school does not want devices told apart."""
        if not address or self._snapshot.site.retention.activity is ActivityLevel.COUNTS:
            return ""
        return device_of(address, self._snapshot.devices)

    def _pseudonym_of(self, address: bytes, day: date) -> str:
        return self._pseudonyms.pseudonym(device_of(address, self._snapshot.devices), day)

    def _on_set_aside(self, path: Path) -> None:
        self._told["files_set_aside"] += 1
        log.error("activity_damaged", path=str(path), reason="set aside; a new file is begun")

    def _fail(self, reason: str) -> None:
        self._told["failures"] += 1
        self._told["is_failing"] = 1
        log.error("intake_failed", reason=reason)


def _lock(path: Path) -> BinaryIO:
    """Take the lock of the activity folder; the kernel frees it when its holder ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StorageError(f"{path}: another intake is still at work; waiting for it to end") from error
    return file


def _keeping(snapshot: Snapshot) -> Keeping:
    return Keeping(snapshot.site.retention.activity, snapshot.unrecorded)


def _place(error: BaseException) -> str:
    """Say where an error was raised, without its words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "nowhere"


def run_intake(
    shared_memory: Path, snapshot_path: Path, stop: threading.Event, *, is_wanted: Callable[[], bool] = lambda: True
) -> None:
    """Work until told to stop, by the policy that is published at any time.

    Raises:
        StorageError: there is no shared memory or no snapshot.
    """
    with SharedMemory.open(shared_memory, writable=True) as memory:
        generation = memory.policy_generation
        intake = Intake(memory, read_snapshot(snapshot_path))
        while not stop.is_set() and is_wanted():
            has_more = intake.survive_step()
            stop.wait(BUSY_SECONDS if has_more else IDLE_SECONDS)
            if memory.policy_generation != generation:
                generation = memory.policy_generation
                try:
                    intake.adopt(read_snapshot(snapshot_path))
                except SchoolgateError as error:
                    log.error("adopt_failed", reason=str(error))
        intake.close()


def main() -> int:
    """Run the intake; the arguments are the paths of the shared memory and of the snapshot."""
    configure_logs()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    step_back()
    try:
        # Without its supervisor it has nobody's counters to read; the next supervisor starts another.
        supervisor = os.getppid()
        run_intake(Path(sys.argv[1]), Path(sys.argv[2]), stop, is_wanted=lambda: os.getppid() == supervisor)
    except SchoolgateError as error:
        log.error("intake_cannot_start", reason=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
