"""Several packs at once: a line for each, and where they disagree."""

from agent.packs.pack_overview import conflicts_in_words, render_overview
from agent.sites.site_packs import Packs, load_pack
from agent.texts import load_texts
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack

PLACE = "section: s, says: So it is."


def pack(name: str, text: str) -> Pack:
    written = f"pack: {name}\ntitle: {{nl: Beleid {name}, en: Policy {name}}}\nsource: s\nlanguage: nl\n{text}"
    return parse_pack(written, file=f"{name}.yaml", categories=())


def two(text: str, *, first: str, second: str) -> tuple[Pack, Pack]:
    return pack("a", text.replace("VALUE", first)), pack("b", text.replace("VALUE", second))


def test_a_line_for_each_pack() -> None:
    packs = Packs((load_pack("uk-esafety"), load_pack("nl-avg")))
    header, _, first, second = render_overview(packs, load_texts("en"), is_of_a_school=False).splitlines()
    assert header.split() == ["Pack", "Language", "Title", "The", "law", "as", "of", "Tables"]
    assert "1 Jan 2018" in first
    assert first.endswith("user actions, means of communication and sanctions")
    assert second.startswith("nl-avg       nl ")


def test_disagreement_is_told_only_where_a_school_has_these_packs() -> None:
    clock = f"clocks: {{regulator: {{title: Regulator, from: awareness, length: VALUE, {PLACE}}}}}"
    packs = Packs(two(clock, first="72 h", second="5 days"))
    assert "stricter" not in render_overview(packs, load_texts("en"), is_of_a_school=False)
    told = render_overview(packs, load_texts("en"), is_of_a_school=True)
    assert told.endswith("\n\nRegulator: 72 hours (a) and 5 days (b); the stricter holds, 72 hours.\n")


def test_of_two_times_for_keeping_something_it_is_said_why_the_longer_holds() -> None:
    keeping = f"retention: {{cases: {{title: {{nl: Zaken, en: Cases}}, length: VALUE, {PLACE}}}}}"
    packs = two(keeping, first="1 year", second="5 years")
    assert list(conflicts_in_words(packs, load_texts("en"))) == [
        "Cases: 1 year (a) and 5 years (b); the longer holds, 5 years, because what is deleted is gone."
    ]
    (dutch,) = conflicts_in_words(packs, load_texts("nl"))
    assert dutch.startswith("Zaken: 1 jaar (a) en 5 jaar (b)")


def test_kinds_that_go_to_the_same_different_people_are_told_together() -> None:
    chain = f"""\
roles: {{first: {{title: VALUE, {PLACE}}}, VALUE: {{title: X, {PLACE}}}}}
chains: {{c: {{kinds: [games, gambling], {PLACE}, steps: [{{to: VALUE, within: at once}}]}}}}
"""
    assert list(conflicts_in_words(two(chain, first="one", second="two"), load_texts("en"))) == [
        "Of gambling and games the packs tell different people first, so all of them are told: X (a) and X (b)."
    ]


def test_a_row_that_two_packs_have() -> None:
    row = (
        "rows: {games: {label: VALUE, section: s, line: 1, tick: unacceptable, categories: [], visibility: partial}}"
    )
    assert list(conflicts_in_words(two(row, first="x", second="y"), load_texts("en"))) == [
        "The row games stands in a and b; both hold, and what either blocks is blocked."
    ]
