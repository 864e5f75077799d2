"""The declarations of Windows' functions, held against its headers for processors of 64 bits."""

import ctypes
import sys

import pytest
from windows_of_test import ACCESS_DENIED, WindowsOfTest

from agent.endpoint.windows_api import (
    DWORD,
    FUNCTIONS,
    INVALID_HANDLE,
    Message,
    NotifyIconData,
    Overlapped,
    SecurityAttributes,
    TokenUser,
    WindowClass,
    this_windows,
)


# Source: sizeof and offsetof of the compiler x86_64-w64-mingw32 with the headers of mingw-w64 10.
@pytest.mark.parametrize(
    ("structure", "size", "offsets"),
    [
        pytest.param(Overlapped, 32, {"hEvent": 24}, id="OVERLAPPED"),
        pytest.param(SecurityAttributes, 24, {"lpSecurityDescriptor": 8}, id="SECURITY_ATTRIBUTES"),
        pytest.param(TokenUser, 16, {"Attributes": 8}, id="TOKEN_USER"),
        pytest.param(WindowClass, 72, {"lpfnWndProc": 8, "lpszClassName": 64}, id="WNDCLASSW"),
        pytest.param(Message, 48, {"lParam": 24}, id="MSG"),
        pytest.param(
            NotifyIconData,
            976,
            {
                "hIcon": 32,
                "szTip": 40,
                "szInfo": 304,
                "uVersion": 816,
                "szInfoTitle": 820,
                "dwInfoFlags": 948,
                "hBalloonIcon": 968,
            },
            id="NOTIFYICONDATAW",
        ),
    ],
)
def test_a_structure_lies_in_memory_as_windows_reads_it(
    structure: type[ctypes.Structure], size: int, offsets: dict[str, int]
) -> None:
    assert ctypes.sizeof(structure) == size
    assert {name: getattr(structure, name).offset for name in offsets} == offsets


def test_a_dword_has_four_octets_wherever_this_runs() -> None:
    assert ctypes.sizeof(DWORD) == 4
    assert INVALID_HANDLE == 2**64 - 1


def test_every_function_is_declared_once() -> None:
    names = [name for functions in FUNCTIONS.values() for name in functions]
    assert len(names) == len(set(names))


def test_what_failed_is_an_error_with_its_number() -> None:
    windows = WindowsOfTest(refused={"SetEvent": ACCESS_DENIED})
    with pytest.raises(OSError, match="5") as failed:
        windows.api.need(windows.api.SetEvent(1))
    assert failed.value.errno == ACCESS_DENIED
    assert windows.api.need(4) == 4


def test_what_is_not_declared_is_not_called() -> None:
    with pytest.raises(AttributeError):
        _ = WindowsOfTest().api.CreateRemoteThread


@pytest.mark.skipif(sys.platform == "win32", reason="this is one")
def test_elsewhere_there_is_no_windows() -> None:
    with pytest.raises(OSError, match="no Windows"):
        this_windows()
