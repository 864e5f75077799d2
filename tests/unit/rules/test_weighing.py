"""What speaks for a candidate and what against it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.assessment import AssessmentRules, KindRules
from rules.incident import Incident, Level, State, Track
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience
from rules.weighing import (
    MOST_OF_A_MINUTE,
    Chosen,
    Weighed,
    chosen,
    is_alone,
    is_background,
    is_by_program,
    is_more_of_a_minute,
    weigh,
)

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAY = 24 * 60
GAMBLING = KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling"}), weight=15)
SELF_HARM = KindRules(Kind.SELF_HARM, Risk.CONTENT, frozenset({"gambling"}), weight=50, sites=2)
RULES = AssessmentRules({Kind.GAMBLING: GAMBLING}, {}, background=Background(frozenset({"cdn"})))
Facts = Mapping[str, str | int | bool]
NONE: Facts = {}
FAMOUS: Facts = {"askers": 40}
CROWDED: Facts = {"others": 20}


def asked(name: str, minute: float = 0, facts: Facts = NONE, *, source: Source = Source.BLOCKED) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{name}-{minute}",
        source=source,
        at=at,
        received_at=at,
        subject="p-1",
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        category="gambling",
        name=DomainName(name),
        facts=facts,
    )


def tries(number: int, *, every: float = 3, first: float = 0, called: str = "bet") -> list[Observation]:
    return [asked(f"{called}{each}.test", first + each * every) for each in range(number)]


def weighed(*observations: Observation, kind: KindRules = GAMBLING, incidents: tuple[Incident, ...] = ()) -> Weighed:
    found = weigh(observations[-1], observations, kind, RULES, incidents)
    assert found is not None
    return found


def points(found: Weighed) -> dict[str, int]:
    return {reason.code: reason.points for reason in (*found.reasons, *found.against)}


def numbers(found: Weighed, code: str) -> dict[str, int]:
    return next(dict(reason.numbers) for reason in (*found.reasons, *found.against) if reason.code == code)


# --- Tries


def test_each_new_site_is_a_try_and_more_of_them_one_after_the_other_count_for_more() -> None:
    found = weighed(*tries(5))
    assert points(found) == {"kind_gambling": 15, "sites": 40, "typed": 0, "row": 15, "persistence": 10}
    assert numbers(found, "sites") == {"sites": 5, "minutes": 13}
    assert found.tries == 5


def test_what_one_minute_brings_is_one_try_however_many_names_it_is() -> None:
    results = [asked(f"bet{number}.test") for number in range(8)]
    found = weighed(*results, asked("bet3.test", 1))
    assert found.tries == 1
    assert "sites" not in points(found)


def test_the_same_site_again_is_no_further_try_but_somebody_goes_on() -> None:
    found = weighed(*tries(2, every=4), *(asked("www.bet1.test", 5 + minute) for minute in range(3)))
    assert found.tries == 2
    assert points(found)["persistence"] == 10


def test_tries_with_a_long_pause_between_them_do_not_add_up() -> None:
    assert "sites" not in points(weighed(*tries(4, every=25)))


def test_a_site_that_comes_again_after_a_pause_is_tried_again() -> None:
    again = [asked("bet0.test", 180), asked("bet1.test", 183)]
    assert numbers(weighed(*tries(2), *again), "sites") == {"sites": 2, "minutes": 4}


def test_who_is_in_need_does_not_hurry() -> None:
    assert points(weighed(*tries(2, every=50), kind=SELF_HARM))["sites"] == 10


def test_one_site_alone_speaks_against_it() -> None:
    assert points(weighed(asked("bet.test")))["single_site"] == -20


# --- Days


def test_other_days_with_several_tries_count_once_there_are_several_today() -> None:
    before = [*tries(2, first=-2 * DAY), *tries(2, first=-DAY)]
    assert points(weighed(*before, *tries(2, called="slots")))["days"] == 20
    assert "days" not in points(weighed(*before, asked("slots.test")))


def test_days_are_told_apart_by_the_night_between_them_wherever_the_school_is() -> None:
    tokyo = [*tries(2, first=13.5 * 60), *tries(2, first=14.2 * 60, called="slots")]
    assert "days" not in points(weighed(*tokyo))


# --- Programs


def test_what_comes_by_itself_opens_nothing_and_counts_for_nothing() -> None:
    beat = [asked("app.test", 15 * number) for number in range(7)]
    assert weigh(beat[-1], beat, GAMBLING, RULES) is None
    found = weighed(*beat, *tries(2, first=60))
    assert numbers(found, "sites") == {"sites": 2, "minutes": 4}


def test_what_comes_back_all_day_or_on_most_days_comes_by_itself() -> None:
    again = [asked("app.test", minute) for minute in (0, 17, 50, 74)]
    daily = [asked("tile.test", -day * DAY) for day in range(6)]
    assert weigh(again[-1], again, GAMBLING, RULES) is None
    assert weigh(daily[0], daily, GAMBLING, RULES) is None


@pytest.mark.parametrize(
    ("observation", "is_so"),
    [
        pytest.param(asked("bet.test"), False, id="a-name-that-hardly-anybody-asks-for"),
        pytest.param(asked("cdn.bet.test"), True, id="a-part-of-a-page"),
        pytest.param(asked("bet.test", 0, FAMOUS), True, id="a-name-that-many-ask-for-on-a-day"),
        pytest.param(asked("bet.test", 0, CROWDED), True, id="a-name-that-a-class-asks-for-at-once"),
        pytest.param(asked("edge3.bet.test"), True, id="a-name-by-which-nobody-comes-to-a-site"),
        pytest.param(asked("play.bet.test"), False, id="a-name-by-which-people-come-to-a-site"),
        pytest.param(replace(asked("bet.test"), name=None), True, id="no-name"),
    ],
)
def test_a_name_that_nobody_chose(observation: Observation, *, is_so: bool) -> None:
    assert is_by_program(observation, RULES) is is_so
    assert is_background(observation, [], RULES) is is_so


@pytest.mark.parametrize(
    "doubtful",
    [
        pytest.param(asked("famous.test", 4, FAMOUS), id="famous"),
        pytest.param(asked("edge3.other.test", 4), id="deep-in-a-site"),
    ],
)
def test_a_doubtful_name_between_several_others_was_tried_too(doubtful: Observation) -> None:
    assert not is_background(doubtful, tries(3), RULES)
    assert points(weighed(*tries(3), doubtful))["sites"] == 30
    assert is_background(replace(doubtful, facts=CROWDED), tries(3), RULES)
    assert is_background(doubtful, tries(2), RULES)
    assert points(weighed(doubtful, *tries(2)))["sites"] == 10


def test_no_name_is_too_deep_where_a_child_may_be_in_need() -> None:
    rules = AssessmentRules({Kind.SELF_HARM: SELF_HARM}, {})
    assert chosen(asked("edge3.ana.test"), rules) is Chosen.YES
    assert chosen(asked("edge3.bet.test"), RULES) is Chosen.MAYBE
    assert chosen(asked("cdn.bet.test"), RULES) is Chosen.NO


@pytest.mark.parametrize(
    ("called", "number", "is_so"),
    [
        pytest.param("bet", MOST_OF_A_MINUTE, True, id="enough-of-the-same"),
        pytest.param("bet", MOST_OF_A_MINUTE - 1, False, id="not-yet-enough"),
        pytest.param("cdn.bet", MOST_OF_A_MINUTE, False, id="enough-but-of-programs"),
    ],
)
def test_a_minute_says_no_more_after_so_many(called: str, number: int, *, is_so: bool) -> None:
    known = tries(number, every=0, called=called)
    assert is_more_of_a_minute(asked("more.test", 0), known, RULES) is is_so
    assert not is_more_of_a_minute(asked("more.test", 1), known, RULES)


def test_parts_of_pages_are_told_and_where_they_outweigh_the_rest_they_speak_against() -> None:
    parts = [asked(f"cdn.x{number}.test", number) for number in range(5)]
    found = weighed(*parts, *tries(5))
    assert (points(found)["parts"], found.is_background) == (-20, False)
    found = weighed(*parts[:1], *tries(5))
    assert (points(found)["parts"], "typed" in points(found)) == (0, False)


# --- What goes on around it


@pytest.mark.parametrize(
    ("facts", "code", "given"),
    [
        pytest.param({"in_lesson": True}, "lesson", 5, id="in-a-lesson"),
        pytest.param({"in_lesson": True, "peers": 12}, "class", -50, id="with-the-whole-class"),
        pytest.param({"is_closed": True}, "closed", -15, id="when-nobody-is-expected"),
    ],
)
def test_the_time_and_the_class(facts: Facts, code: str, given: int) -> None:
    assert points(weighed(*tries(4), asked("last.test", 12, facts)))[code] == given


def test_a_night_speaks_against_no_child_in_need() -> None:
    assert "closed" not in points(weighed(*tries(2), asked("last.test", 9, {"is_closed": True}), kind=SELF_HARM))


def test_an_override_in_use_speaks_against_it() -> None:
    used = asked("allowed.test", -5, source=Source.OVERRIDE_USED)
    assert points(weighed(used, *tries(5)))["override"] == -30


def test_what_was_dismissed_of_late_speaks_against_it() -> None:
    incident = Incident(
        id="i1",
        kind=Kind.GAMBLING,
        risk=Risk.COMMERCE,
        audience=Audience.PUPIL,
        subject="p-1",
        level=Level.PERSON,
        confidence=Confidence.B,
        track=Track.ORDINARY,
        state=State.DISMISSED,
        rows=("P02",),
        intent=60,
        reasons=(),
        against=(),
        opened_at=START - timedelta(days=3),
        last_at=START - timedelta(days=3),
    )
    assert points(weighed(*tries(5), incidents=(incident,)))["dismissed"] == -20
    other = replace(incident, kind=Kind.GAMES)
    assert "dismissed" not in points(weighed(*tries(5), incidents=(other,)))


# --- Always


@given(st.permutations([*tries(6), *tries(2, first=-DAY), *(asked(f"cdn.y{n}.test", n) for n in range(3))]))
def test_the_order_changes_nothing(known: list[Observation]) -> None:
    event = asked("bet9.test", 20)
    assert weigh(event, [*known, event], GAMBLING, RULES) == weigh(
        event, [event, *sorted(known, key=id)], GAMBLING, RULES
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-3 * DAY, 90)), max_size=30))
def test_whoever_is_alone_with_one_site_gets_less_than_any_kind_opens_at(rows: list[tuple[int, int]]) -> None:
    event = asked("bet0.test", 100)
    known = [asked(f"bet{site}.test", minute) for site, minute in rows]
    found = weigh(event, [*known, event], GAMBLING, RULES)
    if is_alone(event, known, RULES) and found is not None:
        assert found.points < RULES.open_at
