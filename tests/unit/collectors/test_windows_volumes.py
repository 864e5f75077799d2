"""The volumes of a Windows computer, from recorded answers of our own making."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.hardware_encrypted import claims
from collectors.volume import Attach, Bus, Crypt, Usb, Volume
from collectors.windows_volumes import LOCKED_VOLUME, NOT_READY, BitLocker, Disk, Label, look, usb_of

REMOVABLE, FIXED, REMOTE, OPTICAL, RAM = 2, 3, 4, 5, 6
USB, NVME, VIRTUAL, SD = 7, 17, 15, 12
STICK = Disk(1, USB, r"USB\VID_0951&PID_160D\001CC0")
FAT = Label("PUPILS", "exFAT", 0x7F5AE8BA, 0, 16_000_000_000)


class WindowsError(OSError):
    """An OSError as Windows raises it."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "the words of Windows")
        self.winerror = number


@dataclass
class Recorded:
    """A Windows that has C: and one drive E:, and says what was recorded."""

    kind: int = REMOVABLE
    on_it: Label | OSError = FAT
    under_it: Disk | OSError | None = STICK
    stands_for: str = r"\Device\HarddiskVolume9"
    protection: int | OSError | None = None
    methods: BitLocker | None = None
    letters: tuple[str, ...] = ("E:",)
    is_administrator: bool = field(default=True)

    def drives(self) -> tuple[str, ...]:
        return self.letters

    def system_drive(self) -> str:
        return "C:"

    def drive_type(self, _drive: str) -> int:
        return self.kind

    def label(self, _drive: str) -> Label:
        if isinstance(self.on_it, OSError):
            raise self.on_it
        return self.on_it

    def disk(self, _drive: str) -> Disk | None:
        if isinstance(self.under_it, OSError):
            raise self.under_it
        return self.under_it

    def target(self, _drive: str) -> str:
        return self.stands_for

    def shell_protection(self, _drive: str) -> int | None:
        if isinstance(self.protection, OSError):
            raise self.protection
        return self.protection

    def bitlocker(self) -> Mapping[str, BitLocker] | None:
        if not self.is_administrator:
            return None
        return {} if self.methods is None else dict.fromkeys(self.letters, self.methods)


def seen(windows: Recorded) -> Volume:
    (volume,) = look(windows)
    return volume


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, Crypt.ENCRYPTED),
        (2, Crypt.PLAIN),
        (3, Crypt.CONVERTING),
        (4, Crypt.PLAIN),
        (5, Crypt.SUSPENDED),
        (6, Crypt.ENCRYPTED_LOCKED),
        (7, Crypt.PLAIN),
        (8, Crypt.SUSPENDED),
        (9, Crypt.UNKNOWN),
        (None, Crypt.UNKNOWN),
        (WindowsError(5), Crypt.UNKNOWN),
    ],
    ids=["on", "off", "encrypting", "decrypting", "suspended", "locked", "cannot", "waiting", "new", "none", "error"],
)
def test_what_anybody_may_ask(value: int | OSError | None, expected: Crypt) -> None:
    volume = seen(Recorded(protection=value, is_administrator=False))
    assert volume.crypt is expected
    assert bool(volume.why) is (expected is Crypt.UNKNOWN)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (BitLocker(protection=1, conversion=1, lock=0), Crypt.ENCRYPTED),
        (BitLocker(protection=0, conversion=1, lock=0), Crypt.SUSPENDED),
        (BitLocker(protection=0, conversion=0, lock=0), Crypt.PLAIN),
        (BitLocker(protection=0, conversion=2, lock=0), Crypt.CONVERTING),
        (BitLocker(protection=1, conversion=3, lock=0), Crypt.CONVERTING),
        (BitLocker(protection=2, conversion=1, lock=1), Crypt.ENCRYPTED_LOCKED),
        (BitLocker(protection=2, conversion=1, lock=0), Crypt.UNKNOWN),
    ],
    ids=["on", "suspended", "off", "encrypting", "decrypting", "locked", "protection-not-known"],
)
def test_what_an_administrator_may_ask(said: BitLocker, expected: Crypt) -> None:
    assert seen(Recorded(methods=said)).crypt is expected


def test_the_methods_are_surer_than_the_shell_and_both_are_shown() -> None:
    volume = seen(Recorded(protection=1, methods=BitLocker(protection=0, conversion=0, lock=0)))
    assert volume.crypt is Crypt.PLAIN
    assert [each.source for each in volume.evidence] == ["wmi.Win32_EncryptableVolume", "shell.BitLockerProtection"]


@pytest.mark.parametrize(
    ("kind", "disk", "attach", "bus"),
    [
        (REMOVABLE, STICK, Attach.REMOVABLE, Bus.USB),
        (FIXED, STICK, Attach.REMOVABLE, Bus.USB),
        (FIXED, Disk(0, NVME), Attach.FIXED, Bus.NVME),
        (FIXED, Disk(2, SD), Attach.REMOVABLE, Bus.MMC),
        (FIXED, Disk(2, VIRTUAL), Attach.VIRTUAL, Bus.VIRTUAL),
        (REMOVABLE, None, Attach.REMOVABLE, Bus.UNKNOWN),
        (FIXED, None, Attach.FIXED, Bus.UNKNOWN),
        (REMOVABLE, WindowsError(5), Attach.REMOVABLE, Bus.UNKNOWN),
        (0, None, Attach.UNKNOWN, Bus.UNKNOWN),
        (REMOTE, None, Attach.NETWORK, Bus.UNKNOWN),
        (OPTICAL, None, Attach.OPTICAL, Bus.UNKNOWN),
        (RAM, None, Attach.VIRTUAL, Bus.UNKNOWN),
    ],
    ids=[
        "stick", "usb-disk-called-fixed", "internal", "card", "image", "no-disk-removable", "no-disk-fixed",
        "disk-not-told", "no-type", "share", "disc", "memory",
    ],
)  # fmt: skip
def test_how_a_drive_is_attached(kind: int, disk: Disk | OSError | None, attach: Attach, bus: Bus) -> None:
    volume = seen(Recorded(kind=kind, under_it=disk, protection=1))
    assert (volume.attach, volume.bus) == (attach, bus)


def test_the_drive_that_windows_runs_from_is_never_a_stick() -> None:
    volume = seen(Recorded(letters=("C:",)))
    assert (volume.attach, volume.is_system) == (Attach.FIXED, True)


def test_an_open_veracrypt_volume_is_encrypted() -> None:
    assert seen(Recorded(stands_for=r"\Device\VeraCryptVolumeP", protection=7)).crypt is Crypt.ENCRYPTED


def test_a_locked_drive_cannot_be_read_and_says_why() -> None:
    volume = seen(Recorded(on_it=WindowsError(LOCKED_VOLUME)))
    assert (volume.crypt, volume.is_mounted, volume.has_medium) == (Crypt.ENCRYPTED_LOCKED, False, True)


def test_a_reader_without_a_card() -> None:
    volume = seen(Recorded(on_it=WindowsError(NOT_READY)))
    assert (volume.crypt, volume.has_medium, volume.why) == (Crypt.UNKNOWN, False, "no medium is in it")


@pytest.mark.parametrize(("kind", "why"), [(REMOTE, "a share"), (OPTICAL, "a disc")], ids=["share", "disc"])
def test_what_is_no_medium_of_this_computer_is_not_judged(kind: int, why: str) -> None:
    volume = seen(Recorded(kind=kind, protection=2))
    assert volume.crypt is Crypt.UNKNOWN
    assert volume.why.startswith(why)


def test_a_stick_whose_maker_says_that_it_encrypts() -> None:
    (volume,) = look(Recorded(protection=7), hardware_claim=claims({"0951:160d": "Vault"}))
    assert volume.crypt is Crypt.CLAIMED_HARDWARE


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        (r"USB\VID_0951&PID_1693\001CC0C60", Usb("0951", "1693", "001CC0C60")),
        (r"usb\vid_0951&pid_1693&mi_00\001CC0C60", Usb("0951", "1693", "001CC0C60")),
        (r"USB\VID_0951&PID_1693\6&2A4B1C&0&2", Usb("0951", "1693", "")),
        (r"PCI\VEN_1217&DEV_7120", None),
        ("", None),
    ],
    ids=["serial", "one-of-several-functions", "serial-made-up-by-windows", "not-usb", "nothing"],
)
def test_the_device_behind_a_drive(instance: str, expected: Usb | None) -> None:
    assert usb_of(instance) == expected


@given(st.integers(-1, 9), st.integers(-1, 30), st.text(max_size=40), st.integers() | st.none())
def test_no_answer_breaks_it(kind: int, bus: int, instance: str, shell: int | None) -> None:
    seen(Recorded(kind=kind, under_it=Disk(0, bus, instance), stands_for=instance, protection=shell)).facts()
