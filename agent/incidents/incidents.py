"""Incidents: where the engine files its candidates, and the services through which people deal with them.

The engine's side works within an act of whoever observes; a person's side makes acts of its own. Each side is in a
module of its own; this one only puts them together.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any, Final

from agent.incidents.incident_access import Looking
from agent.incidents.incident_corrections import Corrections
from agent.incidents.incident_decisions import Decisions
from agent.incidents.incident_desk import SYSTEM, Desk, Tell, tell_nobody
from agent.incidents.incident_export import Exports
from agent.incidents.incident_letters import Letters
from agent.incidents.incident_queue import Queue
from agent.incidents.incident_registers import Registers
from agent.incidents.incident_reports import Reports
from agent.incidents.incident_restrictions import Restrictions
from agent.incidents.incident_retention import erase_expired
from agent.incidents.incident_routing import first_to_know, route
from agent.incidents.incident_sealed import Sealed
from agent.incidents.incident_steps import Steps
from agent.incidents.incident_sweep import sweep_incidents
from agent.incidents.incident_together import Together
from agent.incidents.incident_undoing import forget_undoable
from agent.incidents.incident_warnings import Warnings
from agent.people.people import People
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.incident_rows import Filed, draw_number, is_observed, read_incidents, read_observed, write_incident
from agent.storage.note_rows import Note, write_note
from agent.storage.state import Act, StateStore
from agent.storage.timeline_rows import DEVICE, Entry, length_of_timeline
from agent.storage.warning_rows import is_anybody_warned, read_warned
from rules.assess import Assessment
from rules.assessment import Warned
from rules.errors import RefusedRequestError
from rules.incident import Incident, State, Track
from rules.observation import Observation
from rules.policy_pack import Pack

OPENED: Final = "incident_opened"
JOINED: Final = "incident_joined"
# What comes after so many entries is only counted: nobody reads more of one afternoon.
MOST_ENTRIES: Final = 500
_OPEN: Final = frozenset({State.CANDIDATE, State.ACCEPTED})
# What an observation says beside its name that says nothing of what was visited.
_PLAIN_FACTS: Final = frozenset({"in_lesson", "signals", "is_weak", "kind"})


class Incidents:
    """The service that incidents go through.

    Args:
        store: where acts become permanent.
        people: who is who.
        pseudonyms: by which a person is known until revealed.
        packs: those that the school goes by.
        site: the site in force.
        clock: aware UTC.
        new_id: makes ids.
        tell: called within an act, so that messages are queued in the same transaction.
        on_change: called after an act that changes what is open; the act stands whatever becomes of the call.
        draw: draws a number of so many digits, that people call an incident by.
    """

    def __init__(
        self,
        store: StateStore,
        people: People,
        pseudonyms: Pseudonyms,
        *,
        packs: Callable[[], Sequence[Pack]],
        site: Callable[[], Site],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        tell: Tell = tell_nobody,
        on_change: Callable[[], None] = lambda: None,
        draw: Callable[[int], int] = draw_number,
    ) -> None:
        self.desk = Desk(store, people, pseudonyms, packs, site, clock, new_id, tell, draw)
        self.looking = Looking(self.desk)
        self.queue = Queue(self.desk)
        self.decisions = Decisions(self.desk)
        self.together = Together(self.desk)
        self.corrections = Corrections(self.desk)
        self.steps = Steps(self.desk)
        self.letters = Letters(self.desk)
        self.sealed = Sealed(self.desk)
        self.warnings = Warnings(self.desk)
        self.exports = Exports(self.desk)
        self.reports = Reports(self.desk)
        self.registers = Registers(self.desk)
        self.restrictions = Restrictions(self.desk, on_change=on_change)

    # ---- the engine's side: within an act of whoever observes ------------------------------------------------

    def open(
        self, act: Act, observation: Observation, assessment: Assessment, *, earlier: Sequence[Observation] = ()
    ) -> Filed:
        """File a candidate; an observation that is part of one already opens no other.

        Args:
            earlier: what came before of the same matter, for the timeline.
        """
        if (known := read_observed(act.database, observation.id)) is not None:
            return known
        if assessment.kind is None or assessment.risk is None:
            raise RefusedRequestError("An assessment without a kind opens no incident; expected one with a kind.")
        observed = sorted((*earlier, observation), key=lambda each: each.at)
        incident = Incident(
            id=self.desk.new_id(),
            kind=assessment.kind,
            risk=assessment.risk,
            audience=observation.audience,
            subject=observation.subject,
            level=assessment.level,
            confidence=observation.confidence,
            track=assessment.track,
            state=State.CANDIDATE,
            rows=assessment.rows,
            intent=assessment.intent,
            reasons=assessment.reasons,
            against=assessment.against,
            opened_at=observed[0].at,
            last_at=observed[-1].at,
            place=observation.place,
        )
        filed = Filed(
            incident,
            number=self.desk.new_number(act.database),
            version=1,
            filed_at=act.now,
            aware_at=min(act.now, *(each.received_at for each in observed)),
            groups=observation.groups,
            why_identity=observation.why_identity,
            warnings=assessment.warnings,
            is_held=assessment.track is Track.SEALED,
        )
        filed = route(self.desk, act.database, filed)
        write_incident(act, filed)
        for each in observed[-MOST_ENTRIES:]:
            if each is not observation and not is_observed(act.database, each.id):
                self.desk.add(act, filed, entry_of(each))
        to = first_to_know(self.desk, act.database, filed)
        return self.desk.enter(act, filed, OPENED, entry_of(observation), to=to)

    def join(self, act: Act, incident_id: str, observation: Observation, assessment: Assessment) -> Filed:
        """Add what was observed to an incident that is open; the same observation twice is one.

        Raises:
            UnknownIdError: there is no such incident.
            RefusedRequestError: it is not open any more.
        """
        before = self.desk.existing(act.database, incident_id)
        if before.incident.state not in _OPEN:
            raise RefusedRequestError("This incident is not open, so nothing joins it; expected a new one.")
        if is_observed(act.database, observation.id):
            return before
        filed = replace(before, incident=_joined(before.incident, observation, assessment))
        if is_news := before.warnings != assessment.warnings or before.incident.rows != filed.incident.rows:
            filed = replace(filed, warnings=assessment.warnings)
        # Who decides has seen less, but nothing that they saw has changed: only other rows or warnings are news.
        filed = replace(filed, version=before.version + is_news)
        if length_of_timeline(act.database, incident_id) >= MOST_ENTRIES:
            filed = replace(filed, further=filed.further + observation.times)
            write_incident(act, filed)
            return filed
        return self.desk.file(act, filed, JOINED, entry_of(observation))

    def note_device(self, act: Act, observation: Observation, assessment: Assessment) -> None:
        """Keep, by day, that something was observed on a device that nobody is known to have used."""
        if assessment.kind is None:
            return
        write_note(
            act,
            Note(
                subject=observation.subject,
                kind=assessment.kind,
                day=self.desk.day_of(observation.at),
                first_at=observation.at,
                last_at=observation.at,
                times=observation.times,
                intent=assessment.intent,
                audience=observation.audience,
            ),
        )

    def recent_of(self, database: sqlite3.Connection, subject: str, since: datetime) -> list[Incident]:
        """Give what stands against a subject since an instant, in any state."""
        return [filed.incident for filed in read_incidents(database, subject=subject, since=since)]

    def warnings_of(self, database: sqlite3.Connection, subject: str, now: datetime) -> list[Warned]:
        """Give the recorded warnings of a subject that hold at an instant, also those of earlier school years."""
        day = self.desk.day_of(now)
        year_began = datetime.combine(self.desk.pseudonyms.year_began(day), time(), self.desk.zone)
        # Seldom does a warning count that was for something of an earlier year; only then somebody is looked for.
        is_early = is_anybody_warned(database, day, before=year_began)
        known_as = self.desk.known_as(database, subject, now) if is_early else (subject,)
        return [warned for each in known_as for warned in read_warned(database, each, day)]

    # ---- by the clock ----------------------------------------------------------------------------------------

    def sweep(self) -> int:
        """Write down what the clock has done, and tell who should know; gives of how many things."""
        forget_undoable(self.desk)
        return sweep_incidents(self.desk) + self.restrictions.sweep()

    def keep(self) -> int:
        """Erase what is personal of incidents whose time is over; gives how many there were."""
        return erase_expired(self.desk)


def entry_of(observation: Observation) -> Entry:
    """Give an observation as an entry of a timeline; what was asked for is in its personal part."""
    plain = {name: value for name, value in observation.facts.items() if name in _PLAIN_FACTS}
    personal: dict[str, Any] = {name: value for name, value in observation.facts.items() if name not in _PLAIN_FACTS}
    if observation.name is not None:
        personal["name"] = str(observation.name)
    if observation.device and observation.confidence.is_personal:
        personal[DEVICE] = observation.device
    return Entry(
        at=observation.at,
        what="observed",
        actor=SYSTEM,
        content={
            "source": observation.source.value,
            "category": observation.category,
            "times": observation.times,
            "place": observation.place.value,
            "confidence": observation.confidence.value,
            **plain,
        },
        personal=personal or None,
        evidence=observation.evidence,
        observation=observation.id,
    )


def _joined(before: Incident, observation: Observation, assessment: Assessment) -> Incident:
    """Give an incident with one observation more; its reasons are those of the strongest moment."""
    is_stronger = assessment.intent >= before.intent
    return replace(
        before,
        opened_at=min(before.opened_at, observation.at),
        last_at=max(before.last_at, observation.at),
        intent=max(before.intent, assessment.intent),
        reasons=assessment.reasons if is_stronger else before.reasons,
        against=assessment.against if is_stronger else before.against,
        rows=tuple(dict.fromkeys((*before.rows, *assessment.rows))),
    )
