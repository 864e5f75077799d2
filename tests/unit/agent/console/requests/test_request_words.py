"""Words for requests: every state and move has some, in every language."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.api.schemas import OverrideTold, PersonNamed, SuspensionTold
from agent.console.requests.request_words import (
    category_words,
    end_after,
    first_of,
    lengths,
    procedures_of,
    what_words,
    where_words,
    whom_words,
    words_of_move,
    words_of_state,
    words_of_suspension,
)
from agent.sites.site_packs import load_pack
from agent.texts import load_texts
from rules import override, suspension
from rules.schedule import Schedule, Window

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
LESSONS = (Schedule("lessons", "Europe/London", (Window(frozenset(range(5)), 540, 600),)),)
ENGLISH = load_texts("en")


def told(**changes: Any) -> OverrideTold:
    values: dict[str, Any] = {
        "id": "x1",
        "version": 1,
        "state": "approved",
        "requester": PersonNamed(id="p1", name="Tess"),
        "names": ["bet.example"],
        "categories": [],
        "lifts": ["gambling"],
        "audiences": [],
        "groups": ["year5"],
        "from_at": NOW,
        "until_at": NOW + timedelta(hours=1),
        "reason": "because",
        "topic": "",
        "is_break_glass": False,
        "approvers": [],
        "requested_at": NOW,
        "decided_at": NOW,
        "decision_reason": "",
    }
    return OverrideTold(**values | changes)


def suspended(**changes: Any) -> SuspensionTold:
    values: dict[str, Any] = {
        "id": "x1",
        "version": 1,
        "state": "agreed",
        "requester": PersonNamed(id="p1", name="Tim"),
        "networks": ["classrooms"],
        "groups": ["year5"],
        "is_for_school": False,
        "reason": "because",
        "from_at": NOW,
        "until_at": NOW + timedelta(hours=1),
    }
    return SuspensionTold(**values | changes)


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
def test_every_state_and_every_move_has_words(language: str) -> None:
    texts = load_texts(language)
    assert all(words_of_state(told(state=each.value), NOW, texts)[0] for each in override.State)
    assert all(words_of_suspension(suspended(state=each.value), NOW, texts)[0] for each in suspension.State)
    moves = [words_of_move(each.value, texts) for each in override.Move]
    assert not set(moves) & {each.value for each in override.Move if each is not override.Move.REFUSE}


@pytest.mark.parametrize(
    ("changes", "after", "words"),
    [
        pytest.param({}, 0, "Open now", id="open"),
        pytest.param({"from_at": NOW + timedelta(minutes=5)}, 0, "Approved, begins later", id="later"),
        pytest.param({}, 60, "Over", id="over-by-the-clock"),
        pytest.param({"is_break_glass": True}, 0, "Emergency, waits to be countersigned", id="emergency"),
        pytest.param(
            {"is_break_glass": True, "approvers": [PersonNamed(id="p2", name="Hana")]}, 0, "Open now", id="signed"
        ),
        pytest.param({"state": "ended"}, 60, "Over", id="ended"),
        pytest.param({"state": "ended", "decided_at": None}, 60, "Over before it was decided", id="undecided"),
        pytest.param(
            {"state": "ended", "is_break_glass": True},
            60,
            "Emergency, waits to be countersigned",
            id="ended-emergency",
        ),
    ],
)
def test_how_it_stands_is_told_by_the_clock_and_by_who_decided(
    changes: dict[str, Any], after: int, words: str
) -> None:
    assert words_of_state(told(**changes), NOW + timedelta(minutes=after), ENGLISH)[0] == words


def test_a_suspension_is_told_by_the_clock() -> None:
    minutes = [(-1, "Agreed, begins later"), (0, "Filtering is off there now"), (60, "Over")]
    for after, words in minutes:
        assert words_of_suspension(suspended(), NOW + timedelta(minutes=after), ENGLISH)[0] == words
    assert words_of_suspension(suspended(state="ended"), NOW, ENGLISH)[0] == "Over before it was decided"
    agreed = suspended(state="ended", agreed_by=PersonNamed(id="p2", name="Hana"))
    assert words_of_suspension(agreed, NOW, ENGLISH)[0] == "Over"
    assert where_words(suspended(), ENGLISH) == "classrooms and year5"
    assert where_words(suspended(is_for_school=True), ENGLISH) == "the whole school"


def test_what_it_is_about_and_for_whom() -> None:
    assert what_words(told(names=[f"{each}.example" for each in "abcde"]), ENGLISH) == (
        "a.example, b.example, c.example and 2 more"
    )
    assert what_words(told(names=[], categories=["gambling"]), ENGLISH) == "Gambling"
    assert first_of([], ENGLISH) == ""
    assert category_words(["name:x.example", "gambling"], ENGLISH) == ["Gambling", "name:x.example"]
    assert whom_words(["year5", "year6"], [], ENGLISH) == "year5 and year6"
    assert whom_words(["year5"], ["pupil"], ENGLISH) == "pupils (year5)"
    assert whom_words([], ["staff"], ENGLISH) == "staff"
    assert whom_words([], [], ENGLISH) == "everybody"


def test_this_lesson_is_offered_where_one_is_on_and_it_fits() -> None:
    assert lengths(LESSONS, NOW, ENGLISH)[0][0] == "lesson"
    assert lengths((), NOW, ENGLISH)[0][0] == "15m"
    short = [value for value, _ in lengths(LESSONS, NOW, ENGLISH, at_most=timedelta(minutes=30))]
    assert short == ["15m", "30m"]


def test_every_length_that_is_offered_has_an_end() -> None:
    for value, _ in lengths(LESSONS, NOW, ENGLISH):
        end = end_after(value, LESSONS, "Europe/London", start=NOW)
        assert end is not None
        assert end > NOW
    assert end_after("lesson", (), "Europe/London", start=NOW) is None
    assert end_after("for ever", LESSONS, "Europe/London", start=NOW) is None


def test_what_the_documents_of_the_school_want_is_told_with_its_place() -> None:
    packs = [load_pack("uk-esafety"), load_pack("nl-avg")]
    (found,) = procedures_of(packs, "override", ENGLISH)
    assert found.title == "Opening a blocked site for lessons"
    assert "213" in found.place
    assert len(found.steps) == 3
    assert procedures_of(packs, "nothing", ENGLISH) == []
