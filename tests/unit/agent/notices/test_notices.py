"""What people are told: every notice as it reads, on the clock of the school, without names, addresses or reasons."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.notices.notices import Notices
from agent.notices.notify import Notice
from agent.sites.site import NoticeKind
from rules.name import DomainName
from rules.override import Lift, Override, State
from rules.subject import Audience
from rules.suspension import Extent, Suspension
from rules.suspension import State as SuspensionState

GOLDEN = Path(__file__).parents[3] / "golden" / "notices.en.txt"
# A quarter past six in the evening in Tokyo.
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SOON = NOW + timedelta(seconds=10)
NAME = DomainName("hidden.example")
OVERRIDE = Override(
    id="o1",
    requester="ada",
    lift=Lift(
        names=(NAME,),
        categories=frozenset({"gambling"}),
        lifts_of=((NAME, frozenset({"gambling"})),),
        audiences=frozenset({Audience.PUPIL}),
        groups=frozenset({"year-five"}),
        from_at=NOW,
        until_at=NOW + timedelta(hours=1),
    ),
    reason="For the hidden lesson.",
    topic="a hidden topic",
    state=State.WAITING,
    is_break_glass=False,
    approvers=("ben",),
    requested_at=NOW - timedelta(hours=1),
    decided_at=None,
    decision_reason="It was hidden.",
)
SUSPENSION = Suspension(
    id="s1",
    requester="ada",
    extent=Extent(networks=frozenset({"hidden-network"})),
    reason="For the hidden exam.",
    state=SuspensionState.WAITING,
    requested_at=NOW,
    from_at=NOW,
    until_at=NOW + timedelta(hours=2),
)
NOTICES = Notices("Asia/Tokyo", NOW)


def every_notice() -> Iterator[Notice]:
    said = NOTICES
    yield said.request_waits(OVERRIDE, 0)
    yield said.request_waits(OVERRIDE, 1)
    yield said.approved(OVERRIDE, SOON, is_narrowed=False)
    yield said.approved(OVERRIDE, SOON, is_narrowed=True)
    yield said.refused(OVERRIDE)
    yield said.undecided(OVERRIDE)
    yield said.revoked(OVERRIDE, SOON)
    yield said.ends_soon(OVERRIDE)
    yield said.broke_glass(OVERRIDE, NOW + timedelta(hours=24))
    yield said.countersign_due(OVERRIDE, NOW + timedelta(hours=12))
    yield said.unconfirmed(OVERRIDE)
    yield said.suspension_requested(SUSPENSION)
    yield said.suspension_agreed(replace(SUSPENSION, extent=Extent(is_for_school=True)), SOON)
    yield said.suspension_refused(SUSPENSION)
    yield said.suspension_undecided(SUSPENSION)
    yield said.suspension_over(replace(SUSPENSION, ended_at=NOW), is_stopped=True)
    yield said.suspension_over(replace(SUSPENSION, ended_at=NOW), is_stopped=False)
    for kind in NoticeKind:
        if kind.startswith("filter_") and kind is not NoticeKind.FILTER_OFF_WITHOUT_RECORD:
            reviewed = kind not in (NoticeKind.FILTER_CHANGED_ON_DISK, NoticeKind.FILTER_CHANGE_REFUSED)
            yield said.filter_change(kind, 7, review_on=date(2026, 9, 1) if reviewed else None)
    for kind in NoticeKind:
        if kind.startswith("incident_"):
            yield said.incident(kind, 12, by=NOW + timedelta(hours=1))
    for kind in NoticeKind:
        if kind.startswith("media_"):
            what = "L-2" if kind is NoticeKind.MEDIA_LOST else "S-3"
            yield said.medium(kind, "M-12", what=what, on=date(2026, 3, 1))
    yield said.medium(NoticeKind.MEDIA_WAITS, what="E-4")
    yield said.alarm(NoticeKind.RECORD_BROKEN)
    yield said.alarm(NoticeKind.FILTER_OFF_WITHOUT_RECORD)
    yield said.alarm(NoticeKind.DEVICE_FOUND)
    for kind in NoticeKind:
        if kind.startswith("people_") or kind is NoticeKind.DECIDER_CLOSED:
            yield said.people(kind)
    yield said.test()


def test_every_notice_reads_as_it_should() -> None:
    text = "\n".join(f"[{each.event}] {each.subject}\n\n{each.text}" for each in every_notice())
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_there_is_a_notice_of_every_kind() -> None:
    assert {each.event for each in every_notice()} == set(NoticeKind)


def test_the_makers_of_programs_find_every_kind_in_the_readme() -> None:
    text = (GOLDEN.parents[2] / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in NoticeKind if f"`{kind}`" not in text] == []


@pytest.mark.parametrize("notice", list(every_notice()), ids=lambda notice: str(notice.event))
def test_no_notice_says_who_for_what_or_why(notice: Notice) -> None:
    everything = f"{notice.subject} {notice.text} {notice.facts}"
    for word in ("hidden", "ada", "ben", "gambling", "year-five", "@"):
        assert word not in everything


@pytest.mark.parametrize("kind", [NoticeKind.INCIDENT_RESTRICTED, NoticeKind.INCIDENT_SEALED], ids=str)
def test_the_subject_of_a_confidential_mail_does_not_say_what_it_is(kind: NoticeKind) -> None:
    subject = NOTICES.incident(kind, 12, by=NOW).subject
    for word in ("incident", "staff", "illegal", "allegation", "12"):
        assert word not in subject.lower()


def test_what_opens_later_says_from_when() -> None:
    later = NOW + timedelta(days=1)
    override = replace(OVERRIDE, lift=replace(OVERRIDE.lift, from_at=later, until_at=later + timedelta(hours=1)))
    text = NOTICES.approved(override, later + timedelta(seconds=10), is_narrowed=False).text
    assert "Active from 2026-03-03 18:15; every device by 2026-03-03 18:15:10. It ends at 2026-03-03 19:15." in text


def test_filtering_that_will_be_off_is_not_off_yet() -> None:
    later = replace(SUSPENSION, from_at=NOW + timedelta(minutes=30))
    assert NOTICES.suspension_agreed(later, SOON).subject == "Filtering will be switched off for a while"
