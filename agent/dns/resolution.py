"""What upstreams have said and are being asked: the cache, the questions in flight, and who waits for them.

Keys are the question in lower case with what else an answer depends on; instants are seconds on the monotonic clock.

Source: RFC 2308 (negative answers), RFC 8767 (stale answers), RFC 9520 (failures).
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from agent.dns.queries import Shape, Waiter
from agent.dns.shared_memory import Counters
from agent.dns.upstream import FailureKind, UpstreamFailure
from agent.logs import log
from agent.sites.site import Site, Upstream
from filters.answer import RawAnswer, parse_answer
from filters.caches import BoundedCache
from filters.reply import compose_error
from filters.wire import FLAG_CD, Ede, MalformedError, Rcode
from rules.name import DomainName, to_wire

# RFC 8767 section 5: a client waits at most 1.8 seconds for a fresh answer where a stale one is at hand.
STALE_AFTER_SECONDS: Final = 1.8
# RFC 9520 section 3.2: failures are remembered for at least 1 second and at most 5 minutes.
FAILURE_SECONDS: Final = 5.0
# An answer in use is asked for again when this share of its time is left.
PREFETCH_SHARE: Final = 0.1
PREFETCH_MIN_HITS: Final = 3
PREFETCH_MIN_LIFETIME_SECONDS: Final = 20

MAX_FAILURES: Final = 10_000
MAX_WAITERS: Final = 1000

_BAD_RCODES: Final = frozenset({Rcode.SERVFAIL, Rcode.REFUSED})


class Forwarding(Protocol):
    """What is needed of `agent.dns.upstream.Forwarder`."""

    def ask(
        self,
        question: bytes,
        *,
        zone_upstreams: tuple[Upstream, ...] | None,
        flags: int,
        dnssec_ok: bool,
        on_answer: Callable[[bytes | UpstreamFailure], None],
    ) -> None:
        """Ask, and hand over the whole response or why there is none."""


class Finishing(Protocol):
    """Who makes an answer for one client of what is known; `agent.dns.responder.Responder`."""

    now: float

    def finish(self, waiter: Waiter, raw: RawAnswer, *, stale: bool) -> bytes | Waiter:
        """Give the client's answer, or the waiter where it waits for something else now."""

    def fail(self, waiter: Waiter, ede: Ede) -> bytes:
        """Give the client's answer where nothing is known."""


class Question:
    """A question in flight, with everybody who waits for it; nobody does where it only refreshes the cache."""

    __slots__ = ("key", "started_at", "waiters")

    def __init__(self, key: bytes, started_at: float) -> None:
        self.key = key
        self.started_at = started_at
        self.waiters: list[Waiter] = []


class Resolution:
    """What one worker knows of the world outside.

    Args:
        forwarder: asks the upstreams.
        finishing: makes the answers of clients.
        counters: what the worker counts.
        monotonic: the clock, read again when something comes back.
    """

    def __init__(
        self, forwarder: Forwarding, finishing: Finishing, *, counters: Counters, monotonic: Callable[[], float]
    ) -> None:
        self._forwarder = forwarder
        self._finishing = finishing
        self._counters = counters
        self._monotonic = monotonic
        self.inflight: dict[bytes, Question] = {}
        self.answers: BoundedCache[RawAnswer] = BoundedCache(
            0, lambda key, raw: len(key) + raw.size_bytes(), RawAnswer.use_up
        )
        self._failed_until: dict[bytes, float] = {}
        self._zones: dict[bytes, tuple[Upstream, ...]] = {}

    def adopt(self, site: Site) -> None:
        """Ask for another site from now on; what is known is kept unless the site's zones have changed."""
        self._limits = site.limits
        self._max_ttl_seconds = site.answers.max_ttl_seconds
        zones = {to_wire(DomainName(zone.name)): zone.upstreams for zone in site.upstreams.zones}
        if zones != self._zones:
            self.answers.clear()
        self._zones = zones
        self.answers.set_budget(site.limits.answer_cache_bytes)

    def zone_of(self, name: bytes) -> tuple[Upstream, ...] | None:
        """Give the servers of the site's own zone that a name belongs to."""
        if not self._zones:
            return None
        position = 0
        while position < len(name):
            if (upstreams := self._zones.get(name[position:])) is not None:
                return upstreams
            position += name[position] + 1
        return None

    def resolve(self, waiter: Waiter, name: bytes, zone: tuple[Upstream, ...] | None) -> bytes | Waiter:
        """Answer a query about a name from what is known, or let it wait."""
        shape = waiter.shape
        key = name + shape.key_tail
        now = self._finishing.now
        raw = self.answers.entries.get(key)
        if raw is not None:
            left = raw.stored_at + raw.lifetime_seconds - now
            if left > 0:
                self._counters.plain["answer_cache_hits"] += 1
                if left < raw.lifetime_seconds * PREFETCH_SHARE:
                    self._prefetch(key, name, shape, raw, zone)
                return self._finishing.finish(waiter, raw, stale=False)
        if self._has_failed(key, now):
            return self._do_without(waiter, raw, Ede.CACHED_ERROR)
        self._counters.plain["answer_cache_misses"] += 1
        question = self.inflight.get(key)
        is_full = len(self.inflight) >= self._limits.pending_questions
        if is_full if question is None else len(question.waiters) >= MAX_WAITERS:
            self._counters.plain["overloaded"] += 1
            return self._do_without(waiter, raw, Ede.NOT_READY)
        if question is None:
            question = self._ask(key, name, shape, zone)
        question.waiters.append(waiter)
        return waiter

    def _ask(self, key: bytes, name: bytes, shape: Shape, zone: tuple[Upstream, ...] | None) -> Question:
        question = self.inflight[key] = Question(key, self._finishing.now)
        self._forwarder.ask(
            name + b"\0" + shape.key_tail[:4],
            zone_upstreams=zone,
            flags=shape.flags & FLAG_CD,
            dnssec_ok=shape.dnssec_ok,
            on_answer=partial(self._answered, question),
        )
        return question

    def _prefetch(
        self, key: bytes, name: bytes, shape: Shape, raw: RawAnswer, zone: tuple[Upstream, ...] | None
    ) -> None:
        """Ask again for what is about to expire and still asked for, while clients get what is at hand."""
        if raw.hits < PREFETCH_MIN_HITS or raw.lifetime_seconds < PREFETCH_MIN_LIFETIME_SECONDS:
            return
        has_room = len(self.inflight) < self._limits.pending_questions // 2
        if has_room and key not in self.inflight and not self._has_failed(key, self._finishing.now):
            self._counters.plain["prefetches"] += 1
            self._ask(key, name, shape, zone)

    def _answered(self, question: Question, result: bytes | UpstreamFailure) -> None:
        """Take what came back, keep it, and finish everybody's answer."""
        now = self._finishing.now = self._monotonic()
        if self.inflight.get(question.key) is question:
            del self.inflight[question.key]
        self._counters.upstream_latency(now - question.started_at)
        previous = self.answers.entries.get(question.key)
        raw, ede = self._read(result, now)
        if ede is not None:
            self._remember_failure(question.key, now)
        elif raw is not None:
            self._failed_until.pop(question.key, None)
            if raw.lifetime_seconds > 0:
                self.answers.put(question.key, raw)
        if ede is not None and previous is not None:
            raw = None
        for waiter in question.waiters:
            if raw is not None:
                self._hand_over(waiter, partial(self._finishing.finish, waiter, raw, stale=False))
            else:
                self._hand_over(waiter, partial(self._do_without, waiter, previous, ede or Ede.NETWORK_ERROR))

    def _hand_over(self, waiter: Waiter, finish: Callable[[], bytes | Waiter]) -> None:
        """Finish and deliver one answer; the others that wait get theirs whatever happens to this one."""
        try:
            answer = finish()
        except Exception as error:  # noqa: BLE001 (see above)
            self._counters.plain["unexpected_errors"] += 1
            log.error("query_failed", error=type(error).__name__)
            answer = compose_error(waiter.shape.flags, Rcode.SERVFAIL, waiter.question, waiter.shape.edns)
        if isinstance(answer, bytes):
            self._counters.miss_latency(self._finishing.now - waiter.asked_at)
            waiter.deliver(answer)

    def _read(self, result: bytes | UpstreamFailure, now: float) -> tuple[RawAnswer | None, Ede | None]:
        """Give what came back as an answer, and why it is none that can be kept."""
        if isinstance(result, UpstreamFailure):
            silent = result.kind is FailureKind.TIMEOUT
            return None, Ede.NO_REACHABLE_AUTHORITY if silent else Ede.NETWORK_ERROR
        try:
            raw = parse_answer(result[2:], now=now, max_ttl_seconds=self._max_ttl_seconds)
        except MalformedError:
            self._counters.plain["upstream_malformed"] += 1
            return None, Ede.NETWORK_ERROR
        return raw, Ede.NO_REACHABLE_AUTHORITY if raw.rcode in _BAD_RCODES else None

    def _has_failed(self, key: bytes, now: float) -> bool:
        """Say whether a question has failed so lately that it is not asked again (RFC 9520 section 3.2)."""
        return self._failed_until.get(key, 0.0) > now

    def _remember_failure(self, key: bytes, now: float) -> None:
        if len(self._failed_until) >= MAX_FAILURES:
            self._failed_until.clear()
        self._failed_until[key] = now + FAILURE_SECONDS

    def _do_without(self, waiter: Waiter, raw: RawAnswer | None, ede: Ede) -> bytes | Waiter:
        """Answer with what is past its time, or not at all."""
        if raw is not None and self._may_serve_stale(raw):
            return self._finishing.finish(waiter, raw, stale=True)
        return self._finishing.fail(waiter, ede)

    def give_stale_answers(self) -> None:
        """Answer with what is past its time everybody who has waited for long; the question stays in flight."""
        now = self._finishing.now
        for question in list(self.inflight.values()):
            if not question.waiters or now - question.started_at < STALE_AFTER_SECONDS:
                continue
            raw = self.answers.entries.get(question.key)
            if raw is None or not self._may_serve_stale(raw):
                continue
            waiters, question.waiters = question.waiters, []
            for waiter in waiters:
                self._hand_over(waiter, partial(self._finishing.finish, waiter, raw, stale=True))

    def _may_serve_stale(self, raw: RawAnswer) -> bool:
        return self._finishing.now < raw.expires_at + self._limits.stale_seconds
