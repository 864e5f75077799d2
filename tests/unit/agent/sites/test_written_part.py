"""What the parts of a written site are made of."""

from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from agent.sites.written_part import Nothing, Text, Written, shorthand


class Part(Written):
    """A part for these tests."""

    label: Text
    inner: Annotated[dict[Text, Text], Nothing] = Field(default_factory=dict)


class Whole(Written):
    """A mapping with such a part."""

    part: Annotated[Part, shorthand("label")] | None = None
    other: Text | None = None


def test_a_text_may_stand_for_a_mapping_with_its_one_key() -> None:
    assert Whole.model_validate({"part": "x"}).part == Part(label="x")


def test_text_is_one_line_of_some_hundred_characters() -> None:
    assert Part.model_validate({"label": "  two\n words "}).label == "two words"
    for label in ("", "   ", ["x"], "x" * 401):
        with pytest.raises(ValidationError):
            Part.model_validate({"label": label})


def test_nothing_stands_for_an_empty_mapping_and_an_unknown_key_is_a_mistake() -> None:
    assert Part.model_validate({"label": "x", "inner": None}).inner == {}
    with pytest.raises(ValidationError):
        Whole.model_validate({"prat": "x"})


def test_what_was_written_can_be_told_from_what_was_not() -> None:
    assert Whole.model_validate({"other": "x"}).given() == {"other": "x"}
