"""What shows something in a session: which desktop that is, and what programs are told."""

import sys

import pytest

from agent.endpoint.desktop import ProgramsDesktop, desktop_of
from agent.endpoint.notice_texts import Words, endpoint_texts
from collectors.machine import Machine, Output

WORDS = Words("A headline", "A <b>bold</b> sentence.\nAnother.")


class Programs:
    """The programs of a desktop, all of which answer the same."""

    def __init__(self, output: Output, platform: str = "linux") -> None:
        self.commands: list[tuple[str, ...]] = []
        self._output = output
        self.desktop = ProgramsDesktop(Machine(programs=self._run, platform=platform), {"LANG": "nl_BE.UTF-8"})

    def _run(self, command: tuple[str, ...], _seconds: float) -> Output:
        self.commands.append(command)
        return self._output


@pytest.mark.parametrize(("platform", "name"), [("linux", "notify-send"), ("darwin", "osascript")])
def test_a_notice_goes_to_the_program_of_the_system(platform: str, name: str) -> None:
    programs = Programs(Output(0), platform)
    assert programs.desktop.show(WORDS, link="https://school.example")
    assert programs.desktop.name == programs.commands[0][0] == name
    assert programs.desktop.language == "nl"


def test_a_program_that_is_not_there_shows_nothing() -> None:
    assert not Programs(Output(None, why="not there")).desktop.show(WORDS, link="")


@pytest.mark.parametrize(
    ("output", "could", "answers"),
    [
        pytest.param(Output(0, b"accept\n"), True, [True], id="yes"),
        pytest.param(Output(0, b"decline\n"), True, [False], id="no"),
        pytest.param(Output(0, b""), True, [], id="closed-without-an-answer"),
        pytest.param(Output(None, why="too long", is_late=True), True, [], id="nobody-answered"),
        pytest.param(Output(None, why="not there"), False, [], id="there-is-no-such-program"),
        pytest.param(Output(1, err=b"Unknown option --action"), False, [], id="it-has-no-buttons"),
    ],
)
def test_a_question_has_two_buttons_and_may_stay_unanswered(output: Output, could: bool, answers: list[bool]) -> None:
    said: list[bool] = []
    programs = Programs(output)
    assert programs.desktop.ask(WORDS, endpoint_texts("fr"), said.append) is could
    assert said == answers
    assert programs.commands[0][-1].startswith("A &lt;b&gt;bold")


@pytest.mark.skipif(sys.platform == "win32", reason="this is one")
def test_windows_has_a_desktop_of_its_own() -> None:
    assert isinstance(desktop_of(Machine(), {}), ProgramsDesktop)
    with pytest.raises(OSError, match="no Windows"):
        desktop_of(Machine(platform="win32"), {})
