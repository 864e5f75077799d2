"""One rule for some names, as the settings have it."""

import pytest
import yaml

from agent.console.filtering.filter_words import change_words, one_rule, source_words, state_words
from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS
from agent.storage.filter_rows import Source, State
from agent.texts import load_texts
from rules.category import LANGUAGES


def rule(*names: str, is_open: bool = True, held: tuple[str, ...] = (), **parts: object) -> object:
    given = {"audiences": (), "groups": (), "reason": ""} | parts
    return yaml.safe_load(one_rule(names, is_open=is_open, held=held, **given))["policies"]  # type: ignore[arg-type]


def test_a_rule_opens_names_for_somebody_and_says_why() -> None:
    assert rule(
        "maths.example", "https://www.odds.example:8443/page", audiences=["pupil"], groups=["year5"], reason="Maths"
    ) == {
        "open-maths-example": {
            "allow": {"names": ["maths.example", "www.odds.example"]},
            "audiences": ["pupil"],
            "groups": ["year5"],
            "reason": "Maths",
        }
    }


def test_a_rule_blocks_names_for_everybody() -> None:
    assert rule("chat.example", is_open=False) == {"block-chat-example": {"block": {"names": ["chat.example"]}}}


@pytest.mark.parametrize(
    ("held", "name"),
    [
        ((), "open-a-example"),
        (("open-a-example",), "open-a-example-2"),
        (("open-a-example", "open-a-example-2"), "open-a-example-3"),
    ],
)
def test_a_rule_takes_the_place_of_no_other(held: tuple[str, ...], name: str) -> None:
    assert list(rule("a.example", held=held)) == [name]  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["x" * 5000, "\U0001f600", ": - {}", "<b>", "a\u202eb"])
def test_whatever_is_typed_the_settings_can_be_read(name: str) -> None:
    (made,) = rule(name).values()  # type: ignore[attr-defined]
    assert made == {"allow": {"names": [name]}}


def test_what_is_fixed_is_in_the_language_of_the_reader_and_the_rest_in_that_of_the_settings() -> None:
    french = load_texts("fr")
    assert change_words(FIRST_ON_RECORD, french) != (FIRST_ON_RECORD, True)
    assert change_words(FIRST_ON_RECORD, french)[1]
    assert change_words(NOTHING_FOLLOWS, french)[1]
    assert change_words("The policy chat was added.", french) == ("The policy chat was added.", False)
    assert change_words("The policy chat was added.", load_texts("en"))[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_source_has_words(language: str) -> None:
    texts = load_texts(language)
    assert set(state_words(texts)) == set(State)
    assert set(source_words(texts)) == set(Source)
