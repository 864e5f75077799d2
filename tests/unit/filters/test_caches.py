"""A cache that stays within its budget and keeps what is in use."""

from hypothesis import given
from hypothesis import strategies as st

from filters.caches import EVICTED_AT_ONCE, ROUNDS_AT_ONCE, BoundedCache


def cache(budget: int, in_use: set[int] | None = None) -> BoundedCache[int]:
    used = in_use or set()
    return BoundedCache(budget, lambda _key, _value: 10, lambda value: value in used)


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_what_fits_is_kept_to_the_last() -> None:
    found = cache(10_000)
    for number in range(1000):
        found.put(key(number), number)
    assert (len(found), found.evicted, found.size_bytes) == (1000, 0, 10_000)


def test_what_is_in_use_outlives_a_million_strangers() -> None:
    found = cache(10_000, in_use={7})
    for number in range(20_000):
        found.put(key(number), number)
    assert found.entries[key(7)] == 7
    assert found.size_bytes <= 10_000
    assert found.evicted == 20_000 - len(found)


def test_the_oldest_go_first() -> None:
    found = cache(10_000)
    for number in range(1001):
        found.put(key(number), number)
    assert min(found.entries) == key(EVICTED_AT_ONCE)


def test_where_everything_is_in_use_the_oldest_go_all_the_same() -> None:
    found = cache(100, in_use=set(range(1000)))
    for number in range(1000):
        found.put(key(number), number)
    assert found.size_bytes <= 100


def test_no_entry_makes_everything_be_looked_at() -> None:
    looked_at: list[int] = []

    def is_in_use(value: int) -> bool:
        looked_at.append(value)
        return True

    found: BoundedCache[int] = BoundedCache(100_000, lambda _key, _value: 10, is_in_use)
    for number in range(10_001):
        found.put(key(number), number)
    assert 0 < len(looked_at) <= ROUNDS_AT_ONCE


def test_the_dictionary_stays_the_same() -> None:
    found = cache(100)
    entries = found.entries
    for number in range(1000):
        found.put(key(number), number)
    found.clear()
    assert found.entries is entries
    assert (len(found), found.size_bytes) == (0, 0)


def test_a_smaller_budget_holds_at_once() -> None:
    found = cache(10_000)
    for number in range(1000):
        found.put(key(number), number)
    found.set_budget(500)
    assert found.size_bytes <= 500


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), max_size=200), st.sets(st.integers(1, 30)))
def test_the_size_is_always_the_sum_of_what_is_kept(steps: list[tuple[int, int]], in_use: set[int]) -> None:
    found: BoundedCache[int] = BoundedCache(100, lambda _key, value: value, lambda value: value in in_use)
    for number, size in steps:
        found.put(key(number), size)
        assert found.size_bytes == sum(found.entries.values()) <= 100
