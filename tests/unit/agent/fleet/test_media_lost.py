"""What is lost or stolen: one incident, and exactly what was on record at that moment."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from media_of_test import TODAY, MediaOfTest

from agent.fleet.media_exceptions import Asked
from agent.fleet.media_lost import Missing
from agent.people.attempts import UnknownIdError
from agent.storage.fleet_rows import Device, DeviceState, write_device
from agent.storage.incident_rows import read_incidents
from agent.storage.permit_rows import LostReport
from agent.storage.timeline_rows import read_timeline
from collectors.volume import Crypt
from rules.errors import RefusedRequestError
from rules.incident import Level, State, Track
from rules.incident_kind import Kind
from rules.medium import LostHow, MediumState, SignOutState, Stated

TEXT = "It was in my bag on the train"


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def report(school: MediaOfTest, by: str = "teacher", **said: Any) -> LostReport:
    return school.media.lost.report(school.ids[by], Missing(**{"how": LostHow.STOLEN, "text": TEXT, **said}))


def test_the_report_holds_what_was_on_record_with_what_was_proved_and_when(school: MediaOfTest) -> None:
    medium = school.register(
        serial="AB-1", stated=Stated.ENCRYPTED, place="Safe", holds_personal_data=True, checked_on=TODAY
    )
    other = school.register()
    school.prove(medium.serial_key, Crypt.PLAIN, device="laptop3")
    school.later(hours=1)
    school.prove(medium.serial_key, Crypt.ENCRYPTED, device="laptop7")
    proved_at = school.now
    school.later(hours=1)
    school.media.exceptions.ask(school.ids["teacher"], 1, Asked("The museum takes no other", date(2026, 3, 20)))
    school.media.exceptions.allow(school.ids["head"], 1, version=1)
    school.out(medium)
    school.out(other)
    found = report(school, medium=1, missed_on=TODAY).on_record
    assert found["proved"] == {
        "crypt": "encrypted",
        "at": proved_at.isoformat(),
        "device": "laptop7",
        "evidence": [{"source": "sysfs.dm_uuid", "value": "CRYPT-LUKS2-x", "privilege": "user"}],
    }
    assert (found["worst_proved"]["crypt"], found["worst_proved"]["device"]) == ("plain", "laptop3")
    assert found["signed_out"] == {
        "sign_out": "S-1",
        "medium": "M-1",
        "person": school.ids["teacher"],
        "due_on": "2026-03-02",
        "state": "out",
    }
    assert [each["medium"] for each in found["signed_out_to_holder"]] == ["M-2"]
    told = {name: found[name] for name in ("medium", "stated", "place", "holds_personal_data", "exception")}
    assert told == {
        "medium": "M-1",
        "stated": "encrypted",
        "place": "Safe",
        "holds_personal_data": True,
        "exception": "E-1",
    }


def test_what_is_proved_later_changes_nothing_of_the_report(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    report(school, medium=1)
    school.prove(medium.serial_key, Crypt.ENCRYPTED)
    assert school.media.lost.get(school.ids["head"], 1).on_record["proved"] is None


def test_it_opens_one_incident_about_nobody_and_tells_head_and_officer_at_once(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    school.prove(medium.serial_key, Crypt.PLAIN)
    made = report(school, medium=1)
    with school.store.read() as database:
        (filed,) = read_incidents(database)
        (entry,) = read_timeline(database, filed.incident.id, with_personal=True)
    incident = filed.incident
    assert (incident.id, incident.kind, incident.track, incident.level, incident.state) == (
        made.incident,
        Kind.DATA_BREACH,
        Track.ORDINARY,
        Level.DEVICE,
        State.CANDIDATE,
    )
    assert incident.subject.startswith("report-")
    assert (entry.personal, entry.evidence, entry.content["proved"]) == ({"text": TEXT}, "lost L-1", "plain")
    assert school.told[0][0] == "incident_reported"
    roles = frozenset({"head_teacher", "data_protection_officer", "ict_coordinator"})
    assert school.notices[-1] == ("media_lost", "M-1", "L-1", frozenset(), roles)
    assert TEXT not in "".join(facts for _, _, facts in school.record())


def test_what_was_out_does_not_come_back_and_what_is_found_goes_on(school: MediaOfTest) -> None:
    medium = school.register()
    school.out(medium)
    report(school, medium=1)
    with school.store.read() as database:
        assert database.execute("SELECT state FROM sign_outs").fetchone()["state"] == SignOutState.LOST
    assert school.medium(medium).state is MediumState.LOST
    school.later(days=30)
    school.notices.clear()
    school.media.sweep()
    assert school.notices == []
    with pytest.raises(RefusedRequestError, match="M-1 is lost, so it cannot be reported as lost"):
        report(school, medium=1)
    find = school.media.register.find
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        find(school.ids["teacher"], 1, version=2, where="Under the seat of the car")
    back = find(school.ids["technician"], 1, version=2, where="Under the seat of the car")
    assert back.state is MediumState.REGISTERED
    assert school.take(medium, due_on=date(2026, 4, 1)).number == 2


def test_a_laptop_that_has_enrolled(school: MediaOfTest) -> None:
    with school.store.act() as act:
        device = Device("d7", 1, DeviceState.ACTIVE, "Laptop 7", school.ids["five"], "m", {}, school.now)
        write_device(act.database, device)
    school.out(school.register("five"), "five")
    found = report(school, device="d7").on_record
    assert (found["label"], found["owner"], found["state"], found["disk"]) == (
        "Laptop 7",
        school.ids["five"],
        "active",
        None,
    )
    assert [each["medium"] for each in found["signed_out_to_holder"]] == ["M-1"]
    with pytest.raises(UnknownIdError, match="There is no laptop with that id"):
        report(school, device="d8")


def test_something_else_by_words_alone(school: MediaOfTest) -> None:
    made = report(school, "technician", how=LostHow.LOST)
    assert (made.on_record, made.medium, made.device, made.breach) == ({}, None, None, "")


@pytest.mark.parametrize(
    ("by", "said", "why"),
    [
        ("pupil", {}, "the right to use media"),
        ("teacher", {"text": ""}, "The report is missing"),
        ("teacher", {"medium": 9}, "There is no medium"),
        ("teacher", {"medium": 1, "device": "d7"}, "expected one report for each"),
        ("teacher", {"missed_on": date(2026, 3, 3)}, "which is to come"),
    ],
    ids=["a-pupil-uses-the-other-form", "no-words", "no-such-medium", "two-at-once", "missed-tomorrow"],
)
def test_what_is_no_report(school: MediaOfTest, by: str, said: dict[str, Any], why: str) -> None:
    school.register()
    with pytest.raises(RefusedRequestError, match=why):
        report(school, by, **said)
    with school.store.read() as database:
        assert read_incidents(database) == []


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("teacher", "all"),
        ("head", "all"),
        ("officer", "all"),
        ("technician", "all"),
        ("five", "part"),
        ("six", "nothing"),
        ("pupil", "nothing"),
    ],
)
def test_who_sees_what_of_a_report(school: MediaOfTest, who: str, sees: str) -> None:
    school.register(place="Safe")
    report(school, "five", medium=1)
    listed = school.media.lost.all(school.ids[who], limit=9)
    if sees == "nothing":
        assert listed == [] or who == "six"
        with pytest.raises(UnknownIdError):
            school.media.lost.get(school.ids[who], 1)
    else:
        found = school.media.lost.get(school.ids[who], 1)
        assert ("place" in found.on_record, found.on_record["medium"]) == (sees == "all", "M-1")
