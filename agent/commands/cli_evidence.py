"""Evidence of a case, from a shell: written as a signed file, and checked by whoever has one."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.cli_cases import CaseArgument, PurposeOption, case_of
from agent.commands.cli_options import JsonOption, print_json, say, signed_in, told, usage
from rules.errors import RefusedRequestError

if TYPE_CHECKING:
    import sqlite3

    from agent.record.evidence import Evidence


def export(
    case: CaseArgument,
    *,
    purpose: PurposeOption,
    to: Annotated[Path, typer.Option("--to", help="The file that is written, such as case.zip.")],
    with_names: Annotated[bool, typer.Option("--with-names", help="With who it is about.")] = False,
) -> None:
    """Write signed evidence of a case for somebody outside; that you did, and why, is on record."""
    from agent.commands.cli_audit import new_file

    with told(), signed_in() as client:
        place = f"/incidents/{case_of(client, case)['id']}/export"
        body = {"purpose": purpose, "case": case, "with_names": with_names}
        with new_file(to) as file, client.chunks(place, body=body) as chunks:
            for chunk in chunks:
                file.write(chunk)
    say(f"Wrote {to}; READ-ME.txt in it says how anybody checks it.", err=True)


def verify_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `incident export` wrote.")],
    *,
    record: Annotated[
        Path | None, typer.Option("--record", help="The record itself: a state.db, or what `audit export` wrote.")
    ] = None,
    witnessed: Annotated[
        list[str] | None, typer.Option("--anchor", help="An anchor as it was printed before; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether evidence is as it was signed, and whether it is of the record that it says it is of."""
    from agent.record.evidence import check_anchor, read
    from agent.storage.anchors import parse_anchor

    with told():
        evidence = read(_octets_of(file))
        for line in witnessed or ():
            check_anchor(evidence, parse_anchor(line))
        if record is not None:
            _check_record(evidence, record)
    found: dict[str, Any] = {
        "case": evidence.case,
        "fingerprint": evidence.fingerprint,
        "rows": len(evidence.rows),
        "is_chain_whole": evidence.document["record"]["chain"]["is_whole"],
        "is_key_witnessed": bool(witnessed),
        "is_in_record": record is not None,
    }
    if as_json:
        print_json(found)
        return
    for sentence in _sentences(found):
        say(sentence)


def _sentences(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"The evidence of case {found['case']} is as it was signed with the key {found['fingerprint']}."
    if not found["is_chain_whole"]:
        yield "When it was written, the record was not whole; `schoolgate audit verify` on the gateway says where."
    if found["is_key_witnessed"]:
        yield "The anchor is signed with the same key."
    if found["is_in_record"]:
        yield f"Each of its {found['rows']} rows stands in the record, whose chain is whole."
    if not found["is_key_witnessed"] and not found["is_in_record"]:
        yield "Whether the key is the school's, an anchor that was printed before says (--anchor), or the record."


def _check_record(evidence: "Evidence", record: Path) -> None:
    """Hold every row of evidence against the record.

    Raises:
        RefusedRequestError: the record is not whole, or one of them is another one there.
    """
    from agent.commands.cli_audit import verify_file

    found = verify_file(record)
    if not found["is_whole"]:
        raise RefusedRequestError(f"{record} is not whole, first at row {found['first_broken']}. {found['why']}")
    hashes = {number: text for number, text in _rows_of(record) if number in evidence.rows}
    for number, expected in evidence.rows.items():
        if hashes.get(number) != expected:
            raise RefusedRequestError(f"Row {number} of the evidence does not stand so in {record}.")


def _rows_of(record: Path) -> Iterator[tuple[int, str]]:
    """Give the numbers and hashes of a record that was found whole, in any of its forms."""
    from agent.commands.cli_audit import is_state
    from agent.storage.state import read_only

    if is_state(record):
        with read_only(record) as database:
            yield from _numbered(database)
        return
    with record.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file) if record.suffix == ".csv" else map(json.loads, file)
        for row in rows:
            yield int(row["number"]), str(row["hash"])


def _numbered(database: "sqlite3.Connection") -> Iterator[tuple[int, str]]:
    for row in database.execute("SELECT number, hash FROM audit"):
        yield row["number"], row["hash"]


def _octets_of(file: Path) -> bytes:
    from agent.record.evidence import MAX_OCTETS

    try:
        with file.open("rb") as opened:
            octets = opened.read(MAX_OCTETS + 1)
    except OSError as error:
        raise usage(str(file), error.strerror or str(error), "a file that `incident export` wrote") from None
    if len(octets) > MAX_OCTETS:
        raise RefusedRequestError(f"{file} has more than {MAX_OCTETS:,} octets; expected evidence of a case.")
    return octets
