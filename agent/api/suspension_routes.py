"""Suspensions: filtering off for a while, asked for, agreed and ended; what is allowed is for the rules to say."""

import sqlite3
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from agent.api.paging import USUAL, After, Limit, ids_after
from agent.api.parts import Asking, Call, named, names_of
from agent.api.problems import UnknownThingError
from agent.api.schemas import Effect, Id, Reasoned, SuspensionAsked, SuspensionPage, SuspensionTold, texts
from agent.api.versions import Seen, set_version
from agent.people.attempts import noting
from agent.requests.suspensions import AskedSuspension
from agent.storage.suspension_rows import FiledSuspension, read_suspension
from rules.roles import Right
from rules.suspension import State


def add_suspension_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/suspensions", status_code=HTTPStatus.CREATED)(request)
    router.get("/suspensions")(list_suspensions)
    router.get("/suspensions/{id}")(show)
    router.post("/suspensions/{id}/agree")(agree)
    router.post("/suspensions/{id}/refuse")(refuse)
    router.post("/suspensions/{id}/withdraw")(withdraw)
    router.post("/suspensions/{id}/end")(end)


def request(asked: SuspensionAsked, call: Asking) -> SuspensionTold:
    """Ask for filtering to be off; nothing changes before a second person agrees."""
    filed = call.parts.suspensions.request(
        call.person,
        AskedSuspension(
            until_at=asked.until_at,
            reason=asked.reason,
            networks=tuple(asked.networks),
            groups=tuple(asked.groups),
            is_for_school=asked.is_for_school,
            from_at=asked.from_at,
        ),
    )
    call.response.headers["Location"] = f"/api/v1/suspensions/{filed.suspension.id}"
    return _done(call, filed)


def list_suspensions(
    call: Asking,
    *,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> SuspensionPage:
    """List suspensions, the newest request first; without the right to read all, one's own."""
    with call.parts.store.read() as database:
        ids, more = ids_after(
            database, "suspensions", states=state or (), requester=call.only_of, after=after, limit=limit
        )
        found = [filed for each in ids if (filed := read_suspension(database, each))]
        return SuspensionPage(items=_all_told(database, found), next=more)


def show(id: Annotated[Id, Path()], call: Asking) -> SuspensionTold:  # noqa: A002 (it is the name in the address)
    """Show a suspension to those who may see it; to others there is none. Its version is the ETag."""
    with call.parts.store.read() as database:
        filed = read_suspension(database, id)
        if filed is None or not call.may_see(filed.suspension.requester):
            raise UnknownThingError("suspension")
        set_version(call.response, filed.version)
        return _all_told(database, [filed])[0]


def agree(seen: Seen, asked: Reasoned, call: Asking) -> SuspensionTold:
    """Agree, as the second person: filtering is off in its time."""
    filed = call.parts.suspensions.agree(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def refuse(seen: Seen, asked: Reasoned, call: Asking) -> SuspensionTold:
    """Refuse what somebody else asked for."""
    filed = call.parts.suspensions.refuse(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def withdraw(seen: Seen, asked: Reasoned, call: Asking) -> SuspensionTold:
    """Take back what one asked for oneself."""
    filed = call.parts.suspensions.withdraw(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def end(seen: Seen, asked: Reasoned, call: Asking) -> SuspensionTold:
    """Switch filtering on again at once."""
    with noting(call.parts.store, call.person, "suspension_stop", subject=seen.id):
        call.check_own(Right.END_SUSPENSION, call.parts.suspensions.get(seen.id).suspension.requester)
    filed = call.parts.suspensions.end(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def _done(call: Call, filed: FiledSuspension) -> SuspensionTold:
    """Tell a suspension after a move, with what became of it at the filter where that had to learn of it."""
    set_version(call.response, filed.version)
    call.parts.follower.look()
    effect = None
    if filed.suspension.state in (State.AGREED, State.STOPPED):
        effect = call.parts.effect(call.parts.suspensions.everywhere_at(filed))
    with call.parts.store.read() as database:
        return _all_told(database, [filed], effect=effect)[0]


def _all_told(
    database: sqlite3.Connection, found: Sequence[FiledSuspension], *, effect: Effect | None = None
) -> list[SuspensionTold]:
    people = (person for each in found for person in (each.suspension.requester, each.suspension.agreed_by))
    names = names_of(database, filter(None, people))
    return [
        SuspensionTold(
            id=each.suspension.id,
            version=each.version,
            state=each.suspension.state,
            requester=named(each.suspension.requester, names),
            networks=texts(each.suspension.extent.networks),
            groups=texts(each.suspension.extent.groups),
            is_for_school=each.suspension.extent.is_for_school,
            reason=each.suspension.reason,
            from_at=each.suspension.from_at,
            until_at=each.suspension.until_at,
            requested_at=each.suspension.requested_at,
            agreed_by=named(each.suspension.agreed_by, names) if each.suspension.agreed_by else None,
            ended_at=each.suspension.ended_at,
            effect=effect,
        )
        for each in found
    ]
