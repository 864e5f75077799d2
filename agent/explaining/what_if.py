"""A question in a person's words: which name, asked as whom, and when."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from agent.dns.clients import ClientResolver
from agent.sites.site import Group, Site
from rules.document import suggest
from rules.errors import ConfigurationError, Problem
from rules.name import DomainName, InvalidNameError, parse_name
from rules.subject import Audience, Profile

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"(?:(?P<day>[a-z]+) +)?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})")
_MIN_WEEKDAY_LETTERS: Final = 3
NETWORK: Final = "network"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who asks, and the address where that is how they were named."""

    profile: Profile
    address: str | None = None


def parse_asked_name(text: str) -> DomainName:
    """Read a name, or the address of a page, of which only the name counts.

    Raises:
        ConfigurationError: there is no name in the text.
    """
    try:
        host = urlsplit(text).hostname if "//" in text else text.partition("/")[0]
        name = parse_name(host or "")
    except (InvalidNameError, ValueError) as error:
        raise _refusal("NAME", f"{text!r} ({error})", "a name such as www.example.com") from None
    if not name:
        raise _refusal("NAME", f"{text!r}", "a name such as www.example.com")
    return name


def parse_who(text: str, site: Site, resolver: ClientResolver) -> Who:
    """Read an audience, a group, several of them joined by `+`, a network (`network:lab`) or the address of a client.

    Raises:
        ConfigurationError: nobody is meant, or it cannot be told which audience.
    """
    kind, colon, network = text.partition(":")
    if colon and kind == NETWORK:
        return Who(_parse_network(network.strip(), site, resolver))
    try:
        profile = resolver.profile_of(text)
    except ValueError:
        return Who(_parse_profile(text, site, resolver))
    if profile is None:
        networks = ", ".join(cidr for network in site.networks for cidr in network.cidrs)
        raise _refusal("--as", f"{text}, which is in no network of the site", f"an address of {networks}")
    return Who(profile, text)


def _parse_network(name: str, site: Site, resolver: ClientResolver) -> Profile:
    """Give what a client of a network is that is in no group of its own."""
    cidrs = {network.name: network.cidrs[0] for network in site.networks}
    if name not in cidrs:
        raise _refusal("--as", f"network '{name}'", suggest(name, tuple(cidrs), "one of"))
    found = resolver.network_of(str(ip_network(cidrs[name], strict=False).network_address))
    if found is None:
        raise _refusal("--as", f"network '{name}', in which no address is", "a network with addresses of its own")
    return Profile(found.audience, frozenset(found.groups))


def _parse_profile(text: str, site: Site, resolver: ClientResolver) -> Profile:
    known_groups = {group.name: group for group in site.groups}
    audiences: set[Audience] = set()
    groups: set[str] = set()
    for word in (part.strip() for part in text.split("+")):
        if word in tuple(Audience):
            audiences.add(Audience(word))
        elif word in known_groups:
            groups.add(word)
        else:
            raise _refusal("--as", f"'{word}'", suggest(word, (*Audience, *known_groups), "an address, or one of"))
    stated = audiences or _audiences_of([known_groups[name] for name in groups], site, resolver)
    if len(stated) != 1:
        candidates = " or ".join(f"{audience}+{'+'.join(sorted(groups))}" for audience in sorted(stated or Audience))
        raise _refusal("--as", f"'{text}', which leaves open who that is", candidates if groups else "one audience")
    return Profile(next(iter(stated)), frozenset(groups))


def _audiences_of(groups: Sequence[Group], site: Site, resolver: ClientResolver) -> set[Audience]:
    """Give the audiences that the members of groups can have."""
    if stated := {group.audience for group in groups if group.audience is not None}:
        return stated
    return {audience for group in groups for audience in _network_audiences(group, site, resolver)}


def _network_audiences(group: Group, site: Site, resolver: ClientResolver) -> Iterator[Audience]:
    for network in site.networks:
        if group.name in network.groups:
            yield network.audience
    for place in (*group.cidrs, *group.devices):
        try:
            found = resolver.network_of(place.partition("/")[0])
        except ValueError:
            continue
        if found is not None:
            yield found.audience


def parse_moment(text: str, timezone: str, *, now: datetime) -> datetime:
    """Read an instant on the clock of the school: `2026-11-24 10:14`, `tue 10:14`, `10:14` or `now`.

    A weekday is the next one, today included. What stands with an offset from UTC is taken at its word.

    Args:
        now: aware.

    Raises:
        ConfigurationError: the text is no instant.
    """
    zone = ZoneInfo(timezone)
    written = text.strip().lower()
    if written == "now":
        return now.astimezone(UTC)
    try:
        moment = _parse_clock(written, now.astimezone(zone)) or datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusal("--at", f"'{text}'", "a time such as 'tue 10:14', '10:14' or '2026-11-24 10:14'") from None


def _parse_clock(written: str, today: datetime) -> datetime | None:
    match = _CLOCK.fullmatch(written)
    if match is None:
        return None
    day = today.date()
    if match["day"] is not None:
        day += timedelta(days=(_weekday(match["day"]) - today.weekday()) % 7)
    return datetime.combine(day, time(int(match["hour"]), int(match["minute"])))


def _weekday(word: str) -> int:
    if len(word) >= _MIN_WEEKDAY_LETTERS:
        for number, weekday in enumerate(_WEEKDAYS):
            if weekday.startswith(word):
                return number
    raise ValueError(word)


def _refusal(where: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((Problem(where, found, expected),))
