"""The registers of overrides and suspensions as tables, by pseudonym unless somebody asks for names.

That one was handed out, and for what purpose, is in the record, as with the registers about incidents.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from agent.incidents.incident_registers import Register
from agent.incidents.register_parts import WHOLE, Cell, Part, Placed, in_chunks
from agent.people.pseudonyms import Pseudonyms
from agent.requests.noted_registers import Namer, NotedRegisters
from agent.storage.override_rows import Filed, read_overrides
from agent.storage.state import Act, StateStore, instant_text
from agent.storage.suspension_rows import FiledSuspension, read_suspensions
from rules.roles import Right

_OVERRIDE_COLUMNS: Final = (
    "id", "requested_at", "requester", "state", "names", "categories", "lifts", "audiences", "groups", "from_at",
    "until_at", "is_break_glass", "approvers", "decided_at", "times_used", "devices",
)  # fmt: skip
_SUSPENSION_COLUMNS: Final = (
    "id", "requested_at", "requester", "state", "networks", "groups", "is_for_school", "from_at", "until_at",
    "agreed_by", "ended_at",
)  # fmt: skip


class RequestRegisters:
    """The registers; each raises `RefusedRequestError` where this person may not read it, or says no purpose."""

    def __init__(self, store: StateStore, pseudonyms: Pseudonyms) -> None:
        self._noted = NotedRegisters(store, pseudonyms, reading=frozenset({Right.READ_OVERRIDES}))

    def overrides(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every override, the newest request first."""

        def key(filed: Filed) -> tuple[str, str]:
            return instant_text(filed.override.requested_at), filed.override.id

        def make(act: Act, name: Namer) -> Iterator[Placed]:
            found = in_chunks(
                partial(read_overrides, act.database), key, part, at_of=lambda filed: filed.override.requested_at
            )
            return ((key(filed), _override(filed, name)) for filed in found)

        return self._noted.hand_out(
            "overrides", _OVERRIDE_COLUMNS, person, purpose=purpose, make=make, part=part, with_names=with_names
        )

    def suspensions(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every suspension, the newest request first."""

        def key(filed: FiledSuspension) -> tuple[str, str]:
            return instant_text(filed.suspension.requested_at), filed.suspension.id

        def make(act: Act, name: Namer) -> Iterator[Placed]:
            found = in_chunks(
                partial(read_suspensions, act.database), key, part, at_of=lambda filed: filed.suspension.requested_at
            )
            return ((key(filed), _suspension(filed, name)) for filed in found)

        return self._noted.hand_out(
            "suspensions", _SUSPENSION_COLUMNS, person, purpose=purpose, make=make, part=part, with_names=with_names
        )


def _override(filed: Filed, name: Namer) -> tuple[Cell, ...]:
    override, at = filed.override, filed.override.requested_at
    return (
        override.id,
        instant_text(at),
        name(override.requester, at),
        override.state.value,
        _words(override.lift.names),
        _words(sorted(override.lift.categories)),
        _words(sorted(override.lift.lifts)),
        _words(sorted(override.lift.audiences)),
        _words(sorted(override.lift.groups)),
        instant_text(override.lift.from_at),
        instant_text(override.lift.until_at),
        override.is_break_glass,
        "; ".join(name(each, at) for each in override.approvers),
        _instant(override.decided_at),
        filed.used.times if filed.used else None,
        filed.used.devices if filed.used else None,
    )


def _suspension(filed: FiledSuspension, name: Namer) -> tuple[Cell, ...]:
    suspension, at = filed.suspension, filed.suspension.requested_at
    return (
        suspension.id,
        instant_text(at),
        name(suspension.requester, at),
        suspension.state.value,
        _words(sorted(suspension.extent.networks)),
        _words(sorted(suspension.extent.groups)),
        suspension.extent.is_for_school,
        instant_text(suspension.from_at),
        instant_text(suspension.until_at),
        name(suspension.agreed_by or "", at),
        _instant(suspension.ended_at),
    )


def _words(values: Iterable[str]) -> str:
    return " ".join(values)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
