"""The helper in a person's session: shows what the service has to say, and takes back what the person answers.

It has no rights of its own. It shows nothing while somebody presents, as far as that can be known, never takes the
screen away, and says truthfully how a notice was shown; who has no helper is on record as not told.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from agent.endpoint.desktop import Desktop, desktop_of
from agent.endpoint.local_channel import LocalError, ask_service
from agent.endpoint.notice_texts import EndpointTexts, Words, endpoint_texts, units_of
from agent.endpoint.presentation import Presenting
from agent.endpoint.told_by_session import look_at_screen_lock, said_of
from collectors.machine import Machine

LOOK_SECONDS: Final = 10.0
# So long the question at sign-in is not put again when nobody has answered.
_ASK_AGAIN_SECONDS: Final = 600.0
_LOCK_SECONDS: Final = 900.0
_LEFT_ALONE: Final = frozenset({Presenting.YES, Presenting.AWAY})

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass
class Helper:
    """One session.

    Args:
        ask: asks the service.
        environment: of the session.
        terminal: prints a text where a terminal is there; None where there is none.
    """

    ask: Ask
    desktop: Desktop
    machine: Machine
    environment: Mapping[str, str]
    terminal: Callable[[str], object] | None = None
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    problem: str = ""
    _asked: dict[str, float] = field(default_factory=dict)
    _lock_at: float = float("-inf")

    @property
    def texts(self) -> EndpointTexts:
        """The words of this session's language."""
        return endpoint_texts(self.desktop.language)

    def run(self, stop: threading.Event) -> None:
        """Show what there is until `stop` is set; a service that is away comes back."""
        while not stop.is_set():
            self.look()
            stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Ask once, show what there is, and say what became of it."""
        try:
            work = self.ask({"ask": "work"})
            self.problem = ""
            for notice in work.get("notices", ()):
                self._show_medium(notice, work)
            if work.get("aup"):
                self._ask_rules(str(work["aup"]), str(work.get("link") or ""))
            self._tell_screen_lock()
        except LocalError as error:
            self.problem = str(error)

    def _show_medium(self, notice: Mapping[str, Any], work: Mapping[str, Any]) -> None:
        found = self.desktop.presentation()
        said = {"number": notice.get("number"), "presentation": found.word}
        if found.presenting is Presenting.YES:
            self.ask({"ask": "deferred", **said})
        if found.presenting in _LEFT_ALONE:
            return
        link, by = str(work.get("link") or ""), self._by(work.get("grace_seconds"))
        words, most = self.texts.medium(notice, link=link, by=by), self.desktop.most_units
        if most is not None and units_of(words.body) > most:
            # A click opens the link there.
            words = self.texts.medium(notice, link="", by=by).within(most)
        how = self._show(words, link)
        if how:
            self.ask({"ask": "shown", **said, "language": self.texts.language, "text": words.text, "how": how})

    def _tell_screen_lock(self) -> None:
        if self.monotonic() - self._lock_at >= _LOCK_SECONDS:
            finding = look_at_screen_lock(self.machine, self.environment)
            self.ask({"ask": "screen_lock", **said_of(finding)})
            self._lock_at = self.monotonic()

    def _by(self, grace_seconds: object) -> str:
        if not isinstance(grace_seconds, int | float) or grace_seconds < 60:
            return ""
        return datetime.fromtimestamp(self.wall() + grace_seconds).astimezone().strftime("%H:%M")

    def _ask_rules(self, version: str, link: str) -> None:
        asked_at = self._asked.get(version)
        if asked_at is not None and self.monotonic() - asked_at < _ASK_AGAIN_SECONDS:
            return
        if self.desktop.presentation().presenting in _LEFT_ALONE:
            return
        self._asked[version] = self.monotonic()
        words = self.texts.sign_in(version, link=link)

        def answered(accepted: bool) -> None:  # noqa: FBT001 -- an answer is one
            try:
                self.answer(version, accepted=accepted, how=self.desktop.name, words=words)
            except LocalError as error:
                self.problem = str(error)
            else:
                self._asked[version] = float("inf")

        if not self.desktop.ask(words, self.texts, answered) and self._show(_by_command(words), link):
            # There are no buttons here: once in a session will do.
            self._asked[version] = float("inf")

    def answer(self, version: str, *, accepted: bool, how: str, words: Words) -> dict[str, Any]:
        """Tell the service what a person answered to the rules.

        Raises:
            LocalError: it does not take it.
        """
        said = {"language": self.texts.language, "text": words.text, "how": how}
        return self.ask({"ask": "answer", "version": version, "accepted": accepted, **said})

    def _show(self, words: Words, link: str) -> str:
        """Show it, and say how; empty where there was no way."""
        if self.desktop.show(words, link=link):
            return self.desktop.name
        if self.terminal is not None:
            self.terminal(words.text)
            return "terminal"
        return ""


def _by_command(words: Words) -> Words:
    return Words(words.headline, f"{words.body}\nschoolgate endpoint sign-in --accept | --decline")


def helper_of(socket: Path, environment: Mapping[str, str]) -> Helper:
    """Give the helper of this session."""
    machine = Machine()
    return Helper(
        ask=lambda request: ask_service(socket, request),
        desktop=desktop_of(machine, environment),
        machine=machine,
        environment=environment,
        terminal=_print if sys.stdout is not None and sys.stdout.isatty() else None,
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
