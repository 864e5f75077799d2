"""Why somebody looks at what is kept about a person, and for which case: nothing personal is shown without both."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import Depends, Header, Query

from agent.api.problems import ProblemError

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
