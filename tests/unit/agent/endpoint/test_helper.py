"""The helper in a session: what it shows, how, and what it says of it. Its desktop is one of a test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.endpoint.desktop import ProgramsDesktop
from agent.endpoint.helper import Helper
from agent.endpoint.local_channel import LocalError
from collectors.machine import Machine, Output

NOON = 1_795_262_400.0
STICK = {"number": "a1", "label": "PUPILS <b>", "bus": "usb", "crypt": "plain"}


@dataclass
class Session:
    """A session: the service that is asked, and programs of a desktop."""

    work: dict[str, Any] = field(default_factory=lambda: {"notices": [STICK], "link": "", "grace_seconds": 600})
    outputs: dict[str, Output] = field(default_factory=lambda: {"notify-send": Output(0)})
    environment: dict[str, str] = field(default_factory=dict)
    platform: str = "linux"
    has_terminal: bool = False
    reports: list[Mapping[str, Any]] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    locks: list[Mapping[str, Any]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    monotonic: float = 0.0
    is_away: bool = False

    def __post_init__(self) -> None:
        machine = Machine(programs=self._run, platform=self.platform)
        self.helper = Helper(
            ask=self._ask,
            desktop=ProgramsDesktop(machine, self.environment),
            machine=machine,
            environment=self.environment,
            terminal=self.printed.append if self.has_terminal else None,
            wall=lambda: NOON,
            monotonic=lambda: self.monotonic,
        )

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.is_away:
            raise LocalError("The endpoint service does not answer.")
        if request["ask"] == "work":
            return self.work
        (self.locks if request["ask"] == "screen_lock" else self.reports).append(request)
        return {}

    def _run(self, command: tuple[str, ...], _seconds: float) -> Output:
        self.commands.append(command)
        name = command[0] if command[0] != "gdbus" else command[4]
        return self.outputs.get(name, Output(None, why="not there"))


def test_a_notice_is_shown_by_the_desktop_and_that_is_said() -> None:
    session = Session(environment={"LANG": "fr_FR.UTF-8"})
    session.helper.look()
    (report,) = session.reports
    assert {name: report[name] for name in ("ask", "number", "language", "how", "presentation")} == {
        "ask": "shown",
        "number": "a1",
        "language": "fr",
        "how": "notify-send",
        "presentation": "not_known",
    }
    assert "PUPILS <b> n\u2019est pas chiffrée" in report["text"]
    (command,) = session.commands
    # What a stranger named the stick is no markup, and no option.
    assert "PUPILS &lt;b&gt;" in command[-1]
    assert command[-3] == "--"


def test_somebody_who_presents_is_not_disturbed() -> None:
    session = Session(
        outputs={"notify-send": Output(0), "org.gnome.SessionManager": Output(0, b"(true,)\n")},
        environment={"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"},
    )
    session.helper.look()
    assert [dict(each) for each in session.reports] == [
        {"ask": "deferred", "number": "a1", "presentation": "yes:d-bus"}
    ]
    assert not any(command[0] == "notify-send" for command in session.commands)


def test_without_a_desktop_a_terminal_will_do() -> None:
    session = Session(outputs={}, has_terminal=True)
    session.helper.look()
    assert session.reports[0]["how"] == "terminal"
    assert "schoolgate endpoint exception" in session.printed[0]


def test_what_could_not_be_shown_is_not_said_to_be() -> None:
    session = Session(outputs={})
    session.helper.look()
    assert session.reports == []


def test_on_a_mac_the_words_are_arguments_and_no_script() -> None:
    session = Session(outputs={"osascript": Output(0)}, platform="darwin")
    session.helper.look()
    command = session.commands[0]
    assert "PUPILS" not in " ".join(command[:-1])
    assert session.reports[0]["how"] == "osascript"


@pytest.mark.parametrize(("grace", "is_said"), [(600, True), (0, False), (None, False), ("x", False)])
def test_until_when_there_is_time_is_said_where_there_is_any(grace: object, is_said: bool) -> None:
    session = Session(work={"notices": [STICK], "grace_seconds": grace})
    session.helper.look()
    assert ("There is time until" in session.reports[0]["text"]) is is_said


@pytest.mark.parametrize(("pressed", "accepted"), [(b"accept\n", True), (b"decline\n", False)])
def test_the_rules_are_answered_by_a_button(pressed: bytes, accepted: bool) -> None:
    session = Session(work={"aup": "2026-09"}, outputs={"notify-send": Output(0, pressed)})
    session.helper.look()
    (report,) = session.reports
    assert (report["ask"], report["version"], report["accepted"]) == ("answer", "2026-09", accepted)
    session.monotonic = 10_000
    session.helper.look()
    assert len(session.reports) == 1
    assert "2026-09" in report["text"]


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(Output(0), id="closed"),
        pytest.param(Output(None, why="notify-send took longer than 45 s", is_late=True), id="left-alone"),
    ],
)
def test_rules_that_nobody_answers_are_not_answered_and_asked_again_later(output: Output) -> None:
    session = Session(work={"aup": "2026-09"}, outputs={"notify-send": output}, has_terminal=True)
    session.helper.look()
    session.helper.look()
    assert (session.reports, len(session.commands)) == ([], 1)
    session.monotonic = 601
    session.helper.look()
    assert len(session.commands) == 2
    assert session.printed == [], "there are buttons"


def test_where_there_are_no_buttons_the_command_is_named() -> None:
    session = Session(work={"aup": "2026-09"}, outputs={}, has_terminal=True)
    session.helper.look()
    assert "schoolgate endpoint sign-in" in session.printed[0]


def test_on_a_mac_the_rules_are_shown_once_in_a_session_with_the_command() -> None:
    session = Session(work={"aup": "2026-09"}, outputs={"osascript": Output(0)}, platform="darwin")
    session.helper.look()
    session.monotonic = 10_000
    session.helper.look()
    (shown,) = (command for command in session.commands if command[0] == "osascript")
    assert "schoolgate endpoint sign-in --accept | --decline" in shown[-1]
    assert session.reports == [], "nobody has answered"


def test_a_service_that_is_away_is_a_problem_and_comes_back() -> None:
    session = Session()
    session.is_away = True
    session.helper.look()
    assert "does not answer" in session.helper.problem
    session.is_away = False
    session.helper.look()
    assert session.helper.problem == ""
    assert session.reports


def test_whether_the_screen_locks_is_told_now_and_then() -> None:
    session = Session(work={}, environment={"HOME": "/nowhere", "XDG_CURRENT_DESKTOP": "GNOME"})
    session.helper.look()
    session.helper.look()
    assert [each["state"] for each in session.locks] == ["unknown"]
    session.monotonic = 901
    session.helper.look()
    assert len(session.locks) == 2
