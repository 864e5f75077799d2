"""What somebody says about a grown-up of the school: for the head teacher and one other alone."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from conftest import Upstream, wait_until
from living_school import PURPOSE, Events, School, open_school, told_to

from rules.errors import RefusedRequestError
from rules.roles import Role

PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "lena": Role.SAFEGUARDING_LEAD,
    "sol": Role.SLT,
    "gus": Role.ESAFETY_GOVERNOR,
    "nora": Role.NETWORK_MANAGER,
    "tess": Role.TEACHER,
    "dora": Role.DATA_PROTECTION_OFFICER,
}
WORDS = "He writes to pupils of year five in the evening."
OF_HEAD = "She shouted at a child and took its telephone away."
REGISTERS = ("incidents", "warnings", "access")
WHAT_FOR = "purpose=The+review+of+this+term."


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        yield open_school(
            tmp_path_factory.mktemp("staff") / "site",
            upstream,
            stack,
            people=PEOPLE,
            extra="incidents: {second_reader: $sol, chair: $gus}\n",
            authenticators=("sol", "gus"),
        )


def reported(school: School, whom: str, text: str) -> dict[str, Any]:
    """Report about a grown-up as a pupil would, without an account; gives the case as it is stored."""
    client = school.clients["tess"]
    receipt = client.post("/reports", {"about": "other", "text": text, "whom": whom})["receipt"]
    query = "SELECT incidents.id, number FROM incidents JOIN reports ON incident = incidents.id WHERE receipt = ?"
    ((incident, number),) = school.read(query, receipt)
    assert client.get(f"/reports/{receipt}")["standing"] == "received"
    return {"id": incident, "number": number, "receipt": receipt}


def is_there_for(school: School, who: str, case: dict[str, Any], words: str) -> bool:
    """Say whether somebody has a case in the queue and may look at it; one is never so without the other."""
    client = school.clients[who]
    is_listed = case["id"] in told_to(client, "/incidents")
    is_shown = words in told_to(client, f"/incidents/{case['id']}", school.purpose(case))
    assert is_listed is is_shown
    return is_listed


def all_that_is_told(school: School, who: str) -> dict[str, str]:
    """Give every list, count and register that somebody can ask for without knowing of a case."""
    places = ["/incidents", "/incidents/counts", "/incidents/steps", "/notifications"]
    places += [f"/registers/{register}?{WHAT_FOR}" for register in REGISTERS]
    return {place: told_to(school.clients[who], place) for place in places}


def numbers(school: School) -> list[str]:
    """Give what Prometheus is told of incidents."""
    lines = school.gateway.get("/metrics")[1].splitlines()
    return [line for line in lines if ("incident" in line or "candidates" in line) and not line.startswith("#")]


def test_an_allegation_is_for_the_head_and_one_other(school: School) -> None:
    before = {who: all_that_is_told(school, who) for who in ("cora", "lena", "gus", "nora", "tess")}
    metrics = numbers(school)
    following = {who: Events(school.clients[who]) for who in ("cora", "hedda")}
    case = reported(school, "adult", WORDS)
    assert {who for who in PEOPLE if is_there_for(school, who, case, WORDS)} == {"hedda", "sol"}
    wait_until(lambda: "incident_reported" in following["hedda"].kinds_of(case["id"]))
    assert case["id"] not in following["cora"].text
    for who, told in before.items():
        assert all_that_is_told(school, who) == told, who
    assert numbers(school) == metrics
    for who in ("cora", "lena"):
        with pytest.raises(RefusedRequestError, match="no incident with that id"):
            school.act(who, case, "accept", row="S10", deliberate="unclear", why="I have heard of it, too.")


def test_the_record_names_it_to_whoever_may_read_it_alone(school: School) -> None:
    case = reported(school, "adult", WORDS)
    made = school.act("hedda", case, "accept", row="S11", deliberate="unclear", why="Two families have told it.")
    assert made["track"] == "restricted"
    for who, is_told in (("cora", False), ("hedda", True)):
        rows = school.clients[who].get("/audit", {"limit": 500})["items"]
        assert any(row["subject"] == case["id"] for row in rows) is is_told
        assert "Two families" not in json.dumps(rows)
        assert WORDS not in json.dumps(rows)
    assert case["id"] not in json.dumps(school.coordinator.get("/audit", {"limit": 500}))


def test_its_steps_are_done_by_whoever_may_know(school: School) -> None:
    case = reported(school, "adult", WORDS)
    school.act("hedda", case, "accept", row="S10", deliberate="unclear", why="Two families have told it.")
    steps = school.clients["sol"].get(f"/incidents/{case['id']}/steps")["items"]
    assert [step["action"] for step in steps] == ["refer_line_manager", "refer_slt", "refer_la_hr_social"]
    assert {owner["name"] for step in steps for owner in step["owners"]} <= {"Hedda", "Sol"}
    for who in ("cora", "nora", "tess"):
        assert case["id"] not in told_to(school.clients[who], "/incidents/steps")
    for step in steps:
        path = f"/incidents/{case['id']}/steps/{step['number']}/done"
        with pytest.raises(RefusedRequestError, match="no incident with that id"):
            school.coordinator.post(path, {"how": "I rang them up."})
        school.clients["hedda"].post(path, {"how": "I rang them up.", "outcome": "They come tomorrow."})
    ended = {"outcome": "The authority deals with it.", "lesson": "We say whom to tell in every assembly."}
    assert school.act("sol", case, "close", **ended)["state"] == "closed"
    assert school.clients["tess"].get(f"/reports/{case['receipt']}")["standing"] == "dealt_with"
    assert str(case["number"]) not in told_to(school.coordinator, f"/registers/incidents?{WHAT_FOR}")
    assert str(case["number"]) in told_to(school.clients["hedda"], f"/registers/incidents?{WHAT_FOR}")


def test_what_is_about_the_head_goes_to_the_chair(school: School) -> None:
    following = Events(school.clients["hedda"])
    case = reported(school, "head", OF_HEAD)
    assert {who for who in PEOPLE if is_there_for(school, who, case, OF_HEAD)} == {"sol", "gus"}
    assert str(case["number"]) not in str(all_that_is_told(school, "hedda"))
    with pytest.raises(RefusedRequestError, match="no incident with that id"):
        school.act("hedda", case, "dismiss", dismissal="test", words="It is nothing at all.")
    another = reported(school, "adult", WORDS)
    wait_until(lambda: following.kinds_of(another["id"]))
    assert case["id"] not in following.text
    told = school.clients["gus"].post(f"/incidents/{case['id']}/reveal", school.purpose(case))
    assert told["name"] == "Hedda"
    made = school.act("gus", case, "accept", row="S11", deliberate="deliberate", why="Three people were there.")
    assert made["row"] == "S11"
    assert "Three people" not in told_to(school.clients["hedda"], "/audit?limit=500")


def test_who_watches_over_access_sees_that_somebody_looked(school: School) -> None:
    case = reported(school, "adult", WORDS)
    school.look("sol", case)
    told = school.clients["dora"].get("/registers/access", {"purpose": PURPOSE})["items"]
    assert [(each["person"], each["seen"]) for each in told if each["case"] == case["number"]] == [
        (school.staff.people["sol"], "incident")
    ]
    assert WORDS not in json.dumps(told)
    assert WORDS not in school.gateway.log.read_text()
