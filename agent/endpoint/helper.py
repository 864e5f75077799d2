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
from html import escape
from pathlib import Path
from typing import Any, Final

from agent.endpoint.local_socket import LocalError, ask_service
from agent.endpoint.notice_texts import EndpointTexts, Words, endpoint_texts, language_of
from agent.endpoint.presentation import Presenting, look_for_presentation
from agent.endpoint.told_by_session import look_at_screen_lock, said_of
from collectors.machine import Machine

LOOK_SECONDS: Final = 10.0
_SHOW_SECONDS: Final = 5.0
# So long the question at sign-in stays, and so long it is not put again when nobody has answered.
_ANSWER_SECONDS: Final = 45.0
_ASK_AGAIN_SECONDS: Final = 600.0
_LOCK_SECONDS: Final = 900.0
_NOTIFY: Final = ("notify-send", "--app-name=Schoolgate", "--urgency=normal")
_MACOS: Final = "display notification (item 2 of argv) with title (item 1 of argv)"

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
        return endpoint_texts(language_of(self.environment))

    def run(self, stop: threading.Event) -> None:
        """Show what there is until `stop` is set; a service that is away comes back."""
        while not stop.is_set():
            self.look()
            stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Ask once, show what there is, and say what became of it."""
        try:
            work = self.ask({"ask": "work"})
            for notice in work.get("notices", ()):
                self._show_medium(notice, work)
            if work.get("aup"):
                self._ask_rules(str(work["aup"]), str(work.get("link") or ""))
            self._tell_screen_lock()
            self.problem = ""
        except LocalError as error:
            self.problem = str(error)

    def _show_medium(self, notice: Mapping[str, Any], work: Mapping[str, Any]) -> None:
        found = look_for_presentation(self.machine, self.environment)
        said = {"number": notice.get("number"), "presentation": found.word}
        if found.presenting is Presenting.YES:
            self.ask({"ask": "deferred", **said})
            return
        words = self.texts.medium(notice, link=str(work.get("link") or ""), by=self._by(work.get("grace_seconds")))
        how = self._show(words)
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
        if look_for_presentation(self.machine, self.environment).presenting is Presenting.YES:
            return
        self._asked[version] = self.monotonic()
        texts, words = self.texts, self.texts.sign_in(version, link=link)
        buttons = (f"--action=accept={texts.accept}", f"--action=decline={texts.decline}")
        said = self.machine.run((*_NOTIFY, *buttons, "--wait", "--", *_marked(words)), _ANSWER_SECONDS)
        answer = said.text.strip() if said.is_good else ""
        if answer in {"accept", "decline"}:
            # Whoever declined is asked again at the next sign-in.
            self._asked[version] = float("inf")
            self.answer(version, accepted=answer == "accept", how="notify-send", words=words)
        elif not said.is_good and self.terminal is not None:
            self.terminal(f"{words.text}\nschoolgate endpoint sign-in --accept | --decline")

    def answer(self, version: str, *, accepted: bool, how: str, words: Words) -> dict[str, Any]:
        """Tell the service what a person answered to the rules.

        Raises:
            LocalError: it does not take it.
        """
        said = {"language": self.texts.language, "text": words.text, "how": how}
        return self.ask({"ask": "answer", "version": version, "accepted": accepted, **said})

    def _show(self, words: Words) -> str:
        """Show it, and say how; empty where there was no way."""
        if self.machine.platform == "darwin":
            command: tuple[str, ...] = (
                *("osascript", "-e", "on run argv", "-e", _MACOS, "-e", "end run"),
                *(words.headline, words.body),
            )
        else:
            command = (*_NOTIFY, "--expire-time=60000", "--", *_marked(words))
        if self.machine.run(command, _SHOW_SECONDS).is_good:
            return command[0]
        if self.terminal is not None:
            self.terminal(words.text)
            return "terminal"
        return ""


def _marked(words: Words) -> tuple[str, str]:
    """Give a text for a desktop that reads some HTML in it. Source: Desktop Notifications Specification, Markup."""
    return words.headline, escape(words.body, quote=False)


def helper_of(socket: Path, environment: Mapping[str, str]) -> Helper:
    """Give the helper of this session."""
    return Helper(
        ask=lambda request: ask_service(socket, request),
        machine=Machine(),
        environment=environment,
        terminal=_print if sys.stdout is not None and sys.stdout.isatty() else None,
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
