"""A look at the lists in a process of its own, by the published policy."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from indexes_of_test import tags_of
from lists_of_test import site_with

from agent.assembly import open_generations
from agent.dns.snapshot import Snapshot, write_snapshot
from agent.gateway.list_refresh import refresh
from agent.sites.site import ListConfig, Paths, Site
from filters.list_index import ListIndex


def school(folder: Path, **changes: Any) -> Site:
    source = folder / "bets.txt"
    source.write_text("bets.example\n")
    config = replace(ListConfig("bets", str(source), category="gambling", format="domains"), **changes)
    return site_with(folder, config, paths=Paths(str(folder / "state"), str(folder / "run")))


def run(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "agent.gateway.list_refresh", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (line,) = done.stdout.splitlines()
    said: dict[str, Any] = json.loads(line)
    return said


def test_what_is_due_is_compiled_and_told(tmp_path: Path) -> None:
    site = school(tmp_path)
    write_snapshot(tmp_path / "snapshot.json", Snapshot(1, site))
    assert run(tmp_path / "snapshot.json") == {"generation": 1, "fault": ""}
    generation = open_generations(site).current()
    assert generation is not None
    assert tags_of(ListIndex.open(generation.index_path), "www.bets.example") == {"gambling"}


def test_what_is_not_due_is_left_alone_until_the_site_changes(tmp_path: Path) -> None:
    site = school(tmp_path)
    assert refresh(site) == {"generation": 1, "fault": ""}
    (tmp_path / "bets.txt").write_text("other.example\n")
    assert refresh(site) == {"generation": None, "fault": ""}
    assert refresh(school(tmp_path, category="games")) == {"generation": 2, "fault": ""}


def test_whatever_goes_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    said = run(tmp_path / "missing.json")
    assert said["generation"] is None
    assert "the policy could not be read (No such file or directory)" in said["fault"]
