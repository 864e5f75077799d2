"""How people and helpers on this laptop ask its service: a socket, one line of JSON each way.

Anybody may connect, and the kernel says who it is; only whoever has a session here is answered. What can be asked is
to be shown something or to report something: nothing that is sent here is ever run.
"""

import json
import logging
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)
MAX_REQUEST_BYTES: Final = 8 * 1024
MAX_ANSWER_BYTES: Final = 256 * 1024
_SECONDS: Final = 3.0
_MOST_AT_ONCE: Final = 16
_MOST_OF_ONE: Final = 4
_PEER: Final = struct.Struct("3i")
# Source: sys/un.h and sys/ucred.h of macOS: LOCAL_PEERCRED, and the head of struct xucred.
_LOCAL_PEERCRED: Final = 1
_XUCRED: Final = struct.Struct("Ii")

Answer = Callable[[int, Mapping[str, Any]], Mapping[str, Any]]


class LocalError(Exception):
    """The service on this laptop did not answer, or refused; a sentence for who asked."""


class LocalSocket:
    """The service's end.

    Args:
        may_ask: whether an account is answered.
        answer: gives the answer to a request of an account; what it raises becomes a refusal in a sentence.

    Raises:
        OSError: it cannot be listened there.
    """

    def __init__(self, path: Path, *, may_ask: Callable[[int], bool], answer: Answer) -> None:
        self._path = path
        self._may_ask = may_ask
        self._answer = answer
        self._guard = threading.Lock()
        self._open: Counter[int] = Counter()
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listening.bind(str(path))
            path.chmod(0o666)
            self._listening.listen(_MOST_AT_ONCE)
        except OSError:
            self._listening.close()
            raise
        self._is_closed = False
        self._thread = threading.Thread(target=self._accept, name="local socket", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._is_closed = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._path.unlink(missing_ok=True)
        self._thread.join(_SECONDS)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                if not self._is_closed:
                    time.sleep(0.1)
                continue
            self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        connection.settimeout(_SECONDS)
        try:
            uid = peer_uid(connection)
        except OSError:
            connection.close()
            return
        with self._guard:
            is_too_much = self._open.total() >= _MOST_AT_ONCE or self._open[uid] >= _MOST_OF_ONE
            self._open[uid] += not is_too_much
        if is_too_much:
            connection.close()
            return
        threading.Thread(target=self._serve, args=(connection, uid), name="local request", daemon=True).start()

    def _serve(self, connection: socket.socket, uid: int) -> None:
        try:
            with connection:
                answer = self._answer_to(uid, _line(connection, MAX_REQUEST_BYTES, time.monotonic() + _SECONDS))
                connection.sendall(_encoded(answer))
        except OSError:
            return
        finally:
            with self._guard:
                self._open[uid] -= 1
                self._open += Counter()

    def _answer_to(self, uid: int, line: bytes | None) -> Mapping[str, Any]:
        if not self._may_ask(uid):
            return _refusal("Only whoever is signed in to this laptop is answered.")
        try:
            request = json.loads(line) if line is not None else None
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return _refusal("A request is one line of JSON, an object.")
        try:
            return {"ok": True, **self._answer(uid, request)}
        except LocalError as error:
            return _refusal(str(error))
        except Exception:  # noqa: BLE001 -- logged with its place, and answered
            _LOG.exception("A local request failed.")
            return _refusal("The service could not answer; its log says why.")


def ask_service(path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the service of this laptop.

    Raises:
        LocalError: it does not run, or refuses.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise LocalError("This system has no socket by which the service could be asked.")
    end = time.monotonic() + 2 * _SECONDS
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = _line(connection, MAX_ANSWER_BYTES, end)
            answer = json.loads(line) if line is not None else None
        except (OSError, ValueError) as error:
            raise LocalError(f"The endpoint service does not answer at {path}; expected it to run here.") from error
    if not isinstance(answer, dict):
        raise LocalError("The endpoint service gave no answer that can be read.")
    if not answer.get("ok"):
        raise LocalError(str(answer.get("detail", "The endpoint service refused.")))
    return answer


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


def has_local_socket() -> bool:
    """Say whether this system can tell who asks."""
    return os.name == "posix" and sys.platform in {"linux", "darwin"}


def _line(connection: socket.socket, most_bytes: int, end: float) -> bytes | None:
    """Read one line; None where it does not end in time or is too long."""
    octets = bytearray()
    while b"\n" not in octets:
        if len(octets) > most_bytes or time.monotonic() > end:
            return None
        part = connection.recv(65_536)
        if not part:
            break
        octets += part
    line, _, _ = bytes(octets).partition(b"\n")
    return line if len(line) <= most_bytes else None


def _encoded(answer: Mapping[str, Any]) -> bytes:
    octets = json.dumps(answer).encode() + b"\n"
    if len(octets) > MAX_ANSWER_BYTES:
        octets = json.dumps(_refusal("There is more to say than an answer holds.")).encode() + b"\n"
    return octets


def _refusal(sentence: str) -> Mapping[str, Any]:
    return {"ok": False, "detail": sentence}
