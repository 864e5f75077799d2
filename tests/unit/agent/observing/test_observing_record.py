"""Rows of the record as observations: what is told of them, and rows that somebody spoilt."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, IncidentsOfTest

from agent.observing.observing_record import GATEWAY, end_of_record, observation_of, read_rows
from rules.observation import Confidence, Observation, Source


@pytest.fixture
def school(tmp_path: Path) -> Iterator[IncidentsOfTest]:
    opened = IncidentsOfTest(tmp_path)
    yield opened
    opened.store.close()


def noted(school: IncidentsOfTest, kind: str, facts: Any, *, subject: str = "") -> Observation:
    with school.store.act() as act:
        number = act.note(kind, actor="system", subject=subject, facts=facts)
        (row,) = read_rows(act.database, after=number - 1, limit=9)
        assert end_of_record(act.database) == number
        return observation_of(row, act.database, school.pseudonyms, zone=school.incidents.desk.zone)


def test_filtering_that_was_off_is_about_the_gateway_and_began_when_it_was_seen_first(
    school: IncidentsOfTest,
) -> None:
    since = NOW - timedelta(minutes=2)
    facts = {"cause": "workers", "networks": ["classrooms"], "profiles": ["pupil+year5"], "since": since.isoformat()}
    observed = noted(school, "filter_off_without_record", facts)
    assert (observed.source, observed.subject, observed.confidence) == (Source.FILTER_OFF, GATEWAY, Confidence.D)
    assert (observed.at, observed.received_at) == (since, NOW)
    assert observed.facts == {"kind": "filter_off", "cause": "workers", "where": "classrooms, pupil+year5"}
    assert observed.id == observed.evidence.replace(" ", "-")


@pytest.mark.parametrize(
    "facts", [{}, {"since": "soon"}, {"since": 7, "networks": [1]}, {"since": (NOW + timedelta(days=9)).isoformat()}]
)
def test_a_row_that_somebody_spoilt_is_an_observation_of_when_it_was_written(
    school: IncidentsOfTest, facts: dict[str, Any]
) -> None:
    assert noted(school, "filter_off_without_record", facts).at == NOW


def test_an_emergency_of_which_nothing_is_known_is_about_nobody(school: IncidentsOfTest) -> None:
    observed = noted(school, "override_unconfirmed", {}, subject="o9")
    assert (observed.subject, observed.confidence) == (GATEWAY, Confidence.D)


def test_an_emergency_is_about_whoever_took_it(school: IncidentsOfTest) -> None:
    now = NOW.isoformat(timespec="microseconds")
    lift: dict[str, Any] = {key: [] for key in ("names", "categories", "audiences", "groups")} | {
        "from_at": now,
        "until_at": now,
    }
    with school.store.act() as act:
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at)"
            " VALUES ('o1', ?, ?, '', 'unconfirmed', ?, ?, ?)",
            (school.ids["network"], json.dumps(lift | {"lifts_of": {}}), now, now, now),
        )
    observed = noted(school, "override_unconfirmed", {}, subject="o1")
    assert (observed.subject, observed.confidence) == (school.pseudonym("network"), Confidence.A)
    assert observed.facts["override"] == "o1"


def test_how_an_override_was_used_is_told_of_nobody(school: IncidentsOfTest) -> None:
    observed = noted(school, "override_used", {"times": 3}, subject="o1")
    assert (observed.source, observed.subject) == (Source.OVERRIDE_USED, GATEWAY)


def test_other_rows_are_no_observations(school: IncidentsOfTest) -> None:
    with school.store.act() as act:
        act.note("signed_in", actor="p1")
        assert read_rows(act.database, after=0, limit=9) == []
