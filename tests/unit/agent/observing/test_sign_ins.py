"""Sign-ins as machines tell them: taken, told again, or refused in one sentence; only pseudonyms are kept."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from observing_of_test import OTHER_DEVICE, PUPIL_DEVICE, ObservingOfTest

from agent.observing.observing_told import Taken
from agent.observing.sign_ins import ToldSignIn
from agent.storage.observation_rows import read_waiting
from agent.storage.presence_rows import Presence, SignIn, read_presence
from rules.subject import Audience

HOUR = timedelta(hours=1)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    yield opened
    opened.store.close()


def told(school: ObservingOfTest, **changes: Any) -> ToldSignIn:
    values: dict[str, Any] = {
        "id": "radius-1",
        "device": PUPIL_DEVICE,
        "account": school.ids["pupil"],
        "kind": SignIn.LOGON,
        "from_at": NOW - HOUR,
    }
    return ToldSignIn(**{**values, **changes})


def take(school: ObservingOfTest, **changes: Any) -> Taken:
    return school.observing.sign_ins.take([told(school, **changes)])


def presence(school: ObservingOfTest, known_as: str = "radius-1") -> Presence:
    with school.store.read() as database:
        found = read_presence(database, known_as)
    assert found is not None
    return found


def two_devices(school: ObservingOfTest) -> list[Any]:
    with school.store.read() as database:
        return [each.content["facts"] for each in read_waiting(database, limit=9)]


def test_a_sign_in_is_kept_by_pseudonyms_with_the_classes_of_the_person(school: ObservingOfTest) -> None:
    assert take(school) == Taken(1, 0)
    found = presence(school)
    assert (found.device, found.person) == (school.device(), school.pseudonym("pupil"))
    assert (found.audience, found.until_at) == (Audience.PUPIL, None)
    assert found.groups == {"year5"}
    assert (found.from_at, found.told_at) == (NOW - HOUR, NOW)


def test_it_ends_when_that_is_told_and_stays_ended(school: ObservingOfTest) -> None:
    take(school)
    assert take(school, until_at=NOW) == Taken(1, 0)
    assert take(school) == Taken(0, 1), "a beginning that comes late changes nothing"
    assert presence(school).until_at == NOW


def test_it_goes_on_when_that_is_told(school: ObservingOfTest) -> None:
    take(school)
    school.now += HOUR
    assert take(school) == Taken(1, 0)
    assert presence(school).told_at == NOW + HOUR


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"from_at": NOW + HOUR}, "This began 60 minutes from now; expected", id="future"),
        pytest.param({"from_at": NOW - timedelta(days=40)}, "This began more than 30 days ago", id="long-ago"),
        pytest.param({"until_at": NOW - 2 * HOUR}, "This ended before it began; expected", id="ends-before"),
        pytest.param({"until_at": NOW + 24 * HOUR}, "This lasts 25 hours; expected", id="longer-than-a-day"),
        pytest.param({"device": "front-desk"}, "No device is called front-desk; expected", id="no-device"),
        pytest.param({"account": ""}, "This sign-in is of no account; expected", id="no-account"),
    ],
)
def test_what_cannot_be_is_refused(school: ObservingOfTest, changes: dict[str, Any], why: str) -> None:
    taken = take(school, **changes)
    assert taken.accepted == 0
    assert [each.why.startswith(why) and each.why.endswith(".") for each in taken.refused] == [True]
    assert school.counts() == {"sign_ins refused": 1}


def test_an_id_is_of_one_device_and_one_account(school: ObservingOfTest) -> None:
    take(school)
    for changes in ({"device": OTHER_DEVICE}, {"account": school.ids["other_pupil"]}, {"kind": SignIn.ATTESTED}):
        (refused,) = take(school, **changes).refused
        assert refused.why.startswith("This sign-in was told before of another device or account")
    assert presence(school).person == school.pseudonym("pupil")


def test_an_account_of_several_or_of_nobody_is_kept_without_a_person(school: ObservingOfTest) -> None:
    take(school, id="shared-1", kind=SignIn.SHARED, account="")
    take(school, id="shared-2", kind=SignIn.SHARED, account=school.ids["pupil"])
    take(school, id="visitor-1", account="visitor")
    found = [presence(school, each) for each in ("shared-1", "shared-2", "visitor-1")]
    assert [(each.person, each.audience) for each in found] == [("", None)] * 3


@pytest.mark.parametrize(
    ("kinds", "facts"),
    [
        pytest.param((SignIn.ATTESTED, SignIn.ATTESTED), [(1, False)], id="own-sign-ins-at-two-devices"),
        pytest.param((SignIn.LOGON, SignIn.LOGON), [(1, True)], id="two-log-ons-are-weak"),
        pytest.param((SignIn.LOGON, SignIn.ATTESTED), [(1, True)], id="one-of-each-is-weak"),
        pytest.param((SignIn.LOGON,) * 3, [(1, True), (1, True), (2, True)], id="three-log-ons-are-two-signs"),
    ],
)
def test_one_account_at_several_devices_at_once(
    school: ObservingOfTest, kinds: tuple[SignIn, ...], facts: list[tuple[int, bool]]
) -> None:
    for number, kind in enumerate(kinds):
        take(school, id=f"s{number}", device=f"192.0.2.{number + 7}", kind=kind, until_at=NOW)
    assert [(each["signals"], each["is_weak"]) for each in two_devices(school)] == facts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"until_at": NOW - HOUR / 2}, {"from_at": NOW - HOUR / 2}, id="one-after-the-other"),
        pytest.param({}, {"from_at": NOW}, id="of-the-first-nobody-told-the-end"),
        pytest.param({"until_at": NOW}, {"device": PUPIL_DEVICE, "until_at": NOW}, id="the-same-device"),
        pytest.param({"until_at": NOW}, {"account": "visitor", "until_at": NOW}, id="another-account"),
    ],
)
def test_what_is_not_at_once_for_certain_is_nothing(
    school: ObservingOfTest, first: dict[str, Any], second: dict[str, Any]
) -> None:
    take(school, **first)
    take(school, **{"id": "radius-2", "device": OTHER_DEVICE, **second})
    assert two_devices(school) == []


def test_two_devices_are_told_once_however_often_the_sign_ins_are(school: ObservingOfTest) -> None:
    for _ in range(3):
        take(school, until_at=NOW)
        take(school, id="radius-2", device=OTHER_DEVICE, until_at=NOW)
    assert len(two_devices(school)) == 1


@pytest.mark.parametrize(
    ("later", "changes", "is_again"),
    [
        pytest.param(HOUR, {"until_at": NOW + HOUR}, False, id="an-end-told-in-time"),
        pytest.param(HOUR, {"until_at": NOW}, True, id="an-end-told-late"),
        pytest.param(HOUR, {}, False, id="it-goes-on"),
        pytest.param(11 * HOUR, {}, True, id="it-goes-on-after-it-seemed-over"),
        pytest.param(HOUR, {"from_at": NOW - 2 * HOUR}, True, id="it-began-before"),
    ],
)
def test_what_was_weighed_by_another_time_is_looked_at_again(
    school: ObservingOfTest, later: timedelta, changes: dict[str, Any], is_again: bool
) -> None:
    take(school)
    school.look()
    assert presence(school).looked_back_at == NOW
    school.now += later
    take(school, **changes)
    assert (presence(school).looked_back_at is None) is is_again


def test_who_knows_the_pseudonyms_keeps_a_sign_in_by_them(school: ObservingOfTest) -> None:
    person, device = school.pseudonym("pupil"), school.device(OTHER_DEVICE)
    kept = Presence("laptop-1", device, person, SignIn.ATTESTED, NOW - HOUR, NOW, audience=Audience.PUPIL)
    with school.store.act() as act:
        assert school.observing.sign_ins.keep(act, kept)
    assert presence(school, "laptop-1") == kept
    take(school, kind=SignIn.ATTESTED)
    assert [facts["kind"] for facts in two_devices(school)] == ["account_sharing"]
