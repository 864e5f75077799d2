"""What Windows is asked about its settings: the registry, the Security Center, the rules for passwords.

A recorded registry stands for it in tests. Nothing here knows what a value means.
"""

import ctypes
import sys
from typing import Protocol, TypeAlias

Value: TypeAlias = int | str | bytes | None


class WindowsSettings(Protocol):
    """What Windows is asked. Each may raise OSError."""

    def registry(self, hive: str, key: str, name: str) -> Value:
        """Give a value; None where there is none. The hive is HKLM or HKCU."""

    def subkeys(self, hive: str, key: str) -> tuple[str, ...] | None:
        """Give the names of the keys below a key; None where it is not there."""

    def security_health(self, provider: int) -> int | None:
        """Give what the Security Center says; None where there is none, as on servers."""

    def password_rules(self) -> tuple[int, int, int] | None:
        """Give the least length, the greatest age in seconds, and after how many failures an account is locked."""


if sys.platform == "win32":
    import winreg

    class ThisWindows:
        """The Windows that this runs on."""

        def registry(self, hive: str, key: str, name: str) -> Value:
            """Give a value; None where there is none."""
            try:
                with _open(hive, key) as opened:
                    value = winreg.QueryValueEx(opened, name)[0]
            except FileNotFoundError:
                return None
            return value if isinstance(value, int | str | bytes) else None

        def subkeys(self, hive: str, key: str) -> tuple[str, ...] | None:
            """Give the names of the keys below a key; None where it is not there."""
            try:
                with _open(hive, key) as opened:
                    return tuple(winreg.EnumKey(opened, index) for index in range(winreg.QueryInfoKey(opened)[0]))
            except FileNotFoundError:
                return None

        def security_health(self, provider: int) -> int | None:
            """Give what the Security Center says. Source: wscapi.h, `WscGetSecurityProviderHealth`."""
            health = ctypes.c_int(-1)
            try:
                library = ctypes.WinDLL("wscapi")
            except OSError:
                return None
            # S_FALSE: the service of the Security Center does not run.
            is_told = library.WscGetSecurityProviderHealth(provider, ctypes.byref(health)) == 0
            return health.value if is_told else None

        def password_rules(self) -> tuple[int, int, int] | None:
            """Give the rules for passwords. Source: lmaccess.h, `NetUserModalsGet`, levels 0 and 3."""
            general, lockout = _modals(0, 2), _modals(3, 3)
            return None if general is None or lockout is None else (general[0], general[1], lockout[2])

    def _open(hive: str, key: str) -> winreg.HKEYType:
        root = winreg.HKEY_CURRENT_USER if hive == "HKCU" else winreg.HKEY_LOCAL_MACHINE
        return winreg.OpenKey(root, key, access=winreg.KEY_READ | winreg.KEY_WOW64_64KEY)

    def _modals(level: int, words: int) -> tuple[int, ...] | None:
        library, buffer = ctypes.WinDLL("netapi32"), ctypes.POINTER(ctypes.c_uint32)()
        if library.NetUserModalsGet(None, level, ctypes.byref(buffer)) != 0:
            return None
        try:
            return tuple(buffer[index] for index in range(words))
        finally:
            library.NetApiBufferFree(buffer)
