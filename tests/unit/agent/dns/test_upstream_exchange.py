"""The order in which upstreams are asked."""

from asking import QUESTION, Nowhere, attempt_at

from agent.dns.upstream_exchange import NO_ANSWER, Exchange, Line, Pool
from agent.dns.upstream_state import FAILURES_UNTIL_DOWN, FailureKind, UpstreamFailure, UpstreamState
from agent.sites.site import Endpoint, Upstream

FAILURE = UpstreamFailure(FailureKind.TIMEOUT, "it did not answer")


def line(number: int) -> Line:
    return Line(UpstreamState(Upstream(Endpoint(f"192.0.2.{number}", 53))), datagrams=Nowhere(), streams=Nowhere())


def take_down(which: Line, now: float) -> None:
    for _ in range(FAILURES_UNTIL_DOWN):
        which.state.fail(FAILURE, now)


def test_upstreams_are_asked_as_the_site_names_them_those_that_are_down_last() -> None:
    first, second, third = lines = line(1), line(2), line(3)
    pool = Pool(lines)
    assert pool.order == lines
    assert pool.probe_at == float("inf")
    take_down(first, 100.0)
    pool.rearrange()
    assert pool.order == (second, third, first)
    assert pool.probe_at == 101.0
    take_down(second, 50.0)
    take_down(third, 200.0)
    pool.rearrange()
    assert pool.order == lines, "where all are down, all are asked"
    assert pool.probe_at == 51.0
    second.state.recover()
    pool.rearrange()
    assert pool.order == (second, first, third)


def test_a_pool_may_become_empty() -> None:
    pool = Pool((line(1),))
    pool.replace(())
    assert pool.order == ()


def test_a_new_exchange_has_neither_answer_nor_end() -> None:
    pool = Pool((line(1),))
    exchange = Exchange(QUESTION, pool, print, flags=0, dnssec_ok=False, now=1.0, deadline=5.0)
    assert (exchange.best, exchange.failure, exchange.is_done, exchange.outstanding) == (None, NO_ANSWER, False, 0)


def test_a_new_try_is_carried_by_nobody() -> None:
    attempt = attempt_at(UpstreamState(Upstream(Endpoint("192.0.2.1", 53))), Nowhere(), now=7.0)
    assert (attempt.carrier, attempt.identifier, attempt.is_over, attempt.sent_at) == (None, b"", False, 7.0)
    assert attempt.question == QUESTION
