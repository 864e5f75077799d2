"""Several packs on top of each other."""

from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.pack_union import Point, unite
from rules.policy_pack import Pack
from rules.span import parse_span
from rules.subject import Audience

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


def test_lengths_that_come_to_the_same_are_no_conflict() -> None:
    assert unite((pack("a", length="72 h"), pack("b", length="3 days"))).conflicts == ()


def test_three_packs_that_differ_are_one_conflict() -> None:
    (conflict,) = unite((pack("a", length="72 h"), pack("b", length="5 days"), pack("c", length="1 day"))).conflicts
    assert (conflict.point, conflict.packs, conflict.kept) == (Point.CLOCK, ("a", "b", "c"), "c")
    assert conflict.span_kept == parse_span("1 day")


def keeping(name: str, length: str) -> Pack:
    text = f"pack: {name}\ntitle: t\nsource: s\nretention: {{cases: {{title: Cases, {length}{PLACE}}}}}\n"
    return parse_pack(text, file=f"{name}.yaml", categories=())


def test_of_two_times_for_keeping_something_the_longer_holds_and_no_time_is_no_conflict() -> None:
    both = unite((keeping("a", "length: 1 year, "), keeping("b", "length: 5 years, "), keeping("c", "")))
    assert both.retention["cases"][0] == "b"
    assert [conflict.sentence for conflict in both.conflicts] == [
        "The retention cases is 1 year in a and 5 years in b: 5 years holds."
    ]
    assert unite((keeping("a", ""), keeping("b", ""))).retention["cases"][0] == "a"


CHAINS = f"""\
pack: NAME
title: t
source: s
roles:
  first: {{title: First, holds: ict_coordinator, {PLACE}}}
  head: {{title: Head, holds: head_teacher, {PLACE}}}
chains:
  everybody: {{kinds: [bullying], {PLACE}, steps: [{{to: first, within: at once}}]}}
  staff: {{kinds: [bullying], audience: staff, {PLACE}, steps: [{{to: head, within: at once}}]}}
"""


def test_a_chain_for_an_audience_goes_before_one_for_everybody() -> None:
    united = unite((parse_pack(CHAINS.replace("NAME", "a"), file="a", categories=()),))
    assert [chain.id for _, chain in united.chains_of(Kind.BULLYING, Audience.STAFF)] == ["staff"]
    assert [chain.id for _, chain in united.chains_of(Kind.BULLYING, Audience.PUPIL)] == ["everybody"]
    assert united.chains_of(Kind.GAMES, Audience.PUPIL) == ()
    assert united.conflicts == ()


def test_a_row_of_user_actions_that_two_packs_have_is_shown() -> None:
    row = "rows: {games: {label: G, section: s, line: 1, tick: unacceptable, categories: [], visibility: partial}}\n"
    both = tuple(
        parse_pack(f"pack: {name}\ntitle: t\nsource: s\n{row}", file=name, categories=()) for name in ("a", "b")
    )
    assert [conflict.sentence for conflict in unite(both).conflicts] == [
        "The row games stands in a and b; both hold, and what either blocks is blocked."
    ]
