"""Attempts: who makes one, and the row in the record that it leaves where the rules refuse it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agent.people.people import Person, read_person
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError

MAX_REASON_CHARACTERS: Final = 2_000
# Who made an attempt, where the id is nobody's.
NOBODY: Final = "nobody"


class ConflictError(RefusedRequestError):
    """Somebody else was faster: what was decided about is not what is on file any more."""


class UnknownIdError(RefusedRequestError):
    """There is nothing with this id."""


@contextmanager
def noting(store: StateStore, person: str, attempt: str, *, subject: str = "") -> Iterator[None]:
    """Note what the rules refuse within the block, in a transaction of its own; the refusal goes on.

    Args:
        person: the id of whoever tries.
        attempt: what they try, in lower snake case (`override_approve`).
        subject: what they try it with.
    """
    try:
        yield
    except (ConflictError, UnknownIdError):
        raise
    except RefusedRequestError as error:
        with store.act() as act:
            actor = person if read_person(act.database, person) is not None else NOBODY
            why = {"why": str(error)}
            act.note("rule_refused", actor=actor, subject=subject, facts={"attempt": attempt}, personal=why)
        raise


def known_person(database: sqlite3.Connection, person: str) -> Person:
    """Give who makes an attempt.

    Raises:
        RefusedRequestError: nobody has this id, or they have left.
    """
    who = read_person(database, person)
    if who is None or who.closed:
        raise RefusedRequestError("Nobody at this school is known by that id; expected somebody who is.")
    return who


def has_left(database: sqlite3.Connection, person: str) -> bool:
    """Say whether somebody is not at the school any more."""
    who = read_person(database, person)
    return who is None or who.closed


def check_length(reason: str) -> None:
    """Check that a reason is not too long to be one.

    Raises:
        RefusedRequestError: it is.
    """
    if len(reason) > MAX_REASON_CHARACTERS:
        raise RefusedRequestError(
            f"The reason has {len(reason):,} characters; expected at most {MAX_REASON_CHARACTERS:,}."
        )


def check_version(found: int, seen: int) -> None:
    """Check that what was seen is what is on file.

    Raises:
        ConflictError: somebody has changed it since.
    """
    if found != seen:
        raise ConflictError("Somebody has changed this since you looked at it; look again before you decide.")
