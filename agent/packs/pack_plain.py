"""A pack as plain values, for programs: every text in all of its languages."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from rules.policy_pack import Pack
from rules.span import Span
from rules.words import Words


def as_plain(pack: Pack) -> dict[str, Any]:
    """Give a pack as JSON can hold it."""
    plain: dict[str, Any] = _plain(pack)
    return plain


def _plain(value: Any) -> Any:
    match value:
        case Words():
            return dict(value.by_language)
        case Span() | date():
            return str(value)
        case timedelta():
            return int(value.total_seconds())
        case Enum():
            return value.value
        case Mapping():
            return {_key(name): _plain(inner) for name, inner in value.items()}
        case frozenset():
            return sorted(map(_plain, value))
        case tuple() | list():
            return [_plain(inner) for inner in value]
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    return value


def _key(name: Any) -> str:
    """Write a key of several parts as one: `pupil/gambling`."""
    return "/".join(map(str, name)) if isinstance(name, tuple) else str(name)
