"""How long media stand with names: at its time, or when a person asks for it, what is over is erased.

Never what is still used, signed out, overdue, lost, or part of a case that is kept.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.fleet.media_desk import SYSTEM, MediaDesk
from agent.people.attempts import UnknownIdError, known_person, noting
from agent.people.people import read_person
from agent.storage.media_erasure import ERASED, Thing, count_about, erase_thing, read_over
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.reason import check_reason
from rules.roles import Right, rights_of

_AT_ONCE: Final = 200
_NUMBERS: Final = {Thing.REPORT: "report", Thing.SIGN_OUT: "sign_out", Thing.EXCEPTION: "exception"}


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many things about somebody were erased, and how many are kept because they are not over."""

    erased: int
    kept: int


class MediaRetention:
    """What ends what is kept about people who have, had or lost a medium."""

    def __init__(self, desk: MediaDesk) -> None:
        self._desk = desk

    def keep(self) -> int:
        """Erase what has been over for as long as the site keeps it; gives how many things there were."""
        store = self._desk.store
        before = store.clock() - self._desk.settings.keep.typical()
        done = 0
        # A report goes with its case, which was kept for its own time; then what it held back goes too.
        for thing in Thing:
            since = None if thing is Thing.REPORT else before
            with store.read() as database:
                over = read_over(database, thing, before=since)[:_AT_ONCE]
            for number in over:
                done += self._erase_one(thing, number, since)
        return done

    def erase_of(self, person: str, about: str, *, reason: str) -> Erasure:
        """Erase everything that is over about somebody who asks for it, however long ago it was.

        Args:
            about: the id of whom it is about.

        Raises:
            RefusedRequestError: whoever does it has no right to, or says no reason.
            UnknownIdError: nobody has this id.
        """
        desk = self._desk
        with noting(desk.store, person, "media_erase"), desk.store.act() as act:
            if Right.ERASE_PERSONAL not in rights_of(known_person(act.database, person).roles):
                raise RefusedRequestError("None of your roles has the right to erase personal, which this takes.")
            if fault := check_reason(reason):
                raise RefusedRequestError(fault)
            if read_person(act.database, about) is None:
                raise UnknownIdError("Nobody at this school is known by that id.")
            erased = 0
            for thing in Thing:
                for number in read_over(act.database, thing, person=about):
                    self._erase(act, thing, number, actor=person, reason=reason.strip())
                    erased += 1
            return Erasure(erased, count_about(act.database, about))

    def _erase_one(self, thing: Thing, number: int, before: datetime | None) -> bool:
        with self._desk.store.act() as act:
            # Somebody may have found it, or opened a case, since this was looked for.
            if not read_over(act.database, thing, before=before, number=number):
                return False
            self._erase(act, thing, number, actor=SYSTEM, reason="the time for which it is kept is over")
            return True

    def _erase(self, act: Act, thing: Thing, number: int, *, actor: str, reason: str) -> None:
        medium = erase_thing(act, thing, number, actor=actor, reason=reason)
        facts: dict[str, str | int] = {"reason": reason}
        facts |= {} if thing is Thing.MEDIUM else {_NUMBERS[thing]: number}
        if medium is None:
            act.note(ERASED[thing], actor=actor, subject=f"{thing}-{number}", facts=facts)
        else:
            self._desk.note(act, ERASED[thing], actor, medium, facts=facts)
