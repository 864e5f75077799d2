"""What a chart is made of, in words already: panels of series of marks, each a value and the text that says it.

Nothing here knows what is counted. A value that is not known or not told is None: a gap in the picture, and a text.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# A picture of more is none that anybody reads; whoever makes one sums up first.
MOST_POINTS: Final = 62
MOST_ROWS: Final = 40
MOST_SERIES: Final = 6
# As far as whole numbers are exact; beyond it a picture would be a matter of rounding.
MOST_VALUE: Final = 2.0**53


class Shape(StrEnum):
    """How a panel is drawn: columns along time (stacked where several), lines, or rows with their words above."""

    COLUMNS = "columns"
    LINES = "lines"
    ROWS = "rows"


class Scale(StrEnum):
    """What values are: how many, a share of 1, or seconds."""

    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Mark:
    """One value, and how it is written; None is drawn as a gap."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """Marks of one kind, one for each label of the panel; several are told apart without colour."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    `labels` name the places in the table, `ticks` do so shorter under the picture. `extra` are columns that the table
    alone has. A `limit` is drawn as a line and named by `limit_text`.
    """

    title: str
    summary: str
    heading: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    shape: Shape = Shape.COLUMNS
    scale: Scale = Scale.COUNT
    ticks: tuple[str, ...] = ()
    extra: tuple[Series, ...] = ()
    limit: float | None = None
    limit_text: str = ""

    def values(self) -> list[float]:
        """Give the values that are known."""
        return [mark.value for series in self.series for mark in series.marks if mark.value is not None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure of panels; `empty` stands in the place of pictures where there is nothing to draw."""

    title: str
    panels: tuple[Panel, ...]
    empty: str
    note: str = ""
