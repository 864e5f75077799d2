"""What media registers keep of somebody who asks for it to go: looked at, and erased as far as it is over."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from agent.api import media_routes
from agent.api.media_schemas import MediaErasureAsked, MediaErasureTold
from agent.api.parts import names_of
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.person_named import person_named
from agent.console.registers.record_words import kind_words
from agent.console.typed import Typed, TypedError, build
from agent.fleet.media_desk import SYSTEM
from agent.people.attempts import UnknownIdError, check_version
from agent.storage.media_erasure import Thing, counts_about, read_erasures, read_over
from agent.texts import Texts

_MOST_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept about somebody: of each kind how much is over, and how much is not."""

    id: str
    name: str
    rows: tuple[tuple[str, int, int], ...]

    @property
    def over(self) -> int:
        """How many things are over, and can go."""
        return sum(over for _, over, _ in self.rows)

    @property
    def rest(self) -> int:
        """How many things stay."""
        return sum(rest for _, _, rest in self.rows)


def add_media_erasure_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/media/erasures", show_erasures)
    pages.post("/media/erasures/look", look, form=show_erasures)
    pages.post("/media/erasures", erase, form=show_erasures, is_kept=True)


def show_erasures(page: Page) -> Response:
    """Show what was erased, and ask whom it is about; where an erasure was refused, show again what is kept."""
    kept = _kept(page, page.typed.get("about")) if page.typed.get("about") else None
    return _shown(page, kept)


def look(page: Page) -> Response:
    """Show what is kept about whom a form names.

    Raises:
        TypedError: it names nobody.
    """
    about = page.typed.get("about") or person_named(page, "person")
    if about is None:
        raise TypedError({"person": "Something is missing here."})
    kept = _kept(page, about)
    if kept is None:
        raise UnknownIdError("Nobody at this school is known by that id.")
    page.typed = Typed()
    return _shown(page, kept)


def erase(page: Page) -> Response:
    """Erase what is over about somebody.

    Raises:
        ConflictError: something ended, or was erased, since they looked.
    """
    about = page.typed.get("about")
    kept = _kept(page, about)
    check_version(kept.over if kept else 0, page.typed.version())
    told = media_routes.erase(build(MediaErasureAsked, person=about, reason=page.typed.get("reason")), page.call)
    page.typed = Typed()
    return _shown(page, _kept(page, about), told)


def _shown(page: Page, kept: Kept | None, told: MediaErasureTold | None = None) -> Response:
    with page.parts.store.read() as database:
        done = _erasures(database, page)
    return page.render(
        "media/erasures.html", kept=kept, done=done, most=_MOST_ROWS, told=_told(told, page.texts) if told else ""
    )


def _kept(page: Page, about: str) -> Kept | None:
    person = page.parts.people.get(about)
    if person is None:
        return None
    with page.parts.store.read() as database:
        counts = counts_about(database, about)
        over = {thing: len(read_over(database, thing, person=about)) for thing in Thing}
    words = thing_words(page.texts)
    rows = tuple((words[each], over[each], counts[each] - over[each]) for each in words)
    return Kept(person.id, person.name, rows)


def thing_words(texts: Texts) -> dict[Thing, str]:
    """Name what media registers keep."""
    _ = texts.gettext
    return {
        Thing.MEDIUM: _("Media on the list"),
        Thing.SIGN_OUT: _("Permits to take media"),
        Thing.EXCEPTION: _("Exceptions for media"),
        Thing.REPORT: _("Reports of losses"),
    }


def _erasures(database: sqlite3.Connection, page: Page) -> list[dict[str, Any]]:
    """Read from the record what was erased, by whom and on what ground, the newest first; not about whom it was."""
    rows = read_erasures(database, limit=_MOST_ROWS)
    names = names_of(database, {row["actor"] for row in rows})
    _ = page.texts.gettext
    return [
        {
            "at": datetime.fromisoformat(row["at"]),
            "what": kind_words(row["kind"], page.texts),
            "subject": row["subject"],
            "by": _("the gateway") if row["actor"] == SYSTEM else names[row["actor"]],
            "ground": _("the time for which it is kept is over")
            if row["actor"] == SYSTEM
            else json.loads(row["facts"]).get("reason", ""),
        }
        for row in rows
    ]


def _told(told: MediaErasureTold, texts: Texts) -> str:
    if not told.erased:
        return texts.gettext("There was nothing that is over, so nothing was erased.")
    words = texts.ngettext("%(number)d thing was erased.", "%(number)d things were erased.", told.erased)
    return words % {"number": told.erased}
