"""What commands about requests share, be they for overrides or for suspensions: showing, listing and deciding."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.cli_options import clock_of, in_path, print_facts, print_json, print_table, signed_in, told

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it is kept on record.")]
LaterReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence, if there is more to say.")]
StateOption = Annotated[str | None, typer.Option("--state", help="Those in this state only.")]

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requests:
    """A family of requests: where the API keeps them, and how they read.

    Args:
        path: that of the list.
        empty: what is said where there is none.
        columns: the headings of the list.
        row: one of them in the list.
        facts: all that is known about one.
    """

    path: str
    empty: str
    columns: Sequence[str]
    row: Callable[[Found, "Clock"], Sequence[str]]
    facts: Callable[[Found, "Clock"], Iterator[tuple[str, str]]]

    def show_all(self, state: str | None, *, as_json: bool) -> None:
        """List them, the newest first."""
        with told(), signed_in(quiet=as_json) as client:
            found = list(client.pages(self.path, {"state": state}))
            clock = clock_of(client)
        if as_json:
            print_json(found)
            return
        print_table(self.columns, (self.row(each, clock) for each in found), empty=self.empty)

    def show(self, request_id: str, *, as_json: bool) -> None:
        """Show everything about one."""
        with told(), signed_in(quiet=as_json) as client:
            self.tell(client.get(self._place(request_id)), clock_of(client), as_json=as_json)

    def move(self, request_id: str, move: str, body: Found, *, as_json: bool) -> None:
        """Make a move, at the version that stands now, and tell what came of it."""
        with told(), signed_in(quiet=as_json) as client:
            self.move_by(client, request_id, move, body, as_json=as_json)

    def move_by(self, client: "Client", request_id: str, move: str, body: Found, *, as_json: bool) -> None:
        """Make a move by a client that is there already; see `move`."""
        place = self._place(request_id)
        made = client.post(f"{place}/{move}", body, version=client.get(place)["version"])
        self.tell(made, clock_of(client), as_json=as_json)

    def tell(self, found: Found, clock: "Clock", *, as_json: bool) -> None:
        """Print one."""
        if as_json:
            print_json(found)
        else:
            print_facts(self.facts(found, clock))

    def _place(self, request_id: str) -> str:
        return f"{self.path}/{in_path(request_id)}"
