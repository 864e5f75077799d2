"""Events: what the record gains is told in its order, to those who may know it, and nobody waits for a listener."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest

from agent.api.events import MAX_REPLAYED, MAX_WAITING, Event, Follower, Hub, Listener, events_after, stream
from agent.filter_changing.canary_episodes import OFF, ON_AGAIN
from agent.storage.state import StateStore, instant_text

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    at = instant_text(NOW)
    with store.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('t1', 'T', ?)", (at,))
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at)"
            " VALUES ('o1', 't1', '{}', '', 'waiting', ?, ?, ?)",
            (at, at, at),
        )
        act.note("override_requested", actor="t1", subject="o1", facts={"names": ["bet.example"]})
    return store


def note(store: StateStore, kind: str, subject: str = "o1") -> None:
    with store.act() as act:
        act.note(kind, actor="m1", subject=subject)


def event(number: int, requester: str = "t1") -> Event:
    return Event(number, "override_approved", f"o{number}", instant_text(NOW), requester)


def test_an_event_is_written_as_clients_read_it() -> None:
    assert event(7).render().decode() == (
        "id: 7\nevent: override_approved\n"
        'data: {"number": 7, "kind": "override_approved", "subject": "o7",'
        ' "at": "2026-03-02T09:15:00.000000+00:00"}\n\n'
    )


def test_what_happens_to_the_filter_is_told(store: StateStore) -> None:
    with store.act() as act:
        for number, drafted_by in ((1, ""), (2, "t1")):
            act.database.execute(
                "INSERT INTO filter_versions (number, at, content, hash, drafted_by, state)"
                " VALUES (?, '', '{}', '', ?, 'drafted')",
                (number, drafted_by),
            )
    for kind, subject in (
        ("filter_changed_on_disk", "1"),
        ("filter_change_drafted", "2"),
        ("rule_refused", "2"),
        ("people_changed", "2"),
        ("filter_review_due", "2"),
    ):
        note(store, kind, subject)
    with store.read() as database:
        found = [(each.kind, each.subject, each.requester) for each in events_after(database, 1)]
    assert found == [
        ("filter_changed_on_disk", "1", ""),
        ("filter_change_drafted", "2", "t1"),
        ("filter_review_due", "2", "t1"),
    ]


def test_filtering_that_is_off_without_a_record_is_told_and_so_is_its_end(store: StateStore) -> None:
    for kind in (OFF, "people_changed", ON_AGAIN):
        note(store, kind, "")
    with store.read() as database:
        found = [(each.kind, each.subject) for each in events_after(database, 1)]
    assert found == [(OFF, ""), (ON_AGAIN, "")]


def test_what_happens_to_an_incident_is_told_and_not_who_looked_at_it(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    incident = school.candidate().incident.id
    for kind in ("incident_viewed", "subject_revealed", "incident_metadata_viewed", "incident_accepted"):
        note(school.store, kind, incident)
    note(school.store, "incident_closed", "another")
    with school.store.read() as database:
        found = events_after(database, 0)
    assert [(each.kind, each.subject, each.is_incident) for each in found] == [
        ("incident_opened", incident, True),
        ("incident_accepted", incident, True),
    ]
    assert b"gambling" not in b"".join(each.render() for each in found)


def test_nothing_of_people_is_told(store: StateStore) -> None:
    note(store, "override_approved")
    note(store, "people_changed", "t1")
    note(store, "rule_refused")
    note(store, "signed_in", "t1")
    note(store, "override_revoked")
    with store.read() as database:
        found = events_after(database, 0)
        assert [each.kind for each in found] == ["override_requested", "override_approved", "override_revoked"]
        assert {each.requester for each in found} == {"t1"}
        assert [each.kind for each in events_after(database, found[0].number, limit=1)] == ["override_approved"]
        assert events_after(database, 2**62) == []


def test_a_follower_tells_each_row_once_and_nothing_old(store: StateStore) -> None:
    async def follow() -> list[str]:
        hub = Hub()
        follower = Follower(store, hub)
        with hub.listening("t1") as listener:
            assert listener is not None
            assert follower.look() == 0
            note(store, "override_approved")
            note(store, "override_revoked")
            assert (await asyncio.to_thread(follower.look), follower.look()) == (2, 0)
            return [each.kind for _ in range(2) if (each := await listener.next(1))]

    assert asyncio.run(follow()) == ["override_approved", "override_revoked"]


def test_there_is_room_for_so_many() -> None:
    async def crowd() -> None:
        hub = Hub(max_listeners=1)
        with hub.listening("t1") as first:
            assert first is not None
            assert not hub.has_room("t1")
            with hub.listening("t2") as second:
                assert second is None
        assert hub.has_room("t1")
        hub.close()
        assert not hub.has_room("t1")

    asyncio.run(crowd())


def test_a_person_who_follows_in_too_many_places_loses_the_oldest_of_their_own() -> None:
    async def follow() -> list[bool]:
        hub = Hub(max_listeners=3, max_of_a_person=2)
        with hub.listening("t2") as other, hub.listening("t1") as first, hub.listening("t1") as second:
            assert other is not None
            assert first is not None
            assert second is not None
            assert hub.has_room("t1"), "their own oldest makes room"
            assert not hub.has_room("t2"), "nobody else's does"
            with hub.listening("t1") as third:
                assert third is not None
                hub.publish(event(1))
                return [await listener.next(1) == event(1) for listener in (other, first, second, third)]

    assert asyncio.run(follow()) == [True, False, True, True]


def test_whoever_is_let_go_for_another_of_their_own_is_told_and_asked_to_wait() -> None:
    async def follow() -> list[str]:
        hub = Hub(max_of_a_person=1)
        with hub.listening("t1") as first, hub.listening("t1"):
            assert first is not None
            lines = stream(first, [], may_see=everybody, is_welcome=always)
            return [line.decode() async for line in lines]

    assert asyncio.run(follow()) == ["retry: 3000\n\n", "retry: 60000\nevent: replaced\ndata: {}\n\n"]


def test_whoever_does_not_keep_up_is_let_go() -> None:
    async def overflow() -> Event | None:
        hub = Hub()
        with hub.listening("t1") as slow:
            assert slow is not None
            for number in range(MAX_WAITING + 1):
                hub.publish(event(number))
            await asyncio.sleep(0)
            return await slow.next(1)

    assert asyncio.run(overflow()) is None


def test_a_listener_whose_loop_has_ended_is_in_nobodys_way() -> None:
    async def make() -> Listener:
        return Listener(asyncio.get_running_loop())

    asyncio.run(make()).offer(event(1))


async def told(lines: AsyncIterator[bytes], count: int) -> list[str]:
    found = []
    async with aclosing(lines) as open_lines:  # type: ignore[type-var]  # a generator, said as what it gives
        async for line in open_lines:
            found.append(line.decode().partition("\n")[0])
            if len(found) == count:
                break
    return found


async def always() -> bool:
    return True


async def everybody(_: Event) -> bool:
    return True


async def t1_alone(each: Event) -> bool:
    return each.requester == "t1"


def test_what_was_missed_comes_first_and_nothing_twice() -> None:
    async def follow() -> list[str]:
        hub = Hub()
        with hub.listening("t1") as listener:
            assert listener is not None
            for number in (2, 3, 4):
                hub.publish(event(number))
            replayed = [event(1), event(2), event(3)]
            return await told(stream(listener, replayed, may_see=everybody, is_welcome=always), 5)

    assert asyncio.run(follow()) == ["retry: 3000", "id: 1", "id: 2", "id: 3", "id: 4"]


def test_whoever_missed_more_than_is_told_at_once_asks_for_the_rest_after_what_was_told() -> None:
    async def follow() -> list[str]:
        hub = Hub()
        with hub.listening("t1") as listener:
            assert listener is not None
            replayed = [event(number, "t2") for number in range(1, MAX_REPLAYED + 1)]
            lines = stream(listener, replayed, may_see=t1_alone, is_welcome=always)
            return [line.decode() async for line in lines]

    assert asyncio.run(follow()) == ["retry: 3000\n\n", f"id: {MAX_REPLAYED}\n\n"]


def test_nobody_sees_what_is_not_theirs() -> None:
    async def follow() -> list[str]:
        hub = Hub()
        with hub.listening("t1") as listener:
            assert listener is not None
            for number, requester in ((1, "t1"), (2, "t2"), (3, "t1")):
                hub.publish(event(number, requester))
            lines = stream(
                listener,
                [event(0, "t2")],
                may_see=t1_alone,
                is_welcome=always,
            )
            return await told(lines, 3)

    assert asyncio.run(follow()) == ["retry: 3000", "id: 1", "id: 3"]


def test_a_session_that_has_ended_follows_nothing_any_more() -> None:
    answers = [True, False]

    async def is_welcome() -> bool:
        return answers.pop(0)

    async def follow() -> list[str]:
        hub = Hub()
        with hub.listening("t1") as listener:
            assert listener is not None
            lines = stream(listener, [], may_see=everybody, is_welcome=is_welcome, beat_seconds=0.01)
            return await told(lines, 10)

    assert asyncio.run(follow()) == ["retry: 3000", ": still here"]


def test_the_end_of_the_server_is_the_end_of_every_stream() -> None:
    async def follow() -> list[str]:
        hub = Hub()
        with hub.listening("t1") as listener:
            assert listener is not None
            hub.close()
            return await told(stream(listener, [], may_see=everybody, is_welcome=always), 10)

    assert asyncio.run(follow()) == ["retry: 3000"]


def test_a_person_follows_in_four_places() -> None:
    async def follow() -> list[bool]:
        hub = Hub()
        with ExitStack() as stack:
            five = [stack.enter_context(hub.listening("t1")) for _ in range(5)]
            return [each is not None and each.is_replaced for each in five]

    assert asyncio.run(follow()) == [True, False, False, False, False]
