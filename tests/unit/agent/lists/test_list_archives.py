"""What comes out of an archive, and what never does."""

import contextlib
import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_test import device, gzipped, link, tar

from agent.lists.list_archives import Unpacked, copy_files, spell_size, unpack, walk
from agent.lists.list_faults import Fault, ListFaultError

LIMIT = 100_000


def unpack_octets(octets: bytes, folder: Path, *, limit: int = LIMIT) -> Unpacked:
    raw = folder / "raw"
    raw.write_bytes(octets)
    into = folder / "into"
    into.mkdir()
    return unpack(raw, into, name="list.txt.gz", max_size_bytes=limit)


def contents(folder: Path) -> dict[str, bytes]:
    into = folder / "into"
    return {file.relative_to(into).as_posix(): file.read_bytes() for file in into.rglob("*") if file.is_file()}


TREE = tar(("ut1/ads/domains", b"ads.example\n"), ("ut1/LICENSE.pdf", b"%PDF"), link("ut1/publicite", "ads"))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"a.example\n", {"list.txt.gz": b"a.example\n"}, id="plain-file"),
        pytest.param(gzipped(b"a.example\n"), {"list.txt": b"a.example\n"}, id="gzip"),
        pytest.param(gzipped(b"a\n") + gzipped(b"b\n"), {"list.txt": b"a\nb\n"}, id="gzip-in-two-members"),
        pytest.param(gzipped(gzipped(b"a.example\n")), {"list.txt": b"a.example\n"}, id="gzip-packed-on-the-way"),
        pytest.param(TREE, {"ut1/ads/domains": b"ads.example\n", "ut1/LICENSE.pdf": b"%PDF"}, id="tar"),
        pytest.param(gzipped(TREE), {"ut1/ads/domains": b"ads.example\n", "ut1/LICENSE.pdf": b"%PDF"}, id="tar.gz"),
    ],
)
def test_what_comes_out(octets: bytes, expected: dict[str, bytes], tmp_path: Path) -> None:
    found = unpack_octets(octets, tmp_path)
    assert contents(tmp_path) == expected
    assert sorted(found.paths) == sorted(expected)
    assert found.is_archive == (len(expected) > 1)


def test_links_are_remembered_and_never_made(tmp_path: Path) -> None:
    assert unpack_octets(TREE, tmp_path).links == {"ut1/publicite": "ut1/ads"}
    assert not any(path.is_symlink() for path in (tmp_path / "into").rglob("*"))


def test_a_hard_link_is_another_name_of_what_came_before(tmp_path: Path) -> None:
    octets = tar(("adult/domains", b"x.example\n"), link("porn/domains", "adult/domains", hard=True))
    assert unpack_octets(octets, tmp_path).links == {"porn/domains": "adult/domains"}


def sparse_tar(size_bytes: int) -> bytes:
    """Make a tar whose one member claims to be larger than all that is in it."""
    info = tarfile.TarInfo("ads/domains")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": f"{size_bytes - 1},1"}
    info.pax_headers |= {"GNU.sparse.size": str(size_bytes), "GNU.sparse.numblocks": "1"}
    info.size = 1
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"x"))
    return octets.getvalue()


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        pytest.param(tar(("/etc/passwd", b"x")), Fault.UNSAFE_ARCHIVE, id="absolute-path"),
        pytest.param(tar(("../outside", b"x")), Fault.UNSAFE_ARCHIVE, id="path-above"),
        pytest.param(tar(("a/../../outside", b"x")), Fault.UNSAFE_ARCHIVE, id="path-above-from-below"),
        pytest.param(tar(("a/b\\..\\c", b"x")), Fault.UNSAFE_ARCHIVE, id="backslashes"),
        pytest.param(tar(("a\nb", b"x")), Fault.UNSAFE_ARCHIVE, id="line-end-in-a-name"),
        pytest.param(tar(("a" * 300, b"x")), Fault.UNSAFE_ARCHIVE, id="endless-name"),
        pytest.param(tar(link("a", "/etc")), Fault.UNSAFE_ARCHIVE, id="link-to-an-absolute-path"),
        pytest.param(tar(link("a/b", "../../etc")), Fault.UNSAFE_ARCHIVE, id="link-out-of-the-tree"),
        pytest.param(tar(link("a", "../x", hard=True)), Fault.UNSAFE_ARCHIVE, id="hard-link-out-of-the-tree"),
        pytest.param(tar(link("a", "later", hard=True)), Fault.UNSAFE_ARCHIVE, id="hard-link-to-nothing"),
        pytest.param(tar(link("a", "b"), ("a", b"x")), Fault.UNSAFE_ARCHIVE, id="file-in-the-place-of-a-link"),
        pytest.param(tar(("a", b"x"), ("a/b", b"x")), Fault.UNSAFE_ARCHIVE, id="file-as-a-folder"),
        pytest.param(tar(("a", b"x"), ("a", b"y")), Fault.UNSAFE_ARCHIVE, id="one-name-twice"),
        pytest.param(tar(device("a", tarfile.CHRTYPE)), Fault.UNSAFE_ARCHIVE, id="device"),
        pytest.param(tar(device("a", tarfile.FIFOTYPE)), Fault.UNSAFE_ARCHIVE, id="pipe"),
        pytest.param(gzipped(b"a" * (LIMIT + 1)), Fault.TOO_LARGE, id="gzip-bomb"),
        pytest.param(gzipped(tar(("a", b"a" * (LIMIT + 1)))), Fault.TOO_LARGE, id="tar-bomb"),
        pytest.param(gzipped(TREE + bytes(LIMIT)), Fault.TOO_LARGE, id="bomb-behind-the-end-mark"),
        pytest.param(sparse_tar(LIMIT * 1000), Fault.TOO_LARGE, id="sparse-member"),
        pytest.param(gzipped(b"a.example\n" * 999)[:-9], Fault.TRUNCATED, id="gzip-cut-off"),
        pytest.param(gzipped(TREE)[:-4], Fault.TRUNCATED, id="tar.gz-cut-off-in-its-check-sum"),
        pytest.param(TREE[:1600], Fault.TRUNCATED, id="tar-cut-off-in-a-member"),
        pytest.param(TREE[:1024], Fault.TRUNCATED, id="tar-cut-off-between-members"),
        pytest.param(TREE[:600], Fault.TRUNCATED, id="tar-cut-off-in-the-first-file"),
        pytest.param(gzipped(b"a.example\n")[:-8] + b"\0" * 8, Fault.DAMAGED, id="gzip-with-a-wrong-check-sum"),
        pytest.param(TREE[:512] + b"\xff" * 1024 + TREE[1536:], Fault.DAMAGED, id="tar-with-a-broken-header"),
        pytest.param(b"PK\x03\x04 and so on", Fault.BINARY, id="zip"),
    ],
)
def test_what_never_comes_out(octets: bytes, fault: Fault, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    with pytest.raises(ListFaultError) as caught:
        unpack_octets(octets, tmp_path / "inner")
    assert caught.value.fault is fault
    assert {path.name for path in tmp_path.iterdir()} == {"inner"}
    assert sum(map(len, contents(tmp_path / "inner").values())) <= LIMIT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    octets=st.binary(max_size=600) | st.binary(max_size=600).map(gzip.compress),
    cut=st.integers(0, 2048),
    flip=st.binary(min_size=1, max_size=4),
)
def test_whatever_comes_is_unpacked_or_refused(
    octets: bytes, cut: int, flip: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for attempt in (octets, TREE[:cut] + flip + TREE[cut + len(flip) :], gzipped(TREE)[:cut] + flip):
        with contextlib.suppress(ListFaultError):
            unpack_octets(attempt, tmp_path_factory.mktemp("fuzz"))


def test_a_folder_is_walked_with_its_links(tmp_path: Path) -> None:
    (tmp_path / "adult").mkdir()
    (tmp_path / "adult" / "domains").write_text("x.example\n")
    (tmp_path / "porn").symlink_to("adult")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    found = walk(tmp_path)
    assert found.paths == ["adult/domains"]
    assert found.links == {"porn": "adult"}


def test_a_folder_whose_link_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "lists" / "gambling.txt").symlink_to("../secret")
    with pytest.raises(ListFaultError, match="leads out of the folder") as caught:
        walk(tmp_path / "lists")
    assert caught.value.fault is Fault.UNSAFE_ARCHIVE


def test_files_are_copied_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a" * 60)
    (tmp_path / "b.txt").write_bytes(b"b" * 60)
    (tmp_path / "into").mkdir()
    with pytest.raises(ListFaultError, match="more than 100 bytes"):
        copy_files(tmp_path, tmp_path / "into", paths=["a.txt", "b.txt"], max_size_bytes=100)


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(999, "999 bytes"), (256 << 20, "256 MB"), (1536, "1.5 KB"), (2 << 30, "2 GB")]
)
def test_sizes_are_spelt_for_people(size_bytes: int, text: str) -> None:
    assert spell_size(size_bytes) == text
