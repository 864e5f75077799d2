"""People from a shell: what their roles allow, the first account, who there is, and taking over a school's lists."""

import base64
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from pwd import getpwuid
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_options import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    clock_of,
    group_of_commands,
    in_path,
    in_words,
    load,
    print_facts,
    print_json,
    print_table,
    read_password,
    say,
    signed_in,
    told,
    usage,
)

if TYPE_CHECKING:
    from agent.commands.client import Client
    from rules.roles import Role

people = group_of_commands("The people of the school, their roles and their accounts.")

RoleOption = Annotated[list[str], typer.Option("--role", help="What they are; may be repeated.")]
ClassOption = Annotated[
    list[str] | None, typer.Option("--class", help="A class, by its title or id; may be repeated.")
]
PersonArgument = Annotated[str, typer.Argument(metavar="ID", help="The person, as `people list` shows them.")]

# So large that the API takes it in base64.
MAX_FILE_OCTETS: Final = 11 * 1024 * 1024
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
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the person; with --again, also the id of a known one.")
    ],
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of their account.")],
    *,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="What they are; network_manager if not given.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="One more, where fewer than two people who manage people can sign in.")
    ] = False,
    site: SiteOption = DEFAULT_SITE,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the first account, on the gateway itself and once; everybody else comes after it."""
    from agent.assembly import STATE_NAME
    from agent.notices.notify_acts import tell_of_people
    from agent.people import bootstrap as making
    from agent.people.accounts import Accounts
    from agent.people.people import People
    from agent.sites.site import NoticeKind
    from agent.storage.state import StateStore

    with told():
        roles = _roles(role or making.FIRST_ROLES)
        loaded = load(site)
        with closing(StateStore(Path(loaded.paths.state) / STATE_NAME, clock=lambda: datetime.now(UTC))) as store:
            accounts = Accounts(store, words=(loaded.school.name,), issuer=f"Schoolgate {loaded.school.name}")
            password = read_password(from_stdin=password_stdin, confirm=True)
            with store.act() as act:
                make = partial(making.bootstrap_again, os_user=_os_user()) if again else making.bootstrap
                made = make(act, People(store), accounts, name=name, login=login, password=password, roles=roles)
                if again:
                    settings, timezone = loaded.private.notifications, loaded.school.timezone
                    tell_of_people(act, settings, NoticeKind.PEOPLE_BOOTSTRAPPED, timezone=timezone)
    if as_json:
        print_json(asdict(made))
        return
    whose = "" if name == made.person else f" for {name}"
    say(f"Made the account {made.login}{whose}, person {made.person}.")
    _tell_authenticator(asdict(made))


def _os_user() -> str:
    try:
        return getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


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
    with told(), signed_in(quiet=as_json) as client:
        found = list(client.pages("/people", {"with_closed": "true" if with_closed else None}))
        titles = {} if as_json else _titles(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["name"],
            _shown_roles(each) or ("left" if each["closed"] else ""),
            ", ".join(titles.get(school_class, school_class) for school_class in each["classes"]),
        )
        for each in found
    )
    print_table(("ID", "NAME", "ROLES", "CLASSES"), rows, empty="There are no people.")


def _shown_roles(person: dict[str, Any]) -> str:
    waiting = (f"{in_words(role)} (waits)" for role in person["waiting"])
    return ", ".join((*map(in_words, person["roles"]), *waiting))


@people.command("waiting")
def list_waiting(*, as_json: JsonOption = False) -> None:
    """List what waits for a second person, and what one person gave alone while the school began."""
    with told(), signed_in(quiet=as_json) as client:
        found = list(client.pages("/people/waiting"))
        clock = None if as_json else clock_of(client)
    if clock is None:
        print_json(found)
        return
    rows = (
        (
            each["person"]["id"],
            each["person"]["name"],
            _shown_given(given),
            given["given_by"]["name"] if given["given_by"] else "the gateway itself",
            clock.show(given["given_at"]),
            _stage(given),
        )
        for each in found
        for given in each["given"]
    )
    header = ("ID", "NAME", "GIVEN", "BY", "AT", "STAGE")
    print_table(header, rows, empty="Nothing waits for a second person.")


def _shown_given(given: dict[str, Any]) -> str:
    return in_words(given["name"]) if given["what"] == "role" else f"account {given['name']}"


def _stage(given: dict[str, Any]) -> str:
    if given["is_in_force"]:
        return "in force, confirmed by nobody"
    return "waits" if given["is_own"] else "waits until its owner has set a password and an authenticator"


@people.command()
def confirm(person: PersonArgument, *, as_json: JsonOption = False) -> None:
    """Confirm what somebody was given who decides; ask them first, not whoever gave it."""
    _settle(person, "confirm", "Confirmed", as_json=as_json)


@people.command()
def refuse(person: PersonArgument, *, as_json: JsonOption = False) -> None:
    """Take away what nobody has confirmed of somebody; whoever has no role left is closed."""
    _settle(person, "refuse", "Refused", as_json=as_json)


def _settle(person: str, decision: str, done: str, *, as_json: bool) -> None:
    """Decide about what is given to somebody, as it stands now."""
    with told(), signed_in(quiet=as_json) as client:
        waiting = (each for each in client.pages("/people/waiting") if each["person"]["id"] == person)
        # Where nothing waits, the gateway says so.
        version = next((each["version"] for each in waiting), 0)
        settled = client.post(f"/people/{in_path(person)}/{decision}", version=version)
    if as_json:
        print_json(settled)
        return
    for word, part in ((done, "done"), ("Waits still", "left")):
        if settled[part]:
            say(f"{word} of {settled['name']}: {', '.join(map(_shown_given, settled[part]))}.")


def _titles(client: "Client") -> dict[str, str]:
    return {each["id"]: each["title"] for each in client.pages("/classes")}


@people.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What they are called.")],
    *,
    roles: RoleOption,
    classes: ClassOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open somebody who is not known yet; `people account` makes them an account."""
    with told(), signed_in(quiet=as_json) as client:
        body = {"name": name, "roles": sorted(_roles(roles)), "classes": _classes(client, classes or ())}
        _tell_person(client.post("/people", body), _titles(client), as_json=as_json)


@people.command("roles")
def set_roles(person: PersonArgument, *, roles: RoleOption, as_json: JsonOption = False) -> None:
    """Give somebody these roles and no others, whoever comes back too; their sessions end."""
    with told(), signed_in(quiet=as_json) as client:
        _set(client, person, "roles", sorted(_roles(roles)), as_json=as_json)


@people.command("classes")
def set_classes(
    person: PersonArgument,
    *,
    classes: ClassOption = None,
    none: Annotated[bool, typer.Option("--none", help="No class.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put somebody into these classes and no others."""
    with told(), signed_in(quiet=as_json) as client:
        if none is bool(classes):
            raise usage("--class", "a class and --none" if none else "nothing", "one of --class and --none")
        _set(client, person, "classes", _classes(client, classes or ()), as_json=as_json)


@people.command("close")
def close_person(person: PersonArgument, *, as_json: JsonOption = False) -> None:
    """Close somebody who leaves: roles, accounts and tokens end, and the record keeps them."""
    with told(), signed_in(quiet=as_json) as client:
        place = f"/people/{in_path(person)}"
        closed = client.post(f"{place}/close", version=client.get(place)["version"])
        _tell_person(closed, {}, as_json=as_json)


def _set(client: "Client", person: str, part: str, values: list[str], *, as_json: bool) -> None:
    """Set a part of somebody, at the version that stands now, and tell what came of it."""
    place = f"/people/{in_path(person)}"
    made = client.put(f"{place}/{part}", {part: values}, version=client.get(place)["version"])
    _tell_person(made, _titles(client), as_json=as_json)


def _classes(client: "Client", written: Sequence[str]) -> list[str]:
    """Give the ids of classes, which people call by their titles.

    Raises:
        ConfigurationError: there is none of that title, or several.
    """
    titles = _titles(client) if written else {}
    return [_class(each, titles) for each in written]


def _class(written: str, titles: dict[str, str]) -> str:
    from rules.document import suggest

    found = [ident for ident, title in titles.items() if written in (ident, title)]
    if not found:
        raise usage("--class", f"'{written}'", suggest(written, tuple(titles.values()), "one of"))
    if len(found) > 1:
        raise usage("--class", f"{len(found)} classes called '{written}'", f"an id, one of {', '.join(found)}")
    return found[0]


def _tell_person(told_of: dict[str, Any], titles: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(told_of)
        return
    roles = "left" if told_of["closed"] else _shown_roles(told_of)
    classes = ", ".join(titles.get(each, each) for each in told_of["classes"])
    print_facts((("person", told_of["id"]), ("name", told_of["name"]), ("roles", roles), ("classes", classes)))
    for warning in told_of["warnings"]:
        say(f"warning: {warning}", err=True)


@people.command()
def account(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of the account.")],
    *,
    person: Annotated[str, typer.Option("--person", help="The id of its owner, as `people list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Make an account for somebody; its first password is shown once, and its owner sets another."""
    with told(), signed_in(quiet=as_json) as client:
        made = client.post("/accounts", {"login": login, "person": person})
    if as_json:
        print_json(made)
        return
    say(f"Made the account {made['login']} for person {made['person']}.")
    say(f"Its first password, shown this once: {made['password']}")
    _tell_authenticator(made)
    say("Its owner sets a password and an authenticator that nobody else knows:")
    say("  schoolgate login, then schoolgate people password, and schoolgate people authenticator")
    if made["waits"]:
        say("It works once they have, and somebody else who manages people has asked them and confirmed it:")
        say(f"  schoolgate people confirm {made['person']}")


@people.command("close-account")
def close_account(login: Annotated[str, typer.Argument(metavar="LOGIN", help="The name of the account.")]) -> None:
    """Close an account and end its sessions; its owner stays on the record."""
    with told(), signed_in() as client:
        client.delete(f"/accounts/{in_path(login)}")
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
    with told(), signed_in(quiet=as_json) as client:
        made = client.post("/me/authenticator", {"password": read_password(from_stdin=password_stdin)})
    if as_json:
        print_json(made)
        return
    _tell_authenticator(made)
    say("Sign in with it: schoolgate login")


@people.command("import")
def import_people(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A CSV file, or a OneRoster archive.")] = None,
    *,
    from_site: Annotated[
        bool, typer.Option("--from-site", help="Take the site file in force in place of a file.")
    ] = False,
    school: Annotated[
        str, typer.Option("--school", help="The sourcedId of the school, where an archive holds several.")
    ] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Make the changes; without it they are only shown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a file of people would change, or take it over; who left is closed, never deleted."""
    with told(), signed_in(quiet=as_json) as client:
        if (file is None) is not from_site:
            raise usage("FILE", "a file and --from-site" if from_site else "nothing", "one of a file and --from-site")
        roster = _read_roster(file) if file else {"format": "site"}
        roster |= {"school": school} if school else {}
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
        raise usage(str(file), f"more than {MAX_FILE_OCTETS >> 20} MB", "the roster of one school") from None
    if octets.startswith(_ZIP_MAGIC):
        return {"format": "oneroster", "content": base64.b64encode(octets).decode()}
    try:
        return {"format": "csv", "content": octets.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise usage(str(file), f"no UTF-8 at octet {error.start}", "CSV in UTF-8, or a OneRoster archive") from None
