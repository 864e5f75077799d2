"""Pseudonyms: stable for a school year, worthless without the key."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import dates

from agent.people.pseudonyms import Devices, Pseudonyms, device_of
from rules.errors import StorageError

IN_2025 = date(2025, 10, 1)
IN_2026 = date(2026, 10, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.mark.parametrize(
    ("address", "devices", "expected"),
    [
        pytest.param(bytes((192, 0, 2, 7)), {}, "192.0.2.7", id="an-unknown-device-is-its-address"),
        pytest.param(
            bytes((192, 0, 2, 7)),
            {"192.0.2.7": ("laptop-3", "02:00:5E:00:53:01")},
            "02:00:5e:00:53:01",
            id="the-link-layer-address-where-it-is-known",
        ),
        pytest.param(
            bytes((192, 0, 2, 7)), {"192.0.2.7": ("laptop-3",)}, "192.0.2.7", id="a-host-name-is-anybodys-choice"
        ),
        pytest.param(
            bytes.fromhex("20010db8000000000000000000000aaa"),
            {"2001:db8::aaa": ("02:00:5e:00:53:01",)},
            "02:00:5e:00:53:01",
            id="privacy-addresses-of-ipv6-stay-one-device",
        ),
        pytest.param(
            bytes(10) + b"\xff\xff" + bytes((192, 0, 2, 7)),
            {},
            "192.0.2.7",
            id="ipv4-in-ipv6-form-is-the-ipv4-client",
        ),
    ],
)
def test_a_device_is_recognised(address: bytes, devices: Devices, expected: str) -> None:
    assert device_of(address, devices) == expected


def test_a_device_has_one_pseudonym_for_a_year_also_after_a_restart(folder: Path) -> None:
    first = Pseudonyms(folder).pseudonym("192.0.2.7", IN_2025)
    assert Pseudonyms(folder).pseudonym("192.0.2.7", date(2026, 8, 31)) == first
    assert len(first) == 16
    assert "192" not in first


def test_devices_differ_and_years_differ_and_schools_differ(folder: Path, tmp_path: Path) -> None:
    ours = Pseudonyms(folder)
    others = Pseudonyms(tmp_path / "another school")
    seen = {
        ours.pseudonym("192.0.2.7", IN_2025),
        ours.pseudonym("192.0.2.8", IN_2025),
        ours.pseudonym("192.0.2.7", IN_2026),
        others.pseudonym("192.0.2.7", IN_2025),
    }
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("on", "year_begins", "expected"),
    [
        pytest.param(date(2025, 8, 31), (9, 1), "pseudonym-2024-2025.key", id="the-last-day-of-a-year"),
        pytest.param(date(2025, 9, 1), (9, 1), "pseudonym-2025-2026.key", id="the-first-day-of-a-year"),
        pytest.param(date(2026, 3, 31), (4, 1), "pseudonym-2025-2026.key", id="a-year-that-begins-in-april"),
    ],
)
def test_the_key_rotates_with_the_school_year(
    folder: Path, on: date, year_begins: tuple[int, int], expected: str
) -> None:
    Pseudonyms(folder, year_begins=year_begins).pseudonym("192.0.2.7", on)
    assert [path.name for path in folder.iterdir()] == [expected]


@given(on=dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_day_belongs_to_the_year_whose_name_it_lies_in(on: date) -> None:
    first = Pseudonyms(Path("unused"))._first_year(on)
    assert date(first, 9, 1) <= on < date(first + 1, 9, 1)


def test_only_its_owner_may_read_a_key(folder: Path) -> None:
    Pseudonyms(folder).pseudonym("192.0.2.7", IN_2025)
    assert folder.stat().st_mode & 0o777 == 0o700
    (key,) = folder.iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_bytes()) == 32


def test_keys_are_deleted_when_no_record_of_their_year_is_left(folder: Path) -> None:
    pseudonyms = Pseudonyms(folder)
    before = pseudonyms.pseudonym("192.0.2.7", IN_2025)
    pseudonyms.pseudonym("192.0.2.7", IN_2026)
    assert pseudonyms.delete_expired_keys(date(2026, 10, 1), retention_days=30) == []
    gone = pseudonyms.delete_expired_keys(date(2026, 10, 2), retention_days=30)
    assert [path.name for path in gone] == ["pseudonym-2025-2026.key"]
    assert Pseudonyms(folder).pseudonym("192.0.2.7", IN_2025) != before


def test_a_key_stays_while_somebody_may_have_to_be_told_by_it(folder: Path) -> None:
    pseudonyms = Pseudonyms(folder)
    for on in (IN_2025, IN_2026):
        pseudonyms.person("p1", on)
    late = date(2030, 1, 1)
    assert pseudonyms.delete_expired_keys(late, retention_days=30, needed_since=date(2026, 8, 31)) == []
    (gone,) = pseudonyms.delete_expired_keys(late, retention_days=30, needed_since=date(2026, 9, 1))
    assert gone.name == "pseudonym-2025-2026.key"


def test_a_person_is_told_from_a_device_and_from_everybody_else(folder: Path) -> None:
    pseudonyms = Pseudonyms(folder)
    person = pseudonyms.person("192.0.2.7", IN_2025)
    assert person.startswith("p-")
    assert person.removeprefix("p-") != pseudonyms.pseudonym("192.0.2.7", IN_2025)
    assert person == Pseudonyms(folder).person("192.0.2.7", IN_2025)
    assert len({person, pseudonyms.person("p2", IN_2025), pseudonyms.person("192.0.2.7", IN_2026)}) == 3


def test_looking_for_the_key_of_a_year_makes_none(folder: Path) -> None:
    pseudonyms = Pseudonyms(folder)
    pseudonyms.person("p1", IN_2025)
    assert [pseudonyms.has_key(on) for on in (IN_2025, IN_2026)] == [True, False]
    assert pseudonyms.year_began(IN_2025) == date(2025, 9, 1)
    assert len(list(folder.iterdir())) == 1


def test_a_damaged_key_is_one_sentence_that_says_what_to_do(folder: Path) -> None:
    Pseudonyms(folder).pseudonym("192.0.2.7", IN_2025)
    (key,) = folder.iterdir()
    key.write_bytes(b"short")
    with pytest.raises(StorageError, match=r"2025-2026\.key: found 5 octets; expected the 32 of a key"):
        Pseudonyms(folder).pseudonym("192.0.2.7", IN_2025)
    assert key.read_bytes() == b"short"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="the key of the pseudonyms could not be used"):
        Pseudonyms(tmp_path / "keys").pseudonym("192.0.2.7", IN_2025)


RACER = """
import sys
from datetime import date
from pathlib import Path
from agent.people.pseudonyms import Pseudonyms
sys.stdin.read()
print(Pseudonyms(Path(sys.argv[1])).pseudonym("192.0.2.7", date(2025, 10, 1)))
"""


def test_processes_that_make_the_key_at_the_same_time_agree(folder: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    answers = set()
    for racer in racers:
        with racer:
            assert racer.stdout is not None
            answers.add(racer.stdout.read())
    assert len(answers) == 1
    assert len(list(folder.iterdir())) == 1
