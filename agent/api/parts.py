"""What the interface works with, handed to it whole, and the door's view of it."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request, Response

from agent.api.banner import off_for, read_off, write_notice
from agent.api.events import Follower, Hub
from agent.api.schemas import Effect, PersonNamed
from agent.api.security import Caller, Known
from agent.filter_changing.filter_changes import FilterChanges
from agent.fleet.fleet import Fleet
from agent.fleet.media import Media
from agent.fleet.rules_register import RulesRegister
from agent.incidents.incidents import Incidents
from agent.notices.notify_acts import Teller
from agent.observing.observing import Observing
from agent.people.accounts import IDLE, Accounts
from agent.people.people import People, read_person
from agent.people.tokens import hash_of_token
from agent.requests.filter_context import FilterContext
from agent.requests.overrides import Overrides
from agent.requests.request_registers import RequestRegisters
from agent.requests.suspensions import Suspensions
from agent.sites.site import Private
from agent.storage.state import StateStore, instant_text
from rules.errors import RefusedRequestError
from rules.roles import Right
from rules.schedule import Schedule


def _nobody_applies() -> bool:
    """Stand in for a gateway that is not there."""
    return False


def _nobody_answers() -> None:
    """Stand in for a gateway that is not there."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the interface.

    Args:
        context: gives the filter as it is at this moment.
        activity: the folder of what was asked day by day; it is only read.
        clock: aware UTC.
        timezone: that of the school, for those who show instants.
        has_applied: says whether the gateway has put the last change in force.
        is_in_force: says whether every worker answers by the newest policy; None where no gateway answers.
        schedules: those of the site in force.
        private: what the site in force says of people.
    """

    store: StateStore
    people: People
    accounts: Accounts
    overrides: Overrides
    suspensions: Suspensions
    filter_changes: FilterChanges
    incidents: Incidents
    observing: Observing
    request_registers: RequestRegisters
    rules_register: RulesRegister
    fleet: Fleet
    media: Media
    context: Callable[[], FilterContext]
    activity: Path
    teller: Teller
    hub: Hub
    follower: Follower
    clock: Callable[[], datetime]
    timezone: str
    has_applied: Callable[[], bool] = _nobody_applies
    is_in_force: Callable[[], bool | None] = _nobody_answers
    schedules: Callable[[], Sequence[Schedule]] = tuple
    private: Callable[[], Private] = Private

    def effect(self, everywhere_by: datetime) -> Effect:
        """Say what became of a change at the filter."""
        return Effect(applied=self.has_applied(), everywhere_by=everywhere_by)


class Door:
    """Who knocks, as accounts and the record know them."""

    def __init__(self, parts: Parts) -> None:
        self._accounts = parts.accounts
        self._store = parts.store
        self._clock = parts.clock
        self._desk = parts.incidents.desk

    def by_session(self, token: str) -> Caller | None:
        """Give whose session this is."""
        signed_in = self._accounts.session(token)
        if signed_in is None:
            return None
        if signed_in.is_waiting:
            return Caller(
                signed_in.person, frozenset(), frozenset(), proof=token, csrf=signed_in.csrf, is_waiting=True
            )
        rights = signed_in.rights | self._rights_by_case(signed_in.person, signed_in.login)
        return Caller(signed_in.person, signed_in.roles, rights, proof=token, csrf=signed_in.csrf)

    def _rights_by_case(self, person: str, login: str) -> frozenset[Right]:
        """Give what somebody may because the site names them, or a pack tells them of some incidents.

        Whoever reads incidents has a second factor, and a role and an account that one person alone did not make.
        Which incidents they read is for the one gate to say.
        """
        query = (
            "SELECT 1 FROM accounts JOIN people ON people.id = accounts.person"
            " WHERE login = ? AND people.id = ? AND totp_secret IS NOT NULL AND may_decide"
        )
        with self._store.read() as database:
            who = read_person(database, person)
            if who is None or database.execute(query, (login, person)).fetchone() is None:
                return frozenset()
            return frozenset({Right.READ_INCIDENTS}) if self._desk.reads_incidents(database, who) else frozenset()

    def by_token(self, secret: str) -> Caller | None:
        """Give in whose name a program comes."""
        found = self._accounts.by_token(secret)
        if found is None:
            return None
        return Caller(found.person, found.roles, found.rights, proof=secret)

    def is_still_welcome(self, caller: Caller) -> bool:
        """Say whether a session or token has not ended; looking does not keep a session awake."""
        if caller.is_program:
            found = self._accounts.by_token(caller.proof)
            return found is not None and found.rights == caller.rights
        with self._store.read() as database:
            row = database.execute(
                "SELECT 1 FROM sessions JOIN accounts USING (login) JOIN people ON people.id = accounts.person"
                " WHERE token_hash = ? AND ends_at > ? AND seen_at > ? AND people.closed_at IS NULL"
                " AND accounts.closed_at IS NULL",
                (hash_of_token(caller.proof), instant_text(self._clock()), instant_text(self._clock() - IDLE)),
            ).fetchone()
            person = read_person(database, caller.person)
        return row is not None and person is not None and person.roles == caller.roles

    def note_refused(self, caller: Caller, *, route: str, wanted: str, named: str = "") -> None:
        """Record that somebody tried what they have no right to, with the request that they tried it with."""
        facts = {"route": route, "wanted": wanted, "by_token": caller.is_program}
        with self._store.act() as act:
            subject = named if _is_request(act.database, route, named) else ""
            act.note("rule_refused", actor=caller.person, subject=subject, facts=facts)

    def notice(self, caller: Caller) -> str | None:
        """Say where filtering is off; who agreed to it is for those who have a right to anything."""
        with self._store.read() as database:
            return write_notice(off_for(read_off(database, self._clock()), caller.rights))


def _is_request(database: sqlite3.Connection, route: str, named: str) -> bool:
    """Say whether an address names an override or a suspension that is there; what is not there may be anything."""
    table = next((each for each in ("overrides", "suspensions") if f"/{each}/{{id}}" in route), None)
    if table is None:
        return False
    return database.execute(f"SELECT 1 FROM {table} WHERE id = ?", (named,)).fetchone() is not None  # noqa: S608 (one of two words)


def names_of(database: sqlite3.Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Read what people are called; who is not known is called by their id."""
    wanted = sorted(set(ids))
    found = dict.fromkeys(wanted, "")
    # A statement of SQLite takes a bounded number of values.
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ", ".join("?" * len(part))
        found.update(database.execute(f"SELECT id, name FROM people WHERE id IN ({marks})", part).fetchall())  # noqa: S608 (marks only)
    return {person: name or person for person, name in found.items()}


def named(person: str, names: Mapping[str, str]) -> PersonNamed:
    """Give a person as they are shown beside something else."""
    return PersonNamed(id=person, name=names.get(person, person))


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in: who asks, what for, and the head of the response."""

    parts: Parts
    caller: Caller
    response: Response

    @property
    def person(self) -> str:
        """The id of who asks."""
        return self.caller.person

    def may(self, right: Right) -> bool:
        """Say whether who asks has a right."""
        return right in self.caller.rights

    @property
    def only_of(self) -> str | None:
        """Whose requests alone who asks may see: their own; None with the right to read all of them."""
        return None if self.may(Right.READ_OVERRIDES) else self.person

    def check_own(self, right: Right, requester: str) -> None:
        """Check that a program without a right touches only what the person requested whose token it has.

        Raises:
            RefusedRequestError: it is somebody else's.
        """
        if self.caller.is_program and not self.may(right) and requester != self.person:
            raise RefusedRequestError(
                "With this token only what its owner asked for can be ended; this is not theirs."
            )

    def may_see(self, requester: str) -> bool:
        """Say whether who asks may see what this person requested."""
        return self.only_of in (None, requester)


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


WithParts = Annotated[Parts, Depends(_parts)]


async def _call(parts: WithParts, caller: Known, response: Response) -> Call:
    return Call(parts, caller, response)


Asking = Annotated[Call, Depends(_call)]
