# ruff: noqa: INP001 (programs, not a package)
"""What a board is made of, and how Grafana wants it written: the classic JSON model of its dashboards."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SOURCE: Final = {"type": "prometheus", "uid": "schoolgate"}
SCHEMA_VERSION: Final = 39
COLUMNS: Final = 24
GREEN, AMBER, RED, PLAIN = "green", "orange", "red", "text"

# What is good up to a number, and from which number on it is not.
Steps = Sequence[tuple[str, float | None]]
ANY: Final[Steps] = ((PLAIN, None),)
NONE_IS_GOOD: Final[Steps] = ((GREEN, None), (AMBER, 1))
NONE_OR_ELSE: Final[Steps] = ((GREEN, None), (RED, 1))
ONE_IS_GOOD: Final[Steps] = ((RED, None), (GREEN, 1))
NOTHING_KNOWN: Final = "not known"
FEW: Final = {0: "fewer than 5"}


@dataclass(frozen=True)
class Panel:
    """One question. `queries` are PromQL with what each line is called; `empty` is shown where nothing comes back."""

    title: str
    text: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "stat"
    unit: str = "short"
    steps: Steps = ANY
    words: dict[float, str] = field(default_factory=dict)
    empty: str = NOTHING_KNOWN
    wide: int = 6
    high: int = 4
    decimals: int | None = None
    most: float | None = None


@dataclass(frozen=True)
class Board:
    """A page for somebody."""

    name: str
    folder: str
    title: str
    text: str
    panels: tuple[Panel, ...]
    since: str = "now-24h"
    variable: tuple[str, str, str] | None = None


def figure(title: str, query: str, text: str, **more: Any) -> Panel:
    """Give one number."""
    return Panel(title, text, ((query, ""),), **more)


def lines(title: str, text: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """Give numbers over time."""
    return Panel(title, text, queries, **{"kind": "timeseries", "wide": 12, "high": 8, **more})


def bars(title: str, query: str, name: str, text: str, **more: Any) -> Panel:
    """Give one number for each of several, as they are now."""
    return Panel(title, text, ((query, name),), **{"kind": "bargauge", "wide": 12, "high": 8, **more})


ON: Final = {0: "off, or not known", 1: "on"}
YES: Final = {0: "no", 1: "yes"}
SHARE: Final = {"unit": "percentunit", "most": 1.0, "decimals": 0}

REDUCED: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "stat": {"reduceOptions": REDUCED, "colorMode": "background", "graphMode": "none", "textMode": "value"},
    "bargauge": {"reduceOptions": REDUCED, "displayMode": "basic", "orientation": "horizontal"},
    "timeseries": {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "table": {"showHeader": True},
}
# Only what a person reads: the time, which is now, and the count are left out.
TIDY: Final = [
    {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True, "Value": True},
            "indexByName": {"severity": 0, "alertname": 1},
            "renameByName": {"severity": "How bad", "alertname": "Alert"},
        },
    }
]


def render(board: Board) -> str:
    """Write a board as Grafana reads it."""
    return json.dumps(_board(board), indent=1) + "\n"


def _board(board: Board) -> dict[str, Any]:
    return {
        "uid": board.name,
        "title": board.title,
        "description": board.text,
        "tags": ["schoolgate"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": board.since, "to": "now"},
        "refresh": "1m",
        "templating": {"list": [_variable(*board.variable)] if board.variable else []},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_panels(board.panels)),
    }


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """Place panels from left to right, a new line wherever the next one has no room or another height."""
    left = top = high = 0
    for number, panel in enumerate(panels, start=1):
        if left and (left + panel.wide > COLUMNS or panel.high != high):
            left, top = 0, top + high
        high = panel.high
        yield _panel(number, panel, {"x": left, "y": top, "w": panel.wide, "h": panel.high})
        left += panel.wide


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    is_now = panel.kind != "timeseries"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "editorMode": "code",
                "expr": query,
                "legendFormat": name or "__auto",
                "instant": is_now,
                "range": not is_now,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for place, (query, name) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
        **({"transformations": TIDY} if panel.kind == "table" else {}),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": color, "value": value} for color, value in panel.steps]
    mode = "palette-classic" if panel.kind == "timeseries" else "thresholds"
    found: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": mode},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [_words(panel.words)] if panel.words else [],
        "noValue": panel.empty,
    }
    # A figure may be below 0, where nobody knows it; a line or a bar begins there.
    least = None if panel.kind == "stat" else 0
    limits = {"min": least, "max": panel.most, "decimals": panel.decimals}
    return found | {key: value for key, value in limits.items() if value is not None}


def _words(words: dict[float, str]) -> dict[str, Any]:
    return {"type": "value", "options": {f"{number:g}": {"text": text} for number, text in words.items()}}
