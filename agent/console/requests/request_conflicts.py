"""What whoever decides should know of themselves and of whoever asked, and what keeps them from deciding.

Nothing here decides: the rules are asked as the service asks them.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from agent.console.page import Page
from agent.people.people import Person, read_approvers, read_person, warn_of_approvers
from agent.requests.override_moves import has_lost_its_half, moved
from agent.storage.override_rows import Filed
from rules.errors import RefusedRequestError
from rules.override import Lift, Move, State, needs_two
from rules.roles import PRIVILEGED, SENSITIVE_APPROVERS
from rules.subject import Audience


def fault_of(database: sqlite3.Connection, page: Page, filed: Filed, move: Move) -> str:
    """Say why who is signed in cannot make a move, or nothing; NARROW as far as leaving out could help."""
    who = read_person(database, page.person)
    if who is None:
        return "Nobody at this school is known by that id; expected somebody who is."
    context = page.parts.context()

    def without_what_stays(lift: Lift) -> Lift:
        names = tuple(name for name in lift.names if not context.tags_of(name) & context.unliftable)
        lifts_of = tuple(each for each in lift.lifts_of if each[0] in names)
        categories, groups = lift.categories - context.unliftable, lift.groups & context.groups
        return replace(lift, names=names, lifts_of=lifts_of, categories=categories, groups=groups)

    change = without_what_stays if move is Move.NARROW else lambda lift: lift
    try:
        moved(database, filed.override, who, move, context=context, now=page.now, change=change)
    except RefusedRequestError as error:
        return str(error)
    return ""


def conflicts_of(database: sqlite3.Connection, page: Page, filed: Filed) -> list[str]:
    """Say what stands between who is signed in and a decision that nobody could doubt."""
    override = filed.override
    if override.state not in (State.WAITING, State.HALF_APPROVED):
        return []
    who, asker = read_person(database, page.person), read_person(database, override.requester)
    return list(_conflicts(database, page, filed, who, asker))


def _conflicts(
    database: sqlite3.Connection, page: Page, filed: Filed, who: Person | None, asker: Person | None
) -> Iterator[str]:
    _ = page.texts.gettext
    override = filed.override
    if override.requester == page.person:
        yield _("You asked for this yourself, so somebody else decides.")
        if warn_of_approvers(len(read_approvers(database))):
            yield _("Too few people may decide about requests; it may wait for long.")
        return
    if asker is None or asker.closed:
        yield _("Whoever asked has left the school, so it can only be refused.")
    elif who is not None and (same := who.roles & asker.roles & PRIVILEGED):
        text = _("You and %(name)s are both %(roles)s.")
        yield text % {"name": asker.name, "roles": page.role_words(same)}
    if Audience.STAFF in override.lift.audiences:
        yield _("It opens for staff, so for you as well.")
    if who is not None and set(who.classes) & _classes_of(database, override.lift):
        yield _("It is for a class of your own.")
    if needs_two(override.lift, page.parts.context().sensitive):
        yield from _second(database, page, filed)


def _classes_of(database: sqlite3.Connection, lift: Lift) -> set[str]:
    rows = database.execute("SELECT id, group_name FROM classes WHERE closed_at IS NULL")
    return {class_id for class_id, group in rows if group in lift.groups}


def _second(database: sqlite3.Connection, page: Page, filed: Filed) -> Iterator[str]:
    """Say who of the two whom a sensitive category needs has agreed, and who is missing."""
    _ = page.texts.gettext
    one, other = SENSITIVE_APPROVERS
    both = {"one": page.role_words([one]), "other": page.role_words([other])}
    yield _("It is about a sensitive category, so two people must agree: %(one)s and %(other)s.") % both
    if filed.override.state is State.HALF_APPROVED and not has_lost_its_half(database, filed.override):
        agreed = [read_person(database, each) for each in filed.override.approvers]
        names = page.texts.join([each.name for each in agreed if each is not None])
        yield _("%(name)s has agreed; the other of the two is missing.") % {"name": names}
