"""What people are told about the lists of a site."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lists_of_test import Clock, RememberingIndex, domains, link, site_with, tar

from agent.lists.list_faults import Fault
from agent.lists.list_guard import Guards
from agent.lists.list_layout import Use
from agent.lists.list_status import ListState, ListStatus, status
from agent.lists.list_updater import ListUpdater
from agent.sites.site import ListConfig, School
from rules.name import DomainName

CATALOGUE = b"NAME: adult\nNAME EN: Adult (X)\nNAME NL: 18+ (X)\n\nNAME: weather\nNAME EN: Weather\n"


class Lists:
    """One list of a school, and the clock."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "list"
        self.config = ListConfig("some", str(self.source), category="games", refresh_seconds=3600)
        self.index = RememberingIndex()
        self.clock = Clock()
        self.folder = folder

    def write(self, content: bytes) -> None:
        self.source.write_bytes(content)

    def update(self, *, force: bool = False) -> None:
        guards = Guards(others=frozenset({DomainName("helpline.example")}))
        site = site_with(self.folder, self.config)
        ListUpdater(site, index=self.index, now=self.clock, guards=guards).update(force=force)

    def status(self, language: str = "en") -> ListStatus:
        school = School("School of Test", "Europe/London", language, ())
        (only,) = status(site_with(self.folder, self.config, school=school), now=self.clock(), index=self.index)
        return only


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


def test_a_list_that_was_never_looked_at(lists: Lists) -> None:
    lists.write(domains(5))
    assert lists.status() == ListStatus("some", str(lists.source), ListState.NEVER_LOADED)


def test_a_fresh_list(lists: Lists) -> None:
    lists.write(domains(5) + b"192.0.2.1\n..\n")
    lists.config = replace(lists.config, format="domains")
    lists.update()
    lists.clock.advance(minutes=30)
    found = lists.status()
    assert found.state is ListState.FRESH
    assert found.age_seconds == 1800
    assert (found.names, found.rows, found.formats, found.generation) == (5, 7, ("domains",), 1)
    assert found.counts == {"raw_address": 1, "bad_name": 1}
    assert [(bad.file, bad.line) for bad in found.bad] == [("list", 6), ("list", 7)]


def test_a_list_grows_stale_after_two_intervals_without_a_good_look(lists: Lists) -> None:
    lists.write(domains(5))
    lists.update()
    lists.clock.advance(hours=2)
    assert lists.status().state is ListState.FRESH
    lists.clock.advance(seconds=1)
    assert lists.status().state is ListState.STALE
    lists.update()
    assert lists.status().state is ListState.FRESH


def test_a_refused_list_keeps_its_copy_and_says_why(lists: Lists) -> None:
    lists.write(domains(500))
    lists.update()
    lists.write(domains(5))
    lists.update()
    found = lists.status()
    assert (found.state, found.fault, found.failures) == (ListState.REFUSED, Fault.SHRANK, 1)
    assert found.sentence.startswith("it has 5 names, the last good copy 500")
    assert found.names == 500


def test_a_forced_copy_says_so(lists: Lists) -> None:
    lists.write(domains(500))
    lists.update()
    lists.write(domains(5))
    lists.update(force=True)
    assert (lists.status().state, lists.status().forced) == (ListState.FRESH, (Fault.SHRANK,))


def test_a_list_whose_file_is_gone(lists: Lists) -> None:
    lists.write(domains(5))
    lists.update()
    lists.source.unlink()
    assert lists.status().state is ListState.MISSING
    lists.update()
    found = lists.status()
    assert (found.state, found.fault, found.names) == (ListState.MISSING, Fault.NOT_FOUND, 5)


def test_a_list_that_never_came(lists: Lists) -> None:
    lists.write(b"")
    lists.update()
    found = lists.status()
    assert (found.state, found.sentence, found.age_seconds) == (ListState.NEVER_LOADED, "the file is empty", None)


def test_the_categories_of_a_tree_with_their_titles(lists: Lists) -> None:
    lists.config = replace(lists.config, category=None)
    lists.write(
        tar(
            ("t/adult/domains", domains(9)),
            ("t/press/domains", domains(3)),
            ("t/weather/domains", domains(2)),
            ("t/global_usage", CATALOGUE),
            ("t/LICENSE.pdf", b"%PDF"),
            link("t/porn", "adult"),
        )
    )
    lists.update()
    found = lists.status("nl")
    (adult,) = found.categories_by_use(Use.USED)
    assert (adult.title, adult.tags, adult.names, adult.aliases) == ("18+ (X)", ("pornography",), 9, ("porn",))
    assert [category.provider_category for category in found.categories_by_use(Use.LEFT_OUT)] == ["press"]
    (weather,) = found.categories_by_use(Use.UNKNOWN)
    assert (weather.title, weather.names) == ("Weather", 2)
    assert found.licences == ("t/LICENSE.pdf",)


def test_guard_names_that_a_list_has_all_the_same(lists: Lists) -> None:
    lists.write(b"a.example\nhelpline.example\n")
    lists.update()
    assert lists.status().guard_names == ("helpline.example (list:2)",)


def test_the_next_look_is_told(lists: Lists) -> None:
    lists.write(domains(5))
    lists.update()
    found = lists.status()
    assert found.checked_at == lists.clock()
    assert found.next_refresh_at is not None
    assert timedelta(minutes=54) <= found.next_refresh_at - lists.clock() <= timedelta(minutes=66)


def test_a_list_that_was_taken_by_a_clock_that_ran_ahead_is_not_fresh(lists: Lists) -> None:
    lists.write(domains(5))
    lists.clock.advance(days=400)
    lists.update()
    lists.clock.advance(days=-400)
    assert lists.status().state is ListState.STALE
