"""Several packs on top of each other."""

from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.pack_union import unite
from rules.policy_pack import Pack
from rules.span import parse_span

PLACE = "section: s, line: 1, says: So it is."
PACK = f"""\
pack: NAME
title: t
source: s
roles: {{first: {{title: First, holds: HOLDS, {PLACE}}}}}
chains: {{breach: {{kinds: [data_breach], {PLACE}, steps: [{{to: first, within: at once}}]}}}}
clocks: {{regulator: {{title: Regulator, from: awareness, length: LENGTH, {PLACE}}}}}
reviews: {{yearly: {{title: Review, every: EVERY, by: [first], {PLACE}}}}}
"""


def pack(name: str, *, length: str = "72 h", every: str = "1 year", holds: str = "ict_coordinator") -> Pack:
    text = PACK.replace("NAME", name).replace("LENGTH", length).replace("EVERY", every).replace("HOLDS", holds)
    return parse_pack(text, file=f"{name}.yaml", categories=())


def test_packs_that_agree_have_no_conflict() -> None:
    both = unite((pack("a"), pack("b")))
    assert both.conflicts == ()
    assert [name for name, _ in both.chains[Kind.DATA_BREACH]] == ["a", "b"]


def test_the_stricter_clock_wins_whichever_comes_first() -> None:
    for order in (("72 h", "5 days"), ("5 days", "72 h")):
        both = unite((pack("a", length=order[0]), pack("b", length=order[1])))
        winner, clock = both.clocks["regulator"]
        assert (winner, clock.length) == ("ab"[order.index("72 h")], parse_span("72 h"))
        assert both.conflicts[0].sentence == (
            f"The clock regulator is {parse_span(order[0])} in a and {parse_span(order[1])} in b: 72 hours holds."
        )


def test_the_more_frequent_review_wins() -> None:
    both = unite((pack("a", every="2 years"), pack("b", every="1 year")))
    assert both.reviews["yearly"][0] == "b"


def test_packs_that_send_an_incident_to_different_people_first_are_shown() -> None:
    both = unite((pack("a"), pack("b", holds="data_protection_officer")))
    assert [conflict.what for conflict in both.conflicts] == ["data_breach"]
    assert "all of them are told: First (a), First (b)" in both.conflicts[0].sentence
