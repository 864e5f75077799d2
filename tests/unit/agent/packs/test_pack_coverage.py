"""What becomes of each requirement, with totals."""

import pytest

from agent.packs.pack_coverage import coverage_as_plain, explain_means, render_coverage, totals
from agent.packs.pack_words import spell_means
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.handbook import Means
from rules.pack_reader import parse_pack

PACK = parse_pack(
    """\
pack: ours
title: Ours
source: s
language: nl
coverage:
  X-01: {how: logs, by: {nl: Het logboek., en: The record.}}
  X-02: {how: people, by: {nl: Mensen., en: People.}}
  X-03: {how: people, by: {nl: Mensen., en: People.}}
""",
    file="p.yaml",
    categories=(),
)


def test_a_requirement_a_line_and_the_totals_below() -> None:
    assert render_coverage(PACK, load_texts("en")).splitlines() == [
        "Requirement   How      By what",
        "──────────────────────────────────",
        "X-01          logs     The record.",
        "X-02          people   People.",
        "X-03          people   People.",
        "",
        "ours: 3 (enforces 0, logs 1, measures 0, reminds 0, people 2)",
    ]


def test_it_comes_in_the_language_where_the_pack_has_it() -> None:
    told = render_coverage(PACK, load_texts("nl"))
    assert "X-01   legt vast   Het logboek." in told
    assert "People." in render_coverage(PACK, load_texts("fr"))


def test_every_means_is_counted_the_strongest_first() -> None:
    counted = totals(PACK)
    assert counted == {"enforces": 0, "logs": 1, "measures": 0, "reminds": 0, "people": 2}
    assert list(counted) == ["enforces", "logs", "measures", "reminds", "people"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_means_is_explained_in_every_language(language: str) -> None:
    texts = load_texts(language)
    told = explain_means(texts).replace("\xa0", " ").split("; ")
    assert len(told) == len(Means)
    assert all(spell_means(means, texts) in line for means, line in zip(Means, told, strict=True))


def test_the_strongest_is_explained_first() -> None:
    assert explain_means(load_texts("en")) == (
        "Each stands under the strongest that holds. enforces: the product makes it so; logs: each case is on record;"
        " measures: figures show it; reminds: somebody is told in time; people: left to people.\n"
    )


def test_programs_get_all_of_it() -> None:
    (plain,) = coverage_as_plain((PACK,))
    assert (plain["pack"], plain["totals"]["people"]) == ("ours", 2)
    assert plain["requirements"][0] == {
        "id": "X-01",
        "how": "logs",
        "by": {"nl": "Het logboek.", "en": "The record."},
    }
