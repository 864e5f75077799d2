"""The dashboards of `deploy/grafana`: as Grafana reads them, in plain words, and what governors see apart.

Source: grafana.com/docs, "Dashboard JSON model" (classic), "Provision Grafana".
"""

import json
import re
import shutil
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
INSTALLED = "/etc/schoolgate-watch/grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").rglob("*.json"))}
PANELS = {f"{name}-{panel['id']}": panel for name, board in BOARDS.items() for panel in board["panels"]}
COLUMNS = 24
BOARD_FIELDS = {
    *("uid", "title", "description", "tags", "schemaVersion", "version", "editable", "graphTooltip", "timezone"),
    *("time", "refresh", "templating", "annotations", "links", "panels"),
}
PANEL_FIELDS = {"id", "type", "title", "description", "datasource", "gridPos", "targets", "fieldConfig", "options"}
TYPES = {"stat", "timeseries", "bargauge", "table"}
UNITS = {"short", "s", "percentunit", "bytes", "reqps", "ops"}
COLOURS = {"green", "orange", "red", "text"}
# What a legend may be made of: words of ours, numbers of workers and upstreams, names of configured lists.
LABELS = {
    *("category", "audience", "what", "row", "list", "path", "rcode", "transport", "upstream", "event", "action"),
    *("decision", "confirmation", "job"),
}
BUILT_IN = {"__rate_interval"}


def env(name: str) -> dict[str, str]:
    lines = (GRAFANA / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_there_is_one_for_each_who_looks() -> None:
    assert sorted(BOARDS) == [
        "schoolgate-coordinator",
        "schoolgate-governors",
        "schoolgate-slt",
        "schoolgate-technician",
    ]


def test_they_are_what_the_boards_say(tmp_path: Path) -> None:
    shutil.copytree(GRAFANA / "boards", tmp_path / "boards", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-B", tmp_path / "boards" / "build.py"], check=True, timeout=60)
    made = {path.relative_to(tmp_path): path.read_text() for path in (tmp_path / "dashboards").rglob("*.*")}
    kept = {path.relative_to(GRAFANA): path.read_text() for path in (GRAFANA / "dashboards").rglob("*.*")}
    assert made == kept, "run python deploy/grafana/boards/build.py"


@pytest.mark.parametrize(("name", "board"), BOARDS.items(), ids=BOARDS)
def test_a_board_is_whole(name: str, board: dict[str, Any]) -> None:
    assert set(board) == BOARD_FIELDS
    assert board["uid"] == name
    assert 8 <= len(name) <= 40
    assert board["schemaVersion"] >= 36
    assert board["time"].keys() == {"from", "to"}
    panels = board["panels"]
    for unique in ("id", "title"):
        assert len({panel[unique] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert [pair for pair in combinations(places, 2) if overlap(*pair)] == []
    declared = {variable["name"] for variable in board["templating"]["list"]}
    queries = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    assert set(re.findall(r"\$(\w+)", queries)) - BUILT_IN == declared


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_says_what_it_shows_in_what_unit_and_what_it_means_where_it_is_empty(panel: dict[str, Any]) -> None:
    assert panel.keys() - {"transformations"} == PANEL_FIELDS
    assert panel["type"] in TYPES
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "schoolgate"}
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == list("ABCDEFG"[: len(letters)])
    assert letters
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["instant"] is (panel["type"] != "timeseries")
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= LABELS
    shown = panel["fieldConfig"]["defaults"]
    assert shown["unit"] in UNITS
    assert shown["noValue"]
    first, *further = shown["thresholds"]["steps"]
    assert first["value"] is None
    assert {step["color"] for step in (first, *further)} <= COLOURS
    assert all(one["value"] < other["value"] for one, other in pairwise(further))


def test_a_truth_is_shown_as_a_word() -> None:
    """A colour and a digit alone say nothing to many people."""
    truths = {name: panel for name, panel in PANELS.items() if re.search(r":bool\b", panel["targets"][0]["expr"])}
    assert truths
    assert [name for name, panel in truths.items() if not panel["fieldConfig"]["defaults"]["mappings"]] == []


def test_where_nothing_comes_back_no_panel_says_that_all_is_well() -> None:
    """A gateway that says nothing gives nothing either; alerts are what Prometheus itself knows."""
    shown = {name: panel["fieldConfig"]["defaults"]["noValue"] for name, panel in PANELS.items()}
    alerts = {name for name, panel in PANELS.items() if "ALERTS" in panel["targets"][0]["expr"]}
    assert {text for name, text in shown.items() if name in alerts} == {"nothing", "not known"}
    assert [name for name, text in shown.items() if name not in alerts and not text.endswith("not known")] == []
    made_up = [
        name
        for name, panel in PANELS.items()
        if name not in alerts and any("vector(" in target["expr"] for target in panel["targets"])
    ]
    assert made_up == []


def test_what_governors_see_is_made_for_them() -> None:
    queries = [target["expr"] for panel in BOARDS["schoolgate-governors"]["panels"] for target in panel["targets"]]
    assert all(re.fullmatch(r"governors:[a-z0-9_:]+", query) for query in queries)


def test_every_count_in_fives_says_what_0_is() -> None:
    shown = {
        name: panel["fieldConfig"]["defaults"]
        for name, panel in PANELS.items()
        if ":fives" in panel["targets"][0]["expr"]
    }
    assert len(shown) >= 4
    for name, defaults in shown.items():
        words = json.dumps(defaults["mappings"]) + defaults["noValue"]
        assert "fewer than 5" in words, name


def test_what_is_provisioned_is_there() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/schoolgate.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/schoolgate.yml").read_text())["providers"]
    assert (source["uid"], source["type"], source["editable"]) == ("schoolgate", "prometheus", False)
    used = set(re.findall(r"\$(\w+)", f"{source}{provider}"))
    for whose in ("school", "governors"):
        given = env(f"{whose}.env")
        assert used <= set(given)
        assert given["SCHOOLGATE_PROMETHEUS"].startswith("http://127.0.0.1:")
        folder = given["SCHOOLGATE_BOARDS"]
        assert folder.startswith(INSTALLED)
        assert list((GRAFANA / folder.removeprefix(f"{INSTALLED}/")).glob("*.json"))
    assert env("school.env").keys() == env("governors.env").keys()
    assert not [key for key, value in env("school.env").items() if value == env("governors.env")[key] != "1m"]


def test_grafana_is_shut_to_strangers_and_tells_nobody_anything() -> None:
    given = env("common.env")
    assert given["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert given["GF_AUTH_ANONYMOUS_ENABLED"] == given["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert given["GF_ANALYTICS_REPORTING_ENABLED"] == given["GF_SNAPSHOTS_EXTERNAL_ENABLED"] == "false"
    assert given["GF_PATHS_PROVISIONING"] == f"{INSTALLED}/provisioning"
