"""The functions of Windows by which helper and service speak to each other and to a person; by ctypes alone.

It knows how each is declared and what is at fault when one fails; what they are for is its callers' business. Where
the functions come from is a parameter, so that those of a test are called just as Windows' own: on any system, and
through the same declarations. Never run on a real Windows so far.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping
from ctypes import c_int, c_int32, c_size_t, c_ssize_t, c_uint16, c_uint32, c_void_p, c_wchar_p
from typing import Any, Final

# `c_ulong` has eight octets elsewhere than on Windows, where a DWORD has four.
DWORD: Final = c_uint32
HANDLE: Final = c_void_p
BOOL: Final = c_int
# An HRESULT, or a LONG.
LONG: Final = c_int32
LRESULT: Final = c_ssize_t
WPARAM: Final = c_size_t
LPARAM: Final = c_ssize_t
INVALID_HANDLE: Final = c_void_p(-1).value
# On processors of 64 bits both conventions are one.
window_function: Final[Any] = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
WINDOW_PROCEDURE: Final = window_function(LRESULT, HANDLE, c_uint32, WPARAM, LPARAM)


class Overlapped(ctypes.Structure):
    """OVERLAPPED of minwinbase.h."""

    _fields_ = (
        ("Internal", c_size_t),
        ("InternalHigh", c_size_t),
        ("Offset", DWORD),
        ("OffsetHigh", DWORD),
        ("hEvent", HANDLE),
    )


class SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES of wtypesbase.h."""

    _fields_ = (("nLength", DWORD), ("lpSecurityDescriptor", c_void_p), ("bInheritHandle", BOOL))


class TokenUser(ctypes.Structure):
    """TOKEN_USER of winnt.h; what it points to lies behind it."""

    _fields_ = (("Sid", c_void_p), ("Attributes", DWORD))


class NotifyIconData(ctypes.Structure):
    """NOTIFYICONDATAW of shellapi.h, as of Windows Vista."""

    _fields_ = (
        ("cbSize", DWORD),
        ("hWnd", HANDLE),
        ("uID", c_uint32),
        ("uFlags", c_uint32),
        ("uCallbackMessage", c_uint32),
        ("hIcon", HANDLE),
        ("szTip", c_uint16 * 128),
        ("dwState", DWORD),
        ("dwStateMask", DWORD),
        ("szInfo", c_uint16 * 256),
        ("uVersion", c_uint32),
        ("szInfoTitle", c_uint16 * 64),
        ("dwInfoFlags", DWORD),
        ("guidItem", ctypes.c_ubyte * 16),
        ("hBalloonIcon", HANDLE),
    )


class WindowClass(ctypes.Structure):
    """WNDCLASSW of winuser.h."""

    _fields_ = (
        ("style", c_uint32),
        ("lpfnWndProc", WINDOW_PROCEDURE),
        ("cbClsExtra", c_int),
        ("cbWndExtra", c_int),
        ("hInstance", HANDLE),
        ("hIcon", HANDLE),
        ("hCursor", HANDLE),
        ("hbrBackground", HANDLE),
        ("lpszMenuName", c_wchar_p),
        ("lpszClassName", c_wchar_p),
    )


class Message(ctypes.Structure):
    """MSG of winuser.h."""

    _fields_ = (
        ("hwnd", HANDLE),
        ("message", c_uint32),
        ("wParam", WPARAM),
        ("lParam", LPARAM),
        ("time", DWORD),
        ("x", LONG),
        ("y", LONG),
    )


# Each function: what it gives, then what it takes; pointers to structures and to what is filled in are void pointers.
_P: Final = c_void_p
FUNCTIONS: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    "kernel32": {
        "CreateNamedPipeW": (HANDLE, c_wchar_p, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, _P),
        "ConnectNamedPipe": (BOOL, HANDLE, _P),
        "GetNamedPipeClientSessionId": (BOOL, HANDLE, _P),
        "WaitNamedPipeW": (BOOL, c_wchar_p, DWORD),
        "CreateFileW": (HANDLE, c_wchar_p, DWORD, DWORD, _P, DWORD, DWORD, HANDLE),
        "ReadFile": (BOOL, HANDLE, _P, DWORD, _P, _P),
        "WriteFile": (BOOL, HANDLE, _P, DWORD, _P, _P),
        "GetOverlappedResult": (BOOL, HANDLE, _P, _P, BOOL),
        "CancelIoEx": (BOOL, HANDLE, _P),
        "CreateEventW": (HANDLE, _P, BOOL, BOOL, c_wchar_p),
        "SetEvent": (BOOL, HANDLE),
        "WaitForMultipleObjects": (DWORD, DWORD, _P, BOOL, DWORD),
        "CloseHandle": (BOOL, HANDLE),
        "LocalFree": (_P, _P),
        "GetCurrentThread": (HANDLE,),
        "GetModuleHandleW": (HANDLE, c_wchar_p),
        "GetUserDefaultUILanguage": (c_uint16,),
    },
    "advapi32": {
        "ConvertStringSecurityDescriptorToSecurityDescriptorW": (BOOL, c_wchar_p, DWORD, _P, _P),
        "GetSecurityInfo": (DWORD, HANDLE, c_int, DWORD, _P, _P, _P, _P, _P),
        "ImpersonateNamedPipeClient": (BOOL, HANDLE),
        "RevertToSelf": (BOOL,),
        "OpenThreadToken": (BOOL, HANDLE, DWORD, BOOL, _P),
        "GetTokenInformation": (BOOL, HANDLE, c_int, _P, DWORD, _P),
        "CheckTokenMembership": (BOOL, HANDLE, _P, _P),
        "ConvertSidToStringSidW": (BOOL, _P, _P),
        "ConvertStringSidToSidW": (BOOL, c_wchar_p, _P),
        "LookupAccountSidW": (BOOL, c_wchar_p, _P, _P, _P, _P, _P, _P),
    },
    "user32": {
        "RegisterClassW": (c_uint16, _P),
        "CreateWindowExW": (
            *(HANDLE, DWORD, c_wchar_p, c_wchar_p, DWORD, c_int, c_int, c_int, c_int),
            *(HANDLE, HANDLE, HANDLE, _P),
        ),
        "DefWindowProcW": (LRESULT, HANDLE, c_uint32, WPARAM, LPARAM),
        "GetMessageW": (BOOL, _P, HANDLE, c_uint32, c_uint32),
        "DispatchMessageW": (LRESULT, _P),
        "LoadIconW": (HANDLE, HANDLE, c_size_t),
        "MessageBoxW": (c_int, HANDLE, c_wchar_p, c_wchar_p, c_uint32),
    },
    "shell32": {
        "Shell_NotifyIconW": (BOOL, DWORD, _P),
        "SHQueryUserNotificationState": (LONG, _P),
    },
}


class WindowsApi:
    """Functions of Windows, each by its name.

    Args:
        load: gives a library by its name.
        last_error: the number of what last went wrong on this thread.

    Raises:
        AttributeError: a library lacks one of them.
    """

    def __init__(self, load: Callable[[str], Any], last_error: Callable[[], int]) -> None:
        self.last_error = last_error
        self._functions: dict[str, Any] = {}
        for library, functions in FUNCTIONS.items():
            loaded = load(library)
            for name, (result, *taken) in functions.items():
                function = getattr(loaded, name)
                function.restype, function.argtypes = result, taken
                self._functions[name] = function

    def __getattr__(self, name: str) -> Any:
        try:
            return self._functions[name]
        except KeyError:
            raise AttributeError(name) from None

    def error(self, number: int | None = None) -> OSError:
        """Give what went wrong last, or what a number of Windows stands for."""
        number = self.last_error() if number is None else number
        if sys.platform == "win32":
            return ctypes.WinError(number)
        return OSError(number, f"Windows says {number}")

    def need(self, result: Any) -> Any:
        """Give what a function gave.

        Raises:
            OSError: it gave nothing, which is how it fails.
        """
        if not result:
            raise self.error()
        return result


def this_windows() -> WindowsApi:
    """Give the Windows that this runs on.

    Raises:
        OSError: it is none.
    """
    if sys.platform == "win32":
        return WindowsApi(lambda name: ctypes.WinDLL(name, use_last_error=True), ctypes.get_last_error)
    raise OSError("This is no Windows.")
