"""Accounts: made for somebody by who manages people, and taken over by their owner with a password of their own.

Whoever makes an account sees its first password and authenticator. `POST /me/password` and `POST /me/authenticator`
end that; until then two people may know them, and the record says who made the account.
"""

import secrets
import sqlite3
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from pydantic import SecretStr

from agent.api.parts import Parts, WithParts
from agent.api.people_schemas import AccountAsked, AccountTold, Login, OwnPassword, Proof
from agent.api.problems import ProblemError, UnknownThingError
from agent.api.security import Caller, Known
from agent.people.accounts import Enrolment, normal_login
from agent.people.attempts import noting
from agent.people.namesakes import check_not_oneself
from agent.people.people import read_person
from agent.sites.site import NoticeKind
from rules.errors import RefusedRequestError
from rules.roles import DECIDING

# No letters and digits that look alike, since the first password is read aloud or written down.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_FIRST_PASSWORD_CHARACTERS: Final = 16


def add_account_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/accounts", status_code=HTTPStatus.CREATED)(create)
    router.delete("/accounts/{login}", status_code=HTTPStatus.NO_CONTENT)(close)
    router.post("/me/password", status_code=HTTPStatus.NO_CONTENT)(set_own_password)
    router.post("/me/authenticator", status_code=HTTPStatus.CREATED)(enrol_own_authenticator)


def create(asked: AccountAsked, caller: Known, parts: WithParts) -> AccountTold:
    """Make an account for somebody; the first password and the authenticator's secret are shown this once.

    One for somebody who decides waits until they have set both themselves and a second person has confirmed it.
    """
    password, store = _first_password(), parts.store
    with noting(store, caller.person, "account_create", subject=asked.person), store.act() as act:
        _check_way_in(act.database, asked.person, caller.person)
        made = parts.accounts.create(act, asked.login, asked.person, password, actor=caller.person)
        if made.waits:
            parts.teller.people(act, NoticeKind.PEOPLE_WAITING, but={caller.person, made.person})
    return _told(made, password)


def _check_way_in(database: sqlite3.Connection, person: str, maker: str) -> None:
    """Check who makes a way in for somebody who decides: a second one could be used unseen.

    Raises:
        RefusedRequestError: they have an account that is open, or are called as whoever makes it.
    """
    whose = read_person(database, person)
    if whose is None or whose.given.isdisjoint(DECIDING):
        return
    query = "SELECT login FROM accounts WHERE person = ? AND closed_at IS NULL"
    if has := database.execute(query, (person,)).fetchone():
        raise RefusedRequestError(
            f"{whose.name} decides and has the account {has['login']} already; close that one first."
        )
    check_not_oneself(whose, read_person(database, maker))


def close(login: Login, caller: Known, parts: WithParts) -> None:
    """Close an account and end its sessions; the person stays."""
    try:
        with parts.store.act() as act:
            if _decides(act.database, login):
                parts.teller.people(act, NoticeKind.DECIDER_CLOSED)
            parts.accounts.close(act, login, actor=caller.person)
    except RefusedRequestError:
        raise UnknownThingError("account") from None


def _decides(database: sqlite3.Connection, login: str) -> bool:
    """Say whether an account is that of somebody who decides."""
    row = database.execute("SELECT person FROM accounts WHERE login = ?", (normal_login(login),)).fetchone()
    owner = read_person(database, row["person"]) if row else None
    return owner is not None and not owner.roles.isdisjoint(DECIDING)


def set_own_password(asked: OwnPassword, caller: Known, parts: WithParts) -> None:
    """Give one's own account another password; every session ends, this one too."""
    login = _proven(parts, caller, asked.password)
    with parts.store.act() as act:
        parts.accounts.set_password(act, login, asked.new_password.get_secret_value(), actor=caller.person)


def enrol_own_authenticator(asked: Proof, caller: Known, parts: WithParts) -> AccountTold:
    """Give one's own account another authenticator; every session ends, this one too."""
    login = _proven(parts, caller, asked.password)
    with parts.store.act() as act:
        return _told(parts.accounts.enrol_totp(act, login, actor=caller.person), None)


def _proven(parts: Parts, caller: Caller, password: SecretStr) -> str:
    """Ask for the password again and give the login; a session that does not know it ends."""
    try:
        login = parts.accounts.prove(caller.proof, password.get_secret_value())
    except RefusedRequestError as error:
        raise ProblemError(HTTPStatus.FORBIDDEN, "sign-in-refused", str(error)) from None
    if login is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "sign-in-refused", "The session has ended already.")
    return login


def _first_password() -> str:
    """Give a password of letters and digits, about 79 bits of chance."""
    while True:
        word = "".join(secrets.choice(_ALPHABET) for _ in range(_FIRST_PASSWORD_CHARACTERS))
        if any(character.isdigit() for character in word) and any(character.isalpha() for character in word):
            return word


def _told(made: Enrolment, password: str | None) -> AccountTold:
    return AccountTold(
        login=made.login,
        person=made.person,
        waits=made.waits,
        password=password,
        totp_secret=made.totp_secret,
        totp_uri=made.totp_uri,
    )
