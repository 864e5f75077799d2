"""What was asked, day by day: weighed once, whoever stops when, and again where it is told late who it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from observing_of_test import GAMBLING, MINUTE, PUPIL_DEVICE, ObservingOfTest

from agent.storage.presence_rows import read_presence
from agent.storage.timeline_rows import read_timeline
from rules.errors import StorageError
from rules.incident_kind import Kind

FIVE = GAMBLING[:5]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    opened.now = NOW + timedelta(minutes=10)
    yield opened
    opened.store.close()


def timeline(school: ObservingOfTest, place: int = 0) -> list[Any]:
    incident = school.filed_all()[place].incident.id
    with school.store.read() as database:
        return [each for each in read_timeline(database, incident, with_personal=True) if each.observation]


# ---- once, whoever stops when --------------------------------------------------------------------------------------


def outcome_of(school: ObservingOfTest) -> tuple[Any, ...]:
    (filed,) = school.filed_all()
    counts = {key: times for key, times in school.counts().items() if "sign_ins" not in key}
    return filed.incident.intent, filed.version, [each.observation for each in timeline(school)], counts


def test_looking_again_changes_nothing(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE)
    school.look()
    before = outcome_of(school)
    school.look()
    school.begin()
    school.look()
    assert outcome_of(school) == before


def test_a_start_between_any_two_questions_changes_nothing(tmp_path: Path) -> None:
    outcomes = []
    for name, has_starts in (("one", False), ("many", True)):
        school = ObservingOfTest(tmp_path / name)
        school.now = NOW + timedelta(minutes=10)
        school.sign_in("pupil")
        for number, each in enumerate(GAMBLING):
            school.ask(each, at=NOW + number * MINUTE)
            if has_starts:
                school.begin()
            school.look()
        (filed,) = school.filed_all()
        outcomes.append((filed.incident.intent, filed.incident.reasons, len(timeline(school)), school.counts()))
        school.store.close()
    assert outcomes[0] == outcomes[1]


def test_what_could_not_be_stored_is_weighed_once_it_can(school: ObservingOfTest, tmp_path: Path) -> None:
    school.sign_in("pupil")
    school.look()
    school.ask(*FIVE)
    with closing(sqlite3.connect(school.store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError):
            school.look()
        other.execute("ROLLBACK")
    school.look()
    undisturbed = ObservingOfTest(tmp_path / "undisturbed")
    undisturbed.now = school.now
    undisturbed.sign_in("pupil")
    undisturbed.ask(*FIVE)
    undisturbed.look()
    assert school.counts() == undisturbed.counts()
    assert len(timeline(school)) == len(timeline(undisturbed)) == 5
    undisturbed.store.close()


def test_a_turn_that_is_over_leaves_the_rest_to_the_next(school: ObservingOfTest) -> None:
    school.begin(turn_seconds=4.5, monotonic=iter(range(10**9)).__next__)
    school.sign_in("pupil")
    for days in range(5):
        school.ask(*FIVE, at=NOW - timedelta(days=days))
    school.sign_in(
        "pupil", from_at=NOW - timedelta(days=4, minutes=30), until_at=NOW - timedelta(days=4, hours=-1), id="s4"
    )
    turns = 1
    while school.observing.look():
        turns += 1
    assert turns > 1
    assert sum(note.times for note in school.notes()) + sum(len(timeline(school, place)) for place in range(2)) >= 10


def test_what_is_new_waits_for_who_else_asks_the_same_but_not_for_long(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE, at=school.now - MINUTE)
    school.look()
    assert (school.filed_all(), school.counts()) == ([], {"sign_ins accepted": 1})
    school.now += timedelta(minutes=8)
    school.look()
    assert len(timeline(school)) == 5


def test_what_is_illegal_waits_for_nothing(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask("blue-bets.example", at=school.now - MINUTE)
    school.ask("crime-site.example", category="criminal_activity", at=school.now)
    school.look()
    assert [filed.incident.kind for filed in school.filed_all()] == [Kind.ILLEGAL]


def test_a_page_that_the_whole_class_opens_is_nobodys_choice(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    for number in range(8, 20):
        school.ask(*FIVE, device=f"192.0.2.{number}", at=NOW + MINUTE)
    school.ask(*FIVE)
    school.look()
    assert (school.filed_all(), school.notes()) == ([], [])
    assert school.counts()["ignored background"] == 65


def test_a_day_that_comes_late_is_weighed(school: ObservingOfTest) -> None:
    yesterday = NOW - timedelta(days=1)
    school.sign_in("pupil")
    school.sign_in("pupil", from_at=yesterday - 30 * MINUTE, until_at=yesterday + 60 * MINUTE, id="yesterday")
    school.ask(*FIVE)
    school.look()
    school.ask(*FIVE, at=yesterday)
    school.look()
    assert [filed.incident.opened_at for filed in school.filed_all()] == [NOW, yesterday]


def test_another_file_of_the_same_day_is_read_from_its_beginning(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE)
    school.look()
    file = school.folder / "activity" / f"activity-{NOW.date()}.db"
    file.rename(file.with_name(f"{file.name}.corrupt"))
    school.ask("pink-bets.example", at=NOW + 6 * MINUTE)
    school.look()
    assert [each.personal["name"] for each in timeline(school)] == [*FIVE, "pink-bets.example"]
    file.unlink()
    school.look()
    assert len(school.filed_all()) == 1


def test_a_file_that_cannot_be_read_keeps_nobody_from_the_others(school: ObservingOfTest) -> None:
    (school.folder / "activity").mkdir(exist_ok=True)
    (school.folder / "activity" / "activity-2026-03-01.db").write_bytes(b"nothing of the kind" * 100)
    school.sign_in("pupil")
    school.ask(*FIVE)
    school.look()
    assert len(school.filed_all()) == 1


def test_a_clock_that_is_ahead_opens_nothing(school: ObservingOfTest) -> None:
    school.sign_in("pupil", until_at=NOW + timedelta(hours=5))
    school.ask(*FIVE, at=NOW + timedelta(hours=3))
    school.look()
    assert school.filed_all() == []
    assert school.counts()["ignored from_the_future"] == 5


def test_other_rules_weigh_by_what_was_before_too(school: ObservingOfTest) -> None:
    school.sign_in("pupil")
    school.ask(*FIVE[:2])
    school.look()
    assert school.filed_all() == []
    assessment = replace(school.site.private.assessment, open_at=30)
    school.site = replace(school.site, private=replace(school.site.private, assessment=assessment))
    school.ask(FIVE[2], at=NOW + 3 * MINUTE)
    school.look()
    assert len(timeline(school)) == 3


# ---- who it was, told late -----------------------------------------------------------------------------------------


def test_who_it_was_may_be_told_afterwards(school: ObservingOfTest) -> None:
    school.ask(*FIVE)
    school.look()
    assert (len(school.filed_all()), len(school.notes())) == (0, 1)
    school.sign_in("pupil")
    school.look()
    assert [each.personal["name"] for each in timeline(school)] == list(FIVE)
    school.look()
    school.begin()
    school.look()
    assert len(timeline(school)) == 5
    with school.store.read() as database:
        told = read_presence(database, f"pupil@{PUPIL_DEVICE}")
    assert told is not None
    assert told.looked_back_at == school.now
