"""The socket by which a laptop's service is asked on Linux and macOS: the kernel says who is at the other end."""

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from agent.endpoint.local_channel import MOST_AT_ONCE, SECONDS, Caller

_PEER: Final = struct.Struct("3i")
# Source: sys/un.h and sys/ucred.h of macOS: LOCAL_PEERCRED, and the head of struct xucred.
_LOCAL_PEERCRED: Final = 1
_XUCRED: Final = struct.Struct("Ii")


class SocketDoor:
    """The service's end.

    Raises:
        OSError: it cannot be listened there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listening = _new_socket()
        try:
            self._listening.bind(str(path))
            path.chmod(0o666)
            self._listening.listen(MOST_AT_ONCE)
        except OSError:
            self._listening.close()
            raise

    def accept(self) -> "SocketConnection":
        """Wait for somebody.

        Raises:
            OSError: it was closed, or this system does not say who came.
        """
        connection, _ = self._listening.accept()
        try:
            connection.settimeout(SECONDS)
            return SocketConnection(connection, peer_uid(connection))
        except OSError:
            connection.close()
            raise

    def close(self) -> None:
        """Let nobody in any more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._path.unlink(missing_ok=True)


class SocketConnection:
    """Somebody who came, by the number of their account."""

    def __init__(self, connection: socket.socket, uid: int) -> None:
        self.seat = uid
        self.recv = connection.recv
        self.sendall = connection.sendall
        self.close = connection.close

    def caller(self) -> Caller:
        """Give who is at the other end."""
        return Caller(self.seat, account_of(self.seat), is_administrator=self.seat in {0, os.geteuid()})


def connect_to_socket(path: Path) -> socket.socket:
    """Reach the service.

    Raises:
        OSError: it does not listen there.
    """
    connection = _new_socket()
    try:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def peer_uid(connection: socket.socket) -> int:
    """Give the account at the other end, as the kernel knows it.

    Raises:
        OSError: this system does not say.
    """
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return int(uid)
    octets = connection.getsockopt(0, _LOCAL_PEERCRED, 128)
    return int(_XUCRED.unpack_from(octets)[1])


def account_of(uid: int) -> str:
    """Give the name of an account; empty where it has none."""
    try:
        import pwd  # noqa: PLC0415 -- there is none on Windows

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return ""


def _new_socket() -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("This system has no such sockets.")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
