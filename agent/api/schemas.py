"""What comes in and goes out, part by part; text becomes a type here, once, and nothing else is looked at.

What a request means, and whether the rules give it, is not decided here. Instants are ISO 8601 with their offset.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from rules.roles import Right
from rules.subject import Audience

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
_CALENDAR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What a text may hold beside what can be seen.
_WHITE: Final = frozenset("\n\t ")


def _fault(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("schoolgate", "{sentence}", {"sentence": sentence})


def _only_characters(text: str) -> str:
    """Refuse what is no character and what terminals obey; the text itself is not repeated."""
    if any((ord(each) < 0x20 and each not in _WHITE) or 0x7F <= ord(each) < 0xA0 for each in text):
        raise _fault("a control character was found; expected text")
    if any(0xD800 <= ord(each) < 0xE000 for each in text):
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


# --- Sessions and tokens


class SignIn(Asked):
    """Who somebody says they are, and what proves it; `totp` is the code of their device."""

    login: Annotated[Text, StringConstraints(min_length=1, max_length=128)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]
    totp: Annotated[Text, StringConstraints(pattern=r"^[0-9]{3} ?[0-9]{3}$")] | None = None


class Who(Told):
    """Who is signed in, and what they may do."""

    person: str
    name: str
    roles: list[str]
    rights: list[str]
    timezone: str
    csrf: str | None = None
    ends_at: datetime | None = None


Login = Annotated[Text, StringConstraints(min_length=1, max_length=128)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class AccountAsked(Asked):
    """An account for a person who is known."""

    login: Login
    person: Id


class AccountTold(Told):
    """An account; what stands beside login and person is shown once, where it was made."""

    login: str
    person: str
    password: str | None = None
    totp_secret: str | None = None
    totp_uri: str | None = None


class Proof(Asked):
    """The password of one's own account, for what a stolen session must not do."""

    password: Password


class OwnPassword(Proof):
    """Another password for one's own account."""

    new_password: Password


class TokenAsked(Asked):
    """A token for a program that acts in one's own name, within these rights."""

    label: Annotated[Text, StringConstraints(min_length=1, max_length=100)]
    scopes: Annotated[list[Right], Field(min_length=1, max_length=len(Right))]
    ends_at: Instant | None = None


class TokenTold(Told):
    """A token as it is listed; `secret` stands there once, where it was made."""

    id: str
    label: str
    scopes: list[str]
    created_at: datetime | None = None
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    secret: str | None = None


class TokenPage(Told):
    """The tokens of a person; there are never so many that they need parts."""

    items: list[TokenTold]
    next: str | None = None


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
    """An override; `version` is its ETag, `used` counts what it was used for once it is over."""

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
    used: dict[str, Any] | None = None
    effect: "Effect | None" = None


class Effect(Told):
    """What became of a decision at the filter: whether every worker applies it, and when every device sees it."""

    applied: bool
    everywhere_by: datetime | None = None


class Stays(Told):
    """A name or category that stays blocked, and why."""

    what: str
    why: str


class PreviewTold(Told):
    """What an override would change; with `faults` it cannot be sent as it is."""

    lifts: list[str]
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


# --- People


class PersonTold(Told):
    """Somebody at the school."""

    id: str
    name: str
    roles: list[str]
    classes: list[str]
    closed: bool


class PeoplePage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[PersonTold]
    next: str | None = None


class RosterAsked(Asked):
    """A file of people: CSV as text, or a OneRoster archive in base64."""

    format: Literal["csv", "oneroster"]
    content: Annotated[str, StringConstraints(strict=True, max_length=1024 * 1024)]


class RosterApplied(RosterAsked):
    """A file of people whose changes somebody has looked at; `digest` is what their preview gave."""

    digest: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class ChangesTold(Told):
    """What a file of people would change, line by line; `digest` stands for exactly this."""

    added: int
    changed: int
    closed: int
    lines: list[str]
    warnings: list[str]
    bad_lines: list[str]
    digest: str
    applied: bool = False


class RightsTold(Told):
    """Which role gives which rights, and what holders of a role need beside their password."""

    roles: dict[str, list[str]]
    privileged: list[str]


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
