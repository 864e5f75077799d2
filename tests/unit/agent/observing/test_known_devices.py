"""What a site knows of devices: by whatever it is called, one device is one pseudonym, with its groups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from school_of_test import load_site_of_test

from agent.observing.known_devices import UNKNOWN, DevicesInForce, Known, KnownDevices, link_layer_of
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Group
from rules.errors import RefusedRequestError
from rules.subject import Audience

ON = date(2026, 3, 2)
CARD = "02:00:5e:00:53:01"
LEASES = {"192.0.2.20": (CARD, "cart-07"), "2001:db8::20": (CARD, "cart-07")}
GROUPS = (
    Group("carts", devices=("cart-07",), is_shared=True),
    Group("office", devices=("02:00:5e:00:53:02",)),
    Group("desk", devices=("192.0.2.40",)),
    Group("room", cidrs=("192.0.2.48/30",), is_shared=True),
)


def known(folder: Path, devices: Mapping[str, tuple[str, ...]] = LEASES) -> KnownDevices:
    return KnownDevices(replace(load_site_of_test(), groups=GROUPS), devices, Pseudonyms(folder))


@pytest.mark.parametrize(
    "written", ["02:00:5E:00:53:01", "02-00-5e-00-53-01", "0200.5e00.5301", "02005e005301", " 02:00:5e:00:53:01 "]
)
def test_a_link_layer_address_is_read_however_it_is_written(written: str) -> None:
    assert link_layer_of(written) == CARD


@pytest.mark.parametrize("written", ["", "cart-07", "192.0.2", "02:00:5e:00:53", "x" * 200, "\x1b[2J"])
def test_what_is_no_device_is_refused_in_a_sentence(tmp_path: Path, written: str) -> None:
    with pytest.raises(RefusedRequestError, match=r"^No device is called .*; expected an address .*\.$") as refused:
        known(tmp_path).pseudonym(written, ON)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_device_has_one_pseudonym_by_any_of_its_addresses(tmp_path: Path) -> None:
    devices = known(tmp_path)
    names = {devices.pseudonym(each, ON) for each in ("192.0.2.20", "2001:db8::20", "::ffff:192.0.2.20", CARD)}
    assert len(names) == 1
    assert devices.pseudonym("192.0.2.21", ON) not in names


@pytest.mark.parametrize(
    ("device", "found"),
    [
        pytest.param("192.0.2.20", Known(frozenset({"carts"}), is_shared=True), id="by-the-name-in-its-lease"),
        pytest.param("02:00:5e:00:53:02", Known(frozenset({"office"})), id="by-its-link-layer-address"),
        pytest.param("192.0.2.40", Known(frozenset({"desk"})), id="by-its-address"),
        pytest.param("192.0.2.49", Known(frozenset({"room"}), is_shared=True), id="by-its-prefix"),
        pytest.param("192.0.2.60", UNKNOWN, id="in-no-group"),
    ],
)
def test_the_groups_of_a_device(tmp_path: Path, device: str, found: Known) -> None:
    devices = known(tmp_path)
    assert devices.of(devices.pseudonym(device, ON), ON) == found


def test_the_next_school_year_has_other_pseudonyms_and_the_same_groups(tmp_path: Path) -> None:
    devices = known(tmp_path)
    later = date(2026, 9, 2)
    pseudonym = devices.pseudonym("192.0.2.40", later)
    assert pseudonym != devices.pseudonym("192.0.2.40", ON)
    assert devices.of(pseudonym, later).groups == {"desk"}
    assert devices.of(pseudonym, ON) == UNKNOWN


@pytest.mark.parametrize(
    ("device", "audience"),
    [("192.0.2.20", Audience.PUPIL), (CARD, Audience.PUPIL), ("192.0.2.200", Audience.STAFF), ("203.0.113.1", None)],
)
def test_whose_a_device_is_by_its_network(tmp_path: Path, device: str, audience: Audience | None) -> None:
    assert known(tmp_path).audience(device) is audience


def test_other_leases_are_looked_at_and_the_same_are_not_looked_at_again(tmp_path: Path) -> None:
    leases: dict[str, tuple[str, ...]] = {}
    site = load_site_of_test()
    devices = DevicesInForce(lambda: site, lambda: dict(leases), Pseudonyms(tmp_path))
    before = devices()
    assert devices() is before
    leases["192.0.2.20"] = (CARD,)
    assert devices().pseudonym("192.0.2.20", ON) == before.pseudonym(CARD, ON)
