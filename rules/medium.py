"""Media that leave a desk: what is on record of one, who may take it where until when, and what is let pass.

Each lifecycle is a table: an illegal move is a missing key. That something is overdue, or that an exception is over,
is no state: it is read off the day. What a person states of a medium is kept as stated; whether it is so is for
whoever has looked at it to say, and stands elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.errors import RefusedRequestError
from rules.reason import check_words
from rules.roles import Right

MAX_LINE_CHARACTERS: Final = 200
MAX_SERIAL_CHARACTERS: Final = 128
# Nobody plans to delete something later than that.
_MAX_PURGE_DAYS: Final = 3660
# So many days late somebody is told, then again with those who stand above, step by step.
REMINDED_AFTER_DAYS: Final = (1, 3, 7)


class MediumKind(StrEnum):
    """What a medium is."""

    STICK = "stick"
    DISK = "disk"
    CARD = "card"
    PHONE = "phone"
    LAPTOP = "laptop"
    PAPER = "paper"
    OTHER = "other"


class Stated(StrEnum):
    """What its owner says of its encryption, which proves nothing."""

    ENCRYPTED = "encrypted"
    PLAIN = "plain"
    UNKNOWN = "unknown"


class MediumState(StrEnum):
    """Where a medium stands."""

    REGISTERED = "registered"
    LOST = "lost"
    DISPOSED = "disposed"


class MediumMove(StrEnum):
    """What is done with a medium; PURGE states that what was on it is deleted."""

    CHANGE = "change"
    ATTEST = "attest"
    PURGE = "purge"
    DISPOSE = "dispose"
    LOSE = "lose"
    FIND = "find"


class SignOutState(StrEnum):
    """Where a permit stands; what is LOST did not come back."""

    WAITING = "waiting"
    OUT = "out"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    LOST = "lost"


class SignOutMove(StrEnum):
    """What is done with a permit."""

    ALLOW = "allow"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    SIGN_IN = "sign_in"
    LOSE = "lose"


class ExceptionState(StrEnum):
    """Where an exception stands; ENDED writes down what the clock has done."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    ENDED = "ended"


class ExceptionMove(StrEnum):
    """What is done with an exception."""

    ALLOW = "allow"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    END = "end"


class LostHow(StrEnum):
    """What became of what is gone."""

    LOST = "lost"
    STOLEN = "stolen"


MEDIUM_TRANSITIONS: Final[Mapping[tuple[MediumState, MediumMove], MediumState]] = MappingProxyType(
    {
        (MediumState.REGISTERED, MediumMove.CHANGE): MediumState.REGISTERED,
        (MediumState.REGISTERED, MediumMove.ATTEST): MediumState.REGISTERED,
        (MediumState.REGISTERED, MediumMove.PURGE): MediumState.REGISTERED,
        (MediumState.REGISTERED, MediumMove.DISPOSE): MediumState.DISPOSED,
        (MediumState.REGISTERED, MediumMove.LOSE): MediumState.LOST,
        # How it was protected is asked when it is gone, too.
        (MediumState.LOST, MediumMove.ATTEST): MediumState.LOST,
        (MediumState.LOST, MediumMove.FIND): MediumState.REGISTERED,
        # What never comes back is written off.
        (MediumState.LOST, MediumMove.DISPOSE): MediumState.DISPOSED,
    }
)
SIGN_OUT_TRANSITIONS: Final[Mapping[tuple[SignOutState, SignOutMove], SignOutState]] = MappingProxyType(
    {
        (SignOutState.WAITING, SignOutMove.ALLOW): SignOutState.OUT,
        (SignOutState.WAITING, SignOutMove.REFUSE): SignOutState.REFUSED,
        (SignOutState.WAITING, SignOutMove.WITHDRAW): SignOutState.WITHDRAWN,
        (SignOutState.OUT, SignOutMove.SIGN_IN): SignOutState.RETURNED,
        (SignOutState.OUT, SignOutMove.LOSE): SignOutState.LOST,
        (SignOutState.WAITING, SignOutMove.LOSE): SignOutState.WITHDRAWN,
    }
)
EXCEPTION_TRANSITIONS: Final[Mapping[tuple[ExceptionState, ExceptionMove], ExceptionState]] = MappingProxyType(
    {
        (ExceptionState.WAITING, ExceptionMove.ALLOW): ExceptionState.ALLOWED,
        (ExceptionState.WAITING, ExceptionMove.REFUSE): ExceptionState.REFUSED,
        (ExceptionState.WAITING, ExceptionMove.WITHDRAW): ExceptionState.WITHDRAWN,
        (ExceptionState.WAITING, ExceptionMove.END): ExceptionState.ENDED,
        (ExceptionState.ALLOWED, ExceptionMove.WITHDRAW): ExceptionState.WITHDRAWN,
        (ExceptionState.ALLOWED, ExceptionMove.REVOKE): ExceptionState.REVOKED,
        (ExceptionState.ALLOWED, ExceptionMove.END): ExceptionState.ENDED,
    }
)
_DONE_TO_MEDIUM: Final = {
    MediumMove.CHANGE: "changed",
    MediumMove.ATTEST: "attested",
    MediumMove.PURGE: "cleared",
    MediumMove.DISPOSE: "disposed of",
    MediumMove.LOSE: "reported as lost",
    MediumMove.FIND: "found",
}
_DONE_TO_SIGN_OUT: Final = {
    SignOutMove.ALLOW: "allowed",
    SignOutMove.REFUSE: "refused",
    SignOutMove.WITHDRAW: "withdrawn",
    SignOutMove.SIGN_IN: "signed in",
    SignOutMove.LOSE: "reported as lost",
}
_DONE_TO_EXCEPTION: Final = {
    ExceptionMove.ALLOW: "allowed",
    ExceptionMove.REFUSE: "refused",
    ExceptionMove.WITHDRAW: "withdrawn",
    ExceptionMove.REVOKE: "revoked",
    ExceptionMove.END: "ended",
}


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium as it is on the register; people are ids, and nobody once that is erased.

    `number` is 0 before it is filed. `serial_key` is the keyed hash of its serial number with vendor and product,
    `serial_only` that of the serial number alone; both empty where nobody gave one. What is foreign is not the
    school's, and was brought in. `reminded` counts the reminders that it should have been cleared.
    """

    kind: MediumKind
    owner: str
    purpose: str
    registered_at: datetime
    registered_by: str
    number: int = 0
    version: int = 1
    state: MediumState = MediumState.REGISTERED
    label: str = ""
    place: str = ""
    stated: Stated = Stated.UNKNOWN
    holds_personal_data: bool = False
    is_foreign: bool = False
    checked_on: date | None = None
    purge_on: date | None = None
    serial_key: str = ""
    serial_only: str = ""
    reminded: int = 0
    attestation_asked_at: datetime | None = None
    attested_at: datetime | None = None
    attested_by: str = ""
    attested: str = ""
    disposed_at: datetime | None = None
    disposed_by: str = ""
    disposal: str = ""


@dataclass(frozen=True, slots=True)
class SignOut:
    """A permit: a medium of the school goes out, or a foreign one comes in, until the end of a day.

    `person` is who has it. `climbed` counts how often somebody was told that it is overdue.
    """

    medium: int
    is_foreign: bool
    person: str
    purpose: str
    due_on: date
    state: SignOutState
    asked_at: datetime
    asked_by: str
    number: int = 0
    version: int = 1
    decided_at: datetime | None = None
    decided_by: str = ""
    returned_at: datetime | None = None
    returned_by: str = ""
    climbed: int = 0
    reason: str = ""

    def is_overdue(self, today: date) -> bool:
        """Say whether it should have come back before this day."""
        return self.state is SignOutState.OUT and today > self.due_on


@dataclass(frozen=True, slots=True)
class MediumException:
    """A medium that may be used although it is not encrypted, or nobody can tell whether it is.

    `medium` is None where a laptop asked for one that is on no register. It holds to the end of `until_on`, which is
    `until_at`.
    """

    medium: int | None
    serial_key: str
    asked_by: str
    purpose: str
    until_on: date
    until_at: datetime
    state: ExceptionState
    asked_at: datetime
    device: str = ""
    number: int = 0
    version: int = 1
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""

    def holds(self, at: datetime) -> bool:
        """Say whether it lets something pass at this instant."""
        return self.state is ExceptionState.ALLOWED and at < self.until_at


# ---- moves -----------------------------------------------------------------------------------------------------


def next_medium_state(medium: Medium, move: MediumMove) -> MediumState:
    """Say where a move leads.

    Raises:
        RefusedRequestError: the move does not belong to the state.
    """
    following = MEDIUM_TRANSITIONS.get((medium.state, move))
    if following is None:
        expected = " or ".join(stands(state) for state, each in MEDIUM_TRANSITIONS if each is move)
        raise RefusedRequestError(
            f"M-{medium.number} is {stands(medium.state)}, so it cannot be {_DONE_TO_MEDIUM[move]};"
            f" expected one that is {expected}."
        )
    return following


def next_sign_out_state(sign_out: SignOut, move: SignOutMove) -> SignOutState:
    """Say where a move leads.

    Raises:
        RefusedRequestError: the move does not belong to the state.
    """
    following = SIGN_OUT_TRANSITIONS.get((sign_out.state, move))
    if following is not None:
        return following
    if move is SignOutMove.SIGN_IN:
        raise RefusedRequestError(
            f"S-{sign_out.number} is {sign_out.state}, so there is nothing to sign in; expected one that is out."
        )
    raise RefusedRequestError(f"S-{sign_out.number} is {sign_out.state}, so it cannot be {_DONE_TO_SIGN_OUT[move]}.")


def next_exception_state(exception: MediumException, move: ExceptionMove, at: datetime) -> ExceptionState:
    """Say where a move leads at an instant.

    Raises:
        RefusedRequestError: the move does not belong to the state, or the time of the exception is over.
    """
    following = EXCEPTION_TRANSITIONS.get((exception.state, move))
    if following is None:
        raise RefusedRequestError(
            f"E-{exception.number} is {exception.state}, so it cannot be {_DONE_TO_EXCEPTION[move]}."
        )
    if move is ExceptionMove.ALLOW and at >= exception.until_at:
        raise RefusedRequestError(
            f"E-{exception.number} was asked for until {exception.until_on}, which is over; expected a new request."
        )
    return following


def stands(state: MediumState) -> str:
    """Say where a medium stands as people say it."""
    return "disposed of" if state is MediumState.DISPOSED else state.value


# ---- checks ----------------------------------------------------------------------------------------------------


def check_medium(medium: Medium, today: date, *, before: Medium | None = None) -> None:
    """Check what somebody says of a medium; what has not changed is not checked again.

    Raises:
        RefusedRequestError: a purpose that says nothing, a line too long, a purge date in the past, a check to come.
    """
    if before is None or medium.purpose != before.purpose:
        check_said(medium.purpose, "purpose")
    for what, text in (("storage place", medium.place), ("label", medium.label)):
        if len(text) > MAX_LINE_CHARACTERS:
            raise RefusedRequestError(
                f"The {what} has {len(text)} characters; expected at most {MAX_LINE_CHARACTERS}."
            )
        if not text.isprintable():
            raise RefusedRequestError(f"The {what} holds a control character; expected one line of readable text.")
    if medium.checked_on is not None and medium.checked_on > today:
        raise RefusedRequestError(
            f"The day of the virus check is {medium.checked_on}, which is to come; expected {today} or before."
        )
    if medium.purge_on is None or (before is not None and medium.purge_on == before.purge_on):
        return
    if medium.purge_on < today:
        raise RefusedRequestError(
            f"The day on which it is cleared is {medium.purge_on}, which is past; expected {today} or later."
        )
    if medium.purge_on > today + timedelta(days=_MAX_PURGE_DAYS):
        raise RefusedRequestError(
            f"The day on which it is cleared is {medium.purge_on}; expected one within ten years."
        )


def check_said(text: str, what: str) -> None:
    """Check that somebody said something that somebody else understands.

    Raises:
        RefusedRequestError: they did not.
    """
    if fault := check_words(text, what):
        raise RefusedRequestError(fault)


def parse_serial(text: str) -> str:
    """Read a serial number as all systems tell it alike: without spaces around it, in capitals.

    Raises:
        RefusedRequestError: it is empty or too long, or holds a character that no serial number has.
    """
    serial = text.strip()
    if not any(character.isalnum() for character in serial):
        raise RefusedRequestError("The serial number has no letter or digit; expected it as it stands on the medium.")
    if len(serial) > MAX_SERIAL_CHARACTERS:
        raise RefusedRequestError(
            f"The serial number has {len(serial)} characters; expected at most {MAX_SERIAL_CHARACTERS}."
        )
    if not serial.isprintable():
        raise RefusedRequestError(
            "The serial number holds a control character; expected it as it stands on the medium."
        )
    return serial.upper()


def check_due(due_on: date, today: date, *, longest_days: int) -> None:
    """Check until when somebody wants to have a medium.

    Raises:
        RefusedRequestError: that is before today, or longer than the school allows.
    """
    if due_on < today:
        raise RefusedRequestError(f"The day on which it is due back is {due_on}; expected {today} or later.")
    if due_on > today + timedelta(days=longest_days):
        raise RefusedRequestError(
            f"The day on which it is due back is {due_on}; this school allows {longest_days} days, so to"
            f" {today + timedelta(days=longest_days)} at the latest."
        )


def check_until(until_on: date, today: date, *, latest: date) -> None:
    """Check until when somebody wants an exception.

    Raises:
        RefusedRequestError: that is before today, or longer than the school allows.
    """
    if until_on < today:
        raise RefusedRequestError(f"The last day of the exception is {until_on}; expected {today} or later.")
    if until_on > latest:
        raise RefusedRequestError(
            f"The last day of the exception is {until_on}; this school allows none beyond {latest}."
        )


def check_second_person(person: str, rights: frozenset[Right], needed: Right, *, own: frozenset[str]) -> None:
    """Check that somebody may decide about what others want.

    Args:
        own: the ids of those whose own it is.

    Raises:
        RefusedRequestError: they have no right to it, or it is their own.
    """
    if needed not in rights:
        what = needed.replace("_", " ")
        raise RefusedRequestError(f"None of your roles has the right to {what}, which this takes.")
    if person in own:
        raise RefusedRequestError("This is about a medium of your own, so somebody else must decide about it.")


def steps_reached(due_on: date, today: date) -> int:
    """Say how many steps of reminders are reached: none while it is not overdue."""
    late = (today - due_on).days
    return sum(late >= days for days in REMINDED_AFTER_DAYS)
