"""A cache that stays within its budget and keeps what is in use."""

from hypothesis import given
from hypothesis import strategies as st

from filters.caches import TwoGenerationCache


def cache(budget: int) -> TwoGenerationCache[int]:
    return TwoGenerationCache(budget, lambda _key, value: value)


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_what_is_in_use_outlives_a_million_strangers() -> None:
    found = cache(100)
    found.put(key(0), 1)
    for number in range(1, 5000):
        found.put(key(number), 1)
        if number % 20 == 0:
            assert found.get(key(0)) == 1
    assert len(found) <= 100


def test_the_young_half_stays_the_same_dictionary() -> None:
    found = cache(10)
    young = found.young
    for number in range(100):
        found.put(key(number), 1)
    found.clear()
    assert found.young is young
    assert (len(found), found.size_bytes) == (0, 0)


def test_what_was_forgotten_is_counted() -> None:
    found = cache(4)
    for number in range(10):
        found.put(key(number), 1)
    assert found.evicted == 10 - len(found)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(1, 30)), max_size=200))
def test_the_size_is_always_the_sum_of_what_is_kept(steps: list[tuple[bool, int, int]]) -> None:
    found = cache(100)
    for is_put, number, size in steps:
        if is_put:
            found.put(key(number), size)
        else:
            found.get(key(number))
    kept = {**found._old, **found.young}
    assert found.size_bytes == sum(kept.values())
    assert len(kept) == len(found)
    assert found.size_bytes <= 100
