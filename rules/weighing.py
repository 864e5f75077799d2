"""What speaks for a candidate and what against it, in points, each with the numbers that it comes from.

People try one site after another, minute by minute, and go on after they were stopped. Programs ask for many names in
one moment, for one again and again, or for what everybody's pages ask for.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from rules.assessment import AssessmentRules, KindRules
from rules.incident import Incident, Reason, State
from rules.incident_kind import SAFEGUARDING
from rules.name import DomainName
from rules.observation import Observation, Source
from rules.programs import is_beat, site_of
from rules.subject import Audience

POINTS_PER_TRY: Final = 10
MOST_TRY_POINTS: Final = 40
ROW_POINTS: Final = 15
POINTS_PER_DAY: Final = 10
MOST_DAY_POINTS: Final = 40
LESSON_POINTS: Final = 5
# Minutes in which somebody went on, and what more of them give.
PERSISTENCE: Final = ((6, 20), (3, 10))
SINGLE_SITE: Final = -20
PARTS: Final = -20
CLASS: Final = -40
OVERRIDE: Final = -30
DISMISSED: Final = -20
CLOSED: Final = -15
# Two days are two wherever the school is: nobody asks for anything for so long between them.
NIGHT: Final = timedelta(hours=8)
# A day on which somebody tried so often counts on the days after.
TRIES_OF_A_DAY: Final = 2
# A site that comes so often on a day, each time after a pause, or on so many days before, comes by itself.
VISITS: Final = 4
VISIT_PAUSE: Final = timedelta(minutes=10)
HABIT_DAYS: Final = 4
# So many tries of names that hardly anybody asks for, and the famous ones between them are tries too.
CERTAIN_TRIES: Final = 3

_Tries = Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What speaks for and against, and how many `tries` there were in all, on other days too."""

    reasons: tuple[Reason, ...]
    against: tuple[Reason, ...]
    tries: int
    is_background: bool

    @property
    def points(self) -> int:
        """What it comes to."""
        return sum(reason.points for reason in (*self.reasons, *self.against))


def is_by_program(observation: Observation, rules: AssessmentRules) -> bool:
    """Say whether a name is one that programs ask for by themselves, or that so many ask for that nobody chose it."""
    name, facts = observation.name, observation.facts
    if name is None or rules.background.covers(name):
        return True
    return _number(facts.get("others")) >= rules.crowd or _number(facts.get("askers")) >= rules.widespread


def is_background(event: Observation, alike: Iterable[Observation], rules: AssessmentRules) -> bool:
    """Say whether a query weighs nothing; a famous name does among several that somebody certainly tried."""
    if not is_by_program(event, rules):
        return False
    if not _is_famous(event, rules):
        return True
    near = (each for each in alike if abs(each.at - event.at) <= rules.window and not is_by_program(each, rules))
    return len({_site(each) for each in near}) < CERTAIN_TRIES


def _is_famous(observation: Observation, rules: AssessmentRules) -> bool:
    """Say whether so many ask for a name on a day that it may be part of everybody's pages, or may not."""
    name, facts = observation.name, observation.facts
    if name is None or rules.background.covers(name) or _number(facts.get("others")) >= rules.crowd:
        return False
    return _number(facts.get("askers")) >= rules.widespread


def is_alone(event: Observation, alike: Iterable[Observation], rules: AssessmentRules) -> bool:
    """Say whether no other site was asked for about then, as with most that is ever blocked."""
    site = _site(event)
    return not any(abs(each.at - event.at) <= rules.window and _site(each) != site for each in alike)


def weigh(
    event: Observation,
    alike: Sequence[Observation],
    kind: KindRules,
    rules: AssessmentRules,
    incidents: Sequence[Incident] = (),
) -> Weighed | None:
    """Weigh a blocked query together with what else the subject asked for of that kind, itself among it.

    Returns:
        Nothing where the site comes by itself.
    """
    today, other_days = _by_day(event, alike)
    by_themselves = _by_themselves(today, other_days)
    if _site(event) in by_themselves:
        return None
    near = [each for each in today if abs(each.at - event.at) <= rules.window]
    blocked = [each for each in near if each.source is Source.BLOCKED]
    certain = [each for each in blocked if not is_by_program(each, rules) and _site(each) not in by_themselves]
    # Who is in need does not hurry, and who looks for fun does.
    pause = rules.window if kind.kind in SAFEGUARDING else rules.pause
    by_hand = [*certain, *_tried_too(certain, blocked, by_themselves, pause, rules)]
    tries = _tries(by_hand)
    row = _longest_row(tries, pause)
    days = [tried for day in other_days if (tried := _tried_on(day, pause, rules)) >= TRIES_OF_A_DAY]
    parts = len(blocked) - len(by_hand)
    return Weighed(
        reasons=(Reason(f"kind_{kind.kind}", kind.weight), *_fors(by_hand, row, len(days), parts, rules)),
        against=(*_doubts(by_hand, parts), *_context(event, near, kind, rules, incidents)),
        tries=len(tries) + sum(days),
        is_background=parts > len(by_hand),
    )


def _tried_too(
    certain: Sequence[Observation],
    blocked: Iterable[Observation],
    by_themselves: Container[DomainName],
    pause: timedelta,
    rules: AssessmentRules,
) -> Iterator[Observation]:
    """Give the famous names between several others that somebody certainly tried."""
    row = _longest_row(_tries(certain), pause)
    if len(row) >= CERTAIN_TRIES:
        first, last = row[0] - pause, row[-1] + pause
        for each in blocked:
            if first <= each.at <= last and _is_famous(each, rules) and _site(each) not in by_themselves:
                yield each


def _fors(
    by_hand: Sequence[Observation], row: _Tries, days: int, parts: int, rules: AssessmentRules
) -> Iterator[Reason]:
    if len(row) > 1:
        tried = [each for each in by_hand if row[0] <= each.at <= row[-1] + rules.pause]
        numbers = {"sites": len({_site(each) for each in tried}), "minutes": _spread(row)}
        yield Reason("sites", min(MOST_TRY_POINTS, POINTS_PER_TRY * (len(row) - 1)), numbers)
        if not parts:
            yield Reason("typed")
        if len(row) >= rules.row:
            yield Reason("row", ROW_POINTS, {"tries": len(row)})
        minutes = len({_minute(each) for each in tried})
        if points := next((points for needed, points in PERSISTENCE if minutes > needed), 0):
            yield Reason("persistence", points, {"minutes": minutes})
        if days:
            yield Reason("days", min(MOST_DAY_POINTS, POINTS_PER_DAY * days), {"days": days})
    if any(each.facts.get("in_lesson") is True and each.audience is Audience.PUPIL for each in by_hand):
        yield Reason("lesson", LESSON_POINTS)


def _doubts(by_hand: Sequence[Observation], parts: int) -> Iterator[Reason]:
    if len({_site(each) for each in by_hand}) == 1:
        yield Reason("single_site", SINGLE_SITE)
    if parts:
        yield Reason("parts", PARTS if parts >= len(by_hand) else 0, {"parts": parts})


def _context(
    event: Observation,
    near: Sequence[Observation],
    kind: KindRules,
    rules: AssessmentRules,
    incidents: Sequence[Incident],
) -> Iterator[Reason]:
    peers = _number(event.facts.get("peers"))
    if peers >= rules.crowd and event.facts.get("in_lesson") is True:
        yield Reason("class", CLASS, {"others": peers})
    if any(each.source is Source.OVERRIDE_USED for each in near):
        yield Reason("override", OVERRIDE)
    if event.facts.get("is_closed") is True and kind.kind not in SAFEGUARDING:
        yield Reason("closed", CLOSED)
    if any(each.kind is kind.kind and each.state is State.DISMISSED for each in incidents):
        yield Reason("dismissed", DISMISSED)


def _by_day(event: Observation, alike: Iterable[Observation]) -> tuple[list[Observation], list[list[Observation]]]:
    """Part what was observed where a night lies between; the day of the event comes first."""
    ordered = sorted(alike, key=lambda each: (each.at, each.id))
    days = [[ordered[0]]]
    for before, each in pairwise(ordered):
        if each.at - before.at >= NIGHT:
            days.append([])
        days[-1].append(each)
    today = next(day for day in days if day[0].at <= event.at <= day[-1].at)
    return today, [day for day in days if day is not today]


def _by_themselves(today: Iterable[Observation], other_days: Iterable[Sequence[Observation]]) -> set[DomainName]:
    """Find the sites that come at even distances, again and again all day, or on most days: a program, or a habit."""
    instants: dict[DomainName, list[datetime]] = {}
    for each in today:
        if each.source is Source.BLOCKED:
            instants.setdefault(_site(each), []).append(_minute(each))
    days: dict[DomainName, int] = {}
    for day in other_days:
        for site in {_site(each) for each in day if each.source is Source.BLOCKED}:
            days[site] = days.get(site, 0) + 1
    return {
        site
        for site, came in instants.items()
        if days.get(site, 0) >= HABIT_DAYS or _visits(came) >= VISITS or is_beat(came)
    }


def _visits(instants: Iterable[datetime]) -> int:
    """Count how often somebody or something came back after a while."""
    return 1 + sum(later - earlier > VISIT_PAUSE for earlier, later in pairwise(sorted(instants)))


def _tries(by_hand: Iterable[Observation]) -> list[datetime]:
    """Give the minutes in which a site came that had not come before: what one minute brings is one decision."""
    first: dict[DomainName, datetime] = {}
    for each in by_hand:
        site, minute = _site(each), _minute(each)
        first[site] = min(minute, first.get(site, minute))
    return sorted(set(first.values()))


def _tried_on(day: Iterable[Observation], pause: timedelta, rules: AssessmentRules) -> int:
    """Count the tries of another day that followed each other."""
    by_hand = (each for each in day if each.source is Source.BLOCKED and not is_by_program(each, rules))
    return len(_longest_row(_tries(by_hand), pause))


def _longest_row(tries: _Tries, pause: timedelta) -> list[datetime]:
    """Give the most tries that follow each other without a longer pause; they come sorted."""
    longest: list[datetime] = []
    row: list[datetime] = []
    for each in tries:
        if row and each - row[-1] > pause:
            row = []
        row.append(each)
        if len(row) > len(longest):
            longest = row
    return longest


def _site(observation: Observation) -> DomainName:
    return site_of(observation.name or DomainName(""))


def _minute(observation: Observation) -> datetime:
    at = observation.at
    return at.replace(second=0, microsecond=0) if at.second or at.microsecond else at


def _spread(tries: _Tries) -> int:
    return int((tries[-1] - tries[0]).total_seconds() // 60) + 1


def _number(fact: object) -> int:
    return fact if isinstance(fact, int) else 0
