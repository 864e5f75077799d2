"""Who is signed in to a laptop, as the laptop tells it: a sign-in like any other, from when until when, and where.

In the school a laptop is known by the address at which it asks for names, so that what its user may do follows the
user; elsewhere by itself. What comes in late says nothing of an address, which may be another device's by now.
Whose laptop it is says nothing of who uses it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.fleet.fleet_reading import StoredEvent, Word
from agent.fleet.named_accounts import NamedAccounts, is_doubted
from agent.observing.known_devices import KnownDevices
from agent.observing.observing_told import audience_of, person_called
from agent.observing.sign_ins import SignIns, groups_of
from agent.people.people import read_person
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.storage.case_rows import Case, read_case, write_case
from agent.storage.fleet_rows import Device, read_device
from agent.storage.presence_rows import Presence, SignIn, read_presence
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.observation import Confidence, Place
from rules.subject import Audience

KEY: Final = "laptop"
SESSION: Final = "session"
# What comes in within so long happened where it came from; by then an address belongs to nobody else.
AT_ONCE: Final = timedelta(minutes=10)
# So often a sign-in that goes on is written down as going on.
_TOLD_AGAIN: Final = timedelta(minutes=5)
_MOST_PEOPLE: Final = 5
_LATE: Final = AT_ONCE.total_seconds()
_LEAST_SILENCE: Final = timedelta(minutes=15)


@dataclass(slots=True)
class LaptopNow:
    """What is known of a laptop after an event.

    `heard_at` is when it was last known to be on. `people` are those who are signed in, by pseudonym, and `presences`
    the ids of what was written down of them. `own_address` is where it was last known to be in the school. `told` is
    what somebody was told of that lasts: a check that fails, and the days of notes. `weak` is how many weak signs of
    a way round the filter it tells of now, and `is_unfiltered` whether somebody else than us answered it when it last
    asked in the school. `contact` is the address from which it was always heard since `contact_since`, without a long
    silence, and `contact_at` when it was heard last, by our clock. On the day `back_on` it was heard again,
    `away_days` after the day on which it was heard last before.
    """

    heard_at: str = ""
    epoch: str = ""
    sequence: int = 0
    address: str = ""
    place: str = Place.UNKNOWN.value
    people: list[dict[str, Any]] = field(default_factory=list)
    presences: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Any] = field(default_factory=dict)
    weak: int = 0
    is_unfiltered: bool = False
    contact: str = ""
    contact_since: str = ""
    contact_at: str = ""
    away_days: int = 0
    back_on: str = ""
    named: dict[str, Any] = field(default_factory=dict)
    doubted_until: str = ""

    def is_latest(self, event: StoredEvent) -> bool:
        """Say whether nothing newer than an event was heard of."""
        return (event.epoch, event.sequence) == (self.epoch, self.sequence)

    def copy(self) -> "LaptopNow":
        """Give it to whoever may change it."""
        held = {name: copy(getattr(self, name)) for name in _HELD}
        return replace(self, **held)

    @property
    def last(self) -> datetime | None:
        """When it was last known to be on."""
        return datetime.fromisoformat(self.heard_at) if self.heard_at else None


# What is changed where it stands.
_HELD: Final = ("people", "presences", "addresses", "told", "programs", "named")


def laptop_of(case: Case) -> LaptopNow:
    """Read what is known of a laptop; what an older program wrote and nobody knows any more is left out."""
    known = LaptopNow.__dataclass_fields__
    return LaptopNow(**{name: value for name, value in case.content.items() if name in known})


class DeviceSessions:
    """The sign-ins of laptops.

    Args:
        sign_ins: where they are kept.
        known: the devices that the site knows.
    """

    def __init__(
        self,
        sign_ins: SignIns,
        pseudonyms: Pseudonyms,
        *,
        site: Callable[[], Site],
        known: Callable[[], KnownDevices],
    ) -> None:
        self._sign_ins = sign_ins
        self._pseudonyms = pseudonyms
        self._site = site
        self._known = known
        self._named = NamedAccounts(pseudonyms)

    def read(self, act: Act, device: str) -> LaptopNow:
        """Give what is known of a laptop."""
        case = read_case(act.database, device, KEY)
        return LaptopNow() if case is None else laptop_of(case)

    def write(self, act: Act, device: str, laptop: LaptopNow) -> None:
        """Keep what is known of a laptop."""
        content = {name: getattr(laptop, name) for name in LaptopNow.__dataclass_fields__}
        write_case(act, Case(device, KEY, content))

    def locate(self, laptop: LaptopNow, word: Word, now: datetime) -> bool:
        """Note from where a laptop is heard, and since when without a long silence; says whether that is news."""
        last = datetime.fromisoformat(laptop.contact_at) if laptop.contact_at else None
        if laptop.contact == word.address and last == word.seen_at:
            return False
        if laptop.contact != word.address or last is None or abs(word.seen_at - last) > longest_silence(self._site()):
            laptop.contact, laptop.contact_since = word.address, now.isoformat()
        days = (self.day(word.seen_at) - self.day(last)).days if last is not None else 0
        if days > 0:
            laptop.away_days, laptop.back_on = days, self.day(word.seen_at).isoformat()
        laptop.contact_at = word.seen_at.isoformat()
        return True

    # ---- what happens ----------------------------------------------------------------------------------------

    def sign_in(self, act: Act, event: StoredEvent, laptop: LaptopNow) -> None:
        """Take who is signed in now in the place of who was."""
        before = {each["person"] for each in laptop.people}
        self.end(act, laptop, event.at)
        laptop.addresses = [each for each in _list(event.facts, "addresses") if isinstance(each, str)]
        accounts = _accounts(event.facts)
        is_believed = self.believes(act, event, laptop, accounts)
        laptop.people = list(self._people(act, event, accounts, is_believed=is_believed))
        for each in laptop.people:
            if each["person"] in before:
                # They were here before: only the address is another one.
                each["since"] = None
        laptop.place = self.place_of(event, laptop).value
        laptop.address = self._address(event, laptop)
        self._begin(act, event, laptop)

    def believes(self, act: Act, event: StoredEvent, laptop: LaptopNow, accounts: Iterable[str]) -> bool:
        """Note which accounts a laptop names, and say whether that is taken at its word."""
        if self._named.are_too_many(act, event.device, laptop, accounts, on=self.day(act.now)):
            self.end(act, laptop, event.at, is_over=False)
            nobody = {"person": "", "kind": SignIn.SHARED.value, "audience": "", "groups": []}
            laptop.people = [{**each, **nobody} for each in laptop.people]
        return not is_doubted(laptop, act.now)

    def hear(self, act: Act, event: StoredEvent, laptop: LaptopNow) -> None:
        """Note that a laptop is on: whoever is signed in still is, unless that is what it tells of."""
        if event.epoch == laptop.epoch and event.sequence < laptop.sequence:
            return
        laptop.epoch, laptop.sequence = event.epoch, event.sequence
        laptop.heard_at = max(event.at, laptop.last or event.at).isoformat()
        if event.kind == SESSION:
            return
        if laptop.people and not laptop.presences:
            # It was silent for a while, and its user is still there.
            laptop.place = self.place_of(event, laptop).value
            laptop.address = self._address(event, laptop)
            self._begin(act, event, laptop)
        for presence in self._open(act, laptop):
            if event.at - presence.told_at >= _TOLD_AGAIN:
                self._keep(act, laptop, replace(presence, told_at=event.at))

    def end(self, act: Act, laptop: LaptopNow, at: datetime, *, is_over: bool = True) -> None:
        """Write down that whoever is signed in is so no more, or where not `is_over`, that nobody knows any more."""
        for presence in self._open(act, laptop):
            until_at = max(at, presence.from_at)
            self._keep(act, laptop, replace(presence, until_at=until_at, told_at=max(presence.told_at, until_at)))
        laptop.presences = []
        if is_over:
            laptop.people = []

    def who(self, device: Device, laptop: LaptopNow, at: datetime) -> dict[str, Any]:
        """Give whom something at a laptop is about, as whoever weighs it reads it."""
        one = laptop.people[0] if len(laptop.people) == 1 and laptop.people[0]["kind"] == SignIn.ATTESTED else None
        return {
            "device": self._pseudonym(device.id, laptop.address, at),
            "is_attested": one is not None,
            "person": one["person"] if one else "",
            "of": one["audience"] if one else "",
        }

    def nobody(self, device: Device, at: datetime) -> dict[str, Any]:
        """Give whom something is about that is nobody's doing: the laptop itself."""
        return {"device": self._pseudonym(device.id, "", at), "is_device": True}

    def audience(self, act: Act, device: Device, laptop: LaptopNow) -> Audience:
        """Say whose table is for what nobody is known to have done: that of its owner, or of where it is."""
        owner = read_person(act.database, device.owner) if device.owner else None
        if owner is not None:
            return audience_of(owner)
        found = self._known().audience(laptop.address) if laptop.address else None
        return found or Audience.STAFF

    def place_of(self, event: StoredEvent, laptop: LaptopNow) -> Place:
        """Say whether something happened in the school: a laptop there is heard at once, one elsewhere is not.

        An address may be of a network at home that is numbered as one of ours; then nobody knows.
        """
        is_at_once = event.delay_seconds <= _LATE
        if not laptop.addresses or any(map(self._is_ours, laptop.addresses)):
            return Place.ON_SITE if is_at_once else Place.UNKNOWN
        return Place.UNKNOWN if is_at_once else Place.OFF_SITE

    def is_heard_in_school(self, event: StoredEvent, laptop: LaptopNow) -> bool:
        """Say whether an event came at once and from an address of the school, whatever the laptop says."""
        return event.delay_seconds <= _LATE and self._is_ours(laptop.contact)

    def day(self, at: datetime) -> date:
        """Say which day it was in the school."""
        return at.astimezone(ZoneInfo(self._site().school.timezone)).date()

    # ---- parts of each ---------------------------------------------------------------------------------------

    def _people(
        self, act: Act, event: StoredEvent, accounts: Iterable[str], *, is_believed: bool
    ) -> Iterator[dict[str, Any]]:
        """Give who is signed in, each once; who is not known is nobody."""
        confidence, why = event.facts.get("confidence"), event.facts.get("why")
        sessions = [each for each in _list(event.facts, "sessions") if isinstance(each, Mapping)]
        for account in islice(accounts, _MOST_PEOPLE):
            kind = SignIn.ATTESTED if confidence == Confidence.A or why == "several" else SignIn.LOGON
            person = None
            if why == "shared" or not is_believed:
                kind = SignIn.SHARED
            else:
                person = person_called(act, account) or person_called(act, account.rpartition("\\")[2])
            yield {
                "person": self._pseudonyms.person(person.id, self.day(event.at)) if person else "",
                "kind": kind.value,
                "audience": audience_of(person).value if person else "",
                "groups": sorted(groups_of(act, person)) if person else [],
                "since": _since(sessions, account),
            }

    def _begin(self, act: Act, event: StoredEvent, laptop: LaptopNow) -> None:
        """Write down who is signed in from now on; or from when they signed in, where that was just before."""
        for place, each in enumerate(laptop.people):
            since = each.get("since")
            age = event.at.timestamp() - since if isinstance(since, int | float) else -1.0
            from_at = event.at - timedelta(seconds=age) if 0 <= age <= _LATE else event.at
            presence = Presence(
                id=f"{event.id}/{place}",
                device=self._pseudonym(event.device, laptop.address, event.at),
                person=each["person"],
                kind=SignIn(each["kind"]),
                from_at=from_at,
                told_at=event.at,
                audience=Audience(each["audience"]) if each["audience"] else None,
                groups=frozenset(each["groups"]),
            )
            if self._keep(act, laptop, presence):
                laptop.presences.append(presence.id)

    def _open(self, act: Act, laptop: LaptopNow) -> list[Presence]:
        found = (read_presence(act.database, each) for each in laptop.presences)
        return [each for each in found if each is not None and each.until_at is None]

    def _keep(self, act: Act, laptop: LaptopNow, presence: Presence) -> bool:
        network = self._known().audience(laptop.address) if laptop.address else None
        is_alone = len(laptop.people) <= 1
        try:
            self._sign_ins.keep(
                act, presence, network=network, is_alone=is_alone, is_staffs=_is_staffs(act, presence)
            )
        except RefusedRequestError:
            # It has this id of another device: that of a file of events that is gone.
            return False
        return True

    def _address(self, event: StoredEvent, laptop: LaptopNow) -> str:
        """Give the one address in the school by which a laptop is known as a device, if there is one.

        It is that from which the laptop is heard: what it says of its addresses anybody could say.
        """
        if event.delay_seconds > _LATE or laptop.contact not in laptop.addresses:
            return ""
        return laptop.contact if self._is_ours(laptop.contact) else ""

    def _is_ours(self, address: str) -> bool:
        try:
            return self._known().audience(address) is not None
        except RefusedRequestError:
            return False

    def _pseudonym(self, device: str, address: str, at: datetime) -> str:
        if address:
            return self._known().pseudonym(address, self.day(at))
        return self._pseudonyms.pseudonym(f"laptop {device}", self.day(at))


def _is_staffs(act: Act, presence: Presence) -> bool:
    """Say whether the laptop at which a sign-in was is known to be one of staff."""
    device = read_device(act.database, presence.id.partition("/")[0])
    owner = read_person(act.database, device.owner) if device is not None and device.owner else None
    return owner is not None and audience_of(owner) is Audience.STAFF


def longest_silence(site: Site) -> timedelta:
    """Say for how long a laptop may be silent before it sleeps or is away, and its address is free."""
    return max(3 * timedelta(seconds=site.private.endpoints.heartbeat_seconds), _LEAST_SILENCE)


def _accounts(facts: Mapping[str, Any]) -> list[str]:
    """Give the accounts that a laptop says are signed in, each once."""
    sessions = [each for each in _list(facts, "sessions") if isinstance(each, Mapping)]
    named = [str(each.get("account", "")).lower() for each in sessions if each.get("account")]
    if not named and isinstance(facts.get("account"), str):
        named = [facts["account"].lower()]
    return list(dict.fromkeys(named))


def _list(facts: Mapping[str, Any], name: str) -> list[Any]:
    found = facts.get(name)
    return found if isinstance(found, list) else []


def _since(sessions: list[Mapping[str, Any]], account: str) -> float | None:
    """Give since when an account is signed in, by the clock of the laptop."""
    for each in sessions:
        since = each.get("since")
        if str(each.get("account", "")).lower() == account and isinstance(since, int | float):
            return float(since)
    return None
