"""Settings that lie over a site: what may be written, how they are laid, and where everything says that it stands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.filter_changing.filter_overlay import (
    KEYS,
    MAX_OVERLAY_CHARACTERS,
    PARTS,
    Settings,
    check_removals,
    lay_over,
    overlay_between,
    parse_overlay,
    read_settings,
    render_settings,
    site_with,
)
from rules.errors import ConfigurationError, RefusedRequestError

PATH = Path("/nowhere/site.yaml")
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
groups: {media: }
schedules: {lunch: {windows: {days: mon-fri, from: 12:10, to: 13:00}}}
rows: {gaming_educational: {schedule: lunch}}
policies:
  no-chat: {block: chat}
  no-games: {block: games, audiences: pupil}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", "nothing", id="nothing"),
        pytest.param("{}", "an empty mapping", id="an-empty-mapping"),
        pytest.param("[a, b]", "a list", id="a-list"),
        pytest.param("policies: [", "not YAML", id="no-yaml"),
        pytest.param("networks: {}", "the part 'networks'", id="a-part-that-only-the-file-has"),
        pytest.param("overrides: {break_glass_minutes: 30}", "overrides.break_glass_minutes", id="a-key-of-the-file"),
        pytest.param("a: &x 1", "the anchor &x", id="an-anchor"),
        pytest.param("policies: {a: 1, a: 2}", "the key a a second time", id="a-key-twice"),
        pytest.param("[" * 40, "more than 16 levels", id="too-deep"),
        pytest.param("policies: \ud800", "U+D800", id="half-a-character"),
        pytest.param("#" * (MAX_OVERLAY_CHARACTERS + 1), "100,001 characters", id="too-long"),
    ],
)
def test_what_is_no_filter_setting_is_refused_with_what_was_found(text: str, found: str) -> None:
    with pytest.raises(RefusedRequestError, match="expected") as refusal:
        parse_overlay(text)
    assert found in str(refusal.value)


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        pytest.param({"policies": {"a": "3"}}, {"policies": {"a": "3", "b": "2"}}, id="an-entry-is-replaced"),
        pytest.param({"policies": {"c": "3"}}, {"policies": {"a": "1", "b": "2", "c": "3"}}, id="an-entry-is-added"),
        pytest.param({"policies": {"a": None}}, {"policies": {"b": "2"}}, id="an-entry-is-taken-away"),
        pytest.param({"policies": None}, {}, id="a-part-is-taken-away"),
        pytest.param(
            {"essentials": ["x"]}, {"policies": {"a": "1", "b": "2"}, "essentials": ["x"]}, id="a-list-is-replaced"
        ),
    ],
)
def test_an_overlay_replaces_adds_and_takes_away(overlay: Settings, expected: Settings) -> None:
    assert lay_over({"policies": {"a": "1", "b": "2"}}, overlay) == expected


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
entries = st.dictionaries(words, words | st.lists(words, max_size=3), max_size=4)
wholly = st.sampled_from([part for part in PARTS if part not in KEYS])
wholes = st.dictionaries(wholly, entries | st.lists(words, min_size=1, max_size=3), max_size=4)
partial = st.fixed_dictionaries(
    {},
    optional={
        part: st.dictionaries(st.sampled_from(keys), words | st.lists(words, max_size=3), min_size=1)
        for part, keys in KEYS.items()
    },
)
settings_ = st.builds(lambda *parts: {**parts[0], **parts[1]}, wholes, partial)


@given(settings_)
def test_settings_are_read_as_they_were_written(settings: Settings) -> None:
    assert read_settings(render_settings(settings)) == settings


@given(settings_, settings_)
def test_the_overlay_between_two_settings_makes_one_of_the_other(before: Settings, after: Settings) -> None:
    overlay = read_settings(render_settings(overlay_between(before, after)))
    assert lay_over(before, overlay) == after


def test_what_is_no_filter_setting_of_a_part_is_not_read_and_stays() -> None:
    held = {"overrides": {"max_days": "7", "break_glass_minutes": "30"}}
    assert read_settings(render_settings(held)) == {"overrides": {"max_days": "7"}}
    overlay = overlay_between({"overrides": {"max_days": "7"}}, {})
    assert overlay == {"overrides": {"max_days": None}}
    assert lay_over(held, overlay) == {"overrides": {"break_glass_minutes": "30"}}
    assert read_settings("overrides: {break_glass_minutes: 30}\n") == {}


def test_what_nobody_can_ask_for_is_laid_over_the_file() -> None:
    text = SITE + "overrides: {max_days: 7, break_glass_minutes: 30, sensitive: [drugs]}\n"
    overlay = parse_overlay("overrides: {never: [gambling, malware], max_days: 14}\n")
    overrides = site_with(text, overlay, path=PATH, name="filter change 7").overrides
    assert overrides.never == {"gambling", "malware"}
    assert overrides.sensitive == {"drugs"}
    assert (overrides.max_days, overrides.break_glass_minutes) == (14, 30)


def test_a_category_that_nobody_knows_is_refused_by_its_setting() -> None:
    overlay = parse_overlay("overrides: {never: [gamblng]}\n")
    with pytest.raises(ConfigurationError) as refusal:
        site_with(SITE, overlay, path=PATH, name="filter change 7")
    assert str(refusal.value) == (
        "site.yaml with filter change 7: overrides.never[0]: found the category 'gamblng'; expected gambling"
    )


def test_an_overlay_between_equal_settings_is_empty() -> None:
    assert overlay_between({"lists": {"a": "1"}}, {"lists": {"a": "1"}}) == {}


def test_only_what_is_there_can_be_taken_away() -> None:
    check_removals({"policies": {"a": "1"}}, {"policies": {"a": None}})
    with pytest.raises(RefusedRequestError, match=r"policies\.b is to be removed and is not there"):
        check_removals({"policies": {"a": "1"}}, {"policies": {"b": None}})


def test_a_site_says_of_each_policy_where_a_person_finds_it() -> None:
    overlay = parse_overlay(
        "policies: {no-games: {block: games}, radio: {allow: {names: radio.example}}}\n"
        "rows: {video_broadcasting: {audience: staff, tick: acceptable}}\n"
        "lists: {ours: {source: https://lists.example/a, category: games}}\n"
    )
    site = site_with(SITE, overlay, path=PATH, name="filter change 7")
    places = {policy.id: policy.location for policy in site.rulebook.policies}
    assert places["no-chat"] == "site.yaml:8:3"
    assert places["no-games"] == places["radio"] == "filter change 7"
    assert places["uk-esafety/gaming_educational"] == "site.yaml:6:8"
    assert {each.location for each in site.lists} == {"filter change 7"}
    rulings = {row.row.id: [ruling.location for ruling in row.rulings] for row in site.table}
    assert rulings["video_broadcasting"][-1] == "filter change 7"
    assert rulings["gaming_educational"] == ["site.yaml:6:8"]


def test_without_an_overlay_the_site_is_the_file() -> None:
    assert site_with(SITE, {}, path=PATH, name="").rulebook.policies[-1].location == "site.yaml:9:3"


def test_a_fault_names_the_setting_and_not_a_line_that_nobody_wrote() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        site_with(SITE, {"policies": {"x": {"block": ["gamez"]}}}, path=PATH, name="filter change 7")
    assert str(refusal.value).startswith(
        "site.yaml with filter change 7: policies.x.block[0]: found the category 'gamez'; expected games"
    )


def test_what_is_illegal_cannot_be_allowed_by_a_change_either() -> None:
    with pytest.raises(ConfigurationError, match="unacceptable and illegal"):
        site_with(SITE, {"policies": {"x": {"allow": ["illegal_csam"]}}}, path=PATH, name="filter change 7")
