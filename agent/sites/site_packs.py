"""The packs of a site: those of the product that it names, and its own, which lie over them.

Only what a site names is read, because whoever starts a gateway waits for it. A pack of the product is read once a
process. A school's own is read where a person loads the site and where people work by it; it says nothing about what
is filtered, so a gateway that looks at the text of a site again does not depend on it. Workers know nothing of packs:
what is filtered travels in the site (`Site.table`).
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from agent.categories import load_categories
from agent.logs import log
from agent.sites.findings import Findings
from agent.sites.site import Site
from agent.sites.written_site import WrittenSite
from agent.text_file import read_text_file
from rules import document
from rules.errors import ConfigurationError, Problem
from rules.pack_layers import Replaced, lay_over
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack

MAX_PACK_OCTETS: Final = 1024 * 1024
_ENDINGS: Final = (".yaml", ".yml")
# A file as it was last seen; nothing where it was not there.
Seen: TypeAlias = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs of a school, its own ones laid over the others and last, what those replaced and where they stand.

    `hashes` are the SHA-256, in hex, of the text of each file as it was read, those of the product among them.
    """

    packs: tuple[Pack, ...]
    replaced: tuple[Replaced, ...] = ()
    own: Mapping[str, Path] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


@cache
def shipped_packs() -> tuple[str, ...]:
    """Give the names of the packs that come with the product, without reading them."""
    found = (file.name for file in (files("rules") / "packs").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


@cache
def load_pack(name: str) -> Pack:
    """Read one of the packs that come with the product."""
    return parse_pack(_text_of_shipped(name), file=f"{name}.yaml", categories=load_categories().ids)


@cache
def _hash_of_shipped(name: str) -> str:
    return _hash_of(_text_of_shipped(name))


def _text_of_shipped(name: str) -> str:
    return (files("rules") / "packs" / f"{name}.yaml").read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_path(name: str) -> bool:
    """Say whether a pack is named by the file of a school's own."""
    return "/" in name or name.endswith(_ENDINGS)


def _load_own(path: Path, *, name: str, over: Sequence[Pack]) -> tuple[Pack, str]:
    """Read a pack of a school's own; gives it with the hash of its text.

    Args:
        path: where it stands.
        name: what people call the file.
        over: the packs that it lies over.

    Raises:
        ConfigurationError: it cannot be read or used; it holds every problem that was found.
    """
    text = read_text_file(path, name=name, what="a pack", max_octets=MAX_PACK_OCTETS)
    pack = parse_pack(text, file=name, categories=load_categories().ids, over=over)
    if pack.id in shipped_packs():
        raise _refusal(name, f"the pack {pack.id}, which comes with the product", "a name of its own")
    return pack, _hash_of(text)


def lay(shipped: Sequence[Pack], own: Mapping[str, Path]) -> Packs:
    """Lay a school's own packs over others, one after the other.

    Args:
        own: where each stands, by what people call the file.

    Raises:
        ConfigurationError: one of them cannot be used.
    """
    packs = tuple(shipped)
    replaced: tuple[Replaced, ...] = ()
    read: dict[str, Path] = {}
    hashes = {pack.id: _hash_of_shipped(pack.id) for pack in shipped}
    for name, path in own.items():
        pack, hashed = _load_own(path, name=name, over=packs)
        if pack.id in read:
            raise _refusal(
                name, f"the pack {pack.id} a second time (first in {read[pack.id].name})", "each pack once"
            )
        packs, new = lay_over(packs, pack)
        replaced += new
        read[pack.id] = path
        hashes[pack.id] = hashed
    return Packs(packs, replaced, read, hashes)


def build_packs(written: WrittenSite, findings: Findings, *, folder: Path) -> tuple[list[Pack], list[str]]:
    """Give the packs of the product that a site names, and where its own stand, which are not read here."""
    shipped: dict[str, Pack] = {}
    own: dict[str, str] = {}
    for index, name in enumerate(written.packs or ()):
        place: document.Path = ("packs", index)
        if name in shipped or name in own:
            findings.problem(place, f"the pack {name} a second time", "each pack once")
        elif not is_path(name):
            if findings.is_known(place, name, shipped_packs(), "pack"):
                shipped[name] = load_pack(name)
        elif ".." in Path(name).parts:
            findings.problem(place, f"the path {name}", "a file in the folder of the site, or its whole path")
        else:
            own[name] = str(folder / name)
    return list(shipped.values()), list(own.values())


def read_packs(written: WrittenSite, findings: Findings, *, folder: Path) -> Packs | None:
    """Read all packs that a site names; the faults of its own stand beside those of the site."""
    names = list(dict.fromkeys(written.packs or ()))
    shipped = [load_pack(name) for name in names if name in shipped_packs()]
    own = {name: folder / name for name in names if is_path(name) and ".." not in Path(name).parts}
    missing = [name for name, path in own.items() if not path.is_file()]
    for name in missing:
        place: document.Path = ("packs", (written.packs or []).index(name))
        findings.problem(place, f"{name}, which is no file", "the name of a pack, or a file with one of your own")
    if missing:
        return None
    try:
        return lay(shipped, own)
    except ConfigurationError as error:
        findings.problems += error.problems
        return None


def packs_of(site: Site) -> Packs:
    """Read the packs that a checked site names.

    Raises:
        ConfigurationError: one of its own cannot be read any more.
    """
    folder = Path(site.path).parent
    own = {_called(path, folder): path for path in map(Path, site.school.own_packs)}
    return lay([load_pack(name) for name in site.school.packs], own)


class PacksInForce:
    """The packs of the site in force, read again when the site or a pack of its own has changed.

    A pack that cannot be read any more changes nothing: what was read before stays.
    """

    def __init__(self, site: Callable[[], Site]) -> None:
        self._site = site
        self._turn = threading.Lock()
        self._seen: object = None
        self._packs = Packs(())

    def __call__(self) -> Sequence[Pack]:
        """Give the packs, in the order in which they are asked."""
        return self.laid().packs

    def laid(self) -> Packs:
        """Give the packs, and what the school's own ones replaced."""
        site = self._site()
        seen = site.school.packs, tuple((path, _state_of(Path(path))) for path in site.school.own_packs)
        with self._turn:
            if seen != self._seen:
                self._packs = self._read(site)
                self._seen = seen
            return self._packs

    def _read(self, site: Site) -> Packs:
        try:
            return packs_of(site)
        except ConfigurationError as error:
            log.error("pack_unusable", reason=str(error.problems[0]))
        before = self._packs
        if {*before.own.values()} == {*map(Path, site.school.own_packs)}:
            return before
        return lay([load_pack(name) for name in site.school.packs], {})


def _called(path: Path, folder: Path) -> str:
    """Say how the site names a file of its own."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _refusal(where: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((Problem(where, found, expected),))


def _state_of(path: Path) -> Seen:
    with suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_ctime_ns
    return None
