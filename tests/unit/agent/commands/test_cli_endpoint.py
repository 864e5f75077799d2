"""Commands on a laptop, against its own service and a gateway on a real socket."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from endpoint_of_test import ServiceOfTest, wait_until
from laptop_gateway import LaptopGateway, drop_request, serving
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.commands.cli_endpoint import serve


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ServiceOfTest]:
    tmp_path.chmod(0o700)
    made = ServiceOfTest(tmp_path)
    yield made
    made.stop.set()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LaptopGateway]:
    folder = tmp_path / "gateway"
    folder.mkdir()
    with serving(LaptopGateway(), folder) as served:
        yield served


def typed(running: ServiceOfTest, *words: str, keys: str = "", **environment: str) -> Result:
    places = {
        "SCHOOLGATE_ENDPOINT_DATA": str(running.folders.data),
        "SCHOOLGATE_ENDPOINT_RUNTIME": str(running.folders.runtime),
        "LANG": "C",
        "LANGUAGE": "",
        "LC_ALL": "",
        "DBUS_SESSION_BUS_ADDRESS": "",
        "XDG_RUNTIME_DIR": "",
        "DISPLAY": "",
    }
    return CliRunner().invoke(app, ["endpoint", *words], input=keys, env={**places, **environment})


def enrolled(running: ServiceOfTest, gateway: LaptopGateway) -> Result:
    result = typed(running, "enrol", gateway.url, keys=f"{gateway.token()}\n")
    assert result.exit_code == 0, result.output
    return result


def stick(running: ServiceOfTest) -> None:
    part = running.tree.partition(running.tree.usb_disk("sdb", "8:16"), 1)
    running.tree.mount(part, "/media/nowhere")
    wait_until(lambda: "media_inserted" in running.kinds())


def test_a_laptop_enrols_and_its_service_delivers(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    assert enrolled(running, gateway).output == "This laptop is enrolled as device0.\n"
    running.start()
    wait_until(lambda: "service_started" in [event.kind for event in gateway.events()])
    shown = typed(running, "status")
    running.end()
    assert shown.exit_code == 0, shown.output
    assert "device0, let in" in shown.output
    assert gateway.url in shown.output


def test_one_that_waits_is_told_its_code(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    gateway.state = "pending"
    result = enrolled(running, gateway)
    running.start()
    status: dict[str, Any] = {}

    def is_pending() -> bool:
        shown = typed(running, "status", "--json")
        status.update(json.loads(shown.stdout) if shown.exit_code == 0 else {})
        return status.get("standing") == "pending"

    wait_until(is_pending)
    running.end()
    assert f"Its code is {status['code']};" in result.output


@pytest.mark.parametrize(
    ("url", "token", "sentence"),
    [
        pytest.param(None, "sge1.x", "not a token for a laptop", id="no-token"),
        pytest.param(None, "", "not a token for a laptop", id="nothing"),
        pytest.param("http://127.0.0.1:1", None, "https://HOST", id="not-https"),
        pytest.param("https://127.0.0.1:1", None, "cannot be reached", id="nobody-there"),
    ],
)
def test_an_enrolment_that_fails_says_why(
    running: ServiceOfTest, gateway: LaptopGateway, url: str | None, token: str | None, sentence: str
) -> None:
    text = gateway.token() if token is None else token
    result = typed(running, "enrol", url or gateway.url, keys=f"{text}\n")
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.output
    assert gateway.devices == {}


def test_a_file_with_a_token_is_deleted_once_it_was_used(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    file = running.folders.data.parent / "token"
    file.write_text(gateway.token())
    assert typed(running, "enrol", gateway.url, "--token-file", str(file)).exit_code == 0
    assert not file.exists()
    again = typed(running, "enrol", gateway.url, keys=f"{gateway.token()}\n")
    assert "enrolled already" in again.stderr


def test_a_gateway_with_another_key_is_refused(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    result = typed(running, "enrol", gateway.url, keys=f"{gateway.token(pin='A' * 52)}\n")
    assert (result.exit_code, "another key" in result.stderr) == (1, True)


@pytest.mark.parametrize("words", [("status",), ("exception", "x", "--until", "2030-01-01"), ("sign-in",)])
def test_without_a_service_that_is_said(running: ServiceOfTest, words: tuple[str, ...]) -> None:
    result = typed(running, *words)
    assert (result.exit_code, "expected it to run here" in result.stderr) == (1, True)
    assert typed(running, "helper", "--once").exit_code == 1


def test_the_status_of_a_laptop_that_is_not_enrolled(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: {"posture", "session"} <= running.kinds())
    shown = typed(running, "status")
    running.end()
    for part in (
        "not enrolled",
        "nobody shows them",
        "What is written to them: works; looked ",
        "does not see: what is in a file",
        "Firewall: ",
        "not asked: nobody knows that this is the school's network",
    ):
        assert part in shown.output


def test_the_status_speaks_the_language_of_whoever_asks(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: "session" in running.kinds())
    shown = typed(running, "status", LANG="ja_JP.UTF-8")
    running.end()
    lines = shown.output.splitlines()
    assert lines[0] == "パソコン    名前なし、未登録（観察したことはここで待つ）"  # noqa: RUF001 (meant)
    assert "最後の連絡  まだない" in lines


def test_a_contact_is_remembered_over_a_restart(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    enrolled(running, gateway)
    running.start()
    wait_until(lambda: '"last_contact": 1' in typed(running, "status", "--json").stdout)
    running.end()
    gateway.faults = [drop_request] * 1000
    again = ServiceOfTest(running.folders.data.parent)
    again.start()
    wait_until(lambda: typed(again, "status").exit_code == 0)
    shown = typed(again, "status")
    again.end()
    assert "last heard  not since the service started at 20" in shown.output
    assert "; before that at 20" in shown.output


def test_an_exception_is_asked_for(running: ServiceOfTest) -> None:
    running.start()
    none = typed(running, "exception", "Exam papers", "--until", "2030-01-01")
    wait_until(lambda: "session" in running.kinds())
    stick(running)
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    asked = typed(running, "exception", "Exam papers", "--until", tomorrow.isoformat())
    running.end()
    assert none.exit_code == 1
    assert asked.output == "Asked for 1 medium. Your school decides.\n"
    (facts,) = (facts for kind, facts in running.spooled() if kind == "exception_asked")
    assert (facts["words"], facts["account"]) == ("Exam papers", "root")


def test_the_rules_are_shown_and_answered(running: ServiceOfTest, gateway: LaptopGateway) -> None:
    gateway.set_policy(1, {"aup_version": "2026-09"})
    enrolled(running, gateway)
    running.start()
    wait_until(lambda: "2026-09" in typed(running, "sign-in").output)
    shown = typed(running, "sign-in", LANG="nl_NL.UTF-8")
    answered = typed(running, "sign-in", "--accept")
    wait_until(lambda: "sign_in_answered" in [event.kind for event in gateway.events()])
    running.end()
    assert shown.output.startswith("Accepteert u de regels?\n")
    assert answered.output == "Recorded: you accept version 2026-09.\n"
    (event,) = (event for event in gateway.events() if event.kind == "sign_in_answered")
    assert (event.facts["accepted"], event.facts["how"]) == (True, "terminal")


def test_where_no_answer_is_asked_for_that_is_said(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: "session" in running.kinds())
    shown = typed(running, "sign-in", "--accept")
    running.end()
    assert shown.output == "Your school asks for no answer here.\n"


def test_a_helper_that_can_show_nothing_says_nothing(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: "session" in running.kinds())
    stick(running)
    looked = typed(running, "helper", "--once", PATH="/nowhere")
    running.end()
    assert looked.exit_code == 0
    assert "notice_shown" not in running.kinds()


def test_a_helper_shows_by_the_program_of_the_desktop_and_says_so(running: ServiceOfTest) -> None:
    programs = running.folders.data.parent / "programs"
    programs.mkdir()
    shown = programs / "shown"
    (programs / "notify-send").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {shown}\n')
    (programs / "notify-send").chmod(0o755)
    running.start()
    wait_until(lambda: "session" in running.kinds())
    running.tree.udev("b8:17", ID_FS_LABEL_ENC="<b>\\x1b[31mEVIL\u202e")
    stick(running)
    looked = typed(running, "helper", "--once", PATH=f"{programs}:/usr/bin:/bin", LANG="nl_NL.UTF-8")
    status = typed(running, "status")
    running.end()
    assert looked.exit_code == 0, looked.output
    (facts,) = (facts for kind, facts in running.spooled() if kind == "notice_shown")
    assert (facts["shown"], facts["how"], facts["language"]) == (True, "notify-send", "nl")
    assert (facts["account"], facts["presentation"]) == ("root", "not_known")
    words = shown.read_text()
    assert "niet versleuteld" in words
    assert "&lt;b&gt;" in words
    for text in (words, status.output, facts["text"]):
        assert "EVIL" in text
        assert not {"\x1b", "\u202e"} & set(text)


def test_a_signal_ends_the_service_and_is_named() -> None:
    class Waits:
        why = ""

        def run(self, stop: threading.Event, *, why: Callable[[], str]) -> None:
            signal.raise_signal(signal.SIGTERM)
            assert stop.wait(10)
            self.why = why()

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    service = Waits()
    try:
        serve(service)
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert service.why == "sigterm"


def test_a_folder_that_others_can_write_to_is_refused(running: ServiceOfTest) -> None:
    running.folders.data.mkdir(mode=0o700)
    running.folders.data.chmod(0o777)
    result = typed(running, "run")
    assert (result.exit_code, "does not start" in result.stderr) == (1, True)
