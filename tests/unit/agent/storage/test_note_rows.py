"""Notes of devices add up, and never say a name."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from storage_of_test import NOW, store_with_incidents

from agent.storage.note_rows import Note, delete_notes, read_notes, write_note
from agent.storage.state import StateStore
from rules.incident_kind import Kind
from rules.subject import Audience


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(store_with_incidents(tmp_path)) as opened:
        yield opened


def test_notes_of_a_device_are_added_up_by_day_and_kind(store: StateStore) -> None:
    note = Note("d1", Kind.GAMES, NOW.date(), NOW, NOW, 3, 40, Audience.PUPIL)
    more = replace(note, first_at=NOW - timedelta(hours=1), last_at=NOW + timedelta(hours=1), times=4, intent=20)
    next_day = replace(note, day=date(2026, 3, 3))
    other = replace(note, subject="d2")
    with store.act() as act:
        for each in (note, more, next_day, other):
            write_note(act, each)
    with store.read() as database:
        summed_up = replace(more, times=7, intent=40)
        assert read_notes(database) == [next_day, summed_up, other]
        assert read_notes(database, since=date(2026, 3, 3)) == [next_day]
        assert read_notes(database, subject="d2") == [other]
    with store.act() as act:
        assert delete_notes(act, before=date(2026, 3, 3)) == 2
    with store.read() as database:
        assert read_notes(database) == [next_day]
