"""Changes of the filter at work: drafted at a command line, approved by somebody else, answered by every worker."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Upstream, addresses, free_port, make_gateway, wait_until
from signed_in import REASON, Staff

from agent.commands.client import Client
from agent.storage.state import read_only
from rules.roles import Role

REVIEW = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
ANSWERS = ("--reason", REASON, "--review", REVIEW)
NO_WWW = "policies: {no-www: {block: {names: [www.example]}}}\n"
NO_SHORT = "policies: {no-short: {block: {names: [short.example]}}}\n"
FOR_MEDIA = "policies: {media-shops: {allow: {names: [casino.example]}, groups: [media]}}\n"
MEDIA = "  media: {devices: [127.0.0.9]}\n"


class School:
    """A gateway with two workers and its interface; Cora types commands, and Manu uses a program of his own."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        change = {"listeners: {": f'listeners: {{api: "127.0.0.1:{free_port()}", ', "groups:\n": f"groups:\n{MEDIA}"}
        self.gateway = make_gateway(folder, upstream, extra="workers: 2\n", change=change)
        self.staff = Staff(self.gateway.folder)
        self.staff.enrol("cora", Role.ICT_COORDINATOR)
        self.staff.enrol("manu", Role.NETWORK_MANAGER)
        self.manu: Client

    def start(self, stack: ExitStack) -> None:
        self.gateway.start()
        self.staff.wait_for_interface()
        self.staff.remember("cora")
        self.manu = stack.enter_context(self.staff.client("manu"))
        wait_until(self.versions)

    def cora(self, *words: str, keys: str = "") -> str:
        """Run a command as Cora; give what it printed, or why it was refused."""
        done = self.staff.run("cora", "filter", *words, keys=keys)
        assert done.returncode in (0, 1), done.stderr
        assert bool(done.stdout) == (done.returncode == 0)
        return done.stdout or done.stderr

    def draft(self, text: str) -> int:
        """Draft as Cora."""
        number: int = json.loads(self.cora("draft", "-", *ANSWERS, "--json", keys=text))["number"]
        return number

    def approve(self, number: int) -> dict[str, Any]:
        """Approve as Manu."""
        made: dict[str, Any] = self.manu.post(f"/filter/versions/{number}/approve", {}, version=1)
        return made

    def change(self, text: str) -> None:
        assert self.approve(self.draft(text))["effect"]["applied"]

    def versions(self) -> list[dict[str, Any]]:
        """Give every version, the newest first."""
        return list(self.manu.pages("/filter/versions"))

    def kinds(self) -> list[str]:
        with read_only(self.staff.state) as database:
            return [row["kind"] for row in database.execute("SELECT kind FROM audit")]

    def answers(self, name: str) -> set[bool]:
        """Ask every worker whether a name is open."""
        return {bool(addresses(self.gateway.ask(name))) for _ in range(20)}

    def is_open(self, name: str) -> bool:
        """Say whether a name is open; all workers say the same."""
        answers = self.answers(name)
        assert len(answers) == 1, "workers answer differently"
        return answers.pop()

    def hang_up(self) -> None:
        assert self.gateway.process is not None
        self.gateway.process.send_signal(signal.SIGHUP)

    def explain(self, name: str) -> str:
        return self.gateway.run("explain", name, "--as", "pupil").stdout


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    school = School(tmp_path / "site", upstream)
    with ExitStack() as stack:
        stack.callback(school.gateway.stop)
        school.start(stack)
        yield school


def test_one_drafts_another_approves_and_every_worker_answers_by_it(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    assert school.is_open("www.example")
    assert school.cora("preview", "-", keys=NO_WWW) == (
        "The policy no-www was added; it blocks www.example for everybody, always.\n"
    )
    number = school.draft(NO_WWW)
    assert "are on record." in school.cora("try", str(number))
    alone = school.cora("approve", str(number))
    assert alone == "You drafted this change yourself; somebody else has to decide about it.\n"
    assert "rule_refused" in school.kinds()
    assert school.is_open("www.example")

    asked = {
        "names": ["www.example"],
        "groups": ["media"],
        "reason": REASON,
        "until_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    assert school.manu.post("/overrides/preview", asked)["opens"] == []

    began = time.monotonic()
    effect = school.approve(number)["effect"]
    applied = time.monotonic() - began
    assert not school.is_open("www.example")
    seconds = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(
            f"\nEvery worker had the change of the filter {applied * 1000:.0f} ms after its approval was sent;"
            f" twenty answers later it was {seconds * 1000:.0f} ms.\n"
        )
    assert effect["applied"]
    assert applied < 1
    opens = school.manu.post("/overrides/preview", asked)["opens"]
    assert opens == [{"rule": "no-www", "names": ["www.example"]}], "what is asked for next meets the changed filter"
    assert "Rule: no-www, written in filter change 2\n" in school.explain("www.example")
    assert school.gateway.metrics()["schoolgate_filter_as_approved"] == 1
    assert school.gateway.health() == []

    back = json.loads(school.cora("roll-back", "1", *ANSWERS, "--json"))
    assert back["changes"] == ["The policy no-www was removed; it blocked www.example for everybody, always."]
    assert school.approve(back["number"])["effect"]["applied"]
    assert school.is_open("www.example")
    assert "filter change" not in school.explain("www.example")


def test_what_somebody_writes_into_the_file_is_on_record_and_what_was_approved_stays_over_it(school: School) -> None:
    school.change(NO_WWW)
    assert school.is_open("short.example")
    school.gateway.site.write_text(school.gateway.site.read_text() + NO_SHORT)
    school.hang_up()
    wait_until(lambda: school.versions()[0]["source"] == "disk" and len(school.versions()) == 3)
    found = school.versions()[0]
    assert (found["approved_by"], found["os_user"]) == (None, school.gateway.site.owner())
    assert found["changes"] == ["The policy no-short was added; it blocks short.example for everybody, always."]
    assert "on disk" in school.cora("list")
    assert "nobody" in school.cora("list")
    assert not school.is_open("short.example")
    assert not school.is_open("www.example")

    school.gateway.stop()
    school.gateway.start()
    assert not school.is_open("www.example"), "a new start keeps what was approved"
    assert not school.is_open("short.example")
    assert "Rule: no-www, written in filter change 2\n" in school.explain("www.example")
    assert "written in site.yaml:" in school.explain("short.example")
    checked = school.staff.run("cora", "check", str(school.gateway.site))
    assert checked.returncode == 0
    assert "note: this is the file with what was approved over it, up to filter change 2\n" in checked.stderr
    assert "www.example (no-www)" in checked.stdout


def test_a_file_over_which_it_cannot_lie_is_refused_at_a_reload_and_holds_alone_at_a_start(school: School) -> None:
    school.change(FOR_MEDIA)
    school.change(NO_WWW)
    school.gateway.change(MEDIA, "")
    done = school.gateway.run("reload")
    assert done.returncode == 2
    assert "site.yaml with filter change 3: policies.media-shops.groups" in done.stderr
    assert not school.is_open("www.example"), "the filter before stays in force"
    assert school.gateway.health() == []
    done = school.staff.run("cora", "check", str(school.gateway.site))
    assert done.returncode == 2
    assert "policies.media-shops.groups" in done.stderr

    school.gateway.stop()
    school.gateway.start()
    fault = "what was approved of the filter cannot lie over the site file; in force is the site file alone"
    assert school.is_open("www.example"), "somebody has to answer all the same"
    assert fault in school.gateway.health()
    assert school.gateway.metrics()["schoolgate_filter_as_approved"] == 0
    assert f"The filter is not as it was approved: {fault} (" in school.gateway.log.read_text()
    wait_until(lambda: "filter_change_laid_aside" in school.kinds())
    shown = school.cora("show", "3")
    assert "3: approved, and not in force\n" in shown
    assert "policies.media-shops.groups" in shown
    assert school.versions()[0]["changes"][-1].startswith("What was approved up to filter change 3 cannot lie over")

    refusal = school.cora("draft", "-", *ANSWERS, keys=NO_SHORT)
    assert "policies.media-shops.groups" in refusal
    assert refusal.count("\n") == 1
    school.change("policies: {media-shops: null}\n")
    assert not school.is_open("www.example"), "what was approved is in force again"
    assert school.gateway.health() == []
    assert school.gateway.metrics()["schoolgate_filter_as_approved"] == 1


def test_a_state_that_cannot_be_read_keeps_nobody_from_an_answer(school: School) -> None:
    school.change(NO_WWW)
    school.gateway.stop()
    state = school.staff.state
    aside = state.rename(state.with_suffix(".kept"))
    state.mkdir()
    school.gateway.start()
    assert school.is_open("www.example")
    fault = "what was approved of the filter cannot be read; in force is the site file alone"
    assert fault in school.gateway.health()
    done = school.gateway.run("reload")
    assert done.returncode == 2
    assert "state.db" in done.stderr
    state.rmdir()
    aside.rename(state)
    assert school.gateway.run("reload").returncode == 0
    assert not school.is_open("www.example")
    assert fault not in school.gateway.health()


def test_a_list_that_is_approved_is_fetched_and_one_that_goes_is_forgotten(school: School) -> None:
    (school.gateway.folder / "more.txt").write_text("short.example\n")
    assert school.is_open("short.example")
    school.change("lists: {more: {source: more.txt, category: gambling}}\n")
    wait_until(lambda: school.answers("short.example") == {False})
    assert school.gateway.run("lists", "update").returncode == 0
    assert not school.is_open("short.example"), "who updates by hand has the approved lists too"
    assert "more" in school.gateway.run("lists", "status").stdout
    school.change("lists: {more: null}\n")
    wait_until(lambda: school.answers("short.example") == {True})
