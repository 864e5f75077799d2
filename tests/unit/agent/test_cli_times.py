"""The clock of the school, at a command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli_times import Clock
from rules.errors import ConfigurationError

NOW = datetime(2026, 11, 23, 10, 14, 30, tzinfo=UTC)
TOKYO = Clock("Asia/Tokyo")
SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}}
schedules: {lessons: {windows: [{days: mon-fri, from: '10:00', to: '10:50'}]}}
"""


def test_without_a_start_it_is_now() -> None:
    assert TOKYO.read(None, "30m", now=NOW) == (NOW, datetime(2026, 11, 23, 10, 44, 30, tzinfo=UTC))


def test_times_are_those_of_the_school() -> None:
    begins, ends = TOKYO.read("2026-11-24 09:00", "2026-11-24", now=NOW)
    assert begins == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert ends == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def test_lessons_stand_in_the_site(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE)
    ends = Clock("Europe/London", site).read(None, "this lesson", now=NOW)[1]
    assert ends == datetime(2026, 11, 23, 10, 50, tzinfo=UTC)


def test_a_site_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a file that can be read"):
        Clock("Europe/London", tmp_path / "site.yaml").read(None, "this lesson", now=NOW)


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
