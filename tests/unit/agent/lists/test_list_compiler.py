import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from indexes_of_test import tags_of

from agent.lists.list_compiler import _Teller, compile_inputs, read_job
from filters.list_index import ListIndex
from rules.errors import StorageError


def run(job: str, *, limits: str = "") -> tuple[int, list[dict[str, Any]]]:
    """Run the compiler as a process; `limits` are those that a shell sets before."""
    command = [sys.executable, "-m", "agent.lists.list_compiler"]
    if limits:
        command = ["sh", "-c", f'{limits}; exec "$@"', "sh", *command]
    done = subprocess.run(command, input=job, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def job_of(folder: Path, text: str | bytes, *, list_format: str = "domains", **changes: Any) -> dict[str, Any]:
    path = folder / "list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    file = {"path": str(path), "shown_as": "list.txt", "format": list_format, "tags": ["ads"]}
    return {"output": str(folder / "index.bin"), "lists": [{"name": "provider", "files": [file]}]} | changes


def test_the_memory_of_whoever_started_it_is_not_the_compilers(tmp_path: Path) -> None:
    ballast = bytearray(b"x") * 200_000_000
    _, said = run(json.dumps(job_of(tmp_path, "a.test\n")))
    assert len(ballast) == 200_000_000
    assert 1e6 < said[-1]["report"]["peak_memory_bytes"] < 150e6


def test_a_job_becomes_an_index_and_a_report(tmp_path: Path) -> None:
    status, said = run(json.dumps(job_of(tmp_path, "a.test\nb.test\na.test\n192.0.2.1\n")))
    report = said[-1]["report"]
    seconds, peak = report.pop("seconds"), report.pop("peak_memory_bytes")
    assert status == 0
    assert len(said) == 1
    assert report == {
        "name_count": 2,
        "rules_left_out": 0,
        "lists": {"provider": {"entries": 3, "repeated": 1, "not_used": {"raw_address": 1}}},
    }
    assert 0 <= seconds < 30
    assert 1e6 < peak < 150e6
    assert tags_of(ListIndex.open(tmp_path / "index.bin"), "x.a.test") == {"ads"}


@pytest.mark.parametrize(
    ("list_format", "text", "name"),
    [
        pytest.param("domains", "a.test\n", "x.a.test", id="domains"),
        pytest.param("hosts", "0.0.0.0 a.test b.test c.test\n", "c.test", id="hosts-with-many-names-a-line"),
        pytest.param("adblock", "||a.test^\n||b.test^\n@@||b.test^\n", "x.a.test", id="adblock"),
        pytest.param("dnsmasq", "address=/a.test/b.test/#\n", "b.test", id="dnsmasq"),
        pytest.param("rpz", "a.test CNAME .\n*.a.test CNAME .\n", "x.a.test", id="rpz"),
        pytest.param("squidguard-domains", "a.test\n", "a.test", id="squidguard"),
    ],
)
def test_every_format_is_compiled(tmp_path: Path, list_format: str, text: str, name: str) -> None:
    inputs, output = read_job(job_of(tmp_path, text, list_format=list_format))
    compile_inputs(inputs, output, on_lines=lambda *_: None)
    index = ListIndex.open(output)
    assert tags_of(index, name) == {"ads"}
    assert tags_of(index, "other.test") == set()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"lists": None},
            "the job is not as expected (TypeError(\"'NoneType' object is not iterable\"))",
            id="no-lists",
        ),
        pytest.param({"lists": [{"name": "x"}]}, "the job is not as expected (KeyError('files'))", id="no-files"),
        pytest.param({"lists": [{"files": [{}]}]}, "the job is not as expected (KeyError('name'))", id="no-name"),
        pytest.param(
            {"lists": [{"name": "x", "files": [{"path": "/nowhere/list.txt"}]}]},
            "the job is not as expected (KeyError('tags'))",
            id="no-tags",
        ),
        pytest.param(
            {
                "lists": [
                    {
                        "name": "x",
                        "files": [
                            {"path": "/nowhere/l.txt", "shown_as": "l.txt", "format": "hosts", "tags": ["ads"]}
                        ],
                    }
                ]
            },
            "/nowhere/l.txt: the list could not be read (No such file or directory)",
            id="a-list-that-is-not-there",
        ),
        pytest.param(
            {"output": "/nowhere/index.bin"},
            "/nowhere/index.bin: the index could not be written (No such file or directory)",
            id="an-output-that-cannot-be-written",
        ),
    ],
)
def test_a_bad_job_ends_with_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    status, said = run(json.dumps(job_of(tmp_path, "a.test\n", **changes)))
    assert (status, len(said)) == (2, 1)
    assert said[0]["fault"] == sentence


def test_an_unknown_format_ends_with_a_sentence(tmp_path: Path) -> None:
    status, said = run(json.dumps(job_of(tmp_path, "a.test\n", list_format="csv")))
    assert status == 2
    assert said[0]["fault"].startswith("unknown list format 'csv', expected one of domains, hosts")


@pytest.mark.parametrize(
    "job", [pytest.param("", id="empty"), pytest.param("{", id="cut"), pytest.param("[]", id="a-list")]
)
def test_what_is_no_job_ends_with_a_sentence(job: str) -> None:
    status, said = run(job)
    assert (status, len(said)) == (2, 1)
    assert said[0]["fault"]


def test_a_compiler_that_nobody_listens_to_any_more_ends_in_silence(tmp_path: Path) -> None:
    job = job_of(tmp_path, "a.test\n")
    command = [sys.executable, "-m", "agent.lists.list_compiler"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        child.stdin.write(json.dumps(job).encode())
        child.stdin.close()
        assert child.stderr.read() == b""
    assert child.returncode == 2


def test_a_list_for_which_memory_does_not_suffice_ends_with_a_sentence(tmp_path: Path) -> None:
    job = json.dumps(job_of(tmp_path, b"\n" * 40_000_000))
    assert run(job, limits="ulimit -v 400000") == (
        2,
        [{"fault": "the lists need more than 390 MB of memory"}],
    )


def test_an_index_for_which_the_disk_does_not_suffice_ends_with_a_sentence(tmp_path: Path) -> None:
    job = json.dumps(job_of(tmp_path, "".join(f"n{number}.test\n" for number in range(5000))))
    assert run(job, limits="ulimit -f 8") == (
        2,
        [
            {
                "fault": f"{tmp_path}/index.bin: the index could not be written (File too large)",
                "is_about_storage": True,
            }
        ],
    )


def test_a_folder_in_place_of_the_output_is_about_storage(tmp_path: Path) -> None:
    inputs, _ = read_job(job_of(tmp_path, "a.test\n"))
    with pytest.raises(StorageError, match="the index could not be written"):
        compile_inputs(inputs, tmp_path, on_lines=lambda *_: None)


def test_progress_is_told_to_whom_it_may_concern(tmp_path: Path) -> None:
    inputs, output = read_job(job_of(tmp_path, "".join(f"name-number-{number}.test\n" for number in range(10_000))))
    told: list[tuple[int, int]] = []
    compile_inputs(inputs, output, on_lines=lambda lines, of: told.append((lines, of)))
    assert told[-1] == (10_000, 10_001)
    assert len(told) > 1


def test_the_teller_waits_between_two_lines_and_never_says_more_than_everything() -> None:
    clock = iter([0.0, 0.1, 0.3, 0.35, 0.6])
    stream = BytesIO()
    teller = _Teller(stream, monotonic=lambda: next(clock))
    for lines in (10, 20, 30, 35, 40):
        teller(lines, 35)
    assert stream.getvalue() == b'{"lines": 10, "of": 35}\n{"lines": 30, "of": 35}\n{"lines": 40, "of": 40}\n'
