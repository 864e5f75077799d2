"""How things stand: to everybody where filtering is off, the rest to those who have a right to it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import NOW, REASON, SchoolOfTest, lesson

from agent.api.status_routes import NOT_WEIGHED
from agent.sites.site import ActivityLevel
from agent.storage.anchors import anchor_if_due
from agent.storage.filter_rows import Source, State, Version, write_version
from rules.roles import RIGHTS, Right, Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def status(school: SchoolOfTest, role: Role) -> dict[str, Any]:
    answer = school.person(role.value.title(), role).get("/status")
    assert answer.status_code == 200, answer.text
    tree: dict[str, Any] = answer.json()
    return tree


def test_a_quiet_school(school: SchoolOfTest) -> None:
    found = status(school, Role.HEAD_TEACHER)
    assert found == {
        "at": "2026-03-02T09:15:00Z",
        "suspensions": [],
        "emergencies": [],
        "waiting": {"overrides": 0, "suspensions": 0, "filter_changes": 0, "people": 0},
        "approvers": {
            "people": [{"id": "p1", "name": "Head_Teacher"}],
            "warning": (
                "Only one person may decide about overrides; expected at least 2 with an account, because whoever"
                " asks never decides."
            ),
        },
        "beginning": {
            "warning": (
                "The school is still in its beginning: whoever manages people gives roles and accounts alone, until a"
                " second person who manages people has signed in."
            ),
            "given": [
                {
                    "person": {"id": "p1", "name": "Head_Teacher"},
                    "given_by": None,
                    "roles": ["head_teacher"],
                    "accounts": ["head_teacher"],
                }
            ],
        },
        "filter": {"file": None, "change": None},
        "record": {
            "rows": len(school.kinds()),
            "anchored_at": None,
            "verified_at": None,
            "is_intact": None,
            "fault": "",
        },
        "in_force": False,
        "observing": None,
    }


def test_where_filtering_is_off(school: SchoolOfTest) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    asked = {"networks": ["classrooms"], "reason": REASON, "until_at": (NOW + timedelta(hours=1)).isoformat()}
    suspension = manager.post("/suspensions", asked).json()["id"]
    assert status(school, Role.SLT)["waiting"]["suspensions"] == 1
    assert head.post(f"/suspensions/{suspension}/agree", version=1).status_code == 200
    (told,) = status(school, Role.TEACHER)["suspensions"]
    assert told == {
        "id": suspension,
        "where": "classrooms",
        "from_at": "2026-03-02T09:15:00Z",
        "until_at": "2026-03-02T10:15:00Z",
        "agreed_by": {"id": head.person, "name": "Head"},
    }
    (told,) = status(school, Role.PUPIL)["suspensions"]
    assert (told["where"], told["agreed_by"]) == ("classrooms", None)


def test_an_emergency_until_it_is_countersigned(school: SchoolOfTest) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    made = manager.post("/overrides", lesson(is_break_glass=True)).json()
    for asking in (manager.get("/status"), head.get("/status")):
        (told,) = asking.json()["emergencies"]
        assert (told["id"], told["names"], told["requester"]["name"]) == (made["id"], ["bet.example"], "Manager")
    assert status(school, Role.SAFEGUARDING_LEAD)["emergencies"], "who may countersign has to see what"
    assert status(school, Role.TEACHER)["emergencies"] == []
    assert head.post(f"/overrides/{made['id']}/countersign", {"reason": REASON}, version=1).status_code == 200
    assert head.get("/status").json()["emergencies"] == []


def test_what_waits_is_counted_for_whoever_may_read_it_and_ones_own_for_others(school: SchoolOfTest) -> None:
    teacher, other = school.person("Ann", Role.TEACHER), school.person("Bea", Role.TEACHER)
    for asking in (teacher, teacher, other):
        assert asking.post("/overrides", lesson()).status_code == 201
    with school.store.act() as act:
        write_version(act.database, version(3, State.DRAFTED))
    assert status(school, Role.HEAD_TEACHER)["waiting"] == {
        "overrides": 3,
        "suspensions": 0,
        "filter_changes": 1,
        "people": 0,
    }
    assert other.get("/status").json()["waiting"] == {
        "overrides": 1,
        "suspensions": None,
        "filter_changes": None,
        "people": None,
    }
    assert status(school, Role.AUDITOR)["waiting"] == {
        "overrides": None,
        "suspensions": None,
        "filter_changes": 1,
        "people": None,
    }


def version(number: int, state: State, **parts: Any) -> Version:
    return Version(
        number=number, at=NOW, source=Source.API, state=state, text="", hash="", changes=("Something.",), **parts
    )


def test_a_filter_that_nobody_approved_says_so(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    with school.store.act() as act:
        write_version(act.database, version(1, State.ON_DISK, os_user="root"))
    told = {"number": 1, "since": "2026-03-02T09:15:00Z", "approved_by": None}
    assert head.get("/status").json()["filter"] == {"file": told, "change": None}
    later = NOW + timedelta(days=1)
    with school.store.act() as act:
        write_version(act.database, version(2, State.APPROVED, approved_by=head.person, decided_at=later))
    assert head.get("/status").json()["filter"]["change"] == {
        "number": 2,
        "since": "2026-03-03T09:15:00Z",
        "approved_by": {"id": head.person, "name": "Head"},
    }


def test_the_record(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    school.now += timedelta(days=1)
    anchor_if_due(school.store)
    auditor.sign_in()
    with school.store.act() as act:
        act.note("record_broken", actor="system", facts={"row": 5, "what": "row 5 was altered", "seconds": 1})
    told = auditor.get("/status").json()["record"]
    assert (told["rows"], told["anchored_at"]) == (len(school.kinds()), "2026-03-03T09:15:00Z")
    assert (told["is_intact"], told["fault"]) == (False, "row 5 was altered")


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_who_sees_which_part(school: SchoolOfTest, role: Role) -> None:
    found = status(school, role)
    rights = RIGHTS[role]
    assert (found["approvers"] is not None) is bool(rights & {Right.READ_PEOPLE, Right.READ_OVERRIDES})
    assert (found["beginning"] is not None) is (Right.READ_PEOPLE in rights)
    assert (found["filter"] is not None) is bool(
        rights
        & {
            Right.READ_OVERRIDES,
            Right.READ_RECORD,
            Right.SIGN_OFF_RECORD,
            Right.DRAFT_FILTER_CHANGE,
            Right.APPROVE_FILTER_CHANGE,
        }
    )
    assert (found["record"] is not None) is bool(rights & {Right.READ_RECORD, Right.VERIFY_RECORD})


def test_a_token_sees_what_its_scopes_allow(school: SchoolOfTest) -> None:
    found = school.person("Manager", Role.NETWORK_MANAGER).with_token(["verify_record"]).get("/status").json()
    assert found["record"] is not None
    assert (found["approvers"], found["filter"], found["waiting"]["overrides"]) == (None, None, None)


# --- Lessons


def test_the_lesson_that_is_on_says_when_it_ends(school: SchoolOfTest) -> None:
    told = school.person("Teacher", Role.TEACHER).get("/schedules").json()
    assert told == {
        "at": "2026-03-02T09:15:00Z",
        "lesson_until": "2026-03-02T10:00:00Z",
        "items": [{"name": "lessons", "is_on": True, "changes_at": "2026-03-02T10:00:00Z"}],
    }


def test_the_lesson_of_another_time(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    tomorrow = teacher.get("/schedules", at="2026-03-03T10:30:00+01:00").json()
    assert (tomorrow["at"], tomorrow["lesson_until"]) == ("2026-03-03T09:30:00Z", "2026-03-03T10:00:00Z")
    sunday = teacher.get("/schedules", at="2026-03-08T09:30:00+00:00").json()
    assert (sunday["lesson_until"], sunday["items"][0]["is_on"]) == (None, False)
    assert teacher.get("/schedules", at="soon").status_code == 422


@pytest.mark.parametrize(
    ("role", "is_told"), [(Role.ICT_COORDINATOR, True), (Role.ESAFETY_GOVERNOR, True), (Role.TEACHER, False)]
)
def test_a_school_that_keeps_counts_alone_is_told_that_nothing_of_them_becomes_an_incident(
    tmp_path: Path, role: Role, *, is_told: bool
) -> None:
    school = SchoolOfTest(tmp_path)
    school.site = replace(school.site, retention=replace(school.site.retention, activity=ActivityLevel.COUNTS))
    assert status(school, role)["observing"] == (NOT_WEIGHED if is_told else None)
