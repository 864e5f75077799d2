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
from typing import Final, TypeAlias

from agent.fleet.device_answers import DeviceAnswers
from agent.fleet.device_sessions import KEY, SESSION, DeviceSessions, LaptopNow, laptop_of, longest_silence
from agent.fleet.device_signs import DeviceSigns, says_anything
from agent.fleet.device_turns import DeviceTurn
from agent.fleet.dns_silence import DnsSilence
from agent.fleet.fleet import Fleet
from agent.fleet.fleet_reading import StoredEvent, Word, read_events, read_words, source_of
from agent.fleet.fleet_times import OLDEST_SECONDS
from agent.fleet.media import Media
from agent.fleet.plugged_media import GONE, HERE, NOTICE, WRITES, PluggedMedia
from agent.observing.observing import Observing
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.case_rows import delete_due, read_case, read_cases, read_due, read_waiting
from agent.storage.fleet_rows import Device, DeviceState, read_findings
from agent.storage.observation_rows import add_counts, read_position, write_position
from agent.storage.state import Act, StateStore
from rules.assess import Outcome as Assessed
from rules.assess import Why

# How much is taken in one act; people wait for the same file.
ROWS: Final = 1_500
# While more batches than so many come between two looks: to store what comes goes before weighing what is stored.
ROWS_OF_FLOOD: Final = 250
FLOOD_BATCHES: Final = 8
ACT_SECONDS: Final = 0.15
FINDINGS: Final = "fleet findings"
# What is looked at only from time to time.
CLOCK_SECONDS: Final = 60.0
DUE: Final = 200

Handler: TypeAlias = Callable[[Act, StoredEvent, Device, LaptopNow], None]


class DeviceCandidates:
    """What laptops told, weighed a little at a time by the process that writes the state.

    Args:
        runtime: where the workers leave what they tell.
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
        runtime: Path,
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
        self._silence = DnsSilence(runtime, site=site, known=observing.known)
        self._clock_at = float("-inf")
        self._submitted = 0
        self._handlers: Mapping[str, Handler] = {
            **dict.fromkeys((*HERE, *GONE), self._media.see),
            WRITES: self._media.write,
            NOTICE: lambda act, event, _device, _laptop: self._media.notice(act, event),
            SESSION: self._session,
            "bypass": signs.bypass,
            "filter": signs.filter_seen,
            "program_new": signs.program,
            "programs_present": signs.programs_there,
            "posture": signs.posture,
            "service_started": signs.started,
            "service_stopped": lambda act, event, _device, laptop: self._sessions.end(act, laptop, event.at),
            "spool_reset": signs.reset,
            "exception_asked": self._said(answers.ask),
            "sign_in_answered": self._said(answers.answer),
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
            most = self._most()
            rows = read_events(database, after=read_position(state, source), limit=most, kinds=self._handlers)
            words = read_words(database)
        if rows and (self._take(source, rows, words) < len(rows) or len(rows) == most):
            return True
        # Everything is taken that there was when the last words were read.
        self._settle(words)
        self._by_the_clock(words)
        return False

    def _most(self) -> int:
        """Say how many events are taken in this turn."""
        before, self._submitted = self._submitted, self._fleet.events.submitted
        return ROWS_OF_FLOOD if self._submitted - before > FLOOD_BATCHES else ROWS

    # ---- events ----------------------------------------------------------------------------------------------

    def _take(self, source: str, rows: Iterable[StoredEvent], words: Mapping[str, Word]) -> int:
        ends_at, taken, position = self._monotonic() + ACT_SECONDS, 0, 0
        with self._store.act() as act:
            turn = DeviceTurn(act, self._sessions, words, self._media.hold(act))
            for event in rows:
                self._take_one(turn, event)
                taken, position = taken + 1, event.number
                if self._monotonic() >= ends_at:
                    break
            turn.end()
            write_position(act, source, position)
        return taken

    def _take_one(self, turn: DeviceTurn, event: StoredEvent) -> None:
        """Take one event; one that cannot be understood keeps nobody from the others."""
        device = self._fleet.devices.get(event.device)
        if device is None:
            return
        if not event.has_time:
            # Its clock was years off and nothing else tells when it was: nobody did it then.
            add_counts(turn.act, {(Assessed.IGNORED.value, Why.FROM_THE_FUTURE.value): 1})
            return
        handler = self._handlers.get(event.kind)
        if handler is None or not says_anything(event):
            turn.note(event)
            return
        with turn.laptop(event) as laptop:
            if event.kind == "service_started":
                self._end_before(turn.act, event, laptop)
            self._sessions.hear(turn.act, event, laptop)
            handler(turn.act, event, device, laptop)

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

    def _said(self, take: Callable[..., None]) -> Handler:
        """Give what takes somebody's words: whose they are, is the word of the laptop."""

        def handle(act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
            account = event.facts.get("account")
            named = [account.lower()] if isinstance(account, str) and account else []
            take(act, event, device, is_believed=self._sessions.believes(act, event, laptop, named))

        return handle

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
            held = self._media.hold(act)
            for case, until in ready[:DUE]:
                device = self._fleet.devices.get(case.device)
                if device is not None:
                    self._media.settle(act, case, device, known_until=until)
            held.end()
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
        active = {device.id: device for device in self._fleet.devices.all() if device.state is DeviceState.ACTIVE}
        words = {device: word for device, word in words.items() if device in active}
        for found in self._silence.look(words, since, now):
            with self._store.act() as act:
                self._signs.silence(act, found, active[found.device], at=now)
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
        heard = [device for device in words if device in laptops]
        heard = [device for device in heard if self._sessions.locate(laptops[device], words[device], now)]
        if heard:
            with self._store.act() as act:
                for device in heard:
                    self._sessions.write(act, device, laptops[device])
