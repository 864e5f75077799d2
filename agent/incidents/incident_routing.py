"""Who is told of an incident, and when: by the packs where it is ordinary, and by its track where it is not."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agent.incidents.incident_desk import Desk
from agent.people.people import Person, read_holders
from agent.storage.incident_rows import Filed
from rules.incident import Track
from rules.ladder import Rung, ladder
from rules.roles import Role
from rules.steps import DECIDE_WITHIN

# Who is told of an incident after those whom a pack names.
_CHAINS: Final[Mapping[Track, tuple[Role, ...]]] = {
    Track.ORDINARY: (Role.ICT_COORDINATOR, Role.HEAD_TEACHER),
    Track.SAFEGUARDING: (Role.SAFEGUARDING_LEAD, Role.HEAD_TEACHER),
    Track.RESTRICTED: (Role.HEAD_TEACHER,),
    Track.SEALED: (Role.SAFEGUARDING_LEAD, Role.HEAD_TEACHER),
}


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told at an instant, by id, and as which roles."""

    at: datetime
    people: tuple[str, ...]
    roles: frozenset[Role]


def route(desk: Desk, database: sqlite3.Connection, filed: Filed, *, at: datetime | None = None) -> Filed:
    """Give an incident as it goes to those who decide about it, with the clocks that it sets going.

    Args:
        at: since when it goes there, where it went to others before; who read it only by that does so no more.
    """
    filed = replace(filed, clocks=desk.chains.clocks(filed, desk.due))
    if at is not None:
        filed = replace(filed, incident=replace(filed.incident, reached=frozenset()), routed_at=at, climbed=0)
    first = desk.chains.first(filed.incident)
    told = ladder_of(desk, database, filed)[:1]
    # Where nobody is left of those who come first, the next are told, and read it as if it had climbed to them.
    reached = filed.incident.reached.union(*(each.roles - first for each in told if first))
    return replace(filed, incident=replace(filed.incident, reached=reached))


def first_to_know(desk: Desk, database: sqlite3.Connection, filed: Filed) -> tuple[str, ...]:
    """Give the ids of those who are told of a new incident; whoever it is about is passed by."""
    return next((each.people for each in ladder_of(desk, database, filed)), ())


def told_by_now(desk: Desk, database: sqlite3.Connection, filed: Filed) -> tuple[str, ...]:
    """Give the ids of those who were told of an incident: the first, and those to whom it has climbed."""
    ladder = ladder_of(desk, database, filed)
    return tuple(dict.fromkeys(person for each in ladder[: filed.climbed + 1] for person in each.people))


def climbing(desk: Desk, database: sqlite3.Connection, filed: Filed) -> list[tuple[str, ...]]:
    """Give who is told of an incident, step by step; whoever is its subject is passed by."""
    return [each.people for each in ladder_of(desk, database, filed)]


def ladder_of(desk: Desk, database: sqlite3.Connection, filed: Filed) -> list[Told]:
    """Give who is told of an incident, and when; the first of them at once.

    An ordinary one goes by the chains of the packs, and to the head teacher at last. Every other goes by its
    track, to those who may read it.
    """
    incident, start = filed.incident, filed.told_at
    readers: Sequence[Person] = ()
    if incident.track is not Track.ORDINARY:
        readers = desk.readers(database, incident)
    if incident.track is Track.RESTRICTED:
        return [Told(start, tuple(each.id for each in readers), frozenset())] if readers else []
    found: list[Told] = []
    for rung in rungs_of(desk, filed):
        people = readers or [
            each for each in read_holders(database, rung.roles) if not desk.is_subject(each.id, incident)
        ]
        known = {person for told in found for person in told.people}
        names = tuple(
            each.id
            for each in people
            if not each.closed and each.id not in known and not each.roles.isdisjoint(rung.roles)
        )
        if names:
            found.append(Told(rung.at if found else start, names, rung.roles))
    return found


def rungs_of(desk: Desk, filed: Filed) -> list[Rung]:
    """Give the roles that are told of an incident, and when, whoever holds them."""
    incident, start = filed.incident, filed.told_at
    chains = desk.chains.of(incident.kind, incident.audience) if incident.track is Track.ORDINARY else ()
    rungs = list(ladder(chains, start, is_serious=bool(incident.is_serious), due=desk.due))
    last = desk.due(start, DECIDE_WITHIN[incident.track])
    if not rungs:
        first, *others = _CHAINS[incident.track]
        return [Rung(start, frozenset({first})), *(Rung(last, frozenset({role})) for role in others)]
    if not any(Role.HEAD_TEACHER in rung.roles for rung in rungs):
        rungs.append(Rung(max(last, rungs[-1].at), frozenset({Role.HEAD_TEACHER})))
    return rungs


def newly_first(desk: Desk, database: sqlite3.Connection, before: Filed, after: Filed) -> tuple[str, ...]:
    """Give the ids of those who are told of an incident at once, and were not of what it was before."""
    known = first_to_know(desk, database, before)
    return tuple(person for person in first_to_know(desk, database, after) if person not in known)
