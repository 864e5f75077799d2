"""The socket of a laptop's service: who can reach it, and whom the kernel says it is. Real sockets and accounts."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from parts import need_root

from agent.endpoint.local_channel import Caller, LocalChannel, ask_service
from agent.endpoint.local_socket import SocketDoor, account_of


def open_to(path: Path, may_ask: Callable[[Caller], bool]) -> LocalChannel:
    return LocalChannel(
        SocketDoor(path), may_ask=may_ask, answer=lambda caller, _request: {"account": caller.account}
    )


def test_everybody_can_connect(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s.sock"
    listening = open_to(path, lambda _caller: True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    listening.close()


def test_whoever_has_no_session_is_refused(tmp_path: Path) -> None:
    need_root()
    # What is below a private folder of tests nobody else reaches.
    open_place = Path(f"/tmp/schoolgate-{os.getpid()}-{tmp_path.name}.sock")  # noqa: S108 -- removed again below
    listening = open_to(open_place, lambda caller: caller != Caller(4242, ""))
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
    ("sent", "asks"),
    [
        pytest.param(b"", False, id="nothing-is-no-request"),
        pytest.param(b'{"ask": "x"}', True, id="a-request-needs-no-end-of-line"),
    ],
)
def test_an_end_of_what_is_sent_ends_the_request(tmp_path: Path, sent: bytes, asks: bool) -> None:
    listening = open_to(tmp_path / "s.sock", lambda _caller: True)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(tmp_path / "s.sock"))
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert json.loads(connection.recv(9999))["ok"] is asks
    listening.close()


def test_a_socket_that_was_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    listening = open_to(path, lambda _caller: True)
    assert ask_service(path, {"ask": "x"})["ok"] is True
    listening.close()


def test_accounts_have_names() -> None:
    assert account_of(0) == "root"
    assert account_of(4_000_000_000) == ""
