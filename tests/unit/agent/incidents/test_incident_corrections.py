"""What is put right: the wrong person, a person whom people know, and what is held."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE, REASON, IncidentsOfTest, on_track

from agent.incidents.incident_letters import Wanted
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.letter_rows import LetterKind, read_letters
from agent.storage.restriction_rows import read_running
from agent.storage.timeline_rows import read_timeline
from rules.assessment import Warned
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, Level, State, Track
from rules.incident_kind import Kind
from rules.observation import Confidence
from rules.subject import Audience


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def correct(school: IncidentsOfTest, filed: Filed, reason: str = "It was his brother, on the same device") -> Filed:
    return school.incidents.decisions.correct(
        school.ids["head"], filed.incident.id, version=school.filed(filed).version, reason=reason
    )


def test_nothing_of_it_stays_with_the_wrong_person(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    subject = filed.incident.subject
    school.accept(filed, "head", "P13")
    steps = {step.action: step.number for step in school.steps(filed)}
    purpose: dict[str, Any] = {"purpose": PURPOSE, "case": filed.number}
    school.incidents.letters.draft(school.ids["head"], filed.incident.id, Wanted(LetterKind.PARENTS), **purpose)
    school.incidents.restrictions.begin(
        school.ids["network"],
        filed.incident.id,
        steps["remove_access"],
        devices=["02:00:00:00:00:07"],
        until_at=NOW + timedelta(days=7),
        review_on=NOW.date() + timedelta(days=3),
        reason=REASON,
    )
    school.incidents.steps.done(
        school.ids["head"], filed.incident.id, steps["warning"], how="Told Pupil what follows"
    )
    warned = Warned(filed.incident.id, "P13", "2027-03-03")
    other = school.open(rows=("P02", "P11"), warnings=(warned,))

    corrected = correct(school, filed)

    assert (corrected.incident.state, corrected.dismissal) == (State.DISMISSED, Dismissal.WRONG_PERSON)
    assert (corrected.incident.subject, corrected.incident.level) == ("", Level.DEVICE)
    with school.store.read() as database:
        # Its warning, and what was proposed because of it.
        assert school.incidents.warnings_of(database, subject, school.now) == []
        assert school.incidents.recent_of(database, subject, NOW - timedelta(days=9)) == [
            school.filed(other).incident
        ]
        assert read_running(database) == []
        assert [letter.text for letter in read_letters(database, filed.incident.id)] == [None]
        timeline = read_timeline(database, filed.incident.id, with_personal=True)
    assert school.filed(other).incident.rows == ("P02",)
    assert school.filed(other).warnings == ()
    assert school.filed(other).version == 2
    # What people wrote about somebody who did nothing is gone; what the device asked for stays, and why it is so.
    said = [entry.personal for entry in timeline if entry.personal is not None]
    assert said == [{"name": "bet.example"}, {"reason": "It was his brother, on the same device"}]
    assert "Told Pupil what follows" not in school.everything_stored()
    # It is in no count and no export as theirs.
    assert school.incidents.looking.counts(school.ids["head"]).by_kind == {"gambling": 1}
    register = school.incidents.registers.incidents(school.ids["head"], purpose=PURPOSE, with_names=True)
    assert [(row["number"], row["subject"]) for row in register.as_items()] == [(2, "Pupil"), (1, "")]
    warnings = school.incidents.registers.warnings(school.ids["head"], purpose=PURPOSE, with_names=True)
    assert [(row["standing"], row["subject"]) for row in warnings.as_items()] == [("withdrawn", "")]
    assert school.changed == 1
    assert {"incident_corrected", "incident_warning_withdrawn", "incident_access_restored"} <= set(school.kinds())


def test_the_pseudonym_is_nowhere_any_more(school: IncidentsOfTest) -> None:
    warned = school.warned()
    assert warned.incident.subject in school.everything_stored()
    correct(school, warned)
    assert warned.incident.subject not in school.everything_stored()


def test_a_repeat_that_rests_on_other_warnings_too_stays_proposed(school: IncidentsOfTest) -> None:
    first, second = school.warned(), school.warned()
    warnings = tuple(Warned(each.incident.id, "P13", "2027-03-03") for each in (first, second))
    other = school.open(rows=("P02", "P11"), warnings=warnings)
    correct(school, first)
    assert school.filed(other).incident.rows == ("P02", "P11")
    assert school.filed(other).warnings == warnings[1:]


def test_the_hashes_of_what_is_erased_stay(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    with school.store.read() as database:
        before = [entry.hash for entry in read_timeline(database, filed.incident.id)]
    correct(school, filed)
    with school.store.read() as database:
        assert [entry.hash for entry in read_timeline(database, filed.incident.id)][: len(before)] == before
        keys = database.execute("SELECT key FROM incident_timeline WHERE observation = ''").fetchall()
    assert [row["key"] is None for row in keys] == [True, False]


# ---- who it is about ---------------------------------------------------------------------------------------


def name(school: IncidentsOfTest, filed: Filed, subject: str, by: str = "head", **changes: Any) -> Filed:
    values: dict[str, Any] = {"version": filed.version, "reason": "She told us herself"} | changes
    known_as = school.ids.get(subject, subject)
    return school.incidents.corrections.name_subject(school.ids[by], filed.incident.id, subject=known_as, **values)


def test_people_say_whom_a_device_was_with(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, "", rows=("P13",))
    after = name(school, filed, "pupil")
    assert (after.incident.subject, after.incident.level) == (school.pseudonym("pupil"), Level.PERSON)
    assert (after.incident.confidence, after.why_identity) == (Confidence.B, ("named_by_person",))
    assert school.kinds()[-1] == "incident_subject_named"
    assert school.ids["pupil"] not in school.record()[-1][2]
    with pytest.raises(RefusedRequestError, match="about nobody yet"):
        name(school, after, "other_pupil")


def test_where_it_is_a_member_of_staff_others_deal_with_it(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.PORNOGRAPHY, "", rows=("P15",))
    after = name(school, filed, "teacher")
    assert (after.incident.audience, after.incident.track) == (Audience.STAFF, Track.RESTRICTED)
    assert after.incident.rows == ("S15",)
    assert school.told[-1] == ("incident_subject_named", 1, ("deputy", "head"))


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        pytest.param("nobody", "Nobody at this school has that id", id="nobody"),
        pytest.param("head", "an incident about yourself", id="oneself"),
    ],
)
def test_whom_one_cannot_name(school: IncidentsOfTest, subject: str, says: str) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        name(school, school.open(about=""), subject)


def test_nobody_is_named_for_what_is_sealed(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.ILLEGAL, "", rows=("P01",))
    with pytest.raises(RefusedRequestError, match="is sealed"):
        name(school, filed, "pupil")


def test_nobody_is_named_without_a_reason_or_unseen(school: IncidentsOfTest) -> None:
    filed = school.open(about="")
    with pytest.raises(RefusedRequestError, match="The reason is missing"):
        name(school, filed, "pupil", reason="")
    with pytest.raises(ConflictError):
        name(school, filed, "pupil", version=2)
    with pytest.raises(UnknownIdError):
        name(school, filed, "pupil", by="teacher")


# ---- holding -----------------------------------------------------------------------------------------------


def test_what_is_held_is_released_with_a_reason(school: IncidentsOfTest) -> None:
    filed, corrections, head = school.open(), school.incidents.corrections, school.ids["head"]
    held = corrections.hold(head, filed.incident.id, version=1, reason=REASON)
    assert held.is_held
    with pytest.raises(RefusedRequestError, match="is held already"):
        corrections.hold(head, filed.incident.id, version=2, reason=REASON)
    assert not corrections.release(head, filed.incident.id, version=2, reason=REASON).is_held
    with pytest.raises(RefusedRequestError, match="is not held already"):
        corrections.release(head, filed.incident.id, version=3, reason=REASON)
    assert [kind for kind in school.kinds() if "rule" not in kind][-2:] == ["incident_held", "incident_released"]


def test_evidence_of_what_is_illegal_is_held_until_it_is_closed(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    with pytest.raises(RefusedRequestError, match="stays held until it is closed"):
        school.incidents.corrections.release(school.ids["head"], filed.incident.id, version=1, reason=REASON)
