"""Overrides: asked for by one person, decided by another, each move one transaction with its row in the record.

Who may do what, and which move follows which, is said by `rules`; here stands how a move becomes permanent and
what it sets off. An override is over when the clock says so, whether or not anybody was there to write it down.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from agent.logs import log
from agent.people.attempts import ConflictError, check_length, check_version, known_person, noting
from agent.people.people import People
from agent.requests.asked_groups import read_groups
from agent.requests.asked_names import read_names
from agent.requests.filter_context import FilterContext
from agent.requests.override_acts import (
    KINDS,
    Made,
    Tell,
    UnknownOverrideError,
    begin_again,
    end,
    existing,
    file_override,
    is_over,
    tell_nobody,
)
from agent.requests.override_drafts import Preview, Written, draft
from agent.requests.override_emergencies import check_alone
from agent.requests.override_moves import OPENING, has_lost_its_half, moved
from agent.requests.override_sweep import UseOf, sweep_overrides
from agent.storage.override_rows import Filed, Moved, Use, read_moves, read_overrides
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError, SchoolgateError
from rules.override import Lift, Move, Override, State, narrowed, shared
from rules.reason import check_reason
from rules.roles import Right, rights_of

__all__ = ["ConflictError", "Overrides", "UnknownOverrideError"]

ESCALATE_AFTER: Final = timedelta(hours=4)
_AGREEING: Final = OPENING | {Move.COUNTERSIGN}
_DECIDING: Final = OPENING | {Move.REFUSE}
_NEEDS_REASON: Final = frozenset({Move.NARROW, Move.REFUSE, Move.REVOKE})


def _cannot_tell(_override: Override, _ended_at: datetime) -> Use | None:
    """Stand in for whoever counts."""
    return None


class Overrides:
    """The service that overrides go through.

    Args:
        store: where acts become permanent.
        people: who is who.
        context: the filter as it is at this moment.
        clock: aware UTC.
        new_id: makes the id of an override.
        on_change: called after an act that changes what is open; the act stands whatever becomes of the call.
        tell: called within an act, so that messages are queued in the same transaction.
        use_of: says how an override was used that has ended, or nothing yet.
        escalate_after: says how long a request may wait before that is remarked.
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
        tell: Tell = tell_nobody,
        use_of: UseOf = _cannot_tell,
        escalate_after: Callable[[], timedelta] = lambda: ESCALATE_AFTER,
    ) -> None:
        self._store = store
        self._people = people
        self._context = context
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change
        self._tell = tell
        self._use_of = use_of
        self._escalate_after = escalate_after

    # ---- looking -------------------------------------------------------------------------------------------

    def get(self, override_id: str) -> Filed:
        """Give an override.

        Raises:
            UnknownOverrideError: there is none with this id.
        """
        with self._store.read() as database:
            return existing(database, override_id)

    def moves(self, override_id: str) -> list[Moved]:
        """Give what was done with an override, the oldest first."""
        with self._store.read() as database:
            return read_moves(database, override_id)

    def active(self, database: sqlite3.Connection, now: datetime) -> list[Override]:
        """Give the overrides that are approved and have not ended."""
        return [each.override for each in read_overrides(database, states=(State.APPROVED,), until_after=now)]

    def everywhere_at(self, filed: Filed) -> datetime:
        """Say when every device goes by what is on file, at the latest, if the gateway has it now."""
        lift = filed.override.lift
        if filed.override.state is State.APPROVED:
            return self._context().open_everywhere_at(lift.from_at, now=self._clock())
        return self._context().closed_everywhere_at(lift.until_at, now=self._clock())

    def stays_open(self, filed: Filed) -> list[tuple[Override, tuple[str, ...]]]:
        """Give the other overrides that now open something of this one to some of its people, and what that is."""
        now = self._clock()
        with self._store.read() as database:
            others = [each for each in self.active(database, now) if each.is_active(now)]
        mine = filed.override
        found = ((each, shared(mine.lift, each.lift)) for each in others if each.id != mine.id)
        return [(each, what) for each, what in found if what]

    # ---- asking --------------------------------------------------------------------------------------------

    def preview(self, person: str, written: Written) -> Preview:
        """Show what a request would change; nothing is stored, and no reason is needed yet.

        Raises:
            RefusedRequestError: this person cannot ask.
        """
        self._check_may_ask(person, written)
        context = self._context()
        seen = self._draft(written, context, needs_reason=False)
        if written.is_break_glass and not seen.faults:
            try:
                with self._store.read() as database:
                    check_alone(database, person, seen.lift, context=context, now=self._clock())
            except RefusedRequestError as error:
                return replace(seen, faults=(str(error),))
        return seen

    def request(self, person: str, written: Written) -> Filed:
        """Ask for an override; in an emergency, take it.

        Raises:
            RefusedRequestError: this person cannot ask, nobody can have that, or something is wrong with what was
                written.
        """
        context = self._context()
        with noting(self._store, person, "override_request"):
            self._check_may_ask(person, written)
            seen = self._draft(written, context)
            if seen.stays_blocked:
                raise RefusedRequestError(" ".join(seen.faults))
        if seen.faults:
            raise RefusedRequestError(" ".join(seen.faults))
        kind = "override_broke_glass" if written.is_break_glass else "override_requested"
        with noting(self._store, person, "override_request"), self._store.act() as act:
            if written.is_break_glass:
                check_alone(act.database, person, seen.lift, context=context, now=act.now)
            override = Override(
                id=self._new_id(),
                requester=person,
                lift=seen.lift,
                reason=written.reason.strip(),
                topic=written.topic.strip(),
                state=State.APPROVED if written.is_break_glass else State.WAITING,
                is_break_glass=written.is_break_glass,
                approvers=(),
                requested_at=act.now,
                decided_at=act.now if written.is_break_glass else None,
            )
            personal = {"reason": override.reason, "topic": override.topic}
            made = Made(kind, person, "request", override.reason, personal)
            filed = file_override(act, Filed(override, 1), made, self._tell)
        if written.is_break_glass:
            self._publish()
        return filed

    def _check_may_ask(self, person: str, written: Written) -> None:
        right = Right.BREAK_GLASS if written.is_break_glass else Right.REQUEST_OVERRIDE
        with self._store.read() as database:
            rights = rights_of(known_person(database, person).roles)
        if right not in rights and written.is_break_glass:
            raise RefusedRequestError("Only somebody who decides about overrides can take one in an emergency.")
        if right not in rights:
            raise RefusedRequestError("None of your roles can ask for an override; a teacher can ask for you.")

    def _draft(self, written: Written, context: FilterContext, *, needs_reason: bool = True) -> Preview:
        return draft(written, context, now=self._clock(), classes=self._people.classes, needs_reason=needs_reason)

    # ---- deciding ------------------------------------------------------------------------------------------

    def approve(self, person: str, override_id: str, *, version: int, reason: str = "") -> Filed:
        """Approve what somebody else asked for.

        Names are looked up again: a category that they have lost since is not lifted, and one that they have gained
        is not what anybody asked for.

        Raises:
            RefusedRequestError: the rules do not give this to this person, or the override is decided already.
            ConflictError: it has changed since this person saw it.
        """
        return self._move(person, override_id, version, Move.APPROVE, reason)

    def narrow(
        self,
        person: str,
        override_id: str,
        *,
        version: int,
        reason: str,
        names: Collection[str] | None = None,
        categories: Collection[str] | None = None,
        groups: Collection[str] | None = None,
        until_at: datetime | None = None,
    ) -> Filed:
        """Approve less than was asked for; names, categories and groups are those that stay. Groups may be classes.

        Raises:
            RefusedRequestError: as for `approve`; also where it would become more, or end too soon.
            ConflictError: as for `approve`.
        """
        context = self._context()
        kept = read_names(names or (), limit=context.limits.max_names)
        whom = read_groups(groups or (), known=context.groups, classes=self._people.classes)
        if faults := (*kept.faults, *whom.faults):
            raise RefusedRequestError(" ".join(faults))
        if until_at is not None and until_at.tzinfo is None:
            raise RefusedRequestError("The end has no time zone; expected one, such as 2026-11-24T10:15+00:00.")

        def less(lift: Lift) -> Lift:
            return narrowed(
                lift,
                names=None if names is None else kept.names,
                categories=categories,
                groups=None if groups is None else whom.groups,
                until_at=until_at,
            )

        return self._move(person, override_id, version, Move.NARROW, reason, change=less)

    def refuse(self, person: str, override_id: str, *, version: int, reason: str) -> Filed:
        """Refuse what somebody else asked for.

        Raises:
            RefusedRequestError: as for `approve`.
            ConflictError: as for `approve`.
        """
        return self._move(person, override_id, version, Move.REFUSE, reason)

    def countersign(self, person: str, override_id: str, *, version: int, reason: str = "") -> Filed:
        """Confirm, as a second person, what was taken in an emergency.

        Raises:
            RefusedRequestError: as for `approve`.
            ConflictError: as for `approve`.
        """
        return self._move(person, override_id, version, Move.COUNTERSIGN, reason)

    def withdraw(self, person: str, override_id: str, *, version: int, reason: str = "") -> Filed:
        """Take back what this person asked for, before it is decided.

        Raises:
            RefusedRequestError: somebody else asked for it, or it is decided.
            ConflictError: as for `approve`.
        """
        return self._move(person, override_id, version, Move.WITHDRAW, reason)

    def revoke(self, person: str, override_id: str, *, version: int, reason: str) -> Filed:
        """End an override at once.

        Raises:
            RefusedRequestError: this person may not, or there is nothing to end.
            ConflictError: as for `approve`.
        """
        return self._move(person, override_id, version, Move.REVOKE, reason)

    def sweep(self) -> int:
        """Write down what the clock has done, and tell who should know; gives how many overrides that was about."""
        context = self._context()
        return sweep_overrides(
            self._store,
            now=self._clock(),
            countersign=timedelta(hours=context.limits.countersign_hours),
            escalate_after=self._escalate_after(),
            groups=context.groups,
            use_of=self._use_of,
            tell=self._tell,
            on_close=self._publish,
        )

    # Below everything that names the type: within the class it shadows the built-in.
    def list(
        self,
        *,
        states: Iterable[State] | None = None,
        requester: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> "list[Filed]":
        """Give overrides, the newest first."""
        with self._store.read() as database:
            return read_overrides(database, states=states, requester=requester, limit=limit, offset=offset)

    def _move(
        self,
        person: str,
        override_id: str,
        version: int,
        move: Move,
        reason: str,
        *,
        change: Callable[[Lift], Lift] = lambda lift: lift,
    ) -> Filed:
        """Make one move in one transaction, or say why not and note the attempt."""
        check_length(reason)
        if move in _NEEDS_REASON and (fault := check_reason(reason)):
            raise RefusedRequestError(fault)
        context = self._context()
        with noting(self._store, person, f"override_{move}", subject=override_id), self._store.act() as act:
            before = existing(act.database, override_id)
            check_version(before.version, version)
            who = known_person(act.database, person)
            if is_over(before, act.now):
                before = end(act, before, self._tell)
            elif has_lost_its_half(act.database, before.override):
                before = begin_again(act, before, self._tell)
            after = moved(act.database, before.override, who, move, context=context, now=act.now, change=change)
            is_half = after.state is State.HALF_APPROVED
            after = replace(
                after,
                approvers=(*after.approvers, person) if move in _AGREEING else after.approvers,
                decided_at=act.now if move in _DECIDING and not is_half else after.decided_at,
                decision_reason=reason.strip() or after.decision_reason,
            )
            made = Made(
                KINDS[Move.HALF_APPROVE if is_half else move],
                person,
                move,
                reason.strip(),
                {"reason": reason.strip()},
                {"roles": sorted(role.value for role in who.roles)},
            )
            filed = replace(before, override=after, version=before.version + 1)
            file_override(act, filed, made, self._tell)
        if move is Move.REVOKE or (move in OPENING and not is_half):
            self._publish()
        return filed

    def _publish(self) -> None:
        """Let the gateway take the change; the act stands whatever becomes of that."""
        try:
            self._on_change()
        except SchoolgateError as error:
            log.error("policy_not_published", reason=str(error))
