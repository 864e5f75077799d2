"""`schoolgate simulate`: the figures of a short term, for people and for programs."""

import json

import typer
from typer.testing import CliRunner

from agent.commands.cli_simulate import simulate

APP = typer.Typer()
APP.command()(simulate)


def test_people_read_what_was_planted_found_and_raised() -> None:
    done = CliRunner().invoke(APP, ["--days", "1"])
    assert done.exit_code == 0
    titles = [line[:14].strip() for line in done.stdout.splitlines()]
    assert titles[:6] == ["school", "observed", "planted", "found", "missed", "raised"]


def test_programs_read_json() -> None:
    done = CliRunner().invoke(APP, ["--days", "1", "--seed", "3", "--json"])
    found = json.loads(done.stdout)
    assert (found["seed"], found["school_days"], found["forbidden"]) == (3, 1, 0)


def test_a_term_without_days_is_refused() -> None:
    assert CliRunner().invoke(APP, ["--days", "0"]).exit_code == 2
