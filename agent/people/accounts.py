"""Accounts: who may sign in, how, and for how long.

Passwords stand as Argon2id, tokens of sessions and machines as SHA-256, so the file lets nobody in. A refused
sign-in costs the same work and says the same sentence, whatever was wrong and whether there is such an account.
"""

import hmac
import re
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from agent.people.common_passwords import is_common
from agent.people.giving import is_waiting, record_made
from agent.people.people import Person, has_account, read_person
from agent.people.sign_in_limit import SignInLimit
from agent.people.tokens import SignedIn, Tokens, hash_of_token, new_token, octets_of
from agent.people.totp import enrolment_uri, new_secret, step_of
from agent.storage.given_rows import end_beginning
from agent.storage.state import Act, StateStore, instant_text
from rules.errors import RefusedRequestError, StorageError
from rules.roles import MANAGERS, PRIVILEGED, rights_of

__all__ = ["Accounts", "Enrolment", "Session", "SignedIn", "check_password_rules", "normal_login"]

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=10)
FAILURES_BEFORE_LOCK: Final = 5
LONGEST_LOCK_MINUTES: Final = 15
MAX_SESSIONS: Final = 10
# The Chestnuts policy, section 15.
MIN_PASSWORD_CHARACTERS: Final = 10
MAX_PASSWORD_CHARACTERS: Final = 1024
REFUSED_SIGN_IN: Final = (
    "The login, the password or the code is not right, or the account is locked for some minutes after too many "
    "attempts; whoever approves or administers also gives the six digits of their authenticator."
)
_MANY: Final = "Many people are signing in at this moment; try again in a few seconds."
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_WAIT_SECONDS: Final = 5.0
MAX_IN_LINE: Final = 16
# A session is written to at most this often, and a clock may step back by as much.
_SEEN_AGAIN: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Session:
    """What somebody who signed in is handed, once."""

    token: str
    csrf: str
    person: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new account or a new authenticator: the secret is shown once, and missing where no code is asked for.

    Where it `waits`, it is no way in for somebody who decides before a second person has confirmed it.
    """

    login: str
    person: str
    totp_secret: str | None = None
    totp_uri: str | None = None
    waits: bool = False


def check_password_rules(password: str, login: str, words: Iterable[str] = ()) -> str | None:
    """Say in a sentence why a password is not taken, or nothing.

    Args:
        words: what everybody would try here, beside the login: the names of the person and of the school.
    """
    length = len(password)
    if length < MIN_PASSWORD_CHARACTERS:
        return f"Found {length} characters in the password; expected at least {MIN_PASSWORD_CHARACTERS}."
    if length > MAX_PASSWORD_CHARACTERS:
        return f"Found {length} characters in the password; expected at most {MAX_PASSWORD_CHARACTERS}."
    if not any(map(str.isalpha, password)) or not any(map(str.isdigit, password)):
        return "Found a password without letters or without digits; expected both."
    if is_common(password, (login, *words)):
        return "Found a password that is among the first to be tried; expected one that only you would think of."
    return None


class Accounts(Tokens):
    """Accounts, sessions and tokens in `state.db`.

    Args:
        clock: when a session or token is asked about; the clock of the store, if none is given.
        hasher: one thread for each password, because the other cores answer DNS.
        limit: how often one address may fail.
        words: what makes a password common at this school, such as its name.
        issuer: what an authenticator calls the place that a code is for.
    """

    def __init__(
        self,
        store: StateStore,
        *,
        clock: Callable[[], datetime] | None = None,
        hasher: PasswordHasher | None = None,
        limit: SignInLimit | None = None,
        words: Iterable[str] = (),
        issuer: str = "Schoolgate",
    ) -> None:
        super().__init__(store, clock=clock)
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._limit = limit or SignInLimit()
        self._words = tuple(words)
        self._issuer = issuer
        # One password at a time: it bounds memory, and nobody guesses twice before the first guess is counted.
        self._turn = threading.Lock()
        # Whoever waits for it holds a thread that others need.
        self._line = threading.BoundedSemaphore(MAX_IN_LINE)
        self._nobodys_hash = self._hasher.hash(secrets.token_bytes(32))

    # Accounts

    def create(self, act: Act, login: str, person: str, password: str, *, actor: str) -> Enrolment:
        """Make an account; whoever is privileged gets the secret of an authenticator with it.

        Raises:
            RefusedRequestError: the login is taken or cannot be one, nobody is known by this id, or the password
                breaks a rule.
        """
        login = normal_login(login)
        if _LOGIN.fullmatch(login) is None:
            raise RefusedRequestError("Found a login that cannot be used; expected letters, digits and . _ - @ only.")
        whose = read_person(act.database, person)
        if whose is None or whose.closed:
            raise RefusedRequestError(
                "Found nobody who could have the account; expected the id of a person at the school."
            )
        known = _account(act.database, login)
        if known is not None and (known["closed_at"] is None or known["person"] != person):
            raise RefusedRequestError("Found the login taken; expected one that nobody has or had.")
        hashed = self._checked_hash(password, login, whose)
        act.database.execute(
            "INSERT INTO accounts (login, person, password_hash, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, totp_secret = NULL, totp_step = NULL, "
            "failed = 0, locked_until = NULL, closed_at = NULL, is_own_password = 0, is_own_code = 0, "
            "managed_at = NULL, created_at = excluded.created_at",
            (login, person, hashed, instant_text(act.now)),
        )
        facts = record_made(act, login, whose, maker=actor)
        act.note("account_created", actor=actor, subject=person, facts=facts, personal={"login": login})
        made = Enrolment(login, person, waits="waiting" in facts)
        return self._enrol(act, made, actor=actor) if whose.given & PRIVILEGED else made

    def enrol_totp(self, act: Act, login: str, *, actor: str) -> Enrolment:
        """Give an account a new authenticator; the old one and every session end.

        Raises:
            RefusedRequestError: there is no such account.
        """
        account = _open_account(act.database, login)
        facts: dict[str, Any] = {}
        if actor != account["person"] and (whose := read_person(act.database, account["person"])):
            facts = record_made(act, account["login"], whose, maker=actor)
        _end_sessions(act, account["login"])
        made = Enrolment(account["login"], account["person"], waits="waiting" in facts)
        return self._enrol(act, made, actor=actor)

    def _enrol(self, act: Act, account: Enrolment, *, actor: str) -> Enrolment:
        secret = new_secret()
        act.database.execute(
            "UPDATE accounts SET totp_secret = ?, totp_step = NULL, is_own_code = ? WHERE login = ?",
            (secret, actor == account.person, account.login),
        )
        act.note("authenticator_enrolled", actor=actor, subject=account.person, personal={"login": account.login})
        uri = enrolment_uri(secret, login=account.login, issuer=self._issuer)
        return replace(account, totp_secret=secret, totp_uri=uri)

    def set_password(self, act: Act, login: str, password: str, *, actor: str) -> None:
        """Give an account a new password; every session and any lock end.

        Raises:
            RefusedRequestError: there is no such account, or the password breaks a rule.
        """
        account = _open_account(act.database, login)
        whose = read_person(act.database, account["person"])
        hashed = self._checked_hash(password, account["login"], whose)
        is_own = actor == account["person"]
        act.database.execute(
            "UPDATE accounts SET password_hash = ?, failed = 0, locked_until = NULL, is_own_password = ? "
            "WHERE login = ?",
            (hashed, is_own, account["login"]),
        )
        facts = {} if is_own or whose is None else record_made(act, account["login"], whose, maker=actor)
        _end_sessions(act, account["login"])
        about = {"login": account["login"]}
        act.note("password_set", actor=actor, subject=account["person"], facts=facts, personal=about)

    def close(self, act: Act, login: str, *, actor: str) -> None:
        """Close an account for good, and with the last one of a person the tokens that act for them.

        Raises:
            RefusedRequestError: there is no such account.
        """
        account = _open_account(act.database, login)
        _end_sessions(act, account["login"])
        act.database.execute(
            "UPDATE accounts SET closed_at = ? WHERE login = ?", (instant_text(act.now), account["login"])
        )
        act.note("account_closed", actor=actor, subject=account["person"], personal={"login": account["login"]})
        if not has_account(act.database, account["person"]):
            self.revoke_tokens_of(act, account["person"], actor=actor)

    def _checked_hash(self, password: str, login: str, person: Person | None) -> str:
        names = () if person is None else (person.name,)
        if fault := check_password_rules(password, login, (*names, *self._words)):
            raise RefusedRequestError(fault)
        return self._hasher.hash(_password_octets(password))

    # Signing in

    def prove(self, token: str, password: str) -> str | None:
        """Give the login of a session whose owner gives the password again; None where it has ended already.

        A session that does not know the password ends, and it counts as a failed sign-in. One asks after the other,
        so that a stolen session guesses once, however many guesses come at the same time.

        Raises:
            RefusedRequestError: it is not the password, or too many people wait.
            StorageError: nothing can be written now.
        """
        with self._in_turn():
            signed_in = self.session(token)
            if signed_in is None:
                return None
            with self._store.read() as database:
                account = _account(database, signed_in.login)
            if self._is_password(account["password_hash"], password):
                return signed_in.login
            with self._store.act() as act:
                _end_session(act, token)
                _refuse(act, _account(act.database, signed_in.login), "wrong")
        raise RefusedRequestError("That is not the password of this account; the session has ended.")

    def sign_in(self, login: str, password: str, totp: str | None = None, address: str = "") -> Session:
        """Begin a session.

        Raises:
            RefusedRequestError: in one sentence that does not tell what was wrong, or that too much is tried.
            StorageError: nobody can sign in now.
        """
        if (above := self._limit.take(address)) > 0:
            if above == 1:
                with self._store.act() as act:
                    facts = {"why": "too_many_from_one_address"}
                    act.note("sign_in_refused", actor="system", facts=facts, personal={"address": address})
            raise RefusedRequestError("Found too many attempts from this address; expected a pause of ten minutes.")
        with self._in_turn():
            session = self._sign_in(normal_login(login), password, totp or "", address)
        self._limit.give_back(address)
        return session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._line.acquire(blocking=False):
            raise RefusedRequestError(_MANY)
        try:
            if not self._turn.acquire(timeout=_WAIT_SECONDS):
                raise RefusedRequestError(_MANY)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._line.release()

    def _sign_in(self, login: str, password: str, totp: str, address: str) -> Session:
        with self._store.read() as database:
            seen = _account(database, login)
        tried_hash = seen["password_hash"] if seen else self._nobodys_hash
        is_right = self._is_password(tried_hash, password)
        session = None
        with self._store.act() as act:
            account = _account(act.database, login)
            person = read_person(act.database, account["person"]) if account else None
            if account is None or person is None:
                act.note("sign_in_refused", actor="system", facts={"why": "unknown"}, personal={"address": address})
                why = "unknown"
            else:
                is_right = is_right and hmac.compare_digest(tried_hash, account["password_hash"])
                step = _step(account, totp, act.now)
                why = _why_refused(account, person, act.now, is_password=is_right, is_code=step is not None)
                if why:
                    _refuse(act, account, why, address)
                else:
                    session = self._begin(act, account, person, step, password)
        if session is None:
            if why == "no_authenticator":
                raise RefusedRequestError(
                    "This account has no authenticator, which its roles need; somebody who manages people enrols one."
                )
            raise RefusedRequestError(REFUSED_SIGN_IN)
        return session

    def _is_password(self, hashed: str, password: str) -> bool:
        octets = _password_octets(password) if len(password) <= MAX_PASSWORD_CHARACTERS else b""
        try:
            return self._hasher.verify(hashed, octets)
        except (VerificationError, InvalidHashError):
            return False

    def _begin(self, act: Act, account: Any, person: Person, step: int | None, password: str) -> Session:
        login, now = account["login"], act.now
        hashed = account["password_hash"]
        if self._hasher.check_needs_rehash(hashed):
            hashed = self._hasher.hash(_password_octets(password))
        manages = account["may_decide"] and not person.roles.isdisjoint(MANAGERS)
        act.database.execute(
            "UPDATE accounts SET failed = 0, locked_until = NULL, password_hash = ?, totp_step = ?, "
            "managed_at = coalesce(managed_at, ?) WHERE login = ?",
            (hashed, account["totp_step"] if step is None else step, instant_text(now) if manages else None, login),
        )
        act.database.execute(
            "DELETE FROM sessions WHERE ends_at <= ? OR seen_at <= ?", (instant_text(now), instant_text(now - IDLE))
        )
        act.database.execute(
            "DELETE FROM sessions WHERE login = ? AND token_hash NOT IN "
            "(SELECT token_hash FROM sessions WHERE login = ? ORDER BY created_at DESC LIMIT ?)",
            (login, login, MAX_SESSIONS - 1),
        )
        session = Session(new_token(), new_token(), person.id, now + LONGEST)
        begun = instant_text(now)
        act.database.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
            (hash_of_token(session.token), login, begun, begun, instant_text(session.ends_at), session.csrf),
        )
        if person.roles & PRIVILEGED:
            about = {"login": login}
            act.note("signed_in", actor=person.id, subject=person.id, personal=about)
        if manages:
            end_beginning(act)
        return session

    def session(self, token: str) -> SignedIn | None:
        """Give who a session belongs to, or nothing once it has ended."""
        now = self._clock()
        hashed = hash_of_token(token)
        with self._store.read() as database:
            row = database.execute(
                "SELECT sessions.*, accounts.person, may_decide FROM sessions JOIN accounts USING (login) "
                "WHERE token_hash = ? AND accounts.closed_at IS NULL",
                (hashed,),
            ).fetchone()
            person = read_person(database, row["person"]) if row else None
        if person is None or person.closed:
            return None
        idle = now - datetime.fromisoformat(row["seen_at"])
        if not -_SEEN_AGAIN <= idle < IDLE or now >= datetime.fromisoformat(row["ends_at"]):
            return None
        if idle >= _SEEN_AGAIN:
            # Whoever reads is not kept from it because nothing can be written.
            with suppress(StorageError), self._store.act() as act:
                act.database.execute(
                    "UPDATE sessions SET seen_at = ? WHERE token_hash = ?", (instant_text(now), hashed)
                )
        if is_waiting(row, person):
            return SignedIn(person.id, frozenset(), row["csrf"], frozenset(), row["login"], is_waiting=True)
        return SignedIn(person.id, person.roles, row["csrf"], rights_of(person.roles), row["login"])

    def sign_out(self, token: str) -> None:
        """End a session; a second time changes nothing."""
        with self._store.act() as act:
            _end_session(act, token)


def normal_login(login: str) -> str:
    """Write a login in the one way in which it is compared; what cannot be one is empty."""
    written = unicodedata.normalize("NFKC", login[:200]).strip().casefold()
    return written if _LOGIN.fullmatch(written) else ""


def _account(database: sqlite3.Connection, login: str) -> Any:
    return database.execute("SELECT * FROM accounts WHERE login = ?", (login,)).fetchone()


def _open_account(database: sqlite3.Connection, login: str) -> Any:
    account = _account(database, normal_login(login))
    if account is None or account["closed_at"] is not None:
        raise RefusedRequestError("Found no account of this login; expected one that is open.")
    return account


def _end_session(act: Act, token: str) -> None:
    act.database.execute("DELETE FROM sessions WHERE token_hash = ?", (hash_of_token(token),))


def _end_sessions(act: Act, login: str) -> None:
    act.database.execute("DELETE FROM sessions WHERE login = ?", (login,))


def _step(account: Any, totp: str, now: datetime) -> int | None:
    if account["totp_secret"] is None:
        return None
    return step_of(account["totp_secret"], totp, at=now, after=account["totp_step"])


def _why_refused(account: Any, person: Person, now: datetime, *, is_password: bool, is_code: bool) -> str:
    if account["locked_until"] is not None and now < datetime.fromisoformat(account["locked_until"]):
        return "locked"
    if not is_password or (account["totp_secret"] is not None and not is_code):
        return "wrong"
    if account["closed_at"] is not None or person.closed:
        return "closed"
    # Whoever waits can set an authenticator of their own, and nothing else that takes one.
    if account["totp_secret"] is None and person.roles & PRIVILEGED and not is_waiting(account, person):
        return "no_authenticator"
    return ""


def _refuse(act: Act, account: Any, why: str, address: str = "") -> None:
    """Count what was wrong, lock the account when it is too much, and note it."""
    if why == "wrong":
        failed = account["failed"] + 1
        locked_until = None
        if failed >= FAILURES_BEFORE_LOCK:
            minutes = min(LONGEST_LOCK_MINUTES, 2 ** min(failed - FAILURES_BEFORE_LOCK, 10))
            locked_until = instant_text(act.now + timedelta(minutes=minutes))
        act.database.execute(
            "UPDATE accounts SET failed = ?, locked_until = ? WHERE login = ?",
            (failed, locked_until, account["login"]),
        )
    about = {"login": account["login"]} | ({"address": address} if address else {})
    act.note("sign_in_refused", actor="system", subject=account["person"], facts={"why": why}, personal=about)


def _password_octets(password: str) -> bytes:
    # The same word typed on two keyboards is the same octets.
    return octets_of(unicodedata.normalize("NFKC", password))
