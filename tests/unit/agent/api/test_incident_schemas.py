"""What comes in about incidents: words, closed sets and bounds, and nothing that nobody knows."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agent.api.incident_schemas import (
    AcceptAsked,
    AppealAsked,
    CloseAsked,
    DismissAsked,
    LookAsked,
    MergeAsked,
    ReclassifyAsked,
    SplitAsked,
    SubjectAsked,
)

REASON = "We have talked with both of them."
ASKED: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (LookAsked, {"purpose": REASON, "case": 12}),
    (AcceptAsked, {"row": "P10", "deliberate": "unclear", "why": REASON}),
    (ReclassifyAsked, {"kind": "games", "row": None, "reason": REASON}),
    (DismissAsked, {"dismissal": "lesson", "words": REASON}),
    (MergeAsked, {"into": "a1", "reason": REASON}),
    (SplitAsked, {"entries": [31], "kind": "games", "reason": REASON}),
    (CloseAsked, {"outcome": REASON, "lesson": REASON}),
    (AppealAsked, {"by": "A parent", "on": "2026-03-02", "outcome": REASON, "withdraws_warnings": True}),
    (SubjectAsked, {"subject": "p7", "reason": REASON}),
]
TEXTS = ("purpose", "why", "reason", "words", "outcome", "lesson", "by")


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
        pytest.param(LookAsked, "case", "12", id="a-case-as-text"),
        pytest.param(LookAsked, "case", 0, id="the-case-0"),
        pytest.param(AcceptAsked, "row", "../P10", id="a-row-with-a-path"),
        pytest.param(AcceptAsked, "deliberate", "maybe", id="neither-deliberate-nor-not"),
        pytest.param(AcceptAsked, "is_serious", "yes", id="serious-as-text"),
        pytest.param(DismissAsked, "dismissal", "boring", id="a-reason-beyond-the-list"),
        pytest.param(ReclassifyAsked, "kind", "rudeness", id="a-kind-that-there-is-not"),
        pytest.param(MergeAsked, "into", "", id="merged-into-nothing"),
        pytest.param(SplitAsked, "entries", [1] * 1_001, id="more-entries-than-a-timeline-holds"),
        pytest.param(SplitAsked, "entries", ["1"], id="an-entry-as-text"),
        pytest.param(AppealAsked, "on", "yesterday", id="no-day"),
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
