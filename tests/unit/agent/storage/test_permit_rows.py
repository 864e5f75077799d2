"""Permits, exceptions and lost reports: what is written is what is read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from storage_of_test import INCIDENT, store_with_incidents

from agent.storage.media_rows import write_medium
from agent.storage.permit_rows import (
    LostReport,
    exception_for,
    exception_of,
    read_exception,
    read_exceptions,
    read_exceptions_over,
    read_lost,
    read_open_sign_out,
    read_sign_out,
    read_sign_outs,
    write_exception,
    write_lost,
    write_sign_out,
)
from agent.storage.state import StateStore
from rules.medium import (
    ExceptionState,
    LostHow,
    Medium,
    MediumException,
    MediumKind,
    SignOut,
    SignOutState,
)

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
TODAY = NOW.date()
MEDIUM = Medium(MediumKind.STICK, "ada", "Marks of year five", NOW, "ada", serial_key="k1", serial_only="k0")
WAITING = SignOut(1, False, "ada", "Reports at home", TODAY, SignOutState.WAITING, NOW, "ben")  # noqa: FBT003 (of the school)
BACK = replace(
    WAITING,
    is_foreign=True,
    state=SignOutState.RETURNED,
    version=3,
    decided_at=NOW,
    decided_by="ben",
    returned_at=NOW,
    returned_by="ben",
    climbed=2,
    reason="Go on",
)
UNTIL = NOW + timedelta(days=1)
ASKED = MediumException(1, "", "ada", "The museum takes no other", TODAY, UNTIL, ExceptionState.WAITING, NOW)
ALLOWED = replace(ASKED, state=ExceptionState.ALLOWED, version=2, decided_at=NOW, decided_by="ben", reason="Go on")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = store_with_incidents(tmp_path)
    with store.act() as act:
        for person in ("ada", "ben"):
            act.database.execute("INSERT INTO people (id, name, created_at) VALUES (?, 'A', '2026')", (person,))
        write_medium(act, MEDIUM)
    yield store
    store.close()


@pytest.mark.parametrize("permit", [WAITING, BACK], ids=["what-is-needed-alone", "everything"])
def test_a_permit_is_read_as_it_was_written(store: StateStore, permit: SignOut) -> None:
    with store.act() as act:
        written = write_sign_out(act, permit)
        assert (written.number, read_sign_out(act.database, 1)) == (1, written)
        assert read_sign_out(act.database, 2) is None


def test_permits_by_person_state_and_day(store: StateStore) -> None:
    with store.act() as act:
        write_sign_out(act, BACK)
        write_sign_out(act, replace(WAITING, person="ben", state=SignOutState.OUT))

        def numbers(**wanted: object) -> list[int]:
            return [each.number for each in read_sign_outs(act.database, **wanted)]  # type: ignore[arg-type] # as asked for

        assert numbers() == [2, 1]
        assert (numbers(person="ada"), numbers(states=(SignOutState.OUT,)), numbers(medium=7)) == ([1], [2], [])
        assert (numbers(due_before=TODAY), numbers(due_before=date(2026, 3, 3))) == ([], [2, 1])
        assert (numbers(before=2), numbers(limit=1)) == ([1], [2])
        found = read_open_sign_out(act.database, 1)
        assert found is not None
        assert found.number == 2


@pytest.mark.parametrize("exception", [ASKED, replace(ALLOWED, device="d7", serial_key="k9")], ids=["asked", "whole"])
def test_an_exception_is_read_as_it_was_written(store: StateStore, exception: MediumException) -> None:
    with store.act() as act:
        written = write_exception(act, exception)
        assert (written.number, read_exception(act.database, 1)) == (1, written)
        assert read_exceptions(act.database, asked_by="ada", medium=1, state=exception.state) == [written]
        assert read_exceptions(act.database, asked_by="ben") == []
        assert read_exceptions_over(act.database, UNTIL) == [written]
        assert read_exceptions_over(act.database, UNTIL - timedelta(seconds=1)) == []


def test_an_exception_lets_pass_by_the_hash_of_its_medium_or_its_own(store: StateStore) -> None:
    with store.act() as act:
        of_medium = write_exception(act, ALLOWED)
        strange = write_exception(act, replace(ALLOWED, medium=None, serial_key="k9", number=0))
        database = act.database
        assert (exception_for(database, "k1", NOW), exception_for(database, "k9", NOW)) == (of_medium, strange)
        assert exception_for(database, "k1", UNTIL) is None
        assert exception_for(database, "k1", NOW - timedelta(seconds=1)) is None
        assert exception_for(database, "", NOW) is None
        bare = write_medium(act, replace(MEDIUM, serial_key="", serial_only=""))
        assert exception_of(database, bare, NOW) is None
        own = write_exception(act, replace(ALLOWED, medium=bare.number, number=0))
        assert exception_of(database, bare, NOW) == own


def test_a_lost_report_is_read_as_it_was_written(store: StateStore) -> None:
    report = LostReport(
        at=NOW,
        reporter="ada",
        how=LostHow.STOLEN,
        incident=INCIDENT,
        text="It was in my bag",
        medium=1,
        missed_on=TODAY,
        on_record={"medium": "M-1", "proved": None},
    )
    with store.act() as act:
        written = write_lost(act, report)
        assert written.number == 1
        assert read_lost(act.database) == read_lost(act.database, 1, reporter="ada", medium=1) == [written]
        assert read_lost(act.database, reporter="ben") == read_lost(act.database, before=1) == []
