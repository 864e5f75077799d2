"""What is on a volume and what changed, on real folders."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.inventory import Entry, Inventory, Pace, Walk, is_same, take_changes, take_inventory
from collectors.write_stream import Gap, Naming

NAMING = Naming(b"k" * 32)
NAMED = Naming(b"k" * 32, with_names=True)
SECOND = 1_000_000_000


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)


def open_under(folder: Path) -> list[str]:
    held = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            held.append(str(each.readlink()))
        except OSError:
            continue
    return [path for path in held if path.startswith(str(folder))]


def test_what_was_created_written_and_taken_away(tmp_path: Path) -> None:
    fill(tmp_path, "a/kept.doc", "a/old.txt", "b/plan.xlsx")
    before = take_inventory(str(tmp_path), NAMING)
    assert len(before.files) == 3
    fill(tmp_path, "new.csv", "System Volume Information/guid")
    (tmp_path / "a/old.txt").unlink()
    (tmp_path / "b/plan.xlsx").write_bytes(b"y" * 4000)
    now, changes = take_changes(before, str(tmp_path), NAMED)
    assert [each.shown for each in changes.created.values()] == ["new.csv"]
    assert [(each.shown, each.size_bytes) for each in changes.modified.values()] == [("b/plan.xlsx", 4000)]
    assert changes.removed == 1
    assert now.is_complete
    assert take_changes(now, str(tmp_path), NAMING)[1].created == {}


def test_what_is_thrown_away_is_not_written_and_what_is_put_in_the_trash_is(tmp_path: Path) -> None:
    fill(tmp_path, "plan.xlsx", "Year 9/marks.csv", ".Trash-1000/files/older.doc")
    before = take_inventory(str(tmp_path), NAMED)
    fill(tmp_path, ".Trash-1000/info/plan.xlsx.trashinfo", ".Trash-1000/files/hidden.csv", "Year 9/._marks.csv")
    (tmp_path / "plan.xlsx").rename(tmp_path / ".Trash-1000/files/plan.xlsx")
    (tmp_path / ".Trash-1000/files/hidden.csv").write_bytes(b"y" * 70)
    (tmp_path / ".Trash-1000/files/older.doc").unlink()
    now, changes = take_changes(before, str(tmp_path), NAMED)
    assert (changes.created, changes.modified, changes.removed) == ({}, {}, 1)
    assert [(each.shown, each.size_bytes) for each in changes.put_in_trash.values()] == [
        (".Trash-1000/files/hidden.csv", 70)
    ]
    assert (len(now.files), len(now.trash)) == (1, 2)
    nothing = take_changes(now, str(tmp_path), NAMED)[1]
    assert (nothing.created, nothing.modified, nothing.removed, nothing.put_in_trash) == ({}, {}, 0, {})


def test_nothing_hides_as_what_macos_puts_beside_a_file(tmp_path: Path) -> None:
    before = take_inventory(str(tmp_path), NAMED)
    fill(tmp_path, "._marks.csv", "._setup.exe", "._mine/plan.doc")
    (tmp_path / "._results.zip").write_bytes(b"x" * 5000)
    _, changes = take_changes(before, str(tmp_path), NAMED)
    shown = {each.shown for each in changes.created.values()}
    assert shown == {"._setup.exe", "._mine/plan.doc", "._results.zip"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    fill(stick, "one.txt")
    fill(tmp_path / "home", "private.txt")
    (stick / "way_out").symlink_to(tmp_path / "home")
    (stick / "round").symlink_to(stick)
    assert len(take_inventory(str(stick), NAMING).files) == 1


def test_what_is_too_much_is_said_and_nothing_is_called_taken_away(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{folder}/{number}.txt" for folder in "abc" for number in range(10)))
    before = take_inventory(str(tmp_path), NAMING)
    few, changes = take_changes(before, str(tmp_path), NAMING, Pace(most_entries=12))
    assert len(few.files) < 30
    assert few.gaps == {Gap.TOO_MANY_FILES}
    assert changes.removed == 0


def test_twelve_thousand_files_within_the_pace(tmp_path: Path) -> None:
    for number in range(12_000):
        os.close(os.open(tmp_path / f"{number}.dat", os.O_CREAT | os.O_WRONLY))
    slept: list[float] = []
    held: list[str] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        held.extend(open_under(tmp_path))

    inventory = take_inventory(str(tmp_path), NAMING, Pace(share=0.25, sleep=sleep))
    assert len(inventory.files) == 12_000
    assert sum(slept) <= inventory.seconds * 3.001
    assert len(slept) == 24
    assert not held, "nothing is open while the walk rests"


def test_a_walk_that_is_no_longer_wanted_ends_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}.txt" for number in range(1200)))
    answers = iter((True, True, False))
    inventory = take_inventory(str(tmp_path), NAMING, Pace(is_wanted=lambda: next(answers), sleep=lambda _: None))
    assert len(inventory.files) == 1000
    assert not inventory.is_complete


def test_a_reader_that_is_very_slow_is_not_looked_at_for_ever(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}.txt" for number in range(1200)))
    minutes = iter(range(0, 6000, 60))
    inventory = take_inventory(str(tmp_path), NAMING, Pace(clock=lambda: next(minutes), sleep=lambda _: None))
    assert inventory.gaps == {Gap.TOO_MANY_FILES}


def test_a_stick_that_is_pulled_in_the_middle_is_a_gap(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}.txt" for number in range(600)))

    def pull(_seconds: float) -> None:
        for path in tmp_path.iterdir():
            path.unlink()

    inventory = take_inventory(str(tmp_path), NAMING, Pace(sleep=pull))
    assert inventory.gaps == {Gap.NOT_READABLE}
    assert take_inventory(str(tmp_path / "gone"), NAMING).gaps == {Gap.NOT_READABLE}
    assert take_inventory("nul\0", NAMING).gaps == {Gap.NOT_READABLE}


def test_a_walk_left_early_holds_nothing(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.txt", "a/2.txt")
    walking = iter(Walk(str(tmp_path), Pace()))
    next(walking)
    assert not open_under(tmp_path)


@pytest.mark.parametrize(
    ("filesystem", "then", "now", "same"),
    [
        pytest.param("vfat", Entry(5, SECOND), Entry(5, 2 * SECOND), True, id="fat-keeps-two-seconds"),
        pytest.param("vfat", Entry(5, SECOND), Entry(5, 4 * SECOND), False, id="fat-later"),
        pytest.param("vfat", Entry(5, SECOND), Entry(6, SECOND), False, id="fat-other-size"),
        pytest.param("ext4", Entry(5, SECOND), Entry(5, SECOND + 1), False, id="ext4-keeps-nanoseconds"),
        pytest.param("ext4", Entry(5, SECOND), Entry(5, SECOND), True, id="untouched"),
    ],
)
def test_times_are_as_fine_as_the_file_system(filesystem: str, then: Entry, now: Entry, same: bool) -> None:
    assert is_same(then, now, filesystem) is same


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70), st.text(max_size=9))
def test_no_entry_is_an_error(size: int, modified: int, filesystem: str) -> None:
    entry = Entry(size, modified)
    assert is_same(entry, entry, filesystem)
    assert Inventory({b"x": entry}).is_complete
