"""What an interface tells beside what was asked: that filtering is off, which lesson is on, who somebody is now."""

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from conftest import free_port
from signed_in import REASON, Staff

from rules.roles import Role

SITE = """\
school: {{name: Test School, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{pupils: {{audience: pupil, cidrs: [127.0.0.1/32]}}}}
groups: {{year-6: {{cidrs: [127.0.0.1/32]}}}}
policies: {{ours: {{block: {{names: [chance.example]}}, audiences: [pupil]}}}}
schedules:
  lessons-am: {{windows: [{{days: mon-sun, from: '00:00', to: '12:00'}}]}}
  lessons-pm: {{windows: [{{days: mon-sun, from: '12:00', to: '24:00'}}]}}
listeners: {{dns: ["127.0.0.1:{dns}"], metrics: off, api: "127.0.0.1:{api}"}}
"""


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    """A head teacher who teaches, and a network manager, signed in."""
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


def test_while_filtering_is_off_everybody_is_told(staff: Staff) -> None:
    asked = json.loads(
        staff.run(
            "nora",
            *("suspend", "request", "--group", "year-6", "--until", "1h", "--json"),
            *("--reason", "The exam board tests its own pages."),
        ).stdout
    )
    agreed = staff.run("tess", "suspend", "approve", asked["id"])
    assert re.search(
        r"^Filtering is off for year-6 until .*\d\d:\d\d; agreed by Tess\.$", agreed.stderr, re.MULTILINE
    )
    listed = staff.run("nora", "people", "list")
    assert "Filtering is off for year-6" in listed.stderr
    assert "Filtering" not in listed.stdout
    assert staff.run("nora", "people", "list", "--json").stderr == ""
    stood = staff.run("nora", "status")
    assert re.search(r"^filtering +off for year-6 until .*; agreed by Tess", stood.stdout, re.MULTILINE)
    assert "gateway     no gateway answers\n" in stood.stdout
    ended = staff.run("nora", "suspend", "end", asked["id"])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_this_lesson_needs_no_site_at_hand(staff: Staff) -> None:
    staff.site.rename(staff.folder / "elsewhere.yaml")
    words = ("chance.example", "--for", "year-6", "--until", "this lesson", "--json")
    seen = staff.run("tess", "override", "preview", *words)
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout)["opens"] == [{"rule": "ours", "names": ["chance.example"]}]
    asked = json.loads(staff.run("tess", "override", "request", *words, "--reason", REASON).stdout)
    until = datetime.fromisoformat(asked["until_at"]).astimezone(ZoneInfo("Europe/London"))
    assert (until.hour % 12, until.minute, until.second) == (0, 0, 0)


def test_people_are_kept_by_hand(staff: Staff) -> None:
    added = staff.run("nora", "people", "add", "Ada Clay", "--role", "teacher", "--json")
    assert added.returncode == 0, added.stderr
    ada = json.loads(added.stdout)["id"]
    assert staff.run("nora", "people", "roles", ada, "--role", "teacher", "--role", "slt").returncode == 0
    assert staff.run("nora", "people", "close", ada).returncode == 0
    (nora,) = (
        each["id"]
        for each in json.loads(staff.run("nora", "people", "list", "--json").stdout)
        if each["name"] == "Nora"
    )
    promoted = staff.run("nora", "people", "roles", nora, "--role", "network_manager", "--role", "head_teacher")
    assert (promoted.returncode, promoted.stdout) == (1, "")
    assert promoted.stderr == "Nobody changes their own roles; somebody else who manages people can.\n"
    rows = json.loads(staff.run("tess", "audit", "show", "--kind", "rule_refused", "--json").stdout)
    assert [(row["facts"]["attempt"], row["actor_name"], row["subject"]) for row in rows] == [
        ("person_roles", "Nora", nora)
    ]


def test_a_program_acts_by_a_token_until_it_is_revoked(staff: Staff) -> None:
    issued = staff.run("nora", "token", "issue", "a board", "--scope", "read_people", "--until", "1d", "--json")
    made = json.loads(issued.stdout)
    session = json.loads((staff.home("nora") / "schoolgate" / "session.json").read_text())
    headers = {"Authorization": f"Bearer {made['secret']}"}
    trusted = ssl.create_default_context(cadata=session["server"]["certificate"])
    url = f"{session['server']['url']}/api/v1/people"
    with httpx.Client(verify=trusted, headers=headers) as program:
        assert program.get(url).status_code == 200
        assert staff.run("nora", "token", "list").stdout.count(made["id"]) == 1
        assert staff.run("nora", "token", "revoke", made["id"]).returncode == 0
        replayed = program.get(url)
    assert (replayed.status_code, replayed.json()["detail"]) == (
        401,
        "This token is not known, has ended or was revoked.",
    )
