"""What becomes of each requirement, with totals."""

from agent.pack_coverage import coverage_as_plain, render_coverage, totals
from agent.texts import load_texts
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
        "ours: 3 (enforces 0, measures 0, logs 1, reminds 0, people 2)",
    ]


def test_it_comes_in_the_language_where_the_pack_has_it() -> None:
    told = render_coverage(PACK, load_texts("nl"))
    assert "X-01   legt vast   Het logboek." in told
    assert "People." in render_coverage(PACK, load_texts("fr"))


def test_every_means_is_counted() -> None:
    assert totals(PACK) == {"enforces": 0, "measures": 0, "logs": 1, "reminds": 0, "people": 2}


def test_programs_get_all_of_it() -> None:
    (plain,) = coverage_as_plain((PACK,))
    assert (plain["pack"], plain["totals"]["people"]) == ("ours", 2)
    assert plain["requirements"][0] == {
        "id": "X-01",
        "how": "logs",
        "by": {"nl": "Het logboek.", "en": "The record."},
    }
