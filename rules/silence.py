"""What it means when one half of a laptop is silent: it speaks to us but asks us no names, or the other way round.

A laptop that has asked before, goes on telling that it is there, and asks nothing more while others do, most likely
asks somebody else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Silence(StrEnum):
    """Which half is silent."""

    NO_QUESTIONS = "no_questions"
    NO_WORD = "no_word"


@dataclass(frozen=True, slots=True)
class Halves:
    """What is known of the two halves of one laptop in the school.

    `heard_at` is its last word, `here_since` since when it was always heard from the same address, and who answers
    was there to be asked. `asked_at` is when it last asked for a name, if it did, `told_at` up to when everybody who
    answers has told that; `others` is how many others asked of late. `is_certain` says whether the address is this
    laptop's for certain.
    """

    heard_at: datetime
    here_since: datetime
    asked_at: datetime | None
    told_at: datetime
    others: int
    is_certain: bool


def silence_of(halves: Halves, *, now: datetime, after: timedelta, heartbeat: timedelta) -> Silence | None:
    """Say which half of a laptop is silent, if one is.

    Args:
        after: how long it must have been.
        heartbeat: how often a laptop that is on tells that it is there.
    """
    if halves.asked_at is None:
        return None
    is_heard = now - halves.heard_at <= 3 * heartbeat
    if is_heard:
        until = min(now, halves.told_at)
        is_quiet = halves.asked_at < until - after and halves.here_since <= until - after
        return Silence.NO_QUESTIONS if is_quiet and halves.others > 0 else None
    went_on = halves.asked_at - halves.heard_at >= max(after, 3 * heartbeat)
    return Silence.NO_WORD if went_on and halves.is_certain else None
