"""Incidents as the interface tells them: what belongs together side by side, and rows and reasons in words.

Nothing is decided here about who may see what: that is done with whatever comes in.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agent.api.incident_schemas import (
    ActionTold,
    AlikeTold,
    ClockTold,
    EntryTold,
    GroupTold,
    IncidentShown,
    IncidentTold,
    MemberTold,
    ProposalTold,
    ReasonTold,
    ReferralTold,
    WarnedTold,
)
from agent.api.parts import named
from agent.api.schemas import PersonNamed, texts
from agent.incidents.incident_access import Viewed
from agent.incidents.incident_clocks import is_overdue
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_queue import Group, Listed
from agent.incidents.incident_sweep import decide_by
from agent.incidents.incident_words import reason_in_words
from agent.observing.identity_words import identity_in_words
from agent.storage.incident_rows import Filed, RunningClock
from agent.storage.step_rows import FiledStep
from agent.storage.timeline_rows import Entry
from agent.texts import Texts, load_texts
from rules.incident import Reason, State
from rules.incident_kind import Kind
from rules.sanction import SanctionTable

Names = Mapping[str, str]


def people_of(found: Iterable[Filed], timelines: Iterable[Entry] = ()) -> Iterator[str]:
    """Give the ids of those who are named beside incidents; never of a subject."""
    yield from (filed.decided_by for filed in found if filed.decided_by)
    yield from (entry.actor for entry in timelines)


def tell(filed: Filed, names: Names, desk: Desk, *, listed: Listed | None = None) -> IncidentTold:
    """Tell an incident as a list shows it, with how much else there is like it."""
    alike = None if listed is None else AlikeTold.model_validate(listed)
    return IncidentTold(**_facts(filed, names, desk), alike=alike)


def tell_group(group: Group, names: Names, desk: Desk) -> GroupTold:
    """Tell a group, and the most urgent of it as a list shows them."""
    return GroupTold(
        members=[MemberTold.model_validate(each) for each in group.members],
        shown=[tell(each, names, desk) for each in group.shown],
        weight=group.weight,
        first_at=group.first_at,
        last_at=group.last_at,
        alike=AlikeTold.model_validate(group),
    )


def tell_all(viewed: Viewed, names: Names, desk: Desk) -> IncidentShown:
    """Tell everything of an incident that was handed over, with the table and in the language of the school."""
    filed, timeline = viewed.filed, viewed.timeline
    incident, language = filed.incident, desk.site().school.language
    table = desk.table_of(incident.audience.value)
    rows = dict.fromkeys((*((incident.row,) if incident.row else ()), *incident.rows))
    return IncidentShown(
        **_facts(filed, names, desk),
        clocks=[_clock(clock, desk, language) for clock in filed.clocks],
        asks_whether_serious=desk.chains.asks_whether_serious(incident),
        groups=texts(filed.groups),
        why_identity=list(filed.why_identity),
        identity_in_words=[identity_in_words(code, load_texts(language)) for code in filed.why_identity],
        reasons=[_reason(reason, incident.kind, load_texts(language)) for reason in incident.reasons],
        against=[_reason(reason, incident.kind, load_texts(language)) for reason in incident.against],
        warnings=[WarnedTold.model_validate(warned) for warned in filed.warnings],
        proposals=[_proposal(row, table, language) for row in rows if table is not None and row in table.rows],
        decision_reason=filed.decision_reason,
        why_deliberate=filed.why_deliberate,
        outcome=filed.outcome,
        lesson=filed.lesson,
        further=filed.further,
        referrals=[_referral(step, names) for step in viewed.referrals],
        timeline=[_entry(place, entry, names) for place, entry in enumerate(timeline, 1)],
    )


def _facts(filed: Filed, names: Names, desk: Desk) -> dict[str, Any]:
    incident = filed.incident
    waits = incident.state is State.CANDIDATE
    return {
        "id": incident.id,
        "number": filed.number,
        "version": filed.version,
        "state": incident.state,
        "track": incident.track,
        "kind": incident.kind,
        "risk": incident.risk,
        "audience": incident.audience,
        "level": incident.level,
        "subject": incident.subject,
        "confidence": incident.confidence,
        "intent": incident.weighed_intent,
        "rows": list(incident.rows),
        "row": incident.row,
        "place": incident.place,
        "is_background": incident.is_background,
        "opened_at": incident.opened_at,
        "last_at": incident.last_at,
        "filed_at": filed.filed_at,
        "aware_at": filed.known_at,
        "is_serious": incident.is_serious,
        "decide_by": decide_by(desk, filed) if waits else None,
        "decided_by": somebody(filed.decided_by, names),
        "decided_at": filed.decided_at,
        "deliberate": filed.deliberate,
        "dismissal": filed.dismissal,
        "closed_at": filed.closed_at,
        "merged_into": filed.merged_into,
        "split_from": filed.split_from,
        "is_held": filed.is_held,
        "is_erased": filed.erased_at is not None,
    }


def _clock(clock: RunningClock, desk: Desk, language: str) -> ClockTold:
    return ClockTold(
        id=clock.id,
        title=desk.chains.title_of(clock).in_language(language),
        began_at=clock.began_at,
        due_at=clock.due_at,
        ended_at=clock.ended_at,
        is_overdue=is_overdue(clock, desk.clock()),
    )


def somebody(person: str, names: Names) -> PersonNamed | None:
    """Give a person as they are shown, or nobody where there is no id."""
    return named(person, names) if person else None


def _reason(reason: Reason, kind: Kind, language: Texts) -> ReasonTold:
    try:
        text = reason_in_words(reason, kind, language)
    except KeyError:
        # What an earlier version stored lacks the numbers that are said now.
        text = reason.code.replace("_", " ")
    return ReasonTold(code=reason.code, points=reason.points, text=text)


def _proposal(row: str, table: SanctionTable, language: str) -> ProposalTold:
    found = table.rows[row]
    return ProposalTold(
        row=row,
        label=found.label.in_language(language),
        note=found.note,
        is_repeat=found.is_repeat,
        actions=[
            ActionTold(id=action.id, label=action.label.in_language(language)) for action in table.actions_of(row)
        ],
    )


def _referral(step: FiledStep, names: Names) -> ReferralTold:
    return ReferralTold(
        step=step.number,
        referred_to=step.referred_to,
        reference=step.reference,
        at=step.done_at,
        by=named(step.done_by, names),
        outcome=step.outcome,
    )


def _entry(place: int, entry: Entry, names: Names) -> EntryTold:
    return EntryTold(
        number=place,
        at=entry.at,
        what=entry.what,
        actor=named(entry.actor, names),
        content=dict(entry.content),
        personal=None if entry.personal is None else dict(entry.personal),
        evidence=entry.evidence,
        hash=entry.hash,
    )
