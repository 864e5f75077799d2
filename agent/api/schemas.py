"""What comes in and goes out, part by part; text becomes a type here, once, and nothing else is looked at.

What a request means, and whether the rules give it, is not decided here. Instants are ISO 8601 with their offset.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from rules.subject import Audience

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_CALENDAR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What is no text: what terminals obey, but for a new line and a tab, and halves of characters.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HALVES: Final = re.compile(r"[\ud800-\udfff]")


def _fault(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("schoolgate", "{sentence}", {"sentence": sentence})


def _only_characters(text: str) -> str:
    """Refuse what is no character and what terminals obey; the text itself is not repeated."""
    if _CONTROLS.search(text):
        raise _fault("a control character was found; expected text")
    if _HALVES.search(text):
        raise _fault("half a character was found; expected text")
    return text


def _only_text(value: Any) -> Any:
    """Refuse numbers as instants: nobody can see whether they are seconds or milliseconds."""
    if not isinstance(value, str) or not _CALENDAR.match(value):
        raise _fault("expected a date such as 2026-03-02, or an instant such as 2026-03-02T09:15:00+00:00")
    return value


def _in_reach(at: datetime) -> datetime:
    if not FIRST_YEAR < at.year < LAST_YEAR:
        raise _fault(f"expected a year between {FIRST_YEAR} and {LAST_YEAR}")
    return at.astimezone(UTC)


def _day_in_reach(on: date) -> date:
    if not FIRST_YEAR < on.year < LAST_YEAR:
        raise _fault(f"expected a year between {FIRST_YEAR} and {LAST_YEAR}")
    return on


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_only_characters)]
Line = Annotated[Text, StringConstraints(max_length=200)]
Prose = Annotated[Text, StringConstraints(max_length=2000)]
Written = Annotated[Text, StringConstraints(min_length=1, max_length=2048)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Id = Annotated[Text, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:@-]+$")]
Kind = Annotated[Text, StringConstraints(max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
Instant = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_in_reach)]
Day = Annotated[date, BeforeValidator(_only_text), AfterValidator(_day_in_reach)]
Names = Annotated[list[Written], Field(max_length=10_000)]
Several = Annotated[list[Name], Field(max_length=200)]


class Asked(BaseModel):
    """A body in which a key that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Told(BaseModel):
    """What is given back."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


# --- Overrides


class OverrideAsked(Asked):
    """What somebody wants to be open: names or pages, or categories; for whom, when and why."""

    names: Names = []
    categories: Several = []
    audiences: Annotated[list[Audience], Field(max_length=len(Audience))] = []
    groups: Several = []
    reason: Prose = ""
    topic: Line = ""
    from_at: Instant | None = None
    until_at: Instant
    is_break_glass: StrictBool = False


class Reasoned(Asked):
    """A decision, with why."""

    reason: Prose = ""


class Narrowed(Asked):
    """An approval of less than was asked for; what is left out stays as it is."""

    reason: Prose = ""
    names: Names | None = None
    groups: Several | None = None
    until_at: Instant | None = None


class PersonNamed(Told):
    """A person as they are shown beside something else."""

    id: str
    name: str


class OverrideTold(Told):
    """An override; `version` is its ETag, `used` says how it was used, some time after it is over.

    `stays_open` is told where it was revoked just now.
    """

    id: str
    version: int
    state: str
    requester: PersonNamed
    names: list[str]
    categories: list[str]
    lifts: list[str]
    audiences: list[str]
    groups: list[str]
    from_at: datetime
    until_at: datetime
    reason: str
    topic: str
    is_break_glass: bool
    approvers: list[PersonNamed]
    requested_at: datetime
    decided_at: datetime | None
    decision_reason: str
    used: "UseTold | None" = None
    effect: "Effect | None" = None
    stays_open: "list[StaysOpen]" = []


class StaysOpen(Told):
    """What another override still opens of one that was revoked, for some of its people, and until when."""

    override: str
    what: list[str]
    until_at: datetime


class UseTold(Told):
    """How often an override was used, and by how many devices; null is not known, and incomplete at least so many."""

    times: int | None
    devices: int | None
    is_complete: bool


class Effect(Told):
    """What became of a decision at the filter: whether every worker applies it, and when every device sees it."""

    applied: bool
    everywhere_by: datetime | None = None


class Stays(Told):
    """A name or category that stays blocked, and why."""

    what: str
    why: str


class Opens(Told):
    """A rule of the school's own, and the names that it blocks and that would be open."""

    rule: str
    names: list[str]


class PreviewTold(Told):
    """What an override would change; with `faults` it cannot be sent as it is."""

    lifts: list[str]
    opens: list[Opens]
    stays_blocked: list[Stays]
    also_needed: list[str]
    notes: list[str]
    faults: list[str]
    needs_two: bool


class OverridePage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[OverrideTold]
    next: str | None = None


# --- Suspensions


class SuspensionAsked(Asked):
    """Filtering off: for networks, for groups, or for the school; why, and until when."""

    networks: Several = []
    groups: Several = []
    is_for_school: StrictBool = False
    reason: Prose = ""
    from_at: Instant | None = None
    until_at: Instant


class SuspensionTold(Told):
    """A suspension; `version` is its ETag."""

    id: str
    version: int
    state: str
    requester: PersonNamed
    networks: list[str]
    groups: list[str]
    is_for_school: bool
    reason: str
    from_at: datetime
    until_at: datetime
    requested_at: datetime | None = None
    agreed_by: PersonNamed | None = None
    ended_at: datetime | None = None
    effect: Effect | None = None


class SuspensionPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[SuspensionTold]
    next: str | None = None


# --- The record


class RowTold(Told):
    """A row of the record."""

    number: int
    at: datetime
    kind: str
    actor: str
    actor_name: str
    subject: str
    facts: dict[str, Any]
    is_erased: bool


class RowPage(Told):
    """A part of the record; `next` asks for the part after it."""

    items: list[RowTold]
    next: str | None = None


class VerdictTold(Told):
    """Whether the record is whole, and if not, where it first is not and why."""

    is_whole: bool
    rows: int
    anchors: int
    first_broken: int | None = None
    why: str | None = None


class AnchorTold(Told):
    """How far the record went on a day, signed; `line` is what is printed or mailed."""

    day: str
    number: int
    line: str


class AnchorPage(Told):
    """A part of the anchors; `next` asks for the part after it."""

    items: list[AnchorTold]
    next: str | None = None


class ErasureAsked(Asked):
    """Why the personal content of a row goes."""

    reason: Prose = ""


class ErasureTold(Told):
    """The row that says that the personal content of another is gone."""

    number: int


class SignOffAsked(Asked):
    """That somebody looked at the record of a period, both days included."""

    from_on: Day
    until_on: Day
    remark: Prose = ""


class SignOffTold(Told):
    """A sign-off as it stands in the record."""

    number: int
    from_on: date
    until_on: date
    counts: dict[str, int]
    reviewed_by: PersonNamed


def texts(values: Iterable[str]) -> list[str]:
    """Give texts in an order that does not change."""
    return sorted(str(value) for value in values)


# --- Notices


class NoticeTold(Told):
    """What became of a notice; `webhook` names the program that it is for, and no address is told."""

    id: str
    at: datetime
    channel: str
    webhook: str | None
    state: str
    attempts: int
    next_at: datetime | None
    fault: str


class QueueTold(Told):
    """How the queue of a channel stands; what was given up is counted for some days."""

    channel: str
    waiting: int
    oldest_at: datetime | None
    given_up: int


class NoticesTold(Told):
    """The queues, and the newest notices first, without what they say."""

    queues: list[QueueTold]
    items: list[NoticeTold]


class TriedTold(Told):
    """What was queued to try the ways there are; `mails` counts the addresses of whoever asked."""

    ids: list[str]
    webhooks: int
    mails: int
    has_mail: bool
