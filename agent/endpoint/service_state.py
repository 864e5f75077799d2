"""What the service remembers of itself over a restart: how it ended, whom it has told, and who has agreed to what."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from agent.endpoint.keys import write_private
from collectors.observed import JSON, Observed, Priority

FILE: Final = "service.json"
LOCK_FILE: Final = "service.lock"
_KEPT: Final = 500


class AlreadyRunningError(Exception):
    """Another service uses this folder."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered.

    Args:
        is_running: whether it began and has not said that it ended.
        told: when somebody was last told of a device, by what stands for it; seconds since 1970.
        answers: what an account answered to the rules: by `uid/version`, whether it accepted.
    """

    is_running: bool = False
    boot: str = ""
    started_at: float = 0.0
    stopped_at: float = 0.0
    told: dict[str, float] = field(default_factory=dict)
    answers: dict[str, bool] = field(default_factory=dict)


class ServiceState:
    """The file; one service at a time has it. What cannot be kept is not worth stopping for.

    Raises:
        AlreadyRunningError: another one has it.
        OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        self._lock = _lock(folder / LOCK_FILE)
        self.is_damaged = False
        self.remembered = self._load()

    def close(self) -> None:
        """Let another one have it."""
        self._lock.close()

    def start(self, *, wall: float, boot: str, release: str) -> Observed:
        """Note that it begins, and say how it ended the last time."""
        before = self.remembered
        if self.is_damaged:
            why = "not_known"
        elif not before.started_at:
            why = "first"
        else:
            why = "killed" if before.is_running else "stopped"
        facts: dict[str, JSON] = {
            "clean": None if why == "not_known" else not before.is_running,
            "why": why,
            "same_boot": before.boot == boot,
            "started_before": before.started_at,
            "stopped_before": before.stopped_at,
            "agent": release,
        }
        self._keep(replace(before, is_running=True, boot=boot, started_at=wall))
        return Observed("service_started", Priority.INCIDENT if before.is_running else Priority.ACTIVITY, facts)

    def stop(self, *, wall: float, why: str) -> Observed:
        """Note that it ends as it should."""
        facts: dict[str, JSON] = {"why": why, "seconds": round(max(0.0, wall - self.remembered.started_at), 1)}
        self._keep(replace(self.remembered, is_running=False, stopped_at=wall))
        return Observed("service_stopped", Priority.ACTIVITY, facts)

    def note_told(self, device: str, wall: float) -> None:
        """Note that somebody was told of a device."""
        self._keep(replace(self.remembered, told=_last({**self.remembered.told, device: wall})))

    def note_answer(self, key: str, *, accepted: bool) -> None:
        """Note what somebody answered."""
        self._keep(replace(self.remembered, answers=_last({**self.remembered.answers, key: accepted})))

    def _keep(self, remembered: Remembered) -> None:
        self.remembered = remembered
        with suppress(OSError):
            write_private(self._path, json.dumps(asdict(remembered)).encode())

    def _load(self) -> Remembered:
        try:
            values = json.loads(self._path.read_bytes())
            found = Remembered(**values)
            told = {str(key): float(value) for key, value in found.told.items()}
            answers = {str(key): bool(value) for key, value in found.answers.items()}
            started, stopped = float(found.started_at), float(found.stopped_at)
            return replace(found, told=told, answers=answers, started_at=started, stopped_at=stopped)
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, TypeError, AttributeError):
            self.is_damaged = True
            return Remembered()


def _last(values: dict[str, Any]) -> dict[str, Any]:
    return dict(list(values.items())[-_KEPT:])


def _lock(path: Path) -> IO[bytes]:
    """Hold a file until the process ends, however it does."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        if os.name == "posix":
            import fcntl  # noqa: PLC0415 -- there is none on Windows

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt  # noqa: PLC0415 -- only there

            getattr(msvcrt, "locking")(file.fileno(), 2, 1)  # noqa: B009 -- LK_NBLCK, and no stub of it elsewhere
    except OSError:
        file.close()
        raise AlreadyRunningError(f"Another endpoint service runs with {path.parent}; expected none.") from None
    return file
