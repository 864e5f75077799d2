"""Lists of names alone: plain domains, the `domains` file of a SquidGuard tree, and hosts files.

A plain name is listed with all below it, with or without `*.` or a dot before it. A hosts file lists exact names;
which address it gives them does not matter, because the site says how a block is answered.
"""

import re
from ipaddress import ip_address
from typing import Final

from filters.list_entries import Reason
from filters.list_formats.reader import Reader
from filters.list_names import PLAIN_NAME, Refused, is_address, read_wire_name, to_wire_names

# Lines that every hosts file has for the machine itself; none of them is a listing.
_BOILERPLATE: Final = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost4.localdomain4",
        "localhost6",
        "localhost6.localdomain6",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
        "0.0.0.0",
        "127.0.0.1",
        "::",
        "::1",
    }
)
_HOSTS_ADDRESS: Final = re.compile(rb"^[^ \t]++[ \t]++", re.MULTILINE)
_COMMENT: Final = re.compile(r"(?:^|\s)#.*", re.DOTALL)
_BLANKS: Final = b" \t"


class DomainsReader(Reader):
    """One name a line."""

    plain = re.compile(rb"(?:[ \t]*+(?:\*?\.)?+" + PLAIN_NAME + rb"\.?+[ \t]*+\n)++")

    def take_run(self, run: bytes) -> bool:
        """Take a run of names."""
        if b" " in run or b"\t" in run:
            run = run.translate(None, _BLANKS)
        if b"*" in run:
            run = run.replace(b"*.", b"")
        if run.startswith(b".") or b"\n." in run:
            run = run.replace(b"\n.", b"\n").removeprefix(b".")
        if b".\n" in run:
            run = run.replace(b".\n", b"\n")
        names = to_wire_names(run)
        self.chunk.subtree += names
        return bool(names)

    def take_line(self, text: str) -> None:
        """Take a name, a comment, or a name with a comment behind it."""
        entry = without_comment(text)
        if not entry or entry[0] in "!;":
            self.ignore()
        else:
            self.chunk.subtree.append(read_wire_name(without_wildcard(entry)))


class HostsReader(Reader):
    """An address and its names on each line."""

    plain = re.compile(rb"(?:(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]++" + PLAIN_NAME + rb"[ \t]*+\n)++")

    def take_run(self, run: bytes) -> bool:
        """Take a run of lines with one name each."""
        if b".localdomain" in run:
            return False
        # No name ends in a digit's label, so a null address with a blank behind it is never part of a name.
        text = run.replace(b"0.0.0.0 ", b"").replace(b"127.0.0.1 ", b"")
        if b" " in text or b"\t" in text:
            text = _HOSTS_ADDRESS.sub(b"", run).translate(None, _BLANKS)
        names = to_wire_names(text)
        self.chunk.exact += names
        return bool(names)

    def take_line(self, text: str) -> None:
        """Take an address and its names; a name without an address is taken too."""
        words = text.partition("#")[0].split()
        if words and _is_hosts_address(words[0]):
            if len(words) == 1:
                raise Refused(Reason.RAW_ADDRESS, "an address without a name")
            words = [word for word in words[1:] if word.lower() not in _BOILERPLATE]
        elif len(words) > 1:
            raise Refused(Reason.BAD_SYNTAX, f"{words[0]!r} stands where an address was expected")
        if not words:
            self.ignore()
        for word in words:
            try:
                self.chunk.exact.append(read_wire_name(word))
            except Refused as refused:
                self.refuse(refused, text)


class NotForDnsReader(Reader):
    """The `urls` or `expressions` of a SquidGuard tree: nothing that DNS could see, so lines are only counted."""

    plain = re.compile(rb"(?!)")

    def take_line(self, text: str) -> None:
        """Take a line that is not for DNS."""
        if not without_comment(text):
            self.ignore()
        else:
            raise Refused(Reason.NOT_FOR_DNS, "a web address or an expression, of which DNS sees nothing")


def without_comment(text: str) -> str:
    """Cut off a comment; a sign in the middle of a word (`name.test##.advert`) is something else."""
    return _COMMENT.sub("", text).strip()


def without_wildcard(text: str) -> str:
    """Cut off the signs for "all below" that stand before a name."""
    return text.removeprefix("*").removeprefix(".") if text.startswith(("*.", ".")) and len(text) > 2 else text


def _is_hosts_address(word: str) -> bool:
    if word == "0":
        return True
    if not is_address(word) and "%" not in word:
        return False
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
