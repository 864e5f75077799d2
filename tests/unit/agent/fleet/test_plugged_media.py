"""A medium is followed from event to event, its proof goes to the register, and what is over is forgotten."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops, session, stick, writes

from agent.fleet.plugged_media import MOST_MEDIA, PREFIX
from agent.storage.case_rows import read_cases_of
from agent.storage.fleet_rows import FindingKind, read_findings
from agent.storage.media_rows import Which, read_proofs
from rules.incident_kind import Kind

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


def insert(laptop: Laptop, numbers: range, **changes: Any) -> None:
    """Tell of so many media, a hundred at once."""
    for start in numbers[::100]:
        told = range(start, min(start + 100, numbers.stop))
        laptop.tell(*[("media_present", NOTHING, stick(insertion=str(each), **changes)) for each in told])


def bounded(laptops: WeighedLaptops) -> list[FindingKind]:
    with laptops.store.read() as database:
        return [each.kind for each in read_findings(database)]


def test_as_many_volumes_as_are_followed_are_as_many_rows_and_one_candidate(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    insert(laptop, range(MOST_MEDIA))
    laptops.stay(laptop, minutes=20)
    assert len(followed(laptops)) == MOST_MEDIA
    assert (len(laptops.filed_all()), bounded(laptops)) == (1, [])


@pytest.mark.parametrize("crypt", ["encrypted", "unknown", "plain"])
def test_of_thousands_of_media_the_newest_are_followed_and_it_is_found_once_a_day(
    laptops: WeighedLaptops, crypt: str
) -> None:
    laptop = laptops.laptop()
    insert(laptop, range(1000, 4000), crypt=crypt)
    laptops.look()
    assert followed(laptops) == [f"media boot-1 sdb1#{number}" for number in range(4000 - MOST_MEDIA, 4000)]
    assert bounded(laptops) == [FindingKind.MANY_MEDIA]
    assert [each["finding"] for each in laptops.evidence(laptops.one())] == ["many_media"]
    laptops.look(after=timedelta(days=1))
    insert(laptop, range(4000, 4600), crypt=crypt)
    laptops.look()
    assert len(followed(laptops)) == MOST_MEDIA
    assert bounded(laptops) == [FindingKind.MANY_MEDIA] * 2
    assert laptops.kinds().count("device_media_not_followed") == 2
    assert "not_understood" not in " ".join(laptops.counts())


def test_what_is_gone_is_given_up_before_what_is_there(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    insert(laptop, range(1000, 1002), crypt="encrypted")
    for number in range(2000, 2000 + MOST_MEDIA):
        facts = stick(insertion=str(number), crypt="encrypted")
        laptop.tell(("media_inserted", NOTHING, facts), ("media_removed", NOTHING, facts))
    laptops.look()
    assert len(followed(laptops)) == MOST_MEDIA
    assert followed(laptops)[:2] == ["media boot-1 sdb1#1000", "media boot-1 sdb1#1001"]


@pytest.mark.parametrize(
    ("minutes", "files", "why"),
    [
        pytest.param(1, 0, [], id="within-the-grace-time"),
        pytest.param(1, 3, [3], id="written-to-within-the-grace-time"),
        pytest.param(16, 0, [0], id="after-the-grace-time"),
    ],
)
def test_what_is_given_up_is_judged_as_if_it_were_taken_out(
    laptops: WeighedLaptops, minutes: int, files: int, why: list[int]
) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")), ("media_inserted", NOTHING, stick()))
    laptop.tell(("writes", NOTHING, writes(files)))
    laptops.now += minutes * MINUTE
    insert(laptop, range(1000, 1000 + MOST_MEDIA), crypt="encrypted")
    laptops.look()
    assert "media boot-1 sdb1#17" not in followed(laptops)
    media = [each for each in laptops.filed_all() if each.incident.kind is Kind.MEDIA]
    assert [laptops.evidence(each)[0]["files"] for each in media] == why


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
