"""Questions over TCP and TLS: connections that are used again, break off, stall, or belong to somebody else."""

import asyncio
import base64
import time
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import dns.edns
import dns.flags
import pytest
from asking import Asker, Clock, Ends, addresses, attempt_at, kind, plain, played
from nano_dns import ADDRESS, LOOPBACK, Act, Certificate, NanoDns, make_certificate, unused_endpoint

from agent.dns.upstream import FailureKind
from agent.dns.upstream_state import FAILURES_UNTIL_DOWN, UpstreamState
from agent.dns.upstream_stream import Streams
from agent.dns.upstream_tls import spki_digest
from agent.dns.upstream_udp import Identifiers
from agent.sites.site import Endpoint, Transport, Upstream

NAME = "dns.example.test"
PATIENT: dict[str, Any] = {"timeout_seconds": 1.0, "total_seconds": 2.0}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), [f"DNS:{NAME}", f"IP:{LOOPBACK}"])


def pin(certificate: Certificate) -> str:
    pem = certificate.path.read_text().split("-----")[2]
    return spki_digest(base64.b64decode(pem))


def encrypted(server: NanoDns, *, name: str | None = None, pins: tuple[str, ...] = ()) -> Upstream:
    return Upstream(server.endpoint, Transport.TLS, name, pins)


def ask_by_name(server: NanoDns, certificate: Certificate) -> Asker:
    return Asker(encrypted(server, name=NAME), trusted=certificate.trust(), **PATIENT)


class Truncating(NanoDns):
    """A server that has everybody come back over TCP."""

    def __init__(self, *tcp: Act) -> None:
        super().__init__(udp=[Act.TRUNCATE], tcp=tcp)


# ---- TCP -----------------------------------------------------------------------------------------------------


@played
async def test_many_questions_share_a_connection_and_are_answered_in_any_order() -> None:
    async with Truncating(Act.SLOW, Act.ANSWER) as server, Asker(plain(server), **PATIENT) as asker:
        slow = asker.begin()
        await asyncio.sleep(0.05)
        others = await asyncio.gather(*(asker.ask() for _ in range(20)))
        assert all(addresses(result) == [ADDRESS] for result in others)
        assert not slow.done()
        assert addresses(await slow) == [ADDRESS]
        assert server.connections == 1
        assert len({received.wire[:2] for received in server.over("tcp")}) == len(server.over("tcp")) >= 21


@pytest.mark.parametrize("act", [Act.IN_PIECES, Act.TWICE], ids=["octet-by-octet", "two-at-once"])
def test_messages_come_in_any_pieces(act: Act) -> None:
    async def story() -> None:
        async with Truncating(act) as server, Asker(plain(server), **PATIENT) as asker:
            for _ in range(5):
                assert addresses(await asker.ask()) == [ADDRESS]
            assert server.connections == 1

    asyncio.run(story())


@played
async def test_what_waited_on_a_connection_that_ends_goes_over_a_new_one() -> None:
    async with Truncating(Act.ANSWER, Act.CLOSE, Act.ANSWER) as server, Asker(plain(server), **PATIENT) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]
        assert addresses(await asker.ask()) == [ADDRESS]
        assert server.connections == 2


@played
async def test_a_server_that_closes_after_each_answer_is_still_of_use() -> None:
    async with Truncating(Act.ANSWER_AND_CLOSE) as server, Asker(plain(server), **PATIENT) as asker:
        for _ in range(3):
            assert addresses(await asker.ask()) == [ADDRESS]
            await asyncio.sleep(0.03)
        assert server.connections == 3


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (Act.CLOSE, "it closed the connection"),
        (Act.CLOSE_MIDWAY, "it closed the connection"),
        (Act.SHORT_FRAME, "what it sends over TCP is not DNS"),
    ],
    ids=["closes", "closes-midway", "short-frame"],
)
def test_a_broken_stream_fails_in_one_sentence(act: Act, why: str) -> None:
    async def story() -> None:
        async with Truncating(act) as server, Asker(plain(server), **PATIENT) as asker:
            assert str(await asker.ask()) == f"{plain(server)}: {why}"

    asyncio.run(story())


@pytest.mark.alone
@pytest.mark.parametrize("act", [Act.HANG, Act.DRIP], ids=["hangs", "drips"])
def test_a_stalling_stream_ends_with_the_total_time(act: Act) -> None:
    async def story() -> None:
        async with Truncating(act) as server, Asker(plain(server)) as asker:
            started_at = time.monotonic()
            assert kind(await asker.ask()) is FailureKind.TIMEOUT
            assert time.monotonic() - started_at < 0.8

    asyncio.run(story())


@played
async def test_after_a_stall_the_next_question_finds_a_new_connection() -> None:
    async with Truncating(Act.ANSWER, Act.DRIP, Act.ANSWER) as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]
        assert addresses(await asker.ask()) == [ADDRESS]
        assert server.connections == 2


@pytest.mark.parametrize(
    "act",
    [Act.WRONG_ID, Act.WRONG_QUESTION, Act.WRONG_CASE, Act.ECHO, Act.TWO_QUESTIONS],
    ids=lambda act: act.name.lower(),
)
def test_what_does_not_match_is_passed_over_on_a_stream_too(act: Act) -> None:
    async def story() -> None:
        async with Truncating(act) as server, Asker(plain(server)) as asker:
            assert kind(await asker.ask()) is FailureKind.TIMEOUT
            assert asker.forwarder.stats()[0].mismatched == len(server.over("tcp"))

    asyncio.run(story())


@played
async def test_a_stream_of_answers_that_nobody_asked_for_is_ended() -> None:
    async with Truncating(Act.GUESSED) as server, Asker(plain(server), **PATIENT) as asker:
        assert str(await asker.ask()) == f"{plain(server)}: it answers what was not asked"


@played
async def test_an_idle_connection_is_closed_and_a_retired_one_when_nothing_waits() -> None:
    async with NanoDns(tcp=[Act.ANSWER, Act.ANSWER, Act.SLOW]) as server:
        state, ends, clock = UpstreamState(plain(server)), Ends(), Clock()
        loop = asyncio.get_running_loop()
        streams = Streams(
            state, ends, loop=loop, identifiers=Identifiers(Random(1)), clock=clock, trusted=None, idle_seconds=0.1
        )
        for connections in (1, 2):
            streams.send(attempt_at(state, streams))
            assert isinstance(await ends.next(), bytes)
            assert len(streams.open) == 1
            await asyncio.sleep(0.2)
            assert not streams.open
            assert server.connections == connections
        streams.send(attempt_at(state, streams))
        streams.retire()
        assert len(streams.open) == 1
        assert isinstance(await ends.next(), bytes)
        assert not streams.open


# ---- TLS -----------------------------------------------------------------------------------------------------

Story = Callable[[Certificate], Coroutine[Any, Any, None]]


def with_certificate(story: Story) -> Callable[[Certificate], None]:
    def test(certificate: Certificate) -> None:
        asyncio.run(asyncio.wait_for(story(certificate), 10))

    test.__name__ = story.__name__
    return test


@with_certificate
async def test_questions_are_padded_and_share_a_tls_connection(certificate: Certificate) -> None:
    async with NanoDns(tls=certificate.serve()) as server, ask_by_name(server, certificate) as asker:
        results = await asyncio.gather(*(asker.ask(dnssec_ok=True) for _ in range(20)))
        assert all(addresses(result) == [ADDRESS] for result in results)
        assert server.connections == 1
        assert not server.over("udp")
        for received in server.over("tls"):
            assert len(received.wire) == 128
            assert [option.otype for option in received.message.options] == [dns.edns.OptionType.PADDING]
            assert received.message.ednsflags == dns.flags.DO


@with_certificate
async def test_a_server_without_edns_is_asked_without_padding(certificate: Certificate) -> None:
    async with (
        NanoDns(tls=certificate.serve(), tcp=[Act.NO_EDNS]) as server,
        ask_by_name(server, certificate) as asker,
    ):
        assert addresses(await asker.ask()) == [ADDRESS]
        assert [received.message.edns for received in server.received] == [0, -1]


@pytest.mark.parametrize(
    ("name", "pinned", "trusts", "why"),
    [
        (NAME, None, True, None),
        (None, None, True, None),
        (None, "right", False, None),
        (None, "one-of-two", False, None),
        (NAME, "right", True, None),
        ("other.example.test", None, True, "Hostname mismatch, certificate is not valid for 'other.example.test'."),
        (NAME, None, False, "self-signed certificate"),
        (NAME, "right", False, "self-signed certificate"),
        (None, "wrong", True, "its key has the pin"),
        (NAME, "wrong", True, "its key has the pin"),
    ],
    ids=[
        "the-name-fits",
        "without-a-name-the-address-fits",
        "the-pin-fits",
        "one-of-two-pins-fits",
        "name-and-pin-fit",
        "another-name",
        "nobody-we-trust",
        "a-pin-does-not-replace-the-name",
        "another-key",
        "another-key-under-the-name",
    ],
)
def test_only_the_upstream_that_the_site_means_is_asked(
    certificate: Certificate, name: str | None, pinned: str | None, why: str | None, *, trusts: bool
) -> None:
    async def story() -> None:
        right, wrong = pin(certificate), base64.b64encode(bytes(32)).decode()
        pins = {None: (), "right": (right,), "wrong": (wrong,), "one-of-two": (wrong, right)}[pinned]
        trusted = certificate.trust() if trusts else None
        async with NanoDns(tls=certificate.serve()) as server:
            upstream = encrypted(server, name=name, pins=pins)
            async with Asker(upstream, trusted=trusted, **PATIENT) as asker:
                result = await asker.ask()
                if why is None:
                    assert addresses(result) == [ADDRESS]
                    return
                assert kind(result) is FailureKind.TLS
                assert why in str(result)
                assert str(upstream) in str(result)
                assert not server.received, "no question leaves before the check, and none in the clear"

    asyncio.run(story())


@with_certificate
async def test_after_failed_checks_the_next_upstream_is_asked(certificate: Certificate) -> None:
    async with NanoDns(tls=certificate.serve()) as false, NanoDns(tls=certificate.serve()) as true:
        upstreams = encrypted(false, name="other.example.test"), encrypted(true, name=NAME)
        async with Asker(*upstreams, trusted=certificate.trust(), **PATIENT) as asker:
            for _ in range(FAILURES_UNTIL_DOWN):
                assert addresses(await asker.ask()) == [ADDRESS]
            assert [stats.healthy for stats in asker.forwarder.stats()] == [False, True]


@with_certificate
async def test_a_server_that_speaks_no_tls_gets_no_question(certificate: Certificate) -> None:
    async with NanoDns() as server, Asker(encrypted(server, name=NAME), trusted=certificate.trust()) as asker:
        assert kind(await asker.ask()) in (FailureKind.TLS, FailureKind.NETWORK, FailureKind.TIMEOUT)
        assert not server.received


@pytest.mark.alone
@with_certificate
async def test_a_handshake_that_never_ends_times_out(certificate: Certificate) -> None:
    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)

    accepted: list[asyncio.StreamWriter] = []
    mute = await asyncio.start_server(accept, LOOPBACK, 0)
    endpoint = Endpoint(LOOPBACK, mute.sockets[0].getsockname()[1])
    upstream = Upstream(endpoint, Transport.TLS, NAME)
    async with Asker(upstream, trusted=certificate.trust()) as asker:
        started_at = time.monotonic()
        assert kind(await asker.ask()) is FailureKind.TIMEOUT
        assert time.monotonic() - started_at < 0.8
    for writer in accepted:
        writer.transport.abort()
    mute.close()
    await asyncio.sleep(0)


@with_certificate
async def test_a_tls_connection_that_goes_silent_is_replaced(certificate: Certificate) -> None:
    async with (
        NanoDns(tls=certificate.serve(), tcp=[Act.ANSWER, Act.HANG, Act.ANSWER]) as server,
        ask_by_name(server, certificate) as asker,
    ):
        assert addresses(await asker.ask()) == [ADDRESS]
        assert addresses(await asker.ask()) == [ADDRESS]
        assert server.connections == 2


@played
async def test_nothing_listening_for_tls_is_known_at_once() -> None:
    upstream = Upstream(unused_endpoint(), Transport.TLS, NAME)
    async with Asker(upstream, **PATIENT) as asker:
        result = await asker.ask()
        assert kind(result) is FailureKind.REFUSED
        assert str(result) == f"{upstream}: nothing listens there"
