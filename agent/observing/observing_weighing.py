"""One act of observing: observations weighed one after the other, and what comes of them filed in the same breath."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from agent.incidents.incidents import Incidents
from agent.observing.identity import Identities
from agent.storage.incident_rows import is_observed
from agent.storage.observation_rows import CountKey
from agent.storage.override_rows import read_overrides
from agent.storage.state import Act
from rules.assess import Assessment, Outcome, Why, assess
from rules.assessment import AssessmentRules, Warned
from rules.incident import Incident
from rules.memory import Memory
from rules.observation import Observation, Source
from rules.override import Override, State
from rules.subject import Profile, Scope
from rules.weighing import is_by_program

_OPENED: Final = (State.APPROVED, State.REVOKED, State.ENDED, State.UNCONFIRMED)


class Weighing:
    """What is weighed within one act.

    Args:
        memory: what is remembered of each subject; what is weighed here is added.
        since: when the earliest of what is weighed happened.

    `counts` are what came of everything so far.
    """

    def __init__(
        self, act: Act, incidents: Incidents, rules: AssessmentRules, memory: Memory, *, since: datetime
    ) -> None:
        self.act = act
        self.identities = Identities(act.database)
        self.counts: Counter[CountKey] = Counter()
        self._incidents = incidents
        self._rules = rules
        self._memory = memory
        self._since = since - rules.memory - timedelta(days=1)
        self._standing: dict[str, Sequence[Incident]] = {}
        self._warnings: dict[str, Sequence[Warned]] = {}
        self._overrides = [
            filed.override for filed in read_overrides(act.database, states=_OPENED, until_after=since - rules.window)
        ]

    def take(self, observation: Observation, *, is_again: bool = False) -> Assessment:
        """Weigh an observation and file what comes of it; one that was filed before is not filed again.

        Args:
            is_again: it was weighed before, when less was known; where nothing new comes of it, it is not counted.
        """
        recent = [*self._memory.like(observation), *self._in_force(observation)]
        assessed = assess(
            observation,
            recent,
            self._rules,
            incidents=self._incidents_of(observation.subject),
            warnings=self._warnings_of(observation.subject),
        )
        if assessed.outcome is not Outcome.IGNORED and is_observed(self.act.database, observation.id):
            assessed = Assessment(Outcome.IGNORED, Why.SEEN)
        self._file(observation, assessed, recent)
        if assessed.why is not Why.SEEN or not is_again:
            self.counts[assessed.outcome.value, assessed.why.value if assessed.why else ""] += 1
        if assessed.why is not Why.SEEN and observation.source is Source.BLOCKED:
            self._memory.add(observation)
        return assessed

    def _file(self, observation: Observation, assessed: Assessment, recent: Sequence[Observation]) -> None:
        match assessed.outcome:
            case Outcome.OPENS:
                earlier = list(self._led_to(observation, recent))
                self._incidents.open(self.act, observation, assessed, earlier=earlier)
            case Outcome.JOINS:
                self._incidents.join(self.act, assessed.joins, observation, assessed)
            case Outcome.NOTES:
                self._incidents.note_device(self.act, observation, assessed)
            case Outcome.IGNORED:
                return
        self._standing.pop(observation.subject, None)

    def _led_to(self, observation: Observation, recent: Sequence[Observation]) -> Iterator[Observation]:
        """Give what was asked before of the same matter, for the timeline."""
        kind = self._rules.kind_of(observation.category)
        if kind is None or observation.source is not Source.BLOCKED:
            return
        for each in recent:
            is_near = abs(each.at - observation.at) <= self._rules.window
            is_alike = each.source is Source.BLOCKED and each.category in kind.categories
            if is_near and is_alike and not is_by_program(each, self._rules):
                yield each

    def _incidents_of(self, subject: str) -> Sequence[Incident]:
        if subject not in self._standing:
            self._standing[subject] = self._incidents.recent_of(self.act.database, subject, self._since)
        return self._standing[subject]

    def _warnings_of(self, subject: str) -> Sequence[Warned]:
        if subject not in self._warnings:
            self._warnings[subject] = self._incidents.warnings_of(self.act.database, subject, self.act.now)
        return self._warnings[subject]

    def _in_force(self, observation: Observation) -> Iterator[Observation]:
        """Give the overrides for whoever asked that were open about then, as observations of the same subject."""
        if observation.source is not Source.BLOCKED:
            return
        for override in self._overrides:
            if _speaks_of(override, observation, self._rules.window):
                yield _used(override, observation)


def _speaks_of(override: Override, observation: Observation, window: timedelta) -> bool:
    lift = override.lift
    scope = Scope(audiences=lift.audiences, groups=lift.groups)
    return (
        lift.from_at <= observation.at < lift.until_at + window
        and observation.category in lift.categories | lift.lifts
        and scope.covers(Profile(observation.audience, observation.groups))
    )


def _used(override: Override, observation: Observation) -> Observation:
    return Observation(
        id=f"override-{override.id}",
        source=Source.OVERRIDE_USED,
        at=observation.at,
        received_at=observation.received_at,
        subject=observation.subject,
        confidence=observation.confidence,
        audience=observation.audience,
        category=observation.category,
        name=observation.name,
    )
