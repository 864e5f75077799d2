"""What is blocked for whom and when, as the rules of the school say it: categories and times, never a name of a list.

What people were granted for a time is left out, for that is between them and whoever agreed to it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from babel.dates import get_day_names

from agent.block_page.block_words import why_category
from agent.sites.site import Site
from agent.texts import Texts
from rules.category import Catalogue, Kind
from rules.engine import decide
from rules.event import NAME_TAG, Event
from rules.policy import Effect, Policy, Rulebook
from rules.restriction import device_of_group
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile
from rules.verdict import Block

_GRANTED = ("override-", "suspension-")


@dataclass(frozen=True, slots=True)
class Held:
    """What holds for an audience: closed or open, what the timetable changes, and which groups have it otherwise."""

    is_closed: bool
    opens_during: tuple[str, ...] = ()
    closes_during: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def is_always_open(self) -> bool:
        """Say whether nobody is ever kept from it."""
        return not self.is_closed and not self.closes_during and not self.others

    @property
    def is_never_open(self) -> bool:
        """Say whether nobody ever gets it."""
        return self.is_closed and not self.opens_during and not self.others


@dataclass(frozen=True, slots=True)
class BlockedRow:
    """A category: why it is closed, in a child's words, and for whom; in the order of the audiences."""

    name: str
    why: str
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class BlockedTable:
    """The page in parts; `chosen_only` is who gets only chosen sites, `own` how many names the school adds."""

    audiences: tuple[Audience, ...]
    rows: tuple[BlockedRow, ...]
    always_open: tuple[str, ...]
    times: Mapping[str, str]
    chosen_only: tuple[str, ...]
    own: int


def blocked_table(site: Site, catalogue: Catalogue, texts: Texts, *, at: datetime) -> BlockedTable:
    """Say it for a site, as its rules are at an instant."""
    rulebook = without_grants(site.rulebook)
    audiences = audiences_of(site)
    rows, used = [], set[str]()
    for category in catalogue:
        if category.kind is not Kind.ORDINARY or category.id in rulebook.statutory:
            continue
        held = tuple(held_for(rulebook, audience, category.id, at) for audience in audiences)
        if all(each.is_always_open for each in held):
            continue
        times = {name for each in held for name in (*each.opens_during, *each.closes_during)}
        why = why_category(category.id, texts, at_other_times=bool(times))
        rows.append(BlockedRow(category.name(texts.language), why, held))
        used |= times
    names = {tag for each in rulebook.policies if each.effect is Effect.BLOCK for tag in each.tags}
    return BlockedTable(
        audiences=audiences,
        rows=tuple(rows),
        always_open=tuple(each.name(texts.language) for each in catalogue if each.id in rulebook.guards),
        times={each.name: in_words(each, texts) for each in site.schedules if each.name in used},
        chosen_only=tuple(texts.whom(scope) for scope in rulebook.allow_only),
        own=sum(tag.startswith(NAME_TAG) for tag in names),
    )


def without_grants(rulebook: Rulebook) -> Rulebook:
    """Give the rules without what somebody was granted, or was kept from, for a time."""
    return replace(rulebook, policies=tuple(each for each in rulebook.policies if not _is_granted(each)))


def _is_granted(policy: Policy) -> bool:
    if policy.effect is Effect.RESTRICT or any(device_of_group(group) for group in policy.scope.groups):
        return True
    return policy.until_at is not None and policy.id.startswith(_GRANTED)


def audiences_of(site: Site) -> tuple[Audience, ...]:
    """Give those who have a network or a group at the school."""
    present = {network.audience for network in site.networks} | {group.audience for group in site.groups}
    return tuple(audience for audience in Audience if audience in present)


def held_for(rulebook: Rulebook, audience: Audience, tag: str, at: datetime) -> Held:
    """Say what holds of a category for an audience; `rulebook` is without grants."""
    about = [policy for policy in rulebook.policies if tag in policy.tags and _is_of_today(policy, at)]
    untimed = replace(rulebook, policies=tuple(each for each in rulebook.policies if each.schedule is None))

    def is_closed(*groups: str) -> bool:
        event = Event(at, Profile(audience, frozenset(groups)), frozenset({tag}))
        return isinstance(decide(event, untimed), Block)

    closed = is_closed()
    nobody_else = Profile(audience)
    timed = [policy for policy in about if policy.schedule is not None and policy.scope.covers(nobody_else)]
    groups = sorted({group for policy in about for group in policy.scope.groups | policy.scope.except_groups})
    return Held(
        closed,
        opens_during=tuple(_times(timed, Effect.ALLOW)) if closed else (),
        closes_during=tuple(_times(timed, Effect.BLOCK)) if not closed else (),
        others=tuple(group for group in groups if is_closed(group) is not closed),
    )


def _is_of_today(policy: Policy, at: datetime) -> bool:
    is_begun = policy.from_at is None or policy.from_at <= at
    return is_begun and (policy.until_at is None or at < policy.until_at)


def _times(policies: Iterable[Policy], effect: Effect) -> Iterator[str]:
    names = (each.schedule.name for each in policies if each.effect is effect and each.schedule is not None)
    yield from dict.fromkeys(names)


# --- Times in words


def in_words(schedule: Schedule, texts: Texts) -> str:
    """Write when a timetable holds: `Monday to Friday 12:10 to 13:00, in term only`."""
    _ = texts.gettext
    text = _("; ").join(
        _("%(days)s %(start)s to %(end)s")
        % {
            "days": _days(window, texts),
            "start": _clock(window.start_minute),
            "end": _clock(window.end_minute),
        }
        for window in schedule.windows
    )
    return _("%(text)s, in term only") % {"text": text} if schedule.terms else text


def _days(window: Window, texts: Texts) -> str:
    _ = texts.gettext
    if len(window.days) == 7:
        return _("every day")
    names = get_day_names("wide", locale=texts.locale)
    words: list[str] = []
    for run in _runs(sorted(window.days)):
        if len(run) > 2:
            words.append(_("%(first)s to %(last)s") % {"first": names[run[0]], "last": names[run[-1]]})
        else:
            words += [names[day] for day in run]
    return texts.join(words)


def _runs(days: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for day in days:
        if run and day != run[-1] + 1:
            yield run
            run = []
        run.append(day)
    yield run


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
