"""Steps, letters, restricted access and what is sealed, through the interface."""

from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from api_of_test import NOW, SchoolOfTest, Visitor

from agent.sites.site import ContactCard, IncidentSettings, Private
from agent.storage.incident_rows import Filed
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

PURPOSE = "I deal with what was reported this morning."
REASON = "Their parents know of it, and have asked us for this."
MARKUP = "<img src=x onerror=alert(1)> said the pupil, and laughed about it."
ACCEPT = {"row": "P10", "deliberate": "deliberate", "why": "Three pupils say the same."}
# Steps of row P10 by their number, in the order of the columns.
CLASS_TEACHER, KEY_STAGE, SLT, PARENTS, ACCESS = 1, 2, 3, 4, 5


class School(SchoolOfTest):
    """A school with whoever deals with incidents, a class with its teacher, and some who have nothing to do."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with self.store.act() as act:
            act.database.execute("INSERT INTO classes VALUES ('c5', '5B', 'year5', '', '', NULL)")
        self.teacher = self.person("Teacher", Role.CLASS_TEACHER)
        self.pupil = self.person("Pupil", Role.PUPIL)
        with self.store.act() as act:
            for visitor, role in ((self.teacher, Role.CLASS_TEACHER), (self.pupil, Role.PUPIL)):
                row = (visitor.person, role.value, "c5")
                act.database.execute("INSERT INTO memberships VALUES (?, ?, ?)", row)
        self.manager = self.person("Manager", Role.NETWORK_MANAGER)
        self.coordinator = self.person("Coordinator", Role.ICT_COORDINATOR)

    @cached_property
    def head(self) -> Visitor:
        return self.person("Head", Role.HEAD_TEACHER)

    @cached_property
    def lead(self) -> Visitor:
        return self.person("Lead", Role.SAFEGUARDING_LEAD)

    @cached_property
    def technician(self) -> Visitor:
        return self.person("Technician", Role.TECHNICIAN)

    def accepted(self, *, row: str = "P10") -> Filed:
        filed = self.candidate(Kind.OTHER, about=self.pupil.person)
        made = self.coordinator.post(f"/incidents/{filed.incident.id}/accept", ACCEPT | {"row": row}, version=1)
        assert made.status_code == 200, made.text
        return filed

    def step(self, visitor: Visitor, filed: Filed, number: int, move: str = "done", **body: Any) -> Any:
        body = body or {"how": "I spoke with them after school."}
        return visitor.post(f"/incidents/{filed.incident.id}/steps/{number}/{move}", body)

    def look(self, filed: Filed, **changes: Any) -> dict[str, Any]:
        return {"purpose": PURPOSE, "case": filed.number} | changes


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def steps_of(visitor: Visitor, filed: Filed) -> list[dict[str, Any]]:
    response = visitor.get(f"/incidents/{filed.incident.id}/steps")
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


# ---- steps ---------------------------------------------------------------------------------------------------------


def test_the_ticks_of_the_row_become_steps_with_owners_and_times(school: School) -> None:
    steps = steps_of(school.coordinator, school.accepted())
    assert [(each["action"], each["owners"][0]["name"]) for each in steps] == [
        ("refer_class_teacher", "Teacher"),
        ("refer_ks_leader", "Coordinator"),
        ("refer_slt", "Coordinator"),
        ("inform_parents", "Teacher"),
        ("remove_access", "Manager"),
    ]
    assert steps[0]["label"] == "Refer to the class teacher"
    # A Monday; a school day later ends with the Tuesday.
    assert (steps[0]["due_at"], steps[0]["is_overdue"], steps[0]["state"]) == ("2026-03-04T00:00:00Z", False, "open")
    assert [each["role"] for each in steps] == ["class_teacher", "", "", "class_teacher", "network_manager"]


def test_whoever_has_a_step_to_do_sees_it_and_not_whom_it_is_about(school: School) -> None:
    filed = school.accepted()
    own = school.teacher.get("/incidents/steps")
    assert [(each["case"], each["number"]) for each in own.json()["items"]] == [(1, CLASS_TEACHER), (1, PARENTS)]
    assert filed.incident.subject not in own.text
    assert school.teacher.get(f"/incidents/{filed.incident.id}/steps").status_code == 403
    assert school.technician.get("/incidents/steps").json()["items"] == []


def test_a_step_is_done_by_its_owner_and_nobody_elses(school: School) -> None:
    filed = school.accepted()
    at = (NOW - timedelta(minutes=1)).isoformat()
    early = school.step(school.teacher, filed, PARENTS, how="By telephone, before I knew.", at=at)
    assert early.status_code == 409
    done = school.step(school.teacher, filed, PARENTS, how=MARKUP, outcome="They will talk with their child.")
    assert (done.status_code, done.json()["state"], done.json()["how"]) == (200, "done", MARKUP), done.text
    assert done.json()["done_by"]["name"] == "Teacher"
    assert school.step(school.teacher, filed, PARENTS).json()["detail"] == "This step is done already."
    assert school.step(school.teacher, filed, ACCESS).status_code == 404
    assert school.step(school.technician, filed, ACCESS).status_code == 404
    assert school.step(school.pupil, filed, CLASS_TEACHER).status_code == 404
    assert school.kinds().count("incident_step_done") == 1


def test_whom_to_inform_is_revealed_to_who_has_to_do_it(school: School) -> None:
    filed = school.accepted()
    place = f"/incidents/{filed.incident.id}/reveal"
    assert school.teacher.post(place, school.look(filed)).json()["name"] == "Pupil"
    assert school.technician.post(place, school.look(filed)).status_code == 404
    assert school.pupil.post(place, school.look(filed)).status_code == 404


def test_a_step_is_left_out_with_a_reason_by_who_reads_the_incident(school: School) -> None:
    filed = school.accepted()
    assert school.step(school.teacher, filed, PARENTS, "skip", reason=REASON).status_code == 403
    assert school.step(school.coordinator, filed, PARENTS, "skip", reason="").status_code == 409
    skipped = school.step(school.coordinator, filed, PARENTS, "skip", reason=REASON)
    assert (skipped.json()["state"], skipped.json()["deviation"]) == ("skipped", REASON)


def test_a_step_beyond_the_table(school: School) -> None:
    filed = school.accepted()
    place = f"/incidents/{filed.incident.id}/steps"
    body = {"label": "Ask both pupils in", "role": "class_teacher", "within": "2 school days", "reason": REASON}
    added = school.coordinator.post(place, body)
    assert added.status_code == 201, added.text
    told = added.json()
    assert (told["number"], told["label"], told["is_of_table"]) == (6, body["label"], False)
    assert told["deviation"] == REASON
    of_table = {"action": "warning", "role": "class_teacher", "within": "1 school day", "reason": REASON}
    assert school.coordinator.post(place, of_table).json()["label"] == "Warn"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"within": "soon"}, "The time for it is 'soon'; expected at once, or a number", id="no-span"),
        pytest.param({"within": "3"}, "The time for it is '3'", id="a-number-without-a-unit"),
        pytest.param({"action": "banish"}, "There is no action 'banish'", id="a-column-that-is-not-there"),
        pytest.param({"role": "slt"}, "Nobody who may deal with this holds the role", id="a-role-that-nobody-holds"),
        pytest.param({"reason": ""}, "The reason", id="no-reason"),
    ],
)
def test_a_step_that_cannot_be_added(school: School, changes: dict[str, str], told: str) -> None:
    filed = school.accepted()
    body = {"label": "Ask both in", "role": "class_teacher", "within": "2 school days", "reason": REASON} | changes
    response = school.coordinator.post(f"/incidents/{filed.incident.id}/steps", body)
    assert response.status_code == 409
    assert response.json()["detail"].startswith(told), response.text


def test_what_is_overdue_says_so(school: School) -> None:
    filed = school.accepted()
    school.now += timedelta(minutes=20)
    school.parts.accounts.session("keeps nobody")
    assert not any(each["is_overdue"] for each in steps_of(school.coordinator, filed))
    school.now += timedelta(days=3)
    school.coordinator.sign_in()
    assert all(each["is_overdue"] for each in steps_of(school.coordinator, filed) if each["number"] < PARENTS)


# ---- restricted access ---------------------------------------------------------------------------------------------


def test_access_is_restricted_by_its_step_and_given_back(school: School) -> None:
    filed = school.accepted()
    body = {
        "groups": ["year5"],
        "until_at": (NOW + timedelta(days=7)).isoformat(),
        "review_on": "2026-03-06",
        "reason": REASON,
    }
    made = school.step(school.manager, filed, ACCESS, "restrict", **body)
    assert made.status_code == 201, made.text
    assert (made.json()["groups"], made.json()["ended_at"], school.told) == (["year5"], None, 1)
    found = school.coordinator.get(f"/incidents/{filed.incident.id}/restrictions").json()["items"]
    assert [each["id"] for each in found] == [made.json()["id"]]
    place = f"/incidents/restrictions/{made.json()['id']}/end"
    assert school.technician.post(place, {"reason": REASON}).status_code == 404
    ended = school.manager.post(place, {"reason": REASON})
    assert (ended.status_code, ended.json()["ended_at"], school.told) == (200, "2026-03-02T09:15:00Z", 2)
    assert school.step(school.manager, filed, ACCESS, "restrict", **body | {"groups": []}).status_code == 409
    assert school.step(school.teacher, filed, PARENTS, "restrict", **body).status_code == 409
    assert school.technician.get(f"/incidents/{filed.incident.id}/restrictions").status_code == 404


# ---- letters -------------------------------------------------------------------------------------------------------


def test_a_letter_is_drafted_for_a_purpose_read_again_and_sent(school: School) -> None:
    filed = school.accepted()
    place = f"/incidents/{filed.incident.id}/letters"
    made = school.teacher.post(place, school.look(filed, kind="parents"))
    assert made.status_code == 201, made.text
    letter = made.json()
    assert "Pupil" in letter["text"]
    assert "hidden" not in letter["text"]
    (listed,) = school.coordinator.get(place).json()["items"]
    assert (listed["id"], listed["text"], listed["made_by"]["name"]) == (letter["id"], None, "Teacher")
    again = school.coordinator.get(f"/incidents/letters/{letter['id']}", **school.look(filed))
    assert again.json()["text"] == letter["text"]
    assert school.coordinator.get(f"/incidents/letters/{letter['id']}", case=1).status_code == 409
    sent = school.teacher.post(f"/incidents/letters/{letter['id']}/sent", {})
    assert (sent.status_code, sent.json()["sent_on"]) == (200, "2026-03-02"), sent.text
    assert school.teacher.post(f"/incidents/letters/{letter['id']}/sent", {}).status_code == 409


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
def test_every_letter_in_every_language(school: School, language: str) -> None:
    filed = school.accepted()
    place = f"/incidents/{filed.incident.id}/letters"
    texts = set()
    for kind, meeting_at in (("parents", None), ("review_meeting", (NOW + timedelta(days=3)).isoformat())):
        made = school.coordinator.post(place, school.look(filed, kind=kind, language=language, meeting_at=meeting_at))
        assert made.status_code == 201, made.text
        assert made.json()["language"] == language
        texts.add(made.json()["text"])
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"kind": "line_manager"}, 409, id="a-line-manager-of-a-pupil"),
        pytest.param({"kind": "dealt_with"}, 409, id="dealt-with-before-it-is"),
        pytest.param({"kind": "review_meeting"}, 409, id="a-meeting-without-a-time"),
        pytest.param({"kind": "ransom"}, 422, id="no-letter"),
        pytest.param({"language": "la"}, 409, id="no-language-of-ours"),
        pytest.param({"purpose": ""}, 409, id="no-purpose"),
        pytest.param({"case": 2}, 409, id="another-case"),
    ],
)
def test_a_letter_that_nobody_writes(school: School, changes: dict[str, Any], status: int) -> None:
    filed = school.accepted()
    asked = school.look(filed, kind="parents") | changes
    response = school.coordinator.post(f"/incidents/{filed.incident.id}/letters", asked)
    assert (response.status_code, "Pupil" in response.text) == (status, False), response.text


def test_no_stranger_to_a_case_sees_its_letters(school: School) -> None:
    filed = school.accepted()
    place = f"/incidents/{filed.incident.id}/letters"
    letter = school.coordinator.post(place, school.look(filed, kind="parents")).json()
    for visitor in (school.technician, school.pupil):
        assert visitor.get(place).status_code == 404
        assert visitor.post(place, school.look(filed, kind="parents")).status_code == 404
        assert visitor.get(f"/incidents/letters/{letter['id']}", **school.look(filed)).status_code == 404
        assert visitor.post(f"/incidents/letters/{letter['id']}/sent", {}).status_code == 404


# ---- what is sealed ------------------------------------------------------------------------------------------------


def test_a_sealed_case_shows_its_card_and_takes_two_to_unseal(school: School) -> None:
    cards = (ContactCard("Our police officer", ("room 7",)), ContactCard("Of loss", (), frozenset({"lost_device"})))
    school.private = Private(incidents=IncidentSettings(contacts=cards))
    filed = school.candidate(Kind.ILLEGAL, about=school.pupil.person)
    place = f"/incidents/{filed.incident.id}"
    card = school.head.get(f"{place}/card").json()
    assert card["contacts"] == [{"title": "Our police officer", "lines": ["room 7"]}]
    assert card["steps"]
    early = school.head.post(f"{place}/metadata", school.look(filed))
    assert (early.status_code, early.json()["type"].rpartition(":")[2]) == (409, "refused")
    first = school.head.post(f"{place}/unseal", school.look(filed)).json()
    assert (first["is_open"], [each["name"] for each in first["asked_by"]]) == (False, ["Head"])
    assert not school.head.post(f"{place}/unseal", school.look(filed)).json()["is_open"], "the same person is one"
    school.now += timedelta(minutes=9)
    second = school.lead.post(f"{place}/unseal", school.look(filed)).json()
    assert (second["is_open"], sorted(each["name"] for each in second["asked_by"])) == (True, ["Head", "Lead"])
    seen = school.head.post(f"{place}/metadata", school.look(filed))
    assert (seen.status_code, seen.json()["times"], len(seen.json()["evidence"])) == (200, 1, 1)
    assert "hidden" not in seen.text
    assert school.head.post(f"{place}/reveal", school.look(filed)).json()["name"] == "Pupil"
    assert school.coordinator.post(f"{place}/reveal", school.look(filed)).status_code == 409
    assert school.coordinator.post(f"{place}/metadata", school.look(filed)).status_code == 409
    for visitor in (school.technician, school.teacher):
        assert visitor.post(f"{place}/unseal", school.look(filed)).status_code == 403


def test_two_who_come_too_late_for_each_other_unseal_nothing(school: School) -> None:
    filed = school.candidate(Kind.ILLEGAL)
    place = f"/incidents/{filed.incident.id}"
    school.head.post(f"{place}/unseal", school.look(filed))
    school.now += timedelta(minutes=11)
    assert not school.lead.post(f"{place}/unseal", school.look(filed)).json()["is_open"]


@pytest.mark.parametrize("changes", [{"purpose": ""}, {"case": 2}], ids=["no-purpose", "another-case"])
def test_nobody_unseals_without_a_purpose_and_the_case(school: School, changes: dict[str, Any]) -> None:
    filed = school.candidate(Kind.ILLEGAL)
    asked = school.look(filed) | changes
    assert school.head.post(f"/incidents/{filed.incident.id}/unseal", asked).status_code == 409
    assert "incident_unseal_asked" not in school.kinds()


def test_what_is_not_sealed_is_not_unsealed(school: School) -> None:
    filed = school.candidate()
    response = school.coordinator.get(f"/incidents/{filed.incident.id}/card")
    assert (response.status_code, response.json()["detail"]) == (
        409,
        "This incident is not sealed; look at it as at any other.",
    )


def test_an_allegation_is_hidden_from_steps_and_papers_too(school: School) -> None:
    school.private = replace(school.private, incidents=IncidentSettings())
    filed = school.candidate(Kind.STAFF_CONDUCT, about=school.teacher.person, audience=Audience.STAFF)
    place = f"/incidents/{filed.incident.id}"
    for path in ("steps", "letters", "restrictions", "card"):
        assert school.coordinator.get(f"{place}/{path}").status_code == 404


# ---- warnings ------------------------------------------------------------------------------------------------------


def warned(school: School) -> tuple[Filed, dict[str, Any]]:
    """Give an incident and the warning that was given for it."""
    filed = school.accepted()
    add = {"action": "warning", "role": "class_teacher", "within": "1 school day", "kind": "warn", "reason": REASON}
    number = school.coordinator.post(f"/incidents/{filed.incident.id}/steps", add).json()["number"]
    assert school.step(school.teacher, filed, number).status_code == 200
    (warning,) = school.coordinator.get(f"/incidents/{filed.incident.id}/warnings").json()["items"]
    return filed, warning


def test_a_warning_is_taken_back_by_who_reads_its_incident(school: School) -> None:
    filed, warning = warned(school)
    assert (warning["incident"], warning["row"], warning["standing"]) == (filed.incident.id, "P10", "holds")
    assert (warning["given_by"]["name"], warning["withdrawn_by"]) == ("Teacher", None)
    place = f"/incidents/warnings/{warning['id']}/withdraw"
    assert school.teacher.post(place, {"reason": REASON}).status_code == 403
    assert school.coordinator.post(place, {"reason": "no"}).status_code == 409
    made = school.coordinator.post(place, {"reason": REASON})
    assert (made.status_code, made.json()["standing"]) == (200, "withdrawn"), made.text
    assert made.json()["withdrawn_by"]["name"] == "Coordinator"
    again = school.coordinator.post(place, {"reason": REASON})
    assert (again.status_code, again.json()["detail"]) == (409, "This warning is withdrawn already.")
    assert school.kinds().count("incident_warning_withdrawn") == 1


def test_a_warning_of_an_incident_that_one_may_not_read_is_not_there(school: School) -> None:
    filed = school.candidate(Kind.STAFF_CONDUCT, about=school.manager.person, audience=Audience.STAFF)
    body = ACCEPT | {"row": "S15"}
    assert school.head.post(f"/incidents/{filed.incident.id}/accept", body, version=1).status_code == 200
    for step in steps_of(school.head, filed):
        assert school.step(school.head, filed, step["number"]).status_code == 200
    (warning,) = school.head.get(f"/incidents/{filed.incident.id}/warnings").json()["items"]
    assert school.coordinator.get(f"/incidents/{filed.incident.id}/warnings").status_code == 404
    refused = school.coordinator.post(f"/incidents/warnings/{warning['id']}/withdraw", {"reason": REASON})
    assert refused.status_code == 404
    assert school.coordinator.post("/incidents/warnings/w99/withdraw", {"reason": REASON}).status_code == 404


# ---- who outside is brought in -------------------------------------------------------------------------------------


def test_who_outside_was_brought_in_is_shown_with_the_step_and_the_incident(school: School) -> None:
    filed = school.accepted()
    body = {"how": "I called them.", "referred_to": "The police", "reference": "CAD 4711", "outcome": "They come."}
    done = school.step(school.teacher, filed, CLASS_TEACHER, **body)
    assert (done.json()["referred_to"], done.json()["reference"]) == ("The police", "CAD 4711"), done.text
    shown = school.coordinator.get(f"/incidents/{filed.incident.id}", **school.look(filed)).json()
    (referral,) = shown["referrals"]
    assert (referral["step"], referral["referred_to"], referral["by"]["name"]) == (1, "The police", "Teacher")
    assert (referral["at"], referral["outcome"]) == ("2026-03-02T09:15:00Z", "They come.")
    refused = school.step(school.teacher, filed, PARENTS, how="By telephone.", referred_to="The police")
    assert refused.json()["detail"] == (
        "A step of the kind inform brings in nobody outside; expected one that refers."
    )
    assert school.step(school.teacher, filed, PARENTS, how="Called.", referred_to="x" * 201).status_code == 422


def test_what_no_row_is_about_is_accepted_without_one(school: School) -> None:
    filed = school.candidate(Kind.GROOMING, about=school.pupil.person)
    made = school.lead.post(f"/incidents/{filed.incident.id}/accept", ACCEPT | {"row": None}, version=1)
    assert (made.status_code, made.json()["row"]) == (200, None), made.text
    assert [each["label"] for each in steps_of(school.lead, filed)] == [
        "Designated safeguarding officer",
        "Head teacher: nobody has decided by then",
        "Social services: a child is in danger",
    ]
