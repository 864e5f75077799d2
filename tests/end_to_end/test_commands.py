"""The commands as people type them: what they print, how they end, and what the running gateway makes of it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.rcode
import dns.rdatatype
import pytest
import typer
from conftest import BIN, RunningGateway, Upstream, addresses, ede, make_gateway
from typer.testing import CliRunner, Result

from agent.assembly import STATE_NAME
from agent.cli import app
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import StateStore

PUPIL, STAFF, GUEST = "127.0.0.1", "127.0.0.2", "127.0.0.3"
NOERROR, NXDOMAIN = dns.rcode.NOERROR, dns.rcode.NXDOMAIN


def schoolgate(*words: str | Path, site: Path | None = None) -> Result:
    """Run a command within this process: there are many, and starting Python takes longer than most of them."""
    option = [] if site is None else ["--site", str(site)]
    return CliRunner().invoke(app, [*map(str, words), *option], prog_name="schoolgate")


# ---- help and usage ------------------------------------------------------------------------------------------------


def commands(group: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give every command and group of commands."""
    yield before
    for command in group.registered_commands:
        yield (*before, command.name or str(getattr(command.callback, "__name__", "")).replace("_", "-"))
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from commands(inner.typer_instance, (*before, str(inner.name)))


ALL_COMMANDS = list(commands(app))


def test_the_commands_are_those_of_the_design() -> None:
    found = {" ".join(words) for words in ALL_COMMANDS}
    assert found >= {"init", "check", "gateway", "explain", "reload"}
    assert found >= {f"lists {each}" for each in ("update", "status", "rollback", "import")}


@pytest.mark.parametrize("words", ALL_COMMANDS, ids=lambda words: "-".join(words) or "schoolgate")
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    done = schoolgate(*words, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: schoolgate")
    assert re.search(r"\n\n  [A-Z][^.]*\.\n", done.stdout), "a sentence that says what it does"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("chek",), id="unknown-command"),
        pytest.param(("lists", "updat"), id="unknown-command-of-lists"),
        pytest.param(("check", "--sight", "x"), id="unknown-option"),
        pytest.param(("explain", "www.example"), id="missing-option"),
        pytest.param(("lists", "rollback", "two"), id="not-a-number"),
        pytest.param(("check", "/nowhere/site.yaml"), id="no-site"),
        pytest.param(("gateway", "--site", "/nowhere/site.yaml"), id="no-site-for-the-gateway"),
        pytest.param(("lists", "status", "--site", "/nowhere/site.yaml"), id="no-site-for-lists"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(words: tuple[str, ...]) -> None:
    done = schoolgate(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


# ---- init and check ------------------------------------------------------------------------------------------------


def test_a_site_where_nobody_may_approve_is_told_so(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "school: {name: Test School, timezone: Europe/London}\npacks: [uk-esafety]\n"
        "networks: {all: {audience: pupil, cidrs: [192.0.2.0/24]}}\nlisteners: {api: '127.0.0.1:8443'}\n"
    )
    done = schoolgate("check", site)
    assert done.exit_code == 0
    assert "warning: Nobody may decide about overrides; expected" in done.stderr


def test_a_school_that_still_begins_is_told_so(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "school: {name: Test School, timezone: Europe/London}\npacks: [uk-esafety]\n"
        "networks: {all: {audience: pupil, cidrs: [192.0.2.0/24]}}\nlisteners: {api: '127.0.0.1:8443'}\n"
    )
    with closing(StateStore(tmp_path / "state" / STATE_NAME, clock=lambda: datetime.now(UTC))) as store:
        begins = schoolgate("check", site)
        with store.act() as act:
            act.note(BEGINNING_ENDED, actor="system")
        goes_on = schoolgate("check", site)
    assert "warning: The school is still in its beginning: whoever manages people gives roles" in begins.stderr
    assert "in its beginning" not in goes_on.stderr


def test_the_version_is_told() -> None:
    done = schoolgate("--version")
    assert (done.exit_code, done.output.split()[0]) == (0, "schoolgate")


def test_the_example_is_written_once_and_is_good(tmp_path: Path) -> None:
    folder = tmp_path / "school"
    done = subprocess.run(
        [BIN / "schoolgate", "init", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Wrote {folder}/site.yaml. Try: schoolgate check {folder}/site.yaml\n"
    again = schoolgate("init", folder)
    assert again.exit_code == 2
    assert "found a site; expected a folder without a site.yaml" in again.stderr
    good = schoolgate("check", folder / "site.yaml")
    assert good.exit_code == 0
    (warning,) = good.stderr.splitlines()
    assert warning.startswith("warning: Nobody may decide about overrides"), (
        "the people of a school are not in the file"
    )
    assert "Betting and games for money" in good.stdout


def test_every_problem_of_a_site_is_told(gateway: RunningGateway, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    text = gateway.site.read_text().replace("source: lists", f"source: {gateway.folder}/lists")
    bad.write_text(text.replace("audience: pupil", "audience: pupils").replace("school:", "shcool:"))
    done = schoolgate("check", bad)
    assert done.exit_code == 2
    assert done.stdout == ""
    *problems, last = done.stderr.splitlines()
    assert len(problems) >= 3
    assert last == f"{len(problems)} problems."
    assert all(re.match(r"bad\.yaml(:\d+:\d+)?: .*found .*; expected ", problem) for problem in problems)


# ---- explain -------------------------------------------------------------------------------------------------------


NAMES = [
    "casino.example",
    "www.casino.example",
    "CASINO.example.",
    "vpn.example",
    "shop.example",
    "games.example",
    "www.youtube.com",
    "www.google.com",
    "helpline.example",
    "use-application-dns.net",
    "mask.icloud.com",
    "www.example",
    "nothing.example",
]


def live_verdict(gateway: RunningGateway, name: str, source: str) -> str:
    answer = gateway.ask(name, source=source)
    if ede(answer) in (15, 16, 17):
        return "block"
    return "rewrite" if answer.answer and answer.answer[0].rdtype == dns.rdatatype.CNAME else "allow"


@pytest.mark.parametrize(("audience", "source"), [("pupil", PUPIL), ("staff", STAFF), ("guest", GUEST)])
def test_what_is_explained_is_what_is_answered(gateway: RunningGateway, audience: str, source: str) -> None:
    live = {name: live_verdict(gateway, name, source) for name in NAMES}
    assert set(live.values()) >= {"block", "allow"}
    for who in (audience, source):
        assert {name: explained(gateway, name, who)["verdict"] for name in NAMES} == live


def explained(gateway: RunningGateway, name: str, who: str) -> dict[str, Any]:
    done = schoolgate("explain", name, "--as", who, "--json", site=gateway.site)
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_block_is_explained_to_the_line(gateway: RunningGateway) -> None:
    done = schoolgate("explain", "www.casino.example", "--as", "pupil", site=gateway.site)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "gambling.txt" in done.stdout
    assert "casino.example" in done.stdout
    as_json = json.loads(
        schoolgate("explain", "www.casino.example", "--as", "pupil", "--json", site=gateway.site).stdout
    )
    assert as_json["verdict"] == "block"
    assert as_json["listed"][0]["file"] == "gambling.txt"
    assert as_json["listed"][0]["line"] == 1
    answer = gateway.ask("www.casino.example")
    assert (as_json["answer"]["rcode"], as_json["answer"]["ede"]) == ("NXDOMAIN", ede(answer))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("www.example", "--as", "pupils"), "expected pupil", id="nobody-that-we-know"),
        pytest.param(("www.example", "--as", "192.0.2.1"), "no network of the site", id="stranger"),
        pytest.param(("www..example", "--as", "pupil"), "NAME: found", id="no-name"),
        pytest.param(("www.example", "--as", "pupil", "--at", "noonish"), "--at: found", id="no-time"),
    ],
)
def test_a_question_that_cannot_be_read_is_told(gateway: RunningGateway, words: tuple[str, ...], told: str) -> None:
    done = schoolgate("explain", *words, site=gateway.site)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


# ---- lists ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def idle(tmp_path: Path, upstream: Upstream) -> RunningGateway:
    """A site whose gateway does not run."""
    return make_gateway(tmp_path / "site", upstream)


def test_lists_of_a_gateway_that_does_not_run(idle: RunningGateway) -> None:
    status = idle.run("lists", "status")
    assert status.returncode == 0
    assert "ours: never loaded" in status.stdout
    assert "Nothing is compiled yet" in status.stdout
    nothing = idle.run("lists", "rollback")
    assert nothing.returncode == 1
    assert "an earlier generation is not there; kept are: none" in nothing.stderr
    update = idle.run("lists", "update")
    assert update.returncode == 0
    assert "Generation 1 is in force." in update.stdout
    assert "No gateway is running for this site; it will take this generation when it starts." in update.stdout
    again = idle.run("lists", "update")
    assert (again.returncode, "The generation in force stays." in again.stdout) == (0, True)
    as_json = json.loads(idle.run("lists", "status", "--json").stdout)
    assert [(each["name"], each["state"], each["names"]) for each in as_json] == [("ours", "fresh", 7)]
    reload = idle.run("reload")
    assert reload.returncode == 1
    assert "no gateway is running for this site" in reload.stderr
    unknown = idle.run("lists", "update", "theirs")
    assert unknown.returncode == 2
    assert "found the list theirs; expected one that the site has: ours" in unknown.stderr


def test_lists_of_a_running_gateway(own_gateway: RunningGateway) -> None:
    games = own_gateway.folder / "lists" / "games.txt"
    own_gateway.start()
    games.write_text("games.example\nnew.example\n")
    update = own_gateway.run("lists", "update")
    assert update.returncode == 0
    assert "Every worker of the running gateway answers by it." in update.stdout
    assert is_blocked(own_gateway, "new.example")

    rollback = own_gateway.run("lists", "rollback")
    assert rollback.returncode == 0
    assert rollback.stdout.startswith("Generation 1 of ")
    assert not is_blocked(own_gateway, "new.example")
    # Neither a look at unchanged lists nor a reload nor a new start brings back what a person has put away.
    assert own_gateway.run("lists", "update").returncode == 0
    assert own_gateway.run("reload").returncode == 0
    own_gateway.stop()
    own_gateway.start()
    assert not is_blocked(own_gateway, "new.example")
    assert own_gateway.status()["index_generation"] == 1

    forward = own_gateway.run("lists", "rollback", "2")
    assert forward.returncode == 0
    assert is_blocked(own_gateway, "new.example")
    gone = own_gateway.run("lists", "rollback", "7")
    assert gone.returncode == 1
    assert "generation 7 is not there; kept are: 1, 2" in gone.stderr

    games.write_text("games.example\nnewer.example\n")
    assert own_gateway.run("lists", "update").returncode == 0
    assert is_blocked(own_gateway, "newer.example"), "a change of the lists ends the roll-back"


def is_blocked(gateway: RunningGateway, name: str) -> bool:
    return ede(gateway.ask(name)) is not None


def test_a_file_is_imported_as_if_its_source_had_given_it(own_gateway: RunningGateway) -> None:
    own_gateway.change("lists:\n", "lists:\n  theirs: {source: 'https://127.0.0.1:9/list', category: gambling}\n")
    by_hand = own_gateway.folder / "by-hand.txt"
    by_hand.write_text("www.example\n")
    done = own_gateway.run("lists", "import", "theirs", str(by_hand))
    assert done.returncode == 0, done.stderr
    own_gateway.start()
    assert is_blocked(own_gateway, "www.example")
    explained_as_json = explained(own_gateway, "www.example", "staff")
    assert [(each["list"], each["line"]) for each in explained_as_json["listed"]] == [("theirs", 1)]
    missing = own_gateway.run("lists", "import", "theirs", "/nowhere/list.txt")
    assert missing.returncode == 1
    assert "/nowhere/list.txt does not exist" in missing.stdout + missing.stderr


def test_a_reload_says_what_came_of_it(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    assert addresses(own_gateway.ask("www.example"))
    own_gateway.site.write_text(own_gateway.site.read_text() + "policies: {p: {block: {names: [www.example]}}}\n")
    done = own_gateway.run("reload")
    assert (done.returncode, done.stdout) == (0, "Reloaded: every worker answers by policy 2.\n")
    assert own_gateway.ask("www.example").rcode() == NXDOMAIN
