"""What was observed: one fact about what a device or a person's account did, before anybody judges it.

A query is not a visit and a block is not an access: an observation says what was asked, never what was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.name import DomainName
from rules.subject import Audience

# Of an account that is in use at two devices at once: the one at which it was signed in to later.
OTHER_DEVICE: Final = "other_device"


class Source(StrEnum):
    """Where an observation comes from."""

    BLOCKED = "blocked"
    OVERRIDE_USED = "override_used"
    FILTER_OFF = "filter_off"
    ENDPOINT = "endpoint"
    REPORT = "report"


class Confidence(StrEnum):
    """How sure it is who is behind an observation.

    A: one person, attested by their own sign-in on a device of theirs. B: a log-on to the network. C: an account or
    device that several use. D: an address only.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"

    @property
    def is_personal(self) -> bool:
        """Say whether anything may be said about a person; below that it stays with the device."""
        return self in {Confidence.A, Confidence.B}


class Place(StrEnum):
    """Whether it happened in the school."""

    ON_SITE = "on_site"
    OFF_SITE = "off_site"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact.

    `id` is stable: the same id twice is one observation. `at` is when it happened and `received_at` when it came in,
    both aware UTC. `subject` is the pseudonym of a device, or of a person where `confidence` is A or B;
    `why_identity` are codes that say how that is known. `name` is what was asked for and `times` how often within
    the minute. `evidence` refers to where the fact is stored. `facts` hold what the source knows beside that:
    of a block `in_lesson`, `is_closed` (nobody is expected in the school), and `others` and `peers` as
    `rules.crowd.Crowd` counts them; of what an endpoint or a report says, its `kind`, and how many `signals` agree
    where one alone `is_weak`; of an account at two devices `OTHER_DEVICE`. `device` is the pseudonym of the device,
    where it happened at one that is known.
    """

    id: str
    source: Source
    at: datetime
    received_at: datetime
    subject: str
    confidence: Confidence
    audience: Audience
    why_identity: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    category: str = ""
    name: DomainName | None = None
    times: int = 1
    place: Place = Place.UNKNOWN
    evidence: str = ""
    facts: Mapping[str, str | int | bool] = field(default_factory=lambda: MappingProxyType({}))
    device: str = ""
