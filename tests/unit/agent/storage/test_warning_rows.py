"""The register of warnings: until a day, or until somebody takes one back."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from storage_of_test import INCIDENT, NOW, store_with_incidents

from agent.storage.state import StateStore
from agent.storage.warning_rows import (
    GivenWarning,
    is_anybody_warned,
    read_run_out,
    read_warned,
    read_warning,
    read_warnings,
    write_warning,
)
from rules.assessment import Warned

LAST = date(2027, 3, 2)
ENDS = date(2027, 3, 3)
GIVEN = GivenWarning("w1", INCIDENT, "p-x", "P13", NOW, "p1", ENDS)
EXPIRED = replace(GIVEN, id="w2", expired_at=NOW, given_at=NOW + timedelta(hours=1))
WITHDRAWN = replace(
    GIVEN, id="w3", subject="p-y", withdrawn_at=NOW, withdrawn_by="p2", given_at=NOW + timedelta(hours=2)
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(store_with_incidents(tmp_path)) as opened:
        with opened.act() as act:
            for each in (GIVEN, EXPIRED, WITHDRAWN):
                write_warning(act, each)
        yield opened


def test_what_is_written_is_read_the_newest_first(store: StateStore) -> None:
    with store.read() as database:
        assert read_warnings(database) == [WITHDRAWN, EXPIRED, GIVEN]
        assert read_warnings(database, subject="p-y") == [WITHDRAWN]
        assert read_warnings(database, incident="another") == []
        assert read_warnings(database, limit=1, offset=1) == [EXPIRED]


def test_what_counts_on_a_day(store: StateStore) -> None:
    with store.read() as database:
        assert read_warnings(database, holding_on=LAST) == [EXPIRED, GIVEN]
        assert read_warnings(database, holding_on=ENDS) == []
        assert read_warned(database, "p-x", LAST) == [Warned(INCIDENT, "P13", "2027-03-03")] * 2
        assert read_warned(database, "p-y", LAST) == []
        later = NOW + timedelta(seconds=1)
        assert is_anybody_warned(database, LAST, before=later)
        assert not is_anybody_warned(database, LAST, before=NOW)
        assert not is_anybody_warned(database, ENDS, before=later)
    assert [each.holds_on(LAST) for each in (GIVEN, WITHDRAWN)] == [True, False]
    assert not GIVEN.holds_on(ENDS)


def test_what_has_run_out_and_is_not_written_down(store: StateStore) -> None:
    with store.read() as database:
        assert read_run_out(database, LAST) == []
        assert read_run_out(database, ENDS) == [GIVEN]
    with store.act() as act:
        write_warning(act, replace(GIVEN, expired_at=NOW))
    with store.read() as database:
        assert read_run_out(database, ENDS) == []


def test_one_is_read_by_its_id_and_says_how_it_stands(store: StateStore) -> None:
    with store.read() as database:
        assert read_warning(database, "w3") == WITHDRAWN
        assert read_warning(database, "w9") is None
    standings = [each.standing_on(day) for each, day in ((GIVEN, LAST), (GIVEN, ENDS), (WITHDRAWN, LAST))]
    assert standings == ["holds", "expired", "withdrawn"]
