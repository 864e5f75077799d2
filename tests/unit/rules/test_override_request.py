"""What may be asked for, and which sentence is said of what may not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.errors import RefusedRequestError
from rules.name import DomainName
from rules.override import Lift, OverrideLimits
from rules.override_request import check_emergency, check_lift, check_time_left
from rules.subject import Audience

NOW = datetime(2026, 11, 18, 10, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASINO, NEWS = DomainName("casino.test"), DomainName("news.test")
LIFT = Lift(
    names=(CASINO, NEWS),
    categories=frozenset(),
    lifts_of=((CASINO, frozenset({"gambling"})), (NEWS, frozenset({"gambling"}))),
    audiences=frozenset({Audience.PUPIL}),
    groups=frozenset({"year-5", "year-6"}),
    from_at=NOW,
    until_at=NOW + HOUR,
)


def faults(lift: Lift, *, is_break_glass: bool = False, limits: OverrideLimits | None = None) -> list[str]:
    return check_lift(
        lift,
        now=NOW,
        limits=limits or OverrideLimits(),
        known_groups={"year-5", "year-6"},
        known_categories={"gambling", "drugs", "illegal", "vpn"},
        statutory={"illegal"},
        never_override={"vpn"},
        is_break_glass=is_break_glass,
    )


@pytest.mark.parametrize(
    "lift",
    [
        pytest.param(LIFT, id="two-groups"),
        pytest.param(replace(LIFT, groups=frozenset()), id="all-pupils"),
        pytest.param(replace(LIFT, audiences=frozenset()), id="groups-of-any-audience"),
        pytest.param(replace(LIFT, names=(), categories=frozenset({"gambling"})), id="a-category"),
        pytest.param(replace(LIFT, until_at=NOW + timedelta(minutes=5)), id="five-minutes"),
        pytest.param(replace(LIFT, until_at=NOW + timedelta(seconds=299)), id="five-minutes-sent-a-second-ago"),
        pytest.param(replace(LIFT, until_at=NOW + timedelta(days=30)), id="thirty-days"),
        pytest.param(replace(LIFT, from_at=NOW - timedelta(minutes=1)), id="begun-while-it-was-written"),
        pytest.param(
            replace(LIFT, from_at=NOW + timedelta(days=90), until_at=NOW + timedelta(days=91)), id="next-term"
        ),
    ],
)
def test_what_may_be_asked_for(lift: Lift) -> None:
    assert faults(lift) == []


@pytest.mark.parametrize(
    ("lift", "says"),
    [
        pytest.param(replace(LIFT, names=()), "names nothing to open", id="nothing"),
        pytest.param(
            replace(LIFT, names=tuple(DomainName(f"n{number}.test") for number in range(10_000))),
            "names 10000 addresses; at most 200",
            id="ten-thousand-names",
        ),
        pytest.param(replace(LIFT, names=(DomainName("com"),)), "com is not one site", id="a-top-level-domain"),
        pytest.param(replace(LIFT, names=(DomainName(""),)), "The root is not one site", id="the-root"),
        pytest.param(replace(LIFT, categories=frozenset({"illegal"})), "illegal is blocked by law", id="statutory"),
        pytest.param(
            replace(LIFT, lifts_of=((CASINO, frozenset({"illegal"})),)),
            "illegal is blocked by law",
            id="statutory-by-name",
        ),
        pytest.param(replace(LIFT, categories=frozenset({"vpn"})), "vpn protects the filter", id="never"),
        pytest.param(
            replace(LIFT, lifts_of=((CASINO, frozenset({"vpn"})),)), "vpn protects the filter", id="never-by-name"
        ),
        pytest.param(replace(LIFT, categories=frozenset({"bingo"})), "bingo is no category", id="no-category"),
        pytest.param(replace(LIFT, groups=frozenset({"year-9"})), "year-9 is no group", id="no-group"),
        pytest.param(
            replace(LIFT, groups=frozenset(), audiences=frozenset()), "is for everybody", id="everybody-by-silence"
        ),
        pytest.param(
            replace(LIFT, groups=frozenset(), audiences=frozenset(Audience)), "is for everybody", id="everybody"
        ),
        pytest.param(
            replace(LIFT, groups=frozenset(), audiences=frozenset({Audience.PUPIL, Audience.STAFF})),
            "is for pupil and staff",
            id="nearly-everybody",
        ),
        pytest.param(replace(LIFT, until_at=NOW - HOUR), "end is not after the start", id="end-before-start"),
        pytest.param(replace(LIFT, until_at=NOW), "end is not after the start", id="no-time-at-all"),
        pytest.param(
            replace(LIFT, from_at=NOW - 2 * HOUR, until_at=NOW - HOUR), "end lies in the past", id="long-over"
        ),
        pytest.param(replace(LIFT, from_at=NOW - HOUR), "start lies in the past", id="started-before"),
        pytest.param(
            replace(LIFT, until_at=NOW + timedelta(minutes=4)), "lasts 240 seconds; at least 300", id="too-short"
        ),
        pytest.param(
            replace(LIFT, until_at=NOW + timedelta(days=30, seconds=1)), "at most 30 days", id="longer-than-allowed"
        ),
        pytest.param(
            replace(LIFT, from_at=NOW + timedelta(days=367), until_at=NOW + timedelta(days=368)),
            "more than 366 days ahead",
            id="years-ahead",
        ),
    ],
)
def test_what_cannot_be_asked_for(lift: Lift, says: str) -> None:
    (fault,) = faults(lift)
    assert says in fault
    assert fault.endswith(".")


def test_every_fault_is_told_at_once() -> None:
    lift = replace(LIFT, names=(), groups=frozenset({"year-9"}), until_at=NOW)
    assert len(faults(lift)) == 3


def test_an_emergency_is_short_and_begins_now() -> None:
    assert faults(replace(LIFT, until_at=NOW + HOUR), is_break_glass=True) == []
    (too_long,) = faults(replace(LIFT, until_at=NOW + HOUR + timedelta(seconds=1)), is_break_glass=True)
    assert "at most 60 minutes" in too_long
    (later,) = faults(replace(LIFT, from_at=NOW + HOUR, until_at=NOW + 2 * HOUR), is_break_glass=True)
    assert "begins at once" in later


def test_the_site_sets_the_longest_time() -> None:
    (fault,) = faults(replace(LIFT, until_at=NOW + timedelta(days=8)), limits=OverrideLimits(max_days=7))
    assert "at most 7 days" in fault


def test_an_override_is_for_names_or_for_one_category_and_more_is_a_suspension() -> None:
    two = replace(LIFT, names=(), lifts_of=(), categories=frozenset({"gambling", "drugs"}))
    (fault,) = faults(two)
    assert fault == (
        "The request names 2 categories, and an override is for names or for one category; to switch off more of the"
        " filter, ask for a suspension."
    )
    assert faults(two, limits=OverrideLimits(max_categories=2)) == []


@pytest.mark.parametrize(
    ("lift", "told"),
    [
        pytest.param(LIFT, "", id="ordinary"),
        pytest.param(replace(LIFT, categories=frozenset({"drugs"})), "drugs", id="a-category"),
        pytest.param(replace(LIFT, lifts_of=((NEWS, frozenset({"drugs", "gambling"})),)), "drugs", id="a-name"),
    ],
)
def test_what_takes_two_nobody_opens_alone_in_an_emergency(lift: Lift, told: str) -> None:
    if not told:
        check_emergency(lift, {"drugs"})
        return
    with pytest.raises(RefusedRequestError) as caught:
        check_emergency(lift, {"drugs"})
    assert str(caught.value) == (
        f"Nobody opens {told} alone, not in an emergency either: two people must agree to it, so ask for it."
    )


@pytest.mark.parametrize(
    ("now", "until_at", "seconds"),
    [
        pytest.param(NOW, NOW + timedelta(minutes=5), None, id="five-minutes"),
        pytest.param(NOW, NOW + timedelta(minutes=4), "240", id="four-minutes"),
        pytest.param(NOW + timedelta(minutes=50), NOW + timedelta(minutes=53), "180", id="of-a-lesson-that-goes-on"),
        pytest.param(NOW + timedelta(minutes=50), NOW + timedelta(minutes=20), "0", id="an-end-that-is-past"),
        pytest.param(NOW - HOUR, NOW + timedelta(minutes=1), "60", id="of-one-that-is-to-come"),
        pytest.param(NOW + timedelta(seconds=20), NOW + timedelta(minutes=5), None, id="on-its-way-for-20-seconds"),
    ],
)
def test_narrowing_leaves_time_to_use_it(now: datetime, until_at: datetime, seconds: str | None) -> None:
    lift = replace(LIFT, until_at=until_at)
    if seconds is None:
        check_time_left(lift, now=now, limits=OverrideLimits())
        return
    with pytest.raises(RefusedRequestError, match=f"{seconds} seconds would be left; at least 300"):
        check_time_left(lift, now=now, limits=OverrideLimits())
