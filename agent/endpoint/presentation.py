"""Whether somebody shows their screen to others now, as far as a desktop of Linux says.

What is asked changes nothing. Where nothing answers it is not known, which is never taken for No.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from collectors.machine import Machine

_SECONDS: Final = 2.0
_CALL: Final = ("gdbus", "call", "--session", "--dest")
# Source: gnome-session, org.gnome.SessionManager.xml: 8 is "inhibit the session being marked as idle".
_GNOME: Final = (
    *_CALL,
    "org.gnome.SessionManager",
    "--object-path",
    "/org/gnome/SessionManager",
    "--method",
    "org.gnome.SessionManager.IsInhibited",
    "8",
)
# Source: KDE PowerDevil and Xfce, org.freedesktop.PowerManagement.Inhibit.
_FREEDESKTOP: Final = (
    *_CALL,
    "org.freedesktop.PowerManagement.Inhibit",
    "--object-path",
    "/org/freedesktop/PowerManagement/Inhibit",
    "--method",
    "org.freedesktop.PowerManagement.Inhibit.HasInhibit",
)
_ACTIVE: Final = ("xprop", "-root", "_NET_ACTIVE_WINDOW")
_WINDOW: Final = re.compile(r"window id # (0x[0-9a-f]{1,16})")


class Presenting(StrEnum):
    """What is known."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not_known"
    # Nobody looks at this session now, or they have just begun with a new computer.
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Presentation:
    """What is known, and from what: `d-bus`, `x11`, `shell`, or nothing."""

    presenting: Presenting
    source: str = ""

    @property
    def word(self) -> str:
        """Both, as they go on record."""
        return f"{self.presenting}:{self.source}" if self.source else str(self.presenting)


def look_for_presentation(machine: Machine, environment: Mapping[str, str]) -> Presentation:
    """Ask the desktop of a session.

    Args:
        environment: of the session, with `DBUS_SESSION_BUS_ADDRESS` and `DISPLAY` where it has them.
    """
    heard = []
    if environment.get("DBUS_SESSION_BUS_ADDRESS") or environment.get("XDG_RUNTIME_DIR"):
        heard = [_truth(machine, command) for command in (_GNOME, _FREEDESKTOP)]
        if True in heard:
            return Presentation(Presenting.YES, "d-bus")
    # Under Wayland the windows of X alone are seen, so only a Yes is worth something there.
    is_full = _is_full_screen(machine) if environment.get("DISPLAY") else None
    if is_full:
        return Presentation(Presenting.YES, "x11")
    if is_full is False and environment.get("XDG_SESSION_TYPE") != "wayland":
        return Presentation(Presenting.NO, "x11")
    if False in heard:
        return Presentation(Presenting.NO, "d-bus")
    return Presentation(Presenting.NOT_KNOWN)


def _truth(machine: Machine, command: tuple[str, ...]) -> bool | None:
    said = machine.run(command, _SECONDS)
    return {"(true,)": True, "(false,)": False}.get(said.text.strip()) if said.is_good else None


def _is_full_screen(machine: Machine) -> bool | None:
    active = machine.run(_ACTIVE, _SECONDS)
    found = _WINDOW.search(active.text) if active.is_good else None
    if found is None:
        return None
    state = machine.run(("xprop", "-id", found[1], "_NET_WM_STATE"), _SECONDS)
    return "_NET_WM_STATE_FULLSCREEN" in state.text if state.is_good else None
