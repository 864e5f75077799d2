"""The compiled table says what `decide` says, between two boundaries and for every set of tags."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from filters.decisions import MAX_RULINGS, DecisionTable
from rules.engine import decide
from rules.event import Event
from rules.policy import Effect, Policy, Rulebook
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile, Scope
from rules.verdict import Verdict

TAGS = ("gambling", "games", "chat", "name:a.test", "name:b.a.test")
windows = st.builds(
    Window,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start_minute=st.integers(0, 1439),
    end_minute=st.integers(0, 1440),
)
schedules = st.builds(
    Schedule,
    name=st.just("lesson"),
    timezone=st.sampled_from(["Europe/London", "America/Montreal", "Asia/Tokyo"]),
    windows=st.lists(windows, min_size=1, max_size=3).map(tuple),
)
policies = st.builds(
    Policy,
    id=st.uuids().map(str),
    effect=st.sampled_from(Effect),
    tags=st.frozensets(st.sampled_from(TAGS), min_size=1),
    scope=st.builds(Scope, audiences=st.frozensets(st.sampled_from(list(Audience)), max_size=2)),
    location=st.just("site.yaml:1:1"),
    schedule=st.none() | schedules,
    lifts=st.none() | st.frozensets(st.sampled_from(("gambling", "games", "chat"))),
)
instants = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 5), timezones=st.just(UTC))  # noqa: DTZ001 (zone is given)


def tags_of(mask: int) -> frozenset[str]:
    return frozenset(tag for place, tag in enumerate(TAGS) if mask >> place & 1)


def table_at(rulebook: Rulebook, profile: Profile, at: datetime) -> DecisionTable[Verdict]:
    return DecisionTable(rulebook, profile, at, tags_of=tags_of, prepare=lambda verdict, _: verdict)


@given(
    st.lists(policies, max_size=4).map(lambda found: Rulebook(tuple(found))),
    st.sampled_from(Audience),
    instants,
    st.floats(0, 1, exclude_max=True),
)
def test_the_table_equals_decide_until_the_next_boundary(
    rulebook: Rulebook, audience: Audience, at: datetime, share: float
) -> None:
    profile = Profile(audience)
    table = table_at(rulebook, profile, at)
    boundary = rulebook.next_boundary(at) or at + timedelta(days=400)
    # A share just below one is rounded up to the boundary itself.
    later = min(at + (boundary - at) * share, boundary - timedelta.resolution)
    for mask in range(1 << len(TAGS)):
        assert table[mask] == decide(Event(later, profile, tags_of(mask)), rulebook)
        assert table.rule(tags_of(mask)) == table[mask]


def test_the_table_is_bounded() -> None:
    table = DecisionTable(
        Rulebook(), Profile(Audience.PUPIL), datetime.now(UTC), tags_of=lambda _: frozenset(), prepare=lambda *_: 0
    )
    for mask in range(MAX_RULINGS + 10):
        assert table[mask] == 0
    assert len(table) <= MAX_RULINGS
