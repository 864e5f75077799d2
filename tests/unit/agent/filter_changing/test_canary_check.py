"""What the workers find open, compared with what is on record: an incident where it stays, and nowhere else."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lists_of_test import site_with

from agent.dns.canaries import CATEGORIES
from agent.dns.canary_looks import Look, Report, report_path
from agent.dns.shared_memory import SharedMemory
from agent.filter_changing.canary_check import FRESH_SECONDS, SETTLE_SECONDS, CanaryCheck, missing_from_lists
from agent.filter_changing.filter_changes import FilterChanges
from agent.lists.publisher import Generation
from agent.people.people import People
from agent.sites.config import parse_site
from agent.sites.site import ListConfig
from agent.storage.state import Act, StateStore, instant_text
from agent.storage.suspension_rows import FiledSuspension, write_suspension
from rules.errors import StorageError
from rules.roles import Role
from rules.subject import Audience
from rules.suspension import Extent, State, Suspension

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks:
  pupils: {audience: pupil, cidrs: 10.1.0.0/16}
  staff: {audience: staff, cidrs: 10.2.0.0/16}
policies:
  ours: {block: [chat, dating], audiences: pupil}
"""
ALL = frozenset(CATEGORIES)
STATUTORY = {"criminal_activity", "extreme_pornography", "hate_speech", "illegal_csam"}
# What the pack blocks for everybody.
TABLE = STATUTORY | {
    *("discrimination", "encrypted_dns", "file_sharing", "gambling", "games", "games_educational", "malware"),
    *("phishing", "piracy", "pornography", "proxy", "self_harm", "shopping", "social_networks", "tor", "video"),
    *("violence", "vpn"),
}
# What a suspension leaves as it is.
STANDS = STATUTORY | {"malware", "phishing"}
BLOCKED = {"pupils": TABLE | {"chat", "dating"}, "staff": TABLE}
SUSPENDED = {"pupils": STATUTORY, "staff": STATUTORY}
OPEN_TO_PUPILS = BLOCKED | {"pupils": TABLE}
OPEN_HOUSE = SITE + f"  open-house: {{allow: [{', '.join(sorted(ALL - STATUTORY))}]}}\n"


def look(network: str, audience: Audience, blocked: Collection[str], *groups: str) -> Look:
    return Look(network, audience, groups, tuple(ALL.difference(blocked)), is_unlisted_open=True)


class School:
    """A record, two workers that report as the test says, and clocks that move when told."""

    def __init__(self, folder: Path, *, workers: int = 2) -> None:
        self.folder = folder
        self.memory = SharedMemory.create(folder / "shared.mem", workers=workers)
        self.began_at = datetime.fromtimestamp(self.memory.created_at_nanoseconds / 1e9, UTC)
        self.seconds = 100.0
        self.store = StateStore(folder / "state.db", clock=self.clock)
        self.people = People(self.store)
        self.changes = FilterChanges(self.store, self.people, clock=self.clock)
        self.told = 0
        self.is_queue_full = False
        self.check = self.another_check()

    def another_check(self) -> CanaryCheck:
        return CanaryCheck(self.store, self.folder, tell=self._tell, monotonic=lambda: self.seconds)

    def clock(self) -> datetime:
        return self.began_at + timedelta(seconds=self.seconds - 100)

    def find_site(self, text: str = SITE) -> None:
        path = self.folder / "site.yaml"
        self.changes.observe(text, parse_site(text, path=path).site, os_user="root")

    def suspend(self, network: str, *, seconds: float) -> None:
        with self.store.act() as act:
            at = self.clock()
            act.database.execute(
                "INSERT INTO people (id, name, created_at) VALUES ('m', 'M', ?)", (instant_text(at),)
            )
            until_at = at + timedelta(seconds=seconds)
            extent = Extent(networks=frozenset({network}))
            write_suspension(
                act.database,
                FiledSuspension(Suspension("s1", "m", extent, "a reason", State.AGREED, at, at, until_at, "m"), 2),
            )

    def report(
        self,
        *workers: int,
        blocked: dict[str, set[str]] | None = None,
        lasts: float = 1.0,
        looks: Collection[Look] = (),
        **parts: Any,
    ) -> None:
        """Leave the reports of workers who looked just now; all that is not `blocked` is open."""
        found = [
            look(network, Audience.PUPIL if network == "pupils" else Audience.STAFF, categories)
            for network, categories in (BLOCKED if blocked is None else blocked).items()
        ]
        usual: dict[str, Any] = {
            "policy_generation": 1,
            "began_at": self.clock().timestamp() - lasts,
            "ended_at": self.clock().timestamp(),
            "began_monotonic": self.seconds - lasts,
            "ended_monotonic": self.seconds,
            "index_names": 3,
            "index_gives": (),
            "looks": (*found, *looks),
        }
        for worker in workers or (0, 1):
            report_path(self.folder, worker).write_bytes(msgspec.json.encode(Report(**(usual | parts))))

    def rounds(self, *, times: int = 1, **parts: Any) -> None:
        """Let all workers look, and compare, with the usual pause after each."""
        for _ in range(times):
            self.report(**parts)
            self.check.look()
            self.seconds += SETTLE_SECONDS + 1.5

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        with self.store.read() as database:
            found = database.execute("SELECT kind, facts FROM audit ORDER BY number").fetchall()
        return [(kind, json.loads(facts)) for kind, facts in found if kind.startswith(("filter_off", "filter_on"))]

    def kinds(self) -> list[str]:
        return [kind.removeprefix("filter_") for kind, _ in self.rows()]

    def numbers(self) -> dict[str, int]:
        return self.memory.canaries()

    def _tell(self, _act: Act) -> None:
        if self.is_queue_full:
            raise StorageError("no room for messages")
        self.told += 1


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    school.find_site()
    yield school
    school.store.close()
    school.memory.close()


# --- Nothing is wrong


def test_workers_that_do_what_is_on_record_are_no_news(school: School) -> None:
    school.rounds(times=5)
    assert (school.kinds(), school.told) == ([], 0)
    numbers = school.numbers()
    assert numbers.pop("checked_nanoseconds") > 0
    assert set(numbers.values()) == {0}


def test_what_a_suspension_opens_is_on_record(school: School) -> None:
    school.suspend("pupils", seconds=60)
    school.rounds(times=3, blocked=BLOCKED | {"pupils": STANDS})
    assert school.kinds() == []
    assert school.numbers()["needlessly_blocked"] == 0


def test_what_a_suspension_does_not_open_is_no_part_of_it(school: School) -> None:
    school.suspend("pupils", seconds=60)
    school.rounds(times=3, blocked=BLOCKED | {"pupils": STATUTORY | {"phishing"}})
    ((_, facts),) = school.rows()
    assert (facts["networks"], facts["categories"]) == (["pupils"], ["malware"])


def test_what_two_people_approved_is_on_record(school: School) -> None:
    with school.store.act() as act:
        drafter, approver = (
            school.people.open(act, name, [role], actor="system").id
            for name, role in (("Tess", Role.TECHNICIAN), ("Cora", Role.ICT_COORDINATOR))
        )
    draft = school.changes.draft(
        drafter,
        "policies: {ours: {block: chat, audiences: pupil}}",
        reason="Year 6 studies chess with an online board this term.",
        owner=approver,
        review_on=school.clock().date() + timedelta(days=30),
    )
    school.changes.approve(approver, draft.number, step=draft.step)
    school.rounds(times=3, blocked=BLOCKED | {"pupils": TABLE | {"chat"}})
    assert school.kinds() == []


def test_what_is_blocked_though_it_need_not_be_is_only_counted(school: School) -> None:
    school.rounds(times=3, blocked=BLOCKED | {"staff": TABLE | {"chat", "dating"}})
    assert school.kinds() == []
    assert school.numbers()["needlessly_blocked"] == 2


def test_a_boundary_of_the_clock_within_a_look_is_no_news(school: School) -> None:
    school.suspend("pupils", seconds=10)
    school.seconds += 11
    school.report(blocked=OPEN_TO_PUPILS, lasts=2)
    school.check.look()
    school.seconds += 5
    school.rounds(times=3)
    assert school.kinds() == []


def test_a_change_that_not_everybody_has_heard_of_is_no_news(school: School) -> None:
    school.rounds()
    for seconds in (0.5, 1.0, 2.0):
        school.report(blocked=OPEN_TO_PUPILS)
        school.check.look()
        school.seconds += seconds
    school.rounds(times=3)
    assert school.kinds() == []


# --- Filtering is off


def test_what_stays_open_is_an_incident_once(school: School) -> None:
    school.rounds(blocked=OPEN_TO_PUPILS)
    assert school.kinds() == []
    seen_at = school.began_at - timedelta(seconds=1)
    school.rounds(times=5, blocked=OPEN_TO_PUPILS)
    ((kind, facts),) = school.rows()
    assert kind == "filter_off_without_record"
    assert facts == {
        "cause": "workers",
        "networks": ["pupils"],
        "profiles": [],
        "categories": ["chat", "dating"],
        "workers": [0, 1],
        "since": facts["since"],
        "is_without_lists": False,
    }
    assert abs(datetime.fromisoformat(facts["since"]) - seen_at) < timedelta(milliseconds=1)
    assert school.told == 1
    assert school.numbers()["unlogged_open"] == 2


def test_it_ends_when_all_is_well_again(school: School) -> None:
    school.rounds(times=3, blocked=OPEN_TO_PUPILS)
    school.rounds(times=3)
    assert school.kinds() == ["off_without_record", "on_again"]
    assert school.rows()[1][1] == {"cause": "workers", "networks": ["pupils"], "profiles": []}
    assert (school.told, school.numbers()["unlogged_open"]) == (1, 0)


def test_another_time_is_another_episode(school: School) -> None:
    for _ in range(2):
        school.rounds(times=3, blocked=OPEN_TO_PUPILS)
        school.rounds(times=2)
    assert school.kinds() == ["off_without_record", "on_again"] * 2
    assert school.told == 2


def test_what_opens_later_is_told_by_itself(school: School) -> None:
    school.rounds(times=3, blocked=OPEN_TO_PUPILS)
    school.rounds(times=3, blocked={network: TABLE - {"proxy"} for network in BLOCKED})
    assert [(facts["networks"], facts["categories"]) for _, facts in school.rows()] == [
        (["pupils"], ["chat", "dating"]),
        (["pupils", "staff"], ["proxy"]),
    ]


def test_one_worker_is_enough_and_is_named(school: School) -> None:
    for _ in range(3):
        school.report(0)
        school.report(1, blocked=OPEN_TO_PUPILS)
        school.check.look()
        school.seconds += 6
    ((_, facts),) = school.rows()
    assert facts["workers"] == [1]


def test_it_does_not_end_while_a_worker_is_silent(school: School) -> None:
    school.rounds(times=3, blocked=OPEN_TO_PUPILS)
    school.seconds += FRESH_SECONDS + 1
    school.report(0)
    school.check.look()
    assert school.kinds() == ["off_without_record"]
    school.report(1)
    school.check.look()
    assert school.kinds() == ["off_without_record", "on_again"]


def test_who_compares_may_be_started_again_in_between(school: School) -> None:
    school.rounds(times=3, blocked=OPEN_TO_PUPILS)
    school.check = school.another_check()
    school.check.look()
    school.rounds(times=3, blocked=OPEN_TO_PUPILS)
    assert school.kinds() == ["off_without_record"]
    school.check = school.another_check()
    school.rounds()
    assert school.kinds() == ["off_without_record", "on_again"]


def test_a_suspension_whose_end_a_worker_does_not_heed_is_one(school: School) -> None:
    school.suspend("pupils", seconds=10)
    school.rounds(times=6, blocked=BLOCKED | {"pupils": STANDS})
    ((_, facts),) = school.rows()
    assert (facts["networks"], facts["categories"]) == (["pupils"], sorted(BLOCKED["pupils"] - STANDS))


def test_a_profile_of_a_group_is_compared_like_a_network(school: School) -> None:
    chess = look("", Audience.PUPIL, BLOCKED["pupils"] - {"games"}, "chess")
    school.rounds(times=3, looks=[chess])
    ((_, facts),) = school.rows()
    assert (facts["networks"], facts["profiles"], facts["categories"]) == ([], ["pupil+chess"], ["games"])


def test_in_a_network_that_is_not_on_record_nothing_may_be_open_that_is_blocked_elsewhere(school: School) -> None:
    school.rounds(times=3, blocked=BLOCKED | {"cellar": set()})
    ((_, facts),) = school.rows()
    assert (facts["networks"], facts["categories"]) == (["cellar"], sorted(BLOCKED["pupils"]))


def test_what_cannot_be_told_is_not_recorded_and_tried_again(school: School) -> None:
    school.rounds(blocked=OPEN_TO_PUPILS)
    school.is_queue_full = True
    with pytest.raises(StorageError, match="no room"):
        school.rounds(blocked=OPEN_TO_PUPILS)
    assert school.kinds() == []
    school.is_queue_full = False
    school.rounds(blocked=OPEN_TO_PUPILS)
    assert (school.kinds(), school.told) == (["off_without_record"], 1)


# --- The site file


def test_a_site_file_that_opens_everything_is_an_incident_until_it_does_not(school: School) -> None:
    school.find_site(OPEN_HOUSE)
    found = school.clock()
    school.rounds(times=3, blocked=SUSPENDED)
    ((_, facts),) = school.rows()
    assert facts == {
        "cause": "site_file",
        "networks": ["pupils", "staff"],
        "profiles": [],
        "categories": sorted(BLOCKED["pupils"] - STATUTORY),
        "workers": [],
        "since": found.isoformat(),
        "is_without_lists": False,
    }
    assert school.told == 1
    school.find_site()
    school.rounds(times=3)
    assert school.kinds() == ["off_without_record", "on_again"]
    assert school.rows()[1][1] == {"cause": "site_file", "networks": ["pupils", "staff"], "profiles": []}


def test_a_site_file_that_opens_a_part_is_none(school: School) -> None:
    school.find_site(SITE.replace("[chat, dating]", "chat"))
    school.rounds(times=3, blocked=BLOCKED | {"pupils": TABLE | {"chat"}})
    assert school.kinds() == []


def test_one_that_was_put_right_before_anybody_looked_is_none(school: School) -> None:
    school.find_site(OPEN_HOUSE)
    school.find_site()
    school.rounds(times=2)
    assert school.kinds() == []


# --- Nobody knows


def test_a_worker_that_nobody_heard_of_for_a_minute_is_unknown(school: School) -> None:
    school.report(0)
    school.check.look()
    assert school.numbers()["unknown_workers"] == 0, "a gateway that has just begun has time"
    school.seconds += FRESH_SECONDS + 1
    school.check.look()
    assert school.numbers()["unknown_workers"] == 2
    school.report(0)
    school.check.look()
    assert school.numbers()["unknown_workers"] == 1
    assert school.kinds() == []


def test_a_report_from_before_the_machine_was_started_is_none(school: School) -> None:
    school.report(ended_monotonic=school.seconds + 5000)
    school.seconds += FRESH_SECONDS + 1
    school.check.look()
    assert school.numbers()["unknown_workers"] == 2


def test_without_a_gateway_or_a_site_on_record_nothing_is_compared(tmp_path: Path) -> None:
    school = School(tmp_path)
    school.rounds(times=2, blocked={"pupils": STATUTORY})
    assert school.numbers()["checked_nanoseconds"] == 0
    (tmp_path / "shared.mem").unlink()
    school.rounds()
    assert school.kinds() == []
    school.store.close()
    school.memory.close()


# --- The lists

STARTER = ListConfig("ours", "builtin:starter")
OTHER = ListConfig("theirs", "https://lists.example/all.txt")
FILES = [
    {"shown_as": "games.txt", "format": "domains", "tags": ["games"]},
    {"shown_as": "gambling.txt", "format": "domains", "tags": ["games_educational"]},
    {"shown_as": "helplines.txt", "format": "domains", "tags": ["helplines"]},
]


def generation(*lists: str, names: int = 300) -> Generation:
    manifest = {"name_count": names, "lists": [{"name": name, "files": FILES} for name in lists]}
    return Generation(1, Path("/srv/1"), manifest)


@pytest.mark.parametrize(
    ("lists", "in_force", "names", "given", "missing"),
    [
        pytest.param((), None, 0, (), set(), id="a-site-without-lists-misses-none"),
        pytest.param((OTHER,), generation("theirs"), 9, (), set(), id="lists-of-others-have-no-canaries"),
        pytest.param((OTHER,), generation("theirs"), 0, (), ALL, id="lists-that-are-not-in-force-miss-all"),
        pytest.param((OTHER,), None, 0, (), ALL, id="so-do-lists-that-could-not-be-compiled"),
        pytest.param(
            (OTHER,), generation("theirs", names=0), 0, (), set(), id="empty-lists-are-for-others-to-notice"
        ),
        pytest.param((STARTER,), generation("ours"), 9, ("games",), set(), id="a-starter-list-gives-its-canaries"),
        pytest.param((STARTER,), generation("ours"), 9, (), {"games"}, id="one-that-does-not-is-missing"),
        pytest.param((STARTER,), generation("theirs"), 9, (), set(), id="one-that-is-not-compiled-yet-is-not"),
    ],
)
def test_the_lists_of_a_worker_miss(
    lists: tuple[ListConfig, ...],
    in_force: Generation | None,
    names: int,
    given: tuple[str, ...],
    missing: Collection[str],
) -> None:
    report = Report(1, 0.0, 1.0, 0.0, 1.0, index_names=names, index_gives=given, looks=())
    assert missing_from_lists(site_with(Path("/srv"), *lists), in_force, report) == missing


def test_without_its_lists_a_filter_is_off_unless_only_chosen_names_are_open(school: School) -> None:
    school.find_site(SITE + "lists: {ours: builtin:starter}\n")
    youngest = Look("staff", Audience.STAFF, (), (), is_unlisted_open=False)
    school.rounds(times=3, blocked={"pupils": BLOCKED["pupils"]}, looks=[youngest], index_names=0)
    ((_, facts),) = school.rows()
    assert facts["is_without_lists"]
    assert (facts["networks"], facts["categories"]) == (["pupils"], sorted(BLOCKED["pupils"]))
