"""What is found while the meaning of a site is checked: problems that forbid it, notices that do not."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from rules.document import Document, Path, describe, suggest
from rules.errors import Problem

# Looking for what was meant takes time; nobody reads so many problems.
MAX_SUGGESTIONS: Final = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that can be used as it stands, and that its author may not have meant."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(slots=True)
class Findings:
    """All findings of one site, in the order in which they were made."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems += self.document.problems

    def problem(self, path: Path, found: str, expected: str, *, at_key: bool = False) -> None:
        """Add a problem at the value, or at the key, of a path."""
        self.problems.append(self.document.problem(path, found, expected, at_key=at_key))

    def notice(self, path: Path, text: str) -> None:
        """Add a notice at the key of a path."""
        self.notices.append(Notice(self.location(path), text))

    def location(self, path: Path) -> str:
        """Give the place of a key as `site.yaml:12:5`."""
        return self.document.location(path)

    def is_known(self, path: Path, name: str, known: Collection[str], kind: str, *, at_key: bool = False) -> bool:
        """Say whether a name is one of those that exist, and add a problem if not."""
        if name in known:
            return True
        if not known:
            expected = f"no {kind}: the site has none"
        elif len(self.problems) < MAX_SUGGESTIONS:
            expected = suggest(name, known, "one of")
        else:
            expected = f"a {kind} that exists"
        self.problem(path, f"the {kind} {describe(name)}", expected, at_key=at_key)
        return False

    def is_written(self, path: Path) -> bool:
        """Say whether something stands at a path, be it faulty or not."""
        return self.document.known_part(path) == path

    def written_names(self, part: str) -> frozenset[str]:
        """Give the names in a part as they were written, also of those that are faulty in themselves."""
        entries: Any = self.document.value.get(part) if isinstance(self.document.value, dict) else None
        return frozenset(entries) if isinstance(entries, dict) else frozenset()
