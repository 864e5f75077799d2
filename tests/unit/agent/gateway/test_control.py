"""Commands over a real socket, and every way in which somebody can fail to give or to get one."""

import asyncio
import contextlib
import json
import socket
import stat
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from agent.gateway.control import MAX_REQUEST_OCTETS, NotRunningError, ask_gateway, serve_control, socket_path
from rules.errors import SchoolgateError, StorageError


async def obey(request: dict[str, Any]) -> dict[str, Any]:
    match request.get("do"):
        case "refuse":
            raise SchoolgateError("the first problem\nthe second problem")
        case "fail":
            raise KeyError("nobody thought of this")
    return {"ok": True, "request": request}


@contextlib.asynccontextmanager
async def serving(folder: Path, *, request_seconds: float = 5.0) -> AsyncIterator[None]:
    server = await serve_control(socket_path(str(folder)), obey, request_seconds=request_seconds)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(ask_gateway, str(folder), request)


async def send(folder: Path, octets: bytes) -> dict[str, Any]:
    """Send anything at all, and read the answer."""
    reader, writer = await asyncio.open_unix_connection(str(socket_path(str(folder))))
    try:
        writer.write(octets)
        answer: dict[str, Any] = json.loads(await reader.readline())
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answer


def play(story: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(story, 10))


def test_a_command_gets_its_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path):
            request = {"do": "reload", "text": "é" * 10_000}
            assert await ask(tmp_path, request) == {"ok": True, "request": request}

    play(story())


@pytest.mark.parametrize(
    ("do", "problems"),
    [
        pytest.param("refuse", ["the first problem", "the second problem"], id="refused"),
        pytest.param("fail", ["the command failed by a fault of the gateway; its log says more"], id="failed"),
    ],
)
def test_a_command_that_is_not_carried_out_says_why(tmp_path: Path, do: str, problems: list[str]) -> None:
    async def story() -> None:
        async with serving(tmp_path):
            assert await ask(tmp_path, {"do": do}) == {"ok": False, "problems": problems}
            assert (await ask(tmp_path, {"do": "reload"}))["ok"]

    play(story())


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\n", id="nothing"),
        pytest.param(b"reload\n", id="not-json"),
        pytest.param(b'["do", "reload"]\n', id="not-an-object"),
        pytest.param(b'[["do", "reload"]]\n', id="pairs-are-not-an-object"),
        pytest.param(b"\xff\xfe\n", id="not-text"),
        pytest.param(b"[" * 50_000 + b"\n", id="deeper-than-anything-can-be-read"),
        pytest.param(b'"' + b"x" * (MAX_REQUEST_OCTETS + 1) + b'"\n', id="too-long"),
    ],
)
def test_what_is_no_request_is_told_so(tmp_path: Path, octets: bytes) -> None:
    async def story() -> None:
        async with serving(tmp_path):
            answer = await send(tmp_path, octets)
            assert answer["ok"] is False
            (problem,) = answer["problems"]
            assert problem.startswith("the request could not be read")
            assert "expected" in problem
            assert (await ask(tmp_path, {"do": "reload"}))["ok"]

    play(story())


def test_whoever_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, request_seconds=0.02):
            assert await send(tmp_path, b'{"do": ') == {
                "ok": False,
                "problems": ["no request within 0.02 seconds; expected one line of JSON"],
            }

    play(story())


def test_whoever_leaves_before_the_answer_harms_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path):
            for octets in (b"", b'{"do"', b'{"do": "reload"}\n'):
                _, writer = await asyncio.open_unix_connection(str(socket_path(str(tmp_path))))
                writer.write(octets)
                writer.transport.abort()
            assert (await ask(tmp_path, {"do": "reload"}))["ok"]

    play(story())


def test_only_the_owner_may_command(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path):
            assert stat.S_IMODE(socket_path(str(tmp_path)).stat().st_mode) == 0o600

    play(story())


def test_a_socket_that_a_dead_gateway_left_makes_room(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(socket_path(str(tmp_path))))

    async def story() -> None:
        with pytest.raises(NotRunningError, match="no gateway is running for this site"):
            await ask(tmp_path, {"do": "reload"})
        async with serving(tmp_path):
            assert (await ask(tmp_path, {"do": "reload"}))["ok"]

    play(story())


def test_a_folder_where_no_socket_can_be_is_told_so(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 100)
    too_long.mkdir()

    async def story() -> None:
        for folder in (too_long, tmp_path / "missing"):
            with pytest.raises(StorageError, match=r"no socket for commands can be made there \(\w+"):
                async with serving(folder):
                    pass
            with pytest.raises(NotRunningError, match=r"no gateway is running for this site \(.*: \w+"):
                await ask(folder, {"do": "reload"})

    play(story())


@pytest.mark.parametrize("part", [b"", b'{"ok": tr'], ids=["no-answer", "half-an-answer"])
def test_a_gateway_that_dies_before_it_answers_is_told_so(tmp_path: Path, part: bytes) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(part)
        writer.close()

    async def story() -> None:
        async with await asyncio.start_unix_server(die, str(socket_path(str(tmp_path)))):
            with pytest.raises(NotRunningError, match="the gateway ended before it answered"):
                await ask(tmp_path, {"do": "reload"})

    play(story())


def test_commands_do_not_wait_for_each_other(tmp_path: Path) -> None:
    async def story() -> None:
        go_on = asyncio.Event()

        async def slow(request: dict[str, Any]) -> dict[str, Any]:
            if request["do"] == "slow":
                await go_on.wait()
            return {"ok": True, "did": request["do"]}

        server = await serve_control(socket_path(str(tmp_path)), slow)
        first = asyncio.create_task(ask(tmp_path, {"do": "slow"}))
        assert await ask(tmp_path, {"do": "fast"}) == {"ok": True, "did": "fast"}
        go_on.set()
        assert await first == {"ok": True, "did": "slow"}
        server.close()
        await server.wait_closed()

    play(story())
