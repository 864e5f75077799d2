"""How old the lists are, against how old each may become before people are told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.lists.list_status import STALE_AFTER_INTERVALS, ListState, ListStatus
from agent.sites.site import ListConfig


@dataclass(frozen=True, slots=True)
class ListAge:
    """One list; the age is since the copy in force was last known to be what its source has, None without one."""

    name: str
    state: ListState
    age_seconds: float | None
    most_seconds: float


@dataclass(frozen=True, slots=True)
class ListAges:
    """The lists of a site, the one first that is the oldest for what it may be; those without a copy before all."""

    lists: tuple[ListAge, ...]


def list_ages(statuses: Iterable[ListStatus], configs: Sequence[ListConfig]) -> ListAges:
    """Give the ages of the lists of a site.

    Args:
        statuses: as `agent.lists.list_status.status` tells them.
        configs: what the site says of each.
    """
    most = {each.name: float(STALE_AFTER_INTERVALS * each.refresh_seconds) for each in configs}
    found = [
        ListAge(each.name, each.state, each.age_seconds, most[each.name]) for each in statuses if each.name in most
    ]
    found.sort(
        key=lambda each: (each.age_seconds is not None, -(each.age_seconds or 0.0) / each.most_seconds, each.name)
    )
    return ListAges(tuple(found))
