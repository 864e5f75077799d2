"""Accounts and sessions: who gets in, who is kept out, and that nobody learns why."""

import base64
import itertools
import queue
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from agent.people.accounts import (
    MAX_IN_LINE,
    REFUSED_SIGN_IN,
    Accounts,
    Enrolment,
    Session,
    check_password_rules,
    normal_login,
)
from agent.people.people import People
from agent.people.sign_in_limit import SignInLimit
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Right, Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PASSWORD = "kestrel over weir 7"  # noqa: S105 - of nobody
OTHER = "heron under bridge 8"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class CountingHasher(PasswordHasher):
    """Counts what it is asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - theirs
        self.verified += 1
        return super().verify(hash, password)


class School:
    """A store, a clock that is set, a teacher (p1, ada) and a network manager (p2, ben)."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.seconds = 0.0
        self.store = StateStore(folder / "state.db", clock=lambda: self.now, busy_seconds=0.5)
        numbers = itertools.count(1)
        self.people = People(self.store, new_id=lambda: f"p{next(numbers)}")
        self.limit = SignInLimit(attempts=1000, monotonic=lambda: self.seconds)
        self.hasher = CountingHasher()
        self.accounts = Accounts(self.store, hasher=self.hasher, limit=self.limit, words=["Hillside"])
        with self.store.act() as act:
            self.people.open(act, "Ada Example", [Role.TEACHER], actor="system")
            self.people.open(act, "Ben Sample", [Role.NETWORK_MANAGER], actor="system")
            self.accounts.create(act, "ada", "p1", PASSWORD, actor="p2")
            self.enrolled = self.accounts.create(act, "ben", "p2", PASSWORD, actor="system")

    def code(self, *, later: float = 0) -> str:
        assert self.enrolled.totp_secret is not None
        totp = TOTP(base64.b32decode(self.enrolled.totp_secret), 6, SHA1(), 30)  # noqa: S303 - what authenticators know
        return totp.generate(self.now.timestamp() + later).decode()

    def fail(self, login: str = "ada", *, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(RefusedRequestError):
                self.accounts.sign_in(login, "wrong", None, "192.0.2.1")

    def is_let_in(self, login: str = "ada", code: str | None = None) -> bool:
        try:
            self.accounts.sign_in(login, PASSWORD, code, "192.0.2.1")
        except RefusedRequestError:
            return False
        return True

    def notes(self, kind: str) -> list[sqlite3.Row]:
        query = "SELECT audit.*, personal.content FROM audit LEFT JOIN personal USING (number) WHERE kind = ?"
        with self.store.read() as database:
            return database.execute(query, (kind,)).fetchall()

    def account(self, login: str) -> sqlite3.Row:
        with self.store.read() as database:
            row: sqlite3.Row = database.execute("SELECT * FROM accounts WHERE login = ?", (login,)).fetchone()
            return row


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.store.close()


@pytest.mark.parametrize(
    ("password", "said"),
    [
        pytest.param("short 1", "Found 7 characters in the password; expected at least 10", id="short"),
        pytest.param("a1" * 600, "Found 1200 characters in the password; expected at most 1024", id="endless"),
        pytest.param("kestrel over weir", "without letters or without digits; expected both", id="no-digit"),
        pytest.param("4629 8153 7204", "without letters or without digits", id="no-letter"),
        pytest.param("password123", "among the first to be tried", id="common"),
        pytest.param("adaexample12", "among the first to be tried", id="login-and-name"),
        pytest.param("Hillside2026!", "among the first to be tried", id="name-of-the-school"),
    ],
)
def test_a_password_that_is_not_taken_is_told_why(password: str, said: str) -> None:
    told = check_password_rules(password, "ada", ["Ada Example", "Hillside"])
    assert told is not None
    assert said in told


def test_a_good_password_is_taken() -> None:
    assert check_password_rules(PASSWORD, "ada", ["Ada Example"]) is None


def test_who_signs_in_has_a_session(school: School) -> None:
    session = school.accounts.sign_in(" ADA ", PASSWORD)
    assert (session.person, session.ends_at) == ("p1", NOW + timedelta(hours=10))
    signed_in = school.accounts.session(session.token)
    assert signed_in is not None
    assert (signed_in.person, signed_in.login, signed_in.roles) == ("p1", "ada", frozenset({Role.TEACHER}))
    assert signed_in.rights == {Right.REQUEST_OVERRIDE, Right.USE_MEDIA}
    assert signed_in.is_own_csrf(session.csrf)
    assert school.notes("signed_in") == []


def test_a_password_is_one_however_it_was_typed(school: School) -> None:
    with school.store.act() as act:
        school.accounts.set_password(act, "ada", "cafe\u0301 beside weir 7", actor="p2")
    assert school.accounts.sign_in("ada", "caf\u00e9 beside weir 7").person == "p1"


def test_the_sign_in_of_a_privileged_person_is_on_the_record(school: School) -> None:
    school.accounts.sign_in("ben", PASSWORD, school.code(), "192.0.2.1")
    (row,) = school.notes("signed_in")
    assert (row["actor"], row["facts"]) == ("p2", "{}")


def refusal(school: School, login: str, password: str, code: str | None = None) -> str:
    with pytest.raises(RefusedRequestError) as refused:
        school.accounts.sign_in(login, password, code, "192.0.2.1")
    return str(refused.value)


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        pytest.param("nobody", PASSWORD, None, id="unknown-login"),
        pytest.param("ada", "wrong", None, id="wrong-password"),
        pytest.param("ada", "", None, id="no-password"),
        pytest.param("ada", "x" * 2000, None, id="endless-password"),
        pytest.param("ada", "\ud800", None, id="half-a-character"),
        pytest.param("' OR 1=1 --", PASSWORD, None, id="sql"),
        pytest.param("\ud800", PASSWORD, None, id="half-a-character-as-login"),
        pytest.param("ben", PASSWORD, None, id="no-code"),
        pytest.param("ben", PASSWORD, "000000", id="wrong-code"),
        pytest.param("ben", "wrong", None, id="wrong-password-and-no-code"),
    ],
)
def test_whatever_is_wrong_the_sentence_and_the_work_are_the_same(
    *, school: School, login: str, password: str, code: str | None
) -> None:
    before = school.hasher.verified
    assert refusal(school, login, password, code) == REFUSED_SIGN_IN
    assert school.hasher.verified == before + 1
    assert len(school.notes("sign_in_refused")) == 1


def test_what_failed_is_recorded_without_the_password_or_an_unknown_login(school: School) -> None:
    refusal(school, "my password in the wrong field", "secret words 1")
    refusal(school, "ada", "secret words 1")
    unknown, known = school.notes("sign_in_refused")
    assert (unknown["subject"], unknown["facts"], unknown["content"]) == (
        "",
        '{"why":"unknown"}',
        '{"address":"192.0.2.1"}',
    )
    assert (known["subject"], known["facts"]) == ("p1", '{"why":"wrong"}')
    assert known["content"] == '{"address":"192.0.2.1","login":"ada"}'


def test_five_failures_lock_and_even_the_right_password_waits(school: School) -> None:
    school.fail(times=4)
    assert school.is_let_in()
    school.fail(times=5)
    assert refusal(school, "ada", PASSWORD) == REFUSED_SIGN_IN
    school.now += timedelta(seconds=60)
    assert school.is_let_in()
    assert school.account("ada")["failed"] == 0


def test_a_lock_doubles_up_to_fifteen_minutes(school: School) -> None:
    school.fail(times=4)
    minutes = []
    for _ in range(7):
        school.fail()
        locked_until = datetime.fromisoformat(school.account("ada")["locked_until"])
        minutes.append((locked_until - school.now) / timedelta(minutes=1))
        school.now = locked_until
    assert minutes == [1, 2, 4, 8, 15, 15, 15]


def test_attempts_while_locked_do_not_lengthen_the_lock(school: School) -> None:
    school.fail(times=30)
    assert school.account("ada")["failed"] == 5


def test_wrong_codes_lock_too(school: School) -> None:
    for _ in range(5):
        refusal(school, "ben", PASSWORD, "000000")
    assert not school.is_let_in("ben", school.code())


def test_guesses_at_once_are_counted_one_by_one(school: School) -> None:
    guessers = [threading.Thread(target=school.fail) for _ in range(12)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert school.account("ada")["failed"] == 5
    assert len(school.notes("sign_in_refused")) == 12


class SlowHasher(CountingHasher):
    """Takes until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - theirs
        assert self.go_on.wait(10)
        return super().verify(hash, password)


def test_whoever_comes_when_many_wait_is_told_at_once(school: School) -> None:
    hasher = SlowHasher()
    accounts = Accounts(school.store, hasher=hasher, limit=school.limit, words=["Hillside"])
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def guess() -> None:
        try:
            accounts.sign_in("ada", "wrong", None, "192.0.2.1")
        except RefusedRequestError as error:
            said.put(str(error))

    guessers = [threading.Thread(target=guess) for _ in range(MAX_IN_LINE + 3)]
    for guesser in guessers:
        guesser.start()
    told = [said.get(timeout=2) for _ in range(3)]
    hasher.go_on.set()
    for guesser in guessers:
        guesser.join()
    told += [said.get() for _ in range(MAX_IN_LINE)]
    assert told == 3 * ["Many people are signing in at this moment; try again in a few seconds."] + MAX_IN_LINE * [
        REFUSED_SIGN_IN
    ]
    assert school.is_let_in("ben", school.code())


def test_a_code_is_taken_once(school: School) -> None:
    code = school.code()
    assert school.is_let_in("ben", code)
    assert not school.is_let_in("ben", code)
    assert not school.is_let_in("ben", school.code(later=-30))
    school.now += timedelta(seconds=30)
    assert school.is_let_in("ben", school.code())


def test_an_account_without_authenticator_is_no_way_in_for_a_privileged_person(school: School) -> None:
    with school.store.act() as act:
        school.people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="p2")
    assert "somebody who manages people enrols one" in refusal(school, "ada", PASSWORD)
    assert refusal(school, "ada", "wrong") == REFUSED_SIGN_IN
    with school.store.act() as act:
        school.enrolled = school.accounts.enrol_totp(act, "ada", actor="p2")
    assert school.is_let_in("ada", school.code())


def test_an_account_that_waits_has_neither_roles_nor_rights(school: School) -> None:
    with school.store.act() as act:
        act.note(BEGINNING_ENDED, actor="system")
        school.accounts.close(act, "ben", actor="p9")
        school.enrolled = school.accounts.create(act, "ben", "p2", OTHER, actor="p9")
    assert school.enrolled.waits
    session = school.accounts.sign_in("ben", OTHER, school.code())
    signed_in = school.accounts.session(session.token)
    assert signed_in is not None
    assert (signed_in.is_waiting, signed_in.roles, signed_in.rights) == (True, frozenset(), frozenset())
    assert [(row["actor"], row["facts"]) for row in school.notes("people_waiting")] == [("p9", '{"account":true}')]


def test_whoever_waits_may_come_without_an_authenticator_to_set_one(school: School) -> None:
    with school.store.act() as act:
        school.people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="system")
        act.database.execute("UPDATE accounts SET may_decide = 0 WHERE login = 'ada'")
    signed_in = school.accounts.session(school.accounts.sign_in("ada", PASSWORD).token)
    assert signed_in is not None
    assert signed_in.is_waiting


def test_the_sign_in_of_a_second_manager_ends_the_beginning(school: School) -> None:
    with school.store.act() as act:
        school.people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="p2")
        enrolled = school.accounts.enrol_totp(act, "ada", actor="p2")
    assert school.is_let_in("ben", school.code())
    assert school.notes("beginning_ended") == []
    school.enrolled = enrolled
    assert school.is_let_in("ada", school.code())
    assert [row["facts"] for row in school.notes("beginning_ended")] == ['{"managers":["p1","p2"]}']
    assert [school.account(login)["managed_at"] is None for login in ("ada", "ben")] == [False, False]


def test_what_an_owner_sets_is_their_own_and_what_others_set_is_not(school: School) -> None:
    for actor, expected in (("p2", (1, 1)), ("p9", (0, 0))):
        with school.store.act() as act:
            school.accounts.set_password(act, "ben", OTHER, actor=actor)
            school.accounts.enrol_totp(act, "ben", actor=actor)
        account = school.account("ben")
        assert (account["is_own_password"], account["is_own_code"]) == expected
    assert school.account("ben")["made_by"] == "p9"


def test_the_secret_of_an_authenticator_is_made_with_a_privileged_account_only(school: School) -> None:
    assert school.enrolled.totp_uri is not None
    assert school.enrolled.totp_uri.startswith("otpauth://totp/Schoolgate:ben?")
    with school.store.act() as act:
        person = school.people.open(act, "Cy", [Role.TEACHER], actor="p2")
        assert school.accounts.create(act, "cy", person.id, PASSWORD, actor="p2") == Enrolment("cy", person.id)


def test_one_address_can_fail_so_often(tmp_path: Path) -> None:
    school = School(tmp_path)
    school.accounts = Accounts(
        school.store, hasher=school.hasher, limit=SignInLimit(attempts=3, monotonic=lambda: school.seconds)
    )
    for login in ("a", "b", "c"):
        school.fail(login)
    worked = school.hasher.verified
    for _ in range(3):
        assert "too many attempts from this address" in refusal(school, "ada", PASSWORD)
    assert school.hasher.verified == worked
    assert [row["facts"] for row in school.notes("sign_in_refused")][3:] == ['{"why":"too_many_from_one_address"}']
    assert school.accounts.sign_in("ada", PASSWORD, None, "192.0.2.2").person == "p1"
    school.seconds += 600
    assert school.is_let_in()


def signed_in(school: School) -> Session:
    return school.accounts.sign_in("ada", PASSWORD)


def test_a_session_ends_when_nobody_uses_it(school: School) -> None:
    token = signed_in(school).token
    for _ in range(3):
        school.now += timedelta(minutes=29)
        assert school.accounts.session(token) is not None
    school.now += timedelta(minutes=30)
    assert school.accounts.session(token) is None


def test_a_session_ends_after_ten_hours_whatever_is_done(school: School) -> None:
    token = signed_in(school).token
    for _ in range(29):
        school.now += timedelta(minutes=20)
        assert school.accounts.session(token) is not None
    school.now += timedelta(minutes=20)
    assert school.accounts.session(token) is None


def test_a_session_does_not_outlive_a_clock_that_is_set_back(school: School) -> None:
    token = signed_in(school).token
    school.now -= timedelta(minutes=2)
    assert school.accounts.session(token) is None


def test_a_stolen_token_is_worth_nothing_after_sign_out(school: School) -> None:
    token = signed_in(school).token
    school.accounts.sign_out(token)
    school.accounts.sign_out(token)
    assert school.accounts.session(token) is None


def test_the_token_of_a_session_is_kept_nowhere(school: School) -> None:
    token = signed_in(school).token
    folder = school.store.path.parent
    assert all(token.encode() not in path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("ending", ["password", "authenticator", "account", "person", "roles"])
def test_what_ends_every_session(school: School, ending: str) -> None:
    token = signed_in(school).token
    with school.store.act() as act:
        match ending:
            case "password":
                school.accounts.set_password(act, "ada", OTHER, actor="p2")
            case "authenticator":
                school.accounts.enrol_totp(act, "ada", actor="p2")
            case "account":
                school.accounts.close(act, "ada", actor="p2")
            case "person":
                school.people.close(act, "p1", actor="p2")
            case _:
                school.people.change_roles(act, "p1", [Role.HEAD_TEACHER], actor="p2")
    assert school.accounts.session(token) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "' OR 1=1 --"])
def test_what_is_no_session(school: School, token: str) -> None:
    signed_in(school)
    assert school.accounts.session(token) is None


def test_a_login_has_ten_sessions_the_oldest_end(school: School) -> None:
    tokens = []
    for _ in range(12):
        tokens.append(signed_in(school).token)
        school.now += timedelta(seconds=1)
    assert [school.accounts.session(token) is not None for token in tokens] == [False] * 2 + [True] * 10


def test_sessions_that_ended_are_cleared_away(school: School) -> None:
    signed_in(school)
    school.now += timedelta(hours=1)
    signed_in(school)
    with school.store.read() as database:
        assert database.execute("SELECT count(*) FROM sessions").fetchone()[0] == 1


@pytest.mark.parametrize("closed", ["account", "person"])
def test_who_is_closed_gets_the_same_sentence(school: School, closed: str) -> None:
    with school.store.act() as act:
        if closed == "account":
            school.accounts.close(act, "ada", actor="p2")
        else:
            school.people.close(act, "p1", actor="p2")
    assert refusal(school, "ada", PASSWORD) == REFUSED_SIGN_IN


@pytest.mark.parametrize(
    ("login", "person", "password", "said"),
    [
        pytest.param("ada", "p1", OTHER, "Found the login taken", id="login-taken"),
        pytest.param("ADA ", "p2", OTHER, "Found the login taken", id="login-taken-in-capitals"),
        pytest.param("a b", "p1", OTHER, "Found a login that cannot be used", id="no-login"),
        pytest.param("", "p1", OTHER, "Found a login that cannot be used", id="empty-login"),
        pytest.param("x" * 65, "p1", OTHER, "Found a login that cannot be used", id="long-login"),
        pytest.param("new", "p9", OTHER, "Found nobody who could have the account", id="unknown-person"),
        pytest.param("new", "p1", "password12", "among the first to be tried", id="common-password"),
    ],
)
def test_an_account_that_cannot_be_made(*, school: School, login: str, person: str, password: str, said: str) -> None:
    with pytest.raises(RefusedRequestError, match=said), school.store.act() as act:
        school.accounts.create(act, login, person, password, actor="p2")
    assert len(school.notes("account_created")) == 2


def test_a_closed_account_can_be_made_anew_for_the_same_person_only(school: School) -> None:
    with school.store.act() as act:
        school.accounts.close(act, "ada", actor="p2")
    with pytest.raises(RefusedRequestError, match="Found the login taken"), school.store.act() as act:
        school.accounts.create(act, "ada", "p2", OTHER, actor="p2")
    with school.store.act() as act:
        school.accounts.create(act, "ada", "p1", OTHER, actor="p2")
    assert school.accounts.sign_in("ada", OTHER).person == "p1"


@pytest.mark.parametrize("closed", [False, True])
def test_an_account_that_is_not_there_cannot_be_changed(school: School, closed: bool) -> None:
    if closed:
        with school.store.act() as act:
            school.accounts.close(act, "ada", actor="p2")
    login = "ada" if closed else "nobody"
    with pytest.raises(RefusedRequestError, match="Found no account of this login"), school.store.act() as act:
        school.accounts.set_password(act, login, OTHER, actor="p2")


def test_an_old_hash_is_made_anew_at_sign_in(school: School) -> None:
    before = school.account("ada")["password_hash"]
    stronger = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    Accounts(school.store, hasher=stronger).sign_in("ada", PASSWORD)
    assert "t=1" in before
    assert "t=2" in school.account("ada")["password_hash"]


def test_a_damaged_hash_lets_nobody_in(school: School) -> None:
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET password_hash = '' WHERE login = 'ada'")
    assert refusal(school, "ada", "") == REFUSED_SIGN_IN


@pytest.mark.parametrize(
    ("written", "login"),
    [("Ada", "ada"), (" ada ", "ada"), ("\uff41da", "ada"), ("a da", ""), ("-ada", ""), ("a@b.c", "a@b.c")],
)
def test_a_login_is_compared_in_one_way(written: str, login: str) -> None:
    assert normal_login(written) == login


def test_passwords_are_kept_as_argon2id(school: School) -> None:
    assert school.account("ada")["password_hash"].startswith("$argon2id$")


def test_a_state_that_is_locked_lets_the_reader_read(school: School) -> None:
    token = signed_in(school).token
    school.now += timedelta(minutes=5)
    other = sqlite3.connect(school.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert school.accounts.session(token) is not None
    other.execute("ROLLBACK")
    other.close()
