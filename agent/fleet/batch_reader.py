"""Batches, read fast: five hundred laptops come back on one morning, and DNS has to go on.

This takes a batch as `agent.endpoint.wire_batch` defines it. Whatever this reader does not take, that one reads, and
says in a sentence what is wrong: so there is one definition, and a short cut to it. One difference is left: where an
object names a member twice, the last one counts here.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

from agent.endpoint.wire_batch import MAX_EVENT_BYTES, MAX_EVENTS, VERSION, Batch, decode_batch, decompressed

HASH_OCTETS: Final = 16
# So many brackets can be nested no deeper than facts may be, with the one of the event around them.
_FEW_BRACKETS: Final = 9

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=-1e11, le=1e11)]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    device: _Id
    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    first: _Number
    last: _Number
    prev: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    boot: _Id
    sent_wall: _Seconds
    sent_mono: _Seconds
    policy: _Number
    agent: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z.+_-]{1,40}\Z")]
    depth: _Number
    oldest: _Seconds
    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    s: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    t: _Seconds
    m: _Seconds
    b: str
    k: str
    p: Annotated[int, msgspec.Meta(ge=0, le=3)]
    d: dict[str, Any]


# There are few of each, and they come again and again.
_BOOT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_HEADS: Final = msgspec.json.Decoder(_Head)
_EVENTS: Final = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event; `text` is its JSON as it came, `hash` the beginning of the SHA-256 of that."""

    sequence: int
    wall: float
    monotonic: float
    boot: str
    kind: str
    priority: int
    facts: dict[str, Any]
    text: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch; its parts are those of `agent.endpoint.wire_batch.Batch`."""

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
    events: tuple[ReadEvent, ...]

    @property
    def first(self) -> int:
        """The number of its first event."""
        return self.events[0].sequence

    @property
    def last(self) -> int:
        """The number of its last event."""
        return self.events[-1].sequence


def read_batch(body: bytes) -> ReadBatch:
    """Read a compressed body, whoever wrote it.

    Raises:
        OversizedBatchError: larger than a batch may be, or compressed more than JSON of ours ever is.
        BadBatchError: anything else that is not as a batch must be.
    """
    return _read_fast(decompressed(body)) or _of(decode_batch(body))


def _read_fast(octets: bytes) -> ReadBatch | None:
    """Read the usual batch; nothing where it takes a closer look."""
    # Half a character can only be written so, and our own agents write whole ones as they are.
    if b"\\u" in octets:
        return None
    try:
        head = _HEADS.decode(octets)
        events = tuple(map(_event, head.events))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    batch = ReadBatch(
        head.device,
        head.epoch,
        head.prev,
        head.boot,
        head.sent_wall,
        head.sent_mono,
        head.policy,
        head.agent,
        head.depth,
        head.oldest,
        events,
    )
    numbers = [event.sequence for event in events]
    is_rising = all(map(int.__lt__, numbers, numbers[1:]))
    is_whole = head.v == VERSION and (batch.first, batch.last) == (head.first, head.last) and is_rising
    return batch if is_whole and not any(map(_needs_look, events)) else None


def _event(raw: msgspec.Raw) -> ReadEvent:
    octets = bytes(raw)
    read = _EVENTS.decode(octets)
    if not _is_id(read.b) or not _is_kind(read.k):
        raise msgspec.ValidationError
    digest = hashlib.sha256(octets).digest()[:HASH_OCTETS]
    return ReadEvent(read.s, read.t, read.m, read.b, read.k, read.p, read.d, octets.decode(), digest)


@lru_cache(2048)
def _is_id(text: str) -> bool:
    return _BOOT.fullmatch(text) is not None


@lru_cache(512)
def _is_kind(text: str) -> bool:
    return _KIND.fullmatch(text) is not None


def _needs_look(event: ReadEvent) -> bool:
    if len(event.text) > MAX_EVENT_BYTES // 4 and len(event.text.encode()) > MAX_EVENT_BYTES:
        return True
    brackets = event.text.count("{") + event.text.count("[")
    return brackets > _FEW_BRACKETS and _is_deeper(event.facts, _FEW_BRACKETS - 1)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)


def _of(batch: Batch) -> ReadBatch:
    events = tuple(
        ReadEvent(
            event.sequence,
            event.wall,
            event.monotonic,
            event.boot,
            event.kind,
            event.priority,
            dict(event.facts),
            event.text,
            bytes.fromhex(event.hash)[:HASH_OCTETS],
        )
        for event in batch.events
    )
    return ReadBatch(
        batch.device,
        batch.epoch,
        batch.previous,
        batch.boot,
        batch.sent_wall,
        batch.sent_monotonic,
        batch.policy,
        batch.agent,
        batch.depth,
        batch.oldest_seconds,
        events,
    )
