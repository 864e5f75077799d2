"""How heavy an incident is."""

import pytest

from rules.incident import Track
from rules.incident_weight import Weight, weight_of


@pytest.mark.parametrize(
    ("intent", "told"),
    [
        (100, Weight.HIGH),
        (85, Weight.HIGH),
        (84, Weight.MIDDLE),
        (70, Weight.MIDDLE),
        (69, Weight.LOW),
        (0, Weight.LOW),
    ],
)
def test_by_its_points(intent: int, told: Weight) -> None:
    assert weight_of(Track.ORDINARY, intent) is told


def test_a_sealed_one_is_the_heaviest_whatever_it_was() -> None:
    assert {weight_of(Track.SEALED, intent) for intent in (0, 50, 100)} == {Weight.HIGH}
