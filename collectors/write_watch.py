"""Writes to a volume as an ordinary program hears of them: the portable source, by watchdog.

It knows when the system has lost events, which watchdog does not hand on. On Windows nothing is watched: a watch
keeps a stick from being removed safely, so there the inventories must do.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

from collectors.fanotify import FanotifyStream, size_of
from collectors.write_stream import Gap, Gathering, Naming, Taken, WriteStream

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent

_INOTIFY_EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
]
_OTHER_EVENTS: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
]
_JOIN_SECONDS: Final = 5.0
# Where files are written without end there is always something held back; it comes with the next look.
_TAKE_SECONDS: Final = 1.0
# watchdog keeps half of a move for half a second, and everything that comes after it, because a move is told in two.
_HELD_BACK_SECONDS: Final = 0.7
_TICK_SECONDS: Final = 0.02


class WatchStream:
    """Every event below a folder that this system tells an ordinary program.

    Raises:
        OSError: the folder cannot be watched: it is gone, or the system has no watches left.
    """

    def __init__(self, mount_point: str, naming: Naming, *, platform: str = sys.platform) -> None:
        self._gathering = Gathering(naming)
        self._is_closed = False
        made = _observer(lambda: self._gathering.miss(Gap.OVERFLOW), platform)
        self._observer, events, self.source, self._heard_at = made
        if self.source != "inotify":
            # FSEvents joins what happens to a file within a moment into one event.
            self._gathering.miss(Gap.COALESCED)
        handler = _Handler(mount_point, self._gathering)
        try:
            self._observer.schedule(handler, mount_point, recursive=True, event_filter=events)
            self._observer.start()
        except OSError:
            _stop(self._observer)
            raise

    def take(self) -> Taken:
        """Give what came since the last time."""
        is_alive = self._observer.is_alive() and all(emitter.is_alive() for emitter in self._observer.emitters)
        if not self._is_closed and not is_alive:
            self._gathering.miss(Gap.STREAM_ENDED)
        elif not self._is_closed:
            # What the system has told by now belongs to it.
            self._catch_up(_TAKE_SECONDS)
        return self._gathering.take()

    def close(self) -> None:
        """Stop watching; what came before is read first. A watcher does not end with its volume."""
        self._is_closed = True
        self._catch_up(_JOIN_SECONDS)
        _stop(self._observer)

    def _catch_up(self, most_seconds: float) -> None:
        """Wait until what the system has told by now has come, which watchdog may still hold back."""
        now = time.monotonic()
        time.sleep(max(0.0, min(self._heard_at(), now) + _HELD_BACK_SECONDS - now))
        while self._observer.event_queue.unfinished_tasks and time.monotonic() - now < most_seconds:
            time.sleep(_TICK_SECONDS)


class _Handler(FileSystemEventHandler):
    def __init__(self, top: str, gathering: Gathering) -> None:
        self._top = top
        self._gathering = gathering

    def on_created(self, event: FileSystemEvent) -> None:
        # So is called what was moved to a folder that is too new to be watched, too.
        self._write(event.src_path, is_moved=True)

    def on_closed(self, event: FileSystemEvent) -> None:
        self._write(event.src_path)

    def on_modified(self, event: FileSystemEvent) -> None:
        # FSEvents joins it with a move.
        self._write(event.src_path, is_moved=True)

    def on_moved(self, event: FileSystemEvent) -> None:
        self._gathering.remove(self._below(event.src_path))
        self._write(event.dest_path, is_moved=True)

    def on_deleted(self, event: FileSystemEvent) -> None:
        self._gathering.remove(self._below(event.src_path))

    def _write(self, path: bytes | str, *, is_moved: bool = False) -> None:
        below = self._below(path)
        self._gathering.write(below, size_of(self._top, below), is_moved=is_moved)

    def _below(self, path: bytes | str) -> str:
        return os.path.relpath(os.fsdecode(path), self._top).replace(os.sep, "/")


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    if observer.is_alive():
        observer.join(_JOIN_SECONDS)


def _observer(
    on_overflow: Callable[[], None], platform: str
) -> tuple[BaseObserver, list[type[FileSystemEvent]], str, Callable[[], float]]:
    """Give what observes, what for, its name, and what says when the system last had something to tell."""
    if platform == "linux":
        import fcntl  # noqa: PLC0415 -- there is none on Windows
        import termios  # noqa: PLC0415

        from watchdog.observers.inotify import InotifyEmitter  # noqa: PLC0415 -- there is none on other systems
        from watchdog.observers.inotify_c import InotifyFD  # noqa: PLC0415

        class Inotify(InotifyFD):
            """inotify that tells when the kernel has given up keeping events, and when it last told of one."""

            told_at = 0.0

            def heard_at(self) -> float:
                waits = bytes(4)
                with suppress(OSError):
                    waits = fcntl.ioctl(self._inotify_fd, termios.FIONREAD, waits)
                return time.monotonic() if any(waits) else self.told_at

            def _check_inotify_fd(self) -> bool:
                is_told = super()._check_inotify_fd()
                # Before it is read, so that at every moment either the kernel or this says that there is something.
                self.told_at = time.monotonic() if is_told else self.told_at
                return is_told

            def handle_event(self, event: "InotifyEvent") -> None:
                if event.is_queue_overflow:
                    on_overflow()
                super().handle_event(event)

        class Observer(BaseObserver):
            """An observer with an inotify of its own, as watchdog's is."""

            def __init__(self) -> None:
                self.inotify = Inotify()
                self.inotify.start()
                super().__init__(InotifyEmitter, inotify_fd=self.inotify)

            def on_thread_stop(self) -> None:
                super().on_thread_stop()
                self.inotify.stop()
                self.inotify.join()

        observer = Observer()
        return observer, _INOTIFY_EVENTS, "inotify", observer.inotify.heard_at
    from watchdog.observers import Observer as SystemObserver  # noqa: PLC0415 -- loads what belongs to this system

    return SystemObserver(), _OTHER_EVENTS, "fsevents", time.monotonic


def open_stream(mount_point: str, naming: Naming, *, platform: str = sys.platform) -> WriteStream | None:
    """Give the best stream that can be had here; None where inventories must do."""
    if platform == "win32":
        return None
    with suppress(OSError):
        return FanotifyStream(mount_point, naming)
    with suppress(OSError):
        return WatchStream(mount_point, naming)
    return None
