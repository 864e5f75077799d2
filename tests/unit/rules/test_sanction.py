"""Sanction tables as values."""

from rules.incident_kind import Risk
from rules.sanction import Action, SanctionRow, SanctionTable, Step
from rules.span import parse_span
from rules.visibility import Visibility
from rules.words import words


def action(name: str) -> Action:
    return Action(name, words(en=name), (), Step.REFER, parse_span("1 day"), "p.yaml:1:1")


def test_only_what_a_row_ticks_is_a_step() -> None:
    row = SanctionRow(
        id="P01",
        key="x",
        label=words(en="x"),
        line=1,
        actions=("c", "a"),
        kinds=frozenset(),
        risk=Risk.CONTENT,
        visibility=Visibility.NONE,
        is_repeat=False,
        note="",
        location="p.yaml:9:1",
    )
    table = SanctionTable("pupil", {name: action(name) for name in "abc"}, {"P01": row})
    assert [each.id for each in table.actions_of("P01")] == ["a", "c"]
