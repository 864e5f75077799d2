"""How somebody looks at incidents: at which of the queue, or at one for a purpose and as which case.

Nothing personal is shown without both of these.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, cast
from urllib.parse import unquote

from fastapi import Depends, Header, Query

from agent.api.paging import read_cursor, write_cursor
from agent.api.problems import ProblemError
from agent.incidents.incident_access import OPEN
from agent.incidents.incident_queue import PLACE, Place
from agent.storage.queue_rows import Choice
from rules.incident import Level, State, Track
from rules.incident_kind import Kind
from rules.incident_weight import Weight

# So long a purpose may be, also where it is written as %-pairs.
_MAX_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """For what somebody looks, and the number of the case."""

    purpose: str
    case: int


async def _look(
    *,
    purpose: Annotated[str, Query(max_length=_MAX_CHARACTERS, description="Why you look.")] = "",
    case: Annotated[int | None, Query(ge=1, lt=2**53, description="The number of the incident.")] = None,
    schoolgate_purpose: Annotated[
        str | None, Header(max_length=_MAX_CHARACTERS, description="As `purpose`, in UTF-8 as %-pairs.")
    ] = None,
    schoolgate_case: Annotated[int | None, Header(ge=1, lt=2**53, description="As `case`.")] = None,
) -> Look:
    written = unquote(schoolgate_purpose) if schoolgate_purpose is not None else purpose
    number = schoolgate_case if schoolgate_case is not None else case
    if number is None:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "no-case",
            "Say in `case` the number of the incident, and in `purpose` why you look at it.",
        )
    return Look(written, number)


Looking = Annotated[Look, Depends(_look)]


async def _choice(
    *,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    track: Annotated[list[Track] | None, Query(max_length=len(Track))] = None,
    kind: Annotated[list[Kind] | None, Query(max_length=len(Kind))] = None,
    weight: Annotated[list[Weight] | None, Query(max_length=len(Weight))] = None,
    level: Annotated[Level | None, Query()] = None,
    subject: Annotated[str | None, Query(max_length=64, description="A pseudonym.")] = None,
    number: Annotated[
        int | None, Query(ge=1, lt=2**53, description="The one with this number, in any state.")
    ] = None,
) -> Choice:
    states = state or (OPEN if number is None else tuple(State))
    return Choice(
        states, tracks=track, kinds=kind, weights=weight, level=level, subject=subject or None, number=number
    )


Chosen = Annotated[Choice, Depends(_choice)]


def write_place(place: Place | None) -> str | None:
    """Give the cursor of a place in the queue."""
    return None if place is None else write_cursor(*place)


def read_place(after: str | None) -> Place | None:
    """Read the cursor of a place in the queue.

    Raises:
        ProblemError: it is none that the queue gave.
    """
    return cast("Place | None", read_cursor(after, PLACE))
