"""The first account of a school, and one more where it has lost others: made on the gateway itself."""

import sqlite3
from collections.abc import Collection
from typing import Final

from agent.people.accounts import Accounts, Enrolment
from agent.people.people import BY_HAND, People, Person, read_person
from agent.storage.given_rows import MIN_MANAGERS, SYSTEM, read_managers
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.roles import MANAGERS, Role

FIRST_ROLES: Final = (Role.NETWORK_MANAGER,)


def bootstrap(
    act: Act,
    people: People,
    accounts: Accounts,
    *,
    name: str,
    login: str,
    password: str,
    roles: Collection[Role] = FIRST_ROLES,
) -> Enrolment:
    """Make the first person and account.

    Raises:
        RefusedRequestError: there is or was an account, nobody could go on with these roles, or as for accounts.
    """
    if act.database.execute("SELECT 1 FROM accounts").fetchone() is not None:
        raise RefusedRequestError(
            "There is an account already; expected none: the first one makes the others. Where fewer than two people"
            " who manage people can sign in, there is --again."
        )
    _check_roles(roles)
    person = people.open(act, name, roles, actor=SYSTEM, source=BY_HAND)
    return accounts.create(act, login, person.id, password, actor=SYSTEM)


def bootstrap_again(
    act: Act,
    people: People,
    accounts: Accounts,
    *,
    name: str,
    login: str,
    password: str,
    roles: Collection[Role] = FIRST_ROLES,
    os_user: str,
) -> Enrolment:
    """Make an account that takes effect at once, where two who could give and confirm it are not there any more.

    Args:
        name: that of a new person, or the id of one who is known, whose other accounts end.
        os_user: the operating system's user who does this.

    Raises:
        RefusedRequestError: two are there, nobody could go on with these roles, or as for people and accounts.
    """
    if (count := len(read_managers(act.database))) >= MIN_MANAGERS:
        raise RefusedRequestError(
            f"Found {count} people who manage people and have signed in; expected fewer than {MIN_MANAGERS}, because"
            " two can give and confirm whatever somebody needs."
        )
    _check_roles(roles)
    person = _known(act, people, accounts, name, roles)
    if person is None:
        person = people.open(act, name, roles, actor=SYSTEM, source=BY_HAND)
    made = accounts.create(act, login, person.id, password, actor=SYSTEM)
    about = {"login": made.login, "os_user": os_user}
    act.note("people_bootstrapped", actor=SYSTEM, subject=person.id, personal=about)
    return made


def _known(act: Act, people: People, accounts: Accounts, person_id: str, roles: Collection[Role]) -> Person | None:
    known = read_person(act.database, person_id)
    if known is None:
        return None
    for login in _open_logins(act.database, known.id):
        accounts.close(act, login, actor=SYSTEM)
    return people.change(act, known.id, roles=known.given.union(roles), actor=SYSTEM)


def _open_logins(database: sqlite3.Connection, person: str) -> list[str]:
    query = "SELECT login FROM accounts WHERE person = ? AND closed_at IS NULL"
    return [login for (login,) in database.execute(query, (person,))]


def _check_roles(roles: Collection[Role]) -> None:
    if MANAGERS.isdisjoint(roles):
        raise RefusedRequestError("Found roles that do not manage people; expected one that does for the first.")
