"""Server-sent events: what the record says of requests, the filter and incidents, for whoever may know it.

An event is a row of the record without its facts: number, kind, subject and instant. The number is the event's id, so
whoever was away asks for what came after the last one they saw. Source: HTML, section 9.2 (server-sent events).
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from agent.filter_changing.canary_episodes import OFF, ON_AGAIN
from agent.storage.state import StateStore

MAX_LISTENERS: Final = 64
# A browser holds six connections to a host over HTTP/1.1: some must be left for pages.
MAX_OF_A_PERSON: Final = 4
MAX_WAITING: Final = 256
MAX_REPLAYED: Final = 1000
BEAT_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 3000
# What the client reads last that is let go for another of the same person; one that asks again by itself waits.
REPLACED: Final = b"retry: 60000\nevent: replaced\ndata: {}\n\n"
# For those who may know who is at the school.
OF_PEOPLE: Final = ("people_waiting", "people_confirmed", "people_refused")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the record; `requester` is whose request it is about, and is not told.

    An event that `is_incident` is for those alone who may read that incident.
    """

    number: int
    kind: str
    subject: str
    at: str
    requester: str = ""
    is_incident: bool = False

    def render(self) -> bytes:
        """Write it as a client reads it."""
        data = json.dumps({"number": self.number, "kind": self.kind, "subject": self.subject, "at": self.at})
        return f"id: {self.number}\nevent: {self.kind}\ndata: {data}\n\n".encode()


class Listener:
    """One client that follows; where it does not keep up, it is let go and asks again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, person: str = "") -> None:
        self.person = person
        self.is_replaced = False
        self._loop = loop
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue(MAX_WAITING)

    def offer(self, event: Event | None) -> None:
        """Hand over an event, from any thread; nothing means that there will be no more."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, event)

    def replace(self) -> None:
        """Let it go, from any thread, because its person follows in too many places."""
        self.is_replaced = True
        self.offer(None)

    def _put(self, event: Event | None) -> None:
        if event is None or self._waiting.full():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            event = None
        self._waiting.put_nowait(event)

    async def next(self, seconds: float) -> Event | None:
        """Wait for an event; nothing means the end.

        Raises:
            TimeoutError: there was none for so long.
        """
        return await asyncio.wait_for(self._waiting.get(), seconds)


class Hub:
    """Hands each event to a bounded number of listeners; nobody waits for any of them.

    A person has their share: whoever takes more lets go of the oldest of their own.
    """

    def __init__(self, *, max_listeners: int = MAX_LISTENERS, max_of_a_person: int = MAX_OF_A_PERSON) -> None:
        self._max_listeners = max_listeners
        self._max_of_a_person = max_of_a_person
        # The oldest first.
        self._listeners: list[Listener] = []
        self._turn = threading.Lock()
        self._is_closed = False

    def has_room(self, person: str) -> bool:
        """Say whether somebody may listen once more."""
        with self._turn:
            return self._has_room(self._too_many_of(person))

    def _too_many_of(self, person: str) -> list[Listener]:
        own = [each for each in self._listeners if each.person == person]
        return own[: max(0, len(own) + 1 - self._max_of_a_person)]

    def _has_room(self, going: list[Listener]) -> bool:
        return not self._is_closed and len(self._listeners) - len(going) < self._max_listeners

    @contextmanager
    def listening(self, person: str) -> Iterator[Listener | None]:
        """Take part, for as long as the block lasts, within a running event loop; nothing where there is no room."""
        listener = Listener(asyncio.get_running_loop(), person=person)
        with self._turn:
            going = self._too_many_of(person)
            if has_room := self._has_room(going):
                self._listeners = [each for each in self._listeners if each not in going] + [listener]
        if has_room:
            for each in going:
                each.replace()
        try:
            yield listener if has_room else None
        finally:
            with self._turn:
                self._listeners = [each for each in self._listeners if each is not listener]

    def publish(self, event: Event) -> None:
        """Hand an event to everybody, from any thread."""
        with self._turn:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.offer(event)

    def close(self) -> None:
        """Let everybody go."""
        with self._turn:
            self._is_closed = True
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.offer(None)


class Follower:
    """Reads what the record has gained and publishes it; what was there before is old news."""

    def __init__(self, store: StateStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._turn = threading.Lock()
        with store.read() as database:
            self._number = last_number(database)

    def look(self) -> int:
        """Publish what is new; gives how many events that was."""
        with self._turn, self._store.read() as database:
            end = last_number(database)
            found = events_after(database, self._number, until=end)
            self._number = max(self._number, end)
            # Under the lock, so that two looks at once do not mix their events.
            for event in found:
                self._hub.publish(event)
        return len(found)


def last_number(database: sqlite3.Connection) -> int:
    """Give the number of the last row of the record."""
    return int(database.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0])


def events_after(
    database: sqlite3.Connection, number: int, *, until: int | None = None, limit: int = MAX_REPLAYED
) -> list[Event]:
    """Read the events after a row, the oldest first; attempts to break a rule are none."""
    rows = database.execute(
        "SELECT audit.number, audit.kind, audit.subject, audit.at,"
        " coalesce(overrides.requester, suspensions.requester, filter_versions.drafted_by, ''),"
        " incidents.id IS NOT NULL FROM audit"
        " LEFT JOIN overrides ON overrides.id = audit.subject LEFT JOIN suspensions ON suspensions.id = audit.subject"
        " LEFT JOIN filter_versions ON filter_versions.number = audit.subject"
        " AND (audit.kind GLOB 'filter_change*' OR audit.kind = 'filter_review_due')"
        # Who looked at an incident is in the record and the register of access, and no news.
        " LEFT JOIN incidents ON incidents.id = audit.subject"
        " AND audit.kind GLOB 'incident_*' AND audit.kind NOT IN ('incident_viewed', 'incident_metadata_viewed')"
        " WHERE audit.number > ? AND audit.number <= ?"
        " AND (coalesce(overrides.id, suspensions.id, filter_versions.number, incidents.id) IS NOT NULL"
        " OR audit.kind IN (?, ?, ?, ?, ?))"
        " AND audit.kind != 'rule_refused'"
        " ORDER BY audit.number LIMIT ?",
        (number, until if until is not None else last_number(database), OFF, ON_AGAIN, *OF_PEOPLE, limit),
    )
    return [Event(row[0], row[1], row[2], row[3], row[4], is_incident=bool(row[5])) for row in rows]


async def stream(
    listener: Listener,
    replayed: list[Event],
    *,
    may_see: Callable[[Event], Awaitable[bool]],
    is_welcome: Callable[[], Awaitable[bool]],
    beat_seconds: float = BEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """Write events as they come.

    Args:
        listener: taken before `replayed` was read, so that nothing lies between the two.
        replayed: what the client missed; where that is MAX_REPLAYED of them, it ends there, so that the client asks
            for what came after those.
        may_see: who may know what.
        is_welcome: asked at each beat; a session that has ended follows nothing any more.
        beat_seconds: so long the line is silent at most.
    """
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    seen = 0
    for event in replayed:
        seen = event.number
        if await may_see(event):
            yield event.render()
    if len(replayed) == MAX_REPLAYED:
        # An id alone tells nothing, and is where the client goes on also if none of these was for it.
        yield f"id: {seen}\n\n".encode()
        return
    loop = asyncio.get_running_loop()
    beat_at = loop.time() + beat_seconds
    while True:
        try:
            event_or_end = await listener.next(max(0.0, beat_at - loop.time()))
        except TimeoutError:
            if not await is_welcome():
                return
            beat_at = loop.time() + beat_seconds
            yield b": still here\n\n"
            continue
        if event_or_end is None:
            if listener.is_replaced:
                yield REPLACED
            return
        if event_or_end.number > seen and await may_see(event_or_end):
            yield event_or_end.render()
