"""From the ticks of a row to a checklist: each step with who does it and when it is due."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from rules.incident import Track
from rules.sanction import Action, Step
from rules.span import Span, Unit

# Who is at risk is looked after first, within the hour.
SAFEGUARDING_FIRST: Final = "refer_safeguarding_lead"
SAFEGUARDING_ROLE: Final = "safeguarding_lead"
SAME_HOUR: Final = Span(1, Unit.HOURS)
# So long somebody may take to decide about what stands in the queue.
DECIDE_WITHIN: Final = {
    Track.ORDINARY: Span(2, Unit.SCHOOL_DAYS),
    Track.SAFEGUARDING: SAME_HOUR,
    Track.RESTRICTED: Span(1, Unit.SCHOOL_DAYS),
    Track.SEALED: SAME_HOUR,
}
# Steps whose owner has to know whom it is about; a technician only needs to know what to do.
ABOUT_SOMEBODY: Final = frozenset({Step.REFER, Step.INFORM, Step.RESTRICT, Step.WARN, Step.SANCTION})
# What counts when somebody goes on afterwards.
ON_REGISTER: Final = frozenset({Step.WARN, Step.SANCTION})


class StepState(StrEnum):
    """Where a step stands; SKIPPED was left out, with a reason."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of a checklist; `role` is that of the pack that its `owners`, ids of people, hold."""

    action: str
    step: Step
    role: str
    owners: tuple[str, ...]
    due_at: datetime
    is_of_table: bool = True


def plan(
    actions: Iterable[Action],
    track: Track,
    *,
    start: datetime,
    holders: Callable[[str], Sequence[str]],
    otherwise: Sequence[str],
    due: Callable[[datetime, Span], datetime],
) -> tuple[Planned, ...]:
    """Make the checklist of a row.

    Args:
        actions: those that the row ticks.
        track: on which the incident is; where a child may be at risk the safeguarding lead comes first.
        start: when it was accepted.
        holders: gives the ids of those who hold a role of the pack and may do something about this incident; never
            whom it is about.
        otherwise: who does what nobody of the table can.
        due: says when something is due by the calendar of the school.
    """
    # At once is within the hour; nothing is late in the moment in which somebody is asked for it.
    within = ((action, action.within if action.within.amount else SAME_HOUR) for action in actions)
    steps = [_planned(action, holders, otherwise, due(start, span)) for action, span in within]
    if track is Track.SAFEGUARDING:
        leads = tuple(holders(SAFEGUARDING_ROLE)) or tuple(otherwise)
        first = Planned(SAFEGUARDING_FIRST, Step.REFER, SAFEGUARDING_ROLE, leads, due(start, SAME_HOUR), False)  # noqa: FBT003 (a field)
        steps.insert(0, first)
    return tuple(steps)


def _planned(
    action: Action, holders: Callable[[str], Sequence[str]], otherwise: Sequence[str], due_at: datetime
) -> Planned:
    """Give a step to the first of its owners that somebody holds."""
    for role in action.owners:
        if people := tuple(holders(role)):
            return Planned(action.id, action.step, role, people, due_at)
    return Planned(action.id, action.step, "", tuple(otherwise), due_at)
