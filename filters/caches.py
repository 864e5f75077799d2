"""A bounded cache that forgets by halves."""

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class TwoGenerationCache(Generic[Value]):
    """Keys and values within a budget of bytes, at the price of one dictionary look-up.

    New entries go to the young half. When it has used half of the budget it becomes the old half and what was
    old is forgotten, unless somebody asked for it meanwhile: then it has moved to the young half. What is in use
    stays, what is not goes, and no list of recent use has to be kept up to date.

    `young` is the same dictionary for the life of the cache, so that a hot loop may hold its `get`.
    """

    def __init__(self, budget_bytes: int, size_of: Callable[[bytes, Value], int]) -> None:
        self.young: dict[bytes, Value] = {}
        self._old: dict[bytes, Value] = {}
        self._budget = budget_bytes // 2
        self._size_of = size_of
        self._young_bytes = 0
        self._old_bytes = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    @property
    def size_bytes(self) -> int:
        """Estimate what the entries hold, in bytes."""
        return self._young_bytes + self._old_bytes

    def get(self, key: bytes) -> Value | None:
        """Find a value, and keep it for another round if it was about to be forgotten."""
        value = self.young.get(key)
        return self.rescue(key) if value is None else value

    def rescue(self, key: bytes) -> Value | None:
        """Find a value that is not in the young half, and keep it for another round."""
        value = self._old.pop(key, None)
        if value is not None:
            self._old_bytes -= self._size_of(key, value)
            self.put(key, value)
        return value

    def put(self, key: bytes, value: Value) -> None:
        """Keep a value; it replaces one under the same key."""
        if (before := self.young.pop(key, None)) is not None:
            self._young_bytes -= self._size_of(key, before)
        elif (before := self._old.pop(key, None)) is not None:
            self._old_bytes -= self._size_of(key, before)
        size = self._size_of(key, value)
        if self._young_bytes + size > self._budget:
            self._age()
        self.young[key] = value
        self._young_bytes += size

    def _age(self) -> None:
        self.evicted += len(self._old)
        self._old = self.young.copy()
        self._old_bytes = self._young_bytes
        self.young.clear()
        self._young_bytes = 0

    def set_budget(self, budget_bytes: int) -> None:
        """Change how much may be kept; what is too much goes as new entries come."""
        self._budget = budget_bytes // 2

    def clear(self) -> None:
        """Forget everything."""
        self.young.clear()
        self._old.clear()
        self._young_bytes = self._old_bytes = 0
