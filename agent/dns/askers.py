"""Which of the school's networks and laptops still ask for names, and when each did last, to the minute.

Whoever looks for laptops that ask somebody else leaves their addresses; a worker answers for those, and of everybody
else it tells only how many there were. Who asked is taken from what it counts of each client in any case, so a query
costs nothing more; it is forgotten with the minute. No name, and nobody else's address, leaves the worker. Who asked
while no worker was there is not known: after a while without one, a laptop counts from its first question again.
Of a network only the minute is told, so that the school sees from where nobody has asked yet.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from agent.logs import log

REPORT_SECONDS: Final = 60
# After so long without a report, nobody knows who asked meanwhile.
LONGEST_GAP_SECONDS: Final = 300
# So many addresses are held before a minute is over; a flood brings millions that nobody has.
MOST_SEEN: Final = 65_536
# So many of them are looked at to learn from which networks they are; it takes a worker some milliseconds.
MOST_PLACED: Final = 4096


@dataclass(frozen=True, slots=True)
class Report:
    """What one worker saw from `since` until `at`, in seconds since 1970.

    `others` is how many addresses asked in the minute before. `asked` is when each laptop did last, by the octets of
    its address: the beginning of a minute, in seconds since 1970; `networks` when anybody in a network did, alike.
    """

    at: float = 0.0
    others: int = 0
    asked: dict[bytes, int] = field(default_factory=dict)
    since: float = 0.0
    networks: dict[str, int] = field(default_factory=dict)


def wanted_path(runtime: Path) -> Path:
    """Say where the addresses of laptops are left."""
    return runtime / "laptops"


def report_path(runtime: Path, worker: int) -> Path:
    """Say where a worker leaves its report."""
    return runtime / f"askers-{worker}"


def read_wanted(runtime: Path) -> frozenset[bytes]:
    """Read the addresses of laptops; none where nobody left any that can be read."""
    found: frozenset[bytes] | None = _read(wanted_path(runtime), frozenset[bytes])
    return found or frozenset()


def leave_wanted(runtime: Path, addresses: Iterable[bytes]) -> None:
    """Leave the addresses of laptops, by their octets, where they are others than before."""
    wanted = frozenset(addresses)
    if wanted != read_wanted(runtime):
        _leave(wanted_path(runtime), wanted)


def read_report(runtime: Path, worker: int) -> Report | None:
    """Read what a worker told last; nothing where there is none that can be read."""
    found: Report | None = _read(report_path(runtime, worker), Report)
    return found


def networks_asked(runtime: Path) -> dict[str, int]:
    """Give when anybody in a network asked last: the beginning of a minute, in seconds since 1970."""
    found: dict[str, int] = {}
    for path in runtime.glob("askers-*[0-9]"):
        report: Report | None = _read(path, Report)
        for network, at in report.networks.items() if report else ():
            found[network] = max(at, found.get(network, 0))
    return found


def watched_since(runtime: Path, now: float) -> float | None:
    """Give since when all workers have seen who asks; nothing where none tells of it now.

    Args:
        now: seconds since 1970, as what is given.
    """
    reports = (_read(path, Report) for path in runtime.glob("askers-*[0-9]"))
    return max((each.since for each in reports if each and abs(now - each.at) <= LONGEST_GAP_SECONDS), default=None)


def _nowhere(_address: bytes) -> str | None:
    """Stand in where networks are not asked about."""
    return None


class Askers:
    """What one worker sees of who asks; `seen` are the addresses of this minute.

    Args:
        runtime: the folder in which everybody leaves what they tell.
        network_of: names the network of an address.
        wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        runtime: Path,
        worker: int,
        *,
        network_of: Callable[[bytes], str | None] = _nowhere,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.seen: set[bytes] = set()
        self._runtime = runtime
        self._worker = worker
        self._network_of = network_of
        self._wall_clock = wall_clock
        # Whoever was here before may have ended a moment ago.
        self._report = read_report(runtime, worker) or Report()

    def tick(self) -> None:
        """Tell of the laptops and forget all others, where a minute is over."""
        now = self._wall_clock()
        # A clock that was set back must not make the minute longer.
        if abs(now - self._report.at) < REPORT_SECONDS and len(self.seen) < MOST_SEEN:
            return
        wanted = read_wanted(self._runtime)
        before = self._report
        if now - before.at > LONGEST_GAP_SECONDS:
            before = Report(since=now)
        asked = {address: at for address, at in before.asked.items() if address in wanted}
        minute = int(now) // 60 * 60
        asked |= dict.fromkeys(wanted & self.seen, minute)
        placed = {self._network_of(address) for address in islice(self.seen, MOST_PLACED)}
        networks = self._report.networks | {network: minute for network in placed if network}
        self._report = Report(now, len(self.seen), asked, before.since, networks)
        self.seen.clear()
        _leave(report_path(self._runtime, self._worker), self._report)


def _read(path: Path, kind: Any) -> Any:
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _leave(path: Path, what: object) -> None:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.msgpack.encode(what))
        fresh.replace(path)
    except OSError as error:
        log.error("askers_unreported", reason=error.strerror or str(error))
