"""Whose address is this: networks, groups, devices."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis.strategies import integers, ip_addresses

from agent.dns.clients import ClientResolver, Seat
from agent.sites.site import Group, Network
from rules.subject import Audience, Profile

NETWORKS = (
    Network("school", Audience.PUPIL, ("192.0.2.0/24", "2001:db8::/32")),
    Network("staff room", Audience.STAFF, ("192.0.2.64/26", "2001:db8:5::/48"), groups=("teachers",)),
    Network("guests", Audience.GUEST, ("198.51.100.0/24",)),
)
GROUPS = (
    Group("year5", cidrs=("192.0.2.16/28",)),
    Group("library", cidrs=("192.0.2.24/29",)),
    Group("office", audience=Audience.STAFF, devices=("192.0.2.7", "02:00:5e:00:53:01", "Desk-9")),
    Group("exam room", audience=Audience.PUPIL, cidrs=("192.0.2.80/28",)),
)
DEVICES = {
    "192.0.2.40": ("02:00:5e:00:53:01",),
    "2001:db8::aaaa": ("02:00:5e:00:53:01", "laptop-3"),
    "198.51.100.9": ("desk-9",),
}
RESOLVER = ClientResolver(NETWORKS, GROUPS, DEVICES)


def profile(audience: Audience, *groups: str) -> Profile:
    return Profile(audience, frozenset(groups))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("192.0.2.1", profile(Audience.PUPIL), id="a-network-gives-the-audience"),
        pytest.param("192.0.2.65", profile(Audience.STAFF, "teachers"), id="the-longest-prefix-wins"),
        pytest.param("2001:db8:5::1", profile(Audience.STAFF, "teachers"), id="the-longest-prefix-wins-in-ipv6"),
        pytest.param("192.0.2.17", profile(Audience.PUPIL, "year5"), id="a-group-adds"),
        pytest.param("192.0.2.25", profile(Audience.PUPIL, "year5", "library"), id="groups-add-up"),
        pytest.param("192.0.2.7", profile(Audience.STAFF, "office"), id="a-device-by-its-address"),
        pytest.param("192.0.2.40", profile(Audience.STAFF, "office"), id="a-device-by-its-link-layer-address"),
        pytest.param("2001:db8::aaaa", profile(Audience.STAFF, "office"), id="one-device-under-all-its-addresses"),
        pytest.param("198.51.100.9", profile(Audience.STAFF, "office"), id="a-device-by-its-host-name-in-any-case"),
        pytest.param(
            "192.0.2.81", profile(Audience.PUPIL, "teachers", "exam room"), id="a-group-replaces-the-audience"
        ),
        pytest.param("::ffff:192.0.2.17", profile(Audience.PUPIL, "year5"), id="ipv4-in-ipv6-form"),
        pytest.param("2001:DB8:0::5%eth0", profile(Audience.PUPIL), id="another-spelling-with-a-scope"),
        pytest.param("203.0.113.1", None, id="an-address-of-nobody"),
        pytest.param("2001:db9::1", None, id="an-ipv6-address-of-nobody"),
    ],
)
def test_profile(address: str, expected: Profile | None) -> None:
    assert RESOLVER.profile_of(address) == expected


def test_an_address_may_come_as_the_octets_of_a_packet() -> None:
    assert RESOLVER.profile_of(bytes((192, 0, 2, 17))) == profile(Audience.PUPIL, "year5")
    assert RESOLVER.profile_of(bytes.fromhex("20010db8000500000000000000000001")) == profile(
        Audience.STAFF, "teachers"
    )


def test_of_two_audiences_the_one_who_needs_more_protection() -> None:
    both = (Group("a", Audience.STAFF, ("192.0.2.0/24",)), Group("b", Audience.PUPIL, ("192.0.2.0/24",)))
    for groups in (both, both[::-1]):
        found = ClientResolver(NETWORKS, groups).profile_of("192.0.2.1")
        assert found is not None
        assert found.audience is Audience.PUPIL


def test_a_group_lets_nobody_in_who_is_in_no_network() -> None:
    assert ClientResolver((), GROUPS).profile_of("192.0.2.17") is None


def test_a_prefix_of_length_zero_covers_everybody() -> None:
    resolver = ClientResolver((Network("all", Audience.GUEST, ("0.0.0.0/0", "::/0")),), ())
    assert resolver.profile_of("203.0.113.1") == profile(Audience.GUEST)
    assert resolver.profile_of("2001:db8::1") == profile(Audience.GUEST)


def test_the_network_of_an_address() -> None:
    found = RESOLVER.network_of("192.0.2.65")
    assert found is not None
    assert found.name == "staff room"
    assert RESOLVER.network_of("203.0.113.1") is None


@pytest.mark.parametrize("text", ["", b"abc", "192.0.2", "192.0.2.1.5", "year5", "2001:db8::g"])
def test_what_is_no_address_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="address"):
        RESOLVER.profile_of(text)


@given(integers(0, 255), integers(24, 32))
def test_the_table_equals_the_definition(last_octet: int, length: int) -> None:
    resolver = ClientResolver((Network("n", Audience.PUPIL, (f"192.0.2.128/{length}",)),), ())
    inside = last_octet >> (32 - length) == 128 >> (32 - length)
    assert (resolver.profile_of(f"192.0.2.{last_octet}") is not None) == inside


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("192.0.2.1", profile(Audience.PUPIL, "office", "year6"), id="its-groups-and-no-audience"),
        pytest.param("192.0.2.17", profile(Audience.PUPIL, "year5", "year6"), id="beside-those-of-the-place"),
        pytest.param("::ffff:192.0.2.17", profile(Audience.PUPIL, "year5", "year6"), id="ipv4-in-ipv6-form"),
        pytest.param("192.0.2.2", profile(Audience.PUPIL), id="another-address"),
        pytest.param("203.0.113.1", None, id="nobody-is-let-in-by-a-seat"),
    ],
)
def test_whoever_is_signed_in_somewhere_adds_groups(address: str, expected: Profile | None) -> None:
    seats = {
        "192.0.2.1": Seat(("office", "year6"), 100.0),
        "192.0.2.17": Seat(("year6",), 100.0),
        "203.0.113.1": Seat(("year6",), 100.0),
    }
    assert (
        ClientResolver(NETWORKS, GROUPS, DEVICES, seats=seats, wall_clock=lambda: 99.9).profile_of(address)
        == expected
    )


def test_a_seat_is_over_by_itself_and_each_end_is_told_once() -> None:
    now = [0.0]
    seats = {"192.0.2.1": Seat(("year6",), 100.0), "192.0.2.2": Seat(("year6",), 160.0)}
    resolver = ClientResolver(NETWORKS, GROUPS, seats=seats, wall_clock=lambda: now[0])
    told = []
    for now[0] in (99.9, 100.0, 100.1, 200.0, 300.0):
        profiles = [resolver.profile_of(address) for address in seats]
        told.append((resolver.has_a_seat_ended(), [each is not None and "year6" in each.groups for each in profiles]))
    assert told == [
        (False, [True, True]),
        (True, [False, True]),
        (False, [False, True]),
        (True, [False, False]),
        (False, [False, False]),
    ]


@given(ip_addresses())
def test_without_seats_or_after_them_nothing_is_different(address: object) -> None:
    over = ClientResolver(NETWORKS, GROUPS, DEVICES, seats={str(address): Seat(("year6",), 0.0)})
    assert over.profile_of(str(address)) == RESOLVER.profile_of(str(address))
    assert not over.has_a_seat_ended()
    assert not RESOLVER.has_a_seat_ended()


def test_a_worker_gets_nothing_heavy_with_it() -> None:
    heavy = {"pydantic", "typer", "rich", "httpx", "prometheus_client", "babel", "sqlite3"}
    check = f"import sys, agent.dns.clients; sys.exit(' '.join({heavy!r} & sys.modules.keys()) or 0)"
    subprocess.run([sys.executable, "-c", check], check=True)
