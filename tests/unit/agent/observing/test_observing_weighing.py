"""One act of weighing: what comes of it is filed in it, with what led to it, and counted."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, IncidentsOfTest

from agent.observing.observing_weighing import Weighing
from agent.sites.site_assessment import site_assessment
from agent.storage.incident_rows import read_incidents
from agent.storage.note_rows import read_notes
from agent.storage.state import instant_text
from agent.storage.timeline_rows import read_timeline
from rules.assess import Outcome
from rules.memory import Memory
from rules.name import DomainName
from rules.observation import Observation

MINUTE = timedelta(minutes=1)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[IncidentsOfTest]:
    opened = IncidentsOfTest(tmp_path)
    yield opened
    opened.store.close()


def tries(school: IncidentsOfTest, number: int, about: str = "pupil", **changes: Any) -> list[Observation]:
    return [
        school.observation(
            about,
            **{
                "id": f"{about}-{place}",
                "at": NOW + place * MINUTE,
                "received_at": NOW + timedelta(hours=1),
                "name": DomainName(f"bets{place}.example"),
                **changes,
            },
        )
        for place in range(number)
    ]


def weigh(school: IncidentsOfTest, *observed: Observation, memory: Memory | None = None) -> Weighing:
    rules = site_assessment(school.site, school.incidents.desk.packs())
    with school.store.act() as act:
        weighing = Weighing(act, school.incidents, rules, memory or Memory(rules), since=NOW)
        for each in observed:
            weighing.take(each)
    return weighing


def test_what_led_to_a_candidate_stands_in_its_timeline(school: IncidentsOfTest) -> None:
    weighing = weigh(school, *tries(school, 6))
    with school.store.read() as database:
        (filed,) = read_incidents(database)
        names = [each.personal for each in read_timeline(database, filed.incident.id, with_personal=True)]
    assert names == [{"name": f"bets{place}.example"} for place in range(6)]
    assert sum(weighing.counts.values()) == 6
    assert weighing.counts[Outcome.OPENS.value, ""] == 1


def test_parts_of_pages_do_not_stand_in_it(school: IncidentsOfTest) -> None:
    part = tries(school, 1, name=DomainName("cdn.bets9.example"), id="part", at=NOW - MINUTE)
    weigh(school, *part, *tries(school, 6))
    with school.store.read() as database:
        (filed,) = read_incidents(database)
        assert len(read_timeline(database, filed.incident.id)) == 6


def test_a_device_is_noted(school: IncidentsOfTest) -> None:
    weighing = weigh(school, *tries(school, 6, ""))
    with school.store.read() as database:
        assert read_incidents(database) == []
        assert [note.times for note in read_notes(database)] == [weighing.counts[Outcome.NOTES.value, ""]]


def test_what_is_on_file_already_is_seen(school: IncidentsOfTest) -> None:
    observed = tries(school, 6)
    weigh(school, *observed)
    again = weigh(school, *observed)
    assert again.counts["ignored", "seen"] >= 1
    assert again.counts[Outcome.OPENS.value, ""] == 0
    with school.store.read() as database:
        (filed,) = read_incidents(database)
        assert len(read_timeline(database, filed.incident.id)) == 6


def grant(school: IncidentsOfTest, *, groups: list[str], until: datetime, categories: list[str]) -> None:
    lift = {
        "names": ["bets0.example"],
        "categories": [],
        "lifts_of": {"bets0.example": categories},
        "audiences": [],
        "groups": groups,
        "from_at": instant_text(NOW - MINUTE),
        "until_at": instant_text(until),
    }
    with school.store.act() as act:
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at)"
            " VALUES ('o1', ?, ?, 'A lesson', 'approved', ?, ?, ?)",
            (school.ids["teacher"], json.dumps(lift), lift["from_at"], lift["from_at"], lift["until_at"]),
        )


@pytest.mark.parametrize(
    ("granted", "is_said"),
    [
        pytest.param({}, True, id="for-the-class-and-the-subject"),
        pytest.param({"groups": ["year6"]}, False, id="for-another-class"),
        pytest.param({"categories": ["games"]}, False, id="for-another-subject"),
        pytest.param({"until": NOW - timedelta(hours=3)}, False, id="long-over"),
    ],
)
def test_an_override_that_was_open_speaks_against(
    school: IncidentsOfTest, granted: dict[str, Any], *, is_said: bool
) -> None:
    grant(school, **{"groups": ["year5"], "until": NOW + timedelta(hours=1), "categories": ["gambling"], **granted})
    weigh(school, *tries(school, 12))
    with school.store.read() as database:
        (filed,) = read_incidents(database)
    assert ("override" in {reason.code for reason in filed.incident.against}) is is_said
