"""Explaining with the lists on this machine: compiled, in force, and found again line by line."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from granting import MORNING, REASON, Granting

from agent.assembly import STATE_NAME, open_generations
from agent.categories import load_categories
from agent.explaining.explain import Explanation
from agent.explaining.explain_site import explain_names, explain_site
from agent.explaining.explain_text import render
from agent.lists.list_updater import ListUpdater
from agent.requests.granted import Grant
from agent.requests.suspensions import AskedSuspension
from agent.sites.config import parse_site
from agent.sites.site import OverrideSettings, Site
from agent.storage.seat_rows import SeatRow, write_seats
from agent.storage.state import StateStore
from agent.texts import load_texts
from rules.errors import ConfigurationError, IndexUnusableError
from rules.name import DomainName
from rules.verdict import Allow, Block, Reason, ReasonCode

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


def test_an_override_is_named_with_its_reason_and_approver(tmp_path: Path) -> None:
    site = write_school(tmp_path)
    ListUpdater(site, index=open_generations(site)).update()
    with Granting.opened(Path(site.paths.state)) as school:
        school.tags["bets.example"] = {"gambling"}
        filed = school.overrides.request("teacher", school.written(names=("bets.example",)))
        school.overrides.approve("manager", filed.override.id, version=1)
    in_the_lesson = "2026-11-24T10:20"
    found = explained(site, "www.bets.example", who="pupil+year5", at=in_the_lesson)
    assert isinstance(found.verdict, Allow)
    assert found.verdict.reason == Reason(ReasonCode.LIFTED, "gambling", f"override-{filed.override.id}")
    assert found.grant == Grant(
        filed.override.id,
        is_suspension=False,
        requester="teacher",
        approvers=("manager",),
        reason=REASON,
        until_at=filed.override.lift.until_at,
    )
    assert found.change is not None
    assert found.change.at == filed.override.lift.until_at
    others = explained(site, "www.bets.example", at=in_the_lesson)
    assert isinstance(others.verdict, Block)
    assert others.grant is None
    assert isinstance(explained(site, "bets.example", who="pupil+year5", at="2026-11-24T11:00").verdict, Block)


def test_a_suspension_of_a_network_is_explained_for_an_address(tmp_path: Path) -> None:
    site = write_school(tmp_path)
    ListUpdater(site, index=open_generations(site)).update()
    with Granting.opened(Path(site.paths.state)) as school:
        asked = AskedSuspension(networks=("classrooms",), reason=REASON, until_at=MORNING + timedelta(hours=1))
        filed = school.suspensions.request("manager", asked)
        school.suspensions.agree("head", filed.suspension.id, version=1)
    found = explained(site, "bets.example", who="192.0.2.18", at="2026-11-24T10:20")
    assert found.grant is not None
    assert (found.grant.is_suspension, found.grant.approvers) == (True, ("head",))
    assert isinstance(explained(site, "bets.example", who="192.0.2.130", at="2026-11-24T10:20").verdict, Block)


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


def test_what_the_site_never_opens_is_said_to_whoever_would_ask(site: Site) -> None:
    stricter = replace(site, overrides=OverrideSettings(never=frozenset({"gambling"})))
    words = [
        render(explained(each, "bets.example"), each, load_categories(), load_texts("en"))
        for each in (site, stricter)
    ]
    assert ["nobody can ask for an exception" in text for text in words] == [False, True]


def test_whoever_is_signed_in_at_an_address_brings_their_groups_until_that_ends(tmp_path: Path) -> None:
    school = write_school(tmp_path)
    row = SeatRow("192.0.2.20", frozenset({"year5"}), None, NOW, NOW + timedelta(minutes=15))
    path = Path(school.paths.state) / STATE_NAME
    path.parent.mkdir(parents=True)
    with closing(StateStore(path, clock=lambda: NOW)) as store, store.act() as act:
        write_seats(act, [row])
    assert explained(school, "bets.example", who="192.0.2.20").who.profile.groups == {"year5"}
    assert explained(school, "bets.example", who="192.0.2.20", at="2026-11-18 10:30").who.profile.groups == set()


def test_several_names_are_explained_as_one_by_one(site: Site) -> None:
    names = [DomainName("bets.example"), DomainName("open.example")]
    assert explain_names(site, names, who="pupil", at=NOW) == [explained(site, name) for name in names]
    assert explain_names(site, (), who="pupil", at=NOW) == []
