"""Steps, letters and what is sealed, from a shell: what is sent for what somebody writes, and how answers read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person
from pydantic import BaseModel

from agent.api.incident_schemas import LookAsked
from agent.api.incident_work_schemas import (
    CardTold,
    LetterAsked,
    LetterSentAsked,
    LetterTold,
    MetadataTold,
    OwnStepTold,
    RestrictAsked,
    RestrictionTold,
    StepAddAsked,
    StepDoneAsked,
    StepTold,
    UnsealTold,
)
from agent.api.schemas import Reasoned
from rules.roles import Role

CASE = {"id": "a1", "number": 12, "version": 3}
STEP: dict[str, Any] = {
    "number": 2,
    "action": "inform_parents",
    "label": "Inform parents or carers",
    "kind": "inform",
    "role": "class_teacher",
    "role_title": "Class teacher",
    "owners": [person("Ada"), person("Ben")],
    "due_at": "2026-11-25T17:00:00Z",
    "is_overdue": False,
    "state": "open",
    "is_of_table": True,
    "done_at": None,
    "done_by": None,
    "how": "",
    "outcome": "",
    "referred_to": "",
    "reference": "",
    "deviation": "",
}
DONE = {
    **STEP,
    "state": "done",
    "done_at": "2026-11-24T15:00:00Z",
    "done_by": person("Ada"),
    "how": "By telephone.",
    "outcome": "They were glad to know.",
}
OWN = {**STEP, "incident": "a1", "case": 12, "track": "ordinary"}
RESTRICTION = {
    "id": "r1",
    "incident": "a1",
    "step": 2,
    "groups": ["year5"],
    "devices": ["192.0.2.5"],
    "from_at": "2026-11-23T10:00:00Z",
    "until_at": "2026-12-02T00:00:00Z",
    "review_on": "2026-11-27",
    "ended_at": None,
}
LETTER = {
    "id": "l1",
    "kind": "parents",
    "language": "en",
    "made_at": "2026-11-23T10:00:00Z",
    "made_by": person("Ada"),
    "sent_on": None,
    "text": "Dear parents,\n\nwe write about something.\n",
}
CARD = {
    "title": "What may be illegal",
    "steps": ["Stop.", "Lock the device away."],
    "to_call": ["The police"],
    "contacts": [{"title": "Our officer", "lines": ["room 7", "extension 12"]}],
}
WAITING = {"is_open": False, "asked_by": [person("Ada")], "open_until": None}
OPEN = {"is_open": True, "asked_by": [person("Ada"), person("Ben")], "open_until": "2026-11-23T10:30:00Z"}
METADATA = {
    "subject": "p-abcdefghijklmnop",
    "confidence": "B",
    "place": "on_site",
    "first_at": "2026-11-23T10:00:00Z",
    "last_at": "2026-11-23T10:02:00Z",
    "filed_at": "2026-11-23T10:02:10Z",
    "times": 3,
    "minutes": 2,
    "evidence": ["0" * 64] * 3,
}
LOOK = ("--purpose", "I look into it.")
LOOKED = {"purpose": "I look into it.", "case": 12}
REASON = ("--reason", "We have talked.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /incidents?number=12", {"items": [CASE]})
    listening.answer("GET /incidents/steps", {"items": []})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for schema, answers in (
        (StepTold, (STEP, DONE)),
        (OwnStepTold, (OWN,)),
        (RestrictionTold, (RESTRICTION,)),
        (LetterTold, (LETTER,)),
        (CardTold, (CARD,)),
        (UnsealTold, (WAITING, OPEN)),
        (MetadataTold, (METADATA,)),
    ):
        for answer in answers:
            schema.model_validate(answer, extra="forbid")


# ---- steps ---------------------------------------------------------------------------------------------------------


def test_the_steps_of_a_case(gateway: GatewayOfTest, shell: Shell) -> None:
    late = {**STEP, "number": 3, "is_overdue": True, "role_title": ""}
    skipped = {**STEP, "number": 4, "state": "skipped", "done_at": DONE["done_at"], "deviation": "They know."}
    gateway.answer("GET /incidents/a1/steps", {"items": [STEP, {**DONE, "number": 1}, late, skipped]})
    done = shell.run("incident", "step", "list", "12")
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (lines[0], lines[2:]) == (
        "STEP WHAT WHO DUE STATE HOW",
        [
            "2 Inform parents or carers Class teacher: Ada, Ben Wed 2026-11-25 17:00 open",
            (
                "1 Inform parents or carers Class teacher: Ada, Ben Wed 2026-11-25 17:00 done Tue 2026-11-24 15:00"
                " By telephone.; They were glad to know."
            ),
            "3 Inform parents or carers Ada, Ben Wed 2026-11-25 17:00 overdue",
            (
                "4 Inform parents or carers Class teacher: Ada, Ben Wed 2026-11-25 17:00"
                " skipped Tue 2026-11-24 15:00 They know."
            ),
        ],
    )


def test_ones_own_steps(gateway: GatewayOfTest, shell: Shell) -> None:
    assert shell.run("incident", "step", "list").stdout == "You have nothing to do about any case.\n"
    gateway.answer("GET /incidents/steps", {"items": [OWN]})
    shown = shell.run("incident", "step", "list").stdout.splitlines()
    assert " ".join(shown[2].split()).startswith("12 2 Inform parents or carers Class teacher: Ada, Ben")


@pytest.mark.parametrize(
    ("words", "path", "asked"),
    [
        pytest.param(
            ("done", "12", "2", "--how", "By telephone.", "--outcome", "They know."),
            "/2/done",
            StepDoneAsked(how="By telephone.", outcome="They know."),
            id="done",
        ),
        pytest.param(
            ("done", "12", "2", "--how", "By telephone.", "--at", "2026-11-23 15:00"),
            "/2/done",
            StepDoneAsked.model_validate({"how": "By telephone.", "at": "2026-11-23T15:00:00+00:00"}),
            id="done-before",
        ),
        pytest.param(
            ("done", "12", "2", "--how", "By telephone.", "--to", "The police", "--reference", "CAD 4711"),
            "/2/done",
            StepDoneAsked(how="By telephone.", referred_to="The police", reference="CAD 4711"),
            id="done-with-somebody-outside",
        ),
        pytest.param(("skip", "12", "2", *REASON), "/2/skip", Reasoned(reason="We have talked."), id="skip"),
        pytest.param(
            ("add", "12", "--what", "Ask them in", "--role", "head_teacher", "--within", "2 school days", *REASON),
            "",
            StepAddAsked(
                label="Ask them in", role=Role.HEAD_TEACHER, within="2 school days", reason="We have talked."
            ),
            id="add",
        ),
    ],
)
def test_what_is_written_is_what_is_sent(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], path: str, asked: BaseModel
) -> None:
    gateway.answer(f"POST /incidents/a1/steps{path}", DONE)
    done = shell.run("incident", "step", *words)
    assert done.exit_code == 0, done.output
    assert type(asked).model_validate(gateway.asked(f"POST /incidents/a1/steps{path}").body) == asked
    assert "Inform parents or carers" in done.stdout


def test_who_outside_was_brought_in_stands_beside_how(gateway: GatewayOfTest, shell: Shell) -> None:
    referred = {**DONE, "referred_to": "The police", "reference": "CAD 4711"}
    gateway.answer("GET /incidents/a1/steps", {"items": [referred]})
    shown = shell.run("incident", "step", "list", "12").stdout
    assert "By telephone.; referred to The police (CAD 4711); They were glad to know." in shown


def test_whoever_only_has_a_step_to_do_needs_no_queue(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/steps", {"items": [OWN]})
    gateway.answer("POST /incidents/a1/steps/2/done", DONE)
    assert shell.run("incident", "step", "done", "12", "2", "--how", "By telephone.").exit_code == 0
    assert [each.path for each in gateway.seen] == ["/incidents/steps", "/incidents/a1/steps/2/done"]


def test_access_is_restricted_and_given_back(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/steps/2/restrict", RESTRICTION)
    words = ("--group", "year5", "--device", "192.0.2.5", "--until", "2026-12-01", "--review", "2026-11-27", *REASON)
    done = shell.run("incident", "step", "restrict", "12", "2", *words)
    assert done.stdout == (
        "restriction r1\nfor         year5, 192.0.2.5\nuntil       Wed 2026-12-02 00:00\nreview      2026-11-27\n"
    )
    sent = gateway.asked("POST /incidents/a1/steps/2/restrict").body
    assert RestrictAsked.model_validate(sent).groups == ["year5"]
    assert sent["until_at"] == "2026-12-02T00:00:00+00:00"
    gateway.answer("POST /incidents/restrictions/r1/end", {**RESTRICTION, "ended_at": "2026-11-24T09:00:00Z"})
    done = shell.run("incident", "step", "restore", "r1", *REASON)
    assert done.stdout.startswith("restriction r1, ended Tue 2026-11-24 09:00\n")


# ---- letters -------------------------------------------------------------------------------------------------------


def test_a_letter_is_printed_and_its_number_beside_it(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/letters", LETTER)
    words = ("--language", "fr", "--meeting", "2026-12-01 15:00")
    done = shell.run("incident", "letter", "write", "12", "parents", *LOOK, *words)
    assert (done.exit_code, done.stdout) == (0, "Dear parents,\n\nwe write about something.\n\n"), done.output
    assert done.stderr == "letter l1; say `schoolgate incident letter sent l1` when it was sent.\n"
    sent = gateway.asked("POST /incidents/a1/letters").body
    assert LetterAsked.model_validate(sent).meeting_at == datetime(2026, 12, 1, 15, tzinfo=UTC)
    assert {key: sent[key] for key in ("kind", "language", "purpose", "case")} == {
        "kind": "parents",
        "language": "fr",
        **LOOKED,
    }


def test_a_letter_is_read_again_for_a_purpose(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/letters/l1", {**LETTER, "text": None})
    done = shell.run("incident", "letter", "show", "12", "l1", *LOOK)
    assert done.stdout == "What stood in this letter is erased.\n"
    assert gateway.asked("GET /incidents/letters/l1").query == {"purpose": "I look into it.", "case": "12"}


def test_the_letters_of_a_case(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/a1/letters", {"items": [{**LETTER, "sent_on": "2026-11-24"}]})
    shown = shell.run("incident", "letter", "list", "12").stdout
    assert [" ".join(line.split()) for line in shown.splitlines()][2] == (
        "l1 parents en Mon 2026-11-23 10:00 Ada 2026-11-24"
    )


def test_a_letter_was_sent(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/letters/l1/sent", {**LETTER, "sent_on": "2026-11-24"})
    done = shell.run("incident", "letter", "sent", "l1", "--on", "2026-11-24")
    assert done.stdout == "Letter l1 was sent on 2026-11-24.\n"
    assert LetterSentAsked.model_validate(gateway.asked("POST /incidents/letters/l1/sent").body)


# ---- what is sealed ------------------------------------------------------------------------------------------------


def test_the_card_says_what_to_do_and_whom_to_call(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /incidents/a1/card", CARD)
    assert shell.run("incident", "card", "12").stdout == (
        "What may be illegal\n"
        "  1. Stop.\n"
        "  2. Lock the device away.\n"
        "  call: The police\n"
        "  Our officer: room 7, extension 12\n"
    )


def test_one_person_alone_unseals_nothing(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/unseal", WAITING)
    done = shell.run("incident", "unseal", "12", *LOOK)
    assert done.stdout == ("asked by Ada\nIt is sealed until a second person asks for the same within ten minutes.\n")
    assert LookAsked.model_validate(gateway.asked("POST /incidents/a1/unseal").body).case == 12


def test_two_people_see_when_it_was_and_never_what(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /incidents/a1/unseal", OPEN)
    gateway.answer("POST /incidents/a1/metadata", METADATA)
    assert shell.run("incident", "unseal", "12", *LOOK).stdout == (
        "asked by Ada, Ben\n"
        "first       Mon 2026-11-23 10:00\n"
        "last        Mon 2026-11-23 10:02\n"
        "known since Mon 2026-11-23 10:02\n"
        "how often   3 times in 2 minutes\n"
        "who         p-abcdefghijklmnop, confidence B, on site\n"
        "held        3 pieces of evidence, each by its hash\n"
    )
    assert gateway.asked("POST /incidents/a1/metadata").body == LOOKED


# ---- for programs, and what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("step", "list"), [OWN]),
        (("step", "list", "12"), [STEP]),
        (("step", "done", "12", "2", "--how", "x"), DONE),
        (
            ("step", "restrict", "12", "2", "--group", "x", "--until", "2h", "--review", "2026-11-27", *REASON),
            RESTRICTION,
        ),
        (("letter", "list", "12"), [LETTER]),
        (("letter", "write", "12", "parents", *LOOK), LETTER),
        (("letter", "sent", "l1"), LETTER),
        (("card", "12"), CARD),
        (("unseal", "12", *LOOK), {**OPEN, "metadata": METADATA}),
    ],
    ids=lambda words: " ".join(words[:3]) if isinstance(words, tuple) else "",
)
def test_programs_get_json(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: object) -> None:
    gateway.answer("GET /incidents/steps", {"items": [OWN]})
    gateway.answer("GET /incidents/a1/steps", {"items": [STEP]})
    gateway.answer("GET /incidents/a1/letters", {"items": [LETTER]})
    gateway.answer("GET /incidents/a1/card", CARD)
    gateway.answer("POST /incidents/letters/l1/sent", LETTER)
    for path, answer in {
        "steps/2/done": DONE,
        "steps/2/restrict": RESTRICTION,
        "letters": LETTER,
        "unseal": OPEN,
        "metadata": METADATA,
    }.items():
        gateway.answer(f"POST /incidents/a1/{path}", answer)
    done = shell.run("incident", *words, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, told), done.output


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("step", "done", "12", "2"), id="not-how"),
        pytest.param(("step", "done", "12", "two", "--how", "x"), id="no-step"),
        pytest.param(("step", "done", "12", "2", "--how", "x", "--at", "then"), id="no-instant"),
        pytest.param(("step", "add", "12", "--role", "king", "--within", "1 day", *REASON), id="no-role"),
        pytest.param(("step", "restrict", "12", "2", "--until", "2h", "--review", "then", *REASON), id="no-review"),
        pytest.param(("letter", "write", "12", "parents"), id="no-purpose"),
        pytest.param(("letter", "sent", "l1", "--on", "then"), id="no-day"),
        pytest.param(("unseal", "12"), id="unsealed-without-a-purpose"),
    ],
)
def test_what_cannot_be_read_is_usage_and_nothing_is_changed(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...]
) -> None:
    assert shell.run("incident", *words).exit_code == 2
    assert {each.method for each in gateway.seen} <= {"GET"}


def test_an_instant_that_is_none_is_said_by_its_option(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "step", "done", "12", "2", "--how", "x", "--at", "then")
    assert done.stderr == "--at: found 'then'; expected a time such as 10:30 or '2026-12-01 09:00'\n"
