"""How media read for programs: with names beside ids, and never a hash of a serial number."""

from pathlib import Path

import pytest
from media_of_test import TODAY, MediaOfTest

from agent.api.media_telling import tell_lost, tell_media, tell_medium, tell_sign_outs
from agent.fleet.media_lost import Missing
from agent.storage.permit_rows import read_sign_outs
from collectors.volume import Crypt
from rules.medium import LostHow


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def test_a_medium_with_everything_around_it(school: MediaOfTest) -> None:
    medium = school.register(serial="AB-1")
    school.prove(medium.serial_key, Crypt.PLAIN)
    school.out(medium)
    with school.store.read() as database:
        told = tell_medium(database, school.medium(medium), at=school.now, today=TODAY)
    assert (told.owner.name, told.has_serial) == ("Teacher", True)
    assert told.proved is not None
    assert told.sign_out is not None
    assert (told.proved.crypt, told.sign_out.person.name, told.exception) == ("plain", "Teacher", None)
    by = [(move.move, move.person.name) for move in told.moves]
    assert by == [
        ("medium_registered", "Teacher"),
        ("medium_proved", "system"),
        ("sign_out_asked", "Teacher"),
        ("medium_signed_out", "Technician"),
    ]
    assert medium.serial_key not in told.model_dump_json()


def test_lists_are_told_alike(school: MediaOfTest) -> None:
    medium = school.register()
    permit = school.out(medium)
    with school.store.read() as database:
        assert tell_media(database, [medium])[0].proved is None
        (told,) = tell_sign_outs(database, read_sign_outs(database), today=TODAY)
    assert told.decided_by is not None
    assert (told.number, told.decided_by.name, told.returned_by) == (permit.number, "Technician", None)


def test_a_report_names_people_and_its_case(school: MediaOfTest) -> None:
    school.out(school.register())
    school.out(school.register())
    made = school.media.lost.report(school.ids["five"], Missing(LostHow.LOST, "It is not in the safe", medium=1))
    with school.store.read() as database:
        (told,) = tell_lost(database, [made])
    assert (told.case, told.reporter.name, told.on_record["owner"]["name"]) == (1, "Five", "Teacher")
    assert told.on_record["signed_out"]["person"]["name"] == "Teacher"
    assert [each["person"]["name"] for each in told.on_record["signed_out_to_holder"]] == ["Teacher"]
