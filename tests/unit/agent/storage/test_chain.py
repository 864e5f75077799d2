"""The chain of the record: one way to write a row, one hash."""

import hashlib
import hmac
import json
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.storage.chain import COLUMNS, GENESIS, Row, canonical, commitment_of, hash_of, row_text


class Colour(StrEnum):
    RED = "red"


texts = st.text(st.characters(codec="utf-8"))
facts = st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans(), st.none(), st.lists(texts)), max_size=4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({}, "{}", id="nothing-is-an-empty-object"),
        pytest.param({"b": 1, "a": True}, '{"a":true,"b":1}', id="keys-are-sorted-and-nothing-is-spaced"),
        pytest.param({"a": "é“"}, '{"a":"é“"}', id="letters-stand-as-they-are"),
        pytest.param({"a": '"\\\n\x00\x1f'}, '{"a":"\\"\\\\\\n\\u0000\\u001f"}', id="controls-as-in-rfc-8785"),
        pytest.param({"a": ["x", None], "b": ("y",)}, '{"a":["x",null],"b":["y"]}', id="lists-and-nothing"),
        pytest.param({"a": Colour.RED}, '{"a":"red"}', id="an-enum-is-its-text"),
        pytest.param({"a": {"c": 1, "b": 2}}, '{"a":{"b":2,"c":1}}', id="keys-are-sorted-all-the-way-down"),
    ],
)
def test_canonical(values: dict[str, object], text: str) -> None:
    assert canonical(values) == text


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"a": 1.5}, id="a-broken-number-has-many-spellings"),
        pytest.param({"a": b"x"}, id="octets"),
        pytest.param({"a": {"x"}}, id="a-set-has-no-order"),
        pytest.param({"a": [1, [2.0]]}, id="deep-inside"),
        pytest.param({1: "a"}, id="a-name-that-is-no-text"),
    ],
)
def test_what_has_no_one_spelling_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="the record takes"):
        canonical(values)


@settings(deadline=None)
@given(st.tuples(st.integers(), texts, texts, texts, texts, facts.map(canonical), texts, texts))
def test_a_row_is_the_canonical_json_of_its_columns(row: Row) -> None:
    columns = dict(zip(COLUMNS, row, strict=False)) | {"facts": json.loads(row[5])}
    assert row_text(row) == canonical(columns)
    assert json.loads(row_text(row)) == columns


def test_the_hash_is_sha_256_of_the_utf_8_text() -> None:
    assert hash_of("é") == hashlib.sha256("é".encode()).hexdigest()
    assert len(hash_of("")) == len(GENESIS)


def test_a_commitment_is_an_hmac_so_that_nobody_tries_values_without_the_key() -> None:
    assert commitment_of(b"k", b"x") == hmac.new(b"k", b"x", "sha256").hexdigest()
    assert commitment_of(b"k", b"x") != commitment_of(b"l", b"x")
