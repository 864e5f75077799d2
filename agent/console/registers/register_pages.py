"""Registers as pages: which there are, and each of them a part at a time, for a purpose that goes on record."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from agent.api import register_routes
from agent.api.paging import USUAL, read_cursor, write_cursor
from agent.api.parts import Parts, names_of
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.registers.register_period import (
    EVERYTHING,
    OWN_DAYS,
    Days,
    choices_of_period,
    days_of,
    spell_days,
)
from agent.console.registers.register_words import (
    KINDS,
    CellWords,
    column_words,
    sentence_of_register,
    state_of_request,
    title_of_register,
)
from agent.incidents.incident_access import MAX_PURPOSE_CHARACTERS
from agent.incidents.incident_registers import Register
from agent.incidents.register_parts import MAX_ROWS, Key, part_of_days
from agent.people.confirmations import read_unconfirmed_people
from rules.roles import Right

_AFTER_BOTH: Final = (str, str)
_AFTER_NUMBER: Final = (int,)
# What the key of a row is made of.
_SHAPES: Final[dict[str, tuple[type[str | int], ...]]] = {
    "incidents": _AFTER_BOTH,
    "warnings": _AFTER_BOTH,
    "referrals": (str, str, int),
    "overrides": _AFTER_BOTH,
    "suspensions": _AFTER_BOTH,
    "media": _AFTER_NUMBER,
    "sign-outs": _AFTER_NUMBER,
    "rules": _AFTER_NUMBER,
    "access": _AFTER_NUMBER,
    "roles": _AFTER_NUMBER,
}
WITH_NAMES: Final = frozenset({"incidents", "warnings", "overrides", "suspensions", "media", "sign-outs", "rules"})
# Of these somebody reads all or nothing, so that how many there are tells nothing.
_COUNTS: Final = {
    "overrides": "SELECT count(*) FROM overrides",
    "suspensions": "SELECT count(*) FROM suspensions",
    "media": "SELECT count(*) FROM media",
    "sign-outs": "SELECT count(*) FROM sign_outs",
    "rules": "SELECT count(*) FROM audit WHERE kind = 'rules_answered'",
}
# When what a row tells of was put on file; what is missing tells how it is now, and has no period.
_DATED: Final = {
    "incidents": "filed_at",
    "warnings": "given_at",
    "referrals": "at",
    "overrides": "requested_at",
    "suspensions": "requested_at",
    "media": "registered_at",
    "sign-outs": "asked_at",
    "rules": "answered_at",
    "access": "at",
}
# In which people stand by their id, whoever reads them.
_IDS: Final = frozenset({"person", "given_by", "by", "decided_by"})


def add_register_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/registers", list_registers)
    for kind in KINDS:
        pages.get(f"/registers/{kind}", partial(ask, kind))
        pages.post(f"/registers/{kind}", partial(show, kind), form=partial(ask, kind))
        pages.post(f"/registers/{kind}/csv", partial(download, kind), form=partial(ask, kind))


def list_registers(page: Page) -> Response:
    """Show the registers that are for whoever asks."""
    kinds = [kind for kind in KINDS if page.may_open(f"/registers/{kind}")]
    with page.parts.store.read() as database:
        counts = {kind: int(database.execute(_COUNTS[kind]).fetchone()[0]) for kind in kinds if kind in _COUNTS}
        waiting = len(read_unconfirmed_people(database)) if page.may(Right.READ_PEOPLE) else None
    listed = [
        (kind, title_of_register(kind, page.texts), sentence_of_register(kind, page.texts), counts.get(kind))
        for kind in kinds
    ]
    return page.render("registers/list.html", listed=listed, waiting=waiting)


def ask(kind: str, page: Page) -> Response:
    """Ask what a register is wanted for."""
    return page.render("registers/ask.html", **_frame(kind, page))


def show(kind: str, page: Page) -> Response:
    """Show a part of a register; that it was shown, and for what, is on record.

    Raises:
        RefusedRequestError: no purpose, or none of their roles reads it.
    """
    typed = page.typed
    after = read_cursor(typed.get("after") or None, _SHAPES[kind])
    with_names, days = kind in WITH_NAMES and typed.has("with_names"), _days(kind, page)
    found = read_part(kind, page, after=after, with_names=with_names)
    rows, titles = _rows(kind, found, page), [column_words(each, page.texts) for each in found.columns]
    used = [place for place in range(len(titles)) if any(row[place] for row in rows)]
    return page.render(
        "registers/show.html",
        **_frame(kind, page),
        columns=[titles[place] for place in used],
        rows=[[row[place] for place in used] for row in rows],
        span=_span(kind, found, page),
        left_out=page.texts.join([title for place, title in enumerate(titles) if place not in used]),
        days=spell_days(days, page.texts),
        again={
            "purpose": typed.get("purpose"),
            "period": OWN_DAYS,
            "from_on": days.first or "",
            "until_on": days.last or "",
            **({"with_names": "yes"} if with_names else {}),
        },
        purpose=typed.get("purpose"),
        is_first=after is None,
        more=write_cursor(*found.next) if found.next else "",
        printed_by=_name_of(page),
    )


def read_part(kind: str, page: Page, *, after: Key | None, with_names: bool) -> Register:
    """Read a part of a register as its service hands it out."""
    days = _days(kind, page)
    part = part_of_days(days.first, days.last, page.parts.timezone, after=after, limit=USUAL)
    how: dict[str, Any] = {"purpose": page.typed.get("purpose"), "part": part}
    if kind in WITH_NAMES:
        how["with_names"] = with_names
    return _service(kind, page.parts)(page.person, **how)


def download(kind: str, page: Page) -> Response:
    """Hand out a register as CSV."""
    days = _days(kind, page)
    wanted = register_routes.Wanted(page.typed.get("purpose"), "csv", days.first, days.last)
    route: Callable[..., Any] = getattr(register_routes, kind.replace("-", "_"))
    names = {"with_names": page.typed.has("with_names")} if kind in WITH_NAMES else {}
    response = route(wanted, page.call, **names)
    assert isinstance(response, Response)
    return response


def _days(kind: str, page: Page) -> Days:
    return days_of(page) if kind in _DATED else Days()


def _service(kind: str, parts: Parts) -> Callable[..., Register]:
    of_incidents, of_media = parts.incidents.registers, parts.media.registers
    return {
        "incidents": of_incidents.incidents,
        "warnings": of_incidents.warnings,
        "referrals": of_incidents.referrals,
        "overrides": parts.request_registers.overrides,
        "suspensions": parts.request_registers.suspensions,
        "media": of_media.media,
        "sign-outs": of_media.sign_outs,
        "rules": parts.rules_register.answers,
        "access": of_incidents.accesses,
        "roles": of_incidents.roles,
    }[kind]


def _rows(kind: str, found: Register, page: Page) -> list[list[str]]:
    words = CellWords(kind, page.texts, page.parts.timezone)
    items = found.as_items()
    for each in items:
        if "state" in each:
            each["state"] = state_of_request(kind, each)
    ids = [place for place, column in enumerate(found.columns) if column in _IDS and kind not in _PSEUDONYMOUS]
    with page.parts.store.read() as database:
        names = names_of(database, {str(row[place]) for row in found.rows for place in ids if row[place]})
    return [
        [
            names.get(str(value), str(value or "")) if place in ids else words.cell(column, value)
            for place, (column, value) in enumerate(row.items())
        ]
        for row in items
    ]


_PSEUDONYMOUS: Final = frozenset({"sign-outs", "rules"})


def _span(kind: str, found: Register, page: Page) -> list[str]:
    """Give when the first and the last of the rows were, where they have an instant."""
    column = _DATED.get(kind)
    if column is None or not found.rows:
        return []
    place = found.columns.index(column)
    instants = sorted(str(row[place]) for row in found.rows if row[place])
    words = CellWords(kind, page.texts, page.parts.timezone)
    return [words.cell(column, each) for each in dict.fromkeys((*instants[:1], *instants[-1:]))]


def _frame(kind: str, page: Page) -> dict[str, Any]:
    return {
        "kind": kind,
        "title": title_of_register(kind, page.texts),
        "sentence": sentence_of_register(kind, page.texts),
        "takes_names": kind in WITH_NAMES,
        "dated_by": column_words(_DATED[kind], page.texts) if kind in _DATED else "",
        "periods": choices_of_period(page) if kind in _DATED else [],
        "everything": EVERYTHING,
        "most_characters": MAX_PURPOSE_CHARACTERS,
        "most_rows": MAX_ROWS,
    }


def _name_of(page: Page) -> str:
    person = page.parts.people.get(page.person)
    return person.name if person else page.person
