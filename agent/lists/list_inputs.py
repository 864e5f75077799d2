"""What an index is made of, and who makes it; the compiler starts with this, so it imports next to nothing."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file for the index: every name in it belongs to each of these categories."""

    path: Path
    shown_as: str
    format: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexList:
    """One list for the index, in the version that is in force."""

    name: str
    version: str
    files: tuple[IndexFile, ...]


class IndexKeeper(Protocol):
    """Who compiles and publishes generations of the index."""

    def fingerprint(self) -> str | None:
        """Give the fingerprint of the inputs of the generation in force, if there is one."""

    def newest_fingerprint(self) -> str | None:
        """Give the fingerprint of the newest generation, also where somebody has rolled back from it."""

    def list_versions(self) -> Mapping[int, Mapping[str, str]]:
        """Give the version of each list that each kept generation is made of."""

    def publish(
        self, lists: Sequence[IndexList], fingerprint: str, *, on_progress: Callable[[int, int], None]
    ) -> int:
        """Compile the lists and put them in force; give the number of the generation.

        Args:
            lists: what it is made of.
            fingerprint: of the lists.
            on_progress: is told how many lines have been taken, and how many there are.

        Raises:
            IndexUnusableError: they could not be compiled.
            StorageError: the generation could not be written.
        """


def fingerprint(lists: Sequence[IndexList]) -> str:
    """Give what two sets of inputs have in common if they make the same index."""
    inputs = [(each.name, each.version, [(f.shown_as, f.format, f.tags) for f in each.files]) for each in lists]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
