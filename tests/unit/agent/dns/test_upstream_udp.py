"""The sockets towards one upstream: how long they serve, and that none is left open."""

import asyncio
from random import Random, SystemRandom

import pytest
from asking import Clock, Ends, attempt_at, plain, played
from nano_dns import Act, NanoDns, unused_endpoint

from agent.dns.upstream_state import FailureKind, UpstreamFailure, UpstreamState
from agent.dns.upstream_udp import GUESSES, QUESTIONS_PER_SOCKET, SOCKETS, Identifiers, UdpSockets, is_bare_error
from agent.sites.site import Upstream


def sockets(state: UpstreamState, ends: Ends) -> UdpSockets:
    loop = asyncio.get_running_loop()
    return UdpSockets(state, ends, loop=loop, identifiers=Identifiers(Random(3)), clock=Clock())


def test_identifiers_come_from_the_generator_that_is_handed_in() -> None:
    first, again, system = Identifiers(Random(1)), Identifiers(Random(1)), Identifiers(SystemRandom())
    drawn = [first.draw() for _ in range(5000)]
    assert drawn == [again.draw() for _ in range(5000)]
    assert all(len(identifier) == 2 for identifier in drawn)
    assert len(set(drawn)) > 4500
    assert drawn != [system.draw() for _ in range(5000)]


@played
async def test_a_socket_serves_for_so_many_questions_and_is_closed() -> None:
    async with NanoDns() as server:
        state, ends = UpstreamState(plain(server)), Ends()
        port = sockets(state, ends)
        for _ in range(SOCKETS * QUESTIONS_PER_SOCKET + 200):
            port.send(attempt_at(state, port))
            assert isinstance(await ends.next(), bytes)
            assert len(port.open) <= SOCKETS
        assert len({received.source_port for received in server.received}) > SOCKETS
        port.close()
        assert not port.open


@played
async def test_a_retired_socket_waits_for_its_answers() -> None:
    async with NanoDns(udp=[Act.SLOW]) as server:
        state, ends = UpstreamState(plain(server)), Ends()
        port = sockets(state, ends)
        for _ in range(20):
            port.send(attempt_at(state, port))
        port.retire()
        assert port.open
        for _ in range(20):
            assert isinstance(await ends.next(), bytes)
        assert not port.open
        port.send(attempt_at(state, port))
        assert len(port.open) == 1
        assert isinstance(await ends.next(), bytes)
        assert not port.open


@played
async def test_a_forgotten_try_is_not_waited_for() -> None:
    async with NanoDns(udp=[Act.SLOW]) as server:
        state, ends = UpstreamState(plain(server)), Ends()
        port = sockets(state, ends)
        attempt = attempt_at(state, port)
        port.send(attempt)
        assert attempt.carrier is not None
        attempt.carrier.forget(attempt)
        attempt.carrier.forget(attempt)
        await asyncio.sleep(0.3)
        assert ends.so_far() == 0
        assert state.mismatched == 1
        port.retire()
        assert not port.open


@played
async def test_a_second_try_leaves_from_another_socket() -> None:
    async with NanoDns(udp=[Act.HANG]) as server:
        state = UpstreamState(plain(server))
        port = sockets(state, Ends())
        for _ in range(50):
            first, second = attempt_at(state, port), attempt_at(state, port)
            port.send(first)
            port.send(second, avoiding=first.carrier)
            assert first.carrier is not second.carrier
        port.close()


@played
async def test_an_icmp_message_ends_every_try_of_its_socket() -> None:
    upstream = Upstream(unused_endpoint())
    state, ends = UpstreamState(upstream), Ends()
    port = sockets(state, ends)
    for _ in range(20):
        port.send(attempt_at(state, port))
    for _ in range(20):
        assert await ends.next() == UpstreamFailure(FailureKind.REFUSED, f"{upstream}: nothing listens there")
    assert not port.open


@played
async def test_guesses_end_the_socket_that_they_are_made_at() -> None:
    async with NanoDns(udp=[Act.GUESSED]) as server:
        state, ends = UpstreamState(plain(server)), Ends()
        port = sockets(state, ends)
        port.send(attempt_at(state, port))
        assert await ends.next() is None
        assert state.mismatched == GUESSES
        assert not port.open


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\1\2\x81\x81" + bytes(8), True),
        (b"\1\2\x81\x80" + bytes(8), False),
        (b"\1\2\x01\x81" + bytes(8), False),
        (b"\1\2\x91\x81" + bytes(8), False),
        (b"\1\2\x81\x81" + bytes(9), False),
        (b"\1\2\x81\x81", False),
        (b"", False),
    ],
    ids=["error", "no-error", "no-response", "other-opcode", "longer", "shorter", "empty"],
)
def test_a_bare_error_is_a_header_and_an_error(message: bytes, *, expected: bool) -> None:
    assert is_bare_error(message) is expected
