"""What was asked, day file by day file: remembered again after a start, and weighed once.

Where a machine told late who had signed in, what was asked before is looked at again.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from agent.logs import log
from agent.observing.identity import Identities
from agent.observing.known_devices import KnownDevices
from agent.observing.observing_activity import DayFiles, DayUnreadableError, OpenDay, Row
from agent.observing.observing_held import Held, Holding
from agent.storage.observation_rows import NOT_WEIGHED, read_position, write_position
from agent.storage.presence_rows import SETTLE, Presence, mark_looked_back
from rules.assess import AHEAD
from rules.name import DomainName
from rules.observation import Observation, Place, Source
from rules.subject import Audience

ROWS: Final = 1_000
# So long one act may take, in which nobody else can write.
ACT_SECONDS: Final = 0.15
# Rows of which nothing comes are passed again after a start, so many at most.
PASSED_ROWS: Final = 5_000
_DAY: Final = timedelta(days=1)

# Does the next part of a day; says whether there is more of it.
_Step: TypeAlias = Callable[[Held, OpenDay], bool]


class AskedByDay:
    """What was asked, as it is taken from the day files.

    Args:
        folder: where they are.
        known: the devices that the site knows.
        monotonic: seconds.
    """

    def __init__(
        self,
        holding: Holding,
        folder: Path,
        *,
        known: Callable[[], KnownDevices],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._holding = holding
        self._store = holding.store
        self._files = DayFiles(folder)
        self._known = known
        self._monotonic = monotonic
        self._until = 0.0
        self._unreadable: dict[date, object] = {}

    def take(self, held: Held, until: float) -> bool:
        """Remember what counts, then weigh what is new; says whether more is waiting when the time is over.

        Args:
            until: when the turn ends.
        """
        return self._go_through((self._remember, self._weigh), held, until)

    def pass_by(self, held: Held, until: float) -> bool:
        """Leave all of it alone: of a school that keeps counts alone, nobody's questions are weighed."""
        return self._go_through((self._pass,), held, until)

    def look_back(self, held: Held, presences: Sequence[Presence]) -> None:
        """Weigh again what was asked before a machine told who had signed in."""
        with self._store.read() as database:
            asked = [each for presence in presences for each in self._asked_in(held, presence, Identities(database))]
        with self._holding.weighing(held, since=min(each.from_at for each in presences)) as weighing:
            for each in asked:
                weighing.take(each, is_again=True)
            mark_looked_back(weighing.act, presences)

    # ---- file by file ------------------------------------------------------------------------------------------

    def _go_through(self, steps: Sequence[_Step], held: Held, until: float) -> bool:
        """Take the steps with every file in which something has changed, one step after the other."""
        self._until = until
        held.unsettled.clear()
        states = {day: self._files.state_of(day) for day in self._files.days()}
        held.taken = {key: state for key, state in held.taken.items() if key[1] in states}
        for step in steps:
            for day, state in states.items():
                if held.taken.get((step.__name__, day)) == state:
                    continue
                if self._monotonic() >= until:
                    return True
                while self._do(step, held, day, state):
                    if self._monotonic() >= until:
                        return True
                if day not in held.unsettled and self._unreadable.get(day) != state:
                    held.taken[step.__name__, day] = state
        return False

    def _do(self, step: _Step, held: Held, day: date, state: object) -> bool:
        try:
            with self._files.open(day) as opened:
                return opened is not None and step(held, opened)
        except DayUnreadableError as error:
            if self._unreadable.get(day) != state:
                log.error("activity_unreadable", reason=str(error))
            self._unreadable[day] = state
            return False

    def _remember(self, held: Held, day: OpenDay) -> bool:
        """Read again what was weighed before a start, as far back as it counts."""
        with self._store.read() as database:
            kept, position = read_position(database, day.source), held.positions.get(day.source, 0)
            oldest = held.timetable.day_of(self._store.clock()) - held.rules.memory - _DAY
            if position >= kept or day.day < oldest:
                return False
            rows, reached = day.part(position, until=kept, categories=held.categories, limit=ROWS)
            for each in self._observed(held, day, rows, Identities(database)):
                held.memory.add(each)
        held.positions[day.source] = reached
        return reached < kept

    def _weigh(self, held: Held, day: OpenDay) -> bool:
        """Weigh what is new; how far that went is stored with what came of it.

        What is newer than `SETTLE` only shows how many ask for the same. What is illegal waits for nothing.
        """
        with self._store.read() as database:
            kept = read_position(database, day.source)
            rows, reached = day.part(kept, until=day.end, categories=held.categories, limit=ROWS)
            if not rows and reached - kept < PASSED_ROWS:
                return False
            now = self._store.clock()
            observed = self._observed(held, day, rows, Identities(database), received_at=now)
        settled = _count_settled(observed, held.rules.statutory, now - SETTLE)
        if settled < len(rows):
            held.unsettled.add(day.day)
            reached = rows[settled - 1].number if settled else kept
        waiting = deque(zip(rows[:settled], observed[:settled], strict=True))
        while kept < reached:
            kept = held.positions[day.source] = self._weigh_for_a_while(held, day, waiting, kept, reached)
            if self._monotonic() >= self._until:
                break
        return kept < reached or (settled == len(rows) and reached < day.end)

    def _weigh_for_a_while(
        self, held: Held, day: OpenDay, waiting: deque[tuple[Row, Observation]], kept: int, reached: int
    ) -> int:
        """Weigh in one act, which keeps nobody else waiting for long; gives the number of the last line passed."""
        ends_at = self._monotonic() + ACT_SECONDS
        since = min((each.at for _, each in waiting), default=self._store.clock())
        with self._holding.weighing(held, since=since) as weighing:
            while waiting:
                row, each = waiting.popleft()
                weighing.take(each)
                if waiting and self._monotonic() >= ends_at:
                    reached = row.number
                    break
            weighing.counts[NOT_WEIGHED] += day.count_others(kept, reached, categories=held.categories)
            write_position(weighing.act, day.source, reached)
        return reached

    def _pass(self, _: Held, day: OpenDay) -> bool:
        with self._store.read() as database:
            kept = read_position(database, day.source)
        if kept < day.end:
            with self._store.act() as act:
                write_position(act, day.source, day.end)
        return False

    # ---- line by line ------------------------------------------------------------------------------------------

    def _observed(
        self,
        held: Held,
        day: OpenDay,
        rows: Sequence[Row],
        identities: Identities,
        *,
        received_at: datetime | None = None,
    ) -> list[Observation]:
        """Give lines as observations, each with how many others asked for the same at the time."""
        known = self._known()
        made = []
        for row in rows:
            at, audience = _instant(row.minute_at), Audience(row.audience)
            of_site = known.of(row.pseudonym, day.day)
            identity = identities.at(row.pseudonym, at, audience=audience, known=of_site)
            made.append(
                Observation(
                    id=f"{day.source}-{row.number}",
                    source=Source.BLOCKED,
                    at=at,
                    received_at=received_at or at,
                    subject=identity.subject,
                    confidence=identity.confidence,
                    audience=identity.audience,
                    why_identity=identity.why,
                    groups=identity.groups,
                    category=row.category,
                    name=DomainName(row.name) if row.name else None,
                    times=row.times,
                    place=Place.ON_SITE,
                    evidence=f"{day.source}-{row.number}",
                    facts=held.timetable.facts(at),
                    device=row.pseudonym,
                )
            )
        for each in made:
            held.crowd.add(each)
        return [held.crowd.told(each) for each in made]

    def _asked_in(self, held: Held, presence: Presence, identities: Identities) -> Iterator[Observation]:
        """Give what was weighed while somebody was at a device, as far as it is theirs by what is known now."""
        day, last = (held.timetable.day_of(at) for at in (presence.from_at, presence.ends_at))
        first_unix = int(presence.from_at.timestamp()) // 60 * 60
        while day <= last:
            try:
                with self._files.open(day) as opened:
                    yield from self._of_device(held, opened, presence, first_unix, identities)
            except DayUnreadableError as error:
                log.error("activity_unreadable", reason=str(error))
            day += _DAY

    def _of_device(
        self, held: Held, day: OpenDay | None, presence: Presence, first_unix: int, identities: Identities
    ) -> Iterator[Observation]:
        kept = held.positions.get(day.source, 0) if day is not None else 0
        if day is None or not kept:
            return
        rows = day.of_device(
            presence.device,
            first_unix,
            int(presence.ends_at.timestamp()),
            until=kept,
            categories=held.categories,
        )
        now = self._store.clock()
        for each in self._observed(held, day, rows, identities, received_at=now):
            if each.subject == presence.person:
                yield each


def _count_settled(observed: Sequence[Observation], statutory: Collection[str], until: datetime) -> int:
    """Count how many are to be weighed: those before the first that is too new, or up to the last illegal one.

    What a clock that was ahead has written waits for nothing either.
    """
    ahead = until + SETTLE + AHEAD
    new = next((place for place, each in enumerate(observed) if until < each.at <= ahead), len(observed))
    illegal = (place for place, each in enumerate(observed, start=1) if each.category in statutory)
    return max(new, *illegal, 0)


def _instant(unix: int) -> datetime:
    return datetime.fromtimestamp(unix, UTC)
