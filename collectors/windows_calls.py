"""How Windows is asked: its functions by ctypes, its management interface by COM.

It knows the calls; it must not learn what an answer means. Never run on a real Windows so far.
"""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from collectors.windows_volumes import BitLocker, Disk, Label

_NO_ERRORS_ON_SCREEN: Final = 0x0001 | 0x8000
_TEXT: Final = 1024
_BITLOCKER: Final = r"winmgmts:{authenticationLevel=pktPrivacy}!\\.\root\CIMV2\Security\MicrosoftVolumeEncryption"
_COMPUTER: Final = r"winmgmts:\\.\root\CIMV2"
_STORAGE: Final = r"winmgmts:\\.\root\Microsoft\Windows\Storage"
# Source: the property's key as PSGetPropertyKeyFromName gives it, and IShellItem2 with GetInt32 at slot 16.
_PROTECTION: Final = ("{2D15A9A1-A556-4189-91AD-027458F11A07}", 1717)
_SHELL_ITEM: Final = "{7E9FB0D3-919F-4307-AB2E-9B1860310C93}"
_GET_INT32: Final = 16
_RELEASE: Final = 2
# Source: wintrust.h. Nothing is shown, no revocation looked up and nothing fetched: what is on the disk has to do.
_VERIFY_BY_CODE: Final = "{00AAC56B-CD44-11D0-8CC2-00C04FC295EE}"
_NO_WINDOW: Final = -1
_UI_NONE, _REVOKE_NONE, _CHOICE_FILE = 2, 0, 1
_STATE_VERIFY, _STATE_CLOSE = 1, 2
_REVOCATION_CHECK_NONE, _CACHE_ONLY = 0x10, 0x1000
# Source: winerror.h, TRUST_E_NOSIGNATURE. It is also said of what could not be read or is of a form without any.
_NO_SIGNATURE: Final = 0x800B0100


class _Guid(ctypes.Structure):
    _fields_ = (
        ("a", ctypes.c_uint32),
        ("b", ctypes.c_uint16),
        ("c", ctypes.c_uint16),
        ("d", ctypes.c_ubyte * 8),
    )


class _PropertyKey(ctypes.Structure):
    _fields_ = (("format", _Guid), ("number", ctypes.c_uint32))


class _TrustFile(ctypes.Structure):
    """WINTRUST_FILE_INFO."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("path", ctypes.c_wchar_p),
        ("file", ctypes.c_void_p),
        ("known_subject", ctypes.c_void_p),
    )


class _TrustData(ctypes.Structure):
    """WINTRUST_DATA."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy_callback", ctypes.c_void_p),
        ("sip_client", ctypes.c_void_p),
        ("ui", ctypes.c_uint32),
        ("revocation", ctypes.c_uint32),
        ("choice", ctypes.c_uint32),
        ("file", ctypes.POINTER(_TrustFile)),
        ("state", ctypes.c_uint32),
        ("state_data", ctypes.c_void_p),
        ("url", ctypes.c_wchar_p),
        ("flags", ctypes.c_uint32),
        ("ui_context", ctypes.c_uint32),
        ("signature_settings", ctypes.c_void_p),
    )


def _trust_data(path: str) -> _TrustData:
    """Ask about a file, by what is on this disk alone."""
    file = _TrustFile(size=ctypes.sizeof(_TrustFile), path=path)
    return _TrustData(
        size=ctypes.sizeof(_TrustData),
        ui=_UI_NONE,
        revocation=_REVOKE_NONE,
        choice=_CHOICE_FILE,
        file=ctypes.pointer(file),
        state=_STATE_VERIFY,
        flags=_REVOCATION_CHECK_NONE | _CACHE_ONLY,
    )


def _trust_said(status: int, last_error: int) -> int:
    """Give what was said without a sign; where it is that there is no signature, why there is none, if told."""
    status, last_error = status & 0xFFFFFFFF, last_error & 0xFFFFFFFF
    return (last_error or status) if status == _NO_SIGNATURE else status


if sys.platform == "win32":

    class WindowsCalls:
        """The Windows that this process runs on.

        Raises:
            OSError: where a call fails, with the number of Windows as `winerror`.
        """

        def __init__(self) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.SetErrorMode(_NO_ERRORS_ON_SCREEN)

        def drives(self) -> tuple[str, ...]:
            """Give the drives that have a letter."""
            present = int(self._kernel.GetLogicalDrives())
            return tuple(f"{chr(65 + place)}:" for place in range(26) if present >> place & 1)

        def system_drive(self) -> str:
            """Give the drive that Windows runs from."""
            return os.environ.get("SYSTEMDRIVE", "C:")

        def drive_type(self, drive: str) -> int:
            """Give what GetDriveTypeW says."""
            return int(self._kernel.GetDriveTypeW(ctypes.c_wchar_p(f"{drive}\\")))

        def label(self, drive: str) -> Label:
            """Give what is on a volume."""
            name, filesystem = (ctypes.create_unicode_buffer(_TEXT) for _ in range(2))
            serial, longest, flags = (ctypes.c_uint32() for _ in range(3))
            size = ctypes.c_uint64()
            root = ctypes.c_wchar_p(f"{drive}\\")
            if not self._kernel.GetVolumeInformationW(
                root, name, _TEXT, ctypes.byref(serial), ctypes.byref(longest), ctypes.byref(flags), filesystem, _TEXT
            ):
                raise ctypes.WinError(ctypes.get_last_error())
            is_sized = self._kernel.GetDiskFreeSpaceExW(root, None, ctypes.byref(size), None)
            return Label(name.value, filesystem.value, serial.value, flags.value, size.value if is_sized else None)

        def target(self, drive: str) -> str:
            """Give the device that a letter stands for."""
            text = ctypes.create_unicode_buffer(_TEXT)
            if not self._kernel.QueryDosDeviceW(ctypes.c_wchar_p(drive), text, _TEXT):
                raise ctypes.WinError(ctypes.get_last_error())
            return text.value

        def disk(self, drive: str) -> Disk | None:
            """Give the disk under a drive."""
            with _interface() as get:
                computer = get(_COMPUTER)
                for partition in _associated(computer, "Win32_LogicalDisk", drive, "Win32_LogicalDiskToPartition"):
                    name = _value(partition, "DeviceID")
                    kind = "Win32_DiskDriveToDiskPartition"
                    for disk in _associated(computer, "Win32_DiskPartition", name, kind):
                        number = int(_value(disk, "Index"))
                        query = f"SELECT BusType FROM MSFT_Disk WHERE Number = {number}"  # noqa: S608 -- a number
                        bus = next((int(_value(each, "BusType")) for each in get(_STORAGE).ExecQuery(query)), 0)
                        return Disk(number, bus, _usb_instance(computer, str(_value(disk, "PNPDeviceID"))))
            return None

        def shell_protection(self, drive: str) -> int | None:
            """Give System.Volume.BitLockerProtection."""
            with _interface():
                shell = ctypes.WinDLL("shell32")
                item, said, key = ctypes.c_void_p(), ctypes.c_int32(), _PropertyKey(_guid(_PROTECTION[0]), 1717)
                path, kind = ctypes.c_wchar_p(f"{drive}\\"), _guid(_SHELL_ITEM)
                if shell.SHCreateItemFromParsingName(path, None, ctypes.byref(kind), ctypes.byref(item)) < 0:
                    return None
                table = ctypes.cast(item, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
                get = ctypes.WINFUNCTYPE(ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
                release = ctypes.WINFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)
                try:
                    result = get(table[_GET_INT32])(item, ctypes.byref(key), ctypes.byref(said))
                finally:
                    release(table[_RELEASE])(item)
                return said.value if result == 0 else None

        def bitlocker(self) -> Mapping[str, BitLocker] | None:
            """Give what BitLocker says of each drive, by its methods."""
            try:
                with _interface() as get:
                    volumes = get(_BITLOCKER).ExecQuery("SELECT * FROM Win32_EncryptableVolume")
                    return {str(_value(each, "DriveLetter")): _asked(each) for each in volumes}
            except OSError:
                return None

        def trust(self, path: str) -> int:
            """Give what WinVerifyTrust says of a file."""
            verify = ctypes.WinDLL("wintrust", use_last_error=True).WinVerifyTrust
            verify.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
            verify.restype = ctypes.c_long
            action, data = _guid(_VERIFY_BY_CODE), _trust_data(path)
            ctypes.set_last_error(0)
            status = verify(_NO_WINDOW, ctypes.byref(action), ctypes.byref(data))
            said = _trust_said(status, ctypes.get_last_error())
            data.state = _STATE_CLOSE
            verify(_NO_WINDOW, ctypes.byref(action), ctypes.byref(data))
            return said

    def _asked(volume: Any) -> BitLocker:
        protection = volume.ExecMethod_("GetProtectionStatus")
        conversion = volume.ExecMethod_("GetConversionStatus")
        lock = volume.ExecMethod_("GetLockStatus")
        return BitLocker(
            int(_value(protection, "ProtectionStatus")),
            int(_value(conversion, "ConversionStatus")),
            int(_value(lock, "LockStatus")),
        )

    def _associated(computer: Any, kind: str, name: str, by: str) -> Iterator[Any]:
        # What is asked for are names that Windows gave; a quotation mark in one would end the text early.
        if "'" in name or '"' in name:
            return iter(())
        query = f"ASSOCIATORS OF {{{kind}.DeviceID='{name}'}} WHERE AssocClass = {by}"
        return iter(computer.ExecQuery(query))

    def _usb_instance(computer: Any, disk_instance: str) -> str:
        """Find the USB device of a disk by the serial number that both carry."""
        serial = disk_instance.rpartition("\\")[2].removesuffix("&0")
        if not serial.isalnum():
            return ""
        query = f"SELECT DeviceID FROM Win32_PnPEntity WHERE DeviceID LIKE 'USB\\\\VID[_]%{serial}'"  # noqa: S608 -- letters and digits
        return next((str(_value(each, "DeviceID")) for each in computer.ExecQuery(query)), "")

    def _value(thing: Any, name: str) -> Any:
        return thing.Properties_(name).Value

    @contextmanager
    def _interface() -> Iterator[Any]:
        """Begin with COM on this thread, and end; give what opens a name of it."""
        import comtypes  # noqa: PLC0415 -- there on Windows only
        import comtypes.client  # noqa: PLC0415

        comtypes.CoInitializeEx()
        try:
            yield lambda name: comtypes.client.CoGetObject(name, dynamic=True)
        except comtypes.COMError as error:
            raise OSError(error.hresult, str(error.text)) from error
        finally:
            with suppress(OSError):
                comtypes.CoUninitialize()


def _guid(text: str) -> _Guid:
    digits = text.strip("{}").replace("-", "")
    rest = (ctypes.c_ubyte * 8)(*bytes.fromhex(digits[16:]))
    return _Guid(int(digits[:8], 16), int(digits[8:12], 16), int(digits[12:16], 16), rest)
