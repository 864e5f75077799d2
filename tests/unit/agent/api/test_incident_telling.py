"""How incidents are told: in the school's own words, and a group by the most urgent of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from incidents_of_test import IncidentsOfTest

from agent.api.incident_telling import somebody, tell, tell_all, tell_group
from agent.incidents.incident_access import Viewed
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_queue import Group, Listed, Member
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import Entry
from rules.incident import Incident, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.incident_weight import Weight
from rules.observation import Confidence
from rules.subject import Audience

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
TABLE = load_pack("uk-esafety").sanctions["pupil"]


def filed(
    number: int,
    subject: str = "p-one",
    *,
    kind: Kind = Kind.GAMBLING,
    track: Track = Track.ORDINARY,
    intent: int = 50,
    began: timedelta = timedelta(),
    row: str | None = None,
) -> Filed:
    incident = Incident(
        id=f"i{number}",
        kind=kind,
        risk=Risk.CONDUCT,
        audience=Audience.PUPIL,
        subject=subject,
        level=Level.PERSON,
        confidence=Confidence.B,
        track=track,
        state=State.CANDIDATE,
        rows=("P02", "P04"),
        intent=intent,
        reasons=(Reason("sites", 40, {"sites": 9, "minutes": 6}),),
        against=(),
        opened_at=NOW + began,
        last_at=NOW + began,
        row=row,
    )
    return Filed(incident, number=number, version=3, filed_at=NOW + timedelta(seconds=number))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return IncidentsOfTest(tmp_path_factory.mktemp("school")).incidents.desk


def test_rows_in_the_schools_own_words(desk: Desk) -> None:
    shown = tell_all(Viewed(filed(1, row="P10"), ()), {}, desk)
    assert [each.row for each in shown.proposals] == ["P10", "P02", "P04"]
    assert shown.proposals[0].label == TABLE.rows["P10"].label.in_language("en")
    assert [each.id for each in shown.proposals[0].actions] == list(TABLE.rows["P10"].actions)


def test_without_a_table_nothing_is_proposed(tmp_path: Path) -> None:
    desk = IncidentsOfTest(tmp_path, packs=()).incidents.desk
    assert tell_all(Viewed(filed(1), ()), {}, desk).proposals == []


def test_a_timeline_names_who_did_something_and_hides_what_is_erased(desk: Desk) -> None:
    entry = Entry(NOW, "incident_accepted", "p7", {"row": "P02"}, None, "", "", "0" * 64, 31)
    (told,) = tell_all(Viewed(filed(1), (entry,)), {"p7": "Ben"}, desk).timeline
    assert (told.number, told.actor.name, told.content, told.personal) == (1, "Ben", {"row": "P02"}, None)


def test_nobody_is_nobody(desk: Desk) -> None:
    assert somebody("", {}) is None
    assert tell(filed(1), {}, desk).decided_by is None


def test_by_when_somebody_decides_about_what_waits(desk: Desk) -> None:
    waits = filed(1, track=Track.SAFEGUARDING)
    assert tell(waits, {}, desk).decide_by == waits.filed_at + timedelta(hours=1)
    over = replace(waits, incident=replace(waits.incident, state=State.CLOSED))
    assert tell(over, {}, desk).decide_by is None


def test_reasons_in_words(desk: Desk) -> None:
    told = tell_all(Viewed(filed(1), ()), {}, desk).reasons
    assert [(each.code, each.points, each.text) for each in told] == [
        ("sites", 40, "9 different names (gambling) in 6 minutes")
    ]


def test_a_reason_that_was_stored_without_its_numbers_is_told_by_its_code(desk: Desk) -> None:
    known = filed(1)
    old = replace(known, incident=replace(known.incident, reasons=(Reason("sites"), Reason("no_longer_used"))))
    assert [each.text for each in tell_all(Viewed(old, ()), {}, desk).reasons] == ["sites", "no longer used"]


def test_a_group_is_told_by_the_most_urgent_of_it(desk: Desk) -> None:
    members = tuple(Member(f"i{number}", number, 3) for number in (1, 2, 3))
    group = Group(members, (filed(2), filed(1)), NOW, NOW + timedelta(hours=2), Weight.LOW, 4, 5)
    told = tell_group(group, {}, desk)
    assert [each.number for each in told.members] == [1, 2, 3]
    assert [each.number for each in told.shown] == [2, 1]
    assert (told.weight, told.alike.of_subject, told.alike.in_burst) == (Weight.LOW, 4, 5)


def test_beside_one_of_a_list_is_how_much_is_like_it(desk: Desk) -> None:
    told = tell(filed(1), {}, desk, listed=Listed(filed(1), of_subject=2, in_burst=3)).alike
    assert told is not None
    assert (told.of_subject, told.in_burst) == (2, 3)
