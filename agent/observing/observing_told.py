"""Events that machines tell: checked one by one, kept before anybody is told that they are, and weighed afterwards.

What cannot be taken is refused in a sentence of its own and keeps nothing else from being taken. An event that is
told twice is one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from agent.observing.identity import ADDRESS_ONLY, MINUTE, Identities, Identity
from agent.observing.known_devices import KnownDevices
from agent.people.people import Person, read_person
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.observation_rows import (
    ACCEPTED,
    EVENTS,
    REFUSED,
    REPEATED,
    Waiting,
    add_counts,
    write_told,
)
from agent.storage.presence_rows import Presence, SignIn
from agent.storage.state import Act, StateStore
from agent.storage.timeline_rows import ATTESTED
from rules.assess import AHEAD
from rules.errors import RefusedRequestError
from rules.incident_kind import Kind
from rules.observation import OTHER_DEVICE, Confidence, Observation, Place, Source
from rules.roles import Role
from rules.subject import Audience

MOST_AT_ONCE: Final = 1_000
# By this what is told says that the gateway itself found it: whatever comes of it, somebody is told.
IS_FINDING: Final = "is_finding"
# What a machine can see; everything else is for people to say.
KINDS: Final = frozenset(
    {
        Kind.ACCOUNT_SHARING,
        Kind.BYPASS,
        Kind.CARELESS_DATA,
        Kind.FILE_TRANSFER,
        Kind.FILTER_OFF,
        Kind.MALWARE,
        Kind.MEDIA,
        Kind.OTHER_ACCOUNT,
        Kind.SECURITY_RULES,
        Kind.STAFF_ACCOUNT,
    }
)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not taken, by its place from 0 on and the id that whoever told it gave it, and why in a sentence."""

    place: int
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of what a machine told at once."""

    accepted: int
    repeated: int
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """Something that a machine saw.

    `device` is an address or a link-layer address. `account` is who was signed in there, where the machine attests
    it. `signals` are how many signs agree where one alone `is_weak`. `facts` are what else it knows.
    """

    id: str
    kind: str
    at: datetime
    device: str
    account: str = ""
    audience: Audience | None = None
    place: Place = Place.UNKNOWN
    signals: int = 1
    is_weak: bool = False
    facts: Mapping[str, str | int | bool] = field(default_factory=lambda: MappingProxyType({}))


class Told(Protocol):
    """Whatever a machine tells, by an id of its own."""

    @property
    def id(self) -> str:
        """Its id."""


_Told = TypeVar("_Told", bound=Told)


def take_each(
    store: StateStore, what: str, told: Sequence[_Told], take: Callable[[Act, _Told], bool], *, unreadable: int
) -> Taken:
    """Take what can be taken of what a machine told, in one act, and count all of it.

    Args:
        what: as which it is counted.
        take: takes one, and says whether it is news.
        unreadable: how many more were told that nobody could read.
    """
    accepted = 0
    refused: list[Refused] = []
    with store.act() as act:
        for place, each in enumerate(told):
            try:
                accepted += take(act, each)
            except RefusedRequestError as error:
                refused.append(Refused(place, each.id, str(error)))
        taken = Taken(accepted, len(told) - accepted - len(refused), tuple(refused))
        count(act, what, taken, unreadable)
    return taken


class ToldEvents:
    """Where events of machines come in.

    Args:
        known: the devices that the site knows.
    """

    def __init__(
        self,
        store: StateStore,
        pseudonyms: Pseudonyms,
        *,
        site: Callable[[], Site],
        known: Callable[[], KnownDevices],
    ) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._site = site
        self._known = known

    def take(self, told: Sequence[ToldEvent], *, unreadable: int = 0) -> Taken:
        """Take what can be taken; once this returns it survives whatever happens.

        Args:
            unreadable: how many more were told that nobody could read; they are counted.

        Raises:
            StorageError: nothing was taken.
        """
        return take_each(
            self._store,
            EVENTS,
            told,
            lambda act, event: write_told(act, event.id, self._content(act, event)),
            unreadable=unreadable,
        )

    def _content(self, act: Act, event: ToldEvent) -> dict[str, Any]:
        """Check an event and give what is kept of it until it is weighed: pseudonyms for who and where."""
        if event.kind not in KINDS:
            expected = ", ".join(sorted(KINDS))
            raise RefusedRequestError(
                f"A machine tells nothing of the kind {event.kind!r}; expected one of {expected}."
            )
        site, known = self._site(), self._known()
        check_instant(event.at, "This happened", act.now, site.retention.activity_days)
        on = event.at.astimezone(ZoneInfo(site.school.timezone)).date()
        person = person_called(act, event.account) if event.account else None
        audience = event.audience or known.audience(event.device)
        if audience is None:
            raise RefusedRequestError(
                "Nobody can say whose device this is, because no network of the site has its address;"
                " expected `audience` to say it."
            )
        return {
            "kind": event.kind,
            "at": event.at.isoformat(),
            "device": known.pseudonym(event.device, on),
            "is_attested": bool(event.account),
            "person": self._pseudonyms.person(person.id, on) if person else "",
            "of": audience_of(person).value if person else "",
            "audience": audience.value,
            "place": event.place.value,
            "facts": {
                **{name: value for name, value in event.facts.items() if name != OTHER_DEVICE},
                "kind": event.kind,
                "signals": event.signals,
                "is_weak": event.is_weak,
            },
        }


def happened_at(waiting: Waiting) -> datetime:
    """Say when what waits happened."""
    return datetime.fromisoformat(waiting.content["at"])


def observation_of(waiting: Waiting, identities: Identities, known: KnownDevices, *, zone: ZoneInfo) -> Observation:
    """Give an event as an observation, of whomever it is about by all that is known now."""
    content = waiting.content
    at = datetime.fromisoformat(content["at"])
    facts = {**content["facts"], ATTESTED: True} if content.get("is_attested") else content["facts"]
    if "account" in content:
        identity = _of_account(content)
    elif content.get("is_device"):
        confidence = Confidence.C if "why" in content else Confidence.D
        why, audience = tuple(content.get("why", (ADDRESS_ONLY,))), Audience(content["audience"])
        identity = Identity(content["device"], confidence, why, audience, frozenset())
    else:
        identity = _at_device(content, at, identities, known, zone)
    return Observation(
        id=f"told-{waiting.id}",
        source=Source.ENDPOINT,
        at=at,
        received_at=waiting.received_at,
        subject=identity.subject,
        confidence=identity.confidence,
        audience=identity.audience,
        why_identity=identity.why,
        groups=identity.groups,
        place=Place(content["place"]),
        evidence=content.get("evidence", f"event {waiting.number}"),
        facts=MappingProxyType(facts),
        device=content.get("device", ""),
    )


def _of_account(content: Mapping[str, Any]) -> Identity:
    """Give whose account an event is about, whoever used it."""
    groups = frozenset(content["groups"])
    return Identity(content["account"], Confidence.B, tuple(content["why"]), Audience(content["audience"]), groups)


def _at_device(
    content: Mapping[str, Any], at: datetime, identities: Identities, known: KnownDevices, zone: ZoneInfo
) -> Identity:
    minute = at.replace(second=0, microsecond=0)
    device = content["device"]
    attested = Presence(
        id="",
        device=device,
        person=content["person"],
        kind=SignIn.ATTESTED,
        from_at=minute,
        told_at=at,
        until_at=minute + MINUTE,
        audience=Audience(content["of"]) if content["of"] else None,
    )
    return identities.told_with(
        device,
        minute,
        audience=Audience(content["audience"]),
        known=known.of(device, at.astimezone(zone).date()),
        further=(attested,) if content["is_attested"] else (),
    )


def check_instant(at: datetime, what: str, now: datetime, days: int) -> None:
    """Check that something lies within the time that is kept.

    Raises:
        RefusedRequestError: it is in the future, or so long ago that nothing of then is kept.
    """
    if at > now + AHEAD:
        minutes = int((at - now) // MINUTE)
        raise RefusedRequestError(f"{what} {minutes:,} minutes from now; expected an instant in the past.")
    if at < now - timedelta(days=days):
        raise RefusedRequestError(
            f"{what} more than {days} days ago, of which nothing is kept; expected what is newer."
        )


def person_called(act: Act, account: str) -> Person | None:
    """Find whom a program means: by their id, the name that they sign in with, or as their source calls them.

    Nothing where it is nobody, somebody who has left, or more than one.
    """
    rows = act.database.execute(
        "SELECT id FROM people WHERE id = ?1 OR external_id = ?1"
        " UNION SELECT person FROM accounts WHERE login = ?1 COLLATE NOCASE AND closed_at IS NULL LIMIT 2",
        (account,),
    ).fetchall()
    found = read_person(act.database, rows[0][0]) if len(rows) == 1 else None
    return None if found is None or found.closed else found


def audience_of(person: Person) -> Audience:
    """Say whose table is for a person."""
    return Audience.PUPIL if Role.PUPIL in person.roles else Audience.STAFF


def count(act: Act, what: str, taken: Taken, unreadable: int) -> None:
    """Count what became of what was told."""
    numbers = {ACCEPTED: taken.accepted, REPEATED: taken.repeated, REFUSED: len(taken.refused) + unreadable}
    add_counts(act, {(what, why): number for why, number in numbers.items()})
