"""Emergencies that nobody has countersigned: one does not follow on the other, or an hour would have no end."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from agent.requests.filter_context import FilterContext
from agent.storage.override_rows import read_unconfirmed
from rules.errors import RefusedRequestError
from rules.override import Lift, Override, shared
from rules.override_request import check_emergency

_MAX_TOLD: Final = 3


def check_alone(
    database: sqlite3.Connection, person: str, lift: Lift, *, context: FilterContext, now: datetime
) -> None:
    """Check that somebody may open this alone and at once.

    Raises:
        RefusedRequestError: it takes two people, an emergency of theirs waits to be countersigned, or one of anybody
            that opens the same for some of the same people.
    """
    check_emergency(lift, context.sensitive)
    for each in _waiting(database, now, timedelta(hours=context.limits.countersign_hours)):
        if each.requester == person:
            raise RefusedRequestError(
                f"The emergency {each.id} is yours and not countersigned yet; until somebody else has done that, you"
                " cannot take another."
            )
        if same := shared(lift, each.lift):
            told = ", ".join(same[:_MAX_TOLD]) + (" and more" if len(same) > _MAX_TOLD else "")
            raise RefusedRequestError(
                f"{told} was opened for these people by the emergency {each.id} already, which nobody has"
                " countersigned yet; ask for an override instead."
            )


def _waiting(database: sqlite3.Connection, now: datetime, within: timedelta) -> Iterator[Override]:
    """Give the emergencies that can still be countersigned, by the clock."""
    for filed in read_unconfirmed(database, before=now):
        if now < filed.override.requested_at + within:
            yield filed.override
