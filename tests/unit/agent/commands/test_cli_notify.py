"""Notices from a shell: a try shows how it went, the queue shows what waits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.schemas import NoticesTold, TriedTold

TRIED = {"ids": ["n1", "n2"], "webhooks": 1, "mails": 1, "has_mail": True}


def item(notice_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": notice_id,
        "at": "2026-11-23T09:00:00Z",
        "channel": "mail",
        "webhook": None,
        "state": "sent",
        "attempts": 1,
        "next_at": None,
        "fault": "",
    } | changes


SENT = [item("n1", channel="webhook", webhook="board"), item("n2"), item("n0")]
DOWN = item(
    "n2",
    state="waiting",
    next_at="2026-11-23T09:00:05Z",
    fault="The mail server could not be reached: Connection refused.",
)
QUEUES = [
    {"channel": "mail", "waiting": 1, "oldest_at": "2026-11-23T09:00:00Z", "given_up": 3},
    {"channel": "webhook", "waiting": 0, "oldest_at": None, "given_up": 0},
]


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /notifications/test", TRIED, status=202)
    listening.answer("GET /notifications", {"queues": QUEUES, "items": SENT})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    TriedTold.model_validate(TRIED, extra="forbid")
    NoticesTold.model_validate({"queues": QUEUES, "items": [*SENT, DOWN]}, extra="forbid")


def test_a_try_shows_how_each_way_went(shell: Shell) -> None:
    done = shell.run("notify", "test")
    assert (done.exit_code, done.stdout) == (
        0,
        (
            "AT                     BY              STATE   ATTEMPTS   NEXT   WHY NOT\n"
            "────────────────────────────────────────────────────────────────────────\n"
            "Mon 2026-11-23 09:00   webhook board   sent    1\n"
            "Mon 2026-11-23 09:00   mail            sent    1\n"
        ),
    )


def test_a_way_that_does_not_work_is_told_with_why(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /notifications", {"queues": QUEUES, "items": [SENT[0], DOWN]})
    done = shell.run("notify", "test")
    assert done.exit_code == 1
    last = done.stdout.splitlines()[-1].split(maxsplit=3)[-1]
    assert last == "mail            waiting   1          Mon 2026-11-23 09:00   " + DOWN["fault"]


def test_what_was_put_off_behind_another_is_not_waited_for(gateway: GatewayOfTest, shell: Shell) -> None:
    behind = DOWN | {"id": "n1", "attempts": 0, "fault": ""}
    gateway.answer("GET /notifications", {"queues": QUEUES, "items": [behind, DOWN]})
    assert shell.run("notify", "test").exit_code == 1
    assert len([each for each in gateway.seen if each.method == "GET"]) == 1


def test_where_nobody_knows_an_address_of_ones_own_that_is_told(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /notifications/test", TRIED | {"ids": ["n1"], "mails": 0}, status=202)
    done = shell.run("notify", "test")
    assert (done.exit_code, done.stderr) == (
        0,
        "No mail was sent: the site has no address for you or for your roles.\n",
    )
    gateway.answer("POST /notifications/test", TRIED | {"ids": [], "mails": 0, "webhooks": 0}, status=202)
    done = shell.run("notify", "test")
    assert (done.exit_code, done.stdout) == (1, "Nothing was queued.\n")


def test_a_refusal_is_told(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /notifications/test", 409, "This site tells nobody; expected mail or webhooks.")
    done = shell.run("notify", "test")
    assert (done.exit_code, done.stderr) == (1, "This site tells nobody; expected mail or webhooks.\n")


def test_the_queue_is_shown(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /notifications", {"queues": QUEUES, "items": []})
    done = shell.run("notify", "status")
    assert (done.exit_code, done.stdout) == (
        0,
        (
            "BY        WAITING   OLDEST                 GIVEN UP\n"
            "───────────────────────────────────────────────────\n"
            "mail      1         Mon 2026-11-23 09:00   3\n"
            "webhook   0                                0\n"
            "No notice was sent in the last days.\n"
        ),
    )


def test_programs_get_json(shell: Shell) -> None:
    assert json.loads(shell.run("notify", "test", "--json").stdout) == {**TRIED, "items": SENT[:2]}
    assert json.loads(shell.run("notify", "status", "--json").stdout) == {"queues": QUEUES, "items": SENT}
