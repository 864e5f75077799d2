import os
import signal
import threading
import time
from pathlib import Path

import pytest
from indexes_of_test import tags_of

from agent.lists.compilation import compile_lists
from agent.lists.list_inputs import IndexFile, IndexList
from filters.list_index import ListIndex
from rules.errors import IndexUnusableError, StorageError


def list_of(path: Path, *, list_format: str = "domains", tags: tuple[str, ...] = ("ads",)) -> IndexList:
    return IndexList("provider", "1", (IndexFile(path, "list.txt", list_format, tags),))


@pytest.fixture
def endless_list(tmp_path: Path) -> Path:
    """Give a list that nobody ever writes, so that its reader waits for ever."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


def test_lists_become_an_index(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a.test\nb.test\n# nothing\n")
    report = compile_lists([list_of(path, tags=("malware", "phishing"))], tmp_path / "index.bin")
    assert report.name_count == 2
    assert report.lists == {"provider": {"entries": 2, "repeated": 0, "not_used": {}}}
    assert tags_of(ListIndex.open(tmp_path / "index.bin"), "x.a.test") == {"malware", "phishing"}


def test_no_lists_become_an_index_too(tmp_path: Path) -> None:
    assert compile_lists([], tmp_path / "index.bin").name_count == 0
    assert ListIndex.open(tmp_path / "index.bin").signal_count == 0


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"name-number-{number}.example\n" for number in range(10_000)))
    told: list[tuple[int, int]] = []
    compile_lists([list_of(path)], tmp_path / "index.bin", on_progress=lambda lines, of: told.append((lines, of)))
    assert told
    assert all(0 < lines <= of == 10_001 for lines, of in told)
    assert told == sorted(told)


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusableError) as caught:
        compile_lists([list_of(tmp_path / "none.txt")], tmp_path / "index.bin")
    assert str(caught.value) == (
        f"the list compiler gave up: {tmp_path}/none.txt: the list could not be read (No such file or directory)"
    )


def test_an_index_that_cannot_be_written_is_about_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        compile_lists([], tmp_path / "none" / "index.bin")
    assert str(caught.value) == (
        f"{tmp_path}/none/index.bin: the index could not be written (No such file or directory)"
    )


def test_a_compiler_that_takes_too_long_is_ended(tmp_path: Path, endless_list: Path) -> None:
    with pytest.raises(IndexUnusableError, match=r"needed more than 0\.3 s and was ended"):
        compile_lists([list_of(endless_list)], tmp_path / "index.bin", seconds=0.3)


def test_a_compiler_that_is_killed_is_told(tmp_path: Path, endless_list: Path) -> None:
    known = set(compilers())

    def kill() -> None:
        while not (found := set(compilers()) - known):
            time.sleep(0.01)
        os.kill(found.pop(), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(IndexUnusableError, match="the list compiler was ended by SIGKILL"):
        compile_lists([list_of(endless_list)], tmp_path / "index.bin", seconds=30)
    killer.join()


def compilers() -> list[int]:
    """Give the compilers that this process has started."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for each in children for pid in each.read_text().split() if is_compiler(int(pid))]


def is_compiler(pid: int) -> bool:
    try:
        return b"agent.lists.list_compiler" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
