"""The draft of the site file that the set-up guide writes, put in place by somebody on the gateway."""

import difflib
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agent.commands.cli_options import DEFAULT_SITE, SiteOption, group_of_commands, load, say, told

setup = group_of_commands("The draft of the site file that the set-up guide of the console writes.")

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
NO_DRAFT: Final = "There is no draft; the set-up guide of the console writes one."


@setup.command()
def show(site: SiteOption = DEFAULT_SITE) -> None:
    """Show what the draft changes in the site file, and everything that is wrong with it."""
    with told():
        before, text = _texts(site, load(site))
        _tell(site, before, text)


@setup.command()
def put(*, site: SiteOption = DEFAULT_SITE, yes: YesOption = False) -> None:
    """Put the draft in place of the site file, which stays beside it, and let the gateway read it."""
    from agent.gateway.control import NotRunningError, ask_gateway
    from agent.sites.site_draft import drop_draft, put_in_place

    with told():
        loaded = load(site)
        before, text = _texts(site, loaded)
        _tell(site, before, text)
        if not yes:
            typer.confirm(f"Put this in place of {site}?", abort=True)
        kept = put_in_place(site.absolute(), text)
        drop_draft(Path(loaded.paths.state))
        say(f"Wrote {site}; what was there is in {kept}.")
        try:
            answer = ask_gateway(loaded.paths.runtime, {"do": "reload"})
        except NotRunningError:
            say("No gateway runs here; it reads the file when it starts.")
            return
    for line in (*answer.get("problems", ()), *answer.get("notes", ())):
        typer.echo(line, err=True)
    if not answer.get("ok"):
        typer.echo("Not reloaded; what was in force stays in force.", err=True)
        raise typer.Exit(2)
    say(
        "Reloaded. New lists are fetched now; `schoolgate lists status` shows when they are in force."
        " Where it answers is taken over at the next start of the gateway."
    )


def _texts(site: Path, loaded: Any) -> tuple[str, str]:
    from agent.sites.config import read_text
    from agent.sites.site_draft import read_draft

    draft = read_draft(Path(loaded.paths.state))
    if draft is None:
        typer.echo(NO_DRAFT, err=True)
        raise typer.Exit(1)
    return read_text(site), draft


def _tell(site: Path, before: str, text: str) -> None:
    """Print the change; end with 2 where the draft is no site."""
    from agent.sites.site_draft import problems_of

    for line in difflib.unified_diff(
        before.splitlines(), text.splitlines(), str(site), "the draft", lineterm="", n=1
    ):
        say(line)
    if problems := problems_of(text, site.absolute()):
        for problem in problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2)
