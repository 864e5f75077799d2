"""What the bench asks: a list of a million names, ten thousand names that are not on it, and questions about both.

Everything comes from one seed and stands under reserved top-level domains, so two runs ask the same questions.
"""

import itertools
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SEED: Final = 20_261_121
LISTED_NAMES: Final = 1_000_000
ALLOWED_NAMES: Final = 10_000
BLOCKED_SHARE: Final = 0.3
AAAA_SHARE: Final = 0.4
# Stands in templates where a run puts its own letter, so that no run asks for a name that a cache has seen before.
RUN_MARK: Final = "~"

_SYLLABLES: Final = tuple(
    re.findall(
        r"\w+",
        "ba bel bo bri ca cen cho da del do dra el fa fen fi ga gar ge gi go ha hi ho in ja ka ko la len li lo lu ma "
        "mar me mi mo na ne no o pa per pi po qua ra re ri ro sa se si so ta te ti to tri u va ve vi vo wa xa ze zo",
    )
)
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Names:
    """The names that the servers must block, with everything below them, and names that they must not."""

    listed: list[str]
    allowed: list[str]


def build_names(count: int = LISTED_NAMES) -> Names:
    """Make the list, as mixed as published ones: most names two labels deep, some three, 12 to 30 octets."""
    rng = random.Random(SEED)
    seen: dict[str, None] = {}
    # Parents as public suffixes have them: many registrations below, never listed themselves.
    parents = ("example", "test", *(f"{_word(rng)}{n}.{tld}" for n in range(40) for tld in ("example", "test")))
    weights = [400, 400, *[3] * (len(parents) - 2)]
    while len(seen) < count + ALLOWED_NAMES:
        for parent in rng.choices(parents, weights, k=10_000):
            seen[f"{_label(rng)}.{parent}"] = None
    names = list(seen)[: count + ALLOWED_NAMES]
    return Names(listed=names[:count], allowed=names[count:])


def write_mix(path: Path, names: Names, lines: int) -> None:
    """Write the template of the school's mix: 30 % below listed names, 70 % of the allowed names by Zipf."""
    rng = random.Random(SEED + 1)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(names.allowed) + 1)))
    allowed = rng.choices(names.allowed, cum_weights=weights, k=lines)
    listed = rng.choices(names.listed, k=lines)
    with path.open("w", encoding="ascii") as file:
        for number in range(lines):
            below = f"{_base36(number)}{RUN_MARK}{rng.choice(_SYLLABLES)}"
            name = f"{below}.{listed[number]}" if rng.random() < BLOCKED_SHARE else allowed[number]
            file.write(f"{name} {_qtype(rng)}\n")


def write_misses(path: Path, lines: int) -> None:
    """Write the template of names that nobody has asked for yet and nobody has listed."""
    rng = random.Random(SEED + 2)
    with path.open("w", encoding="ascii") as file:
        for number in range(lines):
            file.write(f"{_word(rng)}-{RUN_MARK}{_base36(number)}.{rng.choice(('example', 'test'))} {_qtype(rng)}\n")


def write_every_name(path: Path, names: Sequence[str]) -> None:
    """Write each name once with both types, to fill the caches before anything is measured."""
    path.write_text("".join(f"{name} A\n{name} AAAA\n" for name in names), encoding="ascii")


def write_run(template: Path, path: Path, mark: str) -> None:
    """Write the query file of one run: the template with this run's mark."""
    path.write_bytes(template.read_bytes().replace(RUN_MARK.encode(), mark.encode()))


def marks() -> Iterable[str]:
    """Yield marks that no other run has had."""
    return (f"-{first}{second}-" for first in _BASE36[10:] for second in _BASE36)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3, 3, 4))))


def _label(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return f"{_word(rng)}{_word(rng)}"
    if kind < 0.7:
        return f"{_word(rng)}-{_word(rng)}"
    return f"{_base36(rng.randrange(36**3, 36**4))}-{_word(rng)}"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
        if not number:
            return digits


def _qtype(rng: random.Random) -> str:
    return "AAAA" if rng.random() < AAAA_SHARE else "A"
