"""The one value that every collector gives: what was observed, how urgent it is, and the facts.

It knows the closed set of kinds; it must not learn what any of them means for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

KINDS: Final = frozenset(
    {
        "media_present",
        "media_inserted",
        "media_changed",
        "media_removed",
        "media_unclean",
        "phone_present",
        "writes",
        "program_new",
        "programs_present",
        "posture",
        "bypass",
        "resolver",
        "filter",
        "session",
        "collector_health",
        "service_started",
        "service_stopped",
        "spool_dropped",
        "spool_reset",
        "event_quarantined",
        "clock",
        "notice_shown",
        "exception_asked",
        "sign_in_answered",
        "heartbeat",
    }
)


class Priority(IntEnum):
    """What goes first, and what is given up last when room is short."""

    INCIDENT = 0
    STATE = 1
    ACTIVITY = 2
    HEARTBEAT = 3


@dataclass(frozen=True, slots=True)
class Observed:
    """Something observed on this computer.

    Args:
        kind: one of KINDS.
        key: of a STATE, only the latest with the same kind and key counts; else empty.

    Raises:
        ValueError: the kind is not one of KINDS.
    """

    kind: str
    priority: Priority
    facts: Mapping[str, JSON]
    key: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"nothing of the kind {self.kind!r} can be observed")
