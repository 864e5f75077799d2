"""The record through the interface: read, proved, handed out and signed off, each by those who may."""

import csv
import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from api_of_test import NOW, SchoolOfTest, lesson

from agent.api.record_routes import _WALK
from agent.storage.anchors import anchor_if_due, parse_anchor
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    school.person("Teacher", Role.TEACHER).post("/overrides", lesson())
    return school


def test_rows_of_a_kind_and_of_a_person(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    rows = auditor.get("/audit", kind="override_requested").json()["items"]
    assert [(row["kind"], row["actor_name"], row["facts"]["state"]) for row in rows] == [
        ("override_requested", "Teacher", "waiting")
    ]
    assert {row["kind"] for row in auditor.get("/audit", actor=rows[0]["actor"]).json()["items"]} == {
        "override_requested"
    }
    assert auditor.get("/audit", since="2026-03-02T09:16:00Z").json()["items"] == []
    assert auditor.get("/audit", until="2026-03-02T09:15:00Z").json()["items"] == []


def test_what_can_be_erased_is_not_shown(school: SchoolOfTest) -> None:
    told = school.person("Auditor", Role.AUDITOR).get("/audit").text
    assert "odds are advertised" not in told


def test_the_record_in_parts(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    numbers, after = [], None
    while True:
        page = auditor.get("/audit", limit=3, **({"after": after} if after else {})).json()
        numbers += [row["number"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert numbers == list(range(len(numbers), 0, -1))


def test_it_is_whole_until_somebody_alters_it(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    told = auditor.get("/audit/verify").json()
    assert (told["is_whole"], told["first_broken"], told["rows"]) == (True, None, len(school.kinds()))
    with school.store.act() as act:
        act.database.execute("DROP TRIGGER audit_is_never_changed")
        act.database.execute("UPDATE audit SET actor = 'somebody' WHERE number = 2")
    told = auditor.get("/audit/verify").json()
    assert (told["is_whole"], told["first_broken"]) == (False, 2)
    assert told["why"].endswith(".")


def test_one_walk_at_a_time(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    with _WALK:
        assert auditor.get("/audit/verify").status_code == 429
    assert auditor.get("/audit/verify").status_code == 200


def test_the_anchors_are_there_to_be_printed(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    assert auditor.get("/audit/anchors").json() == {"items": [], "next": None}
    for day in range(3):
        school.now = NOW + timedelta(minutes=day) - timedelta(days=3 - day)
        anchor_if_due(school.store)
    school.now = NOW
    page = auditor.get("/audit/anchors", limit=2).json()
    rest = auditor.get("/audit/anchors", limit=2, after=page["next"]).json()
    assert [each["day"] for each in page["items"] + rest["items"]] == ["2026-03-01", "2026-02-28", "2026-02-27"]
    assert rest["next"] is None
    anchor = parse_anchor(page["items"][0]["line"])
    assert (anchor.day, anchor.number) == ("2026-03-01", page["items"][0]["number"])


def test_what_is_personal_goes_and_the_record_stays_whole(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    number = school.kinds().index("override_requested") + 1
    body = {"reason": "Her parents asked for it in a letter."}
    made = head.post(f"/audit/{number}/erase", body)
    assert made.status_code == 201, made.text
    told = made.json()
    assert school.kinds()[told["number"] - 1] == "personal_erased"
    (row,) = head.get("/audit", kind="override_requested").json()["items"]
    assert row["is_erased"]
    assert head.get("/audit/verify").json()["is_whole"]
    again = head.post(f"/audit/{number}/erase", body)
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"Row {number} of the record holds no personal payload; expected a row that does.",
    )


@pytest.mark.parametrize(
    ("number", "reason", "status"),
    [
        pytest.param("2", "", 409, id="no-reason"),
        pytest.param("2", "because because because", 409, id="filler"),
        pytest.param("9999", "Her parents asked for it in a letter.", 409, id="no-row"),
        pytest.param("0", "Her parents asked for it in a letter.", 422, id="no-number-of-a-row"),
        pytest.param(str(10**30), "Her parents asked for it in a letter.", 422, id="more-rows-than-there-can-be"),
    ],
)
def test_what_is_not_erased(school: SchoolOfTest, number: str, reason: str, status: int) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    assert head.post(f"/audit/{number}/erase", {"reason": reason}).status_code == status
    assert "personal_erased" not in school.kinds()
    assert (school.kinds()[-1] == "rule_refused") == (status == 409)


def test_it_is_handed_out_with_its_chain_and_that_is_a_row(school: SchoolOfTest) -> None:
    auditor = school.person("Auditor", Role.AUDITOR)
    lines = auditor.get("/audit/export")
    assert lines.headers["content-type"] == "application/jsonl"
    assert lines.headers["content-disposition"] == 'attachment; filename="record-2026-03-02.jsonl"'
    rows = [json.loads(line) for line in lines.text.splitlines()]
    assert rows[-1]["kind"] == "record_exported"
    assert all(row["previous"] == before["hash"] for before, row in pairwise(rows))
    table = list(csv.DictReader(auditor.get("/audit/export", format="csv").text.splitlines()))
    assert len(table) == len(rows) + 1
    assert auditor.get("/audit/export", format="xml").status_code == 422


def test_a_governor_signs_a_month_off(school: SchoolOfTest) -> None:
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    made = governor.post("/audit/sign-offs", {"from_on": "2026-03-01", "until_on": "2026-03-02", "remark": "Seen."})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["reviewed_by"]["name"], told["counts"]["override_requested"]) == ("Governor", 1)
    assert school.kinds()[told["number"] - 1] == "record_signed_off"


@pytest.mark.parametrize(
    ("from_on", "until_on", "status"),
    [
        pytest.param("2026-03-02", "2026-03-01", 409, id="ends-before-it-begins"),
        pytest.param("2026-03-01", "2026-03-31", 409, id="still-to-come"),
        pytest.param("March", "2026-03-01", 422, id="no-day"),
    ],
)
def test_a_period_that_is_none(school: SchoolOfTest, from_on: str, until_on: str, status: int) -> None:
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    assert governor.post("/audit/sign-offs", {"from_on": from_on, "until_on": until_on}).status_code == status


def test_who_may_what(school: SchoolOfTest) -> None:
    may = {
        Role.TEACHER: (403, 403, 403, 403, 403),
        Role.TECHNICIAN: (403, 403, 403, 403, 403),
        Role.ICT_COORDINATOR: (200, 200, 403, 403, 403),
        Role.ESAFETY_GOVERNOR: (200, 200, 403, 201, 403),
        Role.DATA_PROTECTION_OFFICER: (200, 200, 200, 403, 403),
        Role.HEAD_TEACHER: (200, 200, 200, 403, 409),
    }
    for number, (role, statuses) in enumerate(may.items()):
        visitor = school.person(f"Visitor{number}", role)
        found = tuple(visitor.get(path).status_code for path in ("/audit", "/audit/verify", "/audit/export"))
        body = {"from_on": "2026-03-01", "until_on": "2026-03-01"}
        signed_off = visitor.post("/audit/sign-offs", body).status_code
        erased = visitor.post("/audit/9999/erase", {"reason": "Her parents asked for it in a letter."}).status_code
        assert (*found, signed_off, erased) == statuses, role
