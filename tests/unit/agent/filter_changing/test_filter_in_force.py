"""The site in force: its file of one read with what was approved over it, and what becomes of it when one fails."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.assembly import STATE_NAME
from agent.filter_changing.filter_in_force import TEXT_NAME, FilterInForce, publish_text, read_approved
from agent.sites.config import load_site
from agent.storage.filter_rows import Source, State, Version, write_version
from agent.storage.state import StateStore
from rules.errors import ConfigurationError, StorageError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
groups: {media: }
policies: {no-chat: {block: chat}}
"""
NO_VIDEO = "policies: {no-video: {block: video}}"
FILMS = "policies: {films: {allow: video, groups: media}}"


class School:
    """A site file and its state."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "site.yaml"
        self.file.write_text(SITE)
        self.state = folder / "state" / STATE_NAME
        self.in_force = FilterInForce(load_site(self.file))

    def approve(self, overlay: str, number: int = 2) -> None:
        version = Version(number, NOW, Source.API, State.APPROVED, "", "", (), overlay=overlay)
        with closing(StateStore(self.state, clock=lambda: NOW)) as store, store.act() as act:
            act.database.execute("UPDATE filter_versions SET state = 'superseded'")
            write_version(act.database, version)

    def spoil(self) -> None:
        with closing(sqlite3.connect(self.state)) as database:
            database.execute("UPDATE filter_versions SET content = '{'")
            database.commit()

    def policies(self) -> dict[str, str]:
        policies = self.in_force.site.rulebook.policies
        return {each.id: each.location for each in policies if "/" not in each.id}


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def test_a_school_without_a_state_runs_its_file(school: School) -> None:
    assert not school.in_force.refresh()
    assert (school.in_force.fault, school.in_force.over) == ("", "")
    assert school.policies() == {"no-chat": "site.yaml:5:12"}


def test_what_was_approved_lies_over_the_file_and_says_that_it_does(school: School) -> None:
    school.approve(NO_VIDEO)
    assert school.in_force.refresh()
    assert school.policies() == {"no-chat": "site.yaml:5:12", "no-video": "filter change 2"}
    assert school.in_force.over == "filter change 2"
    site = school.in_force.site
    assert not school.in_force.refresh(), "nothing has changed"
    assert school.in_force.site is site


def test_a_roll_back_gives_the_file_again(school: School) -> None:
    school.approve(NO_VIDEO)
    school.in_force.refresh()
    school.approve("", 3)
    assert school.in_force.refresh()
    assert set(school.policies()) == {"no-chat"}


def test_a_file_that_changed_on_disk_is_not_in_force_before_a_reload(school: School) -> None:
    school.file.write_text(SITE.replace("no-chat", "no-talk"))
    school.approve(NO_VIDEO)
    school.in_force.refresh()
    assert set(school.policies()) == {"no-chat", "no-video"}
    assert school.in_force.text == SITE
    school.in_force.reload()
    assert set(school.policies()) == {"no-talk", "no-video"}
    assert school.in_force.text == school.file.read_text()


def without_media(school: School) -> None:
    school.file.write_text(SITE.replace("media: ", ""))


def spoilt(school: School) -> None:
    school.spoil()


def mistyped(school: School) -> None:
    school.file.write_text("school: 3")


@pytest.mark.parametrize(
    ("fault", "error", "found"),
    [
        pytest.param(without_media, ConfigurationError, "site.yaml with filter change 2: policies.films", id="clash"),
        pytest.param(spoilt, StorageError, "what was approved of the filter could not be read", id="unreadable"),
        pytest.param(mistyped, ConfigurationError, "site.yaml:1:9", id="a-file-that-is-no-site"),
    ],
)
def test_a_reload_that_cannot_be_is_refused_and_changes_nothing(
    school: School, fault: object, error: type[Exception], found: str
) -> None:
    school.approve(FILMS)
    school.in_force.refresh()
    site = school.in_force.site
    assert callable(fault)
    fault(school)
    with pytest.raises(error, match=found):
        school.in_force.reload()
    assert (school.in_force.site, school.in_force.text, school.in_force.fault) == (site, SITE, "")


def test_at_a_start_the_file_holds_alone_where_what_was_approved_cannot_lie_over_it(school: School) -> None:
    school.approve(FILMS)
    without_media(school)
    school.in_force = FilterInForce(load_site(school.file))
    assert not school.in_force.refresh()
    assert set(school.policies()) == {"no-chat"}
    assert school.in_force.fault == (
        "what was approved of the filter cannot lie over the site file; in force is the site file alone"
    )
    assert "policies.films.groups" in school.in_force.trouble
    school.approve("", 3)
    school.in_force.refresh()
    assert (school.in_force.fault, school.in_force.trouble, school.in_force.over) == ("", "", "filter change 3")


def test_at_a_start_the_file_holds_alone_where_the_state_cannot_be_read(school: School) -> None:
    school.approve(FILMS)
    school.spoil()
    school.in_force.refresh()
    assert school.in_force.fault == "what was approved of the filter cannot be read; in force is the site file alone"
    assert set(school.policies()) == {"no-chat"}
    school.approve(NO_VIDEO)
    assert school.in_force.refresh(), "as soon as it can be read"
    assert (school.in_force.fault, set(school.policies())) == ("", {"no-chat", "no-video"})


def test_what_was_in_force_stays_where_the_next_cannot_be_had(school: School) -> None:
    school.approve(NO_VIDEO)
    school.in_force.refresh()
    school.approve("policies: {x: {block: gamez}}", 3)
    assert not school.in_force.refresh()
    assert school.in_force.fault.endswith("in force is filter change 2")
    school.spoil()
    assert not school.in_force.refresh()
    assert school.in_force.fault.startswith("what was approved of the filter cannot be read")
    assert "no-video" in school.policies()


def test_the_state_is_where_it_was_at_the_start(school: School) -> None:
    school.approve(NO_VIDEO)
    school.file.write_text(SITE + "paths: {state: elsewhere}\n")
    school.in_force.reload()
    assert "no-video" in school.policies()


def test_each_entry_keeps_the_name_of_the_change_that_it_came_with(school: School) -> None:
    overlay = "policies: {no-video: {block: video}, no-games: {block: games}}"
    version = Version(5, NOW, Source.API, State.APPROVED, "", "", (), overlay=overlay)
    with closing(StateStore(school.state, clock=lambda: NOW)) as store, store.act() as act:
        write_version(act.database, replace(version, origins={"policies.no-video": 3, "policies.no-games": 5}))
    school.in_force.refresh()
    places = school.policies()
    assert (places["no-video"], places["no-games"]) == ("filter change 3", "filter change 5")


def test_where_the_state_is_only_being_made_nothing_was_approved_yet(tmp_path: Path) -> None:
    assert read_approved(tmp_path / "state.db") is None
    (tmp_path / "state.db").touch()
    assert read_approved(tmp_path / "state.db") is None


def test_a_state_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StorageError, match=r"state\.db"):
        read_approved(tmp_path / "state.db")


def test_only_its_owner_reads_the_text(tmp_path: Path) -> None:
    publish_text(tmp_path, SITE)
    assert (tmp_path / TEXT_NAME).read_text() == SITE
    assert (tmp_path / TEXT_NAME).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_went_away_does_no_harm(tmp_path: Path) -> None:
    publish_text(tmp_path / "gone", SITE)
    assert not (tmp_path / "gone").exists()
