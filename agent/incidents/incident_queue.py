"""The queue of incidents, for thirty minutes a day: the most urgent first, and beside it what belongs to it.

It is read in its order, and no further than somebody looks, so that it does not matter how long it is. Who may read
which is for the one gate to say (`agent.incidents.incident_gate`): what somebody may not know of is neither shown nor
counted.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from agent.incidents.incident_access import shown
from agent.incidents.incident_desk import NOT_THERE, Desk, NotYoursError
from agent.incidents.incident_gate import ABOUT_HEADS, Gate
from agent.people.attempts import UnknownIdError, known_person
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.queue_rows import Choice, Queued, Rank, read_amounts, read_near, read_of_subject, walk_queue
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.incident_weight import Weight, weight_of

Thing = TypeVar("Thing")

# Candidates of one kind that begin so soon after one another are one burst: a class told each other a name.
BURST: Final = timedelta(hours=1)
# What one person did of one kind is one group as long as it went on within a day, for a week, and can be looked over.
PAUSE: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=7)
MOST_IN_GROUP: Final = 50
# So many of a group are shown with everything that a list shows; the others are counted, and can be asked for.
MOST_SHOWN: Final = 5
# Where something stands: the rank of the most urgent of its subject, then its own.
Place = tuple[int, str, int, int, str, int]
PLACE: Final = (int, str, int, int, str, int)


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident of the queue: how many others are of its subject, and how many of others began about then."""

    filed: Filed
    of_subject: int
    in_burst: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the queue; `next` is the place of its last, where there is more."""

    items: tuple[Listed, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Member:
    """An incident of a group, at the version at which it was seen."""

    id: str
    number: int
    version: int


@dataclass(frozen=True, slots=True)
class Group:
    """What one person did of one kind, or one device, one after the other, and is in one state.

    `members` are in the order in which they began, `shown` the most urgent of them. `first_at` is the beginning of
    the first, `last_at` the end of the last, `weight` the highest. `of_subject` counts the others of the same subject
    and `in_burst` what others did of the same kind about when the most urgent of these began.
    """

    members: tuple[Member, ...]
    shown: tuple[Filed, ...]
    first_at: datetime
    last_at: datetime
    weight: Weight
    of_subject: int
    in_burst: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How many there are of what somebody chose and may read; `newest_at` is when the newest was filed, as text."""

    by_weight_and_kind: Mapping[tuple[Weight, Kind], int]
    by_track: Mapping[Track, int]
    newest_at: str

    @property
    def number(self) -> int:
        """How many there are altogether."""
        return sum(self.by_weight_and_kind.values())

    def of(self, weight: Weight | None = None, kind: Kind | None = None) -> int:
        """Count those of a weight and a kind; None is any."""
        return sum(
            number
            for (its_weight, its_kind), number in self.by_weight_and_kind.items()
            if weight in {None, its_weight} and kind in {None, its_kind}
        )

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of which there are any."""
        return frozenset(kind for _, kind in self.by_weight_and_kind)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the queue in groups; `next` is the place of its last, where there is more."""

    groups: tuple[Group, ...]
    next: Place | None


class Queue:
    """The queue as each person may see it: by pseudonym, without what people wrote, and without a trace of looking.

    Every look raises `RefusedRequestError` where nobody has the id of who looks.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def listing(self, person: str, choice: Choice, *, after: Place | None = None, limit: int) -> Listing:
        """Give incidents one by one, those of one subject side by side."""
        with self._desk.store.read() as database:
            look = _Look(self._desk, database, person, choice)
            placed = (
                ((*first, *each.rank), (each, len(ours) - 1)) for first, ours in look.walk(after) for each in ours
            )
            here, more = _part(placed, after, limit)
            items = tuple(Listed(look.filed(each), others, look.near(each)) for _, (each, others) in here)
        return Listing(items, here[-1][0] if more else None)

    def groups(self, person: str, choice: Choice, *, after: Place | None = None, limit: int) -> Part:
        """Give groups of what one person did of one kind, with all those of one person side by side."""
        with self._desk.store.read() as database:
            look = _Look(self._desk, database, person, choice)
            placed = (
                ((*first, *_rank(group)), (group, len(ours) - len(group)))
                for first, ours in look.walk(after)
                for group in sorted(grouped(ours), key=_rank)
            )
            here, more = _part(placed, after, limit)
            groups = tuple(look.group(each, others) for _, (each, others) in here)
        return Part(groups, here[-1][0] if more else None)

    def group(self, person: str, incident_id: str) -> Group:
        """Give the group that an incident belongs to, as it stands now.

        Raises:
            UnknownIdError: there is no incident with this id that they may read.
        """
        desk = self._desk
        with desk.attempt(person, "view", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            look = _Look(desk, database, person, Choice(()))
            if not look.lets(filed.incident):
                raise NotYoursError(NOT_THERE)
            return look.group_of(filed)

    def totals(self, person: str, choice: Choice) -> Totals:
        """Count what somebody may read, and say when the newest of it was filed."""
        pairs, tracks, newest_at = Counter[tuple[Weight, Kind]](), Counter[Track](), ""
        with self._desk.store.read() as database:
            look = _Look(self._desk, database, person, choice)
            for each in read_amounts(database, choice, apart=look.own(), apart_from=ABOUT_HEADS):
                if look.lets(each.brief):
                    pairs[each.weight, each.brief.kind] += each.number
                    tracks[each.brief.track] += each.number
                    newest_at = max(newest_at, each.filed_at)
        return Totals(pairs, tracks, newest_at)


class _Look:
    """One look at the queue, at one moment of the store."""

    def __init__(self, desk: Desk, database: sqlite3.Connection, person: str, choice: Choice) -> None:
        gate = Gate(desk, database, known_person(database, person))
        self.lets, self.own = gate.lets, gate.own
        self._database = database
        self._choice = choice

    def readable(self, found: Iterable[Queued]) -> Iterator[Queued]:
        """Give those that this person may read."""
        return (each for each in found if self.lets(each.brief))

    def walk(self, after: Place | None) -> Iterator[tuple[Rank, list[Queued]]]:
        """Give what this person may read, subject by subject, each where the most urgent of it stands.

        Of what is sealed, and of what is about nobody any more, nobody knows of whom it is: each stands alone.
        """
        met: set[str] = set()
        first = None if after is None else after[:3]
        for each in self.readable(walk_queue(self._database, self._choice, after=first)):
            subject = each.brief.subject
            if each.brief.track is Track.SEALED or not subject:
                yield each.rank, [each]
            elif subject not in met:
                met.add(subject)
                # Where something more urgent of theirs can be read, they stand there, which is before this part.
                more_urgent = read_of_subject(self._database, self._choice, subject, before=each.rank)
                if next(self.readable(more_urgent), None) is None:
                    ours = self.readable(read_of_subject(self._database, self._choice, subject))
                    yield each.rank, sorted(ours, key=_rank_of)

    def near(self, queued: Queued) -> int:
        """Count what others did of the same kind and about then; of what is sealed nobody knows when it was."""
        brief = queued.brief
        if brief.track is Track.SEALED:
            return 0
        first, last = brief.opened_at - BURST, brief.opened_at + BURST
        found = self.readable(read_near(self._database, self._choice, brief, first=first, last=last))
        return sum(each.brief.subject != brief.subject for each in found)

    def filed(self, queued: Queued) -> Filed:
        """Give an incident as a list shows it."""
        filed = read_incident(self._database, queued.id)
        if filed is None:
            raise UnknownIdError(NOT_THERE)
        return shown(filed)

    def group_of(self, filed: Filed) -> Group:
        """Give the group of an incident that this person may read."""
        incident = filed.incident
        is_alone = incident.track is Track.SEALED or not incident.subject
        subject, number = (None, filed.number) if is_alone else (incident.subject, None)
        self._choice = Choice((incident.state,), subject=subject, number=number)
        ours = [each for _, all_of_one in self.walk(None) for each in all_of_one]
        found = next(each for each in grouped(ours) if any(one.id == incident.id for one in each))
        return self.group(found, len(ours) - len(found))

    def group(self, found: Sequence[Queued], others: int) -> Group:
        """Give a group with the most urgent of it."""
        lead, *more = sorted(found, key=_rank_of)[:MOST_SHOWN]
        filed = self.filed(lead)
        is_sealed = lead.brief.track is Track.SEALED
        return Group(
            members=tuple(Member(each.id, each.number, each.version) for each in found),
            shown=(filed, *map(self.filed, more)),
            first_at=filed.incident.opened_at if is_sealed else found[0].brief.opened_at,
            last_at=filed.incident.last_at if is_sealed else max(each.last_at for each in found),
            weight=weight_of(lead.brief.track, lead.intent),
            of_subject=others,
            in_burst=self.near(lead),
        )


def grouped(found: Iterable[Queued]) -> Iterator[list[Queued]]:
    """Put together what one subject did of one kind without a long pause, each group in the order of time."""
    alike: dict[tuple[Kind, Track, State], list[Queued]] = {}
    for each in sorted(found, key=_began):
        brief = each.brief
        alike.setdefault((brief.kind, brief.track, brief.state), []).append(each)
    for ours in alike.values():
        group: list[Queued] = []
        for each in ours:
            if group and not _belongs(each, group):
                yield group
                group = []
            group.append(each)
        yield group


def _belongs(queued: Queued, group: Sequence[Queued]) -> bool:
    at = queued.brief.opened_at
    is_near = at - group[-1].brief.opened_at <= PAUSE and at - group[0].brief.opened_at <= LONGEST
    return is_near and len(group) < MOST_IN_GROUP


def _began(queued: Queued) -> tuple[datetime, int]:
    return queued.brief.opened_at, queued.number


def _rank_of(queued: Queued) -> Rank:
    return queued.rank


def _rank(group: Iterable[Queued]) -> Rank:
    return min(map(_rank_of, group))


def _part(
    placed: Iterable[tuple[Place, Thing]], after: Place | None, limit: int
) -> tuple[list[tuple[Place, Thing]], bool]:
    """Give what comes next after a place, and whether there is more; what stands in order is read no further."""
    rest = (each for each in placed if after is None or each[0] > after)
    found = list(islice(rest, limit + 1))
    return found[:limit], len(found) > limit
