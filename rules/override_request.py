"""What may be asked for: what is wrong with a request for an override, in sentences.

Nothing here decides about a request; it says what keeps it from being one.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from rules.errors import RefusedRequestError
from rules.override import Lift, OverrideLimits, needs_two
from rules.subject import Audience

# Between the moment for which somebody fills in a form and the one in which it arrives.
_SLACK: Final = timedelta(minutes=5)
# "For five minutes" is a little less when it arrives.
_ARRIVAL: Final = timedelta(seconds=30)


def check_lift(
    lift: Lift,
    *,
    now: datetime,
    limits: OverrideLimits,
    known_groups: Collection[str],
    known_categories: Collection[str],
    statutory: Collection[str],
    never_override: Collection[str],
    is_break_glass: bool = False,
) -> list[str]:
    """Say in sentences what is wrong with a request; empty where nothing is."""
    return [
        *_faults_of_names(lift, limits),
        *_faults_of_categories(lift, limits, known_categories, statutory, never_override),
        *_faults_of_people(lift, known_groups),
        *_faults_of_time(lift, now, limits, is_break_glass=is_break_glass),
    ]


def _faults_of_names(lift: Lift, limits: OverrideLimits) -> Iterator[str]:
    if not lift.names and not lift.categories:
        yield "The request names nothing to open; name at least one address or one category."
    if len(lift.names) > limits.max_names:
        yield f"The request names {len(lift.names)} addresses; at most {limits.max_names} fit into one request."
    for name in lift.names:
        if "." not in name:
            yield f"{name or 'The root'} is not one site but everything below it; name the site itself."


def _faults_of_categories(
    lift: Lift, limits: OverrideLimits, known: Collection[str], statutory: Collection[str], never: Collection[str]
) -> Iterator[str]:
    if len(lift.categories) > limits.max_categories:
        yield (
            f"The request names {len(lift.categories)} categories, and an override is for names or for one category;"
            " to switch off more of the filter, ask for a suspension."
        )
    for category in sorted(lift.categories | lift.lifts):
        if category in statutory:
            yield f"{category} is blocked by law and stays blocked for everybody, so it cannot be asked for."
        elif category in never:
            yield f"{category} protects the filter and its users and is never opened by an override."
        elif category not in known:
            yield f"{category} is no category; `schoolgate lists` shows the ones there are."


def _faults_of_people(lift: Lift, known: Collection[str]) -> Iterator[str]:
    for group in sorted(lift.groups.difference(known)):
        yield f"{group} is no group of this school."
    if not lift.groups and len(lift.audiences) != 1:
        whom = "everybody" if len(lift.audiences) in (0, len(Audience)) else " and ".join(sorted(lift.audiences))
        yield f"The request is for {whom}; name the groups or the one audience that it is for."


def _faults_of_time(lift: Lift, now: datetime, limits: OverrideLimits, *, is_break_glass: bool) -> Iterator[str]:
    if lift.until_at <= lift.from_at:
        yield "The end is not after the start."
        return
    if lift.until_at <= now:
        yield "The end lies in the past."
        return
    if lift.from_at < now - _SLACK:
        yield "The start lies in the past; leave it out to begin at once."
    if lift.from_at > now + timedelta(days=limits.max_ahead_days):
        yield f"The start is more than {limits.max_ahead_days} days ahead."
    if is_break_glass and lift.from_at > now + _SLACK:
        yield "An emergency begins at once; for later there is time to ask."
    lasts = lift.until_at - lift.from_at
    if lasts + _ARRIVAL < timedelta(seconds=limits.min_seconds):
        yield f"The request lasts {lasts.total_seconds():.0f} seconds; at least {limits.min_seconds} are needed."
    if is_break_glass and lasts > timedelta(minutes=limits.break_glass_minutes):
        yield f"An emergency lasts at most {limits.break_glass_minutes} minutes; this one would last longer."
    elif lasts > timedelta(days=limits.max_days):
        days = "1 day" if limits.max_days == 1 else f"{limits.max_days} days"
        yield f"A request lasts at most {days}; this one would last longer."


def check_emergency(lift: Lift, sensitive: Collection[str]) -> None:
    """Check that one person alone may open this.

    Raises:
        RefusedRequestError: it takes two, so that there is somebody who looks before it is open.
    """
    if needs_two(lift, sensitive):
        told = ", ".join(sorted((lift.categories | lift.lifts).intersection(sensitive)))
        raise RefusedRequestError(
            f"Nobody opens {told} alone, not in an emergency either: two people must agree to it, so ask for it."
        )


def check_time_left(lift: Lift, *, now: datetime, limits: OverrideLimits) -> None:
    """Check that what is narrowed is still worth opening.

    Raises:
        RefusedRequestError: it would be over before a request may be.
    """
    left = lift.until_at - max(lift.from_at, now)
    if left + _ARRIVAL < timedelta(seconds=limits.min_seconds):
        raise RefusedRequestError(
            f"With that end {max(0.0, left.total_seconds()):.0f} seconds would be left; at least"
            f" {limits.min_seconds} are needed."
        )
