"""The account of what was written to a volume: complete or not, and why; on folders, and on a real volume."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from volumes_of_test import eject, mounted_volume, needs_root

from agent.endpoint.wire_batch import Event
from collectors.file_writes import FileWrites, is_followed
from collectors.inventory import Pace
from collectors.volume import Attach, Bus, Crypt, Volume
from collectors.write_stream import Gap, Gathering, Naming, Taken, WriteStream
from collectors.write_watch import WatchStream, open_stream

NAMING = Naming(b"k" * 32)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Told:
    """A stream that says what it is told to."""

    source = "inotify"

    def __init__(self, naming: Naming = NAMING) -> None:
        self.heard = Gathering(naming)
        self.is_closed = False

    def take(self) -> Taken:
        return self.heard.take()

    def close(self) -> None:
        self.is_closed = True


def stick(folder: Path, **facts: Any) -> Volume:
    given: dict[str, Any] = {
        "device": "sdb1",
        "attach": Attach.REMOVABLE,
        "bus": Bus.USB,
        "crypt": Crypt.PLAIN,
        "insertion_id": "17",
        "filesystem": "ext4",
        "mount_points": (str(folder),),
    }
    return Volume(**(given | facts))


class Case:
    """A folder that stands for a stick, and accounts that began before it came."""

    def __init__(self, folder: Path, open_told: Callable[[str], WriteStream | None], **more: Any) -> None:
        self.folder, self.clock, self.volume = folder, Clock(), stick(folder)
        pace = Pace(sleep=lambda _seconds: None, clock=lambda: 0.0)
        self.writes = FileWrites(
            NAMING,
            open_told,
            pace=pace,
            wall=self.clock,
            monotonic=self.clock,
            is_mount=more.get("is_mount", lambda _place: True),
        )
        if not more.get("is_late"):
            self.writes.follow(())
        self.writes.follow([self.volume])

    def write(self, *names: str, size: int = 10) -> None:
        for name in names:
            (self.folder / name).write_bytes(b"x" * size)

    def minute(self) -> list[dict[str, Any]]:
        self.clock.now += 61
        return [dict(each.facts) for each in self.writes.look()]

    def gone(self, *, is_clean: bool = True) -> dict[str, Any]:
        (told,) = self.writes.follow((), unclean=() if is_clean else {self.volume.key})
        return dict(told.facts)


def test_a_stream_that_hears_everything_is_a_complete_account(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    stream.heard.write("a.csv", 100)
    stream.heard.write("b.docx", 50)
    (minute,) = case.minute()
    assert (minute["files"], minute["bytes"], minute["kinds"]) == (2, 150, {"csv": 1, "docx": 1})
    assert (minute["coverage"], minute["why"], minute["source"], minute["last"]) == ("complete", [], "inotify", False)
    assert case.minute() == []
    stream.heard.write("b.docx", 80)
    stream.heard.remove("a.csv")
    last = case.gone()
    assert (last["files"], last["total_files"], last["total_bytes"], last["removed"]) == (1, 2, 180, 1)
    assert (last["coverage"], last["last"], last["clean"]) == ("complete", True, True)
    assert stream.is_closed


def test_no_name_leaves_in_clear(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    stream.heard.write("anna-smith.doc", 1)
    (minute,) = case.minute()
    assert "anna" not in str(minute)
    assert [len(name) for name in minute["names"]] == [32]


def test_only_some_names_are_listed(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    for number in range(100):
        stream.heard.write(f"{number}", 1)
    (minute,) = case.minute()
    assert (len(minute["names"]), minute["names_left_out"]) == (40, 60)


@pytest.mark.parametrize("letter", ["\u5b66", "\U0001f600", "\x01", "a"], ids=["kanji", "emoji", "control", "latin"])
def test_long_names_make_no_account_too_large_to_be_told(tmp_path: Path, letter: str) -> None:
    told = Told(Naming(b"k" * 32, with_names=True))
    case = Case(tmp_path, lambda _place: told)
    for number in range(40):
        told.heard.write(f"{number}/{letter * 255}", 5)
    (minute,) = case.minute()
    assert Event(1, 1.0, 1.0, "boot", "writes", 2, minute).text
    assert (minute["files"], minute["names_left_out"] + len(minute["names"])) == (40, 40)
    assert len(minute["names"]) > 5


def test_pulled_without_ejecting_the_last_known_is_told_as_partial(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    stream.heard.write("a.csv", 100)
    stream.heard.write("b.csv", None)
    last = case.gone(is_clean=False)
    assert (last["coverage"], last["why"], last["clean"]) == ("partial", ["unclean_removal"], False)
    assert (last["total_files"], last["total_bytes"], last["sizes_unknown"]) == (2, 100, 1)


def test_what_an_overflow_lost_is_found_by_an_inventory_and_still_partial(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    case.write("heard.txt", "lost.txt", "lost-too.txt")
    stream.heard.write("heard.txt", 10)
    stream.heard.miss(Gap.OVERFLOW)
    (minute,) = case.minute()
    assert (minute["files"], minute["bytes"]) == (3, 30)
    assert (minute["coverage"], minute["why"]) == ("partial", ["overflow"])
    assert case.minute() == [], "and none is counted twice"
    assert case.gone()["why"] == ["overflow"]


def test_without_a_stream_inventories_do_and_say_what_they_cannot_see(tmp_path: Path) -> None:
    case = Case(tmp_path, lambda _: None)
    case.write("a.txt")
    (minute,) = case.minute()
    assert (minute["files"], minute["source"], minute["why"]) == (1, "inventory", ["no_stream"])
    (tmp_path / "a.txt").unlink()
    case.write("b.txt")
    (minute,) = case.minute()
    assert (minute["files"], minute["removed"]) == (1, 1)
    assert case.gone()["why"] == ["no_last_look", "no_stream"]


def test_a_volume_that_is_let_go_before_ejecting_has_a_last_look(tmp_path: Path) -> None:
    case = Case(tmp_path, lambda _: None)
    case.write("a.txt")
    case.writes.release(case.volume.key)
    last = case.gone()
    assert (last["total_files"], last["why"]) == (1, ["no_stream"])


def test_a_last_look_finds_what_a_stream_did_not_tell(tmp_path: Path) -> None:
    stream = Told()
    case = Case(tmp_path, lambda _: stream)
    case.write("a.txt", "b.txt")
    stream.heard.write("a.txt", 10)
    case.writes.release(case.volume.key)
    assert stream.is_closed
    last = case.gone()
    assert (last["total_files"], last["why"]) == (2, ["stream_missed"])


def test_a_volume_that_was_not_ejected_after_all_is_watched_again(tmp_path: Path) -> None:
    opened: list[Told] = []

    def open_told(_place: str) -> Told:
        opened.append(Told())
        return opened[-1]

    case = Case(tmp_path, open_told)
    case.writes.release(case.volume.key)
    case.write("later.txt")
    (minute,) = case.minute()
    assert (minute["files"], len(opened)) == (1, 2)
    opened[1].heard.write("more.txt", 5)
    assert case.gone()["total_files"] == 2


def test_a_service_that_came_late_says_so(tmp_path: Path) -> None:
    (tmp_path / "before.txt").write_bytes(b"x")
    stream = Told()
    last = Case(tmp_path, lambda _: stream, is_late=True).gone()
    assert (last["total_files"], last["why"]) == (0, ["started_late"])


def test_a_stream_that_ends_is_opened_again(tmp_path: Path) -> None:
    streams = [Told(), Told()]
    case = Case(tmp_path, lambda _: streams.pop(0))
    first = case.writes._accounts[case.volume.key, str(tmp_path)].stream
    assert isinstance(first, Told)
    first.heard.miss(Gap.STREAM_ENDED)
    case.write("lost.txt")
    (minute,) = case.minute()
    assert (minute["files"], minute["why"]) == (1, ["stream_ended"])
    assert first.is_closed
    assert not streams


def test_what_a_first_look_could_not_see_is_not_called_written(tmp_path: Path) -> None:
    case = Case(tmp_path / "not yet", lambda _: None)
    (tmp_path / "not yet").mkdir()
    case.write("was-there.txt")
    assert case.minute() == []
    assert case.gone()["why"] == ["no_last_look", "no_stream", "not_readable"]


def test_inventories_are_the_rarer_the_more_they_cost(tmp_path: Path) -> None:
    looks = []

    def tick() -> float:
        looks.append(1)
        return len(looks) * 1.0

    clock = Clock()
    writes = FileWrites(
        NAMING, lambda _: None, pace=Pace(sleep=lambda _: None, clock=tick), wall=clock, monotonic=clock
    )
    (tmp_path / "a.txt").write_bytes(b"x")
    writes.follow([stick(tmp_path)])
    taken = len(looks)
    for _ in range(6):
        clock.now += 60
        writes.look()
    assert len(looks) == taken, "two seconds of looking are followed by 400 of rest"
    clock.now += 60
    writes.look()
    assert len(looks) > taken


@pytest.mark.parametrize(
    ("facts", "followed"),
    [
        pytest.param({}, True, id="stick"),
        pytest.param({"is_read_only": True}, False, id="read-only"),
        pytest.param({"mount_points": ()}, False, id="not-mounted"),
        pytest.param({"is_system": True}, False, id="runs-the-computer"),
        pytest.param({"attach": Attach.FIXED}, False, id="fixed"),
        pytest.param({"attach": Attach.NETWORK}, False, id="network"),
    ],
)
def test_what_is_followed(facts: dict[str, Any], followed: bool, tmp_path: Path) -> None:
    assert is_followed(stick(tmp_path, **facts)) is followed


def watch(mount_point: str) -> WriteStream:
    return WatchStream(mount_point, NAMING)


def best(mount_point: str) -> WriteStream | None:
    return open_stream(mount_point, NAMING)


def none_at_all(_mount_point: str) -> None:
    return None


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with mounted_volume(tmp_path) as mount_point:
        yield mount_point


@needs_root
@pytest.mark.parametrize(
    ("open_real", "why"),
    [
        pytest.param(best, [], id="fanotify"),
        pytest.param(watch, [], id="inotify"),
        pytest.param(none_at_all, ["no_last_look", "no_stream"], id="inventories-alone"),
    ],
)
def test_a_thousand_files_on_a_real_volume_which_is_ejected_while_it_is_watched(
    open_real: Callable[[str], WriteStream | None], why: list[str], volume: Path
) -> None:
    case = Case(volume, open_real)
    for number in range(1000):
        (volume / f"{number}.csv").write_bytes(b"x" * 20)
    if open_real is none_at_all:
        case.minute()
    assert eject(volume) == ""
    last = case.gone()
    assert (last["total_files"], last["why"]) == (1000, why)
    assert last["total_bytes"] == 20 * 1000 - 20 * last["sizes_unknown"]


@needs_root
@pytest.mark.parametrize("open_real", [best, watch, none_at_all], ids=["fanotify", "inotify", "inventories-alone"])
def test_what_systems_and_the_trash_do_is_told_alike_by_every_source(
    open_real: Callable[[str], WriteStream | None], volume: Path
) -> None:
    for name in ("plan.xlsx", "marks.csv"):
        (volume / name).write_bytes(b"x" * 30)
    (volume / ".Trash-1000" / "files").mkdir(parents=True)
    case = Case(volume, open_real)
    for folder in ("System Volume Information", ".Spotlight-V100", ".fseventsd", "mine/.fseventsd"):
        (volume / folder).mkdir(parents=True)
        (volume / folder / "of-it").write_bytes(b"x" * 7)
    (volume / ".Trash-1000" / "files" / "put-there").write_bytes(b"x" * 7)
    case.write("Thumbs.db", "desktop.ini", "._marks.csv")
    (volume / "._results.zip").write_bytes(b"x" * 5000)
    (volume / "._setup.exe").write_bytes(b"x" * 7)
    (volume / ".Trash-1000" / "info").mkdir()
    (volume / ".Trash-1000" / "info" / "plan.xlsx.trashinfo").write_bytes(b"x" * 50)
    (volume / "plan.xlsx").rename(volume / ".Trash-1000" / "files" / "plan.xlsx")
    (minute,) = case.minute()
    # What was put into the trash folder by hand, what lies in a folder that only looks like a system's, and what is
    # called as macOS calls what it puts beside a file, and may be more.
    assert (minute["files"], minute["bytes"], minute["removed"]) == (4, 5021, 1)
    (volume / ".Trash-1000" / "files" / "plan.xlsx").unlink()
    assert case.minute() == [], "the trash was emptied"
    assert eject(volume) == ""
    assert "stream_missed" not in case.gone()["why"]


@needs_root
def test_a_last_look_agrees_with_a_stream_about_what_was_thrown_away(volume: Path) -> None:
    case = Case(volume, best)
    (volume / ".Trash-1000" / "files").mkdir(parents=True)
    case.write("draft.doc")
    (volume / "draft.doc").rename(volume / ".Trash-1000" / "files" / "draft.doc")
    case.writes.release(case.volume.key)
    last = case.gone()
    assert (last["total_files"], last["total_removed"], last["why"]) == (1, 1, [])


@needs_root
def test_a_volume_can_be_ejected_after_every_look(volume: Path) -> None:
    case = Case(volume, none_at_all)
    case.write("a.txt")
    case.minute()
    case.writes.release(case.volume.key)
    assert eject(volume) == ""
    assert case.minute() == []
    assert not os.path.ismount(volume)


@needs_root
def test_the_disk_of_the_computer_is_never_watched_in_the_place_of_a_volume_that_is_gone(volume: Path) -> None:
    opened: list[Told] = []

    def open_told(_place: str) -> Told:
        opened.append(Told())
        return opened[-1]

    case = Case(volume, open_told, is_mount=os.path.ismount)
    case.writes.release(case.volume.key)
    assert eject(volume) == ""
    (volume / "on-the-own-disk.txt").write_bytes(b"x")
    assert case.minute() == []
    assert [stream.is_closed for stream in opened] == [True, True]
    assert case.gone()["total_files"] == 0
    Case(volume, open_told, is_mount=os.path.ismount)
    assert opened[2].is_closed


def test_a_volume_that_cannot_be_listed_is_partial_and_no_error(tmp_path: Path) -> None:
    def refuse(_place: str) -> WriteStream | None:
        return None

    case = Case(tmp_path / "gone", refuse)
    assert case.minute() == []
    assert Gap.NOT_READABLE in case.gone()["why"]
