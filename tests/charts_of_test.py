"""Charts drawn of figures that nobody counted, and what stands in them."""

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from markupsafe import Markup

import agent.console
from agent.console.charts.activity_figures import Activity, BlocksByCategory
from agent.console.charts.coverage_figures import Coverage, Filtering, NetworkCoverage
from agent.console.charts.fleet_figures import Encryption
from agent.console.charts.incident_charts import draw_incidents, draw_precision
from agent.console.charts.incident_figures import Incidents, Precision, Precisions, RowCount
from agent.console.charts.list_figures import ListAge, ListAges
from agent.console.charts.machine_charts import draw_coverage, draw_encryption, draw_list_ages
from agent.console.charts.override_figures import Outcome, Overrides, OverrideWeek
from agent.console.charts.periods import Period
from agent.console.charts.use_charts import draw_activity, draw_blocks_by_category, draw_overrides
from agent.lists.list_status import ListState
from agent.texts import load_texts
from rules.incident_kind import Kind
from rules.small_numbers import Hidden
from rules.subject import Audience

STATIC = Path(agent.console.__file__).parent / "static"
DAY = date(2026, 3, 2)
TODAY = Period(DAY, DAY)
TERM = Period(date(2025, 9, 1), DAY)


class Drawn(HTMLParser):
    """What stands in a drawn chart: ids, attributes, tables, the text of each element by class."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.classes: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self._open = ("", "")
        self.texts: list[tuple[str, str]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = {name: value or "" for name, value in attrs}
        self.attributes += found.items()
        self._open = tag, found.get("class", "")
        self.classes.append(self._open)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        self.texts.append((self._open[1], data.strip()))
        if self._open[0] in ("td", "th"):
            self.tables[-1][-1][-1] += data.strip()

    def ids(self) -> list[str]:
        return [value for name, value in self.attributes if name == "id"]

    def of_class(self, name: str) -> list[str]:
        return [text for classes, text in self.texts if name in classes.split()]

    def count(self, name: str) -> int:
        return sum(name in classes.split() for _, classes in self.classes)

    def column(self, table: int, name: str) -> list[str]:
        rows = self.tables[table]
        place = rows[0].index(name)
        return [row[place] for row in rows[1:]]


def faults(markup: str) -> list[str]:
    """Name what may not stand in a page under the strict policy, or twice."""
    drawn = Drawn(markup)
    found = [f"<{tag}>" for tag in drawn.tags if tag in ("style", "script", "image", "use", "foreignobject", "a")]
    found += [name for name, _ in drawn.attributes if name == "style" or name.startswith(("on", "xlink"))]
    values = [value for name, value in drawn.attributes if name != "xmlns"]
    found += [value for value in values if re.search(r"//|javascript:", value)]
    ids = drawn.ids()
    found += [each for each in ids if ids.count(each) > 1]
    referred = [value for name, value in drawn.attributes if name == "aria-labelledby"]
    referred += re.findall(r"url\(#([^)]*)\)", markup)
    found += [each for value in referred for each in value.split() if each not in ids]
    return found


def every_chart(language: str, *, prefix: str = "") -> Iterator[Markup]:
    """Draw one of each, with gaps, zeros and what is hidden."""
    texts = load_texts(language)
    hours, weeks = TODAY.bins(), TERM.bins()
    asked = tuple([0] * 6 + [120, 3_400, 18_000, 22_000, 24_100, 19_000, 9_000] + [None] * 11)
    yield draw_activity(
        Activity(hours, asked, tuple(each and each // 60 for each in asked)), texts, id=f"{prefix}day"
    )
    long = tuple(None if place in (8, 16) else 400_000 + place * 9_000 for place in range(len(weeks)))
    yield draw_activity(Activity(weeks, long, long), texts, id=f"{prefix}weeks")
    categories = (("games", 1_203), ("gambling", Hidden.BESIDE), ("cults", Hidden.FEW))
    yield draw_blocks_by_category(BlocksByCategory(TODAY, categories, 1_210, 5), texts, id=f"{prefix}categories")
    asked_for = tuple(
        OverrideWeek(
            each,
            place % 7 * 5 or Hidden.FEW,
            *((Hidden.FEW, Hidden.FEW) if place % 6 == 5 else (600.0 * place, 9e3)),
        )
        for place, each in enumerate(weeks)
    )
    became = tuple((each, max(40 - 10 * place, 0) or Hidden.FEW) for place, each in enumerate(Outcome))
    yield draw_overrides(Overrides(asked_for, became, 390, 2_400.0, 36_000.0, 5), texts, id=f"{prefix}overrides")
    both = {f"P{row:02}": tuple((row + place) % 4 for place in range(len(weeks))) for row in range(7)}
    rows = tuple(RowCount(row, "Games for amusement", sum(counts)) for row, counts in both.items())
    by_time = tuple(map(sum, zip(*both.values(), strict=True)))
    yield draw_incidents(Incidents(weeks, by_time, rows, both, sum(by_time)), texts, id=f"{prefix}incidents")
    shares = tuple(Precision(1, place, 1 / place) if place else Precision(0, 0, None) for place in range(len(weeks)))
    kinds = ((Kind.GAMBLING, Precision(8, 11, 8 / 11)), (Kind.GAMES, Precision(0, 2, 0.0)))
    yield draw_precision(Precisions(weeks, shares, kinds, Precision(8, 13, 8 / 13)), texts, id=f"{prefix}precision")
    lists = (
        ListAge("own", ListState.NEVER_LOADED, None, 172_800.0),
        ListAge("ut1", ListState.STALE, 400_000.0, 172_800.0),
        ListAge("starter", ListState.FRESH, 7_000.0, 172_800.0),
    )
    yield draw_list_ages(ListAges(lists), texts, id=f"{prefix}lists")
    yield draw_encryption(Encryption(41, 3, 6, 50), texts, id=f"{prefix}encryption")
    networks = (
        NetworkCoverage("classrooms", Audience.PUPIL, Filtering.ON, 36, 36),
        NetworkCoverage("staff-room", Audience.STAFF, Filtering.OPENED, 20, 24),
        NetworkCoverage("guests", Audience.GUEST, Filtering.UNKNOWN, None, 30),
        NetworkCoverage("lab", Audience.PUPIL, Filtering.OFF, 0, 36),
    )
    yield draw_coverage(Coverage(networks), texts, id=f"{prefix}coverage")
