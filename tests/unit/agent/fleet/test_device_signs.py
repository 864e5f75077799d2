"""Signs that laptops tell of: what one weak sign comes to, and what is nobody's doing."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops, session
from observing_of_test import STAFF_DEVICE

from agent.storage.fleet_rows import FindingKind, write_finding
from rules.incident import Level
from rules.incident_kind import Kind

OTHER = "192.0.2.140"
NOTHING = timedelta(0)
HOUR = timedelta(hours=1)
STRONG: Mapping[str, Any] = {
    "kind": "bypass",
    "signals": 2,
    "is_weak": False,
    "found": [{"signal": "tunnel_way_out", "what": "wg0", "weak": False}],
    "unseen": {},
}
WEAK = {**STRONG, "signals": 1, "is_weak": True, "found": [{"signal": "listener", "what": "1080", "weak": True}]}
NOT_OURS: Mapping[str, Any] = {"on_site": True, "seen": "not_ours", "why": "", "open": [], "asked_at": 1.0}
DISK_OFF: Mapping[str, Any] = {
    "check": "disk_encryption",
    "state": "off",
    "why": "",
    "evidence": [{"source": "sysfs.dm_uuid", "value": "none", "privilege": "user"}],
}
PROGRAM: Mapping[str, Any] = {"place": "volume", "form": "pe", "signature": "none", "sha256": "ab" * 32, "name": "x"}


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


def test_a_strong_sign_of_bypass_is_a_candidate(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("bypass", NOTHING, STRONG))
    laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows, filed.incident.level) == (Kind.BYPASS, ("S13",), Level.PERSON)
    (shown,) = laptops.evidence(filed)
    assert (shown["found"], shown["signals"]) == ("tunnel_way_out: wg0", 2)


def test_one_weak_sign_is_none(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("bypass", NOTHING, WEAK), ("bypass", NOTHING, {**WEAK, "signals": 0, "found": []}))
    laptops.look()
    assert (laptops.filed_all(), laptops.counts()["ignored too_little"]) == ([], 1)


def test_a_tunnel_at_home_goes_round_nothing_of_ours(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", 3 * HOUR, session("teacher", address="203.0.113.9")), ("bypass", 2 * HOUR, STRONG))
    laptops.look()
    assert laptops.filed_all() == []
    assert [note.kind for note in laptops.notes()] == [Kind.BYPASS]


def test_somebody_else_who_answers_in_the_school_is_one_weak_sign(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("filter", NOTHING, NOT_OURS))
    laptops.look()
    assert (laptops.filed_all(), laptops.counts()["ignored too_little"]) == ([], 1)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([("filter", NOT_OURS), ("bypass", WEAK)], id="first"),
        pytest.param([("bypass", WEAK), ("filter", NOT_OURS)], id="last"),
    ],
)
def test_with_another_weak_sign_it_is_a_candidate(
    laptops: WeighedLaptops, told: list[tuple[str, Mapping[str, Any]]]
) -> None:
    laptop = signed_in(laptops)
    for kind, facts in told:
        laptop.tell((kind, NOTHING, facts))
        laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows, filed.incident.level) == (Kind.BYPASS, ("S13",), Level.PERSON)
    assert [each["signals"] for each in laptops.evidence(filed)] == [2]


@pytest.mark.parametrize("seen", ["answered_by_us", "could_not_tell", "no_network", None, 7])
def test_what_is_over_or_not_known_counts_no_more(laptops: WeighedLaptops, seen: object) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("filter", NOTHING, NOT_OURS), ("filter", NOTHING, {**NOT_OURS, "seen": seen}))
    laptop.tell(("bypass", NOTHING, WEAK))
    laptops.look()
    assert laptops.filed_all() == []


@pytest.mark.parametrize(
    ("address", "ago"),
    [
        pytest.param("203.0.113.9", NOTHING, id="heard-from-elsewhere"),
        pytest.param(STAFF_DEVICE, HOUR, id="told-too-late"),
    ],
)
def test_elsewhere_nobody_expects_us_to_answer(laptops: WeighedLaptops, address: str, ago: timedelta) -> None:
    laptop = laptops.laptop(address=address)
    # What it says of its own addresses is as in the school: a network at home may be numbered as ours.
    laptop.tell(("session", ago, session("teacher")), ("filter", ago, NOT_OURS), ("bypass", ago, WEAK))
    laptops.look()
    assert laptops.filed_all() == []


def test_a_filter_that_is_open_is_nobody_s_doing_and_alone_nothing(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("filter", NOTHING, {**NOT_OURS, "seen": "answered_by_us", "open": ["gambling"]}))
    laptop.tell(("bypass", NOTHING, WEAK))
    laptops.look()
    assert (laptops.filed_all(), laptops.counts()["ignored too_little"]) == ([], 2)


def test_programs_that_nobody_signed(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    download = {**PROGRAM, "place": "downloads"}
    laptop.tell(("program_new", NOTHING, {**PROGRAM, "signature": "carried"}), ("program_new", NOTHING, download))
    laptops.look()
    assert laptops.filed_all() == [], "one download is a weak sign"
    laptop.tell(("program_new", NOTHING, download))
    laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.FILE_TRANSFER, ("S03",))
    assert laptops.evidence(filed)[0]["sha256"] == "ab" * 32


def test_a_program_on_a_medium_of_a_pupil(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops, "pupil")
    laptop.tell(("program_new", NOTHING, PROGRAM))
    laptops.look()
    assert laptops.one().incident.rows == ("P05",)


@pytest.mark.parametrize(
    ("signature", "is_candidate"),
    [("none", True), ("not_valid", True), ("carried", False), ("verified", False), ("unknown", False), (None, False)],
)
def test_for_what_a_program_is_looked_at(laptops: WeighedLaptops, signature: str | None, is_candidate: bool) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("program_new", NOTHING, {**PROGRAM, "signature": signature}))
    laptops.look()
    assert bool(laptops.filed_all()) is is_candidate


def there(count: int = 300, **changes: Any) -> dict[str, Any]:
    """Give the facts of a stick full of installers that nobody signed."""
    one = {"name": "x", "form": "pe", "signature": "none", "sha256": "cd" * 32, "why": ""}
    facts = {
        "volume": "7F5A-E8BA",
        "device": "sdb1",
        "insertion": "17",
        "place": "volume",
        "files": 20,
        "signatures": {"none": 12, "verified": 8},
        "programs": [{**one, "signature": "unknown"}, one],
        "left_out": count - 20,
        "coverage": "complete",
    }
    return {**facts, **changes}


def test_a_stick_full_of_installers_alone_is_nothing_however_often_and_wherever(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    for insertion in range(5):
        laptop.tell(("programs_present", NOTHING, there(insertion=str(insertion))))
        laptop.tell(("programs_present", NOTHING, there(volume=f"other {insertion}")))
        laptops.look()
    assert laptops.filed_all() == []
    assert laptops.counts()["ignored too_little"] == 6, "one of each medium"


@pytest.mark.parametrize("is_first", [True, False], ids=["plugged-in-first", "downloaded-first"])
def test_beside_a_download_it_is_one_sign_more_and_one_candidate(laptops: WeighedLaptops, is_first: bool) -> None:
    laptop = signed_in(laptops)
    download = ("program_new", NOTHING, {**PROGRAM, "place": "downloads"})
    plugged = [("programs_present", NOTHING, there(insertion=str(number))) for number in range(3)]
    for told in (*plugged, download) if is_first else (download, *plugged):
        laptop.tell(told)
        laptops.look()
    filed = laptops.one()
    (shown,) = laptops.evidence(filed)
    assert (shown["signals"], shown["medium_had_programs"]) == (2, True)
    assert [each.code for each in filed.incident.reasons] == ["signals", "signature_none"]
    assert [each.code for each in filed.incident.against] == ["medium_had_programs"]
    if not is_first:
        assert (shown["programs"], shown["left_out"], shown["sha256"]) == (12, 280, "cd" * 32)


def test_an_hour_later_what_was_on_a_stick_counts_no_more(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("programs_present", NOTHING, there()))
    laptops.look(after=HOUR + MINUTE)
    laptop.tell(("program_new", NOTHING, {**PROGRAM, "place": "downloads"}))
    laptops.look()
    assert laptops.filed_all() == []


def test_a_medium_is_a_sign_once_a_day_of_the_school(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    for _ in range(3):
        laptop.tell(("programs_present", NOTHING, there()))
        laptops.look(after=24 * HOUR)
    assert laptops.counts()["ignored too_little"] == 3


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(there(signatures={"verified": 20}), id="all-verified"),
        pytest.param(there(signatures={"unknown": 9, "carried": 9}), id="not-known"),
        pytest.param(there(signatures=["none"]), id="no-counts"),
        pytest.param(there(signatures={"none": -1}), id="less-than-none"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_says_nothing_against_a_stick_is_no_sign(laptops: WeighedLaptops, facts: dict[str, Any]) -> None:
    laptop = signed_in(laptops)
    laptop.tell(("programs_present", NOTHING, facts), ("program_new", NOTHING, {**PROGRAM, "place": "downloads"}))
    laptops.look()
    assert laptops.filed_all() == []
    assert laptops.counts()["ignored too_little"] == 1


def test_a_disk_that_is_open_is_a_matter_of_the_laptop_and_told_once(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    for _ in range(3):
        laptop.tell(("posture", NOTHING, DISK_OFF), ("posture", NOTHING, {**DISK_OFF, "check": "firewall"}))
        laptops.look(after=HOUR)
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.level, filed.incident.rows) == (
        Kind.DEVICE_SECURITY,
        Level.DEVICE,
        (),
    )
    assert not filed.incident.subject.startswith("p-")
    (shown,) = laptops.evidence(filed)
    assert (shown["finding"], shown["evidence"]) == ("disk_off", "sysfs.dm_uuid: none")
    laptop.tell(("posture", NOTHING, {**DISK_OFF, "state": "on"}), ("posture", NOTHING, DISK_OFF))
    laptops.look()
    assert len(laptops.evidence(laptops.one())) == 2, "it was closed in between"


@pytest.mark.parametrize(
    ("kind", "facts", "finding"),
    [
        ("service_started", {"clean": False, "why": "killed", "same_boot": True}, "service_killed"),
        ("spool_reset", {}, "spool_reset"),
    ],
)
def test_what_a_laptop_says_of_its_service(
    laptops: WeighedLaptops, kind: str, facts: dict[str, Any], finding: str
) -> None:
    laptop = laptops.laptop()
    laptop.tell((kind, NOTHING, facts))
    laptops.look()
    filed = laptops.one()
    assert filed.incident.kind is Kind.DEVICE_SECURITY
    assert laptops.evidence(filed)[0]["finding"] == finding


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"clean": False, "why": "killed", "same_boot": False}, id="a-battery-that-was-empty"),
        pytest.param({"clean": True, "why": "stopped", "same_boot": True}, id="stopped-as-it-should"),
        pytest.param({"clean": None, "why": "first", "same_boot": False}, id="the-first-start"),
    ],
)
def test_an_end_that_says_little_is_nothing(laptops: WeighedLaptops, facts: dict[str, Any]) -> None:
    laptop = laptops.laptop()
    laptop.tell(("service_started", NOTHING, facts))
    laptops.look()
    assert laptops.filed_all() == []


@pytest.mark.parametrize("kind", FindingKind)
def test_what_the_gateway_found_of_a_laptop_is_looked_at(laptops: WeighedLaptops, kind: FindingKind) -> None:
    laptop = laptops.laptop()
    with laptops.store.act() as act:
        write_finding(act.database, laptop.id, kind, at=NOW, facts={"first": 3, "last": 9})
    laptops.look()
    laptops.look()
    filed = laptops.one()
    assert filed.incident.kind is Kind.DEVICE_SECURITY
    assert [each["finding"] for each in laptops.evidence(filed)] == [kind.value]


def test_a_laptop_that_is_on_and_asks_nothing_any_more(laptops: WeighedLaptops) -> None:
    laptop = signed_in(laptops)
    laptops.look()
    laptops.ask_worker(STAFF_DEVICE, OTHER)
    for _ in range(8):
        laptops.now += 5 * MINUTE
        laptop.beat()
        laptops.ask_worker(OTHER)
        laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.BYPASS, ("S13",))
    assert laptops.evidence(filed)[0]["finding"] == "no_questions"


@pytest.mark.parametrize("asks", [True, False], ids=["it-asks-again", "it-asks-nothing-any-more"])
def test_a_laptop_that_wakes_is_not_silent_until_it_has_been_on_for_so_long(
    laptops: WeighedLaptops, *, asks: bool
) -> None:
    """It was closed in the afternoon and has the same address in the morning; the others asked all night."""
    laptop = signed_in(laptops)
    laptops.look()
    for minute in range(0, 16 * 60, 5):
        laptops.ask_worker(OTHER, *([STAFF_DEVICE] if minute < 60 else []))
        laptops.look(after=5 * MINUTE)
        if minute < 60:
            laptop.beat()
    laptops.ask_worker(OTHER)
    found = []
    for _ in range(9):
        # It is heard at once, and what it asks is told of later.
        laptop.beat()
        laptops.look(after=MINUTE)
        found.append(len(laptops.filed_all()))
        for _ in range(2):
            laptops.ask_worker(OTHER, *([STAFF_DEVICE] if asks else []))
            laptops.look(after=2 * MINUTE)
    assert found == ([0] * 9 if asks else [0] * 7 + [1] * 2)


def test_a_laptop_that_asks_and_tells_nothing_any_more(laptops: WeighedLaptops) -> None:
    laptops.devices = {STAFF_DEVICE: ("02:00:5e:00:53:01",)}
    signed_in(laptops)
    laptops.look()
    for _ in range(5):
        laptops.now += 15 * MINUTE
        laptops.ask_worker(STAFF_DEVICE)
        laptops.look()
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.level) == (Kind.DEVICE_SECURITY, Level.DEVICE)
    assert laptops.evidence(filed)[0]["finding"] == "no_word"
