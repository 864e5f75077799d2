"""Adblock-style rules as DNS filters understand them.

`||name^` lists a name with all below it, `|name^` and a bare `name` list it alone, `@@` makes an exception of a
rule, `*` stands for anything. A rule without `^` is read as if it had one: who writes `||name.example` does not mean
`name.example.org` too. Rules that depend on more than the name and type of a query are refused, not guessed.

Source: AdGuard, "DNS filtering rules syntax": basic rules and the modifiers important, badfilter, denyallow, dnstype.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from filters.list_entries import Reason, SpecialRule
from filters.list_formats.plain import HostsReader
from filters.list_formats.rr_types import parse_rr_type
from filters.list_names import PLAIN_NAME, Refused, read_any_name, read_name, to_wire_names
from rules.name import MAX_WIRE_OCTETS, to_wire

_COMMENT: Final = re.compile(r"\s#\s.*")
_REGEX: Final = re.compile(r"/.*/(?:\$.*)?")
_ABOUT_PAGES: Final = re.compile(r"#[@?$%]{0,3}#|\$@?\$")
_ABOUT_ALL_PAGES: Final = re.compile(r"##[^\s#]|###[\w-]|#@|#\?#|#\$|#%")
_HOSTS_LINE: Final = re.compile(r"[0-9a-f.:]+\s+\S", re.IGNORECASE)
_WILDCARDS: Final = re.compile(r"\*+")
_PATTERN: Final = re.compile(r"(?!.*\.\.)[a-z0-9_.*-]+", re.ASCII)
_ADDRESS_PATTERN: Final = re.compile(r"[0-9.*:]+", re.ASCII)
# What a pattern must say beside its top-level domain; with less it would hit a good part of the net.
MIN_PATTERN_CHARACTERS: Final = 3
SUPPORTED_MODIFIERS: Final = ("important", "badfilter", "denyallow", "dnstype")


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What stands behind the `$` of a rule."""

    important: bool = False
    badfilter: bool = False
    dnstypes: frozenset[int] = frozenset()
    not_dnstypes: frozenset[int] = frozenset()
    denyallow: frozenset[bytes] = frozenset()

    def narrow_nothing(self) -> bool:
        """Say whether the rule is the same without them, once nothing cancels it."""
        return not (self.important or self.dnstypes or self.not_dnstypes or self.denyallow)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule taken apart.

    Args:
        body: a name or, with `*` in it, a pattern for the whole of a name.
        at_label: the body may begin at any label (`||`), so that names below are meant too.
    """

    body: str
    at_label: bool
    exception: bool
    modifiers: Modifiers

    def is_plain(self) -> bool:
        """Say whether this is `||name^` and nothing more."""
        return self.at_label and not self.exception and self.modifiers.narrow_nothing() and "*" not in self.body


class AdblockReader(HostsReader):
    """One rule a line; hosts lines may stand between them."""

    plain = re.compile(rb"(?:\|\|" + PLAIN_NAME + rb"\^[ \t]*+\n)++")

    def __init__(self, file: str, *, badfilter_lines: Iterable[bytes] = ()) -> None:
        super().__init__(file)
        self._cancelled = frozenset(_cancelled_rules(badfilter_lines))
        self._cancelled_names = {to_wire(read_name(rule.body)) for rule in self._cancelled if rule.is_plain()}

    def take_run(self, run: bytes) -> bool:
        """Take a run of `||name^` rules."""
        if b" " in run or b"\t" in run:
            run = run.translate(None, b" \t")
        names = to_wire_names(run.replace(b"^\n", b"\n").replace(b"||", b""))
        if self._cancelled_names and not self._cancelled_names.isdisjoint(names):
            return False
        self.chunk.subtree += names
        return bool(names)

    def take_line(self, text: str) -> None:
        """Take a rule, a hosts line or a comment."""
        text = text.lstrip()
        if not text or text[0] in "!#[":
            if _ABOUT_ALL_PAGES.match(text):
                raise _not_for_dns("a rule about the content of pages")
            self.ignore()
        elif _HOSTS_LINE.match(text):
            super().take_line(text)
        else:
            self._take_rule(parse_rule(text))

    def _take_rule(self, rule: Rule) -> None:
        listed = to_listing(rule)
        if rule.modifiers.badfilter:
            self.ignore()
        elif rule in self._cancelled:
            raise Refused(Reason.CANCELLED, "another rule of this list cancels it")
        elif isinstance(listed, SpecialRule):
            self.chunk.special.append(listed)
        elif rule.at_label:
            self.chunk.subtree.append(listed)
        else:
            self.chunk.exact.append(listed)


def _cancelled_rules(lines: Iterable[bytes]) -> Iterator[Rule]:
    for line in lines:
        try:
            rule = parse_rule(line.decode("utf-8", "surrogateescape").strip())
            to_listing(rule)
        except Refused:
            continue
        if rule.modifiers.badfilter:
            yield replace(rule, modifiers=replace(rule.modifiers, badfilter=False))


def parse_rule(text: str) -> Rule:
    """Take a rule apart.

    Raises:
        Refused: the rule is not about names, or has a modifier that DNS cannot honour.
    """
    text = _COMMENT.sub("", text).rstrip()
    exception = text.startswith("@@")
    text = text.removeprefix("@@")
    if _REGEX.fullmatch(text):
        raise _not_for_dns("a regular expression")
    if _ABOUT_PAGES.search(text):
        raise _not_for_dns("a rule about the content of pages")
    body, dollar, options = text.partition("$")
    modifiers = _parse_modifiers(options) if dollar else Modifiers()
    is_bare_name = not exception and modifiers.narrow_nothing()
    body, at_label = _parse_body(body.lower() if body.isascii() else body, is_bare_name=is_bare_name)
    return Rule(body, at_label, exception, modifiers)


def _parse_body(text: str, *, is_bare_name: bool) -> tuple[str, bool]:
    body = text.lstrip("|")
    anchor = text[: len(text) - len(body)]
    shorter = body.removesuffix("*") if body.endswith("^*") else body
    shorter = shorter.removesuffix("|").removesuffix("^")
    body = _WILDCARDS.sub("*", shorter)
    if "^" in body or "|" in body or len(anchor) > 2:
        raise _not_for_dns("an anchor or separator at a place where names have none")
    if anchor:
        return body, anchor == "||"
    if body.startswith("."):
        return "*" + body, False
    if "*" in body:
        return _WILDCARDS.sub("*", "*" + body), False
    return body, not (is_bare_name and shorter == text)


def _parse_modifiers(text: str) -> Modifiers:
    important = badfilter = False
    denyallow: frozenset[bytes] = frozenset()
    wanted: frozenset[int] = frozenset()
    unwanted: frozenset[int] = frozenset()
    for option in text.split(","):
        key, _, value = option.strip().partition("=")
        match key.lower():
            case "important":
                important = True
            case "badfilter":
                badfilter = True
            case "denyallow":
                denyallow = frozenset(to_wire(read_any_name(name)) for name in value.split("|"))
            case "dnstype":
                wanted, unwanted = _parse_types(value)
            case _:
                known = ", ".join(SUPPORTED_MODIFIERS)
                raise Refused(Reason.UNSUPPORTED_MODIFIER, f"modifier {key!r}, where DNS can honour only {known}")
    return Modifiers(important, badfilter, wanted, unwanted, denyallow)


def _parse_types(text: str) -> tuple[frozenset[int], frozenset[int]]:
    wanted: set[int] = set()
    unwanted: set[int] = set()
    for word in text.split("|"):
        number = parse_rr_type(word.strip().removeprefix("~"))
        if number is None:
            raise Refused(Reason.BAD_SYNTAX, f"dnstype {word!r}, where a type such as AAAA or ~HTTPS was expected")
        (unwanted if word.strip().startswith("~") else wanted).add(number)
    return frozenset(wanted), frozenset(unwanted)


def to_listing(rule: Rule) -> bytes | SpecialRule:
    """Say what a rule lists: a wire name, or more than that.

    Raises:
        Refused: an address, a web address, no name, or far too many names.
    """
    if _ADDRESS_PATTERN.fullmatch(rule.body) and any(map(str.isdigit, rule.body)):
        raise Refused(Reason.RAW_ADDRESS, "an address, where a name was expected")
    if "/" in rule.body or ":" in rule.body:
        raise _not_for_dns("a web address, of which DNS sees only the name")
    name, pattern = _compile(rule) if "*" in rule.body else (to_wire(read_name(rule.body)), None)
    modifiers = rule.modifiers
    if pattern is None and not rule.exception and modifiers.narrow_nothing():
        return name
    return SpecialRule(
        name,
        subtree=rule.at_label or pattern is not None,
        exception=rule.exception,
        important=modifiers.important,
        dnstypes=modifiers.dnstypes,
        not_dnstypes=modifiers.not_dnstypes,
        denyallow=modifiers.denyallow,
        pattern=pattern,
    )


def _compile(rule: Rule) -> tuple[bytes, str]:
    """Give the literal suffix of a pattern with wildcards, and its regular expression.

    Each literal between two wildcards is looked for once, as early as possible, and never again (an atomic group),
    which finds every match there is and keeps the work linear whatever a list says.
    """
    if len(rule.body) > MAX_WIRE_OCTETS or not _PATTERN.fullmatch(rule.body) or rule.body.endswith("."):
        raise Refused(Reason.BAD_NAME, "a character or dot that no host name has there, or too many of them")
    first, *middle, last = rule.body.split("*")
    _check_breadth(rule.body, last)
    start = re.escape(first) if not (first and rule.at_label) else rf"(?>(?:.*?\.)??{re.escape(first)})"
    pattern = start + "".join(rf"(?>.*?{re.escape(part)})" for part in middle) + ".*" + re.escape(last)
    suffix = last.partition(".")[2]
    return to_wire(read_any_name(suffix)) if suffix else b"", pattern


def _check_breadth(body: str, last: str) -> None:
    top_level = last.rpartition(".")[2] if "." in last else ""
    said = sum(map(str.isalnum, body.removesuffix(top_level)))
    if said < MIN_PATTERN_CHARACTERS:
        raise Refused(Reason.TOO_BROAD, "next to nothing beside wildcards and top-level domain")


def _not_for_dns(what: str) -> Refused:
    return Refused(Reason.UNSUPPORTED_RULE, f"{what}, where a rule about names was expected")
