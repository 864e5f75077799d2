"""What media registers keep of somebody, as a page: looked at by who may erase, and erased once, with a ground."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.console.machines.media_erasure_pages import thing_words
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted
from agent.storage.media_erasure import Thing
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.medium import MediumKind
from rules.roles import Role

GROUND = "Asked for it in a letter of 2 March."
LOOK, ERASE = "/media/erasures/look", "/media/erasures"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def head(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Grace", Role.HEAD_TEACHER)


@pytest.fixture
def ada(school: SchoolOfTest, head: Browser) -> str:
    """Somebody with a medium that is disposed of and one that is not."""
    person, media = browser_of(school, "Ada", Role.TEACHER).person, school.parts.media
    gone = media.register.register(person, Draft(MediumKind.STICK, "Marks of Year 5"))
    media.register.dispose(head.person, gone.number, version=gone.version, how="Shredded at the recycling yard.")
    media.register.register(person, Draft(MediumKind.CARD, "Pictures of the trip"))
    return person


def looked(browser: Browser, name: str = "Ada") -> Shown:
    return browser.submit(browser.get(ERASE), LOOK, {"person": name})


def test_what_is_kept_is_shown_and_what_is_over_goes_with_its_ground(head: Browser, ada: str) -> None:
    shown = looked(head)
    assert "Ada" in shown.headings
    assert "Media on the list 1 1" in shown.text
    assert shown.form(ERASE)["about"] == [ada]
    done = head.submit(shown, ERASE, {"reason": GROUND})
    assert done.status == 200
    assert "1 thing was erased." in done.text
    assert "Media on the list 0 1" in done.text
    assert "Nothing of it is over yet." in done.text
    assert f"Medium erased from the list M-1 Grace {GROUND}" in head.get(ERASE).text


def test_sent_again_it_erases_once_and_says_the_same(school: SchoolOfTest, head: Browser, ada: str) -> None:
    assert ada
    shown = looked(head)
    first = head.submit(shown, ERASE, {"reason": GROUND})
    assert "1 thing was erased." in head.submit(shown, ERASE, {"reason": GROUND}).text == first.text
    assert school.kinds().count("medium_erased") == 1


def test_what_ended_since_somebody_looked_is_looked_at_again(school: SchoolOfTest, head: Browser, ada: str) -> None:
    shown = looked(head)
    media = school.parts.media
    second = media.desk.store
    with second.read() as database:
        version = int(database.execute("SELECT version FROM media WHERE number = 2").fetchone()[0])
    media.register.dispose(head.person, 2, version=version, how="Shredded at the recycling yard.")
    refused = head.submit(shown, ERASE, {"reason": GROUND})
    assert refused.status == 409
    assert refused.form(ERASE) | {"csrf": []} == {
        "csrf": [], "about": [ada], "version": ["2"], "reason": [GROUND], **_number(refused),
    }  # fmt: skip
    assert "2 things were erased." in head.submit(refused, ERASE).text


def _number(shown: Shown) -> dict[str, list[str]]:
    return {name: value for name, value in shown.form(ERASE).items() if name.startswith("form_")}


def test_without_a_ground_nothing_is_erased(school: SchoolOfTest, head: Browser, ada: str) -> None:
    refused = head.submit(looked(head), ERASE, {"reason": "no"})
    assert refused.status == 422
    assert refused.form(ERASE)["about"] == [ada]
    assert "medium_erased" not in school.kinds()


@pytest.mark.parametrize("name", ["", "Nobody Known"])
def test_nobody_is_asked_for_again(head: Browser, name: str) -> None:
    refused = looked(head, name)
    assert refused.status == 422
    assert refused.form(LOOK)["person"] == [name]


def test_it_is_reached_from_the_page_of_a_person_without_their_name_in_an_address(head: Browser, ada: str) -> None:
    page = head.get(f"/people/{ada}")
    shown = head.submit(page, LOOK)
    assert "Media on the list 1 1" in shown.text
    assert head.post(LOOK, {**page.form(LOOK), "about": "p999"}).status == 404


def test_what_went_by_its_time_says_so(school: SchoolOfTest, head: Browser, ada: str) -> None:
    assert ada
    school.now += timedelta(days=4000)
    assert school.parts.media.retention.keep() > 0
    again = browser_of(school, "Gail", Role.HEAD_TEACHER)
    assert "M-1 the gateway the time for which it is kept is over" in again.get(ERASE).text


def test_a_permit_that_is_over_counts_too(school: SchoolOfTest, head: Browser) -> None:
    media = school.parts.media
    medium = media.register.register(head.person, Draft(MediumKind.STICK, "Marks of Year 5"))
    wanted = Wanted("Reports at home", date(2026, 3, 4))
    permit = media.sign_outs.sign_out(head.person, medium.number, wanted)
    if permit.state == "waiting":
        media.sign_outs.withdraw(head.person, permit.number, version=permit.version)
    else:
        media.sign_outs.sign_in(head.person, permit.number)
    assert "Permits to take media 1 0" in looked(head, "Grace").text


def test_nobody_else_opens_it(school: SchoolOfTest) -> None:
    for name, role in (("Dora", Role.DATA_PROTECTION_OFFICER), ("Tim", Role.TECHNICIAN)):
        assert browser_of(school, name, role).get(ERASE).status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_name(language: str) -> None:
    assert len(set(thing_words(load_texts(language)).values())) == len(Thing)
