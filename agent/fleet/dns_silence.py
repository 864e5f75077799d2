"""Laptops of which one half is silent: they tell that they are on and ask us no names, or the other way round.

Whatever a school keeps of what is asked, the workers tell when each laptop of the school last asked for something,
and neither what that was nor who else asked (`agent.dns.askers`). That stands in the folder of what runs, which is
empty after a start of the machine: a laptop counts from the first question that it asks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from agent.dns.askers import Report, leave_wanted, read_report
from agent.dns.clients import parse_address
from agent.dns.shared_memory import SharedMemory
from agent.fleet.fleet_reading import Word
from agent.observing.known_devices import KnownDevices
from agent.people.pseudonyms import device_of
from agent.sites.site import ActivityLevel, Site
from rules.errors import RefusedRequestError, StorageError
from rules.silence import Halves, Silence, silence_of

# So long one half must have been silent.
AFTER: Final = timedelta(minutes=30)
# An address says little of who was there longer ago.
HEARD_WITHIN: Final = timedelta(days=1)
# What a worker saw is told every minute; one that tells nothing may be the one that is asked.
FRESH: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Found:
    """A laptop of which one half is silent; `asked_at` is when it last asked, `heard_at` its last word."""

    device: str
    silence: Silence
    asked_at: datetime
    heard_at: datetime
    others: int


class DnsSilence:
    """What is looked for.

    Args:
        runtime: where the workers leave what they tell.
        known: the devices that the site knows.
    """

    def __init__(
        self, runtime: Path, *, site: Callable[[], Site], known: Callable[[], KnownDevices], after: timedelta = AFTER
    ) -> None:
        self._runtime = runtime
        self._site = site
        self._known = known
        self._after = after

    def look(self, words: Mapping[str, Word], here_since: Mapping[str, datetime], now: datetime) -> list[Found]:
        """Give every laptop of which one half is silent now.

        Args:
            words: the last word of each laptop that may tell something.
            here_since: since when each was always heard from the address of its last word.
        """
        laptops = self._addresses(words, now)
        leave_wanted(self._runtime, frozenset().union(*laptops.values()))
        reports = self._reports(now)
        heartbeat = timedelta(seconds=self._site().private.endpoints.heartbeat_seconds)
        found = []
        for device in laptops.keys() & here_since.keys() if reports else ():
            halves = self._halves(words[device], here_since[device], laptops[device], reports)
            silence = silence_of(halves, now=now, after=self._after, heartbeat=heartbeat)
            if silence is not None and halves.asked_at is not None:
                found.append(Found(device, silence, halves.asked_at, halves.heard_at, halves.others))
        return found

    def _addresses(self, words: Mapping[str, Word], now: datetime) -> dict[str, frozenset[bytes]]:
        """Give the addresses by which each laptop in the school may ask, where the school tells devices apart."""
        if self._site().retention.activity is ActivityLevel.COUNTS:
            return {}
        known = self._known()
        of_device: dict[str, set[bytes]] = {}
        for text in known.devices:
            packed = parse_address(text).packed
            of_device.setdefault(device_of(packed, known.devices), set()).add(packed)
        found = {}
        for device, word in words.items():
            if now - word.seen_at <= HEARD_WITHIN and _is_ours(known, word.address):
                packed = parse_address(word.address).packed
                found[device] = frozenset({packed, *of_device.get(device_of(packed, known.devices), ())})
        return found

    def _reports(self, now: datetime) -> list[Report]:
        """Give what every worker saw; nothing where one of them has told nothing of late."""
        try:
            with SharedMemory.open(self._runtime / "shared.mem") as memory:
                workers = memory.worker_count
        except StorageError:
            return []
        read = [read_report(self._runtime, worker) for worker in range(workers)]
        reports = [each for each in read if each and abs(now.timestamp() - each.at) <= FRESH.total_seconds()]
        return reports if len(reports) == workers else []

    def _halves(
        self, word: Word, here_since: datetime, addresses: frozenset[bytes], reports: Sequence[Report]
    ) -> Halves:
        asked = [at for report in reports for address, at in report.asked.items() if address in addresses]
        told_since = datetime.fromtimestamp(max(report.since for report in reports), UTC)
        return Halves(
            heard_at=word.seen_at,
            here_since=max(here_since, told_since),
            asked_at=datetime.fromtimestamp(max(asked), UTC) if asked else None,
            told_at=datetime.fromtimestamp(min(report.at for report in reports), UTC),
            others=max(report.others for report in reports),
            is_certain=word.address in self._known().devices,
        )


def _is_ours(known: KnownDevices, address: str) -> bool:
    try:
        return known.audience(address) is not None
    except RefusedRequestError:
        return False
