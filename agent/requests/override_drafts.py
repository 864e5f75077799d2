"""A request for an override, from what somebody wrote to what would be lifted, and what that would change."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.people.attempts import MAX_REASON_CHARACTERS
from agent.people.people import SchoolClass
from agent.requests.asked_groups import read_groups
from agent.requests.asked_names import both_forms, read_names, shorten
from agent.requests.filter_context import FilterContext
from rules.event import NAME_TAG
from rules.name import DomainName, ancestors
from rules.override import Lift, needs_two
from rules.override_request import check_lift
from rules.reason import check_reason
from rules.subject import Audience

MAX_TOPIC_CHARACTERS: Final = 200
MAX_CHOICES: Final = 100


@dataclass(frozen=True, slots=True)
class Written:
    """A request as somebody wrote it; without `from_at` it begins at once. Groups may be classes."""

    until_at: datetime
    reason: str
    names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    topic: str = ""
    from_at: datetime | None = None
    is_break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would change, seen before it is sent.

    `lifts` are categories; `opens` are rules of the school with the names that they block and that would be open;
    `stays_blocked` says of names and categories why they cannot be opened, `also_needed` which blocked names the
    pages are likely to need; `notes` what was changed or has no effect; `faults` what keeps the request from being
    sent. `needs_two` where two approvers have to decide.
    """

    lift: Lift
    lifts: frozenset[str] = frozenset()
    opens: tuple[tuple[str, tuple[DomainName, ...]], ...] = ()
    stays_blocked: tuple[tuple[str, str], ...] = ()
    also_needed: tuple[DomainName, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    needs_two: bool = False


def draft(
    written: Written,
    context: FilterContext,
    *,
    now: datetime,
    classes: Callable[[], Iterable[SchoolClass]],
    needs_reason: bool = True,
) -> Preview:
    """Judge a request by the filter as it is now; nothing is stored.

    Args:
        written: as somebody wrote it.
        context: the filter.
        now: aware UTC.
        classes: gives the classes that are not closed.
        needs_reason: whether it is a fault that there is no reason yet.
    """
    asked = read_names(written.names, limit=context.limits.max_names)
    whom = read_groups(written.groups[:MAX_CHOICES], known=context.groups, classes=classes)
    faults = [*asked.faults, *_faults_of_form(written), *whom.faults]
    lift = Lift(
        names=asked.names,
        categories=frozenset(written.categories[:MAX_CHOICES]),
        lifts_of=lifts_of(asked.names, context),
        audiences=frozenset(Audience(each) for each in written.audiences if each in tuple(Audience)),
        groups=whom.groups,
        from_at=_aware(written.from_at or now, now),
        until_at=_aware(written.until_at, now),
    )
    stays = tuple(stays_blocked(lift, context))
    if not faults:
        # What is wrong with a category stands among the faults of the lift.
        faults += sentences_of(each for each in stays if each[0] not in lift.categories)
        faults += _faults_of_lift(lift, context, now=now, is_break_glass=written.is_break_glass)
    if (needs_reason or written.reason.strip()) and (fault := check_reason(written.reason)):
        faults.append(fault)
    return Preview(
        lift,
        lifts=lift.lifts | (lift.categories & context.liftable),
        opens=tuple(_opens(lift, context)),
        stays_blocked=stays,
        also_needed=tuple(_also_needed(lift, context)),
        notes=(*asked.notes, *_without_effect(lift, context), *_named_more_exactly(lift, context)),
        faults=tuple(dict.fromkeys(faults)),
        needs_two=needs_two(lift, context.sensitive),
    )


def lifts_of(names: Iterable[DomainName], context: FilterContext) -> tuple[tuple[DomainName, frozenset[str]], ...]:
    """Give the categories that an override lifts for each name: those it has now, and that can be lifted."""
    return tuple((name, (context.tags_of(name) & context.categories) - context.unliftable) for name in names)


def stays_blocked(lift: Lift, context: FilterContext) -> Iterator[tuple[str, str]]:
    """Say of each name and category that no override opens why that is so."""
    for name in lift.names:
        for tag in sorted(context.tags_of(name) & context.unliftable):
            yield both_forms(name), f"it is listed as {tag}, which {_why(tag, context)}"
    for tag in sorted(lift.categories & context.unliftable):
        yield tag, f"the category {_why(tag, context)}"


def sentences_of(stays: Iterable[tuple[str, str]]) -> list[str]:
    """Say as sentences what stays blocked."""
    return [f"{what} stays blocked: {why}." for what, why in stays]


def _why(tag: str, context: FilterContext) -> str:
    if tag in context.statutory:
        return "is illegal and blocked for everybody, always"
    return "is never lifted by an override"


def _faults_of_form(written: Written) -> Iterator[str]:
    for each in written.audiences:
        if each not in tuple(Audience):
            yield f"There is no audience {shorten(each)!r}; expected one of {', '.join(Audience)}."
    for kind, values in (("categories", written.categories), ("groups", written.groups)):
        if len(values) > MAX_CHOICES:
            yield f"{len(values):,} {kind} were given; expected at most {MAX_CHOICES}."
    if len(written.topic) > MAX_TOPIC_CHARACTERS:
        yield f"The topic has {len(written.topic):,} characters; expected at most {MAX_TOPIC_CHARACTERS}."
    if len(written.reason) > MAX_REASON_CHARACTERS:
        yield f"The reason has {len(written.reason):,} characters; expected at most {MAX_REASON_CHARACTERS:,}."
    for word, at in (("beginning", written.from_at), ("end", written.until_at)):
        if at is not None and at.tzinfo is None:
            yield f"The {word} {at.isoformat()} has no time zone; expected one, such as 2026-11-24T10:15+00:00."


def _faults_of_lift(lift: Lift, context: FilterContext, *, now: datetime, is_break_glass: bool) -> list[str]:
    return check_lift(
        lift,
        now=now,
        limits=context.limits,
        known_groups=context.groups,
        known_categories=context.categories,
        statutory=context.statutory,
        never_override=context.never_override,
        is_break_glass=is_break_glass,
    )


def _aware(at: datetime, now: datetime) -> datetime:
    """Bring an instant to UTC; one without a zone is a fault already, and only needs to be comparable."""
    try:
        return at.replace(tzinfo=at.tzinfo or now.tzinfo).astimezone(now.tzinfo)
    except OverflowError:
        return at.replace(tzinfo=now.tzinfo)


def _also_needed(lift: Lift, context: FilterContext) -> Iterator[DomainName]:
    for name in context.needed_with(lift.names):
        if (tags := context.tags_of(name)) & context.liftable and not tags & context.unliftable:
            yield name


def _opens(lift: Lift, context: FilterContext) -> Iterator[tuple[str, tuple[DomainName, ...]]]:
    """Give the rules of the school that block asked names by name, each with those that would be open."""
    by_rule: dict[str, list[DomainName]] = {}
    for name in lift.names:
        tags = context.tags_of(name)
        for rule in sorted({context.own_rules[tag] for tag in tags & context.own_rules.keys()}):
            if not tags & context.unliftable:
                by_rule.setdefault(rule, []).append(name)
    for rule, names in by_rule.items():
        yield rule, tuple(names)


def _named_more_exactly(lift: Lift, context: FilterContext) -> Iterator[str]:
    """Say which names below an asked one stay blocked, because a rule of the school names them themselves."""
    asked = frozenset(lift.names)
    for tag, rule in sorted(context.own_rules.items()):
        name = DomainName(tag.removeprefix(NAME_TAG))
        if name not in asked and not asked.isdisjoint(ancestors(name)):
            yield f"{both_forms(name)} stays blocked: the school's own rule {rule} names it."


def _without_effect(lift: Lift, context: FilterContext) -> Iterator[str]:
    if context.has_chosen_only:
        return
    for name in lift.names:
        if not context.tags_of(name) & (context.blocked | context.statutory):
            yield f"No rule blocks {both_forms(name)} at present, so for it an override would change nothing."
