"""Who is told of what: each act with the people that it concerns, in its own transaction, and each of them once."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from api_of_test import NOW, REASON, SchoolOfTest

from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS
from agent.notices.notify import MAIL, WEBHOOK
from agent.notices.notify_acts import REMINDED, Tried
from agent.requests.override_drafts import Written
from agent.requests.suspensions import AskedSuspension
from agent.sites.site import (
    IncidentSettings,
    MailSettings,
    NoticeKind,
    NotificationSettings,
    Private,
    WebhookSettings,
)
from agent.storage.filter_rows import Source, State, Version
from agent.storage.override_rows import read_moves
from rules.errors import RefusedRequestError
from rules.incident import Intent
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

ROLES = {
    "teacher": Role.TEACHER,
    "manager": Role.NETWORK_MANAGER,
    "coordinator": Role.ICT_COORDINATOR,
    "head": Role.HEAD_TEACHER,
    "safeguarding": Role.SAFEGUARDING_LEAD,
    "auditor": Role.AUDITOR,
    "officer": Role.DATA_PROTECTION_OFFICER,
    "technician": Role.TECHNICIAN,
    "slt": Role.SLT,
    "pupil": Role.PUPIL,
}
WEBHOOKS = (WebhookSettings("board", "https://board.example.test", "unread"),)
VERSION = Version(
    number=7,
    at=NOW,
    source=Source.API,
    state=State.DRAFTED,
    text="",
    hash="",
    changes=("The policy ours was added.",),
    drafted_by="manager",
    owner="teacher",
    review_on=date(2026, 9, 1),
)


class Newsroom(SchoolOfTest):
    """A school in which everybody has an address that begins as they are called, and whose ids say who they are."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        with self.store.act() as act:
            for person, role in ROLES.items():
                act.database.execute(
                    "INSERT INTO people (id, name, created_at) VALUES (?, ?, '2026-01-01')", (person, person)
                )
                act.database.execute("INSERT INTO memberships (person, role) VALUES (?, ?)", (person, role.value))
        self.settle(webhooks=WEBHOOKS)

    def settle(self, *, webhooks: tuple[WebhookSettings, ...] = (), has_mail: bool = True, after: int = 4) -> None:
        addresses: dict[str, tuple[str, ...]] = {person: (f"{person}@example.test",) for person in ROLES}
        mail = MailSettings("mail.example.test", "gate@example.test", by_person=addresses)
        settings = NotificationSettings(mail if has_mail else None, webhooks, escalate_after_seconds=after * 3600)
        self.private = Private(notifications=settings)

    def ask(self, *, person: str = "teacher", name: str = "bet.example", hours: float = 1, **parts: Any) -> str:
        until_at = self.now + timedelta(hours=hours)
        written = Written(names=(name,), groups=("year5",), reason=REASON, until_at=until_at, **parts)
        return self.parts.overrides.request(person, written).override.id

    def suspend(self, person: str = "manager") -> str:
        asked = AskedSuspension(networks=("classrooms",), reason=REASON, until_at=self.now + timedelta(hours=1))
        return self.parts.suspensions.request(person, asked).suspension.id

    def news(self) -> dict[str, set[str]]:
        """Give who has been told since this was last asked, by the kind of event; programs by their name."""
        with self.store.read() as database:
            rows = database.execute("SELECT channel, target, content FROM notifications ORDER BY rowid").fetchall()
        with self.store.act() as act:
            act.database.execute("DELETE FROM notifications")
        found: dict[str, set[str]] = {}
        for row in rows:
            event, who = json.loads(row["content"])["event"], row["target"].partition("@")[0]
            assert row["channel"] == (WEBHOOK if who == "board" else MAIL)
            assert who not in found.setdefault(event, set()), "each once"
            found[event].add(who)
        return found

    def clock(self, **after: float) -> dict[str, set[str]]:
        """Let time pass, do what is due, and give who was told."""
        self.now += timedelta(**after)
        self.parts.overrides.sweep()
        self.parts.suspensions.sweep()
        self.parts.teller.remind(self.store)
        return self.news()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Newsroom]:
    opened = Newsroom(tmp_path)
    yield opened
    opened.store.close()


# ---- incidents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "audience", "told"),
    [
        pytest.param(Kind.GAMBLING, Audience.PUPIL, {"incident_waits": {"board", "coordinator"}}, id="ordinary"),
        pytest.param(Kind.GROOMING, Audience.PUPIL, {"incident_safeguarding": {"safeguarding"}}, id="a-child"),
        pytest.param(Kind.STAFF_CONDUCT, Audience.STAFF, {"incident_restricted": {"head", "slt"}}, id="restricted"),
        pytest.param(Kind.ILLEGAL, Audience.PUPIL, {"incident_sealed": {"safeguarding"}}, id="sealed"),
    ],
)
def test_an_incident_is_told_to_whom_it_goes_first_and_a_program_learns_of_ordinary_ones_alone(
    school: Newsroom, kind: Kind, audience: Audience, told: dict[str, set[str]]
) -> None:
    school.private = replace(school.private, incidents=IncidentSettings(second_reader="slt"))
    school.candidate(kind, about="teacher", audience=audience)
    assert school.news() == told


def test_whoever_has_a_step_to_do_is_told(school: Newsroom) -> None:
    filed = school.candidate(Kind.OTHER, about="pupil")
    school.news()
    decisions = school.parts.incidents.decisions
    why = "Three pupils say the same."
    decisions.accept("head", filed.incident.id, version=1, row="P04", deliberate=Intent.DELIBERATE, why=why)
    (told,) = school.news().items()
    assert told[0] == "incident_steps"
    assert "manager" in told[1]


def test_an_address_of_a_role_is_used_for_what_is_confidential_only_where_all_who_hold_it_may_know(
    school: Newsroom,
) -> None:
    mail = MailSettings("mail.example.test", "gate@example.test", by_role={"head_teacher": ("head@example.test",)})
    school.private = Private(notifications=NotificationSettings(mail))
    school.candidate(Kind.STAFF_CONDUCT, about="teacher", audience=Audience.STAFF)
    assert school.news() == {"incident_restricted": {"head"}}
    with school.store.act() as act:
        act.database.execute("INSERT INTO memberships (person, role) VALUES ('teacher', 'head_teacher')")
    school.candidate(Kind.STAFF_CONDUCT, about="teacher", audience=Audience.STAFF)
    assert school.news() == {}, "the other who reads that address is the one whom it is about"


def test_what_is_about_one_of_the_staff_goes_past_the_mailbox_that_they_read_and_to_no_program(
    school: Newsroom,
) -> None:
    boxes: dict[str, tuple[str, ...]] = {"ict_coordinator": ("ict@example.test",)}
    own: dict[str, tuple[str, ...]] = {"second": ("s@example.test",)}
    mail = MailSettings("mail.example.test", "gate@example.test", by_role=boxes, by_person=own)
    school.private = Private(notifications=NotificationSettings(mail, WEBHOOKS))
    with school.store.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('second', 'second', '2026-01-01')")
        act.database.execute("INSERT INTO memberships (person, role) VALUES ('second', 'ict_coordinator')")
    school.candidate(Kind.GAMBLING, about="coordinator", audience=Audience.STAFF)
    assert school.news() == {"incident_waits": {"s"}}, "the other co-ordinator, at an address of their own"
    school.candidate(Kind.GAMBLING, about="teacher", audience=Audience.STAFF)
    assert school.news() == {"incident_waits": {"ict", "s"}}, "nobody reads that address whom it is about"
    school.candidate(Kind.GAMBLING, about="", audience=Audience.STAFF)
    assert school.news() == {"incident_waits": {"board", "ict", "s"}}, "it is about nobody"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("incident_clock_runs_out", NoticeKind.INCIDENT_CLOCK),
        ("incident_clock_ended", NoticeKind.INCIDENT_CLOCK),
        ("incident_unseal_asked", NoticeKind.INCIDENT_UNSEAL_ASKED),
        ("incident_step_overdue", NoticeKind.INCIDENT_OVERDUE),
        ("incident_undecided", NoticeKind.INCIDENT_WAITS),
        ("incident_reopened", NoticeKind.INCIDENT_WAITS),
        ("incident_unsealed", None),
    ],
)
def test_which_row_is_told_as_what(school: Newsroom, row: str, told: NoticeKind | None) -> None:
    filed = school.candidate()
    school.news()
    with school.store.act() as act:
        school.parts.teller.incident(act, row, filed, ["head", "nobody"])
    assert school.news() == ({told.value: {"board", "head"}} if told else {})


# ---- overrides -----------------------------------------------------------------------------------------------------


def test_a_request_is_told_by_steps(school: Newsroom) -> None:
    school.ask(hours=48)
    assert school.news() == {"override_waits": {"board", "manager"}}
    assert school.clock(hours=3.9) == {}
    assert school.clock(hours=0.1) == {"override_escalated": {"board", "coordinator"}}
    assert school.clock() == {}, "and once, also by the remark that it waits for long"
    assert school.clock(hours=4) == {"override_escalated": {"board", "head"}}
    assert school.clock(hours=20) == {}


def test_the_site_says_how_long_a_request_may_wait(school: Newsroom) -> None:
    school.ask(hours=48)
    school.news()
    school.settle(after=1)
    assert school.clock(hours=1) == {"override_escalated": {"coordinator"}}


def test_a_sensitive_request_is_told_to_both_who_must_agree(school: Newsroom) -> None:
    school.ask(name="hate.example")
    assert school.news() == {"override_waits": {"board", "coordinator", "safeguarding"}}


@pytest.mark.parametrize(
    ("decide", "kind"),
    [
        pytest.param("approve", "override_approved", id="approved"),
        pytest.param("narrow", "override_narrowed", id="narrowed"),
        pytest.param("refuse", "override_refused", id="refused"),
    ],
)
def test_who_asked_is_told_what_was_decided(school: Newsroom, decide: str, kind: str) -> None:
    asked = school.ask()
    school.news()
    match decide:
        case "approve":
            school.parts.overrides.approve("manager", asked, version=1)
        case "narrow":
            until_at = school.now + timedelta(minutes=30)
            school.parts.overrides.narrow("manager", asked, version=1, reason=REASON, until_at=until_at)
        case _:
            school.parts.overrides.refuse("manager", asked, version=1, reason=REASON)
    assert school.news() == {kind: {"board", "teacher"}}


def test_half_an_approval_is_no_decision(school: Newsroom) -> None:
    asked = school.ask(name="hate.example")
    school.news()
    school.parts.overrides.approve("safeguarding", asked, version=1)
    assert school.news() == {}
    school.parts.overrides.approve("coordinator", asked, version=2)
    assert school.news() == {"override_approved": {"board", "teacher"}}


def test_who_asked_is_told_of_the_end_before_it_comes(school: Newsroom) -> None:
    school.parts.overrides.approve("manager", school.ask(), version=1)
    school.news()
    assert school.clock(minutes=49) == {}
    assert school.clock(minutes=1) == {"override_ends_soon": {"board", "teacher"}}
    assert school.clock(minutes=10) == {}, "what ends as everybody knew is no news"


def test_who_asked_is_told_that_nobody_decided(school: Newsroom) -> None:
    school.ask()
    school.news()
    assert school.clock(hours=1) == {"override_undecided": {"board", "teacher"}}


def test_who_asked_is_told_that_somebody_else_ended_it(school: Newsroom) -> None:
    for person, told in (("head", {"board", "teacher"}), ("teacher", {"board"})):
        asked = school.ask()
        school.parts.overrides.approve("manager", asked, version=1)
        school.news()
        school.parts.overrides.revoke(person, asked, version=2, reason=REASON)
        assert school.news() == {"override_revoked": told}


def test_an_emergency_is_told_at_once_and_until_it_is_countersigned_or_too_late(school: Newsroom) -> None:
    asked = school.ask(person="manager", is_break_glass=True)
    assert school.news() == {"override_broke_glass": {"board", "head", "coordinator", "safeguarding"}}
    school.clock(hours=1)
    who = {"board", "head", "coordinator", "safeguarding"}
    assert school.clock(hours=10.9) == {}
    assert school.clock(hours=0.1) == {"override_countersign_due": who}
    assert school.clock() == {}
    assert school.clock(hours=10) == {"override_countersign_due": who}
    assert school.clock(hours=2) == {"override_unconfirmed": who | {"manager"}}
    assert school.clock(hours=24) == {}
    with school.store.read() as database:
        assert [each.move for each in read_moves(database, asked)].count(REMINDED) == 2


def test_who_was_away_is_reminded_once_of_all_that_was_missed(school: Newsroom) -> None:
    school.ask(person="manager", is_break_glass=True)
    school.news()
    told = school.clock(hours=23)
    assert list(told) == ["override_ends_soon", "override_countersign_due"] or list(told) == [
        "override_countersign_due"
    ]
    assert school.clock() == {}


def test_what_was_countersigned_is_not_reminded_of(school: Newsroom) -> None:
    asked = school.ask(person="manager", is_break_glass=True)
    school.parts.overrides.countersign("head", asked, version=1)
    school.news()
    assert school.clock(hours=12).keys() <= {"override_ends_soon"}


def test_only_those_who_can_countersign_it_are_reminded(school: Newsroom) -> None:
    school.ask(person="coordinator", is_break_glass=True)
    assert school.news() == {"override_broke_glass": {"board", "manager", "head", "safeguarding"}}
    with school.store.act() as act:
        # What the site takes for sensitive can change while an emergency waits.
        act.database.execute("UPDATE overrides SET lift = replace(lift, 'gambling', 'hate_speech')")
    school.clock(hours=1)
    assert school.clock(hours=12) == {"override_countersign_due": {"board", "safeguarding"}}


# ---- suspensions ---------------------------------------------------------------------------------------------------

AGREE = {"manager", "coordinator", "head"}


def test_a_suspension_is_told_from_its_request_to_its_end(school: Newsroom) -> None:
    asked = school.suspend("technician")
    assert school.news() == {"suspension_requested": {"board", *AGREE}}
    school.parts.suspensions.agree("head", asked, version=1)
    assert school.news() == {"suspension_agreed": {"board", "manager", "coordinator", "technician"}}
    assert school.clock(hours=1) == {"suspension_ended": {"board", *AGREE, "technician"}}


def test_a_suspension_that_somebody_ends_is_told(school: Newsroom) -> None:
    asked = school.suspend()
    assert school.news() == {"suspension_requested": {"board", "coordinator", "head"}}
    school.parts.suspensions.agree("head", asked, version=1)
    school.news()
    school.parts.suspensions.end("head", asked, version=2)
    assert school.news() == {"suspension_stopped": {"board", *AGREE}}


def test_a_suspension_that_is_not_agreed_is_told_to_who_asked(school: Newsroom) -> None:
    asked = school.suspend()
    school.news()
    school.parts.suspensions.refuse("head", asked, version=1, reason=REASON)
    assert school.news() == {"suspension_refused": {"board", "manager"}}
    school.suspend()
    school.news()
    assert school.clock(hours=1) == {"suspension_undecided": {"board", "manager"}}


# ---- the filter and the record -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "who"),
    [
        pytest.param("filter_change_drafted", {}, {"coordinator", "head"}, id="who-drafted-does-not-approve"),
        pytest.param(
            "filter_change_approved",
            {"approved_by": "head"},
            {"manager", "teacher", "coordinator"},
            id="who-drafted-who-answers-for-it-and-who-answers-for-the-filter",
        ),
        pytest.param("filter_change_refused", {}, {"manager"}, id="refused"),
        pytest.param("filter_change_withdrawn", {}, None, id="withdrawn"),
        pytest.param("filter_changed_on_disk", {}, {"manager", "coordinator", "head"}, id="on-disk"),
        pytest.param("filter_changed_on_disk", {"changes": (FIRST_ON_RECORD,)}, None, id="the-first-file"),
        pytest.param("filter_changed_on_disk", {"changes": (NOTHING_FOLLOWS,)}, None, id="only-other-words"),
        pytest.param("filter_review_due", {}, {"teacher", "coordinator"}, id="review"),
        pytest.param("filter_review_due", {"owner": "gone"}, {"coordinator"}, id="review-of-nobody"),
    ],
)
def test_a_change_of_the_filter_is_told(
    school: Newsroom, kind: str, changes: dict[str, Any], who: set[str] | None
) -> None:
    with school.store.act() as act:
        school.parts.teller.filter_change(act, kind, replace(VERSION, **changes))
    assert school.news() == ({} if who is None else {kind: {"board", *who}})


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        (NoticeKind.RECORD_BROKEN, {"head", "coordinator", "manager", "auditor", "officer"}),
        (NoticeKind.FILTER_OFF_WITHOUT_RECORD, {"head", "coordinator", "manager", "safeguarding"}),
        (NoticeKind.DEVICE_FOUND, {"coordinator", "manager"}),
    ],
)
def test_what_must_never_happen_is_told(school: Newsroom, kind: NoticeKind, who: set[str]) -> None:
    with school.store.act() as act:
        school.parts.teller.alarm(act, kind)
    assert school.news() == {kind.value: {"board", *who}}


# ---- all of them ---------------------------------------------------------------------------------------------------


def test_an_act_that_is_undone_told_nobody(school: Newsroom) -> None:
    with suppress(InterruptedError), school.store.act() as act:
        school.parts.teller.alarm(act, NoticeKind.RECORD_BROKEN)
        raise InterruptedError
    assert school.news() == {}


def test_who_has_left_is_not_told(school: Newsroom) -> None:
    asked = school.ask()
    school.news()
    with school.store.act() as act:
        school.parts.people.close(act, "teacher", actor="system")
    school.parts.overrides.refuse("manager", asked, version=1, reason=REASON)
    assert school.news() == {"override_refused": {"board"}}


def test_a_school_that_tells_nobody_works_all_the_same(school: Newsroom) -> None:
    school.private = Private()
    asked = school.ask()
    school.parts.overrides.approve("manager", asked, version=1)
    assert school.clock(hours=1) == {}


@pytest.mark.parametrize(
    ("person", "webhooks", "has_mail", "expected"),
    [
        pytest.param("manager", WEBHOOKS, True, (2, 1, 1, True), id="every-way"),
        pytest.param("manager", WEBHOOKS, False, (1, 1, 0, False), id="without-mail"),
        pytest.param("stranger", (), True, (0, 0, 0, True), id="nobody-knows-where-to"),
    ],
)
def test_every_way_is_tried(
    school: Newsroom,
    person: str,
    webhooks: tuple[WebhookSettings, ...],
    expected: tuple[int, int, int, bool],
    *,
    has_mail: bool,
) -> None:
    school.settle(webhooks=webhooks, has_mail=has_mail)
    with school.store.act() as act:
        found = school.parts.people.get(person) or school.parts.people.open(act, "X", [Role.HEAD_TEACHER], actor="x")
        tried = school.parts.teller.test(act, found)
    queued, *others = expected
    assert tried == Tried(tried.ids, *others)  # type: ignore[arg-type]  # as they stand above
    assert len(tried.ids) == queued
    with school.store.read() as database:
        row = database.execute("SELECT kind, facts FROM audit ORDER BY number DESC").fetchone()
    assert (row["kind"], json.loads(row["facts"])) == ("notices_tested", {"webhooks": others[0], "mails": others[1]})
    assert set(school.news()) <= {"test"}


def test_where_there_is_no_way_a_try_is_refused(school: Newsroom) -> None:
    school.private = Private()
    manager = school.parts.people.get("manager")
    assert manager is not None
    with (
        pytest.raises(RefusedRequestError, match="tells nobody; expected mail or webhooks"),
        school.store.act() as act,
    ):
        school.parts.teller.test(act, manager)


def test_instants_are_on_the_clock_of_the_school(school: Newsroom) -> None:
    school.now = datetime(2026, 7, 6, 9, 15, tzinfo=UTC)
    asked = school.ask()
    school.news()
    filed = school.parts.overrides.approve("manager", asked, version=1)
    by = school.parts.overrides.everywhere_at(filed).astimezone(ZoneInfo("Europe/London"))
    with school.store.read() as database:
        text = json.loads(database.execute("SELECT content FROM notifications").fetchone()["content"])["text"]
    assert f"Active now; every device by {by:10:15:%S}. It ends at 2026-07-06 11:15." in text


# ---- people --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("but", "told"),
    [
        pytest.param(set(), {"board", "manager", "coordinator", "head"}, id="everybody-who-manages-people"),
        pytest.param({"manager", "teacher"}, {"board", "coordinator", "head"}, id="but-who-gave-and-who-got"),
    ],
)
def test_who_decides_is_told_to_those_who_manage_people(school: Newsroom, but: set[str], told: set[str]) -> None:
    with school.store.act() as act:
        school.parts.teller.people(act, NoticeKind.PEOPLE_WAITING, but=but)
    assert school.news() == {"people_waiting": told}
