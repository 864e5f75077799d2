"""Sign-ins as laptops tell them: from when until when, at which address, and when it is nobody's doing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, WeighedLaptops, session
from observing_of_test import GAMBLING, PUPIL_DEVICE, STAFF_DEVICE

from agent.observing.identity import Identities, Identity
from agent.storage.presence_rows import Presence, SignIn, read_of_person
from rules.incident_kind import Kind
from rules.observation import Confidence
from rules.subject import Audience

NOTHING = timedelta(0)
HOUR = timedelta(hours=1)
OTHER = "192.0.2.140"
HOME = "203.0.113.9"


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def presences(laptops: WeighedLaptops, name: str = "teacher") -> list[Presence]:
    with laptops.store.read() as database:
        return read_of_person(database, laptops.pseudonym(name), NOW - 48 * HOUR, laptops.now + HOUR)


def behind(laptops: WeighedLaptops, device: str, at: timedelta) -> Identity:
    audience = Audience.PUPIL if device == PUPIL_DEVICE else Audience.STAFF
    with laptops.store.read() as database:
        return Identities(database).at(laptops.device(device), NOW + at, audience=audience)


def test_who_signs_in_to_a_laptop_is_behind_its_address(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("session", NOTHING, session("five")))
    laptops.look()
    found = behind(laptops, STAFF_DEVICE, NOTHING)
    assert (found.subject, found.confidence) == (laptops.pseudonym("five"), Confidence.A)
    assert found.why == ("signed_in",)
    assert found.groups == {"year5"}, "what holds for a class follows its teacher"


def test_what_a_pupil_asks_at_a_laptop_is_put_down_to_the_pupil(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(address=PUPIL_DEVICE)
    laptop.tell(("session", NOTHING, session("pupil", address=PUPIL_DEVICE)))
    laptops.ask(*GAMBLING)
    laptops.stay(laptop, minutes=15)
    incident = laptops.one().incident
    assert (incident.kind, incident.subject, incident.confidence) == (
        Kind.GAMBLING,
        laptops.pseudonym("pupil"),
        Confidence.A,
    )


def test_it_ends_with_the_session(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.stay(laptop, minutes=30)
    laptop.tell(("session", NOTHING, session(None)))
    laptops.look()
    (presence,) = presences(laptops)
    assert (presence.from_at, presence.until_at) == (NOW, NOW + 30 * MINUTE)
    assert behind(laptops, STAFF_DEVICE, 40 * MINUTE).confidence is Confidence.D


def test_it_began_when_the_laptop_says_that_it_did_just_before(laptops: WeighedLaptops) -> None:
    said = [{"account": "teacher", "since": NOW.timestamp() - 120, "local": True, "active": True}]
    laptops.laptop().tell(("session", NOTHING, session("teacher", sessions=said)))
    laptops.look()
    assert presences(laptops)[0].from_at == NOW - 2 * MINUTE


def test_it_goes_on_for_as_long_as_the_laptop_is_heard(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    for _ in range(40):
        laptops.look(after=5 * MINUTE)
        laptop.beat()
    laptops.look()
    (presence,) = presences(laptops)
    assert (presence.until_at, presence.told_at) == (None, laptops.now)
    assert behind(laptops, STAFF_DEVICE, 190 * MINUTE).confidence is Confidence.A


def test_a_shared_trolley_tells_one_person_from_the_next(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(address=PUPIL_DEVICE)
    for name in ("pupil", "other_pupil"):
        laptop.tell(("session", NOTHING, session(laptops.ids[name], address=PUPIL_DEVICE)))
        laptops.stay(laptop, minutes=30)
        laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
        laptops.look(after=10 * MINUTE)
    found = [behind(laptops, PUPIL_DEVICE, minutes * MINUTE) for minutes in (10, 35, 50)]
    expected = [laptops.pseudonym("pupil"), laptops.device(), laptops.pseudonym("other_pupil")]
    assert [each.subject for each in found] == expected


def test_an_address_that_it_is_not_heard_from_is_not_its_own(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(address=OTHER)
    laptop.tell(("session", NOTHING, session("teacher", address=STAFF_DEVICE)))
    laptops.look()
    laptops.stay(laptop, minutes=10)
    assert behind(laptops, STAFF_DEVICE, 5 * MINUTE).confidence is Confidence.D, "nobody is put where they are not"


def test_another_address_is_from_then_on(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.stay(laptop, minutes=30)
    laptop.address = OTHER
    laptop.tell(("session", NOTHING, session("teacher", address=OTHER)))
    laptops.look()
    assert behind(laptops, STAFF_DEVICE, 10 * MINUTE).subject == laptops.pseudonym("teacher")
    assert behind(laptops, OTHER, 10 * MINUTE).confidence is Confidence.D
    assert behind(laptops, OTHER, 31 * MINUTE).subject == laptops.pseudonym("teacher")
    assert behind(laptops, STAFF_DEVICE, 31 * MINUTE).confidence is Confidence.D
    assert laptops.filed_all() == [], "one laptop is not two"


def test_an_address_that_another_laptop_got_is_the_other_one_s(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("session", NOTHING, session("teacher")))
    laptops.look(after=HOUR)
    laptops.laptop("laptop2").tell(("session", NOTHING, session("five")))
    laptops.look()
    found = behind(laptops, STAFF_DEVICE, HOUR)
    assert (found.subject, found.confidence) == (laptops.pseudonym("five"), Confidence.A)


def test_what_comes_in_late_says_nothing_of_an_address(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("session", 3 * HOUR, session("teacher")), ("session", 2 * HOUR, session(None)))
    laptops.look()
    assert behind(laptops, STAFF_DEVICE, -150 * MINUTE).confidence is Confidence.D
    (presence,) = presences(laptops)
    assert (presence.until_at, presence.told_at) == (NOW - 2 * HOUR, NOW - 2 * HOUR)


def test_two_people_at_one_laptop_are_nobody(laptops: WeighedLaptops) -> None:
    both = [{"account": name, "since": None, "local": True, "active": True} for name in ("teacher", "five")]
    laptops.laptop().tell(("session", NOTHING, session("teacher", confidence="C", why="several", sessions=both)))
    laptops.look()
    found = behind(laptops, STAFF_DEVICE, NOTHING)
    assert (found.confidence, found.why) == (Confidence.C, ("several_people",))


def test_one_who_signs_in_from_afar_is_less_certain(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("session", NOTHING, session("teacher", confidence="B", why="from_afar")))
    laptops.look()
    assert behind(laptops, STAFF_DEVICE, NOTHING).confidence is Confidence.B
    assert presences(laptops)[0].kind is SignIn.LOGON


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(STAFF_DEVICE, OTHER, id="both-in-the-school"),
        pytest.param(STAFF_DEVICE, HOME, id="one-of-them-elsewhere"),
    ],
)
def test_one_account_at_two_laptops_at_once_is_a_candidate(laptops: WeighedLaptops, first: str, second: str) -> None:
    one, other = laptops.laptop("laptop1"), laptops.laptop("laptop2")
    one.tell(("session", NOTHING, session("teacher", address=first)))
    laptops.stay(one, minutes=20)
    other.tell(("session", NOTHING, session("teacher", address=second)))
    laptops.stay(one, other, minutes=10)
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.ACCOUNT_SHARING, ("S04",))
    assert filed.incident.subject == laptops.pseudonym("teacher")
    assert filed.why_identity == ("two_devices",)


def test_who_waits_behind_another_at_a_laptop_is_not_at_two(laptops: WeighedLaptops) -> None:
    one, other = laptops.laptop("laptop1"), laptops.laptop("laptop2", address=OTHER)
    both = [{"account": name, "since": None, "local": True, "active": name == "five"} for name in ("teacher", "five")]
    one.tell(("session", NOTHING, session("five", confidence="C", why="several", sessions=both)))
    other.tell(("session", NOTHING, session("teacher", address=OTHER)))
    laptops.stay(one, other, minutes=30)
    assert laptops.filed_all() == []


def test_a_laptop_that_has_another_address_is_not_two(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    said = [{"account": "teacher", "since": NOW.timestamp(), "local": True, "active": True}]
    laptop.tell(("session", NOTHING, session("teacher", sessions=said)))
    laptops.look(after=9 * MINUTE)
    laptop.address = OTHER
    laptop.tell(("session", NOTHING, session("teacher", address=OTHER, sessions=said)))
    laptops.stay(laptop, minutes=15)
    assert [each.from_at for each in presences(laptops)] == [NOW, NOW + 9 * MINUTE]
    assert laptops.filed_all() == []


def test_an_account_of_staff_at_a_laptop_of_pupils_is_about_the_laptop(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(owner="pupil", address=PUPIL_DEVICE)
    laptop.tell(("session", NOTHING, session("teacher", address=PUPIL_DEVICE)))
    laptops.stay(laptop, minutes=30)
    filed = laptops.one()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.STAFF_ACCOUNT, ("P08",))
    assert filed.incident.subject == laptops.device(PUPIL_DEVICE), "whose laptop it is says nothing"


@pytest.mark.parametrize("is_lent", [False, True], ids=["alone", "after-it-was-lent-to-a-pupil"])
def test_at_a_laptop_of_staff_in_the_pupils_network_it_is_at_home(laptops: WeighedLaptops, *, is_lent: bool) -> None:
    laptop = laptops.laptop(owner="five", address=PUPIL_DEVICE)
    for account in (*(["pupil"] if is_lent else []), "teacher"):
        laptop.tell(("session", NOTHING, session(account, address=PUPIL_DEVICE)))
        laptops.stay(laptop, minutes=30)
    laptop.tell(("session", NOTHING, session(None, address=PUPIL_DEVICE)))
    laptops.look()
    assert laptops.filed_all() == []


def test_at_a_laptop_of_nobody_in_the_pupils_network_it_is_not(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop(address=PUPIL_DEVICE)
    laptop.tell(("session", NOTHING, session("teacher", address=PUPIL_DEVICE)))
    laptops.stay(laptop, minutes=30)
    assert laptops.one().incident.kind is Kind.STAFF_ACCOUNT


def test_one_account_at_two_laptops_one_after_the_other_is_nothing(laptops: WeighedLaptops) -> None:
    for name in ("laptop1", "laptop2"):
        laptop = laptops.laptop(name)
        laptop.tell(("session", NOTHING, session("teacher", address=STAFF_DEVICE if name == "laptop1" else OTHER)))
        laptops.stay(laptop, minutes=30)
        laptop.tell(("session", NOTHING, session(None)))
        laptops.look()
    assert laptops.filed_all() == []


def test_two_laptops_of_last_week_are_told_one_after_the_other_and_were_at_once(laptops: WeighedLaptops) -> None:
    for name, begins in (("laptop1", 30), ("laptop2", 29)):
        laptops.laptop(name).tell(
            ("session", begins * HOUR, session("teacher", address=HOME)),
            ("session", 27 * HOUR, session(None, address=HOME)),
        )
        laptops.look()
    assert laptops.one().incident.kind is Kind.ACCOUNT_SHARING
    assert laptops.one().incident.opened_at == NOW - 29 * HOUR


# ---- a laptop in the power of whoever uses it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "device", "why"),
    [
        pytest.param("five", STAFF_DEVICE, "several_people", id="somebody-else-at-that-address"),
        pytest.param("five", "02:00:5e:00:53:01", "several_people", id="somebody-else-by-its-link-layer-address"),
        pytest.param("teacher", OTHER, "two_devices", id="the-same-person-at-another-device"),
        pytest.param("visitor", STAFF_DEVICE, "unknown_account", id="an-account-that-nobody-knows"),
    ],
)
def test_what_a_laptop_attests_is_not_certain_where_the_network_says_otherwise(
    laptops: WeighedLaptops, who: str, device: str, why: str
) -> None:
    laptops.devices[STAFF_DEVICE] = ("02:00:5e:00:53:01",)
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.look()
    assert behind(laptops, STAFF_DEVICE, NOTHING).confidence is Confidence.A
    laptops.sign_in(who, device=device, from_at=NOW - HOUR)
    found = behind(laptops, STAFF_DEVICE, NOTHING)
    assert found.confidence is Confidence.C
    assert why in found.why
    assert found.subject == laptops.device(STAFF_DEVICE)


def test_it_puts_nobody_behind_an_address_of_somebody_else(laptops: WeighedLaptops) -> None:
    laptops.sign_in("pupil", device=PUPIL_DEVICE, from_at=NOW - HOUR)
    laptops.laptop(address=OTHER).tell(("session", NOTHING, session("teacher", address=PUPIL_DEVICE)))
    laptops.look()
    assert behind(laptops, PUPIL_DEVICE, NOTHING).subject == laptops.pseudonym("pupil")
