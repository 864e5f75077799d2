"""The clocks that an incident sets going: they run from when the school knew, whoever has decided what by then.

People are told when half of the time is over, when a quarter is left, and when it has ended.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent.incidents.incident_desk import SYSTEM, Desk
from agent.incidents.incident_routing import climbing, told_by_now
from agent.storage.incident_rows import Filed, RunningClock, read_incident, read_incidents, write_incident
from agent.storage.state import Act, instant_text
from agent.storage.step_rows import FiledStep, read_steps
from agent.storage.timeline_rows import Entry
from rules.incident import State
from rules.steps import SAME_HOUR, StepState

RUNS_OUT: Final = "incident_clock_runs_out"
ENDED: Final = "incident_clock_ended"
_OPEN: Final = (State.CANDIDATE, State.ACCEPTED)
# After which parts of the time people are told; the last is its end.
_TOLD_AFTER: Final = (0.5, 0.75, 1.0)


def stage_of(clock: RunningClock, now: datetime) -> int:
    """Say how often people should have been told of a clock; of one that is over within the hour, at its end only."""
    length = clock.due_at - clock.began_at
    parts = _TOLD_AFTER if length > SAME_HOUR.typical() else _TOLD_AFTER[-1:]
    passed = sum(now >= clock.began_at + length * part for part in parts)
    return passed + len(_TOLD_AFTER) - len(parts) if passed else 0


def is_overdue(clock: RunningClock, now: datetime) -> bool:
    """Say whether a clock has ended before anybody stopped it."""
    return clock.ended_at is None and now >= clock.due_at


def sweep_clocks(desk: Desk) -> int:
    """Tell of the clocks that run out; gives of how many incidents something was written down."""
    now = desk.clock()
    with desk.store.read() as database:
        running = read_incidents(database, states=_OPEN, with_clocks_alone=True, limit=-1)
    return sum(_tell(desk, filed.incident.id, now) for filed in running if _has_news(filed, now))


def stop_clock(act: Act, filed: Filed, step: FiledStep) -> None:
    """Stop the clock that a step was for, where it is done or left out."""
    if step.state is StepState.OPEN or not step.action:
        return
    clocks = tuple(
        replace(clock, ended_at=step.done_at) if clock.action == step.action and clock.ended_at is None else clock
        for clock in filed.clocks
    )
    if clocks != filed.clocks:
        write_incident(act, replace(filed, clocks=clocks))


def _has_news(filed: Filed, now: datetime) -> bool:
    return any(clock.ended_at is None and stage_of(clock, now) > clock.told for clock in filed.clocks)


def _tell(desk: Desk, incident_id: str, now: datetime) -> int:
    with desk.store.act() as act:
        filed = read_incident(act.database, incident_id)
        if filed is None or filed.incident.state not in _OPEN or not _has_news(filed, now):
            return 0
        for clock in filed.clocks:
            stage = stage_of(clock, now)
            if clock.ended_at is not None or stage <= clock.told:
                continue
            told = (replace(each, told=stage) if each is clock else each for each in filed.clocks)
            filed = replace(filed, clocks=tuple(told))
            write_incident(act, filed)
            kind = ENDED if is_overdue(clock, now) else RUNS_OUT
            facts = {"clock": clock.id, "due_at": instant_text(clock.due_at)}
            to = _who(desk, act, filed, clock, is_over=kind == ENDED)
            desk.enter(act, filed, kind, Entry(act.now, kind, SYSTEM, facts), to=to, facts=facts)
    return 1


def _who(desk: Desk, act: Act, filed: Filed, clock: RunningClock, *, is_over: bool) -> Sequence[str]:
    """Give who is told: whoever has the step to do, else who knows; of what is over everybody of the chain."""
    steps = read_steps(act.database, filed.incident.id)
    owners = [
        owner
        for step in steps
        if step.action == clock.action and step.state is StepState.OPEN
        for owner in step.owners
    ]
    if is_over:
        return [*owners, *(person for people in climbing(desk, act.database, filed) for person in people)]
    return owners or told_by_now(desk, act.database, filed)
