"""Whom a child can talk to."""

import pytest
from api_of_test import site_of_test

from agent.assembly import build_snapshot
from agent.block_page.helplines import BY_TIMEZONE, EVERYWHERE, Helpline, helplines_of
from agent.dns.policy_state import PolicyState
from filters.list_index import empty_index
from filters.wire import Type
from rules.name import DomainName, to_wire

ALL = {line.site: line for lines in (EVERYWHERE, *BY_TIMEZONE.values()) for line in lines}


@pytest.mark.parametrize("line", ALL.values(), ids=ALL)
def test_every_one_is_a_helpline_that_nothing_blocks_and_nobody_records(line: Helpline) -> None:
    policy = PolicyState(build_snapshot(site_of_test(), None, number=0), empty_index())
    assert "helplines" in policy.classifier.classify(to_wire(DomainName(line.site)), Type.A)
    assert line.address == f"https://{line.site}/"


def test_those_of_the_country() -> None:
    assert [line.number for line in helplines_of("Europe/London")] == ["0800 1111", ""]
    assert [line.title for line in helplines_of("Asia/Tokyo")] == ["チャイルドライン"]
    assert helplines_of("Pacific/Auckland") == EVERYWHERE


@pytest.mark.parametrize("place", ["Vancouver", "Edmonton", "Regina", "Winnipeg", "Toronto", "Halifax", "St_Johns"])
def test_a_country_has_its_helplines_in_each_of_its_time_zones(place: str) -> None:
    assert "1-800-668-6868" in [line.number for line in helplines_of(f"America/{place}")]
