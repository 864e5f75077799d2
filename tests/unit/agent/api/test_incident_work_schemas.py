"""What comes in about what is done: words, closed sets and bounds, and nothing that nobody knows."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agent.api.incident_work_schemas import LetterAsked, LetterSentAsked, RestrictAsked, StepAddAsked, StepDoneAsked

REASON = "We have talked with both of them."
ASKED: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (StepDoneAsked, {"how": REASON, "outcome": "", "at": "2026-03-02T09:15:00+00:00"}),
    (StepAddAsked, {"label": REASON, "role": "head_teacher", "within": "4 h", "kind": "warn", "reason": REASON}),
    (RestrictAsked, {"groups": ["a"], "until_at": "2026-03-09T09:15:00Z", "review_on": "2026-03-06"}),
    (LetterAsked, {"kind": "parents", "purpose": REASON, "case": 12}),
    (LetterSentAsked, {"on": "2026-03-02"}),
]
TEXTS = ("purpose", "reason", "outcome", "how", "label", "referred_to")


@pytest.mark.parametrize(("schema", "body"), ASKED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_asked(schema: type[BaseModel], body: dict[str, Any]) -> None:
    assert schema.model_validate(body)
    with pytest.raises(ValidationError):
        schema.model_validate(body | {"sanction": "expelled"})


@pytest.mark.parametrize(
    ("schema", "body", "key"),
    [
        pytest.param(schema, body, key, id=f"{schema.__name__}-{key}")
        for schema, body in ASKED
        for key in TEXTS
        if key in body
    ],
)
def test_every_text_is_bounded_and_text(schema: type[BaseModel], body: dict[str, Any], key: str) -> None:
    for value in ("x" * 2_001, "\x1b[2J", "\ud800", 7, None, ["x"]):
        with pytest.raises(ValidationError):
            schema.model_validate(body | {key: value})
    assert schema.model_validate(body | {key: "<b onclick='x'>&amp;\n</b>"})


@pytest.mark.parametrize(
    ("schema", "key", "value"),
    [
        pytest.param(StepAddAsked, "role", "king", id="a-role-that-there-is-not"),
        pytest.param(RestrictAsked, "until_at", "2026-03-09T09:15:00", id="an-instant-without-its-offset"),
        pytest.param(LetterAsked, "kind", "ransom", id="no-letter"),
    ],
)
def test_what_is_refused_at_the_door(schema: type[BaseModel], key: str, value: Any) -> None:
    body = next(body for known, body in ASKED if known is schema)
    with pytest.raises(ValidationError):
        schema.model_validate(body | {key: value})


@given(st.sampled_from(ASKED), st.dictionaries(st.sampled_from([*TEXTS, "row", "case"]), st.text() | st.integers()))
def test_no_body_surprises(asked: tuple[type[BaseModel], dict[str, Any]], changes: dict[str, Any]) -> None:
    schema, body = asked
    with suppress(ValidationError):
        schema.model_validate(body | changes)
