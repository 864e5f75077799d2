"""What panels show of numbers that are known, and of none at all: their own queries, worked out by promtool."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from parts import need
from watching import DEPLOY

VARIABLES: Final = {"$__rate_interval": "4m", "$audience": ".+", "$instance": ".+"}
GATEWAY: Final = 'instance="gateway", job="schoolgate"'
QUERIES: Final = 'schoolgate_queries_total{{{}, audience="pupil", verdict="{}", category="{}"}}'
LOOK_UPS: Final = 'schoolgate_cache_lookups_total{{{}, cache="{}", result="{}"}}'
FIRING: Final = 'ALERTS{{alertstate="firing", alertname="{}", severity="{}", list="{}"}}'
# Board, panel, query; what there is (from, by so much each minute); and what is shown of it.
SHOWN: Final = {
    "blocked-queries": (
        ("coordinator", "Blocked queries a minute", 0),
        {
            QUERIES.format(GATEWAY, "blocked", "games"): "0+30x20",
            QUERIES.format(GATEWAY, "allowed", "none"): "0+90x20",
        },
        {'{category="games"}': 30},
    ),
    "share-of-the-caches": (
        ("technician", "Answered from the cache", 0),
        {
            LOOK_UPS.format(GATEWAY, "reply", "hit"): "0+60x20",
            LOOK_UPS.format(GATEWAY, "answer", "hit"): "0+30x20",
            LOOK_UPS.format(GATEWAY, "answer", "miss"): "0+30x20",
        },
        {"{}": 0.75},
    ),
    "resolvers": (
        ("technician", "Resolvers", 0),
        {
            f'schoolgate_upstream_healthy{{{GATEWAY}, upstream="1"}}': "0x20",
            f'schoolgate_upstream_healthy{{{GATEWAY}, upstream="2"}}': "1x20",
        },
        {'{upstream="1"}': 0, '{upstream="2"}': 1},
    ),
    "rows-taken": (
        ("technician", "Activity record", 1),
        {
            f"schoolgate_rows_handed_over_total{{{GATEWAY}}}": "0+120x20",
            f"schoolgate_rows_taken_total{{{GATEWAY}}}": "0+60x20",
        },
        {"{}": 1},
    ),
    "no-candidate-where-requests-are-told-of": (
        ("coordinator", "Candidates to look at", 0),
        {f'schoolgate_requests_waiting{{{GATEWAY}, what="override"}}': "3x20"},
        {"{}": 0},
    ),
    "candidates": (
        ("coordinator", "Candidates to look at", 0),
        {
            f'schoolgate_requests_waiting{{{GATEWAY}, what="override"}}': "3x20",
            f'schoolgate_incidents{{{GATEWAY}, state="candidate", row="P02"}}': "2x20",
        },
        {"{}": 2},
    ),
    "no-candidates-where-nobody-knows": (("coordinator", "Candidates to look at", 0), {}, {}),
    "one-that-is-critical-comes-before-many-that-are-not": (
        ("technician", "What is wrong now", 0),
        {
            FIRING.format("SchoolgateListStale", "warning", "one"): "1x20",
            FIRING.format("SchoolgateListStale", "warning", "two"): "1x20",
            FIRING.format("SchoolgateChainBroken", "critical", ""): "1x20",
            FIRING.format("SchoolgateWorkerSilent", "critical", "").replace("firing", "pending"): "1x20",
        },
        {
            '{alertname="SchoolgateChainBroken", severity="critical"}': 0,
            '{alertname="SchoolgateListStale", severity="warning"}': 1,
        },
    ),
}


def query_of(board: str, title: str, place: int) -> str:
    """Give what a panel asks, with its variables filled in."""
    (path,) = (DEPLOY / "grafana" / "dashboards").rglob(f"schoolgate-{board}.json")
    (panel,) = (panel for panel in json.loads(path.read_text())["panels"] if panel["title"] == title)
    expression: str = panel["targets"][place]["expr"]
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


@pytest.mark.parametrize(("where", "given", "shown"), SHOWN.values(), ids=SHOWN)
def test_a_panel_shows_what_there_is(
    where: tuple[str, str, int], given: dict[str, str], shown: dict[str, float], tmp_path: Path
) -> None:
    samples = [{"labels": labels, "value": value} for labels, value in shown.items()]
    story: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in given.items()],
        "promql_expr_test": [{"expr": query_of(*where), "eval_time": "4m", "exp_samples": samples}],
    }
    (tmp_path / "shown.yml").write_text(yaml.safe_dump({"tests": [story]}))
    words = [need("promtool"), "test", "rules", str(tmp_path / "shown.yml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
