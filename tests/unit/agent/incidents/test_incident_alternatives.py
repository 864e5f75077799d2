"""What an incident about an account may be instead: chosen by a person, and then about nobody who is only guessed."""

from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import REASON, WHY, IncidentsOfTest

from agent.storage.incident_rows import Filed
from rules.assess import assess
from rules.assessment import AssessmentRules
from rules.errors import RefusedRequestError
from rules.incident import Intent, Level, State
from rules.incident_kind import Kind
from rules.observation import OTHER_DEVICE, Confidence, Source
from rules.subject import Audience

ROWS = {
    (Audience.PUPIL, Kind.ACCOUNT_SHARING): ("P06",),
    (Audience.PUPIL, Kind.OTHER_ACCOUNT): ("P07",),
    (Audience.STAFF, Kind.ACCOUNT_SHARING): ("S04",),
}


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def two_devices(school: IncidentsOfTest, about: str = "pupil", other: str = "d-other") -> Filed:
    """File an account that was in use at two devices; the other one may be unknown."""
    facts: dict[str, Any] = {"kind": "account_sharing", "signals": 1, "is_weak": False, OTHER_DEVICE: other}
    changes: dict[str, Any] = {"confidence": Confidence.B, "name": None, "category": "", "facts": facts}
    observed = school.observation(about, source=Source.ENDPOINT, why_identity=("two_devices",), **changes)
    with school.store.act() as act:
        return school.incidents.open(act, observed, assess(observed, (), AssessmentRules({}, ROWS)))


def accept(school: IncidentsOfTest, filed: Filed, row: str) -> Filed:
    who, known_as = school.ids["coordinator"], filed.incident.id
    school.incidents.decisions.accept(
        who, known_as, version=school.filed(filed).version, row=row, deliberate=Intent.UNCLEAR, why=WHY
    )
    return school.filed(filed)


def reclassify(school: IncidentsOfTest, filed: Filed, kind: Kind) -> Filed:
    who, version = school.ids["coordinator"], school.filed(filed).version
    school.incidents.decisions.reclassify(who, filed.incident.id, version=version, kind=kind, reason=REASON)
    return school.filed(filed)


def test_accepted_as_sharing_it_stays_with_whose_account_it_is(school: IncidentsOfTest) -> None:
    filed = accept(school, two_devices(school), "P06")
    assert (filed.incident.subject, filed.incident.level) == (school.pseudonym("pupil"), Level.PERSON)


def test_accepted_as_somebody_elses_doing_it_is_about_the_other_device(school: IncidentsOfTest) -> None:
    filed = two_devices(school)
    assert filed.incident.rows == ("P06", "P07")
    incident = accept(school, filed, "P07").incident
    assert (incident.kind, incident.row, incident.state) == (Kind.OTHER_ACCOUNT, "P07", State.ACCEPTED)
    assert (incident.subject, incident.level, incident.confidence) == ("d-other", Level.DEVICE, Confidence.C)


def test_a_candidate_that_was_put_under_it_waits_for_whom_people_know(school: IncidentsOfTest) -> None:
    filed = reclassify(school, two_devices(school), Kind.OTHER_ACCOUNT)
    assert (filed.incident.subject, filed.incident.rows) == ("d-other", ("P07",))
    school.incidents.corrections.name_subject(
        school.ids["coordinator"],
        filed.incident.id,
        version=filed.version,
        subject=school.ids["other_pupil"],
        reason=REASON,
    )
    named = school.filed(filed).incident
    assert (named.subject, named.rows) == (school.pseudonym("other_pupil"), ("P07",))


@pytest.mark.parametrize("kind", [Kind.OTHER_ACCOUNT, Kind.STAFF_ACCOUNT])
def test_of_an_account_of_staff_the_one_row_is_about_either(school: IncidentsOfTest, kind: Kind) -> None:
    incident = reclassify(school, two_devices(school, "teacher"), kind).incident
    assert (incident.rows, incident.level, incident.subject) == (("S04",), Level.DEVICE, "d-other")


def test_what_was_accepted_about_somebody_is_corrected_first(school: IncidentsOfTest) -> None:
    filed = accept(school, two_devices(school), "P06")
    with pytest.raises(RefusedRequestError, match="expected a correction"):
        reclassify(school, filed, Kind.OTHER_ACCOUNT)


@pytest.mark.parametrize(
    ("filed_as", "kind"),
    [
        pytest.param("", Kind.OTHER_ACCOUNT, id="no-other-device-is-known"),
        pytest.param("d-other", Kind.GAMES, id="something-else-again"),
    ],
)
def test_everything_else_stays_about_whom_it_was(school: IncidentsOfTest, filed_as: str, kind: Kind) -> None:
    filed = reclassify(school, two_devices(school, other=filed_as), kind)
    assert (filed.incident.subject, filed.incident.kind) == (school.pseudonym("pupil"), kind)
