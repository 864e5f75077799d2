"""What speaks for a candidate and what against it, in points, each with the numbers that it comes from.

People try one site after another, minute by minute, and go on after they were stopped. Programs ask for many names in
one moment, for one again and again, or for what everybody's pages ask for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from rules.assessment import AssessmentRules, KindRules
from rules.incident import Incident, Reason, State
from rules.incident_kind import SAFEGUARDING
from rules.name import DomainName
from rules.observation import Observation, Source
from rules.programs import is_beat, is_door, site_of
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
CLASS: Final = -50
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
# What one minute brings beyond that, of what programs may ask for or else of the rest, changes nothing.
MOST_OF_A_MINUTE: Final = 8
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


class Chosen(Enum):
    """Whether somebody chose a name: what is in doubt counts by what is beside it."""

    NO = auto()
    MAYBE = auto()
    YES = auto()


def chosen(observation: Observation, rules: AssessmentRules) -> Chosen:
    """Say whether somebody chose a name, as far as the name and others who ask for it tell.

    Programs ask for some names by themselves, and a whole class at once for what nobody chose. What so many ask for
    on a day may be a part of everybody's pages, and so may what lies deep in a site: people come in at the front. But
    nobody's page carries what is about a child in need; of that no name is too deep.
    """
    name, facts = observation.name, observation.facts
    if name is None or rules.background.covers(name) or _number(facts.get("others")) >= rules.crowd:
        return Chosen.NO
    if _number(facts.get("askers")) >= rules.widespread:
        return Chosen.MAYBE
    kind = rules.kind_of(observation.category)
    is_in_need = kind is not None and kind.kind in SAFEGUARDING
    return Chosen.YES if is_in_need or is_door(name) else Chosen.MAYBE


def is_by_program(observation: Observation, rules: AssessmentRules) -> bool:
    """Say whether a name alone is none that somebody certainly chose."""
    return chosen(observation, rules) is not Chosen.YES


def is_background(event: Observation, alike: Iterable[Observation], rules: AssessmentRules) -> bool:
    """Say whether a query weighs nothing; a doubtful name does among several that somebody certainly tried."""
    is_chosen = chosen(event, rules)
    if is_chosen is not Chosen.MAYBE:
        return is_chosen is Chosen.NO
    near = [each for each in alike if abs(each.at - event.at) <= rules.window]
    if len(near) < CERTAIN_TRIES:
        return True
    return len({_site(each) for each in near if not is_by_program(each, rules)}) < CERTAIN_TRIES


def is_more_of_a_minute(event: Observation, alike: Iterable[Observation], rules: AssessmentRules) -> bool:
    """Say whether its minute has brought so much already that a query more changes nothing."""
    minute = _minute(event)
    same = [each for each in alike if _minute(each) == minute]
    if len(same) < MOST_OF_A_MINUTE:
        return False
    is_so = is_by_program(event, rules)
    return sum(is_by_program(each, rules) is is_so for each in same) >= MOST_OF_A_MINUTE


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
    # Who is in need does not hurry, and who looks for fun does.
    pause = rules.window if kind.kind in SAFEGUARDING else rules.pause
    by_hand = _by_hand((each for each in blocked if _site(each) not in by_themselves), pause, rules)
    tried = _row_of(event, by_hand, pause)
    row = _tries(tried)
    days = [times for day in other_days if (times := _tried_on(day, pause, rules)) >= TRIES_OF_A_DAY]
    parts = len(blocked) - len(by_hand)
    return Weighed(
        reasons=(Reason(f"kind_{kind.kind}", kind.weight), *_fors(tried, row, len(days), parts, rules)),
        against=(*_doubts(by_hand, parts), *_context(event, near, tried, kind, rules, incidents=incidents)),
        tries=len(_tries(by_hand)) + sum(days),
        is_background=parts > len(by_hand),
    )


def _by_hand(blocked: Iterable[Observation], pause: timedelta, rules: AssessmentRules) -> list[Observation]:
    """Give what somebody certainly tried, and where that is several sites, the doubtful names between them."""
    found: dict[Chosen, list[Observation]] = {is_chosen: [] for is_chosen in Chosen}
    for each in blocked:
        found[chosen(each, rules)].append(each)
    certain, doubtful = found[Chosen.YES], found[Chosen.MAYBE]
    if not doubtful or len(row := _longest_row(certain, pause)) < CERTAIN_TRIES:
        return certain
    first, last = row[0] - pause, row[-1] + pause
    return [*certain, *(each for each in doubtful if first <= each.at <= last)]


def _fors(
    tried: Sequence[Observation], row: _Tries, days: int, parts: int, rules: AssessmentRules
) -> Iterator[Reason]:
    if len(row) > 1:
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
    if any(each.facts.get("in_lesson") is True and each.audience is Audience.PUPIL for each in tried):
        yield Reason("lesson", LESSON_POINTS)


def _doubts(by_hand: Sequence[Observation], parts: int) -> Iterator[Reason]:
    if len({_site(each) for each in by_hand}) == 1:
        yield Reason("single_site", SINGLE_SITE)
    if parts:
        yield Reason("parts", PARTS if parts >= len(by_hand) else 0, {"parts": parts})


def _context(
    event: Observation,
    near: Sequence[Observation],
    tried: Sequence[Observation],
    kind: KindRules,
    rules: AssessmentRules,
    *,
    incidents: Sequence[Incident],
) -> Iterator[Reason]:
    peers = max((_number(each.facts.get("peers")) for each in tried), default=0)
    if peers >= rules.crowd:
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
    return len(_longest_row(by_hand, pause))


def _rows(by_hand: Iterable[Observation], pause: timedelta) -> list[list[Observation]]:
    """Part what came where the pause is longer; a site that comes again after it is tried again."""
    rows: list[list[Observation]] = []
    for each in sorted(by_hand, key=lambda each: (each.at, each.id)):
        if not rows or each.at - rows[-1][-1].at > pause:
            rows.append([])
        rows[-1].append(each)
    return rows


def _longest_row(by_hand: Iterable[Observation], pause: timedelta) -> list[datetime]:
    return max((_tries(row) for row in _rows(by_hand, pause)), key=len, default=[])


def _row_of(event: Observation, by_hand: Iterable[Observation], pause: timedelta) -> list[Observation]:
    """Give what came one after the other about when the event was: what came before had its own time."""
    about = (row for row in _rows(by_hand, pause) if row[0].at - pause <= event.at <= row[-1].at + pause)
    return max(about, key=lambda row: len(_tries(row)), default=[])


def _site(observation: Observation) -> DomainName:
    return site_of(observation.name or DomainName(""))


def _minute(observation: Observation) -> datetime:
    at = observation.at
    return at.replace(second=0, microsecond=0) if at.second or at.microsecond else at


def _spread(tries: _Tries) -> int:
    return int((tries[-1] - tries[0]).total_seconds() // 60) + 1


def _number(fact: object) -> int:
    return fact if isinstance(fact, int) else 0
