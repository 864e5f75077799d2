from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from indexes_of_test import index_of, name_list, tags_of, text_list, wire

from filters.index_builder import MAX_CLAUSES, MAX_RULES_AT_ONE_NAME, MAX_SETS, ListFigures, ListInput, build_index
from filters.list_index import ListIndex
from filters.list_parser import Chunk, Reason, RpzAnswer, SpecialRule
from rules.errors import ListRejectedError


@pytest.mark.parametrize(
    ("hint", "passes"),
    [
        pytest.param(3000, 1, id="as-many-as-expected"),
        pytest.param(2600, 1, id="a-few-more-than-expected"),
        pytest.param(3700, 1, id="a-few-less-than-expected"),
        pytest.param(9000, 2, id="far-less-than-expected"),
        pytest.param(100, 2, id="far-more-than-expected"),
        pytest.param(0, 2, id="nothing-expected"),
    ],
)
def test_the_table_has_the_right_size_whatever_was_expected(hint: int, passes: int) -> None:
    chunk = Chunk(subtree=[wire(f"n{number}.test") for number in range(3000)])
    reads = []

    def read() -> Iterator[Chunk]:
        reads.append(1)
        yield chunk

    built = build_index([ListInput("list", ("ads",), read, size_hint=hint, may_except=False)])
    index = ListIndex(built.octets)
    assert built.name_count == index.name_count == 3000
    assert 3000 / 0.75 <= index.cell_count <= 3000 / 0.4
    assert len(reads) == passes
    assert all(index.look_up(name) for name in chunk.subtree)


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param([name_list("ads", subtree=["a.test"] * 5000)], id="one-name-over-and-over"),
        pytest.param([name_list("ads", subtree=[f"n{n % 700}.test" for n in range(9000)])], id="many-names-repeated"),
        pytest.param([text_list("\n".join(f"||ad{n}-*^" for n in range(900)), "ads")], id="rules-that-need-no-cell"),
        pytest.param([name_list("ads", exact=[f"n{n}.test" for n in range(700)])] * 9, id="the-same-list-many-times"),
        pytest.param([name_list("ads")], id="nothing"),
    ],
)
def test_no_mixture_of_repeated_names_keeps_the_builder_busy(lists: list[ListInput]) -> None:
    built = build_index(lists)
    assert len(built.octets) <= built.name_count * 20 + 1024 * 8 + 300_000
    ListIndex(built.octets)


@given(st.lists(st.integers(0, 2000), max_size=300), st.integers(0, 3000))
def test_any_hint_gives_the_same_names(numbers: list[int], hint: int) -> None:
    chunk = Chunk(subtree=[wire(f"n{number}.test") for number in numbers])
    built = build_index([ListInput("list", ("ads",), lambda: [chunk], size_hint=hint)])
    assert built.name_count == len(set(numbers))
    index = ListIndex(built.octets)
    assert all(index.look_up(name) for name in chunk.subtree)


def test_a_million_names_take_twenty_megabytes_at_most() -> None:
    # The bound is linear: what holds for these holds for more.
    built = build_index([name_list("ads", subtree=[f"n{number}.test" for number in range(50_000)])])
    assert len(built.octets) <= 50_000 * 20


def test_what_each_list_brought() -> None:
    lists = [
        text_list("a.test\nb.test\na.test\nnot a name\n", "ads", list_format="domains", name="first"),
        text_list("b.test\nc.test\n192.0.2.1\n", "malware", list_format="domains", name="second"),
        text_list("||d.test^\n@@||a.test^\n||e*.*^\n", "ads", name="third"),
    ]
    assert build_index(lists).lists == {
        "first": ListFigures(entries=3, repeated=1, not_used=Counter({Reason.BAD_NAME: 1})),
        "second": ListFigures(entries=2, repeated=1, not_used=Counter({Reason.RAW_ADDRESS: 1})),
        "third": ListFigures(entries=2, repeated=1, not_used=Counter({Reason.TOO_BROAD: 1})),
    }


def test_lines_are_told_as_they_are_taken() -> None:
    text = "".join(f"name-number-{number}.example\n" for number in range(10_000))
    told: list[int] = []
    build_index([text_list(text, "ads", list_format="domains")], on_lines=told.append)
    assert told == sorted(told)
    assert told[-1] == 10_000
    assert len(told) > 2


# --- Signals


def test_lists_that_only_name_share_one_signal_a_category() -> None:
    index = index_of(
        text_list("||a.test^", "ads", name="one"),
        text_list("||a.test^\n||b.test^", "ads", name="two"),
        text_list("||c.test^", "malware", name="three"),
    )
    assert index.signal_count == 2
    assert index.look_up(wire("a.test")) == index.look_up(wire("b.test")) != index.look_up(wire("c.test"))


def test_many_lists_that_overlap_do_not_make_many_sets() -> None:
    lists = [
        name_list("ads", subtree=[f"n{n}.test" for n in range(4096) if n >> bit & 1], name=f"list{bit}")
        for bit in range(12)
    ]
    assert len(index_of(*lists).exact_masks) == 2


def test_a_list_with_exceptions_has_signals_of_its_own() -> None:
    index = index_of(
        text_list("||a.test^", "ads", name="one"), text_list("||a.test^\n@@||b.a.test^", "ads", name="two")
    )
    assert index.signal_count == 3
    assert tags_of(index, "b.a.test") == {"ads"}


# --- Limits


def test_rules_of_the_root_are_bounded_and_the_rest_is_counted() -> None:
    rules = [SpecialRule(b"", pattern=f"(?>.*?ads{number}).*") for number in range(MAX_RULES_AT_ONE_NAME + 5)]
    built = build_index([name_list("ads", special=rules)])
    index = ListIndex(built.octets)
    assert built.rules_left_out == 5
    assert tags_of(index, f"ads{MAX_RULES_AT_ONE_NAME - 1}.test") == {"ads"}


def test_rules_of_one_name_are_bounded_each_for_itself() -> None:
    rules = [
        SpecialRule(wire(name), denyallow=frozenset({wire(f"n{number}.{name}")}))
        for name in ("a.test", "b.test")
        for number in range(MAX_RULES_AT_ONE_NAME + 1)
    ]
    assert build_index([name_list("ads", special=rules)]).rules_left_out == 2


def test_rules_are_bounded_all_together() -> None:
    rules = [SpecialRule(wire(f"n{number}.test"), pattern=".*x.*") for number in range(20_003)]
    assert build_index([name_list("ads", special=rules)]).rules_left_out == 3


def test_answers_beyond_those_that_names_share_still_are_given() -> None:
    rules = [
        SpecialRule(wire(f"n{number}.test"), answer=RpzAnswer("local", ((1, 60, f"192.0.2.{number % 256}"),)))
        for number in range(300)
    ] + [
        SpecialRule(wire(f"m{number}.test"), answer=RpzAnswer("local", ((1, 60, f"198.51.100.{number % 256}"),)))
        for number in range(256)
    ]
    index = index_of(name_list("ads", special=rules))
    assert index.signal_count == MAX_CLAUSES + 2
    for rule in rules:
        assert index.answer_for(rule.name) == rule.answer
        assert index.tags(index.look_up(rule.name), rule.name, 1) == {"ads"}


def test_more_sets_of_categories_than_an_index_can_hold_are_refused() -> None:
    lists = [
        name_list(f"tag{bit}", subtree=[f"n{n}.test" for n in range(MAX_SETS + 1) if (n + 1) >> bit & 1])
        for bit in range(17)
    ]
    with pytest.raises(ListRejectedError, match="more than 65535 different sets of categories; expected fewer lists"):
        build_index(lists)
