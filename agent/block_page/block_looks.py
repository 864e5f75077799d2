"""What holds for a name and an address at this moment, by the policy in force; nothing of it is kept."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.assembly import build_snapshot, open_generations
from agent.categories import load_categories
from agent.dns.clients import ClientResolver, Seat
from agent.dns.policy_state import PolicyState
from agent.explaining.explain import Explanation, explain
from agent.explaining.what_if import Who
from agent.people.pseudonyms import Devices
from agent.sites.site import Site
from filters.list_index import ListIndex, empty_index
from rules.name import DomainName
from rules.subject import Profile


def _nothing() -> dict[str, tuple[str, ...]]:
    return {}


def _nobody() -> dict[str, Seat]:
    return {}


@dataclass(frozen=True, slots=True)
class _InForce:
    site: Site
    number: int
    devices: Devices
    seats: Mapping[str, Seat]
    policy: PolicyState
    resolver: ClientResolver


class BlockLooks:
    """The policy in force, made anew when what the gateway published has changed.

    Args:
        site: gives the site in force, with what people were granted.
        devices: what else those behind addresses are known by.
        seats: what addresses have from whoever is signed in there.
        clock: aware UTC.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        *,
        clock: Callable[[], datetime],
        devices: Callable[[], Devices] = _nothing,
        seats: Callable[[], Mapping[str, Seat]] = _nobody,
    ) -> None:
        self._site = site
        self._devices = devices
        self._seats = seats
        self._clock = clock
        self._turn = threading.Lock()
        self._made: _InForce | None = None

    def profile_of(self, address: str) -> Profile | None:
        """Give who is behind an address, or nothing where it is in no network of the school."""
        try:
            return self._in_force().resolver.profile_of(address)
        except ValueError:
            return None

    def explain(self, name: DomainName, address: str, profile: Profile) -> Explanation:
        """Explain what happens to a name now; which line of which list it stands on is not looked for.

        Raises:
            IndexUnusableError: the compiled lists are damaged.
        """
        found = self._in_force()
        return explain(
            found.policy.snapshot.site,
            name=name,
            who=Who(profile, address),
            at=self._clock(),
            classifier=found.policy.classifier,
            refusal_of=found.policy.refusal,
            find_entries=lambda _: (),
            catalogue=load_categories(),
        )

    def _in_force(self) -> _InForce:
        site, devices, seats = self._site(), self._devices(), self._seats()
        with self._turn:
            generations = open_generations(site)
            number = generations.current_number() or 0
            made = self._made
            is_same = made is not None and made.site is site and made.number == number
            if made is None or not is_same or made.devices is not devices or made.seats is not seats:
                policy = made.policy if made is not None and is_same else self._policy(site)
                resolver = ClientResolver(
                    policy.snapshot.site.networks, policy.snapshot.site.groups, devices, seats=seats
                )
                self._made = made = _InForce(site, number, devices, seats, policy, resolver)
            return made

    def _policy(self, site: Site) -> PolicyState:
        snapshot = build_snapshot(site, open_generations(site).current(), number=0)
        index = ListIndex.open(Path(snapshot.index_path)) if snapshot.index_path else empty_index()
        wall_clock = self._clock
        return PolicyState(snapshot, index, wall_clock=lambda: wall_clock().timestamp())
