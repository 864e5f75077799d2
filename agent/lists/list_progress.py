"""How far an update of lists has come, told as it goes: bars on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import Protocol, Self, TextIO

import rich.progress
from rich.console import Console


class Progress(Protocol):
    """Somebody who wants to know how far an update has come; `total` is None where it is not known."""

    def begin(self, name: str, total_bytes: int | None) -> None:
        """Say that a download has begun, perhaps once more."""

    def advance(self, name: str, size_bytes: int) -> None:
        """Say that octets have come."""

    def step(self, name: str, doing: str) -> None:
        """Say what is being done with a list, or with all of them (`lists`)."""

    def finish(self, name: str, outcome: str) -> None:
        """Say how it ended."""


class SilentProgress:
    """Nobody wants to know."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""

    def begin(self, name: str, total_bytes: int | None) -> None:
        """Say nothing."""

    def advance(self, name: str, size_bytes: int) -> None:
        """Say nothing."""

    def step(self, name: str, doing: str) -> None:
        """Say nothing."""

    def finish(self, name: str, outcome: str) -> None:
        """Say nothing."""


class PlainProgress(SilentProgress):
    """One line for each list."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def finish(self, name: str, outcome: str) -> None:
        """Print how it ended."""
        print(f"{name}: {outcome}", file=self._stream, flush=True)


class BarProgress:
    """A bar for each list that is under way."""

    def __init__(self, console: Console) -> None:
        self._bars = rich.progress.Progress(
            rich.progress.TextColumn("{task.fields[name]}"),
            rich.progress.BarColumn(bar_width=24),
            rich.progress.DownloadColumn(),
            rich.progress.TransferSpeedColumn(),
            rich.progress.TextColumn("{task.description}"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, rich.progress.TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, name: str, total_bytes: int | None) -> None:
        """Draw an empty bar."""
        self._bars.reset(self._task(name), total=total_bytes, description="downloading")

    def advance(self, name: str, size_bytes: int) -> None:
        """Let the bar grow."""
        self._bars.advance(self._task(name), size_bytes)

    def step(self, name: str, doing: str) -> None:
        """Write beside the bar."""
        self._bars.update(self._task(name), description=doing)

    def finish(self, name: str, outcome: str) -> None:
        """Replace the bar with a line that stays."""
        task = self._tasks.pop(name, None)
        if task is not None:
            self._bars.remove_task(task)
        self._bars.console.print(f"{name}: {outcome}", markup=False, highlight=False)

    def _task(self, name: str) -> rich.progress.TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=None, name=name)
        return self._tasks[name]


def progress_for(stream: TextIO = sys.stderr) -> BarProgress | PlainProgress:
    """Choose bars for a terminal, plain lines for anything else; a context manager."""
    console = Console(file=stream)
    return BarProgress(console) if console.is_terminal else PlainProgress(stream)
