"""What comes in becomes a type at the door, or is refused in a sentence that does not repeat it."""

import unicodedata
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agent.api.schemas import (
    Narrowed,
    OverrideAsked,
    SignOffAsked,
    SuspensionAsked,
)

UNTIL = "2026-03-02T10:00:00+00:00"
MODELS = [OverrideAsked, SuspensionAsked, Narrowed, SignOffAsked]


def test_a_request_with_its_defaults() -> None:
    asked = OverrideAsked.model_validate({"until_at": "2026-03-02T11:00:00+01:00"})
    assert asked.until_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert asked.until_at.tzinfo is UTC
    assert (asked.names, asked.groups, asked.from_at, asked.is_break_glass) == ([], [], None, False)


@pytest.mark.parametrize(
    "until",
    [
        pytest.param("2026-03-02T10:00:00", id="without-an-offset"),
        pytest.param(1_772_000_000, id="a-number"),
        pytest.param("1772000000", id="a-number-as-text"),
        pytest.param("9999-12-31T23:59:59-12:00", id="beyond-the-calendar"),
        pytest.param("0001-01-01T00:00:00+12:00", id="before-the-calendar"),
        pytest.param("tomorrow", id="a-word"),
        pytest.param(True, id="a-truth"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_no_instant(until: Any) -> None:
    with pytest.raises(ValidationError):
        OverrideAsked.model_validate({"until_at": until})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("names", ["x" * 2049], id="a-name-of-2049-characters"),
        pytest.param("names", [""], id="an-empty-name"),
        pytest.param("names", ["a.example"] * 10_001, id="more-than-ten-thousand-names"),
        pytest.param("names", "a.example", id="a-text-for-a-list"),
        pytest.param("names", [7], id="a-number-for-a-name"),
        pytest.param("groups", ["x"] * 201, id="201-groups"),
        pytest.param("audiences", ["everybody"], id="an-audience-that-is-none"),
        pytest.param("reason", "x" * 2001, id="a-reason-of-2001-characters"),
        pytest.param("reason", "null\x00byte", id="a-control-character"),
        pytest.param("reason", "\ud800", id="half-a-character"),
        pytest.param("reason", "\x1b[2J", id="what-a-terminal-obeys"),
        pytest.param("is_break_glass", "yes", id="a-word-for-a-truth"),
        pytest.param("is_break_glass", 1, id="a-number-for-a-truth"),
        pytest.param("everybody", True, id="a-key-that-nobody-knows"),
    ],
)
def test_what_is_no_request(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        OverrideAsked.model_validate({"until_at": UNTIL, key: value})


@pytest.mark.parametrize("code", range(0x110))
def test_control_characters_are_those_of_unicode(code: int) -> None:
    is_refused = unicodedata.category(chr(code)) == "Cc" and chr(code) not in "\n\t"
    with pytest.raises(ValidationError) if is_refused else nullcontext():
        OverrideAsked.model_validate({"until_at": UNTIL, "reason": f"a{chr(code)}b"})


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_nor_is_half_a_character_text(code: int) -> None:
    with pytest.raises(ValidationError):
        OverrideAsked.model_validate({"until_at": UNTIL, "reason": chr(code)})
    OverrideAsked.model_validate({"until_at": UNTIL, "reason": "\ud7ff\ue000"})


def test_html_and_sql_are_text_like_any_other() -> None:
    text = "<script>alert(1)</script>'; DROP TABLE audit; --"
    assert OverrideAsked.model_validate({"until_at": UNTIL, "reason": text}).reason == text


def test_a_period_is_days() -> None:
    asked = SignOffAsked.model_validate({"from_on": "2026-03-01", "until_on": "2026-03-31"})
    assert (asked.from_on, asked.until_on) == (date(2026, 3, 1), date(2026, 3, 31))
    with pytest.raises(ValidationError):
        SignOffAsked.model_validate({"from_on": 5, "until_on": "2026-03-31"})


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(tree=TREES, key=st.sampled_from(["until_at", "names", "reason", "from_on"]))
def test_nothing_raises_the_unexpected(model: type[BaseModel], tree: Any, key: str) -> None:
    for value in (tree, {key: tree}):
        with suppress(ValidationError):
            model.model_validate(value)
