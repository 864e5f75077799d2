"""What is mounted where, as the kernel tells it in /proc/self/mountinfo.

It knows the lines and the classes of file systems; it must not learn what a device is.
Source: Documentation/filesystems/proc.rst, section 3.5.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")
_NUMBER: Final = re.compile(r"\d{1,10}:\d{1,10}")
# A line may hold two paths, each four times as long as written, because of the escapes.
_LINE_CHARACTERS: Final = 65_536
_FIELDS_BEFORE_OPTIONAL: Final = 6


class FilesystemClass(StrEnum):
    """What a type of file system says about where its files lie."""

    # On a block device, written as they are. ext4 and f2fs may hold encrypted folders: the rest is still plain.
    PLAIN = "plain"
    # On a block device that may or may not encrypt by itself.
    BLOCK = "block"
    NETWORK = "network"
    ENCRYPTED_FOLDER = "encrypted_folder"
    # Shows the inside of an encrypted container as a file.
    OPENED_CONTAINER = "opened_container"
    ZFS = "zfs"
    VIRTUAL = "virtual"


_CLASSES: Final = {
    FilesystemClass.PLAIN: (
        "ext2 ext3 ext4 vfat msdos exfat ntfs ntfs3 ntfs-3g fuseblk hfs hfsplus xfs btrfs jfs reiserfs f2fs nilfs2 "
        "minix udf iso9660 squashfs erofs swap"
    ),
    FilesystemClass.BLOCK: "apfs bcachefs fuse.apfs-fuse ubifs ocfs2 gfs2",
    FilesystemClass.NETWORK: (
        "nfs nfs4 cifs smb3 smbfs 9p afs ceph ncpfs glusterfs fuse.glusterfs fuse.sshfs fuse.rclone fuse.davfs davfs "
        "fuse.s3fs"
    ),
    FilesystemClass.ENCRYPTED_FOLDER: "fuse.gocryptfs fuse.encfs fuse.cryfs fuse.securefs ecryptfs",
    FilesystemClass.OPENED_CONTAINER: "fuse.veracrypt fuse.truecrypt fuse.dislocker fuse.bdemount",
    FilesystemClass.ZFS: "zfs",
}
_CLASS_OF: Final = {name: group for group, names in _CLASSES.items() for name in names.split()}
# These mount themselves with the type `fuse` and their own name as the source.
_NAMED_BY_SOURCE: Final = frozenset({"veracrypt", "truecrypt", "dislocker"})


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount.

    Args:
        device: major and minor number, `8:17`; the major is 0 where there is no one device behind it.
        root: which folder of the file system is shown; `/` is all of it.
        point: where it is shown.
        options: of this mount and of its file system together; whether anything can be written is its file system's.
    """

    device: str
    root: str
    point: str
    filesystem: str
    source: str
    options: frozenset[str]

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written to its file system."""
        return "ro" in self.options

    @property
    def filesystem_class(self) -> FilesystemClass:
        """What its type says; a type that nobody knows is VIRTUAL without a device, and BLOCK with one."""
        if self.filesystem == "fuse" and self.source in _NAMED_BY_SOURCE:
            return FilesystemClass.OPENED_CONTAINER
        unknown = FilesystemClass.VIRTUAL if self.device.startswith("0:") else FilesystemClass.BLOCK
        return _CLASS_OF.get(self.filesystem, unknown)


def is_plain_type(filesystem: str) -> bool:
    """Say whether files of this type of file system are written as they are."""
    return _CLASS_OF.get(filesystem) is FilesystemClass.PLAIN


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Read every line, in order; a line that cannot be read is left out."""
    # Only the line feed ends a line, and only the space a field: a label may hold any other white space there is.
    return tuple(mount for line in text.split("\n") if (mount := _parse_line(line)) is not None)


def _parse_line(line: str) -> Mount | None:
    if len(line) > _LINE_CHARACTERS:
        return None
    fields = line.split(" ")
    try:
        dash = fields.index("-", _FIELDS_BEFORE_OPTIONAL)
    except ValueError:
        return None
    if len(fields) < dash + 3 or not _NUMBER.fullmatch(fields[2]):
        return None
    super_options = fields[dash + 3] if len(fields) > dash + 3 else ""
    # A service that systemd protects sees every mount read-only that was there before it.
    mount_options = frozenset(fields[5].split(",")) - {"ro", "rw"}
    return Mount(
        device=fields[2],
        root=unescape(fields[3]),
        point=unescape(fields[4]),
        filesystem=unescape(fields[dash + 1]),
        source=unescape(fields[dash + 2]),
        options=mount_options.union(super_options.split(",")) - {""},
    )


def unescape(text: str) -> str:
    r"""Undo the octal escapes of the kernel: \040 is a space. They stand for octets below 128 only."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if int(found[1], 8) < 128 else found[0], text)


def reachable(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Leave out what another mount on the same point hides: the last one is what people see."""
    last = {mount.point: mount for mount in mounts}
    return tuple(last.values())
