"""How the lists are doing, as text for a technician and as plain values for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from agent.lists.list_layout import Use
from agent.lists.list_status import ListStatus
from agent.lists.publisher import Generation

SHOWN_BAD_LINES = 5


def render_status(statuses: Sequence[ListStatus], generation: Generation | None) -> str:
    """Write a paragraph a list, and what is in force of them."""
    paragraphs = ["\n".join(_lines(each)) for each in statuses] or ["This site has no lists."]
    return "\n\n".join((*paragraphs, _in_force(generation))) + "\n"


def _in_force(generation: Generation | None) -> str:
    if generation is None:
        return "Nothing is compiled yet; `schoolgate lists update` does it."
    manifest = generation.manifest
    return (
        f"In force: generation {generation.number} of {manifest['created_at']}, {manifest['name_count']:,} names, "
        f"compiled in {manifest['seconds']:.1f} s with {manifest['peak_memory_bytes'] / 1e6:.0f} MB."
    )


def _lines(each: ListStatus) -> Iterator[str]:
    yield f"{each.name}: {each.state.replace('_', ' ')}"
    yield f"  source      {each.source}"
    if each.fetched_at is not None:
        yield f"  copy        of {_moment(each.fetched_at)}, {each.names:,} names from {each.rows:,} lines"
    if each.generation is not None:
        yield f"  in          generation {each.generation}"
    if each.next_refresh_at is not None:
        yield f"  next look   {_moment(each.next_refresh_at)}"
    if each.sentence:
        yield f"  last fault  {each.sentence}"
    if each.counts:
        yield "  not used    " + ", ".join(
            f"{count:,} {reason.replace('_', ' ')}" for reason, count in each.counts.items()
        )
    for bad in each.bad[:SHOWN_BAD_LINES]:
        yield f"    {bad}"
    for use, heading in ((Use.USED, "categories"), (Use.LEFT_OUT, "left out"), (Use.UNKNOWN, "not known")):
        if found := each.categories_by_use(use):
            yield f"  {heading:<12}" + ", ".join(
                f"{category.provider_category}"
                + (
                    f" as {'+'.join(category.tags)}"
                    if category.tags and category.tags != (category.provider_category,)
                    else ""
                )
                + f" ({category.names:,})"
                for category in found
            )
    if each.guard_names:
        yield "  guarded     " + ", ".join(each.guard_names[:SHOWN_BAD_LINES])


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def as_plain(each: ListStatus) -> dict[str, Any]:
    """Give everything as values that JSON knows."""
    return _plain(asdict(each))  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
