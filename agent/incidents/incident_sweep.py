"""What the clock does to incidents: whoever waits too long is passed over, warnings run out, restrictions end.

Each time that something climbs it is written down and one step further of the chain is told; at its end it stays
with the last.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from agent.incidents.incident_clocks import sweep_clocks
from agent.incidents.incident_desk import SYSTEM, Desk
from agent.incidents.incident_routing import Told, climbing, ladder_of, rungs_of
from agent.storage.incident_rows import Filed, read_incident, read_incidents, write_incident
from agent.storage.state import Act
from agent.storage.step_rows import FiledStep, read_open_steps, read_step, write_step
from agent.storage.timeline_rows import Entry
from agent.storage.warning_rows import GivenWarning, read_run_out, write_warning
from rules.incident import State, Track
from rules.span import Span, Unit
from rules.steps import DECIDE_WITHIN, SAME_HOUR, StepState

UNDECIDED: Final = "incident_undecided"
OVERDUE: Final = "incident_step_overdue"
EXPIRED: Final = "incident_warning_expired"
# So long each step of the chain has before the next is told.
_PATIENCE: Final = {
    Track.ORDINARY: Span(1, Unit.SCHOOL_DAYS),
    Track.SAFEGUARDING: SAME_HOUR,
    Track.RESTRICTED: Span(1, Unit.SCHOOL_DAYS),
    Track.SEALED: SAME_HOUR,
}
_MAX_CLIMBS: Final = 10
_MOMENT: Final = timedelta(microseconds=1)


def decide_by(desk: Desk, filed: Filed) -> datetime:
    """Say by when somebody decides about a candidate: then somebody else is told."""
    by = desk.due(filed.told_at, DECIDE_WITHIN[filed.incident.track])
    return min((by, *(rung.at for rung in rungs_of(desk, filed)[1:])))


def sweep_incidents(desk: Desk) -> int:
    """Go through what waits; gives of how many things something was written down."""
    now = desk.clock()
    with desk.store.read() as database:
        waiting = read_incidents(database, states=(State.CANDIDATE,), climbed_below=_MAX_CLIMBS, limit=-1)
        late = read_open_steps(database, due_before=now, climbed_below=_MAX_CLIMBS)
        run_out = read_run_out(database, desk.day_of(now))
    done = sum(_climb_incident(desk, filed, now) for filed in waiting)
    done += sum(_climb_step(desk, step, now) for step in late)
    done += sweep_clocks(desk)
    return done + sum(_expire(desk, warning) for warning in run_out)


def _climb_incident(desk: Desk, seen: Filed, now: datetime) -> int:
    if now < decide_by(desk, seen):
        return 0
    with desk.store.read() as database:
        ladder = ladder_of(desk, database, seen)
    climbed = _passed(desk, _instants(desk, seen, ladder), seen.incident.track, now)
    if climbed <= seen.climbed:
        return 0
    with desk.store.act() as act:
        filed = read_incident(act.database, seen.incident.id)
        if filed is None or filed.version != seen.version or filed.climbed != seen.climbed:
            return 0
        # Whoever comes first in the chain was told when it was filed.
        told = ladder[min(seen.climbed + 1, len(ladder) - 1) : climbed + 1]
        reached = filed.incident.reached.union(*(each.roles for each in told))
        filed = replace(filed, incident=replace(filed.incident, reached=reached), climbed=climbed)
        write_incident(act, filed)
        facts = {"climbed": climbed}
        entry = Entry(act.now, UNDECIDED, SYSTEM, facts)
        desk.enter(act, filed, UNDECIDED, entry, to=_people_of(each.people for each in told), facts=facts)
    return 1


def _instants(desk: Desk, filed: Filed, ladder: Sequence[Told]) -> list[datetime]:
    """Give when each but the first of a chain is told; where there is nobody else, the first once more."""
    return [told.at for told in ladder[1:]] or [decide_by(desk, filed)]


def _climb_step(desk: Desk, seen: FiledStep, now: datetime) -> int:
    with desk.store.read() as database:
        filed = read_incident(database, seen.incident)
    if filed is None or filed.incident.state is not State.ACCEPTED:
        return 0
    climbed = _passed(desk, [seen.due_at], filed.incident.track, now)
    if climbed <= seen.climbed:
        return 0
    with desk.store.act() as act:
        step = read_step(act.database, seen.incident, seen.number)
        if step is None or step.state is not StepState.OPEN or step.climbed != seen.climbed:
            return 0
        told = _next_told(desk, act, filed, step, climbed - seen.climbed)
        write_step(act, replace(step, climbed=climbed, told=(*step.told, *told)))
        facts = {"step": step.number, "action": step.action, "climbed": climbed}
        to = told or step.told or step.owners
        desk.enter(act, filed, OVERDUE, Entry(act.now, OVERDUE, SYSTEM, facts), to=to, facts=facts)
    return 1


def _next_told(desk: Desk, act: Act, filed: Filed, step: FiledStep, further: int) -> tuple[str, ...]:
    """Give so many further steps of the chain: those who neither have the step to do nor were told."""
    known = {*step.owners, *step.told}
    chain = [people for people in climbing(desk, act.database, filed) if not known.issuperset(people)]
    return tuple(person for person in _people_of(chain[:further]) if person not in known)


def _people_of(chain: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(person for people in chain for person in people))


def _expire(desk: Desk, seen: GivenWarning) -> int:
    with desk.store.act() as act:
        filed = read_incident(act.database, seen.incident)
        if filed is None:
            return 0
        write_warning(act, replace(seen, expired_at=act.now))
        facts = {"row": seen.row}
        desk.enter(act, filed, EXPIRED, Entry(act.now, EXPIRED, SYSTEM, facts), facts=facts)
    return 1


def _passed(desk: Desk, instants: Sequence[datetime], track: Track, now: datetime) -> int:
    """Count how often somebody else should have been told by now."""
    return sum(at <= now for at in islice(_deadlines(desk, instants, track), _MAX_CLIMBS))


def _deadlines(desk: Desk, instants: Sequence[datetime], track: Track) -> Iterator[datetime]:
    """Give these instants, and after the last of them one each time that somebody has had time enough."""
    yield from instants
    due_at = instants[-1]
    while True:
        # What is due at midnight was due on the day before.
        due_at = desk.due(due_at - _MOMENT, _PATIENCE[track])
        yield due_at
