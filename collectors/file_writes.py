"""What was written to removable volumes: the stream of events and the inventories, joined into one account of each.

It counts and never judges. An account says whether it is complete and, where it is not, why; that is of the whole
time that the volume has been there, because a gap is never filled afterwards.
"""

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from collectors.inventory import Inventory, Pace, device_of, take_changes, take_inventory
from collectors.observed import JSON, Observed, Priority
from collectors.volume import Attach, Volume
from collectors.write_stream import Gap, Naming, Taken, WriteStream, Written, kinds_of

_INVENTORY: Final = "inventory"
_NAMES_SHOWN: Final = 40
# Of all of them together, as JSON: long names must not make an account larger than can be told.
_NAMES_BYTES: Final = 8 * 1024
_MOST_FILES: Final = 50_000
_POLL_SECONDS: Final = 60.0
# An inventory that took a second is not taken again for two hundred.
_REST_PER_SECOND: Final = 200.0
# After these the stream alone cannot say what is there.
_LOST: Final = frozenset({Gap.OVERFLOW, Gap.TOO_MANY_FILES, Gap.STREAM_ENDED})

OpenStream: TypeAlias = Callable[[str], WriteStream | None]


@dataclass(slots=True)
class _Account:
    """One volume, from when it was first seen to its removal."""

    volume: Volume
    mount_point: str
    stream: WriteStream | None
    source: str
    inventory: Inventory
    since: float
    gaps: set[Gap]
    next_look_at: float
    needs_look: bool
    pending: dict[bytes, Written] = field(default_factory=dict)
    pending_removed: int = 0
    sizes: dict[bytes, int | None] = field(default_factory=dict)
    removed: int = 0
    has_last_look: bool = False

    def add(self, written: Mapping[bytes, Written]) -> None:
        """Count files that were written, each once however often it was."""
        for token, each in written.items():
            if token not in self.sizes and len(self.sizes) >= _MOST_FILES:
                self.gaps.add(Gap.TOO_MANY_FILES)
                continue
            known = self.sizes.get(token)
            self.sizes[token] = known if each.size_bytes is None else each.size_bytes
            self.pending[token] = each

    def add_removed(self, files: int) -> None:
        """Count files that were taken away."""
        self.pending_removed += files
        self.removed += files


class FileWrites:
    """The accounts of all removable volumes that can be written to. To be used by one thread at a time.

    Args:
        open_stream: gives the best stream of events for a mount point; None where there is none.
        wall: seconds since 1970.
        monotonic: seconds that never go back.
        is_mount: whether a volume is mounted at a place. Where none is any more, a stream would tell of the
            computer's own disk, which is nobody's business.
    """

    def __init__(
        self,
        naming: Naming,
        open_stream: OpenStream,
        *,
        pace: Pace | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        is_mount: Callable[[str], bool] = os.path.ismount,
    ) -> None:
        self._naming = naming
        self._open_stream = open_stream
        self._pace = pace or Pace()
        self._wall = wall
        self._monotonic = monotonic
        self._is_mount = is_mount
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._has_looked = False

    def follow(self, volumes: Iterable[Volume], *, unclean: Collection[str] = ()) -> tuple[Observed, ...]:
        """Open an account of each volume that has come, and close that of each that has gone.

        Args:
            volumes: all that are there now.
            unclean: the keys of those that were pulled without being ejected.
        """
        there = {(volume.key, volume.mount_points[0]): volume for volume in volumes if is_followed(volume)}
        gone = [key for key in self._accounts if key not in there]
        told = tuple(self._close(self._accounts.pop(key), is_clean=key[0] not in unclean) for key in gone)
        for key, volume in there.items():
            if key not in self._accounts:
                self._accounts[key] = self._open(volume, is_late=not self._has_looked)
        self._has_looked = True
        return told

    def look(self) -> tuple[Observed, ...]:
        """Say what was written since the last time; nothing of a volume where nothing was."""
        told = []
        for account in self._accounts.values():
            self._take_back(account)
            self._hear(account)
            if account.needs_look and self._monotonic() >= account.next_look_at:
                self._reconcile(account)
            if account.pending or account.pending_removed:
                told.append(self._tell(account))
        return tuple(told)

    def release(self, volume_key: str) -> None:
        """Let go of a volume that is about to be ejected, after a last look at it."""
        for (key, _), account in self._accounts.items():
            if key == volume_key:
                self._let_go(account)
                missed = self._reconcile(account)
                if missed and account.source != _INVENTORY:
                    account.gaps.add(Gap.STREAM_MISSED)
                account.has_last_look = True

    def _open(self, volume: Volume, *, is_late: bool) -> _Account:
        mount_point = volume.mount_points[0]
        # The stream comes first, so that nothing falls between the two.
        stream = self._stream(mount_point, None)
        inventory = take_inventory(mount_point, self._naming, self._pace)
        gaps = set() if stream is not None else {Gap.NO_STREAM, *inventory.gaps}
        if is_late:
            gaps.add(Gap.STARTED_LATE)
        return _Account(
            volume=volume,
            mount_point=mount_point,
            stream=stream,
            source=_INVENTORY if stream is None else stream.source,
            inventory=inventory,
            since=self._wall(),
            gaps=gaps,
            next_look_at=self._due(inventory),
            needs_look=stream is None,
        )

    def _stream(self, mount_point: str, device: int | None) -> WriteStream | None:
        """Open a stream, and keep it only where the volume is still what is mounted there."""
        stream = self._open_stream(mount_point)
        is_right = self._is_mount(mount_point) and device in {None, device_of(mount_point)}
        if stream is not None and not is_right:
            stream.close()
            return None
        return stream

    def _due(self, inventory: Inventory) -> float:
        return self._monotonic() + max(_POLL_SECONDS, _REST_PER_SECOND * inventory.seconds)

    def _take_back(self, account: _Account) -> None:
        """Watch a volume again that was to be ejected and is still there."""
        if account.has_last_look:
            account.has_last_look = False
            account.stream = self._stream(account.mount_point, account.inventory.device)
            account.needs_look = True

    def _hear(self, account: _Account) -> None:
        if account.stream is None:
            return
        taken = account.stream.take()
        _add_taken(account, taken)
        if Gap.STREAM_ENDED in taken.gaps:
            account.stream.close()
            account.stream = self._stream(account.mount_point, account.inventory.device)
        if not _LOST.isdisjoint(taken.gaps):
            account.needs_look, account.next_look_at = True, self._monotonic()

    def _reconcile(self, account: _Account) -> int:
        """Take another inventory, count what it shows, and give how many files nobody had told of."""
        before, was_known = account.inventory, set(account.sizes)
        after, changes = take_changes(
            before, account.mount_point, self._naming, self._pace, filesystem=account.volume.filesystem
        )
        account.next_look_at = self._due(after)
        account.needs_look = account.stream is None
        if Gap.NOT_READABLE in after.gaps and not after.files:
            # It is gone: what was last seen of it still holds.
            account.gaps.add(Gap.NO_LAST_LOOK)
            return 0
        account.gaps |= after.gaps
        account.inventory = after
        # A file that an incomplete look has not seen may have been there all the time.
        found = {**changes.modified, **(changes.created if before.is_complete else {})}
        if account.source == _INVENTORY and before.is_complete:
            # A stream tells itself what was put there, and of the rest where it was before.
            found |= changes.put_in_trash
        account.add({token: each for token, each in found.items() if account.sizes.get(token, -1) != each.size_bytes})
        if account.source == _INVENTORY:
            account.add_removed(changes.removed)
        return sum(token not in was_known for token in found)

    def _let_go(self, account: _Account) -> None:
        if account.stream is None:
            return
        account.stream.close()
        _add_taken(account, account.stream.take())
        account.stream = None

    def _close(self, account: _Account, *, is_clean: bool) -> Observed:
        if account.stream is None and not account.has_last_look:
            account.gaps.add(Gap.NO_LAST_LOOK)
        self._let_go(account)
        if not is_clean:
            account.gaps.add(Gap.UNCLEAN_REMOVAL)
        return self._tell(account, is_clean=is_clean)

    def _tell(self, account: _Account, *, is_clean: bool | None = None) -> Observed:
        names = _fitting(each.shown for each in account.pending.values())
        known = [size for size in account.sizes.values() if size is not None]
        now = self._wall()
        facts: dict[str, JSON] = {
            "volume": account.volume.uuid,
            "device": account.volume.device,
            "insertion": account.volume.insertion_id,
            "since": account.since,
            "until": now,
            "files": len(account.pending),
            "bytes": sum(each.size_bytes or 0 for each in account.pending.values()),
            "removed": account.pending_removed,
            "kinds": kinds_of(account.pending),
            "names": names,
            "names_left_out": len(account.pending) - len(names),
            "total_files": len(account.sizes),
            "total_bytes": sum(known),
            "total_removed": account.removed,
            "sizes_unknown": len(account.sizes) - len(known),
            "coverage": "partial" if account.gaps else "complete",
            "why": sorted(account.gaps),
            "source": account.source,
            "last": is_clean is not None,
            "clean": is_clean,
        }
        account.pending, account.pending_removed, account.since = {}, 0, now
        return Observed("writes", Priority.ACTIVITY, facts)


def _add_taken(account: _Account, taken: Taken) -> None:
    account.add(taken.written)
    account.add_removed(taken.removed)
    account.gaps |= taken.gaps


def is_followed(volume: Volume) -> bool:
    """Say whether writes to a volume are counted: it can be taken away, and it can be written to."""
    return (
        volume.attach is Attach.REMOVABLE
        and not volume.is_system
        and volume.is_mounted
        and volume.is_read_only is not True
    )


def _fitting(names: Iterable[str]) -> list[JSON]:
    """Give the first names, as many as are told at once."""
    left = _NAMES_BYTES
    fitting: list[JSON] = []
    for name in names:
        left -= len(json.dumps(name, ensure_ascii=False).encode())
        if left < 0 or len(fitting) == _NAMES_SHOWN:
            break
        fitting.append(name)
    return fitting
