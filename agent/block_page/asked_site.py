"""Which site a browser thought that it asked: read from what anybody may send, shown so that it deceives nobody.

A name with other letters than those of English is shown decoded only where all of them are of one script that is not
mistaken for another, and never without the form that a machine reads.
"""

import unicodedata
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import idna

from rules.name import DomainName, InvalidNameError, parse_name

_MAX_HOST_CHARACTERS: Final = 260
_ACE: Final = "xn--"
_PLAIN: Final = frozenset("0123456789-")
# Letters of one language, whose scripts stand together in its words.
_TOGETHER: Final = (
    frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"}),
    frozenset({"HANGUL", "CJK"}),
)
_LAST_ACCENTED: Final = "\u017f"
# Latin letters that are easily taken for another, or for a mark.
_DECEPTIVE: Final = frozenset("\u0131\u0138\u0140\u0142\u0149\u017f\u00fe\u00f0\u0111\u0167\u0127\u014b")


@dataclass(frozen=True, slots=True)
class AskedSite:
    """A name, and how a person reads it; `shown` is the name itself where it cannot be decoded without deceiving."""

    name: DomainName
    shown: str

    @property
    def is_decoded(self) -> bool:
        """Say whether the shown form is another than the one that machines read."""
        return self.shown != self.name


def read_host(written: str) -> AskedSite | None:
    """Read the header `Host`, or the authority of a target; nothing where it names no site."""
    if not written or len(written) > _MAX_HOST_CHARACTERS or not written.isascii():
        return None
    try:
        host = urlsplit(f"//{written}").hostname or ""
        _ = urlsplit(f"//{written}").port
        if "@" in written or _is_address(host) or host == "localhost":
            return None
        return read_site(host)
    except ValueError:
        return None


def read_site(written: str) -> AskedSite | None:
    """Read the name of a site as somebody wrote it, or the address of a page of it; nothing where it is none."""
    try:
        host = urlsplit(written).hostname if "//" in written else written.partition("/")[0]
        name = parse_name((host or "").strip()) if len(written) <= 2048 else DomainName("")
    except (InvalidNameError, ValueError):
        return None
    return AskedSite(name, show_name(name)) if name else None


def show_name(name: DomainName) -> str:
    """Give a name as a person reads it, decoded only where that deceives nobody."""
    if _ACE not in name:
        return str(name)
    labels = []
    for label in name.split("."):
        if not label.startswith(_ACE):
            labels.append(label)
            continue
        try:
            decoded = idna.ulabel(label)
        except (idna.IDNAError, UnicodeError):
            return str(name)
        if not _is_honest(decoded):
            return str(name)
        labels.append(decoded)
    return ".".join(labels)


def _is_honest(label: str) -> bool:
    """Say whether all letters of a label are of one script, and of one that is not mistaken for another."""
    letters = [character for character in label if character.isalpha()]
    if any(not (each.isalpha() or each in _PLAIN) for each in label):
        return False
    if all(each <= _LAST_ACCENTED and each not in _DECEPTIVE for each in letters):
        return True
    scripts = {unicodedata.name(each, "?").partition(" ")[0] for each in letters}
    return any(scripts <= together for together in _TOGETHER)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
