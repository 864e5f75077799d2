"""A forwarder to ask and to wait for, for the tests of everything that upstreams do.

@played
async def test_something() -> None:
    async with NanoDns() as server, Asker(plain(server)) as asker:
        assert addresses(await asker.ask()) == [ADDRESS]
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

import dns.message
import dns.rcode
from nano_dns import NanoDns

from agent.dns.upstream import FailureKind, Forwarder, UpstreamFailure
from agent.dns.upstream_exchange import Attempt, Carrier, Exchange, Line, Pool, Sender
from agent.dns.upstream_message import compose_query
from agent.dns.upstream_state import UpstreamState
from agent.sites.site import Upstream, Upstreams, Zone

Result = bytes | UpstreamFailure

QUESTION = b"\x03wWw\x07Example\x04test\0\0\1\0\1"
TIMEOUT_SECONDS = 0.1
TOTAL_SECONDS = 0.4


class Clock:
    """The time of this machine, or later; once it stands still, it moves only as far as it is put ahead."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0
        self._stands_at: float | None = None

    def stand_still(self) -> None:
        """Let no time pass of itself."""
        self._stands_at = time.monotonic()

    def __call__(self) -> float:
        return (self._stands_at or time.monotonic()) + self.ahead_seconds


def plain(server: NanoDns) -> Upstream:
    return Upstream(server.endpoint)


class Ends:
    """Takes how tries end: with a message, with a failure, or with nothing where they are suspected."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Result | None] = asyncio.Queue()

    def answered(self, attempt: Attempt, message: bytes, now: float) -> None:  # noqa: ARG002 (the seam)
        self._queue.put_nowait(message)

    def failed(self, attempt: Attempt, failure: UpstreamFailure) -> None:  # noqa: ARG002 (the seam)
        self._queue.put_nowait(failure)

    def suspected(self, attempt: Attempt) -> None:  # noqa: ARG002 (the seam)
        self._queue.put_nowait(None)

    async def next(self) -> Result | None:
        """Wait for the next end."""
        return await self._queue.get()

    def so_far(self) -> int:
        """Count the ends that nobody has waited for."""
        return self._queue.qsize()


class Nowhere:
    """A way that leads nowhere."""

    open: tuple[Carrier, ...] = ()

    def send(self, attempt: Attempt, *, avoiding: Carrier | None = None) -> None:
        """Lose it."""

    def retire(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def attempt_at(state: UpstreamState, sender: Sender, *, now: float = 0.0) -> Attempt:
    """Make a try of one question at one upstream."""
    line = Line(state, datagrams=sender, streams=sender)
    exchange = Exchange(QUESTION, Pool((line,)), print, flags=0, dnssec_ok=False, now=now, deadline=now + 4)
    query = compose_query(QUESTION, 0, dnssec_ok=False, edns=True)
    return Attempt(exchange, line, query, now, edns=True, stream=False)


class Asker:
    """A forwarder, with answers to wait for."""

    def __init__(self, *upstreams: Upstream, zones: tuple[Zone, ...] = (), **options: Any) -> None:
        self.clock = Clock()
        self.site = Upstreams(upstreams, zones=zones, timeout_seconds=options.pop("timeout_seconds", TIMEOUT_SECONDS))
        options.setdefault("total_seconds", TOTAL_SECONDS)
        self.forwarder = Forwarder(self.site, loop=asyncio.get_running_loop(), clock=self.clock, **options)

    def begin(
        self,
        question: bytes = QUESTION,
        *,
        flags: int = 0,
        dnssec_ok: bool = False,
        zone_upstreams: tuple[Upstream, ...] | None = None,
    ) -> asyncio.Future[Result]:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.forwarder.ask(
            question, zone_upstreams=zone_upstreams, flags=flags, dnssec_ok=dnssec_ok, on_answer=future.set_result
        )
        assert not future.done(), "nobody is told anything from within ask"
        return future

    async def ask(self, question: bytes = QUESTION, **options: Any) -> Result:
        return await self.begin(question, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.forwarder.close()
        await asyncio.sleep(0)


def addresses(result: Result) -> list[str]:
    """Read an answer as dnspython does; fails where there is none."""
    assert isinstance(result, bytes), result
    message = dns.message.from_wire(result)
    assert message.question[0].name.to_text() == "wWw.Example.test."
    return [str(record) for rrset in message.answer for record in rrset]


def rcode(result: Result) -> str:
    assert isinstance(result, bytes), result
    return dns.rcode.to_text(dns.message.from_wire(result).rcode())


def kind(result: Result) -> FailureKind:
    assert isinstance(result, UpstreamFailure), result
    return result.kind


Story = Callable[[], Coroutine[Any, Any, None]]


def played(story: Story) -> Callable[[], None]:
    """Turn a story into a test."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(story(), 10))

    test.__name__ = story.__name__
    return test
