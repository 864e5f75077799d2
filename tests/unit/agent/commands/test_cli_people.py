"""People from a shell: the table of rights, the first account, who there is, and files of people."""

import base64
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from pwd import getpwuid
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test

from agent.api.people_schemas import (
    ChangesTold,
    ClassesAsked,
    ClassPage,
    PersonAsked,
    PersonChanged,
    PersonSettled,
    PersonTold,
    RolesAsked,
    RosterApplied,
    UnconfirmedPage,
)
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
    {
        "id": "p1",
        "version": 7,
        "name": "Ada",
        "roles": ["class_teacher"],
        "classes": ["c1"],
        "closed": False,
        "source": "hand",
        "waiting": [],
    },
    {
        "id": "p2",
        "version": 8,
        "name": "Ben",
        "roles": [],
        "classes": [],
        "closed": True,
        "source": "csv",
        "waiting": [],
    },
]
CHANGED = {**PEOPLE[0], "version": 9, "warnings": []}
ROLE = {
    "what": "role",
    "name": "head_teacher",
    "given_by": {"id": "p1", "name": "Ada"},
    "given_at": "2026-03-02T09:15:00Z",
    "is_in_force": False,
    "is_own": True,
}
ACCOUNT = {**ROLE, "what": "account", "name": "cy", "is_own": False}
STARTED = {**ROLE, "name": "network_manager", "given_by": None, "is_in_force": True}
WAITING = {
    "items": [
        {"person": {"id": "p3", "name": "Cy"}, "version": 41, "given": [ROLE, ACCOUNT]},
        {"person": {"id": "p1", "name": "Ada"}, "version": 42, "given": [STARTED]},
    ]
}
SETTLED = {**PEOPLE[0], "id": "p3", "name": "Cy", "done": [ROLE], "left": [ACCOUNT]}
CLASSES = {
    "items": [
        {"id": "c1", "title": "6A", "group": "year-6"},
        {"id": "c2", "title": "6B", "group": ""},
        {"id": "c3", "title": "6B", "group": ""},
    ]
}
WORDS = "quiet otter 47 lamp"
BOOTSTRAPPED = ("people_bootstrapped",)


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("GET /classes", CLASSES)
    listening.answer("GET /people/p1", PEOPLE[0])
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
    PersonChanged.model_validate(CHANGED, extra="forbid")
    ClassPage.model_validate(CLASSES, extra="forbid")
    UnconfirmedPage.model_validate(WAITING, extra="forbid")
    PersonSettled.model_validate(SETTLED, extra="forbid")
    for each in PEOPLE:
        PersonTold.model_validate(each, extra="forbid")


def test_the_table_of_rights_is_printed_for_anybody(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in Shell(tmp_path).run("people", "rights").stdout.splitlines()]
    assert lines[0] == "ROLE SIGNS IN WITH MAY"
    assert "pupil password nothing" in lines
    assert "teacher password request override, use media" in lines
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


def test_one_more_is_made_where_too_few_are_left_and_is_the_same_person_by_their_id(
    tmp_path: Path, site: Path
) -> None:
    shell = Shell(tmp_path)
    words = ("--site", str(site), "--password-stdin", "--json")
    first = json.loads(shell.run("people", "bootstrap", "Ada Clay", "ada", *words, keys=f"{WORDS}\n").stdout)
    done = shell.run("people", "bootstrap", first["person"], "ada2", "--again", *words, keys=f"{WORDS}\n")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["person"] == first["person"]
    told = shell.run("people", "bootstrap", "Ben", "ben", "--again", *words[:3], keys=f"{WORDS}\n").stdout
    assert told.startswith("Made the account ben for Ben, person ")
    with closing(sqlite3.connect(tmp_path / "state" / STATE_NAME)) as database:
        assert database.execute("SELECT login FROM accounts WHERE closed_at IS NULL").fetchall() == [
            ("ada2",),
            ("ben",),
        ]
        rows = database.execute("SELECT content FROM audit JOIN personal USING (number) WHERE kind = ?", BOOTSTRAPPED)
        assert [json.loads(content)["os_user"] for (content,) in rows] == [getpwuid(os.getuid()).pw_name] * 2


def test_a_list(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /people", {"items": PEOPLE})
    lines = [" ".join(line.split()) for line in shell.run("people", "list", "--with-closed").stdout.splitlines()]
    assert gateway.asked("GET /people").query == {"with_closed": "true"}
    assert lines[0] == "ID NAME ROLES CLASSES"
    assert lines[2:] == ["p1 Ada class teacher 6A", "p2 Ben left"]
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


def test_the_site_file_in_force_is_taken_over_without_being_sent(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("people", "import", "--from-site", "--apply")
    assert done.stdout.endswith("Done: 1 added, 2 changed, 3 closed.\n")
    assert gateway.asked("POST /people/import/preview").body == {"format": "site"}
    assert gateway.asked("POST /people/import").body == {"format": "site", "digest": "d" * 64}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param((), "found nothing", id="neither"),
        pytest.param(("people.csv", "--from-site"), "found a file and --from-site", id="both"),
    ],
)
def test_one_source_at_a_time(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], found: str) -> None:
    done = shell.run("people", "import", *words)
    assert done.exit_code == 2
    assert f"FILE: {found}; expected one of a file and --from-site" in done.stderr
    assert not gateway.seen


def test_the_school_of_an_archive_is_named(gateway: GatewayOfTest, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "roster.zip"
    file.write_bytes(b"PK\x03\x04rest")
    shell.run("people", "import", str(file), "--school", "s2", "--apply")
    assert {each.body["school"] for each in gateway.seen} == {"s2"}
    assert len(gateway.seen) == 2


# --- The second person


def test_what_waits_is_listed_and_what_one_person_gave_alone(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /people/waiting", WAITING)
    lines = [" ".join(line.split()) for line in shell.run("people", "waiting").stdout.splitlines()]
    assert lines[0] == "ID NAME GIVEN BY AT STAGE"
    assert lines[2:] == [
        "p3 Cy head teacher Ada Mon 2026-03-02 09:15 waits",
        "p3 Cy account cy Ada Mon 2026-03-02 09:15 waits until its owner has set a password and an authenticator",
        "p1 Ada network manager the gateway itself Mon 2026-03-02 09:15 in force, confirmed by nobody",
    ]
    assert json.loads(shell.run("people", "waiting", "--json").stdout) == WAITING["items"]


@pytest.mark.parametrize(
    ("decision", "settled", "said"),
    [
        ("confirm", SETTLED, "Confirmed of Cy: head teacher.\nWaits still of Cy: account cy.\n"),
        ("refuse", {**SETTLED, "done": [ROLE, ACCOUNT], "left": []}, "Refused of Cy: head teacher, account cy.\n"),
    ],
    ids=["confirmed", "refused"],
)
def test_what_waits_is_decided_about_as_it_stands(
    gateway: GatewayOfTest, shell: Shell, decision: str, settled: dict[str, Any], said: str
) -> None:
    gateway.answer("GET /people/waiting", WAITING)
    gateway.answer(f"POST /people/p3/{decision}", settled)
    done = shell.run("people", decision, "p3")
    assert (done.exit_code, done.stdout) == (0, said)
    assert gateway.asked(f"POST /people/p3/{decision}").headers["if-match"] == '"41"'
    assert json.loads(shell.run("people", decision, "p3", "--json").stdout) == settled


def test_where_nothing_waits_that_is_said(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /people/waiting", {"items": []})
    gateway.refuse("POST /people/p9/confirm", 404, "Nothing that this person was given waits for a second person.")
    done = shell.run("people", "confirm", "p9")
    assert (done.exit_code, done.stderr) == (1, "Nothing that this person was given waits for a second person.\n")


def test_an_account_that_waits_says_what_for(gateway: GatewayOfTest, shell: Shell) -> None:
    made = {"login": "cy", "person": "p3", "waits": True, "password": "abc", "totp_secret": None, "totp_uri": None}
    gateway.answer("POST /accounts", made, status=201)
    done = shell.run("people", "account", "cy", "--person", "p3")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("  schoolgate people confirm p3\n")


def test_a_role_that_waits_is_shown_so(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /people", {"items": [{**PEOPLE[0], "waiting": ["slt"]}]})
    assert "class teacher, slt (waits)" in shell.run("people", "list").stdout


# --- By hand


def test_somebody_is_opened(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /people", {**CHANGED, "warnings": ["Nobody may decide."]}, status=201)
    done = shell.run("people", "add", "Ada", "--role", "class_teacher", "--class", "6A")
    assert done.exit_code == 0, done.output
    assert done.stdout == "person      p1\nname        Ada\nroles       class teacher\nclasses     6A\n"
    assert done.stderr == "warning: Nobody may decide.\n"
    sent = gateway.asked("POST /people").body
    assert PersonAsked.model_validate(sent)
    assert sent == {"name": "Ada", "roles": ["class_teacher"], "classes": ["c1"]}


def test_roles_are_set_at_the_version_that_stands(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("PUT /people/p1/roles", CHANGED)
    done = shell.run("people", "roles", "p1", "--role", "slt", "--role", "class_teacher", "--json")
    assert json.loads(done.stdout) == CHANGED
    seen = gateway.asked("PUT /people/p1/roles")
    assert (seen.body, seen.headers["if-match"]) == ({"roles": ["class_teacher", "slt"]}, '"7"')
    assert RolesAsked.model_validate(seen.body)


@pytest.mark.parametrize(
    ("words", "sent"),
    [(("--class", "c2"), ["c2"]), (("--class", "6A", "--class", "c3"), ["c1", "c3"]), (("--none",), [])],
    ids=["by-id", "by-title-and-id", "none"],
)
def test_classes_are_set(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], sent: list[str]) -> None:
    gateway.answer("PUT /people/p1/classes", CHANGED)
    done = shell.run("people", "classes", "p1", *words)
    assert done.exit_code == 0, done.output
    assert gateway.asked("PUT /people/p1/classes").body == {"classes": sent}
    assert ClassesAsked.model_validate({"classes": sent})


def test_who_leaves_is_closed(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /people/p1/close", {**CHANGED, "roles": [], "classes": [], "closed": True})
    done = shell.run("people", "close", "p1")
    assert (done.exit_code, done.stdout) == (0, "person      p1\nname        Ada\nroles       left\n")
    assert gateway.asked("POST /people/p1/close").headers["if-match"] == '"7"'


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("add", "Ada", "--role", "techer"), "--role: found 'techer'; expected teacher", id="no-role"),
        pytest.param(("classes", "p1", "--class", "9Z"), "--class: found '9Z'; expected one of", id="no-class"),
        pytest.param(("classes", "p1", "--class", "6B"), "expected an id, one of c2, c3", id="two-of-a-title"),
        pytest.param(("classes", "p1"), "--class: found nothing; expected one of --class and --none", id="nothing"),
        pytest.param(("classes", "p1", "--class", "c1", "--none"), "found a class and --none", id="both"),
        pytest.param(("roles", "p1"), "Missing option '--role'", id="no-role-at-all"),
    ],
)
def test_what_cannot_be_meant_is_usage(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: str
) -> None:
    done = shell.run("people", *words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not [each for each in gateway.seen if each.method != "GET"]


def test_whoever_promotes_themselves_is_told_no(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("PUT /people/p1/roles", 409, "Nobody changes their own roles.")
    done = shell.run("people", "roles", "p1", "--role", "head_teacher")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Nobody changes their own roles.\n")


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        pytest.param(None, "No such file", id="no-file"),
        pytest.param(b"\xff\xfe1", "found no UTF-8 at octet 0; expected CSV in UTF-8", id="no-text"),
        pytest.param(b"x" * (11 * 1024 * 1024 + 1), "found more than 11 MB", id="too-much"),
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
