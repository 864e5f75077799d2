"""What stands in packs, in words: complete for everything that there is, in four languages."""

import pytest

from agent.packs.pack_words import (
    spell_keeper,
    spell_kind,
    spell_kinds,
    spell_means,
    spell_place,
    spell_role,
    spell_span,
    spell_start,
    spell_tick,
    spell_within,
)
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.handbook import Citation, Keeper, Means, Start
from rules.incident_kind import Kind
from rules.pack import Tick
from rules.roles import Role
from rules.span import Unit, parse_span
from rules.words import words


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["at once", "72 hours", "1 school day", "15 school days", "1 month", "7 years"]),
        ("nl", ["direct", "72 uur", "1 schooldag", "15 schooldagen", "1 maand", "7 jaar"]),
        ("fr", ["immédiatement", "72 heures", "1 jour de classe", "15 jours de classe", "1 mois", "7 ans"]),
        ("ja", ["直ちに", "72 時間", "1 授業日", "15 授業日", "1 か月", "7 年"]),
    ],
)
def test_spans(language: str, told: list[str]) -> None:
    spans = map(parse_span, ("at once", "72 h", "1 school day", "15 school days", "1 month", "7 years"))
    assert [spell_span(span, load_texts(language)).replace("\xa0", " ") for span in spans] == told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", Unit)
def test_every_unit_has_a_word_in_every_language(unit: Unit, language: str) -> None:
    spelt = spell_span(parse_span(f"2 {unit.replace('_', ' ')}"), load_texts(language))
    assert spelt.startswith("2")
    assert "duration" not in spelt


def test_by_when() -> None:
    texts = load_texts("en")
    assert [spell_within(parse_span(text), texts) for text in ("at once", "1 h")] == ["at once", "within 1 hour"]


def test_a_place_has_a_line_where_the_document_has_lines() -> None:
    texts = load_texts("en")
    assert spell_place(Citation("5.2", 96, words(en="x"), "p:1:1"), texts) == "5.2, line 96"
    assert spell_place(Citation("5.2", 0, words(en="x"), "p:1:1"), texts) == "5.2"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_has_words_of_its_own(language: str) -> None:
    texts = load_texts(language)
    for told in (
        [spell_kind(kind, texts) for kind in Kind],
        [spell_means(means, texts) for means in Means],
        [spell_keeper(keeper, texts) for keeper in Keeper],
        [spell_start(start, texts) for start in Start],
        [spell_tick(tick, texts) for tick in Tick],
        [spell_role(role, texts) for role in Role],
    ):
        assert all(told)
        assert len(set(told)) == len(told)


def test_kinds_come_in_their_own_order() -> None:
    assert spell_kinds({Kind.GAMES, Kind.GAMBLING, Kind.BYPASS}, load_texts("en")) == (
        "going round the filter, gambling and games"
    )
    assert spell_kinds((), load_texts("en")) == ""
