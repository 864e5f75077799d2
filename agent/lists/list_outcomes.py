"""How a look at a list ends, as values that print as a sentence."""

from dataclasses import dataclass
from typing import TypeAlias

from agent.lists.list_faults import Fault
from agent.lists.list_guard import Finding
from agent.lists.list_store import Copy


@dataclass(frozen=True, slots=True)
class Taken:
    """A new copy is in force; `forced` are the objections that a person overrode."""

    list_name: str
    copy: Copy
    before: Copy | None = None
    forced: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        was = f" (before: {self.before.names:,})" if self.before else ""
        notes = [f"forced although {finding.sentence}" for finding in self.forced]
        if hits := self.copy.guard_hits:
            some = ", ".join(f"{hit.guard} in {hit.place}" for hit in hits[:3])
            notes.append(f"it lists names that stay open all the same, {len(hits)} in all: {some}")
        return "; ".join([f"{self.copy.names:,} names taken{was}", *notes])


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The copy in force stays, because it is what the source has, or because the source was not asked."""

    list_name: str
    copy: Copy
    was_asked: bool = True

    def __str__(self) -> str:
        how = "unchanged" if self.was_asked else "not asked"
        return f"{how}; {self.copy.names:,} names of {self.copy.fetched_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Refused:
    """The copy that came is not plausible; the last good one, if there is any, stays in force."""

    list_name: str
    findings: tuple[Finding, ...]
    kept: Copy | None

    @property
    def fault(self) -> Fault:
        """The gravest objection."""
        return self.findings[0].fault

    @property
    def can_be_forced(self) -> bool:
        """Say whether `--force` would take it."""
        return all(finding.can_be_forced for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The objections, in words."""
        return "; ".join(finding.sentence for finding in self.findings)

    def __str__(self) -> str:
        hint = "; --force takes it once" if self.can_be_forced else ""
        return f"refused: {self.sentence}; {_spell_kept(self.kept)}{hint}"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No copy came; the last good one, if there is any, stays in force."""

    list_name: str
    fault: Fault
    sentence: str
    kept: Copy | None

    def __str__(self) -> str:
        return f"failed: {self.sentence}; {_spell_kept(self.kept)}"


Outcome: TypeAlias = Taken | Unchanged | Refused | Unavailable


def _spell_kept(kept: Copy | None) -> str:
    if kept is None:
        return "there is no earlier copy, so this list filters nothing"
    return f"the copy of {kept.fetched_at:%Y-%m-%d %H:%M} UTC stays in force"


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did: how each list ended, and the generation that came of it.

    `generation` is None where nothing had to be published, or where that failed for the reason in `fault`.
    """

    outcomes: tuple[Outcome, ...]
    generation: int | None = None
    fault: str = ""

    @property
    def is_good(self) -> bool:
        """Say whether every list and the index are as the site wants them."""
        return not self.fault and not any(isinstance(outcome, Refused | Unavailable) for outcome in self.outcomes)
