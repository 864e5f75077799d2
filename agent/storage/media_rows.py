"""Media and what was proved of them in `state.db`: rows become values here, and nothing is decided."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from agent.storage.chain import canonical
from agent.storage.state import Act, instant_text
from rules.medium import Medium, MediumKind, MediumState, Stated

MAX_LISTED: Final = 1_000
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MEDIUM_WORDS: Final = ("purpose", "place", "label", "attested", "disposal")


class Which(StrEnum):
    """Which proof of a medium."""

    LATEST = "latest"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class Move:
    """Something that was done with a medium; `words` are what people wrote and whom it is about.

    `content` is the rest, and `record` the number of its row of the record.
    """

    at: datetime
    person: str
    move: str
    content: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    record: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a laptop proved of a medium; `crypt` is a word of `collectors.volume.Crypt`."""

    crypt: str
    at: datetime
    device: str
    evidence: tuple[Mapping[str, str], ...] = ()


# ---- media -----------------------------------------------------------------------------------------------------


def write_medium(act: Act, medium: Medium) -> Medium:
    """Write a medium whole; a new one gets its number."""
    values = {
        "version": medium.version,
        "kind": medium.kind.value,
        "owner": medium.owner or None,
        "state": medium.state.value,
        "stated": medium.stated.value,
        "holds_personal_data": int(medium.holds_personal_data),
        "is_foreign": int(medium.is_foreign),
        "checked_on": day_text(medium.checked_on),
        "purge_on": day_text(medium.purge_on),
        "serial_key": medium.serial_key,
        "serial_only": medium.serial_only,
        "reminded": medium.reminded,
        "attestation_asked_at": text_or_none(medium.attestation_asked_at),
        "attested_at": text_or_none(medium.attested_at),
        "attested_by": medium.attested_by,
        "registered_at": instant_text(medium.registered_at),
        "registered_by": medium.registered_by,
        "disposed_at": text_or_none(medium.disposed_at),
        "disposed_by": medium.disposed_by,
        "words": words_text(medium, _MEDIUM_WORDS),
    }
    return replace(medium, number=write_numbered(act, "media", medium.number, values))


def read_medium(database: sqlite3.Connection, number: int) -> Medium | None:
    """Read one medium."""
    row = database.execute("SELECT * FROM media WHERE number = ?", (number,)).fetchone()
    return None if row is None else _medium(row)


def read_media(
    database: sqlite3.Connection,
    *,
    owner: str | None = None,
    state: MediumState | None = None,
    before: int | None = None,
    limit: int = MAX_LISTED,
) -> list[Medium]:
    """Read media, the newest first; what is not given does not restrict.

    Args:
        before: only those with a lower number.
    """
    rows = database.execute(
        "SELECT * FROM media WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR state = ?2)"
        " AND (?3 IS NULL OR number < ?3) ORDER BY number DESC LIMIT ?4",
        (owner, state, before, limit),
    )
    return [_medium(row) for row in rows]


def read_media_by_serial(database: sqlite3.Connection, serial_key: str, serial_only: str) -> Medium | None:
    """Read the medium on the register that has a serial number; of one, only the serial number may be known."""
    row = database.execute(
        "SELECT * FROM media WHERE state <> 'disposed' AND serial_key <> ''"
        " AND (serial_key IN (?1, ?2) OR (?1 = ?2 AND serial_only = ?2)) ORDER BY serial_key = ?1 DESC LIMIT 1",
        (serial_key, serial_only),
    ).fetchone()
    return None if row is None else _medium(row)


def read_by_key(database: sqlite3.Connection, serial_key: str) -> Medium | None:
    """Read the medium on the register with exactly this keyed hash."""
    query = "SELECT * FROM media WHERE serial_key = ? AND serial_key <> '' AND state <> 'disposed'"
    row = database.execute(query, (serial_key,)).fetchone()
    return None if row is None else _medium(row)


def read_to_purge(database: sqlite3.Connection, today: date) -> list[Medium]:
    """Read the media that should have been cleared before a day."""
    query = "SELECT * FROM media WHERE purge_on < ? AND state = 'registered' ORDER BY number"
    return [_medium(row) for row in database.execute(query, (today.isoformat(),))]


def read_to_attest(database: sqlite3.Connection, unclear: Iterable[str]) -> list[Medium]:
    """Read the media of which nobody knows how they are protected, and whose owner was not asked.

    Args:
        unclear: what a laptop says that could not tell.
    """
    known = tuple(unclear)
    marks = ", ".join("?" * len(known))
    query = f"""SELECT media.* FROM media
    LEFT JOIN media_proofs ON media_proofs.serial_key = media.serial_key AND which = 'latest'
    WHERE state = 'registered' AND attested_at IS NULL AND attestation_asked_at IS NULL AND media.kind <> 'paper'
    AND (crypt IN ({marks}) OR (crypt IS NULL AND stated = 'unknown')) ORDER BY number LIMIT {MAX_LISTED}"""  # noqa: S608 (marks and a number)
    return [_medium(row) for row in database.execute(query, known)]


def write_move(act: Act, medium: int, move: Move) -> None:
    """Write down what was done with a medium."""
    act.database.execute(
        "INSERT INTO media_moves (medium, at, person, move, content, words, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            medium,
            instant_text(move.at),
            move.person,
            move.move,
            canonical(dict(move.content)),
            canonical(dict(move.words)),
            move.record,
        ),
    )


def read_moves(database: sqlite3.Connection, medium: int, *, limit: int = MAX_LISTED) -> list[Move]:
    """Read what was done with a medium, the oldest first; of very much, the newest part."""
    rows = database.execute(
        "SELECT * FROM media_moves WHERE medium = ? ORDER BY number DESC LIMIT ?", (medium, limit)
    ).fetchall()
    return [
        Move(
            datetime.fromisoformat(row["at"]),
            row["person"],
            row["move"],
            json.loads(row["content"]),
            json.loads(row["words"]),
            row["record"],
        )
        for row in reversed(rows)
    ]


def _medium(row: sqlite3.Row) -> Medium:
    words = json.loads(row["words"])
    return Medium(
        number=row["number"],
        version=row["version"],
        kind=MediumKind(row["kind"]),
        owner=row["owner"] or "",
        state=MediumState(row["state"]),
        stated=Stated(row["stated"]),
        holds_personal_data=bool(row["holds_personal_data"]),
        is_foreign=bool(row["is_foreign"]),
        checked_on=read_day(row["checked_on"]),
        purge_on=read_day(row["purge_on"]),
        serial_key=row["serial_key"],
        serial_only=row["serial_only"],
        reminded=row["reminded"],
        attestation_asked_at=read_instant(row["attestation_asked_at"]),
        attested_at=read_instant(row["attested_at"]),
        attested_by=row["attested_by"],
        registered_at=datetime.fromisoformat(row["registered_at"]),
        registered_by=row["registered_by"],
        disposed_at=read_instant(row["disposed_at"]),
        disposed_by=row["disposed_by"],
        **{"purpose": "", **words},
    )


# ---- proofs ----------------------------------------------------------------------------------------------------


def write_proof(act: Act, serial_key: str, which: Which, proof: Proof) -> None:
    """Write a proof in the place of the one before."""
    act.database.execute(
        "INSERT OR REPLACE INTO media_proofs VALUES (?, ?, ?, ?, ?, ?)",
        (
            serial_key,
            which.value,
            proof.crypt,
            json.dumps([dict(each) for each in proof.evidence], ensure_ascii=False),
            proof.device,
            instant_text(proof.at),
        ),
    )


def read_proofs(database: sqlite3.Connection, serial_key: str) -> dict[Which, Proof]:
    """Read what was proved of a medium by its keyed hash."""
    rows = database.execute("SELECT * FROM media_proofs WHERE serial_key = ? AND serial_key <> ''", (serial_key,))
    return {
        Which(row["which"]): Proof(
            row["crypt"], datetime.fromisoformat(row["at"]), row["device"], tuple(json.loads(row["evidence"]))
        )
        for row in rows
    }


def delete_worst(act: Act, serial_key: str) -> None:
    """Forget the worst that was proved of a medium: it is counted from its registration."""
    act.database.execute(
        "DELETE FROM media_proofs WHERE serial_key = ? AND which = ?", (serial_key, Which.WORST.value)
    )


def delete_strange_proofs(act: Act, before: datetime) -> int:
    """Delete what was proved before an instant of media that are on no register; gives how many rows that were."""
    query = "DELETE FROM media_proofs WHERE at < ? AND serial_key NOT IN (SELECT serial_key FROM media)"
    return act.database.execute(query, (instant_text(before),)).rowcount


# ---- parts of each ---------------------------------------------------------------------------------------------


def write_numbered(act: Act, table: str, number: int, values: Mapping[str, Any]) -> int:
    """Insert a row, or change the one with this number; gives the number."""
    if number:
        changes = ", ".join(f"{column} = ?" for column in values)
        act.database.execute(f"UPDATE {table} SET {changes} WHERE number = ?", (*values.values(), number))  # noqa: S608 (our own words)
        return number
    marks = ", ".join("?" * len(values))
    query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 (our own words)
    return act.database.execute(query, tuple(values.values())).lastrowid or 0


def words_text(thing: Any, names: Iterable[str]) -> str:
    """Write what people wrote, by field."""
    return json.dumps({name: text for name in names if (text := getattr(thing, name))}, ensure_ascii=False)


def text_or_none(at: datetime | None) -> str | None:
    """Write an instant, if there is one."""
    return None if at is None else instant_text(at)


def day_text(on: date | None) -> str | None:
    """Write a day, if there is one."""
    return None if on is None else on.isoformat()


def read_day(text: str | None) -> date | None:
    """Read a day, if there is one."""
    return None if text is None else date.fromisoformat(text)


def read_instant(text: str | None) -> datetime | None:
    """Read an instant, if there is one."""
    return None if text is None else datetime.fromisoformat(text)
