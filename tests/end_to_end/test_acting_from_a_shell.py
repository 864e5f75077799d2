"""People at command lines, and the interface as it runs without a gateway: acts that stand, and a record to show."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import free_port
from signed_in import PASSWORD, REASON, Staff

from rules.roles import Role

SITE = """\
school: {{name: Test School, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{pupils: {{audience: pupil, cidrs: [127.0.0.1/32]}}}}
groups: {{year-6: {{cidrs: [127.0.0.1/32]}}}}
policies: {{ours: {{block: {{names: [chance.example]}}, audiences: [pupil]}}}}
listeners: {{dns: ["127.0.0.1:{dns}"], metrics: off, api: "127.0.0.1:{api}"}}
"""


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    """A teacher who is head teacher as well, and a network manager, signed in where only the interface runs."""
    found = Staff(tmp_path)
    found.site.write_text(SITE.format(dns=free_port(), api=free_port()))
    found.enrol("tess", Role.TEACHER, Role.HEAD_TEACHER)
    found.enrol("nora", Role.NETWORK_MANAGER)
    server = subprocess.Popen(
        [sys.executable, "-m", "agent.api.server", found.site], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert "https://127.0.0.1:" in server.stdout.readline()
        found.remember(*found.people)
        yield found
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_what_is_decided_stands_though_no_gateway_hears_of_it(staff: Staff) -> None:
    words = ("override", "request", "https://chance.example/a", "--for", "year-6", "--until", "1h")
    done = staff.run("tess", *words, "--reason", REASON)
    assert done.returncode == 0, done.stderr
    (asked,) = json.loads(staff.run("nora", "override", "list", "--json").stdout)
    assert (asked["state"], asked["names"], asked["requester"]["name"]) == ("waiting", ["chance.example"], "Tess")
    approved = staff.run("nora", "override", "approve", asked["id"], "--reason", "Fine for one lesson.")
    assert f"override    {asked['id']}: approved\n" in approved.stdout
    assert "decided by  Nora\n" in approved.stdout
    assert "not every worker applies it yet" in approved.stdout
    again = staff.run("nora", "override", "refuse", asked["id"], "--reason", "On second thoughts, not this one.")
    assert (again.returncode, again.stderr) == (1, "This request is approved, so it cannot be refused.\n")
    revoked = staff.run("nora", "override", "revoke", asked["id"], "--reason", "The lesson was moved.")
    assert f"{asked['id']}: revoked\n" in revoked.stdout
    kinds = {row["kind"] for row in json.loads(staff.run("tess", "audit", "show", "--json").stdout)}
    assert {"signed_in", "override_requested", "rule_refused", "override_approved", "override_revoked"} <= kinds


def test_the_record_is_verified_here_there_and_by_others(staff: Staff) -> None:
    assert "The record is whole" in staff.run("tess", "audit", "verify").stdout
    out = staff.folder / "record.jsonl"
    assert staff.run("tess", "audit", "export", "--out", str(out)).returncode == 0
    for file in (out, staff.state):
        done = staff.run("nobody", "audit", "verify", "--file", str(file))
        assert (done.returncode, done.stderr) == (0, "")
    out.write_bytes(re.sub(rb'"account_created"', b'"account_closed"', out.read_bytes(), count=1))
    done = staff.run("nobody", "audit", "verify", "--file", str(out))
    assert done.returncode == 1
    assert "was altered, removed, inserted or moved" in done.stderr


def test_a_suspension_takes_two(staff: Staff) -> None:
    words = ("suspend", "request", "--group", "year-6", "--until", "1h", "--json")
    asked = json.loads(staff.run("nora", *words, "--reason", "The exam board tests its own pages.").stdout)
    assert staff.run("nora", "suspend", "approve", asked["id"]).returncode == 1
    agreed = staff.run("tess", "suspend", "approve", asked["id"])
    assert agreed.returncode == 0, agreed.stderr
    assert "agreed by   Tess\n" in agreed.stdout
    ended = staff.run("nora", "suspend", "end", asked["id"])
    assert ended.returncode == 0, ended.stderr


def test_nobody_alone_makes_somebody_who_decides(staff: Staff) -> None:
    eve = json.loads(staff.run("nora", "people", "add", "Eve", "--role", "ict_coordinator", "--json").stdout)["id"]
    made = json.loads(staff.run("nora", "people", "account", "eve", "--person", eve, "--json").stdout)
    first = made["password"]
    staff.know("eve", eve, made["totp_secret"])
    assert staff.sign_in("eve", password=first).returncode == 0
    own = json.loads(
        staff.run("eve", "people", "authenticator", "--password-stdin", "--json", keys=f"{first}\n").stdout
    )
    staff.know("eve", eve, own["totp_secret"])
    assert staff.sign_in("eve", password=first).returncode == 0
    assert staff.run("eve", "people", "confirm", eve).returncode == 1
    alone = staff.run("nora", "people", "confirm", eve)
    assert (alone.returncode, alone.stderr) == (
        1,
        "You gave this yourself; somebody else who manages people, and is not who got it, has to confirm it.\n",
    )
    early = staff.run("tess", "people", "confirm", eve)
    assert early.stdout == "Confirmed of Eve: ict coordinator.\nWaits still of Eve: account eve.\n"
    assert staff.sign_in("eve", password=first).returncode == 0
    waits = staff.run("eve", "override", "list")
    assert (waits.returncode, waits.stderr.partition(";")[0]) == (
        1,
        "Your account waits until a second person who manages people has confirmed it",
    )
    keys = f"{first}\n{PASSWORD}\n"
    assert staff.run("eve", "people", "password", "--password-stdin", keys=keys).returncode == 0
    assert staff.run("tess", "people", "confirm", eve).stdout == "Confirmed of Eve: account eve.\n"
    shown = json.loads(staff.run("tess", "people", "list", "--json").stdout)
    assert next(each["roles"] for each in shown if each["id"] == eve) == ["ict_coordinator"]
    rows = json.loads(staff.run("tess", "audit", "show", "--json").stdout)
    kinds = [row["kind"] for row in rows if eve in (row["actor"], row["subject"])]
    assert (kinds.count("people_waiting"), kinds.count("people_confirmed")) == (2, 2)
    assert kinds.count("rule_refused") == 3


def test_signing_out_ends_it(staff: Staff) -> None:
    session = staff.home("nora") / "schoolgate" / "session.json"
    remembered = session.read_text()
    assert staff.run("nora", "people", "list").returncode == 0
    assert staff.run("nora", "logout").stdout == "Signed out.\n"
    session.write_text(remembered)
    replayed = staff.run("nora", "people", "list")
    assert (replayed.returncode, replayed.stdout) == (1, "")
    assert "sign in with `schoolgate login`" in replayed.stderr
