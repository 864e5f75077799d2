"""GET /explain: what `schoolgate explain` says, for whoever may ask, and no more about people than is for them."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor, lesson
from day_of_test import move_in

from agent.assembly import with_granted
from agent.requests.granted import active_policies
from agent.storage.restriction_rows import Restriction, write_restriction
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    return made


def test_the_verdict_comes_with_its_facts_and_its_evidence(school: SchoolOfTest) -> None:
    found = school.person("Theo", Role.TEACHER).get("/explain", name="bets.example", who="pupil").json()
    assert found["heading"] == "bets.example is blocked."
    assert any(each.startswith("Listed as Gambling: list bets") for each in found["facts"])
    assert found["evidence"]["verdict"] == "block"
    assert [each["text"] for each in found["evidence"]["listed"]] == ["bets.example"]


def test_the_instant_decides(school: SchoolOfTest) -> None:
    teacher = school.person("Theo", Role.TEACHER)
    found = teacher.get("/explain", name="bets.example", who="pupil", at="2026-07-06T10:00:00+01:00").json()
    assert found["evidence"]["at"] == "2026-07-06T09:00:00+00:00"


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "not a name", "who": "pupil"},
        {"name": "bets.example", "who": "nobody"},
        {"name": "bets.example"},
        {"who": "pupil"},
        {"name": "x" * 2001, "who": "pupil"},
        {"name": "bets.example", "who": "pupil", "at": "yesterday"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_with_a_reason(school: SchoolOfTest, asked: dict[str, str]) -> None:
    refused = school.person("Theo", Role.TEACHER).get("/explain", **asked)
    assert refused.status_code == 422
    assert refused.json()["detail"]


@pytest.mark.parametrize("who", ["192.0.2.5", " 192.0.2.5 ", "192.0.2.5%x", "::ffff:192.0.2.5"])
def test_an_address_is_for_those_who_look_after_devices_or_the_filter(school: SchoolOfTest, who: str) -> None:
    asked = {"name": "bets.example", "who": who}
    assert school.person("Theo", Role.TEACHER).get("/explain", **asked).status_code == 403
    assert school.person("Tom", Role.TECHNICIAN).get("/explain", **asked).status_code == 200


def granted(school: SchoolOfTest) -> tuple[Visitor, Visitor]:
    asking, head = school.person("Tina", Role.TEACHER), school.person("Henry", Role.HEAD_TEACHER)
    made = asking.post("/overrides", lesson(names=["bet.example"])).json()
    assert head.post(f"/overrides/{made['id']}/approve", version=made["version"]).status_code == 200
    return asking, head


def test_people_behind_a_grant_are_for_those_who_read_overrides(school: SchoolOfTest) -> None:
    asking, head = granted(school)
    asked = {"name": "bet.example", "who": "pupil+year5"}
    told = head.get("/explain", **asked).json()
    assert told["evidence"]["grant"]["requester"] == "Tina"
    untold = asking.get("/explain", **asked).json()
    assert untold["evidence"]["grant"] is None
    assert not any("Tina" in each or "Henry" in each for each in untold["facts"])


def test_what_was_granted_counts_once_where_the_published_site_holds_it_already(school: SchoolOfTest) -> None:
    _, head = granted(school)
    asked = {"name": "bet.example", "who": "pupil+year5"}
    before = head.get("/explain", **asked).json()
    policies = active_policies(school.store.path, school.now, school.site.rulebook)
    assert policies
    school.site = with_granted(school.site, policies)
    assert head.get("/explain", **asked).json() == before


def restrict(school: SchoolOfTest, *, from_at: datetime) -> None:
    case = school.candidate().incident.id
    until, review = school.now + timedelta(days=2), (school.now + timedelta(days=1)).date()
    restriction = Restriction("secret9", case, 1, frozenset({"year5"}), frozenset(), from_at, until, review)
    with school.store.act() as act:
        write_restriction(act, restriction)


def of_many(school: SchoolOfTest) -> None:
    """Let five devices be in the group."""
    (year5,) = (each for each in school.site.groups if each.name == "year5")
    several = replace(year5, devices=tuple(f"192.0.2.{number}" for number in range(50, 55)))
    groups = tuple(several if each is year5 else each for each in school.site.groups)
    school.site = replace(school.site, groups=groups)


ASKED = {"name": "sport.example", "who": "pupil+year5"}


def test_in_a_group_of_few_devices_nobody_is_told_of_a_restriction_but_who_reads_incidents(
    school: SchoolOfTest,
) -> None:
    teacher = school.person("Theo", Role.TEACHER)
    restrict(school, from_at=school.now)
    told = teacher.get("/explain", **ASKED)
    assert told.json()["heading"] == "sport.example is blocked."
    assert "Why: it is closed at the moment." in told.json()["facts"]
    for word in ("restrict", "secret9", "allow_only", "Opens"):
        assert word not in told.text
    assert told.json()["evidence"]["changes_at"] is None
    assert "restricted" in school.person("Cora", Role.ICT_COORDINATOR).get("/explain", **ASKED).text


def test_in_a_group_of_few_devices_a_restriction_is_not_announced(school: SchoolOfTest) -> None:
    restrict(school, from_at=school.now + timedelta(hours=2))
    told = school.person("Theo", Role.TEACHER).get("/explain", **ASKED).json()
    assert (told["evidence"]["verdict"], told["evidence"]["changes_at"]) == ("allow", None)


def test_a_restriction_is_told_and_its_case_to_those_alone_who_read_incidents(school: SchoolOfTest) -> None:
    of_many(school)
    restrict(school, from_at=school.now)
    asked = ASKED
    told = school.person("Theo", Role.TEACHER).get("/explain", **asked)
    assert "access is restricted for a while" in told.text
    assert "secret9" not in told.text
    assert "secret9" in school.person("Cora", Role.ICT_COORDINATOR).get("/explain", **asked).text
