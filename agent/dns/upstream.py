"""What is allowed is asked here: which upstream, when a second one, and which of their answers is taken.

A question is sent to the first upstream that works. When the usual time has passed it is sent once more, to the
next one (a hedge, for a small share of all questions); when the time-out has passed, or what came back is bad, it
goes on to the next. The first good answer is handed over; failing that the best bad one, failing that the reason.
There is no task and no timer per question.

Source: RFC 1034 section 5.3.3, RFC 5452 (forged answers), RFC 6891 section 6.2.2 (servers without EDNS), RFC 7766.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from agent.dns.upstream_deadlines import Deadlines
from agent.dns.upstream_exchange import Attempt, Carrier, Exchange, Line, OnAnswer, Pool
from agent.dns.upstream_message import (
    EDNS_REFUSALS,
    FLAGS_PASSED,
    GOOD_RCODES,
    HEADER_OCTETS,
    compose_query,
    read_rcode,
)
from agent.dns.upstream_state import (
    PLAIN_SECONDS,
    SILENT_SECONDS,
    UNKNOWN_LATE_SECONDS,
    FailureKind,
    UpstreamFailure,
    UpstreamState,
    UpstreamStats,
)
from agent.dns.upstream_stream import Streams
from agent.dns.upstream_system import SystemResolvers
from agent.dns.upstream_udp import RECEIVE_OCTETS, Identifiers, UdpSockets
from agent.sites.site import Endpoint, Upstream, Upstreams
from filters.wire import FLAG_TC, Rcode

__all__ = ["FailureKind", "Forwarder", "UpstreamFailure", "UpstreamStats"]

# A client's stub gives up after five seconds; somebody who waits longer asks again.
TOTAL_SECONDS: Final = 4.0
MAX_TRIES: Final = 6
# What is left before the end must be worth a try.
MIN_TRY_SECONDS: Final = 0.05
# One question in ten, at most, is asked a second time because its answer is late.
HEDGE_SHARE: Final = 0.1
MAX_HEDGES_SAVED: Final = 10.0
MAX_PENDING: Final = 8192

RESOLV_CONF: Final = Path("/etc/resolv.conf")

_TC_OCTET: Final = FLAG_TC >> 8
# Of bad answers, one that is about the name tells more than one that is about us.
_RANKS: Final[dict[int, int]] = {Rcode.SERVFAIL: 2, Rcode.REFUSED: 1}


class Forwarder:
    """Asks upstreams; everything happens on one event loop, and what was asked for is told to a callback.

    Args:
        upstreams: those of the site; `adopt` changes them.
        loop: must be able to watch sockets.
        own: where this gateway listens, so that it never asks itself.
        random: gives IDs that nobody must foretell.
        clock: monotonic seconds.
        trusted: what checks certificates; without one, the system's certificate authorities do.
        total_seconds: how long a question may take in all.
    """

    def __init__(
        self,
        upstreams: Upstreams,
        *,
        loop: asyncio.AbstractEventLoop,
        own: Sequence[Endpoint] = (),
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        trusted: ssl.SSLContext | None = None,
        resolv_conf: Path = RESOLV_CONF,
        total_seconds: float = TOTAL_SECONDS,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._identifiers = Identifiers(random or SystemRandom())
        self._trusted = trusted
        self._total_seconds = total_seconds
        self._max_pending = max_pending
        self._system = SystemResolvers(resolv_conf, own)
        self._lines: dict[Upstream, Line] = {}
        # Those that nobody new is asked of, on which questions may still be under way.
        self._retired: list[Line] = []
        self._default = Pool(())
        self._zones: dict[tuple[Upstream, ...], Pool] = {}
        self._pending = 0
        self._hedges = MAX_HEDGES_SAVED
        self._deadlines = Deadlines(self._be_late, loop=loop, clock=clock)
        self.adopt(upstreams)

    # ---- which upstreams there are -------------------------------------------------------------------------

    def adopt(self, upstreams: Upstreams) -> None:
        """Ask the upstreams of another site from now on; questions on their way stay on it."""
        self._upstreams = upstreams
        self._timeout_seconds = min(upstreams.timeout_seconds, self._total_seconds)
        if upstreams.use_system:
            self._system.refresh(self._clock())
        self._arrange()

    def tick(self) -> None:
        """Look whether the system's resolvers have changed; to be called every second or so."""
        if self._upstreams.use_system and self._system.refresh(self._clock()):
            self._arrange()

    def _arrange(self) -> None:
        system = self._system.upstreams if self._upstreams.use_system else ()
        servers = tuple(dict.fromkeys(self._upstreams.servers + system))
        zones = dict.fromkeys(zone.upstreams for zone in self._upstreams.zones)
        wanted = dict.fromkeys((*servers, *(upstream for zone in zones for upstream in zone)))
        for upstream in self._lines.keys() - wanted.keys():
            line = self._lines.pop(upstream)
            line.datagrams.retire()
            line.streams.retire()
            self._retired.append(line)
        self._retired = [line for line in self._retired if line.datagrams.open or line.streams.open]
        for zone in self._zones.keys() - zones.keys():
            self._zones.pop(zone).replace(())
        self._lines = {upstream: self._lines.get(upstream) or self._open_line(upstream) for upstream in wanted}
        self._default.replace(self._of(servers))
        for zone in zones.keys() - self._zones.keys():
            self._zones[zone] = Pool(self._of(zone))

    def _of(self, upstreams: tuple[Upstream, ...]) -> tuple[Line, ...]:
        return tuple(self._lines[upstream] for upstream in upstreams)

    def _open_line(self, upstream: Upstream) -> Line:
        state = UpstreamState(upstream)
        loop, identifiers, clock = self._loop, self._identifiers, self._clock
        return Line(
            state,
            datagrams=UdpSockets(state, self, loop=loop, identifiers=identifiers, clock=clock),
            streams=Streams(state, self, loop=loop, identifiers=identifiers, clock=clock, trusted=self._trusted),
        )

    def stats(self) -> tuple[UpstreamStats, ...]:
        """Give what happened with each upstream, in the order of the site, those of its zones last."""
        return tuple(line.state.stats() for line in self._lines.values())

    def close(self) -> None:
        """Close everything; questions on their way get no answer."""
        self._default.replace(())
        self._zones.clear()
        for line in (*self._lines.values(), *self._retired):
            line.datagrams.close()
            line.streams.close()
        self._deadlines.close()

    # ---- one question --------------------------------------------------------------------------------------

    def ask(
        self,
        question: bytes,
        *,
        zone_upstreams: tuple[Upstream, ...] | None,
        flags: int,
        dnssec_ok: bool,
        on_answer: OnAnswer,
    ) -> None:
        """Ask; `on_answer` is called once, and never before this returns.

        Args:
            question: the question section, in the case in which the answer is to repeat it.
            zone_upstreams: the only ones who may be asked; without them the general ones are.
            flags: of the client's query; AD and CD are passed on.
            dnssec_ok: the DO bit of the client's query.
            on_answer: is given the whole response with some ID, or why there is none.
        """
        pool = self._default if zone_upstreams is None else self._zones.get(zone_upstreams)
        if pool is None or not pool.order:
            self._loop.call_soon(on_answer, UpstreamFailure(FailureKind.NETWORK, "there is no upstream to ask"))
            return
        if self._pending >= self._max_pending:
            text = f"{self._pending} questions wait for upstreams, more are not asked"
            self._loop.call_soon(on_answer, UpstreamFailure(FailureKind.OVERLOADED, text))
            return
        now = self._clock()
        self._pending += 1
        if self._hedges < MAX_HEDGES_SAVED:
            self._hedges += HEDGE_SHARE
        deadline = now + self._total_seconds
        exchange = Exchange(
            question, pool, on_answer, flags=flags & FLAGS_PASSED, dnssec_ok=dnssec_ok, now=now, deadline=deadline
        )
        self._try(exchange, pool.order[0], now)
        if now >= pool.probe_at:
            self._probe(exchange, now)

    def _try(
        self,
        exchange: Exchange,
        line: Line,
        now: float,
        *,
        edns: bool = True,
        stream: bool = False,
        avoiding: Carrier | None = None,
    ) -> None:
        state = line.state
        edns = edns and now >= state.plain_until
        stream = stream or state.encrypted
        query = compose_query(exchange.question, exchange.flags, dnssec_ok=exchange.dnssec_ok, edns=edns)
        attempt = Attempt(exchange, line, query, now, edns=edns, stream=stream)
        exchange.tried += (line,)
        exchange.outstanding += 1
        state.sent += 1
        (line.streams if stream else line.datagrams).send(attempt, avoiding=avoiding)
        late = state.late_seconds if attempt.is_usual else UNKNOWN_LATE_SECONDS
        self._deadlines.add(attempt, now + min(late, self._timeout_seconds))

    def _probe(self, exchange: Exchange, now: float) -> None:
        """Send a question to an upstream that is down, too; an answer brings it back."""
        for line in exchange.pool.lines:
            if line.state.is_down and now >= line.state.probe_at:
                line.state.probe(now)
                if line not in exchange.tried:
                    self._try(exchange, line, now)
        exchange.pool.rearrange()

    # ---- time ----------------------------------------------------------------------------------------------

    def _be_late(self, attempt: Attempt, now: float) -> None:
        ends_at = min(attempt.sent_at + self._timeout_seconds, attempt.exchange.deadline)
        if now >= ends_at:
            self._time_out(attempt, now)
            return
        if attempt.line.state.be_late(attempt.sent_at, now):
            self._rearrange()
        self._hedge(attempt, now)
        self._deadlines.add(attempt, min(ends_at, now + SILENT_SECONDS))

    def _hedge(self, attempt: Attempt, now: float) -> None:
        """Ask once more, elsewhere if there is somebody else; free of charge where the first one seems to be dead."""
        exchange = attempt.exchange
        if exchange.is_done or exchange.is_hedged:
            return
        line = next((line for line in exchange.pool.order if line not in exchange.tried), attempt.line)
        carrier = attempt.carrier
        if line is attempt.line and (carrier is None or not carrier.is_silent_since(attempt.sent_at)):
            return
        if line.state.is_down or not attempt.line.state.is_down:
            if self._hedges < 1:
                return
            self._hedges -= 1
        exchange.is_hedged = True
        exchange.sent_at = now
        attempt.line.state.hedged += 1
        self._try(exchange, line, now, stream=attempt.stream and line is attempt.line, avoiding=carrier)

    def _time_out(self, attempt: Attempt, now: float) -> None:
        state = attempt.line.state
        state.timed_out += 1
        seconds = now - attempt.sent_at
        text = f"{state.upstream} did not answer within {seconds:.1f} seconds"
        if attempt.carrier is not None:
            attempt.carrier.forget(attempt)
        self._end_try(attempt, UpstreamFailure(FailureKind.TIMEOUT, text), now)

    # ---- how tries end -------------------------------------------------------------------------------------

    def answered(self, attempt: Attempt, message: bytes, now: float) -> None:
        """Take an answer that matches its question; the way of every answer."""
        exchange, state = attempt.exchange, attempt.line.state
        state.answered += 1
        state.heard_at = now
        state.silences = 0
        if (message[2] & _TC_OCTET or len(message) == RECEIVE_OCTETS) and not attempt.stream:
            self._come_back_by_stream(attempt, now)
            return
        rcode = read_rcode(message, HEADER_OCTETS + len(exchange.question))
        if rcode not in GOOD_RCODES:
            self._take_bad_answer(attempt, message, rcode, now)
            return
        attempt.is_over = True
        exchange.outstanding -= 1
        if attempt.is_usual:
            state.measure(now - attempt.sent_at)
        if state.failures or state.is_down:
            self._recover(state)
        if not attempt.edns and now >= state.plain_until:
            # It was asked with EDNS before and did not like it.
            state.plain_until = now + PLAIN_SECONDS
        if exchange.is_done:
            return
        exchange.is_done = True
        self._pending -= 1
        for line in exchange.blamed:
            text = f"{line.state.upstream} gave an error where {state.upstream} had an answer"
            self._fail(line.state, UpstreamFailure(FailureKind.BAD_ANSWER, text), now)
        exchange.on_answer(message)

    def _come_back_by_stream(self, attempt: Attempt, now: float) -> None:
        """Ask again over TCP for an answer that was too long for UDP. Source: RFC 7766 section 5."""
        state = attempt.line.state
        state.tcp_fallbacks += 1
        state.measure(now - attempt.sent_at)
        self._recover(state)
        self._repeat(attempt, now, edns=attempt.edns, stream=True)

    def suspected(self, attempt: Attempt) -> None:
        """Ask again over TCP what somebody may be guessing the answer to. Source: RFC 5452 section 9.3."""
        attempt.line.state.tcp_fallbacks += 1
        self._repeat(attempt, self._clock(), edns=attempt.edns, stream=True)

    def _repeat(self, attempt: Attempt, now: float, *, edns: bool, stream: bool) -> None:
        attempt.is_over = True
        attempt.exchange.outstanding -= 1
        if not attempt.exchange.is_done:
            self._try(attempt.exchange, attempt.line, now, edns=edns, stream=stream)

    def _take_bad_answer(self, attempt: Attempt, message: bytes, rcode: int | None, now: float) -> None:
        exchange, line = attempt.exchange, attempt.line
        upstream = line.state.upstream
        if rcode is None:
            line.state.malformed += 1
            self._end_try(attempt, UpstreamFailure(FailureKind.BAD_ANSWER, f"{upstream} sent half a message"), now)
            return
        if attempt.edns and (rcode in EDNS_REFUSALS or rcode > 0xF):
            self._repeat(attempt, now, edns=False, stream=attempt.stream)
            return
        attempt.is_over = True
        exchange.outstanding -= 1
        exchange.spent += (line,)
        exchange.blamed += (line,)
        rank = _RANKS.get(rcode, 0)
        if rank > exchange.best_rank and rcode <= 0xF and len(message) > HEADER_OCTETS:
            exchange.best, exchange.best_rank = message, rank
        exchange.failure = UpstreamFailure(FailureKind.BAD_ANSWER, f"{upstream} answered with error {rcode}")
        self._go_on(exchange, now)

    def failed(self, attempt: Attempt, failure: UpstreamFailure) -> None:
        """Take a try that cannot be answered any more."""
        self._end_try(attempt, failure, self._clock())

    def _end_try(self, attempt: Attempt, failure: UpstreamFailure, now: float) -> None:
        if attempt.is_over:
            return
        attempt.is_over = True
        exchange, line = attempt.exchange, attempt.line
        exchange.outstanding -= 1
        exchange.failure = failure
        if failure.kind is not FailureKind.TIMEOUT:
            exchange.spent += (line,)
        if attempt.stream and not line.state.encrypted:
            # TCP may be closed to us where UDP works as it should.
            line.state.last_failure = failure
        else:
            self._fail(line.state, failure, now)
        self._go_on(exchange, now)

    def _fail(self, state: UpstreamState, failure: UpstreamFailure, now: float) -> None:
        if state.fail(failure, now):
            self._rearrange()

    def _recover(self, state: UpstreamState) -> None:
        if state.recover():
            self._rearrange()

    def _rearrange(self) -> None:
        for pool in (self._default, *self._zones.values()):
            pool.rearrange()

    # ---- how questions end ---------------------------------------------------------------------------------

    def _go_on(self, exchange: Exchange, now: float) -> None:
        """Ask the next upstream, or wait for one that was asked a moment ago, or give up."""
        if exchange.is_done or (exchange.outstanding and now - exchange.sent_at < self._timeout_seconds / 2):
            return
        line = self._choose(exchange, now)
        if line is not None:
            exchange.sent_at = now
            self._try(exchange, line, now)
        elif not exchange.outstanding:
            exchange.is_done = True
            self._pending -= 1
            self._loop.call_soon(exchange.on_answer, exchange.best or exchange.failure)

    @staticmethod
    def _choose(exchange: Exchange, now: float) -> Line | None:
        if len(exchange.tried) >= MAX_TRIES or now + MIN_TRY_SECONDS > exchange.deadline:
            return None
        # With an answer at hand, however bad, nobody is asked twice.
        passed_over = exchange.spent if exchange.best is None else exchange.tried
        lines = [line for line in exchange.pool.order if line not in passed_over]
        return min(lines, key=exchange.tried.count, default=None)
