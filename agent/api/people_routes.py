"""People: who there is, what their roles allow, changed by hand or taken over from a school's own lists.

Nobody changes what they are themselves, and whoever tries is on the record.
"""

import io
import sqlite3
import threading
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from agent.api.paging import USUAL, After, Limit, page_of
from agent.api.parts import Asking, Call, Parts, WithParts
from agent.api.people_schemas import (
    ChangesTold,
    ClassesAsked,
    ClassPage,
    ClassTold,
    PeoplePage,
    PersonAsked,
    PersonChanged,
    PersonTold,
    RightsTold,
    RolesAsked,
    RosterApplied,
    RosterAsked,
)
from agent.api.problems import ProblemError, UnknownThingError
from agent.api.schemas import Id, texts
from agent.api.versions import Seen, SeenThing, set_version
from agent.people.attempts import check_version, noting
from agent.people.confirmations import warn_of_waiting
from agent.people.giving import is_waiting
from agent.people.namesakes import check_not_oneself
from agent.people.people import BY_HAND, Person, read_approvers, read_person, warn_of_approvers
from agent.people.people_import import Changes, apply, diff, diff_again, read_csv, read_from_site, read_oneroster
from agent.people.roster import Roster
from agent.sites.site import NoticeKind
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.roles import DECIDING, PRIVILEGED, RIGHTS, Role

MAX_LINES: Final = 10_000
# A file of a large school is hundreds of megabytes while it is read: one at a time.
_READING: Final = threading.Lock()


def add_people_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/people")(list_people)
    router.post("/people", status_code=HTTPStatus.CREATED)(add)
    router.get("/people/rights")(show_rights)
    router.post("/people/import/preview")(preview_import)
    router.post("/people/import")(apply_import)
    router.get("/people/{id}")(show)
    router.put("/people/{id}/roles")(set_roles)
    router.put("/people/{id}/classes")(set_classes)
    router.post("/people/{id}/close")(close)
    router.get("/classes")(list_classes)


def list_people(
    parts: WithParts,
    *,
    with_closed: Annotated[bool, Query(description="Those who left too.")] = False,
    after: After = None,
    limit: Limit = USUAL,
) -> PeoplePage:
    """List the people of the school by name."""
    everybody = parts.people.list(with_closed=with_closed)
    page, more = page_of(everybody, lambda each: (each.name, each.id), after=after, limit=limit)
    return PeoplePage(items=[PersonTold(**facts_of(each)) for each in page], next=more)


def show(id: Annotated[Id, Path()], call: Asking) -> PersonTold:  # noqa: A002 (it is the name in the address)
    """Show somebody, closed or not. Their version is the ETag."""
    person = call.parts.people.get(id)
    if person is None:
        raise UnknownThingError("person")
    set_version(call.response, person.version)
    return PersonTold(**facts_of(person))


def list_classes(
    parts: WithParts,
    *,
    after: After = None,
    limit: Limit = USUAL,
) -> ClassPage:
    """List the classes of the school by title."""
    page, more = page_of(parts.people.classes(), lambda each: (each.title, each.id), after=after, limit=limit)
    return ClassPage(items=[ClassTold(id=each.id, title=each.title, group=each.group) for each in page], next=more)


def facts_of(person: Person) -> dict[str, Any]:
    """Give what is told of somebody."""
    return {
        "id": person.id,
        "version": person.version,
        "name": person.name,
        "roles": texts(person.roles),
        "classes": list(person.classes),
        "closed": person.closed,
        "source": person.source,
        "waiting": texts(person.waiting),
    }


def show_rights() -> RightsTold:
    """Show the table of rights."""
    return RightsTold(
        roles={role.value: texts(rights) for role, rights in RIGHTS.items()}, privileged=texts(PRIVILEGED)
    )


# --- By hand


def add(asked: PersonAsked, call: Asking) -> PersonChanged:
    """Open somebody who is not known yet; roles that decide wait for a second person, and an account comes later."""
    parts = call.parts
    with noting(parts.store, call.person, "person_add"), parts.store.act() as act:
        person = parts.people.open(act, asked.name, asked.roles, classes=asked.classes, actor=call.person)
        check_not_oneself(person, read_person(act.database, call.person))
        _tell_of_waiting(call, act, person, before=frozenset())
        told = _changed(call, act, person)
    call.response.headers["Location"] = f"/api/v1/people/{person.id}"
    return told


def set_roles(seen: Seen, asked: RolesAsked, call: Asking) -> PersonChanged:
    """Give somebody these roles and no others, whoever comes back too; nobody their own.

    New roles that decide wait for a second person. Where others change, the sessions of the person end.
    """
    with _changing(call, seen, "person_roles") as (act, before):
        if not (before.roles & DECIDING).issubset(asked.roles):
            call.parts.teller.people(act, NoticeKind.DECIDER_CLOSED)
        person = call.parts.people.change_roles(act, seen.id, asked.roles, actor=call.person)
        _tell_of_waiting(call, act, person, before=before.waiting)
        return _changed(call, act, person)


def set_classes(seen: Seen, asked: ClassesAsked, call: Asking) -> PersonChanged:
    """Put somebody into these classes and no others."""
    with _changing(call, seen, "person_classes") as (act, _):
        person = call.parts.people.change(act, seen.id, classes=asked.classes, actor=call.person)
        return _changed(call, act, person)


def close(seen: Seen, call: Asking) -> PersonChanged:
    """Close somebody who leaves: every role, class, account and token of theirs ends, and the record keeps them."""
    with _changing(call, seen, "person_close") as (act, before):
        if not before.given.isdisjoint(DECIDING):
            # While they are still among those who are told.
            call.parts.teller.people(act, NoticeKind.DECIDER_CLOSED)
        return _changed(call, act, call.parts.people.close(act, seen.id, actor=call.person))


@contextmanager
def _changing(call: Call, seen: SeenThing, attempt: str) -> Iterator[tuple[Act, Person]]:
    """Give the act that changes somebody, and them as they are seen; what the rules refuse is on the record.

    Raises:
        ConflictError: they were changed meanwhile.
        UnknownThingError: there is nobody of this id.
    """
    store = call.parts.store
    with noting(store, call.person, attempt, subject=seen.id), store.act() as act:
        person = read_person(act.database, seen.id)
        if person is None:
            raise UnknownThingError("person")
        check_version(person.version, seen.version)
        yield act, person


def _tell_of_waiting(call: Call, act: Act, person: Person, *, before: frozenset[Role]) -> None:
    if person.waiting - before:
        call.parts.teller.people(act, NoticeKind.PEOPLE_WAITING, but={call.person, person.id})


def _changed(call: Call, act: Act, person: Person) -> PersonChanged:
    set_version(call.response, person.version)
    return PersonChanged(**facts_of(person), warnings=list(warnings_of(act.database, person)))


def warnings_of(database: sqlite3.Connection, person: Person) -> Iterator[str]:
    """Say what is to be seen to because of what somebody is."""
    if person.waiting:
        yield warn_of_waiting(database, person)
    if warning := warn_of_approvers(len(read_approvers(database))):
        yield warning
    if not person.closed and person.source != BY_HAND:
        yield f"This person comes from a file ({person.source}); its next import says again what they are."
    without_code = database.execute(
        "SELECT * FROM accounts WHERE person = ? AND closed_at IS NULL AND totp_secret IS NULL", (person.id,)
    ).fetchone()
    if person.roles & PRIVILEGED and without_code and not is_waiting(without_code, person):
        yield "Their account has no authenticator, which these roles need; close the account and make it again."


# --- From a file


def preview_import(asked: RosterAsked, parts: WithParts) -> ChangesTold:
    """Show what a file of people would change; nothing is stored."""
    with _reading(asked, parts) as roster:
        return _changes(roster, diff(roster, parts.people.census()), is_applied=False)


def apply_import(asked: RosterApplied, call: Asking) -> ChangesTold:
    """Do what a preview of the same file has shown, if it would still change the same."""
    parts = call.parts
    with _reading(asked, parts) as roster:
        with noting(parts.store, call.person, "people_import"), parts.store.act() as act:
            changes = diff_again(act, roster, digest=asked.digest)
            if changes.takes_from_deciders:
                parts.teller.people(act, NoticeKind.DECIDER_CLOSED)
            if apply(act, changes, people=parts.people, actor=call.person):
                parts.teller.people(act, NoticeKind.PEOPLE_WAITING, but={call.person})
        return _changes(roster, changes, is_applied=True)


@contextmanager
def _reading(asked: RosterAsked, parts: Parts) -> Iterator[Roster]:
    """Give what a file says, to one request at a time.

    Raises:
        RefusedRequestError: the file is not what it is said to be.
        ProblemError: another file is read at this moment.
    """
    if not _READING.acquire(blocking=False):
        detail = "Another file of people is read at this moment; please try again in a few seconds."
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "importing", detail, headers={"Retry-After": "5"})
    try:
        yield _read(asked, parts)
    finally:
        _READING.release()


def _read(asked: RosterAsked, parts: Parts) -> Roster:
    if asked.format == "site":
        if asked.content or asked.school:
            raise RefusedRequestError("A file was sent; expected none, because the site file in force is read.")
        return read_from_site(parts.private())
    if asked.format == "csv":
        if asked.school:
            raise RefusedRequestError("A school was named; expected that of a OneRoster archive only.")
        return read_csv(asked.content)
    try:
        octets = b64decode(asked.content, validate=True)
    except (NotBase64Error, ValueError):
        raise RefusedRequestError("The archive is not base64; expected a OneRoster archive in base64.") from None
    return read_oneroster(io.BytesIO(octets), school=asked.school, today=parts.clock().date())


def _changes(roster: Roster, changes: Changes, *, is_applied: bool) -> ChangesTold:
    return ChangesTold(
        added=len(changes.added),
        changed=len(changes.changed),
        closed=len(changes.closed),
        lines=changes.lines()[:MAX_LINES],
        warnings=list(changes.warnings),
        bad_lines=[str(line) for line in roster.bad],
        digest=changes.digest,
        applied=is_applied,
    )
