"""The people of the school, their roles and classes, as `state.db` holds them.

Whoever leaves is closed and never deleted: the record speaks of them. Closing takes every role away, so that nothing
that looks at roles has to look at closing too. A role that decides is none of a person's roles before a second person
has confirmed it, so nothing has to look at that either.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agent.people.giving import record_given, roles_in_force
from agent.people.namesakes import check_not_oneself
from agent.storage.given_rows import is_beginning, keep_given, read_given
from agent.storage.state import Act, StateStore, instant_text
from rules.errors import RefusedRequestError
from rules.roles import APPROVERS, Role

MAX_NAME_CHARACTERS: Final = 200
MIN_APPROVERS: Final = 2
# Who was opened by hand, not by a file.
BY_HAND: Final = "hand"
# As what somebody belongs to a class, the first that they are.
_IN_CLASS: Final = (Role.PUPIL, Role.CLASS_TEACHER, Role.TEACHER)
# Format characters that names are written with: zero-width joiner and non-joiner.
_IN_NAMES: Final = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the school; `classes` are ids, `external_id` is how the source calls them.

    `waiting` are roles that somebody gave them and nobody else has confirmed; they give no right.
    """

    id: str
    name: str
    roles: frozenset[Role] = frozenset()
    classes: tuple[str, ...] = ()
    closed: bool = False
    source: str = BY_HAND
    external_id: str = ""
    waiting: frozenset[Role] = frozenset()

    @property
    def given(self) -> frozenset[Role]:
        """Every role that somebody gave them, in force or not."""
        return self.roles | self.waiting

    @property
    def version(self) -> int:
        """What stands for exactly this, so that whoever changes it says what they saw; at most nine digits."""
        said = repr((self.name, sorted(self.roles), self.classes, self.closed, sorted(self.waiting)))
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]) % 10**9


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A class; `group` is the group of the site whose devices are this class, empty where nobody said."""

    id: str
    title: str
    group: str = ""
    closed: bool = False
    source: str = BY_HAND
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Census:
    """Everybody and every class at one moment, closed ones too; `is_beginning` is whether one person gives alone."""

    people: tuple[Person, ...] = ()
    classes: tuple[SchoolClass, ...] = ()
    is_beginning: bool = False


def fault_of_text(text: str, *, longest: int = MAX_NAME_CHARACTERS) -> str | None:
    """Say why a text cannot be a name, as "found …; expected …", or nothing."""
    if not text.strip():
        return "found no text; expected a name"
    if len(text) > longest:
        return f"found {len(text)} characters; expected at most {longest}"
    if any(not character.isprintable() and character not in _IN_NAMES for character in text):
        return "found a control character; expected readable text"
    return None


def fault_of_roles(roles: Collection[Role]) -> str | None:
    """Say why nobody can hold these roles together, as "found …; expected …", or nothing."""
    if not roles:
        return "found no role; expected at least one"
    if Role.PUPIL in roles and len(roles) > 1:
        return "found a pupil with other roles; expected a pupil to be nothing else"
    return None


class People:
    """Who is at the school; every change is an act with its row in the record.

    Args:
        new_id: makes the id of a person.
    """

    def __init__(self, store: StateStore, *, new_id: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._store = store
        self._new_id = new_id

    def get(self, person_id: str) -> Person | None:
        """Give a person, closed or not."""
        with self._store.read() as database:
            return read_person(database, person_id)

    def list(self, *, with_closed: bool = False) -> tuple[Person, ...]:
        """Give everybody by name."""
        with self._store.read() as database:
            return tuple(person for person in read_people(database) if with_closed or not person.closed)

    def classes(self) -> tuple[SchoolClass, ...]:
        """Give every class that is not closed, by title."""
        with self._store.read() as database:
            return tuple(each for each in read_classes(database) if not each.closed)

    def census(self) -> Census:
        """Give everybody and every class."""
        with self._store.read() as database:
            return read_census(database)

    def open(
        self,
        act: Act,
        name: str,
        roles: Iterable[Role],
        *,
        actor: str,
        classes: Iterable[str] = (),
        source: str = BY_HAND,
        external_id: str = "",
    ) -> Person:
        """Add a person; roles that decide wait for a second person, unless this is the beginning.

        Raises:
            RefusedRequestError: no name, no role, roles that nobody can hold together, a class that is not there.
        """
        given = frozenset(roles)
        in_force = roles_in_force(act.database, given, frozenset(), actor)
        person = Person(
            self._new_id(),
            name.strip(),
            in_force,
            tuple(sorted(set(classes))),
            source=source,
            external_id=external_id,
            waiting=given - in_force,
        )
        _check(act.database, person)
        act.database.execute(
            "INSERT INTO people VALUES (?, ?, ?, ?, NULL, ?)",
            (person.id, person.name, source, external_id, instant_text(act.now)),
        )
        write_memberships(act.database, person)
        _note(act, actor, person, "opened", {"source": source, **record_given(act, person, frozenset(), giver=actor)})
        return person

    def change(
        self,
        act: Act,
        person_id: str,
        *,
        actor: str,
        name: str | None = None,
        roles: Iterable[Role] | None = None,
        classes: Iterable[str] | None = None,
    ) -> Person:
        """Change what is said of a person, who is opened again if they were closed; what is not given stays.

        Args:
            roles: all that they are to have; those that decide, and that they did not have, wait as for `open`.

        Raises:
            RefusedRequestError: somebody changes their own roles, or would become a second person; and as for `open`.
        """
        before = _existing(act.database, person_id)
        given = before.given if roles is None else frozenset(roles)
        in_force = before.roles if roles is None else roles_in_force(act.database, given, before.roles, actor)
        after = replace(
            before,
            name=before.name if name is None else name.strip(),
            roles=in_force,
            classes=before.classes if classes is None else tuple(sorted(set(classes))),
            closed=False,
            waiting=given - in_force,
        )
        if actor == person_id and after.given != before.given:
            raise RefusedRequestError("Nobody changes their own roles; somebody else who manages people can.")
        _check(act.database, after)
        if (after.name, after.given) != (before.name, before.given) and has_account(act.database, person_id):
            check_not_oneself(after, read_person(act.database, actor))
        act.database.execute("UPDATE people SET name = ?, closed_at = NULL WHERE id = ?", (after.name, person_id))
        write_memberships(act.database, after)
        if after.roles != before.roles:
            # Whoever gains a privileged role signs in again, with a code.
            end_sessions(act, person_id)
        facts = {"roles_before": _sorted(before.given), "classes_before": list(before.classes)}
        facts |= record_given(act, after, before.given, giver=actor)
        _note(act, actor, after, "opened_again" if before.closed else "changed", facts)
        return after

    def change_roles(self, act: Act, person_id: str, roles: Iterable[Role], *, actor: str) -> Person:
        """Give a person these roles and no others.

        Raises:
            RefusedRequestError: as for `change`.
        """
        return self.change(act, person_id, roles=roles, actor=actor)

    def close(self, act: Act, person_id: str, *, actor: str) -> Person:
        """Take every role, class, account and token from a person who leaves; a second time changes nothing.

        Raises:
            RefusedRequestError: nobody is known by this id, or somebody closes themselves.
        """
        before = _existing(act.database, person_id)
        if before.closed:
            return before
        if actor == person_id:
            raise RefusedRequestError("Nobody closes themselves; somebody else who manages people can.")
        now = instant_text(act.now)
        act.database.execute("UPDATE people SET closed_at = ? WHERE id = ?", (now, person_id))
        act.database.execute("DELETE FROM memberships WHERE person = ?", (person_id,))
        keep_given(act.database, person_id, ())
        end_sessions(act, person_id)
        act.database.execute(
            "UPDATE accounts SET closed_at = ? WHERE person = ? AND closed_at IS NULL", (now, person_id)
        )
        act.database.execute(
            "UPDATE tokens SET revoked_at = ? WHERE person = ? AND revoked_at IS NULL", (now, person_id)
        )
        _note(act, actor, before, "closed", {})
        return replace(before, roles=frozenset(), classes=(), closed=True, waiting=frozenset())

    def set_class(self, act: Act, school_class: SchoolClass, *, actor: str) -> None:
        """Add a class or change what is said of it.

        Raises:
            RefusedRequestError: its title cannot be one.
        """
        if fault := fault_of_text(school_class.title):
            raise RefusedRequestError(f"The title of a class cannot be used: {fault}.")
        act.database.execute(
            "INSERT INTO classes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title, "
            "group_name = excluded.group_name, closed_at = excluded.closed_at",
            (
                school_class.id,
                school_class.title,
                school_class.group,
                school_class.source,
                school_class.external_id,
                instant_text(act.now) if school_class.closed else None,
            ),
        )
        facts = {
            "change": "class_closed" if school_class.closed else "class_set",
            "title": school_class.title,
            "group": school_class.group,
        }
        act.note("people_changed", actor=actor, subject=school_class.id, facts=facts)


def read_person(database: sqlite3.Connection, person_id: str) -> Person | None:
    """Read a person, closed or not."""
    row = database.execute("SELECT * FROM people WHERE id = ?", (person_id,)).fetchone()
    if row is None:
        return None
    query = "SELECT role, class_id FROM memberships WHERE person = ?"
    members = [tuple(member) for member in database.execute(query, (person_id,))]
    return _person(row, members, [each.role for each in read_given(database, person_id)])


def read_people(database: sqlite3.Connection) -> list[Person]:
    """Read everybody by name, closed ones too."""
    members: dict[str, list[tuple[str, str]]] = {}
    for person, role, class_id in database.execute("SELECT person, role, class_id FROM memberships"):
        members.setdefault(person, []).append((role, class_id))
    given: dict[str, list[Role]] = {}
    for each in read_given(database):
        given.setdefault(each.person, []).append(each.role)
    rows = database.execute("SELECT * FROM people ORDER BY name, id")
    return [_person(row, members.get(row["id"], []), given.get(row["id"], ())) for row in rows]


def read_classes(database: sqlite3.Connection) -> list[SchoolClass]:
    """Read every class by title, closed ones too."""
    return [
        SchoolClass(
            row["id"],
            row["title"],
            row["group_name"],
            row["closed_at"] is not None,
            row["source"],
            row["external_id"],
        )
        for row in database.execute("SELECT * FROM classes ORDER BY title, id")
    ]


def read_census(database: sqlite3.Connection) -> Census:
    """Read everybody and every class."""
    return Census(tuple(read_people(database)), tuple(read_classes(database)), is_beginning(database))


def _person(row: Any, members: Iterable[tuple[str, str]], given: Iterable[Role]) -> Person:
    members = list(members)
    # A class without a role is that of somebody all of whose roles wait.
    roles = frozenset(Role(role) for role, _ in members if role)
    return Person(
        row["id"],
        row["name"],
        roles,
        tuple(sorted({class_id for _, class_id in members if class_id})),
        row["closed_at"] is not None,
        row["source"],
        row["external_id"],
        waiting=frozenset(given) - roles,
    )


def _existing(database: sqlite3.Connection, person_id: str) -> Person:
    person = read_person(database, person_id)
    if person is None:
        raise RefusedRequestError(f"Found no person {person_id[:40]!r}; expected the id of somebody who is known.")
    return person


def _check(database: sqlite3.Connection, person: Person) -> None:
    if fault := fault_of_text(person.name):
        raise RefusedRequestError(f"The name of a person cannot be used: {fault}.")
    if fault := fault_of_roles(person.given):
        raise RefusedRequestError(f"The roles of a person cannot be used: {fault}.")
    for class_id in person.classes:
        query = "SELECT 1 FROM classes WHERE id = ? AND closed_at IS NULL"
        if database.execute(query, (class_id,)).fetchone() is None:
            raise RefusedRequestError(f"Found no class {class_id[:40]!r}; expected the id of one that is open.")


def has_account(database: sqlite3.Connection, person_id: str) -> bool:
    """Say whether somebody has an account that is open."""
    query = "SELECT 1 FROM accounts WHERE person = ? AND closed_at IS NULL"
    return database.execute(query, (person_id,)).fetchone() is not None


def end_sessions(act: Act, person_id: str) -> None:
    """End every session of a person."""
    query = "DELETE FROM sessions WHERE login IN (SELECT login FROM accounts WHERE person = ?)"
    act.database.execute(query, (person_id,))


def write_memberships(database: sqlite3.Connection, person: Person) -> None:
    """Write the roles that are in force and the classes of a person."""
    in_class = next((role for role in _IN_CLASS if role in person.roles), min(person.roles, default=""))
    rows = [(person.id, role.value, "") for role in person.roles]
    rows += [(person.id, in_class, class_id) for class_id in person.classes]
    database.execute("DELETE FROM memberships WHERE person = ?", (person.id,))
    database.executemany("INSERT INTO memberships VALUES (?, ?, ?)", rows)


def _sorted(roles: Iterable[Role]) -> list[str]:
    return sorted(role.value for role in roles)


def _note(act: Act, actor: str, person: Person, change: str, facts: Mapping[str, Any]) -> None:
    about = {"change": change, "roles": _sorted(person.given), "classes": list(person.classes), **facts}
    act.note("people_changed", actor=actor, subject=person.id, facts=about, personal={"name": person.name})


def read_holders(database: sqlite3.Connection, roles: Iterable[Role]) -> list[Person]:
    """Read those who hold one of these roles, by id."""
    wanted = [role.value for role in roles]
    marks = ", ".join("?" * len(wanted))
    query = f"SELECT DISTINCT person FROM memberships WHERE role IN ({marks}) ORDER BY person"  # noqa: S608 (marks only)
    found = (read_person(database, person) for (person,) in database.execute(query, wanted).fetchall())
    return [person for person in found if person is not None]


def read_approvers(database: sqlite3.Connection) -> tuple[Person, ...]:
    """Give the people who may decide about an override, and who can sign in to do so."""
    query = "SELECT DISTINCT person FROM accounts WHERE closed_at IS NULL AND may_decide"
    able = {person for (person,) in database.execute(query)}
    return tuple(person for person in read_people(database) if person.roles & APPROVERS and person.id in able)


def warn_of_approvers(count: int) -> str | None:
    """Say what it means that so few may decide: whoever asks never does, so one alone is none for what they ask."""
    if count >= MIN_APPROVERS:
        return None
    found = "Nobody" if count == 0 else "Only one person"
    return (
        f"{found} may decide about overrides; expected at least {MIN_APPROVERS} with an account, because whoever asks"
        " never decides."
    )
