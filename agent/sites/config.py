"""Reading `site.yaml`: from the text that a person wrote to a `Site`, or to every problem at once.

Three passes, so that one fault does not hide another: the text (`rules.document`), the shape of each part
(`agent.sites.written_site`), the meaning of all parts together (`agent.sites.site_builder`). A part whose shape is
wrong is left out of the third pass, and its name still counts as known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from agent.sites.findings import MAX_SUGGESTIONS, Findings, Notice
from agent.sites.site import Private, Site
from agent.sites.site_assessment import check_assessment
from agent.sites.site_builder import build_site
from agent.sites.site_incidents import check_contacts
from agent.sites.site_packs import load_pack, read_packs, shipped_packs
from agent.sites.site_private import build_private
from agent.sites.written_site import REQUIRED, WrittenSite
from agent.sites.written_values import FAULT
from agent.text_file import read_text_file
from rules import document
from rules.document import Document, describe, parse_document, suggest
from rules.errors import ConfigurationError, Problem
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
    """Read and check a site, and the packs of its own that it names.

    Raises:
        ConfigurationError: a file cannot be read or used; it holds every problem that was found.
    """
    return parse_site(read_text(path), path=path.absolute(), with_own_packs=True)


def parse_site(text: str, *, path: Path, with_own_packs: bool = False) -> LoadedSite:
    """Check the text of a site.

    Args:
        path: where it stands; its folder is the base of relative paths.
        with_own_packs: whether the packs of its own are read and checked too.

    Raises:
        ConfigurationError: the text cannot be used; it holds every problem that was found.
    """
    site_document = parse_document(text, file=path.name)
    findings = Findings(site_document)
    written = _check_shape(site_document, findings.problems)
    site = build_site(written, findings, path=path)
    if with_own_packs and (packs := read_packs(written, findings, folder=path.parent)) is not None:
        check_contacts(written, findings, packs.packs)
        statutory = site.rulebook.statutory if site else frozenset[str]()
        check_assessment(written, findings, packs.packs, statutory=statutory)
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
    return read_text_file(path, name=str(path), what="a site", max_octets=MAX_SITE_OCTETS)


def load_packs() -> Mapping[str, Pack]:
    """Read all packs that come with the product, by id; a site reads only those that it names."""
    return {name: load_pack(name) for name in shipped_packs()}


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Put problems in the order of the file, each once, and say so when there are too many to read."""
    found = list(dict.fromkeys(problems))
    # What is wrong in a file that the site names comes after what is wrong in the site.
    files = list(dict.fromkeys(_file(problem) for problem in found))
    ordered = sorted(found, key=lambda problem: (files.index(_file(problem)), *_place(problem)))
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    rest = len(ordered) - MAX_PROBLEMS
    file = _file(ordered[0])
    return [*ordered[:MAX_PROBLEMS], Problem(file, f"{rest} more problems", "a site with fewer")]


def _file(problem: Problem) -> str:
    return problem.where.partition(":")[0]


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
