"""What waits, for those alone who can do it; and what has changed of the filter."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from api_of_test import SITE, SchoolOfTest, lesson
from starlette.responses import Response

from agent.api.parts import Call
from agent.api.security import Caller
from agent.console.day.day_waiting import Changes, Laptops, Waiting, What, read_changes, read_waiting
from agent.sites.config import parse_site
from agent.storage.step_rows import FiledStep, write_step
from rules.incident import Intent
from rules.incident_weight import Weight
from rules.roles import Role, rights_of
from rules.sanction import Step


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def call_of(school: SchoolOfTest, person: str, *roles: Role) -> Call:
    caller = Caller(person, frozenset(roles), rights_of(roles), proof="")
    return Call(school.parts, caller, Response())


def person(school: SchoolOfTest, name: str, *roles: Role) -> Call:
    """Open somebody without an account."""
    with school.store.act() as act:
        made = school.parts.people.open(act, name, roles, actor="system")
    return call_of(school, made.id, *roles)


def waits(call: Call) -> dict[What, int]:
    return {each.what: each.number for each in read_waiting(call).waits}


def observe(school: SchoolOfTest, text: str) -> None:
    site = parse_site(text, path=Path("site.yaml")).site
    school.parts.filter_changes.observe(text, site, os_user="schoolgate")


def draft(school: SchoolOfTest, by: Call, text: str = "policies: {chat: {block: [chat], audiences: [pupil]}}") -> int:
    review_on = (school.now + timedelta(days=30)).date()
    changes = school.parts.filter_changes
    reason = "Chat disturbs the lessons of year five."
    return changes.draft(by.person, text, reason=reason, owner=by.person, review_on=review_on).number


def test_a_request_waits_for_those_who_decide_and_not_for_who_asked(school: SchoolOfTest) -> None:
    head = school.person("Henry", Role.HEAD_TEACHER)
    other = person(school, "Nora", Role.NETWORK_MANAGER)
    assert head.post("/overrides", lesson()).status_code == 201
    (found,) = read_waiting(other).waits
    assert (found.what, found.number, found.since) == (What.REQUESTS, 1, school.now)
    assert waits(call_of(school, head.person, Role.HEAD_TEACHER)) == {}
    assert waits(person(school, "Tom", Role.TECHNICIAN)) == {}


def test_of_requests_a_safeguarding_lead_has_the_sensitive_ones(school: SchoolOfTest) -> None:
    school.site = replace(school.site, overrides=replace(school.site.overrides, sensitive=frozenset({"hate_speech"})))
    teacher = school.person("Theo", Role.TEACHER)
    lead = person(school, "Sue", Role.SAFEGUARDING_LEAD)
    assert teacher.post("/overrides", lesson()).status_code == 201
    assert waits(lead) == {}
    assert teacher.post("/overrides", lesson(names=["hate.example"])).status_code == 201
    assert waits(lead) == {What.REQUESTS: 1}


def test_an_emergency_waits_to_be_countersigned_by_another(school: SchoolOfTest) -> None:
    head = school.person("Henry", Role.HEAD_TEACHER)
    until = (school.now + timedelta(minutes=30)).isoformat()
    assert head.post("/overrides", lesson(until_at=until, is_break_glass=True)).status_code == 201
    assert waits(person(school, "Cora", Role.ICT_COORDINATOR)) == {What.EMERGENCIES: 1}
    assert waits(call_of(school, head.person, Role.HEAD_TEACHER)) == {}


def test_suspensions_drafts_and_people_wait_for_a_second_person(school: SchoolOfTest) -> None:
    observe(school, SITE)
    slt = school.person("Sam", Role.SLT)
    manager = person(school, "Nora", Role.NETWORK_MANAGER)
    until = (school.now + timedelta(hours=1)).isoformat()
    asked = {"networks": ["classrooms"], "reason": "An examination of another board.", "until_at": until}
    assert slt.post("/suspensions", asked).status_code == 201
    draft(school, manager)
    head = person(school, "Henry", Role.HEAD_TEACHER)
    assert waits(head) == {What.SUSPENSIONS: 1, What.FILTER_CHANGES: 1}
    assert waits(manager) == {What.SUSPENSIONS: 1}


def test_candidates_are_counted_by_weight_for_those_who_may_read_them(school: SchoolOfTest) -> None:
    school.candidate(intent=90)
    school.now += timedelta(minutes=5)
    school.candidate(intent=72)
    school.candidate(intent=60)
    coordinator, technician = person(school, "Cora", Role.ICT_COORDINATOR), person(school, "Tom", Role.TECHNICIAN)
    found = read_waiting(coordinator)
    assert found.weights == {Weight.HIGH: 1, Weight.MIDDLE: 1, Weight.LOW: 1}
    assert [(each.what, each.number, each.since) for each in found.waits] == [
        (What.CANDIDATES, 3, school.now - timedelta(minutes=5))
    ]
    assert read_waiting(technician) == Waiting(undelivered=0, laptops=read_waiting(technician).laptops)


def test_a_candidate_about_somebody_is_not_counted_for_them(school: SchoolOfTest) -> None:
    coordinator = person(school, "Cora", Role.ICT_COORDINATOR)
    school.candidate(about=coordinator.person)
    assert waits(coordinator) == {}
    assert waits(person(school, "Henry", Role.HEAD_TEACHER)) == {What.CANDIDATES: 1}


def file_step(school: SchoolOfTest, incident: str, number: int, owner: str, due_at: datetime) -> None:
    with school.store.act() as act:
        write_step(act, FiledStep(incident, number, "inform", Step.INFORM, "parents", (owner,), due_at))


def test_overdue_steps_are_ones_own_and_for_readers_those_of_others(school: SchoolOfTest) -> None:
    coordinator = person(school, "Cora", Role.ICT_COORDINATOR)
    teacher, head = person(school, "Theo", Role.TEACHER), person(school, "Henry", Role.HEAD_TEACHER)
    filed = school.candidate()
    incidents = school.parts.incidents
    incidents.decisions.accept(
        coordinator.person,
        filed.incident.id,
        version=filed.version,
        row=filed.incident.rows[0],
        deliberate=Intent.UNCLEAR,
        why="It was looked at together with the class teacher.",
    )
    with school.store.act() as act:
        act.database.execute("DELETE FROM incident_steps")
    file_step(school, filed.incident.id, 1, coordinator.person, school.now - timedelta(hours=1))
    file_step(school, filed.incident.id, 2, teacher.person, school.now - timedelta(hours=1))
    file_step(school, filed.incident.id, 3, teacher.person, school.now + timedelta(hours=1))
    found = {name: read_waiting(call).overdue for name, call in (("c", coordinator), ("t", teacher), ("h", head))}
    assert (found["c"].own, found["c"].others, found["c"].number) == (1, 1, 2)
    assert (found["t"].own, found["t"].others) == (1, 0)
    assert (found["h"].own, found["h"].others) == (0, 2)


PARTS: dict[str, Callable[[Waiting], bool]] = {
    "record": lambda found: found.record is not None,
    "notices": lambda found: found.undelivered is not None,
    "laptops": lambda found: found.laptops is not None,
}


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        (Role.ICT_COORDINATOR, {"record", "notices", "laptops"}),
        (Role.HEAD_TEACHER, {"record", "notices"}),
        (Role.TECHNICIAN, {"notices", "laptops"}),
        (Role.SLT, set()),
        (Role.SAFEGUARDING_LEAD, set()),
    ],
)
def test_each_part_is_for_those_with_a_right_to_it(school: SchoolOfTest, role: Role, parts: set[str]) -> None:
    found = read_waiting(person(school, "Anna", role))
    assert {name for name, is_there in PARTS.items() if is_there(found)} == parts


def test_what_laptops_told_and_nobody_can_read_is_unknown(school: SchoolOfTest) -> None:
    school.parts.fleet.events.path.write_bytes(b"torn" * 1000)
    found = read_waiting(person(school, "Tom", Role.TECHNICIAN)).laptops
    assert found == Laptops(0, None, None, None)
    assert not found.are_well


def changes(school: SchoolOfTest, call: Call) -> Changes:
    return read_changes(call, school.now - timedelta(days=1))


def test_changes_of_the_filter_say_who_approved_them_and_the_first_file_is_none(school: SchoolOfTest) -> None:
    manager, head = person(school, "Nora", Role.NETWORK_MANAGER), person(school, "Henry", Role.HEAD_TEACHER)
    observe(school, SITE)
    assert changes(school, head).filter == ()
    number = draft(school, manager)
    assert changes(school, head).filter == ()
    school.parts.filter_changes.approve(head.person, number, step=1)
    observe(school, SITE + "essentials: [school.example]\n")
    found = changes(school, head)
    assert [(each.by, each.is_in_force) for each in found.filter] == [("", True), ("Henry", True)]
    assert found.unreviewed == 1
    school.now += timedelta(days=2)
    assert changes(school, head).filter == ()


def test_a_review_that_is_due_is_overdue_the_day_after(school: SchoolOfTest) -> None:
    manager, head = person(school, "Nora", Role.NETWORK_MANAGER), person(school, "Henry", Role.HEAD_TEACHER)
    observe(school, SITE)
    school.parts.filter_changes.approve(head.person, draft(school, manager), step=1)
    school.now += timedelta(days=30)
    assert read_waiting(manager).overdue.reviews == 0
    school.now += timedelta(days=1)
    assert read_waiting(manager).overdue.reviews == 1
    assert read_waiting(person(school, "Sam", Role.SLT)).overdue.reviews == 0


def test_what_was_opened_is_counted_since_then(school: SchoolOfTest) -> None:
    teacher, head = school.person("Theo", Role.TEACHER), school.person("Henry", Role.HEAD_TEACHER)
    made = teacher.post("/overrides", lesson()).json()
    assert head.post(f"/overrides/{made['id']}/approve", version=made["version"]).status_code == 200
    until = (school.now + timedelta(minutes=30)).isoformat()
    head.post("/overrides", lesson(until_at=until, is_break_glass=True))
    found = changes(school, call_of(school, head.person, Role.HEAD_TEACHER))
    assert (found.overrides, found.emergencies, found.suspensions) == (1, 1, 0)


def test_what_was_stopped_before_it_began_was_never_off(school: SchoolOfTest) -> None:
    asker, head = school.person("Ivy", Role.ICT_COORDINATOR), school.person("Grace", Role.HEAD_TEACHER)
    since = school.now
    asked = {"networks": ["classrooms"], "reason": "An examination of another board."}
    times = {"from_at": since + timedelta(hours=1), "until_at": since + timedelta(hours=2)}
    made = asker.post("/suspensions", asked | {name: at.isoformat() for name, at in times.items()}).json()
    agreed = head.post(f"/suspensions/{made['id']}/agree", {}, version=made["version"]).json()
    assert head.post(f"/suspensions/{made['id']}/end", version=agreed["version"]).status_code == 200
    school.now += timedelta(hours=3)
    assert read_changes(call_of(school, head.person, Role.HEAD_TEACHER), since).suspensions == 0
