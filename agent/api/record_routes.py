"""The record: read, proved, handed out, signed off, and freed of what is personal; nothing here changes a row."""

import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal, TextIO
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from agent.api.paging import USUAL, After, Limit, read_cursor, write_cursor
from agent.api.parts import Parts, WithParts, named, names_of
from agent.api.problems import ProblemError
from agent.api.schemas import (
    AnchorPage,
    AnchorTold,
    ErasureAsked,
    ErasureTold,
    Id,
    Instant,
    Kind,
    RowPage,
    RowTold,
    SignOffAsked,
    SignOffTold,
    VerdictTold,
)
from agent.api.security import Caller, Known
from agent.incidents.incident_veil import Veil
from agent.incidents.register_parts import part_of_days
from agent.people.attempts import noting
from agent.record.record_check import prove
from agent.storage.anchors import anchors_of
from agent.storage.media_erasure import erase_words_of
from agent.storage.record import Entry, erase, export_csv, export_jsonl, length, show
from agent.storage.state import instant_text
from rules.errors import RefusedRequestError
from rules.reason import check_reason

CHUNK_OCTETS: Final = 64 * 1024
LAST_NUMBER: Final = 2**53
# The first days that a calendar knows are before it in zones east of Greenwich.
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_TYPES: Final = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
# Walking over the whole record takes seconds of cores that answer DNS too: one walk at a time.
_WALK: Final = threading.Lock()


def add_record_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/audit")(list_rows)
    router.get("/audit/verify")(verify_record)
    router.get("/audit/anchors")(list_anchors)
    router.get(
        "/audit/export",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/jsonl": {}, "text/csv": {}}}},
    )(export)
    router.post("/audit/sign-offs", status_code=HTTPStatus.CREATED)(sign_off)
    router.post("/audit/{number}/erase", status_code=HTTPStatus.CREATED)(erase_personal)


def list_rows(
    caller: Known,
    parts: WithParts,
    *,
    actor: Annotated[Id | None, Query(description="What this person did only.")] = None,
    kind: Annotated[Kind | None, Query(description="What happened so only.")] = None,
    since: Annotated[Instant | None, Query(description="From this instant on.")] = None,
    until: Annotated[Instant | None, Query(description="Before this instant.")] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> RowPage:
    """Show rows of the record, the newest first, without what can be erased.

    A row about an incident that one may not read says that there is one, and not which. Whoever only counts incidents
    finds no row about one by its kind or by who did something. Whoever signs the record off without reading it finds
    nobody in it but those who changed the filter or looked after the record, and nothing of requests.
    """
    keys = read_cursor(after, (int,))
    before = int(keys[0]) if keys else None
    found: list[Entry] = []
    with parts.store.read() as database:
        veil = veil_of(parts, database, caller)
        while len(found) <= limit and (kind is None or veil.may_ask_for(kind)):
            part = show(database, actor=actor, kind=kind, since=since, until=until, before=before, limit=limit + 1)
            # What is veiled has another kind than the one that was asked for, and perhaps no actor.
            seen = map(veil.of, part)
            found += (each for each in seen if kind in (None, each.kind) and actor in (None, each.actor))
            if len(part) <= limit:
                break
            before = part[-1].number
        names = names_of(database, (each.actor for each in found))
    page = found[:limit]
    more = write_cursor(page[-1].number) if len(found) > limit else None
    return RowPage(items=[_told(each, names[each.actor]) for each in page], next=more)


def veil_of(parts: Parts, database: sqlite3.Connection, caller: Caller) -> Veil:
    """Give what is veiled of the record to whoever asks."""
    return Veil(parts.incidents.desk, database, None if caller.is_program else caller.person)


def _told(entry: Entry, actor_name: str) -> RowTold:
    return RowTold(
        number=entry.number,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        actor_name=actor_name,
        subject=entry.subject,
        facts=dict(entry.facts),
        is_erased=entry.is_erased,
    )


def verify_record(parts: WithParts) -> VerdictTold:
    """Say whether the record is whole, or which row is the first that is not."""
    if not _WALK.acquire(blocking=False):
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "verifying",
            "The record is being verified already; please try again in a few seconds.",
            headers={"Retry-After": "5"},
        )
    try:
        found = prove(parts.store.path).verdict
    finally:
        _WALK.release()
    return VerdictTold(
        is_whole=found.is_whole,
        rows=found.rows,
        anchors=found.anchors,
        first_broken=found.broken,
        why=found.what or None,
    )


def list_anchors(parts: WithParts, *, after: After = None, limit: Limit = USUAL) -> AnchorPage:
    """Show the anchors, the newest first: one that was printed or mailed proves later what the file alone cannot."""
    keys = read_cursor(after, (int,))
    with parts.store.read() as database:
        found = [each for each in reversed(anchors_of(database)) if keys is None or each.number < int(keys[0])]
    page = [AnchorTold(day=each.day, number=each.number, line=str(each)) for each in found[:limit]]
    return AnchorPage(items=page, next=write_cursor(page[-1].number) if len(found) > limit else None)


def erase_personal(
    number: Annotated[int, Path(ge=1, le=LAST_NUMBER)], asked: ErasureAsked, caller: Known, parts: WithParts
) -> ErasureTold:
    """Erase what is personal beside a row of the record; the row stays, and the erasure is a row too."""
    with noting(parts.store, caller.person, "personal_erase", subject=str(number)):
        if fault := check_reason(asked.reason):
            raise RefusedRequestError(fault)
        with parts.store.act() as act:
            erase_words_of(act, number)
            return ErasureTold(number=erase(act, number, actor=caller.person, reason=asked.reason))


def export(
    caller: Known,
    parts: WithParts,
    format: Annotated[Literal["jsonl", "csv"], Query()] = "jsonl",  # noqa: A002 (it is the name in the address)
) -> StreamingResponse:
    """Hand out the record with its chain, without what can be erased; that is a row of it too.

    Of a row about an incident that one may not read, only its place in the chain is handed out: the chain still
    closes. Auditors, who read no incident, get every row whole.
    """
    with parts.store.act() as act:
        is_whole = veil_of(parts, act.database, caller).is_lifted
        facts = {"format": format, "rows": length(act.database), "is_whole": is_whole}
        act.note("record_exported", actor=caller.person, facts=facts)
    file = tempfile.TemporaryFile(  # noqa: SIM115 (closed when it has been sent)
        "w+", encoding="utf-8", errors="surrogateescape", newline=""
    )
    try:
        with parts.store.read() as database:
            veil = veil_of(parts, database, caller)
            write = export_csv if format == "csv" else export_jsonl
            write(database, file, withheld=lambda subject: not is_whole and veil.hides(subject))
        file.flush()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    disposition = f'attachment; filename="record-{parts.clock():%Y-%m-%d}.{format}"'
    return StreamingResponse(_chunks(file), media_type=_TYPES[format], headers={"Content-Disposition": disposition})


def _chunks(file: TextIO) -> Iterator[str]:
    with file:
        while chunk := file.read(CHUNK_OCTETS):
            yield chunk


def sign_off(asked: SignOffAsked, caller: Known, parts: WithParts) -> SignOffTold:
    """Put on record that somebody reviewed a period, with what was counted in it."""
    since, until = _period(asked.from_on, asked.until_on, parts)
    with parts.store.act() as act:
        rows = act.database.execute(
            "SELECT kind, subject, count(*) FROM audit WHERE at >= ? AND at < ? GROUP BY kind, subject",
            (instant_text(since), instant_text(until)),
        )
        counts = veil_of(parts, act.database, caller).counted(map(tuple, rows.fetchall()))
        facts = {
            "from_on": asked.from_on.isoformat(),
            "until_on": asked.until_on.isoformat(),
            "counts": counts,
            "remark": asked.remark,
        }
        number = act.note("record_signed_off", actor=caller.person, facts=facts)
        names = names_of(act.database, [caller.person])
    return SignOffTold(
        number=number,
        from_on=asked.from_on,
        until_on=asked.until_on,
        counts=counts,
        reviewed_by=named(caller.person, names),
    )


def _period(from_on: date, until_on: date, parts: Parts) -> tuple[datetime, datetime]:
    """Give the instants of a period of the school's days.

    Raises:
        RefusedRequestError: it ends before it begins, or is not over.
    """
    zone = ZoneInfo(parts.timezone)
    part = part_of_days(from_on, until_on, parts.timezone)
    if until_on > parts.clock().astimezone(zone).date():
        raise RefusedRequestError(f"The period ends on {until_on}, which is still to come.")
    return part.from_at or _FIRST, part.until_at or parts.clock()
