"""What a policy document lays down beside its tables: who is told, by when, what is kept, and who looks again.

Each part cites its place in the document and says in our words what stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from rules.incident_kind import Kind
from rules.roles import Role
from rules.span import Span
from rules.subject import Audience
from rules.words import NO_WORDS, Words


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a document says something, and what it says in our words; `location` is the place in the pack."""

    section: str
    line: int
    says: Words
    location: str


@dataclass(frozen=True, slots=True)
class Law:
    """The day as of which the document knows the law, and what has changed since."""

    as_of: date
    notes: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class PackRole:
    """Somebody with a task; `holds` is the role that it is in the product, if it is one."""

    id: str
    title: Words
    holds: Role | None
    is_outside: bool
    cites: Citation


class Case(StrEnum):
    """When a step of a chain, or a clock, counts.

    UNDECIDED only while nobody has decided. SERIOUS once somebody says that it is, and then at once; LESSER as long
    as nobody does. FOUND where whoever deals with it finds what the words say: nobody is told of that by the clock.
    """

    ALWAYS = "always"
    UNDECIDED = "undecided"
    SERIOUS = "serious"
    LESSER = "lesser"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One step of a chain: who is told, and within which time of the first; `when` says what `case` means."""

    to: str
    within: Span
    when: Words = NO_WORDS
    case: Case = Case.ALWAYS


@dataclass(frozen=True, slots=True)
class Chain:
    """Who is told first of some kinds of incident, and who after that.

    `audience` is of whom it is about, where others have another chain.
    """

    id: str
    kinds: frozenset[Kind]
    steps: tuple[ChainStep, ...]
    cites: Citation
    audience: Audience | None = None


class Start(StrEnum):
    """What sets a clock going."""

    AWARENESS = "awareness"
    REQUEST = "request"
    LOSS = "loss"
    END = "end"


@dataclass(frozen=True, slots=True)
class Clock:
    """So much time for something, from some moment on.

    `kinds` are those of the incidents that set it going, if any do; `to` is the role that it is told to, where a step
    of the chain does that. A SERIOUS one counts once somebody says that it is.
    """

    id: str
    title: Words
    starts: Start
    length: Span
    cites: Citation
    kinds: frozenset[Kind] = frozenset()
    to: str = ""
    case: Case = Case.ALWAYS


class Keeper(StrEnum):
    """The register of the product that holds what a document asks for; NONE where people keep it themselves."""

    INCIDENTS = "incidents"
    WARNINGS = "warnings"
    REFERRALS = "referrals"
    MEDIA = "media"
    SIGN_OUTS = "sign_outs"
    OVERRIDES = "overrides"
    SUSPENSIONS = "suspensions"
    FILTER_CHANGES = "filter_changes"
    ACCESS = "access"
    ROLES = "roles"
    PEOPLE = "people"
    RECORD = "record"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Register:
    """A list that the document wants kept."""

    id: str
    title: Words
    kept_by: Keeper
    cites: Citation


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long something is kept; `length` is None where the document names no time."""

    id: str
    title: Words
    length: Span | None
    cites: Citation


@dataclass(frozen=True, slots=True)
class Review:
    """Something that is looked at again, and by whom."""

    id: str
    title: Words
    every: Span
    by: tuple[str, ...]
    cites: Citation


@dataclass(frozen=True, slots=True)
class Measure:
    """A technical measure, and what of the product is evidence of it; nothing where there is none yet."""

    id: str
    evidence: tuple[str, ...]
    cites: Citation


@dataclass(frozen=True, slots=True)
class Procedure:
    """What to do in a case, step by step; `contacts` are whom a school writes onto the card."""

    id: str
    title: Words
    steps: tuple[Words, ...]
    contacts: tuple[Words, ...]
    cites: Citation


class Means(StrEnum):
    """How the product meets a requirement, the strongest first."""

    ENFORCES = "enforces"
    LOGS = "logs"
    MEASURES = "measures"
    REMINDS = "reminds"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What becomes of one requirement: how the product meets it, and by what."""

    id: str
    means: Means
    by: Words


@dataclass(frozen=True, slots=True)
class Handbook:
    """Everything that a document says beside its tables, each part by its id."""

    roles: Mapping[str, PackRole] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    registers: Mapping[str, Register] = field(default_factory=dict)
    retention: Mapping[str, Keeping] = field(default_factory=dict)
    reviews: Mapping[str, Review] = field(default_factory=dict)
    measures: Mapping[str, Measure] = field(default_factory=dict)
    procedures: Mapping[str, Procedure] = field(default_factory=dict)
    statements: Mapping[str, Citation] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
