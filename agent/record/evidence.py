"""Evidence that is handed out: one file that whoever gets it can check without this program.

It is a ZIP of what the record proves (`evidence.json`), the signature of exactly those octets with the record's key,
that key, and how to check it. Whose the key is, the file cannot say: an anchor that was printed before can.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from agent.storage.anchors import Anchor, parse_anchor
from agent.storage.chain import canonical, commitment_of, hash_of, row_text
from rules.errors import RefusedRequestError

WHAT: Final = "schoolgate evidence"
DOCUMENT, SIGNATURE, KEY, READ_ME = "evidence.json", "evidence.sig", "record-key.pem", "READ-ME.txt"
# More than the timeline and the record of any case.
MAX_OCTETS: Final = 64 * 1024 * 1024
# That of the earliest date that a ZIP knows: when it was made stands in what is signed.
_NO_DATE: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_SENTENCES: Final = """\
What this is
  evidence.json    what the school's record holds of one case: people, times, steps, and the hashes that prove them
  evidence.sig     the Ed25519 signature of exactly the octets of evidence.json
  record-key.pem   the public key that it is signed with

How to check it, with OpenSSL 3 and nothing of ours
  openssl pkeyutl -verify -pubin -inkey record-key.pem -rawin -in evidence.json -sigfile evidence.sig

Whether the key is the school's
  openssl pkey -pubin -in record-key.pem -outform DER | tail -c 32 | sha256sum
  gives the fingerprint {fingerprint}
  Ask the school for it by another way. Each row of the kind record_anchored in its record holds the key itself, and
  every anchor that the school printed or mailed before is signed with it.
"""


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """Give what people compare of a key: the SHA-256 of its 32 octets, in hexadecimal."""
    return sha256(key.public_bytes_raw()).hexdigest()


def digest_of(hashes: Sequence[str]) -> str:
    """Give one hash for the hashes of a timeline, in their order."""
    return sha256("\n".join(hashes).encode()).hexdigest()


def pack(document: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Give the file: the document, signed."""
    octets = json.dumps({"what": WHAT, **document}, ensure_ascii=False, indent=1).encode()
    public = key.public_key()
    parts = {
        DOCUMENT: octets,
        SIGNATURE: key.sign(octets),
        KEY: public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        READ_ME: _SENTENCES.format(fingerprint=fingerprint_of(public)).encode(),
    }
    return _zipped(parts)


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    """Put parts together in the one way, so that whatever else was changed about a file is seen."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in (DOCUMENT, SIGNATURE, KEY, READ_ME):
            info = zipfile.ZipInfo(name, _NO_DATE)
            info.create_system = _UNIX
            archive.writestr(info, parts[name])
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file as it was read; `rows` are those of the record, by number and hash, that it rests on."""

    case: int
    document: Mapping[str, Any]
    key: Ed25519PublicKey
    rows: Mapping[int, str]

    @property
    def fingerprint(self) -> str:
        """What people compare of the key that it is signed with."""
        return fingerprint_of(self.key)


def read(octets: bytes) -> Evidence:
    """Read a file of evidence and check everything that can be checked by it alone.

    Raises:
        RefusedRequestError: it is none, or something in it was changed.
    """
    parts = _unpack(octets)
    try:
        key = load_pem_public_key(parts[KEY])
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise RefusedRequestError(f"{KEY} in it is no Ed25519 key; expected that of the record.")
    try:
        key.verify(parts[SIGNATURE], parts[DOCUMENT])
    except InvalidSignature:
        raise RefusedRequestError(
            f"{DOCUMENT} is not what was signed with {KEY}: one of the three was changed."
        ) from None
    try:
        document = json.loads(parts[DOCUMENT])
        rows = {row["number"]: row["hash"] for row in document["record"]["rows"]}
        finding = next(_findings(document, key), None)
        case = int(document["case"])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RefusedRequestError("It is signed, and no evidence of a case; expected what an export wrote.") from None
    if finding:
        raise RefusedRequestError(finding)
    return Evidence(case, document, key, rows)


def _unpack(octets: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(octets)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_OCTETS:
                raise RefusedRequestError(f"It holds more than {MAX_OCTETS:,} octets; expected evidence of a case.")
            parts = {name: archive.read(name) for name in (DOCUMENT, SIGNATURE, KEY, READ_ME)}
    except KeyError as error:
        raise RefusedRequestError(f"It lacks a part ({error.args[0]}); expected what an export wrote.") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise RefusedRequestError("It is no whole ZIP file; expected what an export wrote.") from None
    if _zipped(parts) != octets:
        raise RefusedRequestError("It was changed, or made by another program; expected what an export wrote.")
    return parts


def _findings(document: Mapping[str, Any], key: Ed25519PublicKey) -> Iterator[str]:
    """Give what is signed and yet does not agree with itself: the gateway wrote it from a record that was touched."""
    if document["what"] != WHAT:
        yield f"It is signed, and is {document['what']!r:.60}; expected {WHAT}."
    rows, timeline = document["record"]["rows"], document["timeline"]
    for row in rows:
        if hash_of(_text_of(row)) != row["hash"]:
            yield f"Row {row['number']} of the record was altered before it was exported."
    for entry in timeline:
        if entry["key"] is not None and _hash_of_entry(entry) != entry["hash"]:
            yield f"Entry {entry['number']} of the timeline was altered before it was exported."
    last, anchor = rows[-1], parse_anchor(document["record"]["anchor"])
    if last["facts"].get("evidence") != digest_of([entry["hash"] for entry in timeline]):
        yield f"The timeline is not the one that row {last['number']} of the record speaks of."
    if (anchor.number, anchor.hash) != (last["number"], last["hash"]) or not anchor.is_signed_by(key):
        yield f"The anchor is not that of row {last['number']}, signed with the same key."


def _text_of(row: Mapping[str, Any]) -> str:
    names = ("number", "at", "kind", "actor", "subject")
    number, at, kind, actor, subject = (row[name] for name in names)
    return row_text((number, at, kind, actor, subject, canonical(row["facts"]), row["commitment"], row["previous"]))


def _hash_of_entry(entry: Mapping[str, Any]) -> str:
    personal = "" if entry["personal"] is None else canonical(entry["personal"])
    text = f"{entry['what']}\n{canonical(entry['content'])}\n{personal}"
    return commitment_of(bytes.fromhex(entry["key"]), text.encode())


def check_anchor(evidence: Evidence, anchor: Anchor) -> None:
    """Check that an anchor that was printed before is signed with the key of this evidence, and agrees with it.

    Raises:
        RefusedRequestError: it is not, or does not.
    """
    if not anchor.is_signed_by(evidence.key):
        raise RefusedRequestError(
            f"The anchor of {anchor.day} is signed with another key, so this evidence is not of the same record."
        )
    if evidence.rows.get(anchor.number, anchor.hash) != anchor.hash:
        raise RefusedRequestError(
            f"Row {anchor.number} is another one here than in the anchor of {anchor.day}: the chain was written anew."
        )
