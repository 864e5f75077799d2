"""What a person may write of media, and how it is refused, with line and column."""

from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.written_media import WrittenMedia
from rules.errors import ConfigurationError

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""


def test_everything_may_be_left_out() -> None:
    assert WrittenMedia().given() == {}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("{sign_out_needs: everybody}", "media.sign_out_needs"),
        ("{longest_days: 0}", "media.longest_days"),
        ("{longest_days: 400}", "media.longest_days"),
        ("{exception_longest: soon}", "media.exception_longest"),
        ("{exception_longest: 3}", "media.exception_longest"),
        ("{longest: 3}", "media.longest"),
    ],
)
def test_what_nobody_can_write(part: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_site(f"{SITE}media: {part}\n", path=Path("site.yaml"))
    (problem,) = refused.value.problems
    assert str(problem).startswith("site.yaml:4:")
    assert told in str(problem)
