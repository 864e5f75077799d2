"""How people and helpers on this laptop ask its service: one line of JSON each way.

By a socket, or on Windows by a pipe; what is told apart here is the name of the place alone. Anybody may connect, and
the system says who it is; only whoever has a session here is answered. What can be asked is to be shown something or
to report something: nothing that is sent here is ever run.
"""

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

_LOG: Final = logging.getLogger(__name__)
MAX_REQUEST_BYTES: Final = 8 * 1024
MAX_ANSWER_BYTES: Final = 256 * 1024
SECONDS: Final = 3.0
MOST_AT_ONCE: Final = 16
_MOST_OF_ONE: Final = 4
_PIPES: Final = "\\\\.\\pipe\\"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the system knows.

    Args:
        number: of the account: its uid, or its SID on Windows.
        account: its name; empty where it has none.
        is_administrator: whether it is one, or the account that the service itself runs as.
    """

    number: int | str
    account: str
    is_administrator: bool = False


class Connection(Protocol):
    """One end of what lies between two programs. Each may raise OSError, TimeoutError where the other is silent."""

    def recv(self, most: int, /) -> bytes:
        """Give what has come; empty once the other end is closed."""

    def sendall(self, octets: bytes, /) -> None:
        """Send all of it."""

    def close(self) -> None:
        """Close it; what was sent can still be read."""


class ServiceConnection(Connection, Protocol):
    """The service's end."""

    @property
    def seat(self) -> Hashable:
        """Whose place it takes, as far as that is known before anything was read."""

    def caller(self) -> Caller:
        """Give who is at the other end, once something was read."""


class Door(Protocol):
    """Where the service is asked."""

    def accept(self) -> ServiceConnection:
        """Wait for somebody.

        Raises:
            OSError: it was closed, or whoever came is gone.
        """

    def close(self) -> None:
        """Let nobody in any more."""


Answer = Callable[[Caller, Mapping[str, Any]], Mapping[str, Any]]


class LocalError(Exception):
    """The service on this laptop did not answer, or refused; a sentence for who asked."""


class LocalChannel:
    """The service's end of all that is asked.

    Args:
        may_ask: whether somebody is answered.
        answer: gives the answer to a request; what it raises becomes a refusal in a sentence.
    """

    def __init__(self, door: Door, *, may_ask: Callable[[Caller], bool], answer: Answer) -> None:
        self._door = door
        self._may_ask = may_ask
        self._answer = answer
        self._guard = threading.Lock()
        self._open: Counter[Hashable] = Counter()
        self._is_closed = False
        self._thread = threading.Thread(target=self._accept, name="local channel", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._is_closed = True
        self._door.close()
        self._thread.join(SECONDS)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection = self._door.accept()
            except OSError:
                if not self._is_closed:
                    time.sleep(0.1)
                continue
            self._begin(connection)

    def _begin(self, connection: ServiceConnection) -> None:
        seat = connection.seat
        with self._guard:
            is_too_much = self._open.total() >= MOST_AT_ONCE or self._open[seat] >= _MOST_OF_ONE
            self._open[seat] += not is_too_much
        if is_too_much:
            connection.close()
            return
        threading.Thread(target=self._serve, args=(connection,), name="local request", daemon=True).start()

    def _serve(self, connection: ServiceConnection) -> None:
        try:
            line = _line(connection, MAX_REQUEST_BYTES, time.monotonic() + SECONDS)
            connection.sendall(_encoded(self._answer_to(connection.caller(), line)))
        except OSError:
            return
        finally:
            with suppress(OSError):
                connection.close()
            with self._guard:
                self._open[connection.seat] -= 1
                self._open += Counter()

    def _answer_to(self, caller: Caller, line: bytes | None) -> Mapping[str, Any]:
        if not self._may_ask(caller):
            return _refusal("Only whoever is signed in to this laptop is answered.")
        try:
            request = json.loads(line) if line is not None else None
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return _refusal("A request is one line of JSON, an object.")
        try:
            return {"ok": True, **self._answer(caller, request)}
        except LocalError as error:
            return _refusal(str(error))
        except Exception:  # noqa: BLE001 -- logged with its place, and answered
            _LOG.exception("A local request failed.")
            return _refusal("The service could not answer; its log says why.")


def is_pipe(place: Path) -> bool:
    """Say whether a place is a pipe of Windows."""
    return str(place).startswith(_PIPES)


def open_door(place: Path) -> Door:
    """Open the place where the service is asked.

    Raises:
        OSError: it cannot be listened there.
    """
    if is_pipe(place):
        from agent.endpoint.local_pipe import PipeDoor  # noqa: PLC0415 -- what another system never needs

        return PipeDoor(str(place))
    from agent.endpoint.local_socket import SocketDoor  # noqa: PLC0415

    return SocketDoor(place)


def ask_service(
    place: Path, request: Mapping[str, Any], *, connect: Callable[[Path], Connection] | None = None
) -> dict[str, Any]:
    """Ask the service of this laptop.

    Raises:
        LocalError: it does not run, or refuses.
    """
    end = time.monotonic() + 2 * SECONDS
    try:
        connection = (connect or _connect)(place)
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = _line(connection, MAX_ANSWER_BYTES, end)
        finally:
            connection.close()
        answer = json.loads(line) if line is not None else None
    except (OSError, ValueError) as error:
        raise LocalError(f"The endpoint service does not answer at {place}; expected it to run here.") from error
    if not isinstance(answer, dict):
        raise LocalError("The endpoint service gave no answer that can be read.")
    if not answer.get("ok"):
        raise LocalError(str(answer.get("detail", "The endpoint service refused.")))
    return answer


def _connect(place: Path) -> Connection:
    if is_pipe(place):
        from agent.endpoint.local_pipe import connect_to_pipe  # noqa: PLC0415 -- what another system never needs

        return connect_to_pipe(str(place))
    from agent.endpoint.local_socket import connect_to_socket  # noqa: PLC0415

    return connect_to_socket(place)


def _line(connection: Connection, most_bytes: int, end: float) -> bytes | None:
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
