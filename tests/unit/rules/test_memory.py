"""What is remembered of each subject: bounded, and nothing of what is never kept."""

from datetime import UTC, datetime, timedelta

from rules.assessment import AssessmentRules, KindRules
from rules.incident_kind import Kind, Risk
from rules.memory import MOST_OF_BEFORE, MOST_OF_LATE, Memory
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.subject import Audience

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
RULES = AssessmentRules(
    kinds={
        Kind.GAMBLING: KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling"})),
        Kind.OTHER: KindRules(Kind.OTHER, Risk.CONTENT, frozenset({"helplines"})),
    },
    rows={},
    unattributed=frozenset({"helplines"}),
)


def asked(
    minute: float, *, subject: str = "p-1", site: str = "bet.example", category: str = "gambling"
) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{subject}-{site}-{minute}",
        source=Source.BLOCKED,
        at=at,
        received_at=at,
        subject=subject,
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        category=category,
        name=DomainName(site),
    )


def test_of_each_subject_its_own_is_remembered() -> None:
    memory = Memory(RULES)
    for each in (asked(0), asked(1), asked(2, subject="p-2")):
        memory.add(each)
    assert [each.id for each in memory.like(asked(9))] == ["p-1-bet.example-0", "p-1-bet.example-1"]
    assert memory.like(asked(9, subject="p-3")) == []


def test_of_what_is_never_kept_nothing_is_remembered() -> None:
    memory = Memory(RULES)
    memory.add(asked(0, category="helplines"))
    memory.add(asked(0, category="news"))
    assert len(memory) == 0
    assert memory.like(asked(1, category="helplines")) == []


def test_it_is_bounded_and_days_before_are_kept_once_a_site() -> None:
    memory = Memory(RULES)
    for number in range(5 * MOST_OF_LATE):
        memory.add(asked(number, site=f"s{number % 7}.example"))
    assert len(memory) <= MOST_OF_LATE + MOST_OF_BEFORE
    days = {each.at.date() for each in memory.like(asked(5 * MOST_OF_LATE))}
    assert len(days) == 2
