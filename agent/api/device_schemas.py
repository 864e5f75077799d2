"""What people ask and are told about laptops."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from agent.api.schemas import Asked, Id, Line, PersonNamed, Prose, Text, Told
from agent.fleet.enrolment_desk import MAX_USES
from agent.storage.fleet_rows import DeviceState, FindingKind


class DeviceTokenAsked(Asked):
    """A token for laptops; `owner` is whose they are."""

    label: Line
    uses: Annotated[int, Field(ge=1, le=MAX_USES)] = 1
    hours: Annotated[float, Field(gt=0, le=720)] = 72
    owner: Id | None = None


class DeviceTokenTold(Told):
    """A token as a list shows it; nobody can show the token itself again."""

    id: str
    label: str
    uses: int
    uses_left: int
    created_by: str
    created_at: datetime
    ends_at: datetime
    is_usable: bool


class DeviceTokenMade(Told):
    """A token that was made just now."""

    id: str
    token: str
    uses: int
    ends_at: datetime


class CodeAsked(Asked):
    """The six digits that the laptop shows."""

    code: Annotated[Text, StringConstraints(pattern=r"^ *[0-9]{6} *$")]


class ReasonAsked(Asked):
    """Why, if somebody wants to say it."""

    reason: Prose = ""


class OwnerAsked(Asked):
    """Whose laptop it is; null is nobody's."""

    owner: Id | None


class ContactTold(Told):
    """The last word of a laptop."""

    seen_at: datetime
    agent: str
    policy: int
    waiting: int
    oldest_seconds: float
    skew_seconds: float
    dropped_total: int
    address: str


class DeviceTold(Told):
    """A laptop; `code` is what its own screen must show as well while it waits for somebody."""

    id: str
    version: int
    state: DeviceState
    label: str
    owner: PersonNamed | None
    host: dict[str, str]
    enrolled_at: datetime
    decided_at: datetime | None
    is_waiting: bool
    code: str | None
    is_silent: bool
    contact: ContactTold | None


class StateTold(Told):
    """One thing that a laptop told, and when that was so."""

    kind: str
    key: str
    proven_at: datetime
    facts: dict[str, Any]


class FindingTold(Told):
    """Something that somebody has to look at."""

    number: int
    kind: FindingKind
    at: datetime
    facts: dict[str, Any]


class WholeDeviceTold(DeviceTold):
    """A laptop with what it last proved of itself and what was found about it."""

    states: list[StateTold]
    findings: list[FindingTold]


class DevicesTold(Told):
    """Every laptop."""

    items: list[DeviceTold]


class DeviceTokensTold(Told):
    """Every token for laptops."""

    items: list[DeviceTokenTold]
