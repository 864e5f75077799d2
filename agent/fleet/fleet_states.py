"""What a laptop is like now, as far as it has told: the latest of each thing that lasts, with when that was so.

A medium stands here for as long as it is plugged in. What it was before stays among the events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agent.fleet.batch_reader import ReadEvent
from collectors.observed import Priority

MEDIA: Final = "media"
HEARTBEAT: Final = "heartbeat"
POSTURE: Final = "posture"
_HERE: Final = frozenset({"media_present", "media_inserted", "media_changed"})
_GONE: Final = frozenset({"media_removed", "media_unclean"})
_STARTED: Final = "service_started"
# What tells one thing of a kind from another, in the facts of those who observe it.
_NAMES: Final = ("key", "check", "name", "what")
_MAX_KEY_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """A state that begins, or ends where `is_over`; without a key, every one of the kind."""

    kind: str
    key: str
    is_over: bool = False


def changes_of(event: ReadEvent) -> Iterator[Change]:
    """Say what an event changes; most change nothing."""
    facts = event.facts
    if event.kind in _HERE or event.kind in _GONE:
        yield Change(MEDIA, _text(facts, "device") + "#" + _text(facts, "insertion"), is_over=event.kind in _GONE)
    elif event.kind == _STARTED:
        # What is plugged in is told anew after that.
        yield Change(MEDIA, "", is_over=True)
    elif event.kind == HEARTBEAT:
        yield Change(HEARTBEAT, "")
    elif event.priority == Priority.STATE:
        yield Change(event.kind, next((_text(facts, name) for name in _NAMES if name in facts), ""))


def _text(facts: dict[str, Any], name: str) -> str:
    return str(facts.get(name, ""))[:_MAX_KEY_CHARACTERS]
