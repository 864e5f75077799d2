"""People at command lines, and the interface as it runs: asking, failing to approve it oneself, being approved."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import BIN, free_port
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from agent.accounts import Accounts
from agent.assembly import STATE_NAME
from agent.people import People
from agent.storage.state import StateStore
from rules.roles import Role

WORDS = "quiet otter 47 lamp"
REASON = "We study how adverts for games of chance are made."
SITE = """\
school: {{name: Test School, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{pupils: {{audience: pupil, cidrs: [127.0.0.1/32]}}}}
groups: {{year-6: {{cidrs: [127.0.0.1/32]}}}}
policies: {{ours: {{block: {{names: [chance.example]}}, audiences: [pupil]}}}}
listeners: {{dns: ["127.0.0.1:{dns}"], metrics: off, api: "127.0.0.1:{api}"}}
"""


@dataclass
class School:
    """A site with its interface running, and the authenticators of its people."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state" / STATE_NAME

    def run(self, login: str, *words: str, keys: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as somebody with a home of their own."""
        return subprocess.run(
            [BIN / "schoolgate", *words],
            input=keys,
            env={"XDG_STATE_HOME": str(self.folder / login), "PATH": str(BIN)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def sign_in(self, login: str) -> subprocess.CompletedProcess[str]:
        code = ""
        if secret := self.secrets.get(login):
            totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 (what authenticators know)
            code = totp.generate(int(datetime.now(UTC).timestamp())).decode()
        words = ("login", login, "--site", str(self.folder / "site.yaml"), "--password-stdin")
        return self.run(login, *words, keys=f"{WORDS}\n{code}\n")


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    found = School(tmp_path)
    (tmp_path / "site.yaml").write_text(SITE.format(dns=free_port(), api=free_port()))
    with closing(StateStore(found.state, clock=lambda: datetime.now(UTC))) as store:
        people, accounts = People(store), Accounts(store)
        for login, roles in (("tess", {Role.TEACHER, Role.HEAD_TEACHER}), ("nora", {Role.NETWORK_MANAGER})):
            with store.act() as act:
                person = people.open(act, login.title(), roles, actor="system")
                made = accounts.create(act, login, person.id, WORDS, actor="system")
            found.secrets[login] = made.totp_secret or ""
    server = subprocess.Popen(
        [sys.executable, "-m", "agent.api.server", str(tmp_path / "site.yaml")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert "https://127.0.0.1:" in server.stdout.readline()
        yield found
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_one_asks_and_another_decides(school: School) -> None:
    for login in ("tess", "nora"):
        done = school.sign_in(login)
        assert done.returncode == 0, done.stderr
    words = ("override", "request", "https://chance.example/a", "--for", "year-6", "--until", "1h")
    done = school.run("tess", *words, "--reason", REASON)
    assert done.returncode == 0, done.stderr
    assert "its host, chance.example" in done.stdout
    (asked,) = json.loads(school.run("nora", "override", "list", "--json").stdout)
    assert (asked["state"], asked["names"], asked["requester"]["name"]) == ("waiting", ["chance.example"], "Tess")

    alone = school.run("tess", "override", "approve", asked["id"])
    assert (alone.returncode, alone.stdout, alone.stderr.count("\n")) == (1, "", 1)
    assert json.loads(school.run("tess", "override", "show", asked["id"], "--json").stdout)["state"] == "waiting"

    approved = school.run("nora", "override", "approve", asked["id"], "--reason", "Fine for one lesson.")
    assert approved.returncode == 0, approved.stderr
    assert f"override    {asked['id']}: approved\n" in approved.stdout
    assert "decided by  Nora\n" in approved.stdout
    again = school.run("nora", "override", "refuse", asked["id"], "--reason", "On second thoughts.")
    assert again.returncode == 1
    revoked = school.run("nora", "override", "revoke", asked["id"], "--reason", "The lesson was moved.")
    assert f"{asked['id']}: revoked\n" in revoked.stdout

    kinds = {row["kind"] for row in json.loads(school.run("tess", "audit", "show", "--json").stdout)}
    assert {"signed_in", "override_requested", "rule_refused", "override_approved", "override_revoked"} <= kinds


def test_the_record_is_verified_here_there_and_by_others(school: School) -> None:
    school.sign_in("tess")
    assert "The record is whole" in school.run("tess", "audit", "verify").stdout
    out = school.folder / "record.jsonl"
    assert school.run("tess", "audit", "export", "--out", str(out)).returncode == 0
    for file in (out, school.state):
        done = school.run("nobody", "audit", "verify", "--file", str(file))
        assert (done.returncode, done.stderr) == (0, "")
    out.write_bytes(re.sub(rb'"account_created"', b'"account_closed"', out.read_bytes(), count=1))
    done = school.run("nobody", "audit", "verify", "--file", str(out))
    assert done.returncode == 1
    assert "was altered, removed, inserted or moved" in done.stderr


def test_a_suspension_takes_two(school: School) -> None:
    for login in ("tess", "nora"):
        school.sign_in(login)
    words = ("suspend", "request", "--group", "year-6", "--until", "1h", "--json")
    asked = json.loads(school.run("nora", *words, "--reason", "The exam board tests its own pages.").stdout)
    assert school.run("nora", "suspend", "approve", asked["id"]).returncode == 1
    agreed = school.run("tess", "suspend", "approve", asked["id"])
    assert agreed.returncode == 0, agreed.stderr
    assert "agreed by   Tess\n" in agreed.stdout
    ended = school.run("nora", "suspend", "end", asked["id"])
    assert ended.returncode == 0, ended.stderr


def test_signing_out_ends_it(school: School) -> None:
    school.sign_in("nora")
    session = (school.folder / "nora" / "schoolgate" / "session.json").read_text()
    assert school.run("nora", "people", "list").returncode == 0
    assert school.run("nora", "logout").stdout == "Signed out.\n"
    (school.folder / "nora" / "schoolgate" / "session.json").write_text(session)
    replayed = school.run("nora", "people", "list")
    assert (replayed.returncode, replayed.stdout) == (1, "")
    assert "sign in with `schoolgate login`" in replayed.stderr
