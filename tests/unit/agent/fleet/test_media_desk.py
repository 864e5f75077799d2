"""What the services about media share."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from media_of_test import MediaOfTest

from agent.people.attempts import UnknownIdError
from rules.errors import RefusedRequestError


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def test_a_day_ends_at_midnight_of_the_school(school: MediaOfTest) -> None:
    desk = school.media.desk
    assert desk.end_of(date(2026, 7, 1)) == datetime(2026, 7, 1, 23, 0, tzinfo=UTC)
    assert desk.day_of(datetime(2026, 7, 1, 23, 0, tzinfo=UTC)) == date(2026, 7, 2)


@pytest.mark.parametrize(
    ("who", "may_see"),
    [("teacher", True), ("technician", True), ("head", True), ("five", False), ("lead", False)],
)
def test_a_person_sees_their_own_and_whoever_manages_media_all(school: MediaOfTest, who: str, may_see: bool) -> None:
    school.register()
    with school.store.read() as database:
        if may_see:
            assert school.media.desk.seen(database, school.ids[who], 1)[1].number == 1
        else:
            with pytest.raises(UnknownIdError):
                school.media.desk.seen(database, school.ids[who], 1)


def test_whoever_has_a_medium_sees_it(school: MediaOfTest) -> None:
    school.take(school.register(), "technician", for_="five")
    with school.store.read() as database:
        assert school.media.desk.seen(database, school.ids["five"], 1)[1].owner == school.ids["teacher"]


def test_whoever_left_does_nothing(school: MediaOfTest) -> None:
    with school.store.act() as act:
        school.people.close(act, school.ids["teacher"], actor=school.ids["head"])
    with pytest.raises(RefusedRequestError, match="Nobody at this school is known by that id"):
        school.register()
