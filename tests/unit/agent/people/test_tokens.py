"""Tokens for machines: a part of what their person may do, never what takes a person, until they end."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.people.people import People
from agent.people.tokens import NEVER_IN_TOKENS, SignedIn, Tokens
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Right, Role, rights_of

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


class School:
    """A store with one person, a clock that is set, and the tokens."""

    def __init__(self, folder: Path, *roles: Role) -> None:
        self.now = NOW
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)
        numbers = itertools.count(1)
        self.people = People(self.store, new_id=lambda: f"p{next(numbers)}")
        self.tokens = Tokens(self.store)
        with self.store.act() as act:
            self.people.open(act, "Ada", roles, actor="system")

    def issue(
        self, *scopes: str, ends_at: datetime | None = None, label: str = "timetable", person: str = "p1"
    ) -> str:
        with self.store.act() as act:
            return self.tokens.issue_token(act, person, label, scopes, ends_at)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path, Role.NETWORK_MANAGER)
    yield school
    school.store.close()


def test_a_token_carries_its_scopes_and_no_more(school: School) -> None:
    signed_in = school.tokens.by_token(school.issue("read_people", "request_override"))
    rights = frozenset({Right.READ_PEOPLE, Right.REQUEST_OVERRIDE})
    assert signed_in == SignedIn("p1", frozenset({Role.NETWORK_MANAGER}), "", rights)


def test_the_secret_is_kept_nowhere(school: School) -> None:
    secret = school.issue("read_people")
    school.store.close()
    folder = school.store.path.parent
    assert all(secret.encode() not in path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_a_list_of_tokens_shows_what_they_are_for(school: School) -> None:
    secret = school.issue("read_people", ends_at=NOW + timedelta(days=1))
    (token,) = school.tokens.tokens()
    assert secret.startswith(f"sg_{token.id}_")
    assert (token.person, token.label, token.scopes, token.revoked_at) == ("p1", "timetable", ("read_people",), None)
    assert (token.created_at, token.ends_at) == (NOW, NOW + timedelta(days=1))


@pytest.mark.parametrize("right", sorted(NEVER_IN_TOKENS))
def test_no_token_carries_what_takes_a_person(school: School, right: Right) -> None:
    with pytest.raises(RefusedRequestError, match=f"Found the scope '{right}'; expected some of: "):
        school.issue(right)


@pytest.mark.parametrize(
    ("scopes", "label", "ends_at", "said"),
    [
        pytest.param(["read_people", "fly"], "x", None, "Found the scope 'fly'", id="unknown-scope"),
        pytest.param(["read_record"], "x", None, "Found the scope 'read_record'", id="right-of-somebody-else"),
        pytest.param([], "x", None, "Found no scope; expected some of: ", id="no-scope"),
        pytest.param(["read_people"], " ", None, "found no text; expected what it is for", id="no-label"),
        pytest.param(["read_people"], "x", NOW, "end of the token in the past", id="ended"),
    ],
)
def test_what_cannot_be_issued(
    *, school: School, scopes: list[str], label: str, ends_at: datetime | None, said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        school.issue(*scopes, label=label, ends_at=ends_at)
    assert school.tokens.tokens() == ()


def test_a_token_acts_for_somebody(school: School) -> None:
    with pytest.raises(RefusedRequestError, match="Found nobody whom the token could act for"):
        school.issue("read_people", person="p9")


def test_a_pupil_has_no_right_for_a_machine(tmp_path: Path) -> None:
    with pytest.raises(RefusedRequestError, match="this person has no right that a machine may use"):
        School(tmp_path, Role.PUPIL).issue("request_override")


def test_a_token_ends_at_its_time(school: School) -> None:
    secret = school.issue("read_people", ends_at=NOW + timedelta(hours=1))
    school.now += timedelta(minutes=59)
    assert school.tokens.by_token(secret) is not None
    school.now += timedelta(minutes=1)
    assert school.tokens.by_token(secret) is None


def test_a_token_ends_when_it_is_revoked(school: School) -> None:
    secret = school.issue("read_people")
    for _ in range(2):
        with school.store.act() as act:
            school.tokens.revoke_token(act, secret.split("_")[1], actor="p1")
    assert school.tokens.by_token(secret) is None
    with school.store.read() as database:
        kinds = [row[0] for row in database.execute("SELECT kind FROM audit ORDER BY number")]
    assert kinds == ["people_changed", "token_issued", "token_revoked"]


def test_a_token_ends_with_its_person(school: School) -> None:
    secret = school.issue("read_people")
    with school.store.act() as act:
        school.people.close(act, "p1", actor="system")
    assert school.tokens.by_token(secret) is None
    with school.store.act() as act:
        school.people.change(act, "p1", roles=[Role.NETWORK_MANAGER], actor="system")
    assert school.tokens.by_token(secret) is None


def test_a_token_loses_what_its_person_loses(school: School) -> None:
    secret = school.issue("read_people", "request_override")
    with school.store.act() as act:
        school.people.change_roles(act, "p1", [Role.TEACHER], actor="system")
    signed_in = school.tokens.by_token(secret)
    assert signed_in is not None
    assert signed_in.rights == {Right.REQUEST_OVERRIDE}
    assert signed_in.rights <= rights_of(signed_in.roles)


@pytest.mark.parametrize("secret", ["", "sg_", "x" * 10_000, "\ud800", "' OR 1=1 --"])
def test_what_is_no_token(school: School, secret: str) -> None:
    school.issue("read_people")
    assert school.tokens.by_token(secret) is None


def test_a_token_that_is_not_there_cannot_be_revoked(school: School) -> None:
    with pytest.raises(RefusedRequestError, match="Found no token 'x'"), school.store.act() as act:
        school.tokens.revoke_token(act, "x", actor="p1")


@pytest.mark.parametrize(
    ("own", "written", "is_own"),
    [
        pytest.param("abc", "abc", True, id="the-same"),
        pytest.param("abc", "abd", False, id="another"),
        pytest.param("abc", "\ud800", False, id="half-a-character"),
        pytest.param("", "", False, id="a-token-has-none"),
    ],
)
def test_the_word_of_a_session(own: str, written: str, is_own: bool) -> None:
    assert SignedIn("p1", frozenset(), own, frozenset()).is_own_csrf(written) == is_own
