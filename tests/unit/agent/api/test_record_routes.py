"""The record through the interface: read, proved, handed out and signed off, each by those who may."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from api_of_test import NOW, SchoolOfTest, Visitor, lesson

from agent.api.record_routes import _WALK, _period
from agent.storage.anchors import anchor_if_due, parse_anchor
from agent.storage.record import VERIFY_SCRIPT
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience


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


# ---- what is confidential ------------------------------------------------------------------------------------------


def exported(visitor: Visitor, folder: Path, style: str) -> tuple[list[dict[str, Any]], str]:
    """Give what somebody is handed out, and what the script says of it that anybody may run."""
    text = visitor.get("/audit/export", format=style).text
    (file := folder / f"record.{style}").write_text(text, encoding="utf-8", newline="")
    command = [sys.executable, "-I", "-c", VERIFY_SCRIPT, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = (
        [json.loads(line) for line in text.splitlines()] if style == "jsonl" else list(csv.DictReader(StringIO(text)))
    )
    return rows, (done.stdout + done.stderr).strip()


def test_a_row_of_what_one_may_not_read_names_no_case_and_not_what_was_done(school: SchoolOfTest) -> None:
    ordinary = school.candidate(Kind.GAMBLING)
    hidden = {school.candidate(Kind.STAFF_CONDUCT, audience=Audience.STAFF).incident.id for _ in range(3)}
    hidden.add(school.candidate(Kind.SELF_HARM).incident.id)
    coordinator, head = school.person("Coordinator", Role.ICT_COORDINATOR), school.person("Head", Role.HEAD_TEACHER)
    rows = coordinator.get("/audit").json()["items"]
    veiled = [row for row in rows if row["kind"] == "incident_confidential"]
    assert [(row["subject"], row["facts"]) for row in veiled] == [("", {"is_confidential": True})] * 4
    assert not hidden & {row["subject"] for row in rows}
    opened = coordinator.get("/audit", kind="incident_opened").json()["items"]
    assert [row["subject"] for row in opened] == [ordinary.incident.id]
    assert coordinator.get("/audit", kind="incident_confidential").json()["items"] == []
    assert hidden <= {row["subject"] for row in head.get("/audit", kind="incident_opened").json()["items"]}
    program = coordinator.with_token(["read_record"])
    assert not hidden & {row["subject"] for row in program.get("/audit").json()["items"]}, "no program reads one"


def test_what_was_refused_about_what_one_may_not_read_names_it_no_more(school: SchoolOfTest) -> None:
    hidden = school.candidate(Kind.SELF_HARM).incident.id
    coordinator = school.person("Coordinator", Role.ICT_COORDINATOR)
    assert coordinator.get(f"/incidents/{hidden}", purpose="I only look", case=1).status_code == 404
    assert hidden not in coordinator.get("/audit").text


def test_veiled_rows_leave_no_gap_between_two_pages(school: SchoolOfTest) -> None:
    school.candidate(Kind.GAMBLING)
    for _ in range(5):
        school.candidate(Kind.SELF_HARM)
    school.candidate(Kind.GAMES)
    coordinator = school.person("Coordinator", Role.ICT_COORDINATOR)
    first = coordinator.get("/audit", kind="incident_opened", limit=1).json()
    second = coordinator.get("/audit", kind="incident_opened", limit=1, after=first["next"]).json()
    kinds = [row["facts"]["kind"] for page in (first, second) for row in page["items"]]
    assert (kinds, second["next"]) == (["games", "gambling"], None)


@pytest.mark.parametrize("style", ["jsonl", "csv"])
def test_the_chain_closes_although_rows_are_withheld_and_auditors_get_them_whole(
    school: SchoolOfTest, tmp_path: Path, style: str
) -> None:
    hidden = school.candidate(Kind.SELF_HARM).incident.id
    officer = school.person("Officer", Role.DATA_PROTECTION_OFFICER)
    auditor = school.person("Auditor", Role.AUDITOR)
    rows, verdict = exported(officer, tmp_path, style)
    assert hidden not in str(rows)
    withheld = [row for row in rows if not row.get("kind")]
    assert len(withheld) == 1
    assert withheld[0]["hash"]
    assert verdict.startswith(f"{len(rows)} rows are whole; the last hash is {rows[-1]['hash']}")
    assert verdict.endswith("; 1 of them were withheld")
    rows, verdict = exported(auditor, tmp_path, style)
    assert hidden in str(rows)
    assert verdict == f"{len(rows)} rows are whole; the last hash is {rows[-1]['hash']}"


def test_a_row_beside_one_that_is_withheld_cannot_be_altered(school: SchoolOfTest, tmp_path: Path) -> None:
    school.candidate(Kind.SELF_HARM)
    officer = school.person("Officer", Role.DATA_PROTECTION_OFFICER)
    rows, _ = exported(officer, tmp_path, "jsonl")
    place = next(place for place, row in enumerate(rows) if row.get("withheld"))
    for changed in (replace_at(rows, place, hash="0" * 64), replace_at(rows, place, previous="0" * 64)):
        (file := tmp_path / "changed.jsonl").write_text("\n".join(map(json.dumps, changed)), encoding="utf-8")
        command = [sys.executable, "-I", "-c", VERIFY_SCRIPT, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "was altered" in done.stderr


def replace_at(rows: list[dict[str, Any]], place: int, **values: str) -> list[dict[str, Any]]:
    return [row | values if number == place else row for number, row in enumerate(rows)]


def test_an_auditor_who_reads_incidents_gets_no_more_than_they_read(school: SchoolOfTest, tmp_path: Path) -> None:
    hidden = school.candidate(Kind.SELF_HARM).incident.id
    both = school.person("Both", Role.AUDITOR, Role.ICT_COORDINATOR)
    assert hidden not in str(exported(both, tmp_path, "jsonl")[0])


def test_a_sign_off_counts_what_is_veiled_together(school: SchoolOfTest) -> None:
    for _ in range(2):
        school.candidate(Kind.SELF_HARM)
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    day = NOW.date().isoformat()
    counts = governor.post("/audit/sign-offs", {"from_on": day, "until_on": day, "remark": ""}).json()["counts"]
    assert counts["incident_withheld"] == 2
    assert "incident_opened" not in counts


def test_whoever_only_counts_learns_of_no_row_about_an_ordinary_case_what_it_is(school: SchoolOfTest) -> None:
    case = school.candidate(Kind.GAMES).incident.id
    head, governor = school.person("Head", Role.HEAD_TEACHER), school.person("Governor", Role.ESAFETY_GOVERNOR)
    assert head.get(f"/incidents/{case}", purpose="I decide about it", case=1).status_code == 200
    assert head.post(f"/incidents/{case}/dismiss", {"reason": "x"}, version=1).status_code in {409, 422}
    rows = governor.get("/audit").json()["items"]
    withheld = [row for row in rows if row["kind"] == "incident_withheld"]
    assert len(withheld) >= 2
    nothing = {"kind": "incident_withheld", "actor": "", "actor_name": "", "subject": "", "facts": {}}
    assert all(row.items() >= (nothing | {"is_erased": False}).items() for row in withheld)
    assert [row["kind"] for row in rows if row["kind"].startswith("incident_")] == ["incident_withheld"] * len(
        withheld
    )
    assert not [each for each in (case, "games", "deliberate", "intent") if each in str(rows)]


@pytest.mark.parametrize(
    "kind", ["incident_opened", "incident_withheld", "incident_confidential", "subject_revealed"]
)
def test_whoever_only_counts_finds_no_row_about_a_case_by_its_kind_or_by_who_did_it(
    school: SchoolOfTest, kind: str
) -> None:
    school.candidate(Kind.GAMBLING)
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    assert governor.get("/audit", kind=kind).json() == {"items": [], "next": None}
    assert "incident_withheld" not in governor.get("/audit", actor="system").text
    for role in (Role.AUDITOR, Role.DATA_PROTECTION_OFFICER, Role.HEAD_TEACHER):
        found = school.person(role.value.replace("_", ""), role).get("/audit", kind="incident_opened").json()["items"]
        assert [row["facts"]["kind"] for row in found] == ["gambling"], role


def test_an_auditor_who_is_a_governor_too_sees_what_an_auditor_sees(school: SchoolOfTest) -> None:
    case = school.candidate(Kind.GAMBLING).incident.id
    both = school.person("Both", Role.AUDITOR, Role.ESAFETY_GOVERNOR)
    assert [row["subject"] for row in both.get("/audit", kind="incident_opened").json()["items"]] == [case]


def test_what_others_counted_by_kind_is_added_up_for_whoever_only_counts(school: SchoolOfTest) -> None:
    with school.store.act() as act:
        counts = {"incident_opened": 1, "incident_warning_given": 2, "signed_in": 4}
        act.note("record_signed_off", actor="system", facts={"counts": counts})
        act.note("register_read", actor="system", facts={"register": "incidents", "rows": 3})
        act.note("notification_dropped", actor="system", facts={"event": "incident_clock"})
        act.note("rule_refused", actor="system", facts={"attempt": "incident_report"})
    rows = school.person("Governor", Role.ESAFETY_GOVERNOR).get("/audit").json()["items"]
    facts = {row["kind"]: row["facts"] for row in rows}
    assert facts["record_signed_off"]["counts"] == {"incident_withheld": 3, "signed_in": 4}
    assert facts["register_read"] == {}
    assert not {"notification_dropped", "rule_refused"} & set(facts)


def test_a_governor_signs_a_month_off(school: SchoolOfTest) -> None:
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    made = governor.post("/audit/sign-offs", {"from_on": "2026-03-01", "until_on": "2026-03-02", "remark": "Seen."})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["reviewed_by"]["name"], told["counts"]["request_withheld"]) == ("Governor", 1)
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


@pytest.mark.parametrize("timezone", ["America/Lima", "Europe/Amsterdam", "Asia/Tokyo"])
def test_the_first_day_that_a_calendar_knows_is_before_everything(school: SchoolOfTest, timezone: str) -> None:
    parts = replace(school.parts, timezone=timezone)
    since, until = _period(date.min, date(2026, 3, 1), parts)
    assert since == datetime.min.replace(tzinfo=UTC)
    assert until > school.now - timedelta(days=2)


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
