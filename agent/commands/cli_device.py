"""Laptops from a shell: a token lets one in, a code tells which one it is, and the list says how each stands."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_path,
    in_words,
    print_facts,
    print_json,
    print_table,
    say,
    signed_in,
    told,
    usage,
)

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

device = group_of_commands("Laptops with the endpoint service: let in, listed, and taken off the list.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The laptop, as `list` shows it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
LanguageOption = Annotated[str, typer.Option("--language", help="What laptops told, in en, fr, nl or ja.")]


@device.command()
def token(
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Which laptop, or laptops, it is for.")],
    *,
    uses: Annotated[int, typer.Option("--uses", help="More than one waits for you to compare a code.")] = 1,
    lasts: Annotated[str, typer.Option("--ttl", help="How long it can be used: 72h, 30min, 7d.")] = "72h",
    owner: Annotated[str | None, typer.Option("--owner", help="The id of whose laptop it is.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token by which a laptop enrols; it is shown this once, and nobody can show it again."""
    from agent.sites.written_values import parse_seconds

    with told(), signed_in(quiet=as_json) as client:
        try:
            hours = parse_seconds(lasts) / 3600
        except ValueError:
            raise usage("--ttl", f"'{lasts}'", "a length of time such as 72h, 30min or 7d") from None
        asked = {"label": label, "uses": uses, "hours": hours, "owner": owner}
        made = client.post("/devices/tokens", asked)
        clock = clock_of(client)
    if as_json:
        print_json(made)
        return
    how = "lets one laptop in" if uses == 1 else f"lets {uses} laptops wait for you to compare their codes"
    say(f"Made the token {made['id']} for {label}; it {how}, until {clock.show(made['ends_at'])}.")
    say(f"Shown this once: {made['token']}")


@device.command()
def tokens(*, as_json: JsonOption = False) -> None:
    """List the tokens that were made, without what they are."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get("/devices/tokens")["items"]
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            each["id"],
            each["label"],
            f"{each['uses_left']} of {each['uses']}",
            clock.show(each["ends_at"]),
            "usable" if each["is_usable"] else "over",
        )
        for each in found
    )
    print_table(("ID", "LABEL", "USES LEFT", "ENDS", "STATE"), rows, empty="There are no tokens for laptops.")


@device.command("end-token")
def end_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token, as `tokens` shows it.")],
) -> None:
    """End a token at once."""
    with told(), signed_in() as client:
        client.delete(f"/devices/tokens/{in_path(token_id)}")
    say(f"Ended the token {token_id}.")


@device.command("list")
def list_devices(*, as_json: JsonOption = False) -> None:
    """List every laptop, those that wait or have fallen silent too."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get("/devices")["items"]
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (_row(each, clock) for each in found)
    print_table(
        ("ID", "LABEL", "STATE", "OWNER", "LAST SEEN", "WAITING", "CODE"), rows, empty="There are no laptops."
    )


@device.command()
def show(device_id: IdArgument, *, language: LanguageOption = "en", as_json: JsonOption = False) -> None:
    """Show a laptop with what it last proved of itself, and when that was so."""
    from agent.endpoint.notice_texts import LANGUAGES

    with told(), signed_in(quiet=as_json) as client:
        if language not in LANGUAGES:
            raise usage("--language", f"'{language}'", f"one of {', '.join(LANGUAGES)}")
        found = client.get(f"/devices/{in_path(device_id)}")
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    print_facts(_facts(found, clock, language))


@device.command()
def approve(
    device_id: IdArgument,
    *,
    code: Annotated[str, typer.Option("--code", help="The six digits on the laptop's own screen.", prompt=True)],
) -> None:
    """Let a laptop in that waits, once you have read its code off its own screen."""
    with told(), signed_in() as client:
        found = _decide(client, device_id, "approve", {"code": code})
    say(f"{found['label']} ({found['id']}) is let in.")


@device.command()
def refuse(device_id: IdArgument, *, reason: ReasonOption = "") -> None:
    """Refuse a laptop that waits, or another key of one that goes on with the key that it has."""
    with told(), signed_in() as client:
        found = _decide(client, device_id, "refuse", {"reason": reason})
    goes_on = "; it goes on with the key that it has" if found["state"] == "active" else ""
    say(f"Refused what waited of {found['label']} ({found['id']}){goes_on}.")


@device.command()
def revoke(device_id: IdArgument, *, reason: ReasonOption = "") -> None:
    """Take a laptop off the list: nothing that it signs is taken from now on."""
    with told(), signed_in() as client:
        found = _decide(client, device_id, "revoke", {"reason": reason})
    say(f"{found['label']} ({found['id']}) is off the list.")


@device.command()
def owner(
    device_id: IdArgument,
    person: Annotated[str | None, typer.Argument(metavar="PERSON", help="An id; nobody if left out.")] = None,
) -> None:
    """Say whose laptop it is."""
    with told(), signed_in() as client:
        found = _decide(client, device_id, "owner", {"owner": person})
    say(f"{found['label']} ({found['id']}) is {_owner(found) or 'nobody'}'s.")


def _decide(client: "Client", device_id: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
    path = f"/devices/{in_path(device_id)}"
    version = client.get(path)["version"]
    decided: dict[str, Any] = client.post(f"{path}/{what}", body, version=version)
    return decided


def _row(found: Mapping[str, Any], clock: "Clock") -> tuple[str, ...]:
    contact = found["contact"]
    return (
        found["id"],
        found["label"],
        _state(found),
        _owner(found),
        clock.show(contact["seen_at"]) if contact else "never",
        str(contact["waiting"]) if contact else "",
        found["code"] or "",
    )


def _facts(found: Mapping[str, Any], clock: "Clock", language: str) -> Iterator[tuple[str, str]]:
    from agent.endpoint.code_words import findings
    from agent.endpoint.fact_words import FactWords
    from agent.endpoint.notice_texts import endpoint_texts

    contact = found["contact"]
    yield "laptop", f"{found['id']}: {found['label']}, {_state(found)}"
    yield "owner", _owner(found) or "nobody"
    yield "computer", ", ".join(filter(None, found["host"].values()))
    yield "enrolled", clock.show(found["enrolled_at"])
    yield "decided", clock.show(found["decided_at"])
    yield "code", found["code"] or ""
    if contact:
        yield "last seen", f"{clock.show(contact['seen_at'])}, at {contact['address']}"
        yield "service", f"{contact['agent']}, policy {contact['policy']}"
        yield "spool", f"{contact['waiting']} wait, {contact['dropped_total']} were given up"
        if abs(contact["skew_seconds"]) > 300:
            behind = "behind" if contact["skew_seconds"] > 0 else "ahead"
            yield "clock", f"{abs(contact['skew_seconds']):.0f} s {behind}"
    media = [each["facts"] for each in found["states"] if each["kind"] == "media"]
    texts = endpoint_texts(language)
    words = FactWords(texts, lambda seconds: _moment(seconds, clock), media=media)
    for each in found["states"]:
        yield "proven", f"{words.of(each['kind'], each['facts'])} ({clock.show(each['proven_at'])})"
    looked_at = findings(texts.gettext)
    for each in found["findings"]:
        yield "look at", f"{looked_at.get(each['kind'], in_words(each['kind']))} ({clock.show(each['at'])})"


def _moment(seconds: float, clock: "Clock") -> str:
    """Write an instant of a laptop's clock; one that is none stays as it is."""
    try:
        return clock.show(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _state(found: Mapping[str, Any]) -> str:
    if found["state"] == "active" and found["is_waiting"]:
        return "active, another key waits"
    return "silent" if found["is_silent"] else in_words(found["state"])


def _owner(found: Mapping[str, Any]) -> str:
    return found["owner"]["name"] if found["owner"] else ""
