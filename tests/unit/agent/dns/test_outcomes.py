"""Outcomes: places in a flat list, and what they mean."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from agent.categories import load_categories
from agent.dns.outcomes import (
    AUDIENCES,
    CATEGORIES,
    CATEGORY_IDS,
    CATEGORY_SLOTS,
    OUTCOMES,
    RCODES,
    VERDICTS,
    Outcome,
    outcome,
    rcode_index,
    read_outcome,
)
from filters.wire import Rcode
from rules.subject import Audience


def test_the_categories_are_those_that_the_product_ships_in_the_same_order() -> None:
    assert load_categories().ids == CATEGORY_IDS


def test_there_is_room_for_more_categories() -> None:
    assert len(CATEGORIES) < CATEGORY_SLOTS
    assert len(set(CATEGORIES)) == len(CATEGORIES)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param(
            outcome(Audience.PUPIL, "blocked", "gambling", Rcode.NXDOMAIN),
            Outcome("pupil", "blocked", "gambling", "NXDOMAIN"),
            id="a-blocked-query-of-a-pupil",
        ),
        pytest.param(
            outcome(None, "refused", None, Rcode.REFUSED),
            Outcome("unknown", "refused", "none", "REFUSED"),
            id="a-client-of-no-network-is-unknown",
        ),
        pytest.param(
            outcome("staff", "blocked", "name:example.test", 0),
            Outcome("staff", "blocked", "site_name", "NOERROR"),
            id="a-name-that-the-site-mentions-never-becomes-a-label",
        ),
        pytest.param(
            outcome("guest", "rewritten", "search:youtube", 0),
            Outcome("guest", "rewritten", "safe_search", "NOERROR"),
            id="search-services-share-one-label",
        ),
        pytest.param(
            outcome("guest", "allowed", "knitting", 23),
            Outcome("guest", "allowed", "other", "other"),
            id="what-is-unknown-is-other",
        ),
    ],
)
def test_a_place_says_what_it_counts(place: int, expected: Outcome) -> None:
    assert read_outcome(place) == expected


@given(
    audience=sampled_from(AUDIENCES),
    verdict=sampled_from(VERDICTS),
    category=sampled_from(CATEGORY_IDS),
    rcode=sampled_from(Rcode),
)
def test_reading_a_place_undoes_finding_it(audience: str, verdict: str, category: str, rcode: Rcode) -> None:
    place = outcome(audience, verdict, category, rcode)
    assert 0 <= place < OUTCOMES
    assert read_outcome(place) == Outcome(audience, verdict, category, rcode.name)


@given(rcode=integers(0, 4095))
def test_a_response_code_can_be_added_to_an_outcome_of_noerror(rcode: int) -> None:
    base = outcome("pupil", "allowed", None, Rcode.NOERROR)
    assert base + rcode_index(rcode) == outcome("pupil", "allowed", None, rcode)


@given(place=integers(0, OUTCOMES - 1))
def test_every_place_means_something_from_the_closed_sets(place: int) -> None:
    what = read_outcome(place)
    assert what.audience in AUDIENCES
    assert what.verdict in VERDICTS
    assert what.category in CATEGORIES
    assert what.rcode in RCODES


@pytest.mark.parametrize("module", ["agent.dns.outcomes", "agent.dns.shared_memory", "agent.dns.spool", "agent.logs"])
def test_a_worker_need_not_load_anything_heavy_for_it(module: str) -> None:
    heavy = {"pydantic", "typer", "rich", "httpx", "prometheus_client", "babel", "sqlite3", "yaml", "zoneinfo"}
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)
