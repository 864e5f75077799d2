"""Laptops from a shell: a token, a list, a code, and off the list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.device_schemas import DeviceTokenAsked, DeviceTokenMade, DeviceTokenTold, DeviceTold, WholeDeviceTold

MADE = {"id": "t1", "token": "sge1.t1.SECRET.PIN", "uses": 1, "ends_at": "2026-12-01T00:00:00Z"}
TOKEN = {
    "id": "t1",
    "label": "Office",
    "uses": 2,
    "uses_left": 1,
    "created_by": "p1",
    "created_at": "2026-11-23T10:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
    "is_usable": True,
}
DEVICE: dict[str, Any] = {
    "id": "d1",
    "version": 3,
    "state": "pending",
    "label": "Office",
    "owner": {"id": "p1", "name": "Dora"},
    "host": {"os": "Linux", "version": "", "hostname": "laptop-7", "model": "T14"},
    "enrolled_at": "2026-11-23T10:00:00Z",
    "decided_at": None,
    "is_waiting": True,
    "code": "042137",
    "is_silent": False,
    "contact": None,
}
CONTACT = {
    "seen_at": "2026-11-23T11:00:00Z",
    "agent": "0.1.0",
    "policy": 2,
    "waiting": 7,
    "oldest_seconds": 60.0,
    "skew_seconds": 3600.0,
    "dropped_total": 4,
    "address": "192.0.2.9",
}
FIREWALL = {"check": "firewall", "state": "on", "why": "", "evidence": [{}], "checked_at": 1_795_262_400}
STATE = {"kind": "posture", "key": "firewall", "proven_at": "2026-11-23T11:00:00Z", "facts": FIREWALL}
ANSWERED = {
    "on_site": True,
    "seen": "answered_by_us",
    "why": "",
    "open": ["gambling", "file_sharing"],
    "asked_at": 1.5,
}
FILTER = {"kind": "filter", "key": "", "proven_at": "2026-11-23T11:00:00Z", "facts": ANSWERED}
FINDING = {"number": 1, "kind": "key_changed", "at": "2026-11-23T11:00:00Z", "facts": {}}
ACTIVE = {**DEVICE, "state": "active", "is_waiting": False, "code": None, "contact": CONTACT}
WHOLE = {**ACTIVE, "states": [FILTER, STATE], "findings": [FINDING]}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /devices/tokens", MADE, status=201)
    listening.answer("GET /devices/tokens", {"items": [TOKEN]})
    listening.answer("DELETE /devices/tokens/t1", None, status=204)
    listening.answer("GET /devices", {"items": [DEVICE, {**ACTIVE, "id": "d2", "owner": None}]})
    listening.answer("GET /devices/d1", WHOLE)
    for what in ("approve", "refuse", "revoke", "owner"):
        listening.answer(f"POST /devices/d1/{what}", ACTIVE)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    DeviceTokenMade.model_validate(MADE, extra="forbid")
    DeviceTokenTold.model_validate(TOKEN, extra="forbid")
    DeviceTold.model_validate(DEVICE, extra="forbid")
    WholeDeviceTold.model_validate(WHOLE, extra="forbid")


def test_a_token_is_shown_once(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("device", "token", "Office", "--ttl", "2h", "--owner", "p1")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "Made the token t1 for Office; it lets one laptop in, until Tue 2026-12-01 00:00.",
        "Shown this once: sge1.t1.SECRET.PIN",
    ]
    sent = gateway.asked("POST /devices/tokens").body
    assert DeviceTokenAsked.model_validate(sent)
    assert sent == {"label": "Office", "uses": 1, "hours": 2.0, "owner": "p1"}


def test_a_token_for_several_says_that_they_wait(shell: Shell) -> None:
    assert "lets 30 laptops wait for you" in shell.run("device", "token", "Trolley", "--uses", "30").stdout


def test_a_length_that_is_none(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("device", "token", "Office", "--ttl", "soon")
    assert (done.exit_code, done.stderr) == (
        2,
        "--ttl: found 'soon'; expected a length of time such as 72h, 30min or 7d\n",
    )


def test_tokens_are_listed_and_ended(shell: Shell) -> None:
    assert "1 of 2" in shell.run("device", "tokens").stdout
    assert shell.run("device", "end-token", "t1").stdout == "Ended the token t1.\n"


def test_the_list_shows_who_waits_with_which_code(shell: Shell) -> None:
    head, _, first, second, *_ = shell.run("device", "list").stdout.splitlines()
    assert head.split() == ["ID", "LABEL", "STATE", "OWNER", "LAST", "SEEN", "WAITING", "CODE"]
    assert first.split() == ["d1", "Office", "pending", "Dora", "never", "042137"]
    assert second.split()[:3] == ["d2", "Office", "active"]
    assert json.loads(shell.run("device", "list", "--json").stdout)[0] == DEVICE


def test_a_laptop_is_shown_with_what_it_proved(shell: Shell) -> None:
    lines = shell.run("device", "show", "d1").stdout.splitlines()
    assert lines[0] == "laptop      d1: Office, active"
    assert "computer    Linux, laptop-7, T14" in lines
    assert "spool       7 wait, 4 were given up" in lines
    assert "clock       3600 s behind" in lines
    assert lines[-3:] == [
        (
            "proven      The school's filter answers this laptop; open that should be closed: gambling, file sharing"
            " (Mon 2026-11-23 11:00)"
        ),
        "proven      Firewall: on (Mon 2026-11-23 11:00)",
        "look at     it came with another key than before (Mon 2026-11-23 11:00)",
    ]


def test_what_it_proved_is_shown_in_another_language(shell: Shell) -> None:
    shown = shell.run("device", "show", "d1", "--language", "nl").stdout
    assert "proven      Firewall: aan (Mon 2026-11-23 11:00)" in shown
    done = shell.run("device", "show", "d1", "--language", "tlh")
    assert (done.exit_code, done.stderr) == (2, "--language: found 'tlh'; expected one of en, fr, nl, ja\n")


@pytest.mark.parametrize(("since", "shown"), [(1_795_431_600.0, "since Mon 2026-11-23 11:00"), (1e40, "since 1e+40")])
def test_an_instant_of_a_laptop_that_is_none_stays(
    gateway: GatewayOfTest, shell: Shell, since: float, shown: str
) -> None:
    theo = {"account": "theo", "since": since, "local": True, "active": True}
    facts = {"account": "theo", "confidence": "A", "why": "signed_in", "addresses": [], "sessions": [theo]}
    state = {**STATE, "kind": "session", "key": "", "facts": facts}
    gateway.answer("GET /devices/d1", {**WHOLE, "states": [state]})
    assert f"theo is signed in at this screen, {shown} (" in shell.run("device", "show", "d1").stdout


@pytest.mark.parametrize(
    ("words", "asked", "said"),
    [
        (("approve", "d1", "--code", "042137"), ("approve", {"code": "042137"}), "Office (d1) is let in.\n"),
        (
            ("refuse", "d1", "--reason", "Whose?"),
            ("refuse", {"reason": "Whose?"}),
            "Refused what waited of Office (d1); it goes on with the key that it has.\n",
        ),
        (("revoke", "d1"), ("revoke", {"reason": ""}), "Office (d1) is off the list.\n"),
        (("owner", "d1", "p1"), ("owner", {"owner": "p1"}), "Office (d1) is Dora's.\n"),
        (("owner", "d1"), ("owner", {"owner": None}), "Office (d1) is Dora's.\n"),
    ],
    ids=str,
)
def test_a_decision_says_what_was_seen(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], asked: tuple[str, dict[str, Any]], said: str
) -> None:
    what, body = asked
    assert shell.run("device", *words).stdout == said
    sent = gateway.asked(f"POST /devices/d1/{what}")
    assert sent.body == body
    assert sent.headers["if-match"] == '"3"'
