"""Who may join: tokens, laptops that wait, and every move of a device on record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fleet_of_test import LaptopOfTest, enrolled, token_of

from agent.endpoint.enrolment_wire import approval_code, parse_token
from agent.fleet.enrolment_desk import MAX_REASON_CHARACTERS, MAX_USES, EnrolmentDesk
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.fleet_rows import DeviceState, FindingKind, KeyState, read_findings
from rules.errors import RefusedRequestError
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def desk(school: SchoolOfTest) -> EnrolmentDesk:
    return school.parts.fleet.desk


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"label": " "}, "found no text; expected which laptop it is for"),
        ({"label": "a\x1b[2J"}, "control character"),
        ({"uses": 0}, f"expected 1 to {MAX_USES}"),
        ({"uses": MAX_USES + 1}, f"expected 1 to {MAX_USES}"),
        ({"lifetime": timedelta(0)}, "one minute to 30 days"),
        ({"lifetime": timedelta(days=31)}, "one minute to 30 days"),
        ({"owner": "nobody"}, "Nobody at this school"),
    ],
    ids=str,
)
def test_a_token_that_cannot_be_made(desk: EnrolmentDesk, asked: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        desk.issue("p1", **{"label": "Office", **asked})
    assert desk.tokens() == []


def test_what_is_kept_of_a_token_is_not_its_secret(desk: EnrolmentDesk) -> None:
    made = desk.issue("p1", "Office")
    (kept,) = desk.tokens()
    secret = parse_token(made.text).secret
    assert kept.key is not None
    assert secret not in kept.key
    assert parse_token(made.text).token_id == kept.id == made.id


def test_a_token_is_ended_by_hand_and_by_the_clock(school: SchoolOfTest, desk: EnrolmentDesk) -> None:
    first, second = desk.issue("p1", "Office"), desk.issue("p1", "Library")
    for _ in range(2):
        desk.end_token("p1", first.id)
    desk.sweep()
    school.now += timedelta(hours=72)
    for _ in range(2):
        desk.sweep()
    assert [token.key for token in desk.tokens()] == [None, None]
    assert school.kinds() == [
        "device_token_issued",
        "device_token_issued",
        "device_token_ended",
        "device_tokens_ended",
    ]
    with pytest.raises(UnknownIdError):
        desk.end_token("p1", "none")
    assert second.ends_at == school.now


def test_a_laptop_that_waits_anew_shows_another_code(school: SchoolOfTest, desk: EnrolmentDesk) -> None:
    token = desk.issue("p1", "Trolley", uses=2).text
    first = LaptopOfTest(school)
    again = LaptopOfTest(school, machine=first.machine)
    first.enrol(token)
    before = school.parts.fleet.devices.get(first.device)
    again.enrol(token)
    after = school.parts.fleet.devices.get(first.device)
    assert before is not None
    assert after is not None
    assert desk.code_of(before) != desk.code_of(after)
    assert [key.state for key in after.keys].count(KeyState.PENDING) == 1
    # Whoever is about to compare the code learns that it is of another key than before.
    assert school.kinds().count("device_key_changed") == 1


def test_who_decides_has_to_have_seen_what_is_on_file(school: SchoolOfTest, desk: EnrolmentDesk) -> None:
    laptop = enrolled(school)
    with pytest.raises(UnknownIdError):
        desk.revoke("p1", "none", version=1)
    with pytest.raises(ConflictError):
        desk.revoke("p1", laptop.device, version=7)
    for work in (desk.refuse, desk.revoke):
        with pytest.raises(RefusedRequestError, match="The reason has"):
            work("p1", laptop.device, version=1, reason="x" * (MAX_REASON_CHARACTERS + 1))
    with pytest.raises(RefusedRequestError, match="does not wait"):
        desk.refuse("p1", laptop.device, version=1)
    with pytest.raises(RefusedRequestError, match="does not wait"):
        desk.approve("p1", laptop.device, version=1, code="000000")
    assert desk.revoke("p1", laptop.device, version=1).state is DeviceState.REVOKED
    with pytest.raises(RefusedRequestError, match="already"):
        desk.revoke("p1", laptop.device, version=2)
    assert school.kinds()[-1] == "rule_refused"


def test_whose_laptop_it_is(school: SchoolOfTest, desk: EnrolmentDesk) -> None:
    laptop, deputy = enrolled(school), school.person("Dora", Role.SLT)
    given = desk.give_to("p1", laptop.device, version=1, owner=deputy.person)
    assert (given.owner, given.version) == (deputy.person, 2)
    assert desk.give_to("p1", laptop.device, version=2, owner=None).owner is None
    with pytest.raises(RefusedRequestError, match="Nobody at this school"):
        desk.give_to("p1", laptop.device, version=3, owner="nobody")


def test_a_laptop_that_was_refused_can_come_again_and_waits(school: SchoolOfTest, desk: EnrolmentDesk) -> None:
    laptop = LaptopOfTest(school)
    laptop.enrol(desk.issue("p1", "Trolley", uses=2).text)
    refused = desk.refuse("p1", laptop.device, version=1)
    assert refused.state is DeviceState.REFUSED
    again = LaptopOfTest(school, machine=laptop.machine)
    again.enrol(desk.issue("p1", "Office").text)
    found = school.parts.fleet.devices.get(laptop.device)
    assert found is not None
    assert (found.state, found.is_waiting) == (DeviceState.PENDING, True)
    assert "device_key_changed" in school.kinds()


def test_one_token_lets_one_of_many_in_that_come_at_the_same_moment(school: SchoolOfTest) -> None:
    token = token_of(school.person("Nadia", Role.NETWORK_MANAGER))
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda laptop: laptop.enrol(token).status_code, [LaptopOfTest(school) for _ in range(8)])
        )
    assert sorted(found) == [200, *[403] * 7]
    assert len(school.parts.fleet.devices.all()) == 1


@pytest.mark.parametrize("how", ["used-up", "copied"])
def test_what_is_tried_without_end_stands_on_record_once_an_hour(school: SchoolOfTest, how: str) -> None:
    token = token_of(school.person("Nadia", Role.NETWORK_MANAGER))
    first = LaptopOfTest(school)
    first.enrol(token)
    kind = "device_enrolment_refused" if how == "used-up" else "device_clone_suspected"
    for hours, expected in ((0, 1), (1, 2)):
        school.now += timedelta(hours=hours)
        for _ in range(3):
            again = LaptopOfTest(school) if how == "used-up" else LaptopOfTest(school, key=first.key)
            assert again.enrol(token).status_code == (403 if how == "used-up" else 409)
        assert school.kinds().count(kind) == expected


def test_nobody_takes_the_place_of_a_laptop_that_waits_without_a_word(school: SchoolOfTest) -> None:
    manager = school.person("Nadia", Role.NETWORK_MANAGER)
    token = token_of(manager, uses=5)
    first = LaptopOfTest(school)
    first.enrol(token)
    other = LaptopOfTest(school, machine=first.machine)
    other.enrol(token)
    (shown,) = manager.get("/devices").json()["items"]
    assert other.ack_key is not None
    assert shown["code"] == approval_code(other.key.public_key(), other.ack_key, other.device)
    with school.store.read() as database:
        (found,) = read_findings(database, other.device)
    assert (found.kind, found.facts["was"]) == (FindingKind.KEY_CHANGED, "pending")


def test_the_code_of_a_key_is_another_for_another_laptop() -> None:
    key = Ed25519PrivateKey.generate().public_key()
    assert len({approval_code(key, key, f"device-{number}") for number in range(20)}) > 1
