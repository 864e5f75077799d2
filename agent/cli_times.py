"""When something begins and ends, on the clock of the school, as far as the command line can know it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rules.schedule import Schedule

FromOption = Annotated[
    str | None, typer.Option("--from", help="When it begins: 10:30, tomorrow, 2026-12-01; now if not given.")
]
UntilOption = Annotated[
    str, typer.Option("--until", help="When it ends: 'this lesson', today, 30m, 2h, friday, 2026-12-01.")
]


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a school; `site` is the file that says when lessons are, on the gateway itself."""

    timezone: str
    site: Path | None = None

    def read(self, start: str | None, end: str, *, now: datetime | None = None) -> tuple[datetime, datetime]:
        """Read from when to when.

        Raises:
            ConfigurationError: one of the texts is no time.
        """
        from agent.durations import is_lesson, parse_end, parse_start

        now = now or datetime.now(UTC)
        begins = parse_start(start, self.timezone, now=now) if start is not None else now
        schedules = self._schedules() if is_lesson(end) else ()
        return begins, parse_end(end, self.timezone, schedules, start=begins)

    def _schedules(self) -> "tuple[Schedule, ...]":
        from agent.config import load_site

        return load_site(self.site).site.schedules if self.site is not None else ()

    def show(self, written: Any) -> str:
        """Write an instant of the API as a person reads it, or what stands there if it is none."""
        return self._format(written, "%a %Y-%m-%d %H:%M")

    def show_time(self, written: Any) -> str:
        """Write the time of an instant to the second; see `show`."""
        return self._format(written, "%H:%M:%S")

    def _format(self, written: Any, pattern: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            at = written if isinstance(written, datetime) else datetime.fromisoformat(str(written))
        except ValueError:
            return str(written or "")
        return at.astimezone(ZoneInfo(self.timezone)).strftime(pattern)
