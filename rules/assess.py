"""Weighing observations: which candidate one opens or joins, with every point for and against it in the open.

Nothing here says that somebody did something, or why. Whether it was deliberate is never derived, nor is a failure to
report: a block is not an access, and nobody's silence is in the data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rules.assessment import AssessmentRules, KindRules, Warned
from rules.background import is_beat, site_of
from rules.incident import Incident, Level, Reason, State, Track, track_of
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Observation, Source

# An instant so far ahead of when it came in is a clock that is wrong.
AHEAD: Final = timedelta(minutes=10)
MOST_POINTS: Final = 100
_POINTS_PER_SITE: Final = 10
_MOST_SITE_POINTS: Final = 40
_BURST_POINTS: Final = 15
_DAY_POINTS: Final = 10
_MOST_DAY_POINTS: Final = 20
_LESSON_POINTS: Final = 5
# Minutes in which somebody went on after the first block, and what they give.
_PERSISTENCE: Final = ((6, 20), (3, 10))
_SINGLE_SITE: Final = -20
_ONE_MINUTE: Final = -25
_BEAT: Final = -40
_BACKGROUND_SHARE: Final = -20
# So many sites in one minute are the parts of a page rather than as many decisions.
_PAGE_SITES: Final = 3
_SITES_OF_A_DAY: Final = 2
# One weak signal is no incident; each further one adds points.
_SIGNALS: Final = 2
_POINTS_PER_SIGNAL: Final = 10
_OPEN: Final = frozenset({State.CANDIDATE, State.ACCEPTED})
# What somebody has to look at whoever it was.
_NEVER_A_NOTE: Final = frozenset({Kind.ILLEGAL, Kind.FILTER_OFF})


class Outcome(StrEnum):
    """What becomes of an observation: a new candidate, part of one, a note about a device, or nothing."""

    OPENS = "opens"
    JOINS = "joins"
    NOTES = "notes"
    IGNORED = "ignored"


class Why(StrEnum):
    """Why an observation came to nothing."""

    SEEN = "seen"
    FROM_THE_FUTURE = "from_the_future"
    UNATTRIBUTED = "unattributed"
    NO_KIND = "no_kind"
    NO_ROW = "no_row"
    BACKGROUND = "background"
    TOO_LITTLE = "too_little"
    DECIDED = "decided"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is proposed; `joins` is the id of a candidate, `why` is set where nothing comes of it."""

    outcome: Outcome
    why: Why | None = None
    joins: str = ""
    kind: Kind | None = None
    risk: Risk | None = None
    rows: tuple[str, ...] = ()
    level: Level = Level.DEVICE
    track: Track = Track.ORDINARY
    intent: int = 0
    reasons: tuple[Reason, ...] = ()
    against: tuple[Reason, ...] = ()
    warnings: tuple[Warned, ...] = ()


def assess(
    event: Observation,
    recent: Sequence[Observation],
    rules: AssessmentRules,
    *,
    incidents: Sequence[Incident] = (),
    warnings: Sequence[Warned] = (),
) -> Assessment:
    """Say what an observation comes to.

    Args:
        event: what was observed.
        recent: other observations of the same subject within the memory of the rules, in any order.
        rules: those of the school.
        incidents: what stands against the same subject of late, in any state.
        warnings: recorded ones of the same subject that have not expired.
    """
    return _Case(event, recent, rules, incidents, warnings).assess()


@dataclass(frozen=True, slots=True)
class _Case:
    """An observation with everything that it is weighed by; fields as the arguments of `assess`."""

    event: Observation
    recent: Sequence[Observation]
    rules: AssessmentRules
    incidents: Sequence[Incident]
    warnings: Sequence[Warned]

    def assess(self) -> Assessment:
        event, rules = self.event, self.rules
        if any(each.id == event.id for each in self.recent):
            return _ignored(Why.SEEN)
        if event.at > event.received_at + AHEAD:
            return _ignored(Why.FROM_THE_FUTURE)
        if event.category in rules.unattributed:
            return _ignored(Why.UNATTRIBUTED)
        if event.source is Source.OVERRIDE_USED:
            return _ignored(Why.CONTEXT)
        if event.category in rules.statutory:
            illegal = KindRules(Kind.ILLEGAL, Risk.CONTENT, rules.statutory, MOST_POINTS, sites=1)
            return self._propose(illegal, (Reason("statutory", MOST_POINTS),))
        return self._assess_block() if event.source is Source.BLOCKED else self._assess_told()

    def _assess_block(self) -> Assessment:
        event, rules = self.event, self.rules
        kind = rules.kind_of(event.category)
        if kind is None:
            return _ignored(Why.NO_KIND)
        if (event.audience, kind.kind) not in rules.rows:
            return _ignored(Why.NO_ROW)
        if _is_background(event, rules):
            return _ignored(Why.BACKGROUND)
        reasons, against, sites = _weigh(event, self.recent, kind, rules)
        points = sum(reason.points for reason in (*reasons, *against))
        if sites < kind.sites or points < rules.open_at:
            joined = self._belongs_to(kind.kind)
            if joined is None or joined.state not in _OPEN:
                return _ignored(Why.TOO_LITTLE)
        return self._propose(kind, reasons, against)

    def _assess_told(self) -> Assessment:
        """Assess what somebody or some program says in so many words: the kind is among its facts."""
        event, rules = self.event, self.rules
        named = event.facts.get("kind", "")
        if named not in {kind.value for kind in Kind}:
            return _ignored(Why.NO_KIND)
        kind = rules.kinds.get(Kind(named)) or KindRules(Kind(named), Risk.CONDUCT, frozenset(), sites=1)
        told = event.facts.get("signals", 1)
        signals = told if isinstance(told, int) else 1
        if event.source is not Source.ENDPOINT:
            return self._propose(kind, (Reason(event.source.value, MOST_POINTS),))
        if event.facts.get("is_weak") is True and signals < _SIGNALS:
            return _ignored(Why.TOO_LITTLE)
        points = min(MOST_POINTS, rules.open_at + _POINTS_PER_SIGNAL * (signals - 1))
        return self._propose(kind, (Reason("signals", points, {"signals": signals}),))

    def _propose(self, kind: KindRules, reasons: tuple[Reason, ...], against: tuple[Reason, ...] = ()) -> Assessment:
        event, rules = self.event, self.rules
        joined = self._belongs_to(kind.kind)
        if joined is not None and joined.state not in _OPEN:
            return _ignored(Why.DECIDED)
        is_personal = event.confidence.is_personal
        rows = rules.rows.get((event.audience, kind.kind), ())
        shown = tuple(self.warnings) if is_personal else ()
        if shown and (repeat := rules.repeat_rows.get(event.audience)) is not None:
            rows = (*rows, repeat)
        opened = Outcome.OPENS if is_personal or kind.kind in _NEVER_A_NOTE else Outcome.NOTES
        points = sum(reason.points for reason in (*reasons, *against))
        return Assessment(
            outcome=Outcome.JOINS if joined is not None else opened,
            joins=joined.id if joined is not None else "",
            kind=kind.kind,
            risk=kind.risk,
            rows=rows,
            level=Level.PERSON if is_personal else Level.DEVICE,
            track=track_of(kind.kind, event.audience),
            intent=max(0, min(MOST_POINTS, points)),
            reasons=reasons,
            against=against,
            warnings=shown,
        )

    def _belongs_to(self, kind: Kind) -> Incident | None:
        """Find the incident that this belongs to: of this subject and kind, and not long before or after."""
        event, gap = self.event, self.rules.gap
        near = (
            each
            for each in self.incidents
            if each.kind is kind
            and each.subject == event.subject
            and each.opened_at - gap <= event.at <= each.last_at + gap
        )
        return max(near, key=lambda each: (each.state in _OPEN, each.last_at), default=None)


def _weigh(
    event: Observation, recent: Iterable[Observation], kind: KindRules, rules: AssessmentRules
) -> tuple[tuple[Reason, ...], tuple[Reason, ...], int]:
    """Give what speaks for and against a candidate, and how many different sites there were."""
    alike = [each for each in recent if each.category in kind.categories and each.name is not None]
    near = [each for each in (*alike, event) if abs(each.at - event.at) <= rules.window]
    typed = [each for each in near if not _is_background(each, rules)]
    sites = _sites(typed)
    minutes = {each.at.replace(second=0, microsecond=0) for each in typed}
    burst = _most_within(typed, rules.burst)
    days = _other_days(event, alike, rules)
    reasons = [Reason(f"kind_{kind.kind}", kind.weight)]
    if len(sites) > 1:
        points = min(_MOST_SITE_POINTS, _POINTS_PER_SITE * (len(sites) - 1))
        reasons.append(Reason("sites", points, {"sites": len(sites), "minutes": _spread(minutes)}))
    if burst >= rules.burst_sites:
        length = int(rules.burst.total_seconds() // 60)
        reasons.append(Reason("burst", _BURST_POINTS, {"sites": burst, "minutes": length}))
    for needed, points in _PERSISTENCE:
        if len(minutes) > needed:
            reasons.append(Reason("persistence", points, {"minutes": len(minutes)}))
            break
    if days:
        reasons.append(Reason("days", min(_MOST_DAY_POINTS, _DAY_POINTS * days), {"days": days}))
    if any(each.facts.get("in_lesson") is True for each in typed):
        reasons.append(Reason("lesson", _LESSON_POINTS))
    return tuple(reasons), tuple(_doubts(near, typed, sites, minutes)), len(sites)


def _doubts(
    near: Sequence[Observation], typed: Sequence[Observation], sites: set[DomainName], minutes: set[datetime]
) -> list[Reason]:
    against = []
    if len(sites) == 1:
        against.append(Reason("single_site", _SINGLE_SITE))
        if is_beat(minutes):
            against.append(Reason("beat", _BEAT, {"times": len(minutes)}))
    elif len(minutes) == 1 and len(sites) >= _PAGE_SITES:
        against.append(Reason("one_minute", _ONE_MINUTE, {"sites": len(sites)}))
    background = len(near) - len(typed)
    if background >= len(typed):
        against.append(Reason("background_share", _BACKGROUND_SHARE, {"parts": background}))
    return against


def _other_days(event: Observation, alike: Iterable[Observation], rules: AssessmentRules) -> int:
    """Count other days of late on which the same subject asked for several such sites."""
    by_day: dict[object, set[DomainName]] = {}
    for each in alike:
        if each.name is not None and abs(event.at - each.at) <= rules.memory and not _is_background(each, rules):
            by_day.setdefault(each.at.date(), set()).add(site_of(each.name))
    return sum(len(sites) >= _SITES_OF_A_DAY for day, sites in by_day.items() if day != event.at.date())


def _most_within(typed: Sequence[Observation], length: timedelta) -> int:
    """Give the most different sites in any stretch of a length."""
    ordered = sorted(typed, key=lambda each: each.at)
    most = start = 0
    for end, last in enumerate(ordered):
        while last.at - ordered[start].at > length:
            start += 1
        most = max(most, len(_sites(ordered[start : end + 1])))
    return most


def _sites(observations: Iterable[Observation]) -> set[DomainName]:
    return {site_of(each.name) for each in observations if each.name is not None}


def _spread(minutes: set[datetime]) -> int:
    return int((max(minutes) - min(minutes)).total_seconds() // 60) + 1


def _is_background(event: Observation, rules: AssessmentRules) -> bool:
    return event.name is None or rules.background.covers(event.name)


def _ignored(why: Why) -> Assessment:
    return Assessment(Outcome.IGNORED, why)
