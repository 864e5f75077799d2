"""Folders that others could put something of theirs into."""

import os
from pathlib import Path

import pytest
from parts import need_root

from agent.endpoint.safe_folders import UnsafeFolderError, check_folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "program"
    made.mkdir(mode=0o755)
    return made


def test_a_folder_of_ones_own_is_safe(folder: Path) -> None:
    check_folders((folder,))


def test_one_that_everybody_can_write_to_is_not(folder: Path) -> None:
    folder.chmod(0o757)
    with pytest.raises(UnsafeFolderError, match=f"{folder} can be written to by everybody.*expected"):
        check_folders((folder,))


def test_neither_is_one_whose_parent_everybody_can_write_to(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    folder.chmod(0o757)
    with pytest.raises(UnsafeFolderError, match=str(folder)):
        check_folders((inner,))


def test_a_sticky_parent_is_safe_and_a_sticky_folder_is_not(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir(mode=0o700)
    folder.chmod(0o1777)
    check_folders((inner,))
    with pytest.raises(UnsafeFolderError):
        check_folders((folder,))


def test_a_group_of_others_may_not_write_and_our_own_may(folder: Path) -> None:
    need_root()
    folder.chmod(0o775)
    check_folders((folder,))

    os.chown(folder, -1, 12345)
    with pytest.raises(UnsafeFolderError, match="group"):
        check_folders((folder,))


def test_a_folder_of_another_account_is_not_safe(folder: Path) -> None:
    need_root()

    os.chown(folder, 12345, -1)
    with pytest.raises(UnsafeFolderError, match="another account"):
        check_folders((folder,))


def test_one_that_is_not_there_cannot_be_checked(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_folders((folder / "gone",))
