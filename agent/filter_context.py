"""What the filter says at this moment, for those who judge a request: groups, categories, what names are about."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.assembly import NOT_ASKABLE, build_snapshot, open_generations
from agent.categories import load_categories
from agent.companions import companions_of
from agent.granted import blocked_tags
from agent.policy_state import build_overlay
from agent.site import Site
from agent.snapshot import Snapshot
from filters.classifier import Classifier
from filters.list_index import ListIndex, empty_index
from filters.wire import Type
from rules.category import Kind
from rules.name import DomainName, to_wire
from rules.override import OverrideLimits

# A lesson about them is possible, and two people answer for it: the safeguarding lead and the ICT Co-ordinator.
SENSITIVE: Final = frozenset(
    {
        "pornography",
        "nudity",
        "violence",
        "self_harm",
        "hate_speech",
        "discrimination",
        "weapons",
        "drugs",
        "cults",
        "dating",
        "hacking",
    }
)


@dataclass(frozen=True, slots=True)
class FilterContext:
    """The filter as a request meets it.

    `groups` and `networks` are those of the site, `categories` the ordinary ones; `blocked` are the tags (categories
    and `name:` tags) that some policy blocks for somebody. `tags_of` gives every tag of a name, `needed_with` what
    pages at these names are likely to need. `has_chosen_only` where somebody gets only names that a policy allows.
    A device may keep a refusal for `blocked_ttl_seconds`, and any answer for `max_ttl_seconds`.
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


def build_filter_context(site: Site, classifier: Classifier, *, limits: OverrideLimits) -> FilterContext:
    """Say how a site filters, with the classifier of the lists in force."""
    rulebook = site.rulebook
    return FilterContext(
        groups=frozenset(group.name for group in site.groups)
        | frozenset(group for network in site.networks for group in network.groups),
        networks=frozenset(network.name for network in site.networks),
        categories=frozenset(each.id for each in load_categories() if each.kind is Kind.ORDINARY),
        statutory=rulebook.statutory,
        never_override=NOT_ASKABLE,
        sensitive=SENSITIVE,
        blocked=blocked_tags(rulebook),
        limits=limits,
        tags_of=lambda name: classifier.classify(to_wire(name), Type.A),
        has_chosen_only=bool(rulebook.allow_only),
        blocked_ttl_seconds=site.answers.blocked_ttl_seconds,
        max_ttl_seconds=site.answers.max_ttl_seconds,
    )


class FilterContexts:
    """The filter context of a site and the lists in force on disk, made anew when one of them has changed.

    Args:
        site: gives the site in force.
        limits: what a request may ask for.
    """

    def __init__(self, site: Callable[[], Site], *, limits: OverrideLimits | None = None) -> None:
        self._site = site
        self._limits = limits or OverrideLimits()
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
