"""When to look again: what the kernel says about devices, and that something was mounted or unmounted.

Neither needs udev or a right. What it says is a reason to look, never a fact: events can be lost, and that is told.
"""

import os
import select
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from collectors.machine import Machine

# Source: linux/netlink.h; group 1 is what the kernel itself sends.
_NETLINK_KOBJECT_UEVENT: Final = 15
_KERNEL_GROUP: Final = 1
_BUFFER_BYTES: Final = 1 << 20
_MESSAGE_BYTES: Final = 65_536
_MOST_MESSAGES: Final = 1_024
_PROPERTIES: Final = 256
_ACTIONS: Final = frozenset({"add", "remove", "change", "move", "online", "offline", "bind", "unbind"})
_SUBSYSTEMS: Final = frozenset({"block", "usb"})


@dataclass(frozen=True, slots=True)
class Uevent:
    """One event of the kernel about a device."""

    action: str
    path: str
    properties: Mapping[str, str]

    @property
    def subsystem(self) -> str:
        """What kind of device it is about: `block`, `usb`."""
        return self.properties.get("SUBSYSTEM", "")


def parse_uevent(message: bytes) -> Uevent | None:
    """Read a message of the kernel; None for anything else, such as what udev sends.

    Source: lib/kobject_uevent.c: `action@path`, then `KEY=value`, each ended by a zero.
    """
    head, *lines = os.fsdecode(message).split("\0")
    action, at, path = head.partition("@")
    if not at or action not in _ACTIONS or not path.startswith("/"):
        return None
    pairs = (line.partition("=") for line in lines[:_PROPERTIES])
    return Uevent(action, path, {key: value for key, equals, value in pairs if equals and key})


@dataclass(frozen=True, slots=True)
class Wake:
    """Why it is time to look.

    Args:
        devices: what happened to block devices and on the universal serial bus, the oldest first.
        mounts: whether something was mounted or unmounted.
        lost: whether there was more than could be taken in.
    """

    devices: tuple[Uevent, ...] = ()
    mounts: bool = False
    lost: bool = False

    def __bool__(self) -> bool:
        return bool(self.devices) or self.mounts or self.lost


class DeviceEvents:
    """Waits for something to happen to the volumes of a Linux computer.

    `blind` says what it cannot hear, and why: then only looking from time to time helps.
    """

    def __init__(self, machine: Machine) -> None:
        self.blind: dict[str, str] = {}
        self._kernel = self._listen()
        self._mounts = self._open_mounts(machine)
        self._here, self._there = socket.socketpair()
        self._here.settimeout(0)
        self._poll = select.poll()
        self._poll.register(self._here, select.POLLIN)
        if self._kernel is not None:
            self._poll.register(self._kernel, select.POLLIN)
        if self._mounts is not None:
            self._poll.register(self._mounts, select.POLLPRI)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        for end in (self._kernel, self._here, self._there):
            if end is not None:
                end.close()
        if self._mounts is not None:
            os.close(self._mounts)
            self._mounts = None

    def interrupt(self) -> None:
        """Let the wait that runs end at once; for another thread."""
        with suppress(OSError):
            self._there.send(b"\0")

    def wait(self, seconds: float) -> Wake:
        """Wait until there is a reason to look, but no longer than this."""
        end = time.monotonic() + seconds
        while True:
            remaining = max(end - time.monotonic(), 0.0)
            ready = {number for number, _ in self._poll.poll(remaining * 1000)}
            if self._here.fileno() in ready:
                with suppress(BlockingIOError):
                    self._here.recv(_MESSAGE_BYTES)
                return Wake()
            devices, lost = (
                self._receive() if self._kernel is not None and self._kernel.fileno() in ready else ((), False)
            )
            wake = Wake(devices, self._mounts in ready, lost)
            if wake or not remaining:
                return wake

    def _receive(self) -> tuple[tuple[Uevent, ...], bool]:
        """Take in what has come."""
        assert self._kernel is not None
        devices: list[Uevent] = []
        for _ in range(_MOST_MESSAGES):
            try:
                message, (sender, _) = self._kernel.recvfrom(_MESSAGE_BYTES)
            except BlockingIOError:
                return tuple(devices), False
            except OSError:
                return tuple(devices), True  # ENOBUFS: the kernel had more to say than there was room for.
            # A program may send to the group as well, if it has the right; only the kernel has the number 0.
            event = parse_uevent(message) if sender == 0 else None
            if event is not None and event.subsystem in _SUBSYSTEMS:
                devices.append(event)
        return tuple(devices), False

    def _listen(self) -> socket.socket | None:
        if not hasattr(socket, "AF_NETLINK"):
            self.blind["devices"] = "this system has no netlink sockets"
            return None
        kernel = None
        try:
            kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_KOBJECT_UEVENT)
            kernel.settimeout(0)
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            kernel.bind((0, _KERNEL_GROUP))
        except OSError as error:
            self.blind["devices"] = error.strerror or type(error).__name__
            if kernel is not None:
                kernel.close()
            return None
        return kernel

    def _open_mounts(self, machine: Machine) -> int | None:
        try:
            return os.open(machine.path("/proc/self/mountinfo"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self.blind["mounts"] = error.strerror or type(error).__name__
            return None
