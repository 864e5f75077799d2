"""Changes of the filter: drafted, tried on what is on record, and decided about; what is allowed is not said here."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query

from agent.api.filter_schemas import (
    Answered,
    DryRunTold,
    FigureTold,
    FilterChangesAsked,
    FilterDraftAsked,
    FilterPage,
    FilterPreviewTold,
    FilterVersionListed,
    FilterVersionTold,
    TurnedNameTold,
)
from agent.api.paging import After, read_cursor, write_cursor
from agent.api.parts import Asking, Call, Parts, named, names_of
from agent.api.problems import ProblemError, UnknownThingError
from agent.api.schemas import Effect, Reasoned
from agent.api.versions import Seen, set_version
from agent.filter_changing.filter_basis import Sites
from agent.filter_changing.filter_dry_run import FEWEST_DEVICES, DryRun, addressed_anew, dry_run
from agent.filter_changing.filter_overlay import read_settings, render_settings
from agent.storage.filter_rows import Source, State, Version, read_versions
from rules.roles import Right

MOST: Final = 100
# What a list shows of a version whose sentences would fill pages.
LISTED_CHANGES: Final = 3
_MAX_DIGITS: Final = 9
# Whoever decides about changes, or reads what was asked for, is told names.
_TOLD_NAMES: Final = (Right.APPROVE_FILTER_CHANGE, Right.READ_INCIDENTS)
# A dry run reads a week of activity: one at a time.
_TRYING: Final = threading.Lock()

Number = Annotated[int, Path(ge=1, lt=10**_MAX_DIGITS)]


def add_filter_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/filter/preview")(preview)
    router.post("/filter/versions", status_code=HTTPStatus.CREATED)(draft)
    router.get("/filter/versions")(list_versions)
    router.get("/filter/versions/{id}")(show)
    router.get("/filter/versions/{id}/dry-run")(try_out)
    router.post("/filter/versions/{id}/approve")(approve)
    router.post("/filter/versions/{id}/refuse")(refuse)
    router.post("/filter/versions/{id}/withdraw")(withdraw)
    router.post("/filter/versions/{id}/roll-back", status_code=HTTPStatus.CREATED)(roll_back)


def preview(asked: FilterChangesAsked, call: Asking) -> FilterPreviewTold:
    """Say in words what changes would do; nothing is stored."""
    return FilterPreviewTold(changes=list(call.parts.filter_changes.preview(asked.text)))


def draft(asked: FilterDraftAsked, call: Asking) -> FilterVersionTold:
    """Draft changes; nothing changes before somebody else approves them."""
    return _drafted(call, call.parts.filter_changes.draft(call.person, asked.text, **_answers(asked, call)))


def roll_back(id: Number, asked: Answered, call: Asking) -> FilterVersionTold:  # noqa: A002 (it is the name in the address)
    """Draft the way back to the settings of a version that was in force."""
    return _drafted(call, call.parts.filter_changes.roll_back(call.person, id, **_answers(asked, call)))


def _answers(asked: Answered, call: Call) -> dict[str, Any]:
    return {"reason": asked.reason, "owner": asked.owner or call.person, "review_on": asked.review_on}


def _drafted(call: Call, version: Version) -> FilterVersionTold:
    call.response.headers["Location"] = f"/api/v1/filter/versions/{version.number}"
    return _done(call, version)


def list_versions(
    call: Asking,
    *,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> FilterPage:
    """List versions, the newest first."""
    keys = read_cursor(after, (int,))
    before = int(keys[0]) if keys else None
    with call.parts.store.read() as database:
        found = read_versions(database, states=state or State, before=before, limit=limit + 1)
        names = names_of(database, _people(found))
    items = [FilterVersionListed(**_facts(each, names, LISTED_CHANGES)) for each in found[:limit]]
    return FilterPage(items=items, next=write_cursor(found[limit - 1].number) if len(found) > limit else None)


def show(id: Number, call: Asking) -> FilterVersionTold:  # noqa: A002 (it is the name in the address)
    """Show a version; what was written, to those who change the filter. Its version is the ETag."""
    return _told(call, call.parts.filter_changes.get(id))


def try_out(id: Number, call: Asking) -> DryRunTold:  # noqa: A002 (it is the name in the address)
    """Say what a draft would have meant for what was asked in the past days."""
    run = replay(call, call.parts.filter_changes.sites_of(id), version=id)
    return DryRunTold(
        first_on=run.first_on,
        last_on=run.last_on,
        days_kept=run.days_kept,
        figures=[FigureTold(**asdict(figure)) for figure in run.figures],
        sentences=list(run.sentences),
        names=None if run.names is None else [TurnedNameTold(**asdict(each)) for each in run.names],
    )


def replay(call: Call, sites: Sites, *, version: int | None = None) -> DryRun:
    """Decide again what was asked in the past days, with the filter as it would be; that it was done is recorded.

    Args:
        version: the number of what is tried; None for what nobody has drafted yet.

    Raises:
        ProblemError: somebody else is doing the same.
        StorageError: it was not recorded, and nothing was tried.
    """
    parts = call.parts
    if not _TRYING.acquire(blocking=False):
        detail = "Another dry run is under way at this moment; please try again in a few seconds."
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "trying", detail, headers={"Retry-After": "5"})
    try:
        names = len(addressed_anew(sites.before, sites.after))
        parts.filter_changes.note_tried(call.person, version=version, names=names)
        today = parts.clock().astimezone(ZoneInfo(parts.timezone)).date()
        return dry_run(
            sites.before,
            sites.after,
            parts.activity,
            today=today,
            categories_of=parts.context().tags_of,
            small_number=small_number_of(parts),
            tells_names=any(map(call.may, _TOLD_NAMES)),
        )
    finally:
        _TRYING.release()


def small_number_of(parts: Parts) -> int:
    """Give how many devices have to stand behind what is told."""
    return max(FEWEST_DEVICES, parts.incidents.desk.settings.small_number)


def approve(seen: Seen, asked: Reasoned, call: Asking) -> FilterVersionTold:
    """Put into force what somebody else drafted."""
    changes = call.parts.filter_changes
    version = changes.approve(call.person, number_of(seen.id), step=seen.version, reason=asked.reason)
    # What was open may be kept by devices for as long as any answer.
    seconds = call.parts.context().max_ttl_seconds
    return _done(call, version, call.parts.effect(call.parts.clock() + timedelta(seconds=seconds)))


def refuse(seen: Seen, asked: Reasoned, call: Asking) -> FilterVersionTold:
    """Refuse what somebody else drafted."""
    changes = call.parts.filter_changes
    return _done(call, changes.refuse(call.person, number_of(seen.id), step=seen.version, reason=asked.reason))


def withdraw(seen: Seen, asked: Reasoned, call: Asking) -> FilterVersionTold:
    """Take back what one drafted oneself."""
    changes = call.parts.filter_changes
    return _done(call, changes.withdraw(call.person, number_of(seen.id), step=seen.version, reason=asked.reason))


def number_of(written: str) -> int:
    """Read the number of a version from an address.

    Raises:
        UnknownThingError: it is none.
    """
    if not (written.isascii() and written.isdigit() and len(written) <= _MAX_DIGITS):
        raise UnknownThingError("version of the filter")
    return int(written)


def _done(call: Call, version: Version, effect: Effect | None = None) -> FilterVersionTold:
    call.parts.follower.look()
    return _told(call, version, effect)


def _told(call: Call, version: Version, effect: Effect | None = None) -> FilterVersionTold:
    set_version(call.response, version.step)
    with call.parts.store.read() as database:
        names = names_of(database, _people((version,)))
    return FilterVersionTold(
        **_facts(version, names, len(version.changes)),
        decision_reason=version.decision_reason,
        text=_text(version) if call.may(Right.DRAFT_FILTER_CHANGE) or call.may(Right.APPROVE_FILTER_CHANGE) else None,
        effect=effect,
    )


def _text(version: Version) -> str:
    """Give what was written; of a site file, that which is about the filter, because the rest may name people."""
    return render_settings(read_settings(version.text)) if version.source is Source.DISK else version.text


def _people(versions: Iterable[Version]) -> list[str]:
    people = (person for each in versions for person in (each.drafted_by, each.approved_by, each.owner))
    return [person for person in people if person]


def _facts(version: Version, names: Mapping[str, str], changes: int) -> dict[str, Any]:
    """Give what a list and a single version have in common, with so many of its sentences."""
    return {
        "number": version.number,
        "version": version.step,
        "at": version.at,
        "source": version.source,
        "state": version.state,
        "changes": list(version.changes[:changes]),
        "changes_in_all": len(version.changes),
        "drafted_by": named(version.drafted_by, names) if version.drafted_by else None,
        "approved_by": named(version.approved_by, names) if version.approved_by else None,
        "decided_at": version.decided_at,
        "reason": version.reason,
        "review_on": version.review_on,
        "owner": named(version.owner, names) if version.owner else None,
        "restores": version.restores,
        "os_user": version.os_user,
        "fault": version.fault,
    }
