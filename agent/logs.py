"""Logs: one line an event, on standard error, for the journal or a person.

Only the keys of `Fields` can be logged, and none of them is for a visited name, a person or a client's address:
what must not be in a log has no key to stand under. What other libraries log is told by its place alone, because
their sentences know no such rule.
"""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, TypedDict, Unpack

Level = Literal["debug", "info", "warning", "error"]
Style = Literal["text", "json"]

# The journal reads a priority in front of a line. Source: sd-daemon(3).
_PRIORITIES: Final[dict[Level, str]] = {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>"}
_LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_BARE: Final = re.compile(r"[A-Za-z0-9_./:+,@%-]+")
_CONTROLS: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MAX_VALUE_CHARACTERS: Final = 2000
# A fault that repeats with every query must not fill the disk: so many lines an event, then a number.
_BURST_LINES: Final = 10
_BURST_SECONDS: Final = 10.0

Value = str | int | float | bool


class Fields(TypedDict, total=False):
    """Everything that a line can say beside its level and event; `reason` is a sentence of ours for the operator."""

    worker: int
    pid: int
    signal: str
    exit_code: int
    attempt: int
    generation: int
    index_generation: int
    policy_generation: int
    list: str
    names: int
    bad_lines: int
    upstream: int
    path: str
    reason: str
    error: str
    library: str
    where: str
    rows: int
    bytes: int
    count: int
    seconds: float
    setting: str
    port: int
    version: str
    mode: str
    state: str


KEYS: Final = frozenset(Fields.__annotations__)


class Log:
    """Writes events to a stream; `configure` says how."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        style: Style = "text",
        level: Level = "info",
        for_journal: bool = False,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._bursts: dict[str, tuple[float, int]] = {}
        self.configure(style=style, level=level, for_journal=for_journal)

    def configure(self, *, style: Style = "text", level: Level = "info", for_journal: bool = False) -> None:
        """Say how lines look, from which level on they are written, and whether the journal reads them."""
        self._style: Style = style
        self._least = _LEVELS.index(level)
        self._for_journal = for_journal

    def debug(self, event: str, **fields: Unpack[Fields]) -> None:
        """Log what only a developer wants to know."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: Unpack[Fields]) -> None:
        """Log what happens in a normal day."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Unpack[Fields]) -> None:
        """Log what somebody should look at some time."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Unpack[Fields]) -> None:
        """Log what somebody should look at now."""
        self._write("error", event, fields)

    def _write(self, level: Level, event: str, fields: Fields) -> None:
        if unknown := sorted(fields.keys() - KEYS):
            raise TypeError(f"{unknown[0]!r} is no key of the log; expected one of {', '.join(sorted(KEYS))}")
        if not _EVENT.fullmatch(event):
            raise ValueError(f"{event[:60]!r} is no name of an event; expected lower-case words joined by _")
        if _LEVELS.index(level) < self._least:
            return
        suppressed = self._suppressed(event)
        if suppressed is None:
            return
        values: dict[str, Value] = {"level": level, "event": event}
        values.update((key, _short(value)) for key, value in fields.items() if isinstance(value, Value))
        if suppressed:
            values["suppressed"] = suppressed
        self._put(level, values)

    def _suppressed(self, event: str) -> int | None:
        """Say how many lines of this event were left out before this one, or nothing if this one is as well."""
        now = self._monotonic()
        began, lines = self._bursts.get(event, (now, 0))
        if now >= began + _BURST_SECONDS:
            self._bursts[event] = (now, 1)
            return max(0, lines - _BURST_LINES)
        self._bursts[event] = (began, lines + 1)
        return 0 if lines < _BURST_LINES else None

    def _put(self, level: Level, values: dict[str, Value]) -> None:
        if self._style == "json":
            at = datetime.fromtimestamp(self._wall_clock(), UTC).isoformat(timespec="milliseconds")
            line = _as_json({"at": at, **values})
        else:
            line = " ".join(f"{key}={_quoted(value)}" for key, value in values.items())
        prefix = _PRIORITIES[level] if self._for_journal else ""
        stream = self._stream or sys.stderr
        try:
            # One write a line, so that lines of several processes do not mix.
            stream.write(f"{prefix}{line}\n")
            stream.flush()
        except (OSError, ValueError):
            # Nobody reads any more, or the stream is closed; the work goes on.
            return


class LibraryHandler(logging.Handler):
    """Turns what other libraries log into a line without their words, which may hold names and addresses."""

    def __init__(self, target: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = target

    def emit(self, record: logging.LogRecord) -> None:
        """Log the library, the place and the kind of error."""
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        error = record.exc_info[0] if record.exc_info else None
        where = f"{record.filename}:{record.lineno}"
        if error is None:
            write("library_message", library=record.name, where=where)
        else:
            write("library_message", library=record.name, where=where, error=error.__name__)


def configure_logs(*, style: Style = "text", level: Level = "info") -> None:
    """Set up the log of this process: ours, and what libraries say through `logging`."""
    log.configure(style=style, level=level, for_journal=writes_to_journal(os.environ, sys.stderr))
    logging.basicConfig(handlers=[LibraryHandler(log)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)


def writes_to_journal(environment: os._Environ[str] | dict[str, str], stream: TextIO) -> bool:
    """Say whether a stream ends in the journal. Source: systemd.exec(5), JOURNAL_STREAM."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _short(value: Value) -> Value:
    if isinstance(value, str) and len(value) > _MAX_VALUE_CHARACTERS:
        return value[:_MAX_VALUE_CHARACTERS] + "…"
    return value


def _quoted(value: Value) -> str:
    """Write a value so that a line stays one line and splits at its spaces."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _BARE.fullmatch(text) else _as_json(text)


def _as_json(value: object) -> str:
    """Write JSON that leaves no octet for a terminal to obey; `json` escapes only the first 32."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


log: Final = Log()
