"""When something begins and ends, on the clock of the school; when its lessons are is for the gateway to say."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from agent.commands.client import Client

FromOption = Annotated[
    str | None, typer.Option("--from", help="When it begins: 10:30, tomorrow, 2026-12-01; now if not given.")
]
UntilOption = Annotated[
    str, typer.Option("--until", help="When it ends: 'this lesson', today, 30m, 2h, friday, 2026-12-01.")
]


_MOMENT: Final = "%a %Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a school, and the gateway that knows when its lessons are."""

    timezone: str
    client: "Client | None" = None

    def read(self, start: str | None, end: str, *, now: datetime | None = None) -> tuple[datetime, datetime]:
        """Read from when to when.

        Raises:
            ConfigurationError: one of the texts is no time, or no lesson is on.
            SchoolgateError: the gateway was asked for a lesson, and does not say.
        """
        from agent.durations import parse_end, parse_start

        now = now or datetime.now(UTC)
        begins = parse_start(start, self.timezone, now=now) if start is not None else now
        return begins, parse_end(end, self.timezone, start=begins, lesson_end=self._end_of_lesson)

    def _end_of_lesson(self, at: datetime) -> datetime | None:
        if self.client is None:
            return None
        until = self.client.get("/schedules", {"at": at.isoformat()})["lesson_until"]
        return datetime.fromisoformat(until) if until else None

    def show(self, written: Any) -> str:
        """Write an instant of the API as a person reads it, or what stands there if it is none."""
        return self._format(written, _MOMENT)

    def show_time(self, written: Any) -> str:
        """Write the time of an instant to the second; see `show`."""
        return self._format(written, "%H:%M:%S")

    def show_soon(self, written: Any, *, now: datetime | None = None) -> str:
        """Write the time of an instant, with its day where that is not today; see `show`."""
        day = "%Y-%m-%d"
        is_today = self._format(written, day) == self._format(now or datetime.now(UTC), day)
        return self._format(written, "%H:%M" if is_today else _MOMENT)

    def _format(self, written: Any, pattern: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            at = written if isinstance(written, datetime) else datetime.fromisoformat(str(written))
        except ValueError:
            return str(written or "")
        return at.astimezone(ZoneInfo(self.timezone)).strftime(pattern)
