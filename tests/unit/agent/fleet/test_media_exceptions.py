"""What may be used although nothing protects it: asked for, decided by another, and over by itself."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from media_of_test import MediaOfTest

from agent.fleet.media_exceptions import Asked
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.permit_rows import read_exceptions
from rules.errors import RefusedRequestError
from rules.medium import ExceptionState, MediumException, Stated
from rules.span import Span, Unit

UNTIL = date(2026, 3, 20)
ASKED = Asked("The museum takes no other", UNTIL)


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    found = MediaOfTest(tmp_path)
    found.register(serial="AB-1", stated=Stated.PLAIN)
    return found


def ask(school: MediaOfTest, by: str = "teacher", asked: Asked = ASKED) -> MediumException:
    return school.media.exceptions.ask(school.ids[by], 1, asked)


def in_force(school: MediaOfTest, serial: str = "AB-1") -> int | None:
    register = school.media.register
    with school.store.read() as database:
        found = register.exception_for(database, register.serial_key("", "", serial), school.now)
    return None if found is None else found.number


def test_it_is_let_pass_by_another_to_the_end_of_its_day_at_the_school(school: MediaOfTest) -> None:
    exception = ask(school)
    assert (exception.state, in_force(school)) == (ExceptionState.WAITING, None)
    assert school.notices[-1] == ("media_waits", "M-1", "E-1", frozenset(), frozenset({"decide_media_exception"}))
    school.media.exceptions.allow(school.ids["head"], 1, version=1)
    assert (in_force(school), in_force(school, "AB-2")) == (1, None)
    school.now = exception.until_at - timedelta(seconds=1)
    assert (in_force(school), school.media.exceptions.sweep()) == (1, 0)
    school.later(seconds=1)
    assert in_force(school) is None
    assert (school.media.exceptions.sweep(), school.media.exceptions.sweep()) == (1, 0)
    assert school.notices[-1] == ("media_decided", "M-1", "E-1", frozenset({"teacher"}), frozenset())
    assert school.kinds()[-3:] == ["media_exception_asked", "media_exception_allowed", "media_exception_ended"]


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("technician", "the right to decide media exception"),
        ("teacher", "the right to decide media exception"),
        ("five", "There is no exception"),
    ],
)
def test_who_does_not_decide(school: MediaOfTest, by: str, why: str) -> None:
    ask(school)
    with pytest.raises(RefusedRequestError, match=why):
        school.media.exceptions.allow(school.ids[by], 1, version=1)


def test_nobody_decides_about_their_own(school: MediaOfTest) -> None:
    school.register("head", serial="AB-2")
    school.media.exceptions.ask(school.ids["head"], 2, ASKED)
    with pytest.raises(RefusedRequestError, match="somebody else must decide"):
        school.media.exceptions.allow(school.ids["head"], 1, version=1)
    other = school.ids["coordinator"]
    assert school.media.exceptions.allow(other, 1, version=1).decided_by == other


def test_nobody_who_was_given_the_medium_meanwhile_decides_about_it(school: MediaOfTest) -> None:
    ask(school)
    school.media.register.change(school.ids["head"], 1, version=1, changes={"owner": school.ids["coordinator"]})
    with pytest.raises(RefusedRequestError, match="somebody else must decide"):
        school.media.exceptions.allow(school.ids["coordinator"], 1, version=1)


def test_only_its_owner_asks_and_once(school: MediaOfTest) -> None:
    with pytest.raises(RefusedRequestError, match="Only whoever answers for M-1"):
        ask(school, "technician")
    with pytest.raises(UnknownIdError):
        ask(school, "five")
    ask(school)
    with pytest.raises(RefusedRequestError, match=r"asked for already \(E-1\)"):
        ask(school)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked("?", UNTIL), "The purpose is missing"),
        (Asked("The museum takes no other", date(2026, 3, 1)), "expected 2026-03-02 or later"),
        (Asked("The museum takes no other", date(2026, 12, 1)), "allows none beyond 2026-06-01"),
    ],
    ids=["no-purpose", "end-before-start", "longer-than-the-school-allows"],
)
def test_what_nobody_is_let(school: MediaOfTest, asked: Asked, why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        ask(school, asked=asked)


def test_the_site_says_how_long_one_may_last(school: MediaOfTest) -> None:
    school.settle(exception_longest=Span(1, Unit.WEEKS))
    with pytest.raises(RefusedRequestError, match="allows none beyond 2026-03-09"):
        ask(school)


def test_a_refusal_ends_what_was_let_pass(school: MediaOfTest) -> None:
    ask(school)
    exceptions, head = school.media.exceptions, school.ids["head"]
    with pytest.raises(RefusedRequestError, match="The reason is missing"):
        exceptions.refuse(head, 1, version=1, reason="")
    exceptions.allow(head, 1, version=1)
    with pytest.raises(ConflictError):
        exceptions.refuse(head, 1, version=1, reason="It was seen elsewhere")
    assert exceptions.refuse(head, 1, version=2, reason="It was seen elsewhere").state is ExceptionState.REVOKED
    assert in_force(school) is None
    with pytest.raises(RefusedRequestError, match="E-1 is revoked, so it cannot be allowed"):
        exceptions.allow(head, 1, version=3)


def test_whoever_asked_gives_it_up(school: MediaOfTest) -> None:
    ask(school)
    with pytest.raises(RefusedRequestError, match="Only whoever asked can withdraw"):
        school.media.exceptions.withdraw(school.ids["head"], 1, version=1)
    assert school.media.exceptions.withdraw(school.ids["teacher"], 1, version=1).state is ExceptionState.WITHDRAWN


def test_what_nobody_decided_in_time_is_over(school: MediaOfTest) -> None:
    ask(school)
    school.later(days=30)
    with pytest.raises(RefusedRequestError, match="which is over; expected a new request"):
        school.media.exceptions.allow(school.ids["head"], 1, version=1)
    assert school.media.exceptions.sweep() == 1


def test_what_is_disposed_of_is_let_pass_no_more(school: MediaOfTest) -> None:
    ask(school)
    school.media.exceptions.allow(school.ids["head"], 1, version=1)
    assert in_force(school) == 1
    school.media.register.dispose(school.ids["technician"], 1, version=1, how="Given to the museum")
    assert in_force(school) is None
    assert (school.media.exceptions.sweep(), school.media.exceptions.sweep()) == (1, 0)
    assert school.kinds()[-1] == "media_exception_ended"


def test_a_laptop_asks_for_a_medium_that_is_on_no_register(school: MediaOfTest) -> None:
    exceptions, key = school.media.exceptions, school.media.register.serial_key("0951", "177f", "NEW-7")
    with school.store.act() as act:
        made = exceptions.ask_from_laptop(act, school.ids["five"], key, ASKED, device="laptop7")
    assert (made.medium, made.device) == (None, "laptop7")
    exceptions.allow(school.ids["coordinator"], made.number, version=1)
    with school.store.read() as database:
        found = school.media.register.exception_for(database, key, school.now)
        assert found is not None
        assert [each.number for each in read_exceptions(database, asked_by=school.ids["five"])] == [found.number]
    assert school.kinds()[-1] == "media_exception_allowed"


def test_a_laptop_does_not_ask_for_the_medium_of_somebody_else(school: MediaOfTest) -> None:
    key = school.media.register.serial_key("", "", "AB-1")
    with (
        pytest.raises(RefusedRequestError, match="Only whoever answers for M-1"),
        school.store.act() as act,
    ):
        school.media.exceptions.ask_from_laptop(act, school.ids["five"], key, ASKED, device="laptop7")


def test_nothing_asks_without_end(school: MediaOfTest) -> None:
    ask, five = school.media.exceptions.ask_from_laptop, school.ids["five"]
    *keys, last = (school.media.register.serial_key("0951", "177f", f"NEW-{number}") for number in range(21))
    with school.store.act() as act:
        for key in keys:
            ask(act, five, key, ASKED, device="laptop7")
        with pytest.raises(RefusedRequestError, match="Found 20 exceptions that wait"):
            ask(act, five, last, ASKED, device="laptop7")


def test_no_key_is_no_exception(school: MediaOfTest) -> None:
    with school.store.read() as database:
        assert school.media.register.exception_for(database, "", school.now) is None
