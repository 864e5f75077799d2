import json
import subprocess
import sys
import zlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.endpoint.message_signatures import sign_values
from agent.endpoint.wire_batch import (
    GENESIS,
    MAX_BODY_BYTES,
    MAX_BYTES,
    MAX_DECOMPRESSED_BYTES,
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    MAX_GAPS,
    MAX_RATIO,
    MAX_VALUES,
    Answer,
    BadAnswerError,
    BadBatchError,
    Batch,
    Event,
    OversizedBatchError,
    batch_hash,
    decode_answer,
    decode_batch,
    encode_answer,
    encode_batch,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
EVENT = Event(1, 1.5e9, 12.25, "boot-1", "writes", 2, {"count": 3})
BATCH = Batch("dev1", "0" * 32, GENESIS, "boot-1", 1.5e9, 13.0, 4, "1.0", 7, 60.0, (EVENT,))
ANSWER = Answer("dev1", "0" * 32, 1, 0, (), 1_500_000_000_000, 4)

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
seconds = st.floats(-1e11, 1e11)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    numbers = sorted(draw(st.sets(st.integers(1, 2**53), min_size=1, max_size=6)))
    kinds = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
    events = [
        Event(
            number,
            draw(seconds),
            draw(seconds),
            draw(ids),
            draw(kinds),
            draw(st.integers(0, 3)),
            draw(st.dictionaries(texts, values, max_size=3)),
        )
        for number in numbers
    ]
    hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
    return Batch(
        draw(ids),
        draw(hexadecimal)[:32],
        draw(hexadecimal),
        draw(ids),
        draw(seconds),
        draw(seconds),
        draw(st.integers(0, 2**53)),
        draw(st.from_regex(r"[0-9A-Za-z.+_-]{1,40}", fullmatch=True)),
        draw(st.integers(0, 2**53)),
        draw(seconds),
        tuple(events),
    )


@given(batches())
@settings(deadline=None)
def test_what_is_encoded_is_decoded(batch: Batch) -> None:
    decoded = decode_batch(encode_batch(batch))
    assert decoded == batch
    assert [event.hash for event in decoded.events] == [event.hash for event in batch.events]
    assert batch_hash(decoded) == batch_hash(batch)


@given(batches(), st.data())
@settings(deadline=None)
def test_what_is_cut_short_or_goes_on_is_refused(batch: Batch, data: st.DataObject) -> None:
    body = encode_batch(batch)
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(BadBatchError):
        decode_batch(body[:cut])
    with pytest.raises(BadBatchError):
        decode_batch(body + b"\0")


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_no_octets_do_worse_than_being_refused(octets: bytes) -> None:
    for body in (octets, zlib.compress(octets)):
        with pytest.raises(BadBatchError):
            decode_batch(body)


@given(st.recursive(values, lambda inner: st.dictionaries(st.sampled_from("vsdtmbkp"), inner), max_leaves=10))
@settings(deadline=None)
def test_no_json_does_worse_than_being_refused(tree: Any) -> None:
    with pytest.raises(BadBatchError):
        decode_batch(zlib.compress(json.dumps(tree).encode()))


def tree_of(batch: Batch = BATCH) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(zlib.decompress(encode_batch(batch)))
    return tree


def body_of(tree: Any) -> bytes:
    return zlib.compress(json.dumps(tree).encode(), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"device": "a/b"},
        {"device": 7},
        {"device": ""},
        {"epoch": "0" * 31},
        {"prev": "G" * 64},
        {"boot": "b" * 65},
        {"sent_wall": "now"},
        {"sent_wall": 10**400},
        {"sent_mono": None},
        {"oldest": True},
        {"policy": -1},
        {"policy": 1.0},
        {"agent": "1 0"},
        {"depth": 2**53 + 1},
        {"first": 2},
        {"last": 2},
        {"events": {}},
        {"events": [7]},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_member_in_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadBatchError):
        decode_batch(body_of(tree_of() | change))


@pytest.mark.parametrize(
    "change",
    [
        {"s": 0},
        {"s": -1},
        {"s": 1.0},
        {"t": "1970"},
        {"m": []},
        {"b": "ö"},
        {"k": "Writes"},
        {"k": "w" * 41},
        {"p": 4},
        {"p": True},
        {"d": []},
        {"d": None},
        {"x": 1},
    ],
    ids=str,
)
def test_an_event_in_another_form_is_refused(change: dict[str, Any]) -> None:
    tree = tree_of()
    tree["events"][0] |= change
    with pytest.raises(BadBatchError):
        decode_batch(body_of(tree))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":NaN}',
        '{"a":1e999}',
        '{"a":Infinity}',
        '{"a":"\\ud800"}',
        '{"a":1,"a":2}',
        '{"a":' + "[" * 20000 + "]" * 20000 + "}",
    ],
    ids=["nan", "too-large-a-number", "infinity", "half-a-character", "member-twice", "very-deep"],
)
def test_facts_that_are_no_json_of_ours_are_refused(text: str) -> None:
    octets = zlib.decompress(encode_batch(BATCH)).replace(b'{"count":3}', text.encode())
    assert text.encode() in octets
    with pytest.raises(BadBatchError):
        decode_batch(zlib.compress(octets, 0))


@pytest.mark.parametrize("wall", [0.0, -1.0, 4.1e9, 9e10], ids=["1970", "1969", "2099", "far-away"])
def test_no_event_is_refused_for_its_time(wall: float) -> None:
    event = replace(EVENT, wall=wall)
    assert decode_batch(encode_batch(replace(BATCH, events=(event,)))).events == (event,)


def test_a_kind_that_a_newer_agent_knows_is_taken() -> None:
    event = replace(EVENT, kind="something_of_2030")
    assert decode_batch(encode_batch(replace(BATCH, events=(event,)))).events[0].kind == "something_of_2030"


def test_numbers_that_do_not_rise_are_refused() -> None:
    twice = (EVENT, EVENT)
    with pytest.raises(BadBatchError, match="do not rise"):
        encode_batch(replace(BATCH, events=twice))


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(BadBatchError, match="no event"):
        encode_batch(replace(BATCH, events=()))
    with pytest.raises(BadBatchError, match="no event"):
        decode_batch(body_of(tree_of() | {"events": []}))


def test_more_events_than_a_batch_may_have_are_refused() -> None:
    events = tuple(replace(EVENT, sequence=number + 1) for number in range(MAX_EVENTS + 1))
    with pytest.raises(OversizedBatchError):
        encode_batch(replace(BATCH, events=events))
    assert len(decode_batch(encode_batch(replace(BATCH, events=events[:-1]))).events) == MAX_EVENTS


def test_more_octets_than_a_sender_keeps_to_are_refused() -> None:
    events = tuple(
        replace(EVENT, sequence=number + 1, facts={"text": "x" * (MAX_EVENT_BYTES - 200)}) for number in range(20)
    )
    with pytest.raises(OversizedBatchError, match=str(MAX_BYTES)):
        encode_batch(replace(BATCH, events=events))


def test_an_event_of_too_many_octets_is_none() -> None:
    with pytest.raises(BadBatchError, match=str(MAX_EVENT_BYTES)):
        replace(EVENT, facts={"text": "x" * MAX_EVENT_BYTES})


@pytest.mark.parametrize(
    "octets",
    [b"0" * (MAX_DECOMPRESSED_BYTES * 50), b'{"v":1,' + b" " * 500_000 + b"}"],
    ids=["fifty-megabytes", "half-a-megabyte-of-nothing"],
)
def test_a_bomb_is_not_inflated(octets: bytes) -> None:
    body = zlib.compress(octets, 9)
    assert len(octets) > MAX_RATIO * len(body)
    with pytest.raises(OversizedBatchError):
        decode_batch(body)


def test_a_body_that_is_too_large_as_it_is_is_refused() -> None:
    with pytest.raises(OversizedBatchError):
        decode_batch(bytes(MAX_BODY_BYTES + 1))


def test_what_repeats_itself_is_never_taken_for_a_bomb() -> None:
    events = tuple(replace(EVENT, sequence=number + 1, facts={"text": "a" * 900}) for number in range(MAX_EVENTS))
    batch = replace(BATCH, events=events)
    body = encode_batch(batch)
    assert decode_batch(body) == batch
    assert len(zlib.decompress(body)) <= MAX_RATIO * len(body)


def test_the_hash_of_a_batch_does_not_depend_on_when_it_was_sent() -> None:
    assert batch_hash(replace(BATCH, sent_wall=1.0, depth=99, policy=8)) == batch_hash(BATCH)
    assert batch_hash(replace(BATCH, previous="1" * 64)) != batch_hash(BATCH)
    assert batch_hash(replace(BATCH, events=(replace(EVENT, wall=2.0),))) != batch_hash(BATCH)


def test_an_answer_that_the_gateway_signed_is_read() -> None:
    answer = replace(ANSWER, gaps=((3, 7), (9, 9)))
    assert decode_answer(encode_answer(answer, KEY), KEY.public_key()) == answer


def test_of_many_gaps_the_first_are_told() -> None:
    gaps = tuple((number, number) for number in range(1, 2000))
    assert decode_answer(encode_answer(replace(ANSWER, gaps=gaps), KEY), KEY.public_key()).gaps == gaps[:MAX_GAPS]


@pytest.mark.parametrize(
    "change",
    [{"ack": 2}, {"epoch": "1" * 32}, {"sig": ""}, {"sig": 7}, {"sig": "A" * 86 + "=="}, {"more": 1}],
    ids=str,
)
def test_an_answer_that_was_changed_is_refused(change: dict[str, Any]) -> None:
    tree = json.loads(encode_answer(ANSWER, KEY)) | change
    with pytest.raises(BadAnswerError):
        decode_answer(json.dumps(tree).encode(), KEY.public_key())


@pytest.mark.parametrize(
    "change", [{"ack": -1}, {"device": "ö"}, {"gap": [[1]]}, {"gap": 7}, {"gap": [[1, "2"]]}, {"dup": True}], ids=str
)
def test_even_a_signed_answer_has_its_form(change: dict[str, Any]) -> None:
    values = json.loads(encode_answer(ANSWER, KEY)) | change
    values.pop("sig")
    with pytest.raises(BadAnswerError):
        decode_answer(json.dumps(sign_values(KEY, values)).encode(), KEY.public_key())


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_octets_pass_for_an_answer(octets: bytes) -> None:
    with pytest.raises(BadAnswerError):
        decode_answer(octets, KEY.public_key())


def test_a_laptop_needs_nothing_of_the_gateways_packages() -> None:
    code = (
        "import sys, agent.endpoint.uplink, agent.endpoint.enrolment;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    gateway = {"fastapi", "pydantic", "argon2", "uvicorn", "xxhash", "msgspec", "babel", "prometheus_client"}
    assert not gateway & set(done.stdout.split())


def _many_values(events: int, values: int) -> Batch:
    facts = {"a": [0] * values}
    return replace(BATCH, events=tuple(replace(EVENT, sequence=each + 1, facts=facts) for each in range(events)))


def test_more_values_than_are_read_in_a_moment_are_sent_in_two_halves() -> None:
    body = encode_batch(_many_values(10, MAX_VALUES // 9))
    with pytest.raises(OversizedBatchError, match="values"):
        decode_batch(body)
    assert len(decode_batch(encode_batch(_many_values(5, MAX_VALUES // 9))).events) == 5


def test_one_event_never_has_too_many_values() -> None:
    assert MAX_EVENT_BYTES < MAX_VALUES
    assert decode_batch(encode_batch(_many_values(1, MAX_EVENT_BYTES // 2 - 60))).last == 1
