"""Names that are not kept, ends of a closed list, and what a stream has gathered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.write_stream import EXTENSIONS, Gap, Gathering, Naming, Whose, extension_of, kinds_of, whose

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
    ("path", "is_whose"),
    [
        pytest.param("System Volume Information/IndexerVolumeGuid", Whose.SYSTEM, id="windows"),
        pytest.param("SYSTEM VOLUME INFORMATION/a/b", Whose.SYSTEM, id="in-capitals"),
        pytest.param(".Spotlight-V100/Store-V2/x", Whose.SYSTEM, id="spotlight"),
        pytest.param(".fseventsd/0000", Whose.SYSTEM, id="macos"),
        pytest.param("lost+found/#12", Whose.SYSTEM, id="what-a-check-found"),
        pytest.param("pictures/Thumbs.db", Whose.SYSTEM, id="thumbnails"),
        pytest.param("desktop.ini", Whose.SYSTEM, id="how-a-folder-looks"),
        pytest.param(".Trash-1000/files/old.doc", Whose.TRASH, id="linux-trash"),
        pytest.param(".Trash-1000/files/Year 9/old.doc", Whose.TRASH, id="a-folder-thrown-away"),
        pytest.param(".Trash/1000/files/$invoice.doc", Whose.TRASH, id="linux-trash-of-all"),
        pytest.param(".Trash-1000/info/old.doc.trashinfo", Whose.SYSTEM, id="list-of-a-linux-trash"),
        pytest.param(".Trash-1000/directorysizes", Whose.SYSTEM, id="sizes-in-a-linux-trash"),
        pytest.param(".Trash-1000/info/pupils.csv", Whose.TRASH, id="what-no-system-puts-among-the-lists"),
        pytest.param("$RECYCLE.BIN/S-1-5-21/$RABC123.doc", Whose.TRASH, id="windows-trash"),
        pytest.param("$RECYCLE.BIN/S-1-5-21/$IABC123.doc", Whose.SYSTEM, id="list-of-a-windows-trash"),
        pytest.param("$RECYCLE.BIN/S-1-5-21/desktop.ini", Whose.SYSTEM, id="look-of-a-windows-trash"),
        pytest.param(".Trashes/501/old.doc", Whose.TRASH, id="macos-trash"),
        pytest.param("pupils.csv", Whose.PERSON, id="a-file"),
        pytest.param("trash/old.doc", Whose.PERSON, id="a-folder-of-the-user"),
        pytest.param(
            "mine/System Volume Information/pupils.csv", Whose.PERSON, id="a-folder-that-somebody-called-so"
        ),
        pytest.param("mine/.Trash-1000/pupils.csv", Whose.PERSON, id="a-trash-that-somebody-called-so"),
        pytest.param("lost+found", Whose.PERSON, id="a-file-that-somebody-called-so"),
        pytest.param("Thumbs.db/pupils.csv", Whose.PERSON, id="a-folder-called-like-a-file-of-a-system"),
    ],
)
def test_whose_doing_a_file_is(path: str, is_whose: Whose) -> None:
    assert whose(path, 10) is is_whose
    assert whose(path, None) is is_whose


@pytest.mark.parametrize(
    ("path", "size_bytes", "is_whose"),
    [
        pytest.param("Year 9/._marks.xlsx", 4096, Whose.SYSTEM, id="as-macos-makes-it"),
        pytest.param("._.Trashes", 4096, Whose.SYSTEM, id="beside-a-folder"),
        pytest.param(".Trashes/501/._old.doc", 4096, Whose.SYSTEM, id="beside-what-was-thrown-away"),
        pytest.param("._results.zip", 4097, Whose.PERSON, id="larger-than-macos-makes-it"),
        pytest.param("._results.zip", None, Whose.PERSON, id="of-a-size-that-nobody-knows"),
        pytest.param("._setup.exe", 10, Whose.PERSON, id="a-program-by-its-name"),
        pytest.param("Year 9/._SETUP.BAT", 10, Whose.PERSON, id="a-program-in-capitals"),
        pytest.param(".Trash-1000/files/._setup.exe", 10, Whose.TRASH, id="a-program-in-a-trash"),
        pytest.param("._mine/plan.doc", 10, Whose.PERSON, id="in-a-folder-that-is-called-so"),
    ],
)
def test_nothing_hides_as_what_macos_puts_beside_a_file(path: str, size_bytes: int | None, is_whose: Whose) -> None:
    assert whose(path, size_bytes) is is_whose


def test_what_is_called_as_macos_calls_it_is_counted_where_it_may_hide_something() -> None:
    gathering = Gathering(NAMED)
    gathering.write("._results.zip", 0)
    gathering.write("._results.zip", 3 << 20)
    gathering.write("._setup.exe", 4096)
    gathering.write("._marks.csv", 4096)
    gathering.remove("._marks.csv")
    taken = gathering.take()
    assert {each.shown: each.size_bytes for each in taken.written.values()} == {
        "._results.zip": 3 << 20,
        "._setup.exe": 4096,
    }
    assert taken.removed == 0


def test_what_is_thrown_away_is_taken_away_and_not_written() -> None:
    gathering = Gathering(NAMED)
    gathering.remove("old.doc")
    gathering.write(".Trash-1000/info/old.doc.trashinfo", 90)
    gathering.write(".Trash-1000/files/old.doc", 10, is_moved=True)
    gathering.remove(".Trash-1000/files/old.doc")
    taken = gathering.take()
    assert (taken.written, taken.removed) == ({}, 1)
    gathering.write(".Trash-1000/files/pupils.csv", 10)
    gathering.write("moved.csv", 10, is_moved=True)
    shown = [each.shown for each in gathering.take().written.values()]
    assert shown == [".Trash-1000/files/pupils.csv", "moved.csv"]


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
