"""Episodes of filtering that is off without a record, as the record tells them: which are under way, and where.

An episode begins with a row, may grow by others, and ends with one for the places in which all is well again. Whoever
reads the record from its beginning knows what is under way, whatever was started again in between.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

OFF: Final = "filter_off_without_record"
ON_AGAIN: Final = "filter_on_again"
# A site file was found changed, with what that opens (`canary_expectation.facts_of_opening`).
FOUND: Final = "filter_changed_on_disk"


class Cause(StrEnum):
    """How filtering came to be off: workers answer otherwise than the record says, or the site file was emptied."""

    WORKERS = "workers"
    SITE_FILE = "site_file"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where filtering is off: in a network, or for a profile that clients in groups have (`pupil+year5`)."""

    name: str
    is_profile: bool = False


@dataclass(frozen=True, slots=True)
class Switched:
    """A network in which a site file opened everything, since when, and the categories."""

    since: datetime
    categories: frozenset[str]


class Episodes:
    """What is under way by the rows read so far.

    `told` are the categories by cause and place; `untold` the networks that a site file switched off, of which the
    record has no episode yet.
    """

    def __init__(self) -> None:
        self.told: dict[tuple[Cause, Place], frozenset[str]] = {}
        self.untold: dict[str, Switched] = {}
        self._number = 0

    def read(self, database: sqlite3.Connection) -> None:
        """Read what the record has gained."""
        end = database.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0]
        rows = database.execute(
            "SELECT at, kind, facts FROM audit"
            " WHERE number > ? AND number <= ? AND kind IN (?, ?, ?) ORDER BY number",
            (self._number, end, OFF, ON_AGAIN, FOUND),
        )
        for at, kind, facts in rows:
            self._take(datetime.fromisoformat(at), kind, json.loads(facts))
        self._number = end

    def told_at(self, cause: Cause, place: Place) -> frozenset[str]:
        """Give the categories that are open at a place by the record."""
        return self.told.get((cause, place), frozenset())

    def places(self, cause: Cause) -> list[Place]:
        """Give the places at which filtering is off for this cause."""
        return [place for each, place in self.told if each is cause]

    def count(self) -> int:
        """Count the open canaries of all places."""
        return len({(place, category) for (_, place), categories in self.told.items() for category in categories})

    def _take(self, at: datetime, kind: str, facts: Mapping[str, Any]) -> None:
        if kind == FOUND:
            opens = facts.get("opens", {})
            self.untold.update(
                {network: Switched(at, frozenset(opens[network])) for network in facts.get("switches_off", ())}
            )
            return
        cause = Cause(facts["cause"])
        for place in _places_in(facts):
            if kind == ON_AGAIN:
                self.told.pop((cause, place), None)
                continue
            self.told[cause, place] = self.told_at(cause, place) | frozenset(facts["categories"])
            if cause is Cause.SITE_FILE:
                self.untold.pop(place.name, None)


def facts_of_places(cause: Cause, places: Iterable[Place]) -> dict[str, Any]:
    """Say in the facts of a row what it is about."""
    places = sorted(places)
    return {
        "cause": cause.value,
        "networks": [place.name for place in places if not place.is_profile],
        "profiles": [place.name for place in places if place.is_profile],
    }


def facts_off(
    cause: Cause,
    places: Iterable[Place],
    categories: Iterable[str],
    *,
    since: datetime,
    workers: Collection[int] = (),
    is_without_lists: bool = False,
) -> dict[str, Any]:
    """Give the facts of the row with which an episode begins or grows.

    Args:
        cause: why canaries resolve.
        places: where.
        categories: of which some resolve at each place.
        since: when that was seen first.
        workers: the numbers of those that answer so; none where it is the site file that says so.
        is_without_lists: whether the lists are not in force in some of these workers.
    """
    return facts_of_places(cause, places) | {
        "categories": sorted(categories),
        "workers": sorted(workers),
        "since": since.isoformat(),
        "is_without_lists": is_without_lists,
    }


def _places_in(facts: Mapping[str, Any]) -> list[Place]:
    networks = [Place(name) for name in facts["networks"]]
    return networks + [Place(name, is_profile=True) for name in facts["profiles"]]
