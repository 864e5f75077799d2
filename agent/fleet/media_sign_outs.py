"""Media that go out of the school, and foreign ones that come in: who has which until when, and who let them.

Where the school wants a second person, that is one who manages media, and neither who has it nor who answers for it;
that it came back is for such a person to say, too.
"""

import sqlite3
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from agent.fleet.media_desk import NOT_THERE, SYSTEM, MediaDesk, called, manages
from agent.people.attempts import UnknownIdError, check_version, noting
from agent.people.people import Person
from agent.sites.site import NoticeKind
from agent.storage.permit_rows import (
    read_open_sign_out,
    read_sign_out,
    read_sign_outs,
    write_sign_out,
)
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.medium import (
    Medium,
    MediumState,
    SignOut,
    SignOutMove,
    SignOutState,
    check_due,
    check_said,
    check_second_person,
    next_sign_out_state,
    stands,
    steps_reached,
)
from rules.roles import Right, Role, rights_of

_AT_ONCE: Final = 200
# Who is told beside whoever has it, step by step.
_CLIMBING: Final = (
    frozenset[Role](),
    frozenset({Role.ICT_COORDINATOR, Role.NETWORK_MANAGER}),
    frozenset({Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.HEAD_TEACHER}),
)
_DECISIONS: Final = (SignOutMove.ALLOW, SignOutMove.REFUSE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants: for whom, without a person for themselves, for what and until the end of which day."""

    purpose: str
    due_on: date
    person: str = ""


class SignOuts:
    """Permits as people ask for and decide them; each raises `RefusedRequestError` where the rules say no."""

    def __init__(self, desk: MediaDesk) -> None:
        self._desk = desk

    def sign_out(self, person: str, number: int, wanted: Wanted) -> SignOut:
        """Ask to take a medium out, or to bring a foreign one in; where nobody else must agree, it is let at once."""
        desk = self._desk
        with noting(desk.store, person, "medium_sign_out", subject=called(number)), desk.store.act() as act:
            who, medium = desk.seen(act.database, person, number)
            holder = desk.owner(act.database, wanted.person) if wanted.person else who
            if holder.id != who.id:
                desk.manager(act.database, person)
            self._check_there(act, medium)
            check_said(wanted.purpose, "purpose")
            check_due(wanted.due_on, desk.day_of(act.now), longest_days=desk.settings.longest_days)
            is_let = desk.settings.sign_out_needs == "nobody" or self._is_second(who, holder.id, medium)
            permit = write_sign_out(
                act,
                SignOut(
                    medium=number,
                    is_foreign=medium.is_foreign,
                    person=holder.id,
                    purpose=wanted.purpose.strip(),
                    due_on=wanted.due_on,
                    state=SignOutState.OUT if is_let else SignOutState.WAITING,
                    asked_at=act.now,
                    asked_by=who.id,
                    decided_at=act.now if is_let else None,
                    decided_by=who.id if is_let else "",
                ),
            )
            kind = "medium_signed_out" if is_let else "sign_out_asked"
            facts = {**self._facts(permit), "due_on": permit.due_on.isoformat()}
            words = {"person": holder.id, "purpose": permit.purpose}
            desk.note(act, kind, who.id, number, facts=facts, words=words)
            if not is_let:
                but = {holder.id, who.id, medium.owner}
                what = _called(permit)
                desk.tell(act, NoticeKind.MEDIA_WAITS, called(number), what=what, right=Right.MANAGE_MEDIA, but=but)
            return permit

    def allow(self, person: str, number: int, *, version: int, reason: str = "") -> SignOut:
        """Let somebody else take a medium."""
        return self._move(person, number, SignOutMove.ALLOW, version=version, reason=reason)

    def refuse(self, person: str, number: int, *, version: int, reason: str) -> SignOut:
        """Refuse what somebody else asked for, with why."""
        check_said(reason, "reason")
        return self._move(person, number, SignOutMove.REFUSE, version=version, reason=reason)

    def withdraw(self, person: str, number: int, *, version: int) -> SignOut:
        """Take back what one asked for oneself."""
        return self._move(person, number, SignOutMove.WITHDRAW, version=version)

    def sign_in(self, person: str, number: int, *, version: int | None = None) -> SignOut:
        """Write down that a medium is back, or that a foreign one is gone again."""
        return self._move(person, number, SignOutMove.SIGN_IN, version=version)

    def open_of(self, person: str, number: int) -> SignOut:
        """Give the permit of a medium that is out, or that somebody asks for.

        Raises:
            UnknownIdError: there is no such medium that this person may see.
            RefusedRequestError: it is not out, and nobody asks for it.
        """
        store = self._desk.store
        with noting(store, person, "medium_sign_in", subject=called(number)):
            with store.read() as database:
                self._desk.seen(database, person, number)
                permit = read_open_sign_out(database, number)
            if permit is None:
                raise RefusedRequestError(f"{called(number)} is not signed out, so there is nothing to sign in.")
            return permit

    def lose(self, act: Act, medium: int, person: str) -> SignOut | None:
        """Write down that what was out will not come back; gives how it stood before."""
        before = read_open_sign_out(act.database, medium)
        if before is not None:
            state = next_sign_out_state(before, SignOutMove.LOSE)
            after = replace(before, state=state, version=before.version + 1)
            write_sign_out(act, after)
            self._desk.note(act, f"sign_out_{state}", person, medium, facts=self._facts(after))
        return before

    # ---- by the clock --------------------------------------------------------------------------------------

    def sweep(self) -> int:
        """Tell of what is overdue whoever has it, then whoever manages media, then the head teacher."""
        today = self._desk.day_of(self._desk.store.clock())
        with self._desk.store.read() as database:
            if not any(self._is_due(each, today) for each in self._late(database, today)):
                return 0
        with self._desk.store.act() as act:
            late = [each for each in self._late(act.database, today) if self._is_due(each, today)][:_AT_ONCE]
            for permit in late:
                self._remind(act, permit, today)
        return len(late)

    def _late(self, database: sqlite3.Connection, today: date) -> list[SignOut]:
        return read_sign_outs(database, states=(SignOutState.OUT,), due_before=today, limit=-1)

    def _is_due(self, permit: SignOut, today: date) -> bool:
        return steps_reached(permit.due_on, today) > permit.climbed

    def _remind(self, act: Act, permit: SignOut, today: date) -> None:
        reached = steps_reached(permit.due_on, today)
        write_sign_out(act, replace(permit, climbed=reached))
        facts = {**self._facts(permit), "due_on": permit.due_on.isoformat(), "step": reached}
        self._desk.note(act, "sign_out_overdue", SYSTEM, permit.medium, facts=facts)
        self._desk.tell(
            act,
            NoticeKind.MEDIA_OVERDUE,
            called(permit.medium),
            what=_called(permit),
            on=permit.due_on,
            people=(permit.person,),
            roles=_CLIMBING[reached - 1],
        )

    # ---- parts of each -------------------------------------------------------------------------------------

    def _move(self, person: str, number: int, move: SignOutMove, *, version: int | None, reason: str = "") -> SignOut:
        desk = self._desk
        with noting(desk.store, person, f"sign_out_{move}", subject=f"S-{number}"), desk.store.act() as act:
            who = desk.staff(act.database, person)
            before = read_sign_out(act.database, number)
            if before is None:
                raise UnknownIdError(NOT_THERE)
            medium = desk.existing(act.database, before.medium)
            self._check_may(who, before, medium, move)
            if version is not None:
                check_version(before.version, version)
            after = replace(before, state=next_sign_out_state(before, move), version=before.version + 1)
            if move is SignOutMove.ALLOW:
                check_due(before.due_on, desk.day_of(act.now), longest_days=desk.settings.longest_days)
            if move in _DECISIONS:
                after = replace(after, decided_at=act.now, decided_by=who.id, reason=reason.strip())
            elif move is SignOutMove.SIGN_IN:
                after = replace(after, returned_at=act.now, returned_by=who.id)
            write_sign_out(act, after)
            facts, words = self._facts(after), {"reason": reason.strip()}
            desk.note(act, _KINDS[move], who.id, before.medium, facts=facts, words=words)
            if move in _DECISIONS:
                people = {before.person, before.asked_by}
                desk.tell(act, NoticeKind.MEDIA_DECIDED, called(before.medium), what=_called(after), people=people)
            return after

    def _check_may(self, who: Person, permit: SignOut, medium: Medium, move: SignOutMove) -> None:
        is_theirs = who.id in {permit.person, permit.asked_by}
        if not is_theirs and not manages(who) and medium.owner != who.id:
            raise UnknownIdError(NOT_THERE)
        if move is SignOutMove.WITHDRAW:
            if not is_theirs:
                raise RefusedRequestError("Only whoever asked can withdraw this; somebody else can refuse it.")
        elif move is SignOutMove.SIGN_IN and self._desk.settings.sign_out_needs == "nobody":
            return
        else:
            own = frozenset({permit.person, medium.owner} | ({permit.asked_by} if move in _DECISIONS else set()))
            check_second_person(who.id, rights_of(who.roles), Right.MANAGE_MEDIA, own=own)

    def _is_second(self, who: Person, holder: str, medium: Medium) -> bool:
        """Say whether whoever writes it down is the second person, at the desk."""
        return manages(who) and who.id not in {holder, medium.owner}

    def _check_there(self, act: Act, medium: Medium) -> None:
        """Check that a medium can be taken.

        Raises:
            RefusedRequestError: it is lost or gone, or somebody has it or asks for it.
        """
        if medium.state is not MediumState.REGISTERED:
            raise RefusedRequestError(f"{called(medium.number)} is {stands(medium.state)}, so nobody can take it.")
        permit = read_open_sign_out(act.database, medium.number)
        if permit is not None:
            is_out = permit.state is SignOutState.OUT
            how = "is signed out" if is_out else "is asked for"
            raise RefusedRequestError(
                f"{called(medium.number)} {how} already ({_called(permit)}); expected one that is there."
            )

    def _facts(self, permit: SignOut) -> dict[str, Any]:
        return {"sign_out": permit.number, "is_foreign": permit.is_foreign, "state": permit.state.value}


_KINDS: Final = {
    SignOutMove.ALLOW: "medium_signed_out",
    SignOutMove.REFUSE: "sign_out_refused",
    SignOutMove.WITHDRAW: "sign_out_withdrawn",
    SignOutMove.SIGN_IN: "medium_signed_in",
}


def _called(permit: SignOut) -> str:
    return f"S-{permit.number}"
