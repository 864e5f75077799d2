"""What the parts of a site become."""

from datetime import date
from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.site import (
    ActivityLevel,
    AnswerStyle,
    FailMode,
    Group,
    LeaseFile,
    Limits,
    ListConfig,
    Network,
    Site,
)
from rules.schedule import DateRange, Window
from rules.subject import Audience

BASE = """\
school: {name: Example School, timezone: Europe/London, contact: room 12}
packs: [uk-esafety]
"""
NETWORKS = "networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}\n"


def build(text: str, *, folder: Path = Path("/nowhere")) -> Site:
    return parse_site(BASE + text, path=folder / "site.yaml").site


def test_school() -> None:
    school = build(NETWORKS).school
    assert (school.name, school.timezone, school.language, school.contact) == (
        "Example School",
        "Europe/London",
        "en",
        "room 12",
    )


def test_networks_and_groups() -> None:
    site = build("""\
networks:
  staff: {audience: staff, cidrs: [10.2.0.0/16, "2001:DB8::/32"], groups: office}
groups:
  office:
  carts: {audience: pupil, cidrs: 10.3.0.7, devices: [02-00-5E-00-53-01, Cart-07]}
""")
    assert site.networks == (Network("staff", Audience.STAFF, ("10.2.0.0/16", "2001:db8::/32"), ("office",)),)
    assert site.groups == (
        Group("office"),
        Group("carts", Audience.PUPIL, ("10.3.0.7/32",), ("02:00:5e:00:53:01", "cart-07")),
    )


def test_schedules_know_holidays_always_and_terms_where_asked_for() -> None:
    site = build(
        NETWORKS
        + """\
calendar:
  terms: {autumn: {from: 2026-09-02, to: 2026-12-18}}
  holidays: {half-term: {from: 2026-10-26, to: 2026-10-30}, one day: 2026-11-03}
schedules:
  lunch: {windows: {days: mon-fri, from: 12:10, to: 13:00}}
  night: {windows: [{days: fri, from: 22:00, to: 6:00}], only_in_term: yes}
"""
    )
    lunch, night = site.schedules
    half_term = DateRange("half-term", date(2026, 10, 26), date(2026, 10, 30))
    one_day = DateRange("one day", date(2026, 11, 3), date(2026, 11, 3))
    assert lunch.windows == (Window(frozenset(range(5)), 730, 780),)
    assert (lunch.timezone, lunch.terms, lunch.holidays) == ("Europe/London", (), (half_term, one_day))
    assert night.terms == (DateRange("autumn", date(2026, 9, 2), date(2026, 12, 18)),)
    assert night.windows[0].is_over_midnight


def test_lists(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    site = build(
        NETWORKS
        + """\
lists:
  starter: builtin:starter
  tree: tree
  packed:
    source: https://lists.example/all.tar.gz
    categories: {arcade: games, weather: null}
    refresh: 12 h
    max_size: 1 MB
    timeout: 5 s
    max_bad_share: 10 %
    max_change_share: 0.3
  plain: {source: https://lists.example/x, category: games, format: hosts}
""",
        folder=tmp_path,
    )
    assert [config.location for config in site.lists] == [f"site.yaml:{line}:3" for line in (5, 6, 7, 15)]
    starter, tree, packed, plain = site.lists
    assert (starter.source, tree.source) == ("builtin:starter", str(tmp_path / "tree"))
    assert (plain.category, plain.format) == ("games", "hosts")
    assert packed == ListConfig(
        name="packed",
        source="https://lists.example/all.tar.gz",
        categories={"arcade": "games", "weather": None},
        refresh_seconds=43_200,
        max_size_bytes=1024 * 1024,
        timeout_seconds=5,
        max_bad_share=0.1,
        max_change_share=0.3,
        location="site.yaml:7:3",
    )


def test_a_site_may_have_no_lists_at_all() -> None:
    assert build(NETWORKS + "lists: {}").lists == ()


def test_answers_limits_retention_and_fail_modes() -> None:
    site = build(
        NETWORKS
        + """\
answers: {blocked: nodata, by_category: {gambling: page}, page_ipv4: 192.0.2.80, blocked_ttl: 5 s, chaos: yes}
limits: {stale: 2 d, udp_payload: 1400, reply_cache: 1 MB, tcp_idle: 2.5 s}
retention: {activity: all, days: 7, reason: asked for by the governors}
fail_modes: {no_index: open, reason: lessons go on}
paths: {state: /var/lib/schoolgate, runtime: run}
workers: 2
devices: {neighbours: no, lease_files: {format: kea, path: leases.csv}}
"""
    )
    assert site.answers.default is AnswerStyle.NODATA
    assert site.answers.by_category == {"gambling": AnswerStyle.PAGE}
    assert (site.answers.blocked_ttl_seconds, site.answers.chaos, site.answers.minimal_any) == (5, True, True)
    assert site.limits == Limits(
        stale_seconds=172_800, udp_payload_bytes=1400, reply_cache_bytes=1024 * 1024, tcp_idle_seconds=2.5
    )
    assert (site.retention.activity, site.retention.activity_days) == (ActivityLevel.ALL, 7)
    assert site.retention.all_reason == "asked for by the governors"
    assert (site.fail_modes.no_index, site.fail_modes.reason) == (FailMode.OPEN, "lessons go on")
    assert (site.paths.state, site.paths.runtime) == ("/var/lib/schoolgate", "/nowhere/run")
    assert (site.workers, site.neighbours) == (2, False)
    assert site.lease_files == (LeaseFile("kea", "/nowhere/leases.csv"),)


@pytest.mark.parametrize(
    "part", ["groups", "calendar", "schedules", "lists", "rows", "policies", "answers", "limits"]
)
def test_a_part_that_is_left_empty_is_as_if_it_were_not_there(part: str) -> None:
    assert build(f"{NETWORKS}{part}:\n") == build(NETWORKS)
