"""What everything that is done with media has at hand: the store, the calendar, who may, and how it is noted."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from agent.fleet.media_serials import MediaSerials
from agent.people.attempts import UnknownIdError, known_person
from agent.people.people import Person
from agent.sites.site import MediaSettings, NoticeKind, Site
from agent.storage.media_rows import Move, read_medium, write_move
from agent.storage.permit_rows import read_open_sign_out
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError
from rules.medium import Medium
from rules.roles import Right, Role, rights_of

SYSTEM: Final = "system"
NOT_THERE: Final = "There is no medium with that number that you may see."
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Tell(Protocol):
    """Tells, within an act, of a medium; see `agent.notices.notify_acts.Teller.medium`."""

    def __call__(
        self,
        act: Act,
        kind: NoticeKind,
        medium: str = "",
        *,
        what: str = "",
        on: date | None = None,
        people: Collection[str] = (),
        roles: Collection[Role] = (),
        right: Right | None = None,
        but: Collection[str] = (),
    ) -> None:
        """Tell them."""


@dataclass(frozen=True, slots=True)
class MediaDesk:
    """The means that the services share.

    Args:
        site: the site in force.
    """

    store: StateStore
    site: Callable[[], Site]
    tell: Tell
    serials: MediaSerials

    @property
    def settings(self) -> MediaSettings:
        """What the site says of media."""
        return self.site().private.media

    def day_of(self, at: datetime) -> date:
        """Give the day at the school."""
        return at.astimezone(self._zone).date()

    def end_of(self, day: date) -> datetime:
        """Give the first instant after a day at the school."""
        return datetime.combine(day + timedelta(days=1), time(), self._zone).astimezone(UTC)

    def last_day_of_exceptions(self, at: datetime) -> date:
        """Give the last day to which an exception that somebody asks for now may last."""
        # A site may write the length in school days, and no calendar of a school is at hand here.
        return self.day_of(at + self.settings.exception_longest.typical())

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.site().school.timezone)

    # ---- who may -------------------------------------------------------------------------------------------

    def staff(self, database: sqlite3.Connection, person: str) -> Person:
        """Give who wants to do something with media.

        Raises:
            RefusedRequestError: they are not known, have left, or are none of the staff.
        """
        who = known_person(database, person)
        if Right.USE_MEDIA not in rights_of(who.roles):
            raise RefusedRequestError("None of your roles has the right to use media, which this takes.")
        return who

    def person(self, database: sqlite3.Connection, person: str) -> Person:
        """Give who looks at something.

        Raises:
            RefusedRequestError: they are not known, or have left.
        """
        return known_person(database, person)

    def manager(self, database: sqlite3.Connection, person: str) -> Person:
        """Give who wants to do something for everybody.

        Raises:
            RefusedRequestError: they have no right to it.
        """
        who = known_person(database, person)
        if not manages(who):
            raise RefusedRequestError("None of your roles has the right to manage media, which this takes.")
        return who

    def owner(self, database: sqlite3.Connection, person: str) -> Person:
        """Give whose a medium is to be, or who is to have it.

        Raises:
            RefusedRequestError: they have left, are not known, or are none of the staff.
        """
        try:
            who = known_person(database, person)
        except RefusedRequestError:
            raise RefusedRequestError(
                "Whoever is to have the medium is not known or has left; expected somebody who is at the school."
            ) from None
        if Right.USE_MEDIA not in rights_of(who.roles):
            raise RefusedRequestError("Whoever has a medium is on the staff; this person is not.")
        return who

    def seen(self, database: sqlite3.Connection, person: str, number: int) -> tuple[Person, Medium]:
        """Give somebody, and a medium that they may see: their own, one that they have, or any to a manager.

        Raises:
            UnknownIdError: there is none.
        """
        who, medium = self.staff(database, person), self.existing(database, number)
        if not manages(who) and medium.owner != who.id:
            open_ = read_open_sign_out(database, number)
            if open_ is None or open_.person != who.id:
                raise UnknownIdError(NOT_THERE)
        return who, medium

    def existing(self, database: sqlite3.Connection, number: int) -> Medium:
        """Read a medium.

        Raises:
            UnknownIdError: there is none with this number.
        """
        medium = read_medium(database, number)
        if medium is None:
            raise UnknownIdError(NOT_THERE)
        return medium

    # ---- what is written down ------------------------------------------------------------------------------

    def note(
        self,
        act: Act,
        kind: str,
        person: str,
        medium: int,
        *,
        facts: Mapping[str, Any] = _NOTHING,
        words: Mapping[str, str] = _NOTHING,
    ) -> None:
        """Write a row of the record, and of the history of the medium.

        Args:
            words: what people wrote, and whom it is about; it stands apart, so that it can be erased.
        """
        said = {name: text for name, text in words.items() if text}
        row = act.note(kind, actor=person, subject=called(medium), facts=dict(facts), personal=said or None)
        write_move(act, medium, Move(act.now, person, kind, facts, said, row))


def called(medium: int) -> str:
    """Give a medium as people say it."""
    return f"M-{medium}"


def manages(who: Person) -> bool:
    """Say whether somebody manages the media of others."""
    return Right.MANAGE_MEDIA in rights_of(who.roles)
