"""What laptops saw, handed to whoever weighs it: each event at most once, with where the proof of it lies."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.fleet.fleet_reading import StoredEvent
from agent.observing.observing_told import IS_FINDING
from agent.storage.observation_rows import write_told
from agent.storage.state import Act
from rules.incident_kind import Kind
from rules.observation import Place
from rules.subject import Audience

Facts = Mapping[str, str | int | bool]
MOST_PROOFS: Final = 12
_MOST_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told, of whom and of when.

    Args:
        who: as `agent.fleet.device_sessions.DeviceSessions` gives it.
        signals: how many signs agree, where one alone `is_weak`.
        is_finding: whether the gateway itself found it, and somebody has to be told of it in any case.
    """

    kind: Kind
    at: datetime
    who: Mapping[str, Any]
    audience: Audience
    place: Place
    facts: Facts
    signals: int = 1
    is_weak: bool = False
    is_finding: bool = False


def tell(act: Act, known_as: str, told: Telling, *, proofs: Iterable[Mapping[str, str]] = ()) -> bool:
    """Let it be weighed; gives False where that was done before.

    Args:
        known_as: what it is known by for ever, such as the id of the event.
    """
    proof = list(proofs)[-MOST_PROOFS:]
    content = {
        **told.who,
        "kind": told.kind.value,
        "at": told.at.isoformat(),
        "audience": told.audience.value,
        "place": told.place.value,
        "evidence": f"laptop {known_as}",
        **({IS_FINDING: True} if told.is_finding else {}),
        "facts": {
            **told.facts,
            **({"proof": json.dumps(proof)} if proof else {}),
            "kind": told.kind.value,
            "signals": told.signals,
            "is_weak": told.is_weak,
        },
    }
    return write_told(act, known_as, content)


def proof_of(event: StoredEvent) -> dict[str, str]:
    """Say by what an event can be proved: its hash, and that of the body which its laptop signed."""
    return {
        "event": event.id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "hash": event.hash,
        "batch": event.batch,
    }


def line(value: object) -> str:
    """Give what a laptop said as one line of text."""
    text = str(value)[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()
    return "".join(each if each.isprintable() else " " for each in text)


def number(value: object) -> int:
    """Give a count that a laptop told, 0 where it is none."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count and isinstance(value, int) else 0
