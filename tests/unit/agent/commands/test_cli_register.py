"""Registers from a shell: as a table, as JSON, and as CSV into a file that stands there whole or not at all."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.incident_work_schemas import RegisterTold
from agent.commands.cli_register import Name

WARNINGS = {
    "name": "warnings",
    "columns": ["case", "subject", "row", "expires_on", "is_vacant"],
    "items": [{"case": 12, "subject": "p-abcd", "row": "P04", "expires_on": "2027-11-23", "is_vacant": True}],
}
LOOK = ("--purpose", "The review of this term.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /registers/warnings", WARNINGS)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answer_here_is_that_of_the_interface() -> None:
    RegisterTold.model_validate(WARNINGS, extra="forbid")


def test_a_register_is_a_table(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("register", "show", "warnings", *LOOK)
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (lines[0], lines[2:]) == ("CASE SUBJECT ROW EXPIRES ON IS VACANT", ["12 p-abcd P04 2027-11-23 yes"])
    assert gateway.asked("GET /registers/warnings").query == {"purpose": LOOK[1], "format": "json"}


def test_an_empty_register_is_a_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /registers/warnings", {**WARNINGS, "items": []})
    assert shell.run("register", "show", "warnings", *LOOK).stdout == "There is nothing on this register.\n"


def test_programs_get_json(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("register", "show", "warnings", *LOOK, "--with-names", "--json")
    assert json.loads(done.stdout) == WARNINGS["items"]
    assert gateway.asked("GET /registers/warnings").query["with_names"] == "true"


@pytest.mark.parametrize("name", Name)
def test_every_register_is_written_as_csv(gateway: GatewayOfTest, shell: Shell, name: str, tmp_path: Path) -> None:
    gateway.answer(f"GET /registers/{name}", "case,subject\n12,p-abcd\n")
    done = shell.run("register", "export", name, *LOOK)
    assert (done.exit_code, done.stdout) == (0, "case,subject\n12,p-abcd\n"), done.output
    out = tmp_path / "register.csv"
    done = shell.run("register", "export", name, *LOOK, "--out", str(out))
    assert (done.stdout, done.stderr, out.read_text()) == ("", f"Wrote {out}.\n", "case,subject\n12,p-abcd\n")
    assert gateway.seen[-1].query == {"purpose": LOOK[1], "format": "csv"}


def test_a_refusal_leaves_no_file(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    gateway.refuse("GET /registers/roles", 409, "There is no purpose; say in a few words why you look at this.")
    out = tmp_path / "register.csv"
    done = shell.run("register", "export", "roles", "--purpose", "", "--out", str(out))
    assert (done.exit_code, done.stderr) == (1, "There is no purpose; say in a few words why you look at this.\n")
    assert list(tmp_path.glob("*register.csv*")) == []


@pytest.mark.parametrize("words", [("show", "secrets", *LOOK), ("show", "roles"), ("export", "roles")], ids=str)
def test_what_cannot_be_read_is_usage(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.run("register", *words).exit_code == 2
    assert not gateway.seen
