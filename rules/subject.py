"""Who an event is about: an audience, and the groups that a school sorts its people and devices into."""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """The three kinds of people that a school's papers speak of."""

    PUPIL = "pupil"
    STAFF = "staff"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Profile:
    """What policies can tell apart: two clients with the same profile always get the same verdict."""

    audience: Audience
    groups: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return "+".join((self.audience, *sorted(self.groups)))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a policy addresses; an empty set does not restrict."""

    audiences: frozenset[Audience] = frozenset()
    groups: frozenset[str] = frozenset()
    except_groups: frozenset[str] = frozenset()

    def covers(self, profile: Profile) -> bool:
        """Say whether the policy speaks to this profile."""
        return (
            (not self.audiences or profile.audience in self.audiences)
            and (not self.groups or not self.groups.isdisjoint(profile.groups))
            and self.except_groups.isdisjoint(profile.groups)
        )
