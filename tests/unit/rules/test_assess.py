"""What an observation comes to: opened, joined, noted or nothing, with its reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.assess import AHEAD, MOST_POINTS, Assessment, Outcome, Why, assess
from rules.assessment import AssessmentRules, KindRules, Warned
from rules.incident import Incident, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import OTHER_DEVICE, Confidence, Observation, Source
from rules.programs import Background
from rules.subject import Audience
from rules.weighing import MOST_OF_A_MINUTE

START = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
RULES = AssessmentRules(
    kinds={
        Kind.GAMBLING: KindRules(Kind.GAMBLING, Risk.COMMERCE, frozenset({"gambling"}), weight=15, sites=3),
        Kind.SELF_HARM: KindRules(Kind.SELF_HARM, Risk.CONTENT, frozenset({"self_harm"}), weight=40, sites=2),
    },
    rows={
        (Audience.PUPIL, Kind.GAMBLING): ("P02",),
        (Audience.PUPIL, Kind.ILLEGAL): ("P01",),
        (Audience.PUPIL, Kind.BYPASS): ("P13",),
        (Audience.STAFF, Kind.MEDIA): ("S05",),
    },
    repeat_rows={Audience.PUPIL: "P11"},
    statutory=frozenset({"illegal_csam"}),
    unattributed=frozenset({"helplines"}),
    background=Background(labels=frozenset({"cdn"})),
)
WARNED = Warned("i0", "P02", "2027-01-01")


def blocked(
    site: str = "bet1.example",
    *,
    minute: float = 0,
    category: str = "gambling",
    confidence: Confidence = Confidence.B,
    audience: Audience = Audience.PUPIL,
) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation(
        id=f"{site}-{minute}",
        source=Source.BLOCKED,
        at=at,
        received_at=at,
        subject="p-1",
        confidence=confidence,
        audience=audience,
        category=category,
        name=DomainName(site),
    )


def typed(sites: int, *, every: float = 2) -> list[Observation]:
    """Somebody who tries one site after another."""
    return [blocked(f"bet{number}.example", minute=number * every) for number in range(sites)]


def last_of(observations: list[Observation], **more: object) -> Assessment:
    return assess(observations[-1], observations[:-1], RULES, **more)  # type: ignore[arg-type]


def told(source: Source, kind: str, *, audience: Audience = Audience.PUPIL, **facts: str | int | bool) -> Observation:
    return replace(
        blocked(audience=audience, category=""), source=source, name=None, facts={"kind": kind, **facts}, id=f"{kind}"
    )


def incident(state: State = State.CANDIDATE, *, kind: Kind = Kind.GAMBLING, last_minute: float = 0) -> Incident:
    return Incident(
        id="i1",
        kind=kind,
        risk=Risk.COMMERCE,
        audience=Audience.PUPIL,
        subject="p-1",
        level=Level.PERSON,
        confidence=Confidence.B,
        track=Track.ORDINARY,
        state=state,
        rows=("P02",),
        intent=60,
        reasons=(),
        against=(),
        opened_at=START,
        last_at=START + timedelta(minutes=last_minute),
    )


def codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.code for reason in reasons]


# --- What opens


def test_somebody_who_tries_one_site_after_another_is_a_candidate_with_the_row_and_the_reasons() -> None:
    found = last_of(typed(5))
    assert (found.outcome, found.kind, found.rows, found.level) == (
        Outcome.OPENS,
        Kind.GAMBLING,
        ("P02",),
        Level.PERSON,
    )
    assert codes(found.reasons) == ["kind_gambling", "sites", "typed", "row", "persistence"]
    assert found.reasons[1].numbers == {"sites": 5, "minutes": 9}
    assert found.intent == 15 + 40 + 15 + 10


@pytest.mark.parametrize("sites", [1, 2, 3])
def test_a_few_blocks_are_nothing(sites: int) -> None:
    assert last_of(typed(sites)).why is Why.TOO_LITTLE


def test_the_parts_of_one_page_are_nothing() -> None:
    page = [blocked(f"bet{number}.example", minute=number / 10) for number in range(5)]
    assert last_of(page).why is Why.TOO_LITTLE


def test_one_site_asked_for_by_a_program_is_nothing() -> None:
    assert last_of([blocked(minute=15 * number) for number in range(8)]).why is Why.TOO_LITTLE


def test_names_that_programs_ask_for_weigh_nothing() -> None:
    assert assess(blocked("cdn.bet.example"), typed(9), RULES).why is Why.BACKGROUND
    parts = [blocked(f"cdn.x{number}.example", minute=number) for number in range(9)]
    found = last_of([*parts, *typed(5)])
    assert "parts" in codes(found.against)


def test_a_program_that_goes_on_keeps_no_incident_open() -> None:
    beat = [blocked("app.example", minute=15 * number) for number in range(8)]
    assert last_of(beat, incidents=(incident(last_minute=100),)).why is Why.BACKGROUND


def test_most_of_it_being_parts_of_pages_is_told() -> None:
    parts = [blocked(f"cdn.x{number}.example", minute=number / 2) for number in range(12)]
    assert last_of([*parts, *typed(6)]).is_background
    assert not last_of(typed(6)).is_background


def test_other_days_count() -> None:
    before = [replace(each, at=each.at - timedelta(days=1), id=f"y{each.id}") for each in typed(3)]
    today = typed(4, every=3)
    assert "days" in codes(last_of([*before, *today]).reasons)


def test_what_is_illegal_is_sealed_at_once_whoever_it_was() -> None:
    found = assess(blocked("x.example", category="illegal_csam", confidence=Confidence.D), (), RULES)
    assert (found.outcome, found.track, found.level, found.rows) == (
        Outcome.OPENS,
        Track.SEALED,
        Level.DEVICE,
        ("P01",),
    )


# --- What never does


@pytest.mark.parametrize("confidence", [Confidence.C, Confidence.D])
def test_a_shared_or_unknown_account_stays_a_note_about_a_device(confidence: Confidence) -> None:
    observations = [replace(each, confidence=confidence) for each in typed(6)]
    found = last_of(observations, warnings=(WARNED,))
    assert (found.outcome, found.level, found.warnings, found.rows) == (Outcome.NOTES, Level.DEVICE, (), ("P02",))


def test_who_asks_for_help_is_nobodys_business() -> None:
    assert assess(blocked("help.example", category="helplines"), typed(9), RULES).why is Why.UNATTRIBUTED


def test_what_the_table_of_an_audience_does_not_know_is_no_candidate() -> None:
    staff = [replace(each, audience=Audience.STAFF) for each in typed(9)]
    assert last_of(staff).why is Why.NO_ROW
    assert assess(blocked(category="news"), (), RULES).why is Why.NO_KIND


def test_a_child_in_need_is_told_of_without_any_row_even_after_a_warning() -> None:
    asked = [blocked(f"s{number}.example", minute=5 * number, category="self_harm") for number in range(3)]
    found = last_of(asked, warnings=(WARNED,))
    assert (found.outcome, found.kind, found.track) == (Outcome.OPENS, Kind.SELF_HARM, Track.SAFEGUARDING)
    assert (found.rows, found.warnings) == ((), ())
    assert last_of([replace(each, audience=Audience.STAFF) for each in asked]).why is Why.NO_ROW


def test_what_a_minute_brings_beyond_so_many_joins_or_is_nothing_without_being_weighed() -> None:
    hunt = typed(6)
    more = [blocked(f"more{number}.example", minute=10) for number in range(MOST_OF_A_MINUTE)]
    found = last_of([*hunt, *more], incidents=(incident(),))
    assert (found.outcome, found.joins, found.intent, found.reasons) == (Outcome.JOINS, "i1", 0, ())
    assert last_of([*hunt, *more]).why is Why.TOO_LITTLE
    assert last_of([*hunt, *more[:3]]).outcome is Outcome.OPENS


def test_an_override_that_was_used_is_no_misuse() -> None:
    assert assess(replace(blocked(), source=Source.OVERRIDE_USED), typed(9), RULES).why is Why.CONTEXT


def test_an_event_from_the_future_or_seen_before_comes_to_nothing() -> None:
    ahead = replace(blocked(), received_at=START - AHEAD - timedelta(seconds=1))
    assert assess(ahead, (), RULES).why is Why.FROM_THE_FUTURE
    assert assess(blocked(), (blocked(),), RULES).why is Why.SEEN


# --- What belongs together


def test_an_afternoon_at_one_subject_is_one_incident() -> None:
    found = last_of(typed(6), incidents=(incident(last_minute=8),))
    assert (found.outcome, found.joins) == (Outcome.JOINS, "i1")
    alone = assess(blocked("bet9.example", minute=180), (), RULES, incidents=(incident(last_minute=8),))
    assert (alone.outcome, alone.joins) == (Outcome.JOINS, "i1")


@pytest.mark.parametrize("state", [State.DISMISSED, State.CLOSED, State.MERGED])
def test_what_a_person_has_decided_is_not_opened_again(state: State) -> None:
    assert last_of(typed(6), incidents=(incident(state),)).why is Why.DECIDED


def test_another_day_or_another_subject_is_another_incident() -> None:
    yesterday = replace(incident(), opened_at=START - timedelta(days=1), last_at=START - timedelta(days=1))
    other = replace(incident(), subject="p-2")
    assert last_of(typed(6), incidents=(yesterday, other, incident(kind=Kind.BYPASS))).outcome is Outcome.OPENS


def test_going_on_after_a_warning_proposes_the_row_for_that_and_shows_the_warning() -> None:
    found = last_of(typed(6), warnings=(WARNED,))
    assert (found.rows, found.warnings) == (("P02", "P11"), (WARNED,))


# --- What others say


def test_a_report_is_always_looked_at() -> None:
    found = assess(told(Source.REPORT, "bullying"), (), RULES)
    assert (found.outcome, found.kind, found.track, found.intent) == (
        Outcome.OPENS,
        Kind.BULLYING,
        Track.SAFEGUARDING,
        MOST_POINTS,
    )


def test_a_report_about_nobody_in_particular_is_looked_at_too() -> None:
    found = assess(replace(told(Source.REPORT, "bullying"), confidence=Confidence.D), (), RULES)
    assert (found.outcome, found.level) == (Outcome.OPENS, Level.DEVICE)


def test_what_a_laptop_is_found_to_be_is_looked_at_and_about_nobody() -> None:
    event = replace(told(Source.ENDPOINT, "device_security", audience=Audience.STAFF), confidence=Confidence.D)
    found = assess(event, (), RULES)
    assert (found.outcome, found.level, found.rows) == (Outcome.OPENS, Level.DEVICE, ())


def test_one_weak_signal_is_no_incident_and_two_are() -> None:
    assert assess(told(Source.ENDPOINT, "bypass", is_weak=True), (), RULES).why is Why.TOO_LITTLE
    assert assess(told(Source.ENDPOINT, "bypass", is_weak=True, signals=2), (), RULES).outcome is Outcome.OPENS
    assert assess(told(Source.ENDPOINT, "media", audience=Audience.STAFF), (), RULES).rows == ("S05",)


@pytest.mark.parametrize(
    ("audience", "rows"), [(Audience.PUPIL, ("P06", "P07")), (Audience.STAFF, ("S04",)), (Audience.GUEST, ())]
)
def test_an_account_at_two_devices_may_be_in_use_by_another(audience: Audience, rows: tuple[str, ...]) -> None:
    table = {
        (Audience.PUPIL, Kind.ACCOUNT_SHARING): ("P06",),
        (Audience.PUPIL, Kind.OTHER_ACCOUNT): ("P07",),
        (Audience.STAFF, Kind.ACCOUNT_SHARING): ("S04",),
        (Audience.STAFF, Kind.STAFF_ACCOUNT): ("S04",),
    }
    event = told(Source.ENDPOINT, "account_sharing", audience=audience)
    at_two = replace(event, facts={**event.facts, OTHER_DEVICE: "d-2"})
    found = assess(at_two, (), replace(RULES, rows=table))
    assert (found.rows, found.intent) == (rows, RULES.open_at)
    assert ([each.code for each in found.reasons], found.against) == (
        ["signals", "used_by_another"],
        (Reason("not_signed_out"),),
    )
    assert assess(event, (), replace(RULES, rows=table)).rows == rows[:1], "elsewhere nobody knows of another"


@pytest.mark.parametrize("kind", ["other_account", "staff_account"])
def test_who_uses_an_account_that_is_not_theirs_is_looked_at_though_nobody_knows_who(kind: str) -> None:
    event = replace(told(Source.ENDPOINT, kind), confidence=Confidence.C)
    assert (assess(event, (), RULES).outcome, assess(event, (), RULES).level) == (Outcome.OPENS, Level.DEVICE)
    weak = replace(told(Source.ENDPOINT, kind, is_weak=True), confidence=Confidence.C)
    assert assess(weak, (), RULES).why is Why.TOO_LITTLE


@pytest.mark.parametrize("kind", ["", "fire", "P01"])
def test_an_unknown_kind_comes_to_nothing(kind: str) -> None:
    assert assess(told(Source.ENDPOINT, kind), (), RULES).why is Why.NO_KIND


# --- Always


@given(st.permutations(typed(7)))
def test_the_order_in_which_observations_are_known_changes_nothing(known: list[Observation]) -> None:
    event = blocked("bet99.example", minute=16)
    assert assess(event, known, RULES) == assess(event, typed(7), RULES)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 600), st.sampled_from(["gambling", "self_harm", "helplines"]))
    ),
    st.sampled_from(Confidence),
)
def test_nothing_below_a_log_on_is_about_a_person(rows: list[tuple[int, int, str]], confidence: Confidence) -> None:
    known = [blocked(f"s{site}.example", minute=minute, category=category) for site, minute, category in rows]
    found = assess(blocked("x.example", minute=700, confidence=confidence), known, RULES)
    assert 0 <= found.intent <= MOST_POINTS
    if not confidence.is_personal:
        assert found.level is Level.DEVICE
        assert found.outcome is not Outcome.OPENS
