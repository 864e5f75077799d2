"""How commands reach a running gateway: one request and one answer on a socket that only its owner can open.

A request is one line of JSON, `{"do": "reload"}`; the answer one line, `{"ok": true, ...}`. The socket's folder is
readable by the gateway's own user only, so whoever can connect may command.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from agent.logs import log
from rules.errors import SchoolgateError, StorageError

MAX_REQUEST_OCTETS: Final = 64 * 1024
REQUEST_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 600.0

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunningError(SchoolgateError):
    """No gateway listens at the control socket of this site."""


def socket_path(runtime: str) -> Path:
    """Give the place of the control socket."""
    return Path(runtime) / "control.sock"


class BadRequestError(SchoolgateError):
    """Somebody sent something that is not a request."""


async def serve_control(path: Path, handler: Handler, *, request_seconds: float = REQUEST_SECONDS) -> asyncio.Server:
    """Listen for commands.

    Args:
        path: the socket; one that an ended gateway left behind makes room.
        handler: gets a request and gives its answer.
        request_seconds: how long a request may take to come in.

    Raises:
        StorageError: nobody can listen there.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await handler(await _read_request(reader, request_seconds))
        except SchoolgateError as error:
            answer = {"ok": False, "problems": str(error).splitlines()}
        except Exception as error:  # noqa: BLE001 (whoever asked must not wait for an answer that never comes)
            log.error("command_failed", error=type(error).__name__)
            answer = {"ok": False, "problems": ["the command failed by a fault of the gateway; its log says more"]}
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    listening = _listen(path)
    return await asyncio.start_unix_server(converse, sock=listening, limit=MAX_REQUEST_OCTETS)


async def _read_request(reader: asyncio.StreamReader, seconds: float) -> dict[str, Any]:
    """Read one line.

    Raises:
        BadRequestError: it is too long, too late, or not a JSON object.
    """
    try:
        request = json.loads(await asyncio.wait_for(reader.readline(), seconds))
    except TimeoutError:
        raise BadRequestError(f"no request within {seconds:g} seconds; expected one line of JSON") from None
    except (ValueError, RecursionError, OSError) as error:
        raise BadRequestError(f"the request could not be read ({error}); expected one line of JSON") from error
    if not isinstance(request, dict):
        raise BadRequestError("the request could not be read; expected a JSON object")
    return request


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        listening.close()
        raise StorageError(f"{path}: no socket for commands can be made there ({error.strerror or error})") from error
    return listening


def ask_gateway(runtime: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send a command to the running gateway and give its answer.

    Raises:
        NotRunningError: nobody listens, or nobody answers.
    """
    path = socket_path(runtime)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            reason = error.strerror or error
            raise NotRunningError(f"no gateway is running for this site ({path}: {reason})") from error
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer = answers.readline()
        except OSError as error:
            raise NotRunningError(f"the gateway did not answer ({error})") from error
    if not answer.endswith(b"\n"):
        raise NotRunningError("the gateway ended before it answered")
    result: dict[str, Any] = json.loads(answer)
    return result
