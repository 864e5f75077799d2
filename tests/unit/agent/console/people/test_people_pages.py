"""People as pages: found, added, given roles, confirmed by a second person, given an account, closed."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of

from agent.people.people import SchoolClass
from rules.roles import Right, Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    with school.store.act() as act:
        for ident, title in (("c5", "5A"), ("c6", "6A")):
            school.parts.people.set_class(act, SchoolClass(ident, title, "year5"), actor="system")
    return school


@pytest.fixture
def grace(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Grace", Role.HEAD_TEACHER)


def add(browser: Browser, name: str, *roles: str, classes: tuple[str, ...] = ()) -> str:
    fields = {"name": name, "roles": roles, "classes": classes}
    done = browser.submit(browser.get("/people/add"), "/people/add", fields)
    assert done.status == 303, done.text
    return done.headers["location"].partition("?")[0]


def test_somebody_is_added_and_found(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "pupil", classes=("c5",))
    page = grace.get(place, told="added")
    assert page.headings[0] == "Zoe Quill"
    assert "Added." in page.text
    assert "5A" in page.text
    assert "Zoe Quill" in grace.submit(grace.get("/people"), "/people", find="quill").text
    assert "Zoe Quill" in grace.get("/people", role="pupil").text
    assert "Zoe Quill" not in grace.get("/people", role="teacher").text
    assert "Nobody is called so" in grace.submit(grace.get("/people"), "/people", find="xyz").text


def test_no_name_that_somebody_seeks_stands_in_an_address(school: SchoolOfTest, grace: Browser) -> None:
    with school.store.act() as act:
        for number in range(60):
            school.parts.people.open(act, f"Quill {number:03}", [Role.PUPIL], actor="system")
    assert '<form method="get" action="/people"' not in grace.get("/people").html
    assert "61 people" in grace.get("/people", find="quill").text
    page = grace.submit(grace.get("/people"), "/people", find="quill")
    assert "60 people" in page.text
    assert not [each for each in page.links if "uill" in each or "after" in each]
    (more,) = (fields for each, fields in page.forms if each == "/people" and "after" in fields)
    assert "Quill 059" in grace.post("/people", more).text


@pytest.mark.parametrize(
    ("name", "roles"),
    [("", ("pupil",)), ("Zoe", ()), ("Zoe", ("pupil", "teacher")), ("Zoe", ("captain",)), ("x" * 300, ("pupil",))],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    grace: Browser, name: str, roles: tuple[str, ...]
) -> None:
    page = grace.submit(grace.get("/people/add"), "/people/add", {"name": name, "roles": roles})
    assert page.status == 422
    assert page.form("/people/add")["name"] == [name]


def test_people_are_listed_fifty_at_a_time(school: SchoolOfTest, grace: Browser) -> None:
    with school.store.act() as act:
        for number in range(120):
            school.parts.people.open(act, f"Pupil {number:03}", [Role.PUPIL], actor="system")
    found, page = list[str](), grace.get("/people", role="pupil")
    while True:
        found += [each for each in page.links if each.startswith("/people/p")]
        later = [fields for each, fields in page.forms if each == "/people" and "after" in fields]
        if not later:
            break
        page = grace.post("/people", later[0])
    assert len(found) == len(set(found)) == 120
    assert "120 people" in page.text


def test_roles_and_classes_are_set_and_what_was_seen_meanwhile_counts(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "pupil")
    form = grace.get(place)
    told = grace.follow(grace.submit(form, f"{place}/roles", {"roles": ("teacher",)}))
    assert "The roles are changed." in told.text
    stale = grace.submit(form, f"{place}/classes", {"classes": ("c6",)})
    assert stale.status == 409
    assert "6A" in grace.follow(grace.submit(grace.get(place), f"{place}/classes", {"classes": ("c6",)})).text


def test_nobody_changes_their_own_roles(grace: Browser) -> None:
    place = f"/people/{grace.person}"
    page = grace.submit(grace.get(place), f"{place}/roles", {"roles": ("head_teacher", "auditor")})
    assert page.status == 422
    assert "auditor" in page.text


def test_who_leaves_is_closed_only_where_that_is_meant(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "pupil")
    unsure = grace.submit(grace.get(place), f"{place}/close")
    assert unsure.status == 422
    assert "Please tick that you mean it." in unsure.text
    told = grace.follow(grace.submit(grace.get(place), f"{place}/close", {"sure": "yes"}))
    assert "Closed: roles, classes, accounts and tokens have ended." in told.text
    assert "Zoe Quill" not in grace.get("/people").text
    assert "Zoe Quill" in grace.get("/people", closed="yes").text


def test_an_account_is_shown_once_with_its_first_password_and_can_be_closed(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "teacher")
    made = grace.submit(grace.get(place), f"{place}/account", {"login": "zoe"})
    assert made.status == 200
    assert "This is shown only once." in made.text
    assert "First password" in made.text
    assert 'class="qr"' not in made.html
    page = grace.get(place)
    assert "zoe" in page.text
    told = grace.follow(grace.submit(page, f"{place}/account/close"))
    assert "The account is closed." in told.text


def test_an_account_that_decides_comes_with_an_authenticator_and_waits(grace: Browser, school: SchoolOfTest) -> None:
    browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    with school.store.act() as act:
        act.note("beginning_ended", actor="system", facts={"managers": 2})
    place = add(grace, "Zoe Quill", "network_manager")
    made = grace.submit(grace.get(place), f"{place}/account", {"login": "zoe"})
    assert 'class="qr"' in made.html
    assert "This account waits" in made.text


def test_a_login_that_cannot_be_is_refused_and_stays(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "teacher")
    page = grace.submit(grace.get(place), f"{place}/account", {"login": "zoe quill"})
    assert page.status == 422
    assert page.form(f"{place}/account")["login"] == ["zoe quill"]


def test_what_is_refused_in_one_form_empties_no_other(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "teacher", classes=("c5",))
    page = grace.submit(grace.get(place), f"{place}/account", {"login": "zoe quill"})
    assert (page.form(f"{place}/roles")["roles"], page.form(f"{place}/classes")["classes"]) == (["teacher"], ["c5"])
    grace.follow(grace.submit(page, f"{place}/classes"))
    assert grace.get(place).form(f"{place}/classes")["classes"] == ["c5"]


def test_boxes_that_were_unticked_stay_so_in_the_form_that_was_refused(grace: Browser) -> None:
    place = f"/people/{grace.person}"
    page = grace.submit(grace.get(place), f"{place}/roles", {"roles": ("auditor", "teacher")})
    assert page.status == 422
    assert page.form(f"{place}/roles")["roles"] == ["teacher", "auditor"]


def test_no_name_stands_in_the_title_of_a_page(grace: Browser) -> None:
    page = grace.get(add(grace, "Zoe Quill", "pupil"))
    assert "Zoe" not in page.html.partition("</title>")[0]


def test_what_somebody_gave_a_second_person_confirms_or_refuses(grace: Browser, school: SchoolOfTest) -> None:
    ivy = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    with school.store.act() as act:
        act.note("beginning_ended", actor="system", facts={"managers": 2})
    kept, gone = add(grace, "Zoe Quill", "network_manager"), add(grace, "Noor Vale", "technician")
    assert "people wait for a second person" in grace.get("/people").text
    own = grace.get("/people/waiting")
    assert "You gave this yourself; somebody else" in own.text
    acts = [action for action, _ in own.forms]
    assert f"{kept}/confirm" not in acts
    assert f"{kept}/refuse" in acts
    told = ivy.follow(ivy.submit(ivy.get("/people/waiting"), f"{kept}/confirm"))
    assert "Confirmed." in told.text
    told = ivy.follow(ivy.submit(ivy.get("/people/waiting"), f"{gone}/refuse"))
    assert "Refused; it is taken away." in told.text
    assert "network manager" in ivy.get(kept).text
    assert "Noor Vale" not in ivy.get("/people/waiting").text


def test_what_one_was_given_oneself_has_a_sentence_and_no_button(grace: Browser, school: SchoolOfTest) -> None:
    ivy = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    with school.store.act() as act:
        act.note("beginning_ended", actor="system", facts={"managers": 2})
    with school.store.act() as act:
        roles = [Role.ICT_COORDINATOR, Role.NETWORK_MANAGER]
        school.parts.people.change(act, ivy.person, roles=roles, actor=grace.person)
    page = ivy.get("/people/waiting")
    assert "Nobody confirms or refuses what they were given themselves" in page.text
    assert not [action for action, _ in page.forms if action.startswith(f"/people/{ivy.person}/")]


def test_who_may_do_what_is_one_table(grace: Browser) -> None:
    page = grace.get("/people/rights")
    assert page.html.count("<tr>") == len(Right) + 2
    assert page.html.count("<td>") == (len(Right) + 1) * len(Role)


def test_who_only_reads_is_offered_no_change(school: SchoolOfTest, grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "pupil")
    page = browser_of(school, "Theo", Role.TECHNICIAN).get(place)
    assert page.status == 200
    assert not [action for action, _ in page.forms if action.startswith("/people")]


@pytest.mark.parametrize("ident", ["nobody", "x" * 200, "%00", "..%2F.."])
def test_somebody_who_is_not_there_is_not_found(grace: Browser, ident: str) -> None:
    assert grace.get(f"/people/{ident}").status == 404


def test_names_are_set_apart_whatever_is_in_them(school: SchoolOfTest, grace: Browser) -> None:
    with school.store.act() as act:
        odd = school.parts.people.open(act, "<b>\u05e9\u05dc\u05d5\u05dd 😀", [Role.PUPIL], actor="system")
    for page in (grace.get(f"/people/{odd.id}"), grace.get("/people")):
        assert "<b>" not in page.html
        assert "<bdi>&lt;b&gt;\u05e9\u05dc\u05d5\u05dd 😀</bdi>" in page.html


def test_nobody_is_told_to_be_closed_who_is_not(grace: Browser) -> None:
    place = add(grace, "Zoe Quill", "pupil")
    for told in ("closed", "roles"):
        assert 'class="told"' not in grace.get(place, told=told).html
