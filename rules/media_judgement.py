"""What a medium that was plugged in comes to: a candidate, a note, a question, or nothing; from values alone.

Whoever plugs in a medium that anybody can read is told first and has a grace time. What could not be checked never
accuses anybody, and what cannot be written to is no more than a note.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# The words of collectors for what can be read by whoever finds it, and for what they could not tell.
READABLE: Final = frozenset({"plain", "suspended"})
UNCLEAR: Final = frozenset({"unknown", "maybe_encrypted"})
# What is locked cannot be written to, so where something was, it is not known what it is.
_LOCKED: Final = "encrypted_locked"

# So long somebody who presents something is not told, and not judged for not having been.
PUT_OFF: Final = timedelta(hours=2)


class Outcome(StrEnum):
    """What becomes of it; what WAITS is judged again when its time is over."""

    WAITS = "waits"
    CANDIDATE = "candidate"
    NOTE = "note"
    ATTESTATION = "attestation"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a medium, and why in a word: `in_time` is over before the grace time, with nothing written."""

    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class PluggedIn:
    """One medium, from when it was plugged in.

    `crypt` is a word of the collectors. `exposed_at` is when files could first be written to it unencrypted, and
    `over_at` since when they cannot any more. The notice `is_put_off` while whoever uses it presents something to
    others. `files` were written since it was exposed, some of them after its user was told at `noticed_at`.
    """

    crypt: str = "unknown"
    is_mounted: bool = False
    is_read_only: bool = False
    exposed_at: datetime | None = None
    over_at: datetime | None = None
    noticed_at: datetime | None = None
    is_put_off: bool = False
    files: int = 0
    files_after_notice: int = 0

    @property
    def signals(self) -> int:
        """How many things speak for it: that it was open, that files were written, some of them after the notice."""
        return 1 + (self.files > 0) + (self.files_after_notice > 0)

    @property
    def is_exposed(self) -> bool:
        """Whether files can be written to it unencrypted now."""
        return self.exposed_at is not None and self.over_at is None

    def due_at(self, grace: timedelta) -> datetime | None:
        """Say when its grace time is over; what is told only after that lengthens nothing."""
        if self.exposed_at is None:
            return None
        due_at = self.exposed_at + (max(grace, PUT_OFF) if self.is_put_off else grace)
        if self.noticed_at is not None and self.exposed_at < self.noticed_at <= due_at:
            return self.noticed_at + grace
        return due_at

    def was_over_in_time(self, now: datetime, grace: timedelta) -> bool:
        """Say whether it was over before its grace time was, with nothing written, and that time is gone."""
        due_at = self.due_at(grace)
        if due_at is None or self.over_at is None or self.files:
            return False
        return self.over_at <= due_at <= now

    def seen(self, at: datetime, crypt: str, *, is_mounted: bool, is_read_only: bool) -> "PluggedIn":
        """Give it as it was seen."""
        after = replace(self, crypt=crypt, is_mounted=is_mounted, is_read_only=is_read_only)
        if crypt in READABLE and is_mounted and not is_read_only:
            return replace(after, exposed_at=self.exposed_at or at, over_at=None)
        return after.gone(at)

    def gone(self, at: datetime) -> "PluggedIn":
        """Give it after it was taken away, or cannot be written to any more."""
        return replace(self, over_at=max(at, self.exposed_at)) if self.is_exposed and self.exposed_at else self

    def told(self, at: datetime) -> "PluggedIn":
        """Give it after its user was told; the first time counts."""
        return replace(self, noticed_at=self.noticed_at or at)

    def put_off(self) -> "PluggedIn":
        """Give it after its user could not be told yet."""
        return replace(self, is_put_off=True)

    def written(self, files: int, *, since: datetime) -> "PluggedIn":
        """Give it after so many files were written to it since an instant; what came before it was open is none."""
        if files > 0 and self.crypt == _LOCKED:
            return replace(self, crypt="unknown")
        if files <= 0 or self.exposed_at is None:
            return self
        is_after = self.noticed_at is not None and since >= self.noticed_at
        return replace(
            self, files=self.files + files, files_after_notice=self.files_after_notice + (files if is_after else 0)
        )


def judge(medium: PluggedIn, *, now: datetime, grace: timedelta, is_excepted: bool) -> Judgement:
    """Say what a medium comes to.

    Args:
        now: up to when everything that happened to it is known.
        grace: how long whoever uses it has to protect it or to take it away.
        is_excepted: whether the school lets it pass as it is.
    """
    due_at = medium.due_at(grace)
    if due_at is None:
        return _never_open(medium)
    if is_excepted:
        return Judgement(Outcome.NOTHING, "excepted")
    if now < due_at:
        return Judgement(Outcome.WAITS, "grace")
    if medium.was_over_in_time(now, grace):
        return Judgement(Outcome.NOTHING, "in_time")
    return Judgement(Outcome.CANDIDATE, "written" if medium.files else "open")


def _never_open(medium: PluggedIn) -> Judgement:
    if medium.crypt in UNCLEAR:
        return Judgement(Outcome.ATTESTATION, "cannot_tell")
    if medium.crypt not in READABLE:
        return Judgement(Outcome.NOTHING, "protected")
    return Judgement(Outcome.NOTE, "read_only") if medium.is_mounted else Judgement(Outcome.NOTHING, "not_mounted")
