"""What shows something to a person in their session; on Linux and macOS by programs that their desktops bring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final, Protocol

from agent.endpoint.notice_texts import EndpointTexts, Words, language_of
from agent.endpoint.presentation import Presentation, look_for_presentation
from collectors.machine import Machine

_SHOW_SECONDS: Final = 5.0
# So long the question at sign-in stays.
_ANSWER_SECONDS: Final = 45.0
_NOTIFY: Final = ("notify-send", "--app-name=Schoolgate", "--urgency=normal")
_MACOS: Final = "display notification (item 2 of argv) with title (item 1 of argv)"


class Desktop(Protocol):
    """The desktop of one session; it never takes the screen away from what is on it."""

    @property
    def name(self) -> str:
        """By what it shows something, as that goes on record."""

    @property
    def language(self) -> str:
        """The language of the session, of those that we have."""

    @property
    def most_units(self) -> int | None:
        """How many UTF-16 units of a text it shows; None where it shows all."""

    def presentation(self) -> Presentation:
        """Say whether somebody presents, or is away."""

    def show(self, words: Words, *, link: str) -> bool:
        """Show something and say whether that could be done; a click opens the link, where clicks are heard.

        Args:
            link: a page of the web; may be empty.
        """

    def ask(self, words: Words, texts: EndpointTexts, then: Callable[[bool], None]) -> bool:
        """Ask for Yes or No, and say whether that could be done.

        Args:
            then: takes the answer, perhaps later and on another thread; never called where nobody answers.
        """


@dataclass(frozen=True)
class ProgramsDesktop:
    """notify-send, or osascript on macOS.

    Args:
        environment: of the session.
    """

    machine: Machine
    environment: Mapping[str, str]
    most_units: int | None = None

    @property
    def name(self) -> str:
        """By what it shows something."""
        return "osascript" if self.machine.platform == "darwin" else "notify-send"

    @property
    def language(self) -> str:
        """The language of the session."""
        return language_of(self.environment)

    def presentation(self) -> Presentation:
        """Say whether somebody presents."""
        return look_for_presentation(self.machine, self.environment)

    def show(self, words: Words, *, link: str) -> bool:  # noqa: ARG002 -- the link stands in the words
        """Show something."""
        if self.machine.platform == "darwin":
            command: tuple[str, ...] = (
                *("osascript", "-e", "on run argv", "-e", _MACOS, "-e", "end run"),
                *(words.headline, words.body),
            )
        else:
            command = (*_NOTIFY, "--expire-time=60000", "--", *_marked(words))
        return self.machine.run(command, _SHOW_SECONDS).is_good

    def ask(self, words: Words, texts: EndpointTexts, then: Callable[[bool], None]) -> bool:
        """Ask by two buttons."""
        buttons = (f"--action=accept={texts.accept}", f"--action=decline={texts.decline}")
        said = self.machine.run((*_NOTIFY, *buttons, "--wait", "--", *_marked(words)), _ANSWER_SECONDS)
        answer = said.text.strip() if said.is_good else ""
        if answer in {"accept", "decline"}:
            then(answer == "accept")
        # It waits for an answer: what took too long was there to be answered.
        return said.is_good or said.is_late


def desktop_of(machine: Machine, environment: Mapping[str, str]) -> Desktop:
    """Give the desktop of this session."""
    if machine.platform == "win32":
        from agent.endpoint.windows_api import this_windows  # noqa: PLC0415 -- what another system never needs
        from agent.endpoint.windows_desktop import WindowsDesktop  # noqa: PLC0415

        return WindowsDesktop(this_windows())
    return ProgramsDesktop(machine, environment)


def _marked(words: Words) -> tuple[str, str]:
    """Give a text for a desktop that reads some HTML in it. Source: Desktop Notifications Specification, Markup."""
    return words.headline, escape(words.body, quote=False)
