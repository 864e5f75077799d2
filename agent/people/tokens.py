"""Tokens for machines, and who a request comes from.

A token carries some rights of the person it acts for, never those that take a person who is there: no script
approves anything, opens an account or makes further tokens.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.people.people import fault_of_text, read_person
from agent.storage.state import Act, StateStore, instant_text
from rules.errors import RefusedRequestError
from rules.roles import Right, Role, rights_of

# What takes a person, who is there and has shown a second factor.
NEVER_IN_TOKENS: Final = frozenset(
    {
        Right.DECIDE_OVERRIDE,
        Right.DECIDE_SENSITIVE_OVERRIDE,
        Right.BREAK_GLASS,
        Right.COUNTERSIGN,
        Right.AGREE_SUSPENSION,
        Right.APPROVE_FILTER_CHANGE,
        Right.SIGN_OFF_RECORD,
        Right.ERASE_PERSONAL,
        Right.MANAGE_PEOPLE,
        Right.ISSUE_TOKENS,
        Right.MANAGE_DEVICES,
    }
)
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a request comes from; `rights` are those of the person, for a token only those that it was made for.

    Who comes by an account that `is_waiting` for a second person to confirm it has neither roles nor rights here.
    """

    person: str
    roles: frozenset[Role]
    csrf: str
    rights: frozenset[Right]
    login: str = ""
    is_waiting: bool = False

    def is_own_csrf(self, written: str) -> bool:
        """Say whether a form or header carries the word of this session; a token has none."""
        return bool(self.csrf) and hmac.compare_digest(self.csrf.encode(), octets_of(written))


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a list shows it."""

    id: str
    person: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None


class Tokens:
    """The tokens in `state.db`; the clock of the store tells when one has ended, if no other is given."""

    def __init__(self, store: StateStore, *, clock: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._clock = clock or store.clock

    def issue_token(
        self,
        act: Act,
        person: str,
        label: str,
        scopes: Collection[str],
        ends_at: datetime | None = None,
        *,
        actor: str | None = None,
    ) -> str:
        """Make a token and give its secret, `sg_ID_…`, which is shown once.

        Args:
            scopes: the rights that it carries, some of those of the person, now and each time it is used.

        Raises:
            RefusedRequestError: no label, no such person, a right that the person or any token does not have, an end
                in the past.
        """
        whose = read_person(act.database, person)
        if whose is None or whose.closed:
            raise RefusedRequestError("Found nobody whom the token could act for; expected a person at the school.")
        if fault := fault_of_text(label):
            raise RefusedRequestError(
                f"The label of a token cannot be used: {fault.replace('a name', 'what it is for')}."
            )
        if ends_at is not None and ends_at <= act.now:
            raise RefusedRequestError("Found an end of the token in the past; expected one to come.")
        may = rights_of(whose.roles) - NEVER_IN_TOKENS
        if not scopes or (wrong := sorted(set(scopes) - {right.value for right in may})):
            found = f"the scope {wrong[0][:40]!r}" if scopes else "no scope"
            expected = ", ".join(sorted(may)) or "none, because this person has no right that a machine may use"
            raise RefusedRequestError(f"Found {found}; expected some of: {expected}.")
        carried = sorted(set(scopes))
        token = secrets.token_hex(4)
        secret = f"sg_{token}_{new_token()}"
        ends = None if ends_at is None else instant_text(ends_at)
        act.database.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                token,
                hash_of_token(secret),
                person,
                label,
                json.dumps(sorted(set(scopes))),
                instant_text(act.now),
                ends,
            ),
        )
        facts = {"token": token, "scopes": carried, "ends_at": ends}
        act.note("token_issued", actor=actor or person, subject=person, facts=facts, personal={"label": label})
        return secret

    def by_token(self, secret: str) -> SignedIn | None:
        """Give who a token acts for and what it may do, or nothing if it is none or has ended."""
        with self._store.read() as database:
            row = database.execute("SELECT * FROM tokens WHERE token_hash = ?", (hash_of_token(secret),)).fetchone()
            person = read_person(database, row["person"]) if row else None
        if person is None or person.closed or row["revoked_at"] is not None:
            return None
        if row["ends_at"] is not None and self._clock() >= datetime.fromisoformat(row["ends_at"]):
            return None
        scopes = set(json.loads(row["scopes"]))
        rights = frozenset(right for right in rights_of(person.roles) - NEVER_IN_TOKENS if right.value in scopes)
        return SignedIn(person.id, person.roles, "", rights)

    def revoke_token(self, act: Act, token: str, *, actor: str) -> None:
        """End a token; a second time changes nothing.

        Raises:
            RefusedRequestError: there is no such token.
        """
        row = act.database.execute("SELECT person, revoked_at FROM tokens WHERE id = ?", (token,)).fetchone()
        if row is None:
            raise RefusedRequestError(f"Found no token {token[:40]!r}; expected the id of one.")
        if row["revoked_at"] is None:
            act.database.execute("UPDATE tokens SET revoked_at = ? WHERE id = ?", (instant_text(act.now), token))
            act.note("token_revoked", actor=actor, subject=row["person"], facts={"token": token})

    def revoke_tokens_of(self, act: Act, person: str, *, actor: str) -> None:
        """End every token that acts for a person."""
        query = "SELECT id FROM tokens WHERE person = ? AND revoked_at IS NULL ORDER BY created_at, id"
        for row in act.database.execute(query, (person,)).fetchall():
            self.revoke_token(act, row["id"], actor=actor)

    def tokens(self) -> tuple[Token, ...]:
        """Give every token, the newest first; never its secret."""
        with self._store.read() as database:
            return tuple(map(_token, database.execute("SELECT * FROM tokens ORDER BY created_at DESC, id")))


def new_token() -> str:
    """Make a secret that nobody guesses."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_of_token(token: str) -> str:
    """Give what is kept of a token; its own randomness stands in for the work of a password hash."""
    return hashlib.sha256(octets_of(token)).hexdigest()


def octets_of(text: str) -> bytes:
    """Write any text as octets, half characters too."""
    return text.encode("utf-8", "surrogatepass")


def _token(row: Any) -> Token:
    ends, revoked = (None if row[at] is None else datetime.fromisoformat(row[at]) for at in ("ends_at", "revoked_at"))
    scopes = tuple(json.loads(row["scopes"]))
    created_at = datetime.fromisoformat(row["created_at"])
    return Token(row["id"], row["person"], row["label"], scopes, created_at, ends, revoked)
