"""The category file, and what is refused in one."""

from importlib.resources import files

import pytest

from rules.category import LANGUAGES, Catalogue, Kind, parse_categories
from rules.errors import ConfigurationError

IDS = """
illegal_csam criminal_activity extreme_pornography hate_speech pornography nudity dating discrimination violence
self_harm weapons drugs alcohol_tobacco gambling games games_educational shopping file_sharing piracy
social_networks video chat webmail blogs forums artificial_intelligence proxy vpn encrypted_dns tor remote_access
malware phishing hacking cults url_shorteners advertising
helplines system_updates health_education for_children school_essentials
"""

GAMES = """
- id: games
  names: {en: Games, fr: Jeux, nl: Games, ja: ゲーム}
  descriptions: {en: To play., fr: Pour jouer., nl: Om te spelen., ja: 遊びです。}
"""


@pytest.fixture(scope="module", name="catalogue")
def shipped_catalogue() -> Catalogue:
    return parse_categories((files("rules") / "categories.yaml").read_text(encoding="utf-8"))


def test_the_shipped_file_has_every_category_in_its_order(catalogue: Catalogue) -> None:
    assert catalogue.ids == tuple(IDS.split())


def test_guards_stand_apart_and_only_help_is_never_recorded(catalogue: Catalogue) -> None:
    assert catalogue.guards == {
        "helplines",
        "system_updates",
        "health_education",
        "for_children",
        "school_essentials",
    }
    assert catalogue.unrecorded == {"helplines"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_short_and_told_apart(catalogue: Catalogue, language: str) -> None:
    names = [category.name(language) for category in catalogue]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_descriptions_are_one_sentence(catalogue: Catalogue, language: str) -> None:
    for category in catalogue:
        text = category.description(language)
        assert text.endswith("。" if language == "ja" else "."), text
        assert len(text) <= 130, text


def test_another_language_falls_back_to_english(catalogue: Catalogue) -> None:
    assert catalogue["gambling"].name("cy") == "Gambling"
    assert catalogue["gambling"].description("cy").startswith("Betting")


def test_a_catalogue_is_asked_by_id(catalogue: Catalogue) -> None:
    assert "gambling" in catalogue
    assert "gambeling" not in catalogue
    assert catalogue.get("gambeling") is None
    assert catalogue.get(None) is None
    assert catalogue["vpn"].kind is Kind.ORDINARY
    assert len(list(catalogue)) == len(catalogue)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("a: [", "found text that is not YAML", id="not YAML"),
        pytest.param("games: {}", "found dict; expected a list of categories", id="not a list"),
        pytest.param("- 7", "category 1: found 7; expected a category with an id", id="not a mapping"),
        pytest.param(
            GAMES + "  colour: red", "found the unknown key colour; expected one of descriptions", id="unknown"
        ),
        pytest.param(GAMES + GAMES, "category 2: found games a second time; expected each category once", id="twice"),
        pytest.param(
            GAMES + "  kind: guards", "found the kind 'guards' of games; expected ordinary or guard", id="kind"
        ),
        pytest.param(GAMES + "  recorded: 1", "found recorded: 1 of games; expected true or false", id="recorded"),
        pytest.param(
            GAMES.replace(", ja: ゲーム", ""),
            "found names of games that are incomplete; expected text for en, fr, nl, ja",
            id="a language is missing",
        ),
        pytest.param(
            GAMES.replace("Om te spelen.", "''"),
            "found descriptions of games that are incomplete",
            id="an empty text",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_categories(text)
    assert sentence in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_categories("- 1\n- 2\n")
    assert len(caught.value.problems) == 2
