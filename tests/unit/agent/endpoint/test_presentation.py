"""Whether somebody presents, by what a desktop answers; the answers are of our own making."""

import pytest

from agent.endpoint.presentation import Presentation, Presenting, look_for_presentation
from collectors.machine import Machine, Output

X11 = {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}
WAYLAND = {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}
BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}
WINDOW = "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007\n"


def desktop(**answers: str) -> Machine:
    """Give a desktop that answers by program, or for gdbus by the name that is asked."""

    def run(command: tuple[str, ...], _seconds: float) -> Output:
        words = " ".join(command)
        name = next(
            (each for each in ("SessionManager", "PowerManagement", "_NET_WM_STATE", "_NET_ACTIVE") if each in words),
            "",
        )
        text = answers.get(name)
        return Output(None, why="not there") if text is None else Output(0, text.encode())

    return Machine(programs=run)


@pytest.mark.parametrize(
    ("environment", "answers", "found"),
    [
        pytest.param(BUS, {"SessionManager": "(true,)\n"}, (Presenting.YES, "d-bus"), id="gnome-is-held-awake"),
        pytest.param(BUS, {"SessionManager": "(false,)\n"}, (Presenting.NO, "d-bus"), id="gnome-is-not"),
        pytest.param(BUS, {"PowerManagement": "(true,)\n"}, (Presenting.YES, "d-bus"), id="kde-is-held-awake"),
        pytest.param(BUS, {}, (Presenting.NOT_KNOWN, ""), id="nothing-answers"),
        pytest.param(BUS, {"SessionManager": "('x',)"}, (Presenting.NOT_KNOWN, ""), id="an-answer-that-is-none"),
        pytest.param({}, {"SessionManager": "(true,)"}, (Presenting.NOT_KNOWN, ""), id="no-desktop"),
        pytest.param(
            X11,
            {"_NET_ACTIVE": WINDOW, "_NET_WM_STATE": "_NET_WM_STATE(ATOM) = _NET_WM_STATE_FULLSCREEN\n"},
            (Presenting.YES, "x11"),
            id="a-window-of-x-over-everything",
        ),
        pytest.param(
            X11,
            {"_NET_ACTIVE": WINDOW, "_NET_WM_STATE": "_NET_WM_STATE:  not found.\n"},
            (Presenting.NO, "x11"),
            id="a-window-of-x",
        ),
        pytest.param(
            WAYLAND,
            {"_NET_ACTIVE": WINDOW, "_NET_WM_STATE": "_NET_WM_STATE:  not found.\n"},
            (Presenting.NOT_KNOWN, ""),
            id="under-wayland-a-window-of-x-says-little",
        ),
        pytest.param(X11, {"_NET_ACTIVE": "garbage"}, (Presenting.NOT_KNOWN, ""), id="no-window"),
    ],
)
def test_what_a_desktop_answers(
    environment: dict[str, str], answers: dict[str, str], found: tuple[Presenting, str]
) -> None:
    assert look_for_presentation(desktop(**answers), environment) == Presentation(*found)


def test_how_it_goes_on_record() -> None:
    assert Presentation(Presenting.YES, "x11").word == "yes:x11"
    assert Presentation(Presenting.NOT_KNOWN).word == "not_known"
