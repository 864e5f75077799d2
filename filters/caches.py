"""A cache bounded by what its entries weigh, at the price of one dictionary look-up."""

from collections.abc import Callable
from itertools import islice
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

# Room is made for so many entries at a time, so that looking for the oldest costs little for each.
EVICTED_AT_ONCE: Final = 256
# So many at a time get another round: where everything is in use, looking at everything would stop the worker.
ROUNDS_AT_ONCE: Final = 1024


class BoundedCache(Generic[Value]):
    """Keys and values within a budget of bytes; the oldest go first, those in use get another round.

    Args:
        budget_bytes: how much may be kept.
        size_of: estimates what an entry holds, in bytes; the same for the same entry, always.
        gets_another_round: says of an entry that is about to go whether it is in use.

    `entries` is the same dictionary for the life of the cache, so that a hot loop may hold its `get`. Whoever puts
    another value under a key there must leave its size as it is.
    """

    def __init__(
        self,
        budget_bytes: int,
        size_of: Callable[[bytes, Value], int],
        gets_another_round: Callable[[Value], bool] = lambda _: False,
    ) -> None:
        self.entries: dict[bytes, Value] = {}
        self._budget_bytes = budget_bytes
        self._size_of = size_of
        self._gets_another_round = gets_another_round
        self.size_bytes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, key: bytes, value: Value) -> None:
        """Keep a value; it replaces one under the same key."""
        if (before := self.entries.pop(key, None)) is not None:
            self.size_bytes -= self._size_of(key, before)
        self.entries[key] = value
        self.size_bytes += self._size_of(key, value)
        if self.size_bytes > self._budget_bytes:
            self._evict()

    def _evict(self) -> None:
        """Let the oldest entries go until the rest fits."""
        entries = self.entries
        # Where everything is in use, the oldest goes all the same.
        rounds_left = min(len(entries), ROUNDS_AT_ONCE)
        while self.size_bytes > self._budget_bytes and entries:
            for key in list(islice(entries, EVICTED_AT_ONCE)):
                value = entries.pop(key)
                if rounds_left > 0 and self._gets_another_round(value):
                    entries[key] = value
                    rounds_left -= 1
                    continue
                self.size_bytes -= self._size_of(key, value)
                self.evicted += 1

    def set_budget(self, budget_bytes: int) -> None:
        """Change how much may be kept."""
        self._budget_bytes = budget_bytes
        self._evict()

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.size_bytes = 0
