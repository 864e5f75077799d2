"""What is remembered of each subject, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules import memory
from rules.assess import Outcome, assess
from rules.assessment import AssessmentRules, KindRules
from rules.incident_kind import Kind, Risk
from rules.memory import MOST_OF_BEFORE, MOST_OF_LATE, Memory
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience
from rules.weighing import MOST_OF_A_MINUTE

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
RULES = AssessmentRules(
    kinds={
        Kind.GAMBLING: KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling", "lotteries"})),
        Kind.GAMES: KindRules(Kind.GAMES, Risk.CONDUCT, frozenset({"games"})),
    },
    rows={},
    unattributed=frozenset({"helplines"}),
    background=Background(frozenset({"cdn"})),
)


def asked(
    name: str = "bet.test", *, minute: float = 0, category: str = "gambling", subject: str = "p-1"
) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{subject}-{name}-{minute}",
        source=Source.BLOCKED,
        at=at,
        received_at=at,
        subject=subject,
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        category=category,
        name=DomainName(name),
    )


def remembering(*observations: Observation) -> Memory:
    remembered = Memory(RULES)
    for each in observations:
        remembered.add(each)
    return remembered


def test_what_is_like_is_of_the_same_subject_and_the_same_kind() -> None:
    bet, lottery = asked(), asked(category="lotteries", minute=1)
    held = remembering(bet, lottery, asked(category="games"), asked(subject="p-2"))
    assert held.like(asked(minute=2)) == [bet, lottery]


@pytest.mark.parametrize("category", ["helplines", "news"])
def test_what_may_never_count_is_not_remembered(category: str) -> None:
    held = remembering(asked(category=category))
    assert len(held) == 0
    assert held.like(asked(category=category)) == []


def test_of_before_each_site_is_kept_once_a_day_and_no_part_of_a_page() -> None:
    early = [asked("www.bet.test"), asked("bet.test", minute=1), asked("cdn.bet.test", minute=2)]
    late = asked("slots.test", minute=24 * 60)
    held = remembering(*early, late)
    assert [each.name for each in held.like(late)] == ["www.bet.test", "slots.test"]


def test_what_is_older_than_the_memory_is_forgotten() -> None:
    days = [asked(f"bet{day}.test", minute=day * 24 * 60) for day in range(40)]
    oldest = min(each.at for each in remembering(*days).like(days[-1]))
    assert oldest >= days[-1].at - RULES.memory - timedelta(days=1)


def test_of_one_minute_some_are_kept_and_parts_of_pages_push_none_of_them_out() -> None:
    parts = [asked(f"cdn.x{number}.test") for number in range(50)]
    names = [asked(f"bet{number}.test") for number in range(50)]
    kept = remembering(*parts, *names).like(asked(minute=1))
    assert kept == [*parts[:MOST_OF_A_MINUTE], *names[:MOST_OF_A_MINUTE]]


def test_however_much_comes_it_is_bounded() -> None:
    flood = [asked(f"bet{number}.test", minute=number / 8) for number in range(5_000)]
    assert len(remembering(*flood)) <= MOST_OF_LATE + MOST_OF_BEFORE


def test_a_hundred_thousand_at_once_leave_little_to_weigh_the_next_by() -> None:
    first, again = asked(), asked(minute=2)
    held = remembering(*(replace(first, id=str(number)) for number in range(100_000)))
    assert len(held) == MOST_OF_A_MINUTE
    assert assess(again, held.like(again), RULES).outcome is Outcome.IGNORED


def test_whoever_was_quiet_longest_is_forgotten_first() -> None:
    many = [asked(subject=f"p-{number}") for number in range(memory.MOST_SUBJECTS + 1)]
    held = remembering(*many)
    assert len(held) == memory.MOST_SUBJECTS
    assert held.like(many[0]) == []
