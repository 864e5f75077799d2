"""What the queue shows of each group, and which part of it somebody asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from agent.api.incident_looks import read_place, write_place
from agent.api.parts import names_of
from agent.console.incidents.case_words import CaseWords
from agent.console.incidents.incident_view import TableRow, rows_of
from agent.console.page import Page
from agent.incidents.incident_queue import Group, Place
from agent.incidents.incident_sweep import decide_by
from agent.storage.incident_rows import Filed
from agent.storage.queue_rows import Choice
from agent.texts import Texts
from rules.incident import State
from rules.incident_kind import Kind
from rules.incident_weight import Weight

ON_PAGE: Final = 20
Value = TypeVar("Value", bound=StrEnum)


class Standing(StrEnum):
    """Which part of the queue somebody looks at."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    OVER = "over"


STATES: Final[Mapping[Standing, tuple[State, ...]]] = {
    Standing.WAITING: (State.CANDIDATE,),
    Standing.ACCEPTED: (State.ACCEPTED,),
    Standing.OVER: (State.CLOSED, State.DISMISSED),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what it says wrongly is as if it did not say it."""

    standing: Standing
    weight: Weight | None
    kind: Kind | None
    subject: str
    after: Place | None

    @property
    def choice(self) -> Choice:
        """The same for the service."""
        return Choice(
            STATES[self.standing],
            kinds=None if self.kind is None else (self.kind,),
            weights=None if self.weight is None else (self.weight,),
            subject=self.subject or None,
        )

    @property
    def everything(self) -> Choice:
        """All of this standing, of which the filters choose."""
        return Choice(STATES[self.standing])

    def address(self, path: str = "/incidents", **changes: str) -> str:
        """Give where the same is shown with other choices; an empty one is none."""
        values = {"standing": "" if self.standing is Standing.WAITING else self.standing.value}
        values |= {"weight": self.weight or "", "kind": self.kind or "", "subject": self.subject}
        chosen = {name: value for name, value in (values | changes).items() if value}
        return f"{path}?{urlencode(chosen)}" if chosen else path


@dataclass(frozen=True, slots=True)
class Card:
    """A group as its card shows it; `decided_by` is a name, where somebody has decided about it."""

    group: Group
    lead: Filed
    rows: list[TableRow]
    decide_by: datetime | None
    decided_by: str

    @property
    def id(self) -> str:
        """The id of the incident that stands for the group."""
        return self.lead.incident.id

    @property
    def waits(self) -> bool:
        """Whether there is something to decide."""
        return self.lead.incident.state is State.CANDIDATE

    @property
    def cases(self) -> list[str]:
        """All cases with their versions, as a form sends them; the one that stands for all comes first."""
        members = sorted(self.group.members, key=lambda each: each.id != self.id)
        return [f"{each.id}:{each.version}" for each in members]


def asked_of(page: Page) -> Asked:
    """Read what the address asks for."""
    return Asked(
        _one_of(Standing, page.query("standing")) or Standing.WAITING,
        _one_of(Weight, page.query("weight")),
        _one_of(Kind, page.query("kind")),
        page.query("subject")[:64],
        read_place(page.query("after") or None),
    )


def _one_of(values: type[Value], written: str) -> Value | None:
    return next((each for each in values if each.value == written), None)


def card_of(page: Page, group: Group) -> Card:
    """Give a card of a group."""
    lead = group.shown[0]
    decided_by = ""
    if lead.decided_by:
        with page.parts.store.read() as database:
            decided_by = names_of(database, [lead.decided_by])[lead.decided_by]
    waits = lead.incident.state is State.CANDIDATE
    due = decide_by(page.parts.incidents.desk, lead) if waits else None
    return Card(group, lead, rows_of(page, lead), due, decided_by)


def list_of(page: Page, asked: Asked) -> dict[str, Any]:
    """Give what the page of the queue shows."""
    queue, words = page.parts.incidents.queue, CaseWords(page.texts)
    part = queue.groups(page.person, asked.choice, after=asked.after, limit=ON_PAGE)
    totals = queue.totals(page.person, asked.everything)
    number = totals.of(asked.weight, asked.kind)
    if asked.subject:
        number = queue.totals(page.person, asked.choice).number
    kinds = sorted(totals.kinds, key=words.kind)
    return {
        "asked": asked,
        "cards": [card_of(page, each) for each in part.groups],
        "after": write_place(part.next),
        "number": number,
        "totals": totals,
        "standings": [(each, standing_words(each, page.texts)) for each in Standing],
        "weights": [(each, weight_words(each, page.texts), totals.of(weight=each)) for each in Weight],
        "kinds": [(each, words.kind(each), totals.of(kind=each)) for each in kinds],
        "words": words,
    }


def newer_than(page: Page, asked: Asked, since: str) -> int:
    """Count what has been filed since a page was made, of what it shows."""
    choice = replace(asked.choice, filed_after=since)
    return page.parts.incidents.queue.totals(page.person, choice).number


def standing_words(standing: Standing, texts: Texts) -> str:
    """Name a part of the queue."""
    _ = texts.gettext
    return {
        Standing.WAITING: _("Waiting for a decision"),
        Standing.ACCEPTED: _("Accepted, being dealt with"),
        Standing.OVER: _("Closed or dismissed"),
    }[standing]


def weight_words(weight: Weight, texts: Texts) -> str:
    """Say how much speaks for what is chosen."""
    _ = texts.gettext
    return {
        Weight.HIGH: _("much speaks for it"),
        Weight.MIDDLE: _("something speaks for it"),
        Weight.LOW: _("little speaks for it"),
    }[weight]
