"""Incidents as they come in and go out: never a person's name but of those who deal with them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints

from agent.api.schemas import Asked, Day, Id, Line, PersonNamed, Prose, Text, Told
from agent.incidents.incident_queue import MOST_IN_GROUP
from rules.incident import Dismissal, Intent, Level, State, Track
from rules.incident_kind import Kind, Risk
from rules.incident_weight import Weight
from rules.observation import Confidence, Place
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
    are when it happened, `aware_at` when the school came to know of it, `filed_at` when it was filed. Where nobody
    has decided by `decide_by`, somebody else is told. `is_serious` is null where nobody has said. `intent` is 0 to
    100, and null where nothing was weighed: somebody said so, or it is sealed. The subject of a sealed one is empty.
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
    intent: int | None
    rows: list[str]
    row: str | None
    place: Place
    is_background: bool
    opened_at: datetime
    last_at: datetime
    filed_at: datetime
    aware_at: datetime
    is_serious: bool | None
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


class MemberTold(Told):
    """One incident of a group; `version` is its ETag."""

    id: str
    number: int
    version: int


class GroupTold(Told):
    """What one person, or device, did of one kind without a day between, and is in one state: to decide at once.

    `members` are all of them, the first that began first, `shown` the most urgent. `alike` counts what is beside it.
    """

    members: list[MemberTold]
    shown: list[IncidentTold]
    weight: Weight
    first_at: datetime
    last_at: datetime
    alike: AlikeTold


class CasesTold(Told):
    """Several incidents after a decision about all of them."""

    items: list[IncidentTold]


class GroupPage(Told):
    """A part of the queue in groups, the most urgent first, those of one person side by side."""

    items: list[GroupTold]
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

    `number` is its place in this timeline, which tells nothing of others. `hash` commits to all of it.
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


class ClockTold(Told):
    """So much time for something, from when the school knew; `ended_at` is when that was done, or left out."""

    id: str
    title: str
    began_at: datetime
    due_at: datetime
    ended_at: datetime | None
    is_overdue: bool


class IncidentShown(IncidentTold):
    """One incident with everything that its readers may see; `further` is what the timeline only counts.

    `asks_whether_serious` says that others have to be told where it is, and that nobody has said so.
    """

    clocks: list[ClockTold]
    asks_whether_serious: bool
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
    is_serious: StrictBool | None = None


class CaseSeen(Asked):
    """An incident, and the version of it that somebody saw."""

    id: Id
    version: Number


Cases = Annotated[list[CaseSeen], Field(min_length=1, max_length=MOST_IN_GROUP)]


class AcceptTogetherAsked(AcceptAsked):
    """Several candidates are accepted as one: the others become part of the first."""

    cases: Cases


class UndoTogetherAsked(Asked):
    """The last decision about each of these was a slip."""

    cases: Cases


class ReclassifyAsked(Asked):
    """It is about something else, belongs under another row, or is serious."""

    kind: Kind | None = None
    row: RowId | None = None
    is_serious: StrictBool | None = None
    reason: Prose = ""


class DismissAsked(Asked):
    """A candidate is none: why, from the list and in words."""

    dismissal: Dismissal
    words: Prose = ""


class DismissTogetherAsked(DismissAsked):
    """Several candidates are none, all for the same reason."""

    cases: Cases


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
