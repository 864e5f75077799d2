"""The banner: that filtering is off somewhere, told with every answer while it lasts.

It travels as a header, so that no page and no command asks a second time; values are percent-encoded, because
headers are ASCII.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from agent.people.people import read_person
from agent.storage.suspension_rows import read_suspensions
from rules.roles import REVIEWING, Right
from rules.suspension import Extent, State

HEADER: Final = "Schoolgate-Notice"
MAX_PARTS_SHOWN: Final = 3
SCHOOL: Final = "the school"
PART: Final = "a part of the school"


@dataclass(frozen=True, slots=True)
class Off:
    """A suspension that is on: where filtering is off, in words, until when, and the id and name of who agreed.

    Who agreed is empty where that is not told.
    """

    id: str
    where: str
    from_at: datetime
    until_at: datetime
    agreed_by: str
    agreed_by_name: str


def read_off(database: sqlite3.Connection, now: datetime) -> list[Off]:
    """Read where filtering is off at this moment: the whole school first, then what lasts longest."""
    agreed = read_suspensions(database, states=(State.AGREED,), until_after=now)
    on = [each.suspension for each in agreed if each.suspension.is_active(now)]
    on.sort(key=lambda each: (not each.extent.is_for_school, -each.until_at.timestamp(), each.id))
    found = []
    for each in on:
        person = read_person(database, each.agreed_by or "")
        name = person.name if person else ""
        found.append(
            Off(each.id, where_in_words(each.extent), each.from_at, each.until_at, each.agreed_by or "", name)
        )
    return found


def off_for(off: Sequence[Off], rights: frozenset[Right]) -> list[Off]:
    """Give what somebody with these rights is told: everybody that it is off, and whoever has any who agreed."""
    if rights and rights <= REVIEWING:
        return [in_numbers(each) for each in off]
    return [each if rights else replace(each, agreed_by="", agreed_by_name="") for each in off]


def in_numbers(off: Off) -> Off:
    """Give a suspension without who agreed, and without which part of the school it is about."""
    return replace(off, where=SCHOOL if off.where == SCHOOL else PART, agreed_by="", agreed_by_name="")


def where_in_words(extent: Extent) -> str:
    """Say where filtering is off, in few words."""
    if extent.is_for_school:
        return SCHOOL
    parts = [*sorted(extent.networks), *sorted(extent.groups)]
    more = f" and {len(parts) - MAX_PARTS_SHOWN} more" if len(parts) > MAX_PARTS_SHOWN else ""
    return ", ".join(parts[:MAX_PARTS_SHOWN]) + more


def write_notice(off: Sequence[Off]) -> str | None:
    """Write the value of the header: the first that is off, and how many there are besides; nothing where all is on.

    Args:
        off: as `off_for` gives them.
    """
    if not off:
        return None
    first = off[0]
    parts = {"filtering": "off", "where": first.where, "until": first.until_at.isoformat()}
    if first.agreed_by_name:
        parts["by"] = first.agreed_by_name
    if len(off) > 1:
        parts["more"] = str(len(off) - 1)
    return urlencode(parts)
