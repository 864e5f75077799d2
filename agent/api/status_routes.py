"""How things stand: where filtering is off, what waits for somebody, what is in force, and which lesson is on."""

import sqlite3
from itertools import chain
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from agent.api.access import NEEDS
from agent.api.banner import off_for, read_off
from agent.api.parts import Asking, Call, WithParts, named, names_of
from agent.api.schemas import Instant, PersonNamed, texts
from agent.api.status_schemas import (
    Alone,
    ApproversTold,
    BeginningTold,
    EmergencyOpen,
    FilterTold,
    RecordTold,
    SchedulesTold,
    ScheduleTold,
    StatusTold,
    SuspensionOn,
    VersionInForce,
    Waiting,
)
from agent.durations import end_of_lesson
from agent.people.confirmations import (
    NOBODY_NAMED,
    Given,
    What,
    count_unconfirmed,
    read_unconfirmed_people,
    warn_of_beginning,
)
from agent.people.people import read_approvers, warn_of_approvers
from agent.record.record_status import record_status
from agent.sites.site import ActivityLevel
from agent.storage.filter_rows import State, Version, read_in_state
from agent.storage.override_rows import read_unconfirmed
from rules.roles import Right

# As for what each part is about.
_FILTER_RIGHTS: Final = NEEDS["GET", "/filter/versions"].rights
_RECORD_RIGHTS: Final = NEEDS["GET", "/audit"].rights | NEEDS["GET", "/audit/verify"].rights
_INCIDENT_RIGHTS: Final = frozenset({Right.READ_INCIDENTS, Right.COUNT_INCIDENTS})
NOT_WEIGHED: Final = (
    "Nothing of what is asked becomes an incident, because this school keeps counts alone; what people report does."
)
_UNDECIDED: Final = "state IN ('waiting', 'half_approved')"


def add_status_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/status")(show_status)
    router.get("/schedules")(show_schedules)


def show_status(call: Asking) -> StatusTold:
    """Show how things stand: to everybody where filtering is off, the rest to those who have a right to it."""
    now, rights = call.parts.clock(), call.caller.rights
    with call.parts.store.read() as database:
        return StatusTold(
            at=now,
            suspensions=[
                SuspensionOn(
                    id=each.id,
                    where=each.where,
                    from_at=each.from_at,
                    until_at=each.until_at,
                    agreed_by=PersonNamed(id=each.agreed_by, name=each.agreed_by_name) if each.agreed_by else None,
                )
                for each in off_for(read_off(database, now), rights)
            ],
            emergencies=_emergencies(database, call),
            waiting=_waiting(database, call),
            approvers=_approvers(database) if rights & {Right.READ_PEOPLE, Right.READ_OVERRIDES} else None,
            beginning=_beginning(database) if Right.READ_PEOPLE in rights else None,
            filter=_filter(database) if rights & _FILTER_RIGHTS else None,
            record=RecordTold.model_validate(record_status(database)) if rights & _RECORD_RIGHTS else None,
            in_force=call.parts.is_in_force(),
            observing=_why_not_observing(call) if rights & _INCIDENT_RIGHTS else None,
        )


def _why_not_observing(call: Call) -> str | None:
    """Say why nothing of what is asked becomes an incident, where that is so."""
    return NOT_WEIGHED if call.parts.incidents.desk.site().retention.activity is ActivityLevel.COUNTS else None


def _emergencies(database: sqlite3.Connection, call: Call) -> list[EmergencyOpen]:
    everything = (each.override for each in read_unconfirmed(database, before=call.parts.clock()))
    found = [each for each in everything if call.may(Right.COUNTERSIGN) or call.may_see(each.requester)]
    names = names_of(database, (each.requester for each in found))
    return [
        EmergencyOpen(
            id=each.id,
            requester=named(each.requester, names),
            names=list(each.lift.names),
            categories=texts(each.lift.categories),
            requested_at=each.requested_at,
            until_at=each.lift.until_at,
        )
        for each in found
    ]


def _waiting(database: sqlite3.Connection, call: Call) -> Waiting:
    """Count what waits: everything for whoever may read it, what they asked for themselves for others."""

    def count(table: Literal["overrides", "suspensions"], asking: Right) -> int | None:
        if (whose := call.only_of) is not None and not call.may(asking):
            return None
        query = f"SELECT count(*) FROM {table} WHERE {_UNDECIDED} AND requester = coalesce(?, requester)"  # noqa: S608 (our own words)
        return int(database.execute(query, (whose,)).fetchone()[0])

    drafted = "SELECT count(*) FROM filter_versions WHERE state = ?"
    return Waiting(
        overrides=count("overrides", Right.REQUEST_OVERRIDE),
        suspensions=count("suspensions", Right.REQUEST_SUSPENSION),
        filter_changes=int(database.execute(drafted, (State.DRAFTED.value,)).fetchone()[0])
        if call.caller.rights & _FILTER_RIGHTS
        else None,
        people=count_unconfirmed(database)[0] if call.may(Right.READ_PEOPLE) else None,
    )


def _approvers(database: sqlite3.Connection) -> ApproversTold:
    found = read_approvers(database)
    return ApproversTold(
        people=[PersonNamed(id=each.id, name=each.name) for each in found], warning=warn_of_approvers(len(found))
    )


def _beginning(database: sqlite3.Connection) -> BeginningTold | None:
    if (warning := warn_of_beginning(database)) is None:
        return None
    given: dict[tuple[str, str], list[Given]] = {}
    unconfirmed = read_unconfirmed_people(database)
    for each in unconfirmed:
        for part in each.given:
            given.setdefault((each.person.id, part.given_by), []).append(part)
    names = names_of(database, chain.from_iterable(given))
    alone = (
        Alone(
            person=named(person, names),
            given_by=None if giver in NOBODY_NAMED else named(giver, names),
            roles=[part.name for part in parts if part.what is What.ROLE],
            accounts=[part.name for part in parts if part.what is What.ACCOUNT],
        )
        for (person, giver), parts in given.items()
    )
    return BeginningTold(warning=warning, given=list(alone))


def _filter(database: sqlite3.Connection) -> FilterTold:
    file, change = (read_in_state(database, state) for state in (State.ON_DISK, State.APPROVED))
    names = names_of(database, filter(None, (each.approved_by for each in (file, change) if each)))

    def told(version: Version | None) -> VersionInForce | None:
        if version is None:
            return None
        return VersionInForce(
            number=version.number,
            since=version.decided_at or version.at,
            approved_by=named(version.approved_by, names) if version.approved_by else None,
        )

    return FilterTold(file=told(file), change=told(change))


def show_schedules(
    parts: WithParts,
    *,
    at: Annotated[Instant | None, Query(description="At this instant; now if it is not given.")] = None,
) -> SchedulesTold:
    """Show which schedules of the site are on, and when the lesson ends that is."""
    moment, schedules = at or parts.clock(), parts.schedules()
    return SchedulesTold(
        at=moment,
        lesson_until=end_of_lesson(schedules, moment),
        items=[
            ScheduleTold(name=each.name, is_on=each.covers(moment), changes_at=each.next_boundary(moment))
            for each in schedules
        ],
    )
