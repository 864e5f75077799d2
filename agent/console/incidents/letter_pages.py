"""Letters about an incident: drafted for a purpose, read by a person, printed, and marked as sent."""

from functools import partial
from typing import Any, Final
from unicodedata import east_asian_width

from starlette.responses import Response

from agent.api import incident_work_routes as routes
from agent.api.incident_looks import Look
from agent.api.incident_routes import may_know
from agent.api.incident_work_schemas import LetterAsked, LetterSentAsked, LetterTold
from agent.api.parts import names_of
from agent.console.incidents.case_words import CaseWords
from agent.console.incidents.incident_view import case_of
from agent.console.once import Once
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import build
from agent.page_language import NAMES
from agent.people.attempts import UnknownIdError
from agent.storage.letter_rows import Letter, LetterKind

# A line of a template that is so wide, in columns, was wrapped there; shorter ones end where they end.
_WRAPPED_FROM: Final = 80
_WIDE: Final = frozenset({"W", "F"})


def add_letter_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/incidents/{id}/letters", show_letters)
    pages.post("/incidents/{id}/letters", partial(draft, Once[str]()), form=show_letters)
    pages.get("/incidents/{id}/letters/{letter}", ask_letter)
    pages.post("/incidents/{id}/letters/{letter}", show_letter, form=ask_letter)
    pages.get("/incidents/{id}/letters/{letter}/sent", show_letters)
    pages.post("/incidents/{id}/letters/{letter}/sent", note_sent, form=show_letters)


def show_letters(page: Page) -> Response:
    """List the letters without their text, and ask for another."""
    found = page.parts.incidents.letters.of(page.person, page.named("id"))
    with page.parts.store.read() as database:
        names = names_of(database, [each.made_by for each in found])
    words, language = CaseWords(page.texts), page.texts.language
    return page.render(
        "incident/letters.html",
        **_head(page),
        letters=[(each, names[each.made_by]) for each in found],
        kinds=[(kind.value, words.letter(kind)) for kind in LetterKind],
        letter_languages=list(NAMES.items()),
        chosen=page.parts.incidents.desk.site().school.language.partition("-")[0] or language,
        told=page.told({"sent": page.texts.gettext("It is on record that the letter was sent.")}),
    )


def _head(page: Page) -> dict[str, Any]:
    return {
        "id": page.named("id"),
        "case": case_of(page),
        "words": CaseWords(page.texts),
        "is_reader": may_know(page.parts, page.person, page.named("id")),
    }


def draft(once: Once[str], page: Page) -> Response:
    """Draft a letter, and show it; sent again it is the same letter, read again for the same purpose."""
    meeting_at = page.typed.moment("meeting_at")
    asked = build(
        LetterAsked,
        kind=page.typed.get("kind"),
        language=page.typed.get("language"),
        meeting_at=None if meeting_at is None else meeting_at.isoformat(),
        purpose=page.typed.get("purpose"),
        case=case_of(page),
    )
    drafted: list[LetterTold] = []

    def make() -> str:
        drafted.append(routes.draft_letter(page.named("id"), asked, page.call))
        return drafted[0].id

    letter, is_new = once.do(page, make)
    return _show(page, drafted[0] if is_new else _read(page, letter))


def ask_letter(page: Page) -> Response:
    """Ask why somebody reads a letter."""
    return page.render("incident/ask_letter.html", **_head(page), letter=_listed(page))


def show_letter(page: Page) -> Response:
    """Show a letter with its text, to be printed."""
    _listed(page)
    return _show(page, _read(page, page.named("letter")))


def _read(page: Page, letter: str) -> LetterTold:
    look = Look(page.typed.get("purpose"), case_of(page))
    return routes.show_letter(letter, look, page.call)


def _show(page: Page, letter: LetterTold) -> Response:
    today = page.parts.incidents.desk.day_of(page.now)
    return page.render(
        "incident/letter.html",
        **_head(page),
        letter=letter,
        paragraphs=paragraphs_of(letter.text or ""),
        kind=LetterKind(letter.kind),
        today=today,
    )


def paragraphs_of(text: str) -> list[str]:
    """Give the paragraphs of a letter for paper of any width: a line that a template only wrapped goes on.

    The head of the letter keeps its lines.
    """
    head, *rest = text.strip().split("\n\n")
    return [head, *map(_unwrapped, rest)]


def _unwrapped(paragraph: str) -> str:
    written = was = ""
    for line in paragraph.split("\n"):
        if not was:
            written = line
        elif sum(1 + (east_asian_width(each) in _WIDE) for each in was) < _WRAPPED_FROM:
            written += f"\n{line}"
        else:
            written += line if east_asian_width(was[-1]) in _WIDE else f" {line}"
        was = line
    return written


def note_sent(page: Page) -> Response:
    """Say on which day a letter was sent."""
    _listed(page)
    routes.note_sent(page.named("letter"), build(LetterSentAsked, on=page.typed.get("on") or None), page.call)
    return page.go(f"/incidents/{page.named('id')}/letters", told="sent")


def _listed(page: Page) -> Letter:
    """Find a letter among those of the incident of the address.

    Raises:
        UnknownIdError: there is none that whoever asks may read.
    """
    found = page.parts.incidents.letters.of(page.person, page.named("id"))
    letter = next((each for each in found if each.id == page.named("letter")), None)
    if letter is None:
        raise UnknownIdError("There is no letter with that id that you may read.")
    return letter
