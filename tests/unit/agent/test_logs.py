"""Logs: one line an event, closed keys, nothing that does not belong there."""

import io
import json
import logging
import os
import tempfile

import pytest
from hypothesis import given
from hypothesis.strategies import text

from agent.logs import KEYS, LibraryHandler, Log, writes_to_journal


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_a_line_says_level_event_and_fields(stream: io.StringIO) -> None:
    Log(stream).error("worker_died", worker=3, exit_code=-9, seconds=0.05)
    assert stream.getvalue() == "level=error event=worker_died worker=3 exit_code=-9 seconds=0.05\n"


def test_json_is_a_line_with_the_time(stream: io.StringIO) -> None:
    Log(stream, style="json", wall_clock=lambda: 1_700_000_000.25).info("started", version="0.1.0")
    assert json.loads(stream.getvalue()) == {
        "at": "2023-11-14T22:13:20.250+00:00",
        "level": "info",
        "event": "started",
        "version": "0.1.0",
    }


def test_the_journal_gets_a_priority(stream: io.StringIO) -> None:
    log = Log(stream, for_journal=True)
    log.error("a")
    log.info("b")
    assert stream.getvalue() == "<3>level=error event=a\n<6>level=info event=b\n"


def test_levels_below_the_least_are_left_out(stream: io.StringIO) -> None:
    log = Log(stream, level="warning")
    log.debug("a")
    log.info("b")
    log.warning("c")
    assert stream.getvalue() == "level=warning event=c\n"


@pytest.mark.parametrize("key", ["client", "address", "name", "query", "user", "device"])
def test_what_must_not_be_in_a_log_has_no_key(stream: io.StringIO, key: str) -> None:
    assert key not in KEYS
    log = Log(stream)
    with pytest.raises(TypeError, match="is no key of the log"):
        log.info("query_answered", **{key: "x"})  # type: ignore[arg-type]  # what the type checker refuses too
    assert stream.getvalue() == ""


@pytest.mark.parametrize("event", ["", "Two words", "café", "x" * 60, "event=\nlevel"])
def test_an_event_is_a_name_and_not_a_sentence(stream: io.StringIO, event: str) -> None:
    with pytest.raises(ValueError, match="is no name of an event"):
        Log(stream).info(event)


@given(reason=text())
def test_whatever_a_reason_holds_the_line_stays_one_line(reason: str) -> None:
    stream = io.StringIO()
    Log(stream).error("adopt_failed", reason=reason, worker=1)
    written = stream.getvalue()
    assert len(written.encode().decode().splitlines()) == 1
    assert not set(written[:-1]) & {chr(code) for code in (*range(32), *range(127, 160))}
    assert written.startswith("level=error event=adopt_failed reason=")
    assert written.endswith(" worker=1\n")


def test_a_long_reason_is_cut(stream: io.StringIO) -> None:
    Log(stream).error("adopt_failed", reason="x" * 100_000)
    assert len(stream.getvalue()) < 2100


def test_an_event_that_repeats_is_cut_to_a_number(stream: io.StringIO) -> None:
    clock = Clock()
    log = Log(stream, monotonic=clock)
    for _ in range(1000):
        log.error("query_failed", error="IndexError")
    log.error("worker_died", worker=0)
    assert len(stream.getvalue().splitlines()) == 11
    clock.now += 10
    log.error("query_failed", error="IndexError")
    assert stream.getvalue().splitlines()[-1] == "level=error event=query_failed error=IndexError suppressed=990"


def test_a_stream_that_nobody_reads_is_no_reason_to_stop() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    log = Log(stream)
    log.error("worker_died", worker=0)
    with pytest.raises(BrokenPipeError):
        stream.close()
    log.error("worker_died", worker=1)


def test_what_libraries_say_is_told_by_its_place_alone(stream: io.StringIO) -> None:
    library = logging.getLogger("library_of_test")
    library.propagate = False
    handler = LibraryHandler(Log(stream))
    library.addHandler(handler)
    try:
        library.warning("no answer from %s for %s", "192.0.2.7", "secret.example")
        library.error("secret.example", exc_info=ConnectionResetError("192.0.2.7 is gone"))
        library.info("nobody wants to know")
    finally:
        library.removeHandler(handler)
    first, second = stream.getvalue().splitlines()
    assert first.startswith("level=warning event=library_message library=library_of_test where=test_logs.py:")
    assert second.endswith("error=ConnectionResetError")
    assert "secret" not in stream.getvalue()
    assert "192.0.2.7" not in stream.getvalue()


def test_the_journal_is_recognised_by_the_stream_it_gave() -> None:
    with tempfile.TemporaryFile("w") as file:
        status = os.fstat(file.fileno())
        assert writes_to_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, file)
        assert not writes_to_journal({"JOURNAL_STREAM": "1:2"}, file)
        assert not writes_to_journal({}, file)
    assert not writes_to_journal({}, io.StringIO())
