"""A site file that came into force is on record with its difference, its user, and that nobody approved it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.filter_changing.filter_acts import FOUND
from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS, owner_of, record_found
from agent.sites.config import parse_site
from agent.storage.filter_rows import Source, State, Version, read_version, read_versions, write_version
from agent.storage.record import show
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
groups: {media: , year-6: }
policies:
  no-chat: {block: chat}
"""
FILMS = Version(
    7,
    NOW,
    Source.API,
    State.APPROVED,
    "",
    "",
    (),
    overlay="policies: {films: {allow: video, groups: media}}",
)
# All that the table and the site block, but for what is statutory.
OPENED = (
    "chat, discrimination, encrypted_dns, file_sharing, gambling, games, games_educational, malware, phishing,"
    " piracy, pornography, proxy, self_harm, shopping, social_networks, tor, video, violence, vpn"
)
WITHOUT_MEDIA = SITE.replace("media: ,", "")


class School:
    """A state file, and a site file that somebody writes."""

    def __init__(self, store: StateStore, path: Path) -> None:
        self.store = store
        self.path = path
        self.told: list[tuple[str, int]] = []

    def find(self, text: str = SITE) -> Version | None:
        site = parse_site(text, path=self.path).site
        with self.store.act() as act:
            return record_found(
                act, text, site, os_user="root", tell=lambda _, kind, found: self.told.append((kind, found.number))
            )

    def changes(self, text: str) -> tuple[str, ...]:
        found = self.find(text)
        assert found is not None
        return found.changes

    def approve(self, version: Version) -> None:
        with self.store.act() as act:
            write_version(act.database, version)

    def rows(self) -> list[Any]:
        with self.store.read() as database:
            return sorted(show(database, with_personal=True), key=lambda row: row.number)


@contextmanager
def opened(folder: Path) -> Iterator[School]:
    store = StateStore(folder / "state.db", clock=lambda: NOW)
    try:
        yield School(store, folder / "site.yaml")
    finally:
        store.close()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with opened(tmp_path) as school:
        yield school


def test_the_first_site_file_is_recorded_as_such(school: School) -> None:
    assert school.changes(SITE) == (FIRST_ON_RECORD,)
    (row,) = school.rows()
    assert (row.kind, row.facts["is_first"]) == (FOUND, True)
    assert school.told == [(FOUND, 1)]


def test_a_file_that_did_not_change_is_not_recorded_again(school: School) -> None:
    school.find()
    assert school.find() is None
    assert len(school.rows()) == len(school.told) == 1


def test_a_changed_file_is_recorded_with_its_diff_its_user_and_that_nobody_approved_it(school: School) -> None:
    school.find()
    version = school.find(SITE.replace("block: chat", "block: [chat, games]"))
    assert version is not None
    assert version.changes == ("The policy no-chat now blocks Games too.",)
    assert (version.source, version.state, version.approved_by, version.os_user) == (
        Source.DISK,
        State.ON_DISK,
        None,
        "root",
    )
    row = school.rows()[-1]
    assert (row.kind, row.actor, row.subject) == (FOUND, "system", "2")
    assert row.facts["approved_by"] is None
    assert row.facts["changes"] == list(version.changes)
    assert row.facts["hash"] == version.hash
    assert row.personal == {"os_user": "root"}


def test_a_file_of_which_only_the_comments_changed_is_recorded_and_says_so(school: School) -> None:
    school.find()
    assert school.changes(SITE + "# a comment\n") == (NOTHING_FOLLOWS,)


def test_a_file_before_that_no_program_reads_any_more_is_told(school: School) -> None:
    school.approve(Version(1, NOW, Source.DISK, State.ON_DISK, "school: 3", "", (), path="/nowhere/site.yaml"))
    (sentence,) = school.changes(SITE)
    assert "cannot be read any more" in sentence


@pytest.mark.parametrize(
    ("policy", "opens", "switches_off"),
    [
        pytest.param("no-chat: {block: [chat, games]}", {}, [], id="more-is-blocked"),
        pytest.param("no-chat: {block: blogs}", {"pupils": ["chat"]}, [], id="something-is-open"),
        pytest.param(f"open: {{allow: [{OPENED}]}}", {"pupils": OPENED.split(", ")}, ["pupils"], id="everything-is"),
    ],
)
def test_what_a_file_opened_in_which_network_is_recorded(
    school: School, policy: str, opens: dict[str, list[str]], switches_off: list[str]
) -> None:
    school.find()
    assert "opens" not in school.rows()[-1].facts
    school.find(SITE.replace("no-chat: {block: chat}", policy))
    facts = school.rows()[-1].facts
    assert (facts["opens"], facts["switches_off"]) == (opens, switches_off)


def test_what_was_approved_over_both_counts_in_what_a_file_opens(school: School) -> None:
    school.find()
    school.approve(replace(FILMS, overlay="policies: {talk: {block: chat}}"))
    school.find(SITE.replace("no-chat: {block: chat}", "no-blogs: {block: blogs}"))
    assert school.rows()[-1].facts["opens"] == {}


def test_the_file_before_is_superseded(school: School) -> None:
    school.find()
    school.find(SITE + "# a comment\n")
    with school.store.read() as database:
        assert [each.state for each in read_versions(database)] == [State.ON_DISK, State.SUPERSEDED]


def test_whom_a_file_names_is_in_no_sentence_and_in_no_version_before(school: School) -> None:
    school.find(f"{SITE}people: {{a: {{name: Ada Example, roles: staff}}}}\n")
    (said,) = school.changes(f"{SITE}people: {{b: {{name: Ben Sample, roles: staff}}}}\n")
    assert said.startswith("The file names other people or classes than before")
    with school.store.read() as database:
        now, before = read_versions(database)
    assert "Ben Sample" in now.text
    assert "Ada Example" not in before.text


def test_what_was_approved_stays_over_another_file(school: School) -> None:
    school.approve(FILMS)
    version = school.find()
    assert version is not None
    assert "films" in version.in_force
    assert "no-chat" in version.in_force


def test_a_file_over_which_what_was_approved_cannot_lie_is_recorded_as_such_and_so_is_its_mending(
    school: School,
) -> None:
    school.approve(FILMS)
    school.find()
    version = school.find(WITHOUT_MEDIA)
    assert version is not None
    assert version.changes[-1].startswith(
        "What was approved up to filter change 7 cannot lie over this file and is not in force:"
        " site.yaml with filter change 7: policies.films.groups"
    )
    assert "films" not in version.in_force
    aside, found = school.rows()[-2:]
    assert (aside.kind, aside.subject, found.kind) == ("filter_change_laid_aside", "7", FOUND)
    assert "policies.films.groups" in aside.facts["why"]
    with school.store.read() as database:
        approved = read_version(database, 7)
    assert approved is not None
    assert (approved.state, approved.fault) == (State.APPROVED, aside.facts["why"])
    assert school.find(WITHOUT_MEDIA) is None, "it is told once"
    assert school.rows()[-1].number == found.number
    assert school.changes(SITE) != ()
    assert [row.kind for row in school.rows()[-2:]] == ["filter_change_laid_again", FOUND]


def test_a_file_belongs_to_a_user(tmp_path: Path) -> None:
    assert owner_of(tmp_path) not in ("", "unknown")
    assert owner_of(tmp_path / "none") == "unknown"
