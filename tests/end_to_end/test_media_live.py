"""Media at a school that lives: what is late is told to whom it should be, and a report shows what was on record."""

import email
import email.policy
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Upstream, free_port, wait_until
from laptops_of_test import stick
from living_school import LONDON, MINUTE, School, open_school
from mail_server import MailServer
from nano_dns import LOOPBACK, Certificate, make_certificate
from signed_laptops import Laptop, laptop_of

from agent.storage.state import StateStore
from rules.roles import Role

STAFF = "127.0.0.2"
USB = {"vendor": "0951", "product": "1666", "serial": "AB-1", "name": "DataTraveler"}
NOTIFICATIONS = """
notifications:
  mail:
    host: 127.0.0.1
    port: {port}
    sender: gate@school.example.test
    ca_file: {certificate}
    recipients:
      roles:
        network_manager: it@school.example.test
        ict_coordinator: coordinator@school.example.test
        head_teacher: head@school.example.test
        data_protection_officer: officer@school.example.test
      people: {{$tess: tess@school.example.test}}
"""
PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "dora": Role.DATA_PROTECTION_OFFICER,
    "hedda": Role.HEAD_TEACHER,
    "nadia": Role.NETWORK_MANAGER,
    "tess": Role.TEACHER,
    "tom": Role.TECHNICIAN,
}
LATE, UNCLEARED = "A medium is not back yet", "A medium should have been cleared"
WORDS = "It was in my bag on the train"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), [f"IP:{LOOPBACK}"])


@pytest.fixture
def mail(certificate: Certificate) -> Iterator[MailServer]:
    with MailServer(certificate.serve(), port=free_port()) as server:
        yield server


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream, mail: MailServer, certificate: Certificate) -> Iterator[School]:
    extra = NOTIFICATIONS.format(port=mail.port, certificate=certificate.path)
    with ExitStack() as stack:
        yield open_school(tmp_path / "site", upstream, stack, people=PEOPLE, extra=extra)


def run(school: School, login: str, *words: str) -> list[str]:
    """Run a command about media as somebody; gives its lines, with one space between words."""
    done = school.staff.run(login, "media", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def today(**later: int) -> str:
    return (datetime.now(LONDON) + timedelta(**later)).date().isoformat()


def let_days_go_by(school: School, days: int) -> None:
    """Let what was due today be due so many days ago."""
    school.gateway.stop()
    with closing(StateStore(Path(school.staff.state), clock=lambda: datetime.now(UTC))) as store, store.act() as act:
        for table, column in (("sign_outs", "due_on"), ("media", "purge_on")):
            query = f"UPDATE {table} SET {column} = ? WHERE {column} IS NOT NULL"  # noqa: S608 (our own words)
            act.database.execute(query, (today(days=-days),))
    school.gateway.start()
    school.staff.wait_for_interface()


def told(mail: MailServer) -> Counter[tuple[str, str]]:
    """Give to whom mails about what is late went."""
    found = [email.message_from_bytes(each, policy=email.policy.default) for each in list(mail.mails)]
    about = ((str(each["To"]).partition("@")[0], str(each["Subject"])) for each in found)
    return Counter(each for each in about if each[1] in {LATE, UNCLEARED})


def test_what_is_late_is_told_once_then_with_those_above(school: School, mail: MailServer) -> None:
    school.staff.remember("tess", "tom")
    due = today()
    run(school, "tess", "register", "paper", "--purpose", "Marks of year five", "--label", "blue folder")
    run(school, "tess", "register", "paper", "--purpose", "Photographs of the trip", "--purge", due)
    run(school, "tess", "sign-out", "M-1", "--purpose", "Reports at home", "--due", due)
    run(school, "tom", "allow", "S-1")
    expected: Counter[tuple[str, str]] = Counter()
    let_days_go_by(school, 0)
    for days, above in ((1, ()), (3, ("it", "coordinator")), (7, ("it", "coordinator", "head"))):
        let_days_go_by(school, days)
        expected.update((each, LATE) for each in ("tess", *above))
        expected.update((each, UNCLEARED) for each in {"tess", "coordinator", *above} - {"it"})
        wait_until(partial(has_come, mail, expected.total()), seconds=40)
        assert told(mail) == expected, days
    assert run(school, "tom", "out", "--overdue")[2:] == [f"S-1 M-1 Tess overdue {today(days=-7)} Reports at home"]
    run(school, "tom", "sign-in", "M-1")
    run(school, "tess", "purge", "M-2", "--how", "Burnt in the garden")
    # What was dealt with is told of no more; what was late all the while that nobody looked, once.
    run(school, "tess", "register", "paper", "--purpose", "Letters of parents", "--purge", due)
    let_days_go_by(school, 30)
    expected.update((each, UNCLEARED) for each in ("tess", "coordinator", "head"))
    wait_until(partial(has_come, mail, expected.total()), seconds=40)
    assert told(mail) == expected
    for each in mail.mails:
        assert all(secret not in each for secret in (b"Tess", b"Marks", b"Reports", b"blue folder"))


def has_come(mail: MailServer, mails: int) -> bool:
    return told(mail).total() >= mails


def plug_in(school: School, laptop: Laptop, *, insertion: str, ago: timedelta, **changes: Any) -> str:
    """Let a laptop tell of the stick; gives when that was, as people read it."""
    at = datetime.now(LONDON) - ago
    laptop.tell(("media_inserted", ago, stick(usb=USB, insertion=insertion, **changes)))
    query = "SELECT count(*) FROM media_proofs WHERE which = 'latest' AND crypt = ?"
    wait_until(lambda: school.read(query, changes["crypt"]) == [(1,)], seconds=40)
    return f"{at:%a %Y-%m-%d %H:%M}"


def test_a_report_shows_what_was_proved_when_and_nothing_that_comes_later_changes_it(school: School) -> None:
    school.staff.remember("tess", "tom", "dora")
    ids = ("--serial", USB["serial"], "--usb", f"{USB['vendor']}:{USB['product']}")
    words = ("--label", "blue", "--place", "Safe", "--personal-data", "--encryption", "encrypted", *ids)
    run(school, "tess", "register", "stick", "--purpose", "Marks of year five", *words)
    assert "proved unknown" in run(school, "tess", "show", "M-1")
    laptop = laptop_of(school, address=STAFF)
    first = plug_in(school, laptop, insertion="1", ago=30 * MINUTE, crypt="encrypted")
    assert f"proved encrypted, {first}" in run(school, "tess", "show", "M-1")

    report = run(school, "tess", "lost", WORDS, "--medium", "M-1", "--stolen")
    assert report[0] == "report L-1: M-1, stolen"
    on_record = [
        "what stick, blue",
        "owner Tess",
        "purpose Marks of year five",
        "kept Safe",
        "data personal data",
        "stated encrypted",
        f"proved encrypted, {first}",
        "evidence mountinfo.type vfat",
    ]
    assert set(on_record) <= set(report)
    shown = run(school, "dora", "lost", "--show", "L-1")

    # It turns up in somebody else's hands, is formatted, found, changed, plugged in again and disposed of.
    later = plug_in(school, laptop, insertion="2", ago=timedelta(0), crypt="plain")
    run(school, "tom", "found", "M-1", "--where", "Under the seat of the car")
    run(school, "tess", "change", "M-1", "--label", "red", "--place", "Office", "--no-personal-data")
    run(school, "tom", "dispose", "M-1", "--how", "Shredded by the contractor")
    assert f"proved plain, {later}" in run(school, "tess", "show", "M-1")
    assert run(school, "dora", "lost", "--show", "L-1") == shown
    assert set(on_record) <= set(shown)

    # Of what no laptop ever saw, nothing is made up.
    run(school, "tess", "register", "stick", "--purpose", "Photographs of the trip", "--encryption", "encrypted")
    unseen = run(school, "tess", "lost", WORDS, "--medium", "M-2")
    assert {"stated encrypted", "proved unknown"} <= set(unseen)
    assert not any(line.startswith(("worst", "evidence")) for line in unseen)
