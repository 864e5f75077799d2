"""Daily anchors: a signed statement of how far the record went, and with which hash.

A chain can be cut at its end, or written anew from some row on, by whoever holds the file; an anchor that was printed
or mailed before cannot. The last anchor lies beside the file and follows the acts, so that an older copy of the file
in its place is found. The key signs these, and evidence that is handed out (`agent.record.evidence`); it never leaves
the gateway.
"""

import os
import sqlite3
from base64 import b64decode, b64encode
from binascii import Error as NotBase64Error
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.storage.chain import canonical
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError, StorageError

KEY_OCTETS: Final = 32
ANCHORED: Final = "record_anchored"
_PRIVATE_BITS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Anchor:
    """The record as it stood on a day: its last row and that row's hash.

    `day` is an ISO date in UTC, `hash` hexadecimal, `signature` Base64. As text it is one line to print or mail.
    """

    day: str
    number: int
    hash: str
    signature: str

    def __str__(self) -> str:
        return f"{self.day} {self.number} {self.hash} {self.signature}"

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Say whether this key signed exactly this anchor."""
        try:
            key.verify(b64decode(self.signature, validate=True), _signed_text(self.day, self.number, self.hash))
        except (InvalidSignature, NotBase64Error, ValueError):
            return False
        return True


def parse_anchor(line: str) -> Anchor:
    """Read an anchor as it was printed.

    Raises:
        RefusedRequestError: the line is not one.
    """
    try:
        day, number, hash_text, signature = line.split()
        return Anchor(date.fromisoformat(day).isoformat(), int(number), hash_text.lower(), signature)
    except ValueError as error:
        raise RefusedRequestError(
            f"Found {line[:200]!r}; expected an anchor as it was printed: day, row number, hash, signature."
        ) from error


def record_key(path: Path) -> Ed25519PrivateKey:
    """Give the key that signs anchors; it is made where there is none, and never again.

    Raises:
        StorageError: the key cannot be read or made, is no key, or others may read it.
    """
    try:
        if not path.exists():
            _make_key(path)
        if (mode := path.stat().st_mode) & _PRIVATE_BITS:
            raise StorageError(f"{path}: others may read the key (mode {mode & 0o777:04o}); expected 0600.")
        octets = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: the key could not be read or made ({error.strerror}).") from error
    if len(octets) != KEY_OCTETS:
        raise StorageError(f"{path}: found {len(octets)} octets; expected a key of {KEY_OCTETS}.")
    return Ed25519PrivateKey.from_private_bytes(octets)


def key_path(state: Path) -> Path:
    """Give where the key of a state file is."""
    return state.parent / "keys" / "record.key"


def last_anchor_path(state: Path) -> Path:
    """Give where the last anchor of a state file is."""
    return state.with_name("last-anchor.txt")


def read_last_anchor(path: Path) -> Anchor | None:
    """Read the last anchor, if there is one.

    Raises:
        StorageError: it cannot be read, or is none.
    """
    try:
        return parse_anchor(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: the last anchor could not be read ({error.strerror}).") from error
    except (RefusedRequestError, UnicodeDecodeError) as error:
        raise StorageError(
            f"{path}: found something else; expected an anchor: day, row number, hash, signature."
        ) from error


def keep_last_anchor(store: StateStore) -> bool:
    """Write down how far the record goes; says whether that was due.

    An anchor that the record does not bear out stays: it is what proves that rows are missing.

    Raises:
        StorageError: it could not be read or written; it stays due.
    """
    path = last_anchor_path(store.path)
    known = read_last_anchor(path)
    with store.read() as database:
        end = database.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        if end is None or (known is not None and not _is_outgrown(database, known, end["number"])):
            return False
    day = store.clock().date().isoformat()
    _replace(path, str(sign(record_key(key_path(store.path)), day, end["number"], end["hash"])))
    return True


def _is_outgrown(database: sqlite3.Connection, known: Anchor, end: int) -> bool:
    if not 0 < known.number < end:
        return False
    row = database.execute("SELECT hash FROM audit WHERE number = ?", (known.number,)).fetchone()
    return row is not None and row["hash"] == known.hash


def _replace(path: Path, line: str) -> None:
    draft = path.with_suffix(".new")
    try:
        with draft.open("w", encoding="utf-8") as file:
            draft.chmod(0o600)
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: the last anchor could not be written ({error.strerror}).") from error


def anchor_if_due(store: StateStore, key: Ed25519PrivateKey | None = None) -> Anchor | None:
    """Sign how far the record went, once a day (UTC); gives the anchor if it was due.

    Args:
        store: an empty record has nothing to sign.
        key: the one beside the state file where none is given.

    Raises:
        StorageError: the anchor could not be made; it stays due.
    """
    with store.read() as database:
        if not _is_due(database, store.clock().date().isoformat()):
            return None
    signing = record_key(key_path(store.path)) if key is None else key
    with store.act() as act:
        return _anchor(act, signing) if _is_due(act.database, act.now.date().isoformat()) else None


def anchors_of(database: sqlite3.Connection) -> list[Anchor]:
    """Give every anchor, in the order of the record."""
    rows = database.execute("SELECT day, number, hash, signature FROM anchors ORDER BY number, day")
    return [Anchor(*row) for row in rows]


def sign(key: Ed25519PrivateKey, day: str, number: int, hash_text: str) -> Anchor:
    """Sign that the record of this day ended in this row."""
    return Anchor(day, number, hash_text, b64encode(key.sign(_signed_text(day, number, hash_text))).decode())


def _anchor(act: Act, key: Ed25519PrivateKey) -> Anchor:
    number, hash_text = act.database.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    anchor = sign(key, act.now.date().isoformat(), number, hash_text)
    act.database.execute(
        "INSERT INTO anchors VALUES (?, ?, ?, ?)", (anchor.day, anchor.number, anchor.hash, anchor.signature)
    )
    # The public key stands in the record too: a key that was exchanged is seen.
    public = key.public_key().public_bytes_raw().hex()
    act.note(ANCHORED, actor="system", subject=anchor.day, facts={"key": public, "number": number})
    return anchor


def _is_due(database: sqlite3.Connection, day: str) -> bool:
    anchored = database.execute("SELECT 1 FROM anchors WHERE day = ?", (day,)).fetchone()
    return anchored is None and database.execute("SELECT 1 FROM audit LIMIT 1").fetchone() is not None


def _signed_text(day: str, number: int, hash_text: str) -> bytes:
    return canonical({"day": day, "hash": hash_text, "number": number, "what": "schoolgate record"}).encode()


def _make_key(path: Path) -> None:
    """Make the key such that a crash leaves none or a whole one, and of two makers one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, Ed25519PrivateKey.generate().private_bytes_raw())
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
