import pytest

from agent.endpoint.skew import ClockWatch, Skew, estimate_skew
from collectors.observed import Priority


def test_half_of_the_round_trip_is_taken_off() -> None:
    assert estimate_skew(1000.0, 2.0, 1_001_500) == Skew(0.5, 1.0)
    assert estimate_skew(1000.0, -5.0, 1_000_000) == Skew(0.0, 0.0)


def test_a_clock_that_is_right_is_not_told_of() -> None:
    watch = ClockWatch()
    assert watch.compare(Skew(299.0, 0.1)) is None
    assert watch.compare(Skew(-299.0, 0.1)) is None
    assert watch.compare(Skew(301.0, 5.0)) is None
    assert watch.skew == Skew(301.0, 5.0)


def test_a_wrong_clock_is_told_when_it_becomes_wrong_differs_and_is_right_again() -> None:
    watch = ClockWatch()
    told = [watch.compare(Skew(seconds, 0.1)) for seconds in (400.0, 410.0, 500.0, 490.0, 2.0, 3.0)]
    assert [each and (each.facts["state"], each.facts["seconds"]) for each in told] == [
        ("wrong", 400.0),
        None,
        ("wrong", 500.0),
        None,
        ("right", 2.0),
        None,
    ]
    assert told[0] is not None
    assert (told[0].kind, told[0].priority, told[0].key) == ("clock", Priority.STATE, "skew")


@pytest.mark.parametrize(
    ("wall", "monotonic", "step"),
    [
        (1060.0, 60.0, None),
        (1080.0, 60.0, None),
        (4660.0, 60.0, 3600.0),
        (-2540.0, 60.0, -3600.0),
        (1e9, 60.0, 1e9 - 1060),
    ],
    ids=["alike", "nearly", "forth", "back", "far"],
)
def test_a_clock_that_is_set_is_seen(wall: float, monotonic: float, step: float | None) -> None:
    watch = ClockWatch()
    assert watch.look(1000.0, 0.0) is None
    seen = watch.look(wall, monotonic)
    assert (seen and seen.facts["seconds"]) == step


def test_after_a_reboot_both_clocks_begin_anew() -> None:
    watch = ClockWatch()
    watch.look(1000.0, 5000.0)
    assert watch.look(9000.0, 3.0) is None
    assert watch.look(9060.0, 63.0) is None
