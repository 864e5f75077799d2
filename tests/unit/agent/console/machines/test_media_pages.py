"""Media as pages: put on the register, changed, cleared, disposed of, each within what one may."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of

from rules.roles import Role

USERS = {
    Role.TEACHER, Role.STAFF, Role.CLASS_TEACHER, Role.KEY_STAGE_LEADER, Role.SLT, Role.HEAD_TEACHER,
    Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN, Role.SAFEGUARDING_LEAD,
}  # fmt: skip
MANAGERS = {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN}
DECIDERS = MANAGERS - {Role.TECHNICIAN}
AT_A_RECORD = {Role.DATA_PROTECTION_OFFICER, Role.AUDITOR}
NOTHING = {"csrf": "", "version": "1"}
FORMS = ("change", "purge", "attest", "sign-out", "exceptions")


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def ann(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Ann", Role.TEACHER)


@pytest.fixture
def tom(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Tom", Role.TECHNICIAN)


def register(browser: Browser, **fields: str) -> str:
    said = {"kind": "stick", "purpose": "Marks of year five", "label": "the red one", **fields}
    done = browser.submit(browser.get("/media/register"), "/media/register", said)
    assert done.status == 303, done.text
    return done.headers["location"].partition("?")[0]


def do(browser: Browser, medium: str, move: str, **fields: str) -> str:
    return browser.follow(browser.submit(browser.get(f"{medium}/{move}"), f"{medium}/{move}", fields)).text


# ---- who may ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_the_pages_of_media_that_the_table_gives_it(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, "Somebody", role)
    place = register(browser) if role in USERS else "/media/1"
    expected = 200 if role in USERS else 403
    ways = ("/media", "/media/register", "/media/sign-outs", "/media/exceptions", "/media/lost/report", place)
    for path in (*ways, *(f"{place}/{each}" for each in FORMS)):
        assert browser.get(path).status == expected, (role, path)
    assert browser.get("/media/lost").status == (200 if role in USERS | AT_A_RECORD else 403)
    for move in ("dispose", "find"):
        assert browser.get(f"{place}/{move}").status == (200 if role in MANAGERS else 403), (role, move)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_does_what_the_table_gives_it(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, "Somebody", role)
    allowed = {
        "/media/register": USERS, "/media/lost/report": USERS, "/media/1/change": USERS, "/media/1/purge": USERS,
        "/media/1/attest": USERS, "/media/1/sign-out": USERS, "/media/1/sign-in": USERS,
        "/media/1/exceptions": USERS, "/media/1/dispose": MANAGERS, "/media/1/find": MANAGERS,
        "/media/sign-outs/1/allow": MANAGERS, "/media/sign-outs/1/refuse": MANAGERS,
        "/media/sign-outs/1/withdraw": USERS, "/media/exceptions/1/allow": DECIDERS,
        "/media/exceptions/1/refuse": DECIDERS, "/media/exceptions/1/withdraw": USERS,
    }  # fmt: skip
    for path, roles in allowed.items():
        shown = browser.post(path, NOTHING)
        # Whoever is let through comes as far as what asks for the proof that it is our form.
        assert shown.status == 403
        assert ("You may not do this" in shown.text) == (role not in roles), (role, path)


def test_a_stranger_signs_in_first(school: SchoolOfTest) -> None:
    for path in ("/media", "/media/register", "/media/1", "/media/lost", "/media/sign-outs/1"):
        shown = Browser(school).get(path)
        assert (shown.status, shown.headers["location"].partition("?")[0]) == (303, "/sign-in")


def test_a_medium_of_another_is_not_there_and_not_listed(school: SchoolOfTest, ann: Browser, tom: Browser) -> None:
    place = register(ann)
    ben = browser_of(school, "Ben", Role.TEACHER)
    assert ben.get(place).status == 404
    assert place not in ben.get("/media").links
    assert "Ann" not in ben.get("/media").text.replace("Ann's", "")
    assert place in tom.get("/media").links
    assert place not in tom.get("/media", whose="mine").links
    for move in FORMS:
        assert ben.get(f"{place}/{move}").status == 404


# ---- the register ----------------------------------------------------------------------------------------------


def test_a_medium_is_put_on_the_list_and_shown(ann: Browser) -> None:
    place = register(ann, stated="encrypted", holds_personal_data="yes", place="Desk of 5A", purge_on="2026-07-20")
    page = ann.get(place, told="registered")
    assert page.headings[0].startswith("M-1")
    for words in (
        "Write its number on it",
        "Marks of year five",
        "Desk of 5A",
        "Encryption, as said encrypted",
        "personal data",
    ):
        assert words in page.text
    assert "put on the list" in page.text
    listed = ann.get("/media")
    assert place in listed.links
    assert "nothing proved" in listed.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("purpose", ""), ("kind", "cloud"), ("purge_on", "2020-01-01"), ("checked_on", "soon"), ("place", "x" * 300)],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(ann: Browser, field: str, value: str) -> None:
    said = {"kind": "stick", "purpose": "Marks of year five", "label": "the red one", field: value}
    page = ann.submit(ann.get("/media/register"), "/media/register", said)
    assert page.status == 422
    assert page.form("/media/register")["label"] == ["the red one"]
    assert "no medium on the list" in ann.get("/media").text


def test_a_manager_puts_it_on_the_list_for_somebody_else(school: SchoolOfTest, ann: Browser, tom: Browser) -> None:
    place = register(tom, owner="Ann")
    assert "Ann" in tom.get(place).text
    assert ann.get(place).status == 200
    assert "owner" not in ann.get("/media/register").form("/media/register")


def test_a_serial_number_goes_in_and_never_comes_out(ann: Browser) -> None:
    place = register(ann, serial="ZX81-4711", vendor="0951", product="177f")
    for path in (place, f"{place}/change", "/media"):
        assert "4711" not in ann.get(path).html
    # To change something else keeps it.
    do(ann, place, "change", label="the blue one")
    page = ann.get(place)
    assert "Without its serial number" not in page.text
    assert "the blue one" in page.text


def test_what_is_said_is_changed_and_two_people_at_once_do_not_undo_each_other(ann: Browser) -> None:
    place = register(ann, holds_personal_data="yes")
    early = ann.get(f"{place}/change")
    assert early.form(f"{place}/change")["holds_personal_data"] == ["yes"]
    assert "Changed." in do(ann, place, "change", place="Safe")
    late = ann.submit(early, f"{place}/change", {"place": "Cupboard"})
    assert late.status == 409
    assert late.form(f"{place}/change")["place"] == ["Cupboard"]
    assert late.form(f"{place}/change")["version"] == ["2"]
    assert ann.submit(late, f"{place}/change").status == 303
    assert "Cupboard" in ann.get(place).text


def test_a_medium_is_cleared_and_said_to_be_protected(ann: Browser) -> None:
    place = register(ann, holds_personal_data="yes")
    assert "it is cleared" in do(ann, place, "purge", how="Formatted at the desk of the technician")
    assert "as you say it" in do(ann, place, "attest", how="With a password that only I know")
    text = ann.get(place).text
    assert "said how it is protected" in text
    assert "personal data" not in text.replace("Holds personal data", "")


def test_a_manager_disposes_of_a_medium_and_means_it(ann: Browser, tom: Browser) -> None:
    place = register(ann)
    page = tom.submit(tom.get(f"{place}/dispose"), f"{place}/dispose", {"how": "Shredded in the cellar"})
    assert page.status == 422
    assert page.form(f"{place}/dispose")["how"] == ["Shredded in the cellar"]
    done = tom.follow(tom.submit(page, f"{place}/dispose", {"sure": "yes"}))
    assert "off the list for good" in done.text
    assert tom.submit(tom.get(f"{place}/purge"), f"{place}/purge", {"how": "Formatted anew"}).status == 422


def test_a_number_finds_a_medium(ann: Browser) -> None:
    place = register(ann)
    assert ann.get("/media", number="m-1").headers["location"] == place
    assert ann.follow(ann.get("/media", number="//evil.example")).status == 404
    for path in ("/media/0", "/media/99", "/media/1e3", "/media/٣", f"/media/{'9' * 40}"):
        assert ann.get(path).status == 404, path


def test_media_are_listed_fifty_at_a_time(school: SchoolOfTest, ann: Browser) -> None:
    with school.store.act() as act:
        act.database.executemany(
            "INSERT INTO media (version, kind, owner, state, stated, holds_personal_data, is_foreign, serial_key,"
            " serial_only, reminded, attested_by, registered_at, registered_by, disposed_by, words)"
            " VALUES (1, 'stick', ?, 'registered', 'unknown', 0, 0, '', '', 0, '', ?, ?, '', '{\"purpose\": \"x\"}')",
            [(ann.person, act.now.isoformat(), ann.person)] * 120,
        )
        act.note("media_of_test", actor="system")
    page, found = ann.get("/media"), list[str]()
    while True:
        found += [each for each in page.links if each.removeprefix("/media/").isdigit()]
        later = [each for each in page.links if "after=" in each]
        if not later:
            break
        page = ann.get(later[0])
    assert len(found) == len(set(found)) == 120
    assert "No medium is so." in ann.get("/media", state="lost").text


def test_what_somebody_writes_is_shown_and_never_run(ann: Browser) -> None:
    place = register(ann, label="<script>x</script>", purpose="To <b>teach</b> with it")
    for path in (place, f"{place}/change", "/media"):
        html = ann.get(path).html
        assert "<script>x" not in html
        assert "<b>teach" not in html


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_the_pages_are_made_in_every_language(tom: Browser, language: str) -> None:
    place = register(tom)
    tom.headers["Accept-Language"] = language
    moves = ("change", "purge", "attest", "dispose", "find", "sign-out", "exceptions")
    for path in ("/media", "/media/register", place, *(f"{place}/{move}" for move in moves)):
        assert f'<html lang="{language}">' in tom.get(path).html
