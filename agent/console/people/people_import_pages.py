"""People from a file: what it would change is looked at, and then exactly that is done."""

import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from starlette.responses import Response

from agent.api import people_routes
from agent.api.people_schemas import MAX_FILE_CHARACTERS, ChangesTold, RosterApplied, RosterAsked
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build

# A file in base64 is a third longer.
MAX_OCTETS: Final = MAX_FILE_CHARACTERS // 4 * 3
MAX_LINES: Final = 1_000
_FORMATS: Final = ("csv", "oneroster", "site")
_KEPT: Final = timedelta(minutes=30)
_MOST_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file that somebody looks at, and since when."""

    asked: RosterAsked
    at: datetime


class Shelf:
    """Files between the look at them and the doing, one for each person, a few at most and for half an hour.

    What is done is done by the digest of what was looked at, so that another file in its place changes nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, str], _Kept] = OrderedDict()

    def put(self, page: Page, asked: RosterAsked) -> None:
        """Keep the file of somebody in place of the one before."""
        with self._lock:
            self._forget(page.now)
            self._kept.pop(self._key(page), None)
            self._kept[self._key(page)] = _Kept(asked, page.now)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def get(self, page: Page) -> RosterAsked | None:
        """Give the file of somebody, None where it is not kept any more."""
        with self._lock:
            self._forget(page.now)
            kept = self._kept.get(self._key(page))
        return None if kept is None else kept.asked

    def drop(self, page: Page) -> None:
        """Forget the file of somebody."""
        with self._lock:
            self._kept.pop(self._key(page), None)

    def _forget(self, now: datetime) -> None:
        for key in [key for key, kept in self._kept.items() if not kept.at <= now < kept.at + _KEPT]:
            del self._kept[key]

    @staticmethod
    def _key(page: Page) -> tuple[Path, str]:
        return page.parts.store.path, page.person


def add_people_import_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    shelf = Shelf()
    pages.get("/people/import", show_form)
    pages.post("/people/import", _preview_onto(shelf), form=show_form)
    pages.post("/people/import/apply", _apply_from(shelf), form=show_form)


def show_form(page: Page) -> Response:
    """Ask for a file."""
    told = page.told({"done": page.texts.gettext("Done, exactly as it was shown.")})
    return page.render("people/import.html", told=told, most_megabytes=MAX_OCTETS >> 20)


def _preview_onto(shelf: Shelf) -> Callable[[Page], Response]:
    def preview(page: Page) -> Response:
        """Show what a file would change; nothing is stored."""
        asked = _asked(page)
        changes = people_routes.preview_import(asked, page.parts)
        shelf.put(page, asked)
        return page.render("people/preview.html", changes=changes, lines=_lines(changes), hidden=_hidden(changes))

    return preview


def _apply_from(shelf: Shelf) -> Callable[[Page], Response]:
    def apply(page: Page) -> Response:
        """Do what was shown."""
        asked = shelf.get(page)
        if asked is None:
            raise TypedError({"file": page.texts.gettext("The file is not kept any more; please choose it again.")})
        people_routes.apply_import(
            build(RosterApplied, **asked.model_dump(), digest=page.typed.get("digest")), page.call
        )
        shelf.drop(page)
        return page.go("/people/import", told="done")

    return apply


def _asked(page: Page) -> RosterAsked:
    """Read the form.

    Raises:
        TypedError: no file, or one that cannot be it.
    """
    typed, _ = page.typed, page.texts.gettext
    style, octets = typed.get("format"), typed.files.get("file", b"")
    if style not in _FORMATS:
        raise TypedError({"format": _("Please choose what kind of file it is.")})
    if style == "site":
        return build(RosterAsked, format=style)
    if not octets:
        raise TypedError({"file": _("There is no file, or nothing is in it.")})
    if len(octets) > MAX_OCTETS:
        most = _("The file is too large; expected at most %(most)d MB.") % {"most": MAX_OCTETS >> 20}
        raise TypedError({"file": most})
    if style == "oneroster":
        return build(RosterAsked, format=style, content=b64encode(octets).decode(), school=typed.get("school"))
    try:
        return build(RosterAsked, format=style, content=octets.decode("utf-8-sig"))
    except UnicodeDecodeError:
        fault = _("This is no text in UTF-8; expected a CSV file that was saved as UTF-8.")
        raise TypedError({"file": fault}) from None


def _lines(changes: ChangesTold) -> list[tuple[str, str]]:
    """Give the changes one by one: `+` is new, `~` is changed, `-` leaves, and what it is about."""
    return [(line[:1], line[2:]) for line in changes.lines[:MAX_LINES]]


def _hidden(changes: ChangesTold) -> int:
    return max(len(changes.lines) - MAX_LINES, 0)
