"""Laptops as pages: let in by their code, found, given to somebody, taken off the list; tokens are shown once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import LaptopOfTest, event, token_of
from pages_of_test import Browser, Shown, browser_of

from agent.storage.fleet_rows import DeviceState, FindingKind, write_finding
from rules.roles import Role

READERS = {Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN}
MANAGERS = {Role.ICT_COORDINATOR, Role.NETWORK_MANAGER}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


@pytest.fixture
def nadia(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Nadia", Role.NETWORK_MANAGER)


def token(browser: Browser, **fields: str) -> str:
    done = browser.submit(browser.get("/devices/tokens"), "/devices/tokens", {"label": "Trolley", **fields})
    assert done.status == 200, done.text
    found = re.search(r'class="secret name">([^<]+)<', done.html)
    assert found is not None
    return found[1]


def laptop_by(school: SchoolOfTest, secret: str) -> LaptopOfTest:
    laptop = LaptopOfTest(school)
    assert laptop.enrol(secret).status_code == 200
    return laptop


def waiting(school: SchoolOfTest, browser: Browser) -> LaptopOfTest:
    return laptop_by(school, token(browser, uses="2"))


def code_of(school: SchoolOfTest, laptop: LaptopOfTest) -> str:
    device = school.parts.fleet.devices.get(laptop.device)
    assert device is not None
    return school.parts.fleet.desk.code_of(device) or ""


def state_of(school: SchoolOfTest, laptop: LaptopOfTest) -> DeviceState:
    device = school.parts.fleet.devices.get(laptop.device)
    assert device is not None
    return device.state


def rows(page: Shown) -> set[str]:
    return {each for each in page.links if each.startswith("/devices/") and each != "/devices/tokens"}


# ---- who may ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_the_pages_of_laptops_that_the_table_gives_it(school: SchoolOfTest, role: Role) -> None:
    device = laptop_by(school, token_of(school.person("Maker", Role.NETWORK_MANAGER))).device
    browser = browser_of(school, "Somebody", role)
    expected = 200 if role in READERS else 403
    for path in ("/devices", "/devices/tokens", f"/devices/{device}"):
        assert browser.get(path).status == expected, (role, path)
    csrf = {"csrf": "", "version": "1"}
    if role not in MANAGERS:
        paths = (
            *(f"/devices/{device}/{each}" for each in ("approve", "refuse", "revoke", "owner")),
            "/devices/tokens",
        )
        for path in paths:
            assert browser.post(path, csrf).status == 403, (role, path)
        assert browser.post("/devices/tokens/x/end", csrf).status == 403


def test_a_stranger_signs_in_first(school: SchoolOfTest) -> None:
    for path in ("/devices", "/devices/tokens", "/devices/x1"):
        shown = Browser(school).get(path)
        assert (shown.status, shown.headers["location"].partition("?")[0]) == (303, "/sign-in")


def test_a_technician_reads_and_is_offered_nothing_that_they_may_not_do(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = waiting(school, nadia)
    browser = browser_of(school, "Tom", Role.TECHNICIAN)
    page = browser.get(f"/devices/{laptop.device}")
    assert [action for action, _ in page.forms if action.startswith("/devices")] == []
    assert [action for action, _ in browser.get("/devices/tokens").forms if action.startswith("/devices")] == []


# ---- letting in ------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once(school: SchoolOfTest, nadia: Browser) -> None:
    secret = token(nadia)
    page = nadia.get("/devices/tokens")
    assert "Trolley" in page.text
    assert secret not in page.html
    laptop = laptop_by(school, secret)
    assert state_of(school, laptop) is DeviceState.ACTIVE


def test_what_cannot_be_is_refused_and_what_was_typed_stays(nadia: Browser) -> None:
    fields = {"label": "Trolley", "uses": "9000", "hours": "72"}
    page = nadia.submit(nadia.get("/devices/tokens"), "/devices/tokens", fields)
    assert page.status == 422
    assert page.form("/devices/tokens")["label"] == ["Trolley"]
    fields = {"label": "Trolley", "uses": "1", "owner": "Nobody At All"}
    page = nadia.submit(nadia.get("/devices/tokens"), "/devices/tokens", fields)
    assert page.status == 422
    assert "Nobody at the school is called so" in page.text


def test_a_token_is_ended(school: SchoolOfTest, nadia: Browser) -> None:
    secret = token(nadia)
    page = nadia.get("/devices/tokens")
    (action,) = [each for each, _ in page.forms if each.endswith("/end")]
    assert "The token has ended." in nadia.follow(nadia.submit(page, action)).text
    assert LaptopOfTest(school).enrol(secret).status_code != 200


def test_a_laptop_that_waits_stands_first_without_its_code_and_is_let_in_by_it(
    school: SchoolOfTest, nadia: Browser
) -> None:
    laptop = waiting(school, nadia)
    code = code_of(school, laptop)
    page = nadia.get("/devices")
    assert "1 laptop waits for you" in page.text
    assert f"{code[:3]} {code[3:]}" not in page.text
    page = nadia.get(f"/devices/{laptop.device}")
    action = f"/devices/{laptop.device}/approve"
    wrong = nadia.submit(page, action, {"code": "000000" if code != "000000" else "000001"})
    assert wrong.status == 422
    assert "shows another code" in wrong.text
    done = nadia.follow(nadia.submit(wrong, action, {"code": f"{code[:3]} {code[3:]}"}))
    assert "The laptop is let in." in done.text
    assert state_of(school, laptop) is DeviceState.ACTIVE
    assert "waits for you" not in nadia.get("/devices").text


def test_a_code_that_is_none_is_a_fault_of_its_field(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = waiting(school, nadia)
    page = nadia.submit(nadia.get(f"/devices/{laptop.device}"), f"/devices/{laptop.device}/approve", {"code": "12"})
    assert page.status == 422
    assert page.form(f"/devices/{laptop.device}/approve")["code"] == ["12"]


def test_a_laptop_is_refused_with_why(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = waiting(school, nadia)
    page = nadia.get(f"/devices/{laptop.device}")
    done = nadia.submit(page, f"/devices/{laptop.device}/refuse", {"reason": "Not one of ours."})
    assert "What waited is refused." in nadia.follow(done).text
    assert state_of(school, laptop) is DeviceState.REFUSED
    # Whoever still had the page of before decides about what is no more.
    late = nadia.submit(page, f"/devices/{laptop.device}/refuse", {"reason": "Not one of ours, I say."})
    assert late.status == 409


# ---- one laptop ------------------------------------------------------------------------------------------------


def test_a_laptop_tells_what_it_proved_and_what_was_found(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = laptop_by(school, token(nadia))
    facts = {"check": "disk_encryption", "state": "on"}
    assert laptop.send(event(1, "posture", priority=1, facts=facts)).status_code == 200
    with school.store.act() as act:
        write_finding(act.database, laptop.device, FindingKind.CLONE_SUSPECTED, at=act.now, facts={})
        act.note("device_clone_suspected", actor="system", subject=laptop.device)
    page = nadia.get(f"/devices/{laptop.device}")
    assert "The laptop's own disk: encrypted" in page.text
    assert "its disk may have been copied to another laptop" in page.text
    assert "in use" in page.text
    assert "laptop-7" in page.text
    listed = nadia.get("/devices")
    assert "1 thing to look at" in listed.text
    assert "1 of 1 laptops have proved" in listed.text


def test_a_laptop_is_given_to_somebody_by_name_and_back(school: SchoolOfTest, nadia: Browser) -> None:
    browser_of(school, "Grace", Role.TEACHER)
    laptop = laptop_by(school, token(nadia))
    action = f"/devices/{laptop.device}/owner"
    done = nadia.follow(nadia.submit(nadia.get(f"/devices/{laptop.device}"), action, {"owner": "grace"}))
    assert done.form(action)["owner"] == ["Grace"]
    assert rows(nadia.submit(nadia.get("/devices"), "/devices", find="grace")) == {f"/devices/{laptop.device}"}
    done = nadia.follow(nadia.submit(done, action, {"owner": ""}))
    assert done.form(action)["owner"] == [""]


def test_what_is_refused_in_one_form_empties_no_other(school: SchoolOfTest, nadia: Browser) -> None:
    browser_of(school, "Grace", Role.TEACHER)
    laptop = laptop_by(school, token(nadia, owner="Grace"))
    page = nadia.submit(
        nadia.get(f"/devices/{laptop.device}"), f"/devices/{laptop.device}/revoke", {"why": "It is broken."}
    )
    assert page.status == 422
    assert page.form(f"/devices/{laptop.device}/revoke")["why"] == ["It is broken."]
    assert page.form(f"/devices/{laptop.device}/owner")["owner"] == ["Grace"]


def test_a_laptop_is_taken_off_the_list_by_somebody_who_means_it(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = laptop_by(school, token(nadia))
    place = f"/devices/{laptop.device}"
    assert nadia.submit(nadia.get(place), f"{place}/revoke").status == 422
    done = nadia.submit(nadia.get(place), f"{place}/revoke", {"sure": "yes", "why": "Sold."})
    assert "off the list" in nadia.follow(done).text
    assert state_of(school, laptop) is DeviceState.REVOKED


def test_two_people_at_once_do_not_undo_each_other(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = laptop_by(school, token(nadia))
    place = f"/devices/{laptop.device}"
    early = nadia.get(place)
    assert nadia.submit(nadia.get(place), f"{place}/owner", {"owner": "Nadia"}).status == 303
    late = nadia.submit(early, f"{place}/owner", {"owner": ""})
    assert late.status == 409
    assert late.form(f"{place}/owner")["version"] == ["2"]


def test_of_two_who_decide_about_a_laptop_the_second_is_told_and_keeps_what_they_wrote(
    school: SchoolOfTest, nadia: Browser
) -> None:
    laptop = laptop_by(school, token(nadia, uses="2"))
    place = f"/devices/{laptop.device}"
    other = browser_of(school, "Cora", Role.ICT_COORDINATOR)
    early = other.get(place)
    assert nadia.submit(nadia.get(place), f"{place}/refuse", reason="It is not a laptop of ours.").status == 303
    late = other.submit(early, f"{place}/refuse", reason="Nobody knows this one, I asked.")
    assert late.status == 409
    assert "Meanwhile: " in late.text
    assert "(network manager)" in late.text
    assert "What you had written Nobody knows this one, I asked." in late.text


def test_a_laptop_that_is_not_there_is_not_found(nadia: Browser) -> None:
    assert nadia.get("/devices/nothing").status == 404
    assert nadia.get("/devices/<b>").status == 404


# ---- the list --------------------------------------------------------------------------------------------------


def test_laptops_are_listed_fifty_at_a_time_and_filtered(school: SchoolOfTest, nadia: Browser) -> None:
    for number in range(60):
        secret = school.parts.fleet.desk.issue("p1", f"Laptop {number:02}").text
        laptop = laptop_by(school, secret)
        if number < 5:
            facts = {"check": "disk_encryption", "state": "off"}
            laptop.send(event(1, "posture", priority=1, facts=facts))
    page = nadia.get("/devices")
    (later,) = [fields for each, fields in page.forms if each == "/devices" and "after" in fields]
    assert len(rows(page)) == 50
    assert len(rows(nadia.post("/devices", later))) == 10
    assert "5 laptops" in nadia.get("/devices", show="open").text
    assert "55 laptops" in nadia.get("/devices", show="unknown").text
    assert "0 laptops" in nadia.get("/devices", show="silent").text
    assert '<form method="get" action="/devices"' not in page.html
    assert "1 laptop" in nadia.submit(page, "/devices", find="laptop 07").text
    assert "60 laptops" in nadia.get("/devices", find="laptop 07").text
    assert "No laptop is so." in nadia.get("/devices", show="gone").text


def test_what_a_label_holds_is_shown_and_never_run(school: SchoolOfTest, nadia: Browser) -> None:
    laptop = laptop_by(school, token(nadia, label="<script>x</script>"))
    for path in ("/devices", f"/devices/{laptop.device}", "/devices/tokens"):
        assert "<script>x" not in nadia.get(path).html


def test_no_label_stands_in_the_title_of_a_page(nadia: Browser, school: SchoolOfTest) -> None:
    laptop = laptop_by(school, token(nadia, label="Laptop of Ada Finch"))
    title = nadia.get(f"/devices/{laptop.device}").html.partition("</title>")[0]
    assert (laptop.device in title, "Ada" in title) == (True, False)


def test_an_empty_school_says_so(nadia: Browser) -> None:
    assert "No laptop has enrolled yet." in nadia.get("/devices").text
    assert "There are no tokens for laptops." in nadia.get("/devices/tokens").text


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_the_pages_are_made_in_every_language(school: SchoolOfTest, nadia: Browser, language: str) -> None:
    laptop = waiting(school, nadia)
    nadia.headers["Accept-Language"] = language
    for path in ("/devices", f"/devices/{laptop.device}", "/devices/tokens"):
        assert f'<html lang="{language}">' in nadia.get(path).html
