"""Media: put on the register, taken and brought back, let pass, and reported when they are gone.

Whoever manages media sees all of them, everybody else their own. What is allowed is for the services to say.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query

from agent.api.media_schemas import (
    ExceptionAsked,
    ExceptionPage,
    ExceptionTold,
    HowAsked,
    LostAsked,
    LostPage,
    LostTold,
    MediaErasureAsked,
    MediaErasureTold,
    MediumAsked,
    MediumChanged,
    MediumPage,
    MediumTold,
    PurgeAsked,
    SignOutAsked,
    SignOutPage,
    SignOutTold,
    WholeMediumTold,
)
from agent.api.media_telling import tell_exceptions, tell_lost, tell_media, tell_medium, tell_sign_outs
from agent.api.paging import USUAL, After, Limit, read_cursor, write_cursor
from agent.api.parts import Asking, Call
from agent.api.schemas import Id, Reasoned
from agent.api.versions import SeenThing, parse_version, set_version
from agent.fleet.media import Media
from agent.fleet.media_exceptions import Asked
from agent.fleet.media_lost import Missing
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted
from agent.storage.media_rows import read_media
from agent.storage.permit_rows import LostReport, read_exceptions, read_sign_outs
from rules.medium import ExceptionState, Medium, MediumException, MediumState, SignOut, SignOutState
from rules.roles import Right

Number = Annotated[int, Path(ge=1, lt=2**53)]


async def _seen(number: Number, if_match: Annotated[str | None, Header()] = None) -> SeenThing:
    return SeenThing(str(number), parse_version(if_match))


Seen = Annotated[SeenThing, Depends(_seen)]


def add_media_routes(router: APIRouter) -> None:
    """Add the routes of this file; a word stands before a number, so that it is not taken for one."""
    router.get("/media")(list_media)
    router.post("/media", status_code=HTTPStatus.CREATED)(register)
    router.get("/media/sign-outs")(list_sign_outs)
    router.post("/media/sign-outs/{number}/allow")(allow_sign_out)
    router.post("/media/sign-outs/{number}/refuse")(refuse_sign_out)
    router.post("/media/sign-outs/{number}/withdraw")(withdraw_sign_out)
    router.get("/media/exceptions")(list_exceptions)
    router.post("/media/exceptions/{number}/allow")(allow_exception)
    router.post("/media/exceptions/{number}/refuse")(refuse_exception)
    router.post("/media/exceptions/{number}/withdraw")(withdraw_exception)
    router.get("/media/lost")(list_lost)
    router.post("/media/lost", status_code=HTTPStatus.CREATED)(report_lost)
    router.get("/media/lost/{number}")(show_lost)
    router.post("/media/erasures", status_code=HTTPStatus.CREATED)(erase)
    router.get("/media/{number}")(show)
    router.post("/media/{number}/change")(change)
    router.post("/media/{number}/purge")(purge)
    router.post("/media/{number}/attest")(attest)
    router.post("/media/{number}/dispose")(dispose)
    router.post("/media/{number}/find")(find)
    router.post("/media/{number}/sign-out", status_code=HTTPStatus.CREATED)(sign_out)
    router.post("/media/{number}/sign-in")(sign_in)
    router.post("/media/{number}/exceptions", status_code=HTTPStatus.CREATED)(ask_exception)


# ---- the register ----------------------------------------------------------------------------------------------


def list_media(
    call: Asking,
    *,
    owner: Annotated[Id | None, Query()] = None,
    state: Annotated[MediumState | None, Query()] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> MediumPage:
    """List media, the newest first; without the right to manage them, one's own."""
    with call.parts.store.read() as database:
        found = read_media(
            database, owner=_only_of(call) or owner, state=state, before=_before(after), limit=limit + 1
        )
        return MediumPage(items=tell_media(database, found[:limit]), next=_next(found, limit))


def show(number: Number, call: Asking) -> WholeMediumTold:
    """Show a medium with what was proved of it and done with it; its version is the ETag."""
    desk = _media(call).desk
    with call.parts.store.read() as database:
        _, medium = desk.seen(database, call.person, number)
        set_version(call.response, medium.version)
        at = call.parts.clock()
        return tell_medium(database, medium, at=at, today=desk.day_of(at))


def register(asked: MediumAsked, call: Asking) -> MediumTold:
    """Put a medium on the register."""
    said = {name: getattr(asked, name) for name in MediumAsked.model_fields}
    medium = _media(call).register.register(call.person, Draft(**said | {"owner": asked.owner or ""}))
    call.response.headers["Location"] = f"/api/v1/media/{medium.number}"
    return _medium(call, medium)


def change(seen: Seen, asked: MediumChanged, call: Asking) -> MediumTold:
    """Change what is said of a medium."""
    changes = asked.changes()
    made = _media(call).register.change(call.person, int(seen.id), version=seen.version, changes=changes)
    return _medium(call, made)


def purge(seen: Seen, asked: PurgeAsked, call: Asking) -> MediumTold:
    """State that what was on a medium is deleted, and how."""
    number, version = int(seen.id), seen.version
    made = _media(call).register.purge(call.person, number, version=version, how=asked.how, next_on=asked.next_on)
    return _medium(call, made)


def attest(seen: Seen, asked: HowAsked, call: Asking) -> MediumTold:
    """State how one's own medium is protected; it is kept as stated."""
    made = _media(call).register.attest(call.person, int(seen.id), version=seen.version, how=asked.how)
    return _medium(call, made)


def dispose(seen: Seen, asked: HowAsked, call: Asking) -> MediumTold:
    """Take a medium off the register for good."""
    made = _media(call).register.dispose(call.person, int(seen.id), version=seen.version, how=asked.how)
    return _medium(call, made)


def find(seen: Seen, asked: HowAsked, call: Asking) -> MediumTold:
    """Put a medium that was lost back in its place; `how` says where it was."""
    made = _media(call).register.find(call.person, int(seen.id), version=seen.version, where=asked.how)
    return _medium(call, made)


# ---- permits ---------------------------------------------------------------------------------------------------


def list_sign_outs(
    call: Asking,
    *,
    state: Annotated[list[SignOutState] | None, Query(max_length=len(SignOutState))] = None,
    overdue: Annotated[bool, Query(description="Those that should be back alone.")] = False,
    after: After = None,
    limit: Limit = USUAL,
) -> SignOutPage:
    """List who has which medium, the newest first; without the right to manage them, what one has oneself."""
    today = _media(call).desk.day_of(call.parts.clock())
    with call.parts.store.read() as database:
        found = read_sign_outs(
            database,
            person=_only_of(call),
            states=(SignOutState.OUT,) if overdue else state or (),
            due_before=today if overdue else None,
            before=_before(after),
            limit=limit + 1,
        )
        return SignOutPage(items=tell_sign_outs(database, found[:limit], today=today), next=_next(found, limit))


def sign_out(number: Number, asked: SignOutAsked, call: Asking) -> SignOutTold:
    """Ask to take a medium out of the school, or to bring a foreign one in."""
    wanted = Wanted(asked.purpose, asked.due_on, asked.person or "")
    return _permit(call, _media(call).sign_outs.sign_out(call.person, number, wanted))


def sign_in(number: Number, call: Asking) -> SignOutTold:
    """Write down that a medium is back, or that a foreign one is gone again."""
    sign_outs = _media(call).sign_outs
    return _permit(call, sign_outs.sign_in(call.person, sign_outs.open_of(call.person, number).number))


def allow_sign_out(seen: Seen, asked: Reasoned, call: Asking) -> SignOutTold:
    """Let somebody else take a medium."""
    made = _media(call).sign_outs.allow(call.person, int(seen.id), version=seen.version, reason=asked.reason)
    return _permit(call, made)


def refuse_sign_out(seen: Seen, asked: Reasoned, call: Asking) -> SignOutTold:
    """Refuse what somebody else asked for."""
    made = _media(call).sign_outs.refuse(call.person, int(seen.id), version=seen.version, reason=asked.reason)
    return _permit(call, made)


def withdraw_sign_out(seen: Seen, call: Asking) -> SignOutTold:
    """Take back what one asked for oneself."""
    return _permit(call, _media(call).sign_outs.withdraw(call.person, int(seen.id), version=seen.version))


# ---- exceptions ------------------------------------------------------------------------------------------------


def list_exceptions(
    call: Asking,
    *,
    state: Annotated[ExceptionState | None, Query()] = None,
    after: After = None,
    limit: Limit = USUAL,
) -> ExceptionPage:
    """List exceptions, the newest first; without the right to manage media, one's own."""
    with call.parts.store.read() as database:
        found = read_exceptions(
            database, asked_by=_only_of(call), state=state, before=_before(after), limit=limit + 1
        )
        told = tell_exceptions(database, found[:limit], at=call.parts.clock())
        return ExceptionPage(items=told, next=_next(found, limit))


def ask_exception(number: Number, asked: ExceptionAsked, call: Asking) -> ExceptionTold:
    """Ask that one's own medium may be used as it is."""
    wanted = Asked(asked.purpose, asked.until_on)
    return _exception(call, _media(call).exceptions.ask(call.person, number, wanted))


def allow_exception(seen: Seen, asked: Reasoned, call: Asking) -> ExceptionTold:
    """Let somebody else use a medium as it is."""
    made = _media(call).exceptions.allow(call.person, int(seen.id), version=seen.version, reason=asked.reason)
    return _exception(call, made)


def refuse_exception(seen: Seen, asked: Reasoned, call: Asking) -> ExceptionTold:
    """Refuse what somebody else asked for, or end what was let pass."""
    made = _media(call).exceptions.refuse(call.person, int(seen.id), version=seen.version, reason=asked.reason)
    return _exception(call, made)


def withdraw_exception(seen: Seen, call: Asking) -> ExceptionTold:
    """Give up what one asked for oneself."""
    return _exception(call, _media(call).exceptions.withdraw(call.person, int(seen.id), version=seen.version))


# ---- what is gone ----------------------------------------------------------------------------------------------


def list_lost(call: Asking, *, after: After = None, limit: Limit = USUAL) -> LostPage:
    """List what is lost or stolen, the newest first, as far as one may see it."""
    found = _media(call).lost.all(call.person, before=_before(after), limit=limit + 1)
    return LostPage(items=_reports(call, found[:limit]), next=_next(found, limit))


def report_lost(asked: LostAsked, call: Asking) -> LostTold:
    """Report that something is lost or stolen; those who must know are told at once."""
    missing = Missing(asked.how, asked.text, asked.medium, asked.device, asked.missed_on)
    lost = _media(call).lost
    made = lost.report(call.person, missing)
    call.parts.follower.look()
    return _reports(call, [lost.get(call.person, made.number)])[0]


def show_lost(number: Number, call: Asking) -> LostTold:
    """Show a report with what was on record at that moment."""
    return _reports(call, [_media(call).lost.get(call.person, number)])[0]


def erase(asked: MediaErasureAsked, call: Asking) -> MediaErasureTold:
    """Erase what is over about somebody who asks for it; what is still out, lost or part of a case stays."""
    done = _media(call).retention.erase_of(call.person, asked.person, reason=asked.reason)
    return MediaErasureTold(erased=done.erased, kept=done.kept)


# ---- parts of each ---------------------------------------------------------------------------------------------


def _media(call: Call) -> Media:
    return call.parts.media


def _only_of(call: Call) -> str | None:
    return None if call.may(Right.MANAGE_MEDIA) else call.person


def _before(after: str | None) -> int | None:
    keys = read_cursor(after, (int,))
    return None if keys is None else int(keys[0])


def _next(found: Sequence[Any], limit: int) -> str | None:
    return write_cursor(found[limit - 1].number) if len(found) > limit else None


def _medium(call: Call, medium: Medium) -> MediumTold:
    set_version(call.response, medium.version)
    with call.parts.store.read() as database:
        return tell_media(database, [medium])[0]


def _permit(call: Call, permit: SignOut) -> SignOutTold:
    set_version(call.response, permit.version)
    with call.parts.store.read() as database:
        return tell_sign_outs(database, [permit], today=_media(call).desk.day_of(call.parts.clock()))[0]


def _exception(call: Call, exception: MediumException) -> ExceptionTold:
    set_version(call.response, exception.version)
    with call.parts.store.read() as database:
        return tell_exceptions(database, [exception], at=call.parts.clock())[0]


def _reports(call: Call, reports: Sequence[LostReport]) -> list[LostTold]:
    with call.parts.store.read() as database:
        return tell_lost(database, reports)
