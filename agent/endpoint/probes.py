"""Which collectors run on which system, each in its probe, and what each can and cannot see.

One place constructs them and knows their order: what is plugged in is looked at first, for writes and programs are
counted on what is known to be there.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from agent.dns.canaries import ADDRESSES, CATEGORIES, PRESENT_NAME, canary_name
from agent.endpoint.endpoint_policy import KEPT, PolicySettings
from agent.endpoint.lanes import Timed
from agent.endpoint.told_by_session import ToldBySession
from collectors import hardware_encrypted, linux_volumes
from collectors.bypass import Allowed, Bypass, load_lists, this_network
from collectors.device_events import DeviceEvents
from collectors.file_writes import FileWrites, is_followed
from collectors.inventory import Pace
from collectors.linux_posture import linux_looks
from collectors.machine import Machine
from collectors.new_programs import VOLUME, NewPrograms, Place, download_places
from collectors.observed import Observed
from collectors.posture import Check, Look, Posture
from collectors.probe import Probe
from collectors.program_signature import Verify, verify_nothing, verify_on_macos, verify_on_windows
from collectors.removable_media import RemovableMedia
from collectors.resolver_settings import ResolverLook, ResolverSettings, SchoolDns, read_linux, read_macos
from collectors.school_filter import EVERY_SECONDS, Canaries, FilterLook
from collectors.session import Session, SessionLook, read_sessions
from collectors.volume import Crypt, Evidence, Volume, worst
from collectors.write_stream import Naming, WriteStream
from collectors.write_watch import open_stream

MEDIA: Final = "removable_media"
WRITES: Final = "file_writes"
PROGRAMS: Final = "new_programs"
POSTURE: Final = "posture"
BYPASS: Final = "bypass"
RESOLVER: Final = "resolver_settings"
FILTER: Final = "school_filter"
SESSION: Final = "session"
COLLECTORS: Final = (MEDIA, WRITES, PROGRAMS, POSTURE, BYPASS, RESOLVER, FILTER, SESSION)

_MEDIA_SECONDS: Final = 15.0
_WRITES_SECONDS: Final = 60.0
_SHORT_SECONDS: Final = 10.0
_POSTURE_SECONDS: Final = 60.0
# What the system and its people's files lie on.
_OWN_POINTS: Final = frozenset({"/", "/home", "/System/Volumes/Data", "C:\\", "C:"})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds from one look to the next; those of `posture` the policy says.

    Args:
        media: where the system says when something happens; `media_polled` where it does not.
        filter: in one network, from one question whether the filter answers to the next.
    """

    media: float = 60.0
    media_polled: float = 10.0
    writes: float = 20.0
    programs: float = 300.0
    session: float = 15.0
    signs: float = 60.0
    filter: float = EVERY_SECONDS


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the collectors need of the service.

    Args:
        settings: those of the policy that holds now.
        names_key: for the keyed hashes of names of files.
        addresses: by which this laptop reaches the gateway.
        is_on_site: whether it is on the school's network, as far as that is known.
        gateway: the host of the gateway; empty before enrolment.
        is_stopping: whether a long look should end.
        has_told: whether it was told before what programs are on a volume, by the facts that name it.
    """

    settings: Callable[[], PolicySettings]
    names_key: bytes
    addresses: Callable[[], Iterable[str]]
    is_on_site: Callable[[], bool]
    gateway: Callable[[], str]
    is_stopping: Callable[[], bool]
    has_told: Callable[[Mapping[str, Any]], bool] = lambda _volume: False


class Following(Generic[_T]):
    """A collector that is made anew when that part of the policy changes which it was made from."""

    def __init__(self, make: Callable[[PolicySettings], _T], part: Callable[[PolicySettings], object]) -> None:
        self._make = make
        self._part = part
        self._made: tuple[object, _T] | None = None

    def of(self, settings: PolicySettings) -> _T:
        """Give it as it is for these settings."""
        part = self._part(settings)
        if self._made is None or self._made[0] != part:
            self._made = part, self._make(settings)
        return self._made[1]


class Collectors:
    """All collectors of this laptop.

    Args:
        read_volumes: gives all volumes of this system.
        events: says when to look at them; None where this system says nothing that we hear.
    """

    def __init__(
        self, machine: Machine, around: Surroundings, *, intervals: Intervals | None = None, events: bool = True
    ) -> None:
        self.machine = machine
        self._around = around
        self._intervals = intervals or Intervals()
        self.events = DeviceEvents(machine) if events and machine.platform == "linux" else None
        self.media = RemovableMedia(self._look_at_volumes)
        self._volumes: tuple[Volume, ...] = ()
        self._sessions: tuple[Session, ...] = ()
        self._unclean: set[str] = set()
        self._guard = threading.Lock()
        # What tells of writes, by where a medium is mounted that is followed now.
        self.sources: dict[str, str] = {}
        self._writes = Following(self._make_writes, _naming_part)
        self._last_writes: FileWrites | None = None
        self._programs = Following(self._make_programs, _naming_part)
        self._programs_due_at = 0.0
        looks = self._posture_looks()
        self.told_by_session = ToldBySession(looks[Check.SCREEN_LOCK])
        self._posture = Posture({**looks, Check.SCREEN_LOCK: self.told_by_session.look}, wall=machine.wall)
        self._resolver = Following(self._make_resolver, lambda settings: (settings.resolvers, around.gateway()))
        self._filter = Following(self._make_filter, lambda settings: settings.closed)
        self._bypass = Following(self._make_bypass, lambda settings: settings.vpn)
        self._session = SessionLook(self._look_at_sessions, around.addresses)

    def close(self) -> None:
        """Stop listening for devices."""
        if self.events is not None:
            self.events.close()

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Who is signed in, as of the last look."""
        return self._sessions

    @property
    def filter_look(self) -> FilterLook:
        """Whether the school's filter answers here, as of the last look."""
        return self._filter.of(self._around.settings())

    # The lanes.

    def media_lane(self) -> list[Timed]:
        """Give what is looked at when devices come and go."""
        is_told = self.events is not None and not self.events.blind
        seconds = self._intervals.media if is_told else self._intervals.media_polled
        return [Timed(Probe(MEDIA, self._look_at_media, seconds=_MEDIA_SECONDS), lambda: seconds, wakes=True)]

    def writes_lane(self) -> list[Timed]:
        """Give what reads removable media, which may be slow."""
        return [
            Timed(
                Probe(WRITES, self._look_at_writes, seconds=_WRITES_SECONDS),
                lambda: self._intervals.writes,
                wakes=True,
                looks_last=True,
            ),
            Timed(
                Probe(PROGRAMS, self._look_at_programs, seconds=_WRITES_SECONDS),
                lambda: self._intervals.programs,
                wakes=True,
            ),
        ]

    def slow_lane(self) -> list[Timed]:
        """Give what looks at this laptop itself."""
        signs, session = self._intervals.signs, self._intervals.session
        return [
            Timed(Probe(SESSION, self._session.look, seconds=_SHORT_SECONDS), lambda: session),
            Timed(
                Probe(POSTURE, self._posture.look, seconds=_POSTURE_SECONDS),
                lambda: float(self._around.settings().posture_seconds),
            ),
            # Before the signs of other things: it knows some of them.
            Timed(Probe(RESOLVER, self._look_at_resolver, seconds=_SHORT_SECONDS), lambda: signs),
            Timed(Probe(FILTER, self._look_at_filter, seconds=_SHORT_SECONDS), lambda: signs),
            Timed(Probe(BYPASS, self._look_at_signs, seconds=_SHORT_SECONDS), lambda: signs),
        ]

    # The looks.

    def _look_at_media(self) -> tuple[Observed, ...]:
        found = self.media.observe()
        unclean = {_key_of(each.facts) for each in found if each.kind == "media_unclean"}
        with self._guard:
            self._unclean |= unclean
        return found

    def _look_at_volumes(self) -> tuple[Volume, ...]:
        self._volumes = look_at_volumes(self.machine, self._around.settings().hardware_encrypted)
        return self._volumes

    def _look_at_writes(self) -> Iterable[Observed]:
        writes = self._writes.of(self._around.settings())
        told: list[Observed] = []
        if self._last_writes is not None and self._last_writes is not writes:
            # The naming is another one, and so are the accounts.
            told += self._last_writes.look()
            told += self._last_writes.follow(())
        self._last_writes = writes
        with self._guard:
            unclean, self._unclean = self._unclean, set()
        told += writes.follow(media := self.media.media, unclean=unclean)
        here = {each.mount_points[0] for each in media if is_followed(each)}
        self.sources = {point: source for point, source in self.sources.items() if point in here}
        told += writes.look()
        return told

    def _look_at_programs(self) -> Iterable[Observed]:
        """Look at what has come; when it is woken early, at media alone that have just come."""
        now = self.machine.monotonic()
        is_early = now < self._programs_due_at
        if not is_early:
            self._programs_due_at = now + self._intervals.programs
        places = [
            Place(each.mount_points[0], VOLUME, _names_of(each)) for each in self.media.media if _has_files(each)
        ]
        places += download_places(self.machine)
        return self._programs.of(self._around.settings()).look(places, first_only=is_early)

    def _look_at_sessions(self) -> tuple[Session, ...]:
        self._sessions = read_sessions(self.machine)
        return self._sessions

    def _look_at_resolver(self) -> Iterable[Observed]:
        return self._resolver.of(self._around.settings()).look()

    def _look_at_filter(self) -> Iterable[Observed]:
        return self.filter_look.look()

    def _look_at_signs(self) -> Iterable[Observed]:
        return self._bypass.of(self._around.settings()).look()

    # How they are made.

    def _naming(self, settings: PolicySettings) -> Naming:
        return Naming(self._around.names_key, with_names=settings.file_names == KEPT)

    def _pace(self) -> Pace:
        return Pace(is_wanted=lambda: not self._around.is_stopping())

    def _make_writes(self, settings: PolicySettings) -> FileWrites:
        naming = self._naming(settings)

        def opened(mount_point: str) -> WriteStream | None:
            stream = open_stream(mount_point, naming, platform=self.machine.platform)
            self.sources[mount_point] = "inventory" if stream is None else stream.source
            return stream

        return FileWrites(naming, opened, pace=self._pace(), wall=self.machine.wall)

    def _make_programs(self, settings: PolicySettings) -> NewPrograms:
        return NewPrograms(
            self._naming(settings),
            pace=self._pace(),
            verify=verifier_of(self.machine),
            was_told=self._around.has_told,
        )

    def _make_resolver(self, settings: PolicySettings) -> ResolverLook:
        has_resolvers = bool(settings.resolvers)

        def read() -> ResolverSettings:
            found = read_resolver(self.machine, self._around.addresses)
            # Without a list of ours any resolver is right, and the rest is still worth knowing.
            return found if has_resolvers else ResolverSettings((), found.encrypted, found.hosts, found.proxies)

        host = self._around.gateway()
        school = SchoolDns(frozenset(settings.resolvers), names=frozenset({host} if host else ()))
        return ResolverLook(read, school, self._around.is_on_site)

    def _make_filter(self, settings: PolicySettings) -> FilterLook:
        # A category of a newer gateway has no name here.
        closed = {each: canary_name(each) for each in settings.closed if each in CATEGORIES}
        return FilterLook(
            Canaries(PRESENT_NAME, ADDRESSES, closed),
            self._around.addresses,
            self._around.is_on_site,
            every_seconds=self._intervals.filter,
            wall=self.machine.wall,
        )

    def _make_bypass(self, settings: PolicySettings) -> Bypass:
        own = tuple(settings.vpn)
        return Bypass(
            this_network(self.machine),
            load_lists(),
            allowed=Allowed(interfaces=own, programs=frozenset(own)),
            others=lambda: self._resolver.of(self._around.settings()).signals(),
        )

    def _posture_looks(self) -> Mapping[Check, Look]:
        machine = self.machine
        if machine.platform == "darwin":
            from collectors.macos_posture import macos_looks  # noqa: PLC0415 -- what another system never needs

            return macos_looks(machine)
        if sys.platform == "win32":
            from collectors.windows_posture import windows_looks  # noqa: PLC0415
            from collectors.windows_settings import ThisWindows  # noqa: PLC0415

            return windows_looks(machine, ThisWindows(), disks=self._own_disks)
        return linux_looks(machine, disks=self._own_disks)

    def _own_disks(self) -> tuple[Crypt, tuple[Evidence, ...]]:
        own = [each for each in self._volumes if not _OWN_POINTS.isdisjoint(each.mount_points)]
        evidence = tuple(dict.fromkeys(piece for each in own for piece in each.evidence))
        return worst(each.crypt for each in own), evidence


def _naming_part(settings: PolicySettings) -> object:
    return settings.file_names


def _key_of(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('device')}#{facts.get('insertion')}"


def _names_of(volume: Volume) -> dict[str, Any]:
    return {"volume": volume.uuid, "device": volume.device, "insertion": volume.insertion_id}


def _has_files(volume: Volume) -> bool:
    """Say whether its files are those of a person: what a locked one shows is how to open it."""
    return volume.is_mounted and volume.crypt is not Crypt.ENCRYPTED_LOCKED


def verifier_of(machine: Machine) -> Verify:
    """Give what checks signatures on this system."""
    if machine.platform == "darwin":
        return verify_on_macos(machine)
    if sys.platform == "win32":
        from collectors.windows_calls import WindowsCalls  # noqa: PLC0415 -- only there

        return verify_on_windows(WindowsCalls())
    return verify_nothing


def look_at_volumes(machine: Machine, own_claims: Iterable[str]) -> tuple[Volume, ...]:
    """Look at every volume of this system.

    Args:
        own_claims: VID:PID or VID:PID:SERIAL of media that the school takes at their word.

    Raises:
        OSError: nothing can be seen.
    """
    wanted = {entry.lower() if entry.count(":") == 1 else entry: "the school's list" for entry in own_claims}
    good = {entry: name for entry, name in wanted.items() if hardware_encrypted.ENTRY.fullmatch(entry)}
    claims = hardware_encrypted.claims({**hardware_encrypted.shipped(), **good})
    if machine.platform == "darwin":
        from collectors import macos_volumes  # noqa: PLC0415 -- what another system never needs

        return macos_volumes.look(machine, hardware_claim=claims)
    if sys.platform == "win32":
        from collectors import windows_volumes  # noqa: PLC0415
        from collectors.windows_calls import WindowsCalls  # noqa: PLC0415

        return windows_volumes.look(WindowsCalls(), hardware_claim=claims)
    return linux_volumes.look(machine, claims=claims)


def read_resolver(machine: Machine, addresses: Callable[[], Iterable[str]]) -> ResolverSettings:
    """Read who this system asks for names."""
    if machine.platform == "darwin":
        return read_macos(machine)
    if sys.platform == "win32":
        from collectors.resolver_settings import read_windows  # noqa: PLC0415 -- only there
        from collectors.windows_settings import ThisWindows  # noqa: PLC0415

        return read_windows(machine, ThisWindows(), tuple(addresses()))
    return read_linux(machine)
