"""Questions to upstreams that work, fail, lie, stall and come back."""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from asking import (
    QUESTION,
    TIMEOUT_SECONDS,
    TOTAL_SECONDS,
    Asker,
    Clock,
    Result,
    addresses,
    kind,
    plain,
    played,
    rcode,
)
from nano_dns import ADDRESS, Act, NanoDns, answer_address, unused_endpoint

from agent.dns.upstream import FailureKind, Forwarder
from agent.dns.upstream_state import FAILURES_UNTIL_DOWN
from agent.dns.upstream_udp import UdpSockets
from agent.sites.site import Endpoint, Upstream, Upstreams, Zone
from filters.wire import FLAG_AD, FLAG_CD, FLAG_RD

NOWHERE = Upstream(Endpoint("fe80::1%nosuch0", 53))


# ---- what is asked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checking_disabled", [False, True], ids=["checking", "checking-disabled"])
@pytest.mark.parametrize("dnssec_ok", [False, True], ids=["plain", "dnssec-ok"])
def test_a_query_says_what_the_client_said_and_no_more(*, checking_disabled: bool, dnssec_ok: bool) -> None:
    async def story() -> None:
        async with NanoDns() as server, Asker(plain(server)) as asker:
            flags = FLAG_RD | (FLAG_CD if checking_disabled else 0)
            assert addresses(await asker.ask(flags=flags, dnssec_ok=dnssec_ok)) == [ADDRESS]
            query = server.received[0].message
            assert query.question[0].name.to_text() == "wWw.Example.test."
            assert query.flags == dns.flags.RD | (dns.flags.CD if checking_disabled else 0)
            assert (query.edns, query.payload, query.options) == (0, 1232, ())
            assert query.ednsflags == (dns.flags.DO if dnssec_ok else 0)

    asyncio.run(story())


@played
async def test_a_client_that_understands_ad_is_asked_for() -> None:
    async with NanoDns() as server, Asker(plain(server)) as asker:
        await asker.ask(flags=FLAG_AD)
        assert server.received[0].message.flags & dns.flags.AD


@played
async def test_ids_and_ports_keep_changing() -> None:
    async with NanoDns() as server, Asker(plain(server), random=Random(7)) as asker:
        for _ in range(60):
            await asker.ask()
        asker.clock.ahead_seconds += 6
        for _ in range(60):
            await asker.ask()
        ids = [received.wire[:2] for received in server.received]
        before = {received.source_port for received in server.received[:60]}
        after = {received.source_port for received in server.received[60:]}
        assert len(set(ids)) > 110
        assert ids != sorted(ids)
        assert len(before) == len(after) == 8
        assert len(before & after) <= 1


# ---- answers that are not taken ------------------------------------------------------------------------------

FORGERIES = [
    Act.WRONG_ID,
    Act.WRONG_QUESTION,
    Act.WRONG_CASE,
    Act.WRONG_OPCODE,
    Act.TWO_QUESTIONS,
    Act.ECHO,
    Act.GARBAGE,
    Act.EMPTY,
]


@pytest.mark.parametrize("act", FORGERIES, ids=lambda act: act.name.lower())
def test_what_does_not_match_is_counted_and_passed_over(act: Act) -> None:
    async def story() -> None:
        async with NanoDns(udp=[act]) as liar, NanoDns() as server, Asker(plain(liar), plain(server)) as asker:
            assert addresses(await asker.ask()) == [ADDRESS]
            assert asker.forwarder.stats()[0].mismatched == 1
            assert asker.forwarder.stats()[0].answered == 0

    asyncio.run(story())


@played
async def test_a_right_answer_after_every_wrong_one_is_taken() -> None:
    async with NanoDns(udp=[Act.SPOOFED]) as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]
        assert asker.forwarder.stats()[0].mismatched == len(FORGERIES)
        assert len(server.received) == 1


@played
async def test_an_answer_from_another_port_is_never_seen() -> None:
    async with NanoDns(udp=[Act.WRONG_PORT]) as server, Asker(plain(server)) as asker:
        assert kind(await asker.ask()) is FailureKind.TIMEOUT
        assert asker.forwarder.stats()[0].mismatched == 0


@played
async def test_an_answer_that_comes_twice_is_taken_once() -> None:
    async with NanoDns(udp=[Act.TWICE]) as server, Asker(plain(server)) as asker:
        for _ in range(60):
            assert addresses(await asker.ask()) == [ADDRESS]
        assert not server.over("tcp"), "duplicates are nobody's guesses"


@played
async def test_somebody_who_guesses_makes_us_ask_over_tcp() -> None:
    async with NanoDns(udp=[Act.GUESSED]) as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]
        assert len(server.over("tcp")) == 1
        assert asker.forwarder.stats()[0].mismatched >= 20


# ---- answers that are bad ------------------------------------------------------------------------------------

BAD = [Act.SERVFAIL, Act.REFUSED, Act.NOTIMP, Act.FORMERR, Act.BARE_ERROR, Act.HALF, Act.COUNTS_LIE, Act.POINTER_LOOP]


@pytest.mark.parametrize("act", BAD, ids=lambda act: act.name.lower())
def test_after_a_bad_answer_the_next_upstream_is_asked(act: Act) -> None:
    async def story() -> None:
        async with NanoDns(udp=[act]) as bad, NanoDns() as good, Asker(plain(bad), plain(good)) as asker:
            asker.clock.stand_still()
            for _ in range(FAILURES_UNTIL_DOWN):
                assert addresses(await asker.ask()) == [ADDRESS]
            assert [stats.healthy for stats in asker.forwarder.stats()] == [False, True]
            asked = len(bad.received)
            assert addresses(await asker.ask()) == [ADDRESS]
            assert len(bad.received) == asked, "an upstream that errs where another has answers is asked no more"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((Act.SERVFAIL,), "SERVFAIL"),
        ((Act.REFUSED,), "REFUSED"),
        ((Act.REFUSED, Act.SERVFAIL), "SERVFAIL"),
        ((Act.SERVFAIL, Act.REFUSED), "SERVFAIL"),
        ((Act.HALF, Act.REFUSED), "REFUSED"),
        ((Act.SERVFAIL, Act.HANG), "SERVFAIL"),
        ((Act.SERVFAIL, Act.NXDOMAIN), "NXDOMAIN"),
    ],
    ids=lambda value: "-".join(act.name.lower() for act in value) if isinstance(value, tuple) else value.lower(),
)
def test_the_best_of_the_answers_is_handed_over(acts: tuple[Act, ...], expected: str) -> None:
    async def story() -> None:
        first = NanoDns(udp=[acts[0]])
        second = NanoDns(udp=[acts[-1]])
        async with first, second, Asker(plain(first), *([plain(second)] if len(acts) > 1 else [])) as asker:
            assert rcode(await asker.ask()) == expected
            assert all(stats.healthy for stats in asker.forwarder.stats())

    asyncio.run(story())


@pytest.mark.parametrize("act", [Act.HALF, Act.COUNTS_LIE, Act.POINTER_LOOP], ids=lambda act: act.name.lower())
def test_half_a_message_is_no_answer(act: Act) -> None:
    async def story() -> None:
        async with NanoDns(udp=[act]) as server, Asker(plain(server)) as asker:
            result = await asker.ask()
            assert kind(result) is FailureKind.BAD_ANSWER
            assert str(result) == f"{plain(server)} sent half a message"
            assert asker.forwarder.stats()[0].malformed == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "act", [Act.NO_EDNS, Act.FORMERR, Act.NOTIMP, Act.BADVERS, Act.BARE_ERROR], ids=lambda act: act.name.lower()
)
def test_who_does_not_take_edns_is_asked_without(act: Act) -> None:
    async def story() -> None:
        acts = [act] if act is Act.NO_EDNS else [act, Act.ANSWER]
        async with NanoDns(udp=acts) as server, Asker(plain(server)) as asker:
            assert addresses(await asker.ask()) == [ADDRESS]
            assert addresses(await asker.ask()) == [ADDRESS]
            assert [received.message.edns for received in server.received] == [0, -1, -1]
            asker.clock.ahead_seconds += 1000
            assert addresses(await asker.ask()) == [ADDRESS]
            assert server.received[3].message.edns == 0, "it may have been mended"

    asyncio.run(story())


@pytest.mark.parametrize("act", [Act.TRUNCATE, Act.HUGE], ids=lambda act: act.name.lower())
def test_what_is_too_long_for_udp_comes_over_tcp(act: Act) -> None:
    async def story() -> None:
        async with NanoDns(udp=[act]) as server, Asker(plain(server)) as asker:
            for _ in range(3):
                assert addresses(await asker.ask()) == [ADDRESS]
            assert len(server.over("tcp")) == 3
            assert server.connections == 1, "the connection is used again"
            assert asker.forwarder.stats()[0].tcp_fallbacks == 3
            assert asker.forwarder.stats()[0].healthy

    asyncio.run(story())


@played
async def test_an_upstream_without_tcp_still_counts_as_healthy() -> None:
    async with NanoDns(udp=[Act.TRUNCATE], tcp=[Act.CLOSE]) as server, Asker(plain(server)) as asker:
        for _ in range(FAILURES_UNTIL_DOWN + 1):
            assert kind(await asker.ask()) is FailureKind.NETWORK
        stats = asker.forwarder.stats()[0]
        assert stats.healthy
        assert str(stats.last_failure) == f"{plain(server)}: it closed the connection"


# ---- silence -------------------------------------------------------------------------------------------------


@played
async def test_a_silent_upstream_is_given_up_after_a_total_time() -> None:
    async with NanoDns(udp=[Act.HANG]) as server, Asker(plain(server)) as asker:
        started_at = time.monotonic()
        result = await asker.ask()
        assert kind(result) is FailureKind.TIMEOUT
        assert str(result).startswith(f"{plain(server)} did not answer within 0.")
        assert TOTAL_SECONDS - 0.06 < time.monotonic() - started_at < TOTAL_SECONDS + 0.3
        assert 3 <= len(server.received) <= 6
        assert asker.forwarder.stats()[0].timed_out == len(server.received)


@played
async def test_after_the_time_out_the_next_upstream_is_asked() -> None:
    async with NanoDns(udp=[Act.HANG]) as dead, NanoDns() as server, Asker(plain(dead), plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]


@played
async def test_a_lost_datagram_is_sent_again() -> None:
    async with NanoDns(udp=[Act.HANG, Act.ANSWER]) as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]


@pytest.mark.alone
@played
async def test_when_the_usual_time_has_passed_a_second_upstream_is_asked() -> None:
    options: dict[str, Any] = {"timeout_seconds": 1.0, "total_seconds": 2.0}
    async with NanoDns() as slow, NanoDns() as quick, Asker(plain(slow), plain(quick), **options) as asker:
        for _ in range(5):
            await asker.ask()
        assert not quick.received
        slow.do(udp=[Act.SLOW])
        started_at = time.monotonic()
        assert addresses(await asker.ask()) == [ADDRESS]
        assert time.monotonic() - started_at < 0.2
        assert asker.forwarder.stats()[0].hedged == 1
        await asyncio.sleep(0.3)
        assert asker.forwarder.stats()[0].answered == 6, "the late answer is known as one"
        assert asker.forwarder.stats()[0].mismatched == 0


@pytest.mark.alone
@played
async def test_with_one_upstream_a_late_question_is_sent_from_another_port() -> None:
    options: dict[str, Any] = {"timeout_seconds": 1.0, "total_seconds": 2.0}
    async with NanoDns() as server, Asker(plain(server), **options) as asker:
        for _ in range(5):
            await asker.ask()
        server.do(udp=[Act.HANG, Act.ANSWER])
        started_at = time.monotonic()
        assert addresses(await asker.ask()) == [ADDRESS]
        assert time.monotonic() - started_at < 0.5
        assert server.received[-1].source_port != server.received[-2].source_port


@played
async def test_hedges_are_a_small_share_of_all_questions() -> None:
    options: dict[str, Any] = {"timeout_seconds": 0.5, "total_seconds": 0.5}
    async with NanoDns() as server, Asker(plain(server), **options) as asker:
        for _ in range(5):
            await asker.ask()
        server.do(udp=[Act.HANG])
        await asyncio.gather(*(asker.ask() for _ in range(100)))
        hedged = asker.forwarder.stats()[0].hedged
        assert len(server.received) == 5 + 100 + hedged
        assert hedged <= 10 + 10


@pytest.mark.alone
@played
async def test_questions_leave_an_upstream_that_falls_silent_before_they_time_out() -> None:
    options: dict[str, Any] = {"timeout_seconds": 2.0, "total_seconds": 4.0}
    async with NanoDns() as first, NanoDns() as second, Asker(plain(first), plain(second), **options) as asker:
        for _ in range(5):
            await asker.ask()
        first.do(udp=[Act.HANG])
        started_at = time.monotonic()
        results = await asyncio.gather(*(asker.ask() for _ in range(100)))
        assert all(addresses(result) == [ADDRESS] for result in results)
        assert time.monotonic() - started_at < 1.0
        assert [stats.healthy for stats in asker.forwarder.stats()] == [False, True]


# ---- health --------------------------------------------------------------------------------------------------


@pytest.mark.alone
@played
async def test_nothing_listening_is_known_at_once() -> None:
    upstream = Upstream(unused_endpoint())
    async with Asker(upstream, timeout_seconds=2.0, total_seconds=4.0) as asker:
        started_at = time.monotonic()
        result = await asker.ask()
        assert kind(result) is FailureKind.REFUSED
        assert str(result) == f"{upstream}: nothing listens there"
        assert time.monotonic() - started_at < 0.5


@pytest.mark.parametrize("broken", [Upstream(unused_endpoint()), NOWHERE], ids=["nothing-listens", "no-such-link"])
def test_an_upstream_out_of_reach_costs_no_answer(broken: Upstream) -> None:
    async def story() -> None:
        async with NanoDns() as server, Asker(broken, plain(server)) as asker:
            results = await asyncio.gather(*(asker.ask() for _ in range(50)))
            assert all(addresses(result) == [ADDRESS] for result in results)
            assert [stats.healthy for stats in asker.forwarder.stats()] == [False, True]

    asyncio.run(story())


@played
async def test_an_upstream_that_is_down_is_tried_less_and_less_often_and_comes_back() -> None:
    first, second = NanoDns(udp=[Act.SERVFAIL]), NanoDns()
    async with first, second, Asker(plain(first), plain(second)) as asker:
        asker.clock.stand_still()
        for _ in range(FAILURES_UNTIL_DOWN):
            await asker.ask()
        for ahead, asked in ((0.5, 3), (0.6, 4), (1.0, 4), (1.1, 5), (2.0, 5), (2.1, 6)):
            asker.clock.ahead_seconds += ahead
            await asker.ask()
            await asyncio.sleep(0.02)
            assert len(first.received) == asked
        first.do(udp=[Act.ANSWER])
        asker.clock.ahead_seconds += 9
        await asker.ask()
        await asyncio.sleep(0.02)
        assert [stats.healthy for stats in asker.forwarder.stats()] == [True, True]
        asked = len(second.received)
        await asker.ask()
        assert len(second.received) == asked, "the first one is asked again"


@played
async def test_where_all_are_down_they_are_asked_all_the_same() -> None:
    first, second = NanoDns(udp=[Act.HANG]), NanoDns(udp=[Act.HANG])
    brief: dict[str, Any] = {"timeout_seconds": 0.15, "total_seconds": 0.5}
    async with first, second, Asker(plain(first), plain(second), **brief) as asker:
        for _ in range(FAILURES_UNTIL_DOWN):
            assert kind(await asker.ask()) is FailureKind.TIMEOUT
        assert [stats.healthy for stats in asker.forwarder.stats()] == [False, False]
        second.do(udp=[Act.ANSWER])
        assert addresses(await asker.ask()) == [ADDRESS]
        assert [stats.healthy for stats in asker.forwarder.stats()] == [False, True]


@played
async def test_a_name_that_nobody_can_resolve_is_no_fault_of_the_upstreams() -> None:
    first, second = NanoDns(udp=[Act.SERVFAIL]), NanoDns(udp=[Act.SERVFAIL])
    async with first, second, Asker(plain(first), plain(second)) as asker:
        for _ in range(10):
            assert rcode(await asker.ask()) == "SERVFAIL"
        assert [stats.healthy for stats in asker.forwarder.stats()] == [True, True]


# ---- zones, limits, changes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [Act.ANSWER, Act.HANG, Act.REFUSED], ids=lambda act: act.name.lower())
def test_a_zone_is_asked_of_its_own_upstreams_only(act: Act) -> None:
    async def story() -> None:
        async with NanoDns() as public, NanoDns(udp=[act]) as school:
            zone = Zone("school.test", (plain(school),))
            async with Asker(plain(public), zones=(zone,)) as asker:
                await asker.ask(zone_upstreams=zone.upstreams)
                assert school.received
                assert not public.received

    asyncio.run(story())


@played
async def test_without_upstreams_the_reason_is_told() -> None:
    async with Asker() as asker:
        result = await asker.ask()
        assert kind(result) is FailureKind.NETWORK
        assert str(result) == "there is no upstream to ask"


@played
async def test_more_than_can_wait_is_refused_at_once() -> None:
    async with NanoDns(udp=[Act.HANG]) as server, Asker(plain(server), max_pending=2) as asker:
        waiting = [asker.begin(), asker.begin()]
        result = await asker.ask()
        assert kind(result) is FailureKind.OVERLOADED
        assert str(result) == "2 questions wait for upstreams, more are not asked"
        await asyncio.gather(*waiting)
        assert kind(await asker.ask()) is FailureKind.TIMEOUT, "there is room again"


@played
async def test_a_change_of_upstreams_loses_no_question() -> None:
    before, after = NanoDns(udp=[Act.SLOW]), NanoDns()
    async with before, after, Asker(plain(before), timeout_seconds=1.0, total_seconds=2.0) as asker:
        waiting = [asker.begin() for _ in range(20)]
        await asyncio.sleep(0.05)
        asker.forwarder.adopt(Upstreams((plain(after),)))
        assert addresses(await asker.ask()) == [ADDRESS]
        assert len(after.received) == 1
        for result in await asyncio.gather(*waiting):
            assert addresses(result) == [ADDRESS]
        assert [stats.upstream for stats in asker.forwarder.stats()] == [plain(after)]


@played
async def test_what_waits_for_an_upstream_that_is_taken_away_goes_to_the_new_one() -> None:
    async with NanoDns(udp=[Act.HANG]) as before, NanoDns() as after, Asker(plain(before)) as asker:
        waiting = [asker.begin() for _ in range(5)]
        asker.forwarder.adopt(Upstreams((plain(after),), timeout_seconds=TIMEOUT_SECONDS))
        for result in await asyncio.gather(*waiting):
            assert addresses(result) == [ADDRESS]


@played
async def test_answers_may_ask_the_next_question() -> None:
    async with NanoDns() as server, Asker(plain(server)) as asker:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        left = 50

        def next_one(result: Result) -> None:
            nonlocal left
            assert addresses(result) == [ADDRESS]
            left -= 1
            if left:
                asker.forwarder.ask(QUESTION, zone_upstreams=None, flags=0, dnssec_ok=False, on_answer=next_one)
            else:
                done.set_result(left)

        asker.forwarder.ask(QUESTION, zone_upstreams=None, flags=0, dnssec_ok=False, on_answer=next_one)
        await done


@played
async def test_closing_closes_what_was_asked_of_an_upstream_that_was_taken_away() -> None:
    async with NanoDns(udp=[Act.HANG]) as before, NanoDns() as after, Asker(plain(before)) as asker:
        (line,) = asker.forwarder._lines.values()
        waiting = asker.begin()
        asker.forwarder.adopt(Upstreams((plain(after),), timeout_seconds=TIMEOUT_SECONDS))
        await asyncio.sleep(0.01)
        datagrams = line.datagrams
        assert isinstance(datagrams, UdpSockets)
        assert datagrams.open, "it waits for its answer"
        asker.forwarder.close()
        assert not datagrams.open
        waiting.cancel()


@played
async def test_closing_leaves_nothing_open() -> None:
    server = NanoDns(udp=[Act.HANG], tcp=[Act.HANG])
    async with server, Asker(plain(server)) as asker:
        waiting = [asker.begin() for _ in range(5)]
        await asyncio.sleep(0.01)
        asker.forwarder.close()
        assert kind(await asker.ask()) is FailureKind.NETWORK
        await asyncio.sleep(TIMEOUT_SECONDS + 0.1)
        assert not any(future.done() for future in waiting)


# ---- the system's resolvers ----------------------------------------------------------------------------------


def test_the_systems_resolvers_are_asked_and_read_again_when_they_change(tmp_path: Path) -> None:
    async def story() -> None:
        resolv_conf = tmp_path / "resolv.conf"
        resolv_conf.write_text("nameserver 192.0.2.53\n")
        clock = Clock()
        loop = asyncio.get_running_loop()
        site = Upstreams((), use_system=True)
        own = (Endpoint("192.0.2.54", 53),)
        forwarder = Forwarder(site, loop=loop, clock=clock, resolv_conf=resolv_conf, own=own)
        assert [str(stats.upstream) for stats in forwarder.stats()] == ["udp://192.0.2.53:53"]
        resolv_conf.write_text("nameserver 192.0.2.54\nnameserver 2001:db8::53\n")
        forwarder.tick()
        assert [str(stats.upstream) for stats in forwarder.stats()] == ["udp://192.0.2.53:53"]
        clock.ahead_seconds += 10
        forwarder.tick()
        assert [str(stats.upstream) for stats in forwarder.stats()] == ["udp://[2001:db8::53]:53"]
        forwarder.close()

    asyncio.run(story())


# ---- counts --------------------------------------------------------------------------------------------------


@pytest.mark.alone
@played
async def test_the_counts_tell_what_happened() -> None:
    server = NanoDns(udp=[Act.ANSWER, Act.SLOW, Act.TRUNCATE, Act.ANSWER])
    async with server, Asker(plain(server), timeout_seconds=1.0, total_seconds=2.0) as asker:
        for _ in range(4):
            assert addresses(await asker.ask()) == [ADDRESS]
        await asyncio.sleep(0.3)
        stats = asker.forwarder.stats()[0]
        assert stats.sent == stats.answered == len(server.received)
        assert stats.tcp_fallbacks == 1
        assert sum(stats.latency_buckets) == len(server.over("udp"))
        assert 0 < stats.latency_seconds < 0.3


@played
async def test_ipv6_upstreams_are_asked_too() -> None:
    async with NanoDns(endpoint=Endpoint("::1", 0)) as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]


@played
async def test_a_long_answer_of_many_records_is_whole() -> None:
    def answer(query: dns.message.Message) -> dns.message.Message:
        response = answer_address(query)
        for number in range(2, 60):
            response.answer[0].add(dns.rdata.from_text("IN", "A", f"192.0.2.{number}"))
        return response

    async with NanoDns(answer=answer) as server, Asker(plain(server)) as asker:
        assert len(addresses(await asker.ask())) == 59
