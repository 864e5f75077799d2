"""What people put right: an appeal, an incident that was about somebody else, one whose person is known to people."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from agent.incidents.incident_access import shown
from agent.incidents.incident_deciding import Deciding, file_decision
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_restrictions import end_restrictions
from agent.incidents.incident_routing import first_to_know, newly_first, route
from agent.incidents.incident_table import rows_for
from agent.incidents.incident_warnings import withdraw
from agent.people.attempts import check_version
from agent.people.people import fault_of_text
from agent.storage.incident_rows import Filed
from agent.storage.letter_rows import erase_letters
from agent.storage.state import Act
from agent.storage.step_rows import erase_step_words
from agent.storage.timeline_rows import Entry, erase_said
from agent.storage.warning_rows import read_warnings, write_warning
from rules.errors import RefusedRequestError
from rules.incident import Level, State, Track, track_of
from rules.observation import Confidence
from rules.reason import check_words
from rules.roles import Role
from rules.subject import Audience

NAMED: Final = "incident_subject_named"
HELD: Final = "incident_held"
RELEASED: Final = "incident_released"


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal: who made it, on which day, and what came of it; what came of it may be that warnings fall."""

    by: str
    on: date
    outcome: str
    withdraws_warnings: bool = False


def record_appeal(desk: Desk, made: Deciding, appeal: Appeal) -> Filed:
    """Open an incident again, because somebody appealed.

    Raises:
        RefusedRequestError: nobody is named, the day is to come, or there is nothing left to open.
    """
    if fault := fault_of_text(appeal.by):
        raise RefusedRequestError(f"Who appealed cannot be read: {fault}.")
    if appeal.on > desk.day_of(made.act.now):
        raise RefusedRequestError(f"The appeal is of {appeal.on}, a day to come; expected today or a day before.")
    if made.before.erased_at is not None:
        raise RefusedRequestError("What was kept of this incident is erased, so there is nothing to open again.")
    if appeal.withdraws_warnings:
        _withdraw_warnings(desk, made.act, made.before, made.person)
    filed = replace(made.before, dismissal=None, outcome="", lesson="")
    filed = route(desk, made.act.database, filed, at=made.act.now)
    to = first_to_know(desk, made.act.database, filed)
    made = replace(made, words={**made.words, "by": appeal.by.strip()})
    facts = {"appealed_on": appeal.on.isoformat(), "withdraws_warnings": appeal.withdraws_warnings}
    return file_decision(desk, made, filed, to=to, facts=facts)


def take_off(desk: Desk, made: Deciding) -> Filed:
    """Take an incident off its subject, with what was written, and with warnings and restrictions that followed.

    What was observed stays with the device; the hashes of what is erased stay too.
    """
    act, before = made.act, made.before
    _withdraw_warnings(desk, act, before, made.person)
    for each in read_warnings(act.database, incident=before.incident.id):
        write_warning(act, replace(each, subject=""))
    end_restrictions(desk, act, before, made.person)
    erase_said(act, before.incident.id)
    erase_letters(act, before.incident.id)
    erase_step_words(act, before.incident.id)
    return replace(
        before,
        incident=replace(before.incident, subject="", level=Level.DEVICE, confidence=Confidence.D, row=None),
        why_identity=(),
        warnings=(),
        groups=frozenset(),
        deliberate=None,
        why_deliberate="",
        decision_reason="",
        outcome="",
        lesson="",
    )


def _withdraw_warnings(desk: Desk, act: Act, filed: Filed, person: str) -> None:
    withdraw(desk, act, filed, read_warnings(act.database, incident=filed.incident.id), person)


class Corrections:
    """What people add to an incident beside decisions; errors as for decisions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def name_subject(self, person: str, incident_id: str, *, version: int, subject: str, reason: str) -> Filed:
        """Say whom a report, or what was seen on a device, is about, as people know it; the reason is kept.

        Args:
            subject: the id of a person.
        """
        desk = self._desk
        with desk.attempt(person, "name_subject", incident_id), desk.store.act() as act:
            before = self._seen(act, person, incident_id, version, reason)
            incident = before.incident
            if incident.state is not State.CANDIDATE or incident.level is Level.PERSON:
                raise RefusedRequestError("Only what waits for a decision and is about nobody yet gets a subject.")
            if incident.track is Track.SEALED:
                raise RefusedRequestError("This incident is sealed; whom it is about is for those whom it goes to.")
            who = desk.person(act.database, subject)
            if who.id == person:
                raise RefusedRequestError("You cannot deal with an incident about yourself; somebody else names you.")
            audience = Audience.PUPIL if Role.PUPIL in who.roles else Audience.STAFF
            after = replace(
                incident,
                subject=desk.pseudonyms.person(who.id, desk.day_of(incident.opened_at)),
                level=Level.PERSON,
                confidence=Confidence.B,
                audience=audience,
                track=track_of(incident.kind, audience, is_allegation=before.is_allegation),
                rows=rows_for(desk.table_of(audience.value), incident.kind),
            )
            filed = replace(before, incident=after, version=before.version + 1, why_identity=("named_by_person",))
            is_rerouted = (after.track, after.audience) != (incident.track, incident.audience)
            filed = route(desk, act.database, filed, at=act.now if is_rerouted else None)
            entry = Entry(act.now, NAMED, person, {}, {"reason": reason.strip()})
            told = newly_first(desk, act.database, before, filed)
            return shown(desk.file(act, filed, NAMED, entry, to=told))

    def hold(self, person: str, incident_id: str, *, version: int, reason: str) -> Filed:
        """Keep everything about an incident until it is released, however long that is."""
        return self._set_hold(person, incident_id, version, reason, is_held=True)

    def release(self, person: str, incident_id: str, *, version: int, reason: str) -> Filed:
        """Let what is kept about an incident end at its time again."""
        return self._set_hold(person, incident_id, version, reason, is_held=False)

    def _set_hold(self, person: str, incident_id: str, version: int, reason: str, *, is_held: bool) -> Filed:
        desk, kind = self._desk, HELD if is_held else RELEASED
        with desk.attempt(person, kind.removeprefix("incident_"), incident_id), desk.store.act() as act:
            before = self._seen(act, person, incident_id, version, reason)
            if before.is_held is is_held:
                raise RefusedRequestError(f"This incident is {'' if is_held else 'not '}held already.")
            if not is_held and before.incident.track is Track.SEALED and before.closed_at is None:
                raise RefusedRequestError("What is sealed is evidence, so it stays held until it is closed.")
            filed = replace(before, is_held=is_held, version=before.version + 1)
            return shown(desk.file(act, filed, kind, Entry(act.now, kind, person, {}, {"reason": reason.strip()})))

    def _seen(self, act: Act, person: str, incident_id: str, version: int, reason: str) -> Filed:
        before = self._desk.existing(act.database, incident_id)
        self._desk.reader(act.database, person, before.incident)
        check_version(before.version, version)
        if fault := check_words(reason, "reason"):
            raise RefusedRequestError(fault)
        return before
