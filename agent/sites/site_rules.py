"""The part of a site that says who may do what: rows of the table, policies, safe search; out comes the rulebook."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from agent.categories import load_categories
from agent.sites.findings import Findings
from agent.sites.written_site import (
    ALL_SERVICES,
    SAFE_MODES,
    WrittenPolicy,
    WrittenRowSetting,
    WrittenSite,
    WrittenTags,
)
from rules.document import Path
from rules.event import NAME_TAG, SEARCH_TAG
from rules.pack import (
    Row,
    RowSetting,
    TableRow,
    Tick,
    build_rulebook,
    find_fault,
    find_mismatch,
    rule_row,
    statutory_categories,
)
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.policy_pack import Pack
from rules.schedule import Schedule
from rules.subject import Audience, Scope

# What holds where a site says nothing about safe search; staff are trusted to search by themselves.
STRICT: Final = "strict"
OFF: Final = "off"
DEFAULT_SAFE_SEARCH: Final = {Audience.PUPIL: STRICT, Audience.STAFF: OFF, Audience.GUEST: STRICT}


@dataclass(frozen=True, slots=True)
class Context:
    """What rules may refer to."""

    timezone: str
    groups: frozenset[str]
    schedule_names: frozenset[str]
    schedules: Mapping[str, Schedule]


def build_rules(
    written: WrittenSite, findings: Findings, context: Context, packs: Sequence[Pack]
) -> tuple[tuple[TableRow, ...], Rulebook]:
    """Build the table as this school has it, and the rulebook that carries it out."""
    table = tuple(_build_table(written, findings, context, packs))
    statutory = statutory_categories(table)
    policies: list[Policy] = []
    allow_only: list[Scope] = []
    for name, policy in (written.policies or {}).items():
        built = _build_policy(name, policy, findings, context, statutory)
        if built is not None:
            policies.append(built)
            if policy.allow_only is not None:
                allow_only.append(built.scope)
    essentials = frozenset(NAME_TAG + name for name in written.essentials or ())
    rulebook = build_rulebook(
        table,
        policies=policies,
        guards=load_categories().guards | essentials,
        allow_only=allow_only,
        safe_search=_build_safe_search(written, findings, context),
    )
    return table, rulebook


# --- Rows of the table


def _build_table(
    written: WrittenSite, findings: Findings, context: Context, packs: Sequence[Pack]
) -> Iterator[TableRow]:
    rows = {row.id for pack in packs for row in pack.rows}
    settings = written.rows or {}
    for name in settings if rows else ():
        findings.is_known(("rows", name), name, rows, "row", at_key=True)
    for pack in packs:
        source = f"{pack.source}, table of user actions"
        for row in pack.rows:
            built = list(_read_settings(row, settings.get(row.id, []), findings, context))
            table_row = rule_row(pack.id, source, row, (setting for _, setting in built))
            _check_rulings(table_row, built, findings)
            yield table_row


def _read_settings(
    row: Row, written: Sequence[WrittenRowSetting], findings: Findings, context: Context
) -> Iterator[tuple[Path, RowSetting]]:
    seen: set[str] = set()
    for index, setting in enumerate(written):
        path: Path = ("rows", row.id, index)
        for expanded in _expand(path, setting, findings, context):
            if (fault := find_fault(row, expanded)) is not None:
                findings.problem(path, *fault)
                break
            whom = expanded.group or expanded.audience or "everybody"
            if whom in seen:
                findings.problem(path, f"a second setting for {whom}", "one setting for each group and audience")
                break
            seen.add(whom)
            yield path, expanded


def _expand(path: Path, written: WrittenRowSetting, findings: Findings, context: Context) -> Iterator[RowSetting]:
    """Give one setting for each group or audience that a written setting names."""
    for key, names in (("group", written.group), ("nominated", written.nominated)):
        for name in names:
            findings.is_known((*path, key), name, context.groups, "group")
    schedule = _find_schedule((*path, "schedule"), written.schedule, findings, context)
    nobody: tuple[None] = (None,)
    for audience, group in product(written.audience or nobody, written.group or nobody):
        yield RowSetting(
            location=findings.location(path),
            audience=audience,
            group=group,
            tick=written.tick,
            schedule=schedule,
            nominated=frozenset(written.nominated),
        )


def _find_schedule(path: Path, name: str | None, findings: Findings, context: Context) -> Schedule | None:
    if name is None or not findings.is_known(path, name, context.schedule_names, "schedule"):
        return None
    return context.schedules.get(name)


def _check_rulings(table_row: TableRow, settings: Iterable[tuple[Path, RowSetting]], findings: Findings) -> None:
    by_location = {setting.location: (path, setting) for path, setting in settings}
    row = table_row.row
    for ruling in table_row.rulings:
        path, setting = by_location.get(ruling.location, ((), None))
        if setting is not None and (mismatch := find_mismatch(ruling, setting)) is not None:
            findings.problem(path, *mismatch)
            continue
        if setting is not None and not row.categories:
            findings.notice(path, f"{row.label}: no name shows this, so the setting changes nothing")
        elif row.categories and ruling.tick is Tick.CERTAIN_TIMES and ruling.schedule is None:
            findings.notice(
                path or ("packs",), f"{row.label}: allowed at certain times, but no schedule says when, so never"
            )
        elif row.categories and ruling.tick is Tick.NOMINATED_USERS and not ruling.nominated:
            findings.notice(
                path or ("packs",), f"{row.label}: allowed for nominated groups, but none is named, so for nobody"
            )


# --- Policies of the site


def _build_policy(
    name: str, written: WrittenPolicy, findings: Findings, context: Context, statutory: frozenset[str]
) -> Policy | None:
    path: Path = ("policies", name)
    kinds = [kind for kind in ("block", "allow", "allow_only") if getattr(written, kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "no block, allow or allow_only"
        findings.problem(path, found, "exactly one of block, allow and allow_only", at_key=True)
        return None
    kind = kinds[0]
    for key, groups in (("groups", written.groups), ("except_groups", written.except_groups)):
        for index, group in enumerate(groups):
            findings.is_known((*path, key, index), group, context.groups, "group")
    if kind == "allow_only" and (written.schedule or written.from_on or written.until_on):
        findings.problem(path, "allow_only with a time", "allow_only without schedule, from and until", at_key=True)
    from_at = _moment(written.from_on, context.timezone)
    until_at = _moment(written.until_on, context.timezone, is_end=True)
    if from_at is not None and until_at is not None and until_at <= from_at:
        findings.problem((*path, "until"), "an end before the beginning", "until after from")
    return Policy(
        id=name,
        effect=Effect.BLOCK if kind == "block" else Effect.ALLOW,
        tags=_read_tags((*path, kind), getattr(written, kind), findings, statutory, is_block=kind == "block"),
        scope=Scope(frozenset(written.audiences), frozenset(written.groups), frozenset(written.except_groups)),
        location=findings.location(path),
        clause=written.reason or "",
        schedule=_find_schedule((*path, "schedule"), written.schedule, findings, context),
        from_at=from_at,
        until_at=until_at,
    )


def _read_tags(
    path: Path, written: WrittenTags, findings: Findings, statutory: frozenset[str], *, is_block: bool
) -> frozenset[str]:
    catalogue = load_categories()
    if not written.categories and not written.names:
        findings.problem(path, "no categories and no names", "at least one of them")
    for index, category in enumerate(written.categories):
        # A plain list stands for its categories, and then there is no such key.
        place: Path = (*path, "categories", index)
        if not findings.is_written(place):
            place = (*path, index)
        if not findings.is_known(place, category, catalogue.ids, "category"):
            continue
        if is_block and category in catalogue.guards:
            findings.problem(place, f"the category {category}", "one that may be blocked; this one protects people")
        elif not is_block and category in statutory:
            findings.problem(
                place,
                f"the category {category}, which the table calls unacceptable and illegal",
                "another one: what is illegal is blocked for everybody, always, and no site can change that",
            )
    return frozenset(written.categories) | {NAME_TAG + name for name in written.names}


def _moment(written: date | None, timezone: str, *, is_end: bool = False) -> datetime | None:
    """Give the instant of a day or minute on the school's clock; a day that ends something is over at midnight."""
    if written is None:
        return None
    if not isinstance(written, datetime):
        written = datetime.combine(written + timedelta(days=is_end), time())
    return written.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


# --- Safe search


def _build_safe_search(written: WrittenSite, findings: Findings, context: Context) -> list[SafeSearch]:
    """Hold audiences to their modes, except members of groups with a mode of their own for the same service."""
    known = (*Audience, *sorted(context.groups))
    by_audience = {audience: dict.fromkeys(SAFE_MODES, mode) for audience, mode in DEFAULT_SAFE_SEARCH.items()}
    by_group: dict[str, dict[str, str]] = {}
    for whom, modes in (written.safe_search or {}).items():
        path: Path = ("safe_search", whom)
        if not findings.is_known(path, whom, known, "audience or group", at_key=True):
            continue
        target = by_audience[Audience(whom)] if whom in by_audience else by_group.setdefault(whom, {})
        if (for_all := modes.get(ALL_SERVICES)) is not None:
            # Where a service has no such mode, it is held to the one that it has.
            target |= {service: for_all if for_all in (OFF, *own) else STRICT for service, own in SAFE_MODES.items()}
        for service, mode in modes.items():
            place: Path = (*path, service)
            if service == ALL_SERVICES or not findings.is_known(place, service, SAFE_MODES, "service", at_key=True):
                continue
            if mode not in (OFF, *SAFE_MODES[service]):
                findings.problem(place, f"'{mode}'", "one of " + ", ".join((*SAFE_MODES[service], OFF)))
            target[service] = mode
    return [*_audience_modes(by_audience, by_group), *_group_modes(by_group)]


def _audience_modes(
    by_audience: Mapping[Audience, Mapping[str, str]], by_group: Mapping[str, Mapping[str, str]]
) -> Iterator[SafeSearch]:
    for audience, modes in by_audience.items():
        by_exception: dict[frozenset[str], dict[str, str]] = {}
        for service, mode in modes.items():
            if mode != OFF:
                own = frozenset(group for group, own_modes in by_group.items() if service in own_modes)
                by_exception.setdefault(own, {})[SEARCH_TAG + service] = mode
        for groups, tags in by_exception.items():
            yield SafeSearch(Scope(audiences=frozenset({audience}), except_groups=groups), tags)


def _group_modes(by_group: Mapping[str, Mapping[str, str]]) -> Iterator[SafeSearch]:
    for group, modes in by_group.items():
        if tags := {SEARCH_TAG + service: mode for service, mode in modes.items() if mode != OFF}:
            yield SafeSearch(Scope(groups=frozenset({group})), tags)
