"""What the pages of one incident show: the incident as its reader may see it, its checklist, its table, what is open.

Nothing is decided here about who sees what: every value comes through the one gate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.api.incident_routes import may_know
from agent.api.parts import names_of
from agent.console.incidents.case_words import CaseWords
from agent.console.page import Page
from agent.incidents.incident_clocks import is_overdue
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_sweep import decide_by
from agent.packs.pack_words import spell_role
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.step_rows import FiledStep
from agent.texts import Texts
from rules.incident import State
from rules.policy_pack import Pack
from rules.roles import parse_role
from rules.sanction import SanctionRow
from rules.steps import SAFEGUARDING_FIRST, StepState


@dataclass(frozen=True, slots=True)
class Tick:
    """One step of a checklist, in words: `who` are a role and the names of those who hold it."""

    step: FiledStep
    label: str
    role: str
    owners: tuple[str, ...]
    done_by: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the school's table with what it ticks; `source` is the document, `line` the line of it."""

    id: str
    label: str
    note: str
    is_repeat: bool
    ticks: tuple[str, ...]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class ClockShown:
    """So much time for something."""

    title: str
    due_at: datetime
    ended_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Other:
    """Another case that one may read."""

    id: str
    number: int


def brief_of(page: Page) -> Filed:
    """Give the incident of the address by pseudonym.

    Raises:
        UnknownIdError: there is none that whoever asks may read.
    """
    return page.parts.incidents.looking.brief(page.person, page.named("id"))


def case_of(page: Page) -> int:
    """Give the number of the case of the address, to who reads it or has one of its steps to do.

    Raises:
        UnknownIdError: there is none of which whoever asks may know.
    """
    return page.parts.incidents.looking.case(page.person, page.named("id"))


def ticks_of(page: Page, filed: Filed, steps: Sequence[FiledStep]) -> list[Tick]:
    """Put steps in words."""
    with page.parts.store.read() as database:
        names = names_of(database, (person for step in steps for person in (*step.owners, step.done_by) if person))
    return [tick_of(page, step, filed.incident.audience.value, names) for step in steps]


def tick_of(page: Page, step: FiledStep, audience: str, names: Any) -> Tick:
    """Put a step in words of the reader's language, as the table has them."""
    desk, language = page.parts.incidents.desk, page.texts.language
    table, roles = desk.table_of(audience), desk.roles_of(audience)
    action = table.actions.get(step.action) if table is not None else None
    role = parse_role(step.role)
    title = roles[step.role].title.in_language(language) if step.role in roles else ""
    return Tick(
        step=step,
        label=action.label.in_language(language)
        if action is not None
        else step.label or _own(step.action, page.texts),
        role=title or (spell_role(role, page.texts) if role else _plain(step.role)),
        owners=tuple(names.get(person, person) for person in step.owners),
        done_by=names.get(step.done_by, "") if step.done_by else "",
        is_overdue=step.state is StepState.OPEN and step.due_at < page.now,
    )


def _own(action: str, texts: Texts) -> str:
    """Name a step that no table ticks."""
    return texts.gettext("Refer to the safeguarding lead") if action == SAFEGUARDING_FIRST else _plain(action)


def _plain(word: str) -> str:
    return word.replace("_", " ")


def pack_of(desk: Desk, audience: str) -> Pack | None:
    """Give the pack whose table counts for an audience."""
    return next((pack for pack in desk.packs() if audience in pack.sanctions), None)


def rows_of(page: Page, filed: Filed) -> list[TableRow]:
    """Give the row as which it was accepted, or those that are proposed."""
    incident = filed.incident
    pack = pack_of(page.parts.incidents.desk, incident.audience.value)
    if pack is None:
        return []
    rows = pack.sanctions[incident.audience.value].rows
    wanted = (incident.row,) if incident.row else incident.rows
    return [_row(page, pack, incident.audience.value, rows[row]) for row in wanted if row in rows]


def _row(page: Page, pack: Pack, audience: str, row: SanctionRow) -> TableRow:
    language, table = page.texts.language, pack.sanctions[audience]
    return TableRow(
        id=row.id,
        label=row.label.in_language(language),
        note=row.note if language == pack.language else "",
        is_repeat=row.is_repeat,
        ticks=tuple(action.label.in_language(language) for action in table.actions_of(row.id)),
        source=pack.source,
        line=row.line,
    )


def clocks_of(page: Page, filed: Filed) -> Iterator[ClockShown]:
    """Give the times that run because of it."""
    desk = page.parts.incidents.desk
    for clock in filed.clocks:
        title = desk.chains.title_of(clock).in_language(page.texts.language)
        yield ClockShown(title, clock.due_at, clock.ended_at, is_overdue(clock, page.now))


def other_of(page: Page, incident_id: str) -> Other | None:
    """Give another case to link to, where whoever asks may read it."""
    if not incident_id or not may_know(page.parts, page.person, incident_id):
        return None
    with page.parts.store.read() as database:
        filed = read_incident(database, incident_id)
    return None if filed is None else Other(incident_id, filed.number)


def name_of(page: Page, person: str) -> str:
    """Give what somebody is called who deals with it; nothing for nobody."""
    if not person:
        return ""
    with page.parts.store.read() as database:
        return names_of(database, [person])[person]


def head_of(page: Page, filed: Filed) -> dict[str, Any]:
    """Give what stands at the top of every page of an incident."""
    return {"filed": filed, "incident": filed.incident, "words": CaseWords(page.texts)}


def everything_of(page: Page, filed: Filed) -> dict[str, Any]:
    """Give what the page of an incident shows without a purpose."""
    incidents, incident = page.parts.incidents, filed.incident
    desk = incidents.desk
    person, waits = page.person, incident.state is State.CANDIDATE
    return head_of(page, filed) | {
        "ticks": ticks_of(page, filed, incidents.steps.of(person, incident.id)),
        "rows": rows_of(page, filed),
        "clocks": list(clocks_of(page, filed)),
        "restrictions": incidents.restrictions.of(person, incident.id),
        "warnings": incidents.warnings.of(person, incident.id),
        "letters": incidents.letters.of(person, incident.id),
        "decided_by": name_of(page, filed.decided_by),
        "reader": name_of(page, page.person),
        "decide_by": decide_by(desk, filed) if waits else None,
        "today": desk.day_of(page.now),
        "asks_whether_serious": desk.chains.asks_whether_serious(incident),
        "merged_into": other_of(page, filed.merged_into),
        "split_from": other_of(page, filed.split_from),
    }
