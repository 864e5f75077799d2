"""Whether others could put something of theirs into a folder that this service trusts."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path


class UnsafeFolderError(Exception):
    """Others can write where only the service and the administrator may."""


def check_folders(folders: Iterable[Path]) -> None:
    """Refuse folders that others can write to, or could put another in the place of.

    On Windows nothing is checked: what may be done there stands in lists that the installer sets.

    Raises:
        UnsafeFolderError: one of them is not safe; the sentence says which, and what to do.
        OSError: one of them cannot be looked at.
    """
    if os.name != "posix":
        return
    for folder in folders:
        for each in (folder, *folder.parents):
            if why := _fault(each.stat(), is_itself=each == folder):
                raise UnsafeFolderError(
                    f"{each} {why}, so this service does not start; expected a folder that only the administrator "
                    f"and the account of the service can write to: chmod go-w {each}"
                )


def _fault(status: os.stat_result, *, is_itself: bool) -> str:
    own, group = os.geteuid(), os.getegid()
    if status.st_uid not in {0, own}:
        return "belongs to another account"
    # Within a sticky folder nobody can put something else in the place of what is there.
    if status.st_mode & stat.S_ISVTX and not is_itself:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written to by everybody"
    if status.st_mode & stat.S_IWGRP and status.st_gid not in {0, group}:
        return "can be written to by a group of accounts"
    return ""
