"""What may be written about incidents, part by part."""

import pytest
from pydantic import ValidationError

from agent.sites.written_incidents import SCHOOL_YEAR, WrittenAssessment, WrittenIncidents
from rules.span import parse_span


def test_nothing_has_to_be_written() -> None:
    assert WrittenIncidents.model_validate({}).given() == {"keep": {}, "contacts": {}}
    assert WrittenAssessment.model_validate({"kinds": None}).kinds == {}


def test_times_are_spans_and_warnings_may_last_a_school_year() -> None:
    part = WrittenIncidents.model_validate({"warnings_last": SCHOOL_YEAR, "keep": {"others": "3 years"}})
    assert (part.warnings_last, part.keep) == (SCHOOL_YEAR, {"others": parse_span("3 years")})


@pytest.mark.parametrize("label", ["CDN", "a.b", "", "-a", "x" * 64, ["a"]])
def test_a_label_is_one_part_of_a_name(label: object) -> None:
    with pytest.raises(ValidationError):
        WrittenAssessment.model_validate({"background": {"labels": [label]}})


def test_one_of_a_list_may_stand_alone() -> None:
    written = {"contacts": {"police": {"title": "Police", "lines": "the desk", "for": "illegal_content"}}}
    card = WrittenIncidents.model_validate(written).contacts["police"]
    assert (card.lines, card.procedures) == (["the desk"], ["illegal_content"])
