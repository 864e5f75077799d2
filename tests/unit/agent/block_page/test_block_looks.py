"""What holds for a name and an address at this moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from block_page_of_test import GAMBLING, PUPIL, STRANGER, TEACHER, BlockPageOfTest

from agent.block_page.block_looks import BlockLooks
from agent.sites.config import parse_site
from rules.name import DomainName
from rules.policy import Effect, Policy
from rules.subject import Audience, Profile, Scope

LEARNING = "games-educational.canary.schoolgate.test"
MORNING = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def is_blocked(looks: BlockLooks, name: str, address: str) -> bool:
    profile = looks.profile_of(address)
    assert profile is not None
    return looks.explain(DomainName(name), address, profile).is_blocked


def test_who_is_behind_an_address(tmp_path: Path) -> None:
    looks = BlockPageOfTest(tmp_path).looks
    assert looks.profile_of(PUPIL) == Profile(Audience.PUPIL)
    assert looks.profile_of("::ffff:192.0.2.9") == Profile(Audience.PUPIL)
    assert looks.profile_of(TEACHER) == Profile(Audience.STAFF)
    assert looks.profile_of(STRANGER) is None
    assert looks.profile_of("") is None


def test_it_is_what_dns_answers_for_this_address(tmp_path: Path) -> None:
    looks = BlockPageOfTest(tmp_path).looks
    assert is_blocked(looks, GAMBLING, PUPIL)
    assert is_blocked(looks, LEARNING, PUPIL)
    assert not is_blocked(looks, LEARNING, TEACHER)
    assert is_blocked(looks, "anything.example", "192.0.2.44")


def test_the_timetable_counts_and_says_when(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path)
    name = DomainName(LEARNING)
    found = page.looks.explain(name, PUPIL, Profile(Audience.PUPIL))
    assert found.change is not None
    assert found.change.at == datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
    page.school.now = MORNING + timedelta(hours=3)
    assert not is_blocked(page.looks, name, PUPIL)


def test_what_is_granted_is_seen_when_it_is_published(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path)
    assert is_blocked(page.looks, GAMBLING, PUPIL)
    lift = Policy("override-x1", Effect.ALLOW, frozenset({"gambling"}), Scope(), location="")
    rulebook = page.site.rulebook
    lift = replace(lift, until_at=datetime(2026, 3, 2, 10, tzinfo=UTC))
    page.site = replace(page.site, rulebook=replace(rulebook, policies=(*rulebook.policies, lift)))
    assert not is_blocked(page.looks, GAMBLING, PUPIL)


def test_devices_are_known_as_dns_knows_them(tmp_path: Path) -> None:
    text = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}}
groups: {year6: {devices: [cart-07]}}
lists: {}
"""
    site = parse_site(text, path=tmp_path / "site.yaml").site
    known: dict[str, tuple[str, ...]] = {}
    looks = BlockLooks(lambda: site, clock=lambda: MORNING, devices=lambda: known)
    assert looks.profile_of("192.0.2.7") == Profile(Audience.PUPIL)
    known = {"192.0.2.7": ("cart-07",)}
    assert looks.profile_of("192.0.2.7") == Profile(Audience.PUPIL, frozenset({"year6"}))
