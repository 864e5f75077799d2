"""Incidents by week and row, and precision: nothing that tells of somebody, for whoever knows of no single case."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest, on_track

from agent.console.charts.incident_figures import (
    Incidents,
    Precisions,
    count_incidents,
    count_precision,
    read_opened,
)
from agent.console.charts.periods import Period
from rules.incident import Dismissal, Track
from rules.incident_kind import Kind
from rules.small_numbers import Hidden

PERIOD = Period(date(2026, 2, 2), date(2026, 3, 8))
END = NOW + timedelta(days=1)
LABELS = {"P02": "Betting and games for money", "P03": "Games for amusement"}


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def figures(school: IncidentsOfTest, small_number: int = 0) -> Incidents:
    with school.store.read() as database:
        opened = read_opened(database, PERIOD, timezone="Europe/London", until=END, small_number=small_number)
    return count_incidents(opened, LABELS)


def precision(school: IncidentsOfTest, small_number: int = 0) -> Precisions:
    with school.store.read() as database:
        opened = read_opened(database, PERIOD, timezone="Europe/London", until=END, small_number=small_number)
    return count_precision(opened)


def open_in_week(school: IncidentsOfTest, week: int, times: int, *, row: str = "P02") -> None:
    school.now = NOW - timedelta(weeks=4 - week)
    for _ in range(times):
        school.open(rows=(row,))
    school.now = NOW


def decide(school: IncidentsOfTest, *, accepted: int, dismissed: int, kind: Kind = Kind.GAMBLING) -> None:
    for number in range(accepted + dismissed):
        filed = school.open(kind)
        if number < accepted:
            school.accept(filed)
        else:
            school.incidents.decisions.dismiss(
                school.ids["coordinator"], filed.incident.id, version=1, dismissal=Dismissal.BACKGROUND, words=REASON
            )


def test_incidents_are_counted_by_week_by_row_and_by_both(school: IncidentsOfTest) -> None:
    open_in_week(school, 0, 2)
    open_in_week(school, 4, 1)
    open_in_week(school, 4, 1, row="P03")
    found = figures(school)
    assert (found.by_time, found.total) == ((2, 0, 0, 0, 2), 4)
    assert [(each.row, each.label, each.count) for each in found.by_row] == [
        ("P02", "Betting and games for money", 3),
        ("P03", "Games for amusement", 1),
    ]
    assert found.by_both == {"P02": (2, 0, 0, 0, 1), "P03": (0, 0, 0, 0, 1)}


def test_what_was_dismissed_was_none(school: IncidentsOfTest) -> None:
    decide(school, accepted=1, dismissed=2)
    assert figures(school).total == 1


def test_what_is_older_is_not_counted(school: IncidentsOfTest) -> None:
    open_in_week(school, -1, 3)
    assert figures(school).total == 0


def test_small_numbers_are_hidden_with_one_beside_them(school: IncidentsOfTest) -> None:
    for week, times in ((0, 7), (1, 6), (2, 1), (3, 5), (4, 8)):
        open_in_week(school, week, times)
    found = figures(school, 5)
    assert found.by_time == (7, 6, Hidden.FEW, Hidden.BESIDE, 8)
    assert found.by_both == {}
    assert found.small_number == 5


def test_rows_that_have_few_are_not_told_from_rows_that_have_none(school: IncidentsOfTest) -> None:
    open_in_week(school, 4, 9)
    one = {each.row: each.count for each in figures(school, 5).by_row}
    open_in_week(school, 4, 1, row="P03")
    other = {each.row: each.count for each in figures(school, 5).by_row}
    assert one == other == {"P02": 9, "P03": Hidden.FEW, "none": Hidden.FEW} | {"P02": Hidden.BESIDE}


def test_a_total_that_one_table_hides_the_other_does_not_tell(school: IncidentsOfTest) -> None:
    open_in_week(school, 4, 5)
    found = figures(school, 5)
    assert isinstance(found.total, Hidden)
    assert not [each for each in (*found.by_time, *(each.count for each in found.by_row)) if isinstance(each, int)]


@pytest.mark.parametrize("track", [Track.RESTRICTED, Track.SEALED])
def test_what_few_know_of_is_in_no_picture_for_others(school: IncidentsOfTest, track: Track) -> None:
    open_in_week(school, 4, 20)
    before = figures(school, 5)
    on_track(school, track)
    assert figures(school, 5) == before
    assert figures(school).total == 21


def test_precision_is_the_share_that_was_accepted_of_those_that_were_decided(school: IncidentsOfTest) -> None:
    decide(school, accepted=1, dismissed=3)
    school.open()
    found = precision(school)
    assert (found.whole.accepted, found.whole.decided, found.whole.share) == (1, 4, 0.25)
    assert [(kind, each.share) for kind, each in found.by_kind] == [(Kind.GAMBLING, 0.25)]
    assert [each.share for each in found.by_time] == [None, None, None, None, 0.25]


def test_without_a_decision_there_is_no_precision(school: IncidentsOfTest) -> None:
    school.open()
    assert precision(school).by_kind == ()


def test_a_share_that_tells_of_few_is_hidden_and_no_count_is_told(school: IncidentsOfTest) -> None:
    decide(school, accepted=5, dismissed=5)
    decide(school, accepted=5, dismissed=4, kind=Kind.GAMES)
    decide(school, accepted=0, dismissed=1, kind=Kind.BYPASS)
    found = precision(school, 5)
    assert dict(found.by_kind)[Kind.GAMBLING].share == 0.5
    assert dict(found.by_kind)[Kind.GAMES].share is Hidden.FEW
    assert {each.decided for _, each in found.by_kind} == {None}


def test_what_few_have_in_common_the_whole_does_not_tell_either(school: IncidentsOfTest) -> None:
    decide(school, accepted=5, dismissed=5)
    decide(school, accepted=10, dismissed=5, kind=Kind.PORNOGRAPHY)
    decide(school, accepted=5, dismissed=1, kind=Kind.GAMES)
    found = precision(school, 5)
    shares = dict(found.by_kind)
    assert shares[Kind.GAMES].share is Hidden.FEW
    assert shares[Kind.GAMBLING].share is Hidden.BESIDE, "the smallest that could be told"
    assert shares[Kind.PORNOGRAPHY].share == pytest.approx(2 / 3)
    assert found.whole.share == pytest.approx(2 / 3)


def test_one_candidate_more_that_was_accepted_moves_no_share(school: IncidentsOfTest) -> None:
    decide(school, accepted=5, dismissed=5)
    before = precision(school, 5)
    decide(school, accepted=1, dismissed=0)
    assert precision(school, 5) == before


def test_a_kind_that_few_cases_were_of_is_not_told_from_one_of_which_there_was_none(school: IncidentsOfTest) -> None:
    decide(school, accepted=5, dismissed=5)
    before = precision(school, 5)
    decide(school, accepted=1, dismissed=0, kind=Kind.BYPASS)
    after = precision(school, 5)
    assert [kind for kind, _ in before.by_kind] == sorted(Kind, key=lambda kind: kind.value)
    assert after == before


def test_what_was_opened_or_decided_since_is_not_counted(school: IncidentsOfTest) -> None:
    filed = school.open()
    midnight = school.later(days=1)
    school.accept(filed)
    school.open(Kind.GAMES)
    with school.store.read() as database:
        opened = read_opened(database, PERIOD, timezone="Europe/London", until=midnight)
    assert (count_incidents(opened, LABELS).total, count_precision(opened).whole.decided) == (1, 0)


def test_where_the_weeks_hide_their_total_no_row_gives_it_away(school: IncidentsOfTest) -> None:
    open_in_week(school, 0, 5)
    open_in_week(school, 1, 1)
    open_in_week(school, 1, 7, row="P03")
    found = figures(school, 5)
    assert isinstance(found.total, Hidden)
    assert not [each for each in (*found.by_time, *(each.count for each in found.by_row)) if isinstance(each, int)]
