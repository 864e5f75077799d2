"""The second person: what somebody was given who decides, for whoever did not give it to confirm or to refuse.

A role or an account stands here until that is done, whether it waits or is in force because a school began with it.
An account is confirmed only once its owner has set a password and an authenticator that nobody else has seen.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from agent.people.attempts import UnknownIdError, check_version, known_person
from agent.people.namesakes import check_not_oneself
from agent.people.people import People, Person, end_sessions, read_holders, read_person, write_memberships
from agent.storage.given_rows import SYSTEM, GivenRole, is_beginning, keep_given, read_given
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.roles import DECIDING, MANAGERS, PRIVILEGED, Right, Role, rights_of

if TYPE_CHECKING:
    from agent.people.accounts import Accounts

# Who gave what was given on the gateway itself; an account of an older program may not say it at all.
NOBODY_NAMED: Final = frozenset({SYSTEM, ""})
_ABOUT_ONESELF: Final = "Nobody confirms or refuses what they were given themselves; somebody else can."
_MARKS: Final = ", ".join("?" * len(DECIDING))
_ACCOUNTS: Final = f"""SELECT * FROM accounts WHERE closed_at IS NULL AND confirmed_by = ''
    AND person = coalesce(?, person) AND (person IN (SELECT person FROM unconfirmed_roles)
        OR person IN (SELECT person FROM memberships WHERE role IN ({_MARKS})))
ORDER BY person, login"""  # noqa: S608 (marks only)


class What(StrEnum):
    """What a person is given that lets them decide."""

    ROLE = "role"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Given:
    """A role, or an account by its login, that nobody but its giver stands for.

    `is_own` is whether nobody but the owner of an account knows what it takes to sign in; a role is always so.
    """

    what: What
    name: str
    given_by: str
    given_at: datetime
    is_in_force: bool
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Somebody who decides, or is to, and what of it nobody has confirmed; roles before accounts."""

    person: Person
    given: tuple[Given, ...]

    @property
    def version(self) -> int:
        """What stands for exactly this, so that whoever confirms it says what they saw; at most nine digits."""
        said = repr((self.person.version, self.given))
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]) % 10**9


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a decision: the person as they are now, what was decided about, and what goes on waiting."""

    person: Person
    done: tuple[Given, ...]
    left: tuple[Given, ...] = ()


def read_unconfirmed_people(database: sqlite3.Connection, person_id: str | None = None) -> list[Unconfirmed]:
    """Read what nobody has confirmed, of one person or of all, by name."""
    roles, accounts = read_given(database, person_id), database.execute(_ACCOUNTS, (person_id, *sorted(DECIDING)))
    found: dict[str, list[GivenRole | sqlite3.Row]] = {}
    for each in (*roles, *accounts):
        found.setdefault(each.person if isinstance(each, GivenRole) else each["person"], []).append(each)
    people = [person for each in found if (person := read_person(database, each)) is not None]
    people.sort(key=lambda person: (person.name, person.id))
    return [Unconfirmed(person, tuple(_given(each, person) for each in found[person.id])) for person in people]


def _given(each: GivenRole | sqlite3.Row, person: Person) -> Given:
    if isinstance(each, GivenRole):
        return Given(What.ROLE, each.role.value, each.given_by, each.given_at, each.role in person.roles)
    needs_code = each["totp_secret"] is not None or not person.given.isdisjoint(PRIVILEGED)
    return Given(
        What.ACCOUNT,
        each["login"],
        each["made_by"],
        datetime.fromisoformat(each["created_at"]),
        bool(each["may_decide"]),
        is_own=bool(each["is_own_password"] and (each["is_own_code"] or not needs_code)),
    )


def confirm(act: Act, person_id: str, *, version: int, actor: str) -> Settled:
    """Put in force what somebody was given, as far as whoever acts is a second person; what they gave stays as it is.

    Raises:
        UnknownIdError: nothing of them waits.
        ConflictError: it was changed meanwhile.
        RefusedRequestError: whoever acts gave all of it, is the person, or does not manage people; or the account has
            a password or an authenticator that somebody else has seen.
    """
    found = _found(act, person_id, version=version, actor=actor)
    if why := why_not_confirmed(act.database, found, actor):
        raise RefusedRequestError(why)
    done = tuple(_confirmable(found, actor))
    left = tuple(each for each in found.given if each not in done)
    roles, person = frozenset(_roles(done)), found.person
    after = replace(person, roles=person.roles | roles, waiting=person.waiting - roles)
    write_memberships(act.database, after)
    keep_given(act.database, person.id, _roles(left))
    for login in _logins(done):
        query = "UPDATE accounts SET may_decide = 1, confirmed_by = ? WHERE login = ?"
        act.database.execute(query, (actor, login))
    if not all(each.is_in_force for each in done):
        # What they can do now takes a new sign-in, with a code.
        end_sessions(act, person.id)
    _note(act, "people_confirmed", person, done, actor)
    return Settled(after, done, left)


def refuse(act: Act, people: People, accounts: "Accounts", person_id: str, *, version: int, actor: str) -> Settled:
    """Take away what nobody has confirmed; whoever has no role left is closed, an account of theirs too.

    Raises:
        UnknownIdError: nothing of them waits.
        ConflictError: it was changed meanwhile.
        RefusedRequestError: whoever acts is the person, or does not manage people.
    """
    found = _found(act, person_id, version=version, actor=actor)
    person = found.person
    kept = person.given.difference(_roles(found.given))
    if not kept:
        after = people.close(act, person.id, actor=actor)
    else:
        after = person if kept == person.given else people.change(act, person.id, roles=kept, actor=actor)
        if not after.given.isdisjoint(DECIDING):
            for login in _logins(found.given):
                accounts.close(act, login, actor=actor)
    _note(act, "people_refused", person, found.given, actor)
    return Settled(after, found.given)


def count_unconfirmed(database: sqlite3.Connection) -> tuple[int, int]:
    """Count those of whom something waits, and those of whom something is in force without a second person."""
    everybody = [{each.is_in_force for each in person.given} for person in read_unconfirmed_people(database)]
    return sum(False in found for found in everybody), sum(True in found for found in everybody)


def warn_of_beginning(database: sqlite3.Connection) -> str | None:
    """Say what it means that a school still begins; nothing once it does not."""
    if not is_beginning(database):
        return None
    return (
        "The school is still in its beginning: whoever manages people gives roles and accounts alone, until a second"
        " person who manages people has signed in."
    )


def warn_of_waiting(database: sqlite3.Connection, person: Person) -> str:
    """Say what it means that roles of somebody wait, and what to do where nobody can confirm them."""
    givers = {each.given_by for each in read_given(database, person.id)}
    others = [each for each in read_holders(database, MANAGERS) if each.id not in {*givers, person.id}]
    roles = ", ".join(sorted(role.in_words for role in person.waiting))
    if others:
        return f"They are no {roles} before somebody else who manages people confirms it: people confirm {person.id}."
    return (
        f"They are no {roles} before somebody else who manages people confirms it, and nobody else does; on the"
        " gateway itself, people bootstrap --again makes an account for somebody who can."
    )


def _found(act: Act, person_id: str, *, version: int, actor: str) -> Unconfirmed:
    if Right.MANAGE_PEOPLE not in rights_of(known_person(act.database, actor).roles):
        raise RefusedRequestError(
            "Found nobody who manages people; expected somebody who does to be the second person."
        )
    if actor == person_id:
        raise RefusedRequestError(_ABOUT_ONESELF)
    found = read_unconfirmed_people(act.database, person_id)
    if not found:
        raise UnknownIdError("Nothing that this person was given waits for a second person.")
    check_version(found[0].version, version)
    return found[0]


def why_not_confirmed(database: sqlite3.Connection, found: Unconfirmed, actor: str) -> str:
    """Say why somebody who manages people cannot confirm this; nothing where they can."""
    if actor == found.person.id:
        return _ABOUT_ONESELF
    try:
        check_not_oneself(found.person, read_person(database, actor))
    except RefusedRequestError as error:
        return str(error)
    if any(_confirmable(found, actor)):
        return ""
    if all(each.given_by == actor for each in found.given):
        return "You gave this yourself; somebody else who manages people, and is not who got it, has to confirm it."
    return (
        f"Somebody else has seen the password or the authenticator of {found.person.name}; they set both themselves"
        " before this is confirmed."
    )


def _confirmable(found: Unconfirmed, actor: str) -> Iterator[Given]:
    return (each for each in found.given if each.given_by != actor and each.is_own)


def _roles(given: Iterable[Given]) -> Iterator[Role]:
    return (Role(each.name) for each in given if each.what is What.ROLE)


def _logins(given: Iterable[Given]) -> list[str]:
    return [each.name for each in given if each.what is What.ACCOUNT]


def _note(act: Act, kind: str, person: Person, given: tuple[Given, ...], actor: str) -> None:
    facts = {
        "roles": sorted(role.value for role in _roles(given)),
        "accounts": len(_logins(given)),
        "given_by": sorted({each.given_by for each in given}),
    }
    act.note(kind, actor=actor, subject=person.id, facts=facts, personal={"logins": _logins(given)})
