"""Media as they come in and go out: a serial number comes in and never goes out again."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints

from agent.api.schemas import Asked, Day, Id, Line, PersonNamed, Prose, Text, Told
from rules.medium import LostHow, MediumKind, Stated

UsbId = Annotated[Text, StringConstraints(max_length=6)]
Serial = Annotated[str, StringConstraints(strict=True, max_length=400)]
Number = Annotated[int, Field(ge=1, lt=2**53, strict=True)]
OwnWords = Annotated[Text, StringConstraints(max_length=5000)]


class MediumSaid(Asked):
    """What somebody says of a medium, new or not."""

    label: Line = ""
    place: Line = ""
    stated: Stated = Stated.UNKNOWN
    holds_personal_data: StrictBool = False
    checked_on: Day | None = None
    purge_on: Day | None = None
    vendor: UsbId = ""
    product: UsbId = ""
    serial: Serial = ""


class MediumAsked(MediumSaid):
    """A medium for the register; without an owner it is one's own."""

    kind: MediumKind
    purpose: Prose
    owner: Id | None = None
    is_foreign: StrictBool = False


class MediumChanged(MediumSaid):
    """What changes of a medium; what is left out stays."""

    kind: MediumKind = MediumKind.OTHER
    purpose: Prose = ""
    owner: Id = "-"

    def changes(self) -> dict[str, Any]:
        """Give what was said, and nothing else."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class HowAsked(Asked):
    """How, or where, in words."""

    how: Prose


class PurgeAsked(HowAsked):
    """How a medium was cleared, and when it is to be cleared again."""

    next_on: Day | None = None


class SignOutAsked(Asked):
    """For what a medium is taken, and the last day; `person` is who has it, without one whoever asks."""

    purpose: Prose
    due_on: Day
    person: Id | None = None


class ExceptionAsked(Asked):
    """For what a medium is needed as it is, and the last day."""

    purpose: Prose
    until_on: Day


class LostAsked(Asked):
    """That something is gone: a medium, a laptop, or what the words tell of."""

    how: LostHow = LostHow.LOST
    text: OwnWords
    medium: Number | None = None
    device: Id | None = None
    missed_on: Day | None = None


class MediaErasureAsked(Asked):
    """Of whom what is over is erased, and why."""

    person: Id
    reason: Prose


# ---- what goes out ---------------------------------------------------------------------------------------------


class ProofTold(Told):
    """What a laptop proved of a medium, when, and by what."""

    crypt: str
    at: datetime
    device: str
    evidence: list[dict[str, str]]


class MediumTold(Told):
    """A medium; `stated` and `attested` are what people say, `proved` is what a laptop found.

    People whose name was erased have neither id nor name, here and in what follows.
    """

    number: int
    version: int
    kind: str
    state: str
    owner: PersonNamed
    label: str
    purpose: str
    place: str
    stated: str
    holds_personal_data: bool
    is_foreign: bool
    has_serial: bool
    checked_on: date | None
    purge_on: date | None
    attested: str
    attested_at: datetime | None
    registered_at: datetime
    registered_by: PersonNamed
    disposed_at: datetime | None
    disposed_by: PersonNamed | None
    disposal: str
    proved: ProofTold | None
    worst_proved: ProofTold | None


class SignOutTold(Told):
    """A permit; `version` is its ETag."""

    number: int
    version: int
    medium: int
    is_foreign: bool
    person: PersonNamed
    purpose: str
    due_on: date
    is_overdue: bool
    state: str
    asked_at: datetime
    asked_by: PersonNamed
    decided_at: datetime | None
    decided_by: PersonNamed | None
    reason: str
    returned_at: datetime | None
    returned_by: PersonNamed | None


class ExceptionTold(Told):
    """An exception; `version` is its ETag, `holds` says whether it lets the medium pass now."""

    number: int
    version: int
    medium: int | None
    asked_by: PersonNamed
    purpose: str
    until_on: date
    state: str
    holds: bool
    asked_at: datetime
    decided_at: datetime | None
    decided_by: PersonNamed | None
    reason: str


class MoveTold(Told):
    """Something that was done with a medium."""

    at: datetime
    person: PersonNamed
    move: str
    content: dict[str, Any]
    words: dict[str, str]


class WholeMediumTold(MediumTold):
    """A medium with who has it, what lets it pass, and what was done with it, the oldest first."""

    sign_out: SignOutTold | None
    exception: ExceptionTold | None
    moves: list[MoveTold]


class LostTold(Told):
    """A report; `on_record` is what was known at that moment, as far as whoever asks may see it."""

    number: int
    at: datetime
    how: str
    reporter: PersonNamed
    text: str
    medium: int | None
    device: str | None
    missed_on: date | None
    case: int | None
    on_record: dict[str, Any]


class MediaErasureTold(Told):
    """How many things about somebody were erased, and how many stay because they are not over."""

    erased: int
    kept: int


class MediumPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[MediumTold]
    next: str | None = None


class SignOutPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[SignOutTold]
    next: str | None = None


class ExceptionPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[ExceptionTold]
    next: str | None = None


class LostPage(Told):
    """A part of a list; `next` asks for the part after it."""

    items: list[LostTold]
    next: str | None = None
