"""What speaks for a candidate and what against it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rules.assessment import AssessmentRules, KindRules
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience
from rules.weighing import Weighed, is_alone, is_background, is_by_program, weigh

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
GAMBLING = KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling"}), weight=15)
RULES = AssessmentRules(kinds={Kind.GAMBLING: GAMBLING}, rows={}, background=Background(labels=frozenset({"cdn"})))


def asked(site: str, minute: float) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{site}-{minute}",
        source=Source.BLOCKED,
        at=at,
        received_at=at,
        subject="p-1",
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        category="gambling",
        name=DomainName(site),
    )


def typed(number: int) -> list[Observation]:
    return [asked(f"bet{each}.example", 2 * each) for each in range(number)]


def weighed(observations: list[Observation]) -> Weighed:
    found = weigh(observations[-1], observations, GAMBLING, RULES)
    assert found is not None
    return found


def test_each_further_try_speaks_for_it() -> None:
    points = [weighed(typed(number)).points for number in range(1, 6)]
    assert points == sorted(points)
    assert points[0] < points[-1]


def test_the_parts_of_a_page_weigh_less_than_tries() -> None:
    page = [replace(each, at=START) for each in typed(5)]
    assert weighed(page).points < weighed(typed(5)).points


def test_a_site_that_comes_by_itself_is_not_weighed() -> None:
    visits = [asked("bet.example", 15 * number) for number in range(8)]
    assert weigh(visits[-1], visits, GAMBLING, RULES) is None


def test_what_programs_or_whole_classes_ask_for_is_background() -> None:
    class_wide = replace(asked("bet.example", 0), facts={"others": 60})
    assert is_by_program(asked("cdn.bet.example", 0), RULES)
    assert is_by_program(class_wide, RULES)
    assert is_background(class_wide, [], RULES)
    assert not is_background(asked("bet.example", 0), [], RULES)


def test_a_single_site_is_alone() -> None:
    assert is_alone(asked("bet.example", 0), [asked("bet.example", 1)], RULES)
    assert not is_alone(asked("bet.example", 0), typed(2), RULES)
