"""How notices arrive, as a page: the queues, what became of each, and a test; never an address."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of

from agent.console.people.notification_pages import channel_words
from agent.notices.notify import CHANNELS
from agent.sites.site import MailSettings, NotificationSettings, Private, WebhookSettings
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.roles import Role

SETTINGS = NotificationSettings(
    MailSettings("mail.example.test", "gate@example.test"),
    (WebhookSettings("office", "https://office.example.test/hook", "unread"),),
)


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    made.private = Private(notifications=SETTINGS)
    return made


def test_a_test_is_sent_once_and_stands_in_the_list(school: SchoolOfTest) -> None:
    nora = browser_of(school, "Nora", Role.NETWORK_MANAGER)
    page = nora.get("/notifications")
    assert "No notice was sent in the last days." in page.text
    done = nora.submit(page, "/notifications/test")
    assert "1 test is on its way." in done.text
    assert "The school has no e-mail address for you" in done.text
    assert nora.submit(page, "/notifications/test").text == done.text
    assert school.kinds().count("notices_tested") == 1
    assert "To a program: office waits" in nora.get("/notifications").text
    assert "office.example" not in nora.get("/notifications").html


def test_what_could_not_be_sent_says_why_and_is_reached_from_the_first_page(school: SchoolOfTest) -> None:
    ivy = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    ivy.submit(ivy.get("/notifications"), "/notifications/test")
    with school.store.act() as act:
        act.database.execute(
            "UPDATE notifications SET fault = 'The program answered 500.', done_at = at, attempts = 9"
        )
    assert "could not be sent 9 The program answered 500." in ivy.get("/notifications").text
    assert "/notifications" in ivy.get("/people").links


def test_where_a_site_tells_nobody_the_test_says_so(school: SchoolOfTest) -> None:
    school.private = Private()
    nora = browser_of(school, "Nora", Role.NETWORK_MANAGER)
    refused = nora.submit(nora.get("/notifications"), "/notifications/test")
    assert refused.status == 422
    assert "This site tells nobody" in refused.text


def test_a_technician_looks_and_sends_none(school: SchoolOfTest) -> None:
    tim = browser_of(school, "Tim", Role.TECHNICIAN)
    page = tim.get("/notifications")
    assert page.status == 200
    assert [action for action, _ in page.forms] == ["/sign-out"]
    assert browser_of(school, "Ada", Role.TEACHER).get("/notifications").status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_has_a_name(language: str) -> None:
    assert len({channel_words(each, load_texts(language)) for each in CHANNELS}) == len(CHANNELS)
