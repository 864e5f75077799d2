"""Events that machines tell: each taken or refused in one sentence, and none of them lost or weighed twice."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from incidents_of_test import NOW
from observing_of_test import PUPIL_DEVICE, STAFF_DEVICE, ObservingOfTest

from agent.observing.identity import Identities
from agent.observing.observing_told import KINDS, ToldEvent, observation_of, person_called
from agent.storage.observation_rows import read_waiting, write_told
from agent.storage.presence_rows import SignIn
from rules.incident_kind import Kind
from rules.observation import Confidence, Observation, Place
from rules.subject import Audience


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    yield opened
    opened.store.close()


def event(**changes: Any) -> ToldEvent:
    values: dict[str, Any] = {"id": "event-0001", "kind": "media", "at": NOW, "device": STAFF_DEVICE}
    return ToldEvent(**{**values, **changes})


def waiting(school: ObservingOfTest) -> list[Observation]:
    with school.store.read() as database:
        return [
            observation_of(each, Identities(database), school.observing.known(), zone=ZoneInfo("Europe/London"))
            for each in read_waiting(database, limit=9_999)
        ]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param(event(kind="gambling"), "A machine tells nothing of the kind 'gambling'; expected", id="kind"),
        pytest.param(event(kind="illegal"), "A machine tells nothing of the kind 'illegal'", id="for-people"),
        pytest.param(event(at=NOW + timedelta(hours=2)), "This happened 120 minutes from now", id="future"),
        pytest.param(event(at=NOW - timedelta(days=31)), "This happened more than 30 days ago", id="long-ago"),
        pytest.param(event(device="cart-07"), "No device is called cart-07; expected an address", id="no-device"),
        pytest.param(event(device="203.0.113.9"), "Nobody can say whose device this is", id="device-of-no-network"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_keeps_nothing_else_from_being_taken(
    school: ObservingOfTest, told: ToldEvent, why: str
) -> None:
    taken = school.observing.events.take([told, event(id="event-0002")])
    (refused,) = taken.refused
    assert (taken.accepted, taken.repeated, refused.id) == (1, 0, "event-0001")
    assert refused.why.startswith(why)
    assert refused.why.endswith(".")
    assert school.counts() == {"events accepted": 1, "events refused": 1}


def test_an_event_told_twice_is_one_and_said_so(school: ObservingOfTest) -> None:
    taken = school.observing.events.take([event(), event()])
    assert (taken.accepted, taken.repeated) == (1, 1)
    assert len(waiting(school)) == 1


def test_a_thousand_at_once_are_all_taken(school: ObservingOfTest) -> None:
    taken = school.observing.events.take([event(id=f"event-{number:04}") for number in range(1_000)])
    assert (taken.accepted, len(waiting(school))) == (1_000, 1_000)


def test_they_are_weighed_in_the_order_in_which_they_came_whenever_they_happened(school: ObservingOfTest) -> None:
    school.tell(event(id="event-late", at=NOW), event(id="event-early", at=NOW - timedelta(hours=2)))
    assert [each.id for each in waiting(school)] == ["told-event-late", "told-event-early"]


def test_what_is_kept_is_pseudonyms(school: ObservingOfTest) -> None:
    school.tell(event(account="teacher", device="192.0.2.130"))
    with school.store.read() as database:
        (content,) = [row[0] for row in database.execute("SELECT content FROM told_events")]
    assert "192.0.2.130" not in content
    assert school.ids["teacher"] not in content


def test_who_was_signed_in_may_be_attested(school: ObservingOfTest) -> None:
    school.tell(event(account=school.ids["teacher"], place=Place.OFF_SITE, signals=2, facts={"bus": "usb"}))
    (observed,) = waiting(school)
    assert (observed.subject, observed.confidence) == (school.pseudonym("teacher"), Confidence.A)
    assert (observed.audience, observed.place) == (Audience.STAFF, Place.OFF_SITE)
    facts = {"kind": "media", "signals": 2, "is_weak": False, "bus": "usb", "is_attested": True}
    assert (observed.facts, observed.device) == (facts, school.device(STAFF_DEVICE))


def test_without_that_it_is_whoever_else_is_known_to_be_there(school: ObservingOfTest) -> None:
    school.sign_in("teacher", device=STAFF_DEVICE, kind=SignIn.LOGON)
    school.tell(event(), event(id="event-0002", device="192.0.2.140"))
    with_person, without = waiting(school)
    assert (with_person.subject, with_person.confidence) == (school.pseudonym("teacher"), Confidence.B)
    assert without.confidence is Confidence.D


def test_an_account_that_nobody_knows_is_nobody(school: ObservingOfTest) -> None:
    school.tell(event(account="visitor"))
    (observed,) = waiting(school)
    assert (observed.confidence, observed.why_identity) == (Confidence.C, ("unknown_account",))


def test_an_account_of_staff_at_a_device_of_pupils_is_nobody(school: ObservingOfTest) -> None:
    school.tell(event(account=school.ids["teacher"], device=PUPIL_DEVICE))
    assert waiting(school)[0].confidence is Confidence.C


def test_whose_device_it_is_may_be_told_where_no_network_says_so(school: ObservingOfTest) -> None:
    school.tell(event(device="02:00:5e:00:53:09", audience=Audience.STAFF))
    assert waiting(school)[0].audience is Audience.STAFF


@pytest.mark.parametrize("called", ["id", "external", "login", "LOGIN"])
def test_people_are_found_by_id_login_or_as_their_source_calls_them(school: ObservingOfTest, called: str) -> None:
    person = school.ids["pupil"]
    with school.store.act() as act:
        act.database.execute("UPDATE people SET external_id = 'ext-7' WHERE id = ?", (person,))
        act.database.execute(
            "INSERT INTO accounts (login, person, password_hash, created_at) VALUES ('ada', ?, '', '')", (person,)
        )
        name = {"id": person, "external": "ext-7", "login": "ada", "LOGIN": "ADA"}[called]
        found = person_called(act, name)
    assert found is not None
    assert found.id == person


def test_whom_two_are_called_or_who_has_left_is_nobody(school: ObservingOfTest) -> None:
    with school.store.act() as act:
        act.database.execute("UPDATE people SET external_id = 'same' WHERE id <> ''")
        assert person_called(act, "same") is None
        school.people.close(act, school.ids["pupil"], actor="system")
        assert person_called(act, school.ids["pupil"]) is None


def test_a_machine_says_nothing_that_only_people_can(school: ObservingOfTest) -> None:
    assert KINDS.isdisjoint({Kind.ILLEGAL, Kind.UNREPORTED, Kind.REPEAT, Kind.GROOMING, Kind.STAFF_CONDUCT})


def test_what_a_laptop_is_found_to_be_is_nobodys_doing_whoever_is_at_it(school: ObservingOfTest) -> None:
    school.sign_in("teacher", device=STAFF_DEVICE)
    content = {
        "kind": "device_security",
        "at": NOW.isoformat(),
        "device": school.device(STAFF_DEVICE),
        "is_device": True,
        "audience": "staff",
        "place": "on_site",
        "evidence": "laptop l1/e/7",
        "facts": {"kind": "device_security"},
    }
    with school.store.act() as act:
        write_told(act, "l1/e/7", content)
    (found,) = waiting(school)
    assert (found.subject, found.confidence) == (school.device(STAFF_DEVICE), Confidence.D)
    assert (found.why_identity, found.evidence) == (("address_only",), "laptop l1/e/7")


def test_what_happened_weeks_ago_is_weighed_with_what_stands_from_then(school: ObservingOfTest) -> None:
    def content(at: datetime) -> dict[str, Any]:
        return {
            "kind": "bypass",
            "at": at.isoformat(),
            "device": "d",
            "is_attested": True,
            "person": school.pseudonym("teacher"),
            "of": "staff",
            "audience": "staff",
            "place": "off_site",
            "facts": {"kind": "bypass"},
        }

    for number in range(3):
        with school.store.act() as act:
            write_told(act, f"l1/e/{number}", content(NOW - timedelta(days=60, hours=-number)))
        school.look()
    (filed,) = school.filed_all()
    assert filed.incident.last_at - filed.incident.opened_at == timedelta(hours=2)
