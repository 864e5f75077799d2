"""What comes in about media, and what does not."""

from typing import Any

import pytest
from pydantic import ValidationError

from agent.api.media_schemas import LostAsked, MediumAsked, MediumChanged


def test_only_what_was_said_changes() -> None:
    assert MediumChanged.model_validate({"place": "", "purge_on": None}).changes() == {"place": "", "purge_on": None}
    assert MediumChanged.model_validate({}).changes() == {}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "stick"},
        {"kind": "floppy", "purpose": "Marks"},
        {"kind": "stick", "purpose": "Marks", "purge_on": 20260302},
        {"kind": "stick", "purpose": "Marks", "holds_personal_data": 1},
        {"kind": "stick", "purpose": "Marks", "vendor": "0951177f"},
        {"kind": "stick", "purpose": "Marks\x1b"},
        {"kind": "stick", "purpose": "Marks", "number": 7},
        {"kind": "stick", "purpose": "Marks", "serial": "x" * 401},
    ],
    ids=[
        "no-purpose", "no-kind-of-ours", "a-number-as-a-day", "a-number-as-truth", "ids-in-one", "an-escape",
        "an-unknown-key", "a-book-as-serial-number",
    ],
)  # fmt: skip
def test_what_is_no_medium(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MediumAsked.model_validate(body)


@pytest.mark.parametrize("body", [{}, {"text": "Gone", "medium": "M-1"}, {"text": "Gone", "medium": 0}], ids=str)
def test_what_is_no_report(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LostAsked.model_validate(body)
