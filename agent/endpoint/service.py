"""The service on a laptop: observes, keeps what it observed, and delivers it; one place wires its parts.

The order matters. The spool comes first, for what is said at the start must be kept. What looks at devices has
threads of its own, and nothing that hangs there stops the heartbeat, the uplink or the end.
"""

import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.endpoint.budget import Budget
from agent.endpoint.contact import Contact
from agent.endpoint.event_spool import EventSpool
from agent.endpoint.gateway_link import GatewayLink, Link
from agent.endpoint.keys import write_private
from agent.endpoint.lanes import Lane
from agent.endpoint.local_channel import LocalChannel, is_pipe, open_door
from agent.endpoint.local_status import LatestTold, LocalDesk
from agent.endpoint.notice import NoticeBoard
from agent.endpoint.probes import MEDIA, Collectors, Intervals, Surroundings
from agent.endpoint.safe_folders import check_folders
from agent.endpoint.service_state import ServiceState
from agent.endpoint.skew import ClockWatch
from agent.endpoint.this_laptop import (
    addresses_towards,
    awake_and_asleep,
    clocks_of,
    own_addresses,
    program_folder,
    program_hash,
    release,
)
from collectors.machine import Machine
from collectors.observed import JSON, Observed, Priority
from collectors.probe import Probe

_LOG: Final = logging.getLogger(__name__)
SOCKET: Final = "status.sock"
PIPE: Final = r"\\.\pipe\schoolgate-endpoint"
NAMES_KEY_FILE: Final = "names.key"
_NAMES_KEY_BYTES: Final = 32
_PULSE_SECONDS: Final = 5.0
# All that the end may take.
_HEARD_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 4.0
_LANES_SECONDS: Final = 2.5
_SETTLE_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the service keeps what it has to keep, and where it can be asked."""

    data: Path
    runtime: Path

    @property
    def socket(self) -> Path:
        """Where it can be asked; on Windows a pipe, which lies in no folder."""
        return self.runtime if is_pipe(self.runtime) else self.runtime / SOCKET


def usual_folders(platform: str = sys.platform) -> Folders:
    """Give the folders of an installed service."""
    if platform == "win32":
        base = Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Schoolgate" / "endpoint"
        return Folders(base, Path(PIPE))
    if platform == "darwin":
        return Folders(Path("/Library/Application Support/Schoolgate/endpoint"), Path("/var/run/schoolgate-endpoint"))
    return Folders(Path("/var/lib/schoolgate-endpoint"), Path("/run/schoolgate-endpoint"))


@dataclass(frozen=True, slots=True)
class World:
    """What a service is told of its world; by default this laptop.

    Args:
        random_share: for the pauses of the uplink, from 0 to 1.
        trusted: folders that others must not be able to write to, beside that of the data.
        events: whether to listen for devices.
    """

    machine: Machine = field(default_factory=Machine)
    intervals: Intervals = field(default_factory=Intervals)
    connect: Callable[[str, str], Link] = GatewayLink
    random_share: Callable[[], float] | None = None
    trusted: tuple[Path, ...] | None = None
    heartbeat_seconds: float | None = None
    pulse_seconds: float = _PULSE_SECONDS
    events: bool = True


class Service:
    """One service, from its start to its end.

    Raises:
        UnsafeFolderError: others can write to its program or its data.
        AlreadyRunningError: there is one already.
        OSError: its folders cannot be used.
    """

    def __init__(self, folders: Folders, world: World | None = None) -> None:
        self._world = world = world or World()
        self._folders = folders
        folders.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        trusted = trusted_folders() if world.trusted is None else world.trusted
        check_folders((folders.data, *trusted))
        self._stopping = threading.Event()
        self._state = ServiceState(folders.data)
        self._names_key = _names_key(folders.data)
        self._clocks = clocks_of(world.machine)
        self._release = release()
        self._program = program_hash()
        self._watch = ClockWatch()
        self._spool = EventSpool(folders.data, clocks=self._clocks)
        self._latest = LatestTold(self._clocks.wall)
        share = {} if world.random_share is None else {"random_share": world.random_share}
        self._contact = Contact(
            folders.data,
            self._spool,
            clocks=self._clocks,
            release=self._release,
            clock_watch=self._watch,
            addresses=own_addresses,
            connect=world.connect,
            **share,
        )
        settings = self._contact.settings
        self._board = NoticeBoard(self._state, self._names_key, settings, wall=self._clocks.wall)
        around = Surroundings(
            settings=settings,
            names_key=self._names_key,
            addresses=lambda: addresses_towards(self._contact.gateway),
            is_on_site=self._contact.is_on_site,
            gateway=lambda: self._contact.gateway_host,
            is_stopping=self._stopping.is_set,
            has_told=self._state.has_told_programs,
        )
        self._collectors = Collectors(world.machine, around, intervals=world.intervals, events=world.events)
        self._lanes = self._make_lanes()
        self._budget = Budget()
        self._heartbeat_at = 0.0
        self._began_at = time.monotonic()
        self._desk = LocalDesk(
            sink=self.observe,
            latest=self._latest,
            board=self._board,
            state=self._state,
            contact=self._contact,
            spool=self._spool,
            collectors=self._collectors,
            lanes=self._lanes,
            budget=self._budget,
            wall=self._clocks.wall,
            release=self._release,
        )

    def run(self, stop: threading.Event, *, why: Callable[[], str] = lambda: "asked") -> None:
        """Observe until `stop` is set, and end within some seconds.

        Args:
            why: says at the end why it was set.
        """
        self.observe(self._state.start(wall=self._clocks.wall(), boot=self._clocks.boot, release=self._release))
        self._contact.look()
        asked = self._listen()
        pulse = threading.Thread(target=self._pulse, name="pulse", daemon=True)
        for lane in self._lanes:
            lane.start()
        pulse.start()
        _LOG.info("The endpoint service observes.")
        # A signal that the system gives to another thread is only heard by this one when it wakes.
        while not stop.wait(_HEARD_SECONDS):
            pass
        self._end(asked, pulse, why())

    def observe(self, observed: Observed) -> bool:
        """Keep what was observed, show it to who asks, let it be delivered, and say whether it is kept."""
        is_kept = self._spool.add(observed)
        self._state.note_programs(observed, is_kept=is_kept)
        self._latest.note(observed)
        for said in self._board.see(observed):
            self.observe(said)
        self._contact.wake(is_urgent=observed.priority is Priority.INCIDENT)
        return is_kept

    def _end(self, asked: LocalChannel | None, pulse: threading.Thread, why: str) -> None:
        end = time.monotonic() + _STOP_SECONDS
        self._stopping.set()
        for lane in self._lanes:
            lane.stop()
        by = time.monotonic() + _LANES_SECONDS
        if hanging := [lane for lane in self._lanes if not lane.join(by - time.monotonic())]:
            _LOG.warning("%d looks hang and are left behind.", len(hanging))
        pulse.join(max(0.0, end - time.monotonic()))
        self._state.note_heard(self._contact.status.last_contact, within=0.0)
        self.observe(self._state.stop(wall=self._clocks.wall(), why=why))
        self._contact.stop()
        if asked is not None:
            asked.close()
        self._spool.close()
        if not hanging:
            self._collectors.close()
        self._state.close()

    def _make_lanes(self) -> tuple[Lane, ...]:
        collectors, events = self._collectors, self._collectors.events
        writes = Lane("writes", collectors.writes_lane(), self.observe)

        def follow(probe: Probe, found: Iterable[Observed]) -> None:
            if probe.name == MEDIA and any(each.kind.startswith("media_") for each in found):
                writes.wake()

        if events is None:
            media = Lane("media", collectors.media_lane(), self.observe, on_found=follow)
        else:
            media = Lane(
                "media",
                collectors.media_lane(),
                self.observe,
                on_found=follow,
                wait=lambda seconds: bool(events.wait(seconds)),
                interrupt=events.interrupt,
                settle_seconds=_SETTLE_SECONDS,
            )
        return media, writes, Lane("laptop", collectors.slow_lane(), self.observe)

    def _listen(self) -> LocalChannel | None:
        try:
            door = open_door(self._folders.socket)
        except OSError as error:
            # What is observed is worth more than being asked about it.
            _LOG.warning("Nobody on this laptop can ask the service: %s", error.strerror or error)
            return None
        return LocalChannel(door, may_ask=self._desk.may_ask, answer=self._desk.answer)

    # What happens in any case, whatever hangs.

    def _pulse(self) -> None:
        while not self._stopping.is_set():
            try:
                self._beat()
            except Exception:  # noqa: BLE001 -- logged with its place; the next beat comes
                _LOG.exception("A beat failed.")
            self._stopping.wait(self._world.pulse_seconds)

    def _beat(self) -> None:
        self._contact.look()
        self._state.note_heard(self._contact.status.last_contact)
        self._budget.measure()
        for observed in (self._watch.look(self._clocks.wall(), awake_and_asleep()), *self._board.look()):
            if observed is not None:
                self.observe(observed)
        if time.monotonic() >= self._heartbeat_at:
            seconds = self._world.heartbeat_seconds or self._contact.settings().heartbeat_seconds
            self._heartbeat_at = time.monotonic() + seconds
            self.observe(Observed("heartbeat", Priority.HEARTBEAT, self.heartbeat(), key="heartbeat"))

    def heartbeat(self) -> dict[str, JSON]:
        """Give what a heartbeat says."""
        timed = [each for lane in self._lanes for each in lane.timed]
        spool = self._spool.state()
        status = self._contact.status
        return {
            **self._budget.tell().facts(),
            "seconds": round(time.monotonic() - self._began_at, 1),
            "collectors": {each.probe.name: str(each.probe.health) for each in timed},
            "probe_errors": {each.probe.name: each.probe.failures for each in timed if each.probe.failures},
            "depth": spool.depth,
            "oldest_seconds": round(spool.oldest_seconds, 1),
            "quarantined": spool.quarantined,
            "policy": self._contact.policy.version,
            "policy_expired": self._contact.policy.is_expired(self._clocks.wall() + status.skew_seconds),
            "program": self._program,
            "agent": self._release,
            "helper": self._board.has_helper,
            "media": len(self._collectors.media.media),
        }


def trusted_folders() -> tuple[Path, ...]:
    """Give the folders that this program is loaded from."""
    loaded = (Path(place) for place in sys.path if place)
    folders = [each.resolve() for each in loaded if each.is_dir()]
    return tuple(dict.fromkeys([program_folder(), *folders, Path(sys.executable).resolve().parent]))


def _names_key(folder: Path) -> bytes:
    """Give the key for names of files, which never leaves this laptop.

    Raises:
        OSError: it could not be kept.
    """
    path = folder / NAMES_KEY_FILE
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != _NAMES_KEY_BYTES:
        key = secrets.token_bytes(_NAMES_KEY_BYTES)
        write_private(path, key)
    return key
