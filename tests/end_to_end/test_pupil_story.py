"""One pupil's story: from what a device asked for to what the school learnt, and how it is when it happens again."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Upstream, wait_until
from living_school import PURPOSE, School, open_school
from signed_in import ALSO_YEAR5, YEAR5

from rules.errors import RefusedRequestError
from rules.roles import Role

PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "sol": Role.SLT,
    "karl": Role.KEY_STAGE_LEADER,
    "tess": Role.CLASS_TEACHER,
    "nora": Role.NETWORK_MANAGER,
}
TUNNELS = tuple(f"{word}-tunnel.example" for word in ("green", "blue", "red", "white", "black"))
BETS = tuple(f"{word}-bets.example" for word in ("green", "blue", "red", "white", "black"))
WHY = "He showed two others how to do it."
TICKED = [
    "refer_class_teacher",
    "refer_ks_leader",
    "refer_slt",
    "refer_tech_support",
    "inform_parents",
    "remove_access",
    "warning",
    "further_sanction",
]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("pupil") / "site"
        yield open_school(
            folder,
            upstream,
            stack,
            people=PEOPLE,
            pupils=2,
            lists={"vpn": TUNNELS, "gambling": BETS},
            extra="essentials: [helpline.example]\nincidents: {warnings_last: 6 weeks}\n",
        )


def candidate_of(school: School, kind: str) -> dict[str, Any]:
    """Wait for the one candidate of a kind."""
    wait_until(lambda: [each for each in school.candidates() if each["kind"] == kind])
    (found,) = (each for each in school.candidates() if each["kind"] == kind)
    return found


def steps_of(school: School, case: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = school.coordinator.get(f"/incidents/{case['id']}/steps")["items"]
    return found


def test_from_a_spree_to_what_was_learnt_and_again(school: School) -> None:
    pupil = school.pupils[0]
    school.sign_in(pupil, YEAR5, from_at=datetime.now(UTC) - timedelta(hours=2))
    school.ask_a_while_ago(YEAR5, TUNNELS, ago=timedelta(minutes=20))
    case = candidate_of(school, "bypass")
    is_one_case_with_its_timeline(school, case)
    is_revealed_for_a_purpose(school, case, pupil)
    accepted(school, case)
    letters_are_written(school, case)
    access_is_restricted_for_a_while(school, case)
    warned(school, case)
    again = happens_again(school, case)
    closed_after_an_appeal(school, case, again)


def is_one_case_with_its_timeline(school: School, case: dict[str, Any]) -> None:
    assert (case["rows"], case["level"], case["confidence"], case["row"]) == (["P13"], "person", "B", None)
    assert case["subject"] == school.person(school.pupils[0])
    shown = school.look("cora", case)
    observed = [entry for entry in shown["timeline"] if entry["what"] == "observed"]
    assert [entry["personal"]["name"] for entry in observed] == list(TUNNELS)
    assert all(len(entry["hash"]) == 64 for entry in observed)
    assert all(reason["text"] for reason in shown["reasons"])
    assert shown["identity_in_words"]
    (proposal,) = shown["proposals"]
    assert [action["id"] for action in proposal["actions"]] == TICKED
    assert len(school.candidates()) == 1, "one afternoon is one case"


def is_revealed_for_a_purpose(school: School, case: dict[str, Any], pupil: str) -> None:
    for asked in ({"case": case["number"]}, {"purpose": PURPOSE, "case": case["number"] + 1}):
        with pytest.raises(RefusedRequestError):
            school.coordinator.post(f"/incidents/{case['id']}/reveal", asked)
    with pytest.raises(RefusedRequestError, match="no incident with that id"):
        school.clients["tess"].post(f"/incidents/{case['id']}/reveal", school.purpose(case))
    told = school.coordinator.post(f"/incidents/{case['id']}/reveal", school.purpose(case))
    assert (told["id"], told["name"], told["classes"]) == (pupil, "Pupil 0", ["c5"])
    seen = [row for (row,) in school.read("SELECT what FROM accesses WHERE incident = ?", case["id"])]
    assert seen == ["incident", "subject"]


def accepted(school: School, case: dict[str, Any]) -> None:
    began = datetime.now(UTC)
    with pytest.raises(RefusedRequestError, match="no warning on the register"):
        school.act("cora", case, "accept", row="P11", deliberate="deliberate", why=WHY)
    made = school.act("cora", case, "accept", row="P13", deliberate="deliberate", why=WHY)
    assert (made["state"], made["row"], made["deliberate"]) == ("accepted", "P13", "deliberate")
    steps = steps_of(school, case)
    assert [step["action"] for step in steps] == TICKED
    owners = {step["action"]: [owner["name"] for owner in step["owners"]] for step in steps}
    assert owners["refer_class_teacher"] == owners["inform_parents"] == ["Tess"]
    assert (owners["refer_ks_leader"], owners["refer_slt"]) == (["Karl"], ["Sol"])
    assert owners["remove_access"] == ["Nora"]
    assert all(owners.values()), "somebody has each step to do"
    assert all(datetime.fromisoformat(step["due_at"]) > began for step in steps)
    assert len({step["due_at"] for step in steps}) > 1
    (own,) = [
        step for step in school.clients["nora"].get("/incidents/steps")["items"] if step["action"] == "remove_access"
    ]
    assert "subject" not in own, "it does not say whom it is about"


def letters_are_written(school: School, case: dict[str, Any]) -> None:
    path = f"/incidents/{case['id']}/letters"
    tess = school.clients["tess"]
    asked = {**school.purpose(case), "kind": "parents"}
    letters = [tess.post(path, asked), tess.post(path, {**asked, "language": "fr"})]
    assert [letter["language"] for letter in letters] == ["en", "fr"]
    assert "Dear parent or carer" in letters[0]["text"]
    assert "Madame, Monsieur" in letters[1]["text"]
    school.gateway.change("Europe/London}", "Europe/London, language: fr}")
    school.gateway.run("reload")
    wait_until(lambda: tess.post(path, asked)["language"] == "fr")
    for letter in letters:
        assert "Pupil 0" in letter["text"]
        assert "tunnel" not in letter["text"], "a letter says nothing of what was visited"
    assert tess.post(f"/incidents/letters/{letters[0]['id']}/sent", {})["sent_on"]


def access_is_restricted_for_a_while(school: School, case: dict[str, Any]) -> None:
    assert school.dig("www.example", source=YEAR5) == "NOERROR"
    (step,) = (step for step in steps_of(school, case) if step["action"] == "remove_access")
    now = datetime.now(UTC)
    made = school.clients["nora"].post(
        f"/incidents/{case['id']}/steps/{step['number']}/restrict",
        {
            "devices": [YEAR5],
            "until_at": (now + timedelta(days=3)).isoformat(),
            "review_on": (now + timedelta(days=2)).date().isoformat(),
            "reason": "Until we have spoken with the parents.",
        },
    )
    assert made["until_at"]
    wait_until(lambda: school.dig("www.example", source=YEAR5) == "NXDOMAIN")
    assert school.dig("helpline.example", source=YEAR5) == "NOERROR", "who needs help gets it"
    assert school.dig("www.example", source=ALSO_YEAR5) == "NOERROR", "nobody else loses anything"
    with pytest.raises(RefusedRequestError, match="There is no"):
        school.clients["karl"].post(f"/incidents/restrictions/{made['id']}/end", {"reason": "We have spoken."})
    school.clients["nora"].post(f"/incidents/restrictions/{made['id']}/end", {"reason": "We have spoken with all."})
    wait_until(lambda: school.dig("www.example", source=YEAR5) == "NOERROR")


def warned(school: School, case: dict[str, Any]) -> None:
    for step in steps_of(school, case):
        done = f"/incidents/{case['id']}/steps/{step['number']}"
        owner = next(login for login, person in school.staff.people.items() if person == step["owners"][0]["id"])
        if step["action"] == "further_sanction":
            school.act("cora", case, f"steps/{step['number']}/skip", reason="A warning is enough this time.")
        else:
            school.clients[owner].post(f"{done}/done", {"how": "We spoke about it.", "outcome": "He was sorry."})
    purpose = {"purpose": PURPOSE, "with_names": "true"}
    (warning,) = school.coordinator.get("/registers/warnings", purpose)["items"]
    ends = (datetime.now(UTC) + timedelta(weeks=6)).date()
    assert (warning["case"], warning["subject"], warning["row"]) == (case["number"], "Pupil 0", "P13")
    assert abs((datetime.fromisoformat(warning["expires_on"]).date() - ends).days) <= 1


def happens_again(school: School, case: dict[str, Any]) -> dict[str, Any]:
    school.ask_a_while_ago(YEAR5, BETS, ago=timedelta(minutes=15))
    again = candidate_of(school, "gambling")
    assert again["rows"] == ["P02", "P11"]
    shown = school.look("cora", again)
    assert [(each["incident"], each["row"]) for each in shown["warnings"]] == [(case["id"], "P13")]
    assert next(each for each in shown["proposals"] if each["row"] == "P11")["is_repeat"]
    return again


def closed_after_an_appeal(school: School, case: dict[str, Any], again: dict[str, Any]) -> None:
    ended = {
        "outcome": "He helps to explain it to the others.",
        "lesson": "We explain why there is a filter.",
    }
    assert school.act("cora", case, "close", **ended)["state"] == "closed"
    appeal = {"by": "Her mother", "outcome": "It was another pupil who set it up.", "withdraws_warnings": True}
    assert school.act("hedda", case, "reopen", **appeal)["state"] == "accepted"
    shown = school.look("cora", again)
    assert (shown["rows"], shown["warnings"]) == (["P02"], []), "what falls is proposed from no more"
    with pytest.raises(RefusedRequestError, match="no warning on the register"):
        school.act("cora", again, "accept", row="P11", deliberate="unclear", why=WHY)
    with pytest.raises(RefusedRequestError, match="outcome"):
        school.act("cora", case, "close", outcome="", lesson="")
    assert school.act("cora", case, "close", **ended)["closed_at"]
    told = school.look("cora", case)
    assert (told["outcome"], told["lesson"]) == (ended["outcome"], ended["lesson"])
    assert {"incident_warning_withdrawn", "incident_access_restricted", "incident_access_restored"} <= {
        entry["what"] for entry in told["timeline"]
    }
    assert school.clients["hedda"].get("/audit/verify")["is_whole"]
