"""`schoolgate setup`: what the guide drafted, shown and put in place by somebody on the gateway."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.sites.site_draft import leave_draft, read_draft

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {all: {audience: pupil, cidrs: [192.0.2.0/24]}}
paths: {state: state, runtime: runtime}
"""
CHANGED = SITE.replace("192.0.2.0/24", "192.0.2.0/25")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def run(*words: str, site: Path, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["setup", *words, "--site", str(site)], input=typed)


@pytest.mark.parametrize("word", ["show", "put"])
def test_without_a_draft_there_is_nothing_to_do(site: Path, word: str) -> None:
    done = run(word, site=site)
    assert (done.exit_code, "There is no draft" in done.output) == (1, True)


def test_it_shows_line_by_line_what_changes(site: Path) -> None:
    leave_draft(site.parent / "state", CHANGED)
    done = run("show", site=site)
    assert done.exit_code == 0
    assert "-networks: {all: {audience: pupil, cidrs: [192.0.2.0/24]}}" in done.output
    assert "+networks: {all: {audience: pupil, cidrs: [192.0.2.0/25]}}" in done.output
    assert site.read_text() == SITE


def test_it_puts_it_in_place_when_somebody_says_yes(site: Path) -> None:
    leave_draft(site.parent / "state", CHANGED)
    assert run("put", site=site, typed="n\n").exit_code == 1
    assert site.read_text() == SITE
    done = run("put", site=site, typed="y\n")
    assert done.exit_code == 0
    assert "No gateway runs here" in done.output
    assert site.read_text() == CHANGED
    assert site.with_name("site.yaml.before").read_text() == SITE
    assert read_draft(site.parent / "state") is None


def test_what_is_no_site_is_not_put_in_place(site: Path) -> None:
    leave_draft(site.parent / "state", SITE.replace("pupil", "nobody"))
    done = run("put", "--yes", site=site)
    assert (done.exit_code, "site.yaml:3" in done.output) == (2, True)
    assert site.read_text() == SITE
