"""How this computer protects itself: six checks, each with what was found, the evidence, and when.

What could not be checked is UNKNOWN: never OFF, which accuses, and never ON, which reassures. What each system says
is read elsewhere; here is what the answers have in common.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from collectors.observed import JSON, Observed, Priority
from collectors.probe import reason_of
from collectors.volume import Crypt, Evidence, Volume, worst

_EVIDENCES: Final = 16
_VALUE_CHARACTERS: Final = 200
DAY_SECONDS: Final = 86_400.0


class Check(StrEnum):
    """What is checked."""

    DISK_ENCRYPTION = "disk_encryption"
    ANTIVIRUS = "antivirus"
    FIREWALL = "firewall"
    UPDATES = "updates"
    SCREEN_LOCK = "screen_lock"
    PASSWORD_POLICY = "password_policy"  # noqa: S105 -- the name of a check


class State(StrEnum):
    """What was found. NOT_FOUND: of the products that are known none is there, and another may be."""

    ON = "on"
    PARTLY = "partly"
    OFF = "off"
    SUSPENDED = "suspended"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        why: why it could not be checked, where `state` is UNKNOWN: a code of a few words.
        details: numbers that belong to it: `age_days`, `delay_seconds`, `min_length`.
    """

    check: Check
    state: State
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    details: Mapping[str, JSON] = field(default_factory=dict)


Look: TypeAlias = Callable[[], Finding]
# Says whether the disks that the system and its people's files lie on are encrypted, and how that is known.
DiskEncryption: TypeAlias = Callable[[], tuple[Crypt, tuple[Evidence, ...]]]

_STATE_OF_CRYPT: Final[Mapping[Crypt, State]] = {
    Crypt.ENCRYPTED: State.ON,
    Crypt.ENCRYPTED_LOCKED: State.ON,
    Crypt.CONVERTING: State.PARTLY,
    Crypt.CLAIMED_HARDWARE: State.PARTLY,
    Crypt.SUSPENDED: State.SUSPENDED,
    Crypt.PLAIN: State.OFF,
}


def unknown(check: Check, why: str, *evidence: Evidence) -> Finding:
    """Say that something could not be checked."""
    return Finding(check, State.UNKNOWN, evidence, why)


def disk_encryption(told: DiskEncryption | None) -> Finding:
    """Say whether this computer's own disks are encrypted."""
    if told is None:
        return unknown(Check.DISK_ENCRYPTION, "nothing_asked")
    crypt, evidence = told()
    state = _STATE_OF_CRYPT.get(crypt, State.UNKNOWN)
    why = str(crypt) if state is State.UNKNOWN else ""
    return Finding(Check.DISK_ENCRYPTION, state, evidence, why, {"crypt": str(crypt)})


def own_disks(look: Callable[[], Iterable[Volume]], points: Collection[str]) -> DiskEncryption:
    """Make what says whether this computer's own disks are encrypted, out of what finds all volumes.

    Args:
        points: where the system and its people's files are: `/` and `/home`, `/System/Volumes/Data`; empty for
            everything that the system lies on.
    """

    def told() -> tuple[Crypt, tuple[Evidence, ...]]:
        own = [
            volume
            for volume in look()
            if (not points and volume.is_system) or not set(points).isdisjoint(volume.mount_points)
        ]
        evidence = tuple(each for volume in own for each in volume.evidence)
        return worst(volume.crypt for volume in own), evidence

    return told


class Posture:
    """All checks; each is told again when it has changed, and once a day so that its proof does not grow old.

    Args:
        looks: one for each check. What one of them raises makes that check UNKNOWN and spoils no other.
        wall: seconds since 1970.
    """

    def __init__(self, looks: Mapping[Check, Look], *, wall: Callable[[], float] = time.time) -> None:
        self._looks = looks
        self._wall = wall
        self._told: dict[Check, tuple[Finding, float]] = {}

    def look(self) -> tuple[Observed, ...]:
        """Check everything, and tell what is news."""
        return tuple(self._observed(finding) for finding in self.findings() if self._is_news(finding))

    def findings(self) -> Iterable[Finding]:
        """Check everything."""
        return [self._find(check) for check in Check]

    def _find(self, check: Check) -> Finding:
        look = self._looks.get(check)
        if look is None:
            return unknown(check, "not_on_this_system")
        try:
            return look()
        except Exception as error:  # noqa: BLE001 -- one check that fails leaves the others
            return unknown(check, reason_of(error))

    def _is_news(self, finding: Finding) -> bool:
        told, at = self._told.get(finding.check, (None, 0.0))
        # A clock that was set back makes everything news.
        return told != finding or not 0 <= self._wall() - at < DAY_SECONDS

    def _observed(self, finding: Finding) -> Observed:
        at = self._wall()
        self._told[finding.check] = (finding, at)
        facts: dict[str, JSON] = {
            "check": str(finding.check),
            "state": str(finding.state),
            "why": finding.why,
            "evidence": [
                {"source": one.source, "value": bounded(one.value), "privilege": one.privilege}
                for one in finding.evidence[:_EVIDENCES]
            ],
            "details": dict(finding.details),
            "checked_at": at,
        }
        return Observed("posture", Priority.STATE, facts, key=str(finding.check))


def bounded(value: str) -> str:
    """Give what a program or a file said, cut and without what is no text."""
    printable = "".join(each if each.isprintable() else " " for each in value[:_VALUE_CHARACTERS])
    return printable.encode("utf-8", "replace").decode("utf-8")


def age_in_days(then: float, now: float) -> int | None:
    """Give how many whole days ago something was; None where it is not in the past of this clock."""
    return int((now - then) // DAY_SECONDS) if now >= then > 0 else None
