"""Warnings about a case, from a shell: which were given, and taking one back."""

from typing import Annotated, Final

import typer

from agent.commands.cli_cases import CaseArgument, Found, case_of
from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_path,
    print_json,
    print_table,
    say,
    signed_in,
    told,
)
from agent.commands.cli_requests import ReasonOption

warning = group_of_commands("Warnings: which were given for a case, until when they count, and taking one back.")

_COLUMNS: Final = ("WARNING", "ROW", "GIVEN", "BY", "UNTIL", "STANDING")


@warning.command("list")
def list_warnings(case: CaseArgument, *, as_json: JsonOption = False) -> None:
    """List the warnings that were given for a case."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get(f"/incidents/{case_of(client, case)['id']}/warnings")["items"]
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["row"],
            clock.show(each["given_at"]),
            each["given_by"]["name"],
            each["expires_on"],
            _standing(each),
        )
        for each in found
    )
    print_table(_COLUMNS, rows, empty="No warning was given for this case.")


@warning.command()
def withdraw(
    warning_id: Annotated[str, typer.Argument(metavar="WARNING", help="The warning, as `warning list` shows it.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Take a warning back; nothing is proposed because of it any more."""
    with told(), signed_in(quiet=as_json) as client:
        made = client.post(f"/incidents/warnings/{in_path(warning_id)}/withdraw", {"reason": reason})
    if as_json:
        print_json(made)
    else:
        say(f"Warning {made['id']} is withdrawn.")


def _standing(found: Found) -> str:
    by = found["withdrawn_by"]
    return f"{found['standing']} by {by['name']}" if by else str(found["standing"])
