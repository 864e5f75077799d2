"""What is asked at the laptop: who is answered, and what becomes of rude requests; by a real socket and by a pipe."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from windows_of_test import ANNA, Person, WindowsOfTest

from agent.endpoint.local_channel import (
    MAX_REQUEST_BYTES,
    Caller,
    Connection,
    Door,
    LocalChannel,
    LocalError,
    ask_service,
    is_pipe,
    open_door,
)
from agent.endpoint.local_pipe import PipeDoor, connect_to_pipe
from agent.endpoint.local_socket import SocketDoor, account_of, connect_to_socket

PIPE = r"\\.\pipe\schoolgate-test"


def answer(caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request.get("ask") == "refused":
        raise LocalError("Not so.")
    if request.get("ask") == "fault":
        raise ZeroDivisionError
    if request.get("ask") == "much":
        return {"much": "x" * 300_000}
    if request.get("ask") == "large":
        return {"large": "x" * 200_000}
    return {"number": caller.number, "account": caller.account, "asked": request.get("ask")}


@dataclass
class Way:
    """A way to the service."""

    door: Door
    place: Path
    connect: Callable[[Path], Connection]
    caller: Caller

    def ask(self, ask: str) -> dict[str, Any]:
        return ask_service(self.place, {"ask": ask}, connect=self.connect)

    def raw(self, octets: bytes) -> dict[str, Any]:
        connection = self.connect(self.place)
        received = b""
        try:
            with suppress(OSError):
                connection.sendall(octets)
            with suppress(ConnectionResetError):
                while b"\n" not in received and (part := connection.recv(65_536)):
                    received += part
        finally:
            connection.close()
        answered: dict[str, Any] = json.loads(received)
        return answered


@pytest.fixture(params=["socket", "pipe"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    if request.param == "socket":
        path = tmp_path / "run" / "s.sock"
        uid = os.geteuid()
        made = Way(SocketDoor(path), path, connect_to_socket, Caller(uid, account_of(uid), is_administrator=True))
        yield from _served(made)
        assert not path.exists()
        return
    windows = WindowsOfTest(person=Person())
    made = Way(
        PipeDoor(PIPE, windows.api),
        Path(PIPE),
        lambda place: connect_to_pipe(str(place), windows.api),
        Caller(ANNA, "anna"),
    )
    yield from _served(made)
    assert (windows.open_handles, windows.kept) == ([], 0)
    windows.close()


def _served(way: Way) -> Iterator[Way]:
    listening = LocalChannel(way.door, may_ask=lambda caller: caller == way.caller, answer=answer)
    yield way
    listening.close()
    for thread in threading.enumerate():
        if thread.name == "local request":
            thread.join(10)


def test_the_system_says_who_asks(way: Way) -> None:
    assert way.ask("status") == {
        "ok": True,
        "number": way.caller.number,
        "account": way.caller.account,
        "asked": "status",
    }


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\n", id="an-empty-line"),
        pytest.param(b"[1]\n", id="no-object"),
        pytest.param(b"{\n", id="no-json"),
        pytest.param(b"\xff\xfe\n", id="no-text"),
        pytest.param(b'{"ask": "' + b"x" * MAX_REQUEST_BYTES + b'"}\n', id="too-long"),
        pytest.param(b"[" * 5000 + b"\n", id="too-deep"),
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(way: Way, octets: bytes) -> None:
    assert way.raw(octets) == {"ok": False, "detail": "A request is one line of JSON, an object."}
    assert way.ask("still there")["ok"] is True


def test_refusals_and_faults_are_sentences(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LocalError, match=r"^Not so\.$"):
        way.ask("refused")
    with pytest.raises(LocalError, match="its log says why"):
        way.ask("fault")
    assert "A local request failed." in caplog.text


def test_a_large_answer_arrives_whole(way: Way) -> None:
    assert len(way.ask("large")["large"]) == 200_000


def test_an_answer_is_bounded(way: Way) -> None:
    with pytest.raises(LocalError, match="more to say than an answer holds"):
        way.ask("much")


def test_whoever_may_not_ask_is_refused(way: Way) -> None:
    way.caller = Caller("S-1-5-21-1-2-3-4", "ben")
    with pytest.raises(LocalError, match="Only whoever is signed in"):
        way.ask("status")


def test_silent_connections_keep_nobody_else_out_for_long(way: Way) -> None:
    silent: list[Connection] = []
    try:
        for _ in range(12):
            with suppress(OSError):
                silent.append(way.connect(way.place))
        done = threading.Event()
        for _ in range(20):
            with suppress(LocalError):
                way.ask("x")
                done.set()
                break
            done.wait(0.5)
        assert done.is_set()
    finally:
        for each in silent:
            each.close()


def test_of_one_only_some_are_served_at_once(way: Way) -> None:
    silent = [way.connect(way.place) for _ in range(4)]
    wait = threading.Event()
    try:
        for _ in range(50):
            # The fifth is shown out at once, while the four before it still have time.
            fifth = way.connect(way.place)
            try:
                with suppress(ConnectionResetError):
                    if fifth.recv(1) == b"":
                        break
            except TimeoutError:
                pytest.fail("The fifth was let in.")
            finally:
                fifth.close()
            wait.wait(0.02)
    finally:
        for each in silent:
            each.close()


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="does not answer at"):
        ask_service(tmp_path / "none.sock", {})


def test_a_pipe_on_another_system_is_nobody() -> None:
    with pytest.raises(LocalError, match="does not answer at"):
        ask_service(Path(PIPE), {})
    with pytest.raises(OSError, match="no Windows"):
        open_door(Path(PIPE))


def test_a_pipe_is_told_by_its_name() -> None:
    assert is_pipe(Path(PIPE))
    assert not is_pipe(Path("/run/schoolgate-endpoint/status.sock"))
