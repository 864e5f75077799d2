"""A medium is followed from event to event, its proof goes to the register, and what is over is forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, WeighedLaptops, session, stick, writes

from agent.fleet.plugged_media import PREFIX
from agent.storage.case_rows import read_cases_of
from agent.storage.media_rows import Which, read_proofs

NOTHING = timedelta(0)


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def followed(laptops: WeighedLaptops) -> list[str]:
    with laptops.store.read() as database:
        return [each.key for each in read_cases_of(database, "laptop1") if each.key.startswith(PREFIX)]


def proofs(laptops: WeighedLaptops) -> dict[Which, str]:
    with laptops.store.read() as database:
        key = laptops.media.register.known_key(database, "0951", "1666", "001CC0C60DBD")
        return {which: proof.crypt for which, proof in read_proofs(database, key).items()}


def test_what_is_seen_is_proved_to_the_register(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("media_inserted", 3 * MINUTE, stick()), ("media_changed", NOTHING, stick(crypt="encrypted")))
    laptops.look()
    assert proofs(laptops) == {Which.LATEST: "encrypted", Which.WORST: "plain"}


@pytest.mark.parametrize(
    "usb",
    [
        pytest.param(None, id="no-usb"),
        pytest.param({"vendor": "0951", "product": "1666", "serial": ""}, id="no-serial-number"),
        pytest.param({"vendor": "zz", "product": "1666", "serial": "1"}, id="no-usb-id"),
    ],
)
def test_without_a_serial_number_nothing_is_proved_and_it_is_judged_all_the_same(
    laptops: WeighedLaptops, usb: Any
) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick(usb=usb)))
    laptops.look(after=16 * MINUTE)
    laptop.beat()
    laptops.look()
    assert laptops.evidence(laptops.one())[0]["serial_key"] == ""


def test_what_is_gone_is_followed_for_an_hour_and_then_forgotten(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(
        ("media_inserted", NOTHING, stick()), ("media_inserted", NOTHING, stick(device="sdc1", crypt="encrypted"))
    )
    laptops.look()
    assert followed(laptops) == ["media boot-1 sdb1#17", "media boot-1 sdc1#17"]
    laptops.stay(laptop, minutes=20)
    laptop.tell(("media_removed", NOTHING, stick()), ("media_unclean", NOTHING, stick(device="sdc1")))
    laptops.stay(laptop, minutes=55)
    assert len(followed(laptops)) == 2
    laptops.stay(laptop, minutes=10)
    assert followed(laptops) == []


def test_another_start_of_the_laptop_counts_insertions_anew(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("media_inserted", NOTHING, stick()))
    laptop.boot = "boot-2"
    laptop.tell(("service_started", NOTHING, {"clean": True}), ("media_present", NOTHING, stick()))
    laptops.look()
    assert followed(laptops) == ["media boot-1 sdb1#17", "media boot-2 sdb1#17"]


def test_writes_to_what_nobody_saw_are_nothing(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("writes", NOTHING, writes(7)))
    laptops.look()
    assert followed(laptops) == []


def test_who_writes_later_need_not_be_who_plugged_it_in(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick()))
    laptops.stay(laptop, minutes=20)
    laptop.tell(("session", NOTHING, session("five")))
    laptops.stay(laptop, minutes=5)
    laptop.tell(("writes", NOTHING, writes(2)))
    laptops.look()
    found = {each.incident.subject: each.incident.opened_at for each in laptops.filed_all()}
    assert found == {laptops.pseudonym("teacher"): NOW, laptops.pseudonym("five"): NOW + 25 * MINUTE}


def test_a_thousand_volumes_are_a_thousand_rows_and_no_more_than_one_candidate(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    for start in range(0, 1000, 100):
        laptop.tell(*[("media_inserted", NOTHING, stick(insertion=str(start + number))) for number in range(100)])
    laptops.stay(laptop, minutes=20)
    assert len(followed(laptops)) == 1000
    assert len(laptops.filed_all()) == 1


def test_what_is_plugged_in_next_under_the_same_name_is_another_one(laptops: WeighedLaptops) -> None:
    laptop, drive = laptops.laptop(), {"device": "E:", "insertion": ""}
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick(**drive)))
    laptops.stay(laptop, minutes=5)
    laptop.tell(("media_removed", NOTHING, stick(**drive)), ("writes", NOTHING, writes(0, last=True, **drive)))
    laptop.tell(("media_inserted", NOTHING, stick(**drive, label="SECOND")), ("writes", NOTHING, writes(3, **drive)))
    laptops.stay(laptop, minutes=20)
    (shown,) = laptops.evidence(laptops.one())
    assert (shown["label"], shown["files"]) == ("SECOND", 3)
    assert laptops.one().incident.opened_at == NOW + 5 * MINUTE


def test_what_is_heard_of_writes_after_the_removal_is_of_the_one_that_is_gone(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick()))
    laptops.stay(laptop, minutes=5)
    laptop.tell(("media_unclean", NOTHING, stick()), ("writes", NOTHING, writes(3, last=True)))
    laptops.stay(laptop, minutes=20)
    assert laptops.evidence(laptops.one())[0]["files"] == 3


@pytest.mark.parametrize("is_there", [True, False])
def test_a_service_that_begins_anew_tells_what_is_still_there(laptops: WeighedLaptops, *, is_there: bool) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick()))
    laptops.stay(laptop, minutes=5)
    laptop.tell(("service_started", NOTHING, {"clean": True, "same_boot": True}))
    laptop.tell(("session", NOTHING, session("teacher")))
    if is_there:
        laptop.tell(("media_present", NOTHING, stick()))
    laptops.stay(laptop, minutes=20)
    assert [each.incident.opened_at for each in laptops.filed_all()] == ([NOW] if is_there else [])
