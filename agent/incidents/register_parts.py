"""A part of a register: so many rows after the one that somebody saw last, read no further than they are shown."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from agent.storage.state import instant_text
from rules.errors import RefusedRequestError

MAX_ROWS: Final = 10_000
_CHUNK: Final = 500
_FIRST_YEAR: Final = 2
Cell: TypeAlias = str | int | bool | None
# Where a row stands in the order of its register; only what its reader may see is in it.
Key: TypeAlias = tuple[str | int, ...]
Placed: TypeAlias = tuple[Key, tuple[Cell, ...]]
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Part:
    """What of a register is wanted: so many rows after the one with a key; from the first where there is none.

    Args:
        from_at: only what was filed, given or asked for at this instant or later.
        until_at: only what was before this instant.
    """

    after: Key | None = None
    limit: int = MAX_ROWS
    from_at: datetime | None = None
    until_at: datetime | None = None

    def holds(self, at: datetime | None) -> bool:
        """Say whether an instant is of the period; what has none is of no period."""
        if self.from_at is None and self.until_at is None:
            return True
        return at is not None and (self.from_at or at) <= at and (self.until_at is None or at < self.until_at)

    def is_before(self, key: Key) -> bool:
        """Say whether what stands at a key, and with it all that follows, is older than the period."""
        # Where the key is a number, the instants need not be in its order.
        return self.from_at is not None and isinstance(key[0], str) and key[0] < instant_text(self.from_at)

    def facts(self) -> dict[str, str]:
        """Give the period as the record has it; nothing where there is none."""
        period = {"from_at": self.from_at, "until_at": self.until_at}
        return {name: instant_text(at) for name, at in period.items() if at is not None}


WHOLE: Final = Part()


def part_of_days(
    from_on: date | None, until_on: date | None, timezone: str, *, after: Key | None = None, limit: int = MAX_ROWS
) -> Part:
    """Give the part of a register between two days of a school's clock, both included; None is open.

    Raises:
        RefusedRequestError: the last day is before the first.
    """
    if from_on and until_on and until_on < from_on:
        raise RefusedRequestError("The last day is before the first.")
    zone = ZoneInfo(timezone)

    def begin(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    until_at = None if until_on is None or until_on == date.max else begin(until_on + timedelta(days=1))
    # The first days that a calendar knows are before it in zones east of Greenwich.
    from_at = None if from_on is None or from_on.year < _FIRST_YEAR else begin(from_on)
    return Part(after, limit, from_at, until_at)


def in_chunks(
    read: Callable[..., Sequence[Thing]],
    key_of: Callable[[Thing], Key],
    part: Part,
    *,
    at_of: Callable[[Thing], datetime | None],
) -> Iterator[Thing]:
    """Give everything of a period from where a part begins, read a little at a time.

    Args:
        read: reads so many (`limit`) that stand after a key (`before`, None for the first), the newest first.
        at_of: gives when what a row tells of was put on file.
    """
    is_whole = part.from_at is None and part.until_at is None
    after, limit = part.after, min(part.limit + 1, _CHUNK) if is_whole else _CHUNK
    while True:
        found = read(before=after, limit=limit)
        yield from (each for each in found if part.holds(at_of(each)))
        if len(found) < limit or part.is_before(key_of(found[-1])):
            return
        after = key_of(found[-1])


def cut(rows: Iterable[Placed], part: Part) -> tuple[tuple[tuple[Cell, ...], ...], Key | None]:
    """Give the rows of a part, and the key of the last where there is more."""
    found = list(islice(rows, part.limit + 1))
    more = found[part.limit - 1][0] if len(found) > part.limit else None
    return tuple(row for _, row in found[: part.limit]), more
