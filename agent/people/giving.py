"""Giving roles that decide, and accounts to those who do: it takes effect when a second person has confirmed it.

Only where a school begins, and on the gateway itself, one person is enough; then the record says so.
"""

import sqlite3
from typing import TYPE_CHECKING, Any

from agent.storage.given_rows import GivenRole, is_beginning, keep_given, takes_effect, write_given
from agent.storage.state import Act
from rules.roles import DECIDING, Role

if TYPE_CHECKING:
    from agent.people.people import Person


def roles_in_force(
    database: sqlite3.Connection, given: frozenset[Role], before: frozenset[Role], giver: str
) -> frozenset[Role]:
    """Say which roles hold at once: all but those that decide and are new, where a second person has to confirm them.

    Args:
        given: all that somebody is to have.
        before: what was in force before.
        giver: the id of who gives them, or `system`.
    """
    return given if takes_effect(database, giver) else given - (DECIDING - before)


def record_given(act: Act, person: "Person", before: frozenset[Role], *, giver: str) -> dict[str, Any]:
    """Write down who gave which of the roles that decide; gives the facts of it for the row of the change.

    Args:
        person: as they are from now on.
        before: what they had been given earlier, by whomever.
        giver: the id of who gives, or `system`.
    """
    keep_given(act.database, person.id, person.given)
    if person.given.isdisjoint(DECIDING) and not before.isdisjoint(DECIDING):
        # Whoever made an account without a second person did not make it for roles of a later day.
        _set_accounts(act, person.id, may_decide=False)
    gained = (person.given & DECIDING) - before
    if not gained:
        return {}
    write_given(act.database, [GivenRole(person.id, role, giver, act.now) for role in gained])
    if waiting := sorted(role.value for role in gained & person.waiting):
        act.note("people_waiting", actor=giver, subject=person.id, facts={"roles": waiting})
        return {"waiting": waiting}
    _set_accounts(act, person.id, may_decide=True)
    return _unconfirmed(act.database)


def record_made(act: Act, login: str, owner: "Person", *, maker: str) -> dict[str, Any]:
    """Write down who made an account, or a part of it, that its owner has not; gives the facts for the row of it."""
    decides = not owner.given.isdisjoint(DECIDING)
    is_at_once = decides and takes_effect(act.database, maker)
    query = "UPDATE accounts SET made_by = ?, may_decide = ?, confirmed_by = '' WHERE login = ?"
    act.database.execute(query, (maker, is_at_once, login))
    if not decides:
        return {}
    if is_at_once:
        return _unconfirmed(act.database)
    facts = {"account": True}
    act.note("people_waiting", actor=maker, subject=owner.id, facts=facts, personal={"login": login})
    return {"waiting": True}


def is_waiting(account: Any, owner: "Person") -> bool:
    """Say whether an account is no way in for its owner, who decides, before a second person has confirmed it."""
    return not account["may_decide"] and not owner.roles.isdisjoint(DECIDING)


def _unconfirmed(database: sqlite3.Connection) -> dict[str, Any]:
    return {"unconfirmed_start" if is_beginning(database) else "unconfirmed": True}


def _set_accounts(act: Act, person: str, *, may_decide: bool) -> None:
    query = "UPDATE accounts SET may_decide = ? WHERE person = ? AND closed_at IS NULL AND confirmed_by = ''"
    act.database.execute(query, (may_decide, person))
