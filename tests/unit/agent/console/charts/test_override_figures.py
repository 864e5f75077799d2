"""Overrides by week and by what became of them, and how long people wait: never few, and nobody's."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.console.charts.override_figures import Outcome, Overrides, in_classes, part, read_override_figures
from agent.console.charts.periods import Period
from agent.storage.override_rows import Filed, write_move, write_override
from agent.storage.state import StateStore
from rules.name import DomainName
from rules.override import Lift, Move, Override, State
from rules.small_numbers import Hidden
from rules.subject import Audience

NOW = datetime(2026, 3, 4, 9, 15, tzinfo=UTC)
PERIOD = Period(date(2026, 2, 23), date(2026, 3, 4))
END = NOW + timedelta(days=1)
Ask = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    made = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with made.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('p1', 'Ida', '')")
    return made


def ask(
    store: StateStore,
    at: datetime = NOW,
    *,
    state: State = State.WAITING,
    minutes: float | None = None,
    is_break_glass: bool = False,
) -> None:
    lift = Lift(
        names=(DomainName("bet.example"),),
        categories=frozenset(),
        lifts_of=(),
        audiences=frozenset({Audience.PUPIL}),
        groups=frozenset(),
        from_at=at,
        until_at=at + timedelta(hours=1),
    )
    with store.act() as act:
        number = act.database.execute("SELECT count(*) FROM overrides").fetchone()[0]
        decided_at = None if minutes is None else at + timedelta(minutes=minutes)
        override = Override(
            id=f"o{number}",
            requester="p1",
            lift=lift,
            reason="",
            topic="",
            state=state,
            is_break_glass=is_break_glass,
            approvers=(),
            requested_at=at,
            decided_at=decided_at,
            decision_reason="",
        )
        write_override(act.database, Filed(override, 1))


def figures(store: StateStore, small_number: int = 5, *, until: datetime = END) -> Overrides:
    with store.read() as database:
        return read_override_figures(
            database, PERIOD, timezone="Europe/London", until=until, small_number=small_number
        )


def test_what_became_of_requests_is_told_where_they_are_not_few(store: StateStore) -> None:
    for _ in range(20):
        ask(store, state=State.ENDED, minutes=10)
    for _ in range(6):
        ask(store, state=State.REFUSED, minutes=30)
    for state in (State.WAITING, State.HALF_APPROVED, State.WITHDRAWN, State.ENDED):
        for _ in range(4):
            ask(store, state=state)
    for _ in range(4):
        ask(store, state=State.UNCONFIRMED, minutes=0, is_break_glass=True)
    found = figures(store)
    assert dict(found.by_outcome) == {
        Outcome.WAITING: 10,
        Outcome.APPROVED: 20,
        Outcome.REFUSED: Hidden.BESIDE,
        Outcome.WITHDRAWN: Hidden.FEW,
        Outcome.UNDECIDED: Hidden.FEW,
        Outcome.EMERGENCY: Hidden.FEW,
    }
    assert (found.total, [week.asked for week in found.weeks]) == (45, [Hidden.FEW, Hidden.BESIDE])


def test_a_request_that_is_told_alone_is_somebodys(store: StateStore) -> None:
    ask(store, state=State.REFUSED, minutes=30)
    found = figures(store)
    assert not [each for _, each in found.by_outcome if isinstance(each, int)]
    assert [week.asked for week in found.weeks] == [Hidden.FEW, Hidden.FEW]
    assert (found.total, found.median_seconds, found.nearly_all_seconds) == (Hidden.FEW,) * 3


def test_a_total_that_the_outcomes_hide_no_week_tells(store: StateStore) -> None:
    for day in (NOW, NOW - timedelta(days=7)):
        for _ in range(2):
            ask(store, day)
            ask(store, day, state=State.APPROVED, minutes=10)
            ask(store, day, state=State.REFUSED, minutes=30)
            ask(store, day, state=State.WITHDRAWN)
            ask(store, day, state=State.ENDED)
            ask(store, day, state=State.UNCONFIRMED, minutes=0, is_break_glass=True)
    found = figures(store)
    # Rounded it would be 25, and six numbers below five are together as many only where each is four.
    assert isinstance(found.total, Hidden)
    assert all(isinstance(week.asked, Hidden) for week in found.weeks)


def test_what_is_told_is_rounded(store: StateStore) -> None:
    for week in (0, 7):
        for _ in range(8):
            ask(store, NOW - timedelta(days=week))
    found = figures(store)
    assert ([week.asked for week in found.weeks], found.total) == ([10, 10], 15)


def test_a_wait_is_told_where_enough_people_waited(store: StateStore) -> None:
    for minutes in (10, 20, 30, 40, 50):
        ask(store, state=State.APPROVED, minutes=minutes)
    for _ in range(4):
        ask(store, NOW - timedelta(days=7), state=State.REFUSED, minutes=600)
    before, now = figures(store).weeks
    assert (before.median_seconds, now.median_seconds, now.nearly_all_seconds) == (Hidden.FEW, 1_800.0, Hidden.FEW)


def test_nine_in_ten_are_told_from_ten_on_and_no_wait_is_somebodys_own(store: StateStore) -> None:
    for minutes in (1, 2, 3, 4, 6, 7, 8, 9, 61):
        ask(store, state=State.APPROVED, minutes=minutes)
    assert (figures(store).median_seconds, figures(store).nearly_all_seconds) == (900.0, Hidden.FEW)
    ask(store, state=State.APPROVED, minutes=600)
    assert (figures(store).median_seconds, figures(store).nearly_all_seconds) == (900.0, 7_200.0)
    assert figures(store, 0).nearly_all_seconds == 3_660.0


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(0, 5), (5, 5), (5.1, 15), (31, 60), (61, 120), (1_441, 2_880), (10_080, 10_080), (10_081, 20_160)],
)
def test_a_wait_is_told_as_the_class_that_it_does_not_exceed(minutes: float, told: float) -> None:
    assert in_classes(minutes * 60) == told * 60


@pytest.mark.parametrize(
    "since",
    [{"state": State.REFUSED, "minutes": 30}, {"state": State.ENDED}, {"state": State.APPROVED, "minutes": 10}],
    ids=["refused", "over", "approved"],
)
def test_what_became_of_a_request_since_is_not_told(store: StateStore, since: dict[str, Any]) -> None:
    ask(store, **since)
    found = figures(store, 0, until=NOW + timedelta(minutes=5))
    assert (dict(found.by_outcome)[Outcome.WAITING], found.total, found.median_seconds) == (1, 1, None)
    assert figures(store, 0, until=NOW).total == 0


def test_what_was_taken_back_since_still_waited(store: StateStore) -> None:
    ask(store, state=State.WITHDRAWN)
    with store.act() as act:
        write_move(act.database, "o0", at=NOW + timedelta(minutes=9), person="p1", move=Move.WITHDRAW)
    for minutes, outcome in ((5, Outcome.WAITING), (10, Outcome.WITHDRAWN)):
        assert dict(figures(store, 0, until=NOW + timedelta(minutes=minutes)).by_outcome)[outcome] == 1


def test_nobody_waits_for_an_emergency_or_for_what_ended_undecided(store: StateStore) -> None:
    ask(store, state=State.APPROVED, minutes=0, is_break_glass=True)
    ask(store, state=State.ENDED)
    ask(store, state=State.WITHDRAWN)
    found = figures(store, small_number=0)
    outcomes = dict(found.by_outcome)
    assert [outcomes[each] for each in (Outcome.EMERGENCY, Outcome.UNDECIDED, Outcome.WITHDRAWN)] == [1, 1, 1]
    assert found.median_seconds is None


def test_what_was_asked_before_the_first_week_is_not_counted(store: StateStore) -> None:
    for _ in range(5):
        ask(store, datetime(2026, 2, 22, 23, 59, tzinfo=UTC))
        ask(store, datetime(2026, 2, 23, 0, 0, tzinfo=UTC))
    assert [week.asked for week in figures(store, small_number=0).weeks] == [5, 0]


@given(st.lists(st.floats(0, 1e9), max_size=30), st.floats(0.01, 1))
def test_so_many_waited_no_longer(waits: list[float], share: float) -> None:
    found = part(waits, share)
    assert (found is None) == (not waits)
    if found is not None:
        assert sum(wait <= found for wait in waits) >= share * len(waits) - 1e-6


def test_a_request_that_ended_because_its_requester_left_waits_no_more(store: StateStore) -> None:
    ask(store, state=State.ENDED)
    with store.act() as act:
        write_move(act.database, "o0", at=NOW + timedelta(minutes=9), person="p1", move=Move.END)
    for minutes, outcome in ((5, Outcome.WAITING), (10, Outcome.UNDECIDED)):
        assert dict(figures(store, 0, until=NOW + timedelta(minutes=minutes)).by_outcome)[outcome] == 1
