"""One turn of taking what laptops told: each laptop is read once and written once, however much it tells.

Most that a laptop tells says only that it is on. Of what comes one after the other with nothing between that somebody
looks at, the first and the last are heard.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from agent.fleet.device_sessions import DeviceSessions, LaptopNow
from agent.fleet.fleet_reading import StoredEvent, Word
from agent.logs import log
from agent.storage.held_cases import HeldCases
from agent.storage.observation_rows import NOT_UNDERSTOOD, add_counts
from agent.storage.state import Act
from rules.errors import RefusedRequestError

# What comes of facts that are not as they should be, whichever they are.
_NOT_UNDERSTOOD: Final = (
    RefusedRequestError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
)


class DeviceTurn:
    """The laptops that are told of within one act.

    Args:
        words: the last word of each laptop.
        held: the media that are followed.
    """

    def __init__(self, act: Act, sessions: DeviceSessions, words: Mapping[str, Word], held: HeldCases) -> None:
        self.act = act
        self._held = held
        self._sessions = sessions
        self._words = words
        self._laptops: dict[str, LaptopNow] = {}
        self._quiet: dict[str, tuple[StoredEvent, StoredEvent]] = {}

    def note(self, event: StoredEvent) -> None:
        """Note an event that says only that a laptop is on."""
        first, last = self._quiet.get(event.device, (event, event))
        is_later = event.epoch != last.epoch or event.sequence >= last.sequence
        self._quiet[event.device] = first, event if is_later else last

    @contextmanager
    def laptop(self, event: StoredEvent) -> Iterator[LaptopNow]:
        """Give a laptop as it is when an event comes; where that cannot be understood, nothing of it stays."""
        self._hear(event.device)
        with self._known(event.device) as laptop:
            yield laptop

    def end(self) -> None:
        """Write down what is known of the laptops now."""
        for device in list(self._quiet):
            self._hear(device)
        for device, laptop in self._laptops.items():
            self._sessions.write(self.act, device, laptop)
        self._held.end()

    def _hear(self, device: str) -> None:
        noted = self._quiet.pop(device, None)
        if noted is not None:
            with self._known(device) as laptop:
                first, last = noted
                self._sessions.hear(self.act, first, laptop)
                if last is not first:
                    self._sessions.hear(self.act, last, laptop)

    @contextmanager
    def _known(self, device: str) -> Iterator[LaptopNow]:
        laptop = (self._laptops.get(device) or self._read(device)).copy()
        database = self.act.database
        database.execute("SAVEPOINT event")
        self._held.mark()
        try:
            yield laptop
            self._laptops[device] = laptop
        except _NOT_UNDERSTOOD as error:
            database.execute("ROLLBACK TO event")
            self._held.undo()
            log.error("laptop_event_not_understood", error=type(error).__name__)
            add_counts(self.act, {NOT_UNDERSTOOD: 1})
        database.execute("RELEASE event")

    def _read(self, device: str) -> LaptopNow:
        laptop = self._laptops[device] = self._sessions.read(self.act, device)
        if (word := self._words.get(device)) is not None:
            self._sessions.locate(laptop, word, self.act.now)
        return laptop
