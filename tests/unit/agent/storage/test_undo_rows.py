"""What an incident was before a decision: kept whole, and forgotten."""

from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest

from agent.storage.undo_rows import (
    are_kept_before,
    forget_all_before,
    forget_before,
    happened_since,
    keep_before,
    read_undoable,
)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def test_what_is_kept_is_the_incident_as_it_stood(school: IncidentsOfTest) -> None:
    filed = school.open()
    with school.store.act() as act:
        keep_before(act, filed.incident.id, "p1")
    with school.store.read() as database:
        kept = read_undoable(database, filed.incident.id)
        assert kept is not None
        assert (kept.before, kept.person, kept.decided_at) == (filed, "p1", NOW)
        assert happened_since(database, filed.incident.id, kept.entry) == []
        assert happened_since(database, filed.incident.id, 0) == []
        assert read_undoable(database, "another") is None


def test_what_happened_since_is_more_than_what_was_observed(school: IncidentsOfTest) -> None:
    filed = school.open()
    with school.store.act() as act:
        keep_before(act, filed.incident.id, "p1")
    school.join(filed, at=school.later(minutes=1))
    with school.store.read() as database:
        kept = read_undoable(database, filed.incident.id)
        assert kept is not None
        assert happened_since(database, filed.incident.id, kept.entry) == []
    school.incidents.corrections.hold(school.ids["head"], filed.incident.id, version=1, reason=REASON)
    with school.store.read() as database:
        assert happened_since(database, filed.incident.id, kept.entry) == ["incident_held"]


def test_it_is_forgotten_one_by_one_or_by_age(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open()
    for filed in (first, second):
        with school.store.act() as act:
            keep_before(act, filed.incident.id, "p1")
        school.later(minutes=1)
    with school.store.act() as act:
        forget_before(act, first.incident.id)
        assert act.erases
    with school.store.read() as database:
        assert not are_kept_before(database, NOW + timedelta(minutes=1))
        assert are_kept_before(database, NOW + timedelta(minutes=2))
    with school.store.act() as act:
        forget_all_before(act, NOW + timedelta(minutes=2))
        assert act.erases
    with school.store.act() as act:
        forget_all_before(act, NOW + timedelta(minutes=2))
        forget_before(act, first.incident.id)
        assert not act.erases
