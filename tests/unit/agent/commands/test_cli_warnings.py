"""Warnings from a shell: which there are for a case, and taking one back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.incident_work_schemas import WarningTold

WARNING: dict[str, Any] = {
    "id": "w1",
    "incident": "a1",
    "row": "P13",
    "given_at": "2026-11-23T10:00:00Z",
    "given_by": person("Ada"),
    "expires_on": "2027-11-23",
    "standing": "holds",
    "withdrawn_at": None,
    "withdrawn_by": None,
}
WITHDRAWN = {
    **WARNING,
    "id": "w2",
    "standing": "withdrawn",
    "withdrawn_at": "2026-11-24T10:00:00Z",
    "withdrawn_by": person("Ben"),
}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /incidents?number=12", {"items": [{"id": "a1", "number": 12, "version": 3}]})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


@pytest.mark.parametrize("answer", [WARNING, WITHDRAWN], ids=["holds", "withdrawn"])
def test_the_answers_here_are_those_of_the_interface(answer: dict[str, Any]) -> None:
    WarningTold.model_validate(answer, extra="forbid")


def test_the_warnings_of_a_case(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/a1/warnings", {"items": [WARNING, WITHDRAWN]})
    lines = [" ".join(line.split()) for line in shell.run("incident", "warning", "list", "12").stdout.splitlines()]
    assert (lines[0], lines[2:]) == (
        "WARNING ROW GIVEN BY UNTIL STANDING",
        [
            "w1 P13 Mon 2026-11-23 10:00 Ada 2027-11-23 holds",
            "w2 P13 Mon 2026-11-23 10:00 Ada 2027-11-23 withdrawn by Ben",
        ],
    )
    shown = shell.run("incident", "warning", "list", "12", "--json")
    assert json.loads(shown.stdout) == [WARNING, WITHDRAWN]


def test_a_case_without_warnings_is_a_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/a1/warnings", {"items": []})
    assert shell.run("incident", "warning", "list", "12").stdout == "No warning was given for this case.\n"


def test_one_is_taken_back_with_a_reason(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/warnings/w2/withdraw", WITHDRAWN)
    words = ("incident", "warning", "withdraw", "w2", "--reason", "It was his brother.")
    assert shell.run(*words).stdout == "Warning w2 is withdrawn.\n"
    assert gateway.asked("POST /incidents/warnings/w2/withdraw").body == {"reason": "It was his brother."}
    assert json.loads(shell.run(*words, "--json").stdout) == WITHDRAWN
    assert shell.run("incident", "warning", "withdraw", "w2").exit_code == 2
