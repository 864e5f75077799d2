"""The banner: told with every answer while filtering is off somewhere, and not a moment longer."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from api_of_test import NOW, REASON, SchoolOfTest, Visitor

from agent.api.banner import HEADER, Off, read_off, where_in_words, write_notice
from rules.roles import Role
from rules.suspension import Extent


def agreed(manager: Visitor, head: Visitor, **asked: Any) -> str:
    """Ask for a suspension of an hour, of the school if nothing else is said, agree, and give its id."""
    whom = {} if asked.keys() & {"groups", "networks"} else {"is_for_school": True}
    body = {"reason": REASON, "until_at": (NOW + timedelta(hours=1)).isoformat()} | whom | asked
    made = manager.post("/suspensions", body)
    assert made.status_code == 201, made.text
    told = head.post(f"/suspensions/{made.json()['id']}/agree", version=1)
    assert told.status_code == 200, told.text
    return str(made.json()["id"])


@pytest.fixture
def two(school: SchoolOfTest) -> tuple[Visitor, Visitor]:
    """Give one who asks and one who agrees."""
    head = school.person("Head", Role.HEAD_TEACHER)
    with school.store.act() as act:
        school.parts.people.change(act, head.person, name="Zoë", actor="system")
    return school.person("Manager", Role.NETWORK_MANAGER), head


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def notice(visitor: Visitor, path: str = "/me") -> dict[str, list[str]]:
    response = visitor.get(path)
    return parse_qs(response.headers.get(HEADER, ""))


def test_while_filtering_is_on_there_is_none(school: SchoolOfTest) -> None:
    assert HEADER not in school.person("Teacher", Role.TEACHER).get("/me").headers


def test_it_stands_beside_every_answer_also_a_refusal(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    agreed(*two)
    told = {"filtering": ["off"], "where": ["the school"], "until": ["2026-03-02T10:15:00+00:00"], "by": ["Zoë"]}
    assert notice(teacher) == told
    assert notice(teacher, "/people") == told, "a refusal"
    assert notice(teacher, "/overrides/nothing") == told
    assert parse_qs(teacher.sign_in().headers[HEADER]) == told
    assert HEADER not in school.stranger().get("/me").headers
    assert HEADER not in school.stranger().get("/health").headers


def test_whoever_has_no_right_is_not_told_who_agreed(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    pupil = school.person("Pupil", Role.PUPIL)
    agreed(*two)
    assert notice(pupil).keys() == {"filtering", "where", "until"}


@pytest.mark.parametrize(
    ("asked", "where"), [({}, "the school"), ({"networks": ["classrooms"]}, "a part of the school")]
)
def test_whoever_only_counts_is_told_neither_which_part_it_is_nor_who_agreed(
    school: SchoolOfTest, two: tuple[Visitor, Visitor], asked: dict[str, Any], where: str
) -> None:
    governor = school.person("Governor", Role.ESAFETY_GOVERNOR)
    both = school.person("Both", Role.ESAFETY_GOVERNOR, Role.TEACHER)
    agreed(*two, **asked)
    assert notice(governor) == {"filtering": ["off"], "where": [where], "until": ["2026-03-02T10:15:00+00:00"]}
    (told,) = governor.get("/status").json()["suspensions"]
    assert (told["where"], told["agreed_by"]) == (where, None)
    assert notice(both)["by"] == ["Zoë"]


def test_it_goes_with_the_suspension(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    suspension = agreed(*two)
    other = school.person("Other", Role.NETWORK_MANAGER)
    ended = other.post(f"/suspensions/{suspension}/end", version=2)
    assert (ended.status_code, HEADER in ended.headers) == (200, False)


def test_it_goes_by_the_clock(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    agreed(*two, until_at=(NOW + timedelta(minutes=10)).isoformat())
    school.now += timedelta(minutes=10)
    assert not notice(teacher)


def test_what_has_not_begun_is_none(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    agreed(*two, from_at=(NOW + timedelta(minutes=30)).isoformat())
    with school.store.read() as database:
        assert read_off(database, NOW) == []
        assert len(read_off(database, NOW + timedelta(minutes=30))) == 1


def test_a_state_that_cannot_be_read_takes_no_answer_away(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    with school.store.act() as act:
        act.database.execute("ALTER TABLE suspensions RENAME TO elsewhere")
    assert teacher.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        (Extent(is_for_school=True), "the school"),
        (Extent(groups=frozenset({"year-6", "year-5"})), "year-5, year-6"),
        (Extent(networks=frozenset({"library"}), groups=frozenset("abcd")), "library, a, b and 2 more"),
    ],
    ids=["school", "groups", "many"],
)
def test_where(extent: Extent, words: str) -> None:
    assert where_in_words(extent) == words


def off(where: str, until_at: datetime = NOW) -> Off:
    return Off("s1", where, NOW, until_at, "p1", "=&;é\r\n")


def test_one_line_tells_of_several_and_is_ascii() -> None:
    written = write_notice([off("the school"), off("year-6"), off("year-5")])
    assert written is not None
    assert written.isascii()
    assert written.isprintable()
    assert parse_qs(written)["by"] == ["=&;é\r\n"]
    assert parse_qs(written)["more"] == ["2"]


def test_the_school_goes_first_then_what_lasts_longest(school: SchoolOfTest, two: tuple[Visitor, Visitor]) -> None:
    agreed(*two, groups=["year5"])
    agreed(*two, groups=["year6"], until_at="2026-03-02T12:00:00+00:00")
    agreed(*two)
    with school.store.read() as database:
        assert [each.where for each in read_off(database, NOW)] == ["the school", "year6", "year5"]
