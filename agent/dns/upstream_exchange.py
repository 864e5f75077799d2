"""A question on its way to its answer, the tries that are made to get it, and the seams between those who take part.

No sockets and no clock here.
"""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from agent.dns.upstream_state import FailureKind, UpstreamFailure, UpstreamState

NO_ANSWER: Final = UpstreamFailure(FailureKind.TIMEOUT, "no upstream answered in time")

OnAnswer = Callable[[bytes | UpstreamFailure], None]


class Carrier(Protocol):
    """What carries a try: a socket or a connection."""

    def forget(self, attempt: "Attempt") -> None:
        """Wait for the answer to this try no longer."""

    def is_silent_since(self, instant: float) -> bool:
        """Say whether it may be that nothing sent here since then has arrived."""


class Sender(Protocol):
    """One of the ways to an upstream."""

    @property
    def open(self) -> Collection[Carrier]:
        """Give what is not closed yet."""

    def send(self, attempt: "Attempt", *, avoiding: Carrier | None = None) -> None:
        """Send a query, from another socket or connection than `avoiding`; what goes wrong is told later."""

    def retire(self) -> None:
        """Close what carries questions as soon as it carries none."""

    def close(self) -> None:
        """Close at once, and tell nobody."""


class Outcomes(Protocol):
    """Who is told how tries end; never from within the call that sends them."""

    def answered(self, attempt: "Attempt", message: bytes, now: float) -> None:
        """Take an answer that matches its question."""

    def failed(self, attempt: "Attempt", failure: UpstreamFailure) -> None:
        """Take a try that cannot be answered any more."""

    def suspected(self, attempt: "Attempt") -> None:
        """Take a try whose answer somebody may be guessing."""


class Line:
    """An upstream and the two ways to it."""

    __slots__ = ("datagrams", "state", "streams")

    def __init__(self, state: UpstreamState, *, datagrams: Sender, streams: Sender) -> None:
        self.state = state
        self.datagrams = datagrams
        self.streams = streams


class Pool:
    """Upstreams that may be asked the same questions.

    `order` is the order in which they are asked: as the site names them, those that are down last, so that a
    question is still asked where all are down. From `probe_at` on, one that is down may be tried.
    """

    __slots__ = ("lines", "order", "probe_at")

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self.replace(lines)

    def replace(self, lines: tuple[Line, ...]) -> None:
        """Ask other upstreams from now on."""
        self.lines = lines
        self.rearrange()

    def rearrange(self) -> None:
        """Put the upstreams in order after the health of one has changed."""
        self.order = tuple(sorted(self.lines, key=lambda line: line.state.is_down))
        self.probe_at = min((line.state.probe_at for line in self.lines if line.state.is_down), default=float("inf"))


class Exchange:
    """One question, until somebody is told its answer.

    `tried` are the upstreams asked so far, once for each try; `spent` those that need not be asked again, because
    they answered, if badly, or nothing listens there; `blamed` those whose answer was bad. `best` is the best of the
    bad answers, `failure` the last reason why there is none. `sent_at` is when the next upstream was last asked;
    instants are seconds on the monotonic clock.
    """

    __slots__ = (
        "best",
        "best_rank",
        "blamed",
        "deadline",
        "dnssec_ok",
        "failure",
        "flags",
        "is_done",
        "is_hedged",
        "on_answer",
        "outstanding",
        "pool",
        "question",
        "sent_at",
        "spent",
        "tried",
    )

    def __init__(
        self,
        question: bytes,
        pool: Pool,
        on_answer: OnAnswer,
        *,
        flags: int,
        dnssec_ok: bool,
        now: float,
        deadline: float,
    ) -> None:
        self.question = question
        self.pool = pool
        self.on_answer = on_answer
        self.flags = flags
        self.dnssec_ok = dnssec_ok
        self.deadline = deadline
        self.tried: tuple[Line, ...] = ()
        self.spent: tuple[Line, ...] = ()
        self.blamed: tuple[Line, ...] = ()
        self.best: bytes | None = None
        self.best_rank = -1
        self.failure = NO_ANSWER
        self.is_done = False
        self.is_hedged = False
        self.outstanding = 0
        self.sent_at = now


class Attempt:
    """One try to get one question answered by one upstream.

    `query` is the message without its ID. Whoever carries the try sets `identifier` and `carrier`, and clears
    `is_usual` where it takes longer than others do, because a connection has to be opened first.
    """

    __slots__ = (
        "carrier",
        "edns",
        "exchange",
        "identifier",
        "is_over",
        "is_usual",
        "line",
        "moves",
        "query",
        "question",
        "sent_at",
        "stream",
    )

    def __init__(self, exchange: Exchange, line: Line, query: bytes, now: float, *, edns: bool, stream: bool) -> None:
        self.exchange = exchange
        self.line = line
        self.question = exchange.question
        self.query = query
        self.sent_at = now
        self.edns = edns
        self.stream = stream
        self.identifier = b""
        self.carrier: Carrier | None = None
        self.is_over = False
        self.is_usual = True
        self.moves = 0
