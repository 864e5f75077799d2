"""Evidence of one incident: what it holds, for whom, and that it was handed out is on record."""

from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE, REASON, WHY, IncidentsOfTest, on_track

from agent.incidents.incident_export import EXPORTED
from agent.incidents.incident_letters import Wanted
from agent.incidents.incident_reports import Report
from agent.incidents.incident_steps import Referral
from agent.people.attempts import UnknownIdError
from agent.record.evidence import Evidence, read
from agent.storage.access_rows import Seen, read_accesses
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.letter_rows import LetterKind
from agent.storage.record import verify_file
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.incident_kind import Kind

POLICE = "For the police, who asked for it"


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def export(school: IncidentsOfTest, filed: Filed, by: str = "head", **changes: Any) -> Evidence:
    values: dict[str, Any] = {"purpose": POLICE, "case": filed.number} | changes
    return read(school.incidents.exports.export(school.ids[by], filed.incident.id, **values))


def worked_off(school: IncidentsOfTest) -> Filed:
    """Give an incident about which much was done."""
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.join(filed, name=None, id="o-second")
    school.accept(filed, "head", "P13")
    number = next(each.number for each in school.steps(filed) if each.action == "refer_slt")
    done, police = school.incidents.steps.done, Referral("The police", "CAD 4711")
    done(school.ids["head"], filed.incident.id, number, how="Called them at once", referral=police)
    school.do_all(filed)
    school.incidents.letters.draft(
        school.ids["head"], filed.incident.id, Wanted(LetterKind.PARENTS), purpose=PURPOSE, case=filed.number
    )
    version = school.filed(filed).version
    school.incidents.corrections.hold(school.ids["head"], filed.incident.id, version=version, reason=REASON)
    return school.filed(filed)


def test_it_holds_what_was_observed_decided_done_and_looked_at(school: IncidentsOfTest) -> None:
    filed = worked_off(school)
    found = export(school, filed).document
    assert (found["case"], found["school"], found["purpose"]) == (filed.number, school.site.school.name, POLICE)
    assert found["incident"]["incident"]["row"] == "P13"
    assert found["incident"]["why_deliberate"] == WHY
    names = {entry["personal"].get("name") for entry in found["timeline"] if entry["personal"]}
    assert "bet.example" in names
    assert {"referred_to": "The police", "reference": "CAD 4711"}.items() <= next(
        step for step in found["steps"] if step["reference"]
    ).items()
    assert [(letter["kind"], letter["text"]) for letter in found["letters"]] == [("parents", None)]
    assert [warning["row"] for warning in found["warnings"]] == ["P13", "P13"]
    assert [access["seen"] for access in found["accesses"]] == ["letter", "export"]
    assert found["people"] == {school.ids["head"]: "Head"}
    kinds = [row["kind"] for row in found["record"]["rows"]]
    assert kinds == [kind for kind in school.kinds() if kind.startswith("incident_")]
    assert kinds[-1] == EXPORTED
    assert found["record"]["chain"]["is_whole"]
    assert verify_file(school.store.path).is_whole


def test_it_names_nobody_who_is_not_asked_for(school: IncidentsOfTest) -> None:
    filed = school.open()
    without = export(school, filed).document
    assert (without["about"], school.ids["pupil"] in str(without), "Pupil" in str(without)) == (None, False, False)
    named = export(school, filed, with_names=True).document
    assert named["about"] == {"id": school.ids["pupil"], "name": "Pupil"}
    assert school.kinds()[-2:] == ["subject_revealed", EXPORTED]


def test_that_it_was_handed_out_is_on_the_record_and_the_register(school: IncidentsOfTest) -> None:
    filed = school.open()
    evidence = export(school, filed)
    assert school.kinds()[-1] == EXPORTED
    assert POLICE not in school.record()[-1][2]
    with school.store.read() as database:
        (access,) = read_accesses(database, incident=filed.incident.id)
    assert (access.seen, access.purpose, access.person) == (Seen.EXPORT, POLICE, school.ids["head"])
    again = export(school, filed)
    assert set(evidence.rows.items()) < set(again.rows.items())


def test_what_is_held_stays_held(school: IncidentsOfTest) -> None:
    filed = worked_off(school)
    export(school, filed)
    after = school.filed(filed)
    assert (after.is_held, after.version, after.incident.state) == (True, filed.version, State.ACCEPTED)


@pytest.mark.parametrize(
    ("track", "readers"),
    [
        pytest.param(Track.ORDINARY, {"head", "coordinator", "lead"}, id="ordinary"),
        pytest.param(Track.SAFEGUARDING, {"head", "lead"}, id="safeguarding"),
        pytest.param(Track.RESTRICTED, {"head", "deputy"}, id="restricted"),
    ],
)
def test_only_who_reads_it_hands_it_out(school: IncidentsOfTest, track: Track, readers: set[str]) -> None:
    filed = on_track(school, track)
    found = set()
    for name in school.ids:
        try:
            export(school, filed, name, with_names=True)
        except UnknownIdError:
            continue
        found.add(name)
    assert found == readers


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"purpose": ""}, "There is no purpose", id="no-purpose"),
        pytest.param({"case": 99}, "Case 99 is another one", id="another-case"),
    ],
)
def test_nothing_is_handed_out_without_a_purpose_and_its_case(
    school: IncidentsOfTest, changes: dict[str, Any], says: str
) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match=says):
        export(school, filed, **changes)
    assert school.kinds()[1:] == ["rule_refused"]
    with school.store.read() as database:
        assert database.execute("SELECT count(*) FROM incident_timeline").fetchone()[0] == 1


def test_of_a_device_there_is_nobody_to_name(school: IncidentsOfTest) -> None:
    filed = school.open(about="")
    with pytest.raises(RefusedRequestError, match="so there is nobody to reveal"):
        export(school, filed, with_names=True)
    assert export(school, filed).document["about"] is None


def test_a_record_that_was_touched_says_so_and_is_handed_out_all_the_same(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.open(Kind.GAMES)
    with school.store.act() as act:
        act.database.execute("DROP TRIGGER audit_is_never_changed")
        query = "UPDATE audit SET actor = 'p99' WHERE kind = 'incident_opened' AND subject <> ?"
        act.database.execute(query, (filed.incident.id,))
    chain = export(school, filed).document["record"]["chain"]
    assert (chain["is_whole"], chain["why"].startswith("Row ")) == (False, True)


# ---- what is sealed ------------------------------------------------------------------------------------------------


def unseal(school: IncidentsOfTest, filed: Filed, *people: str) -> None:
    for name in people:
        school.incidents.sealed.unseal(school.ids[name], filed.incident.id, purpose=PURPOSE, case=filed.number)


def test_what_is_sealed_takes_the_two_who_unsealed_it(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    with pytest.raises(RefusedRequestError, match="is sealed; two people"):
        export(school, filed)
    unseal(school, filed, "head")
    with pytest.raises(RefusedRequestError, match="is sealed; two people"):
        export(school, filed)
    unseal(school, filed, "lead")
    with pytest.raises(RefusedRequestError, match="is sealed; two people"):
        export(school, filed, "coordinator")
    assert export(school, filed, "lead").document["is_sealed"]
    school.later(minutes=31)
    with pytest.raises(RefusedRequestError, match="is sealed; two people"):
        export(school, filed)


def test_what_is_sealed_holds_no_name_no_address_and_nothing_that_anybody_wrote(school: IncidentsOfTest) -> None:
    awful = "Somebody showed us awful.example on the screen"
    told = Report(awful, kind=Kind.ILLEGAL, about=school.ids["pupil"])
    school.incidents.reports.report(school.ids["teacher"], told)
    with school.store.read() as database:
        (filed,) = read_incidents(database)
    school.join(filed, id="o-second", at=NOW)
    for number, step in enumerate(school.steps(school.accept(filed, "head", "P01"))):
        how = f"Told the police of awful.example by Pupil, {number}"
        school.incidents.steps.done(school.ids["head"], filed.incident.id, step.number, how=how, outcome=how)
    purpose = "For the police about awful.example"
    for name in ("head", "lead"):
        school.incidents.sealed.unseal(school.ids[name], filed.incident.id, purpose=purpose, case=filed.number)
    with pytest.raises(RefusedRequestError, match="names nobody; expected it without names"):
        export(school, filed, with_names=True)
    found = export(school, filed, purpose=purpose).document
    for word in ("awful", "bet.example", "Pupil", "Teacher", "Head", school.ids["pupil"] + '"'):
        assert word not in str(found), word
    assert all(entry["personal"] is None and entry["key"] is None for entry in found["timeline"])
    assert len([entry["hash"] for entry in found["timeline"] if entry["observation"]]) == 2
    assert found["accesses"][-1]["seen"] == "export"
