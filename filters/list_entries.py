"""What a list says, as values: the names of one stretch of it, its rules with conditions, and the lines not used."""

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from rules.name import DomainName, from_wire, is_at_or_below

# What a site may state; `squidguard-domains` is the `domains` file of a UT1 or SquidGuard tree.
FORMATS: Final = ("domains", "hosts", "adblock", "dnsmasq", "rpz", "squidguard-domains")
# The `urls` and `expressions` files of such a tree: read only to be counted.
NOT_FOR_DNS_FORMAT: Final = "squidguard-urls"

MAX_SHOWN_CHARACTERS: Final = 120


class Reason(StrEnum):
    """Why a line, or one entry on it, is not used; a closed set, so that it can be a metric label."""

    BAD_NAME = "bad_name"
    BAD_SYNTAX = "bad_syntax"
    TOO_LONG = "too_long"
    NUL_BYTE = "nul_byte"
    RAW_ADDRESS = "raw_address"
    TOO_BROAD = "too_broad"
    NOT_FOR_DNS = "not_for_dns"
    UNSUPPORTED_RULE = "unsupported_rule"
    UNSUPPORTED_MODIFIER = "unsupported_modifier"
    UNSUPPORTED_TRIGGER = "unsupported_trigger"
    UNSUPPORTED_ACTION = "unsupported_action"
    FORWARDING = "forwarding"
    CANCELLED = "cancelled"
    HTML = "html"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line, or one entry on it, that is not used."""

    file: str
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}: {self.text}"


@dataclass(frozen=True, slots=True)
class RpzAnswer:
    """The answer that a list itself gives for a name.

    `records` are (type, TTL in seconds, data in presentation form with absolute names); none unless `local`.
    A plain `CNAME .` is no answer but a listing: the site says how a block looks.
    """

    kind: Literal["nxdomain", "nodata", "local"]
    records: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SpecialRule:
    """A rule that says more than "this name is listed".

    Args:
        name: lower-case wire form without the root octet; empty (the root) for a pattern without literal suffix.
        subtree: names below count too.
        exception: the rule cancels blocks of its own list.
        dnstypes: query types it is for; empty means all.
        not_dnstypes: query types it is not for.
        denyallow: wire names that it leaves alone, with all below them.
        pattern: a regular expression that the whole text of the name must match as well (`re.fullmatch`).
    """

    name: bytes
    subtree: bool = True
    exception: bool = False
    important: bool = False
    dnstypes: frozenset[int] = frozenset()
    not_dnstypes: frozenset[int] = frozenset()
    denyallow: frozenset[bytes] = frozenset()
    pattern: str | None = None
    answer: RpzAnswer | None = None

    def covers(self, name: DomainName) -> bool:
        """Say whether the rule is about this name, whatever the query type."""
        own = from_wire(self.name)
        return (
            (is_at_or_below(name, own) if self.subtree else name == own)
            and (self.pattern is None or re.fullmatch(self.pattern, name) is not None)
            and not any(is_at_or_below(name, from_wire(left_alone)) for left_alone in self.denyallow)
        )

    def is_for_type(self, qtype: int) -> bool:
        """Say whether the rule is about this query type."""
        return (not self.dnstypes or qtype in self.dnstypes) and qtype not in self.not_dnstypes


@dataclass(slots=True)
class Chunk:
    """What one stretch of a list says, some thousand lines.

    Names are lower-case wire form without the root octet; none is a single label. `subtree` names are listed
    with all below them, `exact` ones alone. Only the first thousand bad lines of a list are kept in `bad`;
    `counts` has all of them. `ignored` lines are comments, blank lines, boilerplate and zone structure.
    """

    subtree: list[bytes] = field(default_factory=list)
    exact: list[bytes] = field(default_factory=list)
    special: list[SpecialRule] = field(default_factory=list)
    counts: Counter[Reason] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)
    lines: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class ListedLine:
    """The literal line of a list that lists a name, or makes an exception for it."""

    file: str
    line: int
    text: str
    exception: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"
