"""The lines of a dnsmasq configuration that answer for names: `address=`, `server=` and `local=`.

`address=/name/…`, `local=/name/` and `server=/name/` list a name with all below it, `server=/name/#` (ask as usual)
is an exception. Which address a line gives does not matter, because the site says how a block is answered.

Source: dnsmasq(8), options --address, --server and --local.
"""

import re
from ipaddress import ip_address
from typing import Final

from filters.list_entries import Reason, SpecialRule
from filters.list_formats.plain import without_comment, without_wildcard
from filters.list_formats.reader import Reader
from filters.list_names import PLAIN_NAME, Refused, below_only, read_name, to_wire_names
from rules.name import to_wire

_NULL: Final = rb"(?:#|0\.0\.0\.0|127\.0\.0\.1|::1?)?"
_NAMES: Final = re.compile(rb"=/([^/\n]++)/")
FORWARDING: Final = "forwards queries to another server, which belongs in the site file under upstreams"


class DnsmasqReader(Reader):
    """One option a line."""

    plain = re.compile(
        rb"(?:(?:address=/" + PLAIN_NAME + rb"/" + _NULL + rb"|(?:local|server)=/" + PLAIN_NAME + rb"/)[ \t]*+\n)++"
    )

    def take_run(self, run: bytes) -> bool:
        """Take a run of options that list one name each."""
        names = to_wire_names(b"\n".join(_NAMES.findall(run)) + b"\n")
        self.chunk.subtree += names
        return bool(names)

    def take_line(self, text: str) -> None:
        """Take an option or a comment."""
        text = without_comment(text)
        if not text:
            self.ignore()
            return
        option, equals, value = text.partition("=")
        option = option.strip().lower()
        if not equals or option not in {"address", "server", "local"}:
            raise Refused(Reason.UNSUPPORTED_RULE, "only address=, server= and local= say something about names")
        names, target = _split(option, value.strip())
        is_exception = option != "address" and target == "#"
        if option == "address":
            _check_address(target)
        elif target and not is_exception:
            raise Refused(Reason.FORWARDING, FORWARDING)
        for name in names:
            try:
                self._list(name, exception=is_exception)
            except Refused as refused:
                self.refuse(refused, text)

    def _list(self, text: str, *, exception: bool) -> None:
        if text == "#":
            raise Refused(Reason.TOO_BROAD, "every name would be covered")
        name = read_name(without_wildcard(text))
        if text.startswith("*."):
            self.chunk.special.append(below_only(name, exception=exception))
        elif exception:
            self.chunk.special.append(SpecialRule(to_wire(name), exception=True))
        else:
            self.chunk.subtree.append(to_wire(name))


def _split(option: str, value: str) -> tuple[list[str], str]:
    if not value.startswith("/"):
        if option != "address":
            raise Refused(Reason.FORWARDING, FORWARDING)
        raise Refused(Reason.BAD_SYNTAX, "a name between slashes was expected, such as address=/name.example/")
    names, slash, target = value[1:].rpartition("/")
    if not slash:
        raise Refused(Reason.BAD_SYNTAX, "a slash behind the name was expected, such as address=/name.example/")
    return names.split("/"), target.strip()


def _check_address(target: str) -> None:
    if target and target != "#":
        try:
            ip_address(target)
        except ValueError:
            raise Refused(Reason.BAD_SYNTAX, f"{target!r} where an address, '#' or nothing was expected") from None
