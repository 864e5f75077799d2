"""What a site means for media, in words."""

from pathlib import Path

import pytest

from agent.explaining.check_media import media_in_words
from agent.sites.config import parse_site
from agent.texts import load_texts
from rules.category import LANGUAGES

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
API = 'listeners: {api: "127.0.0.1:8443"}\n'


def words(part: str, language: str = "en", *, api: str = API) -> list[str]:
    site = parse_site(SITE + api + part, path=Path("site.yaml")).site
    return list(media_in_words(site, load_texts(language)))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        pytest.param(
            "",
            [
                "Somebody who manages media lets another take one out of the school, for 30 days at most.",
                "A medium that is not encrypted is let pass by a second person alone, for about 91 days at most.",
                "Who had a medium is known for 3 years after it is back; what is out, lost or part of a case stays.",
            ],
            id="where-the-site-says-nothing",
        ),
        pytest.param(
            "media: {sign_out_needs: nobody, longest_days: 1, exception_longest: 1 day, keep: 1 month}\n",
            [
                "Whoever takes a medium out of the school signs it out and in alone, for 1 day at most.",
                "A medium that is not encrypted is let pass by a second person alone, for 1 day at most.",
                "Who had a medium is known for 1 month after it is back; what is out, lost or part of a case stays.",
            ],
            id="everybody-alone-for-a-day",
        ),
    ],
)
def test_what_it_means(part: str, told: list[str]) -> None:
    assert words(part) == told


def test_nothing_where_nobody_can_ask() -> None:
    assert words("", api="") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_own_words(language: str) -> None:
    told = words("", language)
    assert len(told) == 3
    assert (told == words("")) == (language == "en")
