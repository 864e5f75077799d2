"""Seats: one person at one laptop that is heard from its own address, and nobody in every other case."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops, session
from observing_of_test import OTHER_DEVICE, PUPIL_DEVICE

from agent.dns.clients import Seat
from agent.fleet.seats import MOST, Seats
from agent.requests.granted import active_seats
from agent.storage.fleet_rows import DeviceState, write_device
from agent.storage.seat_rows import SeatRow, read_seats
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Audience, Scope

NOTHING = timedelta(0)
FOR_YEAR5 = Policy("p", Effect.BLOCK, frozenset({"games"}), Scope(groups=frozenset({"year5"})), "")
BOTH = [{"account": name, "since": None, "local": True, "active": True} for name in ("pupil", "five")]
LEASES = {PUPIL_DEVICE: ("02:00:5e:00:53:01",)}


class Seated(WeighedLaptops):
    """A school whose seats are kept; `calls` is how often the gateway had to look again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.calls = 0
        self.is_gateway_there = True
        self.published: dict[str, Seat] = {}
        self.site = replace(self.site, rulebook=Rulebook((FOR_YEAR5,)))
        self.seats = self.open_seats()

    def open_seats(self, *, most: int = MOST) -> Seats:
        return Seats(
            self.store,
            self.fleet,
            site=lambda: self.site,
            known=self.observing.known,
            published=lambda: self.published,
            tell=self._publish,
            most=most,
        )

    def _publish(self) -> None:
        """Do what the gateway does when it is told."""
        self.calls += 1
        if self.is_gateway_there:
            self.published = active_seats(self.store.path, self.now, self.site.rulebook)

    def find(self, *, after: timedelta = NOTHING) -> dict[str, SeatRow]:
        self.look(after=after)
        self.seats.look()
        with self.store.read() as database:
            return read_seats(database)

    def groups(self, *, after: timedelta = NOTHING) -> dict[str, set[str]]:
        return {address: set(each.groups) for address, each in self.find(after=after).items() if each.groups}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Seated]:
    made = Seated(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def signed_in(school: Seated, who: str = "five", *, name: str = "laptop1", address: str = PUPIL_DEVICE) -> Laptop:
    laptop = school.laptop(name, address=address)
    laptop.tell(("session", NOTHING, session(who, address=address)))
    return laptop


def test_whoever_signs_in_sits_at_the_address_of_the_laptop(school: Seated) -> None:
    signed_in(school)
    (seat,) = school.find().values()
    assert (seat.address, set(seat.groups), seat.audience) == (PUPIL_DEVICE, {"year5"}, Audience.STAFF)
    assert (seat.heard_at, seat.until_at) == (NOW, NOW + 15 * MINUTE)
    assert school.calls == 1


def test_a_seat_ends_with_the_session(school: Seated) -> None:
    laptop = signed_in(school)
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}
    laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
    assert school.find() == {}
    assert school.calls == 2


def test_a_seat_ends_when_the_laptop_is_silent(school: Seated) -> None:
    signed_in(school)
    assert school.find()
    assert school.find(after=15 * MINUTE)
    assert school.find(after=MINUTE) == {}


def test_a_seat_goes_on_while_the_laptop_is_heard_and_the_gateway_is_told_before_it_would_end(school: Seated) -> None:
    laptop = signed_in(school)
    school.find()
    for _ in range(12):
        school.now += 5 * MINUTE
        laptop.beat()
        assert school.groups() == {PUPIL_DEVICE: {"year5"}}
    assert 4 <= school.calls <= 7


def test_a_seat_follows_the_laptop_to_another_address(school: Seated) -> None:
    laptop = signed_in(school)
    school.find()
    laptop.address = OTHER_DEVICE
    laptop.beat()
    assert school.find() == {}, "it has not said that this address is its own"
    laptop.tell(("session", NOTHING, session("five", address=OTHER_DEVICE)))
    assert school.groups() == {OTHER_DEVICE: {"year5"}}


@pytest.mark.parametrize(
    ("who", "changes"),
    [
        pytest.param("five", {"confidence": "B", "why": "from_afar"}, id="from-afar"),
        pytest.param("five", {"confidence": "C", "why": "several", "sessions": BOTH}, id="two-people"),
        pytest.param("five", {"why": "shared"}, id="an-account-that-several-use"),
        pytest.param("somebody", {}, id="nobody-whom-the-school-knows"),
        pytest.param("teacher", {}, id="somebody-without-a-class"),
        pytest.param("five", {"addresses": [OTHER_DEVICE]}, id="at-an-address-that-the-laptop-is-not-heard-from"),
        pytest.param("five", {"addresses": []}, id="at-no-address"),
    ],
)
def test_nobody_sits_there(school: Seated, who: str, changes: dict[str, object]) -> None:
    laptop = school.laptop(address=PUPIL_DEVICE)
    laptop.tell(("session", NOTHING, {**session(who, address=PUPIL_DEVICE), **changes}))
    assert school.find() == {}
    assert school.calls == 0


def test_an_address_elsewhere_is_nobody_s_seat(school: Seated) -> None:
    signed_in(school, address="203.0.113.9")
    assert school.find() == {}


def test_two_laptops_at_one_address_are_nobody_whoever_uses_the_other(school: Seated) -> None:
    signed_in(school)
    assert school.find()
    other = school.laptop("laptop2", address=PUPIL_DEVICE)
    other.beat()
    assert school.find() == {}
    other.tell(("session", NOTHING, session("five", address=PUPIL_DEVICE)))
    assert school.find() == {}
    school.now += 16 * MINUTE
    other.beat()
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}, "the first is silent, so the address is the other one's"


def test_an_address_that_leases_know_as_another_device_is_nobody_s_until_the_laptop_is_heard(school: Seated) -> None:
    school.devices = dict(LEASES)
    laptop = signed_in(school)
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}
    school.devices = {PUPIL_DEVICE: ("02:00:5e:00:53:02",)}
    assert school.groups(after=MINUTE) == {}
    assert school.groups(after=MINUTE) == {}
    assert school.calls == 2
    laptop.beat()
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}


def test_a_device_that_leases_know_no_more_is_no_other_one(school: Seated) -> None:
    school.devices = dict(LEASES)
    signed_in(school)
    school.find()
    school.devices = {}
    assert school.groups(after=MINUTE) == {PUPIL_DEVICE: {"year5"}}


def test_a_laptop_that_is_taken_off_the_list_is_nobody_s_seat(school: Seated) -> None:
    signed_in(school)
    assert school.find()
    device = school.fleet.devices.get("laptop1")
    assert device is not None
    with school.store.act() as act:
        write_device(act.database, replace(device, version=2, state=DeviceState.REVOKED))
    school.fleet.devices.refresh()
    assert school.find() == {}


def test_while_what_laptops_told_waits_nobody_sits_anywhere(school: Seated) -> None:
    laptop = signed_in(school)
    assert school.find()
    laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
    school.now += 2 * MINUTE
    school.seats.look()
    with school.store.read() as database:
        assert read_seats(database) == {}


def test_after_a_start_what_nobody_could_see_is_made_good(school: Seated) -> None:
    laptop = signed_in(school)
    assert school.find()
    laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
    school.seats = school.open_seats()
    assert school.find() == {}


def test_the_gateway_is_told_of_nothing_that_no_rule_asks_for(school: Seated) -> None:
    school.site = replace(school.site, rulebook=Rulebook())
    signed_in(school)
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}
    assert school.calls == 0


def test_a_look_at_what_has_not_changed_writes_and_tells_nothing(school: Seated) -> None:
    signed_in(school)
    before = school.find()
    assert school.find(after=MINUTE) == before
    assert school.calls == 1


def test_a_seat_that_was_published_meanwhile_and_ended_is_told(school: Seated) -> None:
    school.site = replace(school.site, rulebook=Rulebook())
    laptop = signed_in(school)
    school.find()
    # Somebody is granted something, and the gateway publishes it with the seat.
    school.site = replace(school.site, rulebook=Rulebook((FOR_YEAR5,)))
    school.published = active_seats(school.store.path, school.now, school.site.rulebook)
    assert school.published
    laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
    school.find()
    assert (school.calls, school.published) == (1, {})


def test_a_gateway_that_does_not_answer_is_told_once_a_minute(school: Seated) -> None:
    school.is_gateway_there = False
    signed_in(school)
    for _ in range(24):
        school.find(after=timedelta(seconds=5))
    assert school.calls == 2


def test_more_than_there_is_room_for_are_counted(school: Seated, capsys: pytest.CaptureFixture[str]) -> None:
    for number, address in enumerate((PUPIL_DEVICE, OTHER_DEVICE)):
        signed_in(school, name=f"laptop{number}", address=address)
    school.seats = school.open_seats(most=1)
    assert len(school.find()) == 1
    assert "count=1" in capsys.readouterr().err


def test_while_more_waits_on_the_laptop_nobody_sits_there(school: Seated) -> None:
    laptop = school.laptop(address=PUPIL_DEVICE)
    laptop.tell(("session", NOTHING, session("five", address=PUPIL_DEVICE)), waiting=1)
    assert school.find() == {}
    laptop.beat()
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}


# ---- a laptop in the power of whoever uses it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "is_seat"),
    [
        pytest.param("other_pupil", False, id="somebody-else"),
        pytest.param("five", True, id="the-same"),
        pytest.param("an account that nobody knows", True, id="the-laptop-itself"),
    ],
)
@pytest.mark.parametrize("device", [PUPIL_DEVICE, LEASES[PUPIL_DEVICE][0]], ids=["by-its-address", "by-its-lease"])
def test_where_the_network_knows_somebody_else_at_the_device_nobody_sits_there(
    school: Seated, who: str, device: str, *, is_seat: bool
) -> None:
    school.devices.update(LEASES)
    signed_in(school)
    school.sign_in(who, device=device, from_at=NOW - 5 * MINUTE)
    assert bool(school.groups()) is is_seat


def test_a_log_on_of_this_morning_that_nobody_ended_says_nothing(school: Seated) -> None:
    school.sign_in("other_pupil", from_at=NOW)
    school.now += 3 * 60 * MINUTE
    signed_in(school)
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}


def test_an_account_of_staff_that_a_laptop_names_brings_its_classes_and_no_more(school: Seated) -> None:
    signed_in(school, "teacher")
    assert school.groups() == {}, "somebody without a class brings nothing, whoever they are"
    signed_in(school, "five", name="laptop2", address=OTHER_DEVICE)
    assert school.groups() == {OTHER_DEVICE: {"year5"}}
    assert school.published[OTHER_DEVICE].groups == ("year5",)
    assert school.observing.known().audience(OTHER_DEVICE) is Audience.PUPIL


def test_a_laptop_that_names_too_many_is_nobody_s_seat(school: Seated) -> None:
    laptop = signed_in(school)
    assert school.groups() == {PUPIL_DEVICE: {"year5"}}
    laptop.tell(*[("session", NOTHING, session(f"guess{number}", address=PUPIL_DEVICE)) for number in range(40)])
    laptop.tell(("session", NOTHING, session("five", address=PUPIL_DEVICE)))
    assert school.groups() == {}
