"""What the bench prints: one table, what it means, and how Schoolgate stands to the best peer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from load import TIMEOUT_SECONDS, median
from trial import RELOAD_OUTSTANDING, STEADY_QPS, Figures

Rows: TypeAlias = Sequence[tuple[str, Figures]]

_HEADINGS = (
    ("", ""),
    ("version", ""),
    ("queries/s", "mix"),
    ("CPU us", "a query"),
    ("lost", ""),
    ("queries/s", "misses"),
    ("CPU us", "a miss"),
    ("p50 ms", f"{STEADY_QPS // 1000} k/s"),
    ("p99 ms", f"{STEADY_QPS // 1000} k/s"),
    ("MB", "worker"),
    ("MB", "in all"),
    ("start", "s"),
    ("reload", "s"),
    ("lost in", "reload"),
)


def table(rows: Rows) -> str:
    """Lay the figures out under two lines of headings."""
    cells = [tuple(line) for line in zip(*_HEADINGS, strict=True)]
    cells += [_cells(name, figures) for name, figures in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(_align, row, widths, range(len(widths)))).rstrip() for row in cells)


def notes(rows: Rows) -> str:
    """Say what the table has no column for."""
    lines = [
        f"Lost: no answer in {TIMEOUT_SECONDS} s, or a failure as the answer, in the mix and steady runs.",
        "MB: the highest resident size seen.",
        "Reload: until a name that is new in the list is blocked, at half the load of the mix column;",
        f"at most {RELOAD_OUTSTANDING // TIMEOUT_SECONDS:,} questions lost in a reload can be counted a second.",
    ]
    for name, figures in rows:
        if figures.unfiltered_at_start:
            lines.append(f"{name} answered {figures.unfiltered_at_start} questions unfiltered after its start.")
        if figures.lost_misses:
            lines.append(f"{name} lost {figures.lost_misses} questions in the miss runs.")
        if figures.growth_mb:
            steps = ", ".join(f"{size:.1f}" for size in figures.growth_mb)
            lines.append(f"{name}: resident MB after each quarter of a million distinct new names: {steps}.")
    return "\n".join(lines)


def comparison(rows: Rows) -> str:
    """Compare Schoolgate with the best peer, and two workers with one."""
    ours = {name: figures for name, figures in rows if name.startswith("schoolgate")}
    peers = {name: figures for name, figures in rows if name not in ours}
    lines = []
    if one := ours.get("schoolgate"):
        if best := _best(peers, lambda figures: median(figures.qps), highest=True):
            lines.append(
                f"Schoolgate / fastest peer ({best[0]}), queries a second: {_ratio(median(one.qps), best[1])}"
            )
        if best := _best(peers, lambda figures: median(figures.p99_ms), highest=False):
            lines.append(f"Schoolgate / best peer ({best[0]}), p99: {_ratio(median(one.p99_ms), best[1])}")
        if two := ours.get("schoolgate-2-workers"):
            lines.append(f"Two workers / one, CPU time a query: {_ratio(median(two.cpu_us), median(one.cpu_us))}")
    return "\n".join(lines)


def _cells(name: str, figures: Figures) -> tuple[str, ...]:
    return (
        name,
        figures.version,
        _text(median(figures.qps), ",.0f"),
        _text(median(figures.cpu_us), ".2f"),
        str(figures.lost),
        _text(median(figures.miss_qps), ",.0f"),
        _text(median(figures.miss_cpu_us), ".2f"),
        _text(median(figures.p50_ms), ".3f"),
        _text(median(figures.p99_ms), ".3f"),
        _text(figures.resident_mb, ".0f"),
        _text(figures.tree_mb, ".0f"),
        _text(figures.start_s, ".2f"),
        _text(figures.reload_s, ".2f"),
        _text(figures.lost_in_reload, ","),
    )


def _align(text: str, width: int, place: int) -> str:
    return text.ljust(width) if place < 2 else text.rjust(width)


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _ratio(ours: float | None, theirs: float | None) -> str:
    return "unknown" if ours is None or not theirs else f"{ours / theirs:.2f}"


def _best(
    peers: Mapping[str, Figures], figure: Callable[[Figures], float | None], *, highest: bool
) -> tuple[str, float] | None:
    found = [(name, value) for name, figures in peers.items() if (value := figure(figures)) is not None]
    if not found:
        return None
    return (max if highest else min)(found, key=lambda pair: pair[1])
