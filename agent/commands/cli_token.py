"""Tokens from a shell: made for programs that act in one's own name, listed, and ended."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_path,
    in_words,
    print_json,
    print_table,
    say,
    signed_in,
    told,
    usage,
)
from rules.roles import Right

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

token = group_of_commands("Tokens for programs that act in your name, within some of your rights.")

LabelArgument = Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")]
ScopeOption = Annotated[list[str], typer.Option("--scope", help="A right that it carries; may be repeated.")]
EndOption = Annotated[
    str | None, typer.Option("--until", help="When it ends: 90d, 2026-12-01; when it is revoked if not given.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The token, as `list` shows it.")]


@token.command()
def issue(label: LabelArgument, *, scopes: ScopeOption, until: EndOption = None, as_json: JsonOption = False) -> None:
    """Make a token; its secret is shown this once, and nobody can show it again."""
    from rules.document import suggest

    with told(), signed_in(quiet=as_json) as client:
        for each in scopes:
            if each not in tuple(Right):
                raise usage("--scope", f"'{each}'", suggest(each, tuple(Right), "one of"))
        clock = clock_of(client)
        ends_at = clock.read(None, until)[1].isoformat() if until is not None else None
        made = client.post("/tokens", {"label": label, "scopes": scopes, "ends_at": ends_at})
    if as_json:
        print_json(made)
        return
    say(f"Made the token {made['id']} for {label}, {_end(made, clock)}.")
    say(f"Its secret, shown this once: {made['secret']}")


@token.command("list")
def list_tokens(*, as_json: JsonOption = False) -> None:
    """List your own tokens, without their secrets."""
    with told(), signed_in(quiet=as_json) as client:
        found = list(client.pages("/tokens"))
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["label"],
            ", ".join(map(in_words, each["scopes"])),
            clock.show(each["created_at"]),
            _end(each, clock),
        )
        for each in found
    )
    print_table(("ID", "LABEL", "MAY", "MADE", "ENDS"), rows, empty="You have no tokens.")


@token.command()
def revoke(token_id: IdArgument) -> None:
    """End one of your own tokens at once."""
    with told(), signed_in() as client:
        client.delete(f"/tokens/{in_path(token_id)}")
    say(f"Revoked the token {token_id}.")


def _end(found: dict[str, Any], clock: "Clock") -> str:
    if found["revoked_at"]:
        return f"revoked {clock.show(found['revoked_at'])}"
    return f"until {clock.show(found['ends_at'])}" if found["ends_at"] else "until it is revoked"
