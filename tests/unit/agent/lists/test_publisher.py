import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from indexes_of_test import tags_of

from agent.lists.list_inputs import IndexFile, IndexList
from agent.lists.publisher import Generation, GenerationStore
from filters.list_index import ListIndex
from rules.errors import IndexUnusableError, StorageError

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def lists_of(folder: Path, number: int) -> list[IndexList]:
    """Give lists that only this number has: one name, and a thousand that are always there."""
    path = folder / f"list{number}.txt"
    path.write_text("".join(f"{name}.test\n" for name in [f"only{number}", *(f"n{each}" for each in range(1000))]))
    return [IndexList("provider", f"version-{number}", (IndexFile(path, "list.txt", "domains", ("ads",)),))]


def store_in(folder: Path, *, keep: int = 3) -> GenerationStore:
    return GenerationStore(folder / "generations", keep=keep, now=lambda: NOW)


def publish(folder: Path, number: int, *, keep: int = 3) -> int:
    return store_in(folder, keep=keep).publish(lists_of(folder, number), f"print-{number}")


@pytest.fixture(scope="module")
def three_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    assert [publish(folder, number) for number in (1, 2, 3)] == [1, 2, 3]
    return folder


@pytest.fixture
def three(three_made: Path, tmp_path: Path) -> Path:
    """Give a folder with three generations, of which the third is in force."""
    shutil.copytree(three_made, tmp_path / "three")
    return tmp_path / "three"


def is_made_of(generation: Generation | None, number: int) -> bool:
    """Say whether a generation is the one that was made of these lists, to the last octet."""
    if generation is None or generation.manifest["fingerprint"] != f"print-{number}":
        return False
    index = ListIndex.open(generation.index_path)
    return tags_of(index, f"only{number}.test") == {"ads"} and not tags_of(index, f"only{number + 1}.test")


# --- Publish


def test_nothing_is_published_at_first(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.open_current() == (None, [])
    assert (store.current(), store.numbers(), store.fingerprint(), store.newest_fingerprint()) == (
        None,
        [],
        None,
        None,
    )
    assert list(tmp_path.iterdir()) == []


def test_what_is_published_is_in_force(three: Path) -> None:
    store = store_in(three)
    generation, faults = store.open_current()
    assert faults == []
    assert generation is not None
    assert generation.number == store.current_number() == 3
    assert is_made_of(generation, 3)
    assert store.numbers() == [1, 2, 3]
    assert store.fingerprint() == store.newest_fingerprint() == "print-3"


def test_the_manifest_says_of_what_and_when(three: Path) -> None:
    manifest = json.loads((three / "generations" / "3" / "manifest.json").read_bytes())
    seconds, peak = manifest.pop("seconds"), manifest.pop("peak_memory_bytes")
    assert manifest == {
        "generation": 3,
        "created_at": "2026-11-21T09:30:00+00:00",
        "fingerprint": "print-3",
        "name_count": 1001,
        "rules_left_out": 0,
        "lists": [
            {
                "name": "provider",
                "version": "version-3",
                "files": [{"shown_as": "list.txt", "format": "domains", "tags": ["ads"]}],
                "entries": 1001,
                "repeated": 0,
                "not_used": {},
            }
        ],
    }
    assert seconds >= 0
    assert peak > 0


def test_the_versions_of_all_kept_generations_are_known(three: Path) -> None:
    assert store_in(three).list_versions() == {
        1: {"provider": "version-1"},
        2: {"provider": "version-2"},
        3: {"provider": "version-3"},
    }


def test_no_more_are_kept_than_asked_for(three: Path) -> None:
    assert publish(three, 4, keep=2) == 4
    assert {entry.name for entry in (three / "generations").iterdir()} == {"3", "4", "current", ".lock"}


def test_one_is_always_kept(three: Path) -> None:
    publish(three, 4, keep=0)
    assert store_in(three).numbers() == [4]


def test_what_is_in_force_after_a_rollback_is_kept_until_something_new_is(three: Path) -> None:
    store_in(three).rollback(1)
    publish(three, 4, keep=2)
    assert store_in(three).numbers() == [3, 4]


def test_what_a_killed_publisher_left_is_removed(three: Path) -> None:
    leftover = three / "generations" / "abc.part"
    leftover.mkdir()
    (leftover / "index.bin").write_bytes(b"half")
    publish(three, 4)
    assert not leftover.exists()


def test_lists_that_cannot_be_compiled_leave_everything_as_it_is(three: Path) -> None:
    before = tree(three / "generations")
    lists = [IndexList("provider", "v", (IndexFile(three / "none.txt", "none.txt", "domains", ("ads",)),))]
    with pytest.raises(IndexUnusableError, match=r"none\.txt: the list could not be read"):
        store_in(three).publish(lists, "print")
    assert tree(three / "generations") == before


def test_progress_is_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"name-number-{number}.example\n" for number in range(10_000)))
    told: list[int] = []
    lists = [IndexList("provider", "v", (IndexFile(path, "list.txt", "domains", ("ads",)),))]
    store_in(tmp_path).publish(lists, "print", on_progress=lambda lines, _: told.append(lines))
    assert told


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- Roll back


@pytest.mark.parametrize(
    ("steps", "number"),
    [
        pytest.param([None], 2, id="to-the-one-before"),
        pytest.param([None, None], 1, id="twice"),
        pytest.param([1], 1, id="to-one-by-its-number"),
        pytest.param([1, 3], 3, id="and-forward-again"),
        pytest.param([3], 3, id="to-the-one-in-force"),
    ],
)
def test_rollback(three: Path, steps: list[int | None], number: int) -> None:
    store = store_in(three)
    for step in steps:
        store.rollback(step)
    generation, faults = store_in(three).open_current()
    assert is_made_of(generation, number)
    assert faults == []


def test_after_a_rollback_the_newest_is_not_wanted_again_until_something_changes(three: Path) -> None:
    store = store_in(three)
    store.rollback()
    assert (store.fingerprint(), store.newest_fingerprint()) == ("print-2", "print-3")
    publish(three, 4)
    assert (store.fingerprint(), store.newest_fingerprint()) == ("print-4", "print-4")


@pytest.mark.parametrize(
    ("prepare", "to", "sentence"),
    [
        pytest.param(lambda _: None, 7, "generation 7 is not there; kept are: 1, 2, 3", id="one-that-never-was"),
        pytest.param(
            lambda folder: store_in(folder).rollback(1),
            None,
            "an earlier generation is not there; kept are: 1, 2, 3",
            id="before-the-first",
        ),
        pytest.param(
            lambda folder: shutil.rmtree(folder / "generations"),
            None,
            "an earlier generation is not there; kept are: none",
            id="where-nothing-is",
        ),
        pytest.param(
            lambda folder: os.truncate(folder / "generations" / "2" / "index.bin", 99),
            2,
            "99 octets, cut short or too long; expected a whole index",
            id="to-a-damaged-one",
        ),
    ],
)
def test_a_rollback_to_nowhere_is_refused(
    three: Path, prepare: Callable[[Path], object], to: int | None, sentence: str
) -> None:
    prepare(three)
    before = store_in(three).current_number()
    with pytest.raises(IndexUnusableError) as caught:
        store_in(three).rollback(to)
    assert str(caught.value).endswith(sentence)
    assert store_in(three).current_number() == before


# --- Damage


def truncate(folder: Path) -> None:
    os.truncate(folder / "index.bin", 1000)


def flip(folder: Path) -> None:
    octets = bytearray((folder / "index.bin").read_bytes())
    octets[2000] ^= 1
    (folder / "index.bin").write_bytes(octets)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        pytest.param(
            truncate, "index.bin: 1000 octets, cut short or too long; expected a whole index", id="cut-index"
        ),
        pytest.param(flip, "index.bin: the checksum does not match; expected an undamaged index", id="changed-index"),
        pytest.param(
            lambda folder: (folder / "index.bin").unlink(),
            "index.bin: No such file or directory; expected a compiled index",
            id="no-index",
        ),
        pytest.param(
            lambda folder: (folder / "index.bin").write_bytes(b""),
            "index.bin: 0 octets; expected a compiled index",
            id="empty-index",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").unlink(),
            "no manifest that can be read; expected one",
            id="no-manifest",
        ),
        pytest.param(
            lambda folder: os.truncate(folder / "manifest.json", 30),
            "no manifest that can be read; expected one",
            id="cut-manifest",
        ),
        pytest.param(
            lambda folder: (folder / "manifest.json").write_text('{"generation": 3}'),
            "no manifest that can be read; expected one",
            id="manifest-without-what-it-should-say",
        ),
    ],
)
def test_a_damaged_generation_gives_way_to_the_newest_good_one(
    three: Path, damage: Callable[[Path], object], fault: str
) -> None:
    damage(three / "generations" / "3")
    generation, faults = store_in(three).open_current()
    assert is_made_of(generation, 2)
    assert len(faults) == 1
    assert faults[0].startswith(f"{three}/generations/3")
    assert faults[0].endswith(fault)
    assert (three / "generations" / "3.damaged").is_dir()
    assert store_in(three).open_current() == (generation, [])
    # The next one gets a number that no generation ever had, and the lists are compiled although nothing has changed.
    assert store_in(three).newest_fingerprint() == "print-2"
    assert publish(three, 3) == 4


def test_where_all_are_damaged_there_is_none(three: Path) -> None:
    for number in (1, 2, 3):
        truncate(three / "generations" / str(number))
    generation, faults = store_in(three).open_current()
    assert generation is None
    assert len(faults) == 3
    assert store_in(three).fingerprint() is None
    assert publish(three, 4) == 4
    assert store_in(three).open_current()[1] == []


@pytest.mark.parametrize(
    "note", [pytest.param(None, id="missing"), pytest.param(b"", id="empty"), pytest.param(b"\xff3", id="garbage")]
)
def test_without_a_note_of_what_is_in_force_the_newest_is(three: Path, note: bytes | None) -> None:
    if note is None:
        (three / "generations" / "current").unlink()
    else:
        (three / "generations" / "current").write_bytes(note)
    generation, faults = store_in(three).open_current()
    assert is_made_of(generation, 3)
    assert faults == []
    assert store_in(three).current_number() == 3


def test_what_was_whole_but_not_noted_yet_is_taken(three: Path) -> None:
    store_in(three).rollback(2)
    shutil.copytree(three / "generations" / "1", three / "generations" / "4")
    assert store_in(three).newest_fingerprint() == "print-3"
    generation, faults = store_in(three).open_current()
    assert generation is not None
    assert (generation.number, faults) == (4, [])
    assert store_in(three).current_number() == 4


def test_old_damage_does_not_stay_for_ever(three: Path) -> None:
    truncate(three / "generations" / "1")
    truncate(three / "generations" / "3")
    store_in(three).open_current()
    publish(three, 4)
    publish(three, 5, keep=1)
    assert {entry.name for entry in (three / "generations").iterdir()} == {"5", "current", ".lock"}


# --- Others at work at the same time


def test_while_somebody_publishes_a_rollback_is_refused_and_damage_is_only_told(three: Path) -> None:
    truncate(three / "generations" / "3")
    sentence = f"{three}/generations: another process publishes at this moment; try again when it has ended"
    with store_in(three)._locked(wait=True):
        with pytest.raises(StorageError) as caught:
            store_in(three).rollback()
        generation, faults = store_in(three).open_current()
    assert str(caught.value) == sentence
    assert is_made_of(generation, 2)
    assert faults[1:] == [sentence]
    assert (three / "generations" / "3").is_dir()
    assert store_in(three).open_current()[0] == generation
    assert not (three / "generations" / "3").exists()


def test_two_that_publish_do_so_one_after_the_other(three: Path) -> None:
    numbers: list[int] = []
    with store_in(three)._locked(wait=True):
        threads = [
            threading.Thread(target=lambda number=number: numbers.append(publish(three, number, keep=9)))
            for number in (10, 11)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        assert numbers == []
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [4, 5]
    generation, faults = store_in(three).open_current()
    assert (generation is not None and generation.number, faults) == (5, [])


PUBLISH = """
import os, resource, signal, sys
from pathlib import Path
from agent.lists.list_inputs import IndexFile, IndexList
from agent.lists.publisher import GenerationStore
from rules.errors import SchoolgateError

folder, file, stop_at, size_limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
changes = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
seen = 0

def die_before_a_change(event, args):
    global seen
    is_writing = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in changes or is_writing:
        seen += 1
        if seen == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

if stop_at:
    sys.addaudithook(die_before_a_change)
if size_limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_limit, size_limit))
lists = [IndexList("provider", "new", (IndexFile(file, "list.txt", "domains", ("ads",)),))]
try:
    print(GenerationStore(folder / "generations", keep=2).publish(lists, "print-4"))
except SchoolgateError as error:
    print(type(error).__name__, error)
"""


def run_publisher(folder: Path, *, stop_at: int = 0, size_limit: int = 0) -> subprocess.Popen[str]:
    (lists,) = lists_of(folder, 4)
    arguments = [str(folder), str(lists.files[0].path), str(stop_at), str(size_limit)]
    return subprocess.Popen([sys.executable, "-c", PUBLISH, *arguments], stdout=subprocess.PIPE, text=True)


def test_a_publisher_that_is_killed_before_any_change_leaves_the_old_or_the_new_generation(
    three: Path, tmp_path: Path
) -> None:
    found = []
    for stop_at in range(1, 100):
        folder = tmp_path / f"killed{stop_at}"
        shutil.copytree(three, folder)
        with run_publisher(folder, stop_at=stop_at) as publisher:
            publisher.communicate(timeout=30)
        generation, faults = store_in(folder).open_current()
        assert faults == []
        assert is_made_of(generation, 3) or is_made_of(generation, 4)
        found.append(3 if is_made_of(generation, 3) else 4)
        if publisher.returncode == 0:
            break
        assert publisher.returncode == -signal.SIGKILL
    assert found == sorted(found)
    assert found.count(3) > 4
    assert found.count(4) > 4
    # The last that was killed had not cleared up; the next one does.
    assert publish(tmp_path / f"killed{len(found) - 1}", 5, keep=2) == 5
    left = {entry.name for entry in (tmp_path / f"killed{len(found) - 1}" / "generations").iterdir()}
    assert left == {"4", "5", "current", ".lock"}


@pytest.mark.parametrize("delay_seconds", [0.12, 0.2, 0.26, 0.32])
def test_a_publisher_that_is_killed_at_some_moment_leaves_the_old_or_the_new_generation(
    three: Path, delay_seconds: float
) -> None:
    with run_publisher(three) as publisher:
        time.sleep(delay_seconds)
        publisher.kill()
    generation, faults = store_in(three).open_current()
    assert faults == []
    assert is_made_of(generation, 3) or is_made_of(generation, 4)
    assert publish(three, 5) in (4, 5)


def test_a_full_disk_leaves_the_old_generation(three: Path) -> None:
    before = tree(three / "generations")
    with run_publisher(three, size_limit=4096) as publisher:
        said, _ = publisher.communicate(timeout=30)
    assert said.startswith(f"StorageError {three}/generations/")
    assert said.endswith("/index.bin: the index could not be written (File too large)\n")
    assert tree(three / "generations") == before
    assert is_made_of(store_in(three).open_current()[0], 3)


def test_a_generation_that_cannot_be_put_in_force_is_not_there_at_all(three: Path) -> None:
    (three / "generations" / "current.new").mkdir()
    with pytest.raises(StorageError) as caught:
        publish(three, 4)
    assert str(caught.value) == f"{three}/generations: the generation could not be written (Is a directory)"
    assert store_in(three).numbers() == [1, 2, 3]
    assert is_made_of(store_in(three).open_current()[0], 3)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "generations").write_text("")
    with pytest.raises(StorageError, match=r"generations: the generation could not be written \(File exists\)"):
        publish(tmp_path, 1)
