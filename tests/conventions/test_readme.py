"""Every example of the README works: its sites are checked, its commands run in order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import parse_site
from agent.filter_basis import Basis, judge

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
CHANGES = re.findall(r"```yaml changes\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for line in re.findall(r"^\$ .*$", README, re.MULTILINE)]


@pytest.mark.parametrize("text", SITES, ids=range(len(SITES)))
def test_every_site_is_one(text: str, tmp_path: Path) -> None:
    parse_site(text, path=tmp_path / "site.yaml")


@pytest.mark.parametrize("text", CHANGES, ids=range(len(CHANGES)))
def test_every_change_of_the_filter_can_be_made(text: str, tmp_path: Path) -> None:
    sites, _ = judge(Basis(SITES[1], tmp_path / "site.yaml", None), text, number=1)
    assert sites.changes


def test_there_are_examples() -> None:
    assert CHANGES
    assert len(SITES) >= 4
    assert len(COMMANDS) >= 6


def test_every_command_runs(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    for command in COMMANDS:
        program, *words = shlex.split(command)
        done = subprocess.run(
            [programs / program, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout


def test_every_command_is_in_the_readme() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "schoolgate", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    commands = re.findall(r"^ {2}(\w+) {2,}", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert commands
    missing = [command for command in commands if f"schoolgate {command}" not in README]
    assert not missing


def test_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^    )make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
