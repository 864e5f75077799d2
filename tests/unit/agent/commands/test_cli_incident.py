"""Incidents from a shell: what is sent for what somebody writes, and how a case reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.incident_schemas import (
    AcceptAsked,
    AppealAsked,
    CloseAsked,
    DismissAsked,
    IncidentShown,
    IncidentTold,
    LookAsked,
    MergeAsked,
    ReclassifyAsked,
    RevealedTold,
    SplitAsked,
    SubjectAsked,
)
from agent.api.schemas import Reasoned

CASE: dict[str, Any] = {
    "id": "a1",
    "number": 12,
    "version": 3,
    "state": "candidate",
    "track": "ordinary",
    "kind": "gambling",
    "risk": "conduct",
    "audience": "pupil",
    "level": "person",
    "subject": "p-abcdefghijklmnop",
    "confidence": "B",
    "intent": 74,
    "rows": ["P02"],
    "row": None,
    "place": "on_site",
    "is_background": False,
    "opened_at": "2026-11-23T10:00:00Z",
    "last_at": "2026-11-23T10:06:00Z",
    "filed_at": "2026-11-23T10:06:10Z",
    "aware_at": "2026-11-23T10:06:10Z",
    "is_serious": None,
    "decide_by": "2026-11-26T00:00:00Z",
    "decided_by": None,
    "decided_at": None,
    "deliberate": None,
    "dismissal": None,
    "closed_at": None,
    "merged_into": "",
    "split_from": "",
    "is_held": False,
    "is_erased": False,
    "alike": {"of_subject": 1, "in_burst": 2},
}
ACCEPTED = {
    **CASE,
    "version": 4,
    "state": "accepted",
    "decide_by": None,
    "row": "P02",
    "deliberate": "unclear",
    "decided_by": person("Ben"),
    "decided_at": "2026-11-23T11:00:00Z",
}
SEALED = {
    **CASE,
    "number": 13,
    "track": "sealed",
    "kind": "illegal",
    "subject": "",
    "intent": None,
    "rows": [],
    "alike": {"of_subject": 0, "in_burst": 0},
}
SHOWN = {
    **CASE,
    "clocks": [
        {
            "id": "regulator_notice",
            "title": "Reporting a breach",
            "began_at": "2026-11-23T10:06:00Z",
            "due_at": "2026-11-26T10:06:00Z",
            "ended_at": None,
            "is_overdue": False,
        },
        {
            "id": "first_report",
            "title": "Telling the officer",
            "began_at": "2026-11-23T10:06:00Z",
            "due_at": "2026-11-23T11:06:00Z",
            "ended_at": "2026-11-23T10:30:00Z",
            "is_overdue": False,
        },
    ],
    "asks_whether_serious": True,
    "groups": ["year5"],
    "why_identity": ["network_log_on"],
    "identity_in_words": ["Logged on to the network with their own account"],
    "reasons": [{"code": "names", "points": 40, "text": "9 different names in 6 minutes"}],
    "against": [{"code": "crowd", "points": -10, "text": "most of the class did the same"}],
    "warnings": [{"incident": "b1", "row": "P04", "expires_on": "2027-11-23"}],
    "proposals": [
        {
            "row": "P02",
            "label": "Sites that are not for learning",
            "note": "",
            "is_repeat": False,
            "actions": [{"id": "refer_class_teacher", "label": "Refer to the class teacher"}],
        }
    ],
    "decision_reason": "",
    "why_deliberate": "",
    "outcome": "",
    "lesson": "",
    "further": 4,
    "referrals": [
        {
            "step": 4,
            "referred_to": "The police",
            "reference": "CAD 4711",
            "at": "2026-11-23T10:30:00Z",
            "by": person("Ada"),
            "outcome": "They look into it.",
        }
    ],
    "timeline": [
        {
            "number": 31,
            "at": "2026-11-23T10:00:00Z",
            "what": "observed",
            "actor": person("system"),
            "content": {"source": "blocked", "times": 2},
            "personal": {"name": "casino.example"},
            "evidence": "",
            "hash": "0" * 64,
        }
    ],
}
REVEALED = {"id": "p7", "name": "Zoë Clay", "roles": ["pupil"], "classes": ["5B"]}
LOOK = ("--purpose", "I look into it.")
WHY = ("--deliberate", "unclear", "--why", "It was one name.")
REASON = ("--reason", "We have talked.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /incidents", {"items": []})
    listening.answer("GET /incidents?number=12", {"items": [CASE]})
    listening.answer("GET /incidents?number=13", {"items": [SEALED]})
    listening.answer("GET /incidents/steps", {"items": []})
    listening.answer("GET /incidents/a1", SHOWN)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (CASE, ACCEPTED, SEALED):
        IncidentTold.model_validate(answer, extra="forbid")
    IncidentShown.model_validate(SHOWN, extra="forbid")
    RevealedTold.model_validate(REVEALED, extra="forbid")


def test_the_queue(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents", {"items": [CASE, SEALED], "next": None})
    done = shell.run("incident", "list", "--state", "candidate", "--state", "accepted", "--kind", "gambling")
    assert done.exit_code == 0, done.output
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "CASE STATE WHAT WHO INTENT ROWS SINCE DECIDE BY ALIKE",
        " ".join(done.stdout.splitlines()[1].split()),
        (
            "12 candidate gambling pupil p-abcdefghijklmnop, person, confidence B 74 P02 Mon 2026-11-23 10:00"
            " Thu 2026-11-26 00:00 1 more of the same, 2 more within the hour"
        ),
        "13 candidate illegal (sealed) pupil Mon 2026-11-23 10:00 Thu 2026-11-26 00:00",
    ]


def test_an_empty_queue_is_a_sentence(shell: Shell) -> None:
    assert shell.run("incident", "list").stdout == "There are no incidents that you may read.\n"


def test_one_case(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "show", "12", *LOOK)
    assert done.exit_code == 0, done.output
    assert gateway.asked("GET /incidents/a1").query == {"purpose": "I look into it.", "case": "12"}
    assert done.stdout.startswith(
        "case        12: candidate\n"
        "about       gambling; conduct, on site\n"
        "who         pupil p-abcdefghijklmnop, person, confidence B\n"
        "intent      74 of 100\n"
        "proposed    P02\n"
        "happened    Mon 2026-11-23 10:00 to Mon 2026-11-23 10:06\n"
        "known since Mon 2026-11-23 10:06\n"
        "decide by   Thu 2026-11-26 00:00\n"
        "question    is it serious? others have to be told then: `incident reclassify --serious --reason ...`\n"
        "clock       Reporting a breach: by Thu 2026-11-26 10:06\n"
        "            Telling the officer: stopped Mon 2026-11-23 10:30\n"
        "known by    network log on\n"
        "groups      year5\n"
        "because     9 different names in 6 minutes\n"
        "against     most of the class did the same\n"
        "warned      row P04, until 2027-11-23\n"
        "referred    to The police (CAD 4711); They look into it.\n"
        "row P02     Sites that are not for learning: Refer to the class teacher\n"
        "\n"
    )
    assert "source blocked, times 2, name casino.example" in done.stdout
    assert done.stdout.endswith("4 more; --json shows what is kept of each.\n")


def test_whom_it_is_about(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/reveal", REVEALED)
    done = shell.run("incident", "reveal", "12", *LOOK)
    assert done.stdout == "person      Zoë Clay (p7)\nroles       pupil\nclasses     5B\n"
    assert LookAsked.model_validate(gateway.asked("POST /incidents/a1/reveal").body).case == 12


@pytest.mark.parametrize(
    ("words", "schema", "sent"),
    [
        pytest.param(
            ("accept", "--row", "P02", *WHY),
            AcceptAsked,
            {"row": "P02", "deliberate": "unclear", "why": "It was one name.", "is_serious": None},
            id="accept",
        ),
        pytest.param(
            ("accept", "--serious", *WHY),
            AcceptAsked,
            {"row": None, "deliberate": "unclear", "why": "It was one name.", "is_serious": True},
            id="no-row",
        ),
        pytest.param(
            ("reclassify", "--kind", "games", *REASON),
            ReclassifyAsked,
            {"kind": "games", "row": None, "is_serious": None, "reason": "We have talked."},
            id="reclassify",
        ),
        pytest.param(
            ("dismiss", "--because", "lesson", *REASON),
            DismissAsked,
            {"dismissal": "lesson", "words": "We have talked."},
            id="dismiss",
        ),
        pytest.param(
            ("merge", "--into", "13", *REASON), MergeAsked, {"into": "a1", "reason": "We have talked."}, id="merge"
        ),
        pytest.param(
            ("split", "--entry", "31", "--entry", "32", "--kind", "games", *REASON),
            SplitAsked,
            {"entries": [31, 32], "kind": "games", "reason": "We have talked."},
            id="split",
        ),
        pytest.param(
            ("close", "--outcome", "All is well.", "--lesson", "We teach it."),
            CloseAsked,
            {"outcome": "All is well.", "lesson": "We teach it."},
            id="close",
        ),
        pytest.param(
            ("reopen", "--by", "A parent", "--on", "2026-11-23", "--outcome", "It stands."),
            AppealAsked,
            {"by": "A parent", "on": "2026-11-23", "outcome": "It stands.", "withdraws_warnings": False},
            id="reopen",
        ),
        pytest.param(
            ("reopen", "--by", "A parent", "--outcome", "It falls.", "--withdraw-warnings"),
            AppealAsked,
            {"by": "A parent", "on": None, "outcome": "It falls.", "withdraws_warnings": True},
            id="reopen-today",
        ),
        pytest.param(("correct", *REASON), Reasoned, {"reason": "We have talked."}, id="correct"),
        pytest.param(("hold", *REASON), Reasoned, {"reason": "We have talked."}, id="hold"),
        pytest.param(("release", *REASON), Reasoned, {"reason": "We have talked."}, id="release"),
        pytest.param(
            ("name", "p7", *REASON), SubjectAsked, {"subject": "p7", "reason": "We have talked."}, id="name"
        ),
    ],
)
def test_a_decision_is_made_at_the_version_that_stands(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], schema: Any, sent: dict[str, Any]
) -> None:
    gateway.answer("GET /incidents?number=13", {"items": [CASE]})
    path = "name-subject" if words[0] == "name" else words[0]
    gateway.answer(f"POST /incidents/a1/{path}", ACCEPTED)
    done = shell.run("incident", words[0], "12", *words[1:])
    assert done.exit_code == 0, done.output
    asked = gateway.asked(f"POST /incidents/a1/{path}")
    assert (asked.body, asked.headers["if-match"]) == (sent, '"3"')
    assert schema.model_validate(sent)
    assert done.stdout.startswith("case        12: accepted\n")


def test_a_slip_is_taken_back_at_the_version_that_stands(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents?number=13", {"items": [CASE]})
    gateway.answer("POST /incidents/a1/undo", CASE)
    assert shell.run("incident", "undo", "12").exit_code == 0
    asked = gateway.asked("POST /incidents/a1/undo")
    assert (asked.body, asked.headers["if-match"]) == ({}, '"3"')


def test_what_came_of_a_decision(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/accept", {**ACCEPTED, "is_held": True, "last_at": CASE["opened_at"]})
    assert shell.run("incident", "accept", "12", "--row", "P02", *WHY).stdout == (
        "case        12: accepted, on legal hold\n"
        "about       gambling; conduct, on site\n"
        "who         pupil p-abcdefghijklmnop, person, confidence B\n"
        "intent      74 of 100\n"
        "row         P02\n"
        "happened    Mon 2026-11-23 10:00\n"
        "known since Mon 2026-11-23 10:06\n"
        "decided by  Ben\n"
        "decided     Mon 2026-11-23 11:00\n"
        "deliberate  unclear\n"
    )


def test_a_case_that_somebody_may_not_read_is_one_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "show", "14", *LOOK)
    assert (done.exit_code, done.stdout, done.stderr) == (
        1,
        "",
        "There is no case 14 that you may read; `schoolgate incident list` shows those that there are.\n",
    )


def test_a_refusal_is_one_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /incidents/a1/accept", 409, "This incident is closed, so it cannot be accepted.")
    done = shell.run("incident", "accept", "12", *WHY)
    assert (done.exit_code, done.stderr) == (1, "This incident is closed, so it cannot be accepted.\n")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("show", "12"), id="no-purpose"),
        pytest.param(("show", "twelve", *LOOK), id="no-number"),
        pytest.param(("accept", "12", "--why", "x"), id="not-whether-it-was-deliberate"),
        pytest.param(("accept", "12", "--deliberate", "maybe", "--why", "x"), id="neither-deliberate-nor-not"),
        pytest.param(("dismiss", "12", "--because", "so", *REASON), id="not-from-the-list"),
        pytest.param(("split", "12", "--kind", "games", *REASON), id="split-of-nothing"),
        pytest.param(("reopen", "12", "--by", "x", "--outcome", "x", "--on", "soon"), id="no-day"),
        pytest.param(("list", "--track", "all"), id="no-track"),
    ],
)
def test_what_cannot_be_read_is_usage_and_nothing_is_sent(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...]
) -> None:
    assert shell.run("incident", *words).exit_code == 2
    assert not gateway.seen


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list",), [CASE]),
        (("show", "12", *LOOK), SHOWN),
        (("reveal", "12", *LOOK), REVEALED),
        (("accept", "12", *WHY), ACCEPTED),
        (("merge", "12", "--into", "13", *REASON), ACCEPTED),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_programs_get_json(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: object) -> None:
    gateway.answer("GET /incidents", {"items": [CASE]})
    gateway.answer("POST /incidents/a1/reveal", REVEALED)
    gateway.answer("POST /incidents/a1/accept", ACCEPTED)
    gateway.answer("POST /incidents/a1/merge", ACCEPTED)
    done = shell.run("incident", *words, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, told)


def test_what_others_wrote_does_not_command_the_terminal(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/a1", {**SHOWN, "outcome": "\x1b[2J [red]x[/]"})
    assert "outcome     \ufffd[2J [red]x[/]\n" in shell.run("incident", "show", "12", *LOOK).stdout
