"""A Windows with a desktop for tests: its tray, windows and boxes, as Microsoft's documentation describes them."""

# ruff: noqa: N802 -- functions of Windows are called as Windows calls them

import threading
from ctypes import c_int
from dataclasses import dataclass, field
from typing import Any, Final

from windows_of_test import WindowsOfTest

from agent.endpoint.windows_api import Message, NotifyIconData, WindowClass

WM_USER: Final = 0x400


@dataclass
class DesktopOfTest(WindowsOfTest):
    """One session, and what it shows; `pressed` is what somebody presses in a box."""

    language: int = 0x040C
    presence: int = 5
    pressed: int = 2
    shown: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._messages: list[tuple[int, int, int, int]] = []
        self._has_message = threading.Semaphore(0)
        self._procedure: Any = None
        self.windows = 0

    def _GetModuleHandleW(self, name: str | None) -> int:
        assert name is None
        return 0x40_0000

    def _GetUserDefaultUILanguage(self) -> int:
        return self.language

    def _RegisterClassW(self, written: int) -> int:
        kind = WindowClass.from_address(written)
        self.calls.append(("RegisterClassW", kind.lpszClassName))
        self._procedure = kind.lpfnWndProc
        return 1

    def _CreateWindowExW(self, *passed: Any) -> int:
        self.calls.append(("CreateWindowExW", *passed))
        self.windows += 1
        return 0x1_0001

    def _DefWindowProcW(self, _window: int, _message: int, _first: int, _second: int) -> int:
        return 0

    def _GetMessageW(self, out: int, _window: Any, _first: int, _last: int) -> int:
        self._has_message.acquire()
        window, number, first, second = self._messages.pop(0)
        if number == 0x12:
            return 0
        message = Message.from_address(out)
        message.hwnd, message.message, message.wParam, message.lParam = window, number, first, second
        return 1

    def _DispatchMessageW(self, written: int) -> int:
        message = Message.from_address(written)
        told: int = self._procedure(message.hwnd, message.message, message.wParam, message.lParam)
        return told

    def click(self, *, icon: int = 2, event: int = WM_USER + 5) -> None:
        """Click on what the icon of a number shows. Source: Shell_NotifyIconW, NOTIFYICON_VERSION_4."""
        self._post(0x8000 + 1, 0, icon << 16 | event)

    def end(self) -> None:
        """End the loop of messages."""
        self._post(0x12, 0, 0)

    def _post(self, number: int, first: int, second: int) -> None:
        self._messages.append((0x1_0001, number, first, second))
        self._has_message.release()

    def _LoadIconW(self, instance: Any, icon: int) -> int:
        assert (instance, icon) == (None, 32516)
        return 0x2_0002

    def _MessageBoxW(self, _window: Any, text: str, title: str, kind: int) -> int:
        assert kind == 0x10023
        self.boxes.append((title, text))
        return self.pressed

    def _Shell_NotifyIconW(self, what: int, written: int) -> int:
        icon = NotifyIconData.from_address(written)
        assert icon.cbSize == 976
        self.shown.append(
            (
                what,
                {
                    "window": icon.hWnd,
                    "id": icon.uID,
                    "flags": icon.uFlags,
                    "callback": icon.uCallbackMessage,
                    "tip": _wide(icon.szTip),
                    "title": _wide(icon.szInfoTitle),
                    "text": _wide(icon.szInfo),
                    "info": icon.dwInfoFlags,
                    "version": icon.uVersion,
                },
            )
        )
        return 1

    def _SHQueryUserNotificationState(self, out: int) -> int:
        if self.presence < 0:
            return self.presence
        c_int.from_address(out).value = self.presence
        return 0


def _wide(units: Any) -> str:
    octets = bytes(units)
    return octets[: len(octets) - len(octets) % 2].decode("utf-16-le").partition("\0")[0]
