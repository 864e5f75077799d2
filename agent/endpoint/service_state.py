"""What the service remembers of itself over a restart: how it ended, whom it has told, and who has agreed to what."""

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

from agent.endpoint.keys import write_private
from collectors.observed import JSON, Observed, Priority

FILE: Final = "service.json"
LOCK_FILE: Final = "service.lock"
_KEPT: Final = 500
# So much of when the gateway was last heard may be lost with a service that is killed.
_HEARD_SECONDS: Final = 900.0
_TOLD: Final = "programs_present"
_GONE: Final = frozenset({"media_removed", "media_unclean"})


class AlreadyRunningError(Exception):
    """Another service uses this folder."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered.

    Args:
        is_running: whether it began and has not said that it ended.
        told: when somebody was last told of a device, by what stands for it; seconds since 1970.
        programs: media of which it was told since the laptop started what programs are on them: by what one is called
            while it is plugged in, the id of its volume.
        heard_at: when the gateway was last heard, as far as that was noted; 0 for never.
        answers: what an account answered to the rules: by `uid/name/version`, whether it accepted.
    """

    is_running: bool = False
    boot: str = ""
    started_at: float = 0.0
    stopped_at: float = 0.0
    heard_at: float = 0.0
    told: dict[str, float] = field(default_factory=dict)
    answers: dict[str, bool] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)


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
        self._guard = threading.Lock()
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
        programs = before.programs if before.boot == boot else {}
        self._keep(replace(before, is_running=True, boot=boot, started_at=wall, programs=programs))
        return Observed("service_started", Priority.INCIDENT if before.is_running else Priority.ACTIVITY, facts)

    def stop(self, *, wall: float, why: str) -> Observed:
        """Note that it ends as it should."""
        facts: dict[str, JSON] = {"why": why, "seconds": round(max(0.0, wall - self.remembered.started_at), 1)}
        self._note(is_running=False, stopped_at=wall)
        return Observed("service_stopped", Priority.ACTIVITY, facts)

    def note_told(self, device: str, wall: float) -> None:
        """Note that somebody was told of a device."""
        self._note(told=lambda now: _last({**now.told, device: wall}))

    def note_heard(self, at: float, *, within: float = _HEARD_SECONDS) -> None:
        """Note when the gateway was last heard, where what is remembered is off by so much; 0 is not heard yet."""
        if at and abs(at - self.remembered.heard_at) > within:
            self._note(heard_at=at)

    def note_answer(self, key: str, *, accepted: bool) -> None:
        """Note what somebody answered."""
        self._note(answers=lambda now: _last({**now.answers, key: accepted}))

    def has_told_programs(self, volume: Mapping[str, Any]) -> bool:
        """Say whether it was told what programs are on a volume, by the facts that name it."""
        return self.remembered.programs.get(_plugged(volume)) == str(volume.get("volume"))

    def note_programs(self, observed: Observed, *, is_kept: bool) -> None:
        """Note that it was told what programs are on a volume, and forget that of one that is gone.

        Args:
            is_kept: whether the spool keeps what was observed; what it does not keep was not told.
        """
        key = _plugged(observed.facts)
        if observed.kind == _TOLD and is_kept:
            volume = str(observed.facts.get("volume"))
            self._note(programs=lambda now: _last({**now.programs, key: volume}))
        elif observed.kind in _GONE and key in self.remembered.programs:
            self._note(programs=lambda now: {each: now.programs[each] for each in now.programs if each != key})

    def _note(self, **changes: Any) -> None:
        """Change what is remembered; several threads do."""
        with self._guard:
            now = self.remembered
            self._keep(
                replace(now, **{name: each(now) if callable(each) else each for name, each in changes.items()})
            )

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
            programs = {str(key): str(value) for key, value in found.programs.items()}
            return replace(
                found,
                told=told,
                answers=answers,
                programs=programs,
                started_at=float(found.started_at),
                stopped_at=float(found.stopped_at),
                heard_at=float(found.heard_at),
            )
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, TypeError, AttributeError):
            self.is_damaged = True
            return Remembered()


def _plugged(facts: Mapping[str, Any]) -> str:
    """Give what a medium is called while it is plugged in."""
    return f"{facts.get('device')}#{facts.get('insertion')}"


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
