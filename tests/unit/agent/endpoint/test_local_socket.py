"""The socket on a laptop: who is answered, and what becomes of rude requests. Real sockets."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from parts import need_root

from agent.endpoint.local_socket import (
    MAX_REQUEST_BYTES,
    LocalError,
    LocalSocket,
    ask_service,
    has_local_socket,
)


def answer(uid: int, request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request.get("ask") == "refused":
        raise LocalError("Not so.")
    if request.get("ask") == "fault":
        raise ZeroDivisionError
    if request.get("ask") == "much":
        return {"much": "x" * 300_000}
    return {"uid": uid, "asked": request.get("ask")}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "run" / "s.sock"
    listening = LocalSocket(path, may_ask=lambda uid: uid != 4242, answer=answer)
    yield path
    listening.close()
    assert not path.exists()


def raw(path: Path, octets: bytes) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        with suppress(OSError):
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                received += part
    answered: dict[str, Any] = json.loads(received)
    return answered


def test_the_kernel_says_who_asks(place: Path) -> None:
    assert has_local_socket()
    assert ask_service(place, {"ask": "status"}) == {"ok": True, "uid": os.geteuid(), "asked": "status"}


def test_everybody_can_connect(place: Path) -> None:
    assert stat.S_IMODE(place.stat().st_mode) == 0o666
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o755


def test_whoever_has_no_session_is_refused(place: Path, tmp_path: Path) -> None:
    need_root()
    # What is below a private folder of tests nobody else reaches.
    open_place = Path(f"/tmp/schoolgate-{os.getpid()}-{tmp_path.name}.sock")  # noqa: S108 -- removed again below
    listening = LocalSocket(open_place, may_ask=lambda uid: uid != 4242, answer=answer)
    code = (
        "import os, socket, sys; os.setgid(4242); os.setuid(4242); s = socket.socket(socket.AF_UNIX);"
        "s.settimeout(10); s.connect(sys.argv[1]); s.sendall(b'{}\\n'); print(s.recv(9999).decode())"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", code, open_place], capture_output=True, text=True, check=True, timeout=30
        )
    finally:
        listening.close()
    assert json.loads(done.stdout) == {"ok": False, "detail": "Only whoever is signed in to this laptop is answered."}


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="an-empty-line"),
        pytest.param(b"[1]\n", id="no-object"),
        pytest.param(b"{\n", id="no-json"),
        pytest.param(b"\xff\xfe\n", id="no-text"),
        pytest.param(b'{"ask": "' + b"x" * MAX_REQUEST_BYTES + b'"}\n', id="too-long"),
        pytest.param(b"[" * 5000 + b"\n", id="too-deep"),
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(place: Path, octets: bytes) -> None:
    assert raw(place, octets) == {"ok": False, "detail": "A request is one line of JSON, an object."}
    assert ask_service(place, {"ask": "still there"})["ok"] is True


def test_a_request_without_an_end_of_line_is_one(place: Path) -> None:
    assert raw(place, b'{"ask": "x"}')["asked"] == "x"


def test_refusals_and_faults_are_sentences(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LocalError, match=r"^Not so\.$"):
        ask_service(place, {"ask": "refused"})
    with pytest.raises(LocalError, match="its log says why"):
        ask_service(place, {"ask": "fault"})
    assert "A local request failed." in caplog.text


def test_an_answer_is_bounded(place: Path) -> None:
    with pytest.raises(LocalError, match="more to say than an answer holds"):
        ask_service(place, {"ask": "much"})


def test_silent_connections_keep_nobody_else_out_for_long(place: Path) -> None:
    silent = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    try:
        for each in silent:
            each.connect(str(place))
        done = threading.Event()
        for _ in range(20):
            with suppress(LocalError):
                ask_service(place, {"ask": "x"})
                done.set()
                break
            done.wait(0.5)
        assert done.is_set()
    finally:
        for each in silent:
            each.close()


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="does not answer at"):
        ask_service(tmp_path / "none.sock", {})


def test_a_socket_that_was_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    listening = LocalSocket(path, may_ask=lambda _uid: True, answer=answer)
    assert ask_service(path, {"ask": "x"})["ok"] is True
    listening.close()
