"""Explaining with the lists on this machine: compiled, in force, and found again line by line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.assembly import open_generations
from agent.config import parse_site
from agent.explain import Explanation
from agent.explain_site import explain_site
from agent.list_updater import ListUpdater
from agent.site import Site
from rules.errors import ConfigurationError, IndexUnusableError
from rules.verdict import Allow, Block, ReasonCode

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}
  staff-room: {audience: staff, cidrs: [192.0.2.128/25]}
groups:
  year5: {devices: [cart-07]}
devices: {lease_files: [{path: leases, format: dnsmasq}], neighbours: false}
schedules:
  lunch: {windows: [{days: mon-fri, from: "12:15", to: "13:00"}]}
rows:
  gaming_non_educational: [{audience: pupil, tick: certain_times, schedule: lunch}]
policies:
  project: {allow: {names: [maths.bets.example]}, groups: year5}
lists:
  bets: {source: bets.txt, category: gambling}
  games: {source: games.txt, category: games, format: adblock}
upstreams: {servers: [192.0.2.53]}
paths: {state: state, runtime: run}
"""
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)


def write_school(folder: Path) -> Site:
    """Write a school, of which nothing is compiled yet."""
    (folder / "bets.txt").write_text("# bets\nother.example\nbets.example\n")
    (folder / "games.txt").write_text("||play.example^\n@@||chess.play.example^\n")
    (folder / "leases").write_text("0 02:00:00:00:00:01 192.0.2.17 cart-07 *\n")
    return parse_site(SITE, path=folder / "site.yaml").site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = write_school(tmp_path_factory.mktemp("school"))
    report = ListUpdater(made, index=open_generations(made)).update()
    assert report.generation == 1
    return made


def explained(site: Site, name: str, *, who: str = "pupil", at: str | None = None) -> Explanation:
    return explain_site(site, name=name, who=who, at=at, now=NOW)


def test_a_block_is_explained_to_the_literal_line(site: Site) -> None:
    found = explained(site, "WWW.Bets.example.")
    assert isinstance(found.verdict, Block)
    assert found.verdict.reason.tag == "gambling"
    assert [str(entry.line) for entry in found.entries] == ["bets.txt:3: bets.example"]
    assert found.refusal is not None


def test_an_exception_of_a_list_is_shown(site: Site) -> None:
    found = explained(site, "chess.play.example")
    assert isinstance(found.verdict, Allow)
    assert [str(entry.line) for entry in found.entries] == ["games.txt:2: @@||chess.play.example^"]


def test_the_moment_that_is_asked_about_decides(site: Site) -> None:
    assert isinstance(explained(site, "play.example").verdict, Block)
    assert isinstance(explained(site, "play.example", at="2026-11-18T12:30").verdict, Allow)
    assert explained(site, "play.example", at="2026-11-18T12:30").at == datetime(2026, 11, 18, 12, 30, tzinfo=UTC)


def test_a_device_is_known_by_its_lease(site: Site) -> None:
    found = explained(site, "maths.bets.example", who="192.0.2.17")
    assert isinstance(found.verdict, Allow)
    assert found.verdict.reason.code is ReasonCode.LIFTED
    assert isinstance(explained(site, "maths.bets.example", who="192.0.2.18").verdict, Block)


@pytest.mark.parametrize(
    ("name", "who", "at"),
    [("a..b", "pupil", None), ("a.example", "nobody", None), ("a.example", "pupil", "yesterweek")],
)
def test_what_cannot_be_read_is_told_so(site: Site, name: str, who: str, at: str | None) -> None:
    with pytest.raises(ConfigurationError):
        explained(site, name, who=who, at=at)


def test_without_compiled_lists_the_fail_mode_is_explained(tmp_path: Path) -> None:
    found = explained(write_school(tmp_path), "www.example")
    assert isinstance(found.verdict, Block)
    assert found.verdict.reason.code is ReasonCode.ALLOW_ONLY
    assert not list(found.entries)


def test_damaged_lists_are_not_explained_with(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "generations"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "manifest.json").write_text(
        '{"created_at": "", "fingerprint": "", "lists": [], "name_count": 1, "rules_left_out": 0}'
    )
    (folder / "1" / "index.bin").write_bytes(b"SCHGIDX\\0")
    (folder / "current").write_text("1 1")
    with pytest.raises(IndexUnusableError, match=r"index\.bin: "):
        explained(write_school(tmp_path), "www.example")
