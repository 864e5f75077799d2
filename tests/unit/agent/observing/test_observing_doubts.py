"""Sign-ins that are told late: a candidate loses its person, and what people decided about is theirs to put right."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE
from observing_of_test import GAMBLING, MINUTE, OTHER_DEVICE, PUPIL_DEVICE, ObservingOfTest

from agent.incidents.incident_doubts import DOUBTED
from agent.observing.observing_told import ToldEvent
from agent.sites.site import ActivityLevel
from agent.storage.incident_rows import Filed
from agent.storage.presence_rows import SignIn
from agent.storage.timeline_rows import read_timeline
from rules.incident import Level, State
from rules.observation import Confidence

BEFORE, AFTER = NOW - timedelta(minutes=30), NOW + timedelta(hours=1)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[ObservingOfTest]:
    opened = ObservingOfTest(tmp_path)
    yield opened
    opened.store.close()


def candidate(school: ObservingOfTest, **sign_in: Any) -> Filed:
    """Give what a pupil asked for within a few minutes, an hour later."""
    school.sign_in("pupil", **sign_in)
    school.ask(*GAMBLING)
    school.now = AFTER
    school.look()
    (filed,) = school.filed_all()
    assert (filed.incident.subject, filed.incident.level) == (school.pseudonym("pupil"), Level.PERSON)
    return filed


LATE: dict[str, dict[str, Any]] = {
    "somebody-else-at-the-device": {"name": "other_pupil", "from_at": NOW + MINUTE, "until_at": NOW + 3 * MINUTE},
    "several-at-the-device": {"name": "", "kind": SignIn.SHARED, "from_at": BEFORE, "until_at": AFTER},
    "somebody-unknown-at-the-device": {"name": "visitor", "from_at": BEFORE, "until_at": AFTER},
    "they-were-at-another-device": {"name": "pupil", "device": OTHER_DEVICE, "from_at": NOW, "until_at": AFTER},
    "they-had-left": {"name": "pupil", "id": f"pupil@{PUPIL_DEVICE}", "from_at": BEFORE, "until_at": NOW - MINUTE},
}
WHY = ("several_people", "shared_account", "unknown_account", "two_devices", "address_only")


@pytest.mark.parametrize(("late", "why"), list(zip(LATE, WHY, strict=True)), ids=LATE)
def test_a_candidate_loses_its_person(school: ObservingOfTest, late: str, why: str) -> None:
    filed = candidate(school)
    viewer, case = school.ids["lead"], filed.number
    school.incidents.looking.get(viewer, filed.incident.id, purpose=PURPOSE, case=case)
    school.sign_in(**LATE[late])
    school.look()

    after = school.filed(filed)
    assert (after.incident.subject, after.incident.level) == (school.device(), Level.DEVICE)
    assert after.incident.state is State.CANDIDATE
    assert not after.incident.confidence.is_personal
    assert why in after.why_identity
    assert after.version > filed.version
    lost = after.incident.against[-1]
    assert lost.code == "identity_lost"
    assert 0 < lost.numbers["entries"] <= lost.numbers["of"]
    assert school.kinds()[-1] == DOUBTED
    assert school.pseudonym("pupil") not in school.record()[-1][2]
    assert school.told[-1] == (DOUBTED, case, ("coordinator", "lead"))
    with school.store.read() as database:
        assert read_timeline(database, filed.incident.id)[-1].what == DOUBTED


def test_nothing_of_it_comes_back_to_the_person_afterwards(school: ObservingOfTest) -> None:
    filed = candidate(school)
    school.sign_in("other_pupil", from_at=BEFORE, until_at=AFTER)
    school.look()
    school.look()
    school.begin()
    school.look()
    assert [each.incident.subject for each in school.filed_all()] == [school.device()]
    school.sign_in("pupil", id="later", from_at=AFTER, until_at=AFTER + timedelta(hours=1))
    school.ask("one-more-bet.example", at=AFTER + MINUTE)
    school.now += timedelta(hours=1)
    school.look()
    assert [each.incident.subject for each in school.filed_all()] == [school.device()], (
        "what is not theirs weighs nothing"
    )
    assert school.filed(filed).incident.against[-1].code == "identity_lost"


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"name": "other_pupil", "from_at": NOW + timedelta(minutes=30)}, id="somebody-after-them"),
        pytest.param({"name": "other_pupil", "from_at": BEFORE, "until_at": NOW - MINUTE}, id="somebody-before-them"),
        pytest.param({"name": "other_pupil", "device": OTHER_DEVICE, "from_at": BEFORE}, id="at-another-device"),
        pytest.param(
            {"name": "pupil", "id": "again", "from_at": BEFORE, "until_at": AFTER}, id="themselves-once-more"
        ),
        pytest.param(
            {"name": "pupil", "id": f"pupil@{PUPIL_DEVICE}", "from_at": BEFORE, "until_at": AFTER},
            id="they-left-after-it",
        ),
    ],
)
def test_what_says_nothing_else_of_that_time_changes_nothing(school: ObservingOfTest, told: dict[str, Any]) -> None:
    filed = candidate(school)
    school.sign_in(**told)
    school.look()
    assert school.filed(filed) == filed
    assert DOUBTED not in school.kinds()


def test_of_what_is_accepted_whoever_accepted_it_is_told_once_and_puts_it_right(school: ObservingOfTest) -> None:
    filed = candidate(school)
    school.accept(filed, "coordinator", "P02")
    for number in range(2):
        school.sign_in("other_pupil", id=f"late-{number}", from_at=BEFORE, until_at=AFTER)
        school.look()
    after = school.filed(filed)
    assert (after.incident.subject, after.incident.state) == (school.pseudonym("pupil"), State.ACCEPTED)
    assert school.kinds().count(DOUBTED) == 1
    assert school.told[-1] == (DOUBTED, filed.number, ("coordinator",))
    corrected = school.incidents.decisions.correct(
        school.ids["coordinator"], filed.incident.id, version=after.version, reason="Two of them sat at that device"
    )
    assert corrected.incident.subject == ""


@pytest.mark.parametrize("level", [ActivityLevel.COUNTS, ActivityLevel.BLOCKED])
def test_what_a_device_attested_is_doubted_where_somebody_else_was_there_too(
    school: ObservingOfTest, level: ActivityLevel
) -> None:
    school.keep(level)
    event = ToldEvent("e1", "malware", NOW, PUPIL_DEVICE, account=school.ids["pupil"], signals=2)
    school.tell(event)
    school.look()
    (filed,) = school.filed_all()
    assert filed.incident.confidence is Confidence.A
    school.sign_in("other_pupil", id="before", from_at=NOW - 2 * MINUTE, until_at=NOW - MINUTE)
    school.look()
    assert school.filed(filed) == filed
    school.sign_in("other_pupil", from_at=NOW - MINUTE, until_at=NOW + MINUTE)
    school.look()
    assert school.filed(filed).why_identity == ("several_people",)
    assert school.filed(filed).incident.subject == school.device()


def test_a_sign_in_that_goes_on_after_it_seemed_over_is_looked_at_again(school: ObservingOfTest) -> None:
    school.sign_in("other_pupil", id="long", from_at=NOW - timedelta(hours=11))
    with school.store.act() as act:
        early = (NOW - timedelta(hours=11)).isoformat(timespec="microseconds")
        act.database.execute("UPDATE presences SET told_at = ?", (early,))
    filed = candidate(school)
    school.sign_in("other_pupil", id="long", from_at=NOW - timedelta(hours=11))
    school.look()
    assert school.filed(filed).incident.level is Level.DEVICE


def test_warnings_of_a_person_propose_nothing_for_a_device(school: ObservingOfTest) -> None:
    school.warned()
    filed = candidate_after_a_warning(school)
    assert "P11" in filed.incident.rows
    school.sign_in("other_pupil", from_at=BEFORE, until_at=AFTER + timedelta(hours=2))
    school.look()
    after = school.filed(filed)
    assert (after.warnings, "P11" in after.incident.rows, after.incident.rows[:1]) == ((), False, ("P02",))


def candidate_after_a_warning(school: ObservingOfTest, at: datetime = NOW) -> Filed:
    school.sign_in("pupil")
    school.ask(*GAMBLING, at=at)
    school.now = AFTER
    school.look()
    return next(each for each in school.filed_all() if each.incident.kind == "gambling")
