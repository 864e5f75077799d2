"""Explaining from a shell: the lists in force on disk and the site as it is written, by the one evaluator."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from agent.assembly import STATE_NAME, build_snapshot, open_generations, read_devices, without_granted
from agent.categories import load_categories
from agent.dns.clients import ClientResolver
from agent.dns.policy_state import PolicyState
from agent.explaining.explain import Explanation, explain
from agent.explaining.list_evidence import find_listed
from agent.explaining.what_if import parse_asked_name, parse_moment, parse_who
from agent.requests.granted import active_policies, active_seats, find_grant
from agent.sites.site import Site
from filters.list_index import ListIndex, empty_index
from rules.name import DomainName


def explain_site(site: Site, *, name: str, who: str, at: str | None, now: datetime) -> Explanation:
    """Explain a verdict with what is on this machine.

    Args:
        site: the site, checked; what people were granted is read anew.
        name: as a person wrote it.
        who: an audience, a group, a network or an address.
        at: a moment as a person wrote it; `now` if not given.
        now: aware UTC.

    Raises:
        ConfigurationError: the name, the person or the moment cannot be read.
        IndexUnusableError: the compiled lists are damaged.
        StorageError: what people were granted cannot be read.
    """
    asked = parse_asked_name(name)
    moment = parse_moment(at, site.school.timezone, now=now) if at else now
    return explain_names(site, (asked,), who=who, at=moment)[0]


def explain_names(site: Site, names: Iterable[DomainName], *, who: str, at: datetime) -> list[Explanation]:
    """Explain what somebody gets for several names, with what is on this machine.

    Args:
        site: the site, checked; what people were granted is read anew.
        names: the names in question.
        who: an audience, a group, a network or an address.
        at: aware UTC.

    Raises:
        ConfigurationError: the person cannot be read.
        IndexUnusableError: the compiled lists are damaged.
        StorageError: what people were granted cannot be read.
    """
    site = without_granted(site)
    state = Path(site.paths.state) / STATE_NAME
    generations = open_generations(site)
    generation = generations.current()
    versions = generations.list_versions().get(generation.number, {}) if generation else {}
    index = ListIndex.open(generation.index_path) if generation else empty_index()
    snapshot = build_snapshot(site, generation, number=0, granted=active_policies(state, at, site.rulebook))
    resolver = ClientResolver(
        snapshot.site.networks,
        snapshot.site.groups,
        read_devices(site),
        seats=active_seats(state, at, snapshot.site.rulebook),
        wall_clock=at.timestamp,
    )
    somebody = parse_who(who, site, resolver)
    policy = PolicyState(snapshot, index)
    return [
        explain(
            snapshot.site,
            name=name,
            who=somebody,
            at=at,
            classifier=policy.classifier,
            refusal_of=policy.refusal,
            find_entries=lambda listed: find_listed(site, listed, versions=versions),
            catalogue=load_categories(),
            grant_of=partial(find_grant, state),
        )
        for name in names
    ]
