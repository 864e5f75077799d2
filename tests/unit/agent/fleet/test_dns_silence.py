"""Laptops of which one half is silent, read off what is kept of what was asked."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from laptops_of_test import MINUTE, WeighedLaptops
from observing_of_test import STAFF_DEVICE

from agent.fleet.dns_silence import DnsSilence, Found
from agent.fleet.fleet_reading import Word
from agent.sites.site import ActivityLevel
from rules.silence import Silence

OTHER, STRANGER = "192.0.2.140", "203.0.113.9"


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def ask(laptops: WeighedLaptops, device: str) -> None:
    laptops.ask("a.example", device=device, at=laptops.now, category="", audience="staff", verdict="allowed")


def looked_for(laptops: WeighedLaptops, address: str = STAFF_DEVICE) -> list[Found]:
    """Let a laptop that has asked before be heard for three quarters of an hour while only others ask."""
    silence = DnsSilence(laptops.folder / "activity", site=lambda: laptops.site, known=laptops.observing.known)
    ask(laptops, address)
    since = {"laptop1": laptops.now}
    found: list[Found] = []
    for _ in range(9):
        ask(laptops, OTHER)
        found = silence.look({"laptop1": Word(laptops.now, address, has_more=False)}, since, laptops.now)
        laptops.now += 5 * MINUTE
    return found


def test_a_laptop_that_is_on_and_asks_nothing_any_more_is_found(laptops: WeighedLaptops) -> None:
    (found,) = looked_for(laptops)
    assert (found.device, found.silence, found.others) == ("laptop1", Silence.NO_QUESTIONS, 1)
    assert found.heard_at - found.asked_at == 40 * MINUTE


def test_where_only_what_is_blocked_is_kept_nobody_can_say_that(laptops: WeighedLaptops) -> None:
    laptops.keep(ActivityLevel.BLOCKED)
    laptops.ask("green-bets.example", device=STAFF_DEVICE, audience="staff")
    assert looked_for(laptops) == []


def test_nobody_looks_for_an_address_that_is_none_of_ours(laptops: WeighedLaptops) -> None:
    assert looked_for(laptops, STRANGER) == []


def test_where_no_file_is_nothing_is_known(laptops: WeighedLaptops, tmp_path: Path) -> None:
    silence = DnsSilence(tmp_path / "none", site=lambda: laptops.site, known=laptops.observing.known)
    words = {"laptop1": Word(laptops.now - timedelta(hours=3), STAFF_DEVICE, has_more=False)}
    assert silence.look(words, {"laptop1": laptops.now}, laptops.now) == []
