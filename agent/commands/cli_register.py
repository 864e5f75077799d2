"""Registers from a shell: shown as a table, or written as CSV or JSON."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agent.commands.cli_cases import PurposeOption
from agent.commands.cli_options import (
    JsonOption,
    group_of_commands,
    in_words,
    print_json,
    print_table,
    say,
    signed_in,
    told,
)

register = group_of_commands(
    "Registers: incidents, warnings, overrides, suspensions, media, sign-outs, rules, access and more."
)


class Name(StrEnum):
    """The registers that there are."""

    INCIDENTS = "incidents"
    WARNINGS = "warnings"
    OVERRIDES = "overrides"
    SUSPENSIONS = "suspensions"
    MEDIA = "media"
    SIGN_OUTS = "sign-outs"
    RULES = "rules"
    REFERRALS = "referrals"
    ACCESS = "access"
    ROLES = "roles"


NameArgument = Annotated[Name, typer.Argument(metavar="REGISTER", help=", ".join(Name))]
NamesOption = Annotated[bool, typer.Option("--with-names", help="Names in place of pseudonyms.")]
# What a table on a terminal has room for; --json and CSV have everything.
_SHOWN: Final = {
    Name.INCIDENTS: ("number", "filed_at", "kind", "subject", "track", "state", "row", "closed_at"),
    Name.MEDIA: ("medium", "kind", "owner", "state", "stated", "proved", "proved_at", "purge_on"),
    Name.OVERRIDES: ("id", "requested_at", "requester", "state", "names", "categories", "groups", "until_at"),
}


@register.command()
def show(
    name: NameArgument, *, purpose: PurposeOption, with_names: NamesOption = False, as_json: JsonOption = False
) -> None:
    """Show a register; that you looked, and why, is on record."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get(f"/registers/{name}", _parameters(purpose, "json", with_names=with_names))
    if as_json:
        print_json(found["items"])
        return
    columns = _SHOWN.get(name, tuple(found["columns"]))
    rows = ([_cell(item[column]) for column in columns] for item in found["items"])
    print_table([in_words(column).upper() for column in columns], rows, empty="There is nothing on this register.")


@register.command()
def export(
    name: NameArgument,
    *,
    purpose: PurposeOption,
    with_names: NamesOption = False,
    out: Annotated[Path | None, typer.Option("--out", help="A file; otherwise it is printed.")] = None,
) -> None:
    """Write a register as CSV; that it was given out, and why, is on record."""
    from agent.commands.cli_audit import new_file

    with told(), signed_in(quiet=True) as client:
        parameters = _parameters(purpose, "csv", with_names=with_names)
        with client.chunks(f"/registers/{name}", parameters) as chunks:
            if out is None:
                for chunk in chunks:
                    sys.stdout.buffer.write(chunk)
                return
            with new_file(out) as file:
                for chunk in chunks:
                    file.write(chunk)
    say(f"Wrote {out}.", err=True)


def _parameters(purpose: str, form: str, *, with_names: bool) -> dict[str, str | None]:
    return {"purpose": purpose, "format": form, "with_names": "true" if with_names else None}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
