"""Evidence from a shell: written into a file that stands there whole or not at all, and checked by whoever has it."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test
from incidents_of_test import IncidentsOfTest

from agent.api.incident_schemas import ExportAsked
from agent.record.evidence import read
from agent.storage.anchors import anchor_if_due
from agent.storage.record import export_csv, export_jsonl

LOOK = ("--purpose", "For the police, who asked for it.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /incidents?number=12", {"items": [{"id": "a1", "number": 12, "version": 3}]})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path / "home")
    found.sign_in(gateway)
    return found


def test_evidence_is_written_as_it_comes(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    gateway.answer("POST /incidents/a1/export", "what a ZIP is")
    out = tmp_path / "case.zip"
    done = shell.run("incident", "export", "12", *LOOK, "--to", str(out), "--with-names")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert done.stderr == f"Wrote {out}; READ-ME.txt in it says how anybody checks it.\n"
    assert (out.read_text(), stat.S_IMODE(out.stat().st_mode)) == ("what a ZIP is", 0o600)
    sent = ExportAsked.model_validate(gateway.asked("POST /incidents/a1/export").body)
    assert (sent.purpose, sent.case, sent.with_names) == (LOOK[1], 12, True)


def test_a_refusal_leaves_no_file(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    gateway.refuse("POST /incidents/a1/export", 409, "This incident is sealed.")
    out = tmp_path / "case.zip"
    done = shell.run("incident", "export", "12", *LOOK, "--to", str(out))
    assert (done.exit_code, done.stderr) == (1, "This incident is sealed.\n")
    assert list(tmp_path.glob("*case.zip*")) == []


# ---- checking ------------------------------------------------------------------------------------------------------


class Handed:
    """A school that has handed evidence out, with its record in every form."""

    def __init__(self, folder: Path) -> None:
        self.school = IncidentsOfTest(folder)
        self.anchor = str(anchor_if_due(self.school.store))
        filed = self.school.open()
        self.octets = self.school.incidents.exports.export(
            self.school.ids["head"], filed.incident.id, purpose=LOOK[1], case=filed.number
        )
        self.file = folder / "case.zip"
        self.file.write_bytes(self.octets)
        self.records = {"state": self.school.store.path, "jsonl": folder / "r.jsonl", "csv": folder / "r.csv"}
        with self.school.store.read() as database:
            with self.records["jsonl"].open("w", encoding="utf-8") as out:
                export_jsonl(database, out)
            with self.records["csv"].open("w", encoding="utf-8", newline="") as out:
                export_csv(database, out)


@pytest.fixture
def handed(tmp_path: Path) -> Handed:
    return Handed(tmp_path)


@pytest.fixture
def nobody(tmp_path: Path) -> Shell:
    """A shell in which nobody is signed in: that is not needed to check."""
    return Shell(tmp_path / "elsewhere")


def test_evidence_is_checked_by_itself(nobody: Shell, handed: Handed) -> None:
    done = nobody.run("audit", "verify-export", str(handed.file))
    key = read(handed.octets).fingerprint
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            f"The evidence of case 1 is as it was signed with the key {key}.",
            "Whether the key is the school's, an anchor that was printed before says (--anchor), or the record.",
        ],
    )


@pytest.mark.parametrize("form", ["state", "jsonl", "csv"])
def test_evidence_is_held_against_the_record_and_a_printed_anchor(nobody: Shell, handed: Handed, form: str) -> None:
    words = (str(handed.file), "--record", str(handed.records[form]), "--anchor", handed.anchor)
    done = nobody.run("audit", "verify-export", *words)
    assert done.stdout.splitlines()[1:] == [
        "The anchor is signed with the same key.",
        "Each of its 2 rows stands in the record, whose chain is whole.",
    ], done.output
    told = json.loads(nobody.run("audit", "verify-export", *words, "--json").stdout)
    assert (told["case"], told["rows"], told["is_key_witnessed"], told["is_in_record"]) == (1, 2, True, True)


def cut(handed: Handed) -> tuple[str, ...]:
    lines = handed.records["jsonl"].read_text().splitlines(keepends=True)
    handed.records["jsonl"].write_text("".join(lines[:-1]))
    return ("--record", str(handed.records["jsonl"]))


def alter(handed: Handed) -> tuple[str, ...]:
    record = handed.records["jsonl"]
    record.write_text(record.read_text().replace("incident_opened", "incident_closed"))
    return ("--record", str(record))


def change(handed: Handed) -> tuple[str, ...]:
    handed.file.write_bytes(handed.octets.replace(b"bet.example", b"net.example"))
    return ()


def forge(handed: Handed) -> tuple[str, ...]:
    other = IncidentsOfTest(handed.file.parent / "other")
    return ("--anchor", str(anchor_if_due(other.store)))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(change, "It is no whole ZIP file; expected", id="a-changed-name"),
        pytest.param(cut, "of the evidence does not stand so in", id="a-row-that-the-record-lacks"),
        pytest.param(alter, "is not whole, first at row", id="a-record-that-was-altered"),
        pytest.param(forge, "is signed with another key", id="another-schools-anchor"),
    ],
)
def test_what_does_not_agree_is_said(
    nobody: Shell, handed: Handed, spoil: Callable[[Handed], tuple[str, ...]], says: str
) -> None:
    done = nobody.run("audit", "verify-export", str(handed.file), *spoil(handed))
    assert (done.exit_code, done.stdout) == (1, ""), done.output
    assert says in done.stderr


@pytest.mark.parametrize(
    ("touched", "code", "says"),
    [
        pytest.param("other", 0, "the record was not whole; `schoolgate audit verify` on the", id="a-row-between"),
        pytest.param("own", 1, "of the record was altered before it was exported.", id="a-row-of-its-own"),
    ],
)
def test_a_record_that_was_touched_before_is_said(
    nobody: Shell, handed: Handed, touched: str, code: int, says: str
) -> None:
    school = handed.school
    own, other = school.open(), school.open()
    with school.store.act() as act:
        act.database.execute("DROP TRIGGER audit_is_never_changed")
        incident = {"own": own, "other": other}[touched].incident.id
        act.database.execute("UPDATE audit SET actor = 'p99' WHERE subject = ?", (incident,))
    export = school.incidents.exports.export
    handed.file.write_bytes(export(school.ids["head"], own.incident.id, purpose=LOOK[1], case=own.number))
    done = nobody.run("audit", "verify-export", str(handed.file))
    assert (done.exit_code, says in done.output) == (code, True), done.output


def test_what_is_not_there_is_usage(nobody: Shell, tmp_path: Path) -> None:
    assert nobody.run("audit", "verify-export", str(tmp_path / "nothing.zip")).exit_code == 2
    (tmp_path / "text.zip").write_text("no evidence")
    done = nobody.run("audit", "verify-export", str(tmp_path / "text.zip"))
    assert (done.exit_code, done.stderr) == (1, "It is no whole ZIP file; expected what an export wrote.\n")
