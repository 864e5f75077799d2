"""The form for reports without a script: what was typed comes back with each fault, and nothing is done twice.

Each form has a number, by which it is known for a while.

It asks what `agent.observing.report_form` asks, and makes the same report.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from agent.block_page.asked_site import read_site
from agent.block_page.sent_forms import SentForm
from agent.incidents.incident_reports import Happened, Report
from agent.observing.report_form import (
    MAX_KEPT,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_WHO_CHARACTERS,
    About,
    Answers,
    Whom,
    report_of,
)
from agent.texts import Texts
from rules.observation import Place

# The longest text in letters that take most room, as a browser writes them, with the other fields.
MAX_FORM_OCTETS: Final = 96 * 1024
MAX_FIELDS: Final = 40
MAX_SITE_CHARACTERS: Final = 300
MAX_RECEIPT_CHARACTERS: Final = 40
MAX_NUMBER_CHARACTERS: Final = 60


class Wish(StrEnum):
    """What somebody wants who comes to the form from a blocked site."""

    TELL = "tell"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; every text is as somebody typed it, of a bounded length.

    `number` is that of the form, or empty. Where it `is_turned` it is only to be shown in another language.
    """

    wish: Wish = Wish.TELL
    site: str = ""
    about: str = ""
    whom: str = Whom.UNKNOWN
    who: str = ""
    happened: str = Happened.ACTUAL
    place: str = Place.UNKNOWN
    text: str = ""
    keeps: str = ""
    name: str = ""
    number: str = ""
    is_turned: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)


def typed_before(query: Mapping[str, str]) -> Typed:
    """Fill the form in with what a link says; a name that is none is left out."""
    site = read_site(query.get("site", ""))
    about = query.get("about", "")
    return Typed(
        wish=Wish.OPEN if query.get("wish") == Wish.OPEN else Wish.TELL,
        site="" if site is None else site.shown,
        about=about if about in tuple(About) else "",
    )


def read_typed(body: bytes) -> Typed:
    """Read what a browser sent.

    Raises:
        ValueError: it has too many fields.
    """
    text = body.decode("utf-8", "replace")
    pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=MAX_FIELDS)
    found = {name: value.replace("\r\n", "\n") for name, value in pairs}

    def taken(name: str, most: int) -> str:
        # One more than may be, so that what is too long is seen to be.
        return found.get(name, "")[: most + 1]

    return Typed(
        wish=Wish.OPEN if found.get("wish") == Wish.OPEN else Wish.TELL,
        site=taken("site", MAX_SITE_CHARACTERS),
        about=taken("about", 20),
        whom=taken("whom", 20) or Whom.UNKNOWN,
        who=taken("who", MAX_WHO_CHARACTERS),
        happened=taken("happened", 20) or Happened.ACTUAL,
        place=taken("place", 20) or Place.UNKNOWN,
        # As much as was sent: who wrote too much loses nothing of it.
        text=found.get("text", ""),
        keeps=taken("keeps", (MAX_NAME_CHARACTERS + 1) * MAX_KEPT),
        name=taken("name", MAX_NAME_CHARACTERS),
        number=found.get("form_number", "")[:MAX_NUMBER_CHARACTERS],
        is_turned="turn" in found,
    )


def sent_form(typed: Typed) -> SentForm:
    """Give the number of a form, with a digest of what was typed."""
    words = astuple(replace(typed, number="", faults={}))
    return SentForm(typed.number, sha256(repr(words).encode()).digest())


def read_receipt(body: bytes) -> str:
    """Read the number of a receipt that a browser sent."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
    return dict(pairs).get("receipt", "").strip()[:MAX_RECEIPT_CHARACTERS]


def find_faults(typed: Typed, texts: Texts) -> dict[str, str]:
    """Give a sentence for each field that cannot be taken as it is."""
    _ = texts.gettext
    faults = {}
    if typed.wish is Wish.TELL and typed.about not in tuple(About):
        faults["about"] = _("Please choose what it is about.")
    if not any(character.isalpha() for character in typed.text):
        faults["text"] = _("Please write a few words, as you would say them.")
    elif len(typed.text) > MAX_TEXT_CHARACTERS:
        faults["text"] = _too_long(texts, len(typed.text), MAX_TEXT_CHARACTERS)
    elif not _is_plain(typed.text):
        faults["text"] = _("There is a character in it that cannot be kept. Please write with letters.")
    lengths = (("who", MAX_WHO_CHARACTERS), ("name", MAX_NAME_CHARACTERS), ("site", MAX_SITE_CHARACTERS))
    for name, most in lengths:
        if len(getattr(typed, name)) > most:
            faults[name] = _too_long(texts, len(getattr(typed, name)), most)
        elif not _is_plain(getattr(typed, name)):
            faults[name] = _("There is a character in it that cannot be kept. Please write with letters.")
    kept = _kept(typed)
    if len(kept) > MAX_KEPT or any(not _is_file_name(each) for each in kept):
        faults["keeps"] = _("Please write only what it is called, such as picture.png, and at most five of them.")
    return faults


def _too_long(texts: Texts, found: int, most: int) -> str:
    sentence = texts.gettext("That is %(found)d characters long. Please make it shorter: at most %(most)d.")
    return sentence % {"found": found, "most": most}


def _is_plain(text: str) -> bool:
    return all(character >= " " or character in "\n\t" for character in text) and "\x7f" not in text


def _is_file_name(text: str) -> bool:
    return (
        len(text) <= MAX_NAME_CHARACTERS and text.isprintable() and not {"/", "\\"} & set(text) and ".." not in text
    )


def _kept(typed: Typed) -> tuple[str, ...]:
    return tuple(line.strip() for line in typed.keeps.split("\n") if line.strip())


def made_report(typed: Typed, texts: Texts) -> Report:
    """Make the report of a form without faults; whoever wrote it says no more of themselves than they wrote.

    Args:
        texts: the language of those who read it.

    Raises:
        RefusedRequestError: it says nothing.
    """
    _ = texts.gettext
    answers = Answers(
        about=About.OTHER if typed.wish is Wish.OPEN else About(typed.about),
        text=typed.text,
        whom=Whom(typed.whom) if typed.whom in tuple(Whom) else Whom.UNKNOWN,
        who=typed.who,
        happened=Happened(typed.happened) if typed.happened in tuple(Happened) else Happened.ACTUAL,
        place=Place(typed.place) if typed.place in tuple(Place) else Place.UNKNOWN,
        keeps=_kept(typed),
        name=typed.name,
    )
    made = report_of(answers, texts, is_anonymous=True)
    site = " ".join(typed.site.split())
    if not site:
        return made
    line = _("Should be open: %(site)s") if typed.wish is Wish.OPEN else _("The site that it is about: %(site)s")
    return replace(made, text=f"{made.text}\n\n{line % {'site': site}}")
