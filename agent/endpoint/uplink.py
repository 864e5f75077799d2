"""The uplink: what waits in the spool goes to the gateway, and stays until the gateway has signed for it.

Each status of an answer has its reaction, and each reaction keeps what the laptop has. Nothing that a gateway says
can make it run, fetch or forget something: the only thing that comes back is a policy, which is data.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.endpoint.backoff import Backoff, parse_retry_after
from agent.endpoint.endpoint_policy import BadPolicyError, PolicyStore
from agent.endpoint.enrolment import Identity, IdentityStore
from agent.endpoint.enrolment_wire import (
    ENROLMENT_PATH,
    POLICY_PATH,
    ROTATE_PATH,
    decode_rotated,
    decode_standing,
    encode_rotation,
)
from agent.endpoint.event_spool import Clocks, EventSpool, HandedOut, SpoolUnusableError
from agent.endpoint.gateway_link import Link, LinkError, Reply
from agent.endpoint.keys import BadKeyError, KeyStore
from agent.endpoint.message_signatures import parse_public_key, public_key_text, sign_request
from agent.endpoint.skew import ClockWatch, estimate_skew
from agent.endpoint.wire_batch import (
    MAX_BYTES,
    MAX_EVENTS,
    PATH,
    Answer,
    BadAnswerError,
    BadBatchError,
    Batch,
    batch_hash,
    decode_answer,
    encode_batch,
)

IDLE_SECONDS: Final = 30.0
PENDING_SECONDS: Final = 60.0
ROTATION_AGAIN_SECONDS: Final = 3600.0
# Of MAX_BYTES, what a batch says beside its events.
_HEAD_BYTES: Final = 2048
_LEAST_BYTES: Final = 4096
# A wait is looked at so often; much longer between two looks means that the laptop slept.
_LOOK_SECONDS: Final = 15.0
_SLEPT_SECONDS: Final = 60.0
_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
_TOLD_BY_US: Final = ("event_quarantined", "spool_dropped", "spool_reset")


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """What can be shown of the contact.

    Args:
        last_contact: seconds since 1970 of the last answer by the gateway's key, 0 for none yet.
        problem: one sentence, empty while all is well.
        is_refused: whether the gateway does not want this laptop, which a person must look at.
        policy_problem: why the gateway's newest policy was not taken; the one in force stays.
        missing: how many numbers the gateway said that it never got, and no tombstone told of.
    """

    last_contact: float = 0.0
    problem: str = ""
    policy_problem: str = ""
    is_refused: bool = False
    is_pending: bool = False
    missing: int = 0
    skew_seconds: float = 0.0


class _Pause(Exception):  # noqa: N818 (not an error: the way out of a step)
    """Nothing more can be done for so many seconds."""

    def __init__(self, seconds: float, *, is_own: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.is_own = is_own


class Uplink:
    """The way of events to one gateway; one thread runs it.

    Args:
        addresses: gives the addresses that this laptop has; when they change, the network may be another.
        release: the version of this agent.
    """

    def __init__(
        self,
        spool: EventSpool,
        *,
        identities: IdentityStore,
        identity: Identity,
        keys: KeyStore,
        key: Ed25519PrivateKey,
        policy: PolicyStore,
        link: Link,
        release: str,
        clocks: Clocks | None = None,
        backoff: Backoff | None = None,
        addresses: Callable[[], frozenset[str]] = frozenset,
        clock_watch: ClockWatch | None = None,
    ) -> None:
        self._spool = spool
        self._identities = identities
        self._identity = identity
        self._keys = keys
        self._key = key
        self._policy = policy
        self._link = link
        self._release = release
        self._clocks = clocks or Clocks()
        self._backoff = backoff or Backoff()
        self._addresses = addresses
        self._clock_watch = clock_watch or ClockWatch()
        self._ack_key = parse_public_key(identity.ack_key)
        self._max_events = MAX_EVENTS
        self._max_bytes = MAX_BYTES - _HEAD_BYTES
        # What was put aside last, until the gateway has taken what says so: then it was at fault, and nothing else.
        self._suspect: tuple[str, int] | None = None
        self._offered_policy = 0
        self._refused_policy = 0
        self._rotation_not_before = float("-inf")
        self._wake = threading.Event()
        self._is_urgent = False
        self._is_own_pause = True
        self.status = UplinkStatus(is_pending=identity.is_pending)

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; whoever sets it calls `wake` as well."""
        self._wait(self._backoff.start(), stop)
        while not stop.is_set():
            self._wait(self.step(), stop)

    def wake(self, *, is_urgent: bool = False) -> None:
        """Do not wait any longer, because something happened; an incident also ends a back-off of our own making."""
        self._is_urgent = self._is_urgent or is_urgent
        self._wake.set()

    def step(self) -> float:
        """Do what is to be done now, and give the seconds until there may be more."""
        self._is_own_pause = True
        try:
            self._ask_standing()
            self._rotate()
            is_more = self._deliver()
            self._fetch_policy()
        except _Pause as pause:
            self._is_own_pause = pause.is_own
            return pause.seconds
        except (LinkError, BadAnswerError, BadBatchError, BadKeyError, SpoolUnusableError, OSError) as error:
            self.status = replace(self.status, problem=str(error))
            return self._backoff.failed()
        self._backoff.reset()
        self.status = replace(self.status, problem="", is_refused=False)
        return 0.0 if is_more else IDLE_SECONDS

    # What is asked of the gateway.

    def _ask_standing(self) -> None:
        if not self._identity.is_pending:
            return
        reply = self._send("GET", ENROLMENT_PATH)
        self._expect_ok(reply)
        standing = decode_standing(reply.body, self._ack_key)
        self._met()
        if standing.device != self._identity.device or standing.state != "active":
            self._backoff.reset()
            self.status = replace(self.status, problem="", is_refused=False, is_pending=True)
            raise _Pause(PENDING_SECONDS, is_own=False)
        self._identity = self._identities.approve(self._identity)
        self.status = replace(self.status, is_pending=False)

    def _deliver(self) -> bool:
        """Send one batch; gives whether there is more."""
        waiting = self._spool.next_events(max_events=self._max_events, max_bytes=self._max_bytes)
        if not waiting.events:
            return False
        batch = self._batch(waiting)
        sent_wall = batch.sent_wall
        reply = self._send("POST", PATH, encode_batch(batch))
        if reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            self._narrow(batch, reply)
            return True
        self._expect_ok(reply)
        answer = self._answer(reply, batch)
        last = min(answer.acknowledged, batch.last)
        is_whole = last == batch.last
        self._spool.acknowledge(batch.epoch, last, batch_hash(batch) if is_whole else batch.previous)
        self._suspect = None
        self._max_events = min(MAX_EVENTS, self._max_events * 2)
        self._offered_policy = answer.policy
        missing = sum(max(0, end - start + 1) for start, end in answer.gaps)
        self.status = replace(self.status, missing=missing)
        self._met()
        self._compare_clocks(sent_wall, reply.seconds, answer.server_time_ms)
        return self._spool.state().depth > 0

    def _fetch_policy(self) -> None:
        if self._offered_policy <= max(self._policy.policy.version, self._refused_policy):
            return
        reply = self._send("GET", POLICY_PATH)
        self._expect_ok(reply)
        try:
            self._policy.take(reply.body, self._clocks.wall() + self.status.skew_seconds)
        except BadPolicyError as error:
            # It is not asked for again until there is another one.
            self._refused_policy = self._offered_policy
            self.status = replace(self.status, policy_problem=f"The gateway's policy is not taken: {error}")
        else:
            self.status = replace(self.status, policy_problem="")

    def begin_rotation(self) -> None:
        """Make a new key, which is offered to the gateway with the next step; the old one stays until it agrees.

        Raises:
            BadKeyError: there is one that cannot be used.
            OSError: it could not be written.
        """
        self._keys.make_next()

    def _rotate(self) -> None:
        if self._clocks.monotonic() < self._rotation_not_before:
            return
        following = self._keys.load_next()
        if following is None:
            return
        # A gateway that does not want a new key still gets events by the old one.
        self._rotation_not_before = self._clocks.monotonic() + ROTATION_AGAIN_SECONDS
        reply = self._send("POST", ROTATE_PATH, encode_rotation(self._identity.device, following))
        if reply.status == HTTPStatus.OK:
            agreed = decode_rotated(reply.body, self._ack_key)
            if agreed != (self._identity.device, public_key_text(following.public_key())):
                return
        elif reply.status != HTTPStatus.UNAUTHORIZED or not self._is_known_by(following):
            return
        self._keys.adopt_next(self._clocks.wall())
        self._key = following
        self._rotation_not_before = float("-inf")

    def _is_known_by(self, key: Ed25519PrivateKey) -> bool:
        """Say whether the gateway knows this laptop by a key: the answer that said so may have been lost."""
        reply = self._send("GET", ENROLMENT_PATH, key=key)
        if reply.status != HTTPStatus.OK:
            return False
        return decode_standing(reply.body, self._ack_key).device == self._identity.device

    # How the answers are taken.

    def _expect_ok(self, reply: Reply) -> None:
        if reply.status == HTTPStatus.OK:
            return
        is_refused = reply.status in _REFUSED
        self.status = replace(self.status, problem=reply.sentence, is_refused=is_refused)
        if is_refused:
            raise _Pause(self._backoff.refused(), is_own=False)
        asked = parse_retry_after(reply.headers.get("retry-after"), self._clocks.wall())
        if reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) and asked is not None:
            raise _Pause(self._backoff.asked(asked), is_own=False)
        raise _Pause(self._backoff.failed(), is_own=True)

    def _answer(self, reply: Reply, batch: Batch) -> Answer:
        answer = decode_answer(reply.body, self._ack_key)
        if (answer.device, answer.epoch) != (batch.device, batch.epoch):
            raise BadAnswerError("The gateway's answer is to another laptop or to another spool.")
        if answer.acknowledged < batch.first:
            raise BadAnswerError("The gateway's answer acknowledges nothing of what was sent.")
        return answer

    def _narrow(self, batch: Batch, reply: Reply) -> None:
        """Send less at once after a refusal, until it is one event that is refused; that one is put aside."""
        self._is_own_pause = True
        self.status = replace(self.status, problem=reply.sentence)
        event = batch.events[0]
        if len(batch.events) > 1:
            self._max_events = max(1, len(batch.events) // 2)
            if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                self._max_bytes = max(_LEAST_BYTES, min(self._max_bytes, _size(batch)) // 2)
        elif self._suspect is not None or event.kind in _TOLD_BY_US:
            # What says so is refused as well: the fault is not in the event, and it waits in its old place.
            self._spool.put_back(batch.epoch, batch.first)
            self._suspect = None
            raise _Pause(self._backoff.failed(), is_own=True)
        else:
            self._spool.put_aside(batch.epoch, batch.first, reply.sentence)
            self._suspect = (batch.epoch, batch.first)

    def _batch(self, waiting: HandedOut) -> Batch:
        state = self._spool.state()
        return Batch(
            device=self._identity.device,
            epoch=waiting.epoch,
            previous=waiting.previous,
            boot=self._clocks.boot,
            sent_wall=self._clocks.wall(),
            sent_monotonic=self._clocks.monotonic(),
            policy=self._policy.policy.version,
            agent=self._release,
            depth=state.depth,
            oldest_seconds=state.oldest_seconds,
            events=waiting.events,
        )

    def _send(self, method: str, path: str, body: bytes = b"", key: Ed25519PrivateKey | None = None) -> Reply:
        created = int(self._clocks.wall())
        signed = sign_request(
            key or self._key, self._identity.device, method=method, path=path, body=body, created=created
        )
        if path == PATH:
            signed |= {"Content-Type": "application/json", "Content-Encoding": "deflate"}
        return self._link.send(method, path, headers=signed, body=body)

    def _met(self) -> None:
        self.status = replace(self.status, last_contact=self._clocks.wall())

    def _compare_clocks(self, sent_wall: float, seconds: float, server_time_ms: int) -> None:
        skew = estimate_skew(sent_wall, seconds, server_time_ms)
        self.status = replace(self.status, skew_seconds=skew.seconds)
        if (told := self._clock_watch.compare(skew)) is not None:
            self._spool.add(told)

    # Waiting, and what ends it early.

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        before = self._addresses()
        looked_at = self._clocks.monotonic()
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            is_woken = self._wake.wait(min(left, _LOOK_SECONDS))
            self._wake.clear()
            now = self._clocks.monotonic()
            is_another_world = now - looked_at > _SLEPT_SECONDS or self._addresses() != before
            looked_at = now
            if is_another_world or (self._is_urgent and self._is_own_pause):
                self._backoff.reset()
                break
            if is_woken and not self._backoff.failures:
                break
        self._is_urgent = False


def _size(batch: Batch) -> int:
    return sum(len(event.text.encode()) + 1 for event in batch.events)
