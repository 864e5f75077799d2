"""The rules that observations are weighed by."""

from rules.assessment import AssessmentRules, KindRules
from rules.incident_kind import Kind, Risk


def test_a_category_is_about_one_kind_or_about_none() -> None:
    gambling = KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling"}))
    rules = AssessmentRules({Kind.GAMBLING: gambling}, {})
    assert rules.kind_of("gambling") is gambling
    assert rules.kind_of("news") is None
