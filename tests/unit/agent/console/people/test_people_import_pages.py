"""People from a file: nothing without a look, exactly what was looked at, and a sentence for what is none."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.api.access import MAX_FILE_BYTES
from agent.console.people.people_import_pages import MAX_OCTETS
from rules.roles import Role

CSV = "id,name,roles,classes\n1,Zoe Quill,pupil,5A\n2,Noor Vale,pupil;,5A\n"


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return browser_of(SchoolOfTest(tmp_path), "Grace", Role.HEAD_TEACHER)


def send(browser: Browser, octets: bytes, style: str = "csv", name: str = "people.csv") -> Shown:
    fields = {**browser.get("/people/import").form("/people/import"), "format": style}
    return browser.send("POST", "/people/import", data=fields, files={"file": (name, octets)})


def archive(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", ".").replace("_UP_", "../"), text)
    return made.getvalue()


USERS = "sourcedId,status,enabledUser,orgSourcedIds,role,givenName,familyName\nu1,active,true,o,student,Zoe,Quill\n"


def test_what_a_file_changes_is_looked_at_before_anything_is_done(browser: Browser) -> None:
    page = send(browser, CSV.encode())
    assert page.status == 200, page.text
    assert "New 2" in page.text
    assert "Zoe Quill: pupil in 5A" in page.text
    assert "Zoe Quill" not in browser.get("/people").text
    done = browser.follow(browser.submit(page, "/people/import/apply"))
    assert "Done, exactly as it was shown." in done.text
    assert "Zoe Quill" in browser.get("/people").text


def test_what_was_looked_at_and_would_change_otherwise_now_is_not_done(browser: Browser) -> None:
    page = send(browser, CSV.encode())
    send(browser, CSV.replace("Quill", "Quire").encode())
    refused = browser.submit(page, "/people/import/apply")
    assert refused.status == 409
    assert "look at it again" in refused.text
    assert "Zoe" not in browser.get("/people").text


def test_a_file_is_kept_for_half_an_hour_and_no_longer(browser: Browser) -> None:
    page = send(browser, CSV.encode())
    browser.school.now += timedelta(minutes=29)
    browser.get("/people")
    browser.school.now += timedelta(minutes=1)
    late = browser.submit(page, "/people/import/apply")
    assert late.status == 422
    assert "please choose it again" in late.text


def test_nobody_does_what_somebody_else_looked_at(browser: Browser) -> None:
    page = send(browser, CSV.encode())
    other = browser_of(browser.school, "Ivy", Role.ICT_COORDINATOR)
    fields = {
        **page.form("/people/import/apply"),
        "csrf": other.get("/people/import").form("/people/import")["csrf"],
    }
    assert other.post("/people/import/apply", fields).status == 422


def test_of_many_files_that_people_look_at_the_newest_are_kept(browser: Browser) -> None:
    first = send(browser, CSV.encode())
    for name in ("Amy", "Ben", "Cid", "Dot"):
        send(browser_of(browser.school, name, Role.HEAD_TEACHER), CSV.encode())
    assert browser.submit(first, "/people/import/apply").status == 422


def test_a_oneroster_archive_is_taken(browser: Browser) -> None:
    page = send(browser, archive(users__csv=USERS), "oneroster", "school.zip")
    assert page.status == 200, page.text
    assert "Zoe Quill" in page.text


def test_people_of_the_site_file_need_no_file(browser: Browser) -> None:
    fields = {**browser.get("/people/import").form("/people/import"), "format": "site"}
    page = browser.send("POST", "/people/import", data=fields, files={"file": ("", b"")})
    assert "The site file in force names nobody" in page.text


@pytest.mark.parametrize(
    ("octets", "style", "sentence"),
    [
        (b"", "csv", "There is no file, or nothing is in it."),
        (b"\xff\xfe\x00", "csv", "This is no text in UTF-8; expected a CSV file that was saved as UTF-8."),
        (b"first,last\nZoe,Quill\n", "csv", "expected id, name, roles among them."),
        (b"x" * (MAX_OCTETS + 1), "csv", "The file is too large; expected at most 12 MB."),
        (b"not a zip at all", "oneroster", "found no zip archive that can be read"),
        (archive(users__csv=USERS)[:60], "oneroster", "found no zip archive that can be read"),
        (archive(_UP_users__csv=USERS), "oneroster", "which leads out of the archive; nothing of it is used."),
        (archive(users__csv="0" * (65 << 20)), "oneroster", "found more than 64 MB of text; expected one roster."),
        (archive(other__csv=USERS), "oneroster", "found no users.csv; expected a OneRoster 1.1 or 1.2 archive."),
        (archive(users__csv="a,b\n1,2\n"), "oneroster", "as column names; expected"),
        (CSV.encode(), "pdf", "Please choose what kind of file it is."),
    ],
    ids=[
        "nothing",
        "not-text",
        "wrong-columns",
        "too-large",
        "no-zip",
        "half-a-zip",
        "a-path-out-of-the-archive",
        "a-zip-bomb",
        "no-users",
        "wrong-columns-in-the-archive",
        "of-no-kind",
    ],
)
def test_what_is_no_such_file_is_said_in_one_sentence(
    browser: Browser, octets: bytes, style: str, sentence: str
) -> None:
    page = send(browser, octets, style)
    assert page.status == 422
    assert sentence in page.text
    assert page.form("/people/import")["csrf"]


def test_a_body_beyond_every_bound_is_not_read(browser: Browser) -> None:
    page = send(browser, b"x" * (MAX_FILE_BYTES + 1))
    assert page.status == 413


def test_lines_that_cannot_be_used_are_shown_with_why(browser: Browser) -> None:
    page = send(browser, b"id,name,roles,classes\n1,Zoe Quill,captain,5A\n2,Noor Vale,pupil,5A\n")
    assert "1 line cannot be used" in page.text
    assert "people.csv:2" in page.text


def test_names_from_a_file_are_text_and_never_markup(browser: Browser) -> None:
    page = send(browser, b"id,name,roles,classes\n1,<img src=x onerror=alert(1)>,pupil,5A\n")
    assert "<img" not in page.html
    assert "&lt;img" in page.html


def test_a_very_long_list_is_cut_and_says_so(browser: Browser) -> None:
    lines = "".join(f"{each},Pupil Number {each},pupil,\n" for each in range(1_500))
    page = send(browser, f"id,name,roles,classes\n{lines}".encode())
    assert page.html.count("<tr>") == 1_001
    assert "500 more changes are not shown here." in page.text
