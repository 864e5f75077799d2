"""What the service costs, by clocks that a test turns."""

import pytest

from agent.endpoint.budget import MOST_RSS_BYTES, Budget, Usage, cpu_seconds, rss_bytes


class Clock:
    def __init__(self) -> None:
        self.now, self.used, self.held = 100.0, 5.0, 50 << 20

    def budget(self) -> Budget:
        return Budget(cpu=lambda: self.used, rss=lambda: self.held, monotonic=lambda: self.now)


def test_what_was_used_before_is_no_part_of_it() -> None:
    clock = Clock()
    budget = clock.budget()
    clock.now, clock.used = 200.0, 6.0
    budget.measure()
    assert budget.usage.cpu_average == pytest.approx(0.01)


def test_the_worst_ten_seconds_stay_the_worst() -> None:
    clock = Clock()
    budget = clock.budget()
    for second in range(1, 61):
        clock.now += 1
        clock.used += 0.2 if 20 < second <= 25 else 0.0
        budget.measure()
    assert budget.usage.cpu_burst == pytest.approx(0.1)
    assert budget.usage.cpu_average == pytest.approx(1 / 60)


def test_what_is_recent_begins_anew_when_it_is_told() -> None:
    clock = Clock()
    budget = clock.budget()
    clock.now, clock.used = 110.0, 6.0
    assert budget.tell().cpu_recent == pytest.approx(0.1)
    clock.now, clock.used = 120.0, 6.0
    assert budget.tell().cpu_recent == 0


def test_the_most_memory_is_remembered() -> None:
    clock = Clock()
    budget = clock.budget()
    for held in (60 << 20, 90 << 20, 70 << 20):
        clock.held = held
        clock.now += 5
        budget.measure()
    assert (budget.usage.rss_bytes, budget.usage.rss_most_bytes) == (70 << 20, 90 << 20)


@pytest.mark.parametrize(
    ("usage", "is_in"),
    [
        pytest.param(Usage(0.009, 0.0, 0.09, 1, 1), True, id="within"),
        pytest.param(Usage(0.011, 0.0, 0.0, 1, 1), False, id="too-much-on-average"),
        pytest.param(Usage(0.0, 0.0, 0.11, 1, 1), False, id="too-much-at-once"),
        pytest.param(Usage(0.0, 0.0, 0.0, 1, MOST_RSS_BYTES + 1), False, id="too-much-memory"),
    ],
)
def test_it_says_whether_it_keeps_to_what_is_promised(usage: Usage, is_in: bool) -> None:
    assert usage.facts()["in_budget"] is is_in


def test_this_process_can_be_measured() -> None:
    assert cpu_seconds() > 0
    assert rss_bytes() > 1 << 20
