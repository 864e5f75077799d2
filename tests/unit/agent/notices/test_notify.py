"""The queue of notices: with the act or not at all, sent later, tried again ever more slowly, given up and noted."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, text

from agent.logs import Log
from agent.notices import notify
from agent.notices.notify import (
    GIVE_UP_AFTER,
    KEEP_SETTLED,
    LONGEST_BACK_OFF,
    MAIL,
    MAX_WAITING_FOR_TARGET,
    WEBHOOK,
    Channel,
    DeliveryError,
    Notice,
    Queued,
    QueueFacts,
    Sender,
    addresses_of,
    announce,
    back_off,
    enqueue,
    read_queue,
    read_sendings,
)
from agent.people.people import Person
from agent.sites.site import MailSettings, NoticeKind, NotificationSettings, WebhookSettings
from agent.storage.state import StateStore
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
NOTICE = Notice("override_waits", "A request waits", "Sign in.\n", {"override": "o1"})
DOWN = DeliveryError("The server could not be reached.", concerns_all=True)
BUSY = DeliveryError("The recipient is busy.")
UNKNOWN = DeliveryError("The recipient is unknown.", is_lasting=True)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Way:
    """A channel that takes what it gets, but for the targets whose faults are given."""

    is_shared: bool = False
    faults: dict[str, Exception] = field(default_factory=dict)
    taken: list[Queued] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def deliver(self, queued: Queued) -> None:
        self.tried.append(queued.target)
        self.meanwhile()
        if (fault := self.faults.get(queued.target) or self.faults.get("*")) is not None:
            raise fault
        self.taken.append(queued)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=clock)
    yield store
    store.close()


@pytest.fixture
def mail() -> Way:
    return Way(is_shared=True)


@pytest.fixture
def hook() -> Way:
    return Way()


@pytest.fixture
def sender(store: StateStore, clock: Clock, mail: Way, hook: Way) -> Sender:
    return Sender(store, lambda: {MAIL: mail, WEBHOOK: hook}, clock=clock)


def queue(store: StateStore, *targets: str, channel: str = WEBHOOK, notice: Notice = NOTICE) -> None:
    with store.act() as act:
        for target in targets:
            enqueue(act, channel, target, notice)


def rows(store: StateStore) -> list[dict[str, Any]]:
    with store.read() as database:
        return [dict(row) for row in database.execute("SELECT * FROM notifications ORDER BY rowid")]


def notes(store: StateStore) -> list[tuple[str, dict[str, Any]]]:
    with store.read() as database:
        return [(row["kind"], json.loads(row["facts"])) for row in database.execute("SELECT kind, facts FROM audit")]


# ---- queueing ------------------------------------------------------------------------------------------------------


def test_a_notice_is_queued_with_its_act(store: StateStore) -> None:
    with store.act() as act:
        assert enqueue(act, WEBHOOK, "chat", NOTICE, new_id=lambda: "n1") == "n1"
    (row,) = rows(store)
    assert (row["id"], row["attempts"], row["done_at"], row["fault"]) == ("n1", 0, None, "")
    assert row["at"] == row["next_at"] == "2026-03-02T09:15:00.000000+00:00"


def test_an_act_that_fails_queues_nothing(store: StateStore) -> None:
    with suppress(InterruptedError), store.act() as act:
        enqueue(act, WEBHOOK, "chat", NOTICE)
        raise InterruptedError
    assert rows(store) == []


def test_a_full_queue_drops_the_notice_and_says_so_and_the_act_stands(store: StateStore) -> None:
    queue(store, *["chat"] * MAX_WAITING_FOR_TARGET)
    with store.act() as act:
        assert enqueue(act, WEBHOOK, "chat", NOTICE) is None
        assert enqueue(act, WEBHOOK, "pager", NOTICE) is not None
    assert notes(store) == [
        ("notification_dropped", {"channel": "webhook", "event": "override_waits", "waiting": MAX_WAITING_FOR_TARGET})
    ]
    assert len(rows(store)) == MAX_WAITING_FOR_TARGET + 1


def test_the_queue_is_bounded_whoever_is_told(store: StateStore) -> None:
    queue(store, *(f"chat-{number % 20}" for number in range(notify.MAX_WAITING)))
    with store.act() as act:
        assert enqueue(act, WEBHOOK, "pager", NOTICE) is None


def test_what_is_too_long_is_cut(store: StateStore, sender: Sender, hook: Way) -> None:
    long = Notice("override_waits", "s" * 1_000, "t" * 100_000, {"names": ["x" * 100] * 1_000})
    queue(store, "chat", notice=long)
    assert len(rows(store)[0]["content"]) < 10_000
    sender.send_due()
    notice = hook.taken[0].notice
    assert (len(notice.subject), len(notice.text)) == (200, 4_000)
    assert notice.text.endswith("t…")
    assert notice.facts == {"shortened": True}


def test_a_subject_is_one_line(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, "chat", notice=Notice("x", "Hello\r\nBcc: all@example.test\x00", "a\r\nb"))
    sender.send_due()
    assert hook.taken[0].notice.subject == "Hello Bcc: all@example.test"
    assert hook.taken[0].notice.text == "a\nb"


@given(subject=text(), body=text(), name=text())
def test_any_text_can_be_queued(tmp_path_factory: pytest.TempPathFactory, subject: str, body: str, name: str) -> None:
    stored = notify._content(Notice("x", subject + "\ud800", body, {"name": name}))
    again = Notice(**json.loads(stored.encode("utf-8").decode()))
    (again.subject + again.text).encode("utf-8")
    assert "\n" not in again.subject


SETTINGS = NotificationSettings(
    mail=MailSettings(
        "mail.example.test",
        "gate@example.test",
        by_role={
            "network_manager": ("net@example.test",),
            "head_teacher": ("head@example.test", "net@example.test"),
        },
        by_person={"p9": ("own@example.test",), "ada": ("ada@example.test",)},
    ),
    webhooks=(
        WebhookSettings("all", "https://example.test", "unread"),
        WebhookSettings("some", "https://example.test", "unread", frozenset({NoticeKind.OVERRIDE_APPROVED})),
    ),
)


@pytest.mark.parametrize(
    ("person", "addresses"),
    [
        pytest.param(Person("p1", "A", frozenset({Role.TEACHER})), (), id="nobody-wrote-an-address"),
        pytest.param(
            Person("p1", "A", frozenset({Role.NETWORK_MANAGER, Role.HEAD_TEACHER})),
            ("head@example.test", "net@example.test"),
            id="each-address-of-the-roles-once",
        ),
        pytest.param(
            Person("p9", "A", frozenset({Role.HEAD_TEACHER})), ("own@example.test",), id="their-own-comes-first"
        ),
        pytest.param(
            Person("p2", "A", frozenset({Role.HEAD_TEACHER}), external_id="ada"),
            ("ada@example.test",),
            id="their-own-as-their-source-calls-them",
        ),
    ],
)
def test_where_somebody_is_told(person: Person, addresses: tuple[str, ...]) -> None:
    assert SETTINGS.mail is not None
    assert addresses_of(SETTINGS.mail, person) == addresses


def test_webhooks_get_what_they_want_and_each_address_one_mail(store: StateStore) -> None:
    people = [Person("p1", "A", frozenset({Role.NETWORK_MANAGER})), Person("p2", "B", frozenset({Role.HEAD_TEACHER}))]
    with store.act() as act:
        announce(act, SETTINGS, NOTICE, to=people)
        announce(act, SETTINGS, Notice("override_approved", "", ""))
        announce(act, NotificationSettings(), NOTICE, to=people)
    assert [(row["channel"], row["target"]) for row in rows(store)] == [
        ("webhook", "all"),
        ("mail", "net@example.test"),
        ("mail", "head@example.test"),
        ("webhook", "all"),
        ("webhook", "some"),
    ]


def test_a_confidential_notice_goes_to_no_webhook_and_to_no_address_of_another_role(store: StateStore) -> None:
    both = Person("p1", "A", frozenset({Role.NETWORK_MANAGER, Role.HEAD_TEACHER}))
    own = Person("p9", "B", frozenset({Role.NETWORK_MANAGER}))
    other = Person("p3", "C", frozenset({Role.NETWORK_MANAGER}))
    with store.act() as act:
        announce(act, SETTINGS, NOTICE, to=[both, own, other], as_roles={Role.HEAD_TEACHER})
        announce(act, SETTINGS, NOTICE, to=[both, own, other], as_roles=())
    assert [row["target"] for row in rows(store)] == [
        "head@example.test",
        "net@example.test",
        "own@example.test",
        "own@example.test",
    ]


# ---- sending -------------------------------------------------------------------------------------------------------


def test_what_was_sent_is_settled_and_what_it_said_is_gone(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, "chat")
    assert sender.send_due() == 1
    assert sender.send_due() == 0
    (row,) = rows(store)
    assert (row["attempts"], row["fault"], row["content"]) == (1, "", "")
    assert row["done_at"] is not None
    assert hook.taken[0].notice == NOTICE
    assert notes(store) == []


def test_no_transaction_is_open_while_a_server_is_spoken_to(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, "chat")
    more = ["pager"]
    hook.meanwhile = lambda: queue(store, *([more.pop()] if more else []))
    sender.send_due()
    assert hook.tried == ["chat", "pager"]


def test_more_than_a_batch_goes_out_in_one_round(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, *(f"chat-{number}" for number in range(3 * notify.BATCH)))
    assert sender.send_due() == 3 * notify.BATCH


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (13, 20_480), (14, 21_600), (1_000_000, 21_600)]
)
def test_back_off_doubles_up_to_six_hours(attempts: int, seconds: int) -> None:
    assert back_off(attempts) == timedelta(seconds=seconds)


@given(integers(1, 10_000))
def test_back_off_never_shrinks(attempts: int) -> None:
    assert timedelta(0) < back_off(attempts) <= back_off(attempts + 1) <= LONGEST_BACK_OFF


def test_a_failure_is_tried_again_ever_later(store: StateStore, sender: Sender, hook: Way, clock: Clock) -> None:
    queue(store, "chat")
    hook.faults["chat"] = DOWN
    moments = []
    for _ in range(60):
        before = len(hook.tried)
        sender.send_due()
        if len(hook.tried) > before:
            moments.append(round((clock.now - NOW).total_seconds()))
        clock.advance(seconds=5)
    assert moments == [0, 5, 15, 35, 75, 155]
    assert rows(store)[0]["fault"] == "The server could not be reached."
    hook.faults.clear()
    clock.advance(hours=1)
    assert sender.send_due() == 1
    assert rows(store)[0]["fault"] == ""


def test_after_three_days_it_is_given_up_and_noted(
    store: StateStore, sender: Sender, hook: Way, clock: Clock
) -> None:
    queue(store, "chat")
    hook.faults["chat"] = DOWN
    while rows(store)[0]["done_at"] is None:
        assert clock.now - NOW <= GIVE_UP_AFTER + LONGEST_BACK_OFF
        sender.send_due()
        clock.advance(hours=1)
    assert clock.now - NOW >= GIVE_UP_AFTER
    ((kind, facts),) = notes(store)
    assert kind == "notification_given_up"
    assert facts == {
        "channel": "webhook",
        "event": "override_waits",
        "attempts": rows(store)[0]["attempts"],
        "fault": "The server could not be reached.",
    }
    with store.read() as database:
        assert read_queue(database)[WEBHOOK].given_up == 1


def test_a_lasting_fault_is_given_up_at_once(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, "chat", "pager")
    hook.faults["chat"] = UNKNOWN
    assert sender.send_due() == 1
    assert [kind for kind, _ in notes(store)] == ["notification_given_up"]


def test_a_channel_that_was_taken_out_of_the_site(store: StateStore, clock: Clock) -> None:
    queue(store, "chat")
    Sender(store, dict, clock=clock).send_due()
    assert rows(store)[0]["fault"] == "No webhook is set up any more."


def test_a_fault_of_ours_does_not_stand_before_the_others(store: StateStore, sender: Sender, hook: Way) -> None:
    queue(store, "chat", "pager")
    hook.faults["chat"] = KeyError("a name that nobody should read")
    assert sender.send_due() == 1
    assert rows(store)[0]["fault"] == "The notice could not be sent (KeyError)."


def test_a_server_that_is_down_is_tried_once_for_all_that_go_by_it(
    store: StateStore, sender: Sender, mail: Way, hook: Way, clock: Clock
) -> None:
    queue(store, "a@example.test", "b@example.test", channel=MAIL)
    queue(store, "chat", "chat", "pager")
    mail.faults["*"] = DOWN
    hook.faults["chat"] = DOWN
    assert sender.send_due() == 1
    assert (mail.tried, hook.tried) == (["a@example.test"], ["chat", "pager"])
    assert sender.send_due() == 0
    assert len(mail.tried + hook.tried) == 3
    mail.faults.clear()
    hook.faults.clear()
    clock.advance(minutes=1)
    assert sender.send_due() == 4


def test_a_fault_of_one_recipient_keeps_no_other_waiting(store: StateStore, sender: Sender, mail: Way) -> None:
    queue(store, "a@example.test", "b@example.test", channel=MAIL)
    mail.faults["a@example.test"] = BUSY
    assert sender.send_due() == 1
    assert mail.tried == ["a@example.test", "b@example.test"]


def test_the_log_names_no_recipient(store: StateStore, mail: Way, clock: Clock) -> None:
    queue(store, "a@example.test", "b@example.test", channel=MAIL)
    mail.faults.update({"a@example.test": BUSY, "b@example.test": RuntimeError("b@example.test")})
    lines = io.StringIO()
    Sender(store, lambda: {MAIL: mail}, clock=clock, journal=Log(lines)).send_due()
    said = lines.getvalue()
    assert said.count("event=notice_not_sent") == 2
    assert "example.test" not in said


def test_a_clock_that_was_set_back_keeps_nothing_waiting(store: StateStore, sender: Sender, clock: Clock) -> None:
    queue(store, "chat")
    clock.advance(days=-400)
    assert sender.send_due() == 1


def test_what_was_settled_is_deleted_after_some_days(store: StateStore, sender: Sender, clock: Clock) -> None:
    queue(store, "chat")
    sender.send_due()
    clock.now += KEEP_SETTLED + timedelta(seconds=1)
    queue(store, "pager")
    sender.send_due()
    assert [row["target"] for row in rows(store)] == ["pager"]


def test_what_is_queued_outlives_the_program(tmp_path: Path, clock: Clock, hook: Way) -> None:
    first = StateStore(tmp_path / "state.db", clock=clock)
    queue(first, "chat")
    first.close()
    second = StateStore(tmp_path / "state.db", clock=clock)
    assert Sender(second, lambda: {WEBHOOK: hook}, clock=clock).send_due() == 1
    second.close()


def test_how_the_queue_stands(store: StateStore, sender: Sender, hook: Way, clock: Clock) -> None:
    with store.read() as database:
        assert read_queue(database) == {MAIL: QueueFacts(0, None, 0), WEBHOOK: QueueFacts(0, None, 0)}
    queue(store, "chat")
    clock.advance(minutes=5)
    queue(store, "chat", "gone")
    hook.faults.update(chat=DOWN, gone=UNKNOWN)
    sender.send_due()
    queue(store, "a@example.test", channel=MAIL)
    with store.read() as database:
        assert read_queue(database) == {
            MAIL: QueueFacts(1, NOW + timedelta(minutes=5), 0),
            WEBHOOK: QueueFacts(2, NOW, 1),
        }


def test_what_became_of_notices_is_told_without_content_and_address(
    store: StateStore, sender: Sender, mail: Way, hook: Way
) -> None:
    queue(store, "a@example.test", channel=MAIL)
    queue(store, "chat", "gone", "slow")
    hook.faults.update(gone=UNKNOWN, slow=BUSY)
    sender.send_due()
    with store.read() as database:
        found = read_sendings(database, limit=10)
        assert read_sendings(database, limit=2) == found[:2]
    assert [(each.channel, each.webhook, each.state, each.attempts, each.fault) for each in found] == [
        (WEBHOOK, "slow", "waiting", 1, str(BUSY)),
        (WEBHOOK, "gone", "given_up", 1, str(UNKNOWN)),
        (WEBHOOK, "chat", "sent", 1, ""),
        (MAIL, None, "sent", 1, ""),
    ]
    assert [each.next_at is not None for each in found] == [True, False, False, False]
    assert not any("@" in repr(each) or "Sign in" in repr(each) for each in found)


# ---- the thread ----------------------------------------------------------------------------------------------------


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


def test_the_thread_sends_when_it_is_woken(store: StateStore, clock: Clock, hook: Way) -> None:
    sender = Sender(store, lambda: {WEBHOOK: hook}, clock=clock, poll_seconds=60)
    sender.start()
    queue(store, "chat")
    sender.wake()
    assert eventually(lambda: len(hook.taken) == 1)
    sender.close()


def test_the_thread_looks_by_itself(store: StateStore, clock: Clock, hook: Way) -> None:
    sender = Sender(store, lambda: {WEBHOOK: hook}, clock=clock, poll_seconds=0.01)
    sender.start()
    queue(store, "chat")
    assert eventually(lambda: len(hook.taken) == 1)
    sender.close()


@pytest.mark.alone
def test_an_act_does_not_wait_for_a_server(store: StateStore, clock: Clock, hook: Way) -> None:
    release = threading.Event()
    hook.meanwhile = lambda: release.wait(20)
    sender = Sender(store, lambda: {WEBHOOK: hook}, clock=clock, poll_seconds=60)
    queue(store, "chat")
    sender.start()
    assert eventually(lambda: hook.tried == ["chat"])
    began_at = time.monotonic()
    queue(store, "pager")
    sender.wake()
    assert time.monotonic() - began_at < 1
    release.set()
    assert eventually(lambda: len(hook.taken) == 2)
    sender.close()


def test_the_thread_outlives_whatever_goes_wrong(store: StateStore, clock: Clock, hook: Way) -> None:
    faults: list[Exception] = [DOWN, ZeroDivisionError()]

    def channels() -> dict[str, Channel]:
        if faults:
            raise faults.pop()
        return {WEBHOOK: hook}

    queue(store, "chat")
    sender = Sender(store, channels, clock=clock, poll_seconds=0.01)
    sender.start()
    assert eventually(lambda: len(hook.taken) == 1)
    sender.close()


def test_closing_leaves_the_rest_for_the_next_start(store: StateStore, clock: Clock, hook: Way) -> None:
    sender = Sender(store, lambda: {WEBHOOK: hook}, clock=clock)
    hook.meanwhile = sender.close
    queue(store, "chat", "pager")
    assert sender.send_due() == 1
    assert [row["done_at"] is None for row in rows(store)] == [False, True]


def test_closing_what_never_began(sender: Sender) -> None:
    sender.close()
