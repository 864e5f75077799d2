"""The chain of the record: what is hashed, and how; no database, no clock.

A row is bound to the one before it by SHA-256 over its canonical JSON: keys sorted, no spaces, UTF-8, whole numbers
only, which is RFC 8785 for these shapes. Personal payload stands outside, bound by a commitment whose key is erased
together with it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted
from typing import Any, Final, TypeAlias

# What the first row names as the hash of the row before it.
GENESIS: Final = "0" * 64
COLUMNS: Final = ("number", "at", "kind", "actor", "subject", "facts", "commitment", "previous", "hash")

# Number, at, kind, actor, subject, facts (canonical JSON), commitment, previous.
Row: TypeAlias = tuple[int, str, str, str, str, str, str, str]


def canonical(values: Mapping[str, Any]) -> str:
    """Give the one way to write these values as JSON.

    Raises:
        TypeError: a value is not text, a whole number, a truth value, nothing, or a list or mapping of those.
    """
    _check_shape(values)
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def row_text(row: Row) -> str:
    """Give the canonical JSON of a row without its hash."""
    number, at, kind, actor, subject, facts, commitment, previous = row
    return (
        f'{{"actor":{_quoted(actor)},"at":{_quoted(at)},"commitment":{_quoted(commitment)},"facts":{facts},'
        f'"kind":{_quoted(kind)},"number":{number},"previous":{_quoted(previous)},"subject":{_quoted(subject)}}}'
    )


def hash_of(text: str) -> str:
    """Give the SHA-256 of a row's canonical JSON, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def commitment_of(key: bytes, content: bytes) -> str:
    """Bind personal payload without telling it: nobody can try values out once the key is erased."""
    return hmac.digest(key, content, "sha256").hex()


def _check_shape(value: object) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"the record takes names that are text, not {name!r}")
            _check_shape(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_shape(inner)
    elif value is not None and not isinstance(value, str | int):
        raise TypeError(f"the record takes text, whole numbers, truth values and lists of them, not {value!r}")
