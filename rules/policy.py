"""Policies: what is blocked or allowed, for whom and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.event import Event
from rules.schedule import Schedule
from rules.subject import Profile, Scope


class Effect(StrEnum):
    """What a policy does to the tags that it names; RESTRICT leaves nothing but them."""

    BLOCK = "block"
    ALLOW = "allow"
    RESTRICT = "restrict"


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule of the school.

    `location` is where a person wrote it (`site.yaml:31:5`, `uk-esafety.yaml:40:5`); `clause` is the place in
    the school's papers that it carries out, or empty. `from_at` is inclusive, `until_at` exclusive;
    both aware UTC. Where `lifts` is set, a name that the policy allows is opened against blocks of these
    categories and no others; where it is None, against every block but a statutory one. Of a name with one of
    the tags in `spares` the policy says nothing. Where it does not choose, it undoes blocks, but what it allows is
    not for those who get only what a policy allows.
    """

    id: str
    effect: Effect
    tags: frozenset[str]
    scope: Scope
    location: str
    clause: str = ""
    schedule: Schedule | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None
    lifts: frozenset[str] | None = None
    spares: frozenset[str] = frozenset()
    chooses: bool = True

    def covers(self, event: Event) -> bool:
        """Say whether the policy speaks to this person at this instant, of a name like this."""
        return self.scope.covers(event.profile) and self.is_in_force(event.at) and self.spares.isdisjoint(event.tags)

    def is_in_force(self, at: datetime) -> bool:
        """Say whether the policy applies at this instant, to whomever it addresses."""
        if self.from_at is not None and at < self.from_at:
            return False
        if self.until_at is not None and at >= self.until_at:
            return False
        return self.schedule is None or self.schedule.covers(at)

    def next_boundary(self, after: datetime) -> datetime | None:
        """Give the first instant after `after` at which the policy may begin or cease to apply."""
        ends = [edge for edge in (self.from_at, self.until_at) if edge is not None and edge > after]
        if self.schedule is not None and (edge := self.schedule.next_boundary(after)) is not None:
            ends.append(edge)
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class SafeSearch:
    """The safe mode that a service is held to; `modes` maps a `search:` tag to the mode's name."""

    scope: Scope
    modes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that `decide` reads: the school's rules at one generation."""

    policies: tuple[Policy, ...] = ()
    statutory: frozenset[str] = frozenset()
    guards: frozenset[str] = frozenset()
    allow_only: tuple[Scope, ...] = ()
    safe_search: tuple[SafeSearch, ...] = ()

    def is_allow_only(self, profile: Profile) -> bool:
        """Say whether this profile gets only what a policy allows."""
        return any(scope.covers(profile) for scope in self.allow_only)

    def next_boundary(self, after: datetime) -> datetime | None:
        """Give the next instant at which any verdict may change by the clock alone."""
        edges = (policy.next_boundary(after) for policy in self.policies)
        return min((edge for edge in edges if edge is not None), default=None)
