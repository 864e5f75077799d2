"""The record as pages: rows in words and how the chain stands; it is proved, taken away, signed and erased from."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from agent.api import record_routes
from agent.api.paging import write_cursor
from agent.api.problems import ProblemError, UnknownThingError
from agent.api.schemas import ErasureAsked, RowTold, SignOffAsked
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.registers.record_facts import FactWords
from agent.console.registers.record_words import kind_words, known_kinds
from agent.console.typed import TypedError, build
from agent.record.record_status import record_status
from rules.roles import Right
from rules.steps import SAFEGUARDING_FIRST

_FORMATS: Final = ("jsonl", "csv")
_ID: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@-")


def add_record_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/record", show_record)
    pages.get("/record/anchors", show_anchors)
    pages.get("/record/{number}", show_row)
    pages.post("/record/verify", verify)
    pages.post("/record/export", export)
    pages.post("/record/sign-offs", sign_off, form=show_record)
    pages.post("/record/{number}/erase", erase, form=show_row)


def show_record(page: Page) -> Response:
    """Show rows, the newest first, with how the chain stands."""
    _ = page.texts.gettext
    wanted = {name: page.query(name) for name in ("kind", "actor", "from", "until")}
    since, until = _day(wanted["from"]), _day(wanted["until"])
    with page.parts.store.read() as database:
        chain, veil = record_status(database), record_routes.veil_of(page.parts, database, page.caller)
    kinds = [each for each in known_kinds(page.texts) if veil.may_ask_for(each[0])]
    kind = wanted["kind"] if wanted["kind"] in dict(kinds) else ""
    actor = wanted["actor"] if wanted["actor"] and _ID.issuperset(wanted["actor"]) else ""
    found = record_routes.list_rows(
        page.caller,
        page.parts,
        kind=kind or None,
        actor=actor or None,
        since=_begin(since, page),
        until=_begin(until + timedelta(days=1) if until else None, page),
        after=page.query("after") or None,
    )
    words = _words_of(page)
    return page.render(
        "record/list.html",
        rows=[_row(each, words, page) for each in found.items],
        more=found.next,
        wanted={"kind": kind, "actor": actor, "from": wanted["from"], "until": wanted["until"]},
        actor_name=found.items[0].actor_name if actor and found.items else actor,
        kinds=kinds,
        chain=chain,
        told=page.told({"erased": _("Erased. The row itself stays, and a row says that this was done.")}),
    )


def _day(written: str) -> date | None:
    """Read a day of an address; none where it is not one."""
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if 2000 < found.year < 2100 else None


def _begin(on: date | None, page: Page) -> datetime | None:
    """Give when a day begins on the clock of the school."""
    return None if on is None else datetime.combine(on, time(), ZoneInfo(page.parts.timezone)).astimezone(UTC)


def _words_of(page: Page) -> FactWords:
    """Give the words of facts, with the titles of the actions of every table that the school goes by."""
    titles = {SAFEGUARDING_FIRST: {page.texts.gettext("Refer to the safeguarding lead"): True}}
    for pack in page.parts.incidents.desk.packs():
        for table in pack.sanctions.values():
            for action in table.actions.values():
                titles.setdefault(action.id, {})[action.label.in_language(page.texts.language)] = True
    actions = {name: " / ".join(labels) for name, labels in titles.items()}
    return FactWords(page.texts, page.parts.timezone, actions=actions)


def _row(told: RowTold, words: FactWords, page: Page) -> dict[str, Any]:
    return {"told": told, "words": kind_words(told.kind, page.texts), "facts": words.facts(told.kind, told.facts)}


def show_row(page: Page) -> Response:
    """Show one row with everything that may be seen of it.

    Raises:
        UnknownThingError: there is none of this number.
    """
    told = _existing(page)
    with page.parts.store.read() as database:
        has_personal = (
            database.execute("SELECT 1 FROM personal WHERE number = ?", (told.number,)).fetchone() is not None
        )
    # What was counted is shown below the facts.
    counts = told.facts.pop("counts", None) if told.kind == "record_signed_off" else None
    return page.render(
        "record/row.html",
        row=_row(told, _words_of(page), page),
        counts=[(kind_words(kind, page.texts), number) for kind, number in (counts or {}).items()],
        # Whether there is something beside a row that is veiled is nobody's to know.
        may_erase=has_personal and page.may(Right.ERASE_PERSONAL) and not told.facts.get("is_confidential"),
    )


def _number(page: Page) -> int:
    """Give the number in the address.

    Raises:
        UnknownThingError: it is none.
    """
    written = page.named("number")
    if not written.isascii() or not written.isdigit() or not 0 < int(written[:17]) < record_routes.LAST_NUMBER:
        raise UnknownThingError("row")
    return int(written)


def _existing(page: Page) -> RowTold:
    number = _number(page)
    found = record_routes.list_rows(page.caller, page.parts, after=write_cursor(number + 1), limit=1).items
    if not found or found[0].number != number:
        raise UnknownThingError("row")
    return found[0]


def show_anchors(page: Page) -> Response:
    """Show the anchors, to be printed."""
    listed = record_routes.list_anchors(page.parts, after=page.query("after") or None)
    return page.render("record/anchors.html", anchors=listed.items, more=listed.next)


def verify(page: Page) -> Response:
    """Have the record verified now."""
    try:
        found = record_routes.verify_record(page.parts)
    except ProblemError as error:
        page.refused = error.detail
        return page.render("record/verified.html", found=None)
    return page.render("record/verified.html", found=found)


def export(page: Page) -> Response:
    """Hand out the record as a file.

    Raises:
        TypedError: not in a format that there is.
    """
    style = page.typed.get("format", "jsonl")
    if style not in _FORMATS:
        raise TypedError({"format": page.texts.gettext("There is no such format; expected jsonl or csv.")})
    return record_routes.export(page.caller, page.parts, format="csv" if style == "csv" else "jsonl")


def sign_off(page: Page) -> Response:
    """Put on record that a period was reviewed."""
    typed = page.typed
    asked = build(
        SignOffAsked, from_on=typed.get("from_on"), until_on=typed.get("until_on"), remark=typed.get("remark")
    )
    made = record_routes.sign_off(asked, page.caller, page.parts)
    return page.go(f"/record/{made.number}")


def erase(page: Page) -> Response:
    """Erase what is personal beside a row."""
    asked = build(ErasureAsked, reason=page.typed.get("reason"))
    record_routes.erase_personal(_existing(page).number, asked, page.caller, page.parts)
    return page.go("/record", told="erased")
