"""Incidents through the interface: the queue, one for a purpose, decisions, and whoever may not know of it."""

from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from api_of_test import SchoolOfTest, Visitor

from agent.api.incident_routes import may_know
from agent.record.evidence import read
from agent.sites.site import IncidentSettings, Private
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

PURPOSE = "I look into what was reported this morning."
WHY = "The names were typed one after the other in a lesson."
REASON = "The class teacher has talked about it with both of them."
MARKUP = "<script>alert('Year 5')</script> said the pupil, and laughed."
DECISIONS: dict[str, dict[str, Any]] = {
    "accept": {"row": "P02", "deliberate": "deliberate", "why": WHY},
    "reclassify": {"kind": "games", "reason": REASON},
    "dismiss": {"dismissal": "lesson", "words": REASON},
    "undo": {},
    "merge": {"into": "nothing", "reason": REASON},
    "split": {"entries": [1], "kind": "games", "reason": REASON},
    "close": {"outcome": REASON, "lesson": REASON},
    "reopen": {"by": "A parent", "outcome": REASON},
    "correct": {"reason": REASON},
    "name-subject": {"subject": "p1", "reason": REASON},
    "hold": {"reason": REASON},
    "release": {"reason": REASON},
}


class School(SchoolOfTest):
    """A school with whoever deals with incidents, two pupils, and some who do not; each comes when first needed."""

    @cached_property
    def coordinator(self) -> Visitor:
        return self.person("Coordinator", Role.ICT_COORDINATOR)

    @cached_property
    def head(self) -> Visitor:
        return self.person("Head", Role.HEAD_TEACHER)

    @cached_property
    def lead(self) -> Visitor:
        return self.person("Lead", Role.SAFEGUARDING_LEAD)

    @cached_property
    def second(self) -> Visitor:
        return self.person("Second", Role.SLT)

    @cached_property
    def technician(self) -> Visitor:
        return self.person("Technician", Role.TECHNICIAN)

    @cached_property
    def pupil(self) -> Visitor:
        return self.person("Pupil", Role.PUPIL)

    @cached_property
    def other(self) -> Visitor:
        return self.person("Other", Role.PUPIL)

    def place(self, filed: Filed) -> str:
        return f"/incidents/{filed.incident.id}"

    def show(self, visitor: Visitor, filed: Filed, **changes: Any) -> Any:
        return visitor.get(self.place(filed), **({"purpose": PURPOSE, "case": filed.number} | changes))

    def decide(self, visitor: Visitor, filed: Filed, move: str, *, version: int | None = 1, **changes: Any) -> Any:
        return visitor.post(f"{self.place(filed)}/{move}", DECISIONS[move] | changes, version=version)

    def queue(self, visitor: Visitor, **chosen: Any) -> list[int]:
        response = visitor.get("/incidents", **chosen)
        assert response.status_code == 200, response.text
        return [each["number"] for each in response.json()["items"]]


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def kind_of(response: Any) -> str:
    kind: str = response.json()["type"].rpartition(":")[2]
    return kind


# ---- the queue -----------------------------------------------------------------------------------------------------


def test_the_queue_has_the_most_urgent_first_and_beside_it_what_is_of_the_same_pupil(school: School) -> None:
    gambling = school.candidate(about=school.pupil.person)
    other = school.candidate(Kind.GAMES, about=school.other.person, intent=60)
    games = school.candidate(Kind.GAMES, about=school.pupil.person, intent=50)
    danger = school.candidate(Kind.SELF_HARM, about=school.other.person, intent=40)
    items = school.head.get("/incidents").json()["items"]
    assert [each["number"] for each in items] == [danger.number, other.number, gambling.number, games.number]
    assert [each["alike"] for each in items] == [
        {"of_subject": 1, "in_burst": 0},
        {"of_subject": 1, "in_burst": 1},
        {"of_subject": 1, "in_burst": 0},
        {"of_subject": 1, "in_burst": 1},
    ]


def test_the_queue_names_nobody_and_nothing_that_was_visited(school: School) -> None:
    school.candidate(about=school.pupil.person)
    response = school.coordinator.get("/incidents")
    (item,) = response.json()["items"]
    assert item["subject"].startswith("p-")
    assert (item["rows"], item["row"], item["state"], item["version"]) == (["P02"], None, "candidate", 1)
    for word in ("Pupil", "hidden", school.pupil.person):
        assert f'"{word}"' not in response.text
    assert "incident_viewed" not in school.kinds()


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        pytest.param({"state": "candidate"}, [2, 1], id="of-a-state"),
        pytest.param({"state": ["dismissed", "closed"]}, [3], id="of-two-states"),
        pytest.param({"track": "safeguarding"}, [2], id="of-a-track"),
        pytest.param({"kind": "gambling"}, [1], id="of-a-kind"),
        pytest.param({"level": "device"}, [1], id="about-a-device"),
        pytest.param({"weight": "middle"}, [2, 1], id="of-a-weight"),
        pytest.param({"weight": "high"}, [], id="of-a-weight-that-there-is-not"),
        pytest.param({"subject": "devicedevicedevi"}, [1], id="of-a-subject"),
        pytest.param({"number": 3}, [3], id="with-a-number-in-any-state"),
        pytest.param({"number": 9}, [], id="with-the-number-of-none"),
        pytest.param({}, [2, 1], id="open-if-nothing-is-asked-for"),
    ],
)
def test_a_part_of_the_queue(school: School, chosen: dict[str, Any], found: list[int]) -> None:
    school.candidate()
    school.candidate(Kind.SELF_HARM, about=school.pupil.person)
    assert school.decide(school.head, school.candidate(Kind.GAMES), "dismiss").status_code == 200
    assert school.queue(school.head, **chosen) == found


def test_the_queue_in_parts(school: School) -> None:
    for _ in range(5):
        school.candidate(about=school.pupil.person)
    found, after = list[int](), None
    while True:
        page = school.head.get("/incidents", limit=2, **({"after": after} if after else {})).json()
        assert len(page["items"]) <= 2
        found += [each["number"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"limit": 100_000}, id="a-hundred-thousand-at-once"),
        pytest.param({"after": "MTAwMDAw"}, id="from-the-hundred-thousandth-on"),
        pytest.param({"state": "anything"}, id="of-a-state-that-there-is-not"),
        pytest.param({"number": 0}, id="with-the-number-0"),
    ],
)
def test_a_part_that_there_is_not(school: School, chosen: dict[str, Any]) -> None:
    assert school.head.get("/incidents", **chosen).status_code == 422


def test_the_queue_in_groups(school: School) -> None:
    for _ in range(3):
        school.candidate(about=school.pupil.person)
    school.candidate(Kind.GAMES, about=school.pupil.person, intent=90)
    first, second = school.head.get("/incidents/groups").json()["items"]
    assert ([each["number"] for each in first["members"]], first["weight"]) == ([4], "high")
    assert [each["number"] for each in second["members"]] == [1, 2, 3]
    assert [each["number"] for each in second["shown"]] == [1, 2, 3]
    assert second["alike"] == {"of_subject": 1, "in_burst": 0}
    page = school.head.get("/incidents/groups", limit=1).json()
    rest = school.head.get("/incidents/groups", limit=1, after=page["next"]).json()
    assert (page["items"], rest["items"], rest["next"]) == ([first], [second], None)
    assert "incident_viewed" not in school.kinds()


# ---- who may know what ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "audience", "readers"),
    [
        pytest.param(Kind.GAMBLING, Audience.PUPIL, {"coordinator", "head", "lead"}, id="an-ordinary-one"),
        pytest.param(Kind.GROOMING, Audience.PUPIL, {"head", "lead"}, id="a-child-at-risk"),
        pytest.param(Kind.STAFF_CONDUCT, Audience.STAFF, {"head", "second"}, id="a-member-of-staff"),
        pytest.param(Kind.ILLEGAL, Audience.PUPIL, {"coordinator", "head", "lead"}, id="a-sealed-one"),
    ],
)
def test_who_may_know_of_an_incident(school: School, kind: Kind, audience: Audience, readers: set[str]) -> None:
    school.private = Private(incidents=IncidentSettings(second_reader=school.second.person))
    enrol(school, school.second)
    filed = school.candidate(kind, about=school.pupil.person, audience=audience)
    people = {name: getattr(school, name) for name in ("coordinator", "head", "lead", "second", "technician")}
    seen = {
        name: (
            school.show(who, filed).status_code,
            who.get("/incidents").json().get("items"),
            may(school, who, filed),
        )
        for name, who in people.items()
    }
    assert {name for name, (status, _, _) in seen.items() if status == 200} == readers
    assert {name for name, (_, items, _) in seen.items() if items} == readers
    assert {name for name, (_, _, knows) in seen.items() if knows} == readers


def may(school: School, who: Visitor, filed: Filed) -> bool:
    return may_know(school.parts, who.person, filed.incident.id)


def enrol(school: School, visitor: Visitor) -> None:
    """Give an account an authenticator, as whoever reads incidents has one."""
    with school.store.act() as act:
        enrolment = school.parts.accounts.enrol_totp(act, visitor.login, actor=visitor.person)
    visitor._totp_secret = enrolment.totp_secret
    visitor.sign_in()


def test_whoever_is_named_needs_a_second_factor(school: School) -> None:
    school.private = Private(incidents=IncidentSettings(second_reader=school.second.person))
    assert school.second.get("/incidents").status_code == 403
    enrol(school, school.second)
    assert school.second.get("/incidents").json()["items"] == []
    school.private = Private()
    assert school.second.get("/incidents").status_code == 403


@pytest.mark.parametrize("move", DECISIONS)
@pytest.mark.parametrize("who", ["technician", "pupil", "second"])
def test_others_get_no_further_than_the_door(school: School, who: str, move: str) -> None:
    filed = school.candidate(about=school.pupil.person)
    assert school.decide(getattr(school, who), filed, move).status_code == 403
    assert school.kinds()[-1] == "rule_refused"


@pytest.mark.parametrize("role", [Role.ESAFETY_GOVERNOR, Role.TEACHER, Role.NETWORK_MANAGER, Role.AUDITOR])
def test_nor_do_these(school: School, role: Role) -> None:
    visitor = school.person(role.value, role)
    filed = school.candidate()
    assert school.show(visitor, filed).status_code == 403
    assert visitor.get("/incidents").status_code == 403


@pytest.mark.parametrize("move", DECISIONS)
def test_what_somebody_may_not_know_of_is_not_there(school: School, move: str) -> None:
    filed = school.candidate(Kind.STAFF_CONDUCT, about=school.technician.person, audience=Audience.STAFF)
    response = school.decide(school.coordinator, filed, move)
    assert (response.status_code, kind_of(response)) == (404, "not-found")
    assert (
        school.show(school.coordinator, filed).json()
        == school.coordinator.get("/incidents/nothing", purpose=PURPOSE, case=1).json()
    )


@pytest.mark.parametrize("move", DECISIONS)
def test_a_role_holder_who_is_the_subject_does_not_know_of_it(school: School, move: str) -> None:
    filed = school.candidate(Kind.SHOPPING, about=school.coordinator.person, audience=Audience.STAFF)
    assert school.queue(school.coordinator) == []
    assert school.show(school.coordinator, filed).status_code == 404
    assert school.decide(school.coordinator, filed, move).status_code == 404
    assert not may(school, school.coordinator, filed)
    assert school.queue(school.head) == [filed.number]


def test_no_program_reads_of_incidents(school: School) -> None:
    program = school.coordinator.with_token(["read_incidents"])
    for path in ("/incidents", "/incidents/x1", "/registers/incidents", "/incidents/steps"):
        assert program.get(path).status_code == 403


# ---- one incident --------------------------------------------------------------------------------------------------


def test_one_incident_for_a_purpose(school: School) -> None:
    filed = school.candidate(about=school.pupil.person)
    response = school.show(school.coordinator, filed)
    assert response.status_code == 200, response.text
    told = response.json()
    assert response.headers["etag"] == '"1"'
    assert [each["text"] for each in told["reasons"]] == ["9 different names (gambling) in 6 minutes"]
    assert [(each["row"], len(each["actions"])) for each in told["proposals"]] == [("P02", 1)]
    (entry,) = told["timeline"]
    assert (entry["what"], entry["personal"], len(entry["hash"])) == ("observed", {"name": "hidden.example"}, 64)
    assert school.kinds()[-1] == "incident_viewed"


def test_a_purpose_may_come_in_the_head_of_the_request(school: School) -> None:
    filed = school.candidate()
    headers = {"Schoolgate-Purpose": quote("生徒の安全を確かめるため"), "Schoolgate-Case": "1"}
    assert school.coordinator.ask("GET", school.place(filed), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        pytest.param({"case": 1}, 409, "There is no purpose", id="no-purpose"),
        pytest.param({"purpose": " . ", "case": 1}, 409, "There is no purpose", id="a-purpose-that-says-nothing"),
        pytest.param({"purpose": "x" * 1_000, "case": 1}, 409, "The purpose has 1,000", id="a-purpose-without-end"),
        pytest.param({"purpose": PURPOSE}, 422, "Say in `case`", id="no-case"),
        pytest.param({"purpose": PURPOSE, "case": 2}, 409, "Case 2 is another one", id="another-case"),
    ],
)
def test_nobody_looks_without_a_purpose_and_a_case(
    school: School, asked: dict[str, Any], status: int, told: str
) -> None:
    filed = school.candidate(about=school.pupil.person)
    response = school.coordinator.get(school.place(filed), **asked)
    assert (response.status_code, response.json()["detail"][: len(told)]) == (status, told)
    assert "hidden" not in response.text
    if status == 409:
        refused = school.coordinator.post(f"{school.place(filed)}/reveal", {"purpose": "", **asked})
        assert refused.status_code == 409
        assert "subject_revealed" not in school.kinds()


def test_whom_it_is_about_is_revealed_for_a_purpose(school: School) -> None:
    filed = school.candidate(about=school.pupil.person)
    asked = {"purpose": PURPOSE, "case": filed.number}
    told = school.coordinator.post(f"{school.place(filed)}/reveal", asked).json()
    assert (told["id"], told["name"], told["roles"]) == (school.pupil.person, "Pupil", ["pupil"])
    assert school.kinds()[-1] == "subject_revealed"


def test_of_a_sealed_one_nobody_sees_what_it_was(school: School) -> None:
    filed = school.candidate(Kind.ILLEGAL, about=school.pupil.person)
    response = school.show(school.head, filed)
    assert (response.status_code, response.json()["timeline"], response.json()["subject"]) == (200, [], "")
    assert "hidden" not in response.text
    (item,) = school.head.get("/incidents").json()["items"]
    assert (item["subject"], item["intent"], item["alike"]) == ("", None, {"of_subject": 0, "in_burst": 0})
    asked = {"purpose": PURPOSE, "case": filed.number}
    assert school.head.post(f"{school.place(filed)}/reveal", asked).status_code == 409


# ---- decisions -----------------------------------------------------------------------------------------------------


def test_from_a_candidate_to_its_end(school: School) -> None:
    filed = school.candidate(about=school.pupil.person)
    accepted = school.decide(school.coordinator, filed, "accept")
    assert accepted.status_code == 200, accepted.text
    told = accepted.json()
    assert (told["state"], told["row"], told["deliberate"], told["decided_by"]["name"]) == (
        "accepted",
        "P02",
        "deliberate",
        "Coordinator",
    )
    assert accepted.headers["etag"] == f'"{told["version"]}"'
    still_open = school.decide(school.coordinator, filed, "close", version=told["version"])
    assert (still_open.status_code, "steps are still open" in still_open.text) == (409, True)
    steps = school.coordinator.get(f"{school.place(filed)}/steps").json()["items"]
    for step in steps:
        done = school.coordinator.post(
            f"{school.place(filed)}/steps/{step['number']}/done", {"how": "We talked about it after school."}
        )
        assert done.status_code == 200, done.text
    closed = school.decide(school.coordinator, filed, "close", version=told["version"])
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    again = school.decide(school.head, filed, "reopen", version=closed.json()["version"])
    assert (again.status_code, again.json()["state"]) == (200, "accepted")
    taken_off = school.decide(school.head, filed, "correct", version=again.json()["version"])
    assert (taken_off.json()["state"], taken_off.json()["dismissal"]) == ("dismissed", "wrong_person")
    assert taken_off.json()["subject"] == ""


def test_two_of_one_pupil_are_merged_and_split_again(school: School) -> None:
    first = school.candidate(about=school.pupil.person)
    second = school.candidate(Kind.GAMES, about=school.pupil.person)
    merged = school.decide(school.head, second, "merge", into=first.incident.id)
    assert (merged.status_code, merged.json()["number"]) == (200, first.number), merged.text
    assert school.queue(school.head) == [first.number]
    entries = school.show(school.head, first).json()["timeline"]
    observed = [each["number"] for each in entries if each["what"] == "observed"]
    split = school.decide(
        school.head, first, "split", version=merged.json()["version"], entries=observed[1:], kind="games"
    )
    assert (split.status_code, split.json()["split_from"]) == (201, first.incident.id), split.text
    assert split.headers["location"] == f"/api/v1/incidents/{split.json()['id']}"


def test_what_was_seen_on_a_device_gets_a_subject(school: School) -> None:
    filed = school.candidate()
    named = school.decide(school.coordinator, filed, "name-subject", subject=school.pupil.person)
    assert (named.json()["level"], named.json()["subject"][:2]) == ("person", "p-"), named.text


def test_a_legal_hold(school: School) -> None:
    filed = school.candidate()
    held = school.decide(school.head, filed, "hold")
    assert held.json()["is_held"]
    released = school.decide(school.head, filed, "release", version=held.json()["version"])
    assert not released.json()["is_held"]


def test_a_decision_takes_the_version_that_was_seen(school: School) -> None:
    filed = school.candidate()
    assert kind_of(school.decide(school.head, filed, "accept", version=None)) == "no-version"
    response = school.decide(school.head, filed, "accept", version=7)
    assert (response.status_code, kind_of(response)) == (412, "changed-meanwhile")
    assert school.queue(school.head, state="candidate") == [filed.number]


@pytest.mark.parametrize("move", ["accept", "dismiss", "reclassify", "merge", "split", "close"])
def test_no_decision_about_what_is_over(school: School, move: str) -> None:
    other = school.candidate()
    filed = school.candidate()
    version = school.decide(school.head, filed, "dismiss").json()["version"]
    changes = {"into": other.incident.id} if move == "merge" else {}
    response = school.decide(school.head, filed, move, version=version, **changes)
    assert (response.status_code, kind_of(response)) == (409, "refused")
    assert response.json()["detail"].startswith("This incident is dismissed, so it cannot be ")


@pytest.mark.parametrize(
    ("move", "changes", "told"),
    [
        pytest.param("accept", {"row": "S01"}, "There is no row 'S01' in the table for pupil", id="a-row-of-staff"),
        pytest.param("accept", {"row": None}, "There is no row", id="no-row"),
        pytest.param("accept", {"row": "P11"}, "Row P11 is for whoever goes on", id="a-repeat-without-a-warning"),
        pytest.param("accept", {"why": ""}, "The explanation is missing", id="no-why"),
        pytest.param("dismiss", {"words": "because"}, "", id="one-word-alone"),
        pytest.param("reclassify", {"kind": None}, "There is neither a kind nor a row", id="reclassified-as-nothing"),
        pytest.param("merge", {"into": "itself"}, "This is the same incident", id="merged-with-itself"),
        pytest.param("merge", {"into": "sealed"}, "These incidents are dealt with by", id="merged-across-tracks"),
        pytest.param("merge", {"into": "other"}, "These incidents are about different", id="merged-with-anothers"),
        pytest.param("split", {"entries": []}, "Found 0 entries", id="split-of-nothing"),
        pytest.param("split", {"entries": [10**9]}, "Found 1 entries", id="split-of-what-is-not-there"),
        pytest.param("name-subject", {}, "Only what waits", id="a-second-subject"),
        pytest.param("close", {}, "This incident is waiting for a decision", id="closed-before-it-is-accepted"),
        pytest.param("release", {}, "This incident is not held", id="released-without-a-hold"),
    ],
)
def test_a_decision_that_is_refused(school: School, move: str, changes: dict[str, Any], told: str) -> None:
    filed = school.candidate(about=school.pupil.person)
    others = {
        "itself": filed,
        "sealed": school.candidate(Kind.ILLEGAL, about=school.pupil.person),
        "other": school.candidate(about=school.other.person),
    }
    if "into" in changes:
        changes = {"into": others[changes["into"]].incident.id}
    response = school.decide(school.head, filed, move, **changes)
    assert (response.status_code, kind_of(response)) == (409, "refused"), response.text
    assert response.json()["detail"].startswith(told)
    assert response.json()["detail"].endswith(".")
    assert school.kinds()[-1] == "rule_refused"
    assert "hidden" not in response.text


WITH_WORDS = [move for move in DECISIONS if move not in {"undo", "merge", "split", "close", "reopen"}]


@pytest.mark.parametrize("move", WITH_WORDS)
def test_markup_in_every_field_is_text(school: School, move: str) -> None:
    filed = school.candidate()
    words = {key: MARKUP for key in ("why", "reason", "words") if key in DECISIONS[move]}
    changes = words | ({"subject": school.pupil.person} if move == "name-subject" else {})
    version = 1
    if move == "release":
        version = school.decide(school.head, filed, "hold").json()["version"]
    response = school.decide(school.head, filed, move, version=version, **changes)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    with school.store.read() as database:
        kept = [entry.personal for entry in read_timeline(database, filed.incident.id, with_personal=True)]
    if move != "correct":
        assert any(MARKUP in (personal or {}).values() for personal in kept)


@pytest.mark.parametrize("move", DECISIONS)
def test_ten_megabytes_are_refused_before_they_are_read(school: School, move: str) -> None:
    filed = school.candidate()
    long = "x" * 10_000_000
    response = school.decide(school.head, filed, move, reason=long)
    assert (response.status_code, kind_of(response)) == (413, "too-long")


def test_a_text_that_is_too_long_is_refused(school: School) -> None:
    response = school.decide(school.head, school.candidate(), "dismiss", words="word " * 1_000)
    assert (response.status_code, kind_of(response)) == (422, "invalid")


def test_counts_say_nothing_of_what_is_rare(school: School) -> None:
    for kind in (*[Kind.GAMBLING] * 22, *[Kind.GAMES] * 6):
        school.candidate(kind, about=school.pupil.person)
    school.candidate(Kind.STAFF_CONDUCT, about=school.technician.person, audience=Audience.STAFF)
    assert school.head.get("/incidents/counts").json()["by_kind"] == {"gambling": 22, "games": 6, "staff_conduct": 1}
    assert school.technician.get("/incidents/counts").status_code == 403
    school.now += timedelta(days=1)
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    told = governor.get("/incidents/counts").json()
    assert told["by_kind"] == {kind.value: None for kind in Kind} | {"gambling": 20}
    assert told["by_state"] == {"accepted": None, "candidate": None, "closed": None, "dismissed": None}


def test_it_can_be_told_that_the_chair_reads_about_the_head(school: School) -> None:
    chair = school.person("Chair", Role.ESAFETY_GOVERNOR)
    enrol(school, chair)
    school.private = Private(incidents=IncidentSettings(chair=chair.person))
    filed = school.candidate(Kind.STAFF_CONDUCT, about=school.head.person, audience=Audience.STAFF)
    assert (school.queue(chair), school.queue(school.head)) == ([filed.number], [])
    school.private = replace(school.private, incidents=IncidentSettings())
    assert not may(school, chair, filed)


# ---- evidence ------------------------------------------------------------------------------------------------------


def test_evidence_is_handed_out_for_a_purpose_to_who_may_read_it(school: School) -> None:
    filed = school.candidate(about=school.pupil.person)
    body = {"purpose": PURPOSE, "case": filed.number}
    made = school.coordinator.post(f"{school.place(filed)}/export", body)
    assert (made.status_code, made.headers["content-type"]) == (200, "application/zip"), made.text
    assert made.headers["content-disposition"] == f'attachment; filename="case-{filed.number}.zip"'
    evidence = read(made.content)
    assert (evidence.case, evidence.document["about"]) == (filed.number, None)
    assert school.kinds()[-1] == "incident_exported"
    named = school.coordinator.post(f"{school.place(filed)}/export", body | {"with_names": True})
    assert read(named.content).document["about"] == {"id": school.pupil.person, "name": "Pupil"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"purpose": ""}, 409, id="no-purpose"),
        pytest.param({"case": 99}, 409, id="another-case"),
        pytest.param({"with_names": "yes"}, 422, id="what-is-no-truth-value"),
    ],
)
def test_evidence_that_cannot_be_had(school: School, changes: dict[str, Any], status: int) -> None:
    filed = school.candidate(about=school.pupil.person)
    body = {"purpose": PURPOSE, "case": filed.number} | changes
    assert school.coordinator.post(f"{school.place(filed)}/export", body).status_code == status
    assert "incident_exported" not in school.kinds()


def test_evidence_is_not_there_for_who_may_not_read_it(school: School) -> None:
    filed = school.candidate(Kind.STAFF_CONDUCT, about=school.technician.person, audience=Audience.STAFF)
    body = {"purpose": PURPOSE, "case": filed.number}
    assert school.coordinator.post(f"{school.place(filed)}/export", body).status_code == 404
    assert school.technician.post(f"{school.place(filed)}/export", body).status_code == 403


# ---- what a pack asks for ------------------------------------------------------------------------------------------


def test_the_officer_comes_to_a_breach_and_to_nothing_else(school: School) -> None:
    school.packs = ("uk-esafety", "uk-data-protection")
    school.candidate(about=school.pupil.person)
    filed = school.candidate(Kind.DATA_BREACH, about=school.pupil.person)
    officer = school.person("Officer", Role.DATA_PROTECTION_OFFICER)
    assert school.queue(officer) == [filed.number]
    shown = school.show(officer, filed).json()
    assert [(each["id"], each["title"], each["is_overdue"]) for each in shown["clocks"]] == [
        ("regulator_notice", "Reporting a breach to the regulator", False),
        ("regulator_further_report", "Telling the regulator what was not known before, and why it comes late", False),
    ]
    assert shown["clocks"][0]["due_at"] == "2026-03-05T09:15:00Z"
    assert (shown["aware_at"], shown["is_serious"], shown["asks_whether_serious"]) == (shown["filed_at"], None, False)
    assert school.decide(officer, filed, "accept", row=None).status_code == 200


def test_whether_it_is_serious_is_asked_and_said(school: School) -> None:
    school.packs = ("nl-avg",)
    filed = school.candidate(Kind.DATA_BREACH, about=school.pupil.person)
    assert school.show(school.coordinator, filed).json()["asks_whether_serious"]
    body = {"is_serious": True, "reason": REASON}
    made = school.coordinator.post(f"{school.place(filed)}/reclassify", body, version=1)
    assert made.json()["is_serious"], made.text
    shown = school.show(school.coordinator, filed).json()
    assert (shown["is_serious"], shown["asks_whether_serious"]) == (True, False)
    made = school.decide(school.coordinator, filed, "accept", version=2, row=None)
    steps = school.coordinator.get(f"{school.place(filed)}/steps").json()["items"]
    assert "refer_board_serious" in [step["action"] for step in steps]


@pytest.mark.parametrize("number", [7, 482_913, 1_482_913])
def test_a_case_is_found_by_a_number_of_any_length(school: School, number: int) -> None:
    filed = school.candidate()
    with school.store.act() as act:
        act.database.execute("UPDATE incidents SET number = ?", (number,))
    assert school.queue(school.head, number=number) == [number]
    assert school.show(school.head, filed, case=number).json()["number"] == number


# ---- undoing, and several at once ----------------------------------------------------------------------------------


def cases(*found: Filed, version: int = 1) -> list[dict[str, Any]]:
    return [{"id": each.incident.id, "version": version} for each in found]


def test_a_slip_is_undone(school: School) -> None:
    filed = school.candidate(about=school.pupil.person)
    assert school.decide(school.coordinator, filed, "dismiss").status_code == 200
    assert school.decide(school.coordinator, filed, "undo", version=1).status_code == 412
    response = school.decide(school.coordinator, filed, "undo", version=2)
    assert (response.status_code, response.headers["etag"], response.json()["state"]) == (200, '"3"', "candidate")
    again = school.decide(school.coordinator, filed, "undo", version=3)
    assert (again.status_code, again.json()["detail"][:24]) == (409, "There is nothing to undo")


def test_a_burst_is_decided_about_at_once_and_undone(school: School) -> None:
    found = [school.candidate(about=school.pupil.person) for _ in range(3)]
    body = {"dismissal": "lesson", "words": REASON, "cases": cases(*found)}
    told = school.coordinator.post("/incidents/dismiss", body).json()["items"]
    assert [(each["number"], each["state"]) for each in told] == [(each.number, "dismissed") for each in found]
    undone = school.coordinator.post("/incidents/undo", {"cases": cases(*found, version=2)}).json()["items"]
    assert {each["state"] for each in undone} == {"candidate"}
    accepted = school.coordinator.post(
        "/incidents/accept", {**DECISIONS["accept"], "cases": cases(*found, version=3)}
    ).json()["items"]
    assert [(each["number"], each["state"]) for each in accepted] == [(found[0].number, "accepted")]
    assert school.queue(school.coordinator) == [found[0].number]


def test_where_one_of_several_has_changed_nothing_is_decided(school: School) -> None:
    found = [school.candidate(about=school.pupil.person) for _ in range(2)]
    school.decide(school.head, found[1], "hold")
    body = {"dismissal": "lesson", "words": REASON, "cases": cases(*found)}
    response = school.coordinator.post("/incidents/dismiss", body)
    assert (response.status_code, kind_of(response)) == (412, "changed-meanwhile")
    assert "because of case 2" in response.json()["detail"]
    assert school.queue(school.coordinator, state="dismissed") == []


@pytest.mark.parametrize("move", ["accept", "dismiss", "undo"])
def test_several_at_once_are_for_those_who_may_read_each(school: School, move: str) -> None:
    hidden = school.candidate(Kind.SELF_HARM, about=school.pupil.person)
    body = {**DECISIONS[move], "cases": cases(hidden)}
    assert school.coordinator.post(f"/incidents/{move}", body).status_code == 404
    assert school.technician.post(f"/incidents/{move}", body).status_code == 403
    assert school.head.post(f"/incidents/{move}", {**body, "cases": []}).status_code == 422
