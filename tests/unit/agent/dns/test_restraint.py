"""Who asks far more than a classroom, step by step; a tick is what passes between two reckonings."""

import pytest
from answering import PUPIL, Answering
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.dns.queries import Client
from agent.dns.restraint import FREE, REFUSED, SLOWED, TRUNCATED, find_nothing, reckon

RATE = 100
TICK_SECONDS = 0.5


def client() -> Client:
    return Client(b"\xc0\0\2\1", PUPIL, Answering().responder.policy.profile_state(PUPIL))


def restraints(somebody: Client, *asked_per_tick: int) -> list[int]:
    found = []
    for asked in asked_per_tick:
        somebody.asked += asked
        reckon([somebody], rate=RATE, seconds=TICK_SECONDS, seen=set())
        found.append(somebody.restraint)
    return found


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param([50] * 8, [FREE] * 8, id="the-rate-for-good"),
        pytest.param([150, 0, 0], [FREE] * 3, id="a-burst-of-a-second"),
        pytest.param(
            [200] * 4, [SLOWED, TRUNCATED, REFUSED, REFUSED], id="too-much-is-slowed-then-truncated-then-refused"
        ),
        pytest.param(
            [100_000] * 3, [SLOWED, TRUNCATED, REFUSED], id="a-sudden-flood-is-slowed-and-truncated-first-too"
        ),
        pytest.param(
            [1_000_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [
                SLOWED,
                TRUNCATED,
                REFUSED,
                REFUSED,
                TRUNCATED,
                TRUNCATED,
                TRUNCATED,
                TRUNCATED,
                SLOWED,
                SLOWED,
                FREE,
                FREE,
            ],
            id="the-debt-is-bounded-and-forgiven-in-seconds",
        ),
    ],
)
def test_restraint_follows_what_is_asked(asked: list[int], expected: list[int]) -> None:
    assert restraints(client(), *asked) == expected


def test_a_restrained_client_gets_no_finished_replies_until_it_is_free_again() -> None:
    school = Answering(zone=("www.example. 300 A 192.0.2.1",))
    somebody = school.client()
    school.resolve("www.example")
    (message,) = somebody.state.replies.entries
    assert somebody.find(message) is not None
    restraints(somebody, 1000)
    assert somebody.find is find_nothing
    assert somebody.find(message) is None
    restraints(somebody, *[0] * 20)
    assert somebody.find(message) is not None


def test_only_those_who_ask_too_much_are_restrained() -> None:
    loud, quiet = client(), client()
    loud.asked, quiet.asked = 10_000, 10
    assert reckon([loud, quiet], rate=RATE, seconds=TICK_SECONDS, seen=set()) == 1
    assert (loud.restraint, quiet.restraint) == (SLOWED, FREE)
    assert (loud.asked, quiet.asked) == (0, 0)


def test_who_asked_is_noted_and_who_only_owes_is_not() -> None:
    somebody, seen = client(), set[bytes]()
    somebody.asked = 10_000
    reckon([somebody], rate=RATE, seconds=TICK_SECONDS, seen=seen)
    assert seen == {somebody.address}
    seen.clear()
    reckon([somebody], rate=RATE, seconds=TICK_SECONDS, seen=seen)
    assert somebody.debt > 0
    assert seen == set()


@settings(deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=40))
def test_everybody_is_free_again_after_the_seconds_of_the_longest_debt(asked: list[int]) -> None:
    somebody = client()
    found = restraints(somebody, *asked)
    assert all(later <= earlier + 1 for earlier, later in zip([FREE, *found], found, strict=False))
    assert restraints(somebody, *[0] * 12)[-1] == FREE
    assert somebody.debt == 0.0
