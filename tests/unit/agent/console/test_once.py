"""What a form does once: by its number and what was typed, for an hour, and only the newest."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from api_of_test import SchoolOfTest
from starlette.requests import Request

from agent.api.security import Caller
from agent.console.once import FIELD, KNOWN_FOR, MOST_KNOWN, SHOWN_FOR, Once
from agent.console.page import Page
from agent.console.typed import Typed
from agent.texts import load_texts


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def sent(
    school: SchoolOfTest,
    number: str,
    text: str = "Words",
    *,
    path: str = "/x",
    person: str = "p1",
    file: bytes = b"",
) -> Page:
    request = Request({"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""})
    typed = Typed({FIELD: [number], "text": [text], "csrf": [text + number]}, {"file": file})
    who = Caller(person, frozenset(), frozenset(), proof="x", csrf="y")
    return Page(request, school.parts, load_texts("en"), who=who, typed=typed)


def counting() -> tuple[list[int], "Once[int]"]:
    return [], Once()


def test_what_is_sent_again_gets_the_first_answer(school: SchoolOfTest) -> None:
    done, once = counting()

    def act() -> int:
        done.append(1)
        return len(done)

    assert once.do(sent(school, "a"), act) == (1, True)
    assert once.do(sent(school, "a"), act) == (1, False)
    others = (
        sent(school, "b"),
        sent(school, "a", path="/y"),
        sent(school, "a", person="p2"),
        sent(school, "a", "Other words"),
        sent(school, "a", file=b"other"),
    )
    for other in others:
        assert once.do(other, act)[1]
    assert len(done) == 6


def test_only_the_last_that_a_form_did_is_known(school: SchoolOfTest) -> None:
    once = Once[int]()
    for text in ("A", "B", "A"):
        assert once.do(sent(school, "a", text), lambda: 1)[1]


def test_an_answer_that_is_not_to_be_kept_is_made_each_time(school: SchoolOfTest) -> None:
    once = Once[int]()
    assert [once.do(sent(school, "a"), lambda: 1, is_kept=lambda _: False)[1] for _ in range(2)] == [True, True]


@pytest.mark.parametrize("fails", [False, True])
def test_a_second_one_waits_for_the_first_and_ends_as_it_does(school: SchoolOfTest, *, fails: bool) -> None:
    once, begun, may_end, done = Once[int](), Event(), Event(), []

    def act() -> int:
        done.append(1)
        begun.set()
        assert may_end.wait(20)
        if fails:
            raise ValueError("It was refused.")
        return len(done)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.do, sent(school, "a"), act)
        assert begun.wait(20)
        second = pool.submit(once.do, sent(school, "a"), act)
        # Another form waits for neither.
        assert once.do(sent(school, "b"), lambda: 7) == (7, True)
        may_end.set()
        ends = [repr(each.exception(20) or each.result()[0]) for each in (first, second)]
    assert ends == [repr(ValueError("It was refused.")) if fails else "1"] * 2


def test_what_has_no_number_is_done_each_time(school: SchoolOfTest) -> None:
    once = Once[int]()
    assert [once.do(sent(school, ""), lambda: 1)[1] for _ in range(2)] == [True, True]


def test_what_failed_may_be_sent_again(school: SchoolOfTest) -> None:
    once = Once[int]()

    def fail() -> int:
        raise ValueError("It was refused.")

    with pytest.raises(ValueError, match="refused"):
        once.do(sent(school, "a"), fail)
    assert once.do(sent(school, "a"), lambda: 2) == (2, True)


def test_an_answer_is_known_for_an_hour(school: SchoolOfTest) -> None:
    once = Once[int]()
    once.do(sent(school, "a"), lambda: 1)
    school.now += KNOWN_FOR - timedelta(seconds=1)
    assert once.do(sent(school, "a"), lambda: 2) == (1, False)
    school.now += timedelta(seconds=1)
    assert once.do(sent(school, "a"), lambda: 2) == (2, True)


def is_shown(_: int) -> bool:
    return True


def test_an_answer_that_shows_something_is_given_again_for_two_minutes(school: SchoolOfTest) -> None:
    once, at = Once[int](), school.now
    assert once.done_at(sent(school, "a"), is_shown=is_shown) is None
    once.do(sent(school, "a"), lambda: 1)
    school.now += SHOWN_FOR - timedelta(seconds=1)
    assert once.done_at(sent(school, "a"), is_shown=is_shown) is None
    school.now += timedelta(seconds=1)
    assert once.done_at(sent(school, "a"), is_shown=is_shown) == at
    assert once.done_at(sent(school, "a"), is_shown=lambda _: False) is None
    assert once.done_at(sent(school, "a", "Other words"), is_shown=is_shown) is None
    school.now = at + KNOWN_FOR
    assert once.done_at(sent(school, "a"), is_shown=is_shown) is None


def test_an_answer_that_shows_something_is_old_when_its_sender_did_something_else(school: SchoolOfTest) -> None:
    once = Once[int]()
    once.do(sent(school, "a"), lambda: 1)
    once.do(sent(school, "b", person="p2"), lambda: 1)
    assert once.done_at(sent(school, "a"), is_shown=is_shown) is None
    once.do(sent(school, "b", path="/y"), lambda: 1)
    assert once.done_at(sent(school, "a"), is_shown=is_shown) == school.now


def test_only_the_newest_are_known(school: SchoolOfTest) -> None:
    once = Once[int]()
    for number in range(MOST_KNOWN + 1):
        once.do(sent(school, f"n{number}"), lambda: 1)
    assert not once.do(sent(school, "n1"), lambda: 2)[1]
    assert once.do(sent(school, "n0"), lambda: 2)[1]
