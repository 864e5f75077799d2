"""The text of a zone file: lines in, records out, with origins, defaults and parentheses resolved.

It knows the syntax only; what a record means is for others to say.

Source: RFC 1035 section 5.1, RFC 2308 section 4 ($TTL).
"""

import re
from dataclasses import dataclass
from typing import Final

from filters.list_entries import Reason
from filters.list_names import Refused

MAX_OPEN_LINES: Final = 100
MAX_TTL_SECONDS: Final = 2**31 - 1

_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*+")|(;.*)|([()])|((?:[^\s;()"\\]|\\.)++)|(\S))')
_TTL: Final = re.compile(r"(?:\d{1,10}[smhdw])+|\d{1,10}", re.IGNORECASE | re.ASCII)
_TTL_PART: Final = re.compile(r"(\d+)([smhdw]?)", re.IGNORECASE)
_UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CLASSES: Final = frozenset({"IN", "CH", "HS"})


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """One record; the owner is absolute, lower-case, without the final dot."""

    owner: str
    ttl_seconds: int
    type: str
    data: tuple[str, ...]


class ZoneFile:
    """The reading of one zone file.

    `origin` is what relative names are relative to, None as long as the file has not said it; `apex` is the name of
    the zone, empty as long as it is not known. Both are absolute without the final dot.
    """

    def __init__(self) -> None:
        self.origin: str | None = None
        self.apex = ""
        self.owner: str | None = None
        self.default_ttl_seconds = 3_600
        self._open_tokens: list[str] = []
        self._open_lines = 0
        self._depth = 0

    @property
    def is_open(self) -> bool:
        """Say whether a parenthesis waits for its end."""
        return self._depth > 0

    @property
    def is_flat(self) -> bool:
        """Say whether a relative owner name on the next line is relative to the zone itself."""
        return not self.is_open and (self.origin or "") == self.apex

    def absolute(self, name: str) -> str:
        """Complete a name by the origin."""
        if name == "@":
            return self.origin or ""
        if name.endswith("."):
            return name[:-1]
        return f"{name}.{self.origin}" if self.origin else name

    def take_line(self, text: str) -> ZoneRecord | None:
        """Take one line; give the record that it completes, if any.

        Raises:
            Refused: the line is not zone file syntax.
        """
        tokens = self._tokens(text)
        if self.is_open or not tokens:
            return None
        if tokens[0].startswith("$"):
            self._take_directive(tokens)
            return None
        if tokens[0]:
            self.owner = self.absolute(tokens[0]).lower()
        if self.owner is None:
            raise Refused(Reason.BAD_SYNTAX, "a record without an owner name, and none stands before it")
        return self._record(self.owner, tokens[1:])

    def close(self) -> None:
        """Say that the file is at its end.

        Raises:
            Refused: a parenthesis is still open.
        """
        if self.is_open:
            self._depth = 0
            raise Refused(Reason.BAD_SYNTAX, "the file ends before a parenthesis is closed")

    def _tokens(self, text: str) -> list[str]:
        """Give the tokens of an entry when it is complete; the first one is empty if the owner is left out."""
        if not self.is_open:
            self._open_tokens = [""] if text[:1].isspace() else []
            self._open_lines = 0
        for quoted, comment, parenthesis, word, other in _TOKEN.findall(text):
            if other:
                self._depth = 0
                raise Refused(Reason.BAD_SYNTAX, "a quotation mark that is not closed, or a backslash at the end")
            if parenthesis:
                self._depth = max(self._depth + (1 if parenthesis == "(" else -1), 0)
            elif not comment:
                self._open_tokens.append(quoted or word)
        self._open_lines += 1
        if self.is_open and self._open_lines > MAX_OPEN_LINES:
            self._depth = 0
            raise Refused(Reason.BAD_SYNTAX, f"a parenthesis that is not closed within {MAX_OPEN_LINES} lines")
        return [] if self._open_tokens == [""] else self._open_tokens

    def _take_directive(self, tokens: list[str]) -> None:
        directive, values = tokens[0].upper(), tokens[1:]
        if directive == "$TTL" and len(values) == 1 and _TTL.fullmatch(values[0]):
            self.default_ttl_seconds = parse_ttl_seconds(values[0])
        elif directive == "$ORIGIN" and len(values) == 1:
            self.origin = self.absolute(values[0]).lower()
            self.apex = self.apex or self.origin
        elif directive in {"$INCLUDE", "$GENERATE"}:
            raise Refused(Reason.UNSUPPORTED_RULE, f"{directive} is not supported")
        else:
            raise Refused(Reason.BAD_SYNTAX, "'$TTL seconds' or '$ORIGIN name' was expected")

    def _record(self, owner: str, words: list[str]) -> ZoneRecord:
        ttl_seconds = self.default_ttl_seconds
        # RFC 1035 section 5.1: TTL and class may stand in either order, and both may be left out.
        for _ in range(2):
            if words and _TTL.fullmatch(words[0]):
                ttl_seconds = parse_ttl_seconds(words.pop(0))
            elif words and words[0].upper() in _CLASSES:
                words.pop(0)
        if len(words) < 2:
            raise Refused(Reason.BAD_SYNTAX, "a name, a type and data were expected, such as 'name.example CNAME .'")
        record = ZoneRecord(owner, ttl_seconds, words[0].upper(), tuple(words[1:]))
        if record.type == "SOA":
            self.apex = owner
            self.origin = owner if self.origin is None else self.origin
        return record


def parse_ttl_seconds(text: str) -> int:
    """Parse a TTL such as `3600` or `1h30m`."""
    seconds = sum(int(number) * _UNIT_SECONDS[unit.lower()] for number, unit in _TTL_PART.findall(text))
    return min(seconds, MAX_TTL_SECONDS)
