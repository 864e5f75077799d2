"""Observing: from what was asked, what stands on the record and what machines tell to candidates for people.

It is done by the process that writes the state, a little at a time, so that neither people nor anything else waits
for it. How far each source was taken is stored in the act that holds what came of it.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from agent.incidents.incidents import Incidents
from agent.observing.known_devices import DevicesInForce
from agent.observing.observing_activity import day_of_source
from agent.observing.observing_days import ACT_SECONDS, PASSED_ROWS, ROWS, AskedByDay
from agent.observing.observing_doubts import Doubts
from agent.observing.observing_held import Held, Holding
from agent.observing.observing_record import SOURCE as RECORD
from agent.observing.observing_record import end_of_record, read_rows
from agent.observing.observing_record import observation_of as of_record
from agent.observing.observing_told import IS_FINDING, ToldEvents, happened_at
from agent.observing.observing_told import observation_of as of_machine
from agent.observing.sign_ins import SignIns
from agent.people.pseudonyms import Devices
from agent.sites.site import ActivityLevel
from agent.storage.observation_rows import (
    delete_positions,
    delete_told,
    mark_taken,
    read_position,
    read_positions,
    read_waiting,
    write_position,
)
from agent.storage.presence_rows import LONGEST, delete_presences, mark_looked_back, read_to_look_back
from agent.storage.state import Act
from rules.assess import Outcome, Why

# So long one turn may take; who comes next is not kept waiting.
TURN_SECONDS: Final = 0.5
FORGET_SECONDS: Final = 3600.0
PRESENCES: Final = 100
_DAY: Final = timedelta(days=1)
_NO_DEVICES: Final[Devices] = {}


class Observing:
    """What observes, and where machines tell what they know.

    Args:
        incidents: where candidates are filed.
        folder: where the day files are.
        devices: what else the devices behind addresses are known by.
        tell: tells those who manage devices, within an act, of something about a laptop that opens no incident.
        monotonic: seconds.
        turn_seconds: how long one turn may take.
    """

    def __init__(
        self,
        incidents: Incidents,
        folder: Path,
        *,
        devices: Callable[[], Devices] = lambda: _NO_DEVICES,
        tell: Callable[[Act], None] = lambda _act: None,
        monotonic: Callable[[], float] = time.monotonic,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        desk = incidents.desk
        self.known = DevicesInForce(desk.site, devices, desk.pseudonyms)
        self.sign_ins = SignIns(desk.store, desk.pseudonyms, site=desk.site, known=self.known)
        self.events = ToldEvents(desk.store, desk.pseudonyms, site=desk.site, known=self.known)
        self._incidents = incidents
        self._store = desk.store
        self._pseudonyms = desk.pseudonyms
        self._tell = tell
        self._monotonic = monotonic
        self._turn_seconds = turn_seconds
        self._holding = Holding(incidents)
        self._asked = AskedByDay(self._holding, folder, known=self.known, monotonic=monotonic)
        self._passed = 0
        self._forget_at = float("-inf")

    def look(self) -> bool:
        """Take what is new, as far as one turn goes; says whether more is waiting.

        Raises:
            StorageError: something could not be stored; it is taken next time.
        """
        until = self._monotonic() + self._turn_seconds
        held = self._holding()
        self._forget_if_due(held)
        has_more = self._take_record(held)
        has_more = self._take_told(held) or has_more
        has_asked = held.site.retention.activity is not ActivityLevel.COUNTS
        has_more = self._look_back(held, has_asked=has_asked) or has_more
        held = self._holding()
        return (self._asked.take if has_asked else self._asked.pass_by)(held, until) or has_more

    def _look_back(self, held: Held, *, has_asked: bool) -> bool:
        """Look again, by what was told late of who was where, at whom it is about; says whether there is more."""
        with self._store.read() as database:
            presences = read_to_look_back(database, limit=PRESENCES)
        if not presences:
            return False
        with self._store.act() as act:
            if Doubts(act, self._incidents, self.known()).look(presences):
                self._holding.forget()
                held = self._holding()
            if not has_asked:
                mark_looked_back(act, presences)
        if has_asked:
            self._asked.look_back(held, presences)
        return len(presences) == PRESENCES

    def _take_record(self, held: Held) -> bool:
        with self._store.read() as database:
            position = max(self._passed, read_position(database, RECORD))
            rows, end = read_rows(database, after=position, limit=ROWS), end_of_record(database)
        if not rows and end - position < PASSED_ROWS:
            return False
        reached = rows[-1].number if len(rows) == ROWS else end
        since = min((row.at for row in rows), default=self._store.clock())
        with self._holding.weighing(held, since=since) as weighing:
            for row in rows:
                database = weighing.act.database
                weighing.take(of_record(row, database, self._pseudonyms, zone=held.timetable.zone))
            write_position(weighing.act, RECORD, reached)
        self._passed = reached
        return len(rows) == ROWS

    def _take_told(self, held: Held) -> bool:
        with self._store.read() as database:
            waiting = read_waiting(database, limit=ROWS)
        if not waiting:
            return False
        taken = []
        ends_at = self._monotonic() + ACT_SECONDS
        # What a laptop kept for weeks belongs to what stands from then.
        since = min(min(each.received_at - LONGEST, happened_at(each)) for each in waiting)
        with self._holding.weighing(held, since=since) as weighing:
            for each in waiting:
                known, zone = self.known(), held.timetable.zone
                assessed = weighing.take(of_machine(each, weighing.identities, known, zone=zone))
                # Of a new case its chain is told; what joins one is a silent line in it.
                is_told = assessed.outcome is Outcome.OPENS or assessed.why is Why.SEEN
                if each.content.get(IS_FINDING) and not is_told:
                    self._tell(weighing.act)
                taken.append(each)
                if self._monotonic() >= ends_at:
                    break
            mark_taken(weighing.act, taken)
        return len(taken) < len(waiting) or len(waiting) == ROWS

    def _forget_if_due(self, held: Held) -> None:
        """From time to time, delete what is older than what was asked may be, and what is known of files that are."""
        if self._monotonic() < self._forget_at:
            return
        now = self._store.clock()
        oldest = now - timedelta(days=held.site.retention.activity_days) - LONGEST
        with self._store.act() as act:
            days = {source: day_of_source(source) for source in read_positions(act.database)}
            gone = [source for source, day in days.items() if day is not None and day < oldest.date() - _DAY]
            delete_positions(act, gone)
            delete_presences(act, before=oldest)
            delete_told(act, before=oldest)
        self._forget_at = self._monotonic() + FORGET_SECONDS
