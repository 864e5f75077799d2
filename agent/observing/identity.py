"""Who is behind a device at a time, as far as sign-ins tell: never a person where it is not clear which.

A log-on says who opened a device, not who sits at it. Whatever speaks against one person takes the person out of it:
an account or a device that several use, two people at one device, one account at two devices, a sign-in of long ago
that nobody ended, an account of a member of staff at a device of pupils.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from agent.observing.known_devices import UNKNOWN, Known
from agent.storage.presence_rows import Presence, SignIn, read_at_device, read_of_person
from rules.observation import Confidence
from rules.subject import Audience

MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
# So long after it was last heard of, a sign-in that nobody ended still says who is there.
FRESH_FOR: Final = timedelta(hours=2)

SIGNED_IN: Final = "signed_in"
NETWORK_LOG_ON: Final = "network_log_on"
ADDRESS_ONLY: Final = "address_only"
SHARED_DEVICE: Final = "shared_device"
SHARED_ACCOUNT: Final = "shared_account"
UNKNOWN_ACCOUNT: Final = "unknown_account"
SEVERAL_PEOPLE: Final = "several_people"
TWO_DEVICES: Final = "two_devices"
OLD_SIGN_IN: Final = "old_sign_in"
STAFF_AT_PUPIL_DEVICE: Final = "staff_at_pupil_device"
WHYS: Final = (
    SIGNED_IN,
    NETWORK_LOG_ON,
    ADDRESS_ONLY,
    SHARED_DEVICE,
    SHARED_ACCOUNT,
    UNKNOWN_ACCOUNT,
    SEVERAL_PEOPLE,
    TWO_DEVICES,
    OLD_SIGN_IN,
    STAFF_AT_PUPIL_DEVICE,
)

_Reader: TypeAlias = Callable[[sqlite3.Connection, str, datetime, datetime], list[Presence]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an observation is about: `subject` is the pseudonym of a person, or of the device where that is not clear.

    `why` are codes of `WHYS`.
    """

    subject: str
    confidence: Confidence
    why: tuple[str, ...]
    audience: Audience
    groups: frozenset[str]


def identify(
    device: str,
    minute: datetime,
    here: Sequence[Presence],
    elsewhere: Sequence[Presence],
    *,
    audience: Audience,
    known: Known = UNKNOWN,
) -> Identity:
    """Say who is behind a device in a minute.

    Args:
        device: its pseudonym.
        minute: when it begins.
        here: who is at it in that minute.
        elsewhere: where else somebody of these is in that minute.
        audience: that of the network that the device is in.
        known: what the site says of the device.
    """
    if not here and not known.is_shared:
        return Identity(device, Confidence.D, (ADDRESS_ONLY,), audience, known.groups)
    doubts = _doubts(minute, here, elsewhere, audience, known)
    if doubts:
        return Identity(device, Confidence.C, doubts, audience, known.groups)
    is_attested = any(each.kind is SignIn.ATTESTED for each in here)
    return Identity(
        here[0].person,
        Confidence.A if is_attested else Confidence.B,
        (SIGNED_IN if is_attested else NETWORK_LOG_ON,),
        here[0].audience or audience,
        known.groups.union(*(each.groups for each in here)),
    )


def _doubts(
    minute: datetime, here: Sequence[Presence], elsewhere: Sequence[Presence], audience: Audience, known: Known
) -> tuple[str, ...]:
    old = [each for each in here if each.until_at is None and minute > each.told_at + FRESH_FOR]
    doubts = {
        SHARED_DEVICE: known.is_shared,
        SHARED_ACCOUNT: any(each.kind is SignIn.SHARED for each in here),
        UNKNOWN_ACCOUNT: any(not each.person and each.kind is not SignIn.SHARED for each in here),
        SEVERAL_PEOPLE: len({each.person for each in here}) > 1,
        TWO_DEVICES: bool(elsewhere),
        OLD_SIGN_IN: bool(here) and len(old) == len(here),
        STAFF_AT_PUPIL_DEVICE: audience is Audience.PUPIL and any(each.audience is Audience.STAFF for each in here),
    }
    return tuple(code for code, holds in doubts.items() if holds)


class Identities:
    """Who is behind devices, by the sign-ins of one moment of the state, read an hour at a time.

    Args:
        database: one moment of the state.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._found: dict[tuple[str, datetime, Audience, Known], Identity] = {}
        self._hours: dict[tuple[_Reader, str, datetime], list[Presence]] = {}

    def at(self, device: str, minute: datetime, *, audience: Audience, known: Known = UNKNOWN) -> Identity:
        """Say who is behind a device in the minute that begins then."""
        key = device, minute, audience, known
        identity = self._found.get(key)
        if identity is None:
            identity = self._found[key] = self.told_with(device, minute, audience=audience, known=known, further=())
        return identity

    def told_with(
        self,
        device: str,
        minute: datetime,
        *,
        audience: Audience,
        known: Known = UNKNOWN,
        further: Sequence[Presence],
    ) -> Identity:
        """Say who is behind a device in a minute, with what whoever tells of it knows of who signed in."""
        here = [*self._present(read_at_device, device, minute), *further]
        elsewhere = [
            each
            for person in {each.person for each in here if each.person}
            for each in self._present(read_of_person, person, minute)
            if each.device != device
        ]
        return identify(device, minute, here, elsewhere, audience=audience, known=known)

    def _present(self, read: _Reader, whose: str, minute: datetime) -> list[Presence]:
        hour = minute.replace(minute=0)
        key = read, whose, hour
        found = self._hours.get(key)
        if found is None:
            found = self._hours[key] = read(self._database, whose, hour, hour + _HOUR)
        return [each for each in found if each.covers(minute, minute + MINUTE)]
