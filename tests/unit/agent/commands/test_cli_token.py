"""Tokens from a shell: issued, listed and revoked."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.people_schemas import TokenAsked, TokenTold

MADE = {
    "id": "t1",
    "label": "a board",
    "scopes": ["read_overrides"],
    "created_at": "2026-11-23T10:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
    "revoked_at": None,
    "secret": "sg_t1_secret",
}
LISTED = {**MADE, "secret": None}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /tokens", MADE, status=201)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (MADE, LISTED):
        TokenTold.model_validate(answer, extra="forbid")


def test_a_secret_is_shown_where_it_is_made(gateway: GatewayOfTest, shell: Shell) -> None:
    words = ("a board", "--scope", "read_overrides", "--scope", "verify_record", "--until", "2026-11-30")
    done = shell.run("token", "issue", *words)
    assert (done.exit_code, done.stdout) == (
        0,
        "Made the token t1 for a board, until Tue 2026-12-01 00:00.\nIts secret, shown this once: sg_t1_secret\n",
    )
    sent = gateway.asked("POST /tokens").body
    assert TokenAsked.model_validate(sent)
    assert sent == {
        "label": "a board",
        "scopes": ["read_overrides", "verify_record"],
        "ends_at": "2026-12-01T00:00:00+00:00",
    }


def test_a_length_counts_from_now(gateway: GatewayOfTest, shell: Shell) -> None:
    assert json.loads(shell.run("token", "issue", "x", "--scope", "read_record", "--until", "90d", "--json").stdout)
    lasts = datetime.fromisoformat(gateway.asked("POST /tokens").body["ends_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < lasts <= timedelta(days=90)


def test_without_an_end_it_holds_until_it_is_revoked(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /tokens", {**MADE, "ends_at": None}, status=201)
    assert "for x, until it is revoked." in shell.run("token", "issue", "x", "--scope", "read_record").stdout
    assert gateway.asked("POST /tokens").body["ends_at"] is None


def test_a_scope_there_is_not_is_usage(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("token", "issue", "x", "--scope", "read_overides")
    assert done.exit_code == 2
    assert done.stderr == "--scope: found 'read_overides'; expected read_overrides\n"
    assert shell.run("token", "issue", "x").exit_code == 2
    assert not gateway.seen


def test_what_the_gateway_refuses_is_one_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /tokens", 409, "Found an end of the token in the past; expected one to come.")
    done = shell.run("token", "issue", "x", "--scope", "read_record", "--until", "2020-01-01")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Found an end of the token in the past; expected one to come.\n"


def test_a_list_never_shows_a_secret(gateway: GatewayOfTest, shell: Shell) -> None:
    revoked = {**LISTED, "id": "t2", "revoked_at": "2026-11-24T09:00:00Z"}
    gateway.answer("GET /tokens", {"items": [LISTED, revoked], "next": None})
    done = shell.run("token", "list")
    assert [" ".join(line.split()) for line in done.stdout.splitlines() if "─" not in line] == [
        "ID LABEL MAY MADE ENDS",
        "t1 a board read overrides Mon 2026-11-23 10:00 until Tue 2026-12-01 00:00",
        "t2 a board read overrides Mon 2026-11-23 10:00 revoked Tue 2026-11-24 09:00",
    ]
    assert json.loads(shell.run("token", "list", "--json").stdout) == [LISTED, revoked]
    gateway.answer("GET /tokens", {"items": []})
    assert shell.run("token", "list").stdout == "You have no tokens.\n"


def test_one_is_revoked(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("DELETE /tokens/t1", status=204)
    assert shell.run("token", "revoke", "t1").stdout == "Revoked the token t1.\n"
    gateway.refuse("DELETE /tokens/t9", 404, "There is no such token.")
    done = shell.run("token", "revoke", "t9")
    assert (done.exit_code, done.stderr) == (1, "There is no such token.\n")
