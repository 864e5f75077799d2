"""One device, however many addresses it has."""

from datetime import UTC, datetime

from collectors.devices import unite_devices
from collectors.leases import Lease
from collectors.neighbours import Neighbour

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
TABLET = "02:00:5e:00:53:01"
LAPTOP = "02:00:5e:00:53:02"


def test_an_ipv6_privacy_address_has_the_name_of_the_ipv4_lease() -> None:
    devices = unite_devices(
        [Lease("192.0.2.10", TABLET, "cart-07", None)], [Neighbour("2001:db8::a1b2", TABLET)], at=NOON
    )
    assert devices == {"192.0.2.10": (TABLET, "cart-07"), "2001:db8::a1b2": (TABLET, "cart-07")}


def test_a_full_host_name_answers_to_its_first_label_too() -> None:
    devices = unite_devices([Lease("192.0.2.10", TABLET, "cart-07.school.example", None)], [], at=NOON)
    assert devices == {"192.0.2.10": (TABLET, "cart-07", "cart-07.school.example")}


def test_the_neighbour_table_says_who_answers_now() -> None:
    leases = [Lease("192.0.2.10", TABLET, "cart-07", None), Lease("192.0.2.11", LAPTOP, "laptop", None)]
    devices = unite_devices(leases, [Neighbour("192.0.2.10", LAPTOP)], at=NOON)
    assert devices["192.0.2.10"] == (LAPTOP, "laptop")


def test_a_lease_that_has_ended_says_nothing() -> None:
    assert unite_devices([Lease("192.0.2.10", TABLET, "cart-07", NOON)], [], at=NOON) == {}


def test_a_lease_without_a_link_layer_address_still_has_its_name() -> None:
    assert unite_devices([Lease("2001:db8::10", None, "cart-07", None)], [], at=NOON) == {
        "2001:db8::10": ("cart-07",)
    }


def test_an_address_of_which_nothing_else_is_known_is_left_out() -> None:
    assert unite_devices([Lease("192.0.2.10", None, None, None)], [], at=NOON) == {}
