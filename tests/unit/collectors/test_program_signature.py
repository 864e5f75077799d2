"""What systems say of a signature, recorded; neither Windows nor macOS runs here."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs_of_test import portable_executable

from collectors.machine import Machine, Output
from collectors.program_signature import (
    Signature,
    checked,
    signature_of,
    verify_nothing,
    verify_on_macos,
    verify_on_windows,
)

FILE = Path("/Volumes/PUPILS DISK/tool")


class SaidByWindows:
    """A Windows that says one thing of every file."""

    def __init__(self, said: int) -> None:
        self.said = said
        self.asked: list[str] = []

    def trust(self, path: str) -> int:
        self.asked.append(path)
        return self.said


@pytest.mark.parametrize(
    ("said", "carried", "signature"),
    [
        pytest.param(0, "carried", "verified", id="good"),
        pytest.param(0x800B0100, "none", "none", id="no-signature"),
        pytest.param(0x800B0100, "carried", "not_valid", id="a-table-that-holds-no-signature"),
        pytest.param(0x80096010, "carried", "not_valid", id="changed-after-it-was-signed"),
        pytest.param(0x800B0101, "carried", "not_valid", id="expired"),
        pytest.param(0x800B010C, "carried", "not_valid", id="revoked"),
        pytest.param(0x800B0109, "carried", "carried", id="a-root-that-windows-may-not-have-fetched-yet"),
        pytest.param(0x800B010A, "carried", "carried", id="a-chain-that-cannot-be-built-here"),
        pytest.param(0x80092026, "carried", "carried", id="forbidden-by-a-setting"),
        pytest.param(0x80092003, "unknown", "unknown", id="could-not-be-read"),
        pytest.param(0x800B0003, "unknown", "unknown", id="of-a-form-that-has-none"),
    ],
)
def test_windows(said: int, carried: str, signature: str) -> None:
    windows = SaidByWindows(said)
    assert checked(Signature(carried), FILE, "pe", verify_on_windows(windows)) == signature
    assert windows.asked == [str(FILE)]


@pytest.mark.parametrize("form", ["elf", "mach_o", "script", "bat", "ps1", "jar"])
def test_windows_is_not_asked_about_what_has_no_signature_of_windows(form: str) -> None:
    windows = SaidByWindows(0x800B0100)
    assert checked(Signature.UNKNOWN, FILE, form, verify_on_windows(windows)) is Signature.UNKNOWN
    assert windows.asked == []


@pytest.mark.parametrize(
    ("said", "signature"),
    [
        pytest.param(Output(0), "verified", id="good"),
        pytest.param(
            Output(1, err=f"{FILE}: code object is not signed at all\nIn architecture: x86_64\n".encode()),
            "none",
            id="not-signed",
        ),
        pytest.param(
            Output(1, err=f"{FILE}: invalid signature (code or signature have been modified)\n".encode()),
            "not_valid",
            id="changed-after-it-was-signed",
        ),
        pytest.param(Output(1, err=b"\xff\xfe"), "not_valid", id="words-that-are-no-text"),
        pytest.param(Output(3, err=b"test-requirement: code failed"), "not_valid", id="signed-by-a-key-of-their-own"),
        pytest.param(Output(2, err=b"Usage: codesign ..."), "unknown", id="an-older-codesign"),
        pytest.param(Output(None, why="/usr/bin/codesign took longer than 3 s"), "unknown", id="took-too-long"),
    ],
)
def test_macos(said: Output, signature: str) -> None:
    asked: list[tuple[tuple[str, ...], float]] = []

    def run(command: tuple[str, ...], seconds: float) -> Output:
        asked.append((command, seconds))
        return said

    machine = Machine(programs=run, platform="darwin")
    assert checked(Signature.UNKNOWN, FILE, "mach_o", verify_on_macos(machine)) == signature
    ((command, seconds),) = asked
    assert command[:3] == ("/usr/bin/codesign", "--verify", "--strict")
    assert command[-1] == str(FILE)
    assert seconds == 3.0


def test_a_file_that_is_called_like_an_answer_does_not_answer() -> None:
    path = Path("/Volumes/x: code object is not signed at all")
    said = Output(1, err=f"{path}: a sealed resource is missing or invalid".encode())
    machine = Machine(programs=lambda _command, _seconds: said, platform="darwin")
    assert verify_on_macos(machine)(path, "mach_o") is Signature.NOT_VALID


def test_macos_is_not_asked_about_programs_of_others() -> None:
    machine = Machine(programs=lambda _command, _seconds: Output(0), platform="darwin")
    assert checked(Signature.CARRIED, FILE, "pe", verify_on_macos(machine)) is Signature.CARRIED


def test_on_linux_a_program_is_neither_signed_nor_unsigned() -> None:
    carried = signature_of(b"\x7fELF\x02" + bytes(100), "elf")
    assert checked(carried, FILE, "elf", verify_nothing) is Signature.UNKNOWN


@given(st.binary(max_size=600), st.integers(0, 300), st.binary(max_size=40))
def test_no_octets_are_an_error(data: bytes, place: int, patch: bytes) -> None:
    good = portable_executable(certificate=1)
    for head in (data, b"MZ" + data, good[:place] + patch + good[place:]):
        signature_of(head, "pe")
