"""How things stand, from a shell."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.status_schemas import StatusTold

BUSY = {
    "at": "2026-03-02T09:15:00Z",
    "suspensions": [
        {
            "id": "s1",
            "where": "year-6",
            "from_at": "2026-03-02T09:00:00Z",
            "until_at": "2026-03-02T10:20:00Z",
            "agreed_by": person("Head"),
        }
    ],
    "emergencies": [
        {
            "id": "o1",
            "requester": person("Ada"),
            "names": ["radio.example"],
            "categories": [],
            "requested_at": "2026-03-02T09:10:00Z",
            "until_at": "2026-03-02T10:00:00Z",
        }
    ],
    "waiting": {"overrides": 2, "suspensions": 1, "filter_changes": 0, "people": 1},
    "approvers": {"people": [person("Head")], "warning": "Only one person may decide about overrides."},
    "beginning": {
        "warning": "The school is still in its beginning.",
        "given": [
            {"person": person("Head"), "given_by": None, "roles": ["head_teacher", "slt"], "accounts": ["head"]},
            {"person": person("Ada"), "given_by": person("Head"), "roles": ["technician"], "accounts": []},
        ],
    },
    "filter": {
        "file": {"number": 1, "since": "2026-03-01T08:00:00Z", "approved_by": None},
        "change": {"number": 2, "since": "2026-03-02T08:00:00Z", "approved_by": person("Head")},
    },
    "record": {
        "rows": 12345,
        "anchored_at": "2026-03-02T00:00:03Z",
        "verified_at": "2026-03-02T08:00:00Z",
        "is_intact": True,
        "fault": "",
    },
    "in_force": True,
    "observing": None,
}
QUIET = {
    **BUSY,
    "suspensions": [],
    "emergencies": [],
    "waiting": {"overrides": 0, "suspensions": None, "filter_changes": None, "people": None},
    "approvers": None,
    "beginning": None,
    "filter": None,
    "record": None,
    "in_force": None,
}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (BUSY, QUIET):
        StatusTold.model_validate(answer, extra="forbid")


def test_a_busy_morning(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.notify("GET /status", BUSY, "filtering=off&where=year-6")
    done = shell.run("status")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "filtering   off for year-6 until Mon 2026-03-02 10:20; agreed by Head (s1)",
        "emergency   radio.example, opened by Ada at Mon 2026-03-02 09:10, waits to be countersigned (o1)",
        "waiting     2 overrides, 1 suspension, 0 filter changes, 1 person",
        "approvers   Head",
        "by one      Head: head teacher, slt, account head, by the gateway itself",
        "by one      Ada: technician, by Head",
        "filter      site file, version 1 of Sun 2026-03-01 08:00, approved by nobody",
        "            over it, version 2 of Mon 2026-03-02 08:00, approved by Head",
        "record      12,345 rows, anchored Mon 2026-03-02 00:00, proved Mon 2026-03-02 08:00",
        "gateway     every worker answers by the newest policy",
    ]
    assert done.stderr == (
        "warning: Only one person may decide about overrides.\nwarning: The school is still in its beginning.\n"
    )


def test_what_is_not_for_who_asks_to_know_is_not_there(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /status", QUIET)
    assert shell.run("status").stdout.splitlines() == [
        "filtering   on everywhere",
        "waiting     0 overrides",
        "gateway     no gateway answers",
    ]


def test_a_record_that_is_broken_says_so(gateway: GatewayOfTest, shell: Shell) -> None:
    none = {"anchored_at": None, "verified_at": None, "is_intact": None, "fault": ""}
    gateway.answer("GET /status", {**QUIET, "record": {"rows": 7, **none}})
    assert "record      7 rows, not anchored yet, not proved yet\n" in shell.run("status").stdout
    broken = {"rows": 7, **none, "is_intact": False, "fault": "row 5 was altered."}
    gateway.answer("GET /status", {**QUIET, "record": broken})
    assert "record      not intact: row 5 was altered.\n" in shell.run("status").stdout


def test_programs_get_all_of_it(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.notify("GET /status", BUSY, "filtering=off&where=year-6")
    done = shell.run("status", "--json")
    assert (json.loads(done.stdout), done.stderr) == (BUSY, "")
