"""How many others ask for the same at the same time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from rules.crowd import MOST_KEYS, MOST_OTHERS, Crowd
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
LESSON = MappingProxyType({"in_lesson": True})


def asked(
    subject: int = 0,
    name: str = "www.social.test",
    *,
    minute: float = 0,
    facts: Mapping[str, str | int | bool] = LESSON,
    groups: frozenset[str] = frozenset({"year6", "class6a"}),
    source: Source = Source.BLOCKED,
) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{subject}-{name}-{minute}",
        source=source,
        at=at,
        received_at=at,
        subject=f"p-{subject}",
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        groups=groups,
        category="social_networks",
        name=DomainName(name),
        facts=facts,
    )


def crowd_of(*observations: Observation) -> Crowd:
    crowd = Crowd(Background(frozenset({"cdn"})))
    for each in observations:
        crowd.add(each)
    return crowd


def test_others_are_those_who_asked_for_the_same_name_within_minutes() -> None:
    crowd = crowd_of(*(asked(subject, minute=subject) for subject in range(4)), asked(9, minute=60))
    assert crowd.told(asked()).facts["others"] == 3


def test_askers_are_those_of_the_day_and_the_best_day_of_late() -> None:
    crowd = crowd_of(*(asked(subject, minute=subject * 30) for subject in range(10)))
    assert crowd.told(asked()).facts["askers"] == 9
    assert crowd.told(asked(minute=5 * 24 * 60)).facts["askers"] == 9
    assert "askers" not in crowd.told(asked(minute=40 * 24 * 60)).facts


def test_peers_are_those_of_the_class_at_the_same_subject_whatever_the_name_in_a_lesson() -> None:
    of_the_year = asked(50, "x.test", groups=frozenset({"year6", "class6b"}))
    crowd = crowd_of(*(asked(subject, f"site{subject}.test") for subject in range(6)), of_the_year)
    assert crowd.told(asked()).facts["peers"] == 5
    assert "peers" not in crowd.told(asked(facts={})).facts


def test_whoever_asks_alone_is_told_nothing_of_others() -> None:
    alone = asked()
    assert crowd_of(alone).told(alone) is alone


def test_the_same_observation_twice_is_one_and_the_order_changes_nothing() -> None:
    observations = [asked(subject, minute=subject % 3) for subject in range(7)]
    forwards, backwards = crowd_of(*observations, *observations), crowd_of(*reversed(observations))
    assert forwards.told(asked()).facts == backwards.told(asked()).facts


def test_what_was_known_of_an_observation_stays_with_it() -> None:
    crowd = crowd_of(asked(1))
    assert crowd.told(asked()).facts == {"in_lesson": True, "others": 1, "askers": 1, "peers": 1}


@pytest.mark.parametrize(
    "observation",
    [
        pytest.param(asked(name="cdn.social.test"), id="a-part-of-a-page"),
        pytest.param(asked(source=Source.REPORT), id="a-report"),
    ],
)
def test_what_is_nobodys_choice_is_not_counted(observation: Observation) -> None:
    crowd = crowd_of(observation)
    assert len(crowd) == 0
    assert crowd.told(observation) is observation


def test_it_is_bounded() -> None:
    crowd = crowd_of(*(asked(subject) for subject in range(3 * MOST_OTHERS)))
    assert crowd.told(asked(999)).facts["others"] == MOST_OTHERS
    for number in range(MOST_KEYS):
        crowd.add(asked(0, f"site{number}.test", groups=frozenset()))
    assert len(crowd) == MOST_KEYS
