"""What of the record is for somebody who reviews it: what the filter and the record went through, and nobody's name.

A row about a request, or of who accepted the rules or declined them, tells neither what was done nor by whom, so that
none of these can be counted by kind; every other row about people or their things tells what happened, but not to
whom.
"""

from collections import Counter
from dataclasses import replace
from typing import Final

from agent.storage.record import Entry

# What stands in the place of the kind of such a row.
WITHHELD: Final = "request_withheld"
_OF_REQUESTS: Final = ("override_", "suspension_")
# Whoever counted these would take from them those who accepted, and know how few declined.
_OF_RULES: Final = "rules_answered"
# Told whole: who changes the filter and who approves it does that in office, and governors review it.
_WHOLE: Final = ("filter_", "record_", "gateway_", "api_")
_WHOLE_KINDS: Final = frozenset(
    {
        "clock_jumped",
        "intake_died",
        "machine_suspended",
        "packs_in_force",
        "rows_lost",
        "state_begun_anew",
        "worker_died",
    }
)
_COUNTS: Final = "counts"


def is_of_requests(kind: str) -> bool:
    """Say whether rows of this kind are about what somebody asked for, or answered when the rules were shown."""
    return kind.startswith(_OF_REQUESTS) or kind in (_OF_RULES, WITHHELD)


def reviewed_kind(kind: str) -> str:
    """Give the kind as which a row is told."""
    return WITHHELD if is_of_requests(kind) else kind


def reviewed(entry: Entry) -> Entry:
    """Give a row as it is told."""
    kind = reviewed_kind(entry.kind)
    if not kind.startswith(_WHOLE) and kind not in _WHOLE_KINDS:
        return replace(entry, kind=kind, actor="", subject="", facts={}, is_erased=False)
    if not isinstance(counts := entry.facts.get(_COUNTS), dict):
        return entry
    # What was counted by somebody to whom more is told.
    together: Counter[str] = Counter()
    for counted, number in counts.items():
        together[reviewed_kind(counted)] += number
    return replace(entry, facts={**entry.facts, _COUNTS: dict(sorted(together.items()))})
