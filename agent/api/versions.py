"""Versions against lost updates: whoever changes something says which version they saw. Source: RFC 9110, 13.1.1."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Response

from agent.api.problems import ProblemError
from agent.api.schemas import Id

_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"')


def set_version(response: Response, version: int) -> None:
    """Say which version this is."""
    response.headers["ETag"] = f'"{version}"'


def parse_version(written: str | None) -> int:
    """Read the version that somebody saw.

    Raises:
        ProblemError: there is none, or it is not one of ours.
    """
    if written is None:
        raise ProblemError(
            HTTPStatus.PRECONDITION_REQUIRED,
            "no-version",
            "Say in the header If-Match which version you saw; it is the ETag of what you read.",
        )
    found = _ETAG.fullmatch(written.strip())
    if found is None:
        raise stale()
    return int(found[1])


def stale(sentence: str = "Somebody else has changed this meanwhile; please look at it again.") -> ProblemError:
    """Give the refusal of a change to something that is not as it was seen."""
    return ProblemError(HTTPStatus.PRECONDITION_FAILED, "changed-meanwhile", sentence)


@dataclass(frozen=True, slots=True)
class SeenThing:
    """What somebody decides about, at the version at which they saw it."""

    id: str
    version: int


async def _seen_thing(id: Annotated[Id, Path()], if_match: Annotated[str | None, Header()] = None) -> SeenThing:  # noqa: A002 (it is the name in the address)
    return SeenThing(id, parse_version(if_match))


Seen = Annotated[SeenThing, Depends(_seen_thing)]
