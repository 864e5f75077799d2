"""Who may open which page: every role against every page, as `tests/golden/console_matrix.txt` says."""

from dataclasses import replace
from pathlib import Path

import pytest
from api_of_test import SITE, SchoolOfTest
from pages_of_test import Browser, browser_of

from agent.console.page_needs import PAGES
from agent.sites.site import Paths
from rules.roles import Role

GOLDEN = Path(__file__).parents[3] / "golden" / "console_matrix.txt"
ROLES = tuple(Role)
# What a page without any right asks for is an account; these change the account of who looks.
ENDING = {("POST", "/sign-out"), ("POST", "/account/password"), ("POST", "/account/authenticator")}
OPEN = {page for page, need in PAGES.items() if need.is_open}


def rows() -> dict[tuple[str, str], str]:
    """Read the table: a page in each line, and a mark for each role."""
    found = {}
    for line in GOLDEN.read_text().splitlines():
        if line.startswith(("GET", "POST")):
            method, path, marks = line.split()
            found[method, path] = marks
    return found


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolOfTest:
    folder = tmp_path_factory.mktemp("school")
    school = SchoolOfTest(folder)
    (folder / "site.yaml").write_text(SITE)
    paths = Paths(state=str(folder), runtime=str(folder))
    school.site = replace(school.site, path=str(folder / "site.yaml"), paths=paths)
    return school


def test_the_table_has_every_page_and_every_role() -> None:
    assert sorted(rows()) == sorted(set(PAGES) - OPEN)
    assert {len(marks) for marks in rows().values()} == {len(ROLES)}


def test_what_is_open_to_everybody_is_little() -> None:
    assert {("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/language")} == OPEN


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_others(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, f"Person{role.replace('_', '')}", role)
    csrf = browser.get("/account").form("/sign-out")["csrf"]
    found, place = {}, ROLES.index(role)
    for method, path in sorted(rows()):
        if (method, path) in ENDING:
            continue
        address = path
        for part in ("id", "number", "letter", "warning", "restriction", "kind"):
            address = address.replace(f"{{{part}}}", "999")
        shown = browser.get(address) if method == "GET" else browser.post(address, {"csrf": csrf})
        assert shown.status < 500, (method, path, shown.text)
        found[method, path] = shown.status != 403
    expected = {page: marks[place] == "+" for page, marks in rows().items() if page not in ENDING}
    assert {page: "may" if may else "may not" for page, may in found.items() if may != expected[page]} == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_opens_none(school: SchoolOfTest, method: str) -> None:
    stranger = Browser(school)
    for each, path in sorted(rows()):
        if each == method:
            shown = stranger.get(path) if method == "GET" else stranger.post(path, {})
            assert shown.status in (303, 401), path
