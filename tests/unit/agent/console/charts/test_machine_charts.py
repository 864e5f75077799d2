"""The machinery as charts: lists, laptops, networks."""

import pytest
from charts_of_test import Drawn, faults
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.console.charts.coverage_figures import Coverage, Filtering, NetworkCoverage
from agent.console.charts.fleet_figures import Encryption
from agent.console.charts.list_figures import ListAge, ListAges
from agent.console.charts.machine_charts import draw_coverage, draw_encryption, draw_list_ages
from agent.lists.list_status import ListState
from agent.texts import load_texts
from rules.small_numbers import Hidden
from rules.subject import Audience

ENGLISH = load_texts("en")
DAY = 86_400.0


def ages(*lists: ListAge) -> Drawn:
    found = draw_list_ages(ListAges(lists), ENGLISH, id="x")
    assert not faults(found)
    return Drawn(found)


def test_lists_stand_with_their_age_and_what_it_may_be() -> None:
    drawn = ages(ListAge("ut1", ListState.STALE, 5 * DAY, 2 * DAY), ListAge("own", ListState.FRESH, 7_200.0, 2 * DAY))
    assert drawn.tables[0] == [
        ["List", "Age", "State"],
        ["ut1", "5 days (at most 2 days)", "too old"],
        ["own", "2 hrs (at most 2 days)", "young enough"],
    ]
    assert drawn.of_class("chart-summary") == ["1 list of 2 is too old or was never loaded."]
    assert drawn.count("chart-limit") == 4


def test_a_list_that_was_never_loaded_has_no_bar_and_is_not_fine() -> None:
    drawn = ages(ListAge("ut1", ListState.NEVER_LOADED, None, DAY), ListAge("own", ListState.FRESH, 0.0, DAY))
    assert drawn.column(0, "Age")[0] == "never loaded"
    assert drawn.of_class("chart-summary") == ["1 list of 2 is too old or was never loaded."]
    assert drawn.count("chart-nothing") == 2


@pytest.mark.parametrize("state", ListState)
def test_every_state_of_a_list_has_words(state: ListState) -> None:
    assert ages(ListAge("ut1", state, 0.5 * DAY, DAY)).column(0, "State")[0]


def test_a_site_without_lists() -> None:
    assert ages().of_class("chart-empty") == ["The site has no lists."]


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e12, 1e12), st.floats(1, 1e12), st.text(max_size=20))
def test_any_age_is_drawn(age: float, most: float, name: str) -> None:
    ages(ListAge(name, ListState.FRESH, age, most))


def test_laptops_are_encrypted_or_not_or_nobody_knows() -> None:
    drawn = Drawn(draw_encryption(Encryption(41, 3, 6, 50), ENGLISH, id="x"))
    assert drawn.tables[0] == [["Disk", "Laptops"], ["encrypted", "41"], ["not encrypted", "3"], ["not known", "6"]]
    assert drawn.of_class("chart-summary") == ["41 of 50 laptops have proved that their disk is encrypted: 82%."]


def test_small_numbers_of_laptops_are_hidden() -> None:
    drawn = Drawn(draw_encryption(Encryption(41, Hidden.FEW, Hidden.BESIDE, 50, 5), ENGLISH, id="x"))
    assert drawn.column(0, "Laptops") == ["41", "fewer than 5", "not shown"]
    few = Encryption(Hidden.FEW, Hidden.FEW, Hidden.FEW, Hidden.FEW, 5)
    drawn = Drawn(draw_encryption(few, ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["Small numbers are not shown."]


def test_a_school_without_laptops() -> None:
    drawn = Drawn(draw_encryption(Encryption(0, 0, 0, 0), ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["No laptop is on the list."]


def test_networks_say_whether_filtering_was_seen_to_work() -> None:
    networks = (
        NetworkCoverage("classrooms", Audience.PUPIL, Filtering.ON, 36, 36),
        NetworkCoverage("guests", Audience.GUEST, Filtering.UNKNOWN, None, 30),
        NetworkCoverage("<lab>", Audience.PUPIL, Filtering.OFF, 0, 36),
        NetworkCoverage("open", Audience.STAFF, Filtering.OPENED, 0, 0),
    )
    found = draw_coverage(Coverage(networks), ENGLISH, id="x")
    assert not faults(found)
    drawn = Drawn(found)
    assert drawn.tables[0] == [
        ["Network", "Test names blocked", "Whose"],
        ["classrooms", "36 of 36: on", "pupils"],
        ["guests", "nobody looked of late", "guests"],
        ["<lab>", "0 of 36: off without a record", "pupils"],
        ["open", "0 of 0: partly open, on record", "staff"],
    ]
    assert drawn.of_class("chart-summary") == ["Filtering was seen to work in 2 of 4 networks."]


def test_a_site_without_networks() -> None:
    drawn = Drawn(draw_coverage(Coverage(()), ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["The site has no networks."]


def test_where_filtering_is_suspended_it_was_not_seen_to_work() -> None:
    networks = (
        NetworkCoverage("classrooms", Audience.PUPIL, Filtering.OPENED, 6, 36),
        NetworkCoverage("staff-room", Audience.STAFF, Filtering.ON, 36, 36),
    )
    drawn = Drawn(draw_coverage(Coverage(networks), ENGLISH, id="x", suspended=frozenset({"classrooms"})))
    assert drawn.column(0, "Test names blocked") == ["6 of 36: off for a while", "36 of 36: on"]
    assert drawn.of_class("chart-summary") == ["Filtering was seen to work in 1 of 2 networks."]


def test_no_age_is_less_than_nothing() -> None:
    assert ages(ListAge("ut1", ListState.FRESH, -3_600.0, DAY)).column(0, "Age") == ["0 mins (at most 24 hrs)"]
