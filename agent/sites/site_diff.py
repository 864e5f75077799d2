"""What differs between two checked sites, in plain words: one sentence for each change.

It speaks of what a school decided, never of where it stands in the file, so text that only moved says nothing. What
has no words of its own here, such as a setting that was added to the program later, is told by its name and value.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from agent.sites.site import Endpoint, Private, Site, Upstream
from agent.sites.site_words import AUDIENCES, spell_groups, spell_list, spell_scope, spell_tag, spell_tags
from rules.pack import Ruling, TableRow, Tick
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.schedule import DateRange, Schedule, Window
from rules.subject import Scope

_TICKS: Final = {
    Tick.ACCEPTABLE: "acceptable",
    Tick.CERTAIN_TIMES: "acceptable at certain times",
    Tick.NOMINATED_USERS: "acceptable for nominated groups",
    Tick.UNACCEPTABLE: "unacceptable",
    Tick.UNACCEPTABLE_ILLEGAL: "unacceptable and illegal",
}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PRESENT: Final = {Effect.BLOCK: "blocks", Effect.ALLOW: "allows"}
_PAST: Final = {Effect.BLOCK: "blocked", Effect.ALLOW: "allowed"}
_AS_OTHERS: Final = "as for everybody else"
# What one of several is called.
_NOUNS: Final = {
    "networks": "network",
    "groups": "group",
    "terms": "term",
    "holidays": "holiday",
    "lists": "list",
    "zones": "zone",
}
_WORDS: Final = {
    "cidrs": "addresses",
    "dns": "DNS",
    "api": "API",
    "page_ipv4": "IPv4 address of the page",
    "page_ipv6": "IPv6 address of the page",
    "default": "style of blocked questions",
    "by_category": "style of blocked questions about",
    "no_index": "without usable lists",
    "activity_days": "number of days that activity is kept",
    "all_reason": "reason for keeping all activity",
    "use_system": "resolvers of the system",
    "neighbours": "table of neighbours",
    "path": "site file",
    "workers": "number of workers",
}
_BOUNDS: Final = {
    "max_days": ("An override now lasts {} at most", "day"),
    "max_ahead_days": ("An override can now be asked for {} ahead", "day"),
    "break_glass_minutes": ("An emergency now lasts {} at most", "minute"),
    "countersign_hours": ("An emergency now has to be confirmed within {}", "hour"),
}
_UNITS: Final = (("_seconds", " s"), ("_bytes", " bytes"), ("_share", ""))
_TOLD_APART: Final = frozenset({"table", "rulebook", "schedules", "overrides", "private"})
_SILENT: Final = frozenset({"location", "name", "packs", "own_packs"})


def diff_sites(before: Site, after: Site) -> tuple[str, ...]:
    """Say what changed, in the order of what matters to whoever is filtered; empty where nothing did."""
    sentences = chain(
        _policies(before, after),
        _table(before, after),
        _rulebook(before.rulebook, after.rulebook),
        _overrides(before, after),
        _schedules(before.schedules, after.schedules),
        *(
            _differ(field.name, field.name, getattr(before, field.name), getattr(after, field.name))
            for field in fields(Site)
            if field.name not in _TOLD_APART
        ),
        _differ("name", "school: name", before.school.name, after.school.name),
        _private(before.private, after.private),
    )
    return tuple(dict.fromkeys(sentences))


def _private(before: Private, after: Private) -> Iterator[str]:
    """Say that something changed, and not what: the record keeps these sentences for ever."""
    if before.notifications != after.notifications:
        yield "Notifications: who is told, or how, has changed."
    if (before.people, before.classes) != (after.people, after.classes):
        yield "The file names other people or classes than before; an import takes them over, nothing else does."
    if before.incidents != after.incidents:
        yield "Incidents: who reads what, how long something lasts, or whom to call has changed."
    yield from _differ("assessment", "assessment", before.assessment, after.assessment)
    if before.endpoints != after.endpoints:
        yield "Laptops: what they are told, or how long what they tell is kept, has changed."
    yield from _differ("media", "media", before.media, after.media)


# --- Policies


def _policies(before: Site, after: Site) -> Iterator[str]:
    old, new = _own_policies(before), _own_policies(after)
    for name in old.keys() - new.keys():
        yield f"The policy {name} was removed; it {_policy(old[name], before.school.timezone, verbs=_PAST)}."
    for name, policy in new.items():
        if name not in old:
            yield f"The policy {name} was added; it {_policy(policy, after.school.timezone, verbs=_PRESENT)}."
        else:
            yield from _changed_policy(f"The policy {name}", old[name], policy, before.school.timezone)


def _own_policies(site: Site) -> dict[str, Policy]:
    # The policies of rows have ids with a slash; what they do is told by their rows.
    return {policy.id: policy for policy in sorted(site.rulebook.policies, key=_id) if "/" not in policy.id}


def _id(policy: Policy) -> str:
    return policy.id


def _policy(policy: Policy, timezone: str, *, verbs: Mapping[Effect, str]) -> str:
    verb = verbs[policy.effect]
    because = f", because: {policy.clause.rstrip('.')}" if policy.clause else ""
    return f"{verb} {spell_tags(policy.tags)} for {spell_scope(policy.scope)}, {_when(policy, timezone)}{because}"


def _changed_policy(policy: str, old: Policy, new: Policy, timezone: str) -> Iterator[str]:
    verb = _PRESENT[new.effect]
    if old.effect is not new.effect:
        yield f"{policy} now {verb} {spell_tags(new.tags)}; it {_policy(old, timezone, verbs=_PAST)}."
    else:
        if added := new.tags - old.tags:
            yield f"{policy} now {verb} {spell_tags(added)} too."
        if gone := old.tags - new.tags:
            yield f"{policy} does not {new.effect} {spell_tags(gone)} any more."
    if old.scope != new.scope:
        yield f"{policy} is now for {spell_scope(new.scope)}; it was for {spell_scope(old.scope)}."
    if (now := _when(new, timezone)) != (then := _when(old, timezone)):
        yield f"{policy} now holds {now}; it held {then}."
    if old.clause != new.clause:
        yield f"{policy} now says why as {_say(new.clause)}; it was {_say(old.clause)}."


def _when(policy: Policy, timezone: str) -> str:
    parts = [f"at {policy.schedule.name}"] if policy.schedule else []
    if policy.from_at is not None:
        parts.append(f"from {_moment(policy.from_at, timezone)}")
    if policy.until_at is not None:
        parts.append(f"until {_moment(policy.until_at, timezone)}")
    return " ".join(parts) or "always"


def _moment(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


# --- The table and what else rules say


def _table(before: Site, after: Site) -> Iterator[str]:
    old_packs, new_packs = before.school.packs, after.school.packs
    for pack in sorted({*old_packs} ^ {*new_packs}):
        is_new = pack in new_packs
        rows = sum(row.pack == pack for row in (after if is_new else before).table)
        table = f", with the {rows} rows of its table" if rows else ""
        yield f"The pack {pack} was {'added' if is_new else 'removed'}{table}."
    for path in sorted({*before.school.own_packs} ^ {*after.school.own_packs}):
        verb = "added" if path in after.school.own_packs else "removed"
        yield f"The school's own pack {path} was {verb}."
    old, new = _rows(before), _rows(after)
    for pack, row in sorted(old.keys() | new.keys()):
        if pack in old_packs and pack in new_packs:
            yield from _row(old.get((pack, row)), new.get((pack, row)))


def _rows(site: Site) -> dict[tuple[str, str], TableRow]:
    return {(row.pack, row.row.id): row for row in site.table}


def _row(old: TableRow | None, new: TableRow | None) -> Iterator[str]:
    if old is None or new is None:
        told = new or old
        if told is not None:
            yield f"The row {told.row.label} was {'removed from' if new is None else 'added to'} the table."
        return
    label = f"The row {new.row.label}"
    yield from _differ("categories", label, old.row.categories, new.row.categories)
    then, now = _rulings(old), _rulings(new)
    for whom in (*now, *(gone for gone in then if gone not in now)):
        was, holds = then.get(whom, _AS_OTHERS), now.get(whom, _AS_OTHERS)
        if was != holds:
            yield f"For {whom}, the row {new.row.label} is now {holds}; it was {was}."


def _rulings(row: TableRow) -> dict[str, str]:
    return {_whom(ruling): _ruling(ruling) for ruling in row.rulings}


def _whom(ruling: Ruling) -> str:
    if ruling.group is not None:
        return spell_groups((ruling.group,))
    return AUDIENCES[ruling.audience] if ruling.audience is not None else "everybody"


def _ruling(ruling: Ruling) -> str:
    text = _TICKS[ruling.tick]
    if ruling.tick is Tick.CERTAIN_TIMES:
        return f"{text} ({ruling.schedule.name if ruling.schedule else 'never'})"
    if ruling.tick is Tick.NOMINATED_USERS:
        return f"{text} ({spell_list(sorted(ruling.nominated)) if ruling.nominated else 'nobody'})"
    return text


def _rulebook(before: Rulebook, after: Rulebook) -> Iterator[str]:
    for tag in sorted(before.statutory ^ after.statutory):
        verb = "is now" if tag in after.statutory else "is no longer"
        yield f"{spell_tag(tag)} {verb} blocked for everybody, whatever anybody allows."
    for tag in sorted(before.guards ^ after.guards):
        verb = "must now" if tag in after.guards else "need no longer"
        yield f"{spell_tag(tag)} {verb} work whatever a list says."
    for text in sorted({*map(spell_scope, before.allow_only)} ^ {*map(spell_scope, after.allow_only)}):
        is_new = text in map(spell_scope, after.allow_only)
        yield f"Only what a policy allows is {'now' if is_new else 'no longer all that is'} open for {text}."
    yield from _safe_modes(_modes(before.safe_search), _modes(after.safe_search))


# Audience or group, and service.
_Modes: TypeAlias = Mapping[tuple[str, str], str]


def _safe_modes(old: _Modes, new: _Modes) -> Iterator[str]:
    services: dict[tuple[str, str, str], list[str]] = {}
    for whom, service in sorted(old.keys() | new.keys()):
        otherwise = "off" if whom in AUDIENCES.values() else _AS_OTHERS
        then, now = old.get((whom, service), otherwise), new.get((whom, service), otherwise)
        if then != now:
            services.setdefault((whom, now, then), []).append(service)
    for (whom, now, then), names in services.items():
        yield f"For {whom}, the safe mode of {spell_list(names)} is now {now}; it was {then}."


def _modes(rules: Iterable[SafeSearch]) -> _Modes:
    """Give the modes by audience and by group; a group that others' modes leave out has none of its own."""
    modes: dict[tuple[str, str], str] = {}
    for rule in rules:
        for tag, mode in rule.modes.items():
            whom = replace(rule.scope, except_groups=frozenset())
            modes[spell_scope(whom), spell_tag(tag)] = mode
            for group in rule.scope.except_groups:
                modes.setdefault((spell_scope(Scope(groups=frozenset({group}))), spell_tag(tag)), "off")
    return modes


# --- What people may ask for


def _overrides(before: Site, after: Site) -> Iterator[str]:
    old, new = before.overrides, after.overrides
    # That something became illegal, or ceased to be, has its own sentence.
    if closed := new.never - old.never - before.rulebook.statutory:
        yield f"Nobody can ask for {spell_tags(closed)} any more."
    if opened := old.never - new.never - after.rulebook.statutory:
        yield f"People can now ask for {spell_tags(opened)}."
    if guarded := new.sensitive - old.sensitive:
        yield f"Opening {spell_tags(guarded)} now takes two: the safeguarding lead and the ICT Co-ordinator."
    if eased := old.sensitive - new.sensitive - new.never - after.rulebook.statutory:
        yield f"Opening {spell_tags(eased)} now takes one who approves it; it took two."
    for name, (saying, unit) in _BOUNDS.items():
        now, then = getattr(new, name), getattr(old, name)
        if now != then:
            yield f"{saying.format(f'{now} {unit}' if now == 1 else f'{now} {unit}s')}; it was {then}."


# --- Schedules


def _schedules(before: Iterable[Schedule], after: Iterable[Schedule]) -> Iterator[str]:
    # The days of terms and holidays are told by themselves.
    old = {schedule.name: _schedule(schedule) for schedule in before}
    new = {schedule.name: _schedule(schedule) for schedule in after}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"The schedule {name} was removed; it was {old[name]}."
        elif name not in old:
            yield f"The schedule {name} was added: {new[name]}."
        elif old[name] != new[name]:
            yield f"The schedule {name} is now {new[name]}; it was {old[name]}."


def _schedule(schedule: Schedule) -> str:
    return spell_list(map(_window, schedule.windows)) + (", only in term" if schedule.terms else "")


def _window(window: Window) -> str:
    days = sorted(window.days)
    is_run = len(days) > 1 and days[-1] - days[0] == len(days) - 1
    text = f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}" if is_run else spell_list(_DAYS[day] for day in days)
    return f"{text} {_clock(window.start_minute)}-{_clock(window.end_minute)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# --- Everything else, by its name and value


def _differ(key: str, label: str, before: Any, after: Any) -> Iterator[str]:
    """Say how a value differs; `key` is what the setting is called, `label` what the sentence begins with."""
    label = _capital(_words(label) if label == key else label)
    if before == after:
        return
    if is_dataclass(before) and type(before) is type(after) and not isinstance(before, Endpoint | DateRange):
        for field in _fields(before):
            old, new = getattr(before, field.name), getattr(after, field.name)
            yield from _differ(field.name, f"{label}: {_words(field.name)}", old, new)
    elif key in _NOUNS and (_has_names(before) or _has_names(after)):
        yield from _named(_NOUNS[key], before, after)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from _differ(key, f"{label} {spell_tag(name)}", before.get(name), after.get(name))
    elif isinstance(before, tuple | frozenset) and isinstance(after, tuple | frozenset):
        yield from _members(label, before, after)
    else:
        yield f"{label} is now {_say(after, key)}; it was {_say(before, key)}."


def _named(noun: str, before: Iterable[Any], after: Iterable[Any]) -> Iterator[str]:
    old, new = ({each.name: each for each in values} for values in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"The {noun} {name} was removed; it was {_describe(old[name])}."
        elif name not in old:
            yield f"The {noun} {name} was added: {_describe(new[name])}."
        else:
            yield from _differ(noun, f"The {noun} {name}", old[name], new[name])


def _members(label: str, before: Iterable[Any], after: Iterable[Any]) -> Iterator[str]:
    old, new = tuple(before), tuple(after)
    added, gone = [each for each in new if each not in old], [each for each in old if each not in new]
    if added:
        yield f"{label}: {spell_list(sorted(map(_say, added)))} {_were(added)} added."
    if gone:
        yield f"{label}: {spell_list(sorted(map(_say, gone)))} {_were(gone)} removed."
    if not added and not gone:
        yield f"{label} now come in the order {spell_list(map(_say, new))}."


def _were(things: list[Any]) -> str:
    return "was" if len(things) == 1 else "were"


def _has_names(value: Any) -> bool:
    return any(hasattr(each, "name") for each in value)


def _fields(value: Any) -> tuple[Field[Any], ...]:
    return tuple(field for field in fields(value) if field.name not in _SILENT)


def _describe(value: Any) -> str:
    """Say what something consists of, without what is as always."""
    if isinstance(value, DateRange):
        return _say(value)
    parts = (
        f"{_words(field.name)} {_say(getattr(value, field.name), field.name)}"
        for field in _fields(value)
        if getattr(value, field.name) != _default(field)
    )
    return ", ".join(parts) or "without anything of its own"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _words(name: str) -> str:
    for ending, _ in _UNITS[:2]:
        name = name.removesuffix(ending)
    return _WORDS.get(name, name.replace("_", " "))


def _say(value: Any, key: str = "") -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        unit = next((unit for ending, unit in _UNITS if key.endswith(ending)), "")
        return f"{value * 100:g} %" if key.endswith("_share") else f"{value:,}{unit}"
    if isinstance(value, DateRange):
        return f"{value.first_on} to {value.last_on}"
    if isinstance(value, Mapping):
        return spell_list(f"{spell_tag(name)} as {_say(inner)}" for name, inner in sorted(value.items()))
    if isinstance(value, tuple | frozenset):
        return spell_list(sorted(map(_say, value)))
    if is_dataclass(value) and not isinstance(value, Endpoint | Upstream):
        return _describe(value)
    if isinstance(value, str) and not isinstance(value, Enum):
        return spell_tag(value) if key == "category" else value or "nothing"
    return "nothing" if value is None else str(value)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
