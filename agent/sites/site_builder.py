"""What the written parts of a site mean together: references, overlaps, addresses; out comes the `Site`."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from agent.categories import load_categories
from agent.sites.findings import Findings
from agent.sites.site import (
    ActivityLevel,
    Answers,
    AnswerStyle,
    FailMode,
    FailModes,
    Group,
    LeaseFile,
    Limits,
    ListConfig,
    Network,
    Paths,
    Retention,
    School,
    Site,
)
from agent.sites.site_block_page import check_block_page
from agent.sites.site_overrides import build_overrides
from agent.sites.site_packs import build_packs, load_pack, shipped_packs
from agent.sites.site_private import build_private
from agent.sites.site_rules import Context, build_rules
from agent.sites.site_servers import build_listeners, build_upstreams
from agent.sites.written_site import (
    WrittenAnswers,
    WrittenCalendar,
    WrittenDevices,
    WrittenFailModes,
    WrittenLimits,
    WrittenOverrides,
    WrittenPaths,
    WrittenRange,
    WrittenRetention,
    WrittenSchedule,
    WrittenSite,
    WrittenUpstreams,
)
from filters.list_entries import FORMATS
from rules import document
from rules.schedule import DateRange, Schedule, Window
from rules.subject import Audience

STARTER: Final = "builtin:starter"
AUTO: Final = "auto"
# Sources that bring their own categories along: trees of lists, packed or not.
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def build_site(written: WrittenSite, findings: Findings, *, path: Path) -> Site | None:
    """Check what the parts mean together; nothing comes back where a part is missing that nobody can guess."""
    folder = path.parent
    timezone = written.school.timezone if written.school else "UTC"
    calendar = written.calendar or WrittenCalendar()
    terms = tuple(_build_ranges("terms", calendar.terms, findings))
    holidays = tuple(_build_ranges("holidays", calendar.holidays, findings))
    _check_terms(terms, findings)
    schedules = tuple(
        _build_schedule(name, schedule, findings, timezone, terms=terms, holidays=holidays)
        for name, schedule in (written.schedules or {}).items()
    )
    groups = tuple(_build_groups(written, findings))
    networks = tuple(_build_networks(written, findings))
    _check_audiences(networks, groups, findings)
    context = Context(
        timezone=timezone,
        groups=findings.written_names("groups"),
        schedule_names=findings.written_names("schedules"),
        schedules={schedule.name: schedule for schedule in schedules},
    )
    packs, own_packs = build_packs(written, findings, folder=folder)
    # Where no pack is known, the rows and policies are still checked against all of them.
    table, rulebook = build_rules(written, findings, context, packs or [*map(load_pack, shipped_packs())])
    listeners = build_listeners(written, findings, folder)
    answers = _build_answers(written.answers or WrittenAnswers(), findings)
    check_block_page(listeners, answers, findings)
    upstreams = build_upstreams(written.upstreams or WrittenUpstreams(), findings, listeners)
    retention = _build_retention(written.retention or WrittenRetention(), findings)
    fail_modes = _build_fail_modes(written.fail_modes or WrittenFailModes(), findings)
    devices = written.devices or WrittenDevices()
    lease_files = tuple(_build_lease_files(devices, findings, folder))
    paths = _build_paths(written.paths or WrittenPaths(), findings, folder)
    lists = tuple(_build_lists(written, findings, folder, paths))
    if written.school is None:
        return None
    return Site(
        path=str(path),
        school=School(
            name=written.school.name,
            timezone=timezone,
            language=written.school.language,
            packs=tuple(pack.id for pack in packs),
            contact=written.school.contact,
            own_packs=tuple(own_packs),
            console=written.school.console,
            helplines=tuple(written.school.helplines),
        ),
        listeners=listeners,
        networks=networks,
        groups=groups,
        lease_files=lease_files,
        neighbours=devices.neighbours,
        schedules=schedules,
        terms=terms,
        holidays=holidays,
        lists=lists,
        rulebook=rulebook,
        answers=answers,
        upstreams=upstreams,
        limits=Limits(**(written.limits or WrittenLimits()).given()),
        retention=retention,
        fail_modes=fail_modes,
        paths=paths,
        workers=written.workers or 1,
        table=table,
        overrides=build_overrides(written.overrides or WrittenOverrides(), findings, statutory=rulebook.statutory),
        private=build_private(written, findings, folder=folder),
    )


# --- When


def _build_ranges(part: str, written: Mapping[str, WrittenRange], findings: Findings) -> Iterator[DateRange]:
    for name, days in written.items():
        if days.last_on < days.first_on:
            findings.problem(
                ("calendar", part, name),
                f"{days.last_on} as the end of {days.first_on}",
                "an end after the beginning",
            )
        else:
            yield DateRange(name, days.first_on, days.last_on)


def _check_terms(terms: Sequence[DateRange], findings: Findings) -> None:
    ordered = sorted(terms, key=lambda term: term.first_on)
    for earlier, later in pairwise(ordered):
        if later.first_on <= earlier.last_on:
            findings.problem(
                ("calendar", "terms", later.name),
                f"a term that begins on {later.first_on}, when {earlier.name} lasts until {earlier.last_on}",
                "terms that follow each other",
            )


def _build_schedule(
    name: str,
    written: WrittenSchedule,
    findings: Findings,
    timezone: str,
    *,
    terms: tuple[DateRange, ...],
    holidays: tuple[DateRange, ...],
) -> Schedule:
    path: document.Path = ("schedules", name)
    if written.only_in_term and not findings.is_written(("calendar", "terms")):
        findings.problem((*path, "only_in_term"), "only_in_term without terms", "terms in the calendar")
    windows = []
    for index, window in enumerate(written.windows):
        if window.start_minute in (window.end_minute, 1440):
            findings.problem(
                (*path, "windows", index),
                "a window that ends when it starts",
                "a later end; 00:00 to 24:00 is a whole day",
            )
        windows.append(Window(window.days, window.start_minute, window.end_minute))
    return Schedule(name, timezone, tuple(windows), terms if written.only_in_term else (), holidays)


# --- Who


def _build_groups(written: WrittenSite, findings: Findings) -> Iterator[Group]:
    named_by_networks = {group for network in (written.networks or {}).values() for group in network.groups}
    claimed: dict[str, Group] = {}
    for name, entry in (written.groups or {}).items():
        path: document.Path = ("groups", name)
        group = Group(name, entry.audience, tuple(entry.cidrs), tuple(entry.devices), entry.is_shared)
        if name in tuple(Audience):
            findings.problem(path, f"a group called {name}", "another name: this is an audience", at_key=True)
        if not group.cidrs and not group.devices and name not in named_by_networks:
            findings.notice(path, f"the group {name} has no members: no cidrs, no devices, and no network names it")
        for member in (*group.cidrs, *group.devices):
            other = claimed.setdefault(member, group)
            if group.audience is not None and other.audience not in (None, group.audience):
                findings.problem(
                    path,
                    f"{member} as {group.audience}, and as {other.audience} in {other.name}",
                    "one audience for each device and prefix",
                )
        yield group


def _build_networks(written: WrittenSite, findings: Findings) -> Iterator[Network]:
    groups = findings.written_names("groups")
    taken: dict[str, str] = {}
    for name, entry in (written.networks or {}).items():
        path: document.Path = ("networks", name)
        for index, cidr in enumerate(entry.cidrs):
            if (other := taken.get(cidr)) is not None:
                findings.problem((*path, "cidrs", index), f"{cidr}, which {other} has already", "each prefix once")
            taken.setdefault(cidr, name)
        for index, group in enumerate(entry.groups):
            findings.is_known((*path, "groups", index), group, groups, "group")
        yield Network(name, entry.audience, tuple(entry.cidrs), tuple(entry.groups))


def _check_audiences(networks: Sequence[Network], groups: Sequence[Group], findings: Findings) -> None:
    """Point out what may not be meant: prefixes inside each other, audiences that nobody belongs to."""
    for outer, inner, wide, narrow in _nested(networks):
        if outer.audience is not inner.audience:
            findings.notice(
                ("networks", inner.name),
                f"{narrow} lies inside {wide}; whoever is in both is what the longer prefix says",
            )
    if networks:
        present = {network.audience for network in networks} | {group.audience for group in groups}
        for audience in Audience:
            if audience not in present:
                findings.notice(("networks",), f"no network and no group is of the audience {audience}")


def _nested(networks: Sequence[Network]) -> Iterator[tuple[Network, Network, str, str]]:
    """Give each prefix that lies inside another, with the narrowest one around it."""
    prefixes = [(ipaddress.ip_network(cidr), network) for network in networks for cidr in network.cidrs]
    prefixes.sort(key=lambda entry: (entry[0].version, int(entry[0].network_address), entry[0].prefixlen))
    around: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Network]] = []
    for prefix, network in prefixes:
        while around and (around[-1][0].version != prefix.version or not around[-1][0].overlaps(prefix)):
            around.pop()
        if around and around[-1][0] != prefix:
            yield around[-1][1], network, str(around[-1][0]), str(prefix)
        around.append((prefix, network))


def _build_lease_files(written: WrittenDevices, findings: Findings, folder: Path) -> Iterator[LeaseFile]:
    for index, lease_file in enumerate(written.lease_files):
        path = folder / lease_file.path
        if not path.exists():
            findings.notice(
                ("devices", "lease_files", index), f"{path} does not exist; devices have no names from it"
            )
        yield LeaseFile(lease_file.format, str(path))


# --- About what


def _build_lists(written: WrittenSite, findings: Findings, folder: Path, paths: Paths) -> Iterator[ListConfig]:
    if written.lists is None:
        yield ListConfig("starter", STARTER, location=findings.document.file)
    for name, entry in (written.lists or {}).items():
        path: document.Path = ("lists", name)
        known = load_categories().ids
        source = _read_source((*path, "source"), entry.source, findings, folder)
        is_kept = False
        if _is_path(source) and not Path(source).exists():
            is_kept = _find_copy(path, name, source, findings, paths)
        if entry.format is not None:
            findings.is_known((*path, "format"), entry.format, (AUTO, *FORMATS), "format")
        if entry.category is not None:
            findings.is_known((*path, "category"), entry.category, known, "category")
        for theirs, ours in (entry.categories or {}).items():
            if ours is not None:
                findings.is_known((*path, "categories", theirs), ours, known, "category")
        if entry.category is None and not entry.categories and not (is_kept or _has_categories(source)):
            findings.problem(path, "no category", "category: what the names in this list are about", at_key=True)
        given = entry.given() | {"source": source, "location": findings.location(path)}
        yield ListConfig(name, **given)


def _read_source(path: document.Path, source: str, findings: Findings, folder: Path) -> str:
    if source.startswith("builtin:"):
        findings.is_known(path, source, (STARTER,), "list")
        return source
    scheme, separator, rest = source.partition("://")
    if separator:
        if scheme != "https" or not rest.strip("/"):
            findings.problem(path, f"'{source}'", f"https://{rest}, a path or {STARTER}")
        return source
    return str(folder / source)


def _is_path(source: str) -> bool:
    return "://" not in source and not source.startswith("builtin:")


def _find_copy(path: document.Path, name: str, source: str, findings: Findings, paths: Paths) -> bool:
    """Say whether a source that is not there was once: its last good copy stays, and so does the school's DNS."""
    # Loaded late: nobody waits for it where all is well.
    from agent.lists.list_store import ListStore  # noqa: PLC0415

    copy = ListStore(Path(paths.state) / "lists").current(name)
    if copy is None or copy.source != source:
        findings.problem((*path, "source"), f"{source}, which does not exist", "a file or folder that exists")
        return False
    findings.notice(path, f"{source} does not exist; the copy of {copy.fetched_at:%Y-%m-%d %H:%M} UTC stays in force")
    return True


def _has_categories(source: str) -> bool:
    return source.startswith("builtin:") or source.endswith(_ARCHIVES) or Path(source).is_dir()


# --- Answers


def _build_answers(written: WrittenAnswers, findings: Findings) -> Answers:
    catalogue = load_categories()
    for category in written.by_category or {}:
        path: document.Path = ("answers", "by_category", category)
        if findings.is_known(path, category, catalogue.ids, "category", at_key=True) and category in catalogue.guards:
            findings.problem(path, f"the category {category}", "one that may be blocked", at_key=True)
    answers = Answers(**written.given())
    is_page = AnswerStyle.PAGE in (answers.default, *answers.by_category.values())
    if is_page and not any(findings.is_written(("answers", key)) for key in ("page_ipv4", "page_ipv6")):
        findings.problem(("answers",), "page without its address", "page_ipv4 or page_ipv6 beside it", at_key=True)
    return answers


# --- Running


def _build_retention(written: WrittenRetention, findings: Findings) -> Retention:
    retention = Retention(**written.given())
    if retention.activity is ActivityLevel.ALL and not findings.is_written(("retention", "reason")):
        findings.problem(
            ("retention", "activity"),
            "activity: all without a reason",
            "reason: why this school records every query, or activity: blocked",
        )
    return retention


def _build_fail_modes(written: WrittenFailModes, findings: Findings) -> FailModes:
    fail_modes = FailModes(**written.given())
    if fail_modes.no_index is FailMode.OPEN and not findings.is_written(("fail_modes", "reason")):
        findings.problem(
            ("fail_modes", "no_index"),
            "no_index: open without a reason",
            "reason: why this school prefers no filter to no answer, or no_index: closed",
        )
    return fail_modes


def _build_paths(written: WrittenPaths, findings: Findings, folder: Path) -> Paths:
    state, runtime = folder / written.state, folder / written.runtime
    if state == runtime:
        findings.problem(("paths",), f"{state} twice", "one folder for state and another for runtime", at_key=True)
    return Paths(str(state), str(runtime))
