"""Changes of the filter at the door: a text that is not too long, a reason, a day."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.api.filter_schemas import Answered, FilterChangesAsked, FilterDraftAsked
from agent.filter_changing.filter_overlay import MAX_OVERLAY_CHARACTERS

TEXT = "policies:\n\tno-chat: {block: chat}\n"


def test_a_draft_with_its_defaults() -> None:
    asked = FilterDraftAsked.model_validate({"text": TEXT, "review_on": "2026-09-01"})
    assert (asked.text, asked.review_on, asked.reason, asked.owner) == (TEXT, date(2026, 9, 1), "", None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("text", "x" * (MAX_OVERLAY_CHARACTERS + 1), id="too-long"),
        pytest.param("text", "null\x00byte", id="a-control-character"),
        pytest.param("text", "\ud800", id="half-a-character"),
        pytest.param("text", {"policies": None}, id="no-text"),
        pytest.param("text", None, id="nothing"),
        pytest.param("review_on", 20_000, id="a-number-for-a-day"),
        pytest.param("review_on", "9999-12-31", id="beyond-the-calendar"),
        pytest.param("review_on", None, id="no-day"),
        pytest.param("reason", "x" * 2001, id="a-reason-of-2001-characters"),
        pytest.param("owner", "a person", id="an-owner-with-a-space"),
        pytest.param("approve", True, id="a-key-that-nobody-knows"),
    ],
)
def test_what_is_no_draft(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        FilterDraftAsked.model_validate({"text": TEXT, "review_on": "2026-09-01", key: value})


@given(st.dictionaries(st.sampled_from(["text", "reason", "owner", "review_on"]), st.text() | st.integers()))
def test_nothing_unexpected_is_raised(body: dict[str, Any]) -> None:
    for model in (Answered, FilterChangesAsked, FilterDraftAsked):
        with suppress(ValidationError):
            model.model_validate(body)
