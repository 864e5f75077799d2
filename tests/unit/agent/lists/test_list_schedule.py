"""When a source is looked at again."""

from datetime import timedelta
from pathlib import Path

import pytest
from lists_of_test import EARLY, site_with

from agent.lists.list_schedule import due_lists, next_due_at, next_refresh_at
from agent.lists.list_store import Condition, open_store
from agent.sites.site import ListConfig

DAILY = ListConfig("daily", "https://lists.example/daily", refresh_seconds=86_400)
HOURLY = ListConfig("hourly", "https://lists.example/hourly", refresh_seconds=3_600)


@pytest.mark.parametrize(
    ("config", "jitter", "failures", "hours"),
    [
        pytest.param(DAILY, 0, 0, 24, id="after-the-interval"),
        pytest.param(DAILY, 1, 0, 26.4, id="a-tenth-later"),
        pytest.param(DAILY, -1, 0, 21.6, id="a-tenth-earlier"),
        pytest.param(DAILY, 0, 1, 1 / 12, id="five-minutes-after-a-failure"),
        pytest.param(DAILY, 0, 3, 1 / 3, id="later-after-more-failures"),
        pytest.param(DAILY, 0, 50, 24, id="never-later-than-the-interval"),
        pytest.param(HOURLY, 0, 9, 1, id="nor-than-a-short-interval"),
    ],
)
def test_the_next_look(config: ListConfig, jitter: float, failures: int, hours: float) -> None:
    assert next_refresh_at(config, EARLY, jitter, failures=failures) == EARLY + timedelta(hours=hours)


def test_lists_are_due_that_were_never_looked_at_or_whose_time_has_come(tmp_path: Path) -> None:
    site = site_with(tmp_path, DAILY, HOURLY)
    store = open_store(site)
    assert due_lists(site, EARLY) == ["daily", "hourly"]
    assert next_due_at(site) is None
    for config, hours in ((DAILY, 24), (HOURLY, 1)):
        due_at = EARLY + timedelta(hours=hours)
        store.write_condition(config.name, Condition(config.source, EARLY, EARLY, due_at))
    assert due_lists(site, EARLY) == []
    assert due_lists(site, EARLY + timedelta(hours=1)) == ["hourly"]
    assert next_due_at(site) == EARLY + timedelta(hours=1)


def test_a_list_is_due_whose_source_the_site_has_changed(tmp_path: Path) -> None:
    site = site_with(tmp_path, DAILY)
    condition = Condition("https://elsewhere.example/", EARLY, EARLY, EARLY + timedelta(days=1))
    open_store(site).write_condition("daily", condition)
    assert due_lists(site, EARLY) == ["daily"]


def test_no_lists_are_never_due(tmp_path: Path) -> None:
    assert next_due_at(site_with(tmp_path)) is None


def test_a_list_is_due_that_was_looked_at_by_a_clock_that_ran_ahead(tmp_path: Path) -> None:
    site = site_with(tmp_path, DAILY)
    ahead = EARLY + timedelta(days=400)
    open_store(site).write_condition("daily", Condition(DAILY.source, ahead, ahead, ahead + timedelta(days=1)))
    assert due_lists(site, EARLY) == ["daily"]
