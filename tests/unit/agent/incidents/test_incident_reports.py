"""Reports of anybody: with or without a name, to whom they go, and what a receipt tells."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import PEOPLE, PURPOSE, REASON, IncidentsOfTest

from agent.incidents.incident_reports import MAX_CHARACTERS, Happened, Report, Standing
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.report_rows import read_reports
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, Level, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.subject import Audience

TEXT = "Some big ones write mean things to a girl in my class every day"


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def report(school: IncidentsOfTest, by: str | None = "pupil", **changes: Any) -> tuple[Filed, str]:
    """Report something; gives the candidate and the receipt."""
    values: dict[str, Any] = {"text": TEXT} | changes
    person = None if by is None else school.ids[by]
    receipt = school.incidents.reports.report(person, Report(**values)).receipt
    with school.store.read() as database:
        return read_incidents(database)[0], receipt


def test_a_report_waits_as_every_candidate(school: IncidentsOfTest) -> None:
    filed, _ = report(school, kind=Kind.BULLYING, place=Place.OFF_SITE, happened=Happened.POTENTIAL)
    incident = filed.incident
    assert (incident.kind, incident.track, incident.risk) == (Kind.BULLYING, Track.SAFEGUARDING, Risk.CONTACT)
    assert (incident.rows, incident.place) == (("P10",), Place.OFF_SITE)
    assert (incident.level, incident.confidence) == (Level.DEVICE, Confidence.D)
    assert school.told == [("incident_reported", 1, ("lead",))]
    viewed = school.incidents.looking.get(school.ids["lead"], incident.id, purpose=PURPOSE, case=1)
    assert viewed.timeline[0].personal == {"text": TEXT, "keeps": []}
    assert viewed.timeline[0].actor == school.ids["pupil"]
    assert all(TEXT not in facts for _, _, facts in school.record())


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        pytest.param("pupil", {"is_anonymous": True}, id="signed-in-and-anonymous"),
        pytest.param(None, {}, id="nobody-signed-in"),
    ],
)
def test_who_wants_no_name_leaves_none(school: IncidentsOfTest, by: str | None, changes: dict[str, Any]) -> None:
    filed, _ = report(school, by, **changes)
    with school.store.read() as database:
        (found,) = read_reports(database, filed.incident.id)
        (entry,) = read_timeline(database, filed.incident.id)
    assert (found.reporter, entry.actor, entry.content["is_anonymous"]) == (None, "nobody", True)
    assert all(actor != school.ids["pupil"] for _, actor, _ in school.record())


def test_two_reports_about_nobody_are_about_two(school: IncidentsOfTest) -> None:
    first, _ = report(school)
    second, _ = report(school)
    assert first.incident.subject != second.incident.subject


def test_staff_say_whom_it_is_about(school: IncidentsOfTest) -> None:
    filed, _ = report(school, "teacher", kind=Kind.PHONE, about=school.ids["pupil"], audience=Audience.STAFF)
    assert (filed.incident.subject, filed.incident.level) == (school.pseudonym("pupil"), Level.PERSON)
    assert (filed.incident.audience, filed.why_identity) == (Audience.PUPIL, ("named_in_report",))
    assert filed.incident.rows == ("P03",)


@pytest.mark.parametrize("by", ["pupil", None])
def test_nobody_else_picks_somebody_from_a_list(school: IncidentsOfTest, by: str | None) -> None:
    with pytest.raises(RefusedRequestError, match="only staff pick somebody"):
        report(school, by, about=school.ids["other_pupil"])


def test_whom_nobody_knows_is_not_named(school: IncidentsOfTest) -> None:
    with pytest.raises(RefusedRequestError, match="Nobody at this school has that id"):
        report(school, "teacher", about="nobody")


@pytest.mark.parametrize(
    ("changes", "readers"),
    [
        pytest.param({"is_allegation": True}, {"head", "deputy"}, id="about-some-member-of-staff"),
        pytest.param({"is_about_head": True}, {"deputy", "chair"}, id="about-the-head"),
    ],
)
def test_an_allegation_goes_past_whom_it_concerns(
    school: IncidentsOfTest, changes: dict[str, Any], readers: set[str]
) -> None:
    filed, _ = report(school, None, **changes)
    assert (filed.incident.track, filed.incident.audience) == (Track.RESTRICTED, Audience.STAFF)
    assert school.told == [("incident_reported", 1, tuple(sorted(readers)))]
    assert {name for name in PEOPLE if school.incidents.looking.queue(school.ids[name])} == readers


def test_where_several_are_head_none_of_them_reads_what_is_about_one(school: IncidentsOfTest) -> None:
    with school.store.act() as act:
        second = school.people.open(act, "Second Head", (Role.HEAD_TEACHER,), actor="system")
    filed, _ = report(school, None, is_about_head=True)
    assert filed.incident.level is Level.DEVICE
    assert {name for name in PEOPLE if school.incidents.looking.queue(school.ids[name])} == {"deputy", "chair"}
    assert school.incidents.looking.queue(second.id) == []


def test_a_report_of_what_may_be_illegal_is_sealed_with_its_words(school: IncidentsOfTest) -> None:
    filed, _ = report(school, kind=Kind.ILLEGAL, text="There is a bad picture on secret-name.example I think")
    assert (filed.incident.track, filed.is_held) == (Track.SEALED, True)
    viewed = school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    assert "secret-name" not in str(viewed)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"text": ""}, "The report is missing or says too little", id="empty"),
        pytest.param({"text": "help"}, "says too little", id="one-word"),
        pytest.param({"text": "x " * 5_000_000}, "has 10,000,000 characters; at most 5,000", id="ten-megabytes"),
        pytest.param({"text": "He wrote it \x1b[2J to me"}, "cannot be shown", id="control-character"),
        pytest.param({"keeps": ("../../etc/passwd",)}, "is no plain name", id="a-path"),
        pytest.param({"keeps": ("C:\\pictures\\a.png",)}, "is no plain name", id="a-path-of-windows"),
        pytest.param({"keeps": ("a\nb.png",)}, "is no plain name", id="a-line-break"),
        pytest.param({"keeps": ("a.png",) * 11}, "Found 11 things that are kept", id="too-many"),
    ],
)
def test_what_cannot_be_reported_so(school: IncidentsOfTest, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        report(school, **changes)
    assert school.told == []
    assert school.kinds() == ["rule_refused"]


def test_what_looks_like_a_page_is_kept_as_it_was_written(school: IncidentsOfTest) -> None:
    text = "<script>alert(1)</script> he sent this to me <b>again</b>"
    filed, _ = report(school, text=text, keeps=("screenshot 1.png",))
    viewed = school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    assert viewed.timeline[0].personal == {"text": text, "keeps": ["screenshot 1.png"]}


def test_a_long_report_is_kept_whole(school: IncidentsOfTest) -> None:
    text = ("It happened again today. " * MAX_CHARACTERS)[:MAX_CHARACTERS].strip()
    filed, _ = report(school, text=text)
    with school.store.read() as database:
        (entry,) = read_timeline(database, filed.incident.id, with_personal=True)
    assert entry.personal is not None
    assert entry.personal["text"] == text


# ---- receipts ----------------------------------------------------------------------------------------------


def test_a_receipt_tells_how_far_it_is_and_nothing_else(school: IncidentsOfTest) -> None:
    filed, receipt = report(school)
    status = school.incidents.reports.status
    assert status(receipt) is Standing.RECEIVED
    school.accept(filed, row="P10")
    assert status(receipt) is Standing.LOOKED_AT
    school.do_all(filed)
    school.incidents.decisions.close(
        school.ids["head"],
        filed.incident.id,
        version=2,
        outcome="They have talked about it",
        lesson="We look at breaks",
    )
    assert status(receipt) is Standing.DEALT_WITH


def test_a_report_that_became_part_of_another_goes_on_with_it(school: IncidentsOfTest) -> None:
    other, _ = report(school)
    filed, receipt = report(school)
    school.incidents.decisions.merge(
        school.ids["head"], filed.incident.id, version=1, into=other.incident.id, reason=REASON
    )
    assert school.incidents.reports.status(receipt) is Standing.RECEIVED
    school.incidents.decisions.dismiss(
        school.ids["head"], other.incident.id, version=2, dismissal=Dismissal.DEALT_WITH, words=REASON
    )
    assert school.incidents.reports.status(receipt) is Standing.DEALT_WITH


def test_a_receipt_is_read_however_it_is_typed(school: IncidentsOfTest) -> None:
    _, receipt = report(school)
    assert len(receipt.replace("-", "")) == 12
    assert not set("01OI") & set(receipt)
    for typed in (receipt.lower(), receipt.replace("-", " "), f"  {receipt.replace('-', '')} "):
        assert school.incidents.reports.status(typed) is Standing.RECEIVED


@pytest.mark.parametrize("typed", ["", "AAAA-BBBB-CCCC", "x" * 10_000, "' OR 1=1 --"])
def test_a_number_that_is_none(school: IncidentsOfTest, typed: str) -> None:
    report(school)
    with pytest.raises(UnknownIdError, match="no report with that number"):
        school.incidents.reports.status(typed)


def test_a_report_is_past_its_hour_without_a_decision(school: IncidentsOfTest) -> None:
    report(school, kind=Kind.GROOMING)
    school.now += timedelta(hours=1)
    school.incidents.sweep()
    assert school.told[-1] == ("incident_undecided", 1, ("head",))
