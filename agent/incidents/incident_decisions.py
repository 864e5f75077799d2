"""What people decide about incidents: each decision one transaction, with its entry and its row in the record.

Nothing is decided by a program, and nothing by whoever it is about. Which decision follows which is said by
`rules.incident`; here stands what it takes with it.
"""

from collections.abc import Collection
from dataclasses import replace

from agent.incidents.incident_access import shown
from agent.incidents.incident_alternatives import as_kind, as_row
from agent.incidents.incident_corrections import Appeal, record_appeal, take_off
from agent.incidents.incident_deciding import Deciding, deciding, file_decision
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_merging import merge_into, split_off
from agent.incidents.incident_routing import newly_first, route
from agent.incidents.incident_sealed import check_unsealed
from agent.incidents.incident_steps import change_row, check_nothing_open, make_checklist, put_off_steps
from agent.incidents.incident_table import check_row, rows_for
from agent.incidents.incident_undoing import take_back
from agent.storage.incident_rows import Filed
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, Incident, Intent, Move, State, Track, track_of
from rules.incident_kind import Kind


class Decisions:
    """The decisions about incidents; each gives the incident as a list shows it.

    Every one raises `UnknownIdError` where this person may read no such incident, `ConflictError` where it has
    changed since they saw it, and `RefusedRequestError` where the rules or the words do not allow it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def accept(
        self,
        person: str,
        incident_id: str,
        *,
        version: int,
        row: str | None,
        deliberate: Intent,
        why: str,
        is_serious: bool | None = None,
    ) -> Filed:
        """Accept a candidate as a row of the table of its audience; the ticks become a checklist.

        Args:
            row: None only where the school has no table for this audience, or no row of it is about this; then those
                are brought in whom the chain of the packs names for such a matter. One that is about using somebody
                else's account takes an incident off whose account it is.
            deliberate: what this person thinks it was.
            why: why they think so.
            is_serious: where this person says so; then those are told at once whom a pack wants to know of that.
        """
        desk = self._desk
        with deciding(desk, person, incident_id, version, Move.ACCEPT, explanation=why) as made:
            filed = accept_as(desk, made, row, deliberate, is_serious=is_serious)
        return shown(filed)

    def reclassify(
        self,
        person: str,
        incident_id: str,
        *,
        version: int,
        reason: str,
        kind: Kind | None = None,
        row: str | None = None,
        is_serious: bool | None = None,
    ) -> Filed:
        """Put an incident under another kind or, once it is accepted, another row; or say whether it is serious.

        What was done of the old row stays done; what was open and is not ticked any more is left out.
        """
        desk = self._desk
        with deciding(desk, person, incident_id, version, Move.RECLASSIFY, reason=reason) as made:
            chosen = as_kind(desk, made.act.database, made.before, kind)
            before, is_accepted = chosen.incident, chosen.incident.state is State.ACCEPTED
            if before.track is Track.SEALED:
                raise RefusedRequestError("This incident is sealed, so what it is about does not change.")
            if kind is None and is_serious is None and (row is None or not is_accepted):
                raise RefusedRequestError(
                    "There is no row yet that could be changed; expected a kind, or that this is accepted as a row."
                    if row is not None
                    else "There is neither a kind nor a row; expected what this is to be put under, or whether it is"
                    " serious."
                )
            kind = kind or before.kind
            after = replace(
                _said_of(before, is_serious=is_serious),
                kind=kind,
                track=track_of(kind, before.audience, is_allegation=made.before.is_allegation),
                rows=rows_for(desk.table_of(before.audience.value), kind),
            )
            if is_accepted:
                after = replace(after, row=check_row(desk, made.act.database, after, row or before.row))
            filed = replace(chosen, incident=after, is_held=chosen.is_held or after.track is Track.SEALED)
            is_another = kind is not made.incident.kind
            filed = route(desk, made.act.database, filed, at=made.act.now if is_another else None)
            told = newly_first(desk, made.act.database, made.before, filed)
            facts = {"row": after.row or "", "was": made.incident.kind.value, "is_serious": after.is_serious}
            filed = file_decision(desk, made, filed, to=told, facts=facts)
            if is_accepted and _asks(after) != _asks(made.incident):
                desk.tell_of(made.act, made.kind, filed, change_row(desk, made.act, filed, person))
        return shown(filed)

    def dismiss(self, person: str, incident_id: str, *, version: int, dismissal: Dismissal, words: str) -> Filed:
        """Say that a candidate is none, and why; where it is about the wrong person, that is corrected."""
        if dismissal is Dismissal.WRONG_PERSON:
            return self.correct(person, incident_id, version=version, reason=words)
        desk = self._desk
        with deciding(desk, person, incident_id, version, Move.DISMISS, reason=words) as made:
            filed = dismiss_as(desk, made, dismissal)
        return shown(filed)

    def merge(self, person: str, incident_id: str, *, version: int, into: str, reason: str) -> Filed:
        """Make an incident part of another that is open; gives the one that goes on.

        Args:
            into: the id of the one that goes on.
        """
        with deciding(self._desk, person, incident_id, version, Move.MERGE, reason=reason) as made:
            return shown(merge_into(self._desk, made, into))

    def split(
        self, person: str, incident_id: str, *, version: int, entries: Collection[int], kind: Kind, reason: str
    ) -> Filed:
        """Make a candidate of its own out of some of what was observed; gives the new one.

        Args:
            entries: places in the timeline, from 1 on.
            kind: what the new one is about.
        """
        with deciding(self._desk, person, incident_id, version, Move.SPLIT, reason=reason) as made:
            return shown(split_off(self._desk, made, entries, kind))

    def close(self, person: str, incident_id: str, *, version: int, outcome: str, lesson: str) -> Filed:
        """Close an incident whose steps are all done, or left out with a reason."""
        words = {"outcome": outcome, "lesson_learnt": lesson}
        with deciding(self._desk, person, incident_id, version, Move.CLOSE, **words) as made:
            check_nothing_open(made.act.database, incident_id)
            filed = replace(made.before, outcome=made.words["outcome"], lesson=made.words["lesson_learnt"])
            filed = file_decision(self._desk, made, filed)
        return shown(filed)

    def reopen(self, person: str, incident_id: str, *, version: int, appeal: Appeal) -> Filed:
        """Open again what was dismissed or closed, because somebody appealed."""
        with deciding(
            self._desk, person, incident_id, version, Move.REOPEN, outcome_of_the_appeal=appeal.outcome
        ) as made:
            return shown(record_appeal(self._desk, made, appeal))

    def correct(self, person: str, incident_id: str, *, version: int, reason: str) -> Filed:
        """Take an incident off a person whom it does not concern, with everything that followed from it."""
        desk = self._desk
        with deciding(desk, person, incident_id, version, Move.CORRECT, reason=reason) as made:
            filed = correct_it(desk, made)
        return shown(filed)

    def undo(self, person: str, incident_id: str, *, version: int) -> Filed:
        """Take back the last decision, which was this person's own and a slip; what was sent is not called back."""
        with self._desk.attempt(person, "undo", incident_id), self._desk.store.act() as act:
            return shown(take_back(self._desk, act, person, incident_id, version))


def accept_as(desk: Desk, made: Deciding, row: str | None, deliberate: Intent, *, is_serious: bool | None) -> Filed:
    """Accept what is being decided about, as `Decisions.accept` says; its words hold the explanation."""
    row = check_row(desk, made.act.database, made.incident, row)
    chosen = as_row(desk, made.act.database, made.before, row)
    filed = replace(
        chosen,
        incident=replace(_said_of(chosen.incident, is_serious=is_serious), row=row),
        deliberate=deliberate,
        why_deliberate=made.words["explanation"],
    )
    filed = route(desk, made.act.database, filed)
    told = newly_first(desk, made.act.database, made.before, filed)
    facts = {"row": row or "", "deliberate": deliberate.value, "is_serious": filed.incident.is_serious}
    filed = file_decision(desk, made, filed, to=told, facts=facts)
    desk.tell_of(made.act, made.kind, filed, make_checklist(desk, made.act, filed))
    return filed


def dismiss_as(desk: Desk, made: Deciding, dismissal: Dismissal) -> Filed:
    """Dismiss what is being decided about; its words hold the reason."""
    check_unsealed(made.act, made.before)
    return file_decision(desk, made, replace(made.before, dismissal=dismissal), facts={"dismissal": dismissal.value})


def correct_it(desk: Desk, made: Deciding) -> Filed:
    """Take what is being decided about off its person."""
    check_unsealed(made.act, made.before)
    put_off_steps(made.act, made.incident.id, made.person, "corrected")
    return file_decision(desk, made, replace(take_off(desk, made), dismissal=Dismissal.WRONG_PERSON))


def _said_of(incident: Incident, *, is_serious: bool | None) -> Incident:
    """Give an incident with what somebody says of it; who says nothing changes nothing."""
    return incident if is_serious is None else replace(incident, is_serious=is_serious)


def _asks(incident: Incident) -> tuple[object, ...]:
    """Give what the steps of an incident follow from."""
    return incident.kind, incident.row, incident.is_serious
