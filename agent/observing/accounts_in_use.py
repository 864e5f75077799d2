"""An account in use where it is not expected: at two devices at once, or one of staff at a device of pupils.

Either two people use an account or its holder forgot to sign out: that is about the account, and so about its holder.
Whoever else may have used it is known by the device alone, and never by whose device that is. A changeover, a device
that several share and a person who waits behind another at the same screen are none of it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.observing.identity import STAFF_AT_PUPIL_DEVICE, TWO_DEVICES
from agent.observing.known_devices import KnownDevices
from agent.storage.observation_rows import write_told
from agent.storage.presence_rows import Presence, SignIn, read_at_device, read_of_person
from agent.storage.state import Act
from rules.incident_kind import Kind
from rules.observation import OTHER_DEVICE, Place
from rules.subject import Audience

# Who goes from one room to the next, and from one device to another, is done with it by then.
CHANGEOVER: Final = timedelta(minutes=10)
_HOUR: Final = timedelta(hours=1)


class AccountsInUse:
    """What is looked for each time that a sign-in was told.

    Args:
        known: the devices that the site knows.
    """

    def __init__(self, known: Callable[[], KnownDevices]) -> None:
        self._known = known

    def look(self, act: Act, presence: Presence, *, network: Audience | None, is_staffs: bool = False) -> None:
        """Let be weighed what a sign-in shows of its account.

        Args:
            network: whose the network is that its device is in, where that is known.
            is_staffs: whether the device itself is known to be one of staff, and so none of pupils.
        """
        if presence.audience is None:
            return
        others = list(self._at_once(act, presence))
        for signals, other in enumerate(others, start=1):
            _tell_two_devices(act, presence, other, signals)
        if presence.audience is Audience.STAFF and not is_staffs:
            self._look_at_staff(act, presence, others, network)

    def _at_once(self, act: Act, presence: Presence) -> Iterator[Presence]:
        """Give the other devices at which an account was in use at the same time for certain."""
        found: dict[str, Presence] = {}
        for each in read_of_person(act.database, presence.person, presence.from_at, presence.ends_at):
            if each.device != presence.device and _overlap(presence, each) >= CHANGEOVER:
                found.setdefault(each.device, each)
        if found and self._is_one_persons(act, presence):
            yield from (each for each in found.values() if self._is_one_persons(act, each))

    def _look_at_staff(self, act: Act, presence: Presence, others: list[Presence], network: Audience | None) -> None:
        """Tell of an account of staff at a device of pupils: by its network, or by who else had it that hour."""
        if _known_until(presence) - presence.from_at < CHANGEOVER:
            return
        signs = (network is Audience.PUPIL) + _was_pupils(act, presence)
        if not signs or not self._is_one_persons(act, presence):
            return
        is_attested = presence.kind is SignIn.ATTESTED
        # A telephone that is on the network beside says nothing of who is at this device.
        signs += is_attested and any(each.kind is SignIn.ATTESTED for each in others)
        content: dict[str, Any] = {
            "at": presence.from_at.isoformat(),
            "device": presence.device,
            "is_device": True,
            "why": [STAFF_AT_PUPIL_DEVICE],
            "audience": Audience.PUPIL.value,
            "place": Place.UNKNOWN.value,
            "facts": {
                "kind": Kind.STAFF_ACCOUNT.value,
                "signals": signs,
                "is_weak": not is_attested,
                "account": presence.person,
            },
        }
        write_told(act, f"{STAFF_AT_PUPIL_DEVICE} {presence.id} {signs}", content)

    def _is_one_persons(self, act: Act, presence: Presence) -> bool:
        """Say whether a device was one person's while they were signed in, as far as anybody knows."""
        if any(_others_at(act, presence, presence.from_at)):
            return False
        known = self._known()
        on = presence.from_at.astimezone(ZoneInfo(known.site.school.timezone)).date()
        return not known.of(presence.device, on).is_shared


def _tell_two_devices(act: Act, presence: Presence, other: Presence, signals: int) -> None:
    """Let it be weighed that an account is in use at two devices at once; who uses it nobody says.

    A telephone and a laptop that are both on the network are a weak sign.
    """
    _, later = sorted((presence, other), key=_begun)
    is_weak = not (presence.kind is other.kind is SignIn.ATTESTED)
    content: dict[str, Any] = {
        "at": later.from_at.isoformat(),
        "account": presence.person,
        "audience": (presence.audience or Audience.PUPIL).value,
        "groups": sorted(presence.groups),
        "why": [TWO_DEVICES],
        "place": Place.UNKNOWN.value,
        "facts": {
            "kind": Kind.ACCOUNT_SHARING.value,
            "signals": signals,
            "is_weak": is_weak,
            OTHER_DEVICE: later.device,
        },
    }
    write_told(act, " ".join((TWO_DEVICES, *sorted((presence.id, other.id)))), content)


def _was_pupils(act: Act, presence: Presence) -> bool:
    """Say whether everybody else who was at a device in the hour before was a pupil, and somebody was."""
    others = list(_others_at(act, presence, presence.from_at - _HOUR))
    return bool(others) and all(each.audience is Audience.PUPIL for each in others)


def _others_at(act: Act, presence: Presence, first: datetime) -> Iterator[Presence]:
    """Give who else was at a device since an instant, until this sign-in was last known to go on."""
    found = read_at_device(act.database, presence.device, first, _known_until(presence))
    return (each for each in found if each.person != presence.person or not each.person)


def _overlap(one: Presence, other: Presence) -> timedelta:
    """Say for how long two were at once for certain."""
    return min(_known_until(one), _known_until(other)) - max(one.from_at, other.from_at)


def _known_until(presence: Presence) -> datetime:
    return presence.until_at or presence.told_at


def _begun(presence: Presence) -> tuple[datetime, str]:
    return presence.from_at, presence.id
