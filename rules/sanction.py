"""The sanction tables of a school: which steps stand for which kind of misuse. They propose; people decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rules.incident_kind import Kind, Risk
from rules.span import Span
from rules.visibility import Visibility
from rules.words import Words


class Step(StrEnum):
    """What an action is: somebody is brought in, told, or something is done about the person."""

    REFER = "refer"
    INFORM = "inform"
    TECHNICAL = "technical"
    RESTRICT = "restrict"
    WARN = "warn"
    SANCTION = "sanction"


@dataclass(frozen=True, slots=True)
class Action:
    """One column of a table; the first of `owners`, roles of the pack, that somebody holds does it in time."""

    id: str
    label: Words
    owners: tuple[str, ...]
    step: Step
    within: Span
    location: str


@dataclass(frozen=True, slots=True)
class SanctionRow:
    """One row of a table, with the actions that are ticked.

    `kinds` are the kinds of incident for which the row is proposed; `is_repeat` marks the row for whoever goes on
    after a warning. Where `visibility` is none only a person reports it. `line` is its place in the document.
    """

    id: str
    key: str
    label: Words
    line: int
    actions: tuple[str, ...]
    kinds: frozenset[Kind]
    risk: Risk
    visibility: Visibility
    is_repeat: bool
    note: str
    location: str


@dataclass(frozen=True, slots=True)
class SanctionTable:
    """A table: its columns in their order, and its rows."""

    audience: str
    actions: Mapping[str, Action]
    rows: Mapping[str, SanctionRow]

    def actions_of(self, row: str) -> tuple[Action, ...]:
        """Give the steps that a row ticks, in the order of the columns."""
        ticked = self.rows[row].actions
        return tuple(action for action in self.actions.values() if action.id in ticked)
