"""How often one address may fail."""

import pytest

from agent.people.sign_in_limit import SignInLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_attempts_above_the_bound_are_counted_from_one() -> None:
    limit = SignInLimit(attempts=2, monotonic=Clock())
    assert [limit.take("192.0.2.1") for _ in range(4)] == [0, 0, 1, 2]
    assert limit.take("192.0.2.2") == 0


def test_what_succeeds_does_not_count() -> None:
    limit = SignInLimit(attempts=2, monotonic=Clock())
    for _ in range(5):
        assert limit.take("192.0.2.1") == 0
        limit.give_back("192.0.2.1")


def test_a_window_ends() -> None:
    clock = Clock()
    limit = SignInLimit(attempts=1, window_seconds=60, monotonic=clock)
    assert [limit.take("192.0.2.1"), limit.take("192.0.2.1")] == [0, 1]
    clock.seconds += 60
    assert limit.take("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:1", True, id="one-ipv6-network"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two-ipv6-networks"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="ipv4-in-ipv6-form"),
        pytest.param("fe80::1%eth0", "fe80::1", True, id="with-a-zone"),
        pytest.param("testclient", "testclient", True, id="no-address"),
    ],
)
def test_what_counts_as_one_address(first: str, second: str, is_one: bool) -> None:
    limit = SignInLimit(attempts=1, monotonic=Clock())
    limit.take(first)
    assert (limit.take(second) == 1) == is_one


def test_the_memory_is_bounded() -> None:
    limit = SignInLimit(attempts=1, monotonic=Clock())
    limit.take("192.0.2.1")
    for number in range(10_000):
        limit.take(f"198.{number >> 8}.{number & 255}.1")
    assert limit.take("192.0.2.1") == 0


def test_giving_back_what_was_forgotten_is_nothing() -> None:
    SignInLimit().give_back("192.0.2.1")
