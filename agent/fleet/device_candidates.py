"""From what laptops told to what somebody has to look at: each event is taken once, in the order in which it came.

How far the file of events was taken is written in the act that holds what came of it, so that whoever dies when,
nothing is weighed twice. What a laptop is found to be (its disk, its key, its service) is nobody's doing; of what is
done at it, a person is known by the sign-ins that it tells, and never by whose it is.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from agent.fleet.device_answers import DeviceAnswers
from agent.fleet.device_sessions import KEY, SESSION, DeviceSessions, LaptopNow, laptop_of, longest_silence
from agent.fleet.device_signs import DeviceSigns
from agent.fleet.dns_silence import DnsSilence
from agent.fleet.fleet import Fleet
from agent.fleet.fleet_reading import StoredEvent, Word, read_events, read_words, source_of
from agent.fleet.fleet_times import OLDEST_SECONDS
from agent.fleet.media import Media
from agent.fleet.plugged_media import GONE, HERE, NOTICE, WRITES, PluggedMedia
from agent.logs import log
from agent.observing.observing import Observing
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.case_rows import delete_due, read_case, read_cases, read_due, read_waiting
from agent.storage.fleet_rows import Device, read_findings
from agent.storage.observation_rows import NOT_UNDERSTOOD, add_counts, read_position, write_position
from agent.storage.state import Act, StateStore
from rules.assess import Outcome as Assessed
from rules.assess import Why
from rules.errors import RefusedRequestError

# How much is taken in one act; people wait for the same file.
ROWS: Final = 500
ACT_SECONDS: Final = 0.25
FINDINGS: Final = "fleet findings"
# What is looked at only from time to time.
CLOCK_SECONDS: Final = 60.0
DUE: Final = 200
# What comes of facts that are not as they should be, whichever they are.
_NOT_UNDERSTOOD: Final = (
    RefusedRequestError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
)


class DeviceCandidates:
    """What laptops told, weighed a little at a time by the process that writes the state.

    Args:
        folder: where the day files of what is asked are.
        monotonic: seconds.
    """

    def __init__(
        self,
        store: StateStore,
        fleet: Fleet,
        media: Media,
        observing: Observing,
        pseudonyms: Pseudonyms,
        *,
        site: Callable[[], Site],
        folder: Path,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._site = site
        self._monotonic = monotonic
        self._sessions = DeviceSessions(observing.sign_ins, pseudonyms, site=site, known=observing.known)
        self._media = PluggedMedia(media.register, self._sessions, site=site)
        answers = DeviceAnswers(media)
        signs = self._signs = DeviceSigns(self._sessions)
        self._silence = DnsSilence(folder, site=site, known=observing.known)
        self._clock_at = float("-inf")
        self._handlers: Mapping[str, Callable[[Act, StoredEvent, Device, LaptopNow], None]] = {
            **dict.fromkeys((*HERE, *GONE), self._media.see),
            WRITES: self._media.write,
            NOTICE: lambda act, event, _device, _laptop: self._media.notice(act, event),
            SESSION: self._session,
            "bypass": signs.bypass,
            "program_new": signs.program,
            "posture": signs.posture,
            "service_started": signs.started,
            "service_stopped": lambda act, event, _device, laptop: self._sessions.end(act, laptop, event.at),
            "spool_reset": signs.reset,
            "exception_asked": lambda act, event, device, _laptop: answers.ask(act, event, device),
            "sign_in_answered": lambda act, event, device, _laptop: answers.answer(act, event, device),
        }

    def look(self) -> bool:
        """Take what is new, as far as one turn goes; says whether more is waiting.

        Raises:
            StorageError: something could not be read or stored; it is taken next time.
        """
        self._take_findings()
        if not self._fleet.events.path.exists():
            return False
        with self._store.read() as state, self._fleet.events.read() as database:
            source = source_of(database)
            if not source:
                return False
            rows = read_events(database, after=read_position(state, source), limit=ROWS)
            words = read_words(database)
        if rows and (self._take(source, rows, words) < len(rows) or len(rows) == ROWS):
            return True
        # Everything is taken that there was when the last words were read.
        self._settle(words)
        self._by_the_clock(words)
        return False

    # ---- events ----------------------------------------------------------------------------------------------

    def _take(self, source: str, rows: Iterable[StoredEvent], words: Mapping[str, Word]) -> int:
        ends_at, taken = self._monotonic() + ACT_SECONDS, 0
        with self._store.act() as act:
            for event in rows:
                self._take_one(act, event, words.get(event.device))
                taken += 1
                write_position(act, source, event.number)
                if self._monotonic() >= ends_at:
                    break
        return taken

    def _take_one(self, act: Act, event: StoredEvent, word: Word | None) -> None:
        """Take one event; one that cannot be understood keeps nobody from the others."""
        device = self._fleet.devices.get(event.device)
        if device is None:
            return
        if not event.has_time:
            # Its clock was years off and nothing else tells when it was: nobody did it then.
            add_counts(act, {(Assessed.IGNORED.value, Why.FROM_THE_FUTURE.value): 1})
            return
        act.database.execute("SAVEPOINT event")
        try:
            laptop = self._sessions.read(act, event.device)
            if word is not None:
                laptop.heard_from(word.address, act.now)
            if event.kind == "service_started":
                self._end_before(act, event, laptop)
            self._sessions.hear(act, event, laptop)
            if (handler := self._handlers.get(event.kind)) is not None:
                handler(act, event, device, laptop)
            self._sessions.write(act, event.device, laptop)
        except _NOT_UNDERSTOOD as error:
            act.database.execute("ROLLBACK TO event")
            log.error("laptop_event_not_understood", error=type(error).__name__)
            add_counts(act, {NOT_UNDERSTOOD: 1})
        act.database.execute("RELEASE event")

    def _end_before(self, act: Act, event: StoredEvent, laptop: LaptopNow) -> None:
        """End what nobody told the end of, because the laptop or its service stopped before it could."""
        last = laptop.last
        if last is not None:
            self._sessions.end(act, laptop, last)
            self._media.end_all(act, event.device, last)

    def _session(self, act: Act, event: StoredEvent, _device: Device, laptop: LaptopNow) -> None:
        """Take who is signed in; what fills a gap is older than what is known."""
        if laptop.is_latest(event):
            self._sessions.sign_in(act, event, laptop)

    # ---- what the gateway itself found -----------------------------------------------------------------------

    def _take_findings(self) -> None:
        with self._store.read() as state:
            found = read_findings(state, after=read_position(state, FINDINGS))
        if not found:
            return
        with self._store.act() as act:
            for finding in found:
                device = self._fleet.devices.get(finding.device)
                if device is not None:
                    self._signs.finding(act, finding, device)
            write_position(act, FINDINGS, found[-1].number)

    # ---- by the clock ----------------------------------------------------------------------------------------

    def _settle(self, words: Mapping[str, Word]) -> None:
        """Judge the media whose time is over, as far as everything of that time is known."""
        with self._store.read() as state:
            ready = [
                (case, until)
                for device, since in read_waiting(state).items()
                if (until := self._known_until(state, device, words)) is not None and until.timestamp() >= since
                for case in read_due(state, device, until.timestamp(), limit=DUE)
            ]
        if not ready:
            return
        with self._store.act() as act:
            for case, until in ready[:DUE]:
                device = self._fleet.devices.get(case.device)
                if device is not None:
                    self._media.settle(act, case, device, known_until=until)
            # A laptop that never came back: nobody knows what happened then.
            delete_due(act, before=act.now.timestamp() - OLDEST_SECONDS)

    def _known_until(self, state: sqlite3.Connection, device: str, words: Mapping[str, Word]) -> datetime | None:
        """Say up to when everything that happened at a laptop is known."""
        word = words.get(device)
        if word is not None and not word.has_more:
            return word.seen_at
        case = read_case(state, device, KEY)
        return None if case is None else laptop_of(case).last

    def _by_the_clock(self, words: Mapping[str, Word]) -> None:
        if self._monotonic() < self._clock_at:
            return
        now = self._store.clock()
        with self._store.read() as state:
            laptops = {case.device: laptop_of(case) for case in read_cases(state, KEY)}
        self._rest(laptops, words, now)
        self._locate(laptops, words, now)
        since = {
            device: datetime.fromisoformat(laptop.contact_since)
            for device, laptop in laptops.items()
            if laptop.contact_since
        }
        for found in self._silence.look(words, since, now):
            device = self._fleet.devices.get(found.device)
            if device is not None:
                with self._store.act() as act:
                    self._signs.silence(act, found, device, at=now)
        self._clock_at = self._monotonic() + CLOCK_SECONDS

    def _rest(self, laptops: Mapping[str, LaptopNow], words: Mapping[str, Word], now: datetime) -> None:
        """End the sign-ins of laptops that are silent: they sleep, or are away, and their address is free."""
        longest = longest_silence(self._site())
        resting = [
            device
            for device, laptop in laptops.items()
            if laptop.presences and (device not in words or now - words[device].seen_at > longest)
        ]
        if resting:
            with self._store.act() as act:
                for device in resting:
                    self._sessions.end(act, laptops[device], laptops[device].last or now, is_over=False)
                    self._sessions.write(act, device, laptops[device])

    def _locate(self, laptops: Mapping[str, LaptopNow], words: Mapping[str, Word], now: datetime) -> None:
        """Note from which address each laptop is heard, and since when."""
        moved = [device for device, word in words.items() if device in laptops]
        moved = [device for device in moved if laptops[device].contact != words[device].address]
        if moved:
            with self._store.act() as act:
                for device in moved:
                    laptop = laptops[device]
                    laptop.heard_from(words[device].address, now)
                    self._sessions.write(act, device, laptop)
