"""What the files of a list are for: which hold names, of which of the provider's categories, and what we call those.

It knows the shapes that lists are published in, from paths alone; it never opens a file.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from agent.categories import load_categories
from agent.sites.site import ListConfig

_NAMES_FILE: Final = re.compile(r"domains(?:\.\d+)?")
_NOT_FOR_DNS: Final = frozenset({"urls", "expressions", "very_restrictive_expression"})
_CATALOGUE: Final = "global_usage"
_LICENCE: Final = re.compile(r"(?:licen[cs]e|copying|notice)(?:[._-].*)?", re.IGNORECASE)
_LIST_SUFFIXES: Final = frozenset(
    {"", ".conf", ".db", ".domains", ".hosts", ".list", ".lst", ".rpz", ".txt", ".zone"}
)
_NO_LISTS: Final = frozenset({"usage", "makefile", "changelog", "authors", "version"})
_MAX_LINKS: Final = 16


class Kind(StrEnum):
    """What a file is for."""

    NAMES = "names"
    NOT_FOR_DNS = "not_for_dns"
    CATALOGUE = "catalogue"
    LICENCE = "licence"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a list; `category` and `aliases` are the provider's words, empty where it has none."""

    path: str
    kind: Kind
    category: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def is_in_tree(self) -> bool:
        """Say whether this stands in a folder of its category, as in a SquidGuard tree."""
        return _is_names_file(self.path) or self.kind is Kind.NOT_FOR_DNS


def _is_names_file(path: str) -> bool:
    return "/" in path and _NAMES_FILE.fullmatch(posixpath.basename(path)) is not None


def arrange(paths: Collection[str], links: Mapping[str, str]) -> tuple[SourceFile, ...]:
    """Say what the files of a folder or archive are for.

    Args:
        paths: regular files, relative, with `/`.
        links: symbolic links inside the folder, each with what it points at; dangling ones are ignored.
    """
    paths = sorted(paths)
    names = [path for path in paths if _is_names_file(path)]
    return tuple(_arrange_tree(paths, names, links)) if names else tuple(_arrange_flat(paths))


def _arrange_tree(paths: list[str], names: list[str], links: Mapping[str, str]) -> Iterator[SourceFile]:
    """Arrange `<category>/domains`; categories may stand inside each other, the tree may stand in folders."""
    shallowest = min((posixpath.dirname(path) for path in names), key=lambda folder: folder.count("/"))
    root = posixpath.dirname(shallowest)
    folders = {posixpath.dirname(path) for path in names if _is_below(path, root)}
    aliases = _find_aliases(folders, links, root)
    for path in paths:
        if not _is_below(path, root):
            continue
        folder, name = posixpath.split(path)
        category = posixpath.relpath(folder, root or ".") if folder != root else ""
        if folder in folders and _NAMES_FILE.fullmatch(name):
            yield SourceFile(path, Kind.NAMES, category, aliases.get(folder, ()))
        elif folder in folders and name in _NOT_FOR_DNS:
            yield SourceFile(path, Kind.NOT_FOR_DNS, category, aliases.get(folder, ()))
        elif folder == root and name == _CATALOGUE:
            yield SourceFile(path, Kind.CATALOGUE)
        elif folder == root and _LICENCE.fullmatch(name):
            yield SourceFile(path, Kind.LICENCE)


def _find_aliases(folders: Collection[str], links: Mapping[str, str], root: str) -> dict[str, tuple[str, ...]]:
    aliases: dict[str, tuple[str, ...]] = {}
    for link in sorted(links):
        target = _follow(link, links)
        alias = link
        if _NAMES_FILE.fullmatch(posixpath.basename(link)):
            alias, target = posixpath.dirname(link), posixpath.dirname(target)
        if target in folders and alias not in folders and _is_below(alias, root):
            aliases[target] = (*aliases.get(target, ()), posixpath.relpath(alias, root or "."))
    return aliases


def _follow(path: str, links: Mapping[str, str]) -> str:
    for _ in range(_MAX_LINKS):
        if path not in links:
            break
        path = links[path]
    return path


def _is_below(path: str, root: str) -> bool:
    return not root or path.startswith(root + "/")


def _arrange_flat(paths: list[str]) -> Iterator[SourceFile]:
    """Arrange a folder of list files, one category each, named after it."""
    visible = [path for path in paths if not any(part.startswith(".") for part in path.split("/"))]
    lists = [path for path in visible if _is_list_file(posixpath.basename(path))]
    depth = min((path.count("/") for path in lists), default=0)
    for path in visible:
        if path.count("/") != depth:
            continue
        if _LICENCE.fullmatch(posixpath.basename(path)):
            yield SourceFile(path, Kind.LICENCE)
        elif path in lists:
            yield SourceFile(path, Kind.NAMES, posixpath.splitext(posixpath.basename(path))[0])


def _is_list_file(name: str) -> bool:
    stem, suffix = posixpath.splitext(name)
    if _LICENCE.fullmatch(name) or stem.lower() in _NO_LISTS or stem.lower().startswith("readme"):
        return False
    return suffix.lower() in _LIST_SUFFIXES and name != _CATALOGUE


class Use(StrEnum):
    """Whether the names of a file go into the index."""

    USED = "used"
    LEFT_OUT = "left_out"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """The category names of a provider that the product knows already."""

    categories: Mapping[str, str | None]
    aliases: Mapping[str, str]

    def __contains__(self, category: str) -> bool:
        return category in self.categories or category in self.aliases

    def __getitem__(self, category: str) -> str | None:
        return self.categories[self.aliases.get(category, category)]


@cache
def load_ut1() -> KnownProvider:
    """Read the mapping of UT1's categories that ships with the product."""
    tree = yaml.safe_load((files("agent") / "data" / "ut1.yaml").read_text(encoding="utf-8"))
    return KnownProvider(tree["categories"], tree["aliases"])


def map_category(source: SourceFile, config: ListConfig) -> tuple[Use, tuple[str, ...]]:
    """Say which of our categories the names of a file belong to.

    What the site says about any of the file's names comes first, then what it says about the whole list. A tree
    speaks UT1's words before ours, a folder of files ours before UT1's.
    """
    said = [config.categories[name] for name in (source.category, *source.aliases) if name in config.categories]
    if said:
        tags = tuple(dict.fromkeys(category for category in said if category is not None))
        return (Use.USED, tags) if tags else (Use.LEFT_OUT, ())
    if config.category is not None:
        return Use.USED, (config.category,)
    is_ours = source.category in load_categories()
    if source.category in load_ut1() and not (is_ours and not source.is_in_tree):
        known = load_ut1()[source.category]
        return (Use.USED, (known,)) if known is not None else (Use.LEFT_OUT, ())
    return (Use.USED, (source.category,)) if is_ours else (Use.UNKNOWN, ())
