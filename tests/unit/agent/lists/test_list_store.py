"""Copies of lists that outlive whatever happens to the program."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lists_of_test import EARLY

from agent.lists.list_layout import Kind, SourceFile, Use
from agent.lists.list_store import KEPT_VERSIONS, Condition, Copy, ListStore, StoredFile
from rules.errors import StorageError


def put(store: ListStore, text: str, *, list_name: str = "some", minutes: int = 0) -> Copy:
    """Publish a copy of one file."""
    at = EARLY + timedelta(minutes=minutes)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with store.incoming(list_name) as incoming:
        (incoming / "files" / "list.txt").write_text(text)
        file = StoredFile(
            SourceFile("list.txt", Kind.NAMES, "list"), Use.USED, ("games",), len(text), digest, "domains", names=1
        )
        version = store.new_version(list_name, at, digest)
        copy = Copy(list_name, version, "/list.txt", "auto", at, digest, (file,))
        store.publish(incoming, copy)
    return copy


def text_of(store: ListStore, copy: Copy | None) -> str:
    assert copy is not None
    return (store.files_folder(copy) / "list.txt").read_text()


@pytest.fixture
def store(tmp_path: Path) -> ListStore:
    return ListStore(tmp_path / "lists")


def test_an_empty_store_has_nothing(store: ListStore) -> None:
    assert store.current("some") is None
    assert store.condition("some") is None
    assert store.versions("some") == []


def test_a_copy_is_read_as_it_was_written(store: ListStore) -> None:
    copy = put(store, "a.example\n")
    assert store.current("some") == copy
    assert text_of(store, copy) == "a.example\n"


def test_the_newest_copy_is_in_force_and_older_ones_are_kept(store: ListStore) -> None:
    old, new = put(store, "a.example\n"), put(store, "b.example\n", minutes=1)
    assert store.current("some") == new
    assert store.copy("some", old.version) == old


def test_a_version_sorts_last_though_the_clock_was_set_back(store: ListStore) -> None:
    copies = [put(store, "a.example\n", minutes=5), put(store, "b.example\n"), put(store, "c.example\n")]
    assert store.versions("some") == [copy.version for copy in copies]


def test_what_is_not_published_is_gone(store: ListStore, tmp_path: Path) -> None:
    with store.incoming("some") as incoming:
        (incoming / "files" / "list.txt").write_text("x")
    assert list((tmp_path / "lists" / "some").iterdir()) == []


def _lose_the_file(folder: Path) -> None:
    (folder / "files" / "list.txt").unlink()


def _cut_the_file(folder: Path) -> None:
    (folder / "files" / "list.txt").write_text("b.ex")


def _lose_the_description(folder: Path) -> None:
    (folder / "meta.json").unlink()


def _break_the_description(folder: Path) -> None:
    (folder / "meta.json").write_text('{"list_name": 7}')


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_lose_the_file, id="file-gone"),
        pytest.param(_cut_the_file, id="file-cut"),
        pytest.param(_lose_the_description, id="description-gone"),
        pytest.param(_break_the_description, id="description-of-another-version"),
    ],
)
def test_of_a_damaged_copy_the_one_before_is_taken(
    damage: Callable[[Path], None], store: ListStore, tmp_path: Path
) -> None:
    old, new = put(store, "a.example\n"), put(store, "b.example\n", minutes=1)
    damage(tmp_path / "lists" / "some" / "versions" / new.version)
    assert store.current("some") == old


def test_without_its_link_the_newest_copy_is_in_force(store: ListStore, tmp_path: Path) -> None:
    copy = put(store, "a.example\n")
    (tmp_path / "lists" / "some" / "current").unlink()
    assert store.current("some") == copy


def test_old_versions_go_but_not_what_a_generation_is_made_of(store: ListStore) -> None:
    copies = [put(store, f"{number}.example\n", minutes=number) for number in range(KEPT_VERSIONS + 3)]
    store.prune("some", in_use=frozenset({copies[0].version}))
    assert store.versions("some") == [copy.version for copy in (copies[0], *copies[-KEPT_VERSIONS:])]


def test_what_is_known_about_a_copy_may_change(store: ListStore) -> None:
    copy = replace(put(store, "a.example\n"), etag='"8"')
    store.confirm(copy)
    assert store.current("some") == copy


def test_the_condition_is_remembered(store: ListStore) -> None:
    condition = Condition("/list.txt", EARLY, None, EARLY + timedelta(hours=1), failures=2, sentence="gone")
    store.write_condition("some", condition)
    assert store.condition("some") == condition


def test_the_index_is_made_of_what_is_used(store: ListStore) -> None:
    copy = put(store, "a.example\n")
    (each,) = store.index_lists(["some", "not-there"])
    assert (each.name, each.version) == ("some", copy.version)
    assert [(file.shown_as, file.format, file.tags) for file in each.files] == [("list.txt", "domains", ("games",))]
    assert each.files[0].path.read_text() == "a.example\n"


def test_only_one_update_at_a_time(store: ListStore) -> None:
    with (
        store.locked(),
        pytest.raises(StorageError, match="another update of the lists is under way"),
        store.locked(),
    ):
        pass
    with store.locked():
        pass


def test_who_waits_gets_his_turn(store: ListStore) -> None:
    with store.locked() as _:
        waits: list[float] = []
        with pytest.raises(StorageError), store.locked(wait_seconds=1.0, pause=waits.append):
            pass
        assert sum(waits) == pytest.approx(1.0, abs=0.1)


def test_a_folder_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "lists").write_text("a file")
    with pytest.raises(StorageError, match="the lists cannot be kept there"), ListStore(tmp_path / "lists").locked():
        pass


ENDLESS_UPDATES = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from agent.lists.list_store import ListStore
from test_list_store import put
store = ListStore(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    with store.locked(wait_seconds=5):
        put(store, "x" * 100_000, minutes=number)
        store.prune("some")
        print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_copy(store: ListStore, tmp_path: Path) -> None:
    here = Path(__file__)
    folders = [str(here.parent), str(here.parents[3]), str(here.parents[4])]
    for delay in (0.0, 0.003, 0.011):
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS_UPDATES, str(tmp_path / "lists"), *folders], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
        assert text_of(store, store.current("some")) == "x" * 100_000
        with store.locked():
            assert text_of(store, put(store, "x" * 100_000)) == "x" * 100_000
