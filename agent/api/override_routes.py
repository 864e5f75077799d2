"""Overrides: asked for, shown, and decided about; what is allowed is for the service and the rules to say."""

import sqlite3
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from agent.api.paging import USUAL, After, Limit, ids_after
from agent.api.parts import Asking, Call, named, names_of
from agent.api.problems import UnknownThingError
from agent.api.schemas import (
    Effect,
    Id,
    Narrowed,
    Opens,
    OverrideAsked,
    OverridePage,
    OverrideTold,
    PreviewTold,
    Reasoned,
    Stays,
    StaysOpen,
    UseTold,
    texts,
)
from agent.api.versions import Seen, set_version
from agent.people.attempts import noting
from agent.requests.override_drafts import Written
from agent.storage.override_rows import Filed, read_override
from rules.errors import RefusedRequestError
from rules.override import State
from rules.roles import Right


def add_override_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/overrides/preview")(preview)
    router.post("/overrides", status_code=HTTPStatus.CREATED)(request)
    router.get("/overrides")(list_overrides)
    router.get("/overrides/{id}")(show)
    router.post("/overrides/{id}/approve")(approve)
    router.post("/overrides/{id}/narrow")(narrow)
    router.post("/overrides/{id}/refuse")(refuse)
    router.post("/overrides/{id}/withdraw")(withdraw)
    router.post("/overrides/{id}/revoke")(revoke)
    router.post("/overrides/{id}/countersign")(countersign)


def preview(asked: OverrideAsked, call: Asking) -> PreviewTold:
    """Show what a request would change; nothing is stored."""
    seen = call.parts.overrides.preview(call.person, _written(asked))
    return PreviewTold(
        lifts=texts(seen.lifts),
        opens=[Opens(rule=rule, names=list(names)) for rule, names in seen.opens],
        stays_blocked=[Stays(what=what, why=why) for what, why in seen.stays_blocked],
        also_needed=list(seen.also_needed),
        notes=list(seen.notes),
        faults=list(seen.faults),
        needs_two=seen.needs_two,
    )


def request(asked: OverrideAsked, call: Asking) -> OverrideTold:
    """Ask for an override; with `is_break_glass`, not for programs, it holds at once and is countersigned after."""
    with noting(call.parts.store, call.person, "override_request"):
        if asked.is_break_glass and call.caller.is_program:
            raise RefusedRequestError("A program cannot take an override in an emergency; a person who signs in can.")
    filed = call.parts.overrides.request(call.person, _written(asked))
    call.response.headers["Location"] = f"/api/v1/overrides/{filed.override.id}"
    return _done(call, filed, is_at_work=asked.is_break_glass)


def _written(asked: OverrideAsked) -> Written:
    return Written(
        until_at=asked.until_at,
        reason=asked.reason,
        names=tuple(asked.names),
        categories=tuple(asked.categories),
        audiences=tuple(asked.audiences),
        groups=tuple(asked.groups),
        topic=asked.topic,
        from_at=asked.from_at,
        is_break_glass=asked.is_break_glass,
    )


def list_overrides(
    call: Asking,
    *,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    requester: Annotated[Id | None, Query()] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> OverridePage:
    """List overrides, the newest request first; without the right to read all, one's own."""
    whose = call.only_of or requester
    with call.parts.store.read() as database:
        ids, more = ids_after(database, "overrides", states=state or (), requester=whose, after=after, limit=limit)
        found = [filed for each in ids if (filed := read_override(database, each))]
        return OverridePage(items=_all_told(database, found), next=more)


def show(id: Annotated[Id, Path()], call: Asking) -> OverrideTold:  # noqa: A002 (it is the name in the address)
    """Show an override to those who may see it; to others there is none. Its version is the ETag."""
    with call.parts.store.read() as database:
        filed = read_override(database, id)
        if filed is None or not call.may_see(filed.override.requester):
            raise UnknownThingError("override")
        set_version(call.response, filed.version)
        return _all_told(database, [filed])[0]


def approve(seen: Seen, asked: Reasoned, call: Asking) -> OverrideTold:
    """Approve what somebody else asked for."""
    filed = call.parts.overrides.approve(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def narrow(seen: Seen, asked: Narrowed, call: Asking) -> OverrideTold:
    """Approve less than was asked for: fewer names, fewer groups, or a shorter time."""
    filed = call.parts.overrides.narrow(
        call.person,
        seen.id,
        version=seen.version,
        reason=asked.reason,
        names=asked.names,
        groups=asked.groups,
        until_at=asked.until_at,
    )
    return _done(call, filed)


def refuse(seen: Seen, asked: Reasoned, call: Asking) -> OverrideTold:
    """Refuse what somebody else asked for."""
    filed = call.parts.overrides.refuse(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed, is_at_work=False)


def withdraw(seen: Seen, asked: Reasoned, call: Asking) -> OverrideTold:
    """Take back what one asked for oneself."""
    filed = call.parts.overrides.withdraw(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed, is_at_work=False)


def revoke(seen: Seen, asked: Reasoned, call: Asking) -> OverrideTold:
    """End an override at once; what another one still opens of it is told."""
    overrides = call.parts.overrides
    with noting(call.parts.store, call.person, "override_revoke", subject=seen.id):
        call.check_own(Right.REVOKE_OVERRIDE, overrides.get(seen.id).override.requester)
    filed = overrides.revoke(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed).model_copy(
        update={
            "stays_open": [
                StaysOpen(override=each.id, what=list(what), until_at=each.lift.until_at)
                for each, what in overrides.stays_open(filed)
            ]
        }
    )


def countersign(seen: Seen, asked: Reasoned, call: Asking) -> OverrideTold:
    """Confirm, as a second person, what was taken in an emergency."""
    filed = call.parts.overrides.countersign(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed, is_at_work=False)


def _done(call: Call, filed: Filed, *, is_at_work: bool = True) -> OverrideTold:
    """Tell an override after a move; `is_at_work` where the filter had to learn of it."""
    set_version(call.response, filed.version)
    call.parts.follower.look()
    effect = None
    if is_at_work and filed.override.state in (State.APPROVED, State.REVOKED):
        effect = call.parts.effect(call.parts.overrides.everywhere_at(filed))
    with call.parts.store.read() as database:
        return _all_told(database, [filed], effect=effect)[0]


def _all_told(
    database: sqlite3.Connection, found: Sequence[Filed], *, effect: Effect | None = None
) -> list[OverrideTold]:
    names = names_of(
        database, (person for each in found for person in (each.override.requester, *each.override.approvers))
    )
    return [
        OverrideTold(
            id=each.override.id,
            version=each.version,
            state=each.override.state,
            requester=named(each.override.requester, names),
            names=list(each.override.lift.names),
            categories=texts(each.override.lift.categories),
            lifts=texts(each.override.lift.lifts),
            audiences=texts(each.override.lift.audiences),
            groups=texts(each.override.lift.groups),
            from_at=each.override.lift.from_at,
            until_at=each.override.lift.until_at,
            reason=each.override.reason,
            topic=each.override.topic,
            is_break_glass=each.override.is_break_glass,
            approvers=[named(person, names) for person in each.override.approvers],
            requested_at=each.override.requested_at,
            decided_at=each.override.decided_at,
            decision_reason=each.override.decision_reason,
            used=UseTold.model_validate(each.used) if each.used else None,
            effect=effect,
        )
        for each in found
    ]
