"""The engine at work on a term, as the school's agent lets it work: in sweeps, with what it remembers and no more.

At the end of each day somebody decides about every candidate, and is always right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from agent.simulation.sites import PRIVATE
from agent.simulation.stories import Expected
from agent.simulation.term import Term
from agent.simulation.timetable import Day
from rules.assess import Assessment, Outcome, assess
from rules.assessment import AssessmentRules, Warned
from rules.crowd import Crowd
from rules.incident import Incident, Level, State
from rules.incident_kind import Kind
from rules.memory import Memory
from rules.observation import Observation

_SWEEP_SECONDS: Final = 5
_WARNED_FOR: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Raised:
    """A candidate for a person, and the number of the planted story that it is about, if any.

    `warnings` are those that it shows; a `repeat` row is proposed where there are some.
    """

    day: Day
    incident: Incident
    warnings: tuple[Warned, ...]
    story: int | None


@dataclass(slots=True)
class Outcomes:
    """What came of a term.

    `notes` are devices that something was noted about, by day and kind. `forbidden` counts what must never be: a
    record of somebody who looks for help, or one about a person where it is not clear who it was. `joined` are the
    observations that became part of a candidate.
    """

    raised: list[Raised] = field(default_factory=list)
    notes: set[tuple[date, str, Kind]] = field(default_factory=set)
    forbidden: int = 0
    observations: int = 0
    joined: int = 0


class Replay:
    """One term under one set of rules."""

    def __init__(self, term: Term, rules: AssessmentRules) -> None:
        self._term = term
        self._rules = rules
        self._crowd = Crowd(rules.background)
        self._memory = Memory(rules)
        self._standing: dict[str, list[Incident]] = {}
        self._warnings: dict[str, list[Warned]] = {}
        self._stories: dict[str, list[int]] = {}
        for number, story in enumerate(term.stories):
            for subject in story.subjects:
                self._stories.setdefault(subject, []).append(number)
        self.outcomes = Outcomes()

    @property
    def remembered(self) -> int:
        """How many observations are remembered at this moment."""
        return len(self._memory)

    def run(self, days: Iterable[Day] | None = None) -> Outcomes:
        """Go through the term, or through these days of it."""
        for day in self._term.days if days is None else days:
            self.feed(day, self._term.of(day))
            self._decide(day)
        return self.outcomes

    def feed(self, day: Day, observations: Iterable[Observation]) -> None:
        """Weigh what came in on a day, in its order; what came in the same moment is counted before it is weighed."""
        for _, sweep in groupby(observations, key=lambda each: int(each.received_at.timestamp()) // _SWEEP_SECONDS):
            came = list(sweep)
            for each in came:
                self._crowd.add(each)
            for each in came:
                self._weigh(day, self._crowd.told(each))

    def _weigh(self, day: Day, observation: Observation) -> None:
        subject = observation.subject
        found = assess(
            observation,
            self._memory.like(observation),
            self._rules,
            incidents=self._standing.get(subject, ()),
            warnings=self._warnings.get(subject, ()),
        )
        self._memory.add(observation)
        self.outcomes.observations += 1
        self.outcomes.forbidden += _is_forbidden(observation, found)
        match found.outcome:
            case Outcome.OPENS:
                self._open(day, observation, found)
            case Outcome.JOINS:
                self.outcomes.joined += 1
                self._join(observation, found)
            case Outcome.NOTES:
                self.outcomes.notes.add((day.on, subject, found.kind or Kind.OTHER))
            case Outcome.IGNORED:
                pass

    def _open(self, day: Day, observation: Observation, found: Assessment) -> None:
        incident = _incident(observation, found, number=len(self.outcomes.raised))
        number = self._story_of(incident, day)
        story = None if number is None else self._term.stories[number]
        if story is not None and story.expected is not Expected.FOUND:
            self.outcomes.forbidden += incident.level is Level.PERSON
            number = None
        self._standing.setdefault(incident.subject, []).append(incident)
        self.outcomes.raised.append(Raised(day, incident, found.warnings, number))

    def _story_of(self, incident: Incident, day: Day) -> int | None:
        for number in self._stories.get(incident.subject, ()):
            story = self._term.stories[number]
            if story.kind is incident.kind and day.number in story.asked:
                return number
        return None

    def _join(self, observation: Observation, found: Assessment) -> None:
        standing = self._standing[observation.subject]
        for place, each in enumerate(standing):
            if each.id == found.joins:
                standing[place] = replace(
                    each,
                    opened_at=min(each.opened_at, observation.at),
                    last_at=max(each.last_at, observation.at),
                    intent=max(each.intent, found.intent),
                )

    def _decide(self, day: Day) -> None:
        """Accept what was planted, dismiss the rest, and let go of what is older than the rules remember."""
        decided = {each.incident.id: self._decided(each) for each in self.outcomes.raised if each.day.on == day.on}
        oldest = day.midnight - self._rules.memory
        for subject, standing in list(self._standing.items()):
            kept = [
                replace(each, state=decided.get(each.id, each.state)) for each in standing if each.last_at >= oldest
            ]
            if kept:
                self._standing[subject] = kept
            else:
                del self._standing[subject]

    def _decided(self, raised: Raised) -> State:
        if raised.story is None:
            return State.DISMISSED
        if self._term.stories[raised.story].is_warned:
            incident = raised.incident
            warned = Warned(incident.id, incident.rows[0], str(raised.day.on + _WARNED_FOR))
            self._warnings.setdefault(incident.subject, []).append(warned)
        return State.ACCEPTED


def _is_forbidden(observation: Observation, found: Assessment) -> bool:
    if found.outcome is Outcome.IGNORED:
        return False
    is_of_somebody = found.level is Level.PERSON
    return observation.category in PRIVATE or (is_of_somebody and not observation.confidence.is_personal)


def _incident(observation: Observation, found: Assessment, *, number: int) -> Incident:
    if found.kind is None or found.risk is None:
        raise ValueError("an assessment without a kind opens nothing")
    return Incident(
        id=f"i{number}",
        kind=found.kind,
        risk=found.risk,
        audience=observation.audience,
        subject=observation.subject,
        level=found.level,
        confidence=observation.confidence,
        track=found.track,
        state=State.CANDIDATE,
        rows=found.rows,
        intent=found.intent,
        reasons=found.reasons,
        against=found.against,
        opened_at=observation.at,
        last_at=observation.at,
        place=observation.place,
        is_background=found.is_background,
    )
