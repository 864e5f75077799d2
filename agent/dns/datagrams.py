"""Datagrams by the batch: one system call takes many queries in, one sends many answers out.

An answer is written over the query that it answers, in the slot where the query came in: the message ID and the
client's address are in their places already, so what is sent needs neither to be copied.

Source: recvmmsg(2), sendmmsg(2), ip(7) IP_PKTINFO, ipv6(7) IPV6_RECVPKTINFO.
"""

import contextlib
import ctypes
import errno
import mmap
import socket
import struct
import sys
from typing import Protocol

SLOTS = 64
# The largest query taken whole and the largest answer sent; EDNS lets nobody ask for more over UDP here. Not a
# whole page: slots that lie pages apart would all compete for the same few lines of the cache.
SLOT_OCTETS = 4096 + 192
# The kernel counts some 770 octets for a query and takes twice what it is told: room for 20,000 of them.
RECEIVE_BUFFER_OCTETS = 8 * 1024 * 1024

_SOCKADDR_OCTETS = 28
_CONTROL_OCTETS = 64
_MSG_DONTWAIT = 0x40
_IPV6_RECVPKTINFO = 49
_IP_PKTINFO = 8
_SO_RCVBUFFORCE = 33
_IP_MTU_DISCOVER = 10
_IP_PMTUDISC_PROBE = 3
_DISCARD_PORT = 9
# Room in the socket's send buffer comes back within microseconds; so many attempts, then the answer is dropped.
_SEND_ATTEMPTS = 50


class Datagrams(Protocol):
    """One UDP socket, read and written in batches.

    After `receive` says n, the first n of `lengths` and `addresses` (4 or 16 octets each) belong to the slots
    of `buffer`: slot i begins at i * SLOT_OCTETS. `send` sends what was written there, `answer_lengths[i]` octets
    of each slot; `unsent` counts the answers that no client could be reached with.
    """

    buffer: mmap.mmap
    lengths: list[int]
    addresses: tuple[bytes, ...]
    answer_lengths: memoryview
    unsent: int

    def receive(self) -> int:
        """Take what is waiting, at most SLOTS datagrams, without blocking."""

    def send(self, first: int, end: int) -> int:
        """Send the answers in the slots from `first` up to `end`; gives how many could not be sent."""

    def return_address(self, slot: int) -> bytes:
        """Give what `send_later` needs to answer this slot's query after the slot is used again."""

    def send_later(self, return_address: bytes, answer: bytes) -> None:
        """Queue an answer for the next `flush`."""

    def flush(self) -> int:
        """Send what is queued; gives how many answers could not be sent."""


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("octets", ctypes.c_size_t))


class _MessageHeader(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_octets", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_IoVector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_octets", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _BatchHeader(ctypes.Structure):
    _fields_ = (("header", _MessageHeader), ("octets", ctypes.c_uint32))


class _Lane:
    """The headers, vectors, addresses and data of SLOTS messages, laid out once."""

    def __init__(self, *, name_octets: int, wants_control: bool, shares: "_Lane | None" = None) -> None:
        self.buffer: mmap.mmap = shares.buffer if shares else mmap.mmap(-1, SLOTS * SLOT_OCTETS)
        self.names: mmap.mmap = shares.names if shares else mmap.mmap(-1, SLOTS * _SOCKADDR_OCTETS)
        self.controls: mmap.mmap = shares.controls if shares else mmap.mmap(-1, SLOTS * _CONTROL_OCTETS)
        self.headers = (_BatchHeader * SLOTS)()
        self._vectors = (_IoVector * SLOTS)()
        data_at, names_at, controls_at = (
            ctypes.addressof(ctypes.c_char.from_buffer(area)) for area in (self.buffer, self.names, self.controls)
        )
        for slot in range(SLOTS):
            self._vectors[slot] = _IoVector(data_at + slot * SLOT_OCTETS, SLOT_OCTETS)
            header = self.headers[slot].header
            header.vectors = ctypes.pointer(self._vectors[slot])
            header.vector_count = 1
            header.name = names_at + slot * _SOCKADDR_OCTETS
            header.name_octets = name_octets
            if wants_control:
                header.control = controls_at + slot * _CONTROL_OCTETS
                header.control_octets = _CONTROL_OCTETS
        octets = memoryview(self.headers).cast("B")
        self.pristine = bytes(octets)
        self.octets = octets
        words = octets.cast("I")
        stride = ctypes.sizeof(_BatchHeader) // 4
        self.lengths = words[_BatchHeader.octets.offset // 4 :: stride]
        self.control_lengths = octets.cast("Q")[_MessageHeader.control_octets.offset // 8 :: stride // 2]
        self.vector_lengths = memoryview(self._vectors).cast("B").cast("Q")[1::2]
        self.references = [ctypes.byref(self.headers, slot * ctypes.sizeof(_BatchHeader)) for slot in range(SLOTS)]


class BatchedDatagrams:
    """Datagrams by recvmmsg and sendmmsg (Linux)."""

    def __init__(self, listening: socket.socket) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = library.recvmmsg, library.sendmmsg
        self._socket = listening
        self._descriptor = listening.fileno()
        is_ipv4 = listening.family == socket.AF_INET
        # A socket bound to every address must answer from the one that was asked.
        self._wants_control = _is_wildcard(listening)
        if self._wants_control:
            _ask_for_destination(listening)
        name_octets = 16 if is_ipv4 else 28
        self._incoming = _Lane(name_octets=name_octets, wants_control=self._wants_control)
        self._outgoing = _Lane(name_octets=name_octets, wants_control=self._wants_control, shares=self._incoming)
        self._late = _Lane(name_octets=name_octets, wants_control=self._wants_control)
        name = "4x4s20x" if is_ipv4 else "8x16s4x"
        self._unpack = [struct.Struct(name * count).unpack_from for count in range(SLOTS + 1)]
        self.buffer = self._incoming.buffer
        self.answer_lengths = self._outgoing.vector_lengths
        self.lengths: list[int] = []
        self.addresses: tuple[bytes, ...] = ()
        self._queued = 0
        self.unsent = 0

    def receive(self) -> int:
        """Take what is waiting, at most SLOTS datagrams, without blocking."""
        lane = self._incoming
        if self._wants_control:
            lane.octets[:] = lane.pristine
        count: int = self._recvmmsg(self._descriptor, lane.headers, SLOTS, _MSG_DONTWAIT, None)
        if count <= 0:
            return 0
        self.lengths = lane.lengths[:count].tolist()
        self.addresses = self._unpack[count](lane.names)
        if self._wants_control:
            self._outgoing.control_lengths[:count] = lane.control_lengths[:count]
        return count

    def send(self, first: int, end: int) -> int:
        """Send the answers in the slots from `first` up to `end`; gives how many could not be sent."""
        return self._send_lane(self._outgoing, first, end)

    def _send_lane(self, lane: _Lane, first: int, end: int) -> int:
        attempts = unsent = 0
        while first < end:
            sent = self._sendmmsg(self._descriptor, lane.references[first], end - first, 0)
            if sent > 0:
                first += sent
                continue
            attempts += 1
            if ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS) and attempts < _SEND_ATTEMPTS:
                continue
            # This client cannot be reached; the ones behind it can.
            first += 1
            unsent += 1
        self.unsent += unsent
        return unsent

    def return_address(self, slot: int) -> bytes:
        """Give the client's address and, on a wildcard socket, the address that it asked."""
        lane = self._incoming
        address = lane.names[slot * _SOCKADDR_OCTETS : (slot + 1) * _SOCKADDR_OCTETS]
        if self._wants_control:
            start = slot * _CONTROL_OCTETS
            address += lane.controls[start : start + lane.control_lengths[slot]]
        return address

    def send_later(self, return_address: bytes, answer: bytes) -> None:
        """Queue an answer for the next `flush`."""
        if self._queued == SLOTS:
            self.flush()
        lane, slot = self._late, self._queued
        start = slot * SLOT_OCTETS
        lane.buffer[start : start + len(answer)] = answer
        lane.vector_lengths[slot] = len(answer)
        name, control = return_address[:_SOCKADDR_OCTETS], return_address[_SOCKADDR_OCTETS:]
        lane.names[slot * _SOCKADDR_OCTETS : (slot + 1) * _SOCKADDR_OCTETS] = name
        if self._wants_control:
            lane.controls[slot * _CONTROL_OCTETS : slot * _CONTROL_OCTETS + len(control)] = control
            lane.control_lengths[slot] = len(control)
        self._queued += 1

    def flush(self) -> int:
        """Send what is queued; gives how many answers could not be sent."""
        queued, self._queued = self._queued, 0
        return self._send_lane(self._late, 0, queued) if queued else 0


class PortableDatagrams:
    """Datagrams one by one, for systems without the batched calls."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self.buffer = mmap.mmap(-1, SLOTS * SLOT_OCTETS)
        self._view = memoryview(self.buffer)
        self.lengths: list[int] = []
        self.addresses: tuple[bytes, ...] = ()
        self.answer_lengths = memoryview(bytearray(8 * SLOTS)).cast("Q")
        self._peers: list[tuple[str, int]] = []
        self._queue: list[tuple[tuple[str, int], bytes]] = []
        self.unsent = 0

    def receive(self) -> int:
        """Take what is waiting, at most SLOTS datagrams, without blocking."""
        self.lengths, self._peers = [], []
        addresses = []
        for slot in range(SLOTS):
            start = slot * SLOT_OCTETS
            try:
                octets, peer = self._socket.recvfrom_into(self._view[start : start + SLOT_OCTETS], SLOT_OCTETS)
            except OSError:
                break
            self.lengths.append(octets)
            self._peers.append(peer)
            addresses.append(socket.inet_pton(self._socket.family, peer[0].partition("%")[0]))
        self.addresses = tuple(addresses)
        return len(addresses)

    def send(self, first: int, end: int) -> int:
        """Send the answers in the slots from `first` up to `end`; gives how many could not be sent."""
        unsent = 0
        for slot in range(first, end):
            start = slot * SLOT_OCTETS
            unsent += self._send_one(self.buffer[start : start + self.answer_lengths[slot]], self._peers[slot])
        return unsent

    def _send_one(self, answer: bytes, peer: tuple[str, int]) -> int:
        try:
            self._socket.sendto(answer, peer)
        except OSError:
            self.unsent += 1
            return 1
        return 0

    def return_address(self, slot: int) -> bytes:
        """Give a key for the client's address and port."""
        host, port, *_ = self._peers[slot]
        return f"{host} {port}".encode()

    def send_later(self, return_address: bytes, answer: bytes) -> None:
        """Queue an answer for the next `flush`."""
        host, _, port = return_address.decode().rpartition(" ")
        self._queue.append(((host, int(port)), answer))

    def flush(self) -> int:
        """Send what is queued; gives how many answers could not be sent."""
        queue, self._queue = self._queue, []
        return sum(self._send_one(answer, peer) for peer, answer in queue)


def open_datagrams(listening: socket.socket) -> Datagrams:
    """Choose the fastest way to read and write this socket that the system has."""
    listening.settimeout(0)
    return BatchedDatagrams(listening) if sys.platform.startswith("linux") else PortableDatagrams(listening)


def listen_on_datagrams(address: str, port: int) -> socket.socket:
    """Open a UDP socket that several workers may share the port of.

    Raises:
        OSError: the address is not ours, the port is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _make_room(listening)
        if family == socket.AF_INET:
            # No fragments, and nobody outside can talk us into smaller packets (ip(7), IP_PMTUDISC_PROBE).
            with contextlib.suppress(OSError):
                listening.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        listening.bind((address, port))
    except OSError:
        listening.close()
        raise
    return listening


def take_no_more(listening: socket.socket) -> None:
    """Leave what comes from now on to the others that share the port; what came already can be read and answered.

    A connected socket takes from its peer alone, here from a port where nobody is (udp(7), connect(2)). It cannot be
    taken back, and holds for every process that has this socket.
    """
    loopback = "::1" if listening.family == socket.AF_INET6 else "127.0.0.1"
    with contextlib.suppress(OSError):
        listening.connect((loopback if _is_wildcard(listening) else listening.getsockname()[0], _DISCARD_PORT))


def _make_room(listening: socket.socket) -> None:
    """Let the kernel keep some thousand queries while nobody reads; beyond its own bound only with the right to."""
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BUFFER_OCTETS)
            return


def _is_wildcard(listening: socket.socket) -> bool:
    return listening.getsockname()[0] in ("0.0.0.0", "::")


def _ask_for_destination(listening: socket.socket) -> None:
    if listening.family == socket.AF_INET:
        listening.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        listening.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
