"""Who is told that a request waits: by steps, each person once, never the requester."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, sets

from agent.notices.notify import MAIL, WEBHOOK
from agent.notices.notify_escalation import Waiting, escalate, read_waiting, tell_due
from agent.people.people import Person
from agent.sites.site import MailSettings, NoticeKind, NotificationSettings, WebhookSettings
from agent.storage.override_rows import Filed, read_moves, write_override
from agent.storage.state import StateStore
from rules.name import DomainName
from rules.override import Lift, Override, State
from rules.roles import Role
from rules.subject import Audience

ASKED_AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AFTER = timedelta(hours=4)
ZONE = "Asia/Tokyo"
MANAGER = Person("m", "M", frozenset({Role.NETWORK_MANAGER}))
DEPUTY = Person("n", "N", frozenset({Role.NETWORK_MANAGER}))
COORDINATOR = Person("c", "C", frozenset({Role.ICT_COORDINATOR, Role.TEACHER}))
HEAD = Person("h", "H", frozenset({Role.HEAD_TEACHER}))
SAFEGUARDING = Person("s", "S", frozenset({Role.SAFEGUARDING_LEAD}))
TEACHER = Person("t", "T", frozenset({Role.TEACHER}))
ALL = (MANAGER, DEPUTY, COORDINATOR, HEAD, SAFEGUARDING, TEACHER)
WEAPONS = frozenset({"weapons"})


def an_override(
    override_id: str = "o1",
    *,
    requester: str = "t",
    lifts: frozenset[str] = frozenset({"games"}),
    state: State = State.WAITING,
    approvers: tuple[str, ...] = (),
    hours: int = 48,
) -> Override:
    name = DomainName("games.example.test")
    lift = Lift(
        names=(name,),
        categories=frozenset(),
        lifts_of=((name, lifts),),
        audiences=frozenset({Audience.PUPIL}),
        groups=frozenset({"year-5"}),
        from_at=ASKED_AT,
        until_at=ASKED_AT + timedelta(hours=hours),
    )
    return Override(
        id=override_id,
        requester=requester,
        lift=lift,
        reason="For the lesson on games.",
        topic="",
        state=state,
        is_break_glass=False,
        approvers=approvers,
        requested_at=ASKED_AT,
        decided_at=None,
    )


def told(
    override: Override, *, hours: float, people: tuple[Person, ...] = ALL, already: frozenset[str] = frozenset()
) -> list[tuple[int, str]]:
    found = escalate(
        [Waiting(override, already)],
        people,
        now=ASKED_AT + timedelta(hours=hours),
        after=AFTER,
        sensitive=WEAPONS,
    )
    return [(each.step, "".join(person.id for person in each.people)) for each in found]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        pytest.param(-1, [(0, "mn")], id="a-clock-set-back-tells-the-first"),
        pytest.param(0, [(0, "mn")], id="at-once-the-network-managers"),
        pytest.param(3.99, [(0, "mn")], id="before-the-time-nobody-else"),
        pytest.param(4, [(0, "mn"), (1, "c")], id="after-the-time-the-co-ordinator"),
        pytest.param(8, [(0, "mn"), (1, "c"), (2, "h")], id="after-it-again-the-head-teacher"),
        pytest.param(40, [(0, "mn"), (1, "c"), (2, "h")], id="then-nobody-more"),
    ],
)
def test_steps(hours: float, expected: list[tuple[int, str]]) -> None:
    assert told(an_override(), hours=hours) == expected


def test_whoever_was_told_is_not_told_again() -> None:
    assert told(an_override(), hours=4, already=frozenset("mn")) == [(1, "c")]
    assert told(an_override(), hours=5, already=frozenset("mnc")) == []


def test_whoever_came_later_is_told_too() -> None:
    assert told(an_override(), hours=1, already=frozenset("m")) == [(0, "n")]


def test_the_requester_is_never_told_to_decide() -> None:
    assert told(an_override(requester="m"), hours=4) == [(0, "n"), (1, "c")]


def test_a_step_without_people_is_left_out() -> None:
    assert told(an_override(), hours=0, people=(COORDINATOR, HEAD)) == [(0, "c")]
    assert told(an_override(requester="m"), hours=4, people=(MANAGER, HEAD)) == [(0, "h")]


def test_with_nobody_to_decide_nobody_is_told() -> None:
    assert told(an_override(), hours=40, people=(TEACHER,)) == []


def test_who_left_is_not_told() -> None:
    assert told(an_override(), hours=0, people=(Person("m", "M", closed=True), HEAD)) == [(0, "h")]


def test_a_person_of_two_roles_stands_on_the_first_step_only() -> None:
    both = Person("b", "B", frozenset({Role.NETWORK_MANAGER, Role.HEAD_TEACHER}))
    assert told(an_override(), hours=40, people=(both, COORDINATOR)) == [(0, "b"), (1, "c")]


def test_a_sensitive_request_is_told_to_both_who_must_agree_then_to_the_head_teacher() -> None:
    assert told(an_override(lifts=WEAPONS), hours=0) == [(0, "cs")]
    assert told(an_override(lifts=WEAPONS), hours=4) == [(0, "cs"), (1, "h")]


def test_who_agreed_already_is_not_told() -> None:
    half = an_override(lifts=WEAPONS, state=State.HALF_APPROVED, approvers=("s",))
    assert told(half, hours=0) == [(0, "c")]


@given(
    hours=lists(integers(0, 60), min_size=1, max_size=8),
    people=sets(sampled_from(ALL)),
    requester=sampled_from([person.id for person in ALL]),
)
def test_however_often_one_looks_everybody_is_told_once(
    hours: list[int], people: set[Person], requester: str
) -> None:
    override = an_override(requester=requester)
    seen: list[str] = []
    for hour in sorted(hours):
        for _, ids in told(override, hours=hour, people=tuple(people), already=frozenset(seen)):
            seen += list(ids)
    assert len(seen) == len(set(seen))
    assert requester not in seen


# ---- in the store --------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> list[datetime]:
    return [ASKED_AT]


@pytest.fixture
def store(tmp_path: Path, clock: list[datetime]) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: clock[0])
    with store.act() as act:
        for person in ALL:
            act.database.execute(
                "INSERT INTO people VALUES (?, ?, '', '', NULL, '2026-01-01')", (person.id, person.name)
            )
            act.database.executemany(
                "INSERT INTO memberships VALUES (?, ?, '')", [(person.id, role) for role in person.roles]
            )
    yield store
    store.close()


def file(store: StateStore, *overrides: Override) -> None:
    with store.act() as act:
        for override in overrides:
            write_override(act.database, Filed(override, 1))


SETTINGS = NotificationSettings(
    mail=MailSettings(
        "mail.example.test",
        "gate@example.test",
        by_role={"network_manager": ("net@example.test",)},
        by_person={"c": ("co@example.test",)},
    ),
    webhooks=(WebhookSettings("chat", "https://example.test", "unread", frozenset({NoticeKind.OVERRIDE_ESCALATED})),),
    escalate_after_seconds=4 * 3600,
)


def queued(store: StateStore) -> list[tuple[str, str, str]]:
    with store.read() as database:
        rows = database.execute("SELECT channel, target, content FROM notifications ORDER BY rowid").fetchall()
    return [(row["channel"], row["target"], json.loads(row["content"])["event"]) for row in rows]


def test_only_what_waits_and_is_not_over_is_read(store: StateStore) -> None:
    file(
        store,
        an_override("waits"),
        an_override("half", state=State.HALF_APPROVED),
        an_override("over", hours=1),
        *(
            an_override(str(state), state=state)
            for state in State
            if state not in (State.WAITING, State.HALF_APPROVED)
        ),
    )
    with store.read() as database:
        found = read_waiting(database, ASKED_AT + timedelta(hours=2))
    assert {each.override.id for each in found} == {"waits", "half"}


def test_people_are_told_by_steps_and_once(store: StateStore, clock: list[datetime]) -> None:
    file(store, an_override())
    with store.act() as act:
        assert [each.step for each in tell_due(act, SETTINGS, timezone=ZONE)] == [0]
    assert queued(store) == [(MAIL, "net@example.test", "override_waits")]
    clock[0] += AFTER
    with store.act() as act:
        assert [each.step for each in tell_due(act, SETTINGS, timezone=ZONE)] == [1]
    with store.act() as act:
        assert tell_due(act, SETTINGS, timezone=ZONE) == ()
    assert queued(store)[1:] == [
        (WEBHOOK, "chat", "override_escalated"),
        (MAIL, "co@example.test", "override_escalated"),
    ]
    with store.read() as database:
        assert [(moved.person, moved.move) for moved in read_moves(database, "o1")] == [
            ("m", "tell"),
            ("n", "tell"),
            ("c", "escalate"),
        ]
        notes = database.execute("SELECT kind, actor, subject, facts FROM audit").fetchall()
    assert [tuple(note) for note in notes] == [("override_escalated", "system", "o1", '{"step":1,"told":["c"]}')]


def test_an_act_that_fails_told_nobody(store: StateStore) -> None:
    file(store, an_override())
    with suppress(InterruptedError), store.act() as act:
        tell_due(act, SETTINGS, timezone=ZONE)
        raise InterruptedError
    assert queued(store) == []
    with store.act() as act:
        assert len(tell_due(act, SETTINGS, timezone=ZONE)) == 1


def test_what_is_asked_for_does_not_stand_in_the_notice(store: StateStore) -> None:
    file(store, an_override())
    with store.act() as act:
        tell_due(act, SETTINGS, timezone=ZONE)
    with store.read() as database:
        content = database.execute("SELECT content FROM notifications").fetchone()["content"]
    assert "games" not in content
    assert "Request o1 was made at 2026-03-02 18:15 and" in content


def test_a_site_without_notifications_still_records_who_is_to_be_told(
    store: StateStore, clock: list[datetime]
) -> None:
    file(store, an_override())
    clock[0] += AFTER
    with store.act() as act:
        assert len(tell_due(act, NotificationSettings(escalate_after_seconds=4 * 3600), timezone=ZONE)) == 2
    assert queued(store) == []


def test_where_nothing_waits_nobody_is_told(store: StateStore) -> None:
    with store.act() as act:
        assert tell_due(act, SETTINGS, timezone=ZONE) == ()
