"""watchdog on real folders and volumes: what it hears, what it loses, and that it never keeps a stick."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from volumes_of_test import eject, mounted_volume, needs_root

from collectors.fanotify import FanotifyStream
from collectors.write_stream import Naming
from collectors.write_watch import WatchStream, open_stream

NAMED = Naming(b"k" * 32, with_names=True)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def gather(stream: WatchStream, is_enough: Callable[[dict[str, int | None]], bool]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    deadline = time.monotonic() + 20
    while not is_enough(found) and time.monotonic() < deadline:
        taken = stream.take()
        assert not taken.gaps
        found |= {each.shown: each.size_bytes for each in taken.written.values()}
    return found


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with mounted_volume(tmp_path) as mount_point:
        yield mount_point


@needs_linux
# watchdog says so where it finds a new folder twice, and goes on; as an error it would end its thread.
@pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")
def test_what_is_written_is_heard_of_in_folders_that_are_new_too(tmp_path: Path) -> None:
    stream = WatchStream(str(tmp_path), NAMED)
    (tmp_path / "Year 9" / "marks").mkdir(parents=True)
    (tmp_path / "Year 9" / "marks" / "all.csv").write_bytes(b"x" * 300)
    (tmp_path / "top.txt").write_bytes(b"x")
    found = gather(stream, lambda found: len(found) == 2)
    stream.close()
    assert found == {"Year 9/marks/all.csv": 300, "top.txt": 1}


@needs_linux
def test_closing_waits_for_what_is_held_back(tmp_path: Path) -> None:
    stream = WatchStream(str(tmp_path), NAMED)
    (tmp_path / "old.txt").write_bytes(b"x")
    (tmp_path / "old.txt").rename(tmp_path / "new.txt")
    (tmp_path / "new.txt").unlink()
    stream.close()
    taken = stream.take()
    assert {each.shown for each in taken.written.values()} == {"old.txt", "new.txt"}
    assert taken.removed == 2
    assert not taken.gaps


@needs_linux
def test_what_was_written_just_now_is_told_though_watchdog_holds_it_back(tmp_path: Path) -> None:
    stream = WatchStream(str(tmp_path), NAMED)
    (tmp_path / "old.txt").write_bytes(b"x")
    stream.take()
    # The half of a move that leads out of the volume holds up what comes after it.
    (tmp_path / "old.txt").rename(tmp_path.parent / f"{tmp_path.name}.moved")
    (tmp_path / "last.txt").write_bytes(b"xy")
    taken = stream.take()
    stream.close()
    assert ({each.shown for each in taken.written.values()}, taken.removed) == ({"last.txt"}, 1)


@pytest.mark.alone
@needs_linux
def test_a_volume_on_which_nothing_happens_is_not_waited_for(tmp_path: Path) -> None:
    stream = WatchStream(str(tmp_path), NAMED)
    begun = time.monotonic()
    for _ in range(5):
        stream.take()
    stream.close()
    assert time.monotonic() - begun < 2.0, "five looks and an end that wait would take four seconds"


@needs_linux
def test_a_look_does_not_wait_until_what_is_written_without_end_has_ended(tmp_path: Path) -> None:
    may_go_on = threading.Event()

    class SlowNaming(Naming):
        """So slow that there is always something left."""

        def token(self, path: str) -> bytes:
            may_go_on.wait(30)
            return super().token(path)

    stream = WatchStream(str(tmp_path), SlowNaming(b"k" * 32))
    (tmp_path / "last.txt").write_bytes(b"xy")
    begun = time.monotonic()
    taken = stream.take()
    waited = time.monotonic() - begun
    may_go_on.set()
    stream.close()
    assert waited < 3.0, "a look at ten volumes must end within a minute"
    assert (len(taken.written), len(stream.take().written)) == (0, 1), "it comes with the next look"
    assert not taken.gaps


@needs_root
def test_a_watched_volume_is_ejected_at_once_and_nothing_is_lost(volume: Path) -> None:
    stream = WatchStream(str(volume), NAMED)
    for number in range(200):
        (volume / f"{number}.txt").write_bytes(b"x")
    assert eject(volume) == ""
    stream.close()
    taken = stream.take()
    assert len(taken.written) == 200
    assert not taken.gaps


@needs_linux
def test_what_the_kernel_has_thrown_away_is_known(tmp_path: Path) -> None:
    """The watcher is stopped while more is written than the kernel keeps for it."""
    code = (
        "import sys\n"
        "from collectors.write_watch import WatchStream\n"
        "from collectors.write_stream import Naming\n"
        "stream = WatchStream(sys.argv[1], Naming(b'k'))\n"
        "print('ready', flush=True)\n"
        "gaps = set()\n"
        "sys.stdin.readline()\n"
        "stream.close()\n"
        "taken = stream.take()\n"
        "print(len(taken.written) < 20000, *sorted(taken.gaps), flush=True)\n"
    )
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        watcher.send_signal(19)
        os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
        for number in range(limit // 2 + 500):
            os.close(os.open(tmp_path / f"{number}.dat", os.O_CREAT | os.O_WRONLY))
        watcher.send_signal(18)
        out, _ = watcher.communicate("\n", timeout=60)
    assert out == "True overflow\n"


def test_nothing_is_watched_on_windows_because_a_watch_keeps_a_stick(tmp_path: Path) -> None:
    assert open_stream(str(tmp_path), NAMED, platform="win32") is None


@needs_root
def test_the_best_that_can_be_had_is_opened(volume: Path) -> None:
    stream = open_stream(str(volume), NAMED)
    assert isinstance(stream, FanotifyStream)
    stream.close()


@needs_linux
def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    assert open_stream(str(tmp_path / "gone"), NAMED) is None
