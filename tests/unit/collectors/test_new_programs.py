"""New programs, on real folders."""

import hashlib
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines_of_test import recorded

from collectors.inventory import Pace
from collectors.new_programs import (
    NewPrograms,
    Place,
    Program,
    Reading,
    Signature,
    download_places,
    examine,
    form_of,
    parse_user_dirs,
    signature_of,
)
from collectors.write_stream import Naming

NAMED = Naming(b"k" * 32, with_names=True)


def portable_executable(*, certificate: int = 0, magic: int = 0x20B, directories: int = 16) -> bytes:
    head = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x80) + bytes(0x40)
    optional = struct.pack("<H", magic) + bytes((96 if magic == 0x10B else 112) - 6) + struct.pack("<I", directories)
    tables = bytes(32) + struct.pack("<II", certificate, certificate) + bytes(88)
    return head + b"PE\0\0" + bytes(20) + optional + tables


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
        signature_of(head, "pe")


def stick(folder: Path) -> Place:
    return Place(str(folder), "volume", {"insertion": "17"})


def test_only_what_has_come_is_told_of_with_its_digest(tmp_path: Path) -> None:
    programs = NewPrograms(NAMED)
    (tmp_path / "old.exe").write_bytes(b"MZ")
    assert programs.look([stick(tmp_path)]) == ()
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
    programs = NewPrograms(NAMED)
    programs.look([stick(tmp_path)])
    for name, content in (("tor", b"\x7fELF"), ("letter", b"Dear parents")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o755)
    assert [told.facts["name"] for told in programs.look([stick(tmp_path)])] == ["tor"]


def test_many_are_told_of_as_a_number(tmp_path: Path) -> None:
    programs = NewPrograms(NAMED, reading=Reading(most_programs=3))
    programs.look([stick(tmp_path)])
    for number in range(10):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ")
    told = programs.look([stick(tmp_path)])
    assert len(told) == 4
    assert told[-1].facts["left_out"] == 7


def test_what_a_look_has_left_out_is_not_new_when_it_is_seen(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.exe").write_bytes(b"MZ")
    NewPrograms(NAMED, pace=Pace(most_entries=0)).look([stick(tmp_path)])
    programs = NewPrograms(NAMED)
    assert programs.look([stick(tmp_path / "gone")]) == ()
    programs.look([stick(tmp_path)])
    assert programs.look([]) == ()
    assert programs.look([stick(tmp_path)]) == (), "a stick that comes back is looked at anew"


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
