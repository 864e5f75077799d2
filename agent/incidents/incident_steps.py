"""The checklist of an accepted incident: who does what by when, what was done, and what was left out and why."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agent.incidents.incident_clocks import stop_clock
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_routing import first_to_know
from agent.people.attempts import ConflictError, check_version, known_person
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.state import Act
from agent.storage.step_rows import FiledStep, read_open_steps, read_step, read_steps, write_step
from agent.storage.timeline_rows import Entry
from agent.storage.warning_rows import GivenWarning, write_warning
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level, State, Track
from rules.reason import check_words
from rules.roles import Role
from rules.sanction import Action, Step
from rules.span import Span
from rules.steps import ON_REGISTER, SAFEGUARDING_FIRST, SAME_HOUR, Planned, StepState, plan

DONE: Final = "incident_step_done"
SKIPPED: Final = "incident_step_skipped"
ADDED: Final = "incident_step_added"
WARNED: Final = "incident_warning_given"
# What a row ticks is at most a dozen; somebody who adds more than this has made a mistake.
MAX_STEPS: Final = 50
MAX_REFERRED_CHARACTERS: Final = 100
MAX_REFERENCE_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Referral:
    """Who outside was brought in, a role or an organisation, and the number that they gave it, if they did."""

    to: str = ""
    reference: str = ""


# Nobody outside was.
INSIDE: Final = Referral()


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A step that somebody has to do, with the number of its case; it does not say whom it is about."""

    step: FiledStep
    case: int
    track: Track


class Steps:
    """What people do about an accepted incident.

    Every move raises `UnknownIdError` where this person neither owns the step nor may read the incident, and
    `RefusedRequestError` where it cannot be made.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of(self, person: str, incident_id: str) -> list[FiledStep]:
        """Give the checklist of an incident that somebody may read."""
        desk = self._desk
        with desk.attempt(person, "steps", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            desk.reader(database, person, filed.incident)
            return read_steps(database, incident_id)

    def mine(self, person: str) -> list[OwnStep]:
        """Give the open steps that somebody has to do, the first due first."""
        found = []
        with self._desk.store.read() as database:
            known_person(database, person)
            for step in read_open_steps(database):
                filed = read_incident(database, step.incident) if person in step.owners else None
                if filed is not None and not self._desk.is_subject(person, filed.incident):
                    found.append(OwnStep(step, filed.number, filed.incident.track))
        return found

    def done(
        self,
        person: str,
        incident_id: str,
        number: int,
        *,
        how: str,
        outcome: str = "",
        at: datetime | None = None,
        referral: Referral = INSIDE,
        seen: int | None = None,
    ) -> FiledStep:
        """Say that a step was done: when, how, and what came of it.

        A warning or sanction that was given to somebody enters the register of warnings.

        Args:
            at: when it was done; now, where it is left out.
            referral: who outside was brought in, where the step did that.
            seen: the version of the step that this person looked at, where it is known.
        """
        desk = self._desk
        with desk.attempt(person, "step_done", incident_id), desk.store.act() as act:
            filed, step = self._open_step(act.database, person, incident_id, number, seen)
            done_at = at or act.now
            if done_at.tzinfo is None or not filed.filed_at <= done_at <= act.now:
                raise RefusedRequestError(
                    "A step is done after the incident was filed and not later than now; expected such an instant,"
                    " with its time zone."
                )
            _check_words("way in which it was done", how)
            if outcome.strip():
                _check_words("outcome", outcome)
            _check_referral(step, referral)
            step = replace(
                step,
                state=StepState.DONE,
                done_at=done_at,
                done_by=person,
                how=how.strip(),
                outcome=outcome.strip(),
                referred_to=referral.to.strip(),
                reference=referral.reference.strip(),
            )
            words = {"referred_to": step.referred_to, "reference": step.reference}
            words = {name: word for name, word in words.items() if word}
            self._file(act, filed, step, DONE, person, how=step.how, outcome=step.outcome, **words)
            if step.step in ON_REGISTER and filed.incident.level is Level.PERSON and filed.incident.row:
                self._enter_warning(act, filed, person)
            return step

    def skip(self, person: str, incident_id: str, number: int, *, reason: str, seen: int | None = None) -> FiledStep:
        """Leave a step of the table out, with a reason; only who may read the incident can."""
        desk = self._desk
        with desk.attempt(person, "step_skip", incident_id), desk.store.act() as act:
            filed, step = self._open_step(act.database, person, incident_id, number, seen)
            desk.reader(act.database, person, filed.incident)
            _check_words("reason", reason)
            step = replace(step, state=StepState.SKIPPED, done_at=act.now, done_by=person, deviation=reason.strip())
            self._file(act, filed, step, SKIPPED, person, reason=step.deviation)
            return step

    def add(
        self,
        person: str,
        incident_id: str,
        *,
        label: str,
        role: Role,
        within: Span,
        reason: str,
        step: Step = Step.REFER,
        action: str = "",
    ) -> FiledStep:
        """Add a step that the row does not tick, with a reason.

        Args:
            label: what is to be done, in this person's words.
            role: who does it.
            action: the column of the table, where it is one.
        """
        desk = self._desk
        with desk.attempt(person, "step_add", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader(act.database, person, filed.incident)
            _check_accepted(filed.incident)
            _check_words("step", label)
            _check_words("reason", reason)
            table = desk.table_of(filed.incident.audience.value)
            if action and (table is None or action not in table.actions):
                raise RefusedRequestError(
                    f"There is no action {action[:40]!r} in the table for {filed.incident.audience}; expected a"
                    " column of it, or none."
                )
            steps = read_steps(act.database, incident_id)
            if len(steps) >= MAX_STEPS:
                raise RefusedRequestError(f"This incident has {len(steps)} steps; expected at most {MAX_STEPS}.")
            owners = desk.holders_of(act.database, filed.incident)(role.value)
            if not owners:
                raise RefusedRequestError(
                    f"Nobody who may deal with this holds the role of {role.in_words}; expected one that is held."
                )
            added = FiledStep(
                incident=incident_id,
                number=_next_number(steps),
                action=action,
                step=step,
                role=role.value,
                owners=owners,
                due_at=desk.due(act.now, within),
                is_of_table=False,
                label=label.strip(),
                deviation=reason.strip(),
            )
            self._file(act, filed, added, ADDED, person, label=added.label, reason=added.deviation)
            desk.tell_of(act, ADDED, filed, [each for each in owners if each != person])
            return added

    # ---- parts of each -------------------------------------------------------------------------------------

    def _open_step(
        self, database: sqlite3.Connection, person: str, incident_id: str, number: int, seen: int | None
    ) -> tuple[Filed, FiledStep]:
        filed = self._desk.existing(database, incident_id)
        self._desk.reader_or_owner(database, person, filed.incident, step=number)
        step = read_step(database, incident_id, number)
        if step is None:
            raise RefusedRequestError(f"This incident has no step {number}.")
        _check_accepted(filed.incident)
        if step.state is not StepState.OPEN:
            raise ConflictError(f"This step is {_STANDING[step.state]} already.")
        if seen is not None:
            check_version(step.version, seen)
        return filed, step

    def _file(self, act: Act, filed: Filed, step: FiledStep, kind: str, person: str, **words: str) -> None:
        write_step(act, step)
        stop_clock(act, filed, step)
        facts = {"step": step.number, "action": step.action}
        self._desk.enter(act, filed, kind, Entry(act.now, kind, person, facts, words), facts=facts)

    def _enter_warning(self, act: Act, filed: Filed, person: str) -> None:
        desk, lasts = self._desk, self._desk.settings.warnings_last
        # What is due after a span of days is due at the end of the last: the first instant without it.
        ends = desk.end_of_year(act.now) if lasts is None else desk.day_of(desk.due(act.now, lasts))
        warning = GivenWarning(
            id=desk.new_id(),
            incident=filed.incident.id,
            subject=filed.incident.subject,
            row=filed.incident.row or "",
            given_at=act.now,
            given_by=person,
            expires_on=ends,
        )
        write_warning(act, warning)
        facts = {"row": warning.row, "expires_on": ends.isoformat()}
        desk.enter(act, filed, WARNED, Entry(act.now, WARNED, person, facts), facts=facts)


_STANDING: Final = {StepState.DONE: "done", StepState.SKIPPED: "left out"}


def make_checklist(desk: Desk, act: Act, filed: Filed, *, but: Collection[str] = ()) -> tuple[str, ...]:
    """Make the checklist of an incident, by its row or, without one, by its chain; gives the ids of who has to act.

    Args:
        but: the actions that need no new step.
    """
    incident = filed.incident
    steps = read_steps(act.database, incident.id)
    number = _next_number(steps)
    asked = _asked(desk, incident)
    owners: list[str] = []
    language = desk.site().school.language
    labels = {each.id: each.label.in_language(language) for each in desk.chains.steps(incident)}
    for each in _planned(desk, act, filed, asked):
        if each.action in but:
            continue
        step = FiledStep(
            incident=incident.id,
            number=number,
            action=each.action,
            step=each.step,
            role=each.role,
            owners=each.owners,
            due_at=each.due_at,
            is_of_table=each.is_of_table,
            label=labels.get(each.action, ""),
        )
        write_step(act, step)
        owners += each.owners
        number += 1
    return tuple(dict.fromkeys(owners))


def _planned(desk: Desk, act: Act, filed: Filed, asked: Sequence[Action]) -> Iterator[Planned]:
    """Plan what the row ticks from now on, and what the packs ask for beside it since the school knew."""
    incident = filed.incident
    holders = desk.holders_of(act.database, incident)
    otherwise = first_to_know(desk, act.database, filed)
    ticked = _ticked(desk, incident)
    yield from plan(ticked, incident.track, start=act.now, holders=holders, otherwise=otherwise, due=desk.due)

    def due(start: datetime, within: Span) -> datetime:
        return desk.due(start, within) if within.amount else desk.due(act.now, SAME_HOUR)

    clocks = {clock.action: clock.due_at for clock in filed.clocks}
    for each in plan(asked, Track.ORDINARY, start=filed.known_at, holders=holders, otherwise=otherwise, due=due):
        yield replace(each, due_at=min(each.due_at, clocks.get(each.action, each.due_at)))


def change_row(desk: Desk, act: Act, filed: Filed, person: str) -> tuple[str, ...]:
    """Change the checklist to that of another row; gives the ids of those who have something new to do.

    What is done, or open and ticked again, stays; what is open and not ticked any more is left out.
    """
    wanted = (*_ticked(desk, filed.incident), *_asked(desk, filed.incident))
    ticked = {action.id for action in wanted}
    stays = set()
    for step in read_steps(act.database, filed.incident.id):
        if step.state is StepState.OPEN and step.is_of_table and step.action not in ticked:
            _put_off(act, step, person, "another row")
        elif step.state is not StepState.SKIPPED:
            stays.add(step.action)
    return make_checklist(desk, act, filed, but=stays)


def put_off_steps(act: Act, incident_id: str, person: str, why: str) -> None:
    """Leave out every step that is open."""
    for step in read_steps(act.database, incident_id):
        if step.state is StepState.OPEN:
            _put_off(act, step, person, why)


def check_nothing_open(database: sqlite3.Connection, incident_id: str) -> None:
    """Check that every step is done or left out.

    Raises:
        RefusedRequestError: some are open.
    """
    steps = read_steps(database, incident_id)
    if still := sum(step.state is StepState.OPEN for step in steps):
        raise RefusedRequestError(
            f"{still} of {len(steps)} steps are still open; expected each to be done, or left out with a reason."
        )


def _put_off(act: Act, step: FiledStep, person: str, why: str) -> None:
    write_step(act, replace(step, state=StepState.SKIPPED, done_at=act.now, done_by=person, deviation=why))


def _ticked(desk: Desk, incident: Incident) -> Sequence[Action]:
    """Give what the row ticks."""
    table = desk.table_of(incident.audience.value)
    return table.actions_of(incident.row) if table is not None and incident.row else ()


def _asked(desk: Desk, incident: Incident) -> Sequence[Action]:
    """Give what the packs ask for beside the table; on its track the safeguarding lead comes first anyway."""
    steps = desk.chains.steps(incident)
    if incident.track is Track.SAFEGUARDING:
        return [each for each in steps if each.id != SAFEGUARDING_FIRST]
    return steps


def _next_number(steps: Iterable[FiledStep]) -> int:
    return max((step.number for step in steps), default=0) + 1


def _check_accepted(incident: Incident) -> None:
    if incident.state is not State.ACCEPTED:
        raise RefusedRequestError("This incident is not accepted, so there is nothing to do about it.")


def _check_referral(step: FiledStep, referral: Referral) -> None:
    if referral == INSIDE:
        return
    if step.step is not Step.REFER:
        raise RefusedRequestError(
            f"A step of the kind {step.step} brings in nobody outside; expected one that refers."
        )
    if not referral.to.strip():
        raise RefusedRequestError("A reference is somebody's; expected to whom this was referred, too.")
    for what, text, longest in (
        ("To whom this was referred", referral.to, MAX_REFERRED_CHARACTERS),
        ("The reference", referral.reference, MAX_REFERENCE_CHARACTERS),
    ):
        if len(text) > longest:
            raise RefusedRequestError(f"{what} has {len(text):,} characters; expected at most {longest}.")
        if text and not (text.isprintable() and any(map(str.isalnum, text))):
            raise RefusedRequestError(f"{what} cannot be read; expected plain text on one line.")


def _check_words(what: str, text: str) -> None:
    if fault := check_words(text, what):
        raise RefusedRequestError(fault)
