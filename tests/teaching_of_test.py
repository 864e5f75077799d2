"""A school of test with a class, lists on disk and what its devices met, for the pages of teachers and approvers."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from api_of_test import REASON, SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.assembly import open_generations
from agent.lists.list_updater import ListUpdater
from agent.people.people import SchoolClass
from agent.sites.config import parse_site
from agent.storage.activity import SCHEMA
from rules.roles import Role

SITE = """\
school: {name: School of Test, timezone: Europe/London, contact: room 7}
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/25]}
  staff-room: {audience: staff, cidrs: [192.0.2.128/25]}
groups:
  year5: {devices: [192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9]}
  year6: {devices: [192.0.2.16]}
lists: {bets: {source: bets.txt, category: gambling}}
upstreams: {servers: [192.0.2.53]}
paths: {state: ., runtime: run}
"""
BETS = "# bets\nother.example\nbet.example\n"
ASKED = {"names": "https://bet.example/odds", "groups": ["year5"], "lasts": "lesson", "reason": REASON}
# A device, a name, a category, how often.
Met = tuple[str, str, str, int]


def teaching_school(folder: Path) -> SchoolOfTest:
    """Give a school with the class Year 5 and a list that blocks."""
    (folder / "bets.txt").write_text(BETS)
    school = SchoolOfTest(folder)
    school.site = parse_site(SITE, path=folder / "site.yaml").site
    ListUpdater(school.site, index=open_generations(school.site)).update()
    with school.store.act() as act:
        school.parts.people.set_class(act, SchoolClass("c5", "Year 5", "year5"), actor="system")
    return school


def teacher_of(school: SchoolOfTest, name: str = "Tess", *, language: str = "en") -> Browser:
    """Give the browser of somebody who teaches Year 5."""
    browser = browser_of(school, name, Role.TEACHER, language=language)
    with school.store.act() as act:
        school.parts.people.change(act, browser.person, classes=["c5"], actor="system")
    return browser


def ask(browser: Browser, **changes: str | list[str]) -> str:
    """Ask for an override by the form; gives its id."""
    done = browser.submit(browser.get("/overrides/ask"), "/overrides/ask", ASKED | changes)
    assert done.status == 303, done.text
    return str(done.headers["location"]).removeprefix("/overrides/").partition("?")[0]


def meet(school: SchoolOfTest, rows: Iterable[Met]) -> None:
    """Write down what devices met a minute ago."""
    day = school.now.date()
    known = school.parts.observing.known()
    school.parts.activity.mkdir(exist_ok=True)
    minute_at = int(school.now.timestamp()) - 60
    with closing(sqlite3.connect(school.parts.activity / f"activity-{day}.db")) as database, database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO queries VALUES (?, ?, 'pupil', 'blocked', ?, ?, 'policy', ?)",
            [
                (minute_at, known.pseudonym(device, day), name, category, times)
                for device, name, category, times in rows
            ],
        )


def read(shown: Shown) -> str:
    """Give the text of a page as somebody reads it: no white space that marks do not have."""
    return re.sub(r" ([.,:;)])", r"\1", shown.text.replace("( ", "("))


def moves_in(shown: Shown) -> list[str]:
    """Give where the forms of a page send that do something with a request."""
    return [action for action, _ in shown.forms if action.startswith("/overrides/")]
