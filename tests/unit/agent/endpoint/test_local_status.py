"""What people at a laptop are told, and what is taken from them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linux_tree_of_test import LinuxTree

from agent.endpoint.budget import Budget
from agent.endpoint.contact import Contact
from agent.endpoint.endpoint_policy import EndpointPolicy, PolicySettings
from agent.endpoint.event_spool import Clocks, EventSpool
from agent.endpoint.lanes import Lane
from agent.endpoint.local_channel import Caller, LocalError
from agent.endpoint.local_status import LatestTold, LocalDesk, coverage
from agent.endpoint.notice import NoticeBoard
from agent.endpoint.probes import COLLECTORS, Collectors, Surroundings
from agent.endpoint.service_state import ServiceState
from agent.endpoint.skew import ClockWatch
from collectors.observed import Observed, Priority
from collectors.school_filter import Found, Seen

NOON = 1_795_262_400.0  # 2026-11-21
ACCOUNTS = {1000: "anna", 1001: "ben", 1002: ""}
STICK: dict[str, Any] = {
    "device": "sdb1",
    "insertion": "17",
    "label": "PUPILS",
    "bus": "usb",
    "crypt": "plain",
    "mounted": True,
    "usb": {"vendor": "0951", "product": "1666", "serial": "001CC0"},
}
SESSION: dict[str, Any] = {
    "account": "anna",
    "confidence": "A",
    "sessions": [{"account": "anna", "since": 1.0}, {"account": "ben", "since": 2.0}],
}


class ContactOfTest(Contact):
    """A contact with settings of a test, and no gateway."""

    given = PolicySettings(aup_version="2026-09", grace_seconds=60, register_url="https://it.school.example/m")

    def settings(self) -> PolicySettings:
        return self.given

    @property
    def policy(self) -> EndpointPolicy:
        return EndpointPolicy(version=4, settings=self.given, warnings=("The setting 'x' is ignored.",))


class Laptop:
    def __init__(self, folder: Path) -> None:
        clocks = Clocks(wall=lambda: NOON)
        self.spool = EventSpool(folder / "data", clocks=clocks)
        self.state = ServiceState(folder / "data")
        self.contact = ContactOfTest(
            folder / "data",
            self.spool,
            clocks=clocks,
            release="0.1.0",
            clock_watch=ClockWatch(),
            addresses=frozenset,
        )
        around = Surroundings(
            settings=self.contact.settings,
            names_key=b"k" * 32,
            addresses=tuple,
            is_on_site=lambda: False,
            gateway=str,
            is_stopping=lambda: False,
        )
        tree = LinuxTree(folder / "tree")
        tree.file("run/systemd/sessions/1", "USER=anna\nCLASS=user\nSEAT=seat0\nACTIVE=1\n")
        self.collectors = Collectors(tree.machine(), around, events=False)
        self.latest = LatestTold(lambda: NOON)
        self.board = NoticeBoard(self.state, b"k" * 32, self.contact.settings, wall=lambda: NOON)
        self.told: list[Observed] = []
        self.has_room = True
        self.monotonic = 0.0
        self.accounts = dict(ACCOUNTS)
        lanes = [self.collectors.media_lane(), self.collectors.writes_lane(), self.collectors.slow_lane()]
        self.desk = LocalDesk(
            sink=self._take,
            latest=self.latest,
            board=self.board,
            state=self.state,
            contact=self.contact,
            spool=self.spool,
            collectors=self.collectors,
            lanes=[Lane("a", timed, self.told.append) for timed in lanes],
            budget=Budget(),
            wall=lambda: NOON,
            release="0.1.0",
            monotonic=lambda: self.monotonic,
        )

    def _take(self, observed: Observed) -> bool:
        if self.has_room:
            self.told.append(observed)
        return self.has_room

    def sees(self, kind: str, facts: dict[str, Any]) -> None:
        observed = Observed(kind, Priority.STATE, facts)
        self.latest.note(observed)
        self.board.see(observed)

    def ask(self, ask: str, *, uid: int = 1000, **more: Any) -> dict[str, Any]:
        return dict(self.desk.answer(self.caller(uid), {"ask": ask, **more}))

    def caller(self, uid: int) -> Caller:
        return Caller(uid, self.accounts.get(uid, ""), is_administrator=uid == 0)


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    made = Laptop(tmp_path)
    yield made
    made.spool.close()
    made.state.close()
    made.collectors.close()


def test_who_is_answered_is_who_is_signed_in(laptop: Laptop) -> None:
    laptop.collectors._look_at_sessions()
    assert [laptop.desk.may_ask(laptop.caller(uid)) for uid in (1000, 1001, 1002, 0)] == [True, False, False, True]


def test_the_status_says_how_things_stand(laptop: Laptop) -> None:
    laptop.spool.add(Observed("writes", Priority.ACTIVITY, {}))
    status = laptop.ask("status")
    assert (status["standing"], status["waiting"], status["account"]) == ("not_enrolled", 1, "anna")
    assert (status["policy"]["version"], status["policy"]["warnings"]) == (4, ["The setting 'x' is ignored."])
    assert {row["name"] for row in status["collectors"]} == set(COLLECTORS)
    assert all(row["sees"] and row["cannot"] for row in status["collectors"])


def test_everybody_sees_what_is_recorded_about_the_laptop(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    laptop.sees("posture", {"check": "firewall", "state": "on"})
    recorded = laptop.ask("status", uid=1001)["recorded"]
    assert [(each["kind"], each["name"]) for each in recorded] == [("media", "sdb1#17"), ("posture", "firewall")]


def test_of_a_session_everybody_sees_their_own(laptop: Laptop) -> None:
    laptop.sees("session", SESSION)
    (own,) = laptop.ask("status", uid=1001)["recorded"]
    assert own["facts"]["sessions"] == [{"account": "ben", "since": 2.0}]
    assert own["facts"]["account"] is None
    (all_of_it,) = laptop.ask("status", uid=0)["recorded"]
    assert len(all_of_it["facts"]["sessions"]) == 2


def test_what_somebody_else_was_told_nobody_sees(laptop: Laptop) -> None:
    laptop.sees("notice_shown", {**STICK, "account": "anna"})
    assert laptop.ask("status", uid=1001)["recorded"] == []
    assert len(laptop.ask("status", uid=1000)["recorded"]) == 1


def test_only_the_latest_of_each_is_shown_and_what_is_gone_is_not(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    laptop.sees("media_changed", {**STICK, "crypt": "encrypted"})
    (medium,) = laptop.ask("status")["recorded"]
    assert medium["facts"]["crypt"] == "encrypted"
    laptop.sees("media_removed", STICK)
    assert laptop.ask("status")["recorded"] == []


def test_what_is_recorded_is_bounded(laptop: Laptop) -> None:
    for number in range(1000):
        laptop.sees("program_new", {"name": str(number)})
    assert len(laptop.ask("status")["recorded"]) == 300


def test_a_helper_is_told_what_is_due(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    work = laptop.ask("work")
    assert [each["label"] for each in work["notices"]] == ["PUPILS"]
    assert (work["link"], work["grace_seconds"], work["aup"]) == ("https://it.school.example/m", 60, "2026-09")
    assert laptop.ask("status")["helper"] is True


def test_what_a_helper_showed_goes_on_record(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    number = laptop.ask("work")["notices"][0]["number"]
    assert laptop.ask("shown", number=number, how="notify-send", text="x", language="nl") == {"noted": True}
    assert laptop.told[-1].facts["account"] == "anna"
    assert laptop.ask("shown", number=number) == {"noted": False}
    assert laptop.ask("deferred", number="made up") == {"noted": False}
    assert len(laptop.told) == 1


def test_the_lock_of_a_screen_is_what_its_session_says(laptop: Laptop) -> None:
    laptop.ask("screen_lock", state="off", evidence=[["gsettings.lock-enabled", "false"]])
    found = laptop.collectors.told_by_session.look()
    assert (found.state, found.evidence[0].source) == ("off", "session.gsettings.lock-enabled")


def test_an_exception_is_asked_for_with_words_and_a_day(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    assert laptop.ask("exception", words="Exam papers", until="2026-12-18")["media"] == 1
    assert laptop.told[-1].facts["until"] == "2026-12-18"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        pytest.param({"words": " ", "until": "2026-12-18"}, "says in a few words", id="no-words"),
        pytest.param({"until": "2026-12-18"}, "says in a few words", id="none-at-all"),
        pytest.param({"words": "x", "until": "soon"}, "ends on a day such as", id="no-day"),
        pytest.param({"words": "x", "until": 3}, "ends on a day such as", id="a-number"),
        pytest.param({"words": "x", "until": "2026-11-01"}, "ends on a day such as", id="in-the-past"),
        pytest.param({"words": "x", "until": "2199-01-01"}, "ends on a day such as", id="for-ever"),
    ],
)
def test_an_exception_without_what_it_takes_is_refused(laptop: Laptop, more: dict[str, Any], sentence: str) -> None:
    laptop.sees("media_inserted", STICK)
    with pytest.raises(LocalError, match=sentence):
        laptop.ask("exception", **more)
    assert laptop.told == []


def test_an_exception_is_for_a_medium_that_is_there(laptop: Laptop) -> None:
    with pytest.raises(LocalError, match="while it is"):
        laptop.ask("exception", words="x", until="2026-12-18")


def test_reports_are_bounded_by_the_hour(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    for _ in range(30):
        laptop.ask("exception", words="x", until="2026-12-18")
    with pytest.raises(LocalError, match="At most 30"):
        laptop.ask("exception", words="x", until="2026-12-18")
    laptop.ask("exception", uid=1001, words="x", until="2026-12-18")
    laptop.monotonic = 3601
    laptop.ask("exception", words="x", until="2026-12-18")


def test_an_answer_to_the_rules_is_recorded_and_asked_for_no_more(laptop: Laptop) -> None:
    laptop.ask("answer", accepted=True, version="2026-09", how="terminal")
    assert (laptop.told[-1].kind, laptop.told[-1].facts["accepted"]) == ("sign_in_answered", True)
    assert laptop.ask("work")["aup"] == ""
    assert laptop.ask("work", uid=1001)["aup"] == "2026-09"


def test_whoever_declines_is_not_asked_again_and_may_accept_later(laptop: Laptop) -> None:
    laptop.ask("answer", accepted=False, version="2026-09")
    assert laptop.told[-1].facts["accepted"] is False
    assert laptop.ask("work")["aup"] == ""
    laptop.ask("answer", accepted=True)
    assert (laptop.told[-1].facts["aup_version"], laptop.told[-1].facts["accepted"]) == ("2026-09", True)


@pytest.mark.parametrize("accepted", [True, False])
def test_another_version_asks_everybody_again(laptop: Laptop, *, accepted: bool) -> None:
    laptop.ask("answer", accepted=accepted)
    laptop.contact.given = replace(laptop.contact.given, aup_version="2027-01")
    assert laptop.ask("work")["aup"] == "2027-01"
    laptop.ask("answer", accepted=accepted)
    assert laptop.ask("work")["aup"] == ""


def test_an_account_that_got_the_number_of_another_is_asked(laptop: Laptop) -> None:
    laptop.ask("answer", accepted=True)
    laptop.accounts[1000] = "carla"
    assert laptop.ask("work")["aup"] == "2026-09"


def test_an_answer_outlives_the_service(laptop: Laptop, tmp_path: Path) -> None:
    laptop.ask("answer", accepted=False)
    laptop.state.close()
    laptop.state = laptop.desk.state = ServiceState(tmp_path / "data")
    assert laptop.ask("work")["aup"] == ""


def test_an_answer_is_on_record_before_it_is_asked_for_no_more(laptop: Laptop) -> None:
    class KilledError(Exception):
        pass

    def die(_observed: Observed) -> bool:
        raise KilledError

    laptop.desk.sink = die
    with pytest.raises(KilledError):
        laptop.ask("answer", accepted=True)
    assert laptop.ask("work")["aup"] == "2026-09"


def test_what_somebody_said_and_there_is_no_room_for_is_refused(laptop: Laptop) -> None:
    laptop.sees("media_inserted", STICK)
    laptop.has_room = False
    for ask, more in (("answer", {"accepted": True}), ("exception", {"words": "x", "until": "2026-12-18"})):
        with pytest.raises(LocalError, match="no room"):
            laptop.ask(ask, **more)
    assert laptop.ask("work")["aup"] == "2026-09"


def test_where_the_school_has_no_rules_nobody_is_asked(laptop: Laptop) -> None:
    laptop.contact.given = replace(laptop.contact.given, aup_version="")
    assert laptop.ask("work")["aup"] == ""
    with pytest.raises(LocalError, match="asks for no answer"):
        laptop.ask("answer", accepted=True)


def test_whether_the_school_s_filter_answers_is_said(laptop: Laptop) -> None:
    assert laptop.ask("status")["filter"] == {"seen": "", "open": [], "asked_at": None}
    laptop.collectors.filter_look.found = Found(Seen.ANSWERED_BY_US, open=("gambling",))
    laptop.collectors.filter_look.asked_at = NOON
    assert laptop.ask("status")["filter"] == {"seen": "answered_by_us", "open": ["gambling"], "asked_at": NOON}


@pytest.mark.parametrize("more", [{}, {"accepted": "yes"}, {"accepted": True, "version": "2020-01"}])
def test_an_answer_is_to_the_rules_in_force(laptop: Laptop, more: dict[str, Any]) -> None:
    with pytest.raises(LocalError, match="version 2026-09"):
        laptop.ask("answer", **more)


@pytest.mark.parametrize("ask", ["run", "", None, "forget"])
def test_nothing_else_can_be_asked(laptop: Laptop, ask: Any) -> None:
    with pytest.raises(LocalError, match="A request asks for one of"):
        laptop.desk.answer(laptop.caller(1000), {"ask": ask})


@pytest.mark.parametrize("name", COLLECTORS)
def test_each_collector_says_what_it_sees_and_what_not(laptop: Laptop, name: str) -> None:
    found = coverage(name, laptop.collectors)
    assert found["sees"]
    assert found["cannot"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_ASKS = st.sampled_from(["status", "work", "shown", "deferred", "screen_lock", "exception", "answer", "x"])
_TEXTS = ["number", "words", "until", "version", "text", "language", "how", "presentation"]
_MEMBERS = st.sampled_from([*_TEXTS, "accepted", "state", "evidence", "delay_seconds"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(ask=_ASKS, more=st.dictionaries(_MEMBERS, _JSON, max_size=5))
def test_whatever_is_sent_is_answered_or_refused(laptop: Laptop, ask: str, more: dict[str, Any]) -> None:
    laptop.sees("media_inserted", STICK)
    try:
        json.dumps(laptop.desk.answer(laptop.caller(1000), {"ask": ask, **more}))
    except LocalError as error:
        assert str(error).endswith(".")  # noqa: PT017 -- a refusal is as good as an answer
    for told in laptop.told:
        json.dumps(told.facts).encode()
