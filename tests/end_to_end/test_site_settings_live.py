"""What a site file says of overrides and of people, at work: asked for, refused, closed again, and taken over."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Upstream, addresses, free_port, make_gateway, wait_until
from signed_in import REASON, Staff

from rules.roles import Role

NEVER = "[malware, phishing, proxy, vpn, encrypted_dns, tor, gambling]"
PEOPLE = """\
classes:
  6b: {title: Year 6 Beech, group: year-6}
people:
  t-04: {name: Ada Example, roles: [teacher], classes: [6b]}
  h-01: {name: Ben Sample, roles: [head_teacher]}
"""
YEAR_6 = {"groups:\n": "groups:\n  year-6: {cidrs: [127.0.0.1/32]}\n"}
CASINO = ("casino.example", "--for", "year-6", "--until", "1h", "--reason", REASON)
REVIEW = (date.today() + timedelta(days=90)).isoformat()  # noqa: DTZ011 (any day of the next months)


class School:
    """A gateway with its interface, and two people at their command lines."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        listeners = {"listeners: {": f'listeners: {{api: "127.0.0.1:{free_port()}", '}
        self.gateway = make_gateway(folder, upstream, extra=PEOPLE, change=listeners | YEAR_6)
        self.staff = Staff(self.gateway.folder)
        self.staff.enrol("cora", Role.ICT_COORDINATOR)
        self.staff.enrol("manu", Role.NETWORK_MANAGER)

    def start(self) -> None:
        self.gateway.start()
        self.staff.wait_for_interface()
        self.staff.remember("cora", "manu")

    def run(self, login: str, *words: str, keys: str = "", code: int = 0) -> str:
        done = self.staff.run(login, *words, keys=keys)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, login: str, *words: str, keys: str = "") -> Any:
        return json.loads(self.run(login, *words, "--json", keys=keys))

    def import_people(self, *words: str) -> list[str]:
        lines: list[str] = self.json("manu", "people", "import", "--from-site", *words)["lines"]
        return lines

    def open_casino(self) -> None:
        self.run("cora", "override", "request", *CASINO)
        (waiting,) = self.json("manu", "override", "list")
        self.run("manu", "override", "approve", waiting["id"])

    def is_open(self) -> bool:
        return bool(addresses(self.gateway.ask("casino.example")))


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    school = School(tmp_path / "site", upstream)
    school.start()
    yield school
    school.gateway.stop()


def test_people_of_the_site_file_are_at_the_school_once_somebody_imports_them(school: School) -> None:
    everybody = ["+ class Year 6 Beech (group year-6)", "+ Ada Example: teacher in Year 6 Beech"]
    everybody.append("+ Ben Sample: head_teacher")
    assert school.import_people() == everybody
    assert [each["name"] for each in school.json("manu", "people", "list")] == ["Cora", "Manu"]
    assert school.import_people("--apply") == everybody
    assert len(school.json("manu", "people", "list")) == 4
    school.gateway.change("  h-01: {name: Ben Sample, roles: [head_teacher]}\n", "")
    assert school.import_people() == [], "the gateway has not taken the file"
    assert school.gateway.run("reload").returncode == 0
    wait_until(lambda: school.import_people() == ["- Ben Sample"])
    assert school.import_people("--apply") == ["- Ben Sample"]
    assert [each["name"] for each in school.json("manu", "people", "list")] == ["Ada Example", "Cora", "Manu"]
    runtime = school.gateway.folder / "runtime"
    assert "Ada Example" not in (runtime / "snapshot.json").read_text()
    assert oct((runtime / "site-in-force.yaml").stat().st_mode & 0o777) == "0o600"


def test_what_the_file_closes_for_everybody_is_closed_for_an_override_that_runs(school: School) -> None:
    school.open_casino()
    assert school.is_open()
    school.gateway.site.write_text(school.gateway.site.read_text() + f"overrides: {{never: {NEVER}}}\n")
    assert school.gateway.run("reload").returncode == 0
    assert not school.is_open()
    explained = school.gateway.run("explain", "casino.example", "--as", "pupil").stdout
    assert "nobody can ask for an exception" in explained
    assert "never lifted by an override" in school.run("cora", "override", "request", *CASINO, code=1)


def test_what_two_people_close_is_closed_too(school: School) -> None:
    school.open_casino()
    draft = ("filter", "draft", "-", "--reason", REASON, "--review", REVIEW)
    number = str(school.json("cora", *draft, keys=f"overrides: {{never: {NEVER}}}\n")["number"])
    assert "Nobody can ask for Gambling any more." in school.run("manu", "filter", "show", number)
    school.run("manu", "filter", "approve", number)
    assert not school.is_open()
    refused = school.staff.run("cora", *draft, keys="overrides: {break_glass_minutes: 5}\n")
    assert refused.returncode == 1
    assert "expected never, sensitive, max_days of that part" in refused.stderr
