"""Laptops of which one half is silent: they tell that they are on and ask us no names, or the other way round.

What is asked stands in the file of a day. Where a school keeps no more than what was blocked, that nothing stands
there says nothing, and only that somebody asked is known.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from agent.fleet.fleet_reading import Word
from agent.observing.known_devices import KnownDevices
from agent.observing.observing_activity import PREFIX
from agent.sites.site import ActivityLevel, Site
from agent.storage.state import read_only
from rules.errors import RefusedRequestError, StorageError
from rules.silence import Halves, Silence, silence_of

# So long one half must have been silent.
AFTER: Final = timedelta(minutes=30)
# So many rows are looked at, the newest first.
_MOST_ROWS: Final = 300_000
_QUERY: Final = """SELECT pseudonym, max(minute_at) FROM queries
WHERE rowid > (SELECT coalesce(max(rowid), 0) FROM queries) - ? GROUP BY pseudonym"""


@dataclass(frozen=True, slots=True)
class Found:
    """A laptop of which one half is silent; `asked_at` is when it last asked, `heard_at` its last word."""

    device: str
    silence: Silence
    asked_at: datetime
    heard_at: datetime
    others: int


class DnsSilence:
    """What is looked for.

    Args:
        folder: where the day files are.
        known: the devices that the site knows.
    """

    def __init__(
        self, folder: Path, *, site: Callable[[], Site], known: Callable[[], KnownDevices], after: timedelta = AFTER
    ) -> None:
        self._folder = folder
        self._site = site
        self._known = known
        self._after = after

    def look(self, words: Mapping[str, Word], here_since: Mapping[str, datetime], now: datetime) -> list[Found]:
        """Give every laptop of which one half is silent now.

        Args:
            words: the last word of each laptop.
            here_since: since when each was always heard from the address of its last word.
        """
        asked = self._asked(now)
        if not asked:
            return []
        found = (
            self._found(device, word, here_since[device], asked, now)
            for device, word in words.items()
            if device in here_since
        )
        return [each for each in found if each is not None]

    def _found(
        self, device: str, word: Word, here_since: datetime, asked: Mapping[str, datetime], now: datetime
    ) -> Found | None:
        site, known = self._site(), self._known()
        try:
            if known.audience(word.address) is None:
                return None
            pseudonym = known.pseudonym(word.address, self._day(now))
        except RefusedRequestError:
            return None
        others = sum(at >= now - self._after for each, at in asked.items() if each != pseudonym)
        halves = Halves(
            heard_at=word.seen_at,
            here_since=here_since,
            asked_at=asked.get(pseudonym),
            others=others,
            keeps_all=site.retention.activity is ActivityLevel.ALL,
            is_certain=word.address in known.devices,
        )
        heartbeat = timedelta(seconds=site.private.endpoints.heartbeat_seconds)
        silence = silence_of(halves, now=now, after=self._after, heartbeat=heartbeat)
        if silence is None or halves.asked_at is None:
            return None
        return Found(device, silence, halves.asked_at, word.seen_at, others)

    def _asked(self, now: datetime) -> Mapping[str, datetime]:
        """Give when each device asked last, today or just before midnight; nothing where that cannot be read now."""
        asked: dict[str, datetime] = {}
        for day in sorted({self._day(now - 2 * self._after), self._day(now)}):
            path = self._folder / f"{PREFIX}{day}.db"
            with suppress(StorageError):
                if path.exists():
                    with read_only(path) as database:
                        rows = database.execute(_QUERY, (_MOST_ROWS,))
                        asked.update((row[0], datetime.fromtimestamp(row[1], UTC)) for row in rows)
        return asked

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self._site().school.timezone)).date()
