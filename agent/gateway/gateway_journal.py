"""What the gateway tells the record of itself: start and stop, what died, what was lost, and clocks that jumped."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from agent.dns.shared_memory import SharedMemory
from agent.gateway.gateway_events import MAX_FILES, events_folder, leave_event
from agent.logs import log
from agent.sites.site import Site
from rules.errors import StorageError

# What happens again and again is told once in so long, with its number.
TELL_SECONDS: Final = 60.0
# More than any clock is set by that is kept in step.
JUMP_SECONDS: Final = 2.0
# Looking at the clocks takes less, unless somebody was stopped between one and the other.
_LOOK_SECONDS: Final = 0.5
# Source: clock_gettime(2): CLOCK_BOOTTIME goes on while the machine is suspended, CLOCK_MONOTONIC does not.
_UNSTOPPED: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a machine.

    Args:
        wall: aware UTC; somebody may set it.
        unstopped: seconds that nobody sets, with those in which the machine was suspended, where that can be told.
        running: seconds that nobody sets, without them.
    """

    wall: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    unstopped: Callable[[], float] = field(default=lambda: time.clock_gettime(_UNSTOPPED))
    running: Callable[[], float] = time.monotonic


class ClockWatch:
    """Sees when the wall clock was set, and when the machine was suspended."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._seen: tuple[float, float] | None = None

    def look(self) -> tuple[int, int]:
        """Give by how many seconds the wall clock jumped since the last look, and how many the machine slept."""
        before = self._clocks.unstopped()
        wall, running = self._clocks.wall().timestamp(), self._clocks.running()
        after = self._clocks.unstopped()
        if after - before > _LOOK_SECONDS:
            return 0, 0
        seen, self._seen = self._seen, (wall - after, after - running)
        if seen is None:
            return 0, 0
        return _if_long(self._seen[0] - seen[0]), _if_long(self._seen[1] - seen[1])


def _if_long(seconds: float) -> int:
    return round(seconds) if abs(seconds) > JUMP_SECONDS else 0


def lost_and_died(memory: SharedMemory) -> dict[str, Counter[str]]:
    """Give what the gateway counts and the record wants to know, by the kind of event; the numbers only rise."""
    control, intake = memory.control(), memory.intake()
    return {
        "worker_died": Counter(count=control["worker_restarts"]),
        "intake_died": Counter(count=control["intake_restarts"]),
        "rows_lost": Counter(
            not_handed_over=sum(worker.plain()["rows_lost"] for worker in memory.workers()),
            damaged_frames=intake["damaged_frames"],
            files_set_aside=intake["files_set_aside"],
        ),
    }


class GatewayJournal:
    """What one run of the gateway tells.

    Args:
        state: the state folder.
        version: of this program.
        counted: gives what is counted, by the kind of event; it is told as it rises from nothing.
        max_files: so many events wait for the record at most.
    """

    def __init__(
        self,
        state: Path,
        *,
        version: str,
        counted: Callable[[], Mapping[str, Counter[str]]],
        clocks: Clocks = Clocks(),
        max_files: int = MAX_FILES,
    ) -> None:
        self._folder = events_folder(state)
        # There while a gateway runs; where it is there at a start, the run before did not come to its end.
        self._marker = state / "gateway.running"
        self._version = version
        self._counted = counted
        self._clocks = clocks
        self._max_files = max_files
        self._watch = ClockWatch(clocks)
        self._turn = threading.Lock()
        self._seen: Mapping[str, Counter[str]] = {}
        # What is to be told, and since when; then when more of a kind is told again.
        self._untold: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._told_until: dict[str, float] = {}
        self._mark_at = clocks.running()
        self._has_ended = False

    def begin(self) -> None:
        """Tell that the gateway has started, and whether the run before came to its end."""
        facts: dict[str, Any] = {"version": self._version}
        if self._folder.is_dir():
            facts["last_run_ended"] = True
        with suppress(FileNotFoundError):
            last_seen = datetime.fromtimestamp(self._marker.stat().st_mtime, UTC)
            facts |= {"last_run_ended": False, "last_seen_at": last_seen.isoformat(timespec="seconds")}
        self._untold["gateway_started"] = self._clocks.wall(), facts
        self.look()

    def look(self) -> None:
        """Look at the clocks and counters, and tell what is new; call it each second, from any thread."""
        with self._turn:
            if self._has_ended:
                return
            self._see()
            now = self._clocks.running()
            if now >= self._mark_at:
                self._mark()
                self._mark_at = now + TELL_SECONDS
            for kind in [kind for kind in self._untold if now >= self._told_until.get(kind, now)]:
                self._tell(kind)
                self._told_until[kind] = now + TELL_SECONDS

    def end(self, why: str) -> None:
        """Tell what is not told yet, and why the gateway stops; after that nothing is looked at any more."""
        with self._turn:
            self._has_ended = True
            self._see()
            self._untold["gateway_stopped"] = self._clocks.wall(), {"why": why}
            for kind in list(self._untold):
                self._tell(kind)
            if not self._untold:
                with suppress(OSError):
                    self._marker.unlink(missing_ok=True)

    def _see(self) -> None:
        jumped, slept = self._watch.look()
        if jumped:
            self._add("clock_jumped", {"count": 1, "seconds_ahead" if jumped > 0 else "seconds_back": abs(jumped)})
        if slept > 0:
            self._add("machine_suspended", {"count": 1, "seconds": slept})
        counted = self._counted()
        for kind, numbers in counted.items():
            self._add(kind, numbers - self._seen.get(kind, Counter()))
        self._seen = counted

    def _add(self, kind: str, numbers: Mapping[str, int]) -> None:
        if numbers:
            _, facts = self._untold.setdefault(kind, (self._clocks.wall(), {}))
            for name, number in numbers.items():
                facts[name] = facts.get(name, 0) + number

    def _tell(self, kind: str) -> None:
        at, facts = self._untold[kind]
        try:
            leave_event(self._folder, kind, facts, at=at, max_files=self._max_files)
        except StorageError as error:
            # It stays untold, and what is like it is added.
            log.error("event_not_left", state=kind, reason=str(error))
        else:
            del self._untold[kind]

    def _mark(self) -> None:
        try:
            self._marker.touch(mode=0o600)
        except OSError as error:
            log.error("gateway_not_marked", reason=error.strerror or str(error))


def open_journal(site: Site, memory: SharedMemory) -> GatewayJournal | None:
    """Begin the journal of a gateway, where somebody keeps the record."""
    if site.listeners.api is None:
        return None
    journal = GatewayJournal(
        Path(site.paths.state), version=version("schoolgate"), counted=lambda: lost_and_died(memory)
    )
    journal.begin()
    return journal
