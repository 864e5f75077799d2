"""How often the devices of a class met a block, in counts alone: no name, no device, nothing of fewer than a few.

The day file knows devices by pseudonyms; which groups they are in is known while their key is there.
"""

import sqlite3
from collections.abc import Collection, Hashable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from agent.observing.known_devices import KnownDevices
from agent.observing.observing_activity import PREFIX, DayFiles
from agent.storage.files import BUSY_SECONDS
from rules.errors import StorageError

# Of a longer day the last rows are looked at.
MOST_ROWS: Final = 300_000
_CACHED_DAYS: Final = 512


@dataclass(frozen=True, slots=True)
class LessonCounts:
    """What was blocked for some groups since an instant.

    `times` is None where fewer devices than are told met a block at all. `by_category` has those categories alone
    that enough devices met; `has_others` where there are more, `is_partial` where those are not in `times` either.
    """

    times: int | None
    devices: int | None
    by_category: tuple[tuple[str, int], ...] = ()
    has_others: bool = False
    is_partial: bool = False


def count_blocked(
    folder: Path, known: KnownDevices, groups: Collection[str], *, day: date, since: datetime, small_number: int
) -> LessonCounts | None:
    """Count what was blocked for the devices of groups on a day since an instant; nothing where nobody keeps it.

    Args:
        folder: where the day files are.
        known: the devices of the site.
        groups: any of these.
        day: that of the school.
        since: aware UTC.
        small_number: of fewer devices nothing is told.
    """
    path = folder / f"{PREFIX}{day}.db"
    if not path.exists():
        return None
    times: dict[str, int] = {}
    devices: dict[str, set[str]] = {}
    try:
        for pseudonym, category, number in _blocked(path, since):
            if known.of(pseudonym, day).groups.isdisjoint(groups):
                continue
            times[category] = times.get(category, 0) + number
            devices.setdefault(category, set()).add(pseudonym)
    except (sqlite3.Error, StorageError):
        return None
    everyone = set[str]().union(*devices.values())
    if 0 < len(everyone) < small_number:
        return LessonCounts(None, None)
    told = sorted((each for each in times if len(devices[each]) >= small_number), key=lambda each: -times[each])
    others = [each for each in times if each not in told]
    # Of a total that is told beside its parts, anybody works out the rest.
    is_partial = bool(told) and 0 < len(set[str]().union(*(devices[each] for each in others))) < small_number
    counted = told if is_partial else list(times)
    return LessonCounts(
        sum(times[each] for each in counted),
        len(set[str]().union(*(devices[each] for each in counted))),
        tuple((each, times[each]) for each in told),
        has_others=bool(others),
        is_partial=is_partial,
    )


def count_of_names(
    folder: Path, names: Collection[str], days: Collection[date], *, small_number: int
) -> dict[str, int | None] | None:
    """Count how often names, or what stands below them, were blocked on some days; nothing where nobody keeps it.

    Args:
        folder: where the day files are.
        names: as they are looked for.
        days: those of the school.
        small_number: a count is None where on no day so many devices met the block. A device has another pseudonym
            each day, so that those of several days are not added up.
    """
    files, wanted = DayFiles(folder), tuple(sorted(names))
    found: list[Mapping[str, tuple[int, int]]] = []
    for day in days:
        if state := files.state_of(day):
            with suppress(sqlite3.Error):
                found.append(_count_day(folder / f"{PREFIX}{day}.db", state, wanted))
    return {name: _told([each[name] for each in found], small_number) for name in names} if found else None


def _told(of_days: Sequence[tuple[int, int]], small_number: int) -> int | None:
    is_told = any(devices >= small_number for _, devices in of_days)
    return sum(times for times, _ in of_days) if is_told else None


@lru_cache(maxsize=_CACHED_DAYS)
def _count_day(path: Path, _state: Hashable, names: tuple[str, ...]) -> Mapping[str, tuple[int, int]]:
    """Give how often each name was blocked and on how many devices; read once, as long as the file is in a state."""
    times, devices = dict.fromkeys(names, 0), {name: set[str]() for name in names}
    for asked, pseudonym, number in _blocked_names(path, names):
        for name in names:
            if asked == name or asked.endswith(f".{name}"):
                times[name] += number
                devices[name].add(pseudonym)
    return {name: (times[name], len(devices[name])) for name in names}


def _blocked(path: Path, since: datetime) -> list[tuple[str, str, int]]:
    return _read(
        path,
        "SELECT pseudonym, category, sum(times) FROM queries WHERE verdict = 'blocked' AND minute_at >= ?"
        " AND rowid > (SELECT coalesce(max(rowid), 0) FROM queries) - ? GROUP BY pseudonym, category",
        (int(since.timestamp()) // 60 * 60, MOST_ROWS),
    )


def _blocked_names(path: Path, names: Collection[str]) -> list[tuple[str, str, int]]:
    """Give what was blocked and may be one of some names, or below one, by name and pseudonym."""
    any_of = " OR ".join(["name LIKE ?"] * len(names) or ["FALSE"])
    return _read(
        path,
        "SELECT name, pseudonym, sum(times) FROM queries WHERE verdict = 'blocked'"  # noqa: S608 (marks only)
        f" AND rowid > (SELECT coalesce(max(rowid), 0) FROM queries) - ? AND ({any_of}) GROUP BY name, pseudonym",
        (MOST_ROWS, *(f"%{name}" for name in names)),
    )


def _read(path: Path, query: str, values: tuple[int | str, ...]) -> list[Any]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as database:
        return database.execute(query, values).fetchall()
