"""People: who there is, what their roles allow, and taking over a school's own lists after a look at them."""

import io
from base64 import b64decode
from binascii import Error as NotBase64Error
from typing import Annotated, Final

from fastapi import APIRouter, Query

from agent.api.paging import USUAL, After, Limit, read_cursor, write_cursor
from agent.api.parts import Parts, WithParts
from agent.api.schemas import ChangesTold, PeoplePage, PersonTold, RightsTold, RosterApplied, RosterAsked, texts
from agent.api.security import Known
from agent.people import Person
from agent.people_import import Changes, apply, diff, diff_again, read_csv, read_oneroster
from agent.roster import Roster
from rules.errors import RefusedRequestError
from rules.roles import PRIVILEGED, RIGHTS

MAX_LINES: Final = 10_000


def add_people_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/people")(list_people)
    router.get("/people/rights")(show_rights)
    router.post("/people/import/preview")(preview_import)
    router.post("/people/import")(apply_import)


def list_people(
    parts: WithParts,
    *,
    with_closed: Annotated[bool, Query(description="Those who left too.")] = False,
    after: After = None,
    limit: Limit = USUAL,
) -> PeoplePage:
    """List the people of the school by name."""
    keys = read_cursor(after, (str, str))
    everybody = parts.people.list(with_closed=with_closed)
    rest = [each for each in everybody if keys is None or (each.name, each.id) > keys]
    page = rest[:limit]
    more = write_cursor(page[-1].name, page[-1].id) if len(rest) > limit else None
    return PeoplePage(items=[_told(each) for each in page], next=more)


def _told(person: Person) -> PersonTold:
    return PersonTold(
        id=person.id,
        name=person.name,
        roles=texts(person.roles),
        classes=list(person.classes),
        closed=person.closed,
    )


def show_rights() -> RightsTold:
    """Show the table of rights."""
    return RightsTold(
        roles={role.value: texts(rights) for role, rights in RIGHTS.items()}, privileged=texts(PRIVILEGED)
    )


def preview_import(asked: RosterAsked, parts: WithParts) -> ChangesTold:
    """Show what a file of people would change; nothing is stored."""
    roster = _read(asked, parts)
    return _changes(roster, diff(roster, parts.people.census()), is_applied=False)


def apply_import(asked: RosterApplied, caller: Known, parts: WithParts) -> ChangesTold:
    """Do what a preview of the same file has shown, if it would still change the same."""
    roster = _read(asked, parts)
    with parts.store.act() as act:
        changes = diff_again(act, roster, digest=asked.digest)
        apply(act, changes, people=parts.people, actor=caller.person)
    return _changes(roster, changes, is_applied=True)


def _read(asked: RosterAsked, parts: Parts) -> Roster:
    """Read a file as it was sent.

    Raises:
        RefusedRequestError: it is not what it is said to be.
    """
    if asked.format == "csv":
        return read_csv(asked.content)
    try:
        octets = b64decode(asked.content, validate=True)
    except (NotBase64Error, ValueError):
        raise RefusedRequestError("The archive is not base64; expected a OneRoster archive in base64.") from None
    return read_oneroster(io.BytesIO(octets), today=parts.clock().date())


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
