"""The written form of a policy pack.

A pack is a YAML file in `rules/packs`:

    pack: uk-esafety                    # its name, as a site writes it
    title: What people may do on line
    source: E-safety policy of ..., table of user actions
    rows:
      gambling:                         # the row's name, as a site writes it
        label: Betting and games for money
        section: ...                    # where the row stands in the document
        line: 315
        tick: unacceptable              # one of `Tick`
        categories: [gambling]          # what of it has a name that can be looked up; may be empty
        visibility: partial             # full, partial or none
        note: ...                       # needed where visibility is none

Text becomes a `Pack` here; opening files is the business of `agent`.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rules.document import Document, Path, Value, parse_document
from rules.errors import ConfigurationError, Problem
from rules.pack import Pack, Row, Tick, Visibility

_PACK_KEYS: Final = ("pack", "title", "source", "rows")
_ROW_KEYS: Final = ("label", "section", "line", "tick", "categories", "visibility")


def parse_pack(text: str, *, file: str, categories: Collection[str]) -> Pack:
    """Read a pack.

    Args:
        text: the YAML text.
        file: what to call it in the places of problems and policies.
        categories: the ids that exist.

    Raises:
        ConfigurationError: all problems of the pack at once.
    """
    document = parse_document(text, file=file)
    problems = list(document.problems)
    value = document.value
    if not isinstance(value, dict):
        raise ConfigurationError((document.problem((), "no mapping", "a pack: " + ", ".join(_PACK_KEYS)),))
    problems += _wrong_keys(document, (), value, needed=_PACK_KEYS)
    problems += [_not_text(document, (key,)) for key in _PACK_KEYS[:3] if not isinstance(value.get(key, ""), str)]
    rows = value.get("rows", {})
    if not isinstance(rows, dict):
        problems.append(document.problem(("rows",), "no mapping", "rows by name"))
        rows = {}
    for name, row in rows.items():
        problems += _wrong_row(document, ("rows", name), row, categories)
    if problems:
        raise ConfigurationError(tuple(problems))
    return Pack(
        value["pack"], value["title"], value["source"], tuple(_row(document, name, rows[name]) for name in rows)
    )


def _row(document: Document, name: str, row: dict[str, Value]) -> Row:
    return Row(
        id=name,
        label=row["label"],
        section=row["section"],
        source_line=int(row["line"]),
        tick=Tick(row["tick"]),
        categories=frozenset(row["categories"]),
        visibility=Visibility(row["visibility"]),
        note=row.get("note", ""),
        location=document.location(("rows", name)),
    )


def _wrong_keys(
    document: Document, path: Path, value: dict[str, Value], *, needed: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[Problem]:
    known = (*needed, *optional)
    for key in value:
        if key not in known:
            yield document.problem((*path, key), f"the unknown key {key}", "one of " + ", ".join(known), at_key=True)
    for key in needed:
        if key not in value:
            yield document.problem(path, f"no {key}", f"the key {key}", at_key=True)


def _wrong_row(document: Document, path: Path, row: Value, categories: Collection[str]) -> Iterator[Problem]:
    if not isinstance(row, dict):
        yield document.problem(path, "no mapping", "a row: " + ", ".join(_ROW_KEYS))
        return
    yield from _wrong_keys(document, path, row, needed=_ROW_KEYS, optional=("note",))
    for key in ("label", "section", "note"):
        if not isinstance(row.get(key, ""), str):
            yield _not_text(document, (*path, key))
    line = row.get("line", "1")
    if not (isinstance(line, str) and line.isdecimal() and len(line) < 10):
        yield document.problem((*path, "line"), repr(line), "the number of a line")
    for key, choices in (("tick", tuple(Tick)), ("visibility", tuple(Visibility))):
        if row.get(key, choices[0]) not in choices:
            yield document.problem((*path, key), repr(row[key])[:80], "one of " + ", ".join(choices))
    listed = row.get("categories", [])
    if not isinstance(listed, list):
        yield document.problem((*path, "categories"), repr(listed)[:80], "a list of categories, which may be empty")
        return
    for index, category in enumerate(listed):
        if not isinstance(category, str) or category not in categories:
            yield document.problem((*path, "categories", index), repr(category)[:80], "a category that exists")
    if row.get("visibility") == Visibility.NONE and (listed or not row.get("note")):
        yield document.problem(
            path, "categories, or no note, in a row that nobody sees", "no categories, and a note who reports it"
        )


def _not_text(document: Document, path: Path) -> Problem:
    return document.problem(path, "no text", "text")
