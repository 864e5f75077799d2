"""People from a shell: what their roles allow, the first account, who there is, and taking over a school's lists."""

import base64
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from agent.cli_options import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    group_of_commands,
    in_words,
    load,
    print_json,
    print_table,
    read_password,
    say,
    signed_in,
    told,
    usage,
)

if TYPE_CHECKING:
    from rules.roles import Role

people = group_of_commands("The people of the school, their roles and their accounts.")

# What the API takes in one request.
MAX_FILE_OCTETS: Final = 1024 * 1024
_ZIP_MAGIC: Final = b"PK\x03\x04"


@people.command()
def rights(*, as_json: JsonOption = False) -> None:
    """Print the table of what each role may do."""
    from rules.roles import PRIVILEGED, RIGHTS, Right, Role

    held = {role: [right for right in Right if right in RIGHTS[role]] for role in Role}
    if as_json:
        print_json(held)
        return
    rows = (
        (
            in_words(role),
            "password and code" if role in PRIVILEGED else "password",
            ", ".join(map(in_words, may)) or "nothing",
        )
        for role, may in held.items()
    )
    print_table(("ROLE", "SIGNS IN WITH", "MAY"), rows, empty="There are no roles.")


@people.command()
def bootstrap(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the first person.")],
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of their account.")],
    *,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="What they are; network_manager if not given.")
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the first account, on the gateway itself and once; everybody else comes after it."""
    from agent.accounts import Accounts
    from agent.assembly import STATE_NAME
    from agent.storage.state import StateStore

    with told():
        roles = _roles(role or ["network_manager"])
        loaded = load(site)
        with closing(StateStore(Path(loaded.paths.state) / STATE_NAME, clock=lambda: datetime.now(UTC))) as store:
            accounts = Accounts(store, words=(loaded.school.name,), issuer=f"Schoolgate {loaded.school.name}")
            password = read_password(from_stdin=password_stdin, confirm=True)
            made = accounts.bootstrap(name, login, password, roles=roles)
    if as_json:
        print_json(asdict(made))
        return
    say(f"Made the account {made.login} for {name}, person {made.person}.")
    _tell_authenticator(asdict(made))


def _tell_authenticator(made: dict[str, Any]) -> None:
    if made["totp_secret"] is not None:
        say(f"The secret of its authenticator, shown this once: {made['totp_secret']}")
        say(f"The same for an app: {made['totp_uri']}")


def _roles(written: Sequence[str]) -> "frozenset[Role]":
    from rules.document import suggest
    from rules.roles import Role

    for each in written:
        if each not in tuple(Role):
            raise usage("--role", f"'{each}'", suggest(each, tuple(Role), "one of"))
    return frozenset(map(Role, written))


@people.command("list")
def list_people(
    *,
    with_closed: Annotated[bool, typer.Option("--with-closed", help="Those who left too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the people of the school with their roles."""
    with told(), signed_in() as client:
        found = list(client.pages("/people", {"with_closed": "true" if with_closed else None}))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["name"],
            ", ".join(map(in_words, each["roles"])) or ("left" if each["closed"] else ""),
            ", ".join(each["classes"]),
        )
        for each in found
    )
    print_table(("ID", "NAME", "ROLES", "CLASSES"), rows, empty="There are no people.")


@people.command()
def account(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of the account.")],
    *,
    person: Annotated[str, typer.Option("--person", help="The id of its owner, as `people list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Make an account for somebody; its first password is shown once, and its owner sets another."""
    with told(), signed_in() as client:
        made = client.post("/accounts", {"login": login, "person": person})
    if as_json:
        print_json(made)
        return
    say(f"Made the account {made['login']} for person {made['person']}.")
    say(f"Its first password, shown this once: {made['password']}")
    _tell_authenticator(made)
    say("Its owner sets a password and an authenticator that nobody else knows:")
    say("  schoolgate login, then schoolgate people password, and schoolgate people authenticator")


@people.command("close-account")
def close_account(login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of the account.")]) -> None:
    """Close an account and end its sessions; its owner stays on the record."""
    with told(), signed_in() as client:
        client.delete(f"/accounts/{quote(login, safe='')}")
    say(f"Closed the account {login}.")


@people.command()
def password(
    *, password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read both from there.")] = False
) -> None:
    """Give your own account another password; every session ends."""
    with told(), signed_in() as client:
        known = read_password(from_stdin=password_stdin)
        new = read_password(from_stdin=password_stdin, confirm=True, prompt="New password")
        client.post("/me/password", {"password": known, "new_password": new})
    say("The password is set. Sign in with it: schoolgate login")


@people.command()
def authenticator(
    *,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Give your own account another authenticator; every session ends."""
    with told(), signed_in() as client:
        made = client.post("/me/authenticator", {"password": read_password(from_stdin=password_stdin)})
    if as_json:
        print_json(made)
        return
    _tell_authenticator(made)
    say("Sign in with it: schoolgate login")


@people.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, or a OneRoster archive.")],
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a file of people would change, or take it over; who left is closed, never deleted."""
    with told(), signed_in() as client:
        roster = _read_roster(file)
        changes = client.post("/people/import/preview", roster)
        if apply:
            changes = client.post("/people/import", {**roster, "digest": changes["digest"]})
    if as_json:
        print_json(changes)
        return
    for line in changes["lines"]:
        say(line)
    for line in (*changes["bad_lines"], *changes["warnings"]):
        say(line, err=True)
    done = "Done" if changes["applied"] else "Nothing is changed yet; with --apply"
    say(f"{done}: {changes['added']} added, {changes['changed']} changed, {changes['closed']} closed.")


def _read_roster(file: Path) -> dict[str, Any]:
    """Read a file as the API takes it.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is no text and no archive.
    """
    try:
        with file.open("rb") as opened:
            octets = opened.read(MAX_FILE_OCTETS + 1)
    except OSError as error:
        raise usage(str(file), error.strerror or str(error), "a file that can be read") from None
    if len(octets) > MAX_FILE_OCTETS:
        raise usage(str(file), "more than 1 MB", "a smaller file; a large school goes in parts") from None
    if octets.startswith(_ZIP_MAGIC):
        return {"format": "oneroster", "content": base64.b64encode(octets).decode()}
    try:
        return {"format": "csv", "content": octets.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise usage(str(file), f"no UTF-8 at octet {error.start}", "CSV in UTF-8, or a OneRoster archive") from None
