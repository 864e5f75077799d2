"""The guard before a list goes live: what a fresh copy holds, and whether that can be the list that it claims to be.

A list is judged as a whole, also where it is a tree of many files. A provider publishes a tree at one moment, and
names move between its files: a copy that takes some of them new and keeps others old can lose a name in both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from agent.lists.list_faults import FORCEABLE, Fault
from agent.lists.list_layout import Kind, SourceFile, Use
from agent.sites.site import ListConfig
from filters.list_detection import SAMPLE_OCTETS, detect_format, find_other_content
from filters.list_entries import NOT_FOR_DNS_FORMAT, BadLine, Chunk, Reason
from filters.list_parser import parse_list
from filters.list_search import find_entries
from rules.name import DomainName, ancestors, to_wire

MIN_NAMES: Final = 1
# Below this, a change is the work of a person with an editor and says nothing about the provider.
MIN_CHANGED_NAMES: Final = 50
KEPT_BAD_LINES: Final = 20
AUTO: Final = "auto"
_BLOCK_BYTES: Final = 1 << 20
# Lines that are fine as they are, but say something that DNS cannot carry out.
_NOT_FAULTY: Final = frozenset(
    {
        Reason.RAW_ADDRESS,
        Reason.NOT_FOR_DNS,
        Reason.UNSUPPORTED_RULE,
        Reason.UNSUPPORTED_MODIFIER,
        Reason.UNSUPPORTED_TRIGGER,
        Reason.UNSUPPORTED_ACTION,
        Reason.FORWARDING,
        Reason.CANCELLED,
    }
)


@dataclass(frozen=True)
class Guards:
    """Names that no list may block.

    Nobody's list has a reason to hold an `essential` one. The others are names of the kind that a careless
    provider does list: on a first load they are reported, since the guard categories keep them open anyway; when
    an update brings a new one, something has gone wrong at the provider.
    """

    essential: frozenset[DomainName] = frozenset()
    others: frozenset[DomainName] = frozenset()

    @cached_property
    def names(self) -> frozenset[DomainName]:
        """All of them."""
        return self.essential | self.others

    @cached_property
    def _exact(self) -> dict[bytes, DomainName]:
        return {to_wire(name): name for name in self.names}

    @cached_property
    def _above(self) -> dict[bytes, list[DomainName]]:
        above: dict[bytes, list[DomainName]] = {}
        for name in self.names:
            for ancestor in ancestors(name):
                above.setdefault(to_wire(ancestor), []).append(name)
        return above

    def find(self, chunk: Chunk) -> Iterator[DomainName]:
        """Give each guard name that is listed."""
        for listed in self._above.keys() & chunk.subtree:
            yield from self._above[listed]
        for listed in self._exact.keys() & chunk.exact:
            yield self._exact[listed]
        for rule in chunk.special:
            if not rule.exception and (not rule.name or rule.name in self._above):
                yield from filter(rule.covers, self._above[rule.name] if rule.name else self.names)


@dataclass(frozen=True, slots=True)
class GuardHit:
    """A guard name that a list would block; `place` is the file and line where that stands."""

    guard: DomainName
    place: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What one file holds, counted without keeping it.

    `rows` are all lines that say something, used or not; `names` what is used of them. Without a `format`, `fault`
    says why the file is no list.
    """

    format: str | None
    names: int = 0
    rows: int = 0
    counts: dict[str, int] | None = None
    bad: tuple[BadLine, ...] = ()
    hits: tuple[GuardHit, ...] = ()
    fault: Fault | None = None
    why: str = ""

    @property
    def faulty(self) -> int:
        """The lines that no list of this format should have."""
        return sum(count for reason, count in (self.counts or {}).items() if reason not in _NOT_FAULTY)


class _Blocks:
    """The octets of a file, as often as they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block


def survey(path: Path, source: SourceFile, *, format_: str, guards: Guards) -> Survey:
    """Read one file of a list through.

    Args:
        path: where it lies.
        source: what it is; its path is how people see it named.
        format_: as the site states it.
        guards: to be looked for; none where the file may list them.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_OCTETS)
    if not sample.strip():
        return Survey(None, fault=Fault.EMPTY, why=f"{source.path} is empty")
    if other := find_other_content(sample):
        fault = Fault.HTML if other.reason is Reason.HTML else Fault.BINARY
        return Survey(None, fault=fault, why=f"{source.path} is {other.why}")
    format_ = _choose_format(source, format_, sample)
    if not format_:
        if len(sample) < SAMPLE_OCTETS and all(line.lstrip()[:1] in b"#;!" for line in sample.splitlines()):
            return Survey(None, fault=Fault.EMPTY, why=f"{source.path} has comments only")
        return Survey(
            None, fault=Fault.UNKNOWN_FORMAT, why=f"the format of {source.path} cannot be told; state it with format:"
        )
    return _count(path, source.path, format_, guards)


def _choose_format(source: SourceFile, stated: str, sample: bytes) -> str:
    if source.kind is Kind.NOT_FOR_DNS:
        return NOT_FOR_DNS_FORMAT
    if stated != AUTO:
        return stated
    if source.is_in_tree:
        return "squidguard-domains"
    return detect_format(sample) or ""


def _count(path: Path, shown_as: str, format_: str, guards: Guards) -> Survey:
    names = rows = 0
    counts: Counter[str] = Counter()
    bad: list[BadLine] = []
    listed: set[DomainName] = set()
    for chunk in parse_list(_Blocks(path), file=shown_as, format=format_):
        names += len(chunk.subtree) + len(chunk.exact) + len(chunk.special)
        rows += chunk.lines - chunk.ignored
        counts.update(chunk.counts)
        bad += chunk.bad[: KEPT_BAD_LINES - len(bad)]
        listed.update(guards.find(chunk))
    hits = tuple(GuardHit(guard, _place(path, shown_as, format_, guard)) for guard in sorted(listed))
    return Survey(format_, names, rows, dict(counts), tuple(bad), hits)


def _place(path: Path, shown_as: str, format_: str, name: DomainName) -> str:
    lines = find_entries(path.read_bytes(), file=shown_as, format=format_, name=name)
    return next((f"{line.file}:{line.line}" for line in lines if not line.exception), shown_as)


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason not to take a copy."""

    fault: Fault
    sentence: str

    @property
    def can_be_forced(self) -> bool:
        """Say whether a person may take the copy all the same."""
        return self.fault in FORCEABLE


@dataclass(frozen=True, slots=True)
class Examined:
    """One file of a copy, as the guard sees it."""

    source: SourceFile
    use: Use
    survey: Survey


def check(
    config: ListConfig,
    files: Sequence[Examined],
    *,
    guards: Guards,
    known_hits: frozenset[DomainName] = frozenset(),
    before: dict[str, int] | None = None,
) -> list[Finding]:
    """Say what speaks against a copy, the gravest first; nothing if it may go live.

    Args:
        config: the list.
        files: all files with names.
        guards: names that must not be listed.
        known_hits: those that the last good copy listed already.
        before: the names in each category of the last good copy, as far as this copy would use it too; None on a
            first load.
    """
    used = [file for file in files if file.use is Use.USED]
    if not used:
        return [_nothing_mapped(config, files)]
    if unreadable := [file.survey for file in used if file.survey.fault not in (None, Fault.EMPTY)]:
        return [Finding(survey.fault, survey.why) for survey in unreadable if survey.fault is not None]
    names = sum(file.survey.names for file in used)
    rows = sum(file.survey.rows for file in used)
    if not rows:
        return [Finding(Fault.EMPTY, "there is no entry in it")]
    findings = [
        *_check_essentials(used, guards, known_hits, is_first=before is None),
        *_check_bad_lines(config, used, rows),
        *_check_change(config, used, before),
    ]
    if names < MIN_NAMES:
        findings.append(
            Finding(Fault.TOO_FEW_NAMES, f"no name can be used of its {rows:,} lines; {_first_bad_line(used)}")
        )
    return sorted(findings, key=lambda finding: finding.can_be_forced)


def _nothing_mapped(config: ListConfig, files: Iterable[Examined]) -> Finding:
    unknown = sorted({file.source.category for file in files if file.use is Use.UNKNOWN})
    if not unknown:
        return Finding(Fault.NO_CATEGORY, "every category in it is left out")
    shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
    return Finding(
        Fault.NO_CATEGORY,
        f"none of its categories is known here ({shown}); say what they are about under {config.location}, with"
        " category: or categories:",
    )


def _check_essentials(
    used: Iterable[Examined], guards: Guards, known_hits: frozenset[DomainName], *, is_first: bool
) -> Iterator[Finding]:
    for hit in (hit for file in used for hit in file.survey.hits):
        if hit.guard in guards.essential or not (is_first or hit.guard in known_hits):
            yield Finding(Fault.GUARD_NAME, f"{hit.place} would block {hit.guard}, which must never be blocked")


def _check_bad_lines(config: ListConfig, used: Sequence[Examined], rows: int) -> Iterator[Finding]:
    faulty = sum(file.survey.faulty for file in used)
    if faulty > config.max_bad_share * rows:
        yield Finding(
            Fault.BAD_LINES,
            f"{faulty:,} of its {rows:,} lines are bad, more than the {config.max_bad_share:.0%} that max_bad_share"
            f" allows; {_first_bad_line(used)}",
        )


def _first_bad_line(used: Iterable[Examined]) -> str:
    bad = next((bad for file in used for bad in file.survey.bad), None)
    return f"the first: {bad}" if bad else "none of them has a name"


def _check_change(config: ListConfig, used: Iterable[Examined], before: dict[str, int] | None) -> Iterator[Finding]:
    if not before:
        return
    now: Counter[str] = Counter()
    for file in used:
        now[file.source.category] += file.survey.names
    shares = f"max_change_share allows {config.max_change_share:.0%}"
    for category in ("", *sorted(before)):
        old = before[category] if category else sum(before.values())
        new = now[category] if category else now.total()
        if abs(new - old) < MIN_CHANGED_NAMES or abs(new - old) <= config.max_change_share * old:
            continue
        where = f"{category} has" if category and len(before) > 1 else "it has"
        sentence = f"{where} {new:,} names, the last good copy {old:,}; {shares}"
        if new < old:
            yield Finding(Fault.SHRANK, sentence)
            return
        # A young category may well double; only a list that grows as a whole is odd.
        if not category:
            yield Finding(Fault.GREW, sentence)
            return
