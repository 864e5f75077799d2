"""One entry of a timeline on one line: what is kept of it, without what the head of its case says already."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agent.commands.cli_options import in_words

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

_IN_HEAD: Final = ("kind", "place", "confidence")
_SHOWN: Final = "shown"
# Of these the value is a code of a closed set.
_CODES: Final = frozenset({"source", "category", "why", "coverage", "program_from", "kind", "place"})
FINDINGS: Final[Mapping[str, str]] = {
    "disk_off": "the laptop's own disk is not encrypted",
    "disk_suspended": "the encryption of the laptop's own disk is switched off for now",
    "filter_not_ours": "somebody else than the school's filter answered the laptop",
    "filter_open": "the filter left open to the laptop what should be closed",
    "service_killed": "the service on the laptop was killed",
    "spool_reset": "what waited on the laptop had to begin anew",
    "no_questions": "the laptop speaks to us and asks us for no names",
    "no_word": "the laptop asks us for names, and its service says nothing",
}


def content_of(entry: Mapping[str, Any], case: Mapping[str, Any], clock: "Clock") -> str:
    """Write what is kept of an entry."""
    kept: dict[str, Any] = {**entry["content"], **(entry["personal"] or {})}
    said = {name: value for name, value in kept.items() if not (name in _IN_HEAD and value == case[name])}
    return ", ".join(filter(None, (_fact(name, value, clock) for name, value in said.items())))


def _fact(name: str, value: Any, clock: "Clock") -> str:
    if value in ("", None, [], {}, False):
        return ""
    if value is True:
        return in_words(name).removeprefix("is ").removeprefix("has ")
    if isinstance(value, str) and (words := _worded().get(name)):
        return words(value)
    if name in _CODES:
        return f"{in_words(name)} {in_words(value)}"
    if isinstance(value, int) and (amounts := _amounts().get(name)):
        return amounts(value)
    return f"{in_words(name)} {_value(value, clock)}"


def _value(value: Any, clock: "Clock") -> str:
    if isinstance(value, list):
        return "/".join(_value(each, clock) for each in value)
    if isinstance(value, Mapping):
        return " ".join(f"{in_words(name)} {_value(each, clock)}" for name, each in value.items())
    return clock.show(value) if _is_instant(value) else str(value)


def _is_instant(value: Any) -> bool:
    with suppress(ValueError):
        return isinstance(value, str) and "T" in value and datetime.fromisoformat(value).tzinfo is not None
    return False


def _worded() -> Mapping[str, Callable[[str], str]]:
    from agent.endpoint import code_words

    crypts, not_shown, sources = code_words.crypts(str), code_words.not_shown(str), code_words.signs(str)
    signatures, findings = code_words.signatures(str), {**code_words.findings(str), **FINDINGS}

    def notice(code: str) -> str:
        return "notice shown" if code == _SHOWN else f"notice not shown: {not_shown.get(code, in_words(code))}"

    def found(listed: str) -> str:
        pairs = (each.partition(": ") for each in listed.split("; "))
        return "; ".join(
            sources[code] % {"what": what} if code in sources else f"found {code}{colon}{what}"
            for code, colon, what in pairs
        )

    return {
        "evidence": _evidence,
        "proof": _proof,
        "crypt": lambda code: crypts.get(code, f"crypt {code}"),
        "notice": notice,
        "found": found,
        "signature": lambda code: signatures.get(code, f"signature {code}"),
        "finding": lambda code: findings.get(code, f"finding {in_words(code)}"),
    }


def _amounts() -> Mapping[str, Callable[[int], str]]:
    from agent.endpoint.notice_texts import endpoint_texts
    from agent.endpoint.value_words import ValueWords

    words = ValueWords(endpoint_texts("en"), str)
    return {
        "size_bytes": lambda octets: f"size {words.size(octets)}",
        "bytes": lambda octets: f"{words.size(octets)} written",
        "grace_seconds": lambda seconds: f"time to take it out {words.time(seconds)}",
    }


def _evidence(text: str) -> str:
    seen = ", ".join(f"{each['source']} {each['value']}" for each in _rows(text, "source", "value"))
    return f"evidence {seen or text}"


def _proof(text: str) -> str:
    number = len(list(_rows(text, "event")))
    if not number:
        return f"proof {text}"
    return f"proved by {number} signed {'event' if number == 1 else 'events'} (--json shows them)"


def _rows(text: str, *names: str) -> Iterator[Mapping[str, Any]]:
    """Read a list of facts that have these names; nothing of what is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            yield from (each for each in found if each.keys() >= set(names))
