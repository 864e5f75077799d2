"""Registers: tables of what is on file, as JSON or CSV, by pseudonym; that one was given out is on record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, Response

from agent.api.incident_work_schemas import RegisterTold
from agent.api.parts import Asking, Call
from agent.incidents.incident_registers import Register

_CSV: Final = "text/csv; charset=utf-8"
_MAX_CHARACTERS: Final = 2_000


def add_register_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    as_csv: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
    for name, show in _ROUTES.items():
        router.get(f"/registers/{name}", response_model=RegisterTold, responses=as_csv)(show)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a register is for, and in which form it is wanted."""

    purpose: str
    form: Literal["json", "csv"]


async def _wanted(
    *,
    purpose: Annotated[str, Query(max_length=_MAX_CHARACTERS, description="What it is for.")] = "",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Wanted:
    return Wanted(purpose, form)


AsWanted: TypeAlias = Annotated[Wanted, Depends(_wanted)]
WithNames: TypeAlias = Annotated[bool, Query(description="Names in place of pseudonyms.")]


def incidents(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of incidents, as far as one may read them."""
    registers = call.parts.incidents.registers
    return _told(call, wanted, registers.incidents(call.person, purpose=wanted.purpose, with_names=with_names))


def warnings(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of warnings, and until when each of them counts."""
    registers = call.parts.incidents.registers
    return _told(call, wanted, registers.warnings(call.person, purpose=wanted.purpose, with_names=with_names))


def overrides(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of overrides."""
    registers = call.parts.request_registers
    return _told(call, wanted, registers.overrides(call.person, purpose=wanted.purpose, with_names=with_names))


def suspensions(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of suspensions."""
    registers = call.parts.request_registers
    return _told(call, wanted, registers.suspensions(call.person, purpose=wanted.purpose, with_names=with_names))


def media(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of media, with what was last proved of each."""
    registers = call.parts.media.registers
    return _told(call, wanted, registers.media(call.person, purpose=wanted.purpose, with_names=with_names))


def sign_outs(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show the register of media that went out or were brought in."""
    registers = call.parts.media.registers
    return _told(call, wanted, registers.sign_outs(call.person, purpose=wanted.purpose, with_names=with_names))


def rules(wanted: AsWanted, call: Asking, *, with_names: WithNames = False) -> RegisterTold | Response:
    """Show who accepted or declined which version of the rules, at which laptop."""
    register = call.parts.rules_register
    return _told(call, wanted, register.answers(call.person, purpose=wanted.purpose, with_names=with_names))


def referrals(wanted: AsWanted, call: Asking) -> RegisterTold | Response:
    """Show who outside was brought in about which case, and what came of it."""
    return _told(call, wanted, call.parts.incidents.registers.referrals(call.person, purpose=wanted.purpose))


def access(wanted: AsWanted, call: Asking) -> RegisterTold | Response:
    """Show who looked at what is kept about somebody, when, and for what purpose."""
    return _told(call, wanted, call.parts.incidents.registers.accesses(call.person, purpose=wanted.purpose))


def roles(wanted: AsWanted, call: Asking) -> RegisterTold | Response:
    """Show who holds which role since when, and which roles nobody holds."""
    return _told(call, wanted, call.parts.incidents.registers.roles(call.person, purpose=wanted.purpose))


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


def _told(call: Call, wanted: Wanted, register: Register) -> RegisterTold | Response:
    if wanted.form == "json":
        return RegisterTold(name=register.name, columns=list(register.columns), items=register.as_items())
    disposition = f'attachment; filename="{register.name}-{call.parts.clock():%Y-%m-%d}.csv"'
    return Response(register.as_csv(), media_type=_CSV, headers={"Content-Disposition": disposition})
