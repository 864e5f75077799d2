"""The clock of the school, at a command line."""

from datetime import UTC, datetime

import pytest

from agent.commands.cli_times import Clock
from agent.commands.client import Client, Parameters
from rules.errors import ConfigurationError

NOW = datetime(2026, 11, 23, 10, 14, 30, tzinfo=UTC)
TOKYO = Clock("Asia/Tokyo")


def test_without_a_start_it_is_now() -> None:
    assert TOKYO.read(None, "30m", now=NOW) == (NOW, datetime(2026, 11, 23, 10, 44, 30, tzinfo=UTC))


def test_times_are_those_of_the_school() -> None:
    begins, ends = TOKYO.read("2026-11-24 09:00", "2026-11-24", now=NOW)
    assert begins == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert ends == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


class Lessons(Client):
    """A gateway that knows of one lesson, and what it was asked."""

    def __init__(self, until: str | None) -> None:
        self.until = until
        self.asked: list[object] = []

    def get(self, path: str, params: Parameters | None = None) -> dict[str, str | None]:
        self.asked.append((path, params))
        return {"lesson_until": self.until}


def test_the_gateway_says_when_a_lesson_ends() -> None:
    lessons = Lessons("2026-11-24T10:50:00Z")
    begins, ends = Clock("Europe/London", lessons).read("2026-11-24 10:10", "this lesson", now=NOW)
    assert (begins, ends) == (datetime(2026, 11, 24, 10, 10, tzinfo=UTC), datetime(2026, 11, 24, 10, 50, tzinfo=UTC))
    assert lessons.asked == [("/schedules", {"at": "2026-11-24T10:10:00+00:00"})]


def test_nobody_is_asked_about_another_time() -> None:
    lessons = Lessons(None)
    Clock("Europe/London", lessons).read(None, "30m", now=NOW)
    assert not lessons.asked


@pytest.mark.parametrize("client", [None, Lessons(None)], ids=["nobody-to-ask", "none-is-on"])
def test_no_lesson_is_said(client: Client | None) -> None:
    with pytest.raises(ConfigurationError, match="no schedule of the site is on at that time"):
        Clock("Europe/London", client).read(None, "this lesson", now=NOW)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-11-23T10:14:30Z", "Mon 2026-11-23 19:14"),
        ("2026-11-23T10:14:30.000000+00:00", "Mon 2026-11-23 19:14"),
        (NOW, "Mon 2026-11-23 19:14"),
        (None, ""),
        ("soon", "soon"),
    ],
)
def test_an_instant_is_shown_on_the_clock_of_the_school(written: object, shown: str) -> None:
    assert TOKYO.show(written) == shown


def test_a_time_is_shown_to_the_second() -> None:
    assert TOKYO.show_time("2026-11-23T10:14:30Z") == "19:14:30"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("2026-11-23T14:20:00Z", "23:20"), ("2026-11-23T15:20:00Z", "Tue 2026-11-24 00:20"), ("soon", "soon")],
    ids=["today", "tomorrow-at-the-school", "no-instant"],
)
def test_what_is_today_needs_no_day(written: str, shown: str) -> None:
    assert TOKYO.show_soon(written, now=NOW) == shown
