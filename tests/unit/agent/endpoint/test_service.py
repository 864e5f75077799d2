"""The service as a whole, on a computer in a folder: it begins, goes on whatever hangs, and ends in time."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from endpoint_of_test import ServiceOfTest, wait_until

from agent.endpoint.local_channel import LocalError, ask_service
from agent.endpoint.safe_folders import UnsafeFolderError
from agent.endpoint.service import Service, World, trusted_folders, usual_folders
from agent.endpoint.service_state import AlreadyRunningError
from agent.endpoint.this_laptop import program_folder
from collectors.observed import Observed, Priority


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ServiceOfTest]:
    tmp_path.chmod(0o700)
    made = ServiceOfTest(tmp_path)
    yield made
    made.stop.set()


def test_it_observes_tells_and_ends(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: {"posture", "session", "heartbeat"} <= running.kinds())
    assert running.end() < 5
    kinds = [kind for kind, _ in running.spooled()]
    assert kinds[0] == "service_started"
    assert kinds[-1] == "service_stopped"
    assert not running.folders.socket.exists()


def test_a_heartbeat_says_how_the_service_is(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: "heartbeat" in running.kinds() and running.heartbeat()["seconds"] > 0.1)
    beat = running.heartbeat()
    running.end()
    assert {"cpu_average", "rss_bytes", "in_budget", "program", "policy", "depth", "oldest_seconds"} <= beat.keys()
    assert set(beat["collectors"].values()) == {"ok"}
    assert beat["probe_errors"] == {}


def test_a_reader_that_hangs_stops_neither_heartbeat_nor_end(running: ServiceOfTest) -> None:
    # Nobody ever writes to this pipe, so whoever opens it waits: as with a broken card reader, in the kernel.
    pipe = running.tree.root / "proc/self/mountinfo"
    pipe.unlink()
    os.mkfifo(pipe)
    running.start()
    wait_until(lambda: {"heartbeat", "posture"} <= running.kinds())
    seen = running.heartbeat()["seconds"]
    wait_until(lambda: running.heartbeat()["seconds"] > seen + 0.5)
    assert ask_service(running.folders.socket, {"ask": "status"})["standing"] == "not_enrolled"
    assert running.end() < 5
    assert "service_stopped" in running.kinds()
    # What hangs is let go of.
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))


def test_a_stick_is_told_and_that_nobody_was_told_of_it_stays_due(running: ServiceOfTest) -> None:
    running.start()
    wait_until(lambda: "session" in running.kinds())
    part = running.tree.partition(running.tree.usb_disk("sdb", "8:16"), 1)
    running.tree.mount(part, "/media/nowhere")
    wait_until(lambda: "media_inserted" in running.kinds())
    work = ask_service(running.folders.socket, {"ask": "work"})
    assert [each["bus"] for each in work["notices"]] == ["usb"]
    ask_service(running.folders.socket, {"ask": "shown", "number": work["notices"][0]["number"], "how": "terminal"})
    running.end()
    (notice,) = (facts for kind, facts in running.spooled() if kind == "notice_shown")
    assert (notice["shown"], notice["how"], notice["device"]) == (True, "terminal", "sdb1")


def test_a_second_start_says_how_the_first_ended(running: ServiceOfTest) -> None:
    running.start()
    running.end()
    running.start()
    running.end()
    starts = [facts["why"] for kind, facts in running.spooled() if kind == "service_started"]
    assert starts == ["first", "stopped"]


def test_programs_that_there_was_no_room_for_are_told_again(running: ServiceOfTest) -> None:
    spool, found = running.folders.data / "spool.db", {"device": "sdb1", "insertion": "17", "volume": "7F5A-E8BA"}
    programs = Observed("programs_present", Priority.ACTIVITY, found)
    spool.mkdir(mode=0o700, parents=True)
    running.folders.data.chmod(0o700)
    service = Service(running.folders, World(machine=running.tree.machine(), trusted=(), events=False))
    assert not service.observe(programs)
    assert not service._state.has_told_programs(found)
    spool.rmdir()
    assert service.observe(programs)
    assert service._state.has_told_programs(found)
    service._spool.close()
    service._collectors.close()
    service._state.close()


def test_two_services_do_not_share_a_folder(running: ServiceOfTest) -> None:
    running.start()
    with pytest.raises(AlreadyRunningError):
        Service(running.folders, World(machine=running.tree.machine(), trusted=(), events=False))
    running.end()


def test_it_does_not_start_where_others_can_write(running: ServiceOfTest) -> None:
    running.folders.data.mkdir(mode=0o700)
    running.folders.data.chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="does not start"):
        Service(running.folders, World(machine=running.tree.machine(), trusted=()))
    running.folders.data.chmod(0o700)
    loose = running.folders.data.parent / "program"
    loose.mkdir()
    loose.chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="program"):
        Service(running.folders, World(machine=running.tree.machine(), trusted=(loose,)))


def test_without_a_socket_it_still_observes(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "run").write_text("a file stands where the folder should be")
    running = ServiceOfTest(tmp_path)
    running.start()
    wait_until(lambda: "heartbeat" in running.kinds())
    with pytest.raises(LocalError):
        ask_service(running.folders.socket, {"ask": "status"})
    running.end()


def test_its_files_are_its_own(running: ServiceOfTest) -> None:
    running.start()
    running.end()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in running.folders.data.iterdir()}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_what_the_program_is_loaded_from_must_be_safe() -> None:
    trusted = trusted_folders()
    assert program_folder() in trusted
    assert Path(os.__file__).parent.resolve() in trusted


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_system_has_its_folders(platform: str) -> None:
    folders = usual_folders(platform)
    assert folders.data != Path()
    assert (str(folders.socket) == r"\\.\pipe\schoolgate-endpoint") is (platform == "win32")
