"""What goes out about a verdict: a heading, facts, and evidence as plain values."""

import json

from agent.api.explain_schemas import ExplainedTold


def test_it_is_written_as_it_was_given() -> None:
    told = ExplainedTold(heading="a is open.", facts=["Why: no rule."], evidence={"verdict": "allow", "listed": []})
    assert json.loads(told.model_dump_json()) == {
        "heading": "a is open.",
        "facts": ["Why: no rule."],
        "evidence": {"verdict": "allow", "listed": []},
    }
