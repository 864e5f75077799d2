"""fanotify: octets as the kernel writes them, and the real one on a real volume."""

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from volumes_of_test import eject, mounted_volume, needs_root

from collectors.fanotify import (
    FAN_DELETE,
    FAN_Q_OVERFLOW,
    Event,
    FanotifyError,
    FanotifyStream,
    parse_events,
    size_of,
)
from collectors.write_stream import Gap, Naming, Taken

NAMED = Naming(b"k" * 32, with_names=True)
HANDLE = struct.pack("=Ii", 8, 1) + b"\x0f\0\0\0\x9a\xb5\x8e\xb9"


def event(mask: int, handle: bytes = HANDLE, name: bytes = b"", *, kind: int = 2, version: int = 3) -> bytes:
    information = b""
    if name:
        body = handle + name + b"\0" * (4 - len(name) % 4)
        information = struct.pack("=BBH", kind, 0, 12 + len(body)) + b"\x11\x22\x33\x44\0\0\0\0" + body
    return struct.pack("=IBBHQii", 24 + len(information), version, 0, 24, mask, -1, 4711) + information


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(event(8, name=b"a.txt"), [Event(8, HANDLE, b"a.txt")], id="written"),
        pytest.param(event(0x48, name=b"abc"), [Event(0x48, HANDLE, b"abc")], id="two-things-in-one"),
        pytest.param(event(FAN_Q_OVERFLOW), [Event(FAN_Q_OVERFLOW)], id="overflow"),
        pytest.param(
            event(8, name=b"a") + event(FAN_DELETE, name=b"b"),
            [Event(8, HANDLE, b"a"), Event(FAN_DELETE, HANDLE, b"b")],
            id="several",
        ),
        pytest.param(event(8, name=b"a", kind=1), [], id="information-of-another-kind"),
        pytest.param(event(8, name=b"a", version=4), [], id="another-version"),
        pytest.param(event(8, name=b"a")[:-3], [], id="cut-off"),
        pytest.param(event(8), [], id="without-information"),
    ],
)
def test_events(data: bytes, expected: list[Event]) -> None:
    assert list(parse_events(data)) == expected


@given(st.binary(max_size=300), st.integers(0, 70), st.binary(max_size=80))
def test_no_octets_are_an_error(data: bytes, cut: int, patch: bytes) -> None:
    list(parse_events(data))
    good = event(8, name=b"a.txt") * 2
    list(parse_events(good[:cut] + patch + good[cut + len(patch) :]))


def test_what_cannot_be_had_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FanotifyError):
        FanotifyStream(str(tmp_path / "nothing"), NAMED)


@needs_root
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system without handles")
def test_a_file_system_whose_handles_lead_nowhere_is_left_to_others() -> None:
    with pytest.raises(FanotifyError):
        FanotifyStream("/proc", NAMED)


def test_the_size_of_what_is_gone(tmp_path: Path) -> None:
    assert size_of(str(tmp_path), "gone") is None
    assert size_of(str(tmp_path), "a\0b") is None


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with mounted_volume(tmp_path) as mount_point:
        yield mount_point


def gather(stream: FanotifyStream, is_enough: Callable[[dict[str, int | None]], bool]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    deadline = time.monotonic() + 20
    while not is_enough(found) and time.monotonic() < deadline:
        taken: Taken = stream.take()
        assert not taken.gaps
        found |= {each.shown: each.size_bytes for each in taken.written.values()}
    return found


@needs_root
def test_every_write_is_told_with_its_size_in_folders_that_are_new(volume: Path) -> None:
    stream = FanotifyStream(str(volume), NAMED)
    (volume / "Year 9" / "marks").mkdir(parents=True)
    (volume / "Year 9" / "marks" / "all.csv").write_bytes(b"x" * 300)
    (volume / "top.txt").write_bytes(b"x")
    found = gather(stream, lambda found: len(found) == 2)
    stream.close()
    assert found == {"Year 9/marks/all.csv": 300, "top.txt": 1}


@needs_root
def test_what_is_written_from_another_mount_namespace_is_seen(volume: Path) -> None:
    stream = FanotifyStream(str(volume), NAMED)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'echo hello > "$1"/a.txt', "sh", volume], check=False, timeout=20
    )
    if done.returncode:
        stream.close()
        pytest.skip("no other namespace can be made here")
    assert gather(stream, bool) == {"a.txt": 6}
    stream.close()


@needs_root
def test_eight_thousand_files_and_not_one_is_lost_and_ejecting_at_once_works(volume: Path) -> None:
    stream = FanotifyStream(str(volume), NAMED)
    for number in range(8000):
        os.close(os.open(volume / f"{number}.dat", os.O_CREAT | os.O_WRONLY))
    assert eject(volume) == ""
    assert len(gather(stream, lambda found: len(found) == 8000)) == 8000
    stream.close()


@needs_root
def test_a_look_does_not_wait_until_what_is_written_without_end_has_ended(volume: Path) -> None:
    may_go_on = threading.Event()

    class SlowNaming(Naming):
        """So slow that there is always something left."""

        def token(self, path: str) -> bytes:
            may_go_on.wait(30)
            return super().token(path)

    stream = FanotifyStream(str(volume), SlowNaming(b"k" * 32))
    (volume / "last.txt").write_bytes(b"xy")
    begun = time.monotonic()
    taken = stream.take()
    waited = time.monotonic() - begun
    may_go_on.set()
    stream.close()
    assert waited < 3.0, "a look at ten volumes must end within a minute"
    assert (len(taken.written), len(stream.take().written)) == (0, 1), "it comes with the next look"
    assert not taken.gaps


@needs_root
def test_events_that_wait_do_not_keep_a_volume_from_being_ejected(volume: Path) -> None:
    """Nothing reads while the watcher is stopped, as when the processor is withheld from it."""
    code = (
        "import os, signal, sys\n"
        "from collectors.fanotify import FanotifyStream\n"
        "from collectors.write_stream import Naming\n"
        "stream = FanotifyStream(sys.argv[1], Naming(b'k'))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "stream.close()\n"
        "print(len(stream.take().written), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, volume], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        watcher.send_signal(19)
        os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
        for number in range(20):
            (volume / f"{number}.txt").write_bytes(b"x")
        refused = eject(volume)
        watcher.send_signal(18)
        out, _ = watcher.communicate("\n", timeout=20)
    assert refused == ""
    assert out == "20\n"


@needs_root
def test_a_queue_that_is_too_small_says_so(volume: Path) -> None:
    """Without the privilege of an unlimited queue the kernel keeps 16,384 events."""
    stream = FanotifyStream(str(volume), NAMED, is_unlimited=False)
    limit = int(Path("/proc/sys/fs/fanotify/max_queued_events").read_text())
    if limit > 20_000:
        stream.close()
        pytest.skip("this kernel keeps more than this test writes")
    with stream._gathering._lock:
        for number in range(limit + 500):
            os.close(os.open(volume / f"{number % 25_000}.dat", os.O_CREAT | os.O_WRONLY))
    deadline = time.monotonic() + 20
    gaps: frozenset[Gap] = frozenset()
    while Gap.OVERFLOW not in gaps and time.monotonic() < deadline:
        gaps |= stream.take().gaps
    stream.close()
    assert gaps == {Gap.OVERFLOW}


@needs_root
def test_a_folder_that_was_moved_is_found_again(volume: Path) -> None:
    stream = FanotifyStream(str(volume), NAMED)
    (volume / "before").mkdir()
    (volume / "before" / "a.txt").write_bytes(b"x")
    gather(stream, bool)
    (volume / "before").rename(volume / "after")
    (volume / "after" / "b.txt").write_bytes(b"xy")
    assert gather(stream, bool) == {"after/b.txt": 2}
    stream.close()


@needs_root
def test_what_is_moved_and_taken_away_is_counted(volume: Path) -> None:
    stream = FanotifyStream(str(volume), NAMED)
    (volume / "old.txt").write_bytes(b"x")
    gather(stream, bool)
    (volume / "old.txt").rename(volume / "new.txt")
    (volume / "new.txt").unlink()
    stream.close()
    taken = stream.take()
    assert taken.removed == 2
