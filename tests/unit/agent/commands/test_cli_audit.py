"""The record from a shell: verified here and there, shown, handed out and signed off."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.schemas import AnchorPage, ErasureAsked, RowTold, SignOffAsked, SignOffTold, VerdictTold
from agent.storage.anchors import Anchor, anchor_if_due
from agent.storage.record import export_csv, export_jsonl
from agent.storage.state import StateStore

NOW = datetime(2026, 11, 23, 10, 14, tzinfo=UTC)
ROW = {
    "number": 7,
    "at": "2026-11-23T10:14:00Z",
    "kind": "override_approved",
    "actor": "p1",
    "actor_name": "Ada",
    "subject": "a1",
    "facts": {"reason": "Fine.", "names": 2, "groups": ["year-6"]},
    "is_erased": True,
}


SIGNED_OFF = {
    "number": 99,
    "from_on": "2026-11-01",
    "until_on": "2026-11-30",
    "counts": {"override_requested": 1234},
    "reviewed_by": person("Gil"),
}
VERDICT = {"is_whole": True, "rows": 1234, "anchors": 2, "first_broken": None, "why": None}


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path / "home")
    found.sign_in(gateway)
    return found


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a state file of five rows: four acts, and the anchor of their day."""
    path = tmp_path / "state" / "state.db"
    with closing(StateStore(path, clock=lambda: NOW)) as store:
        for number in range(4):
            with store.act() as act:
                act.note("override_requested", actor="p1", subject=f"a{number}", personal={"reason": "news"})
        anchor_if_due(store)
    return path


def anchor_of(state: Path) -> Anchor:
    with closing(sqlite3.connect(state)) as database:
        return Anchor(*database.execute("SELECT day, number, hash, signature FROM anchors").fetchone())


def tamper(state: Path, statement: str) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as database:
        database.executescript(
            f"DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted; {statement};"
        )


def export_of(state: Path, path: Path) -> Path:
    with closing(sqlite3.connect(state)) as database, path.open("w", newline="") as out:
        (export_csv if path.suffix == ".csv" else export_jsonl)(database, out)
    return path


def test_the_answers_here_are_those_of_the_interface() -> None:
    RowTold.model_validate(ROW, extra="forbid")
    VerdictTold.model_validate(VERDICT, extra="forbid")
    SignOffTold.model_validate(SIGNED_OFF, extra="forbid")


def test_the_gateway_says_that_its_record_is_whole(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /audit/verify", VERDICT)
    done = shell.run("audit", "verify")
    assert (done.exit_code, done.stdout) == (0, "The record is whole (rows: 1,234, anchors: 2).\n")
    assert json.loads(shell.run("audit", "verify", "--json").stdout) == VERDICT


def test_a_broken_record_ends_with_1(gateway: GatewayOfTest, shell: Shell) -> None:
    verdict = {"is_whole": False, "rows": 6, "anchors": 0, "first_broken": 7, "why": "Row 7 was altered."}
    gateway.answer("GET /audit/verify", verdict)
    done = shell.run("audit", "verify")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "The record is not whole, first at row 7. Row 7 was altered.\n"
    assert shell.run("audit", "verify", "--json").exit_code == 1


def test_a_state_file_is_verified_without_the_gateway(state: Path, tmp_path: Path) -> None:
    done = Shell(tmp_path).run("audit", "verify", "--file", str(state))
    assert (done.exit_code, done.stdout) == (0, "The record is whole (rows: 5, anchors: 1).\n")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        pytest.param(
            "UPDATE audit SET actor = 'p2' WHERE number = 3", "first at row 3. Row 3 was altered.", id="altered"
        ),
        pytest.param("DELETE FROM audit WHERE number = 2", "first at row 2. Row 2 was removed.", id="removed"),
    ],
)
def test_the_first_row_that_was_touched_is_named(state: Path, tmp_path: Path, statement: str, told: str) -> None:
    tamper(state, statement)
    done = Shell(tmp_path).run("audit", "verify", "--file", str(state))
    assert (done.exit_code, done.stderr) == (1, f"The record is not whole, {told}\n")


def test_a_printed_anchor_proves_what_is_missing_together_with_its_anchor(state: Path, tmp_path: Path) -> None:
    printed = str(anchor_of(state))
    tamper(state, "DELETE FROM audit WHERE number > 3; DELETE FROM anchors; UPDATE sqlite_sequence SET seq = 3")
    words = ("audit", "verify", "--file", str(state))
    assert Shell(tmp_path).run(*words).exit_code == 0
    done = Shell(tmp_path).run(*words, "--anchor", printed)
    assert done.exit_code == 1
    assert "first at row 4. Row 4 was removed at the end" in done.stderr


@pytest.mark.parametrize("name", ["record.jsonl", "record.csv"])
def test_an_export_is_verified_by_the_script_of_third_parties(state: Path, tmp_path: Path, name: str) -> None:
    export = export_of(state, tmp_path / name)
    words = ("audit", "verify", "--file", str(export), "--anchor", str(anchor_of(state)), "--json")
    done = Shell(tmp_path).run(*words)
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"is_whole": True, "rows": 5, "anchors": 1, "first_broken": None, "why": None},
    )


def test_an_export_that_was_touched_names_the_row(state: Path, tmp_path: Path) -> None:
    export = export_of(state, tmp_path / "record.jsonl")
    lines = export.read_text().splitlines(keepends=True)
    export.write_text("".join((*lines[:2], lines[3], lines[2], *lines[4:])))
    done = Shell(tmp_path).run("audit", "verify", "--file", str(export))
    assert (done.exit_code, done.stderr) == (
        1,
        "The record is not whole, first at row 3. Row 3 was altered, removed, inserted or moved.\n",
    )


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("--file", "/none"), 2, "expected a state.db or an exported file", id="no-file"),
        pytest.param(("--anchor", "x"), 2, "--anchor: found no --file", id="an-anchor-for-nothing"),
        pytest.param(("--file", "STATE", "--anchor", "x"), 1, "expected an anchor as it was printed", id="no-anchor"),
    ],
)
def test_what_cannot_be_verified_is_said(
    state: Path, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    done = Shell(tmp_path).run("audit", "verify", *(str(state) if word == "STATE" else word for word in words))
    assert done.exit_code == code
    assert told in done.stderr


def test_rows_are_asked_for_by_person_kind_and_time(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /audit", {"items": [ROW, ROW, ROW], "next": "more"})
    words = ("--person", "p1", "--kind", "override_approved", "--since", "2026-11-23", "--until", "2026-11-23")
    done = shell.run("audit", "show", *words, "--limit", "2")
    assert done.exit_code == 0, done.output
    assert gateway.asked("GET /audit").query == {
        "actor": "p1",
        "kind": "override_approved",
        "since": "2026-11-23T00:00:00+00:00",
        "until": "2026-11-24T00:00:00+00:00",
        "limit": "2",
    }
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "NUMBER AT KIND ACTOR SUBJECT FACTS"
    facts = 'reason Fine., names 2, groups ["year-6"], personal part erased'
    row = f"7 Mon 2026-11-23 10:14 override approved Ada a1 {facts}"
    assert lines[2:] == [row, row]


def test_programs_get_rows_as_they_are(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /audit", {"items": [ROW]})
    assert json.loads(shell.run("audit", "show", "--json").stdout) == [ROW]


def test_no_rows_is_a_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /audit", {"items": []})
    assert shell.run("audit", "show").stdout == "There are no such rows.\n"


def test_an_export_goes_to_standard_output(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /audit/export", '{"number":1}\n')
    done = shell.run("audit", "export")
    assert (done.exit_code, done.stdout) == (0, '{"number":1}\n')
    assert gateway.asked("GET /audit/export").query == {"format": "jsonl"}


def test_an_export_goes_to_a_file_that_its_owner_can_read(
    gateway: GatewayOfTest, shell: Shell, tmp_path: Path
) -> None:
    gateway.answer("GET /audit/export", "number,at\n")
    out = tmp_path / "record.csv"
    done = shell.run("audit", "export", "--format", "csv", "--out", str(out))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"Wrote {out}.\n")
    assert out.read_text() == "number,at\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_refused_export_leaves_no_file(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    gateway.refuse("GET /audit/export", 403, "You may not do this; it takes the right to export record.")
    done = shell.run("audit", "export", "--out", str(tmp_path / "record.jsonl"))
    assert (done.exit_code, done.stderr) == (1, "You may not do this; it takes the right to export record.\n")
    assert not list(tmp_path.glob("*record*"))


def test_a_file_that_cannot_be_written_is_said(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    gateway.answer("GET /audit/export", "row\n")
    done = shell.run("audit", "export", "--out", str(tmp_path / "none" / "record.jsonl"))
    assert done.exit_code == 1
    assert "cannot be written (No such file or directory)" in done.stderr
    assert not gateway.seen


def test_anchors_are_shown_as_they_are_printed(gateway: GatewayOfTest, shell: Shell, state: Path) -> None:
    line = str(anchor_of(state))
    anchor = {"day": "2026-11-23", "number": 4, "line": line}
    AnchorPage.model_validate({"items": [anchor]}, extra="forbid")
    gateway.answer("GET /audit/anchors", {"items": [anchor]})
    assert shell.run("audit", "anchors").stdout == f"{line}\n"
    assert json.loads(shell.run("audit", "anchors", "--json").stdout) == [anchor]


def test_what_is_personal_is_erased(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /audit/7/erase", {"number": 99}, status=201)
    done = shell.run("audit", "erase", "7", "--reason", "Her parents asked for it.")
    assert (done.exit_code, done.stdout) == (0, "Erased what was personal beside row 7; row 99 says so.\n")
    sent = ErasureAsked.model_validate(gateway.asked("POST /audit/7/erase").body)
    assert sent.reason == "Her parents asked for it."


def test_a_period_is_signed_off(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /audit/sign-offs", SIGNED_OFF, status=201)
    words = ("audit", "sign-off", "--from", "2026-11-01", "--until", "2026-11-30")
    assert shell.run(*words, "--remark", "All well.").stdout == (
        "Row 99: reviewed by Gil, 2026-11-01 to 2026-11-30.\n  override requested: 1,234\n"
    )
    sent = gateway.asked("POST /audit/sign-offs").body
    assert SignOffAsked.model_validate(sent)
    assert sent == {
        "from_on": "2026-11-01",
        "until_on": "2026-11-30",
        "remark": "All well.",
    }
    assert json.loads(shell.run(*words, "--json").stdout) == SIGNED_OFF


def test_a_day_that_is_none_is_usage(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("audit", "sign-off", "--from", "november", "--until", "2026-11-30")
    assert (done.exit_code, done.stderr) == (2, "--from: found 'november'; expected a day such as 2026-11-30\n")
    assert not gateway.seen
