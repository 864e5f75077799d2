"""What Prometheus is told of media."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from media_of_test import MediaOfTest

from agent.fleet.media_exceptions import Asked
from agent.fleet.media_metrics import media_metrics
from collectors.volume import Crypt
from rules.medium import MediumKind, MediumState


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def samples(school: MediaOfTest) -> dict[tuple[str, ...], float]:
    with school.store.read() as database:
        return {
            (sample.name, *sample.labels.values()): sample.value
            for metric in media_metrics(database, school.now)
            for sample in metric.samples
        }


def test_how_many_there_are_and_how_they_stand(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    school.register(kind=MediumKind.PAPER)
    school.register("five", kind=MediumKind.DISK)
    school.prove(medium.serial_key, Crypt.PLAIN)
    school.out(medium)
    school.media.exceptions.ask(school.ids["teacher"], 1, Asked("The museum takes no other", school.now.date()))
    school.media.exceptions.allow(school.ids["head"], 1, version=1)
    found = samples(school)
    assert found["schoolgate_media", "stick", "registered"] == 1
    assert (found["schoolgate_media_proved", "plain"], found["schoolgate_media_proved", "none"]) == (1, 1)
    assert (found["schoolgate_sign_outs_overdue",], found["schoolgate_media_exceptions_in_force",]) == (0, 1)
    school.later(days=1)
    found = samples(school)
    assert (found["schoolgate_sign_outs_overdue",], found["schoolgate_media_exceptions_in_force",]) == (1, 0)


def test_every_label_is_of_a_closed_set_and_always_there(school: MediaOfTest) -> None:
    labels = {name[1:] for name in samples(school) if len(name) > 1}
    pairs = {(kind.value, state.value) for kind in MediumKind for state in MediumState}
    assert labels == pairs | {(crypt.value,) for crypt in Crypt} | {("none",)}


def test_a_state_of_an_older_program_tells_nothing(school: MediaOfTest) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        assert list(media_metrics(database, school.now)) == []
