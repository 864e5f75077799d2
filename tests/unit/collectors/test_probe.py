"""A probe that works, fails, hangs and comes late."""

import errno
import threading
from collections.abc import Iterable, Iterator

import pytest

from collectors.observed import Observed, Priority
from collectors.probe import Health, Probe, reason_of

SEEN = Observed("posture", Priority.STATE, {"check": "firewall"}, key="firewall")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """Fails as often as it is told, then works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.looks = 0

    def __call__(self) -> Iterable[Observed]:
        self.looks += 1
        if self.failures:
            raise self.failures.pop(0)
        return (SEEN,)


def kinds(found: Iterable[Observed]) -> list[str]:
    return [str(each.facts.get("health", each.kind)) for each in found]


def test_what_is_found_is_given_and_good_health_is_not_news() -> None:
    probe = Probe("posture", Reader(), seconds=5)
    assert probe.run() == (SEEN,)
    assert probe.health is Health.OK
    assert probe.cost.runs == 1


def test_a_failure_is_a_value_told_once_and_recovery_is_told() -> None:
    probe = Probe("posture", Reader(OSError(errno.EIO, "secret.doc"), OSError(errno.EIO, "x")), seconds=5)
    (told,) = probe.run()
    assert told.kind == "collector_health"
    assert told.key == "posture"
    assert told.facts == {"collector": "posture", "health": "failing", "failures": 1, "why": "OSError:EIO"}
    assert probe.run() == ()
    assert kinds(probe.run()) == ["posture", "ok"]


def test_three_failures_in_a_row_leave_the_reader_alone_for_an_hour() -> None:
    clock, reader = Clock(), Reader(*(ValueError() for _ in range(4)))
    probe = Probe("posture", reader, seconds=5, monotonic=clock)
    assert [kinds(probe.run()) for _ in range(3)] == [["failing"], [], ["paused"]]
    clock.now += 3599
    assert probe.run() == ()
    assert reader.looks == 3
    clock.now += 1
    # One more failure pauses it again at once; after the next hour it works.
    assert probe.run() == ()
    assert (probe.health, reader.looks) == (Health.PAUSED, 4)
    clock.now += 3600
    assert kinds(probe.run()) == ["posture", "ok"]


def test_a_hung_reader_stops_nobody_and_what_it_finds_late_is_not_lost() -> None:
    released, looks = threading.Event(), []

    def look() -> Iterator[Observed]:
        looks.append(1)
        released.wait(20)
        yield SEEN

    clock = Clock()
    probe = Probe("removable_media", look, seconds=0.01, monotonic=clock)
    assert kinds(probe.run()) == ["failing"]
    probe.run()
    assert kinds(probe.run()) == ["paused"]
    assert len(looks) == 1, "no second one is begun while one hangs"
    released.set()
    while not (found := probe.run()):
        pass
    assert found == (SEEN,)
    clock.now += 3600
    assert kinds(probe.run()) == ["posture", "ok"]


def test_what_came_before_a_failure_in_the_middle_is_not_half_given() -> None:
    def look() -> Iterator[Observed]:
        yield SEEN
        raise OSError(errno.ENODEV, "gone")

    assert kinds(Probe("posture", look, seconds=5).run()) == ["failing"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(OSError(errno.ENODEV, "/media/anna/PUPILS"), "OSError:ENODEV", id="no-path"),
        pytest.param(PermissionError(errno.EACCES, "x"), "PermissionError:EACCES", id="permission"),
        pytest.param(OSError("no number"), "OSError", id="no-number"),
        pytest.param(OSError(-2144272384, "locked"), "OSError:-2144272384", id="windows-number"),
        pytest.param(ValueError("a name of a file"), "ValueError", id="no-text-of-the-error"),
    ],
)
def test_a_reason_tells_nothing_of_a_person(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
