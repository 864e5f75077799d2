"""Where the parts are put together: what the gateway and the commands work with, made from a checked site."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.categories import load_categories
from agent.dns.clients import Seat
from agent.dns.snapshot import Snapshot
from agent.lists.publisher import Generation, GenerationStore
from agent.lists.starter import starter_files
from agent.logs import log
from agent.sites.site import FailMode, Group, Private, Site
from agent.texts import block_texts, load_texts
from collectors.devices import unite_devices
from collectors.leases import Lease, read_leases
from collectors.neighbours import Neighbour, read_neighbours
from rules.policy import Policy
from rules.restriction import device_of_group
from rules.subject import Scope
from rules.suspension import network_group

# The file in a site's state folder that holds people, what they asked for and the record.
STATE_NAME: Final = "state.db"
# The guards of the starter lists that hold without them: who needs help, and what keeps machines safe.
ALWAYS_OPEN: Final = frozenset({"helplines", "system_updates"})
# What people are granted, or for a while not.
GRANTED: Final = frozenset({"override", "suspension", "restriction"})


def open_generations(site: Site) -> GenerationStore:
    """Give the store of a site's compiled lists."""
    return GenerationStore(Path(site.paths.state) / "generations", keep=site.retention.index_generations)


def build_snapshot(
    site: Site,
    generation: Generation | None,
    *,
    number: int,
    devices: dict[str, tuple[str, ...]] | None = None,
    granted: Iterable[Policy] = (),
    seats: dict[str, Seat] | None = None,
) -> Snapshot:
    """Put together what workers need; without lists the site's recorded fail mode holds.

    `granted` are policies beside those of the site: what people were granted for a time. `seats` are of people
    who are signed in.
    """
    catalogue = load_categories()
    site = replace(with_granted(site, granted), private=Private())
    is_without_lists = generation is None and bool(site.lists)
    return Snapshot(
        generation=number,
        site=fail_closed(site) if is_without_lists and site.fail_modes.no_index is FailMode.CLOSED else site,
        index_generation=generation.number if generation else 0,
        index_path=str(generation.index_path) if generation else None,
        devices=devices or {},
        texts=block_texts(catalogue, load_texts(site.school.language)),
        not_askable=site.overrides.never | site.rulebook.statutory,
        guard_names={category: names_in(text) for category, text in _guard_texts()},
        unrecorded=frozenset(category.id for category in catalogue if not category.recorded),
        seats=seats or {},
    )


def _guard_texts() -> Iterator[tuple[str, str]]:
    """Give the names that stay open whatever lists a school has, or whether it has any."""
    for category, file in starter_files():
        if category in ALWAYS_OPEN:
            yield category, file.read_text(encoding="utf-8")


def names_in(text: str) -> tuple[str, ...]:
    """Read the names of a starter list."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def fail_closed(site: Site) -> Site:
    """Give a site on which only guard names and what a policy allows can be reached."""
    return replace(site, rulebook=replace(site.rulebook, allow_only=(Scope(),)))


def with_granted(site: Site, granted: Iterable[Policy]) -> Site:
    """Give a site with these policies beside its own; a network or device that one names is a group of its own."""
    lifting = (_lift_of(policy, site.overrides.never) for policy in granted)
    granted = tuple(policy for policy in lifting if policy.tags)
    named = frozenset().union(*(policy.scope.groups for policy in granted))
    networks = (
        replace(network, groups=(*network.groups, group))
        if (group := network_group(network.name)) in named
        else network
        for network in site.networks
    )
    rulebook = replace(site.rulebook, policies=(*site.rulebook.policies, *granted))
    devices = ((group, device_of_group(group)) for group in sorted(named))
    alone = (Group(group, devices=(device,)) for group, device in devices if device is not None)
    return replace(site, rulebook=rulebook, networks=tuple(networks), groups=(*site.groups, *alone))


def without_granted(site: Site) -> Site:
    """Give a site without what people were granted, which stands in a site that was published."""
    policies = tuple(policy for policy in site.rulebook.policies if not _is_granted(policy))
    if len(policies) == len(site.rulebook.policies):
        return site
    # No group that a school names has a colon.
    networks = (
        replace(network, groups=tuple(group for group in network.groups if ":" not in group))
        for network in site.networks
    )
    groups = tuple(group for group in site.groups if ":" not in group.name)
    return replace(site, rulebook=replace(site.rulebook, policies=policies), networks=tuple(networks), groups=groups)


def _is_granted(policy: Policy) -> bool:
    """Say whether a policy was granted: it says so where a rule of the site says where it is written."""
    kind, _, granted_id = policy.location.partition(" ")
    return kind in GRANTED and granted_id != "" and policy.id.startswith(f"{kind}-{granted_id}")


def _lift_of(policy: Policy, never: frozenset[str]) -> Policy:
    """Take from an override what no override lifts any more; that of a suspension is not for the site to say."""
    return policy if policy.lifts is None else replace(policy, tags=policy.tags - never, lifts=policy.lifts - never)


def read_devices(
    site: Site, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dict[str, tuple[str, ...]]:
    """Ask leases and the neighbour table what devices are called; a source that fails is logged."""
    leases: list[Lease] = []
    for file in site.lease_files:
        try:
            leases += read_leases(Path(file.path), file.format).by_address.values()
        except OSError as error:
            log.warning("leases_unreadable", path=file.path, reason=error.strerror or str(error))
    neighbours: tuple[Neighbour, ...] = ()
    if site.neighbours:
        try:
            neighbours = read_neighbours()
        except OSError as error:
            log.warning("neighbours_unreadable", reason=error.strerror or str(error))
    return unite_devices(leases, neighbours, at=now())
