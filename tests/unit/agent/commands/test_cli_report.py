"""Reports from a shell: in one line or question by question, by name or without, and what became of one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.report_routes import FormTold, OwnReportAsked, ReceivedTold, ReportAsked, StandingTold
from agent.incidents.incident_reports import Standing
from agent.observing.report_form import report_form
from agent.texts import load_texts

TEXT = "They write nasty things about a boy of my class."
RECEIVED = {"receipt": "ABCD-EFGH-JKLM", "thanks": "Thank you for telling us."}
FORM = FormTold.model_validate(report_form(load_texts("en"))).model_dump(mode="json")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /me/reports", RECEIVED, status=201)
    listening.answer("POST /reports", RECEIVED, status=201)
    listening.answer("GET /reports/form", FORM)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    ReceivedTold.model_validate(RECEIVED, extra="forbid")


def test_a_report_in_one_line(gateway: GatewayOfTest, shell: Shell) -> None:
    words = ("--about", "mean", "--whom", "pupil", "--who", "two of 5B", "--place", "off_site", "--worried")
    done = shell.run("incident", "report", TEXT, *words, "--keeps", "screenshot.png")
    assert (done.exit_code, done.stdout) == (0, "Thank you for telling us.\nYour number: ABCD-EFGH-JKLM\n"), (
        done.output
    )
    sent = gateway.asked("POST /me/reports").body
    assert OwnReportAsked.model_validate(sent)
    assert sent == {
        "about": "mean",
        "text": TEXT,
        "whom": "pupil",
        "who": "two of 5B",
        "place": "off_site",
        "happened": "potential",
        "keeps": ["screenshot.png"],
    }


@pytest.mark.parametrize(("said", "sent"), [("--serious", True), ("--not-serious", False)])
def test_whether_it_is_serious_is_sent_where_somebody_says_so(
    gateway: GatewayOfTest, shell: Shell, said: str, *, sent: bool
) -> None:
    assert shell.run("incident", "report", TEXT, "--about", "lost", said).exit_code == 0
    assert gateway.asked("POST /me/reports").body["is_serious"] is sent


def test_without_a_name_nothing_says_who_it_was(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "report", TEXT, "--about", "mean", "--anonymous", "--language", "fr")
    assert done.exit_code == 0, done.output
    asked = gateway.asked("POST /reports")
    assert ReportAsked.model_validate(asked.body)
    assert ("cookie" in asked.headers, "x-csrf-token" in asked.headers, asked.query) == (
        False,
        False,
        {"language": "fr"},
    )


def test_a_report_question_by_question(gateway: GatewayOfTest, shell: Shell) -> None:
    keys = f"twelve\n99\n3\n2\n\n1\n1\n{TEXT}\na.png, b.png\n\n"
    done = shell.run("incident", "report", keys=keys)
    assert done.exit_code == 0, done.output
    for question in FORM["questions"]:
        assert question["text"] in done.stdout
    assert "Found '99'; expected a number from 1 to 11.\n" in done.stdout
    assert "  3. Somebody is mean to me or to somebody else" in done.stdout
    sent = gateway.asked("POST /me/reports").body
    assert OwnReportAsked.model_validate(sent)
    assert sent == {
        "about": "mean",
        "whom": "pupil",
        "who": "",
        "happened": "actual",
        "place": "on_site",
        "text": TEXT,
        "keeps": ["a.png", "b.png"],
        "name": "",
    }


@pytest.mark.parametrize("standing", Standing)
def test_what_became_of_it(gateway: GatewayOfTest, shell: Shell, standing: Standing) -> None:
    words = report_form(load_texts("en")).words_of_standing[standing]
    answer: dict[str, Any] = {"standing": standing.value, "in_words": words}
    StandingTold.model_validate(answer, extra="forbid")
    gateway.answer("GET /reports/ABCD-EFGH-JKLM", answer)
    assert shell.run("incident", "receipt", "ABCD-EFGH-JKLM").stdout == f"{words}\n"
    assert json.loads(shell.run("incident", "receipt", "ABCD-EFGH-JKLM", "--json").stdout) == answer


def test_programs_get_json(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "report", TEXT, "--about", "mean", "--json")
    assert json.loads(done.stdout) == RECEIVED


def test_a_text_without_what_it_is_about_is_usage(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("incident", "report", TEXT)
    assert (done.exit_code, done.stderr) == (
        2,
        "--about: found nothing; expected what it is about, or no text: then you are asked\n",
    )
    assert not gateway.seen


def test_a_refusal_is_one_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /me/reports", 422, "about: Input should be 'upsetting', 'mean' or 'other'.")
    done = shell.run("incident", "report", TEXT, "--about", "weather")
    assert (done.exit_code, done.stderr) == (1, "about: Input should be 'upsetting', 'mean' or 'other'.\n")
