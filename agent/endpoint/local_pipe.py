"""The pipe by which a laptop's service is asked on Windows: the system says who is at the other end.

It answers nobody over the network, and only accounts that signed in at this computer can open it. Whoever opened its
name before the service did is no service: a client looks at who owns what it reached. Never run on a real Windows.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from ctypes import byref
from functools import partial
from typing import Any, Final

from agent.endpoint.local_channel import MOST_AT_ONCE, SECONDS, Caller, LocalError
from agent.endpoint.windows_api import (
    INVALID_HANDLE,
    Overlapped,
    SecurityAttributes,
    TokenUser,
    WindowsApi,
    this_windows,
)

# System and administrators everything; whoever signed in here FILE_GENERIC_READ and FILE_GENERIC_WRITE but for
# FILE_CREATE_PIPE_INSTANCE, with which they could stand in for the service.
# Source: Microsoft, "Named Pipe Security and Access Rights"; "Security Descriptor String Format".
_DESCRIPTOR: Final = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;IU)"
_OWNERS: Final = frozenset({"S-1-5-18", "S-1-5-32-544"})
_ADMINISTRATORS: Final = "S-1-5-32-544"
# Source: winbase.h, winnt.h, fileapi.h, minwinbase.h.
_PIPE_ACCESS_DUPLEX: Final = 0x3
_FIRST_PIPE_INSTANCE: Final = 0x80000
_OVERLAPPED: Final = 0x4000_0000
# Octets, not messages; waiting; nobody from afar.
_REJECT_REMOTE_CLIENTS: Final = 0x8
_SQOS_IDENTIFICATION: Final = 0x10_0000 | 0x1_0000
# FILE_READ_DATA, FILE_WRITE_DATA, READ_CONTROL, SYNCHRONIZE.
_CLIENT_ACCESS: Final = 0x1 | 0x2 | 0x2_0000 | 0x10_0000
_OPEN_EXISTING: Final = 3
_SE_KERNEL_OBJECT: Final = 6
_OWNER_INFORMATION: Final = 1
_SDDL_REVISION: Final = 1
_TOKEN_QUERY: Final = 0x8
_TOKEN_USER: Final = 1
_INFINITE: Final = 0xFFFF_FFFF
_WAIT_OBJECT_0: Final = 0
_TRUE: Final = 1
_FALSE: Final = 0
# Source: winerror.h.
_BROKEN_PIPE: Final = 109
_PIPE_BUSY: Final = 231
_PIPE_CONNECTED: Final = 535
_OPERATION_ABORTED: Final = 995
_IO_PENDING: Final = 997

_BUFFER: Final = 65_536
# One more that waits, and one that is being turned away.
_INSTANCES: Final = MOST_AT_ONCE + 2
_NAME: Final = 512


class PipeDoor:
    """The service's end.

    Raises:
        OSError: it cannot be listened there, or another program listens there already.
    """

    def __init__(self, name: str, api: WindowsApi | None = None) -> None:
        self._api = api = api or this_windows()
        self._name = name
        self._descriptor = ctypes.c_void_p()
        self._waiting: int | None = None
        api.need(
            api.ConvertStringSecurityDescriptorToSecurityDescriptorW(
                _DESCRIPTOR, _SDDL_REVISION, byref(self._descriptor), None
            )
        )
        self._stop = api.need(api.CreateEventW(None, _TRUE, _FALSE, None))
        self._guard = threading.Lock()
        self._is_closed = False
        try:
            self._waiting = self._create(_FIRST_PIPE_INSTANCE)
        except OSError:
            self.close()
            raise

    def accept(self) -> "PipeConnection":
        """Wait for somebody.

        Raises:
            OSError: it was closed, or whoever came is gone.
        """
        with self._guard:
            if self._is_closed:
                raise self._api.error(_OPERATION_ABORTED)
            if self._waiting is None:
                self._waiting = self._create(_FIRST_PIPE_INSTANCE)
            end = _End(self._api, self._waiting, stop=self._stop)
            self._waiting = None
        try:
            try:
                end.carry_out(partial(self._api.ConnectNamedPipe, end.handle), None)
            finally:
                # Another end waits before this one is answered or closed, so that the name never stands free.
                with self._guard, suppress(OSError):
                    self._waiting = None if self._is_closed else self._create()
            return PipeConnection(self._api, end)
        except OSError:
            end.close()
            raise

    def close(self) -> None:
        """Let nobody in any more."""
        with self._guard:
            if self._is_closed:
                return
            self._is_closed = True
            self._api.SetEvent(self._stop)
            if self._waiting is not None:
                self._api.CloseHandle(self._waiting)
            self._waiting = None
            self._api.LocalFree(self._descriptor)

    def _create(self, flag: int = 0) -> int:
        attributes = SecurityAttributes(ctypes.sizeof(SecurityAttributes), self._descriptor, 0)
        handle = self._api.CreateNamedPipeW(
            self._name,
            _PIPE_ACCESS_DUPLEX | _OVERLAPPED | flag,
            _REJECT_REMOTE_CLIENTS,
            _INSTANCES,
            _BUFFER,
            _BUFFER,
            0,
            byref(attributes),
        )
        return _good(self._api, handle)


class _End:
    """One end of a pipe, whose reads and writes end in time.

    Args:
        stop: an event that ends what waits; None where nothing but time does.
    """

    def __init__(self, api: WindowsApi, handle: int, *, stop: int | None = None) -> None:
        self._api = api
        self.handle = handle
        self._stop = stop
        self._event = api.need(api.CreateEventW(None, _TRUE, _FALSE, None))

    def recv(self, most: int) -> bytes:
        """Give what has come; empty once the other end is closed."""
        buffer = ctypes.create_string_buffer(min(most, _BUFFER))
        try:
            count = self.carry_out(partial(self._api.ReadFile, self.handle, buffer, len(buffer), None), SECONDS)
        except BrokenPipeError:
            return b""
        return buffer.raw[:count]

    def sendall(self, octets: bytes) -> None:
        """Send all of it."""
        while octets:
            count = self.carry_out(partial(self._api.WriteFile, self.handle, octets, len(octets), None), SECONDS)
            octets = octets[count:]

    def close(self) -> None:
        """Close it."""
        self._api.CloseHandle(self.handle)
        self._api.CloseHandle(self._event)

    def carry_out(self, begin: Callable[[Any], int], seconds: float | None) -> int:
        """Do one thing and wait for its end, or give it up; the octets that were moved.

        Raises:
            TimeoutError: the other end was silent for too long.
            BrokenPipeError: the other end is closed.
            OSError: anything else.
        """
        api, overlapped, count = self._api, Overlapped(hEvent=self._event), ctypes.c_uint32()
        number = 0 if begin(byref(overlapped)) else api.last_error()
        if number == _PIPE_CONNECTED:
            return 0
        if number not in {0, _IO_PENDING}:
            raise self._fault(number)
        events = (ctypes.c_void_p * 2)(self._event, self._stop)
        milliseconds = _INFINITE if seconds is None else round(seconds * 1000)
        waited = api.WaitForMultipleObjects(1 if self._stop is None else 2, events, _FALSE, milliseconds)
        if waited != _WAIT_OBJECT_0:
            api.CancelIoEx(self.handle, byref(overlapped))
        # What is pending writes into the memory above, so it is waited for in any case.
        if not api.GetOverlappedResult(self.handle, byref(overlapped), byref(count), _TRUE):
            raise self._fault(api.last_error())
        return count.value

    def _fault(self, number: int) -> OSError:
        if number == _OPERATION_ABORTED:
            return TimeoutError("The other end of the pipe was silent.")
        return BrokenPipeError("The other end is closed.") if number == _BROKEN_PIPE else self._api.error(number)


class PipeConnection:
    """Somebody who came."""

    def __init__(self, api: WindowsApi, end: _End) -> None:
        self._api = api
        self._end = end
        self._has_sent = False
        session = ctypes.c_uint32()
        api.need(api.GetNamedPipeClientSessionId(end.handle, byref(session)))
        self.seat = session.value
        self.recv = end.recv

    def sendall(self, octets: bytes) -> None:
        """Send all of it."""
        self._has_sent = True
        self._end.sendall(octets)

    def close(self) -> None:
        """Close it, once the other end has read and closed, or has had time to."""
        by = time.monotonic() + SECONDS
        with suppress(OSError):
            while self._has_sent and time.monotonic() < by and self.recv(_BUFFER):
                pass
        self._end.close()

    def caller(self) -> Caller:
        """Give who is at the other end, by the token that Windows keeps of them.

        Raises:
            OSError: nothing was read from them yet, or Windows does not say.
        """
        api, token = self._api, self._token()
        try:
            length = ctypes.c_uint32()
            api.GetTokenInformation(token, _TOKEN_USER, None, 0, byref(length))
            buffer = ctypes.create_string_buffer(max(length.value, ctypes.sizeof(TokenUser)))
            api.need(api.GetTokenInformation(token, _TOKEN_USER, buffer, len(buffer), byref(length)))
            sid = TokenUser.from_buffer(buffer).Sid
            return Caller(_text_of(api, sid), _account_of(api, sid), is_administrator=_is_administrator(api, token))
        finally:
            api.CloseHandle(token)

    def _token(self) -> Any:
        api, token = self._api, ctypes.c_void_p()
        api.need(api.ImpersonateNamedPipeClient(self._end.handle))
        try:
            # As ourselves: whoever only lets itself be identified could not open it.
            api.need(api.OpenThreadToken(api.GetCurrentThread(), _TOKEN_QUERY, _TRUE, byref(token)))
        finally:
            # Where it fails, this thread goes no further and ends: it has this request alone.
            api.need(api.RevertToSelf())
        return token


def connect_to_pipe(name: str, api: WindowsApi | None = None) -> _End:
    """Reach the service.

    Raises:
        LocalError: somebody else than the system listens there.
        OSError: nobody listens there.
    """
    api = api or this_windows()
    by = time.monotonic() + SECONDS
    # Who listens there learns who we are and can do nothing as us.
    flags = _OVERLAPPED | _SQOS_IDENTIFICATION
    while True:
        handle = api.CreateFileW(name, _CLIENT_ACCESS, 0, None, _OPEN_EXISTING, flags, None)
        if handle != INVALID_HANDLE or api.last_error() != _PIPE_BUSY or time.monotonic() > by:
            break
        api.WaitNamedPipeW(name, max(1, round((by - time.monotonic()) * 1000)))
    end = _End(api, _good(api, handle))
    try:
        owner = _owner_of(api, end.handle)
    except OSError:
        end.close()
        raise
    if owner not in _OWNERS:
        end.close()
        raise LocalError("Another program answers in place of the endpoint service; expected one of the system.")
    return end


def _owner_of(api: WindowsApi, handle: int) -> str:
    owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    number = api.GetSecurityInfo(
        handle, _SE_KERNEL_OBJECT, _OWNER_INFORMATION, byref(owner), None, None, None, byref(descriptor)
    )
    if number:
        raise api.error(number)
    try:
        return _text_of(api, owner)
    finally:
        api.LocalFree(descriptor)


def _text_of(api: WindowsApi, sid: Any) -> str:
    text = ctypes.c_void_p()
    api.need(api.ConvertSidToStringSidW(sid, byref(text)))
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        api.LocalFree(text)


def _account_of(api: WindowsApi, sid: Any) -> str:
    """Give the name of an account, without its domain, as the sessions have it; empty where it has none."""
    name, domain = (ctypes.create_unicode_buffer(_NAME) for _ in range(2))
    lengths, kind = [ctypes.c_uint32(_NAME) for _ in range(2)], ctypes.c_int()
    found = api.LookupAccountSidW(None, sid, name, byref(lengths[0]), domain, byref(lengths[1]), byref(kind))
    return name.value if found else ""


def _is_administrator(api: WindowsApi, token: Any) -> bool:
    """Say whether somebody acts as an administrator; who could, but did not ask to, does not."""
    sid, is_member = ctypes.c_void_p(), ctypes.c_int()
    api.need(api.ConvertStringSidToSidW(_ADMINISTRATORS, byref(sid)))
    try:
        return bool(api.CheckTokenMembership(token, sid, byref(is_member)) and is_member.value)
    finally:
        api.LocalFree(sid)


def _good(api: WindowsApi, handle: int | None) -> int:
    if handle is None or handle == INVALID_HANDLE:
        raise api.error()
    return handle
