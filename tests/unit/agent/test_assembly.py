"""What workers are given, from a checked site and what is on this machine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answering import PUPIL, Answering
from lists_of_test import site_with
from school_of_test import load_site_of_test

from agent.assembly import (
    ALWAYS_OPEN,
    build_snapshot,
    fail_closed,
    names_in,
    open_generations,
    read_devices,
    with_granted,
    without_granted,
)
from agent.categories import load_categories
from agent.dns.snapshot import read_snapshot, write_snapshot
from agent.lists.publisher import Generation
from agent.sites.site import (
    NEVER,
    FailMode,
    FailModes,
    Group,
    LeaseFile,
    ListConfig,
    OverrideSettings,
    Paths,
    Retention,
)
from rules.name import parse_name
from rules.policy import Effect, Policy, Rulebook
from rules.restriction import policy_of
from rules.subject import Scope
from rules.suspension import network_group

LISTS = ListConfig("ours", "/srv/ours.txt")
GENERATION = Generation(5, Path("/srv/generations/5"), {})
AT = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lists", "generation", "mode", "is_closed"),
    [
        pytest.param((LISTS,), GENERATION, FailMode.CLOSED, False, id="with-lists-nothing-fails"),
        pytest.param((LISTS,), None, FailMode.CLOSED, True, id="without-its-lists-a-school-is-closed"),
        pytest.param((LISTS,), None, FailMode.OPEN, False, id="unless-it-chose-to-be-open"),
        pytest.param((), None, FailMode.CLOSED, False, id="a-school-that-wants-no-lists-misses-none"),
    ],
)
def test_the_fail_mode_of_the_site_holds(
    tmp_path: Path, lists: tuple[ListConfig, ...], generation: Generation | None, mode: FailMode, is_closed: bool
) -> None:
    site = site_with(tmp_path, *lists, fail_modes=FailModes(mode, "we said so"))
    snapshot = build_snapshot(site, generation, number=3)
    assert snapshot.site.rulebook.is_allow_only(PUPIL) is is_closed
    assert snapshot.generation == 3
    assert (snapshot.index_generation, snapshot.index_path) == (
        (5, "/srv/generations/5/index.bin") if generation else (0, None)
    )


def test_a_closed_school_still_opens_what_is_always_open() -> None:
    closed = fail_closed(site_with(Path("/srv"), rulebook=Rulebook(guards=frozenset({"helplines"}))))
    snapshot = build_snapshot(closed, None, number=1)
    name = snapshot.guard_names["helplines"][0]
    school = Answering(
        rulebook=closed.rulebook,
        zone=(f"{name}. 60 A 192.0.2.1", "www.example. 60 A 192.0.2.2"),
        snapshot={"guard_names": snapshot.guard_names, "unrecorded": snapshot.unrecorded},
    )
    assert school.resolve(name).addresses == ["192.0.2.1"]
    assert school.resolve("www.example").rcode == "NXDOMAIN"


def test_guard_names_are_names_of_categories_that_hold_without_lists() -> None:
    snapshot = build_snapshot(load_site_of_test(), None, number=1)
    assert snapshot.guard_names.keys() == ALWAYS_OPEN
    for names in snapshot.guard_names.values():
        assert len(names) > 10
        assert all(parse_name(name) == name and "." in name for name in names)


def test_comments_and_blank_lines_are_no_names() -> None:
    assert names_in("# who\n\na.test\n  b.test  # why\n#c.test\n") == ("a.test", "b.test")


def test_what_cannot_be_lifted_and_what_is_never_recorded() -> None:
    site = load_site_of_test()
    snapshot = build_snapshot(site, None, number=1)
    assert snapshot.not_askable == NEVER | site.rulebook.statutory
    assert snapshot.not_askable <= {category.id for category in load_categories()}
    assert snapshot.unrecorded == {"helplines"}
    stricter = replace(site, overrides=OverrideSettings(never=frozenset({"gambling"})))
    assert build_snapshot(stricter, None, number=1).not_askable == {"gambling"} | site.rulebook.statutory


@pytest.mark.parametrize("language", ["en", "fr"])
def test_texts_are_in_the_language_of_the_school(language: str) -> None:
    texts = build_snapshot(load_site_of_test(language), None, number=1).texts
    assert texts.default == {"en": "Blocked by your school", "fr": "Bloqué par votre école"}[language]


def test_generations_are_kept_where_and_as_long_as_the_site_says(tmp_path: Path) -> None:
    site = site_with(tmp_path, paths=Paths(str(tmp_path / "state"), "run"), retention=Retention(index_generations=2))
    store = open_generations(site)
    assert store.numbers() == []
    assert store._folder == tmp_path / "state" / "generations"
    assert store._keep == 2


def test_devices_are_known_by_their_leases(tmp_path: Path) -> None:
    leases = tmp_path / "dnsmasq.leases"
    leases.write_text("0 02:00:00:00:00:01 192.0.2.17 cart-07 *\n1 02:00:00:00:00:02 192.0.2.18 gone *\n")
    files = (LeaseFile("dnsmasq", str(leases)),)
    assert read_devices(site_with(tmp_path, lease_files=files), now=lambda: AT) == {
        "192.0.2.17": ("02:00:00:00:00:01", "cart-07")
    }


def test_a_source_of_devices_that_fails_takes_nothing_from_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leases = tmp_path / "dnsmasq.leases"
    leases.write_text("0 02:00:00:00:00:01 192.0.2.17 cart-07 *\n")
    files = (LeaseFile("isc", str(tmp_path / "missing")), LeaseFile("dnsmasq", str(leases)))
    devices = read_devices(site_with(tmp_path, lease_files=files, neighbours=True), now=lambda: AT)
    assert devices["192.0.2.17"] == ("02:00:00:00:00:01", "cart-07")
    assert "leases_unreadable" in capsys.readouterr().err


GRANTED = Policy("override-1", Effect.ALLOW, frozenset({"name:bet.example"}), Scope(groups=frozenset({"year5"})), "")


def test_what_was_granted_stands_beside_the_rules_of_the_site() -> None:
    site = load_site_of_test()
    snapshot = build_snapshot(site, None, number=1, granted=[GRANTED])
    assert snapshot.site.rulebook.policies == (*site.rulebook.policies, GRANTED)
    assert snapshot.site.networks == site.networks
    assert with_granted(site, ()) == site


def test_a_network_for_which_something_was_granted_is_a_group() -> None:
    site = load_site_of_test()
    granted = replace(GRANTED, scope=Scope(groups=frozenset({network_group("classrooms")})))
    groups = {network.name: network.groups for network in with_granted(site, [granted]).networks}
    assert groups == {"classrooms": ("network:classrooms",), "staff-room": (), "guests": ()}


def test_a_device_whose_access_is_restricted_is_a_group_of_its_own_also_for_workers(tmp_path: Path) -> None:
    site = load_site_of_test()
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    restriction = policy_of(
        "1", groups=(), devices={"02:00:00:00:00:07"}, from_at=at, until_at=at + timedelta(days=1)
    )
    snapshot = build_snapshot(site, None, number=1, granted=[restriction])
    write_snapshot(tmp_path / "snapshot.json", snapshot)
    read = read_snapshot(tmp_path / "snapshot.json").site
    assert read.rulebook.policies[-1] == restriction
    assert read.groups == (*site.groups, Group("device:02:00:00:00:00:07", devices=("02:00:00:00:00:07",)))


def test_what_was_granted_is_taken_out_of_a_site_and_nothing_else_is() -> None:
    site = load_site_of_test()
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    until = at + timedelta(hours=1)
    of_network = Scope(groups=frozenset({network_group("classrooms")}))
    granted = [
        replace(GRANTED, location="override 1", until_at=until),
        replace(GRANTED, id="override-1-2", location="override 1", until_at=until),
        replace(GRANTED, id="suspension-2", location="suspension 2", scope=of_network, until_at=until),
        policy_of("3", groups=(), devices={"02:00:00:00:00:07"}, from_at=at, until_at=until),
    ]
    assert without_granted(with_granted(site, granted)) == site
    assert without_granted(site) is site
    # A rule of the site may be called so, and stand there for a time; it says where it is written.
    own = replace(GRANTED, id="override-summer", location="site.yaml:9:3", until_at=until)
    named = replace(site, rulebook=replace(site.rulebook, policies=(*site.rulebook.policies, own)))
    assert without_granted(with_granted(named, granted)) == named


OVERRIDE = replace(GRANTED, tags=frozenset({"name:bet.example"}), lifts=frozenset({"gambling", "games"}))
CATEGORIES = replace(GRANTED, tags=frozenset({"gambling"}), lifts=frozenset[str]())


def test_what_no_override_lifts_any_more_falls_for_those_that_run_too() -> None:
    site = replace(load_site_of_test(), overrides=OverrideSettings(never=frozenset({"gambling"})))
    (left,) = with_granted(site, [OVERRIDE, CATEGORIES]).rulebook.policies[-1:]
    assert left == replace(OVERRIDE, lifts=frozenset({"games"}))
    assert with_granted(site, [CATEGORIES]).rulebook == site.rulebook


def test_a_suspension_lifts_what_no_override_does() -> None:
    site = load_site_of_test()
    suspension = replace(GRANTED, id="suspension-1", tags=NEVER)
    assert with_granted(site, [suspension]).rulebook.policies[-1] == suspension
