"""How often what happens at a school."""

from dataclasses import fields

import pytest

from agent.simulation.habits import FAMILIAR, HELD_BACK, UNFAMILIAR, Habits, habits_of

DRAWN = [habits_of(seed) for seed in range(HELD_BACK + 1, HELD_BACK + 7)]


def different(habits: Habits) -> list[str]:
    return [field.name for field in fields(Habits) if getattr(FAMILIAR, field.name) != getattr(habits, field.name)]


def test_the_first_two_schools_are_written_down_and_the_second_is_another() -> None:
    assert habits_of(1) is FAMILIAR
    assert habits_of(HELD_BACK) is UNFAMILIAR
    assert len(different(UNFAMILIAR)) > 20


@pytest.mark.parametrize("habits", DRAWN)
def test_every_other_school_has_habits_of_its_own(habits: Habits) -> None:
    assert len(different(habits)) > 30
    assert 0.5 <= habits.lessons / FAMILIAR.lessons <= 2
    assert habits.pages[0] <= habits.pages[1]
    assert habits.bare_parts + habits.own_labels <= 1


def test_the_same_seed_has_the_same_habits() -> None:
    assert habits_of(9) == habits_of(9) != habits_of(10)


@pytest.mark.parametrize("habits", [FAMILIAR, *DRAWN])
def test_no_label_by_which_names_are_told_is_shared_with_the_school_that_is_held_back(habits: Habits) -> None:
    labels = {*habits.giving_labels, *habits.maker_labels, *habits.door_labels}
    assert not labels & {*UNFAMILIAR.giving_labels, *UNFAMILIAR.maker_labels, *UNFAMILIAR.door_labels}
