"""Whether filtering works in each network: what was found there, what nobody looked at, what the record explains."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from agent.console.charts.coverage_figures import Coverage, Filtering, read_coverage, read_reports
from agent.dns.canaries import CATEGORIES
from agent.dns.canary_looks import Look, Report, report_path
from agent.filter_changing.canary_episodes import OFF, Cause, Place, facts_off
from agent.filter_changing.canary_expectation import Expectation, profile_of
from agent.sites.config import parse_site
from agent.storage.state import StateStore
from rules.subject import Audience

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = parse_site(
    """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks:
  pupils: {audience: pupil, cidrs: 10.1.0.0/16}
  staff: {audience: staff, cidrs: 10.2.0.0/16}
""",
    path=Path("site.yaml"),
).site
BLOCKED = Expectation(SITE).blocked(profile_of(SITE.networks[0]), NOW)


def look(network: str, *still_open: str) -> Look:
    is_open = frozenset(CATEGORIES) - BLOCKED | frozenset(still_open)
    return Look(network, Audience.PUPIL, (), tuple(is_open), is_unlisted_open=True)


def report(*looks: Look, at: datetime = NOW) -> Report:
    seconds = at.timestamp()
    return Report(1, seconds - 1, seconds, 1.0, 2.0, 3, (), looks)


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "state.db", clock=lambda: NOW)


def coverage(store: StateStore, *reports: Report) -> Coverage:
    with store.read() as database:
        return read_coverage(database, SITE, reports, NOW)


def test_a_network_in_which_all_that_the_site_blocks_is_blocked_is_on(store: StateStore) -> None:
    pupils, staff = coverage(store, report(look("pupils"), look("staff"))).networks
    assert (pupils.filtering, pupils.blocked, pupils.expected) == (Filtering.ON, len(BLOCKED), len(BLOCKED))
    assert staff.filtering is Filtering.ON


def test_what_nobody_looked_at_is_not_known(store: StateStore) -> None:
    pupils, staff = coverage(store, report(look("pupils"))).networks
    assert pupils.filtering is Filtering.ON
    assert (staff.filtering, staff.blocked) == (Filtering.UNKNOWN, None)


def test_what_one_worker_leaves_open_is_open(store: StateStore) -> None:
    pupils, _ = coverage(store, report(look("pupils")), report(look("pupils", "gambling"))).networks
    assert (pupils.filtering, pupils.blocked) == (Filtering.OPENED, len(BLOCKED) - 1)


@pytest.mark.parametrize("cause", Cause)
def test_what_nothing_on_record_explains_is_off(store: StateStore, cause: Cause) -> None:
    with store.act() as act:
        act.note(OFF, actor="system", facts=facts_off(cause, [Place("pupils")], ["gambling"], since=NOW))
    pupils, staff = coverage(store, report(look("pupils", "gambling"), look("staff"))).networks
    assert (pupils.filtering, staff.filtering) == (Filtering.OFF, Filtering.ON)


def test_only_what_workers_found_of_late_counts(tmp_path: Path) -> None:
    for worker, seconds in enumerate((0, 59, 61)):
        found = report(look("pupils"), at=NOW - timedelta(seconds=seconds))
        report_path(tmp_path, worker).write_bytes(msgspec.json.encode(found))
    report_path(tmp_path, 3).write_text("nothing of ours")
    assert len(read_reports(tmp_path, NOW)) == 2
    assert read_reports(tmp_path / "none", NOW) == ()
