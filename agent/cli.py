"""The command line: every command, what it prints and how it ends.

Exit codes: 0 done, 1 the thing asked for is not so, 2 usage or configuration. Modules are loaded by the command that
needs them, because a person waits for each of them.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.commands.cli_audit import audit
from agent.commands.cli_device import device
from agent.commands.cli_endpoint import endpoint
from agent.commands.cli_filter import filter_changes
from agent.commands.cli_incident import incident
from agent.commands.cli_login import login, logout
from agent.commands.cli_media import media
from agent.commands.cli_notify import notify
from agent.commands.cli_options import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    group_of_commands,
    load,
    load_in_force,
    read_site,
    told,
)
from agent.commands.cli_override import override
from agent.commands.cli_packs import packs
from agent.commands.cli_people import people
from agent.commands.cli_register import register
from agent.commands.cli_setup import setup
from agent.commands.cli_simulate import simulate
from agent.commands.cli_status import status
from agent.commands.cli_suspend import suspend
from agent.commands.cli_token import token

app = typer.Typer(
    name="schoolgate",
    help="E-safety for schools: a DNS gateway that enforces the school's own acceptable-use table.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
lists = group_of_commands("The lists that names are looked up in.")
for name, commands in {
    "lists": lists,
    "override": override,
    "suspend": suspend,
    "filter": filter_changes,
    "incident": incident,
    "register": register,
    "media": media,
    "device": device,
    "endpoint": endpoint,
    "people": people,
    "packs": packs,
    "setup": setup,
    "audit": audit,
    "notify": notify,
    "token": token,
}.items():
    app.add_typer(commands, name=name)
for command in (login, logout, status, simulate):
    app.command()(command)

VersionOption = Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)]


def main() -> None:
    """Run the command line."""
    app()


@app.callback(invoke_without_command=True)
def before_every_command(*, version: VersionOption = False) -> None:
    """Take options that belong to no command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"schoolgate {version_of('schoolgate')}")
        raise typer.Exit


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="A folder, made if it is not there.")]) -> None:
    """Write an example site, commented, that runs as it is."""
    from agent.sites.example import write_example

    with told():
        written = write_example(directory)
    typer.echo(f"Wrote {written}. Try: schoolgate check {written}")


@app.command()
def check(site: Annotated[Path, typer.Argument(help="The site file.")] = DEFAULT_SITE) -> None:
    """Say every problem of a site, or what it means in plain words."""
    from agent.categories import load_categories
    from agent.explaining.check import describe
    from agent.sites.site_packs import packs_of
    from agent.texts import load_texts

    with told():
        loaded = _checked(site)
        texts = load_texts(loaded.school.language)
        typer.echo(describe(loaded, load_categories(), texts, packs=packs_of(loaded)), nl=False)
        for warning in _people_warnings(loaded) if loaded.listeners.api is not None else ():
            typer.echo(f"warning: {warning}", err=True)


def _checked(path: Path) -> Any:
    """Read a site with what was approved of its filter, which has to go with the file."""
    from agent.filter_changing.filter_in_force import FilterInForce
    from rules.errors import StorageError

    in_force = FilterInForce(read_site(path, tells_warnings=True))
    try:
        in_force.lay_over()
    except StorageError as error:
        typer.echo(f"warning: {error}, so this is what the file alone means", err=True)
    if in_force.over:
        typer.echo(f"note: this is the file with what was approved over it, up to {in_force.over}", err=True)
    return in_force.site


def _people_warnings(site: Any) -> list[str]:
    from agent.assembly import STATE_NAME
    from agent.people.confirmations import warn_of_beginning
    from agent.people.people import read_approvers, warn_of_approvers
    from agent.storage.state import is_begun, read_only
    from rules.errors import StorageError

    path = Path(site.paths.state) / STATE_NAME
    found = [warn_of_approvers(0)]
    try:
        if is_begun(path):
            with read_only(path) as database:
                found = [warn_of_approvers(len(read_approvers(database))), warn_of_beginning(database)]
    except (StorageError, OSError):
        # That it cannot be read was said.
        return []
    return [warning for warning in found if warning]


@app.command()
def gateway(
    site: SiteOption = DEFAULT_SITE,
    *,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON, one object a line.")] = False,
) -> None:
    """Run the daemon."""
    from agent.gateway.gateway import Gateway
    from agent.logs import configure_logs

    configure_logs(style="json" if log_json else "text")
    with told():
        asyncio.run(Gateway(read_site(site, tells_warnings=True), say=typer.echo).run())


@app.command()
def reload(site: SiteOption = DEFAULT_SITE) -> None:
    """Make the running gateway read its site again; a bad file is refused and the old one stays."""
    from agent.gateway.control import ask_gateway

    with told():
        answer = ask_gateway(load(site).paths.runtime, {"do": "reload"})
    for line in (*answer.get("problems", ()), *answer.get("notes", ())):
        typer.echo(line, err=True)
    if not answer.get("ok"):
        typer.echo("Not reloaded; the policy before stays in force.", err=True)
        raise typer.Exit(2)
    if not answer.get("applied"):
        typer.echo("Published, but not every worker has applied it yet.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Reloaded: every worker answers by policy {answer['policy_generation']}.")


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The name in question.")],
    *,
    who: Annotated[str, typer.Option("--as", help="pupil, staff, guest, a group or an address.")],
    at: Annotated[
        str | None, typer.Option("--at", help="When: `2026-11-24T10:14`, `tue 10:14`; now if not given.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Say why a name is blocked or allowed, to the literal line of the list."""
    from agent.categories import load_categories
    from agent.explaining.explain import as_json as to_json
    from agent.explaining.explain_site import explain_site
    from agent.explaining.explain_text import render
    from agent.texts import load_texts

    with told():
        loaded = load_in_force(site)
        explanation = explain_site(loaded, name=name, who=who, at=at, now=datetime.now(UTC))
        if as_json:
            typer.echo(
                json.dumps(to_json(explanation, language=loaded.school.language), ensure_ascii=False, indent=2)
            )
        else:
            texts = load_texts(loaded.school.language)
            typer.echo(render(explanation, loaded, load_categories(), texts), nl=False)
    raise typer.Exit(0)


@lists.command("update")
def lists_update(
    names: Annotated[list[str] | None, typer.Argument(help="The lists to look at; all if none is named.")] = None,
    *,
    site: SiteOption = DEFAULT_SITE,
    force: Annotated[bool, typer.Option(help="Take copies that look implausible, once.")] = False,
    offline: Annotated[bool, typer.Option(help="Ask nobody over the network.")] = False,
) -> None:
    """Look at the sources of lists now; compile and publish what has changed."""
    with told():
        loaded = load_in_force(site)
        with _updating(loaded) as updater:
            report = updater.update(names or None, force=force, offline=offline, wait_seconds=30.0)
        _tell_update(loaded, report)


@lists.command("import")
def lists_import(
    name: Annotated[str, typer.Argument(help="The list that it is a copy of.")],
    file: Annotated[Path, typer.Argument(help="A file, a packed folder or a folder.")],
    *,
    site: SiteOption = DEFAULT_SITE,
    force: Annotated[bool, typer.Option(help="Take a copy that looks implausible, once.")] = False,
) -> None:
    """Take a file as the new copy of a list, as if its source had given it."""
    with told():
        loaded = load_in_force(site)
        with _updating(loaded) as updater:
            report = updater.import_bundle(name, file, force=force, wait_seconds=30.0)
        _tell_update(loaded, report)


@contextmanager
def _updating(site: Any) -> Iterator[Any]:
    from agent.assembly import open_generations
    from agent.lists.list_progress import progress_for
    from agent.lists.list_updater import ListUpdater

    with progress_for() as progress:
        yield ListUpdater(site, index=open_generations(site), progress=progress)


def _tell_update(site: Any, report: Any) -> None:
    """Print how an update ended, let a running gateway take it, and end with 1 where something is not well."""
    if report.fault:
        typer.echo(report.fault, err=True)
    if report.generation is not None:
        typer.echo(f"Generation {report.generation} is in force.")
        _let_gateway_adopt(site)
    else:
        typer.echo("The generation in force stays.")
    if not report.is_good:
        raise typer.Exit(1)


def _let_gateway_adopt(site: Any) -> None:
    from agent.gateway.control import NotRunningError, ask_gateway

    try:
        answer = ask_gateway(site.paths.runtime, {"do": "adopt"})
    except NotRunningError:
        typer.echo("No gateway is running for this site; it will take this generation when it starts.")
        return
    if answer.get("ok"):
        typer.echo("Every worker of the running gateway answers by it.")
    else:
        typer.echo("The running gateway has not taken it everywhere yet.", err=True)


@lists.command("rollback")
def lists_rollback(
    to: Annotated[int | None, typer.Argument(help="A generation; the one before if not given.")] = None,
    *,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Put an earlier generation of the compiled lists in force, until the lists or the site change."""
    from agent.assembly import open_generations

    with told():
        loaded = load_in_force(site)
        generation = open_generations(loaded).rollback(to)
        typer.echo(f"Generation {generation.number} of {generation.manifest['created_at']} is in force.")
        _let_gateway_adopt(loaded)


@lists.command("status")
def lists_status(*, site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Show how old and large each list is, what of it is used and what is wrong with it."""
    from agent.assembly import open_generations
    from agent.lists.list_status import status
    from agent.lists.list_status_text import as_plain, render_status

    with told():
        loaded = load_in_force(site)
        store = open_generations(loaded)
        statuses = status(loaded, now=datetime.now(UTC), index=store)
        if as_json:
            typer.echo(json.dumps([as_plain(each) for each in statuses], ensure_ascii=False, indent=2))
        else:
            typer.echo(render_status(statuses, store.current()), nl=False)


if __name__ == "__main__":
    main()
