"""What machines tell and are told: many things at once, each looked at by itself."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictInt, StringConstraints, ValidationError

from agent.api.problems import fault_sentence
from agent.api.schemas import Asked, Instant, Kind, Line, Text, Told
from agent.observing.observing_told import MOST_AT_ONCE, Refused, Taken, ToldEvent
from agent.observing.sign_ins import ToldSignIn
from agent.storage.presence_rows import SignIn
from agent.storage.timeline_rows import ATTESTED, DEVICE
from rules.observation import Place
from rules.subject import Audience

MAX_FACTS: Final = 16
MAX_SIGNALS: Final = 100
# What the program itself says of an event, so no fact of a machine may.
RESERVED: Final = frozenset(
    {
        "kind",
        "signals",
        "is_weak",
        "in_lesson",
        "is_closed",
        "others",
        "askers",
        "peers",
        DEVICE,
        ATTESTED,
    }
)
_SHOWN_CHARACTERS: Final = 64

Item = TypeVar("Item", bound=BaseModel)


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name} is no name of a fact; expected another one")
    return name


# Long enough that two machines do not give the same by chance.
EventId = Annotated[Text, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9._:@-]+$")]
Device = Annotated[Text, StringConstraints(min_length=1, max_length=64)]
FactName = Annotated[
    Text, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_not_reserved)
]
Fact = StrictBool | Annotated[StrictInt, Field(ge=-(2**53), le=2**53)] | Line
Facts = Annotated[dict[FactName, Fact], Field(max_length=MAX_FACTS)]


class Batch(Asked):
    """Things that are told at once; what is wrong with one of them is said of that one."""

    items: Annotated[list[Any], Field(min_length=1, max_length=MOST_AT_ONCE)]


class SignInAsked(Asked):
    """Somebody signed in; without `until_at` they still are."""

    id: EventId
    device: Device
    account: Line = ""
    kind: SignIn = SignIn.LOGON
    from_at: Instant
    until_at: Instant | None = None

    def told(self) -> ToldSignIn:
        """Give it as the service takes it."""
        return ToldSignIn(self.id, self.device, self.account.strip(), self.kind, self.from_at, self.until_at)


class EventAsked(Asked):
    """Something that a machine saw; `account` is who it attests to have been signed in."""

    id: EventId
    kind: Kind
    at: Instant
    device: Device
    account: Line = ""
    audience: Audience | None = None
    place: Place = Place.UNKNOWN
    signals: Annotated[StrictInt, Field(ge=1, le=MAX_SIGNALS)] = 1
    is_weak: StrictBool = False
    facts: Facts = Field(default_factory=dict)

    def told(self) -> ToldEvent:
        """Give it as the service takes it."""
        return ToldEvent(
            id=self.id,
            kind=self.kind,
            at=self.at,
            device=self.device,
            account=self.account.strip(),
            audience=self.audience,
            place=self.place,
            signals=self.signals,
            is_weak=self.is_weak,
            facts=self.facts,
        )


class RefusedTold(Told):
    """What was not taken: which of the items, and why."""

    place: int
    id: str
    why: str


class TakenTold(Told):
    """What became of the items; what was told before is not taken again."""

    accepted: int
    repeated: int
    refused: list[RefusedTold]


def read_items(items: Sequence[Any], shape: type[Item]) -> tuple[dict[int, Item], list[Refused]]:
    """Read each item by itself; gives those that can be read by their place, and why the others cannot."""
    read: dict[int, Item] = {}
    refused = []
    for place, item in enumerate(items):
        try:
            read[place] = shape.model_validate(item)
        except ValidationError as error:
            refused.append(Refused(place, _id_of(item), _why(error)))
    return read, refused


def tell_taken(taken: Taken, places: Sequence[int], refused: Sequence[Refused]) -> TakenTold:
    """Tell what became of a batch.

    Args:
        taken: what became of the items that could be read.
        places: where each of those stood in the batch.
        refused: those that could not be read.
    """
    return TakenTold(
        accepted=taken.accepted,
        repeated=taken.repeated,
        refused=sorted(_told(taken, places, refused), key=lambda each: each.place),
    )


def _told(taken: Taken, places: Sequence[int], refused: Sequence[Refused]) -> Iterator[RefusedTold]:
    yield from (RefusedTold(place=each.place, id=each.id, why=each.why) for each in refused)
    yield from (RefusedTold(place=places[each.place], id=each.id, why=each.why) for each in taken.refused)


def _id_of(item: Any) -> str:
    known_as = item.get("id", "") if isinstance(item, dict) else ""
    is_shown = isinstance(known_as, str) and known_as.isprintable() and len(known_as) <= _SHOWN_CHARACTERS
    return known_as if is_shown else ""


def _why(error: ValidationError) -> str:
    """Say what the first fault is; what was sent is not repeated."""
    fault = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(step)[:_SHOWN_CHARACTERS] for step in fault["loc"])
    why = fault_sentence(str(fault["msg"]))
    return f"{where}: {why}" if where else why
