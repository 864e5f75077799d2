"""The fast reader takes what the definition takes, and what it does not take the definition says why."""

import json
import zlib
from typing import Any

import pytest
from fleet_of_test import batch, event
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.wire_batch import BadBatchError, OversizedBatchError, decode_batch, decompressed, encode_batch
from agent.fleet import batch_reader
from agent.fleet.batch_reader import _of, _read_fast, read_batch

FACTS: st.SearchStrategy[Any] = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**40), 2**40)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(facts=st.lists(FACTS, min_size=1, max_size=4), kind=st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True))
def test_every_batch_of_ours_is_read_as_the_definition_reads_it(facts: list[Any], kind: str) -> None:
    try:
        body = encode_batch(batch("d1", [event(n, kind, facts=each) for n, each in enumerate(facts, 1)]))
    except BadBatchError:
        return
    assert read_batch(body) == _of(decode_batch(body))


def test_the_usual_batch_takes_the_short_cut() -> None:
    body = encode_batch(batch("d1", [event(1), event(2, facts={"evidence": [{"a": [1]}] * 6})]))
    assert _read_fast(decompressed(body)) == _of(decode_batch(body))


def _changed(**members: Any) -> bytes:
    tree = json.loads(decompressed(encode_batch(batch("d1", [event(1)]))))
    return zlib.compress(json.dumps({**tree, **members}).encode(), 0)


def _event(**members: Any) -> bytes:
    tree = json.loads(event(1).text)
    return _changed(events=[{**tree, **members}])


DEEP: Any = 1
for _ in range(9):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "body",
    [
        _changed(v=2),
        _changed(v=True),
        _changed(first=0),
        _changed(device="a b"),
        _changed(device="d\n"),
        _changed(events=[]),
        _changed(events=[1]),
        _changed(more=1),
        _changed(sent_wall=1e12),
        _changed(depth=2**60),
        _event(k="Kind"),
        _event(k="kind\n"),
        _event(b="b" * 65),
        _event(p=4),
        _event(p=True),
        _event(s=0),
        _event(s=1.0),
        _event(d=[]),
        _event(d={"deep": DEEP}),
        _event(d={"text": "x" * 17_000}),
        _event(d={"half": "\ud800"}),
        _event(x=1),
        zlib.compress(b"\xff"),
    ],
)
def test_what_the_definition_refuses_is_refused_with_its_sentence(body: bytes) -> None:
    with pytest.raises(BadBatchError) as theirs:
        decode_batch(body)
    with pytest.raises(BadBatchError, match=r".") as ours:
        read_batch(body)
    assert str(ours.value) == str(theirs.value)


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(OversizedBatchError):
        read_batch(zlib.compress(b" " * 10_000_000))


@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for body in (octets, zlib.compress(octets, 0)):
        with pytest.raises(BadBatchError, match=r"\.$"):
            read_batch(body)


def test_the_hash_is_the_beginning_of_that_of_the_event() -> None:
    sent = event(1)
    (read,) = read_batch(encode_batch(batch("d1", [sent]))).events
    assert (read.text, read.hash.hex()) == (sent.text, sent.hash[: 2 * batch_reader.HASH_OCTETS])
