"""`decide`, compiled: for one profile, between two boundaries of the clock, a verdict is a dictionary look-up.

Between two boundaries no policy begins or ends, so a verdict depends on the tags alone, and equal masks mean
equal tags. The table therefore asks `decide` once for each mask that turns up and remembers the answer: a
generation of a thousand category sets and twenty profiles costs nothing until somebody asks, and a lesson bell
does not stop the gateway while tables are filled that nobody will read.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from rules.engine import decide
from rules.event import Event
from rules.policy import Rulebook
from rules.subject import Profile
from rules.verdict import Verdict

Ruling = TypeVar("Ruling")
MAX_RULINGS = 65_536


class DecisionTable(dict[int, Ruling], Generic[Ruling]):
    """Rulings of one profile by mask; `table[mask]` is the hot path and never fails.

    Args:
        rulebook: the rules; only policies in force at `at` can speak until the next boundary.
        tags_of: what a mask means.
        prepare: turns a verdict into what the caller wants to find in the table.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        profile: Profile,
        at: datetime,
        *,
        tags_of: Callable[[int], frozenset[str]],
        prepare: Callable[[Verdict, frozenset[str]], Ruling],
    ) -> None:
        super().__init__()
        self._rulebook = rulebook
        self._profile = profile
        self._at = at
        self._tags_of = tags_of
        self._prepare = prepare

    def __missing__(self, mask: int) -> Ruling:
        ruling = self.rule(self._tags_of(mask))
        if len(self) >= MAX_RULINGS:
            self.clear()
        self[mask] = ruling
        return ruling

    def rule(self, tags: frozenset[str]) -> Ruling:
        """Rule about tags directly, for questions whose mask does not say everything."""
        verdict = decide(Event(self._at, self._profile, tags), self._rulebook)
        return self._prepare(verdict, tags)
