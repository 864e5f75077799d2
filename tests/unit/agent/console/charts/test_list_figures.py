"""Ages of lists, against what each may be."""

from agent.console.charts.list_figures import list_ages
from agent.lists.list_status import ListState, ListStatus
from agent.sites.site import ListConfig

CONFIGS = [ListConfig(name, "/lists", refresh_seconds=3_600) for name in ("young", "old", "none")]


def test_the_oldest_stands_first_after_those_that_were_never_loaded() -> None:
    statuses = [
        ListStatus("young", "/lists", ListState.FRESH, age_seconds=60.0),
        ListStatus("old", "/lists", ListState.STALE, age_seconds=9_000.0),
        ListStatus("none", "/lists"),
    ]
    found = list_ages(statuses, CONFIGS)
    assert [(each.name, each.age_seconds) for each in found.lists] == [
        ("none", None),
        ("old", 9_000.0),
        ("young", 60.0),
    ]
    assert {each.most_seconds for each in found.lists} == {7_200.0}


def test_a_list_that_the_site_does_not_have_any_more_is_left_out() -> None:
    assert list_ages([ListStatus("gone", "/lists")], CONFIGS).lists == ()
