"""Filter settings that lie over those of `site.yaml`: what people changed and others approved, without the file.

An overlay holds parts of a site as a person would write them. An entry of a part (a policy, a list, a row) replaces
the entry of the same name; nothing in its place (`null`) takes it away. Settings are compared as written values.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from agent.sites.config import parse_site
from agent.sites.site import Site
from rules.document import describe, parse_document
from rules.errors import ConfigurationError, Problem, RefusedRequestError
from rules.pack import TableRow
from rules.policy import Policy

# What is changed by two people; the rest of a site is wiring, and changed in its file.
PARTS: Final = ("policies", "rows", "schedules", "essentials", "safe_search", "lists", "overrides")
# Of these parts only so much is the filter.
KEYS: Final[Mapping[str, tuple[str, ...]]] = {"overrides": ("never", "sensitive", "max_days")}
MAX_OVERLAY_CHARACTERS: Final = 100_000
_MAX_TOLD: Final = 5
_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Settings: TypeAlias = dict[str, Any]


def parse_overlay(text: str) -> Settings:
    """Read changes that a person wrote.

    Raises:
        RefusedRequestError: the text is no YAML, is too long, or holds something that is no filter setting.
    """
    if len(text) > MAX_OVERLAY_CHARACTERS:
        raise RefusedRequestError(f"The changes have {len(text):,} characters; expected at most 100,000.")
    try:
        document = parse_document(text, file="changes")
    except ConfigurationError as error:
        raise RefusedRequestError(spell_problems(error.problems)) from None
    if document.problems:
        raise RefusedRequestError(spell_problems(document.problems))
    value = document.value
    if not isinstance(value, dict) or not value:
        raise RefusedRequestError(f"The changes are {describe(value)}; expected some of {', '.join(PARTS)}.")
    if strange := [part for part in value if part not in PARTS]:
        raise RefusedRequestError(
            f"The changes hold the part {describe(strange[0])}; expected {', '.join(PARTS)},"
            " because the rest is changed in the site file."
        )
    for part, keys in KEYS.items():
        held = value.get(part)
        if isinstance(held, dict) and (strange := [key for key in held if key not in keys]):
            raise RefusedRequestError(
                f"The changes hold {part}.{strange[0][:40]}; expected {', '.join(keys)} of that part,"
                " because the rest is changed in the site file."
            )
    return value


def read_settings(text: str) -> Settings:
    """Read the filter settings of a site's text, or of what `render_settings` wrote.

    Raises:
        ConfigurationError: the text is no YAML.
    """
    value = parse_document(text, file="site.yaml").value
    if not isinstance(value, dict):
        return {}
    settings = {part: _filter_of(part, value[part]) for part in PARTS if part in value}
    return {part: held for part, held in settings.items() if held or part not in KEYS}


def render_settings(settings: Mapping[str, Any]) -> str:
    """Write settings as text that is read as the same."""
    if not settings:
        return ""
    return str(yaml.dump(dict(settings), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100))


def lay_over(settings: Mapping[str, Any], overlay: Mapping[str, Any]) -> Settings:
    """Give settings with an overlay on them."""
    laid = dict(settings)
    for part, value in overlay.items():
        held = laid.get(part)
        both = {**held, **value} if isinstance(value, dict) and isinstance(held, dict) else value
        laid[part] = _without_nothing(both)
    return {part: value for part, value in laid.items() if value or (value is not None and part not in KEYS)}


def overlay_between(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> Settings:
    """Give the overlay that turns settings into others."""
    overlay: Settings = {}
    for part in PARTS:
        # Where a part is the filter only in parts, the rest of it stays.
        nothing: Settings | None = {} if part in KEYS else None
        old, new = settings.get(part, nothing), wanted.get(part, nothing)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            gone = {name: None for name in old if name not in new}
            overlay[part] = gone | {name: value for name, value in new.items() if old.get(name) != value}
        else:
            overlay[part] = new
    return overlay


def check_removals(settings: Mapping[str, Any], overlay: Mapping[str, Any]) -> None:
    """Check that whatever an overlay takes away is there.

    Raises:
        RefusedRequestError: something is not.
    """
    for part, value in overlay.items():
        held = settings.get(part)
        names = [name for name, entry in value.items() if entry is None] if isinstance(value, dict) else []
        for name in names:
            if not isinstance(held, dict) or name not in held:
                raise RefusedRequestError(
                    f"{part}.{name[:40]} is to be removed and is not there; expected something that is."
                )


def entries_of(overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Give everything that an overlay sets, by part and entry (`policies.no-chat`), or by part where it has none."""
    entries: dict[str, Any] = {}
    for part, value in overlay.items():
        if isinstance(value, dict):
            entries |= {f"{part}.{name}": entry for name, entry in value.items()}
        else:
            entries[part] = value
    return entries


def site_with(
    text: str, overlay: Mapping[str, Any], *, path: Path, name: str, places: Mapping[str, str] | None = None
) -> Site:
    """Check the text of a site with an overlay on it.

    Args:
        text: the site's text, which can be used by itself.
        overlay: what lies on it; it may be empty.
        path: where the text stands.
        name: what people call the overlay (`filter change 7`).
        places: the places of its entries (see `entries_of`), where people call them something else.

    Raises:
        ConfigurationError: the two cannot be used together, or the text cannot by itself.
    """
    plain = parse_site(text, path=path).site
    if not overlay:
        return plain
    value = parse_document(text, file=path.name).value
    try:
        laid = parse_site(render_settings(lay_over(value, overlay)), path=path).site
    except ConfigurationError as error:
        where = f"{path.name} with {name}"
        raise ConfigurationError(tuple(_moved(problem, where) for problem in error.problems)) from None
    over = {entry: (places or {}).get(entry, name) for entry in entries_of(overlay)}
    return _Places(path.name, name, plain, over).put_right(laid)


def spell_problems(problems: Iterable[Problem]) -> str:
    """Say what is wrong, with the first few problems and how many more there are."""
    told = list(problems)
    rest = len(told) - _MAX_TOLD
    sentences = [f"{problem}." for problem in told[:_MAX_TOLD]]
    return " ".join([*sentences, f"There are {rest} more problems."] if rest > 0 else sentences)


def _filter_of(part: str, value: Any) -> Any:
    """Give what of a part is the filter."""
    if part in KEYS and isinstance(value, dict):
        return {key: value[key] for key in KEYS[part] if key in value}
    return value


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: entry for name, entry in value.items() if entry is not None}
    return value


def _moved(problem: Problem, where: str) -> Problem:
    """Name a problem by its setting alone: lines of a text that nobody wrote mean nothing."""
    setting = re.sub(r"^[^:]*:\d+:\d+(: )?", "", problem.where)
    return replace(problem, where=f"{where}: {setting}" if setting else where)


class _Places:
    """Where things were written: in the site file still, or in the overlay."""

    def __init__(self, file: str, name: str, plain: Site, over: Mapping[str, str]) -> None:
        self._file = file
        self._name = name
        self._over = over
        self._policies = {policy.id: policy.location for policy in plain.rulebook.policies}
        self._lists = {each.name: each.location for each in plain.lists}
        self._rulings = {(row.pack, row.row.id): [ruling.location for ruling in row.rulings] for row in plain.table}

    def put_right(self, site: Site) -> Site:
        """Give a site whose parts say where a person finds them."""
        policies = tuple(self._policy(policy) for policy in site.rulebook.policies)
        return replace(
            site,
            rulebook=replace(site.rulebook, policies=policies),
            table=tuple(self._row(row) for row in site.table),
            lists=tuple(
                replace(each, location=self._place("lists", each.name, each.location, self._lists.get(each.name)))
                for each in site.lists
            ),
        )

    def _place(self, part: str, entry: str, location: str, before: str | None) -> str:
        if not location.startswith(self._file):
            return location
        return self._over.get(f"{part}.{entry}") or self._over.get(part) or before or self._name

    def _policy(self, policy: Policy) -> Policy:
        pack, separator, rest = policy.id.partition("/")
        part, entry = ("rows", re.split("[/:]", rest)[0]) if separator else ("policies", pack)
        before = self._policies.get(policy.id)
        return replace(policy, location=self._place(part, entry, policy.location, before))

    def _row(self, row: TableRow) -> TableRow:
        before = self._rulings.get((row.pack, row.row.id), [])
        rulings = tuple(
            replace(
                ruling,
                location=self._place(
                    "rows", row.row.id, ruling.location, before[index] if index < len(before) else None
                ),
            )
            for index, ruling in enumerate(row.rulings)
        )
        return replace(row, rulings=rulings)
