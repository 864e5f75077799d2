"""Changes of the filter from a shell: what is sent for what somebody writes, and how the answers read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.filter_schemas import (
    Answered,
    DryRunTold,
    FilterChangesAsked,
    FilterDraftAsked,
    FilterPreviewTold,
    FilterVersionListed,
    FilterVersionTold,
)
from agent.api.schemas import Reasoned

REASON = "Year 6 studies chess with an online board."
SENTENCE = "The policy no-drugs was added; it blocks Drugs for everybody, always."
TEXT = "policies: {no-drugs: {block: drugs}}\n"
LISTED: dict[str, Any] = {
    "number": 3,
    "version": 1,
    "at": "2026-11-23T10:00:00Z",
    "source": "api",
    "state": "drafted",
    "changes": [SENTENCE],
    "changes_in_all": 1,
    "drafted_by": person("Tess"),
    "approved_by": None,
    "decided_at": None,
    "reason": REASON,
    "review_on": "2027-07-01",
    "owner": person("Manu"),
    "restores": None,
    "os_user": "",
    "fault": "",
}
DRAFTED: dict[str, Any] = {**LISTED, "decision_reason": "", "text": TEXT, "effect": None}
APPROVED: dict[str, Any] = {
    **DRAFTED,
    "version": 2,
    "state": "approved",
    "approved_by": person("Cora"),
    "decided_at": "2026-11-23T11:00:00Z",
    "effect": {"applied": True, "everywhere_by": "2026-11-23T12:00:00Z"},
}
ON_DISK: dict[str, Any] = {
    **LISTED,
    "number": 2,
    "source": "disk",
    "state": "on_disk",
    "changes": ["One.", "Two."],
    "changes_in_all": 7,
    "drafted_by": None,
    "reason": "",
    "review_on": None,
    "owner": None,
    "os_user": "root",
}
RUN: dict[str, Any] = {
    "first_on": "2026-11-16",
    "last_on": "2026-11-22",
    "days_kept": 7,
    "figures": [{"audience": "pupil", "turn": "closed", "is_sure": True, "names": 10, "questions": 80}],
    "sentences": [
        "7 days are on record.",
        "About 10 names that pupils asked for (about 80 times) would now be blocked.",
    ],
}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /filter/versions/3", DRAFTED)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "changes.yaml"
    path.write_text(TEXT)
    return str(path)


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (DRAFTED, APPROVED):
        FilterVersionTold.model_validate(answer, extra="forbid")
    for answer in (LISTED, ON_DISK):
        FilterVersionListed.model_validate(answer, extra="forbid")
    DryRunTold.model_validate(RUN, extra="forbid")
    FilterPreviewTold.model_validate({"changes": []}, extra="forbid")


def test_the_list_says_what_nobody_approved(gateway: GatewayOfTest, shell: Shell) -> None:
    aside = {**APPROVED, "fault": "policies.films.groups"}
    gateway.answer("GET /filter/versions", {"items": [{**aside, "number": 4}, LISTED, ON_DISK], "next": None})
    done = shell.run("filter", "list")
    assert done.exit_code == 0, done.output
    heading, _, *rows = [[cell for cell in line.split("  ") if cell] for line in done.stdout.splitlines()]
    assert [cell.strip() for cell in heading] == ["NUMBER", "STATE", "WHAT", "BY", "APPROVED BY", "AT", "REVIEW"]
    fourth, third, second = [[cell.strip() for cell in row] for row in rows]
    assert fourth[:2] == ["4", "approved, and not in force"]
    assert third == ["3", "drafted", SENTENCE, "Tess", "Mon 2026-11-23 10:00", "2027-07-01"]
    assert second == ["2", "on disk", "One. And 6 more.", "root, on disk", "nobody", "Mon 2026-11-23 10:00"]


def test_a_state_is_asked_for(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /filter/versions", {"items": [], "next": None})
    done = shell.run("filter", "list", "--state", "drafted")
    assert done.stdout == "No version of the filter is on record yet.\n"
    assert gateway.asked("GET /filter/versions").query == {"state": "drafted"}
    assert json.loads(shell.run("filter", "list", "--json").stdout) == []


def test_drafting_sends_the_file_and_shows_what_came_of_it(gateway: GatewayOfTest, shell: Shell, file: str) -> None:
    gateway.answer("POST /filter/versions", DRAFTED, status=201)
    done = shell.run("filter", "draft", file, "--reason", REASON, "--review", "2027-07-01", "--owner", "manu")
    assert done.exit_code == 0, done.output
    body = gateway.asked("POST /filter/versions").body
    assert body == {"text": TEXT, "reason": REASON, "owner": "manu", "review_on": "2027-07-01"}
    FilterDraftAsked.model_validate(body)
    assert done.stdout == (
        "version     3: drafted\n"
        f"change      {SENTENCE}\n"
        "drafted by  Tess\n"
        "at          Mon 2026-11-23 10:00\n"
        f"reason      {REASON}\n"
        "owner       Manu\n"
        "review      2027-07-01\n"
    )


def test_changes_may_come_by_standard_input(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /filter/preview", {"changes": [SENTENCE]})
    done = shell.run("filter", "preview", "-", keys=TEXT)
    assert done.stdout == f"{SENTENCE}\n"
    body = gateway.asked("POST /filter/preview").body
    assert body == {"text": TEXT}
    FilterChangesAsked.model_validate(body)
    assert json.loads(shell.run("filter", "preview", "-", "--json", keys=TEXT).stdout) == {"changes": [SENTENCE]}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(("preview", "/nowhere/changes.yaml"), "no such file", id="no-such-file"),
        pytest.param(("draft", "-", "--reason", REASON, "--review", "soon"), "--review: found 'soon'", id="no-day"),
        pytest.param(("roll-back", "2", "--reason", REASON, "--review", ""), "--review: found ''", id="nothing"),
    ],
)
def test_what_is_no_usage_ends_with_two(shell: Shell, words: tuple[str, ...], found: str) -> None:
    done = shell.run("filter", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert found in done.stderr


def test_a_refusal_is_one_sentence_and_ends_with_one(gateway: GatewayOfTest, shell: Shell, file: str) -> None:
    gateway.refuse("POST /filter/preview", 409, "The filter is like this already; expected a change of it.")
    done = shell.run("filter", "preview", file)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "The filter is like this already; expected a change of it.\n"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        pytest.param(("approve", "3"), {"reason": ""}, id="approve"),
        pytest.param(("approve", "3", "--reason", REASON), {"reason": REASON}, id="approve-with-a-reason"),
        pytest.param(("refuse", "3", "--reason", REASON), {"reason": REASON}, id="refuse"),
        pytest.param(("withdraw", "3"), {"reason": ""}, id="withdraw"),
    ],
)
def test_a_decision_is_made_at_the_version_that_stands(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], body: dict[str, str]
) -> None:
    gateway.answer(f"POST /filter/versions/3/{words[0]}", APPROVED)
    done = shell.run("filter", *words)
    assert done.exit_code == 0, done.output
    asked = gateway.asked(f"POST /filter/versions/3/{words[0]}")
    assert (asked.body, asked.headers["if-match"]) == (body, '"1"')
    Reasoned.model_validate(asked.body)
    assert "approved by Cora\n" in done.stdout
    assert "effect      active now; every device by 12:00:00\n" in done.stdout


def test_the_way_back_is_drafted(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /filter/versions/2/roll-back", {**DRAFTED, "restores": 2}, status=201)
    done = shell.run("filter", "roll-back", "2", "--reason", REASON, "--review", "2027-07-01")
    assert "brings back version 2\n" in done.stdout
    body = gateway.asked("POST /filter/versions/2/roll-back").body
    assert body == {"reason": REASON, "owner": None, "review_on": "2027-07-01"}
    Answered.model_validate(body)


def test_one_version_is_shown_with_everything_or_as_it_was_written(gateway: GatewayOfTest, shell: Shell) -> None:
    told = {**DRAFTED, **ON_DISK, "fault": "policies.films.groups: gone"}
    gateway.answer("GET /filter/versions/2", {**told, "text": "policies:\n  a: \x1b[2J\n"})
    assert shell.run("filter", "show", "2").stdout == (
        "version     2: on disk, and not in force\n"
        "change      One.\n"
        "change      Two.\n"
        "found       in the site file of root\n"
        "at          Mon 2026-11-23 10:00\n"
        "approved by nobody\n"
        "fault       policies.films.groups: gone\n"
    )
    assert shell.run("filter", "show", "2", "--text").stdout == "policies:\n  a: \ufffd[2J\n"
    assert json.loads(shell.run("filter", "show", "3", "--json").stdout) == DRAFTED


def test_a_dry_run_reads_as_sentences(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /filter/versions/3/dry-run", RUN)
    assert shell.run("filter", "try", "3").stdout.splitlines() == RUN["sentences"]
    assert json.loads(shell.run("filter", "try", "3", "--json").stdout) == RUN


@pytest.mark.parametrize("number", ["0", "x", "-1"])
def test_a_number_is_a_number(shell: Shell, number: str) -> None:
    assert shell.run("filter", "show", number).exit_code == 2
