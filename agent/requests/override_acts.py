"""What every act on an override does: write it, the move that made it so and the row in the record, and tell."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from agent.people.attempts import UnknownIdError
from agent.storage.override_rows import LIVE, Filed, Use, read_override, write_move, write_override
from agent.storage.state import Act, instant_text
from rules.override import Move, next_state

SYSTEM: Final = "system"
USED: Final = "override_used"
KINDS: Final[Mapping[Move, str]] = {
    Move.APPROVE: "override_approved",
    Move.HALF_APPROVE: "override_half_approved",
    Move.BEGIN_AGAIN: "override_half_lapsed",
    Move.NARROW: "override_narrowed",
    Move.REFUSE: "override_refused",
    Move.WITHDRAW: "override_withdrawn",
    Move.REVOKE: "override_revoked",
    Move.END: "override_ended",
    Move.COUNTERSIGN: "override_countersigned",
    Move.LAPSE: "override_unconfirmed",
}

# Told within an act what happened, by the kind of its row in the record, and to what.
Tell = Callable[[Act, str, Filed], None]


def tell_nobody(_act: Act, _what: str, _filed: Filed) -> None:
    """Stand in for whoever is told."""


class UnknownOverrideError(UnknownIdError):
    """There is no override with this id."""


@dataclass(frozen=True, slots=True)
class Made:
    """A move that was made: by whom, and as what it stands in the record."""

    kind: str
    person: str
    move: str
    reason: str = ""
    personal: Mapping[str, str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def file_override(act: Act, filed: Filed, made: Made, tell: Tell) -> Filed:
    """Write an override, the move that made it so and its row in the record."""
    override_id = filed.override.id
    write_override(act.database, filed)
    write_move(act.database, override_id, at=act.now, person=made.person, move=made.move, reason=made.reason)
    facts = {**facts_of(filed), **made.facts}
    act.note(made.kind, actor=made.person, subject=override_id, facts=facts, personal=made.personal)
    tell(act, made.kind, filed)
    return filed


def existing(database: sqlite3.Connection, override_id: str) -> Filed:
    """Read an override.

    Raises:
        UnknownOverrideError: there is none with this id.
    """
    filed = read_override(database, override_id)
    if filed is None:
        raise UnknownOverrideError("There is no override with that id.")
    return filed


def is_over(filed: Filed, now: datetime) -> bool:
    """Say whether the clock has ended an override and nobody has written that down."""
    return filed.override.state in LIVE and filed.override.lift.until_at <= now


def end(act: Act, filed: Filed, tell: Tell, *, why: str = "") -> Filed:
    """Write down that an override has ended; `why` in a word where it is not by the clock."""
    after = replace(filed.override, state=next_state(filed.override, Move.END, sensitive=()))
    facts = {"was": filed.override.state.value} | ({"why": why} if why else {})
    return file_override(
        act, Filed(after, filed.version + 1), Made(KINDS[Move.END], SYSTEM, Move.END, facts=facts), tell
    )


def begin_again(act: Act, filed: Filed, tell: Tell) -> Filed:
    """Write down that nobody has agreed any more, because the first of two could not do so now."""
    override = filed.override
    state = next_state(override, Move.BEGIN_AGAIN, sensitive=())
    facts = {"agreed_before": list(override.approvers)}
    made = Made(KINDS[Move.BEGIN_AGAIN], SYSTEM, Move.BEGIN_AGAIN, facts=facts)
    return file_override(act, Filed(replace(override, state=state, approvers=()), filed.version + 1), made, tell)


def sum_up(act: Act, filed: Filed, tell: Tell, *, used: Use) -> Filed:
    """Write down how an override was used; that is no move, but who saw it before has not seen it as it is now."""
    summed_up = replace(filed, version=filed.version + 1, used=used)
    write_override(act.database, summed_up)
    act.note(USED, actor=SYSTEM, subject=filed.override.id, facts=asdict(used))
    tell(act, USED, summed_up)
    return summed_up


def facts_of(filed: Filed) -> dict[str, Any]:
    """Give what the record keeps of an override for ever."""
    override, lift = filed.override, filed.override.lift
    return {
        "state": override.state.value,
        "version": filed.version,
        "names": list(lift.names),
        "categories": sorted(lift.categories),
        "lifts": sorted(lift.lifts),
        "audiences": sorted(audience.value for audience in lift.audiences),
        "groups": sorted(lift.groups),
        "from_at": instant_text(lift.from_at),
        "until_at": instant_text(lift.until_at),
        "is_break_glass": override.is_break_glass,
        "approvers": list(override.approvers),
    }
