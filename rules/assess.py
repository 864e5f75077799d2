"""Weighing observations: which candidate one opens or joins, with every point for and against it in the open.

Nothing here says that somebody did something, or why. Whether it was deliberate is never derived, nor is a failure to
report: a block is not an access, and nobody's silence is in the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rules.assessment import AssessmentRules, KindRules, Warned
from rules.incident import Incident, Level, Reason, State, Track, track_of
from rules.incident_kind import SAFEGUARDING, USED_BY_ANOTHER, Kind, Risk
from rules.observation import OTHER_DEVICE, Observation, Source
from rules.subject import Audience
from rules.weighing import is_alone, is_background, is_more_of_a_minute, weigh

# An instant so far ahead of when it came in is a clock that is wrong.
AHEAD: Final = timedelta(minutes=10)
MOST_POINTS: Final = 100
# One weak signal is no incident; each further one adds points.
_SIGNALS: Final = 2
_POINTS_PER_SIGNAL: Final = 10
_OPEN: Final = frozenset({State.CANDIDATE, State.ACCEPTED})
# What somebody has to look at whoever it was; who uses an account that is not theirs is never known by it.
_NEVER_A_NOTE: Final = frozenset(
    {Kind.ILLEGAL, Kind.FILTER_OFF, Kind.DEVICE_SECURITY, Kind.OTHER_ACCOUNT, Kind.STAFF_ACCOUNT}
)


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
    is_background: bool = False
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
        if not self._is_looked_for(kind.kind):
            return _ignored(Why.NO_ROW)
        if is_background(event, self._alike(kind), rules):
            return _ignored(Why.BACKGROUND)
        alike = list(self._alike(kind))
        if any(each.id == event.id for each in alike):
            return _ignored(Why.SEEN)
        joined = self._belongs_to(kind.kind)
        is_open = joined is not None and joined.state in _OPEN
        if is_more_of_a_minute(event, alike, rules):
            return self._propose(kind, ()) if is_open else _ignored(Why.TOO_LITTLE)
        if not is_open and kind.sites > 1 and is_alone(event, alike, rules):
            return _ignored(Why.TOO_LITTLE)
        weighed = weigh(event, [*alike, event], kind, rules, self.incidents)
        if weighed is None:
            return _ignored(Why.BACKGROUND)
        if not is_open and (weighed.tries < kind.sites or weighed.points < rules.open_at):
            return _ignored(Why.TOO_LITTLE)
        return self._propose(kind, weighed.reasons, weighed.against, is_background=weighed.is_background)

    def _is_looked_for(self, kind: Kind) -> bool:
        """Say whether anything can come of a kind: a row is about it, or a child may be at risk, row or none."""
        audience = self.event.audience
        return (audience, kind) in self.rules.rows or (kind in SAFEGUARDING and audience is Audience.PUPIL)

    def _alike(self, kind: KindRules) -> Iterator[Observation]:
        return (each for each in self.recent if each.category in kind.categories and each.name is not None)

    def _assess_told(self) -> Assessment:
        """Assess what somebody or some program says in so many words: the kind is among its facts."""
        event, rules = self.event, self.rules
        if any(each.id == event.id for each in self.recent):
            return _ignored(Why.SEEN)
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
        reasons: tuple[Reason, ...] = (Reason("signals", points, {"signals": signals}),)
        if kind.kind is Kind.ACCOUNT_SHARING and event.facts.get(OTHER_DEVICE):
            another = USED_BY_ANOTHER.get(event.audience, Kind.OTHER_ACCOUNT)
            instead = rules.rows.get((event.audience, another), ())
            reasons = (*reasons, Reason("used_by_another"))
            return self._propose(kind, reasons, (Reason("not_signed_out"),), instead=instead)
        if kind.kind is Kind.STAFF_ACCOUNT and not event.confidence.is_personal:
            return self._propose(kind, reasons, (Reason("own_account"),))
        if kind.kind is Kind.FILE_TRANSFER:
            return self._propose(kind, (*reasons, *_of_signature(event)), _of_medium(event))
        return self._propose(kind, reasons)

    def _propose(
        self,
        kind: KindRules,
        reasons: tuple[Reason, ...],
        against: tuple[Reason, ...] = (),
        *,
        is_background: bool = False,
        instead: tuple[str, ...] = (),
    ) -> Assessment:
        """Propose a kind, and what it may be `instead`: rows that come after its own."""
        event, rules = self.event, self.rules
        joined = self._belongs_to(kind.kind)
        if joined is not None and joined.state not in _OPEN:
            return _ignored(Why.DECIDED)
        is_personal = event.confidence.is_personal
        rows = tuple(dict.fromkeys((*rules.rows.get((event.audience, kind.kind), ()), *instead)))
        # Whom no row is about is in need or in danger, and no repeater.
        shown = tuple(self.warnings) if is_personal and rows else ()
        if shown and (repeat := rules.repeat_rows.get(event.audience)) is not None:
            rows = (*rows, repeat)
        is_for_people = is_personal or kind.kind in _NEVER_A_NOTE or event.source is Source.REPORT
        opened = Outcome.OPENS if is_for_people else Outcome.NOTES
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
            is_background=is_background,
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


def _of_signature(event: Observation) -> tuple[Reason, ...]:
    """Say why nobody vouches for a program."""
    signature = event.facts.get("signature")
    return (Reason(f"signature_{signature}"),) if signature in ("none", "not_valid") else ()


def _of_medium(event: Observation) -> tuple[Reason, ...]:
    """Say that a sign among others is what was on a medium before anybody plugged it in here."""
    return (Reason("medium_had_programs"),) if event.facts.get("medium_had_programs") is True else ()


def _ignored(why: Why) -> Assessment:
    return Assessment(Outcome.IGNORED, why)
