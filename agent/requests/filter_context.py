"""What the filter says at this moment, for those who judge a request: groups, categories, what names are about."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from agent.assembly import build_snapshot, open_generations
from agent.categories import load_categories
from agent.dns.policy_state import GRANTED_TTL_SECONDS, build_overlay
from agent.dns.snapshot import Snapshot
from agent.requests.companions import companions_of
from agent.requests.granted import blocked_tags
from agent.sites.site import OverrideSettings, Site
from filters.classifier import Classifier
from filters.list_index import ListIndex, empty_index
from filters.wire import Type
from rules.category import Kind
from rules.event import NAME_TAG
from rules.name import DomainName, to_wire
from rules.override import OverrideLimits
from rules.policy import Effect, Rulebook


@dataclass(frozen=True, slots=True)
class FilterContext:
    """The filter as a request meets it.

    `groups` and `networks` are those of the site, `categories` the ordinary ones; `blocked` are the tags (categories
    and `name:` tags) that some policy blocks for somebody. `tags_of` gives every tag of a name, `needed_with` what
    pages at these names are likely to need. `own_rules` says which rule of the school blocks a `name:` tag.
    `has_chosen_only` where somebody gets only names that a policy allows. A device may keep a refusal for
    `blocked_ttl_seconds`, any answer for `max_ttl_seconds`, and what it was granted for a minute of that.
    """

    groups: frozenset[str]
    networks: frozenset[str]
    categories: frozenset[str]
    statutory: frozenset[str]
    never_override: frozenset[str]
    sensitive: frozenset[str]
    blocked: frozenset[str]
    limits: OverrideLimits
    tags_of: Callable[[DomainName], frozenset[str]]
    needed_with: Callable[[tuple[DomainName, ...]], tuple[DomainName, ...]] = companions_of
    own_rules: Mapping[str, str] = field(default_factory=dict)
    has_chosen_only: bool = False
    blocked_ttl_seconds: int = 10
    max_ttl_seconds: int = 3600

    @property
    def unliftable(self) -> frozenset[str]:
        """The categories that no override lifts."""
        return self.statutory | self.never_override

    @property
    def liftable(self) -> frozenset[str]:
        """The categories that somebody is kept from and that an override can lift."""
        return (self.blocked & self.categories) - self.unliftable

    def open_everywhere_at(self, from_at: datetime, *, now: datetime) -> datetime:
        """Say when every device has what opens at an instant, at the latest: refusals are out there."""
        return _used_up(max(now, from_at) + timedelta(seconds=self.blocked_ttl_seconds))

    def closed_everywhere_at(self, until_at: datetime, *, now: datetime) -> datetime:
        """Say when no device has what was granted and closes now, at the latest: no answer outlives its grant."""
        lives = timedelta(seconds=min(self.max_ttl_seconds, GRANTED_TTL_SECONDS))
        return _used_up(max(now, min(now + lives, until_at)))


def _used_up(at: datetime) -> datetime:
    """Give the whole second by which no cache has what expires at an instant.

    A cache that counts whole seconds, as Unbound does, uses the last one up.
    """
    return at.replace(microsecond=0) + timedelta(seconds=2 if at.microsecond else 1)


def limits_of(settings: OverrideSettings) -> OverrideLimits:
    """Give the bounds of a request as a site sets them."""
    return OverrideLimits(
        max_days=settings.max_days,
        max_ahead_days=settings.max_ahead_days,
        break_glass_minutes=settings.break_glass_minutes,
        countersign_hours=settings.countersign_hours,
    )


def build_filter_context(
    site: Site, classifier: Classifier, *, limits: OverrideLimits | None = None
) -> FilterContext:
    """Say how a site filters, with the classifier of the lists in force; without `limits`, those of the site hold."""
    rulebook = site.rulebook
    return FilterContext(
        groups=frozenset(group.name for group in site.groups)
        | frozenset(group for network in site.networks for group in network.groups),
        networks=frozenset(network.name for network in site.networks),
        categories=frozenset(each.id for each in load_categories() if each.kind is Kind.ORDINARY),
        statutory=rulebook.statutory,
        never_override=site.overrides.never,
        sensitive=site.overrides.sensitive,
        blocked=blocked_tags(rulebook),
        limits=limits or limits_of(site.overrides),
        tags_of=lambda name: classifier.classify(to_wire(name), Type.A),
        own_rules=_own_rules(rulebook),
        has_chosen_only=bool(rulebook.allow_only),
        blocked_ttl_seconds=site.answers.blocked_ttl_seconds,
        max_ttl_seconds=site.answers.max_ttl_seconds,
    )


def _own_rules(rulebook: Rulebook) -> dict[str, str]:
    rules: dict[str, set[str]] = {}
    for policy in rulebook.policies:
        for tag in policy.tags if policy.effect is Effect.BLOCK else ():
            if tag.startswith(NAME_TAG):
                rules.setdefault(tag, set()).add(policy.id)
    return {tag: " and ".join(sorted(ids)) for tag, ids in rules.items()}


class FilterContexts:
    """The filter context of a site and the lists in force on disk, made anew when one of them has changed.

    Args:
        site: gives the site in force.
        limits: what a request may ask for, where that is not for the site to say.
    """

    def __init__(self, site: Callable[[], Site], *, limits: OverrideLimits | None = None) -> None:
        self._site = site
        self._limits = limits
        self._turn = threading.Lock()
        self._made: tuple[Site, int, FilterContext] | None = None

    def __call__(self) -> FilterContext:
        """Give the context of this moment.

        Raises:
            IndexUnusableError: the compiled lists are damaged.
        """
        site = self._site()
        with self._turn:
            generations = open_generations(site)
            number = generations.current_number() or 0
            if self._made is None or self._made[0] is not site or self._made[1] != number:
                generation = generations.current()
                snapshot = build_snapshot(site, generation, number=0)
                context = build_filter_context(site, _classifier(snapshot), limits=self._limits)
                self._made = site, number, context
            return self._made[2]


def _classifier(snapshot: Snapshot) -> Classifier:
    index = ListIndex.open(Path(snapshot.index_path)) if snapshot.index_path else empty_index()
    return Classifier(index, build_overlay(snapshot.site.rulebook, snapshot.guard_names))
