"""An account in use where it is not expected: what that tells, of whom, and what tells nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from observing_of_test import MINUTE, OTHER_DEVICE, PUPIL_DEVICE, STAFF_DEVICE, ObservingOfTest

from agent.observing.accounts_in_use import CHANGEOVER
from agent.storage.incident_rows import Filed
from agent.storage.presence_rows import SignIn
from rules.incident import Level, Reason
from rules.incident_kind import Kind
from rules.observation import Confidence
from rules.subject import Audience

HOUR = timedelta(hours=1)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    yield opened
    opened.store.close()


def at_two(school: ObservingOfTest, name: str, *devices: str, **changes: Any) -> None:
    """Let one account be in use at devices at once for an hour."""
    for device in devices or (PUPIL_DEVICE, OTHER_DEVICE):
        values: dict[str, Any] = {"kind": SignIn.ATTESTED, "from_at": NOW - HOUR, "until_at": NOW, **changes}
        school.sign_in(name, device=device, **values)
    school.look()


def of_kind(school: ObservingOfTest, kind: Kind) -> list[Filed]:
    return [each for each in school.filed_all() if each.incident.kind is kind]


def share(school: ObservingOfTest, device: str) -> None:
    """Let a device be one that several use."""
    year5, *others = school.site.groups
    school.site = replace(school.site, groups=(replace(year5, devices=(device,), is_shared=True), *others))


# ---- at two devices ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "devices", "rows"),
    [
        pytest.param("pupil", (PUPIL_DEVICE, OTHER_DEVICE), ("P06", "P07"), id="a-pupils-account"),
        pytest.param("teacher", (STAFF_DEVICE, "192.0.2.131"), ("S04",), id="an-account-of-staff"),
    ],
)
def test_it_is_about_the_account_with_what_it_may_be_instead(
    school: ObservingOfTest, name: str, devices: tuple[str, ...], rows: tuple[str, ...]
) -> None:
    at_two(school, name, *devices)
    (filed,) = school.filed_all()
    assert (filed.incident.kind, filed.incident.rows) == (Kind.ACCOUNT_SHARING, rows)
    assert (filed.incident.subject, filed.why_identity) == (school.pseudonym(name), ("two_devices",))
    assert [each.code for each in filed.incident.reasons] == ["signals", "used_by_another"]
    assert filed.incident.against == (Reason("not_signed_out"),)
    assert filed.incident.intent == 60, "no more than it takes for anybody to look"


@pytest.mark.parametrize(
    ("apart", "is_told"),
    [
        pytest.param(CHANGEOVER - MINUTE, False, id="no-longer-than-a-changeover"),
        pytest.param(CHANGEOVER, True, id="longer"),
    ],
)
@pytest.mark.parametrize("is_first_short", [True, False])
def test_a_changeover_is_nothing(
    school: ObservingOfTest, apart: timedelta, *, is_told: bool, is_first_short: bool
) -> None:
    began = NOW - HOUR
    first, second = (apart, HOUR) if is_first_short else (HOUR, apart)
    for device, lasts in ((PUPIL_DEVICE, first), (OTHER_DEVICE, second)):
        school.sign_in("pupil", device=device, kind=SignIn.ATTESTED, from_at=began, until_at=began + lasts)
    school.look()
    assert bool(school.filed_all()) is is_told


@pytest.mark.parametrize("device", [PUPIL_DEVICE, OTHER_DEVICE])
def test_a_device_that_several_share_raises_nothing(school: ObservingOfTest, device: str) -> None:
    share(school, device)
    at_two(school, "pupil")
    assert school.filed_all() == []


@pytest.mark.parametrize("is_first", [True, False])
def test_who_waits_behind_another_at_the_same_screen_raises_nothing(
    school: ObservingOfTest, *, is_first: bool
) -> None:
    device = PUPIL_DEVICE if is_first else OTHER_DEVICE
    school.sign_in("other_pupil", device=device, kind=SignIn.ATTESTED, from_at=NOW - HOUR / 2, until_at=NOW)
    at_two(school, "pupil")
    assert of_kind(school, Kind.ACCOUNT_SHARING) == []


# ---- an account of staff at a device of pupils ---------------------------------------------------------------------


def test_an_account_of_staff_at_a_device_of_pupils_is_about_the_device(school: ObservingOfTest) -> None:
    at_two(school, "teacher", PUPIL_DEVICE)
    (filed,) = school.filed_all()
    incident = filed.incident
    assert (incident.kind, incident.rows, incident.audience) == (Kind.STAFF_ACCOUNT, ("P08",), Audience.PUPIL)
    assert (incident.subject, incident.level) == (school.device(), Level.DEVICE), "who it was, nobody knows"
    assert (incident.confidence, filed.why_identity) == (Confidence.C, ("staff_at_pupil_device",))
    assert (incident.intent, incident.against) == (60, (Reason("own_account"),))


def test_so_it_is_where_the_device_was_a_pupils_that_hour(school: ObservingOfTest) -> None:
    school.sign_in("pupil", device=STAFF_DEVICE, kind=SignIn.ATTESTED, from_at=NOW - 2 * HOUR, until_at=NOW - HOUR)
    at_two(school, "teacher", STAFF_DEVICE)
    (filed,) = of_kind(school, Kind.STAFF_ACCOUNT)
    assert (filed.incident.rows, filed.incident.subject) == (("P08",), school.device(STAFF_DEVICE))


def test_where_it_is_in_use_elsewhere_as_well_both_are_looked_at(school: ObservingOfTest) -> None:
    at_two(school, "teacher", STAFF_DEVICE, PUPIL_DEVICE)
    (holder,), (device,) = of_kind(school, Kind.ACCOUNT_SHARING), of_kind(school, Kind.STAFF_ACCOUNT)
    assert (holder.incident.subject, holder.incident.rows) == (school.pseudonym("teacher"), ("S04",))
    assert (device.incident.subject, device.incident.rows) == (school.device(), ("P08",))
    assert device.incident.intent > holder.incident.intent


@pytest.mark.parametrize(
    ("name", "device", "changes"),
    [
        pytest.param("teacher", STAFF_DEVICE, {}, id="at-a-device-of-staff"),
        pytest.param("pupil", PUPIL_DEVICE, {}, id="a-pupils-own-account"),
        pytest.param("teacher", PUPIL_DEVICE, {"kind": SignIn.LOGON}, id="a-telephone-on-the-pupils-network"),
        pytest.param("teacher", PUPIL_DEVICE, {"from_at": NOW - 5 * MINUTE}, id="a-moment-to-help"),
        pytest.param("teacher", PUPIL_DEVICE, {"kind": SignIn.SHARED}, id="an-account-of-several"),
    ],
)
def test_nothing_comes_of_it(school: ObservingOfTest, name: str, device: str, changes: dict[str, Any]) -> None:
    at_two(school, name, device, **changes)
    assert (school.filed_all(), school.notes()) == ([], [])


def test_a_shared_trolley_raises_nothing(school: ObservingOfTest) -> None:
    share(school, PUPIL_DEVICE)
    at_two(school, "teacher", PUPIL_DEVICE)
    assert school.filed_all() == []


def test_a_teacher_who_was_at_the_device_before_is_no_pupil(school: ObservingOfTest) -> None:
    for name, minutes in (("pupil", 100), ("five", 70)):
        began = NOW - minutes * MINUTE
        until = began + CHANGEOVER - MINUTE
        school.sign_in(name, device=STAFF_DEVICE, kind=SignIn.ATTESTED, from_at=began, until_at=until)
    at_two(school, "teacher", STAFF_DEVICE)
    assert school.filed_all() == []


def test_whoever_else_is_signed_in_there_at_the_time_may_have_it(school: ObservingOfTest) -> None:
    school.sign_in("pupil", device=PUPIL_DEVICE, kind=SignIn.ATTESTED, from_at=NOW - HOUR, until_at=NOW)
    at_two(school, "teacher", PUPIL_DEVICE)
    assert of_kind(school, Kind.STAFF_ACCOUNT) == []


def test_it_is_told_once_however_often_the_sign_in_is(school: ObservingOfTest) -> None:
    for minutes in (20, 10, 0):
        at_two(school, "teacher", PUPIL_DEVICE, until_at=NOW - minutes * MINUTE)
    assert len(school.filed_all()) == 1
