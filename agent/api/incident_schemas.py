"""Incidents as they come in and go out: never a person's name but of those who deal with them."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints

from agent.api.schemas import Asked, Day, Id, Instant, Line, Name, PersonNamed, Prose, Several, Text, Told
from agent.storage.letter_rows import LetterKind
from rules.incident import Dismissal, Intent, Level, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.sanction import Step
from rules.subject import Audience

# As many as a timeline holds.
MOST_ENTRIES = 1_000

Number = Annotated[int, Field(ge=1, lt=2**53, strict=True)]
RowId = Annotated[Text, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]

# --- Looking


class LookAsked(Asked):
    """Why somebody looks at what is kept about somebody, and the number of the incident that it is for."""

    purpose: Prose = ""
    case: Number


class ExportAsked(LookAsked):
    """For what evidence of an incident is handed out, and whether it says who it is about."""

    with_names: StrictBool = False


class AlikeTold(Told):
    """How many others of the list are of the same subject, and how many of others began so at the same time."""

    of_subject: int
    in_burst: int


class IncidentTold(Told):
    """An incident as a list shows it, by pseudonym; `version` is its ETag and `number` the one that people say.

    `rows` are the proposed rows of the table, `row` the one as which somebody accepted it. `opened_at` and `last_at`
    are when it happened, `filed_at` when the school came to know of it. Where nobody has decided by `decide_by`,
    somebody else is told. `intent` is 0 to 100. The subject of a sealed one is empty.
    """

    id: str
    number: int
    version: int
    state: State
    track: Track
    kind: Kind
    risk: Risk
    audience: Audience
    level: Level
    subject: str
    confidence: Confidence
    intent: int
    rows: list[str]
    row: str | None
    place: Place
    is_background: bool
    opened_at: datetime
    last_at: datetime
    filed_at: datetime
    decide_by: datetime | None
    decided_by: PersonNamed | None
    decided_at: datetime | None
    deliberate: Intent | None
    dismissal: Dismissal | None
    closed_at: datetime | None
    merged_into: str
    split_from: str
    is_held: bool
    is_erased: bool
    alike: AlikeTold | None = None


class IncidentPage(Told):
    """A part of the queue, the most urgent first, what belongs together side by side; `next` asks for the rest."""

    items: list[IncidentTold]
    next: str | None = None


class CountsTold(Told):
    """How many there are; null where they are so few that a person could be told from it."""

    by_state: dict[str, int | None]
    by_kind: dict[str, int | None]
    by_row: dict[str, int | None]


class ReasonTold(Told):
    """What speaks for or against a candidate: a code, the points that it gave, and the same in words."""

    code: str
    points: int
    text: str


class WarnedTold(Told):
    """A warning that a repeat row is proposed from."""

    incident: str
    row: str
    expires_on: str


class ActionTold(Told):
    """One step that a row ticks."""

    id: str
    label: str


class ProposalTold(Told):
    """A row of the school's own table, and what it ticks."""

    row: str
    label: str
    note: str
    is_repeat: bool
    actions: list[ActionTold]


class EntryTold(Told):
    """One entry of a timeline; `personal` is what was visited or written, and null where there is none to show.

    `hash` commits to all of it.
    """

    number: int
    at: datetime
    what: str
    actor: PersonNamed
    content: dict[str, Any]
    personal: dict[str, Any] | None
    evidence: str
    hash: str


class ReferralTold(Told):
    """That somebody outside was brought in by a step: who, how they call it, when, by whom, and what came of it."""

    step: int
    referred_to: str
    reference: str
    at: datetime | None
    by: PersonNamed
    outcome: str


class IncidentShown(IncidentTold):
    """One incident with everything that its readers may see; `further` is what the timeline only counts."""

    groups: list[str]
    why_identity: list[str]
    identity_in_words: list[str]
    reasons: list[ReasonTold]
    against: list[ReasonTold]
    warnings: list[WarnedTold]
    proposals: list[ProposalTold]
    decision_reason: str
    why_deliberate: str
    outcome: str
    lesson: str
    further: int
    referrals: list[ReferralTold]
    timeline: list[EntryTold]


class RevealedTold(Told):
    """Whom an incident is about."""

    id: str
    name: str
    roles: list[str]
    classes: list[str]


# --- Deciding


class AcceptAsked(Asked):
    """A candidate is accepted as a row of the table; whether it was deliberate, and why one thinks so."""

    row: RowId | None = None
    deliberate: Intent
    why: Prose = ""


class ReclassifyAsked(Asked):
    """It is about something else, or belongs under another row."""

    kind: Kind | None = None
    row: RowId | None = None
    reason: Prose = ""


class DismissAsked(Asked):
    """A candidate is none: why, from the list and in words."""

    dismissal: Dismissal
    words: Prose = ""


class MergeAsked(Asked):
    """It is part of another one."""

    into: Id
    reason: Prose = ""


class SplitAsked(Asked):
    """These entries of the timeline are another incident."""

    entries: Annotated[list[Number], Field(max_length=MOST_ENTRIES)]
    kind: Kind
    reason: Prose = ""


class CloseAsked(Asked):
    """What came of it, and what the school learnt."""

    outcome: Prose = ""
    lesson: Prose = ""


class AppealAsked(Asked):
    """Somebody appealed: who, on which day if not today, what was decided about it, and whether its warnings fall."""

    by: Line = ""
    on: Day | None = None
    outcome: Prose = ""
    withdraws_warnings: StrictBool = False


class SubjectAsked(Asked):
    """The person whom an incident is about, known to people."""

    subject: Id
    reason: Prose = ""


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
