"""The spool: rows between processes, whoever dies when."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import DataObject, binary, data, dictionaries, integers, sampled_from, tuples

from agent.dns.outcomes import OUTCOMES, outcome
from agent.dns.spool import (
    FRAME_ROWS,
    HEADER,
    USED,
    Batch,
    Row,
    RowKey,
    SpoolReader,
    SpoolWriter,
    encode_frame,
    read_row_code,
    row_code,
    segments,
    spool_bytes,
)
from rules.verdict import ReasonCode

CODE = row_code(outcome("pupil", "blocked", "gambling", 3), ReasonCode.POLICY)
CLIENT = bytes((192, 0, 2, 7))


def row(number: int) -> RowKey:
    return (CLIENT, b"\x06casino" + number.to_bytes(4, "big"), CODE)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def writer(folder: Path) -> Iterator[SpoolWriter]:
    with SpoolWriter(folder, worker=0) as opened:
        yield opened


def read_all(reader: SpoolReader, rows_each: int = 10_000) -> list[Batch]:
    """Read and confirm everything."""
    batches: list[Batch] = []
    while part := reader.read(rows_each):
        reader.confirm(part)
        batches += part
    reader.confirm(())
    return batches


def names(batches: list[Batch]) -> list[bytes]:
    return [row.name for batch in batches for row in batch.rows]


# ---- what goes in comes out ------------------------------------------------------------------------------------


def test_rows_arrive_as_they_were_written(folder: Path, writer: SpoolWriter) -> None:
    assert writer.write({(CLIENT, b"\x06casino", CODE): 3, (bytes(16), b"", 0): 1}, 1_700_000_000.5) == 0
    (batch,) = read_all(SpoolReader(folder, {}))
    assert batch.at_unix == 1_700_000_000.5
    assert batch.rows == [Row(CLIENT, b"\x06casino", CODE, 3), Row(bytes(16), b"", 0, 1)]


def test_a_row_says_what_happened_and_why() -> None:
    what, reason = read_row_code(CODE)
    assert (what.audience, what.verdict, what.category, reason) == ("pupil", "blocked", "gambling", ReasonCode.POLICY)


def test_no_outcome_is_taken_for_a_use_of_an_override() -> None:
    assert row_code(OUTCOMES - 1, list(ReasonCode)[-1]) < USED <= 0xFFFF


@given(
    rows=dictionaries(
        tuples(sampled_from((CLIENT, bytes(range(16)))), binary(max_size=254), integers(0, 0xFFFF)),
        integers(1, 0xFFFF_FFFF),
        min_size=1,
        max_size=50,
    ),
    drawn=data(),
)
def test_any_rows_survive_and_any_damage_is_only_a_loss(
    rows: dict[RowKey, int], drawn: DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    good = encode_frame(rows, 5.0)
    (folder / "0-1-00000001.seg").write_bytes(HEADER + good + good)
    expected = [Row(*key, times) for key, times in rows.items()]
    assert [batch.rows for batch in read_all(SpoolReader(folder, {}))] == [expected, expected]
    assert segments(folder) == []

    place = drawn.draw(integers(0, len(good) - 1))
    damaged = bytearray(good)
    damaged[place] ^= drawn.draw(integers(1, 255))
    (folder / "0-1-00000002.seg").write_bytes(HEADER + good + damaged + good)
    reader = SpoolReader(folder, {})
    assert [batch.rows for batch in read_all(reader)] == [expected, expected]
    assert reader.damaged_frames == 1


@given(octets=binary(max_size=300))
def test_any_octets_at_all_can_be_read(octets: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("spool")
    (folder / "0-1-00000001.seg").write_bytes(b"x" + octets)
    assert read_all(SpoolReader(folder, {})) == []
    assert segments(folder) == []


def test_a_large_batch_is_cut_into_frames(folder: Path, writer: SpoolWriter) -> None:
    rows = {row(number): 1 for number in range(2 * FRAME_ROWS + 1)}
    assert writer.write(rows, 0.0) == 0
    assert [len(batch.rows) for batch in SpoolReader(folder, {}).read(10_000)] == [FRAME_ROWS, FRAME_ROWS, 1]


def test_segments_are_read_oldest_first_whoever_wrote_them(folder: Path) -> None:
    folder.mkdir()
    for number, name in enumerate(["9-100-00000001.seg", "0-200-00000001.seg", "0-200-00000002.seg"]):
        (folder / name).write_bytes(HEADER + encode_frame({row(number): 1}, 0.0))
    assert names(read_all(SpoolReader(folder, {}))) == [row(number)[1] for number in range(3)]


# ---- positions -------------------------------------------------------------------------------------------------


def test_the_growing_segment_is_read_as_it_grows(folder: Path, writer: SpoolWriter) -> None:
    reader = SpoolReader(folder, {})
    assert reader.read(10) == []
    for number in range(3):
        writer.write({row(number): 1}, 0.0)
        assert names(read_all(reader)) == [row(number)[1]]
    assert len(segments(folder)) == 1
    writer.close()
    assert read_all(reader) == []
    assert segments(folder) == []


def test_a_limit_ends_the_reading_at_a_frame(folder: Path, writer: SpoolWriter) -> None:
    for number in range(5):
        writer.write({row(number): 1}, 0.0)
    reader = SpoolReader(folder, {})
    assert len(reader.read(2)) == 2
    assert len(reader.read(2)) == 2
    assert len(reader.read(2)) == 1


def test_what_was_not_confirmed_is_read_again(folder: Path, writer: SpoolWriter) -> None:
    for number in range(3):
        writer.write({row(number): 1}, 0.0)
    reader = SpoolReader(folder, {})
    first, *_ = reader.read(10)
    reader.confirm([first])
    reader.rewind()
    assert names(reader.read(10)) == [row(1)[1], row(2)[1]]


def test_a_finished_segment_stays_until_all_of_it_is_confirmed(folder: Path, writer: SpoolWriter) -> None:
    for number in range(2):
        writer.write({row(number): 1}, 0.0)
    writer.close()
    reader = SpoolReader(folder, {})
    batches = reader.read(10)
    reader.confirm(batches[:1])
    assert len(segments(folder)) == 1
    reader.confirm(batches[1:])
    assert segments(folder) == []


def test_another_reader_goes_on_from_the_stored_position(folder: Path, writer: SpoolWriter) -> None:
    for number in range(3):
        writer.write({row(number): 1}, 0.0)
    second = SpoolReader(folder, {}).read(10)[1]
    reader = SpoolReader(folder, {second.segment: second.position})
    assert 0 < reader.waiting_bytes() < spool_bytes(folder)
    assert names(read_all(reader)) == [row(2)[1]]
    assert reader.waiting_bytes() == 0


# ---- bounds ----------------------------------------------------------------------------------------------------


def test_a_segment_ends_by_its_age(folder: Path) -> None:
    clock = Clock()
    with SpoolWriter(folder, worker=0, segment_seconds=60, monotonic=clock) as writer:
        writer.write({row(1): 1}, 0.0)
        clock.now += 59
        writer.write({row(2): 1}, 0.0)
        clock.now += 1
        writer.write({row(3): 1}, 0.0)
        assert len(segments(folder)) == 2


def test_a_segment_ends_by_its_size(folder: Path) -> None:
    with SpoolWriter(folder, worker=0, segment_bytes=200) as writer:
        for number in range(20):
            writer.write({row(number): 1}, 0.0)
        assert len(segments(folder)) > 3
        assert names(read_all(SpoolReader(folder, {}))) == [row(number)[1] for number in range(20)]


def test_a_full_spool_loses_rows_and_says_how_many(folder: Path) -> None:
    clock = Clock()
    with SpoolWriter(folder, worker=0, max_bytes=500, segment_bytes=200, monotonic=clock) as writer:
        lost = sum(writer.write({row(number): 1}, 0.0) for number in range(100))
        reader = SpoolReader(folder, {})
        assert len(names(read_all(reader))) == 100 - lost
        assert 80 < lost < 100
        # There is room again, and the writer looks again after a while.
        assert writer.write({row(1): 1, row(2): 1}, 0.0) == 2
        clock.now += 1
        assert writer.write({row(1): 1, row(2): 1}, 0.0) == 0


def test_a_folder_that_cannot_be_made_loses_rows_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with SpoolWriter(tmp_path / "spool", worker=0) as writer:
        assert writer.write({row(1): 1, row(2): 1}, 0.0) == 2


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from agent.dns.spool import SpoolWriter
# A file that may not grow any more answers just as a full disk does: first with a part, then with an error.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
now = [0.0]
with SpoolWriter(Path(sys.argv[1]), worker=0, monotonic=lambda: now[0]) as writer:
    lost = 0
    for number in range(200):
        now[0] += 0.5
        lost += writer.write({(bytes(4), b"\\x06casino" + number.to_bytes(4, "big"), 1): 1}, 0.0)
    print(lost)
"""


def test_a_full_disk_loses_only_what_found_no_room(folder: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", FULL_DISK, folder], capture_output=True, text=True, check=True)
    reader = SpoolReader(folder, {})
    assert len(names(read_all(reader))) == 200 - int(ran.stdout)
    assert 0 < int(ran.stdout) < 200
    assert reader.damaged_frames == 0


def test_only_its_owner_may_read_the_spool(folder: Path, writer: SpoolWriter) -> None:
    writer.write({row(1): 1}, 0.0)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert segments(folder)[0].stat().st_mode & 0o777 == 0o600


# ---- damage ----------------------------------------------------------------------------------------------------

FRAMES = [encode_frame({row(number): 1}, 0.0) for number in range(3)]


@pytest.mark.parametrize(
    ("content", "expected", "damaged"),
    [
        pytest.param(HEADER + FRAMES[0] + FRAMES[1][:-1], [0], 1, id="the-last-frame-is-cut-off"),
        pytest.param(HEADER + FRAMES[0] + FRAMES[1][:10], [0], 1, id="the-last-frame-is-cut-off-within-its-head"),
        pytest.param(HEADER + FRAMES[0][:-4] + b"zzzz" + FRAMES[1], [1], 1, id="a-frame-has-a-wrong-checksum"),
        pytest.param(HEADER + b"rubbish" + FRAMES[2], [2], 1, id="rubbish-stands-before-a-frame"),
        pytest.param(HEADER + bytes(5000), [], 1, id="zeros-as-a-crash-of-the-machine-leaves-them"),
        pytest.param(HEADER, [], 0, id="nothing-but-a-header"),
    ],
)
def test_a_finished_segment_gives_what_is_whole(
    folder: Path, content: bytes, expected: list[int], damaged: int
) -> None:
    folder.mkdir()
    (folder / "0-1-00000001.seg").write_bytes(content)
    reader = SpoolReader(folder, {})
    assert names(read_all(reader)) == [row(number)[1] for number in expected]
    assert reader.damaged_frames == damaged
    assert segments(folder) == []


def test_half_a_frame_of_a_living_writer_is_waited_for(folder: Path, writer: SpoolWriter) -> None:
    writer.write({row(0): 1}, 0.0)
    (segment,) = segments(folder)
    frame = encode_frame({row(1): 1}, 0.0)
    with segment.open("ab") as file:
        file.write(frame[:10])
    reader = SpoolReader(folder, {})
    assert names(read_all(reader)) == [row(0)[1]]
    with segment.open("ab") as file:
        file.write(frame[10:])
    assert names(read_all(reader)) == [row(1)[1]]
    assert reader.damaged_frames == 0


def test_an_empty_file_is_left_to_its_writer_for_a_while(folder: Path) -> None:
    folder.mkdir()
    (folder / "0-1-00000001.seg").touch()
    clock = Clock()
    clock.now = time.time()
    reader = SpoolReader(folder, {}, wall_clock=clock)
    assert read_all(reader) == []
    assert len(segments(folder)) == 1
    clock.now += 7200
    assert read_all(reader) == []
    assert segments(folder) == []


# ---- processes that are killed ---------------------------------------------------------------------------------

ENDLESS = """
import sys
from pathlib import Path
from agent.dns.spool import SpoolWriter
number = 0
writer = SpoolWriter(Path(sys.argv[1]), worker=0, segment_bytes=20_000)
while True:
    rows = {(bytes(4), b"\\x06casino" + (number + i).to_bytes(4, "big"), 1): 1 for i in range(50)}
    assert writer.write(rows, 0.0) == 0
    number += 50
    # Only now do the rows count as handed over.
    print(number, flush=True)
"""


def test_rows_that_were_handed_over_survive_the_kill_of_their_writer(folder: Path) -> None:
    reader = SpoolReader(folder, {})
    chance = random.Random(7)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", ENDLESS, folder], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            handed_over = int((process.stdout.read().split() or [b"50"])[-1])
        read = Counter(int.from_bytes(name[-4:], "big") for name in names(read_all(reader)))
        assert set(read.values()) == {1}
        assert set(range(handed_over)) <= set(read) <= set(range(handed_over + 50))
        # One that was killed before it could write the header left an empty file, which goes when it is old.
        assert all(segment.stat().st_size == 0 for segment in segments(folder))
    assert reader.damaged_frames <= 8
