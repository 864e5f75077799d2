"""What every act on the filter does: write the version, its row in the record, and tell."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.people.attempts import UnknownIdError
from agent.people.site_people import without_people
from agent.storage.filter_rows import State, Version, read_in_state, read_version, write_version
from agent.storage.state import Act

SYSTEM: Final = "system"
# The record holds so many sentences of a diff for ever; the version holds all of them.
RECORDED_CHANGES: Final = 50
# What people are told of, by the kind of its row in the record.
DRAFTED: Final = "filter_change_drafted"
APPROVED: Final = "filter_change_approved"
REFUSED: Final = "filter_change_refused"
FOUND: Final = "filter_changed_on_disk"
REVIEW_DUE: Final = "filter_review_due"
TOLD: Final = frozenset({DRAFTED, APPROVED, REFUSED, FOUND, REVIEW_DUE})

# Told within an act what happened, by the kind of its row in the record (one of `TOLD`), and to which version.
Tell = Callable[[Act, str, Version], None]


def tell_nobody(_act: Act, _what: str, _version: Version) -> None:
    """Stand in for whoever is told."""


def file_version(
    act: Act,
    version: Version,
    kind: str,
    *,
    actor: str,
    tell: Tell,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> Version:
    """Write a version and its row in the record, and tell of it where people are told of its kind."""
    write_version(act.database, version)
    stated = facts_of(version) | dict(facts or {})
    act.note(kind, actor=actor, subject=str(version.number), facts=stated, personal=personal)
    if kind in TOLD:
        tell(act, kind, version)
    return version


def supersede(act: Act, state: State) -> None:
    """Put out of force what a new version takes the place of; whom an old site file named is not kept."""
    if (version := read_in_state(act.database, state)) is not None:
        write_version(act.database, replace(version, state=State.SUPERSEDED, text=without_people(version.text)))


def existing(database: sqlite3.Connection, number: int) -> Version:
    """Read a version.

    Raises:
        UnknownIdError: there is none with this number.
    """
    version = read_version(database, number)
    if version is None:
        raise UnknownIdError("There is no version of the filter with that number.")
    return version


def facts_of(version: Version) -> dict[str, Any]:
    """Give what the record keeps of a version for ever."""
    return {
        "source": version.source.value,
        "hash": version.hash,
        "changes": list(version.changes[:RECORDED_CHANGES]),
        "changes_in_all": len(version.changes),
        "owner": version.owner,
        "review_on": version.review_on.isoformat() if version.review_on else None,
        "restores": version.restores,
    }


def hash_of(text: str) -> str:
    """Give the SHA-256 of a text in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
