"""The second person: what somebody was given who decides, listed, confirmed and refused.

Whoever gave it, and whoever got it, is not a second person; each attempt of theirs is on the record.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from fastapi import APIRouter

from agent.api.paging import USUAL, After, Limit, page_of
from agent.api.parts import Asking, Call, WithParts, named, names_of
from agent.api.people_routes import facts_of
from agent.api.people_schemas import GivenTold, PersonSettled, UnconfirmedPage, UnconfirmedTold
from agent.api.versions import Seen, SeenThing
from agent.people.attempts import noting
from agent.people.confirmations import NOBODY_NAMED, Given, Settled, confirm, read_unconfirmed_people, refuse
from agent.sites.site import NoticeKind
from agent.storage.state import Act


def add_confirmation_routes(router: APIRouter) -> None:
    """Add the routes of this file; they stand before those that take any word for an id."""
    router.get("/people/waiting")(list_waiting)
    router.post("/people/{id}/confirm")(confirm_person)
    router.post("/people/{id}/refuse")(refuse_person)


def list_waiting(parts: WithParts, *, after: After = None, limit: Limit = USUAL) -> UnconfirmedPage:
    """List what those who decide were given and nobody else has confirmed, whether it waits or is in force anyway."""
    with parts.store.read() as database:
        everybody = read_unconfirmed_people(database)
        page, more = page_of(everybody, lambda each: (each.person.name, each.person.id), after=after, limit=limit)
        items = [
            UnconfirmedTold(
                person=named(each.person.id, {each.person.id: each.person.name}),
                version=each.version,
                given=_told(database, each.given),
            )
            for each in page
        ]
    return UnconfirmedPage(items=items, next=more)


def confirm_person(seen: Seen, call: Asking) -> PersonSettled:
    """Put in force what somebody was given, except what you gave yourself. Ask them first, not whoever gave it."""
    return _settle(
        seen, call, "people_confirm", lambda act: confirm(act, seen.id, version=seen.version, actor=call.person)
    )


def refuse_person(seen: Seen, call: Asking) -> PersonSettled:
    """Take away what nobody has confirmed of somebody; whoever has no role left is closed."""
    parts = call.parts

    def decide(act: Act) -> Settled:
        return refuse(act, parts.people, parts.accounts, seen.id, version=seen.version, actor=call.person)

    return _settle(seen, call, "people_refuse", decide)


def _settle(seen: SeenThing, call: Call, attempt: str, decide: Callable[[Act], Settled]) -> PersonSettled:
    parts = call.parts
    kind = NoticeKind.PEOPLE_CONFIRMED if attempt == "people_confirm" else NoticeKind.PEOPLE_REFUSED
    with noting(parts.store, call.person, attempt, subject=seen.id), parts.store.act() as act:
        settled = decide(act)
        parts.teller.people(act, kind, but={call.person})
        done, left = (_told(act.database, given) for given in (settled.done, settled.left))
    return PersonSettled(**facts_of(settled.person), done=done, left=left)


def _told(database: sqlite3.Connection, given: Sequence[Given]) -> list[GivenTold]:
    names = names_of(database, _givers(given))
    return [
        GivenTold(
            what=each.what,
            name=each.name,
            given_by=None if each.given_by in NOBODY_NAMED else named(each.given_by, names),
            given_at=each.given_at,
            is_in_force=each.is_in_force,
            is_own=each.is_own,
        )
        for each in given
    ]


def _givers(given: Iterable[Given]) -> set[str]:
    return {each.given_by for each in given} - NOBODY_NAMED
