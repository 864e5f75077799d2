"""Reading `site.yaml`: from the text that a person wrote to a `Site`, or to every problem at once.

Three passes, so that one fault does not hide another: the text (`rules.document`), the shape of each part
(`agent.written_site`), the meaning of all parts together (`agent.site_builder`). A part whose shape is wrong is left
out of the third pass, and its name still counts as known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from agent.categories import load_categories
from agent.findings import MAX_SUGGESTIONS, Findings, Notice
from agent.site import Private, Site
from agent.site_builder import build_site
from agent.site_private import build_private
from agent.written_site import REQUIRED, WrittenSite
from agent.written_values import FAULT
from rules import document
from rules.document import Document, describe, parse_document, suggest
from rules.errors import ConfigurationError, Problem
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack

MAX_SITE_OCTETS: Final = 1024 * 1024
MAX_PROBLEMS: Final = 200


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A site that can be used, what its author may not have meant, and the text that it was read from."""

    site: Site
    warnings: tuple[Notice, ...]
    text: str


def load_site(path: Path) -> LoadedSite:
    """Read and check a site.

    Raises:
        ConfigurationError: the file cannot be read or used; it holds every problem that was found.
    """
    return parse_site(read_text(path), path=path.absolute())


def parse_site(text: str, *, path: Path) -> LoadedSite:
    """Check the text of a site; `path` is where it stands, its folder the base of relative paths.

    Raises:
        ConfigurationError: the text cannot be used; it holds every problem that was found.
    """
    site_document = parse_document(text, file=path.name)
    findings = Findings(site_document)
    written = _check_shape(site_document, findings.problems)
    site = build_site(written, findings, path=path, packs=load_packs())
    if site is None or findings.problems:
        raise ConfigurationError(tuple(sort_problems(findings.problems)))
    return LoadedSite(site, tuple(findings.notices), text)


def parse_private(text: str, *, path: Path) -> Private:
    """Read what a site says of people, from the text of one that was checked; the rest may have become faulty since.

    Raises:
        ConfigurationError: the text cannot be used.
    """
    site_document = parse_document(text, file=path.name)
    findings = Findings(site_document)
    private = build_private(_check_shape(site_document, findings.problems), findings, folder=path.parent)
    if findings.problems:
        raise ConfigurationError(tuple(sort_problems(findings.problems)))
    return private


def read_text(path: Path) -> str:
    """Read a file of text that a person wrote.

    Raises:
        ConfigurationError: there is no such file, it cannot be read, is too large or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SITE_OCTETS + 1)
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise _refusal(str(path), found[:1].lower() + found[1:], "a file that can be read") from None
    if len(octets) > MAX_SITE_OCTETS:
        raise _refusal(str(path), "more than 1 MB", "a site, which is a few pages of text")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise _refusal(f"{path.name}:{line}", f"the octet 0x{octets[error.start]:02X}", "text in UTF-8") from None


def _refusal(where: str, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((Problem(where, found, expected),))


@cache
def load_packs() -> Mapping[str, Pack]:
    """Read the packs that ship with the product, by id."""
    categories = load_categories().ids
    folder = files("rules") / "packs"
    packs = (
        parse_pack(file.read_text(encoding="utf-8"), file=file.name, categories=categories)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    )
    return {pack.id: pack for pack in packs}


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Put problems in the order of the file, each once, and say so when there are too many to read."""
    ordered = sorted(dict.fromkeys(problems), key=_place)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    rest = len(ordered) - MAX_PROBLEMS
    file = ordered[0].where.split(":")[0]
    return [*ordered[:MAX_PROBLEMS], Problem(file, f"{rest} more problems", "a site with fewer")]


def _place(problem: Problem) -> tuple[int, int]:
    match = re.match(r"[^:]*:(\d+):(\d+)", problem.where)
    return (int(match[1]), int(match[2])) if match else (0, 0)


# --- The shape


def _check_shape(site: Document, problems: list[Problem]) -> WrittenSite:
    """Read the written parts; faulty entries are reported and left out of what is returned."""
    value = site.value
    if not isinstance(value, dict):
        problems.append(site.problem((), describe(value), "a site: at least " + ", ".join(REQUIRED)))
        return WrittenSite()
    problems += [
        site.problem((key,) if key in value else (), f"no {key}", f"the part {key}")
        for key in REQUIRED
        if value.get(key) in (None, {}, [])
    ]
    written, faults = _validate(value)
    problems += [
        _to_problem(site, fault, may_suggest=number < MAX_SUGGESTIONS) for number, fault in enumerate(faults)
    ]
    # What is faulty is left out: the key or entry that it stands in; where that leaves too little, the whole part.
    for depth in _DEPTHS:
        if written is not None:
            break
        value = _without(value, [fault["loc"] for fault in faults], depth)
        written, faults = _validate(value)
    return written or WrittenSite()


def _validate(value: dict[str, Any]) -> tuple[WrittenSite | None, Sequence[Any]]:
    try:
        return WrittenSite.model_validate(value), ()
    except ValidationError as error:
        return None, error.errors(include_url=False)


_DEPTHS: Final = (2, 1)


def _without(value: dict[str, Any], paths: Iterable[document.Path], depth: int) -> dict[str, Any]:
    """Leave out what lies at these paths, cut to a depth."""
    names: dict[str, set[object]] = {}
    whole: set[str] = set()
    for path in paths:
        part = str(path[0])
        if depth > 1 and len(path) > 1 and isinstance(value.get(part), dict):
            names.setdefault(part, set()).add(path[1])
        else:
            whole.add(part)
    return {
        part: {name: entry for name, entry in entries.items() if name not in names[part]}
        if part in names
        else entries
        for part, entries in value.items()
        if part not in whole
    }


def _to_problem(site: Document, fault: Any, *, may_suggest: bool) -> Problem:
    """Turn an error of the models into a sentence with a place; what may be an address is not repeated."""
    steps = (step for step in fault["loc"] if step != "[key]")
    path: document.Path = tuple(takewhile(lambda step: "@" not in str(step), steps))
    kind, context, value = fault["type"], fault.get("ctx", {}), fault["input"]
    at_key = fault["loc"][-1:] == ("[key]",)
    if kind == "missing":
        missing = fault["loc"][-1]
        return site.problem(path[:-1], f"no {missing}", f"the key {missing}", at_key=True)
    if kind == "extra_forbidden":
        unknown, known = str(fault["loc"][-1]), _known_keys(fault["loc"][:-1])
        expected = suggest(unknown, known, "one of") if may_suggest else "a key that exists"
        return site.problem(path, f"the unknown key {_shown(unknown)}", expected, at_key=True)
    found = context.get("found") or _shown(value)
    expected = _expected(kind, context, value, fault["msg"], may_suggest=may_suggest)
    return site.problem(path, found, expected, at_key=at_key)


def _shown(value: Any) -> str:
    """Describe what was written, but for a mail address: what is refused at a reload reaches the log."""
    text = describe(value)
    return "a mail address" if "@" in text else text


def _expected(kind: str, context: Mapping[str, Any], value: Any, message: str, *, may_suggest: bool) -> str:
    if kind == FAULT:
        return str(context["expected"])
    if kind in {"enum", "literal_error"}:
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        return suggest(str(value), choices, "one of") if may_suggest else "one of " + ", ".join(choices)
    if kind == "too_long":
        return f"at most {context['max_length']} entries"
    for bound, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if bound in context:
            return f"{words} {context[bound]}"
    for part, words in _EXPECTED:
        if kind.startswith(part):
            return words
    return message


_EXPECTED: Final = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("string", "text"),
    ("list", "a list"),
    ("dict", "a mapping (key: value)"),
    ("model", "a mapping (key: value)"),
    ("too_short", "at least one entry"),
)


def _known_keys(path: document.Path) -> list[str]:
    """Give the keys that the models know at a path."""
    found: Any = WrittenSite
    for step in path:
        found = _plain(found)
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in found.model_fields.items()}
            found = fields.get(str(step))
        elif get_origin(found) in (dict, list):
            found = get_args(found)[-1]
    found = _plain(found)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return [field.alias or name for name, field in found.model_fields.items()]
    return []


def _plain(annotation: Any) -> Any:
    """Strip `Annotated` and `| None` from an annotation."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif NoneType in (arguments := get_args(annotation)) and len(arguments) == 2:
            annotation = next(argument for argument in arguments if argument is not NoneType)
        else:
            return annotation
