"""Lists in parts: a cursor says where the last part ended, so what is new at the top moves nothing.

A cursor is for the one who was given it and means nothing to them.
"""

import json
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Final, Literal, TypeVar

from fastapi import Query

from agent.api.problems import ProblemError

Thing = TypeVar("Thing")

USUAL: Final = 50
MOST: Final = 500

After = Annotated[str | None, Query(max_length=2000, description="`next` of the part before.")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


def write_cursor(*keys: str | int) -> str:
    """Give the cursor of an entry, by what the list is in the order of."""
    return urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def read_cursor(written: str | None, shape: tuple[type[str | int], ...]) -> tuple[str | int, ...] | None:
    """Read a cursor whose keys have these types; nothing, where there is none.

    Raises:
        ProblemError: it is not one that we gave.
    """
    if written is None:
        return None
    try:
        keys = json.loads(urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    except (ValueError, RecursionError):
        raise _unknown() from None
    if not isinstance(keys, list) or [type(key) for key in keys] != list(shape):
        raise _unknown()
    if any(isinstance(key, int) and not 0 <= key < 2**62 for key in keys):
        raise _unknown()
    if any(isinstance(key, str) and not key.isprintable() for key in keys):
        raise _unknown()
    return tuple(keys)


def _unknown() -> ProblemError:
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", "The value of `after` is not one that this list gave."
    )


def page_of(
    everything: Iterable[Thing],
    keys_of: Callable[[Thing], tuple[str, str]],
    *,
    after: str | None = None,
    limit: int = USUAL,
) -> tuple[list[Thing], str | None]:
    """Give a part of what stands in the order of its keys, and the cursor of the part after it.

    Raises:
        ProblemError: the cursor is none.
    """
    keys = read_cursor(after, (str, str))
    rest = [each for each in everything if keys is None or keys_of(each) > keys]
    return rest[:limit], write_cursor(*keys_of(rest[limit - 1])) if len(rest) > limit else None


def ids_after(
    database: sqlite3.Connection,
    table: Literal["overrides", "suspensions"],
    *,
    states: Sequence[str] = (),
    requester: str | None = None,
    after: str | None = None,
    limit: int = USUAL,
) -> tuple[list[str], str | None]:
    """Give the ids of a part, the newest request first, and the cursor of the part after it.

    Args:
        states: any of these; all where there are none.
        requester: what this person asked for only.

    Raises:
        ProblemError: the cursor is none.
    """
    wanted, values = ["1 = 1"], list[str | int]()
    if states:
        wanted.append(f"state IN ({', '.join('?' * len(states))})")
        values += states
    if requester is not None:
        wanted.append("requester = ?")
        values.append(requester)
    if (keys := read_cursor(after, (str, str))) is not None:
        wanted.append("(requested_at < ? OR (requested_at = ? AND id > ?))")
        values += [keys[0], keys[0], keys[1]]
    rows = database.execute(
        f"SELECT id, requested_at FROM {table} WHERE {' AND '.join(wanted)}"  # noqa: S608 (our own words)
        " ORDER BY requested_at DESC, id LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    more = write_cursor(rows[limit - 1][1], rows[limit - 1][0]) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], more
