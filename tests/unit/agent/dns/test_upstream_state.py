"""The health of one upstream, and its counts."""

import pytest

from agent.dns.upstream_state import (
    FAILURES_UNTIL_DOWN,
    FIRST_PROBE_SECONDS,
    MAX_PROBE_SECONDS,
    MIN_LATE_SECONDS,
    SILENCES_UNTIL_DOWN,
    SILENT_SECONDS,
    UNKNOWN_LATE_SECONDS,
    FailureKind,
    UpstreamFailure,
    UpstreamState,
)
from agent.sites.site import Endpoint, Upstream

UPSTREAM = Upstream(Endpoint("192.0.2.53", 53))
FAILURE = UpstreamFailure(FailureKind.TIMEOUT, "it did not answer")


def state_after(*events: str) -> UpstreamState:
    state = UpstreamState(UPSTREAM)
    for event in events:
        match event:
            case "failure":
                state.fail(FAILURE, 100.0)
            case "silence":
                state.be_late(100.0, 100.0 + SILENT_SECONDS)
            case "late":
                state.be_late(100.0, 100.0 + SILENT_SECONDS / 2)
            case "another answer":
                state.heard_at = 100.1
            case "good":
                state.recover()
    return state


@pytest.mark.parametrize(
    ("events", "is_down"),
    [
        ((), False),
        (("failure",) * (FAILURES_UNTIL_DOWN - 1), False),
        (("failure",) * FAILURES_UNTIL_DOWN, True),
        (("failure", "failure", "good", "failure", "failure"), False),
        (("silence",) * (SILENCES_UNTIL_DOWN - 1), False),
        (("silence",) * SILENCES_UNTIL_DOWN, True),
        (("late",) * SILENCES_UNTIL_DOWN, False),
        (("another answer", *("silence",) * SILENCES_UNTIL_DOWN), False),
        (("silence", "silence", "silence", "good", "silence", "silence"), False),
        (("failure",) * 9 + ("good",), False),
    ],
    ids=[
        "new",
        "a-few-failures",
        "failures-in-a-row",
        "failures-with-an-answer-between",
        "a-few-silences",
        "silences-in-a-row",
        "late-but-not-for-long",
        "late-but-others-are-answered",
        "silences-with-an-answer-between",
        "any-good-answer-brings-it-back",
    ],
)
def test_an_upstream_is_down_after_trouble_in_a_row(events: tuple[str, ...], *, is_down: bool) -> None:
    assert state_after(*events).is_down is is_down


def test_going_down_and_coming_back_are_told_once() -> None:
    state = UpstreamState(UPSTREAM)
    assert [state.fail(FAILURE, 100.0) for _ in range(5)] == [False, False, True, False, False]
    assert [state.recover(), state.recover()] == [True, False]


def test_probes_wait_twice_as_long_each_time_up_to_a_limit() -> None:
    state = state_after(*("failure",) * FAILURES_UNTIL_DOWN)
    now, waits = 100.0, []
    for _ in range(8):
        waits.append(state.probe_at - now)
        now = state.probe_at
        state.probe(now)
    assert waits[:5] == [FIRST_PROBE_SECONDS * 2**n for n in range(5)]
    assert waits[-1] == MAX_PROBE_SECONDS


def test_late_is_three_times_the_usual_time() -> None:
    state = UpstreamState(UPSTREAM)
    assert state.late_seconds == UNKNOWN_LATE_SECONDS
    state.measure(0.1)
    assert state.late_seconds == pytest.approx(0.3)
    for _ in range(100):
        state.measure(0.001)
    assert state.late_seconds == MIN_LATE_SECONDS
    assert state.latency_seconds == pytest.approx(0.001, rel=0.01)


def test_the_counts_are_handed_out() -> None:
    state = state_after("failure")
    state.measure(0.001)
    stats = state.stats()
    assert stats.upstream == UPSTREAM
    assert (stats.healthy, stats.failed, stats.last_failure) == (True, 1, FAILURE)
    assert sum(stats.latency_buckets) == 1
