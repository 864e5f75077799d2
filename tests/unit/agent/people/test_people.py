"""People, their roles and classes, and that whoever leaves stays on the record without any right."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.people.people import (
    MIN_APPROVERS,
    People,
    Person,
    SchoolClass,
    fault_of_roles,
    fault_of_text,
    read_approvers,
    read_census,
    read_holders,
    read_person,
    warn_of_approvers,
)
from agent.storage.given_rows import BEGINNING_ENDED, read_given
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def counting() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"p{next(numbers)}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield store
    store.close()


@pytest.fixture
def people(store: StateStore) -> People:
    return People(store, new_id=counting())


def opened(store: StateStore, people: People, name: str, *roles: Role) -> Person:
    with store.act() as act:
        return people.open(act, name, roles, actor="system")


def kinds(store: StateStore) -> list[tuple[str, str, str]]:
    with store.read() as database:
        return [(row["kind"], row["actor"], row["subject"]) for row in database.execute("SELECT * FROM audit")]


def test_who_is_opened_is_found_with_roles_and_classes(store: StateStore, people: People) -> None:
    with store.act() as act:
        people.set_class(act, SchoolClass("c1", "6B", "year-6"), actor="system")
        person = people.open(act, " Ada ", [Role.TEACHER, Role.SLT], actor="system", classes=["c1"])
    assert person == Person("p1", "Ada", frozenset({Role.TEACHER, Role.SLT}), ("c1",))
    assert people.get("p1") == person
    assert people.get("p2") is None
    assert people.list() == (person,)
    assert people.classes() == (SchoolClass("c1", "6B", "year-6"),)


def test_a_class_that_is_closed_is_none(store: StateStore, people: People) -> None:
    with store.act() as act:
        people.set_class(act, SchoolClass("c1", "6B", "year-6", closed=True), actor="system")
    assert people.classes() == ()


@pytest.mark.parametrize(
    ("name", "roles", "classes", "said"),
    [
        pytest.param(" ", [Role.STAFF], [], "found no text; expected a name", id="no-name"),
        pytest.param("a" * 201, [Role.STAFF], [], "expected at most 200", id="a-name-of-201"),
        pytest.param("a\x1b[2J", [Role.STAFF], [], "control character", id="a-name-with-an-escape"),
        pytest.param("a\u202eb", [Role.STAFF], [], "control character", id="a-name-that-runs-backwards"),
        pytest.param("Ada", [], [], "found no role", id="no-role"),
        pytest.param("Ada", [Role.PUPIL, Role.STAFF], [], "a pupil to be nothing else", id="pupil-and-staff"),
        pytest.param("Ada", [Role.STAFF], ["c9"], "Found no class 'c9'", id="unknown-class"),
    ],
)
def test_what_cannot_be_opened(
    *, store: StateStore, people: People, name: str, roles: list[Role], classes: list[str], said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said), store.act() as act:
        people.open(act, name, roles, actor="system", classes=classes)
    assert people.list(with_closed=True) == ()
    assert kinds(store) == []


def test_markup_and_sql_in_a_name_are_only_text(store: StateStore, people: People) -> None:
    name = "<b>Robert'); DROP TABLE people;--"
    opened(store, people, name, Role.PUPIL)
    assert [person.name for person in people.list()] == [name]


def test_a_name_may_hold_a_joiner() -> None:
    assert fault_of_text("م\u200cن") is None


def test_the_record_says_who_changed_what_without_the_name(store: StateStore, people: People) -> None:
    opened(store, people, "Ada Example", Role.TEACHER)
    with store.act() as act:
        people.change_roles(act, "p1", [Role.TEACHER, Role.AUDITOR], actor="p9")
    assert kinds(store) == [("people_changed", "system", "p1"), ("people_changed", "p9", "p1")]
    with store.read() as database:
        facts = [row["facts"] for row in database.execute("SELECT facts FROM audit ORDER BY number")]
    assert '"roles":["auditor","teacher"],"roles_before":["teacher"]' in facts[1]
    assert "Ada" not in "".join(facts)


def test_nobody_changes_their_own_roles(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.NETWORK_MANAGER)
    with pytest.raises(RefusedRequestError, match="Nobody changes their own roles"), store.act() as act:
        people.change_roles(act, "p1", [Role.NETWORK_MANAGER, Role.HEAD_TEACHER], actor="p1")
    found = people.get("p1")
    assert found is not None
    assert found.roles == {Role.NETWORK_MANAGER}


def test_whoever_has_an_account_gets_no_role_and_no_name_from_their_namesake(
    store: StateStore, people: People
) -> None:
    opened(store, people, "Ada", Role.NETWORK_MANAGER)
    opened(store, people, "Ada", Role.TEACHER)
    opened(store, people, "Bea", Role.HEAD_TEACHER)
    with store.act() as act:
        people.change_roles(act, "p2", [Role.HEAD_TEACHER], actor="p1")
        people.change_roles(act, "p2", [Role.TEACHER], actor="p1")
    add_account(store, "p2")
    with pytest.raises(RefusedRequestError, match="Found your own name"), store.act() as act:
        people.change_roles(act, "p2", [Role.HEAD_TEACHER], actor="p1")
    with store.act() as act:
        assert people.change_roles(act, "p2", [Role.HEAD_TEACHER], actor="p3").roles == {Role.HEAD_TEACHER}
        people.change(act, "p2", name="Eve", actor="p1")
    with pytest.raises(RefusedRequestError, match="Found your own name"), store.act() as act:
        people.change(act, "p2", name="ADA", actor="p1")


def begun(store: StateStore) -> None:
    """Let the beginning be over, in which one person gives alone."""
    with store.act() as act:
        act.note(BEGINNING_ENDED, actor="system")


def test_a_role_that_decides_is_none_before_it_is_confirmed(store: StateStore, people: People) -> None:
    begun(store)
    with store.act() as act:
        person = people.open(act, "Ada", [Role.TEACHER, Role.HEAD_TEACHER], actor="p9")
    assert (person.roles, person.waiting) == (frozenset({Role.TEACHER}), frozenset({Role.HEAD_TEACHER}))
    assert people.get("p1") == person
    assert people.list() == (person,)
    with store.read() as database:
        assert read_holders(database, (Role.HEAD_TEACHER,)) == []
        assert database.execute("SELECT role FROM memberships").fetchone()["role"] == "teacher"
    assert kinds(store)[-2:] == [("people_waiting", "p9", "p1"), ("people_changed", "p9", "p1")]


def test_other_changes_leave_what_waits_and_what_is_in_force(store: StateStore, people: People) -> None:
    begun(store)
    with store.act() as act:
        people.set_class(act, SchoolClass("c1", "6B"), actor="system")
        people.open(act, "Ada", [Role.SLT], actor="p9")
        moved = people.change(act, "p1", name="Ada B", classes=["c1"], actor="p8")
    assert (moved.roles, moved.waiting, moved.classes) == (frozenset(), frozenset({Role.SLT}), ("c1",))
    assert people.get("p1") == moved
    with store.act() as act:
        more = people.change_roles(act, "p1", [Role.SLT, Role.TEACHER], actor="p8")
    assert (more.roles, more.waiting, more.classes) == (frozenset({Role.TEACHER}), frozenset({Role.SLT}), ("c1",))
    with store.read() as database:
        assert [each.given_by for each in read_given(database)] == ["p9"]


def test_nobody_gives_themselves_what_would_wait_or_takes_it_from_themselves(
    store: StateStore, people: People
) -> None:
    begun(store)
    with store.act() as act:
        people.open(act, "Ada", [Role.TEACHER, Role.SLT], actor="p9")
    for roles in ([Role.TEACHER], [Role.TEACHER, Role.SLT, Role.HEAD_TEACHER]):
        with pytest.raises(RefusedRequestError, match="Nobody changes their own roles"), store.act() as act:
            people.change_roles(act, "p1", roles, actor="p1")


def test_what_waited_for_a_leaver_is_gone_and_what_was_in_force_waits_when_they_are_back(
    store: StateStore, people: People
) -> None:
    opened(store, people, "Ada", Role.HEAD_TEACHER)
    begun(store)
    with store.act() as act:
        people.change_roles(act, "p1", [Role.HEAD_TEACHER, Role.SLT], actor="p9")
        assert people.close(act, "p1", actor="p9").waiting == set()
        assert read_given(act.database) == []
        back = people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="p9")
    assert (back.roles, back.waiting) == (frozenset(), frozenset({Role.HEAD_TEACHER}))


def test_a_version_stands_for_what_is_said_of_somebody() -> None:
    ada = Person("p1", "Ada", frozenset({Role.TEACHER, Role.SLT}), ("c1",))
    same = Person("p1", "Ada", frozenset({Role.SLT, Role.TEACHER}), ("c1",))
    assert ada.version == same.version
    others = [
        replace(ada, name="Bea"),
        replace(ada, roles=frozenset({Role.SLT})),
        replace(ada, classes=()),
        replace(ada, closed=True),
        replace(ada, waiting=frozenset({Role.HEAD_TEACHER})),
    ]
    versions = {each.version for each in (ada, *others)}
    assert len(versions) == 6
    assert all(0 <= version < 10**9 for version in versions)


def test_somebody_may_change_their_own_name(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.NETWORK_MANAGER)
    with store.act() as act:
        assert people.change(act, "p1", name="Ada B", actor="p1").name == "Ada B"


def add_account(store: StateStore, person: str) -> None:
    with store.act() as act:
        act.database.execute(
            "INSERT INTO accounts (login, person, password_hash, created_at) VALUES ('ada', ?, '', '')", (person,)
        )
        act.database.execute("INSERT INTO sessions VALUES ('s', 'ada', '', '', '', '')")
        act.database.execute("INSERT INTO tokens VALUES ('t', 'h', ?, '', '[]', '', NULL, NULL)", (person,))


def counted(store: StateStore, query: str) -> int:
    with store.read() as database:
        return int(database.execute(query).fetchone()[0])


def test_who_leaves_stays_known_and_can_do_nothing(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.NETWORK_MANAGER)
    add_account(store, "p1")
    with store.act() as act:
        people.close(act, "p1", actor="p2")
    assert people.get("p1") == Person("p1", "Ada", frozenset(), (), closed=True)
    assert people.list() == ()
    assert len(people.list(with_closed=True)) == 1
    assert counted(store, "SELECT count(*) FROM sessions") == 0
    assert counted(store, "SELECT count(*) FROM accounts WHERE closed_at IS NULL") == 0
    assert counted(store, "SELECT count(*) FROM tokens WHERE revoked_at IS NULL") == 0


def test_closing_twice_is_one_row(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.STAFF)
    for _ in range(2):
        with store.act() as act:
            people.close(act, "p1", actor="p2")
    assert len(kinds(store)) == 2


def test_nobody_closes_themselves(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.NETWORK_MANAGER)
    with pytest.raises(RefusedRequestError, match="Nobody closes themselves"), store.act() as act:
        people.close(act, "p1", actor="p1")


def test_who_comes_back_has_only_the_roles_that_are_given_then(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.HEAD_TEACHER)
    with store.act() as act:
        people.close(act, "p1", actor="p2")
    with store.act() as act:
        people.change(act, "p1", roles=[Role.STAFF], actor="p2")
    assert people.get("p1") == Person("p1", "Ada", frozenset({Role.STAFF}))


def test_new_roles_need_a_new_sign_in(store: StateStore, people: People) -> None:
    opened(store, people, "Ada", Role.STAFF)
    add_account(store, "p1")
    with store.act() as act:
        people.change(act, "p1", name="Ada B", actor="p2")
    assert counted(store, "SELECT count(*) FROM sessions") == 1
    with store.act() as act:
        people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="p2")
    assert counted(store, "SELECT count(*) FROM sessions") == 0


def test_nobody_unknown_is_changed(store: StateStore, people: People) -> None:
    with pytest.raises(RefusedRequestError, match="Found no person 'p7'"), store.act() as act:
        people.change_roles(act, "p7", [Role.STAFF], actor="p2")
    with pytest.raises(RefusedRequestError, match="Found no person 'p7'"), store.act() as act:
        people.close(act, "p7", actor="p2")


def test_approvers_are_those_who_decide_and_are_here_and_can_sign_in(store: StateStore, people: People) -> None:
    for name, role in (("A", Role.HEAD_TEACHER), ("B", Role.NETWORK_MANAGER), ("C", Role.TEACHER)):
        opened(store, people, name, role)
    opened(store, people, "D", Role.ICT_COORDINATOR)
    with store.act() as act:
        for person in ("p1", "p2", "p3"):
            query = (
                "INSERT INTO accounts (login, person, password_hash, created_at, may_decide) VALUES (?, ?, '', '', 1)"
            )
            act.database.execute(query, (person, person))
        people.close(act, "p2", actor="p1")
    with store.read() as database:
        assert [person.name for person in read_approvers(database)] == ["A"]


def test_those_who_hold_one_of_some_roles_are_found_once(store: StateStore, people: People) -> None:
    opened(store, people, "Z", Role.HEAD_TEACHER, Role.TEACHER)
    opened(store, people, "Y", Role.TEACHER)
    opened(store, people, "X", Role.AUDITOR)
    opened(store, people, "W", Role.TEACHER)
    with store.act() as act:
        people.close(act, "p4", actor="p1")
    with store.read() as database:
        assert [person.name for person in read_holders(database, (Role.TEACHER, Role.HEAD_TEACHER))] == ["Z", "Y"]
        assert read_holders(database, ()) == []


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param(Role.PUPIL, "pupil", id="pupil"),
        pytest.param(Role.CLASS_TEACHER, "class_teacher", id="class-teacher"),
        pytest.param(Role.AUDITOR, "auditor", id="somebody-else"),
    ],
)
def test_as_what_somebody_belongs_to_a_class(store: StateStore, people: People, role: Role, expected: str) -> None:
    with store.act() as act:
        people.set_class(act, SchoolClass("c1", "6B"), actor="system")
        people.open(act, "Ada", [role], actor="system", classes=["c1"])
    with store.read() as database:
        found = database.execute("SELECT role FROM memberships WHERE class_id = 'c1'").fetchall()
        census = read_census(database)
    assert [row["role"] for row in found] == [expected]
    assert census == people.census()


def test_a_class_needs_a_title(store: StateStore, people: People) -> None:
    with pytest.raises(RefusedRequestError, match="title of a class"), store.act() as act:
        people.set_class(act, SchoolClass("c1", "\0"), actor="system")


def test_an_act_sees_who_it_opened(store: StateStore, people: People) -> None:
    with store.act() as act:
        person = people.open(act, "Ada", [Role.STAFF], actor="system")
        assert read_person(act.database, person.id) == person


@pytest.mark.parametrize("role", list(Role))
def test_every_role_can_be_held_alone(role: Role) -> None:
    assert fault_of_roles({role}) is None


@pytest.mark.parametrize(("count", "begins"), [(0, "Nobody may decide"), (1, "Only one person may decide")])
def test_too_few_who_may_decide_is_a_warning(count: int, begins: str) -> None:
    assert (warn_of_approvers(count) or "").startswith(begins)
    assert warn_of_approvers(MIN_APPROVERS) is None
