"""A pack as people read it."""

from dataclasses import replace

import pytest

from agent.packs.pack_text import render_pack, spell_replaced
from agent.sites.site_packs import load_pack, shipped_packs
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.pack_layers import lay_over
from rules.pack_reader import parse_pack
from rules.words import words

PACK = load_pack("uk-esafety")


def lines_of(part: str, language: str = "en") -> list[str]:
    """Give the lines of one part of the pack."""
    text = render_pack(PACK, load_texts(language))
    return text.partition(f"\n{part}\n")[2].partition("\n\n")[0].splitlines()


def test_it_begins_with_what_it_is_and_as_of_when() -> None:
    assert render_pack(PACK, load_texts("en")).splitlines()[:3] == [
        "E-safety policy of a primary school (uk-esafety)",
        "  From: E-safety policy of January 2018",
        "  The law as of 1 January 2018; since then:",
    ]


def test_chains_say_whom_to_tell_by_when() -> None:
    told = lines_of("Who is told first, and then")
    start = told.index("  filtering off without a record: Technical, line 196")
    assert told[start + 1 : start + 3] == ["    1. ICT Co-ordinator, at once", "    2. Head teacher, at once"]
    assert "    3. Social services, at once (a child is in danger)" in told
    assert any(line.endswith(", about staff: Head teacher and senior leaders, line 74") for line in told)


def test_every_tick_of_every_row_is_there() -> None:
    text = render_pack(PACK, load_texts("en"))
    sanctions = [row for table in PACK.sanctions.values() for row in table.rows.values()]
    assert PACK.communications is not None
    ticks = sum(len(row.actions) for row in sanctions) + sum(
        len(row.ticks) for row in PACK.communications.rows.values()
    )
    assert text.count("✓") == ticks == 66 + 52 + 18


def test_a_row_has_its_ticks_under_the_numbers_of_its_columns() -> None:
    text = render_pack(PACK, load_texts("en"))
    line = next(line for line in text.splitlines() if line.startswith("  P04"))
    header = next(line for line in text.splitlines() if line.split()[:2] == ["Misuse", "1"])
    assert [header[place] for place, letter in enumerate(line) if letter == "✓"] == ["1", "5"]
    assert line.endswith("345")
    assert "  5. Refer to technical support, for filtering and security (Network manager or ICT technician," in text


def test_registers_reviews_measures_and_procedures_are_there() -> None:
    text = render_pack(PACK, load_texts("en"))
    for told in ("register of incidents", "no time is named", "6 weeks", "nothing yet", "schoolgate explain"):
        assert told in text
    assert "  What may be illegal: Responding to incidents of misuse, line 333\n    1. Stop." in text
    assert (
        "    Whom to call: Local authority, Police, Internet Watch Foundation and Designated safeguarding officer"
        in text
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", shipped_packs())
def test_every_pack_reads_in_every_language(name: str, language: str) -> None:
    text = render_pack(load_pack(name), load_texts(language))
    assert "%(" not in text
    assert "duration-" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert load_pack(name).title.in_language(language) in text


def test_what_an_own_pack_replaces_is_marked_and_told() -> None:
    text = "pack: ours\ntitle: Ours\nsource: s\nsanctions: {pupil: {rows: {P05: {ticks: [warning]}}}}\n"
    (above, own), replaced = lay_over((PACK,), parse_pack(text, file="ours.yaml", categories=(), over=(PACK,)))
    told = render_pack(above, load_texts("en"), replaced=replaced)
    assert "\n  P05 * " in told
    sentence = "ours replaces in uk-esafety: row P05 of the table for pupils (ours.yaml:4:28)"
    assert told.endswith(f"What the school's own packs replace\n  * {sentence}\n")
    assert sentence in render_pack(own, load_texts("en"), replaced=replaced)
    assert [spell_replaced(each, load_texts("en")) for each in replaced] == [sentence]


def test_what_a_terminal_would_take_for_a_command_is_not_passed_on() -> None:
    odd = replace(PACK, title=words(en="Title \x1b[31m"), source="s \x1b[0m")
    assert "\x1b" not in render_pack(odd, load_texts("en"))
