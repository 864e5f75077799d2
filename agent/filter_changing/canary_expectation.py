"""Which canaries a site opens, for whom and when: what the workers should find, decided by the one evaluator."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final

from agent.dns.canaries import CATEGORIES, canary_name
from agent.dns.clients import ClientResolver
from agent.dns.policy_state import build_overlay
from agent.sites.site import Network, Site
from filters.classifier import Classifier, EmptyIndex
from filters.wire import Type
from rules.engine import decide
from rules.event import Event
from rules.name import to_wire
from rules.subject import Profile
from rules.suspension import STANDING
from rules.verdict import Block

NOTHING: Final[frozenset[str]] = frozenset()


class Expectation:
    """What a site blocks; names that its own policies mention count, lists do not."""

    def __init__(self, site: Site) -> None:
        self._rulebook = site.rulebook
        self._profiles = {network.name: profile_of(network) for network in site.networks}
        classifier = Classifier(EmptyIndex(), build_overlay(site.rulebook, {}))
        self._tags = {each: classifier.classify(to_wire(canary_name(each)), Type.A) for each in CATEGORIES}
        self._blocked = lru_cache(maxsize=1024)(self._find_blocked)

    def profile(self, network: str) -> Profile | None:
        """Give the profile of a network's own clients; nothing where the site has no such network."""
        return self._profiles.get(network)

    def blocked(self, profile: Profile, at: datetime) -> frozenset[str]:
        """Give the categories that are blocked for a profile at an instant."""
        return self._blocked(profile, at)

    def blocked_for_somebody(self, at: datetime) -> frozenset[str]:
        """Give the categories that are blocked in some network."""
        return NOTHING.union(*(self.blocked(profile, at) for profile in self._profiles.values()))

    def _find_blocked(self, profile: Profile, at: datetime) -> frozenset[str]:
        verdicts = ((each, decide(Event(at, profile, tags), self._rulebook)) for each, tags in self._tags.items())
        return frozenset(each for each, verdict in verdicts if isinstance(verdict, Block))


def profile_of(network: Network) -> Profile:
    """Give the profile of clients that are in no group beside those of their network."""
    return Profile(network.audience, frozenset(network.groups))


@dataclass(frozen=True, slots=True)
class Opened:
    """What a change of the site opens in a network.

    `is_everything` where that is all that a suspension would have opened, with two people and an end.
    """

    network: str
    categories: tuple[str, ...]
    is_everything: bool


def opened_by(before: Site, after: Site, at: datetime) -> list[Opened]:
    """Say what is open at this instant that was blocked before the site changed."""
    was, is_now = Expectation(before), Expectation(after)
    found = []
    for network in after.networks:
        if (earlier := _network_before(network, before)) is None:
            continue
        blocked = was.blocked(profile_of(earlier), at)
        opened = blocked - is_now.blocked(profile_of(network), at)
        could_be_suspended = suspendable(blocked, before)
        if opened:
            is_everything = bool(could_be_suspended) and could_be_suspended <= opened
            found.append(Opened(network.name, tuple(sorted(opened)), is_everything))
    return found


def suspendable(categories: frozenset[str], site: Site) -> frozenset[str]:
    """Give those of some categories that a suspension opens."""
    return categories - site.rulebook.statutory - STANDING.keys()


def facts_of_opening(before: Site, after: Site, at: datetime) -> dict[str, Any]:
    """Give what the record keeps of a site file that changed: what that opened where, and where it is everything."""
    opened = opened_by(before, after, at)
    return {
        "opens": {each.network: list(each.categories) for each in opened},
        "switches_off": [each.network for each in opened if each.is_everything],
    }


def _network_before(network: Network, before: Site) -> Network | None:
    """Find what a network was: the one of its name, or where its addresses were then."""
    for each in before.networks:
        if each.name == network.name:
            return each
    address = ip_network(network.cidrs[0], strict=False).network_address
    return ClientResolver(before.networks, ()).network_of(str(address))
