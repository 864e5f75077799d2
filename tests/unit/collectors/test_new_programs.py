"""New programs, on real folders."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines_of_test import recorded
from programs_of_test import portable_executable
from volumes_of_test import eject, mounted_volume, needs_root

from agent.endpoint.wire_batch import Event
from collectors.inventory import Pace
from collectors.new_programs import (
    NewPrograms,
    Place,
    Program,
    Reading,
    download_places,
    examine,
    form_of,
    parse_user_dirs,
)
from collectors.observed import JSON
from collectors.program_signature import Signature, Verify, signature_of, verify_nothing
from collectors.write_stream import Naming

NAMED = Naming(b"k" * 32, with_names=True)


@pytest.mark.parametrize(
    ("head", "extension", "form", "signature"),
    [
        pytest.param(portable_executable(certificate=4096), "exe", "pe", Signature.CARRIED, id="windows-signed"),
        pytest.param(portable_executable(), "exe", "pe", Signature.NONE, id="windows-unsigned"),
        pytest.param(portable_executable(magic=0x10B, certificate=1), "dll", "pe", Signature.CARRIED, id="32-bit"),
        pytest.param(portable_executable(directories=2), "exe", "pe", Signature.NONE, id="without-that-table"),
        pytest.param(b"MZ", "exe", "pe", Signature.UNKNOWN, id="cut-off"),
        pytest.param(b"\x7fELF\x02", "none", "elf", Signature.UNKNOWN, id="linux"),
        pytest.param(b"\xcf\xfa\xed\xfe", "none", "mach_o", Signature.UNKNOWN, id="macos"),
        pytest.param(b"\xca\xfe\xba\xbe\0\0\0\x02", "none", "mach_o", Signature.UNKNOWN, id="macos-universal"),
        pytest.param(b"\xca\xfe\xba\xbe\0\0\0\x34", "other", None, Signature.UNKNOWN, id="java-class"),
        pytest.param(b"#!/bin/sh\n", "sh", "script", Signature.UNKNOWN, id="script"),
        pytest.param(b"@echo off", "bat", "bat", Signature.UNKNOWN, id="by-its-name-alone"),
        pytest.param(b"Dear parents", "none", None, Signature.UNKNOWN, id="a-letter"),
    ],
)
def test_forms(head: bytes, extension: str, form: str | None, signature: Signature) -> None:
    assert form_of(head, extension) == form
    assert form is None or signature_of(head, form) is signature


@given(st.binary(max_size=600), st.integers(0, 300), st.binary(max_size=40))
def test_no_octets_are_an_error(data: bytes, place: int, patch: bytes) -> None:
    good = portable_executable(certificate=1)
    for head in (data, b"MZ" + data, good[:place] + patch + good[place:]):
        parse_user_dirs(head.decode("utf-8", "replace"))
        form_of(head, "none")


def stick(folder: Path, insertion: str = "17") -> Place:
    return Place(str(folder), "volume", {"insertion": insertion})


def programs_of(*, pace: Pace | None = None, reading: Reading | None = None, **more: Any) -> NewPrograms:
    """Look at folders that stand for sticks."""
    pace = pace or Pace(sleep=lambda _seconds: None)
    return NewPrograms(NAMED, pace=pace, reading=reading, **{"is_mount": lambda _top: True, **more})


def test_only_what_has_come_is_told_of_with_its_digest(tmp_path: Path) -> None:
    programs = programs_of()
    (tmp_path / "old.exe").write_bytes(b"MZ")
    assert [told.kind for told in programs.look([stick(tmp_path)])] == ["programs_present"]
    content = portable_executable()
    (tmp_path / "game.exe").write_bytes(content)
    (tmp_path / "letter.docx").write_bytes(b"PK")
    (told,) = programs.look([stick(tmp_path)])
    assert told.facts == {
        "insertion": "17",
        "place": "volume",
        "name": "game.exe",
        "form": "pe",
        "signature": "none",
        "sha256": hashlib.sha256(content).hexdigest(),
        "why": "",
    }
    assert programs.look([stick(tmp_path)]) == ()


def test_a_program_without_an_end_is_known_by_how_it_begins(tmp_path: Path) -> None:
    programs = programs_of()
    programs.look([stick(tmp_path)])
    for name, content in (("tor", b"\x7fELF"), ("letter", b"Dear parents")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o755)
    assert [told.facts["name"] for told in programs.look([stick(tmp_path)])] == ["tor"]


def test_many_are_told_of_as_a_number(tmp_path: Path) -> None:
    programs = programs_of(reading=Reading(most_programs=3))
    programs.look([stick(tmp_path)])
    for number in range(10):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ")
    told = programs.look([stick(tmp_path)])
    assert len(told) == 4
    assert told[-1].facts["left_out"] == 7


def test_what_a_look_has_left_out_is_not_new_when_it_is_seen(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ")
    left = iter((4, 20, 20))
    programs = programs_of(pace=Pace(sleep=lambda _seconds: None))
    for _ in range(3):
        programs._pace = Pace(most_entries=next(left), sleep=lambda _seconds: None)
        told = programs.look([stick(tmp_path)])
        assert [each.kind for each in told] in ([], ["programs_present"])
    (tmp_path / "come.exe").write_bytes(b"MZ")
    assert [each.facts["name"] for each in programs.look([stick(tmp_path)])] == ["come.exe"]


def test_what_was_there_is_told_once_for_the_whole_medium(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "tool.exe").write_bytes(portable_executable(certificate=4096))
    (tmp_path / "setup.exe").write_bytes(portable_executable())
    (tmp_path / "letter.docx").write_bytes(b"PK")
    (tmp_path / ".Trash-1000" / "files").mkdir(parents=True)
    (tmp_path / ".Trash-1000" / "files" / "thrown-away.exe").write_bytes(b"MZ")
    (tmp_path / "._letter.docx").write_bytes(b"\0\5\x16\7")
    programs = programs_of()
    (told,) = programs.look([stick(tmp_path)])
    assert told.kind == "programs_present"
    assert told.facts == {
        "insertion": "17",
        "place": "volume",
        "files": 2,
        "signatures": {"carried": 1, "none": 1},
        "programs": [
            {"name": "setup.exe", **program("none", portable_executable())},
            {"name": "deep/er/tool.exe", **program("carried", portable_executable(certificate=4096))},
        ],
        "left_out": 0,
        "coverage": "complete",
    }
    assert programs.look([stick(tmp_path)]) == ()
    assert programs.look([]) == ()
    assert [each.kind for each in programs.look([stick(tmp_path)])] == ["programs_present"], "it came back"
    assert [each.kind for each in programs.look([stick(tmp_path, "18")])] == ["programs_present"], "another one"


def test_a_program_does_not_hide_as_what_macos_puts_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / "._setup.exe").write_bytes(portable_executable())
    (told,) = programs_of().look([stick(tmp_path)])
    assert told.facts["programs"] == [{"name": "._setup.exe", **program("none", portable_executable())}]


def program(signature: str, content: bytes) -> dict[str, str]:
    return {"form": "pe", "signature": signature, "sha256": hashlib.sha256(content).hexdigest(), "why": ""}


def test_a_stick_full_of_installers_is_one_short_event(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / ("\x01" * 200 + f"{number:03}.exe")).write_bytes(b"MZ")
    (told,) = programs_of().look([stick(tmp_path)])
    assert Event(1, 1.0, 1.0, "boot", told.kind, 2, told.facts).text
    listed = told.facts["programs"]
    assert isinstance(listed, list)
    assert (told.facts["files"], len(listed), told.facts["left_out"]) == (20, 10, 480)


def test_reading_what_was_there_ends_after_its_time(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ")
    seconds = iter(range(0, 1000, 1))
    reading = Reading(most_seconds=9.0, most_seconds_in_all=10.0, clock=lambda: next(seconds))
    (told,) = programs_of(reading=reading).look([stick(tmp_path)])
    assert (told.facts["files"], told.facts["left_out"]) == (6, 3), "each takes two seconds of this clock"


def test_between_two_programs_the_medium_is_left_alone_and_nothing_is_open(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ" + bytes(200_000))
    held: list[str] = []

    def sleep(_seconds: float) -> None:
        held.extend(open_under(tmp_path))

    assert programs_of(pace=Pace(sleep=sleep)).look([stick(tmp_path)])
    assert not held


def test_what_was_told_before_a_restart_is_not_told_again(tmp_path: Path) -> None:
    (tmp_path / "setup.exe").write_bytes(b"MZ")
    asked: list[Mapping[str, JSON]] = []

    def was_told(volume: Mapping[str, JSON]) -> bool:
        asked.append(volume)
        return True

    programs = programs_of(was_told=was_told)
    assert programs.look([stick(tmp_path)]) == ()
    (tmp_path / "come.exe").write_bytes(b"MZ")
    assert [each.facts["name"] for each in programs.look([stick(tmp_path)])] == ["come.exe"]
    assert asked == [{"insertion": "17"}]


def test_what_was_among_downloads_before_is_nobody_s_medium(tmp_path: Path) -> None:
    (tmp_path / "setup.exe").write_bytes(b"MZ")
    assert programs_of().look([Place(str(tmp_path), "downloads", {})]) == ()


def test_the_disk_of_the_computer_is_not_looked_at_in_the_place_of_a_volume(tmp_path: Path) -> None:
    (tmp_path / "setup.exe").write_bytes(b"MZ")
    assert NewPrograms(NAMED).look([stick(tmp_path)]) == ()


def test_a_service_that_ends_tells_later(tmp_path: Path) -> None:
    (tmp_path / "setup.exe").write_bytes(b"MZ")
    answers = iter((True, False))
    pace = Pace(is_wanted=lambda: next(answers), sleep=lambda _seconds: None)
    assert programs_of(pace=pace).look([stick(tmp_path)]) == ()


def test_looked_at_early_is_only_what_nobody_has_looked_at(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "setup.exe").write_bytes(b"MZ")
    programs = programs_of()
    programs.look([stick(old)])
    (old / "come.exe").write_bytes(b"MZ")
    early = programs.look([stick(old), stick(new)], first_only=True)
    assert [each.kind for each in early] == ["programs_present"]
    assert [each.kind for each in programs.look([stick(old), stick(new)])] == ["program_new"]


@needs_root
def test_a_real_volume_can_be_ejected_right_after_the_look_and_while_it_goes_on(tmp_path: Path) -> None:
    with mounted_volume(tmp_path) as volume:
        for number in range(6):
            (volume / f"{number}.exe").write_bytes(portable_executable() + bytes(3 << 20))
        refused: list[str] = []

        def leave(seconds: float) -> None:
            if seconds and not refused:
                refused.append(eject(volume))

        programs = NewPrograms(NAMED, pace=Pace(sleep=leave), reading=Reading())
        assert len(programs.look([stick(volume)])) <= 1
        assert refused == [""]
        assert programs.look([stick(volume)]) == ()


def test_the_system_is_asked_about_what_could_be_read_in_its_time_alone(tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_bytes(portable_executable(certificate=4096))
    asked: list[tuple[str, str]] = []

    def verify(path: Path, form: str) -> Signature:
        asked.append((path.name, form))
        return Signature.VERIFIED

    assert signature(tmp_path / "a.exe", Reading(), verify) is Signature.VERIFIED
    assert signature(tmp_path / "a.exe", Reading(most_bytes=100), verify) is Signature.CARRIED
    assert signature(tmp_path / "a.exe", Reading(), verify_nothing) is Signature.CARRIED
    assert asked == [("a.exe", "pe")]


def signature(path: Path, reading: Reading, verify: Verify) -> Signature:
    found = examine(path, reading, verify)
    assert found is not None
    return found.signature


def open_under(folder: Path) -> list[str]:
    held = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            held.append(str(each.readlink()))
        except OSError:
            continue
    return [path for path in held if path.startswith(str(folder))]


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        pytest.param(
            'XDG_DESKTOP_DIR="$HOME/Bureau"\nXDG_DOWNLOAD_DIR="$HOME/Téléchargements"\n',
            "Téléchargements",
            id="french",
        ),
        pytest.param('XDG_DOWNLOAD_DIR="$HOME/"\n', None, id="the-home-itself"),
        pytest.param('XDG_DOWNLOAD_DIR="/srv/all"\n', None, id="elsewhere"),
        pytest.param('XDG_DOWNLOAD_DIR="$HOME/../bert/x"\n', None, id="somebody-elses"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_where_downloads_are_put(text: str, folder: str | None) -> None:
    assert parse_user_dirs(text) == folder


def test_downloads_of_everybody(tmp_path: Path) -> None:
    named = 'XDG_DOWNLOAD_DIR="$HOME/ダウンロード"'
    files = {
        "/home/anna/.config/user-dirs.dirs": named,
        "/home/anna/ダウンロード/x": "",
        "/home/bert/Downloads/x": "",
    }
    machine = recorded(tmp_path, files | {"/home/carl/x": ""})
    assert [Path(place.top).name for place in download_places(machine)] == ["ダウンロード", "Downloads"]
    mac = recorded(tmp_path / "mac", {"/Users/anna/Downloads/x": ""}, platform="darwin")
    assert [place.kind for place in download_places(mac)] == ["downloads"]


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        pytest.param(Reading(most_bytes=100), "too_large", id="too-large"),
        pytest.param(Reading(most_seconds=-1.0), "too_slow", id="too-slow"),
    ],
)
def test_what_is_too_much_to_read_is_told_without_a_digest(reading: Reading, why: str, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_bytes(b"MZ" + bytes(10_000))
    assert examine(tmp_path / "a.exe", reading) == Program("pe", Signature.UNKNOWN, why=why)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.exe")
    (tmp_path / "link.exe").symlink_to("/bin/sh")
    assert examine(tmp_path / "pipe.exe", Reading()) is None
    assert examine(tmp_path / "gone.exe", Reading()) is None
    assert examine(tmp_path / "link.exe", Reading()) == Program("exe", Signature.UNKNOWN, why="not_readable")
