"""Incidents that are one, and one that is two: what was observed moves, what people said stays where they said it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from agent.incidents.incident_deciding import Deciding, file_decision
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_routing import first_to_know, route
from agent.incidents.incident_steps import put_off_steps
from agent.incidents.incident_table import rows_for
from agent.storage.incident_rows import Filed, write_incident
from agent.storage.timeline_rows import Entry, move_entries, read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level, State, Track, track_of
from rules.incident_kind import Kind

OPENED: str = "incident_opened"
GREW = "incident_grew"


def merge_into(desk: Desk, made: Deciding, target_id: str) -> Filed:
    """Make an incident part of another; gives the one that goes on.

    Raises:
        RefusedRequestError: they are about two people, on two tracks, or the other one is not open.
    """
    act, before = made.act, made.incident
    target = desk.existing(act.database, target_id)
    desk.reader(act.database, made.person, target.incident)
    _check_alike(before, target.incident)
    observed = _observed(read_timeline(act.database, before.id, limit=-1))
    move_entries(act, [entry.number for entry in observed], origin=before.id, target=target_id)
    put_off_steps(act, before.id, made.person, "merged")
    facts = {"into": target.number}
    file_decision(desk, made, replace(made.before, merged_into=target_id), facts=facts)
    grown = replace(
        target.incident,
        opened_at=min(before.opened_at, target.incident.opened_at),
        last_at=max(before.last_at, target.incident.last_at),
        intent=max(before.intent, target.incident.intent),
        rows=tuple(dict.fromkeys((*target.incident.rows, *before.rows))),
    )
    filed = replace(
        target,
        incident=grown,
        version=target.version + 1,
        further=target.further + made.before.further,
        is_held=target.is_held or made.before.is_held,
        aware_at=min(target.known_at, made.before.known_at),
    )
    filed = replace(filed, clocks=desk.chains.clocks(filed, desk.due))
    facts = {"of": made.before.number, "entries": len(observed)}
    return desk.file(act, filed, GREW, Entry(act.now, GREW, made.person, facts), facts=facts)


def split_off(desk: Desk, made: Deciding, entries: Collection[int], kind: Kind) -> Filed:
    """Make a candidate of its own out of some entries; gives the new one.

    Args:
        entries: their places in the timeline, from 1 on.

    Raises:
        RefusedRequestError: it is sealed, or the entries are none of it, or all of it.
    """
    act, before = made.act, made.incident
    if before.track is Track.SEALED:
        raise RefusedRequestError("This incident is sealed, so nobody takes it apart.")
    timeline = read_timeline(act.database, before.id, limit=-1)
    observed = _observed(timeline)
    wanted = {entry.number for place, entry in enumerate(timeline, 1) if place in set(entries)}
    taken = [entry for entry in observed if entry.number in wanted]
    left = [entry for entry in observed if entry not in taken]
    if len(taken) != len(set(entries)) or not taken or not left:
        raise RefusedRequestError(
            f"Found {len(set(entries))} entries to take out, {len(taken)} of them observed here, of {len(observed)};"
            " expected some of those, and not all."
        )
    new = replace(
        before,
        id=desk.new_id(),
        kind=kind,
        track=track_of(kind, before.audience, is_allegation=made.before.is_allegation),
        state=State.CANDIDATE,
        rows=rows_for(desk.table_of(before.audience.value), kind),
        row=None,
        is_serious=None,
        opened_at=taken[0].at,
        last_at=taken[-1].at,
    )
    filed = Filed(
        new,
        number=desk.new_number(act.database),
        version=1,
        filed_at=act.now,
        groups=made.before.groups,
        why_identity=made.before.why_identity,
        is_allegation=made.before.is_allegation,
        split_from=before.id,
        is_held=made.before.is_held or new.track is Track.SEALED,
        aware_at=made.before.known_at,
    )
    filed = route(desk, act.database, filed)
    write_incident(act, filed)
    move_entries(act, [entry.number for entry in taken], origin=before.id, target=new.id)
    rest = replace(before, opened_at=left[0].at, last_at=left[-1].at)
    facts = {"into": filed.number, "entries": len(taken)}
    file_decision(desk, made, replace(made.before, incident=rest), facts=facts)
    told = first_to_know(desk, act.database, filed)
    facts = {"of": made.before.number, "entries": len(taken)}
    return desk.enter(act, filed, OPENED, Entry(act.now, OPENED, made.person, facts), to=told, facts=facts)


def _check_alike(before: Incident, target: Incident) -> None:
    if before.id == target.id:
        raise RefusedRequestError("This is the same incident; expected another one to merge it with.")
    if target.state is not State.ACCEPTED and (target.state is not State.CANDIDATE or before.state is State.ACCEPTED):
        raise RefusedRequestError(
            f"The other incident is {target.state}, so this one cannot become part of it; expected one that is open,"
            " and accepted where this one is."
        )
    if Track.SEALED in {before.track, target.track} or before.track is not target.track:
        raise RefusedRequestError("These incidents are dealt with by different people, so they stay two.")
    if before.level is not target.level or before.audience is not target.audience:
        raise RefusedRequestError("One of these is about a person and the other is not, so they stay two.")
    if before.level is Level.PERSON and before.subject != target.subject:
        raise RefusedRequestError("These incidents are about different people, so they stay two.")


def _observed(timeline: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in timeline if entry.observation]
