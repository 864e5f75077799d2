"""How many others ask for the same: counted in stretches of minutes, and never who."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rules.crowd import MOST_OTHERS, Crowd
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def asked(
    subject: str, *, site: str = "bet.example", minute: float = 0, source: Source = Source.BLOCKED
) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{subject}-{site}-{minute}",
        source=source,
        at=at,
        received_at=at,
        subject=subject,
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        groups=frozenset({"year5"}),
        category="gambling",
        name=DomainName(site),
    )


def crowd_of(*observations: Observation) -> Crowd:
    crowd = Crowd(Background(labels=frozenset({"cdn"})))
    for each in observations:
        crowd.add(each)
    return crowd


def test_others_who_ask_for_the_same_about_then_are_counted_once_each() -> None:
    crowd = crowd_of(*(asked(f"p-{number}") for number in range(5)), asked("p-0", minute=1))
    assert crowd.told(asked("p-0")).facts["others"] == 4


def test_who_asks_alone_or_for_something_else_is_not_in_a_crowd() -> None:
    crowd = crowd_of(asked("p-0"), asked("p-1", site="other.example"), asked("p-2", minute=60))
    assert "others" not in crowd.told(asked("p-0")).facts
    assert crowd.told(asked("p-0")).facts["askers"] == 1


def test_in_a_lesson_the_group_is_looked_at() -> None:
    crowd = crowd_of(*(asked(f"p-{number}", site=f"s{number}.example") for number in range(4)))
    in_lesson = replace(asked("p-0"), facts={"in_lesson": True})
    assert crowd.told(in_lesson).facts["peers"] == 3
    assert "peers" not in crowd.told(asked("p-0")).facts


def test_parts_of_pages_and_what_comes_from_elsewhere_are_not_counted() -> None:
    parts = asked("p-1", site="cdn.bet.example")
    report = asked("p-2", source=Source.REPORT)
    crowd = crowd_of(parts, report)
    assert len(crowd) == 0
    assert crowd.told(parts) is parts


def test_counting_stops_at_a_number() -> None:
    crowd = crowd_of(*(asked(f"p-{number}") for number in range(3 * MOST_OTHERS)))
    assert crowd.told(asked("me")).facts["others"] in range(MOST_OTHERS + 2)
