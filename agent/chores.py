"""What a process does by itself from time to time, each thing whatever becomes of the others."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.logs import log
from rules.errors import SchoolgateError


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do at the start, and again so many seconds after it was last done or tried.

    Where it is done `in_turns`, it says whether more is waiting; then it is done again at the next occasion.
    """

    name: str
    every_seconds: float
    work: Callable[[], object]
    in_turns: bool = False


class Chores:
    """Chores in their order, done by whoever asks."""

    def __init__(self, chores: Iterable[Chore], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._due_at = dict.fromkeys(chores, float("-inf"))
        self._monotonic = monotonic

    def do_due(self) -> None:
        """Do what is due; what fails is logged and tried again at its next time."""
        for chore, due_at in self._due_at.items():
            if self._monotonic() >= due_at:
                has_more = _do(chore) and chore.in_turns
                self._due_at[chore] = self._monotonic() + (0.0 if has_more else chore.every_seconds)


def _do(chore: Chore) -> bool:
    try:
        return bool(chore.work())
    except SchoolgateError as error:
        log.error("chore_failed", where=chore.name, reason=str(error))
    except Exception as error:  # noqa: BLE001 (what is due must be done next time)
        log.error("chore_failed", where=chore.name, error=type(error).__name__)
    return False
