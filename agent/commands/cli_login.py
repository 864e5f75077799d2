"""Signing in at the gateway and out again; every command that asks it for something acts as this person."""

import os
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.commands.cli_options import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    clock_of,
    load,
    print_json,
    read_password,
    say,
    tell_notice,
    told,
    usage,
)
from agent.commands.cli_times import Clock

if TYPE_CHECKING:
    from agent.commands.client_session import Server
    from agent.sites.site import Site

LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="The name of your account.")]
ServerOption = Annotated[
    str | None, typer.Option("--server", help="The address of the gateway; that of the site if not given.")
]
CaOption = Annotated[
    Path | None, typer.Option("--ca", help="A file of certificates in PEM that vouches for the gateway.")
]
FingerprintOption = Annotated[
    str | None, typer.Option("--fingerprint", help="SHA-256 of the gateway's certificate, as its start printed it.")
]
PasswordStdinOption = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password, and in a second line the one-time code, from there."),
]


def login(
    name: LoginArgument,
    *,
    server: ServerOption = None,
    ca: CaOption = None,
    fingerprint: FingerprintOption = None,
    site: SiteOption = DEFAULT_SITE,
    password_stdin: PasswordStdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sign in, so that the next commands act as you."""
    from agent.commands.client import Client
    from agent.commands.client_session import save_session, session_path

    with told():
        loaded = load(site) if server is None else None
        found = find_server(server, ca, fingerprint, loaded)
        password, code = _read_secrets(from_stdin=password_stdin)
        with Client(found) as client:
            session = client.sign_in(name, password, code)
        save_session(session_path(os.environ), session)
    if as_json:
        print_json({"person": session.person, "server": found.url, "ends_at": session.ends_at})
        return
    say(f"Signed in at {found.url} as {session.person}.")
    tell_notice(client.notice, Clock(session.timezone))


def logout() -> None:
    """Sign out: the session ends on the gateway, and is forgotten here."""
    from agent.commands.client import Client, SignInNeededError
    from agent.commands.client_session import forget_session, load_session, session_path

    path = session_path(os.environ)
    session = load_session(path)
    forget_session(path)
    if session is None:
        typer.echo("Nobody was signed in.")
        return
    with told(), Client(session.server, session) as client:
        try:
            client.delete("/session")
        except SignInNeededError:
            typer.echo("The session had ended already.")
            return
        tell_notice(client.notice, clock_of(client))
    typer.echo("Signed out.")


def find_server(server: str | None, ca: Path | None, fingerprint: str | None, site: "Site | None") -> "Server":
    """Find the gateway that is meant, and whom to trust for it.

    Args:
        server: its address as somebody wrote it; that of the site if not given.
        ca: a file of certificates.
        fingerprint: that of the gateway's own certificate.
        site: needed where no server is given; without `ca` and `fingerprint` its state folder says whom to trust.

    Raises:
        ConfigurationError: the options or the site do not say.
        UnreachableError: its certificate cannot be had.
    """
    from agent.commands.client import parse_server, trust_file, trust_fingerprint, trust_local
    from agent.commands.client_session import Server

    if ca is not None and fingerprint is not None:
        raise usage("--fingerprint", "--ca as well", "one of both")
    url = parse_server(server) if server is not None else _address_of(site)
    if ca is not None:
        return trust_file(url, ca)
    if fingerprint is not None:
        return trust_fingerprint(url, fingerprint)
    if server is None and site is not None:
        return trust_local(url, Path(site.paths.state) / "tls" / "certificate.pem")
    return Server(url)


def _address_of(site: "Site | None") -> str:
    api = site.listeners.api if site is not None else None
    if api is None:
        raise usage("listeners.api", "off", "an address such as 127.0.0.1:8443, or the option --server")
    if ip_address(api.address).is_unspecified:
        api = replace(api, address="::1" if ":" in api.address else "127.0.0.1")
    return f"https://{api}"


def _read_secrets(*, from_stdin: bool) -> tuple[str, str | None]:
    password = read_password(from_stdin=from_stdin)
    if from_stdin:
        return password, sys.stdin.readline().strip() or None
    code: str = typer.prompt("One-time code (empty if you have none)", default="", show_default=False, err=True)
    return password, code.strip() or None
