"""Suspensions from a shell: what is sent for what somebody writes, and how the answers read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.schemas import SuspensionAsked, SuspensionTold

ASKED = {
    "id": "s1",
    "version": 2,
    "state": "waiting",
    "requester": person("Ada"),
    "networks": ["classrooms"],
    "groups": ["year-6"],
    "is_for_school": False,
    "reason": "The exam board tests its own pages.",
    "from_at": "2026-11-23T10:00:00Z",
    "until_at": "2026-11-23T11:00:00Z",
    "requested_at": "2026-11-23T09:00:00Z",
    "agreed_by": None,
    "ended_at": None,
    "effect": None,
}
AGREED = {
    **ASKED,
    "state": "agreed",
    "is_for_school": True,
    "agreed_by": person("Ben"),
    "effect": {"applied": False, "everywhere_by": None},
}
STAYS = "what is illegal, malware, phishing, the names by which browsers ask whether they may go round this resolver"
REASON = ("--reason", "The exam board tests its own pages.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /suspensions", ASKED, status=201)
    listening.answer("GET /suspensions/s1", ASKED)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (ASKED, AGREED):
        SuspensionTold.model_validate(answer, extra="forbid")


def test_asking_sends_what_is_written_and_says_what_became_of_it(gateway: GatewayOfTest, shell: Shell) -> None:
    words = ("--network", "classrooms", "--group", "year-6", "--from", "2026-11-23 10:00", "--until", "1h")
    done = shell.run("suspend", "request", *words, *REASON)
    assert (done.exit_code, done.stdout) == (
        0,
        (
            "suspension  s1: waiting\n"
            "for         classrooms, year-6\n"
            "from        Mon 2026-11-23 10:00\n"
            "until       Mon 2026-11-23 11:00\n"
            "asked by    Ada\n"
            "reason      The exam board tests its own pages.\n"
            f"stays       blocked: {STAYS}\n"
        ),
    )
    sent = gateway.asked("POST /suspensions").body
    assert SuspensionAsked.model_validate(sent)
    assert sent == {
        "networks": ["classrooms"],
        "groups": ["year-6"],
        "is_for_school": False,
        "reason": "The exam board tests its own pages.",
        "from_at": "2026-11-23T10:00:00+00:00",
        "until_at": "2026-11-23T11:00:00+00:00",
    }


def test_the_whole_school_is_said_so(gateway: GatewayOfTest, shell: Shell) -> None:
    assert shell.run("suspend", "request", "--school", "--until", "1h", *REASON).exit_code == 0
    body = gateway.asked("POST /suspensions").body
    assert (body["is_for_school"], body["networks"], body["groups"], body["from_at"]) == (True, [], [], None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param((), "request: found nobody for whom; expected --network or --group", id="nobody"),
        pytest.param(("--school", "--group", "x"), "request: found --school with networks or groups", id="both"),
    ],
)
def test_who_it_is_for_is_said_in_one_way(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: str
) -> None:
    done = shell.run("suspend", "request", *words, "--until", "1h", *REASON)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not gateway.seen


@pytest.mark.parametrize(
    ("command", "move", "reason"),
    [
        ("approve", "agree", ()),
        ("refuse", "refuse", ("--reason", "Not today.")),
        ("withdraw", "withdraw", ()),
        ("end", "end", ("--reason", "It is done.")),
    ],
)
def test_a_move_is_made_at_the_version_that_stands(
    gateway: GatewayOfTest, shell: Shell, command: str, move: str, reason: tuple[str, ...]
) -> None:
    gateway.answer(f"POST /suspensions/s1/{move}", AGREED)
    done = shell.run("suspend", command, "s1", *reason)
    assert done.exit_code == 0, done.output
    asked = gateway.asked(f"POST /suspensions/s1/{move}")
    assert (asked.headers["if-match"], asked.body) == ('"2"', {"reason": reason[1] if reason else ""})


def test_an_agreement_that_not_every_worker_has_applied_says_so(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /suspensions/s1/agree", AGREED)
    shown = shell.run("suspend", "approve", "s1").stdout
    assert "for         the school\n" in shown
    assert shown.endswith(
        f"agreed by   Ben\nstays       blocked: {STAYS}\neffect      not every worker applies it yet\n"
    )


def test_what_is_over_leaves_nothing_as_it_is(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /suspensions/s1", {**AGREED, "state": "ended"})
    assert "stays" not in shell.run("suspend", "show", "s1").stdout


def test_the_requester_who_agrees_is_told_no(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /suspensions/s1/agree", 409, "Whoever asks does not agree.")
    done = shell.run("suspend", "approve", "s1")
    assert (done.exit_code, done.stderr) == (1, "Whoever asks does not agree.\n")


def test_a_list(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /suspensions", {"items": [ASKED, AGREED]})
    lines = [" ".join(line.split()) for line in shell.run("suspend", "list").stdout.splitlines()]
    assert lines[0] == "ID STATE FOR FROM UNTIL ASKED BY AGREED BY"
    assert lines[2:] == [
        "s1 waiting classrooms, year-6 Mon 2026-11-23 10:00 Mon 2026-11-23 11:00 Ada",
        "s1 agreed the school Mon 2026-11-23 10:00 Mon 2026-11-23 11:00 Ada Ben",
    ]


def test_an_empty_list_is_a_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /suspensions", {"items": []})
    assert shell.run("suspend", "list").stdout == "There are no suspensions.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list",), [ASKED]),
        (("show", "s1"), ASKED),
        (("approve", "s1"), AGREED),
        (("request", "--school", "--until", "1h", *REASON), ASKED),
    ],
    ids=["list", "show", "approve", "request"],
)
def test_programs_get_json(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: object) -> None:
    gateway.answer("GET /suspensions", {"items": [ASKED]})
    gateway.answer("POST /suspensions/s1/agree", AGREED)
    done = shell.run("suspend", *words, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, told)
