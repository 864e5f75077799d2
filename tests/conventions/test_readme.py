"""Every example of the README works: its sites are checked, its commands run in order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from agent.cli import app
from agent.filter_changing.filter_basis import Basis, judge
from agent.sites.config import load_site, parse_site
from agent.sites.site_packs import packs_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
CHANGES = re.findall(r"```yaml changes\n(.*?)```", README, re.DOTALL)
PACKS = re.findall(r"```yaml pack\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.removeprefix("$ ") for line in re.findall(r"^\$ .*$", README, re.MULTILINE)]


@pytest.mark.parametrize("text", SITES, ids=range(len(SITES)))
def test_every_site_is_one(text: str, tmp_path: Path) -> None:
    parse_site(text, path=tmp_path / "site.yaml")


@pytest.mark.parametrize("text", CHANGES, ids=range(len(CHANGES)))
def test_every_change_of_the_filter_can_be_made(text: str, tmp_path: Path) -> None:
    sites, _ = judge(Basis(SITES[1], tmp_path / "site.yaml", None), text, number=1)
    assert sites.changes


@pytest.mark.parametrize("text", PACKS, ids=range(len(PACKS)))
def test_every_pack_of_a_school_can_be_laid_over_those_of_the_product(text: str, tmp_path: Path) -> None:
    (tmp_path / "our-pack.yaml").write_text(text)
    (tmp_path / "site.yaml").write_text(SITES[0].replace("[uk-esafety]", "[uk-esafety, our-pack.yaml]"))
    assert packs_of(load_site(tmp_path / "site.yaml").site).replaced


def test_there_are_examples() -> None:
    assert CHANGES
    assert PACKS
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


SHOWN = re.findall(r"^ {4}(schoolgate (?:incident|register|media|endpoint) .*)$", README, re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_what_is_shown_of_incidents_can_be_typed(line: str) -> None:
    """Read the words as the command line does, and run nothing."""
    _, *words = shlex.split(line, comments=True)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    with command.make_context(command.name, words):
        pass


def test_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^    )make ([\w-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
