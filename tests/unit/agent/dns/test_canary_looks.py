"""A worker's own looks: what clients of each network and profile find open, at no client's cost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from answering import NOON, PUPIL, STAFF, Answering
from indexes_of_test import text_list

from agent.dns.canaries import CATEGORIES, canary_name
from agent.dns.canary_looks import (
    MAX_PROFILES,
    PAUSE_SECONDS,
    QUERIES_A_TICK,
    SOON_SECONDS,
    CanaryLooks,
    Look,
    Report,
    read_report,
)
from agent.sites.site import ActivityLevel, Answers, AnswerStyle, Network, Retention
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Audience, Profile, Scope

NETWORKS = (
    Network("pupils", Audience.PUPIL, ("192.0.2.0/25",)),
    Network("staff", Audience.STAFF, ("192.0.2.128/25",)),
)
PUPILS = Scope(audiences=frozenset({Audience.PUPIL}))
NO_GAMES = Rulebook(
    (Policy("no-games", Effect.BLOCK, frozenset({"games"}), PUPILS, "site.yaml:1"),),
    statutory=frozenset({"hate_speech"}),
)


class Worker:
    """One worker, the clocks of the test, and what it left."""

    def __init__(self, path: Path, *lists: Any, **parts: Any) -> None:
        self.path = path
        usual: dict[str, Any] = {"rulebook": NO_GAMES, "networks": NETWORKS}
        self.school = Answering(*lists, **(usual | parts))
        clocks = self.school.clocks
        self.looks = CanaryLooks(path, wall_clock=clocks.wall, monotonic=clocks.monotonic)
        self.report: Report | None = None

    def tick(self) -> bool:
        """Do one tick; says whether it brought a report."""
        self.school.advance(0.1)
        self.looks.tick(self.school.responder)
        before, self.report = self.report, read_report(self.path)
        return self.report is not None and (before is None or before.ended_at != self.report.ended_at)

    def ticks(self, seconds: float) -> Iterator[bool]:
        return (self.tick() for _ in range(round(seconds * 10)))

    def look(self) -> Report:
        """Tick until there is a new report."""
        assert any(self.ticks(120))
        assert self.report is not None
        return self.report

    def open(self) -> dict[str, frozenset[str]]:
        """Look; gives what is open by network or profile."""
        return {label(each): frozenset(each.open) for each in self.look().looks}


def label(look: Look) -> str:
    return look.network or str(Profile(look.audience, frozenset(look.groups)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "canaries-0.json"


def test_it_finds_what_is_open_in_each_network(path: Path) -> None:
    everything = frozenset(CATEGORIES)
    assert Worker(path).open() == {
        "pupils": everything - {"games", "hate_speech"},
        "staff": everything - {"hate_speech"},
    }


@pytest.mark.parametrize("style", AnswerStyle)
def test_blocked_is_not_open_however_the_site_blocks(path: Path, style: AnswerStyle) -> None:
    answers = Answers(default=style, page_ipv4="198.51.100.7", page_ipv6="2001:db8::7")
    assert "games" not in Worker(path, answers=answers).open()["pupils"]


def test_profiles_that_clients_have_are_tried_beside_the_networks(path: Path) -> None:
    nobody_else = Policy(
        "open", Effect.ALLOW, frozenset({"games"}), Scope(groups=frozenset({"chess"})), "site.yaml:2"
    )
    worker = Worker(path, rulebook=replace(NO_GAMES, policies=(*NO_GAMES.policies, nobody_else)))
    worker.school.ask("www.example", to=PUPIL)
    worker.school.ask("www.example", to=Profile(Audience.PUPIL, frozenset({"chess"})))
    found = worker.open()
    assert found.keys() == {"pupils", "staff", "pupil+chess"}
    assert "games" in found["pupil+chess"]
    assert "games" not in found["pupils"]


def test_however_many_profiles_there_are_the_number_of_looks_is_bounded(path: Path) -> None:
    worker = Worker(path)
    for number in range(MAX_PROFILES + 10):
        worker.school.client(Profile(Audience.PUPIL, frozenset({f"group{number}"})))
    assert len(worker.look().looks) == MAX_PROFILES


def test_where_only_chosen_names_are_open_that_is_told(path: Path) -> None:
    report = Worker(path, rulebook=replace(NO_GAMES, allow_only=(PUPILS,))).look()
    assert [(each.network, each.is_unlisted_open) for each in report.looks] == [("pupils", False), ("staff", True)]
    assert report.looks[0].open == ()


def test_what_the_lists_give_is_told_by_itself(path: Path) -> None:
    listed = text_list(f"{canary_name('games')}\n", "games"), text_list("bet.test\npoker.test\n", "gambling")
    report = Worker(path, *listed).look()
    assert (report.index_names, report.index_gives) == (3, ("games",))
    assert Worker(path.with_name("canaries-1.json")).look().index_names == 0


def test_a_look_is_counted_nowhere_and_kept_against_nobody(path: Path) -> None:
    worker = Worker(path, retention=Retention(activity=ActivityLevel.ALL, all_reason="a test"))
    plain = dict(worker.school.counters.plain)
    worker.look()
    assert worker.school.outcomes() == {}
    assert worker.school.counters.plain == plain
    assert worker.school.rows() == {}
    assert worker.school.upstream.asked == []


def test_it_takes_no_room_for_replies_from_profiles_that_have_clients(path: Path) -> None:
    worker = Worker(path)
    worker.school.client(STAFF)
    worker.look()
    assert list(worker.school.responder.policy.profiles) == [STAFF]


def test_a_tick_asks_a_few_names_only(path: Path) -> None:
    worker = Worker(path)
    names = len(CATEGORIES) * (1 + len(NETWORKS))
    assert list(worker.ticks(20)).index(True) == names // QUERIES_A_TICK


def test_it_looks_soon_again_after_a_change_and_then_from_time_to_time(path: Path) -> None:
    worker = Worker(path)
    reports = [worker.look() for _ in range(10)]
    pauses = [later.began_monotonic - earlier.ended_monotonic for earlier, later in pairwise(reports)]
    assert pauses[0] == pytest.approx(SOON_SECONDS, abs=0.2)
    assert pauses[-1] == pytest.approx(PAUSE_SECONDS, abs=0.2)
    assert pauses == sorted(pauses, key=round)


def test_a_new_policy_is_looked_at_from_the_beginning(path: Path) -> None:
    worker = Worker(path)
    for _ in worker.ticks(0.5):
        pass
    worker.school.adopt(rulebook=Rulebook())
    adopted_at = worker.school.clocks.monotonic_seconds
    report = worker.look()
    assert report.began_monotonic >= adopted_at
    assert "games" in report.looks[0].open
    assert worker.school.snapshot.generation == report.policy_generation


def test_so_is_what_holds_after_a_boundary_of_the_clock(path: Path) -> None:
    ends_at = NOON + timedelta(seconds=10)
    lifted = Policy("lesson", Effect.ALLOW, frozenset({"games"}), PUPILS, "override", until_at=ends_at)
    worker = Worker(path, rulebook=replace(NO_GAMES, policies=(*NO_GAMES.policies, lifted)))
    assert "games" in worker.open()["pupils"]
    seen = [worker.open()["pupils"] for _ in range(2)]
    assert "games" not in seen[-1]


def test_a_full_disk_ends_nothing(path: Path) -> None:
    worker = Worker(path.parent / "none" / "canaries-0.json")
    assert not any(worker.ticks(60))
    worker.path.parent.mkdir()
    assert worker.look().looks


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b'{"looks": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_report_is_none(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)
    assert read_report(path) is None
