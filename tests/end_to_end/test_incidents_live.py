"""Incidents as people deal with them: a gateway that runs, and the commands that everybody types for themselves."""

import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningGateway, Upstream, addresses, make_gateway, wait_until
from signed_in import CLASSES, YEAR5, Staff

from agent.people.accounts import Accounts
from agent.storage.state import StateStore
from rules.roles import Role

TOLD = "Two pupils of 5B sent nasty messages about a third one, with a screenshot of it."
PURPOSE = ("--purpose", "I look into what was reported today.")
NOTHING = "There are no incidents that you may read.\n"
PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "lena": Role.SAFEGUARDING_LEAD,
    "sol": Role.SLT,
    "karl": Role.KEY_STAGE_LEADER,
    "tess": Role.CLASS_TEACHER,
    "nora": Role.NETWORK_MANAGER,
    "toni": Role.TECHNICIAN,
    "pia": Role.PUPIL,
}


@dataclass
class Desk:
    """A school whose people sit at their shells."""

    gateway: RunningGateway
    staff: Staff

    def do(self, who: str, *words: str) -> str:
        """Run a command that has to go well; gives what it prints."""
        done = self.staff.run(who, "incident", *words)
        assert done.returncode == 0, f"{who}: {words}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, who: str, *words: str) -> str:
        """Run a command that has to be refused; gives the sentence."""
        done = self.staff.run(who, "incident", *words)
        assert (done.returncode, done.stdout) == (1, ""), f"{who}: {words}\n{done.stdout}{done.stderr}"
        return done.stderr

    def cases(self, who: str) -> list[dict[str, Any]]:
        """Give the queue of somebody, as programs read it."""
        found: list[dict[str, Any]] = json.loads(self.do(who, "list", "--json"))
        return found

    def report(self, who: str, text: str, *words: str) -> tuple[int, str]:
        """Report something; gives the number of the case and that of the receipt."""
        told = self.do(who, "report", text, *words)
        (receipt,) = re.findall(r"^Your number: (\S+)$", told, re.MULTILINE)
        with closing(sqlite3.connect(f"file:{self.staff.state}?mode=ro", uri=True)) as database:
            query = "SELECT number FROM incidents JOIN reports ON reports.incident = incidents.id WHERE receipt = ?"
            (number,) = database.execute(query, (receipt,)).fetchone()
        return number, receipt


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Desk]:
    gateway = make_gateway(tmp_path_factory.mktemp("incidents") / "site", upstream, change=CLASSES)
    staff = Staff.of(gateway, **PEOPLE)
    with closing(StateStore(staff.state, clock=lambda: datetime.now(UTC))) as store, store.act() as act:
        # Who reads of allegations has an authenticator, which the head of a team gets with no role.
        staff._secrets["sol"] = Accounts(store).enrol_totp(act, "sol", actor="system").totp_secret or ""
        act.database.execute("INSERT INTO classes VALUES ('c5', '5B', 'year5', '', '', NULL)")
        for login in ("tess", "pia"):
            row = (staff.people[login], PEOPLE[login].value, "c5")
            act.database.execute("INSERT INTO memberships VALUES (?, ?, ?)", row)
    with gateway.site.open("a") as site:
        site.write(f"incidents: {{second_reader: {staff.people['sol']}}}\nworkers: 1\n")
    gateway.start()
    try:
        staff.wait_for_interface()
        staff.remember(*PEOPLE)
        yield Desk(gateway, staff)
    finally:
        gateway.stop()


def test_from_what_somebody_tells_to_what_the_school_learnt(desk: Desk) -> None:
    case, receipt = desk.report("pia", TOLD, "--about", "other", "--whom", "pupil", "--anonymous")
    number = str(case)
    assert desk.do("pia", "receipt", receipt) == "We have it. Nobody has looked at it yet.\n"
    assert "nasty" not in desk.do("cora", "list"), "a list tells no words"
    assert "nasty messages" in desk.do("cora", "show", number, *PURPOSE)
    assert "no purpose" in desk.refused("cora", "show", number, "--purpose", "")
    desk.do("cora", "name", number, desk.staff.people["pia"], "--reason", "The class teacher knows who wrote it.")
    (seen,) = (each for each in desk.cases("cora") if each["number"] == case)
    assert (seen["state"], seen["level"], seen["subject"][:2]) == ("candidate", "person", "p-")

    words = ("--deliberate", "deliberate", "--why", "Three pupils have shown the same messages.")
    assert "row 'S01'" in desk.refused("cora", "accept", number, "--row", "S01", *words)
    accepted = desk.do("cora", "accept", number, "--row", "P10", *words)
    assert f"case        {number}: accepted\n" in accepted
    steps = json.loads(desk.do("cora", "step", "list", number, "--json"))
    assert [(each["action"], [owner["name"] for owner in each["owners"]]) for each in steps] == [
        ("refer_class_teacher", ["Tess"]),
        ("refer_ks_leader", ["Karl"]),
        ("refer_slt", ["Sol"]),
        ("inform_parents", ["Tess"]),
        ("remove_access", ["Nora"]),
    ]
    # This school is open on Mondays alone.
    now = datetime.now(UTC)
    assert all(now < datetime.fromisoformat(each["due_at"]) < now + timedelta(days=16) for each in steps)
    assert "steps are still open" in desk.refused(
        "cora", "close", number, "--outcome", "All is said.", "--lesson", "We say it earlier."
    )

    assert "Inform parents or carers" in desk.do("tess", "step", "list")
    assert "You have nothing to do about any case.\n" in desk.do("toni", "step", "list")
    assert "person      Pia" in desk.do("tess", "reveal", number, "--purpose", "To speak with the parents.")
    letter = desk.do("tess", "letter", "write", number, "parents", "--purpose", "To tell the parents.")
    assert "Pia" in letter
    assert "nasty" not in letter
    (drafted,) = json.loads(desk.do("tess", "letter", "list", number, "--json"))
    assert f"Letter {drafted['id']} was sent on " in desk.do("tess", "letter", "sent", drafted["id"])

    restrict_and_restore(desk, number, steps[4]["number"])
    for who, step in (("tess", 1), ("karl", 2), ("sol", 3), ("tess", 4), ("nora", 5)):
        desk.do(
            who, "step", "done", number, str(step), "--how", "We spoke with everybody.", "--outcome", "They saw it."
        )
    assert desk.do("pia", "receipt", receipt) == "Somebody is looking at it.\n"
    desk.do("cora", "close", number, "--outcome", "They have said sorry.", "--lesson", "We teach it in autumn.")
    assert desk.do("pia", "receipt", receipt) == "It has been dealt with.\n"
    assert "is closed, so it cannot be accepted" in desk.refused("cora", "accept", number, "--row", "P10", *words)


def restrict_and_restore(desk: Desk, case: str, step: int) -> None:
    """Take the access of a class away by the filter, and give it back."""
    assert addresses(desk.gateway.ask("www.example", source=YEAR5))
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    words = ("--group", "year5", "--until", "3d", "--review", tomorrow, "--reason", "Until we have spoken with all.")
    made = json.loads(desk.do("nora", "step", "restrict", case, str(step), *words, "--json"))
    wait_until(lambda: not addresses(desk.gateway.ask("www.example", source=YEAR5)))
    assert addresses(desk.gateway.ask("helpline.example", source=YEAR5)), "who needs help gets it"
    desk.do("nora", "step", "restore", made["id"], "--reason", "We have spoken with all.")
    wait_until(lambda: addresses(desk.gateway.ask("www.example", source=YEAR5)))


def test_an_allegation_against_staff_is_not_there_for_the_others(desk: Desk) -> None:
    text = "A grown-up of the school writes private messages to pupils in the evening."
    case, _ = desk.report("pia", text, "--about", "other", "--whom", "adult")
    number = str(case)
    for who in ("hedda", "sol"):
        assert [each["track"] for each in desk.cases(who) if each["number"] == case] == ["restricted"]
        assert "private messages" in desk.do(who, "show", number, *PURPOSE)
    for who in ("cora", "lena"):
        assert case not in [each["number"] for each in desk.cases(who)]
        assert f"There is no case {case} that you may read" in desk.refused(who, "show", number, *PURPOSE)
    for who in ("toni", "nora", "tess", "pia", "karl"):
        assert "You may not do this" in desk.refused(who, "list")
    exported = desk.staff.run("cora", "register", "export", "incidents", "--purpose", "The review of this term.")
    assert (exported.returncode, f"\n{case}," in exported.stdout) == (0, False)
    theirs = desk.staff.run("hedda", "register", "export", "incidents", "--purpose", "The review of this term.")
    assert f"\n{case}," in theirs.stdout


def test_what_is_illegal_is_sealed_and_takes_two(desk: Desk) -> None:
    case, _ = desk.report("tess", "A page with pictures that must not exist: awful.example.", "--about", "upsetting")
    number = str(case)
    desk.do("cora", "reclassify", number, "--kind", "illegal", "--reason", "It may be against the law.")
    for who in ("cora", "hedda", "lena"):
        (seen,) = (each for each in desk.cases(who) if each["number"] == case)
        assert (seen["track"], seen["subject"]) == ("sealed", "")
        for told in (desk.do(who, "show", number, *PURPOSE), desk.do(who, "show", number, *PURPOSE, "--json")):
            assert "awful" not in told
    assert "1. " in desk.do("hedda", "card", number)
    assert "until a second person asks" in desk.do("hedda", "unseal", number, *PURPOSE)
    assert "until a second person asks" in desk.do("hedda", "unseal", number, *PURPOSE), "one person is one"
    opened = desk.do("lena", "unseal", number, *PURPOSE)
    assert set(opened.splitlines()[0].removeprefix("asked by ").split(", ")) == {"Hedda", "Lena"}
    assert "how often" in opened
    assert "awful" not in opened
    assert "You may not do this" in desk.refused("toni", "unseal", number, *PURPOSE)
    assert "sealed" in desk.refused("cora", "reveal", number, *PURPOSE)


@pytest.mark.parametrize("name", ["../../etc/shadow", "C:\\pictures\\a.png", "a/../b"], ids=str)
def test_a_report_keeps_no_path(desk: Desk, name: str) -> None:
    words = ("--about", "mean", "--keeps", name)
    assert "plain name" in desk.refused("pia", "report", "<b>They</b> are mean to me every day.", *words)


def test_evidence_is_handed_out_and_checked_by_somebody_else(desk: Desk, tmp_path: Path) -> None:
    case, _ = desk.report("tess", "Somebody sends us pictures that we did not want.", "--about", "mean")
    file = tmp_path / "case.zip"
    assert "no purpose" in desk.refused("lena", "export", str(case), "--purpose", "", "--to", str(file))
    desk.do("lena", "export", str(case), *PURPOSE, "--to", str(file))
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    assert "pictures that we did not want" in (tmp_path / "evidence.json").read_text()
    words = ("audit", "verify-export", str(file), "--record", str(desk.staff.state))
    checked = desk.staff.run("toni", *words)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "stands in the record, whose chain is whole." in checked.stdout
    file.write_bytes(file.read_bytes().replace(b"did not want", b"did so want!"))
    spoilt = desk.staff.run("toni", *words)
    assert (spoilt.returncode, spoilt.stdout) == (1, "")


def test_each_look_is_on_the_register_and_the_record_is_whole(desk: Desk) -> None:
    case, _ = desk.report("tess", "Somebody plays games in every lesson.", "--about", "filter", "--whom", "pupil")
    desk.do("cora", "show", str(case), *PURPOSE)
    shown = desk.staff.run("hedda", "register", "show", "access", "--purpose", "Who looked at what.", "--json")
    looks = [each for each in json.loads(shown.stdout) if each["case"] == case]
    assert [(each["person"], each["purpose"]) for each in looks] == [(desk.staff.people["cora"], PURPOSE[1])]
    assert desk.do("cora", "dismiss", str(case), "--because", "lesson", "--reason", "It was asked for in maths.")
    verified = desk.staff.run("hedda", "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    log = desk.gateway.log.read_text()
    for word in ("Pia", "nasty", "awful", "private messages"):
        assert word not in log
