"""Media that may be used although they are not encrypted, or nobody can tell: asked for, decided by another, over.

What lets something pass ends by itself; that it is written down afterwards changes nothing of when.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from agent.fleet.media_desk import SYSTEM, MediaDesk, called, manages
from agent.people.attempts import UnknownIdError, check_version, noting
from agent.people.people import Person
from agent.sites.site import NoticeKind
from agent.storage.media_rows import read_by_key
from agent.storage.permit_rows import read_exception, read_exceptions, read_exceptions_over, write_exception
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.medium import (
    ExceptionMove,
    ExceptionState,
    MediumException,
    MediumState,
    check_said,
    check_second_person,
    check_until,
    next_exception_state,
    stands,
)
from rules.roles import Right, rights_of

NO_EXCEPTION: Final = "There is no exception with that number that you may see."
_MAX_OPEN: Final = 20
_AT_ONCE: Final = 200
_KINDS: Final = {
    ExceptionMove.ALLOW: "media_exception_allowed",
    ExceptionMove.REFUSE: "media_exception_refused",
    ExceptionMove.WITHDRAW: "media_exception_withdrawn",
    ExceptionMove.REVOKE: "media_exception_revoked",
    ExceptionMove.END: "media_exception_ended",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """For what a medium is needed as it is, and to the end of which day."""

    purpose: str
    until_on: date


class MediaExceptions:
    """Exceptions as people ask for and decide them; each raises `RefusedRequestError` where the rules say no."""

    def __init__(self, desk: MediaDesk) -> None:
        self._desk = desk

    def ask(self, person: str, number: int, asked: Asked) -> MediumException:
        """Ask that one's own medium may be used as it is."""
        desk = self._desk
        with noting(desk.store, person, "media_exception_ask", subject=called(number)), desk.store.act() as act:
            who, medium = desk.seen(act.database, person, number)
            if medium.owner != who.id:
                raise RefusedRequestError(
                    f"Only whoever answers for {called(number)} asks for an exception; another person decides."
                )
            if medium.state is not MediumState.REGISTERED:
                raise RefusedRequestError(f"{called(number)} is {stands(medium.state)}, so nothing is let pass.")
            return self._ask(act, who.id, asked, medium=number, serial_key=medium.serial_key)

    def ask_from_laptop(
        self, act: Act, person: str, serial_key: str, asked: Asked, *, device: str
    ) -> MediumException:
        """Ask, in the name of whoever uses a laptop, that a medium may be used as it is; it may be on no register.

        Args:
            device: the id of the laptop.
        """
        who = self._desk.staff(act.database, person)
        medium = read_by_key(act.database, serial_key)
        if medium is not None and medium.owner != who.id:
            raise RefusedRequestError(f"Only whoever answers for {called(medium.number)} asks for an exception.")
        number = None if medium is None else medium.number
        return self._ask(act, who.id, asked, medium=number, serial_key=serial_key, device=device)

    def allow(self, person: str, number: int, *, version: int, reason: str = "") -> MediumException:
        """Let somebody else use a medium as it is."""
        return self._move(person, number, ExceptionMove.ALLOW, version=version, reason=reason)

    def refuse(self, person: str, number: int, *, version: int, reason: str) -> MediumException:
        """Refuse what somebody else asked for, or end what was let pass, with why."""
        check_said(reason, "reason")
        return self._move(person, number, ExceptionMove.REFUSE, version=version, reason=reason)

    def withdraw(self, person: str, number: int, *, version: int) -> MediumException:
        """Give up what one asked for oneself."""
        return self._move(person, number, ExceptionMove.WITHDRAW, version=version)

    def sweep(self) -> int:
        """Write down which exceptions are over, and tell whose they were."""
        store = self._desk.store
        with store.read() as database:
            if not read_exceptions_over(database, store.clock()):
                return 0
        with store.act() as act:
            over = read_exceptions_over(act.database, act.now)[:_AT_ONCE]
            for before in over:
                self._file(act, SYSTEM, before, ExceptionMove.END)
        return len(over)

    def _ask(
        self, act: Act, person: str, asked: Asked, *, medium: int | None, serial_key: str, device: str = ""
    ) -> MediumException:
        desk = self._desk
        check_said(asked.purpose, "purpose")
        today = desk.day_of(act.now)
        check_until(asked.until_on, today, latest=desk.last_day_of_exceptions(act.now))
        self._check_not_asked(act, person, medium, serial_key)
        exception = write_exception(
            act,
            MediumException(
                medium=medium,
                serial_key=serial_key,
                asked_by=person,
                purpose=asked.purpose.strip(),
                until_on=asked.until_on,
                until_at=desk.end_of(asked.until_on),
                state=ExceptionState.WAITING,
                asked_at=act.now,
                device=device,
            ),
        )
        facts = {**_facts(exception), "until_on": asked.until_on.isoformat(), "is_from_laptop": bool(device)}
        words = {"purpose": exception.purpose}
        self._note(act, "media_exception_asked", person, exception, facts=facts, words=words)
        desk.tell(
            act,
            NoticeKind.MEDIA_WAITS,
            _medium_of(exception),
            what=f"E-{exception.number}",
            right=Right.DECIDE_MEDIA_EXCEPTION,
            but={person},
        )
        return exception

    def _check_not_asked(self, act: Act, person: str, medium: int | None, serial_key: str) -> None:
        waiting = read_exceptions(act.database, asked_by=person, state=ExceptionState.WAITING)
        for each in waiting:
            if (medium is not None and each.medium == medium) or (serial_key and each.serial_key == serial_key):
                raise RefusedRequestError(f"This was asked for already (E-{each.number}); expected a decision first.")
        if len(waiting) >= _MAX_OPEN:
            raise RefusedRequestError(f"Found {len(waiting)} exceptions that wait; expected decisions first.")

    def _move(
        self, person: str, number: int, move: ExceptionMove, *, version: int, reason: str = ""
    ) -> MediumException:
        desk = self._desk
        with noting(desk.store, person, f"media_exception_{move}", subject=f"E-{number}"), desk.store.act() as act:
            who = desk.staff(act.database, person)
            before = read_exception(act.database, number)
            if before is None:
                raise UnknownIdError(NO_EXCEPTION)
            self._check_may(act, who, before, move)
            check_version(before.version, version)
            if move is ExceptionMove.REFUSE and before.state is ExceptionState.ALLOWED:
                move = ExceptionMove.REVOKE
            return self._file(act, who.id, before, move, reason=reason.strip())

    def _check_may(self, act: Act, who: Person, exception: MediumException, move: ExceptionMove) -> None:
        is_theirs = who.id == exception.asked_by
        if not is_theirs and not manages(who):
            raise UnknownIdError(NO_EXCEPTION)
        if move is ExceptionMove.WITHDRAW:
            if not is_theirs:
                raise RefusedRequestError("Only whoever asked can withdraw this; somebody else can refuse it.")
            return
        own = {exception.asked_by}
        if exception.medium is not None:
            own.add(self._desk.existing(act.database, exception.medium).owner)
        check_second_person(who.id, rights_of(who.roles), Right.DECIDE_MEDIA_EXCEPTION, own=frozenset(own))

    def _file(
        self, act: Act, person: str, before: MediumException, move: ExceptionMove, *, reason: str = ""
    ) -> MediumException:
        state = next_exception_state(before, move, act.now)
        after = replace(before, state=state, version=before.version + 1)
        if move in (ExceptionMove.ALLOW, ExceptionMove.REFUSE, ExceptionMove.REVOKE):
            after = replace(after, decided_at=act.now, decided_by=person, reason=reason)
        write_exception(act, after)
        self._note(act, _KINDS[move], person, after, facts=_facts(after), words={"reason": reason})
        if move is not ExceptionMove.WITHDRAW:
            what, people = f"E-{after.number}", (after.asked_by,)
            self._desk.tell(act, NoticeKind.MEDIA_DECIDED, _medium_of(after), what=what, people=people)
        return after

    def _note(
        self,
        act: Act,
        kind: str,
        person: str,
        exception: MediumException,
        *,
        facts: dict[str, Any],
        words: dict[str, str],
    ) -> None:
        if exception.medium is not None:
            self._desk.note(act, kind, person, exception.medium, facts=facts, words=words)
            return
        said = {name: text for name, text in words.items() if text}
        act.note(kind, actor=person, subject=f"E-{exception.number}", facts=facts, personal=said or None)


def _facts(exception: MediumException) -> dict[str, Any]:
    return {"exception": exception.number, "state": exception.state.value}


def _medium_of(exception: MediumException) -> str:
    return "" if exception.medium is None else called(exception.medium)
