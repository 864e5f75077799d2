"""Laptops of which one half is silent, read off what workers tell of who asked."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from laptops_of_test import MINUTE, WeighedLaptops
from observing_of_test import STAFF_DEVICE

from agent.dns.askers import Report, read_wanted, report_path
from agent.dns.shared_memory import SharedMemory
from agent.fleet.dns_silence import HEARD_WITHIN, DnsSilence, Found
from agent.fleet.fleet_reading import Word
from agent.sites.site import ActivityLevel
from rules.silence import Silence

OTHER, OTHERS_TWIN, STRANGER = "192.0.2.140", "192.0.2.141", "203.0.113.9"
CARD = "02:00:5e:00:53:01"


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def silence_of(laptops: WeighedLaptops) -> DnsSilence:
    return DnsSilence(laptops.runtime, site=lambda: laptops.site, known=laptops.observing.known)


def looked_for(
    laptops: WeighedLaptops, *asking: str, address: str = STAFF_DEVICE, first: str = STAFF_DEVICE
) -> list[Found]:
    """Let a laptop be heard for three quarters of an hour, after `first` asked once, while only `asking` ask."""
    silence, since = silence_of(laptops), {"laptop1": laptops.now}

    def look() -> list[Found]:
        return silence.look({"laptop1": Word(laptops.now, address, has_more=False)}, since, laptops.now)

    found = look()
    laptops.ask_worker(first, *asking)
    for _ in range(9):
        laptops.now += 5 * MINUTE
        laptops.ask_worker(*asking)
        found = look()
    return found


def test_a_laptop_that_is_on_and_asks_nothing_any_more_is_found(laptops: WeighedLaptops) -> None:
    (found,) = looked_for(laptops, OTHER)
    assert (found.device, found.silence, found.others) == ("laptop1", Silence.NO_QUESTIONS, 1)
    assert found.heard_at - found.asked_at == 45 * MINUTE


def test_one_that_asks_is_not(laptops: WeighedLaptops) -> None:
    assert looked_for(laptops, OTHER, STAFF_DEVICE) == []


def test_nobody_is_where_nobody_asks(laptops: WeighedLaptops) -> None:
    assert looked_for(laptops) == []


def test_one_that_asks_from_another_address_of_the_same_device_is_not(laptops: WeighedLaptops) -> None:
    laptops.devices = {STAFF_DEVICE: (CARD,), OTHERS_TWIN: (CARD,)}
    assert looked_for(laptops, OTHER, OTHERS_TWIN) == []


@pytest.mark.parametrize("level", [each for each in ActivityLevel if each is not ActivityLevel.COUNTS])
def test_what_else_is_kept_does_not_matter(laptops: WeighedLaptops, level: ActivityLevel) -> None:
    laptops.keep(level)
    assert looked_for(laptops, OTHER)


def test_where_the_school_tells_no_devices_apart_nobody_is_looked_for(laptops: WeighedLaptops) -> None:
    laptops.keep(ActivityLevel.COUNTS)
    assert looked_for(laptops, OTHER) == []
    assert read_wanted(laptops.runtime) == frozenset()


def test_nobody_looks_for_an_address_that_is_none_of_ours(laptops: WeighedLaptops) -> None:
    assert looked_for(laptops, OTHER, address=STRANGER, first=STRANGER) == []
    assert read_wanted(laptops.runtime) == frozenset()


@pytest.mark.parametrize("address", ["", "no address"])
def test_nor_for_what_is_none(laptops: WeighedLaptops, address: str) -> None:
    assert looked_for(laptops, OTHER, address=address) == []


def test_an_address_is_looked_for_no_longer_than_a_day_after_the_last_word(laptops: WeighedLaptops) -> None:
    words = {"laptop1": Word(laptops.now, STAFF_DEVICE, has_more=False)}
    silence = silence_of(laptops)
    silence.look(words, {}, laptops.now + HEARD_WITHIN)
    assert read_wanted(laptops.runtime) == {ip_address(STAFF_DEVICE).packed}
    silence.look(words, {}, laptops.now + HEARD_WITHIN + MINUTE)
    assert read_wanted(laptops.runtime) == frozenset()


def test_where_a_worker_tells_nothing_nobody_knows_whom_it_answers(laptops: WeighedLaptops) -> None:
    SharedMemory.create(laptops.runtime / "shared.mem", workers=2).close()
    assert looked_for(laptops, OTHER) == []


def test_nobody_knows_who_asked_a_worker_that_was_not_there(laptops: WeighedLaptops) -> None:
    silence, since = silence_of(laptops), {"laptop1": laptops.now - timedelta(hours=1)}
    SharedMemory.create(laptops.runtime / "shared.mem", workers=2).close()
    now = laptops.now.timestamp()
    words = {"laptop1": Word(laptops.now, STAFF_DEVICE, has_more=False)}
    asked = {ip_address(STAFF_DEVICE).packed: int(now) - 2700}
    for minutes, is_found in ((29, False), (30, True)):
        reports = Report(now, 1, asked, now - 7200), Report(now, 1, {}, now - 60 * minutes)
        for worker, report in enumerate(reports):
            report_path(laptops.runtime, worker).write_bytes(msgspec.msgpack.encode(report))
        assert bool(silence.look(words, since, laptops.now)) is is_found


def test_nor_before_all_of_them_have_told_of_it(laptops: WeighedLaptops) -> None:
    words = {"laptop1": Word(laptops.now, STAFF_DEVICE, has_more=False)}
    now = laptops.now.timestamp()
    asked = {ip_address(STAFF_DEVICE).packed: int(now) - 60_000}
    report_path(laptops.runtime, 0).write_bytes(msgspec.msgpack.encode(Report(now - 60, 1, asked)))
    found = [
        bool(silence_of(laptops).look(words, {"laptop1": laptops.now - minutes * MINUTE}, laptops.now))
        for minutes in (30, 31)
    ]
    assert found == [False, True]


def test_where_no_gateway_has_run_nothing_is_known(laptops: WeighedLaptops) -> None:
    (laptops.runtime / "shared.mem").unlink()
    assert looked_for(laptops, OTHER) == []


def test_nor_where_the_workers_have_stopped(laptops: WeighedLaptops) -> None:
    assert looked_for(laptops, OTHER)
    laptops.now += timedelta(minutes=10)
    words = {"laptop1": Word(laptops.now, STAFF_DEVICE, has_more=False)}
    assert report_path(laptops.runtime, 0).exists()
    assert silence_of(laptops).look(words, {"laptop1": laptops.now - timedelta(hours=1)}, laptops.now) == []
