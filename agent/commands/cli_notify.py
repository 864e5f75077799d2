"""Notices from a shell: a try whether they arrive, and how their queue stands."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import typer

from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_words,
    print_json,
    print_table,
    say,
    signed_in,
    told,
)

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

notify = group_of_commands("Notices by mail and to programs.")

# A server that answers at all does so in this time.
WAIT_SECONDS: Final = 40.0
LOOK_SECONDS: Final = 0.5
_HEADINGS: Final = ("AT", "BY", "STATE", "ATTEMPTS", "NEXT", "WHY NOT")


@notify.command("test")
def try_out(*, as_json: JsonOption = False) -> None:
    """Send a test notice to every program and to your own addresses, and show how it went."""
    with told(), signed_in(quiet=as_json) as client:
        queued = client.post("/notifications/test", {})
        items = _wait_for(client, queued["ids"])
        clock = clock_of(client)
    if as_json:
        print_json({**queued, "items": items})
    else:
        _print(items, clock, empty="Nothing was queued.")
        if queued["has_mail"] and not queued["mails"]:
            say("No mail was sent: the site has no address for you or for your roles.", err=True)
    if not items or any(each["state"] != "sent" for each in items):
        raise typer.Exit(1)


@notify.command()
def status(*, as_json: JsonOption = False) -> None:
    """Show how the queue of notices stands, without what they say and to whom."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get("/notifications")
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (each["channel"], str(each["waiting"]), clock.show(each["oldest_at"]), str(each["given_up"]))
        for each in found["queues"]
    )
    print_table(("BY", "WAITING", "OLDEST", "GIVEN UP"), rows, empty="There are no queues.")
    _print(found["items"], clock, empty="No notice was sent in the last days.")


def _wait_for(client: "Client", ids: Sequence[str]) -> list[dict[str, Any]]:
    """Look until each of these notices was tried once, or nobody would wait any longer."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        items = client.get("/notifications", {"limit": "200"})["items"]
        found = [each for each in items if each["id"] in ids]
        # What is put off waits for a server that did not take another notice.
        tried = (each["attempts"] or each["next_at"] != each["at"] for each in found)
        if all(tried) or time.monotonic() > deadline:
            return found
        time.sleep(LOOK_SECONDS)


def _print(items: Sequence[Mapping[str, Any]], clock: "Clock", *, empty: str) -> None:
    rows = (
        (
            clock.show(each["at"]),
            f"{each['channel']} {each['webhook']}" if each["webhook"] else each["channel"],
            in_words(each["state"]),
            str(each["attempts"]),
            clock.show(each["next_at"]),
            each["fault"],
        )
        for each in items
    )
    print_table(_HEADINGS, rows, empty=empty)
