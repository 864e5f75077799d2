"""Notices through the interface: a try by who manages people, and the queue without a word of what is in it."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest

from agent.notices.notify import MAIL, WEBHOOK, Channel, DeliveryError, Queued, Sender
from agent.sites.site import MailSettings, NotificationSettings, Private, WebhookSettings
from rules.roles import Role

SETTINGS = NotificationSettings(
    MailSettings("mail.example.test", "gate@example.test", by_role={"network_manager": ("it@example.test",)}),
    (WebhookSettings("board", "https://board.example.test/t024", "unread"),),
)


class Way:
    """A way on which notices arrive, or do not."""

    is_shared = True

    def __init__(self, fault: DeliveryError | None = None) -> None:
        self._fault = fault

    def deliver(self, _: Queued) -> None:
        if self._fault is not None:
            raise self._fault


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    school.private = Private(notifications=SETTINGS)
    return school


def send(school: SchoolOfTest, **faults: DeliveryError) -> None:
    ways: dict[str, Channel] = {channel: Way(faults.get(channel)) for channel in (MAIL, WEBHOOK)}
    Sender(school.store, lambda: ways, clock=lambda: school.now).send_due()


def test_a_try_is_queued_and_shows_how_it_went(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    tried = manager.post("/notifications/test")
    assert tried.status_code == 202, tried.text
    body = tried.json()
    assert (body["webhooks"], body["mails"], body["has_mail"], len(body["ids"])) == (1, 1, True, 2)
    assert school.kinds()[-1] == "notices_tested"
    waiting = manager.get("/notifications").json()
    assert [(each["channel"], each["waiting"]) for each in waiting["queues"]] == [("mail", 1), ("webhook", 1)]
    assert {each["state"] for each in waiting["items"]} == {"waiting"}
    send(school, mail=DeliveryError("The mail server could not be reached: it is off.", concerns_all=True))
    shown = manager.get("/notifications")
    assert "example.test" not in shown.text
    assert "t024" not in shown.text
    assert {each["id"] for each in shown.json()["items"]} == set(body["ids"])
    assert [
        (each["channel"], each["webhook"], each["state"], each["attempts"], each["fault"])
        for each in shown.json()["items"]
    ] == [
        ("mail", None, "waiting", 1, "The mail server could not be reached: it is off."),
        ("webhook", "board", "sent", 1, ""),
    ]
    assert shown.json()["queues"][0] == {
        "channel": "mail",
        "waiting": 1,
        "oldest_at": "2026-03-02T09:15:00Z",
        "given_up": 0,
    }


def test_the_newest_are_shown(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    for _ in range(3):
        last = manager.post("/notifications/test").json()["ids"]
    found = manager.get("/notifications", limit=2).json()["items"]
    assert {each["id"] for each in found} == set(last)


def test_a_site_that_tells_nobody_says_so(school: SchoolOfTest) -> None:
    school.private = Private()
    response = school.person("Manager", Role.NETWORK_MANAGER).post("/notifications/test")
    assert response.status_code == 409
    assert response.json()["detail"] == ("This site tells nobody; expected mail or webhooks under `notifications`.")


def test_the_queue_is_for_who_reads_people_and_a_try_for_who_manages_them(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    technician = school.person("Technician", Role.TECHNICIAN)
    assert teacher.get("/notifications").status_code == 403
    assert technician.get("/notifications").status_code == 200
    assert technician.post("/notifications/test").status_code == 403
    program = manager.with_token(["read_people"])
    assert program.get("/notifications").status_code == 200
    assert program.post("/notifications/test").status_code == 403
    assert school.stranger().get("/notifications").status_code == 401
