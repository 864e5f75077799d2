"""Changes of the filter by pages: proposed by one, tried on the past week, decided by another, and brought back."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from day_of_test import SITE, count, move_in
from pages_of_test import Browser, Shown, browser_of

from agent.observing.observing_activity import PREFIX
from agent.people.attempts import UnknownIdError
from agent.sites.config import parse_site
from agent.storage.activity import SCHEMA
from agent.storage.filter_rows import State
from rules.category import LANGUAGES
from rules.roles import Role

REASON = "Odds are part of the maths course of this term."


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    return made


@pytest.fixture
def manager(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Nora", Role.NETWORK_MANAGER)


@pytest.fixture
def head(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Henry", Role.HEAD_TEACHER)


def propose(browser: Browser, **fields: str) -> Shown:
    form = browser.get("/filter/change")
    wanted = {"how": "open", "names": "bets.example", "audiences": "pupil", "reason": REASON}
    return browser.submit(form, "/filter/change", {**wanted, **fields})


def state_of(school: SchoolOfTest, number: int) -> State:
    return school.parts.filter_changes.get(number).state


def test_a_change_goes_from_proposal_to_force_between_two_people(
    school: SchoolOfTest, manager: Browser, head: Browser
) -> None:
    made = propose(manager)
    assert made.headers["location"] == "/filter/2?told=drafted"
    mine = manager.follow(made)
    assert "Proposed. It waits for somebody else to approve it; until then nothing changes." in mine.text
    assert "The policy open-bets-example was added; it allows bets.example for pupils, always" in mine.text
    assert [action for action, _ in mine.forms] == ["/sign-out", "/filter/2/withdraw"]
    seen = head.get("/filter/2")
    done = head.submit(seen, "/filter/2/approve", {"reason": "Agreed with the head of maths."})
    assert "Approved. The gateway puts it in force" in head.follow(done).text
    assert state_of(school, 2) is State.APPROVED
    assert school.told > 0
    listed = head.get("/filter").text
    assert "Proposed by Nora . Approved by Henry ." in listed


def test_it_is_refused_with_a_reason_and_not_without(school: SchoolOfTest, manager: Browser, head: Browser) -> None:
    propose(manager)
    fields = head.get("/filter/2").form("/filter/2/approve")
    refused = head.post("/filter/2/refuse", {**fields, "reason": ""})
    assert refused.status == 422
    assert "There is no reason" in refused.text
    assert head.post("/filter/2/refuse", {**fields, "reason": "It is for one class alone; ask for it."}).status == 303
    assert state_of(school, 2) is State.REFUSED
    assert "It is for one class alone; ask for it." in manager.get("/filter/2").text


def test_who_proposed_takes_it_back_and_does_not_decide(school: SchoolOfTest, manager: Browser) -> None:
    propose(manager)
    page = manager.get("/filter/2")
    refused = manager.post("/filter/2/approve", {**page.form("/filter/2/withdraw"), "reason": ""})
    assert "You drafted this change yourself; somebody else has to decide about it." in refused.text
    assert manager.submit(page, "/filter/2/withdraw").status == 303
    assert state_of(school, 2) is State.WITHDRAWN


def test_of_two_who_decide_at_once_the_second_is_told(school: SchoolOfTest, manager: Browser, head: Browser) -> None:
    propose(manager)
    other = browser_of(school, "Cora", Role.ICT_COORDINATOR)
    seen, theirs = head.get("/filter/2"), other.get("/filter/2")
    assert head.submit(seen, "/filter/2/approve").status == 303
    late = other.post("/filter/2/refuse", {**theirs.form("/filter/2/approve"), "reason": "This opens too much."})
    assert late.status == 409
    assert "Somebody has changed this since you looked at it" in late.text
    assert "Meanwhile: Change of the filter approved (head teacher)" in late.text
    assert "What you had written This opens too much." in late.text
    assert state_of(school, 2) is State.APPROVED


def test_what_was_typed_is_kept_where_it_is_refused(manager: Browser) -> None:
    for fields, fault in (
        ({"reason": ""}, "There is no reason"),
        ({"names": ""}, "Write at least one name, such as www.example.com."),
        ({"names": " ".join(f"a{number}.example" for number in range(201))}, "These are too many names for one rule"),
        ({"review_on": ""}, "Say when somebody looks at it again."),
        ({"review_on": "2020-01-01"}, "expected a day after today"),
        ({"review_on": "soon"}, "One field needs another look."),
        ({"how": "settings", "text": "policies: [broken"}, ""),
        ({"names": "\U0001f600 <b>x</b> \u202e", "audiences": "staff"}, ""),
    ):
        refused = propose(manager, **fields)
        assert refused.status == 422, fields
        assert fault in refused.text
        kept = refused.form("/filter/change")
        wanted = {"how": "open", "names": "bets.example", "audiences": "pupil", "reason": REASON} | fields
        assert {name: kept[name][0] for name in wanted} == {name: value.strip() for name, value in wanted.items()}
        assert "<b>x</b>" not in refused.html


def test_a_preview_says_what_it_would_do_and_would_have_done_and_stores_nothing(
    school: SchoolOfTest, manager: Browser
) -> None:
    count(school, date(2026, 2, 27), 10, asked=300, blocked=30)
    seen = propose(
        manager, preview="yes", how="settings", text="rows: {gambling: [{audience: pupil, tick: acceptable}]}"
    )
    assert seen.status == 200, seen.text
    assert "What it would do" in seen.headings
    assert "1 day of 23 February 2026 to 1 March 2026 is on record." in seen.text
    assert "Nothing that may be told would be different." in seen.text, "nobody knows of how many devices they are"
    for device in range(5):
        ask_for(school, "bets.example", 1, first=device, category="gambling")
    seen = propose(
        manager, preview="yes", how="settings", text="rows: {gambling: [{audience: pupil, tick: acceptable}]}"
    )
    assert "pupils would be open not known 25 perhaps" in seen.text
    assert seen.form("/filter/change")["text"] == ["rows: {gambling: [{audience: pupil, tick: acceptable}]}"]
    with pytest.raises(UnknownIdError):
        school.parts.filter_changes.get(2)


def test_whoever_decides_tries_it_on_the_past_week(school: SchoolOfTest, manager: Browser, head: Browser) -> None:
    count(school, date(2026, 2, 27), 10, asked=300, blocked=30)
    propose(manager)
    assert "/filter/2/what-if#what-if" in head.get("/filter/2").links
    tried = head.get("/filter/2/what-if")
    assert tried.status == 200
    assert "1 day of 23 February 2026 to 1 March 2026 is on record." in tried.text
    assert head.submit(tried, "/filter/2/approve").status == 303


def ask_for(school: SchoolOfTest, name: str, devices: int, *, first: int = 0, category: str = "chat") -> None:
    """Let so many devices have been refused a name on the last school day."""
    path = school.parts.activity / f"{PREFIX}2026-02-27.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    asked_at = int(datetime(2026, 2, 27, 10, tzinfo=UTC).timestamp())
    with closing(sqlite3.connect(path)) as day:
        day.executescript(SCHEMA)
        day.executemany(
            "INSERT INTO queries VALUES (?, ?, 'pupil', 'blocked', ?, ?, 'policy', 1)",
            [(asked_at, f"device{number}", name, category) for number in range(first, first + devices)],
        )
        day.commit()


def test_which_names_would_turn_is_shown_to_who_decides_where_enough_devices_asked(
    school: SchoolOfTest, manager: Browser, head: Browser
) -> None:
    ask_for(school, "chat.example", 6)
    ask_for(school, "rare.example", 4)
    no_more = {"how": "settings", "text": "policies: {chat-in-lessons: null}"}
    assert propose(manager, **no_more).status == 303
    tried = head.get("/filter/2/what-if")
    assert "chat.example pupils would be open 5 5 sure" in tried.text
    assert "One that fewer than 5 devices asked for on the same day is not shown." in tried.text
    technician = browser_of(school, "Tim", Role.TECHNICIAN).get("/filter/2/what-if")
    assert "pupils would be open a few 10" in technician.text
    for page in (tried, technician):
        assert "rare.example" not in page.text
    assert "chat.example" not in technician.text
    preview = propose(manager, **no_more, preview="yes")
    assert "chat.example pupils would be open" in preview.text


def test_where_no_name_may_be_shown_the_page_says_why(school: SchoolOfTest, manager: Browser, head: Browser) -> None:
    ask_for(school, "rare.example", 4)
    propose(manager, how="settings", text="policies: {chat-in-lessons: null}")
    tried = head.get("/filter/2/what-if").text
    assert "Nothing that may be told would be different." in tried
    assert "what fewer than 5 devices asked for on the same day is left out" in tried
    ask_for(school, "as-rare.example", 4, first=4)
    assert "none was asked for by 5 devices or more on the same day" in head.get("/filter/2/what-if").text


def test_each_try_is_on_record_without_the_names(school: SchoolOfTest, manager: Browser, head: Browser) -> None:
    ask_for(school, "only-tom.example", 1)
    seen = [
        propose(manager, names=names, preview="yes").text for names in ("only-tom.example", "never-asked.example")
    ]
    assert all("Nothing that may be told would be different." in text for text in seen)
    propose(manager)
    head.get("/filter/2/what-if")
    with school.parts.store.read() as database:
        rows = database.execute(
            "SELECT actor, subject, facts FROM audit WHERE kind = 'filter_tried' ORDER BY number"
        ).fetchall()
    assert [(row["actor"], row["subject"], row["facts"]) for row in rows] == [
        (manager.person, "", '{"names":1}'),
        (manager.person, "", '{"names":1}'),
        (head.person, "2", '{"names":1}'),
    ]


def test_a_file_that_was_changed_is_approved_by_nobody_and_can_be_brought_back(
    school: SchoolOfTest, manager: Browser, head: Browser
) -> None:
    changed = SITE.replace("  chat-in-lessons: {block: [chat], audiences: [pupil]}\n", "")
    site = parse_site(changed, path=Path(school.site.path)).site
    school.parts.filter_changes.observe(changed, site, os_user="root")
    page = manager.get("/filter/2")
    assert "Approved by nobody" in page.text
    assert "(a file of root )" in page.text
    refused = manager.submit(manager.get("/filter/1"), "/filter/1/roll-back", {"reason": ""})
    assert refused.status == 422
    made = manager.submit(
        manager.get("/filter/1"), "/filter/1/roll-back", {"reason": "Pupils chat in lessons again."}
    )
    assert made.status == 303
    assert "Brings back Version 1" in head.get("/filter/3").text


def test_settings_of_a_site_file_are_shown_without_what_is_about_people(school: SchoolOfTest, head: Browser) -> None:
    page = head.get("/filter/1")
    assert "chat-in-lessons" in page.text
    assert "room 7" not in page.text
    assert "<pre" not in browser_of(school, "Gina", Role.ESAFETY_GOVERNOR).get("/filter/1").html


@pytest.mark.parametrize("number", ["0", "99", "x", "1e3", "-1", "9" * 12])
def test_a_version_that_is_not_there_is_not_there(head: Browser, number: str) -> None:
    assert head.get(f"/filter/{number}").status == 404


def test_lists_are_narrowed_to_one_state_and_never_fail_on_what_the_address_says(manager: Browser) -> None:
    propose(manager)
    assert "Version 2" in manager.get("/filter", state="drafted").text
    assert "There is none." in manager.get("/filter", state="refused").text
    assert manager.get("/filter", state="<b>").status == 200
    assert manager.get("/filter", after="nonsense").status in (200, 400, 422)


MAY_READ = {
    Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN, Role.HEAD_TEACHER, Role.SLT, Role.SAFEGUARDING_LEAD,
    Role.KEY_STAGE_LEADER, Role.ESAFETY_GOVERNOR, Role.AUDITOR, Role.DATA_PROTECTION_OFFICER,
}  # fmt: skip
MAY_PROPOSE = {Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN, Role.SAFEGUARDING_LEAD}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_is_theirs(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, "Anna", role)
    assert browser.get("/filter").status == (200 if role in MAY_READ else 403)
    assert browser.get("/filter/1").status == (200 if role in MAY_READ else 403)
    assert browser.get("/filter/change").status == (200 if role in MAY_PROPOSE else 403)


@pytest.mark.parametrize("role", sorted(MAY_READ))
def test_only_whoever_may_be_told_of_news_has_a_page_that_asks_for_them(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, "Anna", role)
    watches = {Role.ESAFETY_GOVERNOR, Role.AUDITOR, Role.DATA_PROTECTION_OFFICER}
    assert ("data-live=" in browser.get("/filter").html) == (role not in watches)
    if role in watches:
        assert browser.get("/api/v1/events").status == 403


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    assert [Browser(school).get(path).status for path in ("/filter", "/filter/1", "/filter/change")] == [303] * 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_there_in_every_language(school: SchoolOfTest, language: str) -> None:
    propose(browser_of(school, "Nora", Role.NETWORK_MANAGER))
    browser = browser_of(school, "Cora", Role.ICT_COORDINATOR, language=language)
    for path in ("/filter", "/filter/2", "/filter/2/what-if", "/filter/change"):
        page = browser.get(path)
        assert page.status == 200
        assert f'<html lang="{language}">' in page.html
