"""What is out, let pass or gone, from a shell."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.media_schemas import ExceptionTold, LostTold, SignOutTold

SIGN_OUT: dict[str, Any] = {
    "number": 3,
    "version": 2,
    "medium": 12,
    "is_foreign": False,
    "person": person("Ada"),
    "purpose": "Reports at home",
    "due_on": "2026-12-04",
    "is_overdue": False,
    "state": "waiting",
    "asked_at": "2026-11-23T10:00:00Z",
    "asked_by": person("Ada"),
    "decided_at": None,
    "decided_by": None,
    "reason": "",
    "returned_at": None,
    "returned_by": None,
}
EXCEPTION: dict[str, Any] = {
    "number": 2,
    "version": 4,
    "medium": None,
    "asked_by": person("Ada"),
    "purpose": "The museum",
    "until_on": "2026-12-18",
    "state": "allowed",
    "holds": True,
    "asked_at": "2026-11-23T10:00:00Z",
    "decided_at": "2026-11-23T10:00:00Z",
    "decided_by": person("Ben"),
    "reason": "",
}
EVIDENCE = {"source": "sysfs.dm_uuid", "value": "CRYPT-LUKS2-x", "privilege": "user"}
OUT = {"sign_out": "S-3", "medium": "M-12", "person": person("Ada"), "due_on": "2026-12-04", "state": "out"}
LOST: dict[str, Any] = {
    "number": 1,
    "at": "2026-11-23T10:00:00Z",
    "how": "stolen",
    "reporter": person("Ada"),
    "text": "On the train",
    "medium": 12,
    "device": None,
    "missed_on": None,
    "case": 471133,
    "on_record": {
        "medium": "M-12",
        "owner": person("Ada"),
        "holds_personal_data": True,
        "stated": "encrypted",
        "proved": {"crypt": "plain", "at": "2026-11-20T10:00:00Z", "device": "d7", "evidence": [EVIDENCE]},
        "worst_proved": None,
        "signed_out": OUT,
        "signed_out_to_holder": [OUT | {"medium": "M-13"}],
    },
}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /media/sign-outs", {"items": [SIGN_OUT], "next": None})
    listening.answer("GET /media/exceptions", {"items": [EXCEPTION], "next": None})
    listening.answer("GET /media/lost", {"items": [LOST], "next": None})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_answers_here_are_those_of_the_interface() -> None:
    SignOutTold.model_validate(SIGN_OUT, extra="forbid")
    ExceptionTold.model_validate(EXCEPTION, extra="forbid")
    LostTold.model_validate(LOST, extra="forbid")


def test_a_medium_is_signed_out_and_in(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /media/12/sign-out", SIGN_OUT, status=201)
    done = shell.run("media", "sign-out", "M-12", "--purpose", "Reports at home", "--due", "2026-12-04")
    assert lines(done.stdout) == [
        "number S-3: waiting",
        "medium M-12",
        "who Ada",
        "purpose Reports at home",
        "until 2026-12-04",
    ]
    body = {"purpose": "Reports at home", "due_on": "2026-12-04", "person": None}
    assert gateway.asked("POST /media/12/sign-out").body == body
    back = {"state": "returned", "returned_at": "2026-11-23T10:00:00Z", "returned_by": person("Ben")}
    gateway.answer("POST /media/12/sign-in", {**SIGN_OUT, **back})
    done = shell.run("media", "sign-in", "M-12")
    assert lines(done.stdout)[0::5] == ["number S-3: returned", "back Mon 2026-11-23 10:00, by Ben"]


@pytest.mark.parametrize(("state", "said"), [("out", "in the school"), ("returned", "gone again"), ("lost", "lost")])
def test_a_medium_that_is_not_the_schools_is_in_and_gone_again(
    gateway: GatewayOfTest, shell: Shell, state: str, said: str
) -> None:
    gateway.answer("POST /media/12/sign-in", {**SIGN_OUT, "is_foreign": True, "state": state})
    assert lines(shell.run("media", "sign-in", "M-12").stdout)[0] == f"number S-3: {said}"


def test_what_is_out_and_what_is_let_pass(gateway: GatewayOfTest, shell: Shell) -> None:
    assert lines(shell.run("media", "out").stdout)[2:] == ["S-3 M-12 Ada waiting 2026-12-04 Reports at home"]
    gateway.answer("GET /media/sign-outs?overdue=true", {"items": [{**SIGN_OUT, "is_overdue": True}], "next": None})
    assert "overdue" in shell.run("media", "out", "--overdue").stdout
    gateway.answer("GET /media/sign-outs", {"items": [{**SIGN_OUT, "state": "returned"}], "next": None})
    assert "returned" in shell.run("media", "out", "--past").stdout
    assert lines(shell.run("media", "exceptions").stdout)[2:] == ["E-2 Ada allowed 2026-12-18 The museum"]
    gateway.answer("POST /media/12/exceptions", EXCEPTION, status=201)
    shell.run("media", "except", "M-12", "--purpose", "The museum", "--until", "2026-12-18")
    body = {"purpose": "The museum", "until_on": "2026-12-18"}
    assert gateway.asked("POST /media/12/exceptions").body == body


@pytest.mark.parametrize(
    ("words", "path", "version"),
    [
        (("allow", "S-3"), "/media/sign-outs/3/allow", '"2"'),
        (("refuse", "s-3", "--reason", "Too long"), "/media/sign-outs/3/refuse", '"2"'),
        (("allow", "E-2"), "/media/exceptions/2/allow", '"4"'),
        (("withdraw", "E-2"), "/media/exceptions/2/withdraw", '"4"'),
    ],
    ids=["a-permit", "no-permit", "an-exception", "given-up"],
)
def test_what_somebody_decides(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], path: str, version: str
) -> None:
    gateway.answer(f"POST {path}", SIGN_OUT if "sign-outs" in path else EXCEPTION)
    assert shell.run("media", *words).exit_code == 0
    assert gateway.asked(f"POST {path}").headers["if-match"] == version


def test_a_report_shows_what_was_on_record(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /media/lost", LOST, status=201)
    told = lines(shell.run("media", "lost", "On the train", "--medium", "M-12", "--stolen").stdout)
    assert told[0] == "report L-1: M-12, stolen"
    assert "case 471133" in told
    assert "data personal data" in told
    assert "proved plain, Fri 2026-11-20 10:00" in told
    assert "evidence sysfs.dm_uuid CRYPT-LUKS2-x" in told
    assert "out M-12 to Ada, out, due 2026-12-04" in told
    assert "also out M-13 to Ada, out, due 2026-12-04" in told
    assert told[-1] == "The head teacher, the data protection officer and the ICT co-ordinator are told now."
    body = gateway.asked("POST /media/lost").body
    assert body == {"how": "stolen", "text": "On the train", "medium": 12, "device": None, "missed_on": None}


@pytest.mark.parametrize(
    ("on_record", "said"),
    [
        pytest.param({"device": "d7", "label": "Laptop 7", "proved": None}, "proved unknown", id="never-proved"),
        pytest.param(
            {"device": "d7", "proved": {"crypt": "on", "at": "2026-11-20T10:00:00Z"}},
            "proved disk encryption on, Fri 2026-11-20 10:00",
            id="a-laptop",
        ),
        pytest.param(
            {"kind": "paper", "label": "blue folder", "proved": None}, "what paper, blue folder", id="paper"
        ),
        pytest.param(
            {"kind": "stick", "place": "Safe", "exception": "E-2", "proved": None}, "let pass E-2", id="let-pass"
        ),
    ],
)
def test_a_report_says_what_was_known_and_no_more(
    gateway: GatewayOfTest, shell: Shell, on_record: dict[str, Any], said: str
) -> None:
    gateway.answer("GET /media/lost/1", {**LOST, "on_record": on_record})
    told = lines(shell.run("media", "lost", "--show", "L-1").stdout)
    assert said in told
    assert ("proved unknown" in told) == (on_record["proved"] is None and on_record.get("kind") != "paper")


def test_reports_are_listed_and_shown(gateway: GatewayOfTest, shell: Shell) -> None:
    assert lines(shell.run("media", "lost").stdout)[2:] == ["L-1 Mon 2026-11-23 10:00 stolen M-12 471133"]
    gateway.answer("GET /media/lost/1", LOST)
    assert lines(shell.run("media", "lost", "--show", "L-1").stdout)[0] == "report L-1: M-12, stolen"
    assert json.loads(shell.run("media", "lost", "--json").stdout) == [LOST]


@pytest.mark.parametrize("words", [("allow", "3"), ("allow", "M-3"), ("lost", "--show", "S-1"), ("sign-in", "E-2")])
def test_what_is_no_number_of_it_ends_with_two(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.run("media", *words).exit_code == 2
