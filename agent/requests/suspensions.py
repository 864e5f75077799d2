"""Suspensions: filtering off for a while, asked for by one person, agreed by another, and ended by the clock.

Who may do what is said by `rules.suspension`; here stands how a move becomes permanent. What is statutory stays
blocked throughout, because no policy lifts it.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from agent.logs import log
from agent.people.attempts import UnknownIdError, check_length, check_version, has_left, known_person, noting
from agent.people.people import People, read_person
from agent.requests.asked_groups import read_groups
from agent.requests.filter_context import FilterContext
from agent.storage.state import Act, StateStore, instant_text
from agent.storage.suspension_rows import (
    LIVE,
    FiledSuspension,
    read_suspension,
    read_suspensions,
    write_suspension,
)
from rules.errors import RefusedRequestError, SchoolgateError
from rules.reason import check_reason
from rules.roles import Right, Role, rights_of
from rules.suspension import (
    Extent,
    Move,
    State,
    Suspension,
    SuspensionLimits,
    check_agreement,
    check_suspension,
    fault_of_row,
    next_state,
)

SYSTEM: Final = "system"
_KINDS: Final = {
    Move.AGREE: "suspension_agreed",
    Move.REFUSE: "suspension_refused",
    Move.WITHDRAW: "suspension_withdrawn",
    Move.STOP: "suspension_stopped",
    Move.END: "suspension_ended",
}
_CLOSING: Final = frozenset({Move.STOP, Move.END})
# Why a suspension ended before its time, in the facts of its row.
PLACE_GONE: Final = "place_gone"
REQUESTER_LEFT: Final = "requester_left"
# So far around a suspension, others can follow on each other with breaks between them that are none.
_NEIGHBOURS: Final = timedelta(days=7)

Tell = Callable[[Act, str, FiledSuspension], None]


@dataclass(frozen=True, slots=True)
class AskedSuspension:
    """A request as somebody wrote it; without `from_at` it begins at once. Groups may be classes."""

    until_at: datetime
    reason: str
    networks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_for_school: bool = False
    from_at: datetime | None = None


def _tell_nobody(_act: Act, _what: str, _filed: FiledSuspension) -> None:
    """Stand in for whoever is told."""


class Suspensions:
    """The service that suspensions go through.

    Args:
        store: where acts become permanent.
        people: who is who.
        context: the filter as it is at this moment.
        clock: aware UTC.
        new_id: makes the id of a suspension.
        on_change: called after an act that changes what is open; the act stands whatever becomes of the call.
        tell: called within an act, so that messages are queued in the same transaction.
        limits: what may be asked for.
    """

    def __init__(
        self,
        store: StateStore,
        people: People,
        *,
        context: Callable[[], FilterContext],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        on_change: Callable[[], None] = lambda: None,
        tell: Tell = _tell_nobody,
        limits: SuspensionLimits | None = None,
    ) -> None:
        self._store = store
        self._people = people
        self._context = context
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change
        self._tell = tell
        self._limits = limits or SuspensionLimits()

    # ---- looking -------------------------------------------------------------------------------------------

    def get(self, suspension_id: str) -> FiledSuspension:
        """Give a suspension.

        Raises:
            UnknownIdError: there is none with this id.
        """
        with self._store.read() as database:
            return _existing(database, suspension_id)

    def active(self, database: sqlite3.Connection, now: datetime) -> list[Suspension]:
        """Give the suspensions by which filtering is off at this moment: what a banner and a metric tell."""
        agreed = read_suspensions(database, states=(State.AGREED,), until_after=now)
        return [each.suspension for each in agreed if each.suspension.is_active(now)]

    def everywhere_at(self, filed: FiledSuspension) -> datetime:
        """Say when every device goes by what is on file, at the latest, if the gateway has it now."""
        suspension = filed.suspension
        if suspension.state is State.AGREED:
            return self._context().open_everywhere_at(suspension.from_at, now=self._clock())
        return self._context().closed_everywhere_at(suspension.until_at, now=self._clock())

    # ---- moving --------------------------------------------------------------------------------------------

    def request(self, person: str, asked: AskedSuspension) -> FiledSuspension:
        """Ask for filtering to be off.

        Raises:
            RefusedRequestError: this person cannot ask, or something is wrong with what was written.
        """
        with noting(self._store, person, "suspension_request"), self._store.read() as database:
            if Right.REQUEST_SUSPENSION not in rights_of(known_person(database, person).roles):
                raise RefusedRequestError("None of your roles can ask for filtering to be switched off.")
        check_length(asked.reason)
        _check_zones(asked)
        whom = read_groups(asked.groups, known=self._context().groups, classes=self._people.classes)
        if whom.faults:
            raise RefusedRequestError(" ".join(whom.faults))
        with self._store.act() as act:
            suspension = Suspension(
                id=self._new_id(),
                requester=person,
                extent=Extent(
                    networks=frozenset(asked.networks),
                    groups=whom.groups,
                    is_for_school=asked.is_for_school,
                ),
                reason=asked.reason.strip(),
                state=State.WAITING,
                requested_at=act.now,
                from_at=asked.from_at or act.now,
                until_at=asked.until_at,
            )
            self._check(act, suspension)
            filed = FiledSuspension(suspension, 1)
            return self._file(act, filed, "suspension_requested", person, reason=suspension.reason)

    def agree(self, person: str, suspension_id: str, *, version: int, reason: str = "") -> FiledSuspension:
        """Agree, as the second person, that filtering is off; it is so from now on, where it was to be so before.

        Raises:
            RefusedRequestError: the rules do not give this to this person, or it is decided already.
            ConflictError: it has changed since this person saw it.
        """
        return self._move(person, suspension_id, version, Move.AGREE, reason)

    def refuse(self, person: str, suspension_id: str, *, version: int, reason: str) -> FiledSuspension:
        """Refuse it.

        Raises:
            RefusedRequestError: as for `agree`.
            ConflictError: as for `agree`.
        """
        return self._move(person, suspension_id, version, Move.REFUSE, reason)

    def withdraw(self, person: str, suspension_id: str, *, version: int, reason: str = "") -> FiledSuspension:
        """Take back what this person asked for, before it is decided.

        Raises:
            RefusedRequestError: as for `agree`.
            ConflictError: as for `agree`.
        """
        return self._move(person, suspension_id, version, Move.WITHDRAW, reason)

    def end(self, person: str, suspension_id: str, *, version: int, reason: str = "") -> FiledSuspension:
        """Switch filtering on again before its time.

        Raises:
            RefusedRequestError: as for `agree`.
            ConflictError: as for `agree`.
        """
        return self._move(person, suspension_id, version, Move.STOP, reason)

    def sweep(self) -> int:
        """Write down what has ended, by the clock or because of what is gone; gives how many suspensions that was."""
        now, context = self._clock(), self._context()
        with self._store.read() as database:
            live = read_suspensions(database, states=LIVE)
            over = [(each, why) for each in live if (why := _why_over(database, each, context, now)) is not None]
        done = 0
        for each, why in over:
            with self._store.act() as act:
                filed = _existing(act.database, each.suspension.id)
                if filed.version == each.version:
                    self._end(act, filed, why)
                    done += 1
        if any(why == PLACE_GONE for _, why in over):
            self._publish()
        return done

    # Below everything that names the type: within the class it shadows the built-in.
    def list(
        self, *, states: tuple[State, ...] | None = None, limit: int = 100, offset: int = 0
    ) -> "list[FiledSuspension]":
        """Give suspensions, the newest first."""
        with self._store.read() as database:
            return read_suspensions(database, states=states, limit=limit, offset=offset)

    def _move(self, person: str, suspension_id: str, version: int, move: Move, reason: str) -> FiledSuspension:
        """Make one move in one transaction, or say why not and note the attempt."""
        check_length(reason)
        if move is Move.REFUSE and (fault := check_reason(reason)):
            raise RefusedRequestError(fault)
        with noting(self._store, person, f"suspension_{move}", subject=suspension_id), self._store.act() as act:
            before = _existing(act.database, suspension_id)
            check_version(before.version, version)
            who = known_person(act.database, person)
            if _is_over(before, act.now):
                before = self._end(act, before)
            asker = read_person(act.database, before.suspension.requester)
            asker_roles = asker.roles if asker is not None else frozenset[Role]()
            check_agreement(before.suspension, person=person, roles=who.roles, requester_roles=asker_roles, move=move)
            state = next_state(before.suspension, move)
            if move is Move.AGREE:
                before = replace(before, suspension=self._agreeable(act, before.suspension))
            after = replace(
                before.suspension,
                state=state,
                agreed_by=person if move is Move.AGREE else before.suspension.agreed_by,
                ended_at=act.now if move in _CLOSING else before.suspension.ended_at,
            )
            filed = FiledSuspension(after, before.version + 1)
            self._file(act, filed, _KINDS[move], person, reason=reason.strip())
        if move in {Move.AGREE, Move.STOP}:
            self._publish()
        return filed

    def _agreeable(self, act: Act, suspension: Suspension) -> Suspension:
        """Give what may be agreed to now: what is over of it is left out, because filtering was on.

        Raises:
            RefusedRequestError: whoever asked has left, the site has no such place, or too much was agreed around it.
        """
        if has_left(act.database, suspension.requester):
            raise RefusedRequestError("Whoever asked for this has left the school, so it can only be refused.")
        if gone := _places_gone(suspension, self._context()):
            raise RefusedRequestError(f"{gone[0]} is not in this school any more; refuse the request.")
        suspension = replace(suspension, from_at=max(suspension.from_at, act.now))
        if fault := fault_of_row(suspension, _agreed_around(act.database, suspension), self._limits):
            raise RefusedRequestError(fault)
        return suspension

    def _check(self, act: Act, suspension: Suspension) -> None:
        context = self._context()
        faults = check_suspension(
            suspension,
            now=act.now,
            limits=self._limits,
            known_networks=context.networks,
            known_groups=context.groups,
            agreed=_agreed_around(act.database, suspension),
        )
        if fault := check_reason(suspension.reason):
            faults.append(fault)
        if faults:
            raise RefusedRequestError(" ".join(faults))

    def _end(self, act: Act, filed: FiledSuspension, why: str = "") -> FiledSuspension:
        suspension = filed.suspension
        # What was never agreed has not ended: it is as if it had not begun.
        ended_at = min(act.now, suspension.until_at) if suspension.state is State.AGREED else None
        after = replace(suspension, state=next_state(suspension, Move.END), ended_at=ended_at)
        ended = FiledSuspension(after, filed.version + 1)
        facts = {"was": suspension.state.value} | ({"why": why} if why else {})
        return self._file(act, ended, _KINDS[Move.END], SYSTEM, **facts)

    def _file(
        self, act: Act, filed: FiledSuspension, kind: str, person: str, *, reason: str | None = None, **facts: Any
    ) -> FiledSuspension:
        """Write a suspension and its row in the record."""
        write_suspension(act.database, filed)
        act.note(
            kind,
            actor=person,
            subject=filed.suspension.id,
            facts={**_facts(filed), **facts},
            personal=None if reason is None else {"reason": reason},
        )
        self._tell(act, kind, filed)
        return filed

    def _publish(self) -> None:
        """Let the gateway take the change; the act stands whatever becomes of that."""
        try:
            self._on_change()
        except SchoolgateError as error:
            log.error("policy_not_published", reason=str(error))


def _existing(database: sqlite3.Connection, suspension_id: str) -> FiledSuspension:
    filed = read_suspension(database, suspension_id)
    if filed is None:
        raise UnknownIdError("There is no suspension with that id.")
    return filed


def _is_over(filed: FiledSuspension, now: datetime) -> bool:
    return filed.suspension.state in LIVE and filed.suspension.until_at <= now


def _why_over(
    database: sqlite3.Connection, filed: FiledSuspension, context: FilterContext, now: datetime
) -> str | None:
    """Say in a word why a suspension is over, with none where that is by the clock; None where it is not."""
    suspension = filed.suspension
    if _is_over(filed, now):
        return ""
    if suspension.state is State.AGREED:
        return PLACE_GONE if _places_gone(suspension, context) else None
    return REQUESTER_LEFT if has_left(database, suspension.requester) else None


def _places_gone(suspension: Suspension, context: FilterContext) -> list[str]:
    """Give the networks and groups of a suspension that the site has no more."""
    extent = suspension.extent
    return [*sorted(extent.networks - context.networks), *sorted(extent.groups - context.groups)]


def _agreed_around(database: sqlite3.Connection, suspension: Suspension) -> list[Suspension]:
    """Give the other suspensions that were agreed to for the days around one, also those that are over."""
    states = (State.AGREED, State.STOPPED, State.ENDED)
    found = read_suspensions(database, states=states, until_after=suspension.from_at - _NEIGHBOURS)
    return [each.suspension for each in found if each.suspension.agreed_by and each.suspension.id != suspension.id]


def _check_zones(asked: AskedSuspension) -> None:
    for word, at in (("beginning", asked.from_at), ("end", asked.until_at)):
        if at is not None and at.tzinfo is None:
            raise RefusedRequestError(f"The {word} has no time zone; expected one, such as 2026-11-24T10:15+00:00.")


def _facts(filed: FiledSuspension) -> dict[str, Any]:
    suspension = filed.suspension
    return {
        "state": suspension.state.value,
        "version": filed.version,
        "networks": sorted(suspension.extent.networks),
        "groups": sorted(suspension.extent.groups),
        "is_for_school": suspension.extent.is_for_school,
        "from_at": instant_text(suspension.from_at),
        "until_at": instant_text(suspension.until_at),
        "agreed_by": suspension.agreed_by,
    }
