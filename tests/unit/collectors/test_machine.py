"""The computer as a parameter: a recorded tree, and real programs."""

import os
import sys
import time
from pathlib import Path

import pytest

from collectors.machine import Machine, Output, run_program


def test_places_are_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "swaps").write_bytes(b"Filename\n\xff\n")
    machine = Machine(root=tmp_path)
    assert machine.path("/proc/swaps") == tmp_path / "proc" / "swaps"
    assert os.fsencode(machine.text("/proc/swaps")) == b"Filename\n\xff\n"
    assert machine.names("/proc") == ("swaps",)


def test_what_is_not_there_is_no_error_where_it_may_be_missing(tmp_path: Path) -> None:
    machine = Machine(root=tmp_path)
    assert machine.word("/sys/block/sdb/dev") is None
    assert machine.names("/sys/block") == ()
    with pytest.raises(FileNotFoundError):
        machine.text("/proc/self/mountinfo")


def test_a_recorded_tree_never_starts_a_program_of_the_real_computer(tmp_path: Path) -> None:
    output = Machine(root=tmp_path).run((sys.executable, "-c", "print(1)"), 5)
    assert output.code is None
    assert output.why.endswith("a recorded tree has no programs")


def test_a_recorded_tree_answers_with_recorded_programs(tmp_path: Path) -> None:
    machine = Machine(root=tmp_path, programs=lambda command, _seconds: Output(0, " ".join(command).encode()))
    assert machine.run(("zfs", "get"), 1).text == "zfs get"


def test_a_program_is_given_its_words_as_they_are_and_no_shell() -> None:
    output = Machine().run((sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id`"), 20)
    assert output.is_good
    assert output.text == "$(id); `id`\n"


def test_a_program_speaks_english_and_reads_nothing() -> None:
    code = "import os, sys; print(os.environ['LC_ALL'], repr(sys.stdin.read())); sys.exit(3)"
    output = run_program((sys.executable, "-c", code), 20)
    assert (output.code, output.text) == (3, "C ''\n")
    assert not output.is_good


def test_a_program_that_is_not_there_is_an_answer() -> None:
    output = run_program(("/no/such/program",), 1)
    assert output.code is None
    assert output.why == "could not start /no/such/program: No such file or directory"
    assert not output.is_late


def test_a_program_that_hangs_is_ended() -> None:
    begun = time.monotonic()
    output = run_program((sys.executable, "-c", "import time; time.sleep(600)"), 0.3)
    assert output.code is None
    assert output.why == f"{sys.executable} took longer than 0.3 s"
    assert output.is_late
    assert time.monotonic() - begun < 60


def test_a_program_whose_child_keeps_the_pipe_is_not_waited_for() -> None:
    code = "import os, time\nif os.fork() == 0: time.sleep(5)\ntime.sleep(600)"
    begun = time.monotonic()
    output = run_program((sys.executable, "-c", code), 0.3)
    assert output.code is None
    assert time.monotonic() - begun < 60
