"""What people at a laptop read, in their own language: the notice of a medium, and the rules at sign-in.

The catalogue is the one of the whole product, read here without Babel, which a laptop does not have.
"""

import ast
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("en", "fr", "nl", "ja")
_LABEL_CHARACTERS: Final = 40
# Characters that draw nothing themselves but change what is around them, or end the line.
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
_ENTRY: Final = re.compile(r'^(msgid_plural|msgid|msgstr(?:\[\d+\])?|msgctxt) (".*")$')


@dataclass(frozen=True, slots=True)
class Words:
    """What is shown: a headline and a few sentences."""

    headline: str
    body: str

    @property
    def text(self) -> str:
        """Both, as they go on record."""
        return f"{self.headline}\n{self.body}"

    def within(self, most: int) -> "Words":
        """Give it with as many of its sentences, from the first, as fit; the first in any case.

        Args:
            most: UTF-16 units of the body.
        """
        sentences = self.body.split("\n")
        while len(sentences) > 1 and units_of("\n".join(sentences)) > most:
            sentences.pop()
        return Words(self.headline, "\n".join(sentences))


class EndpointTexts:
    """The words of one language; a message that it lacks comes out in English."""

    def __init__(self, language: str, messages: Mapping[str, str]) -> None:
        self.language = language
        self._messages = messages

    def gettext(self, message: str) -> str:
        """Give a message in this language."""
        return self._messages.get(message) or message

    def medium(self, facts: Mapping[str, Any], *, link: str, by: str) -> Words:
        """Word the notice of a medium that is not encrypted: no blame, no names of files, and what to do.

        Args:
            facts: its `label`, `bus` and `crypt`.
            link: the page of the school; may be empty.
            by: the time of day until which there is time; may be empty.
        """
        _ = self.gettext
        label = neutral(str(facts.get("label") or ""))
        is_stick = facts.get("bus") == "usb"
        if label and is_stick:
            first = _("The USB stick %(label)s is not encrypted. Please do not store pupil information on it.")
        elif label:
            first = _("The medium %(label)s is not encrypted. Please do not store pupil information on it.")
        elif is_stick:
            first = _("A USB stick is not encrypted. Please do not store pupil information on it.")
        else:
            first = _("A medium is not encrypted. Please do not store pupil information on it.")
        sentences = [first % {"label": label}]
        if by:
            sentences.append(_("There is time until %(time)s to take it out.") % {"time": by})
        if link:
            sentences.append(_("How to encrypt it: %(link)s") % {"link": link})
        sentences.append(
            _("If it has to stay as it is, ask for an exception: %(command)s") % {"command": EXCEPTION_COMMAND}
        )
        return Words(_("This medium is not encrypted"), "\n".join(sentences))

    def sign_in(self, version: str, *, link: str) -> Words:
        """Word what is asked of whoever signs in."""
        _ = self.gettext
        sentences = [
            _("The rules of your school for computers and the internet hold here (version %(version)s).")
            % {"version": neutral(version)}
        ]
        if link:
            sentences.append(_("You can read them here: %(link)s") % {"link": link})
        sentences.append(_("Your answer is recorded. If you decline, please speak to your school before you go on."))
        return Words(_("Do you accept the rules?"), "\n".join(sentences))

    @property
    def accept(self) -> str:
        """What a person presses to accept."""
        _ = self.gettext
        return _("I accept")

    @property
    def decline(self) -> str:
        """What a person presses to decline."""
        _ = self.gettext
        return _("I decline")


EXCEPTION_COMMAND: Final = "schoolgate endpoint exception"


def units_of(text: str) -> int:
    """Give how many UTF-16 units a text has."""
    return len(text.encode("utf-16-le", "replace")) // 2


def neutral(text: str) -> str:
    """Give what a stranger may have written so that it changes nothing around it."""
    shown = "".join(" " if unicodedata.category(each) in _DROPPED else each for each in text)
    short = " ".join(shown.split())[:_LABEL_CHARACTERS]
    if any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for each in short):
        # FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE keep its direction to itself (UAX 9).
        return f"\u2068{short}\u2069"
    return short


def language_of(environment: Mapping[str, str]) -> str:
    """Give the language of a person's session, of those that we have. Source: gettext(1), the order of variables."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for value in environment.get(name, "").split(":"):
            language = re.split(r"[_.@-]", value.lower())[0]
            if language in LANGUAGES:
                return language
    return "en"


@cache
def endpoint_texts(language: str) -> EndpointTexts:
    """Load the words of a language; English for one that we do not have."""
    if language not in LANGUAGES or language == "en":
        return EndpointTexts("en", {})
    file = files("agent") / "locale" / language / "schoolgate.po"
    return EndpointTexts(language, parse_po(file.read_text(encoding="utf-8")))


def parse_po(text: str) -> dict[str, str]:
    """Read the messages of a catalogue that have one form; what is fuzzy, obsolete or has several is left out."""
    messages: dict[str, str] = {}
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#,") and "fuzzy" in line:
                fields = {"msgctxt": ""}
            elif found := _ENTRY.match(line):
                name = found[1]
                fields[name] = _string(found[2])
            elif line.startswith('"') and name:
                fields[name] += _string(line)
        if fields.keys() == {"msgid", "msgstr"} and fields["msgid"] and fields["msgstr"]:
            messages[fields["msgid"]] = fields["msgstr"]
    return messages


def _string(quoted: str) -> str:
    """Read a string as C and Python write it."""
    value = ast.literal_eval(quoted)
    assert isinstance(value, str)
    return value
