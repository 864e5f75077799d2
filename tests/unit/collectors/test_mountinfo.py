"""What is mounted, from recorded and made-up lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mountinfo import (
    FilesystemClass,
    Mount,
    is_plain_type,
    parse_mountinfo,
    reachable,
    unescape,
)

STICK = r"42 27 8:17 / /media/staff/My\040USB\011é rw,nosuid,relatime shared:5 - vfat /dev/sdb1 rw,uid=1000"


def mount(point: str, source: str = "/dev/sdb1", filesystem: str = "vfat", device: str = "8:17") -> Mount:
    return Mount(device, "/", point, filesystem, source, frozenset({"rw"}))


def test_a_line() -> None:
    assert parse_mountinfo(STICK + "\n") == (
        Mount(
            device="8:17",
            root="/",
            point="/media/staff/My USB\té",
            filesystem="vfat",
            source="/dev/sdb1",
            options=frozenset({"rw", "nosuid", "relatime", "uid=1000"}),
        ),
    )


@pytest.mark.parametrize(
    ("line", "point"),
    [
        pytest.param(
            r"1 2 8:1 / /a\134040b rw - vfat /dev/x rw", r"/a\040b", id="an-escaped-backslash-escapes-nothing"
        ),
        pytest.param(
            "1 2 8:1 / /a\u00a0b\x85c\u2028d rw - vfat /dev/x rw", "/a\u00a0b\x85c\u2028d", id="odd-white-space"
        ),
        pytest.param(r"1 2 8:1 / /a\012b rw - vfat /dev/x rw", "/a\nb", id="a-line-feed-in-a-label"),
        pytest.param("1 2 8:1 / /\udcff rw - vfat /dev/x rw", "/\udcff", id="octets-that-are-no-text"),
        pytest.param("1 2 0:5 / /run/x rw - tmpfs  rw", "/run/x", id="an-empty-source"),
        pytest.param("1 2 8:1 / /a rw shared:1 master:2 - vfat /dev/x rw", "/a", id="two-optional-fields"),
        pytest.param("1 2 8:1 / /- rw - vfat - rw", "/-", id="dashes-as-names"),
    ],
)
def test_odd_lines(line: str, point: str) -> None:
    assert [one.point for one in parse_mountinfo(line)] == [point]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param("42 27 8:17 / /media rw", id="cut-off"),
        pytest.param("42 27 8:17 / /media rw -", id="ends-at-the-dash"),
        pytest.param("42 27 8-17 / /media rw - vfat /dev/sdb1 rw", id="no-number"),
        pytest.param("42 27 8:17 / /media rw - vfat " + "x" * 70_000, id="without-end"),
    ],
)
def test_lines_that_cannot_be_read_are_left_out(line: str) -> None:
    assert [one.device for one in parse_mountinfo(f"{line}\n{STICK}")] == ["8:17"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("ro,nosuid - vfat /dev/sdb1 rw", False, id="only-as-the-service-is-shown-it"),
        pytest.param("ro,nosuid - vfat /dev/sdb1 ro", True, id="mounted-read-only"),
        pytest.param("rw - iso9660 /dev/sdb1 ro", True, id="the-file-system"),
        pytest.param("rw,errors=remount-ro - ext4 /dev/sdb1 rw", False, id="only-after-an-error"),
    ],
)
def test_read_only(options: str, *, expected: bool) -> None:
    (found,) = parse_mountinfo(f"42 27 8:17 / /media {options}")
    assert found.is_read_only is expected


def test_only_the_last_mount_on_a_point_can_be_reached() -> None:
    hidden, seen = mount("/mnt", "/dev/sdb1"), mount("/mnt", "/dev/sdc1")
    assert reachable([hidden, mount("/"), seen]) == (seen, mount("/"))


@pytest.mark.parametrize(
    ("filesystem", "device", "source", "expected"),
    [
        pytest.param("vfat", "8:17", "/dev/sdb1", FilesystemClass.PLAIN, id="fat"),
        pytest.param("fuseblk", "8:17", "/dev/sdb1", FilesystemClass.PLAIN, id="ntfs-3g-is-on-a-real-device"),
        pytest.param("btrfs", "0:45", "/dev/sdb1", FilesystemClass.PLAIN, id="btrfs-without-a-number"),
        pytest.param("apfs", "8:17", "/dev/sdb1", FilesystemClass.BLOCK, id="apfs-may-encrypt-by-itself"),
        pytest.param("newfs", "8:17", "/dev/sdb1", FilesystemClass.BLOCK, id="unheard-of-on-a-device"),
        pytest.param("newfs", "0:45", "newfs", FilesystemClass.VIRTUAL, id="unheard-of-without-a-device"),
        pytest.param("cifs", "0:50", "//srv/staff", FilesystemClass.NETWORK, id="share"),
        pytest.param("fuse.gocryptfs", "0:51", "/home/a/x", FilesystemClass.ENCRYPTED_FOLDER, id="gocryptfs"),
        pytest.param("fuse", "0:52", "veracrypt", FilesystemClass.OPENED_CONTAINER, id="veracrypt"),
        pytest.param("fuse", "0:52", "sshfs", FilesystemClass.VIRTUAL, id="any-other-fuse"),
        pytest.param("zfs", "0:53", "tank/home", FilesystemClass.ZFS, id="zfs"),
        pytest.param("overlay", "0:54", "overlay", FilesystemClass.VIRTUAL, id="overlay"),
    ],
)
def test_classes(filesystem: str, device: str, source: str, expected: FilesystemClass) -> None:
    assert mount("/x", source, filesystem, device).filesystem_class is expected
    assert is_plain_type(filesystem) is (expected is FilesystemClass.PLAIN)


@given(st.text(st.characters(), max_size=300))
def test_no_text_is_an_error(text: str) -> None:
    parse_mountinfo(text)
    parse_mountinfo(f"{STICK}\n{text}\n")
    parse_mountinfo(f"1 2 8:1 / {text} rw - vfat {text} {text}")


@given(st.text(st.characters(exclude_characters="\0"), max_size=60))
def test_what_the_kernel_escapes_is_undone(path: str) -> None:
    escaped = "".join(f"\\{ord(character):03o}" if character in " \t\n\\" else character for character in path)
    assert unescape(escaped) == path
    (found,) = parse_mountinfo(f"1 2 8:1 / /{escaped} rw - vfat /dev/x rw")
    assert found.point == f"/{path}"
