"""The record from a shell: whether it is whole, what stands in it, and a copy that others can verify."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

import typer

from agent.commands.cli_evidence import verify_export
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
    usage,
)
from rules.errors import StorageError

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

audit = group_of_commands("The record of every act, which nobody can change without being found.")
audit.command("verify-export")(verify_export)

SinceOption = Annotated[str | None, typer.Option("--since", help="From then on: today, 2026-12-01, '10:30'.")]
BeforeOption = Annotated[str | None, typer.Option("--until", help="Up to then: today, 2026-12-01, '10:30'.")]
KindOption = Annotated[str | None, typer.Option("--kind", help="Rows of this kind only.")]
PersonOption = Annotated[str | None, typer.Option("--person", help="Acts of this person only, by id.")]

_SQLITE_MAGIC: Final = b"SQLite format 3\0"
_MAX_PAGE: Final = 500
_COLUMNS: Final = ("NUMBER", "AT", "KIND", "ACTOR", "SUBJECT", "FACTS")


@audit.command()
def verify(
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="A state.db or an exported file, without asking the gateway.")
    ] = None,
    witnessed: Annotated[
        list[str] | None, typer.Option("--anchor", help="With --file: an anchor as it was printed; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the record is whole, or the first row that was altered, removed, inserted or moved."""
    with told():
        if witnessed and file is None:
            raise usage("--anchor", "no --file", "the file that it is held against")
        found = verify_file(file, witnessed or ()) if file is not None else _ask_verdict(quiet=as_json)
    if as_json:
        print_json(found)
    elif found["is_whole"]:
        say(f"The record is whole (rows: {found['rows']:,}, anchors: {found['anchors']:,}).")
    else:
        say(f"The record is not whole, first at row {found['first_broken']}. {found['why']}", err=True)
    if not found["is_whole"]:
        raise typer.Exit(1)


@audit.command()
def show(
    *,
    person: PersonOption = None,
    kind: KindOption = None,
    since: SinceOption = None,
    until: BeforeOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows, the newest.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show rows of the record."""
    with told(), signed_in(quiet=as_json) as client:
        clock = clock_of(client)
        terms = {**_filter(clock, person, kind, since, until), "limit": min(limit, _MAX_PAGE)}
        rows = list(islice(client.pages("/audit", terms), limit))
    if as_json:
        print_json(rows)
        return
    print_table(_COLUMNS, (_row(each, clock) for each in rows), empty="There are no such rows.")


@audit.command()
def export(
    *,
    out: Annotated[Path | None, typer.Option("--out", help="The file; standard output if not given.")] = None,
    style: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON Lines or CSV.")] = "jsonl",
) -> None:
    """Write the record with its chain, for somebody else to verify; that is itself recorded."""
    with told(), signed_in() as client:
        if out is None:
            _pour(client, style, sys.stdout.buffer.write)
            return
        with new_file(out) as file:
            _pour(client, style, file.write)
    say(f"Wrote {out}.", err=True)


@audit.command()
def anchors(*, as_json: JsonOption = False) -> None:
    """Show the signed anchor of each day, the newest first, to be printed or mailed to somebody else."""
    with told(), signed_in() as client:
        found = list(client.pages("/audit/anchors"))
    if as_json:
        print_json(found)
        return
    for each in found:
        say(each["line"])


@audit.command()
def erase(
    number: Annotated[int, typer.Argument(min=1, help="The row, by its number.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why it has to go, in a sentence; that stays.")],
    as_json: JsonOption = False,
) -> None:
    """Erase what is personal beside a row; the row itself stays, and the erasure is a row too."""
    with told(), signed_in() as client:
        made = client.post(f"/audit/{number}/erase", {"reason": reason})
    if as_json:
        print_json(made)
        return
    say(f"Erased what was personal beside row {number}; row {made['number']} says so.")


@audit.command("sign-off")
def sign_off(
    *,
    start: Annotated[str, typer.Option("--from", help="The first day, such as 2026-11-01.")],
    until: Annotated[str, typer.Option("--until", help="The last day, such as 2026-11-30.")],
    remark: Annotated[str, typer.Option("--remark", help="What you found, if there is more to say.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say, as the person who is signed in, that you reviewed the record of a period."""
    with told(), signed_in(quiet=as_json) as client:
        days = {"from_on": _day("--from", start), "until_on": _day("--until", until)}
        made = client.post("/audit/sign-offs", {**days, "remark": remark})
    if as_json:
        print_json(made)
        return
    counts = (f"  {in_words(kind)}: {count:,}" for kind, count in made["counts"].items())
    say(f"Row {made['number']}: reviewed by {made['reviewed_by']['name']}, {made['from_on']} to {made['until_on']}.")
    for line in counts:
        say(line)


def verify_file(file: Path, anchors: Sequence[str] = ()) -> dict[str, Any]:
    """Verify a state file, or an export by the very script that a third party uses.

    Args:
        file: a state.db, or what `audit export` wrote.
        anchors: as they were printed.

    Raises:
        ConfigurationError: there is no such file, or it cannot be read.
        RefusedRequestError: a line is no anchor.
        StorageError: the state file is damaged.
    """
    return _verify_state(file, anchors) if is_state(file) else _verify_export(file, anchors)


def is_state(file: Path) -> bool:
    """Say whether a file is a state.db.

    Raises:
        ConfigurationError: there is no such file, or it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return opened.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        raise usage(str(file), error.strerror or str(error), "a state.db or an exported file") from None


def _verify_state(file: Path, anchors: Sequence[str]) -> dict[str, Any]:
    from agent.storage.anchors import parse_anchor
    from agent.storage.record import verify_file as verify_state

    found = verify_state(file, witnessed=[parse_anchor(line) for line in anchors])
    return _verdict(found.rows, found.broken, found.what, anchors=found.anchors)


def _verify_export(file: Path, anchors: Sequence[str]) -> dict[str, Any]:
    from agent.storage.anchors import parse_anchor
    from agent.storage.record import VERIFY_SCRIPT

    lines = [str(parse_anchor(line)) for line in anchors]
    done = subprocess.run(  # noqa: S603 (our own script, with a file's name)
        [sys.executable, "-I", "-c", VERIFY_SCRIPT, str(file), *lines],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().rpartition("\n")[2]
    number = int(found[0]) if (found := re.search(r"\d+", said)) else 0
    if done.returncode == 0:
        return _verdict(number, None, "", anchors=len(lines))
    return _verdict(max(number - 1, 0), number, f"{said[:1].upper()}{said[1:]}.")


def _verdict(rows: int, broken: int | None, why: str, *, anchors: int = 0) -> dict[str, Any]:
    """Give a verdict in the shape of the API."""
    return {
        "is_whole": broken is None,
        "rows": rows,
        "anchors": anchors,
        "first_broken": broken,
        "why": why or None,
    }


def _ask_verdict(*, quiet: bool) -> dict[str, Any]:
    with signed_in(quiet=quiet) as client:
        found: dict[str, Any] = client.get("/audit/verify")
    return found


def _filter(
    clock: "Clock", person: str | None, kind: str | None, since: str | None, until: str | None
) -> dict[str, str | int | None]:
    """Put the terms of a question together; a day is meant from its first instant to its last."""
    from agent.durations import parse_end, parse_start

    now = datetime.now(UTC)
    return {
        "actor": person,
        "kind": kind,
        "since": parse_start(since, clock.timezone, now=now).isoformat() if since else None,
        "until": parse_end(until, clock.timezone, start=now).isoformat() if until else None,
    }


def _row(row: Mapping[str, Any], clock: "Clock") -> tuple[str, ...]:
    facts = [f"{name} {_as_text(value)}" for name, value in row["facts"].items()]
    if row["is_erased"]:
        facts.append("personal part erased")
    subject = row["subject"]
    return (
        str(row["number"]),
        clock.show(row["at"]),
        in_words(row["kind"]),
        row["actor_name"],
        subject,
        ", ".join(facts),
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pour(client: "Client", style: str, write: Callable[[bytes], Any]) -> None:
    with client.chunks("/audit/export", {"format": style}) as chunks:
        for chunk in chunks:
            write(chunk)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that stands there whole when the block has ended well, and not at all otherwise.

    Raises:
        StorageError: it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with scratch.open("xb") as file:
                scratch.chmod(0o600)
                yield file
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror or error}).") from error


def _day(option: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise usage(option, f"'{text}'", "a day such as 2026-11-30") from None
