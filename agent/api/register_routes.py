"""Registers: tables of what is on file, as JSON or CSV, by pseudonym; that one was given out is on record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, Response

from agent.api.incident_work_schemas import RegisterTold
from agent.api.parts import Asking, Call
from agent.incidents.incident_registers import Register
from agent.incidents.register_parts import Part, part_of_days

_CSV: Final = "text/csv; charset=utf-8"
_MAX_CHARACTERS: Final = 2_000


def add_register_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    as_csv: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
    for name, show in _ROUTES.items():
        router.get(f"/registers/{name}", response_model=RegisterTold, responses=as_csv)(show)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a register is for, in which form it is wanted, and of which days, both included."""

    purpose: str
    form: Literal["json", "csv"]
    from_on: date | None = None
    until_on: date | None = None

    def part(self, call: Call) -> Part:
        """Give what of a register that is.

        Raises:
            RefusedRequestError: the last day is before the first.
        """
        return part_of_days(self.from_on, self.until_on, call.parts.timezone)


async def _wanted(
    *,
    purpose: Annotated[str, Query(max_length=_MAX_CHARACTERS, description="What it is for.")] = "",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    from_on: Annotated[date | None, Query(description="What was put on file on this day or later.")] = None,
    until_on: Annotated[date | None, Query(description="What was put on file on this day or earlier.")] = None,
) -> Wanted:
    return Wanted(purpose, form, from_on, until_on)


async def _wanted_as_it_is(
    *,
    purpose: Annotated[str, Query(max_length=_MAX_CHARACTERS, description="What it is for.")] = "",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Wanted:
    return Wanted(purpose, form)


AsWanted: TypeAlias = Annotated[Wanted, Depends(_wanted)]
# Of a register that says how something is now.
AsItIs: TypeAlias = Annotated[Wanted, Depends(_wanted_as_it_is)]
WithNames: TypeAlias = Annotated[bool, Query(description="Names in place of pseudonyms.")]


def incidents(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of incidents, as far as one may read them."""
    registers = call.parts.incidents.registers
    return _told(call, wanted, registers.incidents, with_names=with_names)


def warnings(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of warnings, and until when each of them counts."""
    registers = call.parts.incidents.registers
    return _told(call, wanted, registers.warnings, with_names=with_names)


def overrides(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of overrides."""
    registers = call.parts.request_registers
    return _told(call, wanted, registers.overrides, with_names=with_names)


def suspensions(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of suspensions."""
    registers = call.parts.request_registers
    return _told(call, wanted, registers.suspensions, with_names=with_names)


def media(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of media, with what was last proved of each."""
    registers = call.parts.media.registers
    return _told(call, wanted, registers.media, with_names=with_names)


def sign_outs(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of media that went out or were brought in."""
    registers = call.parts.media.registers
    return _told(call, wanted, registers.sign_outs, with_names=with_names)


def rules(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show who accepted or declined which version of the rules, at which laptop."""
    register = call.parts.rules_register
    return _told(call, wanted, register.answers, with_names=with_names)


def referrals(wanted: AsWanted, call: Asking) -> RegisterTold | Response:
    """Show who outside was brought in about which case, and what came of it."""
    return _told(call, wanted, call.parts.incidents.registers.referrals)


def access(wanted: AsWanted, call: Asking) -> RegisterTold | Response:
    """Show who looked at what is kept about somebody, when, and for what purpose."""
    return _told(call, wanted, call.parts.incidents.registers.accesses)


def roles(wanted: AsItIs, call: Asking) -> RegisterTold | Response:
    """Show who holds which role since when, and which roles nobody holds."""
    return _told(call, wanted, call.parts.incidents.registers.roles)


_ROUTES: Final[dict[str, Callable[..., RegisterTold | Response]]] = {
    "incidents": incidents,
    "warnings": warnings,
    "overrides": overrides,
    "suspensions": suspensions,
    "media": media,
    "sign-outs": sign_outs,
    "rules": rules,
    "referrals": referrals,
    "access": access,
    "roles": roles,
}


def _told(call: Call, wanted: Wanted, read: Callable[..., Register], **how: bool) -> RegisterTold | Response:
    register = read(call.person, purpose=wanted.purpose, part=wanted.part(call), **how)
    if wanted.form == "json":
        return RegisterTold(name=register.name, columns=list(register.columns), items=register.as_items())
    disposition = f'attachment; filename="{register.name}-{call.parts.clock():%Y-%m-%d}.csv"'
    return Response(register.as_csv(), media_type=_CSV, headers={"Content-Disposition": disposition})
