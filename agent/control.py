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

from rules.errors import SchoolgateError

MAX_REQUEST_OCTETS: Final = 64 * 1024
REQUEST_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 600.0

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunningError(SchoolgateError):
    """No gateway listens at the control socket of this site."""


def socket_path(runtime: str) -> Path:
    """Give the place of the control socket."""
    return Path(runtime) / "control.sock"


async def serve_control(path: Path, handler: Handler) -> asyncio.Server:
    """Listen for commands; the handler gets a request and gives its answer."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), REQUEST_SECONDS)
            answer = await handler(dict(json.loads(line)))
        except (ValueError, TypeError, TimeoutError) as error:
            answer = {"ok": False, "problems": [f"the request could not be read ({error})"]}
        except SchoolgateError as error:
            answer = {"ok": False, "problems": str(error).splitlines()}
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    listening = _listen(path)
    return await asyncio.start_unix_server(converse, sock=listening, limit=MAX_REQUEST_OCTETS)


def _listen(path: Path) -> socket.socket:
    """Bind the socket; one that an ended gateway left behind makes room."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening


def ask_gateway(runtime: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send a command to the running gateway and give its answer.

    Raises:
        NotRunningError: nobody listens.
    """
    path = socket_path(runtime)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise NotRunningError(f"no gateway is running for this site ({path}: {error.strerror})") from error
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = connection.recv(65_536)
            if not piece:
                raise NotRunningError("the gateway ended before it answered")
            answer += piece
    result = json.loads(answer)
    return result if isinstance(result, dict) else {"ok": False}
