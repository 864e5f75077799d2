"""What commands about requests share, on a family of requests of test."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.commands.cli_requests import Requests

WISHES = Requests(
    "/wishes",
    "There are no wishes.",
    ("ID", "UNTIL"),
    lambda found, clock: (found["id"], clock.show(found["until_at"])),
    lambda found, _: iter([("wish", found["id"]), ("reason", found["reason"])]),
)
ASKED = {"id": "w1", "version": 4, "until_at": "2026-11-23T11:00:00Z", "reason": ""}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    shell = Shell(tmp_path)
    shell.sign_in(listening)
    monkeypatch.setenv("XDG_STATE_HOME", str(shell.home))
    listening.answer("GET /wishes/w1", ASKED)
    return listening


def test_a_list(gateway: GatewayOfTest, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.answer("GET /wishes", {"items": [ASKED], "next": None})
    WISHES.show_all("waiting", as_json=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()][::2] == [
        ["ID", "UNTIL"],
        ["w1", "Mon", "2026-11-23", "11:00"],
    ]
    assert gateway.asked("GET /wishes").query == {"state": "waiting"}
    WISHES.show_all(None, as_json=True)
    assert json.loads(capsys.readouterr().out) == [ASKED]


def test_an_empty_list_is_a_sentence(gateway: GatewayOfTest, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.answer("GET /wishes", {"items": []})
    WISHES.show_all(None, as_json=False)
    assert capsys.readouterr().out == "There are no wishes.\n"


def test_one_is_shown_without_what_is_empty(gateway: GatewayOfTest, capsys: pytest.CaptureFixture[str]) -> None:
    WISHES.show("w1", as_json=False)
    assert capsys.readouterr().out == "wish        w1\n"


def test_a_move_is_made_at_the_version_that_stands(
    gateway: GatewayOfTest, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.answer("POST /wishes/w1/grant", ASKED)
    WISHES.move("w1", "grant", {"reason": "yes"}, as_json=True)
    seen = gateway.asked("POST /wishes/w1/grant")
    assert (seen.body, seen.headers["if-match"]) == ({"reason": "yes"}, '"4"')
    assert json.loads(capsys.readouterr().out) == ASKED


def test_what_is_refused_is_one_sentence(gateway: GatewayOfTest, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refuse("POST /wishes/w1/grant", 409, "Whoever asks does not decide.")
    with pytest.raises(typer.Exit) as ended:
        WISHES.move("w1", "grant", {}, as_json=False)
    assert (ended.value.exit_code, capsys.readouterr().err) == (1, "Whoever asks does not decide.\n")
