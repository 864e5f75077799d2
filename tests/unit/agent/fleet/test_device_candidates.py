"""From what laptops tell to what somebody has to look at: once, in time, and of nobody who is not known."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops, session, stick, writes

from rules.incident_kind import Kind
from rules.observation import Confidence, Place
from rules.subject import Audience

NOTHING = timedelta(0)
HOUR = timedelta(hours=1)
STRONG: Mapping[str, Any] = {
    "kind": "bypass",
    "signals": 2,
    "is_weak": False,
    "found": [{"signal": "tunnel_way_out", "what": "wg0", "weak": False}],
    "unseen": {},
}
DISK_OFF: Mapping[str, Any] = {
    "check": "disk_encryption",
    "state": "off",
    "why": "",
    "evidence": [{"source": "sysfs.dm_uuid", "value": "none", "privilege": "user"}],
}
NOTICE: Mapping[str, Any] = {"device": "sdb1", "insertion": "17", "shown": True, "why": "", "text": "Not encrypted."}


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def signed_in(laptops: WeighedLaptops, name: str = "teacher", **more: Any) -> Laptop:
    """Give a laptop with somebody at it."""
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session(name, **more)))
    laptops.look()
    return laptop


# ---- media -------------------------------------------------------------------------------------------------------


def test_a_plain_stick_becomes_one_candidate_when_its_time_is_over(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()), ("writes", NOTHING, writes(7)))
    laptops.look()
    assert laptops.filed_all() == []
    laptops.look(after=20 * MINUTE)
    assert laptops.filed_all() == [], "nobody has heard of the laptop since"
    laptop.beat()
    laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.MEDIA, ("S05",))
    assert (filed.incident.subject, filed.incident.confidence) == (laptops.pseudonym("teacher"), Confidence.A)
    assert (filed.incident.place, filed.incident.opened_at) == (Place.ON_SITE, NOW)
    assert filed.why_identity == ("signed_in",)
    laptop.beat()
    laptops.look(after=HOUR)
    assert len(laptops.evidence(laptops.one())) == 1


def test_its_evidence_is_complete_and_can_be_proved(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()), ("writes", NOTHING, writes(7)))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    (shown,) = laptops.evidence(laptops.one())
    expected = {
        "crypt": "plain",
        "filesystem": "vfat",
        "label": "PUPILS",
        "medium": "DataTraveler",
        "usb": "0951:1666",
    }
    assert {name: shown[name] for name in expected} == expected
    assert (shown["files"], shown["bytes"], shown["coverage"]) == (7, 7000, "complete")
    assert (shown["notice"], shown["grace_seconds"]) == ("not_shown", 900)
    assert shown["laptop"] == "Deputy head"
    assert json.loads(shown["evidence"]) == [{"source": "mountinfo.type", "value": "vfat", "privilege": "user"}]
    proof = json.loads(shown["proof"])
    assert [each["kind"] for each in proof] == ["media_inserted", "writes"]
    with laptops.fleet.events.read() as database:
        query = (
            "SELECT lower(hex(events.hash)), lower(hex(digest)) FROM events JOIN batches ON batch = batches.number"
        )
        stored = [
            tuple(row) for row in database.execute(f"{query} WHERE seq > 1 AND kind <> 'heartbeat' ORDER BY seq")
        ]
    assert [(each["hash"], each["batch"]) for each in proof] == stored
    assert "c2VjcmV0" not in json.dumps(shown), "names of files are no evidence"
    assert "001CC0C60DBD" not in json.dumps(shown), "a serial number is kept as its keyed hash"
    assert shown["serial_key"]


def test_the_user_is_told_first_and_that_is_in_the_evidence(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=10 * MINUTE)
    laptop.tell(("notice_shown", NOTHING, NOTICE))
    laptops.look(after=10 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.filed_all() == [], "the grace time began with the notice"
    laptop.tell(("writes", NOTHING, writes(2, since=0.0, until=60.0)))
    laptops.look(after=6 * MINUTE)
    laptop.beat()
    laptops.look()
    (shown,) = laptops.evidence(laptops.one())
    assert (shown["notice"], shown["files_after_notice"], shown["signals"]) == ("shown", 2, 3)
    assert shown["notice_text"] == "Not encrypted."


@pytest.mark.parametrize(("why", "is_judged"), [("no_helper", True), ("presenting", False)])
def test_nobody_is_judged_while_they_present_something(laptops: WeighedLaptops, why: str, is_judged: bool) -> None:
    laptop = signed_in(laptops)
    laptop.tell(
        ("media_inserted", NOTHING, stick()), ("notice_shown", NOTHING, {**NOTICE, "shown": False, "why": why})
    )
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    assert len(laptops.filed_all()) == is_judged
    laptop.beat()
    laptops.look(after=2 * HOUR)
    laptop.beat()
    laptops.look()
    assert laptops.evidence(laptops.one())[0]["notice"] == why


def test_what_is_written_later_joins_the_same_candidate(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    before = laptops.one().incident.intent
    laptop.tell(("writes", NOTHING, writes(4)), ("writes", NOTHING, writes(4)))
    laptop.tell(("media_removed", NOTHING, stick()), ("writes", NOTHING, writes(1, last=True)))
    laptops.look()
    assert laptops.one().incident.intent > before
    assert [shown["files"] for shown in laptops.evidence(laptops.one())] == [0, 4, 9]


def test_one_stick_in_one_afternoon_is_one_candidate(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    for number in range(3):
        facts = stick(insertion=str(number))
        laptop.tell(("media_inserted", NOTHING, facts))
        laptops.look(after=30 * MINUTE)
        laptop.tell(("media_removed", NOTHING, facts))
        laptops.look(after=30 * MINUTE)
    assert len(laptops.evidence(laptops.one())) == 3


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(stick(crypt="encrypted"), id="encrypted"),
        pytest.param(stick(crypt="claimed_hardware"), id="claimed-by-its-hardware"),
        pytest.param(stick(mounted=False, mount_points=[]), id="not-mounted"),
    ],
)
def test_what_is_protected_is_nothing_and_proved(laptops: WeighedLaptops, facts: dict[str, Any]) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, facts))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    assert (laptops.filed_all(), laptops.notes()) == ([], [])
    with laptops.store.read() as database:
        (crypt,) = database.execute("SELECT crypt FROM media_proofs WHERE which = 'latest'").fetchone()
    assert crypt == facts["crypt"]


@pytest.mark.parametrize(
    "facts",
    [pytest.param(stick(read_only=True), id="read-only"), pytest.param(stick(crypt="unknown"), id="nobody-can-tell")],
)
def test_what_is_no_case_is_a_note_on_the_laptop_once_a_day(laptops: WeighedLaptops, facts: dict[str, Any]) -> None:
    laptop = signed_in(laptops)
    for number in range(3):
        laptop.tell(("media_inserted", NOTHING, {**facts, "insertion": str(number)}))
        laptops.look(after=20 * MINUTE)
    assert laptops.filed_all() == []
    (note,) = laptops.notes()
    assert (note.kind, note.times, note.subject.startswith("p-")) == (Kind.MEDIA, 1, False)


def test_what_is_pulled_out_in_time_is_nothing_even_when_that_is_heard_late(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=2 * HOUR)
    laptop.tell(("media_removed", 110 * MINUTE, stick()))
    laptops.look()
    assert laptops.filed_all() == []


def test_what_is_put_back_after_that_is_judged_anew(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=5 * MINUTE)
    laptop.tell(("media_changed", NOTHING, stick(mounted=False, mount_points=[])))
    laptops.look(after=20 * MINUTE)
    laptop.tell(("media_changed", NOTHING, stick()))
    laptops.look()
    assert laptops.filed_all() == []
    laptops.look(after=16 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.one().incident.opened_at == NOW + 25 * MINUTE


def test_what_was_in_a_laptop_that_went_off_ends_when_it_was_last_heard(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=5 * MINUTE)
    laptop.beat()
    laptops.look(after=2 * HOUR)
    laptop.boot = "boot-2"
    laptop.tell(("service_started", NOTHING, {"clean": True, "why": "stopped", "same_boot": False}))
    laptops.look()
    assert laptops.filed_all() == []


def test_an_exception_lets_a_stick_pass(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    with laptops.store.act() as act:
        key = laptops.media.register.serial_key("0951", "1666", "001CC0C60DBD")
        act.database.execute(
            "INSERT INTO media_exceptions (version, serial_key, asked_by, asked_at, until_on, until_at, state,"
            " decided_at, decided_by, words) VALUES (1, ?, ?, ?, '2026-03-05', ?, 'allowed', ?, ?, ?)",
            (
                key,
                laptops.ids["teacher"],
                NOW.isoformat(timespec="microseconds"),
                (NOW + timedelta(days=3)).isoformat(timespec="microseconds"),
                NOW.isoformat(timespec="microseconds"),
                laptops.ids["five"],
                '{"purpose": "x", "reason": ""}',
            ),
        )
    laptop.tell(("media_inserted", NOTHING, stick()), ("writes", NOTHING, writes(9)))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.filed_all() == []


def test_whose_laptop_it_is_is_not_who_did_it(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(owner="teacher")
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.filed_all() == []
    (note,) = laptops.notes()
    assert (note.kind, note.audience) == (Kind.MEDIA, Audience.STAFF)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(session("teacher", confidence="C", why="shared"), id="an-account-of-several"),
        pytest.param(session("nobody-we-know"), id="an-account-that-nobody-knows"),
        pytest.param(
            session(
                "teacher",
                confidence="C",
                why="several",
                sessions=[{"account": "teacher", "since": None}, {"account": "five", "since": None}],
            ),
            id="two-people-at-one-laptop",
        ),
    ],
)
def test_where_it_is_not_clear_who_it_was_it_stays_with_the_laptop(
    laptops: WeighedLaptops, facts: dict[str, Any]
) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, facts), ("media_inserted", NOTHING, stick()))
    laptops.look(after=20 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.filed_all() == []
    assert [note.kind for note in laptops.notes()] == [Kind.MEDIA]


# ---- what comes in late ------------------------------------------------------------------------------------------


def test_what_happens_away_from_school_says_so(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(
        ("session", 3 * HOUR, session("teacher", address="203.0.113.9")), ("media_inserted", 2 * HOUR, stick())
    )
    laptops.look()
    filed = laptops.one()
    assert (filed.incident.place, filed.incident.confidence) == (Place.OFF_SITE, Confidence.A)


def test_a_laptop_that_is_back_after_a_week_tells_when_it_was(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    week = timedelta(days=7)
    home = session("teacher", address="203.0.113.9")
    laptop.tell(("session", week + HOUR, home), ("media_inserted", week, stick()), waiting=9)
    laptops.look()
    assert laptops.filed_all() == [], "what came after that still waits on the laptop"
    laptop.tell(("writes", week - HOUR, writes(4)), ("session", week - 2 * HOUR, session(None)))
    laptops.look()
    assert laptops.one().incident.opened_at == NOW - week


# ---- once --------------------------------------------------------------------------------------------------------


def test_nothing_is_weighed_twice_whoever_begins_again(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("bypass", NOTHING, STRONG))
    laptops.candidates.look()
    for _ in range(3):
        laptops.weigh()
        laptops.look()
    assert len(laptops.evidence(laptops.one())) == 1
    assert laptops.counts()["opens"] == 1


def test_another_file_of_events_begins_anew(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(*[("heartbeat", NOTHING, {})] * 20)
    laptops.look()
    laptops.fleet.close()
    for path in laptops.fleet.events.path.parent.glob("fleet.db*"):
        path.unlink()
    laptops.fleet = laptops.open_fleet()
    laptops.weigh()
    laptop.tell(("bypass", NOTHING, STRONG), epoch="f" * 32)
    laptops.look()
    assert laptops.one().incident.kind is Kind.BYPASS


def test_an_event_from_no_time_is_counted_and_nobody_did_it(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    ahead = timedelta(days=-26_000)
    laptop.boot = "boot-0"
    laptop.tell(("bypass", ahead, STRONG), ("media_inserted", ahead, stick()), boot="boot-1")
    laptops.look(after=HOUR)
    assert laptops.filed_all() == []
    assert laptops.counts()["ignored from_the_future"] == 2


@pytest.mark.parametrize("kind", ["media_inserted", "writes", "session", "bypass", "posture", "program_new"])
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"usb": [], "evidence": "x", "crypt": 7, "mounted": "yes", "device": {}, "insertion": None},
        {"usb": {"serial": "\u0000", "vendor": []}, "crypt": "plain", "mounted": True, "read_only": False},
        {"sessions": [7, {"account": {}}], "addresses": [{}, "::", "x"], "account": "a", "confidence": 3},
        {"signals": 2**60, "found": [7, {}], "state": ["off"], "check": "disk_encryption"},
        {"signals": 3, "found": {}, "signature": "none", "place": 3, "files": -1, "since": "x", "until": True},
    ],
)
def test_whatever_a_laptop_says_nobody_else_waits(laptops: WeighedLaptops, kind: str, facts: dict[str, Any]) -> None:
    laptop = laptops.laptop()
    laptop.tell((kind, NOTHING, facts), ("posture", NOTHING, DISK_OFF))
    laptops.look()
    assert "disk_off" in {each.get("finding") for filed in laptops.filed_all() for each in laptops.evidence(filed)}


# ---- by the clock ------------------------------------------------------------------------------------------


def test_the_sign_in_of_a_laptop_that_is_silent_ends_and_goes_on_when_it_is_back(laptops: WeighedLaptops) -> None:
    def presences() -> list[tuple[str, str | None]]:
        with laptops.store.read() as database:
            query = "SELECT from_at, until_at FROM presences ORDER BY from_at"
            return [(row[0][11:16], row[1] and row[1][11:16]) for row in database.execute(query)]

    laptop = signed_in(laptops)
    assert presences() == [("09:15", None)]
    laptops.look(after=HOUR)
    assert presences() == [("09:15", "09:15")]
    laptop.beat()
    laptops.look()
    assert presences() == [("09:15", "09:15"), ("10:15", None)]
