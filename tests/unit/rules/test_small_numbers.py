"""Small numbers: hidden, and not to be worked out from what is told beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.small_numbers import Hidden, Told, hide_all, hide_small

FEW, BESIDE = Hidden.FEW, Hidden.BESIDE
COUNTS = st.dictionaries(st.text(max_size=3), st.integers(0, 40), max_size=8)


@pytest.mark.parametrize(
    ("numbers", "told", "total"),
    [
        pytest.param({}, {}, 0, id="nothing"),
        pytest.param({"a": 5, "b": 9}, {"a": 5, "b": 9}, 14, id="none-is-small"),
        pytest.param(
            {"a": 2, "b": 9, "c": 20}, {"a": FEW, "b": BESIDE, "c": 20}, 31, id="one-hides-the-smallest-told"
        ),
        pytest.param({"a": 0, "b": 9, "c": 20}, {"a": FEW, "b": BESIDE, "c": 20}, 29, id="none-at-all-is-small"),
        pytest.param(
            {"a": 1, "b": 1, "c": 20}, {"a": FEW, "b": FEW, "c": BESIDE}, 22, id="two-that-are-few-together"
        ),
        pytest.param({"a": 4, "b": 4, "c": 20}, {"a": FEW, "b": FEW, "c": BESIDE}, 28, id="as-many-as-can-be-small"),
        pytest.param({"a": 2, "b": 2, "c": 20}, {"a": FEW, "b": FEW, "c": 20}, 24, id="any-split-is-possible"),
        pytest.param({"a": 3}, {"a": FEW}, FEW, id="a-small-total"),
        pytest.param({"a": 4, "b": 4}, {"a": FEW, "b": FEW}, BESIDE, id="a-total-that-would-tell-both"),
        pytest.param(
            {"a": 0, "b": 5}, {"a": FEW, "b": BESIDE}, BESIDE, id="nothing-beside-the-smallest-that-is-told"
        ),
    ],
)
def test_what_is_told(numbers: dict[str, int], told: dict[str, int | Hidden], total: int | Hidden) -> None:
    assert hide_small(numbers, small_number=5) == Told(told, total)


@given(COUNTS)
def test_who_may_know_of_each_is_told_all(numbers: dict[str, int]) -> None:
    assert hide_small(numbers, small_number=0) == Told(numbers, sum(numbers.values()))


@given(COUNTS, st.integers(2, 9))
def test_a_small_number_is_never_told_and_never_follows_from_the_rest(numbers: dict[str, int], least: int) -> None:
    told = hide_small(numbers, small_number=least)
    shown = {each: number for each, number in told.numbers.items() if not isinstance(number, Hidden)}
    assert all(number >= least for number in shown.values())
    small = [each for each, number in told.numbers.items() if number is Hidden.FEW]
    beside = [each for each, number in told.numbers.items() if number is Hidden.BESIDE]
    if not small or isinstance(told.total, Hidden):
        return
    rest = told.total - sum(shown.values())
    for _each in small:
        others = len(small) - 1
        highest = min(least - 1, rest - least * len(beside))
        lowest = 0 if beside else max(0, rest - others * (least - 1))
        assert lowest < highest


def test_all_of_it_is_hidden() -> None:
    assert hide_all(Told({"a": 7, "b": FEW}, 9)) == Told({"a": BESIDE, "b": FEW}, BESIDE)
    assert hide_all(Told({"a": FEW}, FEW)) == Told({"a": FEW}, FEW)
