"""How the gateway gets events onto the record, which it does not write: a file for each, taken into the chain.

The name of the file stands in the row. One that was taken and is still there, because somebody was killed between the
two, is known by it: every event is one row, whoever dies when. Where nobody takes them their number is bounded, and
what finds no room is counted together.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.storage.chain import canonical
from rules.errors import StorageError

if TYPE_CHECKING:
    from agent.storage.state import StateStore

# Events of which only the numbers are left, since an instant; a later one since the same instant includes it.
COUNTED: Final = "gateway_events_counted"
# A file that somebody or something spoilt.
UNREADABLE: Final = "gateway_event_unreadable"
KINDS: Final = frozenset(
    {
        "gateway_started",
        "gateway_stopped",
        "clock_jumped",
        "machine_suspended",
        "worker_died",
        "intake_died",
        "rows_lost",
        COUNTED,
    }
)
# Who did it, in the record.
GATEWAY: Final = "gateway"
MAX_FILES: Final = 256
MAX_OCTETS: Final = 4096
_SUFFIX: Final = ".json"
_COUNTED_SUFFIX: Final = "-counted.json"


def events_folder(state: Path) -> Path:
    """Give where the events of a state folder are."""
    return state / "gateway-events"


def leave_event(
    folder: Path, kind: str, facts: Mapping[str, Any], *, at: datetime, max_files: int = MAX_FILES
) -> None:
    """Leave an event for the record; once this returns it survives whatever happens.

    Args:
        folder: made where there is none.
        kind: one of KINDS.
        facts: as a row of the record takes them, and few.
        at: aware; when it happened.
        max_files: with so many waiting, it is only counted.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX)
        if len(waiting) < max_files:
            _write(folder, _SUFFIX, kind, facts, at)
            return
        counted = [path for path in waiting if path.name.endswith(_COUNTED_SUFFIX)]
        since, counts = at.astimezone(UTC).isoformat(), Counter({kind: 1})
        for path in counted:
            before = _read_counts(path)
            since = min(since, before.get("since", since))
            counts.update(before.get("counts", {}))
        _write(folder, _COUNTED_SUFFIX, COUNTED, {"since": since, "counts": counts}, at)
        for path in counted:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: an event for the record could not be left ({error.strerror}).") from error


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def take_events(store: "StateStore", *, remove: Callable[[Path], None] = _remove) -> int:
    """Take what the gateway left beside a state file into its record, the oldest first; gives how many rows that was.

    Args:
        store: the record.
        remove: takes away a file whose event is in the record.

    Raises:
        StorageError: nothing more could be stored; what was not is taken later.
    """
    folder, taken = events_folder(store.path.parent), 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            found = _read(path) or (UNREADABLE, {})
        except FileNotFoundError:
            continue
        kind, facts = found
        with store.act() as act:
            known = "SELECT 1 FROM audit WHERE actor = 'gateway' AND subject = ?"
            if act.database.execute(known, (path.stem,)).fetchone() is None:
                act.note(kind, actor=GATEWAY, subject=path.stem, facts=facts)
                taken += 1
        remove(path)
    return taken


def _write(folder: Path, suffix: str, kind: str, facts: Mapping[str, Any], at: datetime) -> None:
    instant = at.astimezone(UTC)
    # Names sort as time, those of one instant as they were left; and no two are the same.
    name = f"{instant:%Y%m%dT%H%M%S.%f}-{time.monotonic_ns():016x}"
    draft = folder / "draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"kind": kind, "facts": {"at": instant.isoformat(), **facts}}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{name}{suffix}")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> tuple[str, dict[str, Any]] | None:
    """Read an event: its kind, and its facts. Nothing where the file holds none."""
    with path.open("rb") as file:
        octets = file.read(MAX_OCTETS + 1)
    try:
        found = json.loads(octets)
        kind, facts = found["kind"], found["facts"]
        # As the record will write it.
        canonical(facts).encode()
        is_ours = len(octets) <= MAX_OCTETS and kind in KINDS and isinstance(facts, dict)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return (kind, facts) if is_ours else None


def _read_counts(path: Path) -> dict[str, Any]:
    """Read what was counted; nothing where it has been taken in this moment, and so is on record."""
    with suppress(FileNotFoundError):
        if (found := _read(path)) is not None:
            return found[1]
    return {}
