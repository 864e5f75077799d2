"""What is done about incidents as it comes in and goes out: steps, restrictions, warnings, letters, what is held."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from agent.api.incident_schemas import LookAsked
from agent.api.schemas import Asked, Day, Instant, Line, Name, PersonNamed, Prose, Several, Text, Told
from agent.storage.letter_rows import LetterKind
from rules.incident import Track
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.sanction import Step

# --- Steps


class StepTold(Told):
    """One step of a checklist: who does it by when, and what was done; `deviation` is why it is not of the table."""

    number: int
    action: str
    label: str
    kind: str
    role: str
    role_title: str
    owners: list[PersonNamed]
    due_at: datetime
    is_overdue: bool
    state: str
    is_of_table: bool
    done_at: datetime | None
    done_by: PersonNamed | None
    how: str
    outcome: str
    referred_to: str
    reference: str
    deviation: str


class StepsTold(Told):
    """The checklist of an incident."""

    items: list[StepTold]


class OwnStepTold(StepTold):
    """A step that one has to do oneself; it does not say whom it is about."""

    incident: str
    case: int
    track: Track


class OwnStepsTold(Told):
    """What one has to do, the first due first."""

    items: list[OwnStepTold]


class StepDoneAsked(Asked):
    """How a step was done, what came of it, and when, if not now.

    Where it brought in somebody outside, such as the police, `referred_to` says whom, and `reference` is the number
    that they gave it.
    """

    how: Prose = ""
    outcome: Prose = ""
    at: Instant | None = None
    referred_to: Line = ""
    reference: Line = ""


class StepAddAsked(Asked):
    """A step beyond the table: what, by whom, within which time ("2 school days"), and why.

    `action` is a column of the table, where it is one; then the table says what it is.
    """

    label: Line = ""
    action: Annotated[Text, StringConstraints(max_length=60)] = ""
    kind: Step = Step.REFER
    role: Role
    within: Name
    reason: Prose = ""


class RestrictAsked(Asked):
    """Whose devices get only what everybody needs, until when, when somebody looks at it again, and why."""

    groups: Several = Field(default_factory=list)
    devices: Several = Field(default_factory=list)
    until_at: Instant
    review_on: Day
    reason: Prose = ""


class RestrictionTold(Told):
    """A restriction of access; `devices` are addresses, or the names that the network knows them by."""

    id: str
    incident: str
    step: int
    groups: list[str]
    devices: list[str]
    from_at: datetime
    until_at: datetime
    review_on: date
    ended_at: datetime | None


class RestrictionsTold(Told):
    """The restrictions that follow from an incident."""

    items: list[RestrictionTold]


# --- Warnings


class WarningTold(Told):
    """A warning on the register: the row that it was for, until when it counts, and whether it does."""

    id: str
    incident: str
    row: str
    given_at: datetime
    given_by: PersonNamed
    expires_on: date
    standing: str
    withdrawn_at: datetime | None
    withdrawn_by: PersonNamed | None


class WarningsTold(Told):
    """The warnings that were given for an incident."""

    items: list[WarningTold]


# --- Letters


class LetterAsked(LookAsked):
    """Which letter, for what purpose, in which language if not in the school's; and of a meeting, when it is."""

    kind: LetterKind
    language: Annotated[Text, StringConstraints(max_length=10, pattern=r"^[A-Za-z-]*$")] = ""
    meeting_at: Instant | None = None


class LetterTold(Told):
    """A letter; its text is for a person to read before it is sent."""

    id: str
    kind: str
    language: str
    made_at: datetime
    made_by: PersonNamed
    sent_on: date | None
    text: str | None


class LettersTold(Told):
    """The letters of an incident."""

    items: list[LetterTold]


class LetterSentAsked(Asked):
    """On which day a letter went out, if not today."""

    on: Day | None = None


# --- What is sealed


class ContactTold(Told):
    """Whom to call."""

    title: str
    lines: list[str]


class CardTold(Told):
    """What to do, step by step, and whom to call: as the papers name them, and as the school wrote them down."""

    title: str
    steps: list[str]
    to_call: list[str]
    contacts: list[ContactTold]


class UnsealTold(Told):
    """Whether what may be known of a sealed incident is open, who asked for it, and until when it is."""

    is_open: bool
    asked_by: list[PersonNamed]
    open_until: datetime | None


class MetadataTold(Told):
    """When, how often and for whom; never what. `evidence` are the hashes of what is held."""

    subject: str
    confidence: Confidence
    place: Place
    first_at: datetime
    last_at: datetime
    filed_at: datetime
    times: int
    minutes: int
    evidence: list[str]


# --- Registers


class RegisterTold(Told):
    """A register: its columns in their order, and its rows by column."""

    name: str
    columns: list[str]
    items: list[dict[str, str | int | bool | None]]
