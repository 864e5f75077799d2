"""What is known of one upstream: whether it works, how long it usually takes, and what happened with it.

No sockets and no clock: whoever sends and reads says what happened and when.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.dns.shared_memory import BUCKETS, Histogram
from agent.sites.site import Transport, Upstream

# An upstream is down when it failed so often in a row, or was found silent so often in a row and for so long.
FAILURES_UNTIL_DOWN: Final = 3
SILENCES_UNTIL_DOWN: Final = 5
SILENT_SECONDS: Final = 0.25
FIRST_PROBE_SECONDS: Final = 1.0
MAX_PROBE_SECONDS: Final = 30.0
# RFC 6298 section 2.3 smooths round-trip times in the same way.
LATENCY_WEIGHT: Final = 0.125
# An answer is late after three times the usual time; after this long where no time is usual.
LATE_FACTOR: Final = 3.0
MIN_LATE_SECONDS: Final = 0.03
UNKNOWN_LATE_SECONDS: Final = 0.3
# RFC 6891 section 6.2.2 lets a server without EDNS be remembered as such; it may be mended.
PLAIN_SECONDS: Final = 900.0


class FailureKind(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    NETWORK = "network"
    REFUSED = "refused"
    BAD_ANSWER = "bad answer"
    TLS = "tls"
    OVERLOADED = "overloaded"


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """A question that got no answer, or one try of it; the text is a sentence for a person."""

    kind: FailureKind
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class UpstreamStats:
    """What happened with one upstream since the start; `latency_buckets` are those of `Histogram`.

    `latency_seconds` is the smoothed time of its answers, 0 before the first one.
    """

    upstream: Upstream
    healthy: bool
    sent: int
    answered: int
    timed_out: int
    failed: int
    malformed: int
    mismatched: int
    hedged: int
    tcp_fallbacks: int
    latency_seconds: float
    latency_buckets: tuple[int, ...]
    last_failure: UpstreamFailure | None


class UpstreamState:
    """The health and the counts of one upstream.

    It is down after failures in a row; while it is, one question now and then is sent to it as well as to another,
    less and less often, and any good answer brings it back.
    """

    __slots__ = (
        "answered",
        "encrypted",
        "failed",
        "failures",
        "heard_at",
        "hedged",
        "histogram",
        "is_down",
        "last_failure",
        "late_seconds",
        "latency_seconds",
        "malformed",
        "mismatched",
        "plain_until",
        "probe_at",
        "probe_seconds",
        "sent",
        "silences",
        "tcp_fallbacks",
        "timed_out",
        "upstream",
    )

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.encrypted = upstream.transport is Transport.TLS
        self.is_down = False
        self.failures = self.silences = 0
        self.heard_at = 0.0
        self.probe_at = 0.0
        self.probe_seconds = FIRST_PROBE_SECONDS
        self.plain_until = 0.0
        self.sent = self.answered = self.timed_out = self.failed = self.malformed = self.mismatched = 0
        self.hedged = self.tcp_fallbacks = 0
        self.latency_seconds = 0.0
        self.late_seconds = UNKNOWN_LATE_SECONDS
        self.histogram = Histogram([0] * (BUCKETS + 2))
        self.last_failure: UpstreamFailure | None = None

    def measure(self, seconds: float) -> None:
        """Take in how long a good answer took."""
        if self.latency_seconds:
            self.latency_seconds += (seconds - self.latency_seconds) * LATENCY_WEIGHT
        else:
            self.latency_seconds = max(seconds, 1e-6)
        late = LATE_FACTOR * self.latency_seconds
        self.late_seconds = max(MIN_LATE_SECONDS, late)
        self.histogram.observe(seconds)

    def fail(self, failure: UpstreamFailure, now: float) -> bool:
        """Take in a failed try; says whether the upstream is down from now on."""
        self.failed += 1
        self.last_failure = failure
        self.failures += 1
        return self.failures >= FAILURES_UNTIL_DOWN and self._go_down(now)

    def be_late(self, sent_at: float, now: float) -> bool:
        """Take in that a question still waits; says whether the upstream is down from now on."""
        if self.heard_at >= sent_at:
            return False
        self.silences += 1
        is_silent = self.silences >= SILENCES_UNTIL_DOWN and now - sent_at >= SILENT_SECONDS
        return is_silent and self._go_down(now)

    def _go_down(self, now: float) -> bool:
        if self.is_down:
            return False
        self.is_down = True
        self.probe_at = now + self.probe_seconds
        return True

    def probe(self, now: float) -> None:
        """Note that a question is being risked on an upstream that is down; the next one waits twice as long."""
        self.probe_seconds = min(2 * self.probe_seconds, MAX_PROBE_SECONDS)
        self.probe_at = now + self.probe_seconds

    def recover(self) -> bool:
        """Take in a good answer; says whether the upstream was down until now."""
        was_down = self.is_down
        self.is_down = False
        self.failures = self.silences = 0
        self.probe_seconds = FIRST_PROBE_SECONDS
        return was_down

    def stats(self) -> UpstreamStats:
        """Give what happened so far."""
        return UpstreamStats(
            upstream=self.upstream,
            healthy=not self.is_down,
            sent=self.sent,
            answered=self.answered,
            timed_out=self.timed_out,
            failed=self.failed,
            malformed=self.malformed,
            mismatched=self.mismatched,
            hedged=self.hedged,
            tcp_fallbacks=self.tcp_fallbacks,
            latency_seconds=self.latency_seconds,
            latency_buckets=tuple(self.histogram.words[:BUCKETS]),
            last_failure=self.last_failure,
        )
