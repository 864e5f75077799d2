"""The desktop of a session on Windows: a notice from the tray, and a box only for whoever clicked on one.

Windows shows what comes from the tray as it shows all notices, so its own times of quiet hold. Never run on a real
Windows so far.
"""

import ctypes
import locale
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from ctypes import byref
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from agent.endpoint.notice_texts import EndpointTexts, Words, language_of
from agent.endpoint.presentation import Presentation, Presenting
from agent.endpoint.windows_api import WINDOW_PROCEDURE, Message, NotifyIconData, WindowClass, WindowsApi

_NAME: Final = "Schoolgate"
_READY_SECONDS: Final = 5.0
_QUESTION: Final = 1
_FIRST_NOTICE: Final = 2
# So many icons of notices at most; no more media are due at once.
_NOTICES: Final = 64
# Source: shellapi.h, QUERY_USER_NOTIFICATION_STATE: a full screen or presentation settings, Direct3D, presentation
# settings; an app of the Store, which may fill the screen too. Then: locked or another session in front, and the
# first hour of a new account.
_PRESENTING: Final[Mapping[int, Presenting]] = {
    2: Presenting.YES,
    3: Presenting.YES,
    4: Presenting.YES,
    7: Presenting.YES,
    5: Presenting.NO,
    1: Presenting.AWAY,
    6: Presenting.AWAY,
}
# Source: shellapi.h, NOTIFYICONDATAW and Shell_NotifyIconW.
_NIM_ADD: Final = 0
_NIM_MODIFY: Final = 1
_NIM_DELETE: Final = 2
_NIM_SETVERSION: Final = 4
_NIF_MESSAGE_ICON_TIP: Final = 0x1 | 0x2 | 0x4
_NIF_INFO: Final = 0x10
_NOTIFYICON_VERSION_4: Final = 4
_NIIF_INFO: Final = 0x1
_NIIF_RESPECT_QUIET_TIME: Final = 0x80
_NIN_SELECT: Final = 0x400
_NIN_KEYSELECT: Final = 0x401
_NIN_BALLOONUSERCLICK: Final = 0x405
# Source: winuser.h.
_WM_APP: Final = 0x8000
_CLICKED: Final = _WM_APP + 1
_IDI_INFORMATION: Final = 32516
_MB_YESNOCANCEL: Final = 0x3
_MB_ICONQUESTION: Final = 0x20
_MB_SETFOREGROUND: Final = 0x1_0000
_IDYES: Final = 6
_IDNO: Final = 7


class WindowsDesktop:
    """The tray of this session, with a window that nobody sees and that hears clicks.

    Args:
        open_link: opens a page in the person's browser.
    """

    name = "Shell_NotifyIconW"
    # NOTIFYICONDATAW.szInfo has 256 units, with the one that ends it.
    most_units: int | None = 255

    def __init__(self, api: WindowsApi, *, open_link: Callable[[str], object] = webbrowser.open) -> None:
        self._api = api
        self._open_link = open_link
        self._guard = threading.Lock()
        self._on_click: dict[int, Callable[[], bool]] = {}
        self._notice = _FIRST_NOTICE
        self._window = 0
        self._is_ready = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def language(self) -> str:
        """The language that Windows speaks to this person."""
        return language_of({"LANG": locale.windows_locale.get(self._api.GetUserDefaultUILanguage(), "")})

    def presentation(self) -> Presentation:
        """Say whether a notice would disturb, as Windows sees it."""
        state = ctypes.c_int()
        if self._api.SHQueryUserNotificationState(byref(state)) < 0:
            return Presentation(Presenting.NOT_KNOWN)
        presenting = _PRESENTING.get(state.value, Presenting.NOT_KNOWN)
        return Presentation(presenting, "" if presenting is Presenting.NOT_KNOWN else "shell")

    def show(self, words: Words, *, link: str) -> bool:
        """Show a notice; a click on it opens the link."""
        is_shown = self._tell(self._notice, words, partial(self._open, link))
        if is_shown:
            # The next one has another icon, for to show it on this one would take this one away before it is read.
            self._notice = _FIRST_NOTICE + (self._notice - _FIRST_NOTICE + 1) % _NOTICES
        return is_shown

    def ask(self, words: Words, texts: EndpointTexts, then: Callable[[bool], None]) -> bool:  # noqa: ARG002 -- Windows words its own buttons
        """Show that there is a question; a click on it puts the question, in a box."""
        return self._tell(_QUESTION, words, partial(self._put, words, then))

    def _tell(self, number: int, words: Words, on_click: Callable[[], bool]) -> bool:
        if not self._has_window():
            return False
        icon = self._icon(number, _NIF_MESSAGE_ICON_TIP)
        # One that is left of an earlier notice, or of a shell that began anew.
        self._api.Shell_NotifyIconW(_NIM_DELETE, byref(icon))
        with self._guard:
            self._on_click[number] = on_click
        if not self._api.Shell_NotifyIconW(_NIM_ADD, byref(icon)):
            return False
        self._api.Shell_NotifyIconW(_NIM_SETVERSION, byref(icon))
        told = self._icon(number, _NIF_INFO)
        _write(told.szInfoTitle, words.headline)
        _write(told.szInfo, words.within(self.most_units or 0).body)
        told.dwInfoFlags = _NIIF_INFO | _NIIF_RESPECT_QUIET_TIME
        return bool(self._api.Shell_NotifyIconW(_NIM_MODIFY, byref(told)))

    def _icon(self, number: int, flags: int) -> NotifyIconData:
        icon = NotifyIconData(
            cbSize=ctypes.sizeof(NotifyIconData),
            hWnd=self._window,
            uID=number,
            uFlags=flags,
            uCallbackMessage=_CLICKED,
            hIcon=self._api.LoadIconW(None, _IDI_INFORMATION),
            uVersion=_NOTIFYICON_VERSION_4,
        )
        _write(icon.szTip, _NAME)
        return icon

    # What a click does, on the thread of the window.

    def _open(self, link: str) -> bool:
        with suppress(webbrowser.Error, OSError, ValueError):
            # It came with a signed policy; still nothing but a page is opened.
            if urlsplit(link).scheme in {"https", "http"}:
                self._open_link(link)
        return True

    def _put(self, words: Words, then: Callable[[bool], None]) -> bool:
        kind = _MB_YESNOCANCEL | _MB_ICONQUESTION | _MB_SETFOREGROUND
        pressed = self._api.MessageBoxW(self._window, words.body, words.headline, kind)
        if pressed in {_IDYES, _IDNO}:
            then(pressed == _IDYES)
        return pressed in {_IDYES, _IDNO}

    def _clicked(self, number: int) -> None:
        with self._guard:
            # A box lets further clicks in while it is open; those find nothing.
            on_click = self._on_click.pop(number, None)
        if on_click is None:
            return
        if on_click():
            self._api.Shell_NotifyIconW(_NIM_DELETE, byref(self._icon(number, 0)))
            return
        with self._guard:
            self._on_click.setdefault(number, on_click)

    def _receive(self, window: int, message: int, first: int, second: int) -> int:
        if message != _CLICKED:
            result: int = self._api.DefWindowProcW(window, message, first, second)
            return result
        # Source: Shell_NotifyIconW, Remarks: the event is the low word, the icon the high one.
        if second & 0xFFFF in {_NIN_SELECT, _NIN_KEYSELECT, _NIN_BALLOONUSERCLICK}:
            self._clicked(second >> 16 & 0xFFFF)
        return 0

    def _has_window(self) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._hear, name="window", daemon=True)
            self._thread.start()
        self._is_ready.wait(_READY_SECONDS)
        return bool(self._window)

    def _hear(self) -> None:
        api, message = self._api, Message()
        procedure: Any = WINDOW_PROCEDURE(self._receive)
        instance = api.GetModuleHandleW(None)
        kind = WindowClass(lpfnWndProc=procedure, hInstance=instance, lpszClassName=_NAME)
        api.RegisterClassW(byref(kind))
        self._window = api.CreateWindowExW(0, _NAME, _NAME, 0, 0, 0, 0, 0, None, None, instance, None) or 0
        self._is_ready.set()
        while self._window and api.GetMessageW(byref(message), None, 0, 0) > 0:
            api.DispatchMessageW(byref(message))


def _write(place: Any, text: str) -> None:
    """Write a text as Windows has it into an array of units, cut where it is full, and ended."""
    units = text.encode("utf-16-le", "replace")[: 2 * (len(place) - 1)]
    # Half of a pair says nothing.
    units = units.decode("utf-16-le", "ignore").encode("utf-16-le")
    ctypes.memmove(place, units + b"\0\0", len(units) + 2)
