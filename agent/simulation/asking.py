"""One query as the generator writes it down, and the observation that the school's agent would make of it."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from agent.simulation.school import User
from agent.simulation.timetable import Day
from rules.name import DomainName
from rules.observation import Observation, Place, Source

_PLAIN: Final[Mapping[str, str | int | bool]] = MappingProxyType({})
_LESSON: Final[Mapping[str, str | int | bool]] = MappingProxyType({"in_lesson": True})
_CLOSED: Final[Mapping[str, str | int | bool]] = MappingProxyType({"is_closed": True})


class Asked(NamedTuple):
    """Somebody or something asked for a name; `minute` counts from midnight."""

    minute: int
    user: User
    category: str
    name: str
    times: int = 1
    source: Source = Source.BLOCKED
    place: Place = Place.ON_SITE
    facts: Mapping[str, str | int | bool] = _PLAIN


def observed(asked: Asked, day: Day, *, number: int, late: timedelta) -> Observation:
    """Make an observation.

    Args:
        number: counts within the day.
        late: how long after it happened it came in.
    """
    at = day.at(asked.minute)
    user = asked.user
    facts = asked.facts
    if asked.source is Source.BLOCKED:
        facts = _LESSON if day.is_lesson(asked.minute) else _CLOSED if day.is_closed(asked.minute) else _PLAIN
    return Observation(
        id=f"{day.on}-{number}",
        source=asked.source,
        at=at,
        received_at=at + late,
        subject=user.subject,
        confidence=user.confidence,
        audience=user.audience,
        why_identity=(user.why,),
        groups=user.groups,
        category=asked.category,
        name=DomainName(asked.name) if asked.name else None,
        times=asked.times,
        place=asked.place,
        evidence=f"{day.on} {asked.minute // 60:02}:{asked.minute % 60:02}",
        facts=facts,
    )
