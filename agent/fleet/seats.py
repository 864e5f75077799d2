"""Where somebody is signed in to a laptop of the school, so that what holds for their classes holds there, too.

An address is somebody's seat while one laptop alone is heard from it, which says that the address is its own and that
one known person signed in at it. Whatever else is the case, nobody is known to sit there, and the network's own rules
hold. Nothing but the groups of the person's classes goes on from here.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from agent.dns.clients import Seat, parse_address
from agent.fleet.device_sessions import KEY, LaptopNow, laptop_of, longest_silence
from agent.fleet.fleet import Fleet
from agent.fleet.fleet_reading import Word, read_events, read_words, source_of
from agent.logs import log
from agent.observing.identity import FRESH_FOR, MINUTE
from agent.observing.known_devices import KnownDevices
from agent.requests.granted import seats_of
from agent.sites.site import Site
from agent.storage.case_rows import read_cases
from agent.storage.fleet_rows import DeviceState
from agent.storage.observation_rows import read_position
from agent.storage.presence_rows import SignIn, read_at_device
from agent.storage.seat_rows import SeatRow, delete_seats, read_seats, write_seats
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.subject import Audience

# Every worker is told of them, so there is an end to how many there are.
MOST: Final = 5_000
# So long the same is not told again, whatever the gateway makes of it.
_TOLD_AGAIN: Final = timedelta(minutes=1)
# Where what laptops told waits longer to be weighed, nobody knows who is signed in where.
_LATEST: Final = timedelta(minutes=1)

Groups: TypeAlias = dict[str, tuple[str, ...]]


class Seats:
    """Keeps the seats as they are now, and says when the gateway has to look at them again.

    Args:
        known: the devices that the site knows.
        published: gives the seats that the gateway published.
        tell: tells the gateway that seats have changed.
        most: how many there may be; those beyond are counted, and are none.
    """

    def __init__(
        self,
        store: StateStore,
        fleet: Fleet,
        *,
        site: Callable[[], Site],
        known: Callable[[], KnownDevices],
        published: Callable[[], Mapping[str, Seat]],
        tell: Callable[[], None],
        most: int = MOST,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._site = site
        self._known = known
        self._published = published
        self._tell = tell
        self._told: tuple[Groups, datetime] | None = None
        self._most = most
        self._left_out = 0

    def look(self) -> None:
        """Take who sits where now; what is over is deleted.

        Raises:
            StorageError: something could not be read or stored; it is taken next time.
        """
        now = self._store.clock()
        laptops, words = self._heard(now)
        with self._store.read() as state:
            before = read_seats(state)
        after = {each.address: each for each in self._bounded(self._taken(laptops, words, before, now))}
        changed = [each for each in after.values() if before.get(each.address) != each]
        gone = before.keys() - after.keys()
        if changed or gone:
            with self._store.act() as act:
                delete_seats(act, gone)
                write_seats(act, changed)
        self._tell_of(seats_of(after.values(), now, self._site().rulebook), now)

    def _heard(self, now: datetime) -> tuple[Mapping[str, LaptopNow], Mapping[str, Word]]:
        """Give what is known of laptops, and of those that were heard lately their last words."""
        if not self._fleet.events.path.exists():
            return {}, {}
        with self._store.read() as state, self._fleet.events.read() as database:
            source = source_of(database)
            waiting = read_events(database, after=read_position(state, source), limit=1) if source else []
            if not source or (waiting and now - waiting[0].received_at > _LATEST):
                return {}, {}
            laptops = {case.device: laptop_of(case) for case in read_cases(state, KEY)}
            laptops = {
                device: laptop for device, laptop in laptops.items() if not self._is_another_there(state, laptop, now)
            }
            words = read_words(database)
        longest = longest_silence(self._site())
        return laptops, {device: word for device, word in words.items() if now - word.seen_at <= longest}

    def _is_another_there(self, state: sqlite3.Connection, laptop: LaptopNow, now: datetime) -> bool:
        """Say whether somebody else who is known signed in to the same device, by whatever else tells of sign-ins."""
        person = _one_person(laptop)
        if person is None or not laptop.address:
            return False
        device = self._known().pseudonym(laptop.address, now.date())
        return any(
            each.person not in {"", person["person"]} and now <= each.told_at + FRESH_FOR
            for each in read_at_device(state, device, now - MINUTE, now)
        )

    def _taken(
        self,
        laptops: Mapping[str, LaptopNow],
        words: Mapping[str, Word],
        before: Mapping[str, SeatRow],
        now: datetime,
    ) -> Iterator[SeatRow]:
        at: dict[str, list[str]] = defaultdict(list)
        for device, word in words.items():
            if (address := _plain(word.address)) is not None:
                at[address].append(device)
        for address, devices in sorted(at.items()):
            laptop, word = laptops.get(devices[0]), words[devices[0]]
            # While more waits on it, what is known of it may be over.
            if len(devices) > 1 or laptop is None or word.has_more or not self._is_at(devices[0], laptop, address):
                continue
            person = _one_person(laptop)
            # Where nobody sat, somebody does from when the laptop is heard.
            if person is not None and person["groups"] and (address in before or now - word.seen_at <= _LATEST):
                yield self._seat(address, person, word, before.get(address))

    def _is_at(self, device: str, laptop: LaptopNow, address: str) -> bool:
        """Say whether an address is one of the school's, and by its own word that of a laptop that was let in."""
        found = self._fleet.devices.get(device)
        if found is None or found.state is not DeviceState.ACTIVE or address not in map(_plain, laptop.addresses):
            return False
        try:
            return self._known().audience(address) is not None
        except RefusedRequestError:
            return False

    def _seat(self, address: str, person: Mapping[str, Any], word: Word, before: SeatRow | None) -> SeatRow:
        """Give a seat; where leases have known another device there since the laptop was heard, it is nobody's."""
        groups, behind = frozenset(person["groups"]), self._behind(address, word.seen_at)
        if before is not None and before.heard_at == word.seen_at:
            groups = groups if behind in {"", before.behind} else frozenset()
            behind = before.behind
        return SeatRow(
            address,
            groups,
            Audience(person["audience"]) if person["audience"] else None,
            word.seen_at,
            word.seen_at + longest_silence(self._site()),
            behind,
        )

    def _behind(self, address: str, at: datetime) -> str:
        known = self._known()
        return known.pseudonym(address, at.date()) if address in known.devices else ""

    def _bounded(self, seats: Iterator[SeatRow]) -> list[SeatRow]:
        found = list(seats)
        left_out = max(0, len(found) - self._most)
        if left_out and not self._left_out:
            log.warning("seats_left_out", count=left_out)
        self._left_out = left_out
        return found[: self._most]

    def _tell_of(self, seats: dict[str, Seat], now: datetime) -> None:
        """Have the gateway look again where seats are others, or one that it published would be over before long."""
        published = {address: each for address, each in self._published().items() if each.until > now.timestamp()}
        wanted = {address: each.groups for address, each in seats.items()}
        soon = (now + longest_silence(self._site()) / 2).timestamp()
        is_short = any(each.until < min(soon, seats[at].until) for at, each in published.items() if at in seats)
        if not is_short and wanted == {address: each.groups for address, each in published.items()}:
            self._told = None
        elif self._told is None or self._told[0] != wanted or now - self._told[1] >= _TOLD_AGAIN:
            self._told = wanted, now
            self._tell()


def _one_person(laptop: LaptopNow) -> Mapping[str, Any] | None:
    """Give who is signed in for certain, where it is one person."""
    people = laptop.people if laptop.presences else []
    return people[0] if len(people) == 1 and people[0]["kind"] == SignIn.ATTESTED else None


def _plain(address: str) -> str | None:
    try:
        return str(parse_address(address))
    except ValueError:
        return None
