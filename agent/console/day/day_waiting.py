"""What waits for whoever looks at the page of the day, and what has changed of the filter, by the rights of each.

Something waits for those alone who can do it: nobody decides about what they asked for themselves.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from agent.api.parts import Call, names_of
from agent.console.charts.fleet_figures import read_encryption
from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS
from agent.fleet.fleet_inventory import take_stock
from agent.incidents.incident_gate import Gate
from agent.notices.notify import read_queue
from agent.people.attempts import known_person
from agent.people.confirmations import read_unconfirmed_people
from agent.record.record_status import RecordStatus, record_status
from agent.storage.filter_rows import State as FilterState
from agent.storage.filter_rows import Version, read_versions
from agent.storage.fleet_rows import DeviceState
from agent.storage.override_rows import read_overrides, read_unconfirmed
from agent.storage.permit_rows import read_exceptions, read_sign_outs
from agent.storage.queue_rows import Choice, read_counted, walk_queue
from agent.storage.state import instant_text
from agent.storage.suspension_rows import read_suspensions
from rules.errors import StorageError
from rules.incident import State as IncidentState
from rules.incident_weight import Weight
from rules.medium import ExceptionState, SignOutState
from rules.override import State as OverrideState
from rules.override import needs_two
from rules.roles import Right
from rules.suspension import State as SuspensionState

_OVERDUE: Final = (
    "SELECT incident, EXISTS (SELECT 1 FROM json_each(owners) WHERE value = ?) FROM incident_steps"
    " WHERE state = 'open' AND due_at < ?"
)
_MOST_CHANGES: Final = 50
_FILTER: Final = (Right.DRAFT_FILTER_CHANGE, Right.APPROVE_FILTER_CHANGE, Right.READ_OVERRIDES, Right.READ_RECORD)
# What says nothing of a change.
_NO_CHANGE: Final = ((FIRST_ON_RECORD,), (NOTHING_FOLLOWS,))


class What(StrEnum):
    """What can wait for somebody, the most urgent first."""

    EMERGENCIES = "emergencies"
    REQUESTS = "requests"
    SUSPENSIONS = "suspensions"
    CANDIDATES = "candidates"
    FILTER_CHANGES = "filter_changes"
    PEOPLE = "people"
    EXCEPTIONS = "exceptions"
    SIGN_OUTS = "sign_outs"
    LAPTOPS = "laptops"


@dataclass(frozen=True, slots=True)
class Waits:
    """So many of one kind wait, the oldest since an instant where that is known."""

    what: What
    number: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """What should have been done: one's own steps, those of others in cases one may read, reviews of the filter."""

    own: int = 0
    others: int = 0
    reviews: int = 0

    @property
    def number(self) -> int:
        """All of it."""
        return self.own + self.others + self.reviews


@dataclass(frozen=True, slots=True)
class Laptops:
    """Laptops on the list: those of which nothing is heard, and those whose own disk is not encrypted, or not known.

    All three are None while what laptops told cannot be read.
    """

    active: int
    silent: int | None
    not_encrypted: int | None
    not_known: int | None

    @property
    def are_well(self) -> bool:
        """Whether nobody has to look at any."""
        return self.silent == self.not_encrypted == self.not_known == 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is for whoever looks; what they may not know of is None or not there.

    `weights` are those of the candidates that they may read, `undelivered` notices that could not be sent.
    """

    waits: tuple[Waits, ...] = ()
    weights: Mapping[Weight, int] = field(default_factory=dict)
    overdue: Overdue = Overdue()
    undelivered: int | None = None
    record: RecordStatus | None = None
    laptops: Laptops | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of the filter; without `by`, nobody approved it."""

    number: int
    at: datetime
    changes: tuple[str, ...]
    by: str
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since an instant: the filter, and what was opened for a time."""

    since: datetime
    filter: tuple[Changed, ...]
    overrides: int
    emergencies: int
    suspensions: int

    @property
    def unreviewed(self) -> int:
        """How many nobody approved."""
        return sum(not each.by for each in self.filter)


def read_waiting(call: Call) -> Waiting:
    """Read what waits for somebody."""
    parts = call.parts
    laptops, codes = _laptops(call) if call.may(Right.READ_DEVICES) else (None, 0)
    with parts.store.read() as database:
        cases = _cases(database, call)
        found = [
            *_to_decide(database, call),
            Waits(What.CANDIDATES, sum(cases.weights.values()), cases.since),
            Waits(What.LAPTOPS, codes if call.may(Right.MANAGE_DEVICES) else 0),
        ]
        found.sort(key=lambda each: list(What).index(each.what))
        queues = read_queue(database).values() if call.may(Right.READ_PEOPLE) else None
        may_know_record = call.may(Right.READ_RECORD) or call.may(Right.VERIFY_RECORD)
        return Waiting(
            waits=tuple(each for each in found if each.number),
            weights={each: cases.weights[each] for each in Weight if cases.weights[each]},
            overdue=Overdue(cases.own_overdue, cases.others_overdue, _reviews(database, call)),
            undelivered=None if queues is None else sum(each.given_up for each in queues),
            record=record_status(database) if may_know_record else None,
            laptops=laptops,
        )


def read_changes(call: Call, since: datetime) -> Changes:
    """Read what has changed of the filter, and what was opened."""
    text = instant_text(since)
    with call.parts.store.read() as database:
        versions = list(_changed(database, since)) if any(map(call.may, _FILTER)) else []
        names = names_of(database, (each.approved_by for each in versions if each.approved_by))
        overrides, emergencies = database.execute(
            "SELECT total(NOT is_break_glass AND state IN ('approved', 'ended', 'revoked') AND decided_at >= :since),"
            " total(is_break_glass AND requested_at >= :since) FROM overrides",
            {"since": text},
        ).fetchone()
        (suspensions,) = database.execute(
            "SELECT count(*) FROM suspensions WHERE agreed_by IS NOT NULL AND from_at >= ? AND from_at <= ?"
            # What was ended before it began was never off.
            " AND coalesce(ended_at, until_at) > from_at",
            (text, instant_text(call.parts.clock())),
        ).fetchone()
    found = (
        Changed(
            each.number,
            each.decided_at or each.at,
            each.changes,
            names.get(each.approved_by or "", each.approved_by or ""),
            each.state is not FilterState.SUPERSEDED,
        )
        for each in versions
    )
    return Changes(since, tuple(found), int(overrides), int(emergencies), int(suspensions))


def _changed(database: sqlite3.Connection, since: datetime) -> Iterator[Version]:
    was_in_force = (FilterState.ON_DISK, FilterState.APPROVED, FilterState.SUPERSEDED)
    for each in read_versions(database, states=was_in_force, limit=_MOST_CHANGES):
        if (each.decided_at or each.at) >= since and each.changes not in _NO_CHANGE:
            yield each


def _to_decide(database: sqlite3.Connection, call: Call) -> Iterator[Waits]:
    """Give what somebody can decide about, which nobody has decided yet."""
    me, now = call.person, call.parts.clock()
    if call.may(Right.COUNTERSIGN):
        taken = (each.override for each in read_unconfirmed(database, before=now))
        yield _waits(What.EMERGENCIES, (each.requested_at for each in taken if each.requester != me))
    if call.may(Right.DECIDE_OVERRIDE) or call.may(Right.DECIDE_SENSITIVE_OVERRIDE):
        yield _waits(What.REQUESTS, _requests(database, call))
    if call.may(Right.AGREE_SUSPENSION):
        asked = (each.suspension for each in read_suspensions(database, states=(SuspensionState.WAITING,)))
        yield _waits(What.SUSPENSIONS, (each.requested_at for each in asked if each.requester != me))
    if call.may(Right.APPROVE_FILTER_CHANGE):
        drafts = read_versions(database, states=(FilterState.DRAFTED,))
        yield _waits(What.FILTER_CHANGES, (each.at for each in drafts if each.drafted_by != me))
    if call.may(Right.MANAGE_PEOPLE):
        yield _waits(What.PEOPLE, _unconfirmed(database, me))
    if call.may(Right.DECIDE_MEDIA_EXCEPTION):
        exceptions = read_exceptions(database, state=ExceptionState.WAITING)
        open_ones = (each for each in exceptions if each.until_at > now and each.asked_by != me)
        yield _waits(What.EXCEPTIONS, (each.asked_at for each in open_ones))
    if call.may(Right.MANAGE_MEDIA):
        sign_outs = read_sign_outs(database, states=(SignOutState.WAITING,))
        yield _waits(What.SIGN_OUTS, (each.asked_at for each in sign_outs if each.asked_by != me))


def _waits(what: What, instants: Iterable[datetime]) -> Waits:
    found = list(instants)
    return Waits(what, len(found), min(found, default=None))


def _requests(database: sqlite3.Connection, call: Call) -> Iterator[datetime]:
    """Give since when requests wait that somebody can decide about; sensitive ones may be all that is theirs."""
    sensitive = call.parts.incidents.desk.site().overrides.sensitive
    for filed in read_overrides(database, states=(OverrideState.WAITING, OverrideState.HALF_APPROVED)):
        each = filed.override
        is_for_them = call.may(Right.DECIDE_OVERRIDE) or needs_two(each.lift, sensitive)
        if is_for_them and call.person not in (each.requester, *each.approvers):
            yield each.requested_at


def _unconfirmed(database: sqlite3.Connection, me: str) -> Iterator[datetime]:
    for each in read_unconfirmed_people(database):
        waiting = [part for part in each.given if not part.is_in_force]
        if waiting and each.person.id != me and any(part.given_by != me for part in waiting):
            yield min(part.given_at for part in waiting)


@dataclass(slots=True)
class _Cases:
    """What is to be done about incidents, as far as somebody may know; the oldest candidate was filed at `since`."""

    weights: Counter[Weight] = field(default_factory=Counter)
    since: datetime | None = None
    own_overdue: int = 0
    others_overdue: int = 0


def _cases(database: sqlite3.Connection, call: Call) -> _Cases:
    """Read the candidates that somebody may read, and the steps that are overdue."""
    found, desk, me = _Cases(), call.parts.incidents.desk, call.person
    overdue: dict[str, list[bool]] = {}
    for incident, is_own in database.execute(_OVERDUE, (me, instant_text(call.parts.clock()))):
        overdue.setdefault(incident, []).append(bool(is_own))
    is_reader, filed_at = call.may(Right.READ_INCIDENTS), ""
    if not is_reader and not any(map(any, overdue.values())):
        return found
    gate = Gate(desk, database, known_person(database, me))
    for counted in read_counted(database, Choice((IncidentState.CANDIDATE,))) if is_reader else ():
        if gate.lets(counted.brief):
            found.weights[counted.weight] += 1
            filed_at = min(filed_at or counted.filed_at, counted.filed_at)
    for each in walk_queue(database, Choice((IncidentState.ACCEPTED,))) if overdue else ():
        if each.id in overdue and not desk.is_subject(me, each.brief):
            own = sum(overdue[each.id])
            found.own_overdue += own
            found.others_overdue += len(overdue[each.id]) - own if is_reader and gate.lets(each.brief) else 0
    found.since = datetime.fromisoformat(filed_at) if filed_at else None
    return found


def _reviews(database: sqlite3.Connection, call: Call) -> int:
    """Count the versions in force that should have been looked at again, for those who change the filter."""
    if not (call.may(Right.DRAFT_FILTER_CHANGE) or call.may(Right.APPROVE_FILTER_CHANGE)):
        return 0
    today = call.parts.incidents.desk.day_of(call.parts.clock())
    in_force = read_versions(database, states=(FilterState.APPROVED, FilterState.ON_DISK), limit=_MOST_CHANGES)
    return sum(each.review_on is not None and each.review_on < today for each in in_force)


def _laptops(call: Call) -> tuple[Laptops, int]:
    """Count laptops, and those whose code nobody has compared."""
    parts = call.parts
    devices = parts.fleet.devices.all()
    codes, active = (
        sum(each.is_waiting for each in devices),
        sum(each.state is DeviceState.ACTIVE for each in devices),
    )
    silent_after = timedelta(seconds=parts.fleet.settings().silent_seconds)
    with parts.store.read() as database:
        try:
            with parts.fleet.events.read() as told:
                stock = list(take_stock(devices, told, now=parts.clock(), silent_after=silent_after))
                disks = read_encryption(database, told)
        except StorageError:
            return Laptops(active, None, None, None), codes
    plain, unknown = (each if isinstance(each, int) else None for each in (disks.not_encrypted, disks.unknown))
    return Laptops(active, sum(each.is_silent for each in stock), plain, unknown), codes
