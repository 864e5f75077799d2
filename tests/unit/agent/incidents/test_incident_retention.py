"""How long what is kept lasts: by kind, from when it was closed, unless it is held or a warning still counts."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE, REASON, IncidentsOfTest, on_track

from agent.incidents.incident_corrections import Appeal
from agent.incidents.incident_letters import Wanted
from agent.incidents.incident_reports import Report
from agent.incidents.incident_retention import keep_until
from agent.storage.incident_rows import Filed, oldest_about_somebody, read_incidents
from agent.storage.letter_rows import LetterKind
from agent.storage.note_rows import read_notes
from agent.storage.record import verify
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.handbook import Citation, Handbook, Keeping
from rules.incident import Dismissal, State, Track
from rules.incident_kind import Kind
from rules.span import Span, Unit
from rules.words import NO_WORDS

MONTH = Span(1, Unit.MONTHS)


def school_that_keeps(folder: Path, **settings: Any) -> IncidentsOfTest:
    return IncidentsOfTest(folder, **settings)


def closed(school: IncidentsOfTest, kind: Kind = Kind.GAMBLING) -> Filed:
    """Close an incident that left everything behind that one can."""
    filed = school.open(kind)
    school.accept(filed, "head")
    purpose: dict[str, Any] = {"purpose": PURPOSE, "case": filed.number}
    school.incidents.looking.get(school.ids["head"], filed.incident.id, **purpose)
    school.incidents.letters.draft(school.ids["head"], filed.incident.id, Wanted(LetterKind.PARENTS), **purpose)
    school.do_all(filed)
    school.incidents.decisions.close(
        school.ids["head"], filed.incident.id, version=2, outcome="Pupil has understood", lesson="We talk about odds"
    )
    return school.filed(filed)


def dismissed(school: IncidentsOfTest) -> Filed:
    filed = school.open()
    school.incidents.decisions.dismiss(
        school.ids["head"], filed.incident.id, version=1, dismissal=Dismissal.LESSON, words=REASON
    )
    return school.filed(filed)


def test_at_its_time_nothing_personal_is_left(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path, keep={"gambling": MONTH})
    filed = closed(school)
    secrets = ("bet.example", filed.incident.subject, PURPOSE, "Pupil has understood", "Talked to everybody")
    assert all(secret in school.everything_stored() for secret in secrets)
    school.now = datetime(2026, 4, 2, 22, 59, tzinfo=NOW.tzinfo)
    assert school.incidents.keep() == 0
    # The end of 2 April in London, which is on summer time by then.
    school.now = datetime(2026, 4, 2, 23, 0, tzinfo=NOW.tzinfo)
    assert school.incidents.keep() == 1
    assert school.incidents.keep() == 0
    stored = school.everything_stored()
    assert [secret for secret in secrets if secret in stored] == []
    after = school.filed(filed)
    assert (after.incident.kind, after.incident.row, after.incident.state) == (Kind.GAMBLING, "P02", State.CLOSED)
    assert after.erased_at == school.now
    assert school.kinds()[-1] == "incident_erased"
    assert "personal_erased" in school.kinds()


def test_the_record_is_whole_after_an_erasure(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path, keep={"gambling": MONTH})
    closed(school)
    school.later(days=60)
    school.incidents.keep()
    with school.store.read() as database:
        assert verify(database, anchors_key=None).is_whole


@pytest.mark.parametrize(
    ("kind", "settings", "until"),
    [
        pytest.param(Kind.GAMBLING, {"keep": {"gambling": MONTH}}, (2026, 4, 2, 23), id="by-its-kind"),
        pytest.param(Kind.GAMES, {"keep": {"gambling": MONTH}}, (2029, 3, 3, 0), id="three-years-by-default"),
        pytest.param(Kind.GAMES, {"keep_others": MONTH}, (2026, 4, 2, 23), id="as-the-site-says"),
    ],
)
def test_how_long_it_is_kept(
    tmp_path: Path, kind: Kind, settings: dict[str, Any], until: tuple[int, int, int, int]
) -> None:
    school = school_that_keeps(tmp_path, **settings)
    expected = datetime(*until, tzinfo=NOW.tzinfo)
    assert keep_until(school.incidents.desk, closed(school, kind)) == expected


def test_what_came_to_nothing_goes_sooner(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path)
    assert keep_until(school.incidents.desk, dismissed(school)) == datetime(2026, 4, 2, 23, tzinfo=NOW.tzinfo)


def test_a_pack_says_how_long_breaches_are_kept(tmp_path: Path) -> None:
    cites = Citation("3", 1, NO_WORDS, "")
    keeping = Keeping("breaches", NO_WORDS, Span(5, Unit.YEARS), cites)
    school = school_that_keeps(tmp_path)
    (pack,) = school.incidents.desk.packs()
    pack = replace(pack, handbook=Handbook(roles=pack.handbook.roles, retention={"breaches": keeping}))
    desk = replace(school.incidents.desk, packs=lambda: (pack,))
    filed = closed(school, Kind.DATA_BREACH)
    assert keep_until(desk, filed) == datetime(2031, 3, 3, tzinfo=NOW.tzinfo)


def test_what_is_open_or_held_is_kept_however_long(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path, keep={"gambling": MONTH})
    school.open()
    filed = closed(school)
    held = school.incidents.corrections.hold(school.ids["head"], filed.incident.id, version=3, reason=REASON)
    on_track(school, Track.SEALED)
    school.later(days=3_650)
    assert school.incidents.keep() == 0
    school.incidents.corrections.release(school.ids["head"], filed.incident.id, version=held.version, reason=REASON)
    assert school.incidents.keep() == 1


def test_a_warning_that_still_counts_keeps_what_it_was_for(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path, keep={"bypass": MONTH})
    warned = school.warned()
    school.do_all(warned)
    school.incidents.decisions.close(
        school.ids["head"],
        warned.incident.id,
        version=2,
        outcome="He has understood it",
        lesson="We talk about it",
    )
    school.later(days=364)
    assert school.incidents.keep() == 0
    school.later(days=3)
    assert school.incidents.keep() == 1
    assert warned.incident.subject not in school.everything_stored()


def test_who_reported_and_what_goes_too(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path)
    school.incidents.reports.report(school.ids["pupil"], Report("He pushed me off my chair again"))
    with school.store.read() as database:
        (filed,) = read_incidents(database)
    school.incidents.decisions.dismiss(
        school.ids["head"], filed.incident.id, version=1, dismissal=Dismissal.DEALT_WITH, words=REASON
    )
    school.later(days=40)
    assert school.incidents.keep() == 1
    assert "pushed me" not in school.everything_stored()
    with school.store.read() as database:
        assert database.execute("SELECT reporter FROM reports").fetchone()["reporter"] is None
        assert all(entry.personal is None for entry in read_timeline(database, filed.incident.id, with_personal=True))


def test_what_is_erased_is_not_opened_again(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path)
    filed = dismissed(school)
    school.later(days=40)
    school.incidents.keep()
    with pytest.raises(RefusedRequestError, match="is erased, so there is nothing to open"):
        school.incidents.decisions.reopen(
            school.ids["head"],
            filed.incident.id,
            version=3,
            appeal=Appeal("The mother", NOW.date(), "She showed us that it was not him"),
        )


def test_notes_of_devices_go_with_the_activity(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path)
    observation = school.observation("")
    with school.store.act() as act:
        school.incidents.note_device(act, observation, school.assessment(observation, Kind.GAMES, ()))
    for days, left in ((30, 1), (1, 0)):
        school.later(days=days)
        assert school.incidents.keep() == 0
        with school.store.read() as database:
            assert len(read_notes(database)) == left


def test_the_oldest_pseudonym_says_which_keys_are_still_needed(tmp_path: Path) -> None:
    school = school_that_keeps(tmp_path)
    with school.store.read() as database:
        assert oldest_about_somebody(database) is None
    school.open(about="")
    dismissed(school)
    school.later(days=1)
    school.open()
    with school.store.read() as database:
        assert oldest_about_somebody(database) == NOW
    school.later(days=40)
    school.incidents.keep()
    with school.store.read() as database:
        assert oldest_about_somebody(database) == NOW + timedelta(days=1)
