"""The engine at work on a term."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.simulation.asking import Asked, observed
from agent.simulation.replay import Outcomes, Replay
from agent.simulation.school import User
from agent.simulation.term import Term
from agent.sites.site_packs import load_pack
from rules.assessment import AssessmentRules
from rules.incident import Level
from rules.incident_kind import Kind
from rules.memory import MOST_OF_LATE
from rules.name import DomainName
from rules.observation import Observation
from rules.programs import Background
from rules.weighing import MOST_OF_A_MINUTE

RULES = load_pack("uk-esafety").assessment or AssessmentRules({}, {})
TERM = Term(3, school_days=4)
DAY = TERM.days[0]
PUPIL = TERM.school.pupils[0]
AT_ONCE = 100_000
MINUTES = 4
# So often may one observation have a name looked up among those of programs.
MOST_LOOK_UPS = 50


def hunting(user: User, *, sites: int = 6, category: str = "gambling", start: int = 800) -> list[Observation]:
    return [
        observed(
            Asked(start + 3 * number, user, category, f"site{number}.test"), DAY, number=number, late=timedelta(0)
        )
        for number in range(sites)
    ]


def fed(observations: Iterable[Observation]) -> Outcomes:
    replay = Replay(TERM, RULES)
    replay.feed(DAY, observations)
    return replay.outcomes


def test_a_few_days_are_replayed_with_everything_planted_found_and_nothing_forbidden() -> None:
    outcomes = Replay(TERM, RULES).run(TERM.days[:2])
    due = [story for story in TERM.stories if story.kind is Kind.MEDIA and set(story.days) <= {0, 1}]
    found = {raised.incident.subject for raised in outcomes.raised if raised.story is not None}
    assert {subject for story in due for subject in story.subjects} <= found
    assert outcomes.forbidden == 0
    assert outcomes.observations > 1_000


def test_somebody_who_hunts_is_raised_once() -> None:
    outcomes = fed(hunting(PUPIL, sites=12))
    (raised,) = outcomes.raised
    assert (raised.incident.kind, raised.incident.level, raised.story) == (Kind.GAMBLING, Level.PERSON, None)


def test_a_device_that_several_use_is_noted_once_a_day() -> None:
    tablet = TERM.school.tablets[0]
    outcomes = fed(hunting(tablet, sites=12))
    assert outcomes.raised == []
    assert outcomes.notes == {(DAY.on, tablet.subject, Kind.GAMBLING)}


def test_who_looks_for_help_leaves_nothing_behind() -> None:
    replay = Replay(TERM, RULES)
    replay.feed(DAY, hunting(PUPIL, sites=40, category="helplines"))
    assert (replay.outcomes.raised, replay.outcomes.forbidden, replay.remembered) == ([], 0, 0)


def test_what_comes_again_changes_nothing() -> None:
    once, twice = fed(hunting(PUPIL)), fed([each for each in hunting(PUPIL) for _ in range(2)])
    assert [raised.incident for raised in once.raised] == [raised.incident for raised in twice.raised]


# --- 100,000 at once


class CountingBackground(Background):
    """What programs ask for, with a count of how often anybody wanted to know: a measure of the work done."""

    looked_up: Counter[str]

    def covers(self, name: DomainName) -> bool:
        self.looked_up["names"] += 1
        return super().covers(name)


def flood(subjects: int, *, names: int) -> list[Observation]:
    users = [replace(PUPIL, subject=f"p-{number:016x}", groups=frozenset()) for number in range(subjects)]
    asked = (
        Asked(700 + number // subjects % MINUTES, users[number % subjects], "gambling", f"x{number % names}.test")
        for number in range(AT_ONCE)
    )
    made = (observed(each, DAY, number=number, late=timedelta(0)) for number, each in enumerate(asked))
    return sorted(made, key=lambda each: each.received_at)


@pytest.mark.parametrize(
    ("subjects", "names", "raised"),
    [
        pytest.param(1, AT_ONCE, 1, id="all-of-one-subject-are-one-candidate"),
        pytest.param(1_000, AT_ONCE, 1_000, id="of-a-thousand-subjects-each-is-told-of-once"),
        pytest.param(1_000, 20, 0, id="what-a-thousand-ask-alike-is-nobodys-choice"),
    ],
)
def test_a_hundred_thousand_at_once(subjects: int, names: int, raised: int) -> None:
    background = CountingBackground(RULES.background.labels, RULES.background.suffixes)
    CountingBackground.looked_up = Counter()
    replay = Replay(TERM, replace(RULES, background=background))
    replay.feed(DAY, flood(subjects, names=names))
    found = [each.incident for each in replay.outcomes.raised]
    assert len(found) == len({each.subject for each in found}) == raised
    assert replay.outcomes.observations == AT_ONCE
    # Four tries open a candidate, and all that comes from then on is part of it.
    assert replay.outcomes.joined == (AT_ONCE // MINUTES - raised if raised else 0)
    assert replay.remembered <= subjects * min(MOST_OF_LATE, 2 * MINUTES * MOST_OF_A_MINUTE)
    assert background.looked_up["names"] < AT_ONCE * MOST_LOOK_UPS
