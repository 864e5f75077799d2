"""What a site says of media: taken over as it is, and refused where it makes no sense."""

from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.site import MediaSettings
from rules.errors import ConfigurationError
from rules.span import Span, Unit

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""


def settings(part: str) -> MediaSettings:
    return parse_site(SITE + part, path=Path("site.yaml")).site.private.media


def test_what_holds_where_a_site_says_nothing() -> None:
    assert (
        settings("")
        == settings("media: {}\n")
        == MediaSettings("manager", 30, Span(3, Unit.MONTHS), Span(3, Unit.YEARS))
    )


def test_what_it_says_is_taken_over() -> None:
    part = "media: {sign_out_needs: nobody, longest_days: 7, exception_longest: 2 weeks, keep: 1 year}\n"
    assert settings(part) == MediaSettings("nobody", 7, Span(2, Unit.WEEKS), Span(1, Unit.YEARS))


@pytest.mark.parametrize("length", ["2 years", "1 hour", "at once"])
def test_an_exception_lasts_a_day_at_least_and_a_year_at_most(length: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"4:28: media.exception_longest: found {length}; expected 1 day"):
        settings(f"media: {{exception_longest: {length}}}\n")


@pytest.mark.parametrize("length", ["11 years", "1 week", "at once"])
def test_names_are_kept_a_month_at_least_and_ten_years_at_most(length: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"4:15: media.keep: found {length}; expected 1 month to 10 years"):
        settings(f"media: {{keep: {length}}}\n")
