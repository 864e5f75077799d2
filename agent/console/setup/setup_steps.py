"""How far a school has come in setting itself up: each step looked at, never taken for granted."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from agent.api.parts import Parts
from agent.console.page import Page
from agent.dns.askers import networks_asked, watched_since
from agent.lists.list_status import ListState, status
from agent.lists.starter import STARTER_SOURCE
from agent.people.people import read_approvers
from agent.sites.site import Endpoint, Site
from agent.sites.site_draft import read_draft
from agent.storage.given_rows import is_beginning
from agent.texts import Texts

# As `schoolgate init` calls it.
EXAMPLE: Final = "Example School"
ASKED_WITHIN: Final = timedelta(days=1)
METRICS_SECONDS: Final = 0.5
MAX_METRICS_OCTETS: Final = 4 * 1024 * 1024
MIN_APPROVERS: Final = 2


class State(StrEnum):
    """How a step stands; what nobody could look at is not done."""

    DONE = "done"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: where it is done, what it is called, how it stands, and what was found, in a sentence."""

    path: str
    title: str
    state: State
    found: str


@dataclass(frozen=True, slots=True)
class NetworkSeen:
    """A network of the site, and when anybody there asked last, to the minute; None where nobody did for a day.

    `since` is when the gateway began to see it, where that is less than a day ago; not `is_told` where no gateway
    tells who asks.
    """

    name: str
    audience: str
    cidrs: tuple[str, ...]
    asked_at: datetime | None
    since: datetime | None
    is_told: bool


def networks_seen(parts: Parts) -> list[NetworkSeen]:
    """Give the networks of the site in force with what is known of them."""
    site = parts.incidents.desk.site()
    asked = networks_asked(Path(site.paths.runtime))
    oldest, watched = parts.clock() - ASKED_WITHIN, watched_since(Path(site.paths.runtime), parts.clock().timestamp())
    begun = None if watched is None else datetime.fromtimestamp(watched, UTC)
    since = begun if begun is not None and begun > oldest else None
    found = []
    for network in site.networks:
        at = datetime.fromtimestamp(asked[network.name], UTC) if network.name in asked else None
        recent = at if at is not None and at >= oldest else None
        found.append(
            NetworkSeen(network.name, str(network.audience), network.cidrs, recent, since, begun is not None)
        )
    return found


def steps_of(page: Page) -> list[Step]:
    """Look at every step, in the order in which they are best taken."""
    texts, site = page.texts, page.parts.incidents.desk.site()
    looks: tuple[Callable[[], Step], ...] = (
        lambda: _school(texts, site),
        lambda: _networks(texts, site),
        lambda: _lists(texts, site, page.now),
        lambda: _upstreams(texts, site),
        lambda: _listeners(texts, site),
        lambda: _put(texts, site),
        lambda: _people(texts, page.parts),
        lambda: _asked(texts, page.parts),
    )
    return [look() for look in looks]


def _school(texts: Texts, site: Site) -> Step:
    _ = texts.gettext
    if site.school.name == EXAMPLE:
        found, state = _("It still has the name of the example."), State.OPEN
    elif not (site.school.packs or site.school.own_packs):
        found, state = _("It names no policy documents."), State.OPEN
    else:
        packs = texts.join([*site.school.packs, *site.school.own_packs])
        found = _("%(school)s goes by %(packs)s.") % {"school": site.school.name, "packs": packs}
        state = State.DONE
    return Step("/setup/school", _("The school and its policies"), state, found)


def _networks(texts: Texts, site: Site) -> Step:
    _ = texts.gettext
    real = [each for each in site.networks if not all(_is_own_machine(cidr) for cidr in each.cidrs)]
    if real:
        found = texts.ngettext("%(number)d network is named.", "%(number)d networks are named.", len(real))
        return Step("/setup/networks", _("Networks"), State.DONE, found % {"number": len(real)})
    found = _("Only addresses of this machine are named, as in the example; nobody else gets an answer.")
    return Step("/setup/networks", _("Networks"), State.OPEN, found)


def _is_own_machine(cidr: str) -> bool:
    return ip_network(cidr, strict=False).is_loopback


def _lists(texts: Texts, site: Site, now: datetime) -> Step:
    _ = texts.gettext
    looked = [each for each in status(site, now=now) if each.source != STARTER_SOURCE]
    loaded = [each for each in looked if each.names]
    if not looked:
        found, state = _("Only the small list that comes with Schoolgate is used. Add a real one."), State.OPEN
    elif not loaded:
        found, state = _("No list has been loaded yet."), State.OPEN
    elif any(each.state is not ListState.FRESH for each in looked):
        found, state = _("A list could not be renewed; the last good copy is used."), State.OPEN
    else:
        names = sum(each.names for each in loaded)
        found = texts.ngettext("Your lists have %(number)d name.", "Your lists have %(number)d names.", names)
        found %= {"number": names}
        state = State.DONE
    return Step("/setup/lists", _("Lists"), state, found)


def _upstreams(texts: Texts, site: Site) -> Step:
    _ = texts.gettext
    healthy = _healthy_upstreams(site.listeners.metrics)
    if healthy is None:
        found, state = _("Whether they answer is not known: the gateway gives no figures just now."), State.UNKNOWN
    elif healthy and all(map(math.isnan, healthy)):
        found, state = _("Whether they answer is not known: none of them had anything to answer yet."), State.UNKNOWN
    elif not any(healthy):
        found, state = _("None of the resolvers answers."), State.OPEN
    else:
        found, state = _answering(texts, healthy)
    return Step("/setup/upstreams", _("Resolvers for what is allowed"), state, found)


def _answering(texts: Texts, healthy: list[float]) -> tuple[str, State]:
    untried = sum(map(math.isnan, healthy))
    numbers = {"good": healthy.count(1.0), "all": len(healthy), "untried": untried}
    state = State.OPEN if 0.0 in healthy else State.UNKNOWN if untried else State.DONE
    if untried:
        words = texts.gettext("%(good)d of %(all)d resolvers answer; %(untried)d had nothing to answer yet.")
        return words % numbers, state
    return texts.gettext("%(good)d of %(all)d resolvers answer.") % numbers, state


def _healthy_upstreams(metrics: Endpoint | None) -> list[float] | None:
    """Ask the gateway's own page of figures, for a moment; None where it does not answer.

    Returns:
        1 for a resolver that answers, 0 for one that does not, NaN where nobody knows yet.
    """
    if metrics is None:
        return None
    try:
        answer = httpx.get(f"http://{metrics}/metrics", timeout=METRICS_SECONDS, trust_env=False)
        text = answer.raise_for_status().text[:MAX_METRICS_OCTETS]
        return [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "schoolgate_upstream_healthy"
        ]
    except (httpx.HTTPError, ValueError):
        return None


def _listeners(texts: Texts, site: Site) -> Step:
    _ = texts.gettext
    where = texts.join([str(each) for each in site.listeners.dns])
    if all(each.port != 53 or _is_own_machine(each.address) for each in site.listeners.dns):
        found = _("It answers at %(where)s; other machines ask at port 53 of an address of the network.")
        return Step("/setup/listeners", _("Where it answers"), State.OPEN, found % {"where": where})
    found = _("It answers at %(where)s.") % {"where": where}
    return Step("/setup/listeners", _("Where it answers"), State.DONE, found)


def _put(texts: Texts, site: Site) -> Step:
    _ = texts.gettext
    draft = read_draft(Path(site.paths.state))
    if draft is None:
        found, state = _("There is no draft that waits."), State.DONE
    else:
        found, state = _("A draft waits to be put in place on the gateway."), State.OPEN
    return Step("/setup/draft", _("Put in place"), state, found)


def _people(texts: Texts, parts: Parts) -> Step:
    _ = texts.gettext
    with parts.store.read() as database:
        approvers, begins = len(read_approvers(database)), is_beginning(database)
    if begins:
        found = _("Until two people who manage people have signed in, one person alone can give roles.")
    elif approvers < MIN_APPROVERS:
        found = _("Fewer than two people can decide about requests; whoever asks never decides.")
    else:
        found = texts.ngettext(
            "%(number)d person can decide about requests.", "%(number)d people can decide about requests.", approvers
        ) % {"number": approvers}
    state = State.DONE if approvers >= MIN_APPROVERS and not begins else State.OPEN
    return Step("/people", _("People"), state, found)


def _asked(texts: Texts, parts: Parts) -> Step:
    _ = texts.gettext
    seen = networks_seen(parts)
    silent, state = [each for each in seen if each.asked_at is None], State.OPEN
    if not silent:
        found, state = _("Somebody has asked from every network since yesterday."), State.DONE
    elif not silent[0].is_told:
        found, state = _("From where anybody asks is not known: no gateway tells it just now."), State.UNKNOWN
    else:
        words = _("Nobody has asked since yesterday from: %(networks)s.")
        if silent[0].since:
            words = _("Nobody has asked yet from: %(networks)s.")
        found = words % {"networks": texts.join([each.name for each in silent])}
    return Step("/setup/test", _("Try it from every network"), state, found)


def progress(steps: list[Step]) -> tuple[int, int]:
    """Give how many steps are done, and how many there are."""
    return sum(each.state is State.DONE for each in steps), len(steps)


def open_steps(steps: list[Step]) -> Iterator[Step]:
    """Give the steps that are not done."""
    return (each for each in steps if each.state is not State.DONE)
