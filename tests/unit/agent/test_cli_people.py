"""People from a shell: the table of rights, the first account, who there is, and files of people."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.schemas import ChangesTold, PersonTold, RosterApplied
from agent.assembly import STATE_NAME
from rules.roles import RIGHTS, Right, Role

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}}
"""
CHANGES = {
    "added": 1,
    "changed": 2,
    "closed": 3,
    "lines": ["added Ada: teacher"],
    "warnings": ["nobody would be left who approves"],
    "bad_lines": ["people.csv:4: found no name"],
    "digest": "d" * 64,
    "applied": False,
}
PEOPLE = [
    {"id": "p1", "name": "Ada", "roles": ["class_teacher"], "classes": ["6a"], "closed": False},
    {"id": "p2", "name": "Ben", "roles": [], "classes": [], "closed": True},
]
WORDS = "quiet otter 47 lamp"


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /people/import/preview", CHANGES)
    listening.answer("POST /people/import", {**CHANGES, "applied": True})
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def test_the_answers_here_are_those_of_the_interface() -> None:
    ChangesTold.model_validate(CHANGES, extra="forbid")
    for each in PEOPLE:
        PersonTold.model_validate(each, extra="forbid")


def test_the_table_of_rights_is_printed_for_anybody(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in Shell(tmp_path).run("people", "rights").stdout.splitlines()]
    assert lines[0] == "ROLE SIGNS IN WITH MAY"
    assert "pupil password nothing" in lines
    assert "teacher password request override" in lines
    assert "auditor password and code read record, verify record, export record" in lines
    assert len(lines) == 2 + len(Role)


def test_programs_get_every_cell_of_it(tmp_path: Path) -> None:
    told = json.loads(Shell(tmp_path).run("people", "rights", "--json").stdout)
    assert {Role(role): {Right(each) for each in held} for role, held in told.items()} == dict(RIGHTS)


def test_the_first_account_is_made_on_the_gateway_once(tmp_path: Path, site: Path) -> None:
    shell = Shell(tmp_path)
    words = ("people", "bootstrap", "Ada Clay", "ada", "--site", str(site), "--password-stdin")
    done = shell.run(*words, keys=f"{WORDS}\n")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Made the account ada for Ada Clay, person ")
    assert "otpauth://totp/" in done.stdout
    assert WORDS not in done.output
    with closing(sqlite3.connect(tmp_path / "state" / STATE_NAME)) as database:
        assert database.execute("SELECT login FROM accounts").fetchall() == [("ada",)]
        assert database.execute("SELECT role FROM memberships").fetchall() == [("network_manager",)]
    again = shell.run(*words, keys=f"{WORDS}\n")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    assert "There is an account already" in again.stderr


def test_a_password_that_is_asked_for_is_asked_for_twice(tmp_path: Path, site: Path) -> None:
    words = ("people", "bootstrap", "Ada Clay", "ada", "--role", "head_teacher", "--site", str(site), "--json")
    done = Shell(tmp_path).run(*words, keys=f"{WORDS}\n{WORDS}\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["login"] == "ada"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("--role", "headteacher"), 2, "--role: found 'headteacher'", id="a-role-there-is-not"),
        pytest.param(("--role", "teacher"), 1, "manage people", id="a-role-that-could-not-go-on"),
        pytest.param(("--site", "/none.yaml"), 2, "expected a file that can be read", id="no-site"),
    ],
)
def test_a_first_account_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, site: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    words = ("people", "bootstrap", "Ada Clay", "ada", "--site", str(site), "--password-stdin", *words)
    done = Shell(tmp_path).run(*words, keys=f"{WORDS}\n")
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert told in done.stderr


def test_a_password_that_breaks_a_rule_is_refused_in_one_sentence(tmp_path: Path, site: Path) -> None:
    words = ("people", "bootstrap", "Ada Clay", "ada", "--site", str(site), "--password-stdin")
    done = Shell(tmp_path).run(*words, keys="short1\n")
    assert (done.exit_code, done.stderr) == (1, "Found 6 characters in the password; expected at least 10.\n")


def test_a_list(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /people", {"items": PEOPLE})
    lines = [" ".join(line.split()) for line in shell.run("people", "list", "--with-closed").stdout.splitlines()]
    assert gateway.asked("GET /people").query == {"with_closed": "true"}
    assert lines[0] == "ID NAME ROLES CLASSES"
    assert lines[2:] == ["p1 Ada class teacher 6a", "p2 Ben left"]
    assert json.loads(shell.run("people", "list", "--json").stdout) == PEOPLE


def test_a_file_is_shown_before_anything_changes(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name,roles\n1,Zoë,teacher\n", encoding="utf-8-sig")
    done = shell.run("people", "import", str(file))
    assert (done.exit_code, done.stdout) == (
        0,
        "added Ada: teacher\nNothing is changed yet; with --apply: 1 added, 2 changed, 3 closed.\n",
    )
    assert done.stderr == "people.csv:4: found no name\nnobody would be left who approves\n"
    (seen,) = gateway.seen
    assert seen.path == "/people/import/preview"
    assert seen.body == {"format": "csv", "content": "id,name,roles\n1,Zoë,teacher\n"}


def test_what_was_shown_is_what_is_applied(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    file.write_bytes(b"PK\x03\x04rest")
    done = shell.run("people", "import", str(file), "--apply")
    assert done.stdout.endswith("Done: 1 added, 2 changed, 3 closed.\n")
    content = base64.b64encode(b"PK\x03\x04rest").decode()
    sent = gateway.asked("POST /people/import").body
    assert RosterApplied.model_validate(sent)
    assert sent == {
        "format": "oneroster",
        "content": content,
        "digest": "d" * 64,
    }


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        pytest.param(None, "No such file", id="no-file"),
        pytest.param(b"\xff\xfe1", "found no UTF-8 at octet 0; expected CSV in UTF-8", id="no-text"),
        pytest.param(b"x" * (1024 * 1024 + 1), "found more than 1 MB", id="too-much"),
    ],
)
def test_a_file_that_cannot_be_read_is_usage(
    gateway: GatewayOfTest, shell: Shell, tmp_path: Path, octets: bytes | None, told: str
) -> None:
    file = tmp_path / "people.csv"
    if octets is not None:
        file.write_bytes(octets)
    done = shell.run("people", "import", str(file))
    assert done.exit_code == 2
    assert told in done.stderr
    assert not gateway.seen
