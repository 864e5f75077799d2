"""Observing: what comes of what was asked, of the record and of machines, each once, whoever stops when."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, REASON
from observing_of_test import GAMBLING, MINUTE, OTHER_DEVICE, PUPIL_DEVICE, STAFF_DEVICE, ObservingOfTest

from agent.filter_changing.canary_episodes import Cause, Place, facts_off
from agent.observing.observing_told import ToldEvent
from agent.sites.site import ActivityLevel
from agent.storage.observation_rows import read_positions, read_waiting, write_told
from agent.storage.presence_rows import SignIn, read_presence
from agent.storage.timeline_rows import read_timeline
from rules.incident import Dismissal, Level, Track
from rules.incident_kind import Kind
from rules.observation import Confidence
from rules.observation import Place as Where

FIVE = GAMBLING[:5]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    opened.now = NOW + timedelta(minutes=10)
    yield opened
    opened.store.close()


def timeline(school: ObservingOfTest, place: int = 0) -> list[Any]:
    incident = school.filed_all()[place].incident.id
    with school.store.read() as database:
        return [each for each in read_timeline(database, incident, with_personal=True) if each.observation]


# ---- what was asked ------------------------------------------------------------------------------------------------


def test_a_pupil_who_tries_five_gambling_sites_is_one_candidate_with_all_of_them(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE)
    school.look()
    (filed,) = school.filed_all()
    incident = filed.incident
    assert (incident.kind, incident.level, incident.confidence) == (Kind.GAMBLING, Level.PERSON, Confidence.B)
    assert (incident.subject, incident.rows, incident.place) == (school.pseudonym("pupil"), ("P02",), Where.ON_SITE)
    assert filed.why_identity == ("network_log_on",)
    assert filed.groups == {"year5"}
    assert {"kind_gambling", "sites"} <= {reason.code for reason in incident.reasons}
    assert [each.personal["name"] for each in timeline(school)] == list(FIVE)
    assert (incident.opened_at, incident.last_at) == (NOW, NOW + 4 * MINUTE)


def test_a_device_that_nobody_is_known_to_use_is_a_note_without_a_name(school: ObservingOfTest) -> None:
    school.ask(*FIVE)
    school.look()
    assert school.filed_all() == []
    (note,) = school.notes()
    assert (note.subject, note.kind) == (school.device(), Kind.GAMBLING)
    assert "bets.example" not in school.everything_stored()


@pytest.mark.parametrize(
    "doubt",
    [
        pytest.param({"name": "other_pupil"}, id="two-people-at-one-device"),
        pytest.param({"name": "", "kind": SignIn.SHARED}, id="an-account-that-several-use"),
        pytest.param({"name": "pupil", "device": OTHER_DEVICE}, id="one-account-at-two-devices"),
        pytest.param({"name": "nobody-knows"}, id="an-account-that-nobody-knows"),
        pytest.param({"name": "teacher"}, id="a-teacher-at-a-device-of-pupils"),
    ],
)
def test_where_it_is_not_clear_who_it_was_it_stays_with_the_device(
    school: ObservingOfTest, doubt: dict[str, Any]
) -> None:
    school.sign_in("pupil")
    school.sign_in(**doubt)
    school.ask(*FIVE)
    school.look()
    assert [filed.incident.level for filed in school.filed_all()] == []
    assert [note.subject for note in school.notes()] == [school.device()]


def test_a_shared_device_of_the_site_is_never_a_person(school: ObservingOfTest) -> None:
    (year5, *others) = school.site.groups
    school.site = replace(school.site, groups=(replace(year5, devices=(PUPIL_DEVICE,), is_shared=True), *others))
    school.sign_in("pupil", kind=SignIn.ATTESTED)
    school.ask(*FIVE)
    school.look()
    assert (len(school.filed_all()), len(school.notes())) == (0, 1)


def test_a_helpline_gets_nowhere(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask("help.example", category="health_education")
    with closing(sqlite3.connect(school.folder / "activity" / f"activity-{NOW.date()}.db")) as day:
        day.execute("UPDATE queries SET category = 'helplines', name = 'help-me.example'")
        day.commit()
    school.look()
    assert (school.filed_all(), school.notes()) == ([], [])
    assert "help-me" not in school.everything_stored()
    assert "opens" not in school.counts()


def test_what_is_illegal_is_sealed_at_once_and_its_name_stands_in_the_erasable_part_alone(
    school: ObservingOfTest,
) -> None:
    school.sign_in("pupil")
    school.ask("crime-site.example", category="criminal_activity")
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.track, filed.incident.kind, filed.is_held) == (Track.SEALED, Kind.ILLEGAL, True)
    assert [each.personal for each in timeline(school)] == [None]
    with school.store.read() as database:
        personal = [row[0] for row in database.execute("SELECT personal FROM incident_timeline")]
        facts = [row[0] for row in database.execute("SELECT facts FROM audit")]
    assert any("crime-site" in (each or "") for each in personal)
    assert not any("crime-site" in each for each in facts)
    assert school.everything_stored().count("crime-site") == 1


def test_illegal_content_on_a_device_of_nobody_is_sealed_too(school: ObservingOfTest) -> None:
    school.ask("crime-site.example", category="criminal_activity")
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.track, filed.incident.level) == (Track.SEALED, Level.DEVICE)


def test_what_is_allowed_is_nothing(school: ObservingOfTest) -> None:
    school.keep(ActivityLevel.ALL)
    school.sign_in("pupil")
    school.ask(*FIVE, verdict="allowed")
    school.look()
    assert (school.filed_all(), school.notes()) == ([], [])


def test_a_guest_and_whoever_is_in_no_network_come_to_nothing(school: ObservingOfTest) -> None:
    school.ask(*FIVE, audience="guest", device="198.51.100.7")
    school.ask(*FIVE, audience="unknown", device="203.0.113.9")
    school.look()
    assert (school.filed_all(), school.notes()) == ([], [])
    assert school.counts() == {"ignored no_row": 5, "ignored not_weighed": 5}


def test_a_school_that_keeps_counts_has_nobodys_questions_weighed_also_not_those_of_before(
    school: ObservingOfTest,
) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE)
    school.keep(ActivityLevel.COUNTS)
    school.look()
    school.keep(ActivityLevel.BLOCKED)
    school.look()
    assert (school.filed_all(), school.notes()) == ([], [])


# ---- who signed in where -------------------------------------------------------------------------------------------


def test_the_same_account_at_two_devices_at_once_is_looked_at_by_itself(school: ObservingOfTest) -> None:
    for device in (PUPIL_DEVICE, OTHER_DEVICE):
        school.sign_in("pupil", device=device, kind=SignIn.ATTESTED, until_at=NOW + 10 * MINUTE)
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.ACCOUNT_SHARING, ("P06", "P07"))
    assert (filed.incident.subject, filed.why_identity) == (school.pseudonym("pupil"), ("two_devices",))


def test_a_telephone_and_a_laptop_on_the_network_are_too_little(school: ObservingOfTest) -> None:
    for device in (STAFF_DEVICE, "192.0.2.131"):
        school.sign_in("teacher", device=device, until_at=NOW + 10 * MINUTE)
    school.look()
    assert school.filed_all() == []
    school.sign_in("teacher", device="192.0.2.132", until_at=NOW + 10 * MINUTE)
    school.look()
    assert [filed.incident.kind for filed in school.filed_all()] == [Kind.ACCOUNT_SHARING]


# ---- the record ----------------------------------------------------------------------------------------------------


def note_off(school: ObservingOfTest) -> None:
    facts = facts_off(Cause.WORKERS, [Place("classrooms")], ["gambling"], since=school.now, workers=[0])
    with school.store.act() as act:
        act.note("filter_off_without_record", actor="system", facts=facts)


def test_filtering_that_was_off_without_a_record_is_for_people_to_look_at(school: ObservingOfTest) -> None:
    note_off(school)
    note_off(school)
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.kind, filed.incident.level, filed.incident.track) == (
        Kind.FILTER_OFF,
        Level.DEVICE,
        Track.ORDINARY,
    )
    school.begin()
    school.look()
    assert len(timeline(school)) == 2
    assert school.counts() == {"opens": 1, "joins": 1}


def test_an_emergency_that_nobody_confirmed_is_about_whoever_took_it(school: ObservingOfTest) -> None:
    now = NOW.isoformat(timespec="microseconds")
    lift = {
        "names": ["bet.example"],
        "categories": [],
        "lifts_of": {"bet.example": []},
        "audiences": [],
        "groups": ["year5"],
        "from_at": now,
        "until_at": now,
    }
    with school.store.act() as act:
        act.database.execute(
            "INSERT INTO overrides"
            " (id, requester, lift, reason, state, is_break_glass, requested_at, from_at, until_at)"
            " VALUES ('o1', ?, ?, 'Now', 'unconfirmed', 1, ?, ?, ?)",
            (school.ids["coordinator"], json.dumps(lift), now, now, now),
        )
        act.note("override_unconfirmed", actor="system", subject="o1")
        act.note("override_used", actor="system", subject="o1", facts={"times": 3, "devices": 1})
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.kind, filed.incident.subject) == (Kind.FILTER_OFF, school.pseudonym("coordinator"))
    assert filed.incident.level is Level.PERSON
    assert school.counts() == {"opens": 1, "ignored context": 1}
    ((_, _, told),) = [each for each in school.told if each[0] == "incident_opened"]
    assert "coordinator" not in told, "it goes past whoever it is about"


def test_a_long_record_of_which_nothing_comes_is_passed_by(school: ObservingOfTest) -> None:
    with school.store.act() as act:
        for _ in range(5_100):
            act.note("signed_in", actor="p1")
    school.look()
    with school.store.read() as database:
        assert read_positions(database)["record"] >= 5_100


# ---- what machines tell --------------------------------------------------------------------------------------------


def event(**changes: Any) -> ToldEvent:
    values: dict[str, Any] = {"id": "event-0001", "kind": "media", "at": NOW, "device": STAFF_DEVICE}
    return ToldEvent(**{**values, **changes})


def test_what_a_machine_saw_at_a_device_of_somebody_is_a_candidate(school: ObservingOfTest) -> None:
    school.tell(event(account=school.ids["teacher"], facts={"volume": "BACKUP"}))
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.kind, filed.incident.confidence, filed.incident.rows) == (
        Kind.MEDIA,
        Confidence.A,
        ("S05",),
    )
    (entry,) = timeline(school)
    assert entry.personal == {"volume": "BACKUP", "device": school.device(STAFF_DEVICE), "is_attested": True}
    with school.store.read() as database:
        assert read_waiting(database, limit=9) == []


def test_what_a_machine_saw_at_a_device_of_nobody_is_a_note(school: ObservingOfTest) -> None:
    school.tell(event())
    school.look()
    assert (len(school.filed_all()), [note.kind for note in school.notes()]) == (0, [Kind.MEDIA])


def test_what_a_machine_tells_twice_is_one(school: ObservingOfTest) -> None:
    told = event(account=school.ids["teacher"])
    for _ in range(2):
        school.tell(told)
        school.look()
    assert len(timeline(school)) == 1
    assert school.counts()["events repeated"] == 1


def test_what_the_machine_says_of_who_it_was_may_be_contradicted(school: ObservingOfTest) -> None:
    school.sign_in("deputy", device=STAFF_DEVICE)
    school.tell(event(account=school.ids["teacher"]))
    school.look()
    assert (len(school.filed_all()), len(school.notes())) == (0, 1)


# ---- in time -------------------------------------------------------------------------------------------------------


def test_what_is_older_than_what_was_asked_may_be_is_forgotten(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.tell(event())
    school.ask(*FIVE)
    school.look()
    school.now += timedelta(days=school.site.retention.activity_days + 3)
    school.seconds += 3601.0
    school.look()
    with school.store.read() as database:
        assert read_presence(database, f"pupil@{PUPIL_DEVICE}") is None
        assert [source for source in read_positions(database) if source.startswith("activity")] == []
        assert database.execute("SELECT count(*) FROM told_events").fetchone()[0] == 0


def test_people_are_who_they_are_in_the_table_of_their_own_audience(school: ObservingOfTest) -> None:
    school.sign_in("teacher", device=STAFF_DEVICE)
    school.ask(
        *(f"{word}-proxy.example" for word in ("green", "blue", "red", "white", "black")),
        category="proxy",
        device=STAFF_DEVICE,
        audience="staff",
    )
    school.look()
    (filed,) = school.filed_all()
    assert filed.incident.rows == ("S13",)


# ---- what the gateway found --------------------------------------------------------------------------------------


def find(school: ObservingOfTest, number: int, **more: Any) -> None:
    """Let the gateway have found something about a laptop."""
    content = {
        "kind": "device_security",
        "at": school.now.isoformat(),
        "device": "laptop7",
        "is_device": True,
        "is_finding": True,
        "audience": "staff",
        "place": "unknown",
        "facts": {"kind": "device_security", "finding": "key_changed", "signals": 1, "is_weak": False},
    }
    with school.store.act() as act:
        write_told(act, f"finding/{number}", {**content, **more})
    school.look()


def test_what_was_found_is_told_once_by_its_incident_or_else_by_a_notice(school: ObservingOfTest) -> None:
    noticed: list[datetime] = []
    school.begin(tell=lambda act: noticed.append(act.now))
    find(school, 1)
    (filed,) = school.filed_all()
    assert ([each[2] for each in school.told], noticed) == ([("coordinator",)], [])
    find(school, 2)
    assert (len(school.told), noticed) == (1, [school.now]), "in what is open already it is a silent line"
    school.incidents.decisions.dismiss(
        school.ids["coordinator"],
        filed.incident.id,
        version=school.filed(filed).version,
        dismissal=Dismissal.TEST,
        words=REASON,
    )
    find(school, 3)
    assert len(school.filed_all()) == 1
    assert (len(school.told), len(noticed)) == (1, 2), "no incident holds it"
    find(school, 4, is_finding=False)
    assert len(noticed) == 2, "what a laptop says of itself is not found by us"


def test_what_was_found_is_told_although_it_joins_what_a_laptop_said_of_itself(school: ObservingOfTest) -> None:
    noticed: list[datetime] = []
    school.begin(tell=lambda act: noticed.append(act.now))
    find(school, 1, is_finding=False)
    assert noticed == []
    find(school, 2)
    assert len(school.filed_all()) == 1
    assert (len(school.told), noticed) == (1, [school.now])


def test_what_was_found_and_was_seen_already_is_not_told_again(school: ObservingOfTest) -> None:
    noticed: list[datetime] = []
    school.begin(tell=lambda act: noticed.append(act.now))
    find(school, 1)
    find(school, 2)
    with school.store.act() as act:
        act.database.execute("DELETE FROM told_events")
    find(school, 1)
    find(school, 2)
    assert school.counts() == {"opens": 1, "joins": 1, "ignored seen": 2}
    assert (len(timeline(school)), len(school.told), len(noticed)) == (2, 1, 1)
