"""How an override was used, once that can be said: an honest number, at least so much, or that nobody knows.

What workers saw arrives a moment later, by way of the spool and the intake. So a use is summed up when the intake has
taken everything until some seconds after the end; where it does not get so far, somebody is told what there is.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from agent.dns.shared_memory import SharedMemory
from agent.logs import log
from agent.sites.site import Site
from agent.storage.override_rows import Use
from agent.storage.uses import Counted, read_uses, uses_path
from rules.errors import StorageError
from rules.override import Override

# So long after its end, whatever was answered because of an override lies in the spool.
SETTLE: Final = timedelta(seconds=10)
# So long the intake has to take it from there.
PATIENCE: Final = timedelta(hours=1)
UNKNOWN: Final = Use(None, None, is_complete=False)


class OverrideUses:
    """Says how overrides were used.

    Args:
        site: the site in force.
        clock: aware UTC.
        settle: so long after an end, what was seen until then is in the spool.
        patience: so long after an end, or after this was made, nobody waits for the intake any more.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        *,
        clock: Callable[[], datetime],
        settle: timedelta = SETTLE,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._site = site
        self._clock = clock
        self._settle = settle
        self._patience = patience
        self._made_at = clock()

    def __call__(self, override: Override, ended_at: datetime) -> Use | None:
        """Say how an override was used that ended then, or nothing while more may arrive."""
        now = self._clock()
        is_settled = min(now, self._taken_until()) >= ended_at + self._settle
        is_late = now >= max(ended_at, self._made_at) + self._patience
        if not is_settled and not is_late:
            return None
        try:
            counted = read_uses(uses_path(self._site().paths.state), override.id)
        except StorageError as error:
            if not is_late:
                return None
            log.error("uses_unreadable", reason=str(error))
            counted = None
        if counted is None:
            return UNKNOWN
        kept = timedelta(days=self._site().retention.activity_days)
        is_complete = is_settled and now < ended_at + kept and _saw_all(counted, override)
        if not counted.times and not is_complete:
            return UNKNOWN
        return Use(counted.times, counted.devices, is_complete=is_complete)

    def _taken_until(self) -> datetime:
        """Say until when the intake has taken what workers saw; long ago where there is none."""
        try:
            with SharedMemory.open(Path(self._site().paths.runtime) / "shared.mem") as memory:
                nanoseconds = memory.intake()["taken_until_nanoseconds"]
        except StorageError:
            nanoseconds = 0
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _saw_all(counted: Counted, override: Override) -> bool:
    """Say whether somebody counted since an override opened something, and nothing was lost from then on."""
    opened_at = max(override.lift.from_at, override.decided_at or override.lift.from_at)
    return counted.since <= opened_at and (counted.lost_at is None or counted.lost_at < opened_at)
