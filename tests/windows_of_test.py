"""A Windows for tests: its pipes and tokens, as Microsoft's documentation describes them.

Each function is called through the declaration that Windows' own is called through, so that what is passed lies in
memory just as there. Behind the pipes are sockets.
"""

# ruff: noqa: N802, PLR0917 -- functions of Windows are called as Windows calls them

import ctypes
import select
import socket
import threading
from ctypes import c_int, c_uint32, c_void_p
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from agent.endpoint.windows_api import (
    FUNCTIONS,
    INVALID_HANDLE,
    Overlapped,
    SecurityAttributes,
    WindowsApi,
)

SYSTEM: Final = "S-1-5-18"
ADMINISTRATORS: Final = "S-1-5-32-544"
ANNA: Final = "S-1-5-21-1004336348-1177238915-682003330-1001"
# Source: winerror.h.
FILE_NOT_FOUND, ACCESS_DENIED, INVALID_HANDLE_ERROR, BROKEN_PIPE, INSUFFICIENT_BUFFER = 2, 5, 6, 109, 122
PIPE_BUSY, NONE_MAPPED, PIPE_CONNECTED, ABORTED, IO_PENDING, CANNOT_IMPERSONATE = 231, 1332, 535, 995, 997, 1368
NO_DATA: Final = 232
WAIT_TIMEOUT: Final = 258
FIRST_PIPE_INSTANCE: Final = 0x80000


@dataclass(frozen=True)
class Person:
    """An account that acts in a session."""

    sid: str = ANNA
    name: str = "anna"
    session: int = 1
    is_administrator: bool = False


@dataclass
class Event:
    """An event of the kernel."""

    reading: socket.socket
    writing: socket.socket


@dataclass
class Instance:
    """One end of a pipe."""

    name: str
    is_server: bool
    stream: socket.socket | None = None
    client: Person | None = None
    knock: Event | None = None
    was_read: bool = False


@dataclass
class Pending:
    """What has begun and is not over."""

    instance: Instance
    kind: str
    address: int = 0
    length: int = 0
    octets: bytes = b""
    moved: int = 0
    error: int = 0
    event: int = 0


@dataclass
class Token:
    """Who somebody is."""

    person: Person


@dataclass
class WindowsOfTest:
    """One computer, and who acts on it; what it was asked lies in `calls`."""

    person: Person = field(default_factory=Person)
    owner: str = ADMINISTRATORS
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._guard = threading.RLock()
        self._kept: dict[int, Any] = {}
        self._handles: dict[int, Any] = {}
        self._pending: dict[int, Pending] = {}
        self._local = threading.local()
        self.api = WindowsApi(self._load, lambda: int(getattr(self._local, "error", 0)))

    @property
    def open_handles(self) -> list[Any]:
        """What was opened and not closed: ends of pipes and tokens, and not the event of a door."""
        return [each for each in self._handles.values() if not isinstance(each, Event)]

    def _load(self, library: str) -> Any:
        def wrapped(name: str, result: Any, taken: list[Any]) -> Any:
            # What a computer of a test lacks is nothing that the test calls.
            carry_out = getattr(self, f"_{name}", None)

            def call(*passed: Any) -> Any:
                if name in self.refused:
                    return self._fail(self.refused[name])
                assert carry_out is not None
                return carry_out(*passed)

            return ctypes.CFUNCTYPE(result, *taken)(call)

        functions = {name: wrapped(name, result, taken) for name, (result, *taken) in FUNCTIONS[library].items()}
        return SimpleNamespace(**functions)

    def _fail(self, number: int, value: int = 0) -> int:
        self._local.error = number
        return value

    def _new(self, thing: Any) -> int:
        with self._guard:
            handle = 4 * (len(self._handles) + len(self.calls) + 100)
            while handle in self._handles:
                handle += 4
            self._handles[handle] = thing
            return handle

    def _keep(self, buffer: Any) -> int:
        """Keep memory until LocalFree."""
        address = ctypes.addressof(buffer)
        self._kept[address] = buffer
        return address

    @property
    def kept(self) -> int:
        """How much memory nobody has freed."""
        return len(self._kept)

    # kernel32: pipes.

    def _CreateNamedPipeW(
        self, name: str, mode: int, kind: int, most: int, out: int, into: int, wait: int, attributes: int
    ) -> int:
        written = SecurityAttributes.from_address(attributes)
        descriptor = ctypes.wstring_at(written.lpSecurityDescriptor)
        with self._guard:
            self.calls.append(("CreateNamedPipeW", name, mode, kind, most, out, into, wait, descriptor))
            there = [each for each in self.servers() if each.name == name]
            if mode & FIRST_PIPE_INSTANCE and there:
                return self._fail(ACCESS_DENIED, INVALID_HANDLE or 0)
            if len(there) >= most:
                return self._fail(PIPE_BUSY, INVALID_HANDLE or 0)
            return self._new(Instance(name, is_server=True, knock=Event(*socket.socketpair())))

    def servers(self) -> list[Instance]:
        """Give the ends that the service has open."""
        return [each for each in self._handles.values() if isinstance(each, Instance) and each.is_server]

    def _ConnectNamedPipe(self, handle: int, overlapped: int) -> int:
        instance = self._handles[handle]
        if instance.stream is not None:
            has_gone = select.select([instance.stream], [], [], 0)[0] and not instance.stream.recv(1, socket.MSG_PEEK)
            return self._fail(NO_DATA if has_gone else PIPE_CONNECTED)
        return self._begin(Pending(instance, "connect"), overlapped)

    def _CreateFileW(
        self, name: str, access: int, share: int, _security: Any, how: int, flags: int, _template: Any
    ) -> int:
        with self._guard:
            self.calls.append(("CreateFileW", name, access, share, how, flags))
            there = [each for each in self.servers() if each.name == name]
            free = [each for each in there if each.stream is None]
            if not there:
                return self._fail(FILE_NOT_FOUND, INVALID_HANDLE or 0)
            if not free:
                return self._fail(PIPE_BUSY, INVALID_HANDLE or 0)
            server, client = socket.socketpair()
            free[0].stream, free[0].client = server, self.person
            assert free[0].knock is not None
            free[0].knock.writing.send(b"!")
            return self._new(Instance(name, is_server=False, stream=client))

    def _WaitNamedPipeW(self, name: str, milliseconds: int) -> int:
        self.calls.append(("WaitNamedPipeW", name, milliseconds))
        threading.Event().wait(0.02)
        return 1

    def _GetNamedPipeClientSessionId(self, handle: int, session: int) -> int:
        client = self._handles[handle].client
        c_uint32.from_address(session).value = client.session
        return 1

    def _ReadFile(self, handle: int, buffer: int, length: int, _count: Any, overlapped: int) -> int:
        return self._begin(Pending(self._handles[handle], "read", buffer, length), overlapped)

    def _WriteFile(self, handle: int, buffer: int, length: int, _count: Any, overlapped: int) -> int:
        octets = ctypes.string_at(buffer, length)
        return self._begin(Pending(self._handles[handle], "write", octets=octets), overlapped)

    def _begin(self, pending: Pending, overlapped: int) -> int:
        pending.event = Overlapped.from_address(overlapped).hEvent
        with self._guard:
            self._pending[overlapped] = pending
        return self._fail(IO_PENDING)

    def _WaitForMultipleObjects(self, count: int, events: int, _all: int, milliseconds: int) -> int:
        handles = list((c_void_p * count).from_address(events))
        with self._guard:
            (pending,) = (each for each in self._pending.values() if each.event == handles[0])
            stop = [self._handles[handle].reading for handle in handles[1:]]
        seconds = None if milliseconds == 0xFFFF_FFFF else milliseconds / 1000
        while True:
            instance, is_writing = pending.instance, pending.kind == "write"
            knock = instance.knock.reading if pending.kind == "connect" and instance.knock else instance.stream
            assert knock is not None
            readable, writable, _ = select.select(
                [*stop, *([] if is_writing else [knock])], [knock] if is_writing else [], [], seconds
            )
            if not readable and not writable:
                return WAIT_TIMEOUT
            if any(each in readable for each in stop):
                return 1
            if self._go_on(pending, knock):
                return 0

    def _go_on(self, pending: Pending, stream: socket.socket) -> bool:
        """Do what can be done now, and say whether that was all."""
        if pending.kind == "connect":
            return True
        try:
            if pending.kind == "read":
                octets = stream.recv(pending.length, socket.MSG_DONTWAIT)
                ctypes.memmove(pending.address, octets, len(octets))
                pending.moved, pending.error = len(octets), 0 if octets else BROKEN_PIPE
                pending.instance.was_read |= bool(octets)
                return True
            pending.moved += stream.send(pending.octets[pending.moved :], socket.MSG_DONTWAIT)
        except OSError:
            pending.error = BROKEN_PIPE
            return True
        return pending.moved == len(pending.octets)

    def _CancelIoEx(self, _handle: int, overlapped: int) -> int:
        self._pending[overlapped].error = ABORTED
        return 1

    def _GetOverlappedResult(self, _handle: int, overlapped: int, count: int, _wait: int) -> int:
        with self._guard:
            pending = self._pending.pop(overlapped)
        c_uint32.from_address(count).value = pending.moved
        return self._fail(pending.error) if pending.error else 1

    def _CreateEventW(self, _security: Any, is_manual: int, is_set: int, _name: Any) -> int:
        assert (is_manual, is_set) == (1, 0)
        return self._new(Event(*socket.socketpair()))

    def _SetEvent(self, handle: int) -> int:
        self._handles[handle].writing.send(b"!")
        return 1

    def _CloseHandle(self, handle: int) -> int:
        with self._guard:
            thing = self._handles.pop(handle, None)
        if thing is None:
            return self._fail(INVALID_HANDLE_ERROR)
        for event in (thing, getattr(thing, "knock", None)):
            if isinstance(event, Event):
                event.reading.close()
                event.writing.close()
        if isinstance(thing, Instance) and thing.stream is not None:
            thing.stream.close()
        return 1

    def close(self) -> None:
        """Close what nobody has closed."""
        for handle in list(self._handles):
            self._CloseHandle(handle)

    def _LocalFree(self, address: int) -> None:
        del self._kept[address]

    def _GetCurrentThread(self) -> int:
        return (1 << 64) - 2

    # advapi32: who somebody is.

    def _ConvertStringSecurityDescriptorToSecurityDescriptorW(
        self, text: str, revision: int, out: int, _size: Any
    ) -> int:
        assert revision == 1
        c_void_p.from_address(out).value = self._keep(ctypes.create_unicode_buffer(text))
        return 1

    def _GetSecurityInfo(self, _handle: int, kind: int, what: int, owner: int, *others: Any) -> int:
        assert (kind, what, others[:3]) == (6, 1, (None, None, None))
        address = self._keep(_sid_of(self.owner))
        c_void_p.from_address(owner).value = address
        c_void_p.from_address(others[3]).value = address
        return 0

    def _ImpersonateNamedPipeClient(self, handle: int) -> int:
        instance = self._handles[handle]
        if not instance.was_read:
            return self._fail(CANNOT_IMPERSONATE)
        self._local.person = instance.client
        return 1

    def _RevertToSelf(self) -> int:
        self._local.person = None
        return 1

    def is_itself(self) -> bool:
        """Say whether this thread acts as nobody else."""
        return getattr(self._local, "person", None) is None

    def _OpenThreadToken(self, thread: int, access: int, as_self: int, out: int) -> int:
        assert (thread, access, as_self) == (self._GetCurrentThread(), 8, 1)
        c_void_p.from_address(out).value = self._new(Token(self._local.person))
        return 1

    def _GetTokenInformation(self, handle: int, kind: int, buffer: int | None, length: int, out: int) -> int:
        assert kind == 1
        sid = bytes(_sid_of(self._handles[handle].person.sid))
        c_uint32.from_address(out).value = 16 + len(sid)
        if buffer is None or length < 16 + len(sid):
            return self._fail(INSUFFICIENT_BUFFER)
        ctypes.memmove(buffer + 16, sid, len(sid))
        c_void_p.from_address(buffer).value = buffer + 16
        return 1

    def _CheckTokenMembership(self, handle: int, sid: int, out: int) -> int:
        assert _text_of(sid) == ADMINISTRATORS
        c_int.from_address(out).value = int(self._handles[handle].person.is_administrator)
        return 1

    def _ConvertSidToStringSidW(self, sid: int, out: int) -> int:
        c_void_p.from_address(out).value = self._keep(ctypes.create_unicode_buffer(_text_of(sid)))
        return 1

    def _ConvertStringSidToSidW(self, text: str, out: int) -> int:
        c_void_p.from_address(out).value = self._keep(_sid_of(text))
        return 1

    def _LookupAccountSidW(
        self, _system: Any, sid: int, name: int, length: int, _domain: int, _domain_length: int, _use: int
    ) -> int:
        if _text_of(sid) != self.person.sid or not self.person.name:
            return self._fail(NONE_MAPPED)
        assert c_uint32.from_address(length).value > len(self.person.name)
        text = ctypes.create_unicode_buffer(self.person.name)
        ctypes.memmove(name, text, ctypes.sizeof(text))
        return 1


def _sid_of(text: str) -> Any:
    """Give a SID as it lies in memory. Source: MS-DTYP 2.4.2.2."""
    _, revision, authority, *parts = text.split("-")
    octets = bytes([int(revision), len(parts)]) + int(authority).to_bytes(6, "big")
    octets += b"".join(int(part).to_bytes(4, "little") for part in parts)
    return (ctypes.c_ubyte * len(octets)).from_buffer_copy(octets)


def _text_of(address: int) -> str:
    revision, count, *authority = ctypes.string_at(address, 8)
    octets = ctypes.string_at(address + 8, 4 * count)
    parts = [int.from_bytes(octets[at : at + 4], "little") for at in range(0, len(octets), 4)]
    return "-".join(["S", str(revision), str(int.from_bytes(bytes(authority), "big")), *map(str, parts)])
