"""A policy pack: one policy document of a school as the product works with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.assessment import AssessmentRules
from rules.handbook import Handbook, Law
from rules.pack import Row
from rules.sanction import SanctionTable
from rules.words import Words


@dataclass(frozen=True, slots=True)
class Communication:
    """One row of the table of means of communication, with its ticked columns and what a footnote adds."""

    id: str
    label: Words
    line: int
    ticks: tuple[str, ...]
    footnote: Words
    location: str


@dataclass(frozen=True, slots=True)
class CommunicationsTable:
    """Which means of communication staff and pupils may use; `columns` are in their order."""

    columns: Mapping[str, Words]
    rows: Mapping[str, Communication]


@dataclass(frozen=True, slots=True)
class Pack:
    """One policy document as the product works with it.

    `rows` is its table of user actions, `sanctions` its tables by audience (`pupil`, `staff`); most documents have
    neither. `language` is that of the document. `assessment` is how observations are weighed, where it says so.
    """

    id: str
    title: Words
    source: str
    language: str
    law: Law
    rows: tuple[Row, ...] = ()
    communications: CommunicationsTable | None = None
    sanctions: Mapping[str, SanctionTable] = field(default_factory=dict)
    handbook: Handbook = field(default_factory=Handbook)
    assessment: AssessmentRules | None = None
