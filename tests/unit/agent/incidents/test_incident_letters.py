"""Letters in four languages: plain, about somebody or nobody, and never with what was visited."""

from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE, IncidentsOfTest, on_track

from agent.incidents.incident_letters import Wanted, _template
from agent.people.attempts import UnknownIdError
from agent.storage.access_rows import Seen, read_accesses
from agent.storage.incident_rows import Filed
from agent.storage.letter_rows import Letter, LetterKind
from rules.category import LANGUAGES
from rules.errors import RefusedRequestError
from rules.incident import Track
from rules.incident_kind import Kind

MEETING = NOW + timedelta(days=7)
LETTER = """\
School of Test
2 March 2026

About Pupil: case 1

Dear parent or carer,

On 2 March 2026 something happened at school with a computer or the internet that we want you to know about. Under our rules it
counts as: Sites that are not for learning, without leave.

What a computer tells us is never the whole story. We have spoken about it, or will, and listened to what Pupil has to
say. Nothing has been decided by a machine.

You may ask what is kept about this, who has seen it and for how long it is kept. If you think that we are wrong, tell
us; an appeal is written down and answered.

Please call us if you would like to talk. room 7

With kind regards,
School of Test
"""  # noqa: E501 (as a name is put in)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.fixture
def accepted(school: IncidentsOfTest) -> Filed:
    filed = school.open()
    school.accept(filed)
    return school.filed(filed)


def draft(school: IncidentsOfTest, filed: Filed, kind: LetterKind, by: str = "head", **changes: Any) -> Letter:
    purpose: Any = {"purpose": changes.pop("purpose", PURPOSE), "case": filed.number}
    return school.incidents.letters.draft(school.ids[by], filed.incident.id, Wanted(kind, **changes), **purpose)


def test_parents_read_what_happened_in_plain_words(school: IncidentsOfTest, accepted: Filed) -> None:
    assert draft(school, accepted, LetterKind.PARENTS).text == LETTER


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_in_every_language(kind: LetterKind, language: str) -> None:
    template = _template(kind, language)
    names = {"school", "today", "number", "contact"}
    if kind is not LetterKind.DEALT_WITH:
        names |= {"name", "day"}
    if kind in {LetterKind.PARENTS, LetterKind.LINE_MANAGER}:
        names.add("row")
    if kind is LetterKind.REVIEW_MEETING:
        names.add("meeting")
    assert set(Template(template.template).get_identifiers()) == names


@pytest.mark.parametrize("language", ["", "fr", "nl", "ja"])
def test_a_letter_is_in_the_language_of_who_reads_it(school: IncidentsOfTest, accepted: Filed, language: str) -> None:
    letter = draft(school, accepted, LetterKind.PARENTS, language=language)
    assert letter.language == (language or "en")
    assert "Pupil" in str(letter.text)
    for secret in ("bet.example", accepted.incident.subject, "$"):
        assert secret not in str(letter.text)


def test_what_names_somebody_is_written_for_a_purpose(school: IncidentsOfTest, accepted: Filed) -> None:
    with pytest.raises(RefusedRequestError, match="There is no purpose"):
        draft(school, accepted, LetterKind.PARENTS, purpose="")
    letter = draft(school, accepted, LetterKind.PARENTS)
    with school.store.read() as database:
        assert [access.seen for access in read_accesses(database)] == [Seen.LETTER]
    assert school.kinds()[-1] == "incident_letter_drafted"
    (listed,) = school.incidents.letters.of(school.ids["head"], accepted.incident.id)
    assert listed.text is None
    read = school.incidents.letters.read(school.ids["head"], letter.id, purpose=PURPOSE, case=1)
    assert read.text == letter.text
    assert school.kinds()[-1] == "incident_letter_read"


def test_the_class_teacher_who_informs_parents_writes_to_them(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.accept(filed, row="P13")
    letter = draft(school, filed, LetterKind.PARENTS, by="five")
    with pytest.raises(UnknownIdError):
        draft(school, filed, LetterKind.PARENTS, by="six")
    with pytest.raises(UnknownIdError):
        school.incidents.letters.read(school.ids["six"], letter.id, purpose=PURPOSE, case=1)


def test_the_line_manager_is_written_to_about_staff(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    school.accept(filed, "head", "S15")
    text = draft(school, filed, LetterKind.LINE_MANAGER).text
    assert "Confidential: case 1" in str(text)
    assert "Teacher" in str(text)


def test_a_meeting_says_when_it_is(school: IncidentsOfTest, accepted: Filed) -> None:
    text = draft(school, accepted, LetterKind.REVIEW_MEETING, meeting_at=MEETING).text
    assert "When: Monday 9 March 2026, 09:15" in str(text)


def test_a_notice_that_it_was_dealt_with_names_nobody(school: IncidentsOfTest, accepted: Filed) -> None:
    with pytest.raises(RefusedRequestError, match="is not closed"):
        draft(school, accepted, LetterKind.DEALT_WITH)
    school.do_all(accepted)
    school.incidents.decisions.close(
        school.ids["head"],
        accepted.incident.id,
        version=2,
        outcome="He has understood it",
        lesson="We talk about odds",
    )
    text = str(draft(school, accepted, LetterKind.DEALT_WITH).text)
    assert "case 1" in text
    assert "Pupil" not in text


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        pytest.param(LetterKind.PARENTS, {"language": "de"}, "no letter in 'de'; expected one of en", id="language"),
        pytest.param(
            LetterKind.LINE_MANAGER, {}, "about a member of staff, which this", id="line-manager-of-a-pupil"
        ),
        pytest.param(LetterKind.REVIEW_MEETING, {}, "says when it is", id="meeting-without-a-time"),
        pytest.param(LetterKind.PARENTS, {"meeting_at": MEETING}, "and no other does", id="time-without-a-meeting"),
        pytest.param(
            LetterKind.REVIEW_MEETING, {"meeting_at": NOW}, "The meeting is still to come", id="meeting-of-the-past"
        ),
    ],
)
def test_a_letter_that_makes_no_sense(
    school: IncidentsOfTest, accepted: Filed, kind: LetterKind, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        draft(school, accepted, kind, **changes)


def test_nobody_is_written_to_about_what_nobody_has_accepted(school: IncidentsOfTest) -> None:
    with pytest.raises(RefusedRequestError, match="Nobody has accepted this"):
        draft(school, school.open(), LetterKind.PARENTS)


def test_nobody_is_written_to_about_a_device(school: IncidentsOfTest) -> None:
    filed = school.open(about="")
    school.accept(filed)
    with pytest.raises(RefusedRequestError, match="Nobody is known whom this incident is about"):
        draft(school, filed, LetterKind.PARENTS)


def test_nobody_is_written_to_about_what_is_sealed(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    school.accept(filed, "head", "P01")
    with pytest.raises(RefusedRequestError, match="is sealed"):
        draft(school, filed, LetterKind.PARENTS)


def test_the_day_on_which_it_was_sent_is_a_fact(school: IncidentsOfTest, accepted: Filed) -> None:
    letter, letters = draft(school, accepted, LetterKind.PARENTS), school.incidents.letters
    for day in (NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)):
        with pytest.raises(RefusedRequestError, match="once it is drafted, and not later than today"):
            letters.sent(school.ids["head"], letter.id, on=day)
    sent = letters.sent(school.ids["head"], letter.id, on=NOW.date())
    assert (sent.sent_on, sent.sent_by, sent.text) == (NOW.date(), school.ids["head"], None)
    assert school.kinds()[-1] == "incident_letter_sent"
    assert '"sent_on":"2026-03-02"' in school.record()[-1][2]
    with pytest.raises(RefusedRequestError, match="was sent on 2026-03-02 already"):
        letters.sent(school.ids["head"], letter.id, on=NOW.date())


def test_there_is_no_such_letter(school: IncidentsOfTest) -> None:
    with pytest.raises(UnknownIdError, match="no letter with that id"):
        school.incidents.letters.sent(school.ids["head"], "nothing", on=NOW.date())
