"""Incidents: the queue, one of them for a purpose, and what people decide; who may do what is for the service to say.

People come here, never programs. To whoever may not read an incident it is not there.
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from agent.api.incident_looks import Chosen, Looking, read_place, write_place
from agent.api.incident_schemas import (
    AcceptAsked,
    AcceptTogetherAsked,
    AppealAsked,
    CaseSeen,
    CasesTold,
    CloseAsked,
    CountsTold,
    DismissAsked,
    DismissTogetherAsked,
    ExportAsked,
    GroupPage,
    IncidentPage,
    IncidentShown,
    IncidentTold,
    LookAsked,
    MergeAsked,
    ReclassifyAsked,
    RevealedTold,
    SplitAsked,
    SubjectAsked,
    UndoTogetherAsked,
)
from agent.api.incident_telling import people_of, tell, tell_all, tell_group
from agent.api.paging import USUAL, After, Limit
from agent.api.parts import Asking, Call, Parts, names_of
from agent.api.schemas import Id, Reasoned, texts
from agent.api.versions import Seen, set_version
from agent.incidents.incident_corrections import Appeal
from agent.people.people import read_person
from agent.storage.incident_rows import Filed, read_incident
from rules.incident import Track

PREFIX: Final = "/api/v1/incidents"
_ZIP: Final = "application/zip"


def add_incident_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.get("/incidents")(list_incidents)
    router.get("/incidents/groups")(list_groups)
    router.get("/incidents/counts")(count)
    router.post("/incidents/accept")(accept_together)
    router.post("/incidents/dismiss")(dismiss_together)
    router.post("/incidents/undo")(undo_together)
    router.get("/incidents/{id}")(show)
    router.post("/incidents/{id}/accept")(accept)
    router.post("/incidents/{id}/reclassify")(reclassify)
    router.post("/incidents/{id}/dismiss")(dismiss)
    router.post("/incidents/{id}/undo")(undo)
    router.post("/incidents/{id}/merge")(merge)
    router.post("/incidents/{id}/split", status_code=HTTPStatus.CREATED)(split)
    router.post("/incidents/{id}/close")(close)
    router.post("/incidents/{id}/reopen")(reopen)
    router.post("/incidents/{id}/correct")(correct)
    router.post("/incidents/{id}/name-subject")(name_subject)
    router.post("/incidents/{id}/hold")(hold)
    router.post("/incidents/{id}/release")(release)
    router.post("/incidents/{id}/reveal")(reveal)
    as_zip: dict[int | str, dict[str, Any]] = {200: {"content": {_ZIP: {}}}}
    router.post("/incidents/{id}/export", response_class=Response, responses=as_zip)(export)


# ---- looking -------------------------------------------------------------------------------------------------------


def list_incidents(chosen: Chosen, call: Asking, *, after: After = None, limit: Limit = USUAL) -> IncidentPage:
    """List the incidents that one may read, by pseudonym; those that are open, if no state is asked for."""
    queue, desk = call.parts.incidents.queue, call.parts.incidents.desk
    found = queue.listing(call.person, chosen, after=read_place(after), limit=limit)
    with call.parts.store.read() as database:
        names = names_of(database, people_of(each.filed for each in found.items))
    items = [tell(each.filed, names, desk, listed=each) for each in found.items]
    return IncidentPage(items=items, next=write_place(found.next))


def list_groups(chosen: Chosen, call: Asking, *, after: After = None, limit: Limit = USUAL) -> GroupPage:
    """List the same in groups that are looked over at once: of one person, of one kind, without a day between."""
    queue, desk = call.parts.incidents.queue, call.parts.incidents.desk
    found = queue.groups(call.person, chosen, after=read_place(after), limit=limit)
    with call.parts.store.read() as database:
        names = names_of(database, people_of(filed for each in found.groups for filed in each.shown))
    return GroupPage(items=[tell_group(each, names, desk) for each in found.groups], next=write_place(found.next))


def may_know(parts: Parts, person: str, incident_id: str) -> bool:
    """Say whether somebody may know that something happened to an incident."""
    with parts.store.read() as database:
        who, filed = read_person(database, person), read_incident(database, incident_id)
        return who is not None and filed is not None and parts.incidents.desk.may_read(database, who, filed.incident)


def count(call: Asking) -> CountsTold:
    """Count the incidents that one may read.

    Whoever reads none gets rounded numbers up to the end of yesterday, and none that could point at somebody.
    """
    return CountsTold.model_validate(call.parts.incidents.looking.counts(call.person))


def show(id: Annotated[Id, Path()], look: Looking, call: Asking) -> IncidentShown:  # noqa: A002 (it is the name in the address)
    """Show an incident with what was visited and written; that somebody looked, and why, is on record."""
    incidents = call.parts.incidents
    viewed = incidents.looking.get(call.person, id, purpose=look.purpose, case=look.case)
    call.parts.follower.look()
    set_version(call.response, viewed.filed.version)
    with call.parts.store.read() as database:
        referred_by = (step.done_by for step in viewed.referrals)
        names = names_of(database, (*people_of([viewed.filed], viewed.timeline), *referred_by))
    return tell_all(viewed, names, incidents.desk)


def reveal(id: Annotated[Id, Path()], asked: LookAsked, call: Asking) -> RevealedTold:  # noqa: A002 (it is the name in the address)
    """Say whom an incident is about, of a sealed one while it is open to two; that somebody asked is on record."""
    with call.parts.store.read() as database:
        filed = read_incident(database, id)
    is_sealed = filed is not None and filed.incident.track is Track.SEALED
    incidents = call.parts.incidents
    reveal_it = incidents.sealed.reveal if is_sealed else incidents.looking.reveal
    person = reveal_it(call.person, id, purpose=asked.purpose, case=asked.case)
    return RevealedTold(id=person.id, name=person.name, roles=texts(person.roles), classes=texts(person.classes))


def export(id: Annotated[Id, Path()], asked: ExportAsked, call: Asking) -> Response:  # noqa: A002 (it is the name in the address)
    """Hand out signed evidence of an incident; that somebody did, and why, is on record."""
    made = call.parts.incidents.exports.export(
        call.person, id, purpose=asked.purpose, case=asked.case, with_names=asked.with_names
    )
    call.parts.follower.look()
    headers = {"Content-Disposition": f'attachment; filename="case-{asked.case}.zip"'}
    return Response(made, media_type=_ZIP, headers=headers)


# ---- deciding ------------------------------------------------------------------------------------------------------


def accept(seen: Seen, asked: AcceptAsked, call: Asking) -> IncidentTold:
    """Accept a candidate as a row of the school's table; its ticks become the checklist."""
    filed = call.parts.incidents.decisions.accept(
        call.person,
        seen.id,
        version=seen.version,
        row=asked.row,
        deliberate=asked.deliberate,
        why=asked.why,
        is_serious=asked.is_serious,
    )
    return _done(call, filed)


def reclassify(seen: Seen, asked: ReclassifyAsked, call: Asking) -> IncidentTold:
    """Put an incident under another kind, or another row, or say whether it is serious."""
    filed = call.parts.incidents.decisions.reclassify(
        call.person,
        seen.id,
        version=seen.version,
        reason=asked.reason,
        kind=asked.kind,
        row=asked.row,
        is_serious=asked.is_serious,
    )
    return _done(call, filed)


def dismiss(seen: Seen, asked: DismissAsked, call: Asking) -> IncidentTold:
    """Say that a candidate is none, and why."""
    filed = call.parts.incidents.decisions.dismiss(
        call.person, seen.id, version=seen.version, dismissal=asked.dismissal, words=asked.words
    )
    return _done(call, filed)


def undo(seen: Seen, call: Asking) -> IncidentTold:
    """Take back one's last decision, soon after it; messages that went out are not called back."""
    return _done(call, call.parts.incidents.decisions.undo(call.person, seen.id, version=seen.version))


def accept_together(asked: AcceptTogetherAsked, call: Asking) -> CasesTold:
    """Accept several candidates as one, which is given; either all become part of it, or nothing is decided."""
    filed = call.parts.incidents.together.accept(
        call.person,
        cases_of(asked.cases),
        row=asked.row,
        deliberate=asked.deliberate,
        why=asked.why,
        is_serious=asked.is_serious,
    )
    return _all_done(call, [filed])


def dismiss_together(asked: DismissTogetherAsked, call: Asking) -> CasesTold:
    """Dismiss several candidates for one reason; either all are, or none."""
    together = call.parts.incidents.together
    found = together.dismiss(call.person, cases_of(asked.cases), dismissal=asked.dismissal, words=asked.words)
    return _all_done(call, found)


def undo_together(asked: UndoTogetherAsked, call: Asking) -> CasesTold:
    """Take back one's last decision about each of several incidents; either about all, or about none."""
    return _all_done(call, call.parts.incidents.together.undo(call.person, cases_of(asked.cases)))


def cases_of(cases: Iterable[CaseSeen]) -> list[tuple[str, int]]:
    """Give cases as the services take them."""
    return [(each.id, each.version) for each in cases]


def merge(seen: Seen, asked: MergeAsked, call: Asking) -> IncidentTold:
    """Make an incident part of another; gives the one that goes on."""
    filed = call.parts.incidents.decisions.merge(
        call.person, seen.id, version=seen.version, into=asked.into, reason=asked.reason
    )
    return _done(call, filed)


def split(seen: Seen, asked: SplitAsked, call: Asking) -> IncidentTold:
    """Make entries of a timeline a candidate of their own; gives the new one."""
    filed = call.parts.incidents.decisions.split(
        call.person, seen.id, version=seen.version, entries=asked.entries, kind=asked.kind, reason=asked.reason
    )
    call.response.headers["Location"] = f"{PREFIX}/{filed.incident.id}"
    return _done(call, filed)


def close(seen: Seen, asked: CloseAsked, call: Asking) -> IncidentTold:
    """Close an incident whose steps are done or left out, with its outcome and what was learnt."""
    filed = call.parts.incidents.decisions.close(
        call.person, seen.id, version=seen.version, outcome=asked.outcome, lesson=asked.lesson
    )
    return _done(call, filed)


def reopen(seen: Seen, asked: AppealAsked, call: Asking) -> IncidentTold:
    """Open again what was dismissed or closed, because somebody appealed."""
    desk = call.parts.incidents.desk
    on = asked.on or desk.day_of(call.parts.clock())
    appeal = Appeal(asked.by, on, asked.outcome, asked.withdraws_warnings)
    filed = call.parts.incidents.decisions.reopen(call.person, seen.id, version=seen.version, appeal=appeal)
    return _done(call, filed)


def correct(seen: Seen, asked: Reasoned, call: Asking) -> IncidentTold:
    """Take an incident off a person whom it does not concern, with everything that followed from it."""
    filed = call.parts.incidents.decisions.correct(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def name_subject(seen: Seen, asked: SubjectAsked, call: Asking) -> IncidentTold:
    """Say whom a report, or what was seen on a device, is about."""
    filed = call.parts.incidents.corrections.name_subject(
        call.person, seen.id, version=seen.version, subject=asked.subject, reason=asked.reason
    )
    return _done(call, filed)


def hold(seen: Seen, asked: Reasoned, call: Asking) -> IncidentTold:
    """Keep everything about an incident until it is released."""
    filed = call.parts.incidents.corrections.hold(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def release(seen: Seen, asked: Reasoned, call: Asking) -> IncidentTold:
    """Let what is kept about an incident end at its time again."""
    filed = call.parts.incidents.corrections.release(call.person, seen.id, version=seen.version, reason=asked.reason)
    return _done(call, filed)


def _done(call: Call, filed: Filed) -> IncidentTold:
    """Tell an incident after a decision; its version is the ETag."""
    set_version(call.response, filed.version)
    (told,) = _all_done(call, [filed]).items
    return told


def _all_done(call: Call, found: Sequence[Filed]) -> CasesTold:
    call.parts.follower.look()
    with call.parts.store.read() as database:
        names = names_of(database, people_of(found))
    return CasesTold(items=[tell(each, names, call.parts.incidents.desk) for each in found])
