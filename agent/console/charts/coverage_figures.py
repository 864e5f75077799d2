"""Whether filtering works in each network of the site: what workers found there of late."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.dns.canary_looks import Look, Report, read_report, report_path
from agent.filter_changing.canary_check import FRESH_SECONDS
from agent.filter_changing.canary_episodes import Episodes, Place
from agent.filter_changing.canary_expectation import Expectation, profile_of
from agent.sites.site import Network, Site
from rules.subject import Audience

_MOST_WORKERS: Final = 64


class Filtering(StrEnum):
    """How a network stands.

    OPENED is less than the site file says, which the record explains: an override or a suspension. OFF is what
    nothing on record explains.
    """

    ON = "on"
    OPENED = "opened"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NetworkCoverage:
    """One network: of so many canaries that the site blocks there, so many are; None where nobody looked of late."""

    network: str
    audience: Audience
    filtering: Filtering
    blocked: int | None
    expected: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The networks of a site, in the order of its file."""

    networks: tuple[NetworkCoverage, ...]


def read_reports(runtime: Path, now: datetime) -> tuple[Report, ...]:
    """Read what the workers found in the last minute.

    Args:
        runtime: the folder in which they leave it.
        now: aware UTC.
    """
    found = (read_report(report_path(runtime, worker)) for worker in range(_MOST_WORKERS))
    return tuple(each for each in found if each is not None and abs(now.timestamp() - each.ended_at) <= FRESH_SECONDS)


def read_coverage(database: sqlite3.Connection, site: Site, reports: Iterable[Report], now: datetime) -> Coverage:
    """Say how each network of the site stands.

    Args:
        database: the state, at one moment.
        site: the one in force.
        reports: as `read_reports` gives them.
        now: aware UTC.
    """
    episodes = Episodes()
    episodes.read(database)
    off = {place for _, place in episodes.told}
    expectation = Expectation(site)
    looks = [look for report in reports for look in report.looks]
    return Coverage(
        tuple(
            _coverage(
                network,
                expected=expectation.blocked(profile_of(network), now.astimezone(UTC)),
                looks=[each for each in looks if each.network == network.name],
                is_off=Place(network.name) in off,
            )
            for network in site.networks
        )
    )


def _coverage(network: Network, *, expected: frozenset[str], looks: list[Look], is_off: bool) -> NetworkCoverage:
    # What one worker leaves open is open for whoever it answers.
    is_open = frozenset(category for look in looks for category in look.open)
    blocked = len(expected - is_open) if looks else None
    filtering = Filtering.OPENED if expected & is_open else Filtering.ON
    if is_off:
        filtering = Filtering.OFF
    elif not looks:
        filtering = Filtering.UNKNOWN
    return NetworkCoverage(network.name, network.audience, filtering, blocked, len(expected))
