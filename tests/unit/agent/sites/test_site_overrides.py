"""What a site says may be asked for: what holds where it says nothing, and every mistake with its place."""

from pathlib import Path

import pytest

from agent.categories import load_categories
from agent.sites.config import LoadedSite, parse_site
from agent.sites.site import NEVER, SENSITIVE, OverrideSettings
from rules.errors import ConfigurationError

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
overrides:
"""


def load(*lines: str) -> LoadedSite:
    return parse_site(BASE + "".join(f"  {line}\n" for line in lines), path=Path("/nowhere/site.yaml"))


def told(loaded: LoadedSite) -> list[str]:
    return [str(each) for each in loaded.warnings if "overrides" in each.text or "ask for" in each.text]


def test_what_holds_where_a_site_says_nothing() -> None:
    loaded = load()
    statutory = loaded.site.rulebook.statutory
    assert loaded.site.overrides == OverrideSettings(sensitive=SENSITIVE - statutory)
    assert statutory & SENSITIVE == {"hate_speech"}, "what is illegal nobody decides about"
    assert told(loaded) == []


def test_the_defaults_are_categories_and_none_is_in_both() -> None:
    assert {category.id for category in load_categories()} >= NEVER | SENSITIVE
    assert not NEVER & SENSITIVE


@pytest.mark.parametrize("category", ["drugs", "alcohol_tobacco", "gambling", "hacking"])
def test_what_lessons_are_about_is_for_one_to_decide(category: str) -> None:
    assert category not in SENSITIVE | NEVER


def test_what_a_site_says() -> None:
    loaded = load(
        "max_days: 14",
        "max_ahead_days: 90",
        "break_glass_minutes: 30",
        "countersign_hours: 12",
        "never: [malware, phishing, proxy, vpn, encrypted_dns, tor, gambling, criminal_activity]",
        "sensitive: drugs",
    )
    assert loaded.site.overrides == OverrideSettings(
        max_days=14,
        max_ahead_days=90,
        break_glass_minutes=30,
        countersign_hours=12,
        never=NEVER | {"gambling"},
        sensitive=frozenset({"drugs"}),
    )
    assert told(loaded) == []


def test_what_nobody_can_ask_for_is_for_nobody_to_decide() -> None:
    never = f"never: [{', '.join(sorted(NEVER | {'nudity'}))}]"
    assert "nudity" not in load(never).site.overrides.sensitive
    loaded = load(never, "sensitive: [drugs, nudity]")
    assert loaded.site.overrides.sensitive == {"drugs"}
    assert told(loaded) == ["site.yaml:6:22: nobody can ask for nudity, so nobody decides about it"]


def test_a_shorter_list_opens_more_and_that_is_said() -> None:
    loaded = load("never: [gambling, malware, phishing]")
    assert told(loaded) == [
        "site.yaml:5:3: people can ask for encrypted_dns, proxy, tor, vpn, because they are not among these"
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("max_days: 0", "5:13: overrides.max_days: found '0'; expected at least 1", id="no-day"),
        pytest.param("max_days: 400", "5:13: overrides.max_days: found '400'; expected at most 366", id="a-year"),
        pytest.param(
            "max_days: 2 d", "5:13: overrides.max_days: found '2 d'; expected a whole number", id="no-number"
        ),
        pytest.param(
            "break_glass_minutes: 90",
            "5:24: overrides.break_glass_minutes: found '90'; expected at most 60",
            id="a-long-emergency",
        ),
        pytest.param(
            "countersign_hours: 48",
            "5:22: overrides.countersign_hours: found '48'; expected at most 24",
            id="a-late-confirmation",
        ),
        pytest.param(
            "max_day: 3", "5:3: overrides.max_day: found the unknown key 'max_day'; expected max_days", id="a-key"
        ),
        pytest.param(
            "never: [gamblng]",
            "5:11: overrides.never[0]: found the category 'gamblng'; expected gambling",
            id="a-misspelt-category",
        ),
        pytest.param(
            "sensitive: [drugs, weapon]",
            "5:22: overrides.sensitive[1]: found the category 'weapon'; expected weapons",
            id="another-misspelt-category",
        ),
        pytest.param(
            "sensitive: [illegal_csam]",
            "5:15: overrides.sensitive[0]: found the category illegal_csam, which is illegal;"
            " expected one that somebody can ask for",
            id="an-illegal-category",
        ),
        pytest.param(
            "never: [helplines]",
            "5:11: overrides.never[0]: found the category helplines; expected one that may be blocked",
            id="a-category-that-is-always-open",
        ),
        pytest.param("never: {a: b}", "5:10: overrides.never[0]: found a mapping; expected text", id="no-list"),
    ],
)
def test_a_mistake_has_its_place_and_what_was_expected(line: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(line)
    assert str(refusal.value) == f"site.yaml:{problem}"


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load("max_days: 0", "never: [gamblng]", "sensitive: [illegal_csam]")
    assert len(refusal.value.problems) == 3
