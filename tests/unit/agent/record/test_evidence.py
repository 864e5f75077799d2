"""Evidence as a file: signed, and whatever is changed about it is found, by us and by whoever has OpenSSL."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.record.evidence import (
    DOCUMENT,
    KEY,
    READ_ME,
    SIGNATURE,
    check_anchor,
    digest_of,
    fingerprint_of,
    pack,
    read,
)
from agent.storage.anchors import Anchor, sign
from agent.storage.chain import GENESIS, canonical, commitment_of, hash_of, row_text
from rules.errors import RefusedRequestError

SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
AT = "2026-03-02T09:15:00.000000+00:00"


def row(number: int, previous: str, **facts: Any) -> dict[str, Any]:
    values = (number, AT, "incident_exported", "p1", "i1", canonical(facts), "", previous)
    names = ("number", "at", "kind", "actor", "subject", "facts", "commitment", "previous")
    return {**dict(zip(names, values, strict=True)), "facts": facts, "hash": hash_of(row_text(values))}


def document(**changes: Any) -> dict[str, Any]:
    """Give the smallest evidence that there is."""
    content, personal, key = {"source": "blocked"}, {"name": "bet.example"}, b"k" * 32
    told = commitment_of(key, f"observed\n{canonical(content)}\n{canonical(personal)}".encode())
    entry = {"number": 7, "what": "observed", "content": content, "personal": personal}
    entry |= {"hash": told, "key": key.hex()}
    first = row(3, GENESIS, evidence=told)
    last = row(9, "ab" * 32, evidence=digest_of([told]))
    anchor = str(sign(SIGNING, "2026-03-02", 9, last["hash"]))
    made = {"case": 12, "timeline": [entry], "record": {"rows": [first, last], "anchor": anchor}}
    return made | changes


def test_what_is_whole_is_read() -> None:
    evidence = read(pack(document(), SIGNING))
    assert (evidence.case, sorted(evidence.rows)) == (12, [3, 9])
    assert evidence.fingerprint == fingerprint_of(SIGNING.public_key())
    assert evidence.document["timeline"][0]["personal"] == {"name": "bet.example"}


def test_every_octet_that_is_changed_is_found() -> None:
    whole = pack(document(), SIGNING)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(RefusedRequestError) as refused:
            read(bytes(changed))
        assert str(refused.value).endswith("."), place


def test_what_is_put_together_anew_is_found(tmp_path: Path) -> None:
    parts = unzipped(pack(document(), SIGNING), tmp_path)
    parts[DOCUMENT] = parts[DOCUMENT].replace(b"bet.example", b"net.example")
    with pytest.raises(RefusedRequestError, match="was changed"):
        read(zipped(parts))


def unzipped(octets: bytes, folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        archive.extractall(folder)
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def altered(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(document()))
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            lambda made: made["record"]["rows"][0].update(actor="p2"), "Row 3 of the record was altered", id="a-row"
        ),
        pytest.param(
            lambda made: made["timeline"][0]["personal"].update(name="x.example"),
            "Entry 7 of the timeline was altered",
            id="an-entry",
        ),
        pytest.param(lambda made: made["timeline"].clear(), "is not the one that row 9", id="an-entry-that-is-gone"),
        pytest.param(
            lambda made: made["record"].update(anchor=str(sign(OTHER, "2026-03-02", 9, "0" * 64))),
            "The anchor is not that of row 9",
            id="the-anchor",
        ),
        pytest.param(lambda made: made.pop("record"), "and no evidence of a case", id="the-record"),
        pytest.param(lambda made: made.update(case="x"), "and no evidence of a case", id="the-case"),
    ],
)
def test_what_was_signed_has_to_agree_with_itself(change: Callable[[dict[str, Any]], None], says: str) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        read(pack(altered(change), SIGNING))


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04" + b"\0" * 100, id="half-a-zip"),
        pytest.param(zipped({DOCUMENT: b"{}"}), id="a-part-alone"),
        pytest.param(zipped({DOCUMENT: b"{}", SIGNATURE: b"x", KEY: b"no key", READ_ME: b""}), id="no-key"),
    ],
)
def test_what_is_no_evidence(octets: bytes) -> None:
    with pytest.raises(RefusedRequestError, match=r"expected .*\."):
        read(octets)


def test_an_anchor_that_was_printed_says_whose_key_it_is() -> None:
    evidence = read(pack(document(), SIGNING))
    check_anchor(evidence, sign(SIGNING, "2026-03-01", 2, "cd" * 32))
    with pytest.raises(RefusedRequestError, match="signed with another key"):
        check_anchor(evidence, sign(OTHER, "2026-03-01", 2, "cd" * 32))
    with pytest.raises(RefusedRequestError, match="Row 3 is another one here"):
        check_anchor(evidence, sign(SIGNING, "2026-03-01", 3, "cd" * 32))
    assert isinstance(sign(SIGNING, "2026-03-01", 3, evidence.rows[3]), Anchor)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL comes with the distribution (openssl)")
def test_a_police_officer_needs_openssl_alone(tmp_path: Path) -> None:
    parts = unzipped(pack(document(), SIGNING), tmp_path)
    command, key = (line for line in parts[READ_ME].decode().splitlines() if line.startswith("  openssl"))
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S602 (as it is told)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr
    found = subprocess.run(key, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602 (as it is told)
    assert found.stdout.split()[0] == fingerprint_of(SIGNING.public_key())
    assert found.stdout.split()[0] in parts[READ_ME].decode()
    (tmp_path / DOCUMENT).write_bytes(parts[DOCUMENT].replace(b"bet.example", b"net.example"))
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S602 (as it is told)
    assert done.returncode != 0
