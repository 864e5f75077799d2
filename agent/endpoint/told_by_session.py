"""What only a person's own session can see of a laptop's protection: whether its screen locks by itself.

The helper looks and the service takes its word, for as long as the session has told it lately. It is the word of a
program that its user could change, and the evidence says so.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.endpoint.notice import bounded
from collectors.linux_posture import UserSession
from collectors.linux_posture import screen_lock as linux_screen_lock
from collectors.machine import Machine
from collectors.observed import JSON
from collectors.posture import Check, Finding, Look, State, unknown
from collectors.probe import reason_of
from collectors.volume import Evidence

# A helper looks more often than that.
HOLDS_SECONDS: Final = 3600.0
_EVIDENCES: Final = 8
_LONGEST_DELAY: Final = 10 * 86_400


def look_at_screen_lock(machine: Machine, environment: Mapping[str, str]) -> Finding:
    """Look from within a session."""
    try:
        if machine.platform == "darwin":
            from collectors.macos_posture import screen_lock  # noqa: PLC0415 -- what another system never needs

            return screen_lock(machine, in_session=True)
        if sys.platform == "win32":
            from collectors.windows_posture import screen_lock as windows_screen_lock  # noqa: PLC0415
            from collectors.windows_settings import ThisWindows  # noqa: PLC0415

            return windows_screen_lock(ThisWindows(), in_session=True)
        home, desktop = environment.get("HOME", ""), environment.get("XDG_CURRENT_DESKTOP", "")
        return linux_screen_lock(machine, UserSession(home, desktop))
    except (OSError, ValueError) as error:
        return unknown(Check.SCREEN_LOCK, reason_of(error))


def said_of(finding: Finding) -> dict[str, JSON]:
    """Give a finding as a helper says it."""
    return {
        "state": str(finding.state),
        "why": finding.why,
        "delay_seconds": finding.details.get("delay_seconds"),
        "evidence": [[one.source, one.value] for one in finding.evidence[:_EVIDENCES]],
    }


def finding_of(said: Mapping[str, Any]) -> Finding:
    """Read what a helper said; what cannot be read is UNKNOWN."""
    try:
        state = State(str(said.get("state")))
    except ValueError:
        return unknown(Check.SCREEN_LOCK, "not_understood")
    delay = said.get("delay_seconds")
    is_delay = isinstance(delay, int) and not isinstance(delay, bool) and 0 <= delay <= _LONGEST_DELAY
    pieces = said.get("evidence")
    evidence = tuple(
        Evidence(f"session.{bounded(piece[0], 40)}", bounded(piece[1], 100))
        for piece in (pieces if isinstance(pieces, list) else [])[:_EVIDENCES]
        if isinstance(piece, list) and len(piece) == 2
    )
    details: dict[str, JSON] = {"delay_seconds": delay} if is_delay else {}
    return Finding(Check.SCREEN_LOCK, state, evidence, bounded(said.get("why"), 40), details)


class ToldBySession:
    """The screen lock as the sessions of this laptop last told it; of several the worst counts."""

    def __init__(self, otherwise: Look, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._otherwise = otherwise
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._told: dict[int | str, tuple[Finding, float]] = {}

    def note(self, number: int | str, finding: Finding) -> None:
        """Take in what the helper of an account says."""
        with self._guard:
            self._told[number] = finding, self._monotonic()

    def look(self) -> Finding:
        """Give what holds; what the service sees by itself where no session told anything lately."""
        now = self._monotonic()
        with self._guard:
            self._told = {who: (each, at) for who, (each, at) in self._told.items() if now - at < HOLDS_SECONDS}
            known = [finding for finding, _ in self._told.values() if finding.state is not State.UNKNOWN]
            any_word = [finding for finding, _ in self._told.values()]
        if not known:
            return replace(any_word[0], details={}) if any_word else self._otherwise()
        return next((each for each in known if each.state is not State.ON), known[0])
