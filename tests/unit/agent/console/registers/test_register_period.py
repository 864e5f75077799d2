"""Which days of a register are meant: a ready period, days of one's own, or every day; and how they are written."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of

from agent.console.registers.register_period import Days, spell_days
from agent.texts import load_texts
from rules.roles import Role

FIRST, LAST = date(2026, 1, 5), date(2026, 3, 2)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (Days(FIRST, LAST), "5 Jan \N{EN DASH} 2 Mar 2026"),
        (Days(FIRST, None), "from 5 January 2026 on"),
        (Days(None, LAST), "up to 2 March 2026"),
        (Days(), ""),
    ],
    ids=["between", "from", "up-to", "every"],
)
def test_days_in_words(days: Days, words: str) -> None:
    assert spell_days(days, load_texts("en")).replace("\N{THIN SPACE}", " ") == words
    assert bool(days) is bool(words)


def test_each_ready_period_says_its_days(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    page = browser_of(school, "Grace", Role.HEAD_TEACHER).get("/registers/access")
    for words in ("Everything on file", "This half term (", "This term (", "This school year (", "The days that I"):
        assert words in page.text
    assert page.form("/registers/access")["period"] == ["all"]


def test_a_ready_period_is_the_one_of_the_day(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)
    for days in (0, 30, 400):
        with school.store.act() as act:
            act.database.execute(
                "INSERT INTO accesses (at, person, incident, what, purpose) VALUES (?, ?, '', 'export', ?)",
                ((school.now - timedelta(days=days)).isoformat(), dpo.person, f"{days} days ago"),
            )
    fields = {"purpose": "The review", "period": "year"}
    page = dpo.submit(dpo.get("/registers/access"), "/registers/access", fields)
    assert "0 days ago" in page.text
    assert "30 days ago" in page.text
    assert "400 days ago" not in page.text
