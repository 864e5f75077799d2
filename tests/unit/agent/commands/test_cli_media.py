"""The register of media from a shell: what is sent, and what a person reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.media_schemas import MediumTold, WholeMediumTold

PROVED = {"crypt": "encrypted_locked", "at": "2026-11-23T10:00:00Z", "device": "d7", "evidence": []}
MEDIUM: dict[str, Any] = {
    "number": 12,
    "version": 3,
    "kind": "stick",
    "state": "registered",
    "owner": person("Ada"),
    "label": "blue",
    "purpose": "Marks of year five",
    "place": "Safe",
    "stated": "encrypted",
    "holds_personal_data": True,
    "is_foreign": False,
    "has_serial": True,
    "checked_on": None,
    "purge_on": "2027-07-31",
    "attested": "",
    "attested_at": None,
    "registered_at": "2026-11-23T10:00:00Z",
    "registered_by": person("Ada"),
    "disposed_at": None,
    "disposed_by": None,
    "disposal": "",
    "proved": PROVED,
    "worst_proved": None,
}
MOVE = {
    "at": "2026-11-23T10:00:00Z",
    "person": person("Ada"),
    "move": "medium_registered",
    "content": {"kind": "stick", "checked_on": None},
    "words": {"purpose": "Marks of year five"},
}
PROVED_THEN = {"at": "2026-11-23T10:00:00Z", "crypt": "encrypted_locked", "device": "d7"}
OVERDUE = {"has_serial": True, "is_foreign": False, "sign_out": 3, "state": "out", "step": 2}
MOVES = [MOVE, *({**MOVE, "content": content, "words": {}} for content in (PROVED_THEN, OVERDUE))]
WHOLE = {**MEDIUM, "sign_out": None, "exception": None, "moves": MOVES}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /media/12", WHOLE)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    MediumTold.model_validate(MEDIUM, extra="forbid")
    WholeMediumTold.model_validate(WHOLE, extra="forbid")


def test_one_is_registered_with_what_was_said_and_no_more(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /media", MEDIUM, status=201)
    words = ("media", "register", "stick", "--purpose", "Marks of year five", "--serial", "A1", "--usb", "0951:177f")
    done = shell.run(*words, "--personal-data", "--purge", "2027-07-31")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split() == ["medium", "M-12:", "stick,", "registered"]
    assert "proved      encrypted locked, Mon 2026-11-23 10:00" in done.stdout
    assert gateway.asked("POST /media").body == {
        "kind": "stick",
        "purpose": "Marks of year five",
        "is_foreign": False,
        "holds_personal_data": True,
        "purge_on": "2027-07-31",
        "serial": "A1",
        "vendor": "0951",
        "product": "177f",
    }


def test_they_are_listed_with_what_was_proved(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /media", {"items": [MEDIUM, {**MEDIUM, "number": 11, "proved": None}], "next": None})
    lines = [" ".join(line.split()) for line in shell.run("media", "list").stdout.splitlines()]
    assert lines[2:] == [
        "M-12 stick blue Ada registered encrypted encrypted locked, Mon 2026-11-23 10:00 2027-07-31",
        "M-11 stick blue Ada registered encrypted unknown 2027-07-31",
    ]
    gateway.answer("GET /media", {"items": [], "next": None})
    assert shell.run("media", "list").stdout == "There is no medium on the register that you may see.\n"
    assert json.loads(shell.run("media", "list", "--json").stdout) == []


def test_one_is_shown_with_what_was_done(shell: Shell) -> None:
    shown = shell.run("media", "show", "m-12").stdout
    assert "purpose     Marks of year five" in shown
    assert "kind stick, purpose Marks of year five" in shown
    assert "on Mon 2026-11-23 10:00, as encrypted locked, by laptop d7" in shown
    assert "has serial, S-3, reminder 2" in shown
    assert json.loads(shell.run("media", "show", "12", "--json").stdout) == WHOLE


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("change", "M-12", "--place", "Safe"), "change", {"place": "Safe"}),
        (("purge", "M-12", "--how", "Overwritten"), "purge", {"how": "Overwritten", "next_on": None}),
        (("attest", "M-12", "--how", "A password"), "attest", {"how": "A password"}),
        (("dispose", "M-12", "--how", "Shredded"), "dispose", {"how": "Shredded"}),
        (("found", "M-12", "--where", "In the car"), "find", {"how": "In the car"}),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_is_done_with_it_is_done_at_the_version_that_stands(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], path: str, body: dict[str, Any]
) -> None:
    gateway.answer(f"POST /media/12/{path}", MEDIUM)
    assert shell.run("media", *words).exit_code == 0
    asked = gateway.asked(f"POST /media/12/{path}")
    assert (asked.body, asked.headers["if-match"]) == (body, '"3"')


def test_a_person_is_erased_from_what_is_over(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /media/erasures", {"erased": 3, "kept": 1}, status=201)
    done = shell.run("media", "erase", "p7", "--reason", "Asked for in a letter of yesterday")
    assert done.stdout == "Erased: 3. Kept, because it is not over: 1.\n"
    body = {"person": "p7", "reason": "Asked for in a letter of yesterday"}
    assert gateway.asked("POST /media/erasures").body == body
    assert json.loads(shell.run("media", "erase", "p7", "--reason", "So", "--json").stdout)["erased"] == 3


@pytest.mark.parametrize(
    "words",
    [
        ("show", "S-3"),
        ("show", "twelve"),
        ("register", "stick", "--purpose", "Marks", "--usb", "0951"),
        ("register", "stick", "--purpose", "Marks", "--purge", "soon"),
        ("register", "floppy", "--purpose", "Marks"),
    ],
    ids=["a-permit-as-a-medium", "no-number", "half-of-the-ids", "no-day", "no-kind"],
)
def test_what_cannot_be_typed_ends_with_two(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.run("media", *words)
    assert (done.exit_code, done.stdout) == (2, "")
