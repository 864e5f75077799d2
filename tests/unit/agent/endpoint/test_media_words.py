"""Media in words: what is exact stays exact, and what is not known is said so."""

from typing import Any

import pytest
from facts_of_test import PROGRAM, STICK, WRITES

from agent.endpoint.media_words import MediaWords
from agent.endpoint.notice_texts import LANGUAGES, endpoint_texts
from agent.endpoint.value_words import ValueWords
from collectors.volume import Attach, Bus, Crypt, Usb, Volume


def words(language: str = "en", *media: Any) -> MediaWords:
    return MediaWords(ValueWords(endpoint_texts(language), lambda at: f"@{at:g}"), media)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "not encrypted, can be written to", id="plain"),
        pytest.param({"read_only": True}, "not encrypted, cannot be written to", id="read-only"),
        pytest.param(
            {"read_only": None}, "not encrypted, nobody knows whether it can be written to", id="nobody-knows"
        ),
        pytest.param({"mounted": False}, "not encrypted, its files cannot be reached now", id="not-mounted"),
        pytest.param({"crypt": "encrypted_locked"}, "encrypted and locked", id="locked-with-a-reader-in-front"),
        pytest.param(
            {"crypt": "unknown", "why": "it begins with nothing but zeros", "mounted": False},
            (
                "nobody knows whether it is encrypted (it begins with nothing but zeros), its files cannot be"
                " reached now"
            ),
            id="unknown-with-its-reason",
        ),
        pytest.param({"crypt": "rot13"}, "rot13, can be written to", id="a-code-of-a-newer-version"),
        pytest.param(
            {"container": True},
            "not encrypted, can be written to, a file on it looks like an encrypted container",
            id="container",
        ),
        pytest.param(
            {"label_marks": ["direction", "new"]},
            "not encrypted, can be written to, its name turns the direction of writing, new",
            id="odd-name",
        ),
        pytest.param(
            {"medium": False, "mounted": False},
            "not encrypted, its files cannot be reached now, there is no card in it",
            id="empty",
        ),
        pytest.param({"system": True}, "not encrypted, can be written to, this laptop runs from it", id="system"),
        pytest.param(
            {"changed": {"crypt": "encrypted", "mounted": False}},
            "not encrypted, can be written to, before: encrypted",
            id="changed",
        ),
        pytest.param(
            {"proof": "not_seen_unmounted"},
            "not encrypted, can be written to, pulled out without being ejected (nobody saw it ejected)",
            id="pulled",
        ),
    ],
)
def test_a_medium(more: dict[str, Any], said: str) -> None:
    assert words().medium({**STICK, **more}) == f"USB stick PUPILS (DataTraveler, 32 GB): {said}"


@pytest.mark.parametrize(
    ("more", "name"),
    [
        pytest.param({"usb": None, "bus": "mmc", "label": "DCIM"}, "Memory card DCIM (32 GB)", id="card"),
        pytest.param({"usb": None, "bus": "thunderbolt", "label": ""}, "Medium (32 GB)", id="nameless"),
        pytest.param({"usb": None, "bus": "sata", "label": "", "size_bytes": None}, "Medium (sdb1)", id="nothing"),
        pytest.param({"usb": None, "size_bytes": None}, "USB stick PUPILS", id="label-only"),
    ],
)
def test_the_name_of_a_medium(more: dict[str, Any], name: str) -> None:
    assert words().name_of({**STICK, **more}) == name


def test_a_phone() -> None:
    phone = Volume(
        "1-2", Attach.PHONE, Bus.USB, Crypt.UNKNOWN, why="a phone or a camera does not tell", usb=Usb("1", "2")
    )
    assert words().phone(phone.facts()) == (
        "Phone or camera 1-2: nobody knows whether it is encrypted (a phone or a camera does not tell)"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "names of files only as hashes; seen by inotify", id="complete"),
        pytest.param(
            {"names": ["a.pdf", "b.pdf"]}, "names: a.pdf, b.pdf; not listed: 2; seen by inotify", id="names-as-text"
        ),
        pytest.param({"names": []}, "seen by inotify", id="no-names"),
        pytest.param(
            {"names": [], "total_files": 9, "total_removed": 4},
            "since it was plugged in: 9 (3.1 MB), deleted: 4; seen by inotify",
            id="more-before",
        ),
        pytest.param(
            {"names": [], "coverage": "partial", "why": ["overflow", "new_gap"], "sizes_unknown": 1},
            "of unknown size: 1; there may have been more: more happened than the system could tell, new_gap;"
            " seen by inotify",
            id="partial",
        ),
        pytest.param({"names": [], "coverage": "odd"}, "odd; seen by inotify", id="another-coverage"),
        pytest.param({"names": [], "last": True, "clean": True}, "seen by inotify; the medium was ejected", id="out"),
        pytest.param(
            {"names": [], "last": True, "clean": False},
            "seen by inotify; it was pulled out without being ejected",
            id="pulled",
        ),
    ],
)
def test_writes(more: dict[str, Any], said: str) -> None:
    start = "Files written to USB stick PUPILS (DataTraveler, 32 GB): 3 (3.1 MB); pdf 2, docx 1; from @5 to @9; "
    assert words("en", STICK).writes({**WRITES, **more}) == start + said


def test_what_is_deleted_is_said() -> None:
    assert "; deleted: 2; " in words().writes({**WRITES, "removed": 2, "total_removed": 2})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({}, "New program on Medium (sdb1): exe, signed by nobody", id="volume"),
        pytest.param(
            {"place": "downloads", "name": "setup.exe", "signature": "not_valid"},
            "New program among the downloads: setup.exe (exe), with a signature that does not hold",
            id="download-by-name",
        ),
        pytest.param({"place": "desk"}, "New program (desk): exe, signed by nobody", id="elsewhere"),
        pytest.param(
            {"signature": "unknown", "why": "too_large"},
            "New program on Medium (sdb1): exe, nobody knows whether it is signed, it is too large to be read",
            id="not-read",
        ),
    ],
)
def test_a_program(more: dict[str, Any], said: str) -> None:
    assert words().program({**PROGRAM, **more}) == said


def test_programs_beyond_those_that_are_told_one_by_one() -> None:
    assert words().program({"place": "downloads", "left_out": 7}) == "New program among the downloads; not listed: 7"


def test_programs_that_were_there() -> None:
    facts = {"device": "sdb1", "place": "volume", "files": 3, "signatures": {"none": 2, "odd": 1}, "left_out": 4}
    assert words().programs({**facts, "coverage": "partial"}) == (
        "Programs that were on Medium (sdb1): 3; signed by nobody: 2; odd: 1; not looked at: 4; there may be more"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_name_is_the_same_in_every_language(language: str) -> None:
    said = words(language).medium(STICK)
    assert "PUPILS (DataTraveler, 32 G" in said
    assert ("not encrypted" in said) == (language == "en")
