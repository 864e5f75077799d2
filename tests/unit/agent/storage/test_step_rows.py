"""Steps come out of the file as they went in, and what people wrote about them can be erased."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from storage_of_test import ANOTHER, INCIDENT, NOW, store_with_incidents

from agent.storage.state import StateStore
from agent.storage.step_rows import (
    FiledStep,
    erase_step_words,
    read_open_steps,
    read_referrals,
    read_step,
    read_steps,
    write_step,
)
from rules.sanction import Step
from rules.steps import StepState

OPEN = FiledStep(INCIDENT, 1, "warning", Step.WARN, "class_teacher", ("p1", "p2"), NOW + timedelta(days=2))
DONE = replace(
    OPEN,
    number=2,
    state=StepState.DONE,
    done_at=NOW,
    done_by="p1",
    climbed=3,
    told=("p3",),
    is_of_table=False,
    label="Talk to the class",
    how="<i>Talked</i>",
    outcome="Il a compris",
    deviation="本人の希望",
)
OTHER = replace(OPEN, incident=ANOTHER, due_at=NOW + timedelta(days=1))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(store_with_incidents(tmp_path)) as opened:
        with opened.act() as act:
            for each in (DONE, OPEN, OTHER):
                write_step(act, each)
        yield opened


def test_what_is_written_is_read(store: StateStore) -> None:
    with store.read() as database:
        assert read_steps(database, INCIDENT) == [OPEN, DONE]
        assert read_step(database, INCIDENT, 2) == DONE
        assert read_step(database, INCIDENT, 3) is None


def test_open_steps_come_as_they_are_due(store: StateStore) -> None:
    with store.read() as database:
        assert read_open_steps(database) == [OTHER, OPEN]
        assert read_open_steps(database, due_before=NOW + timedelta(days=1)) == [OTHER]


def test_words_can_be_erased_and_facts_stay(store: StateStore) -> None:
    with store.act() as act:
        erase_step_words(act, INCIDENT)
        assert act.erases
    with store.act() as act:
        erase_step_words(act, INCIDENT)
        assert not act.erases
    with store.read() as database:
        assert read_step(database, INCIDENT, 2) == replace(DONE, label="", how="", outcome="", deviation="")


def test_steps_that_brought_in_somebody_outside_are_found_until_that_is_erased(store: StateStore) -> None:
    first = replace(DONE, number=7, referred_to="The police", reference="CAD 4711")
    later = replace(first, incident=ANOTHER, done_at=NOW + timedelta(hours=1), reference="")
    with store.act() as act:
        for each in (first, later):
            write_step(act, each)
    with store.read() as database:
        assert read_referrals(database) == [later, first]
        assert read_referrals(database, INCIDENT) == [first]
    with store.act() as act:
        erase_step_words(act, INCIDENT)
        assert read_referrals(act.database) == [later]


def test_its_version_changes_with_what_is_to_be_done_and_not_with_who_was_told(store: StateStore) -> None:
    with store.read() as database:
        read = read_step(database, INCIDENT, 1)
    assert read is not None
    assert read.version == OPEN.version == replace(OPEN, climbed=2, told=("p9",), owners=("p9",)).version
    others = (replace(OPEN, action="inform"), replace(OPEN, label="Talk"), replace(OPEN, state=StepState.SKIPPED))
    assert OPEN.version not in {each.version for each in others}
