"""Names that are not kept, ends of a closed list, and what a stream has gathered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.write_stream import EXTENSIONS, Gap, Gathering, Naming, extension_of, is_own, kinds_of

HASHED = Naming(b"k" * 32)
NAMED = Naming(b"k" * 32, with_names=True)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        pytest.param("Year 9/reports.DOCX", "docx", id="capitals"),
        pytest.param("report.pdf.exe", "exe", id="the-last-end-counts"),
        pytest.param("anna.smith", "other", id="a-name-is-no-kind"),
        pytest.param("README", "none", id="without-an-end"),
        pytest.param(".profile", "other", id="begins-with-a-point"),
    ],
)
def test_ends(name: str, end: str) -> None:
    assert extension_of(name) == end


@pytest.mark.parametrize(
    ("path", "is_systems_own"),
    [
        pytest.param("System Volume Information/IndexerVolumeGuid", True, id="windows"),
        pytest.param(".Trash-1000/files/old.doc", True, id="linux"),
        pytest.param(".fseventsd/0000", True, id="macos"),
        pytest.param("pictures/Thumbs.db", True, id="thumbnails"),
        pytest.param("pupils.csv", False, id="a-file"),
        pytest.param("trash/old.doc", False, id="a-folder-of-the-user"),
    ],
)
def test_what_systems_write_is_no_write_of_a_person(path: str, is_systems_own: bool) -> None:
    assert is_own(path) is is_systems_own


def test_the_same_file_is_one_and_its_last_size_counts() -> None:
    gathering = Gathering(HASHED)
    for size in (0, 10, 2000, None):
        gathering.write("a/b.csv", size)
    gathering.write("Thumbs.db", 1)
    gathering.remove("a/old.csv")
    taken = gathering.take()
    (written,) = taken.written.values()
    assert (written.size_bytes, written.extension, taken.removed) == (2000, "csv", 1)
    assert kinds_of(taken.written) == {"csv": 1}
    assert gathering.take().written == {}


def test_what_is_too_much_is_said() -> None:
    gathering = Gathering(HASHED, most_files=2)
    for number in range(5):
        gathering.write(f"{number}.txt", 1)
    taken = gathering.take()
    assert len(taken.written) == 2
    assert taken.gaps == {Gap.TOO_MANY_FILES}
    assert gathering.take().gaps == frozenset()


def test_names_leave_only_where_the_school_chose_so() -> None:
    assert "pupils" not in HASHED.shown("pupils.csv")
    assert HASHED.shown("pupils.csv") != Naming(b"j" * 32).shown("pupils.csv")
    assert NAMED.shown("pupils.csv") == "pupils.csv"


@given(st.text(st.characters(codec=None), max_size=400))
def test_no_name_is_an_error(path: str) -> None:
    for naming in (HASHED, NAMED):
        gathering = Gathering(naming)
        gathering.write(path, 1)
        for written in gathering.take().written.values():
            written.shown.encode("utf-8")
            assert written.extension in EXTENSIONS | {"other", "none"}
