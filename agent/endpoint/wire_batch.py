"""A batch of events on its way, and the gateway's answer: composed, parsed and bounded; no clock, no file, no socket.

Both sides use this one definition. A batch is JSON, compressed with zlib (`Content-Encoding: deflate`, RFC 9110
section 8.4.1.2). The whole batch is signed by the headers of `message_signatures`, the answer by its member `sig`.

Two batches may hold the same events in another grouping, because a reply was lost in between: what tells events
apart is (device, epoch, sequence) and `Event.hash`, and what joins batches is `batch_hash`, which depends only on
what went before and on the events, not on when or how often they were sent.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.endpoint.message_signatures import BadSignatureError, sign_values, verify_values
from collectors.observed import JSON

PATH: Final = "/endpoint/v1/batches"
VERSION: Final = 1
MAX_EVENTS: Final = 256
# What a sender keeps to, before compression.
MAX_BYTES: Final = 256 * 1024
# What the gateway takes: compressed, decompressed, and how many times larger it may become.
MAX_BODY_BYTES: Final = 512 * 1024
MAX_DECOMPRESSED_BYTES: Final = 1024 * 1024
MAX_RATIO: Final = 20
# Values of a batch, which cost more to read than their octets say; one event alone never has as many.
MAX_VALUES: Final = 32 * 1024
# One event, as canonical JSON.
MAX_EVENT_BYTES: Final = 16 * 1024
MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_GAPS: Final = 256
# What the first batch of a spool names as the hash of the batch before it.
GENESIS: Final = "0" * 64

_MAX_NUMBER: Final = 2**53
# Far beyond every clock that is wrong, and still a date for whoever converts it (the year 5138).
_MAX_SECONDS: Final = 1e11
_MAX_DEPTH: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_EPOCH: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Also kinds that a newer agent knows and this gateway does not: they are stored, not refused.
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_RELEASE: Final = re.compile(r"[0-9A-Za-z.+_-]{1,40}", re.ASCII)
_BATCH_MEMBERS: Final = frozenset(
    {"v", "device", "epoch", "first", "last", "prev", "boot", "sent_wall", "sent_mono", "policy", "agent", "depth"}
) | {"oldest", "events"}
_EVENT_MEMBERS: Final = frozenset({"s", "t", "m", "b", "k", "p", "d"})
_ANSWER_MEMBERS: Final = frozenset({"device", "epoch", "ack", "dup", "gap", "server_time_ms", "policy"})


class BadBatchError(ValueError):
    """A batch that is not what a batch must be; the sentence says what was found."""


class OversizedBatchError(BadBatchError):
    """A batch with too many events or octets; half of it may be right."""


class BadAnswerError(ValueError):
    """An answer that is not the gateway's, or not one to this device."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a spool.

    Args:
        sequence: its number in the spool; rising, never used twice.
        wall: seconds since 1970 by the clock of the laptop, which may be wrong.
        monotonic: seconds of the clock that only goes forward, of the boot `boot`.
        priority: 0 to 3, as `collectors.observed.Priority`.
        text: its canonical JSON, as it travels and as it is hashed.

    Raises:
        BadBatchError: the facts are not JSON, or larger than an event may be.
    """

    sequence: int
    wall: float
    monotonic: float
    boot: str
    kind: str
    priority: int
    facts: Mapping[str, JSON]

    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = {
            "s": self.sequence,
            "t": float(self.wall),
            "m": float(self.monotonic),
            "b": self.boot,
            "k": self.kind,
            "p": self.priority,
            "d": self.facts,
        }
        object.__setattr__(self, "text", _event_text(members))

    @property
    def hash(self) -> str:
        """The SHA-256 of its canonical JSON: an event that comes again has the same one."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one spool, rising; numbers that are missing between them were given up and are told by tombstones.

    Args:
        epoch: the id of the spool file, 32 hexadecimal digits.
        previous: the `batch_hash` of the batch that was acknowledged before, or GENESIS.
        policy: the version of the policy in force on the laptop, 0 for none.
        depth: how many events wait in the spool, these included.
        oldest_seconds: how long the oldest of them has waited.
    """

    device: str
    epoch: str
    previous: str
    boot: str
    sent_wall: float
    sent_monotonic: float
    policy: int
    agent: str
    depth: int
    oldest_seconds: float
    events: tuple[Event, ...]

    @property
    def first(self) -> int:
        """The number of its first event."""
        return self.events[0].sequence

    @property
    def last(self) -> int:
        """The number of its last event, which the gateway acknowledges."""
        return self.events[-1].sequence


def batch_hash(batch: Batch) -> str:
    """Bind a batch to those before it: SHA-256 over epoch, previous hash and the canonical JSON of every event."""
    lines = [batch.epoch, batch.previous, *(event.text for event in batch.events)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def encode_batch(batch: Batch) -> bytes:
    """Give the compressed body of a batch.

    Raises:
        OversizedBatchError: more than MAX_EVENTS or MAX_BYTES.
        BadBatchError: an event is not one.
    """
    _check_count(len(batch.events))
    head = {
        "v": VERSION,
        "device": batch.device,
        "epoch": batch.epoch,
        "first": batch.first,
        "last": batch.last,
        "prev": batch.previous,
        "boot": batch.boot,
        "sent_wall": batch.sent_wall,
        "sent_mono": batch.sent_monotonic,
        "policy": batch.policy,
        "agent": batch.agent,
        "depth": batch.depth,
        "oldest": batch.oldest_seconds,
    }
    _read_batch(head, batch.events)
    events = ",".join(event.text for event in batch.events)
    octets = f'{json.dumps(head, separators=(",", ":"))[:-1]},"events":[{events}]}}'.encode()
    if len(octets) > MAX_BYTES:
        raise OversizedBatchError(f"The batch has {len(octets)} octets; at most {MAX_BYTES} are sent at once.")
    return _compressed(octets)


def decode_batch(body: bytes) -> Batch:
    """Read a compressed body, whoever wrote it.

    Raises:
        OversizedBatchError: larger than a batch may be, or compressed more than JSON of ours ever is.
        BadBatchError: anything else that is not as a batch must be.
    """
    tree = parse_json(decompressed(body))
    if not isinstance(tree, dict) or tree.keys() != _BATCH_MEMBERS:
        raise BadBatchError(f"A batch is an object with the members {', '.join(sorted(_BATCH_MEMBERS))}.")
    events = tree["events"]
    if not isinstance(events, list):
        raise BadBatchError("The events of a batch are a list.")
    _check_count(len(events))
    return _read_batch(tree, [_read_event(event) for event in events])


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway says once a batch is stored.

    Args:
        acknowledged: everything of this epoch up to this number is stored.
        duplicates: how many events of the batch it had already.
        gaps: numbers, from and to, that no event and no tombstone accounts for.
        policy: the version of the policy that is ready to be fetched.
    """

    device: str
    epoch: str
    acknowledged: int
    duplicates: int
    gaps: tuple[tuple[int, int], ...]
    server_time_ms: int
    policy: int


def encode_answer(answer: Answer, key: Ed25519PrivateKey) -> bytes:
    """Give the signed JSON of an answer; of more than MAX_GAPS gaps the first are told.

    Args:
        key: with which the gateway signs acknowledgements.
    """
    values = {
        "device": answer.device,
        "epoch": answer.epoch,
        "ack": answer.acknowledged,
        "dup": answer.duplicates,
        "gap": [list(gap) for gap in answer.gaps[:MAX_GAPS]],
        "server_time_ms": answer.server_time_ms,
        "policy": answer.policy,
    }
    return json.dumps(sign_values(key, values), separators=(",", ":")).encode()


def decode_answer(octets: bytes, key: Ed25519PublicKey) -> Answer:
    """Read an answer that the holder of `key` signed.

    Raises:
        BadAnswerError: it is none, or not theirs.
    """
    values = signed_members(octets, key, _ANSWER_MEMBERS)
    gaps = values["gap"]
    if not isinstance(gaps, list) or len(gaps) > MAX_GAPS:
        raise BadAnswerError("The gaps of an answer are a short list.")
    try:
        return Answer(
            _text(values, "device", _ID),
            _text(values, "epoch", _EPOCH),
            _whole(values, "ack"),
            _whole(values, "dup"),
            tuple(_gap(gap) for gap in gaps),
            _whole(values, "server_time_ms"),
            _whole(values, "policy"),
        )
    except BadBatchError as error:
        raise BadAnswerError(str(error)) from None


def signed_members(octets: bytes, key: Ed25519PublicKey, members: frozenset[str]) -> dict[str, Any]:
    """Read a signed object of the gateway that has these members, and `sig`.

    Raises:
        BadAnswerError: it is none.
    """
    values = signed_object(octets, key)
    if values.keys() != members:
        raise BadAnswerError(f"The answer is not a signed object with the members {', '.join(sorted(members))}.")
    return values


def signed_object(octets: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """Read a signed object of the gateway, whatever members it has.

    Raises:
        BadAnswerError: it is none, or not theirs.
    """
    if len(octets) > MAX_ANSWER_BYTES:
        raise BadAnswerError(f"The answer has more than {MAX_ANSWER_BYTES} octets.")
    try:
        tree = parse_json(octets)
        return verify_values(key, tree if isinstance(tree, dict) else {})
    except (BadBatchError, BadSignatureError) as error:
        raise BadAnswerError(str(error)) from None


def parse_json(octets: bytes) -> Any:
    """Read JSON that a stranger wrote: UTF-8, no member twice, no NaN.

    Raises:
        BadBatchError: it is not such.
    """
    try:
        return json.loads(octets.decode(), parse_constant=_refuse_constant, object_pairs_hook=_distinct_members)
    except BadBatchError:
        raise
    except (ValueError, RecursionError):
        raise BadBatchError("The text is not JSON in UTF-8.") from None


def _compressed(octets: bytes) -> bytes:
    # What repeats itself is compressed less, so that a gateway may take whatever swells more for an attack.
    for level in (6, 1):
        body = zlib.compress(octets, level)
        if len(octets) <= MAX_RATIO * len(body):
            return body
    return zlib.compress(octets, 0)


def decompressed(body: bytes) -> bytes:
    """Give the JSON of a compressed body, for whoever reads it by other means.

    Raises:
        OversizedBatchError: larger than a batch may be, or compressed more than JSON of ours ever is.
        BadBatchError: not compressed as it must be.
    """
    if len(body) > MAX_BODY_BYTES:
        raise OversizedBatchError(f"The body has {len(body)} octets; at most {MAX_BODY_BYTES} are taken.")
    # A bomb is not inflated further than the first octet over what is allowed.
    allowed = min(MAX_DECOMPRESSED_BYTES, MAX_RATIO * len(body))
    inflater = zlib.decompressobj()
    try:
        octets = inflater.decompress(body, allowed + 1)
    except zlib.error:
        raise BadBatchError("The body is not compressed with deflate (zlib), or was damaged on the way.") from None
    if len(octets) > allowed:
        raise OversizedBatchError(f"The body becomes larger than {allowed} octets when it is decompressed.")
    if not inflater.eof or inflater.unused_data:
        raise BadBatchError("The compressed body ends too early, or something follows it.")
    values = sum(map(octets.count, (b",", b"[", b"{")))
    if values > MAX_VALUES:
        raise OversizedBatchError(f"The batch has about {values} values; at most {MAX_VALUES} are taken at once.")
    return octets


def _refuse_constant(text: str) -> None:
    raise BadBatchError(f"{text} is not a number in JSON.")


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadBatchError("An object names a member twice.")
    return members


def _check_count(events: int) -> None:
    if not events:
        raise BadBatchError("The batch has no event; expected at least one.")
    if events > MAX_EVENTS:
        raise OversizedBatchError(f"The batch has {events} events; at most {MAX_EVENTS} are sent at once.")


def _read_batch(tree: Mapping[str, Any], events: Sequence[Event]) -> Batch:
    version = tree["v"]
    if version != VERSION or isinstance(version, bool):
        raise BadBatchError(f"The batch has a version that is not known here; expected {VERSION}.")
    batch = Batch(
        device=_text(tree, "device", _ID),
        epoch=_text(tree, "epoch", _EPOCH),
        previous=_text(tree, "prev", _HASH),
        boot=_text(tree, "boot", _ID),
        sent_wall=_seconds(tree, "sent_wall"),
        sent_monotonic=_seconds(tree, "sent_mono"),
        policy=_whole(tree, "policy"),
        agent=_text(tree, "agent", _RELEASE),
        depth=_whole(tree, "depth"),
        oldest_seconds=_seconds(tree, "oldest"),
        events=tuple(events),
    )
    if (batch.first, batch.last) != (_whole(tree, "first"), _whole(tree, "last")):
        raise BadBatchError("The numbers first and last of the batch are not those of its first and last event.")
    if any(left.sequence >= right.sequence for left, right in pairwise(events)):
        raise BadBatchError("The numbers of the events do not rise.")
    return batch


def _read_event(tree: Any) -> Event:
    if not isinstance(tree, dict) or tree.keys() != _EVENT_MEMBERS:
        raise BadBatchError(f"An event is an object with the members {', '.join(sorted(_EVENT_MEMBERS))}.")
    facts = tree["d"]
    if not isinstance(facts, dict):
        raise BadBatchError("The facts of an event are an object.")
    sequence = _whole(tree, "s")
    if not sequence:
        raise BadBatchError("The numbers of events start at 1.")
    priority = _whole(tree, "p")
    if priority > 3:
        raise BadBatchError("The priority of an event is 0 to 3.")
    return Event(
        sequence,
        _seconds(tree, "t"),
        _seconds(tree, "m"),
        _text(tree, "b", _ID),
        _text(tree, "k", _KIND),
        priority,
        facts,
    )


def _event_text(members: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise BadBatchError("The facts of an event are not JSON in UTF-8.") from None
    if size > MAX_EVENT_BYTES:
        raise BadBatchError(f"An event has {size} octets; at most {MAX_EVENT_BYTES} are sent.")
    if _is_deeper(members["d"], _MAX_DEPTH):
        raise BadBatchError(f"The facts of an event are nested more than {_MAX_DEPTH} deep.")
    return text


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, Mapping):
        inner: Sequence[Any] = tuple(value.values())
    elif isinstance(value, list | tuple):
        inner = value
    else:
        return False
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)


def _text(tree: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = tree[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadBatchError(f"The member {name} is not in the form that is expected here.")
    return value


def _whole(tree: Mapping[str, Any], name: str) -> int:
    return _whole_value(tree[name], f"The member {name}")


def _whole_value(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_NUMBER:
        raise BadBatchError(f"{what} is not a whole number from 0 to 2^53.")
    return value


def _seconds(tree: Mapping[str, Any], name: str) -> float:
    value = tree[name]
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _MAX_SECONDS:
        raise BadBatchError(f"The member {name} is not a number of seconds.")
    return float(value)


def _gap(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadBatchError("A gap is two numbers.")
    first, last = (_whole_value(number, "The number of a gap") for number in value)
    return first, last
