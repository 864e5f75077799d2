"""When to look at the source of a list again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from agent.lists.list_store import open_store
from agent.sites.site import ListConfig, Site

FIRST_BACK_OFF_SECONDS: Final = 300.0
JITTER_SHARE: Final = 0.1


def next_refresh_at(config: ListConfig, now: datetime, jitter: float, *, failures: int = 0) -> datetime:
    """Say when to look at a source again.

    Args:
        config: the list.
        now: when it was looked at.
        jitter: -1 to 1, so that not all schools ask at the same moment.
        failures: how often in a row it went wrong; after a failure the next look comes sooner, then ever later.
    """
    seconds = float(config.refresh_seconds)
    if failures:
        seconds = min(seconds, FIRST_BACK_OFF_SECONDS * 2 ** min(failures - 1, 16))
    return now + timedelta(seconds=seconds * (1 + JITTER_SHARE * jitter))


def due_lists(site: Site, now: datetime) -> list[str]:
    """Give the names of the lists whose source is to be looked at."""
    longest = {each.name: timedelta(seconds=each.refresh_seconds * (1 + JITTER_SHARE)) for each in site.lists}
    # What is due later than any interval from now was written by a clock that ran ahead.
    return [name for name, due_at in _due_moments(site) if due_at is None or not now < due_at <= now + longest[name]]


def next_due_at(site: Site) -> datetime | None:
    """Say when the next list is due; None where there are no lists, or one has never been looked at."""
    moments = [due_at for _, due_at in _due_moments(site)]
    return min((due_at for due_at in moments if due_at), default=None) if None not in moments else None


def _due_moments(site: Site) -> Iterator[tuple[str, datetime | None]]:
    store = open_store(site)
    for config in site.lists:
        condition = store.condition(config.name)
        is_known = condition is not None and condition.source == config.source
        yield config.name, condition.next_refresh_at if condition and is_known else None
