"""What a site means for laptops, in words."""

from pathlib import Path

import pytest

from agent.explaining.check_endpoints import endpoints_in_words
from agent.sites.config import parse_site
from agent.texts import load_texts
from rules.category import LANGUAGES

SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: 10.1.0.0/16}}
"""
ASKED = "Of each laptop in the school it is known, to the minute, when it last asked for a name."
API = 'listeners: {api: "127.0.0.1:8443"}\n'


def words(part: str, language: str = "en") -> list[str]:
    site = parse_site(SITE + part, path=Path("/nowhere/site.yaml")).site
    return list(endpoints_in_words(site, load_texts(language)))


def test_nothing_is_said_where_no_laptop_can_come() -> None:
    assert words("") == []


def test_the_usual() -> None:
    assert words(API) == [
        "Names of files that are written to media never leave a laptop; a keyed hash does.",
        "Whoever uses a medium that is not encrypted is told, and has 15 minutes to take it out.",
        ASKED,
        "What laptops tell is kept for 90 days.",
    ]


def test_what_the_school_chose() -> None:
    part = "endpoints: {file_names: kept, reason: The inspector asked., vpn: [wg-school], grace: 1 min, days: 1"
    part += ", closed: [malware, gambling]}\n"
    assert words(API + part) == [
        "Names of files that are written to media are kept: The inspector asked.",
        "The school's own VPN, never a way round the filter: wg-school",
        "Laptops in the school look whether these are closed for them: Harmful software, Gambling",
        "Whoever uses a medium that is not encrypted is told, and has 1 minute to take it out.",
        ASKED,
        "What laptops tell is kept for 1 day.",
    ]


def test_where_devices_are_not_told_apart_that_is_not_known() -> None:
    assert ASKED not in words(API + "retention: {activity: counts}\n")


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_in_every_language(language: str) -> None:
    assert len(words(API, language)) == 4
    assert not set(words(API, language)) & set(words(API))
