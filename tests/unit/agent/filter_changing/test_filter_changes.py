"""Changes of the filter: drafted by one person, decided about by another, brought back, and reviewed in time."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.filter_changing.filter_basis import basis_of
from agent.filter_changing.filter_changes import FilterChanges
from agent.people.attempts import ConflictError, UnknownIdError
from agent.people.people import People
from agent.sites.config import parse_site
from agent.storage.filter_rows import State, Version, read_versions
from agent.storage.record import show, verify
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError, StorageError
from rules.policy import Effect
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
REVIEW = date(2026, 9, 1)
REASON = "Year 6 studies chess with an online board this term."
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
groups: {media: , year-6: }
schedules: {lunch: {windows: {days: mon-fri, from: 12:10, to: 13:00}}}
policies:
  no-chat: {block: chat}
"""
NO_DRUGS = "policies: {no-drugs: {block: drugs}}"
NO_CHAT_FOR_PUPILS = "policies: {no-chat: {block: chat, audiences: pupil}}"


class School:
    """A school with somebody for each role that changes of the filter go through."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "site.yaml"
        self.now = NOW
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)
        numbers = itertools.count(1)
        self.people = People(self.store, new_id=lambda: f"p{next(numbers)}")
        self.published = 0
        self.told: list[tuple[str, int]] = []
        self.changes = FilterChanges(
            self.store, self.people, clock=lambda: self.now, on_change=self._publish, tell=self._tell
        )
        with self.store.act() as act:
            self.technician, self.coordinator, self.manager, self.teacher = (
                self.people.open(act, name, [role], actor="system").id
                for name, role in (
                    ("Tess", Role.TECHNICIAN),
                    ("Cora", Role.ICT_COORDINATOR),
                    ("Manu", Role.NETWORK_MANAGER),
                    ("Tom", Role.TEACHER),
                )
            )

    def _publish(self) -> None:
        self.published += 1

    def _tell(self, _act: Act, what: str, version: Version) -> None:
        self.told.append((what, version.number))

    def observe(self, text: str = SITE) -> Version | None:
        site = parse_site(text, path=self.path).site
        return self.changes.observe(text, site, os_user="root")

    def draft(self, text: str = NO_DRUGS, person: str | None = None, **other: Any) -> Version:
        given: dict[str, Any] = {"reason": REASON, "owner": self.manager, "review_on": REVIEW} | other
        return self.changes.draft(person or self.technician, text, **given)

    def change(self, text: str) -> Version:
        return self.approve(self.draft(text).number)

    def approve(self, number: int, person: str | None = None, *, step: int | None = None) -> Version:
        seen = self.changes.get(number).step if step is None else step
        return self.changes.approve(person or self.coordinator, number, step=seen)

    def back_to(self, number: int) -> Version:
        back = self.changes.roll_back(self.technician, number, reason=REASON, owner=self.manager, review_on=REVIEW)
        return self.approve(back.number)

    def policies(self) -> dict[str, tuple[Effect, frozenset[str]]]:
        """What the school's own policies say, as the gateway would run them now."""
        with self.store.read() as database:
            site = basis_of(database).site_in_force()
        return {each.id: (each.effect, each.tags) for each in site.rulebook.policies if "/" not in each.id}

    def versions(self) -> list[Version]:
        with self.store.read() as database:
            return read_versions(database)

    def kinds(self) -> list[str]:
        with self.store.read() as database:
            return [row.kind for row in show(database) if row.kind != "people_changed"]

    def last(self) -> Any:
        with self.store.read() as database:
            return max(show(database, with_personal=True), key=lambda row: row.number)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.store.close()


@pytest.fixture
def running(school: School) -> School:
    school.observe()
    return school


# --- Drafting and deciding


def test_a_draft_says_in_words_what_it_would_do_and_changes_nothing(running: School) -> None:
    draft = running.draft()
    assert draft.changes == ("The policy no-drugs was added; it blocks Drugs for everybody, always.",)
    assert (draft.state, draft.drafted_by, draft.reason, draft.owner, draft.review_on) == (
        State.DRAFTED,
        running.technician,
        REASON,
        running.manager,
        REVIEW,
    )
    assert set(running.policies()) == {"no-chat"}
    assert running.published == 0
    assert running.last().kind == "filter_change_drafted"
    assert running.last().personal == {"reason": REASON}


def test_a_preview_stores_nothing(running: School) -> None:
    assert running.changes.preview(NO_DRUGS) == running.draft().changes
    before = running.versions()
    running.changes.preview(NO_CHAT_FOR_PUPILS)
    assert running.versions() == before


def test_another_person_puts_it_into_force(running: School) -> None:
    approved = running.change(NO_DRUGS)
    assert (approved.state, approved.approved_by, approved.decided_at) == (State.APPROVED, running.coordinator, NOW)
    assert set(running.policies()) == {"no-chat", "no-drugs"}
    assert running.published == 1
    row = running.last()
    assert (row.kind, row.actor, row.facts["drafted_by"]) == (
        "filter_change_approved",
        running.coordinator,
        running.technician,
    )


def test_changes_add_up(running: School) -> None:
    running.change(NO_DRUGS)
    running.change("policies: {no-chat: null, no-games: {block: games}}")
    assert set(running.policies()) == {"no-drugs", "no-games"}
    assert [each.state for each in running.versions()] == [State.APPROVED, State.SUPERSEDED, State.ON_DISK]


@pytest.mark.parametrize(
    ("who", "what", "found"),
    [
        pytest.param("teacher", lambda s: s.draft(person=s.teacher), "None of your roles", id="drafting-as-teacher"),
        pytest.param(
            "nobody", lambda s: s.draft(person="nobody-known"), "Nobody at this school", id="drafting-by-nobody"
        ),
        pytest.param(
            "technician",
            lambda s: s.approve(s.draft(person=s.manager).number, s.technician),
            "None of your roles",
            id="approving-without-the-right",
        ),
        pytest.param(
            "coordinator",
            lambda s: s.approve(s.draft(person=s.coordinator).number),
            "You drafted this change yourself",
            id="approving-ones-own",
        ),
        pytest.param(
            "coordinator",
            lambda s: s.changes.refuse(s.coordinator, s.draft(person=s.coordinator).number, step=1, reason=REASON),
            "You drafted this change yourself",
            id="refusing-ones-own",
        ),
        pytest.param(
            "coordinator",
            lambda s: s.changes.withdraw(s.coordinator, s.draft().number, step=1),
            "Somebody else drafted this",
            id="taking-back-what-is-somebody-elses",
        ),
        pytest.param(
            "coordinator",
            lambda s: s.approve(s.change(NO_DRUGS).number),
            "Version 2 is approved",
            id="approving-twice",
        ),
        pytest.param(
            "coordinator",
            lambda s: s.approve(1),
            "Version 1 is on disk",
            id="approving-what-was-found-on-disk",
        ),
    ],
)
def test_an_attempt_to_break_a_rule_is_refused_and_noted(
    running: School, who: str, what: Callable[[School], Any], found: str
) -> None:
    with pytest.raises(RefusedRequestError, match=found):
        what(running)
    row = running.last()
    assert (row.kind, row.actor) == ("rule_refused", getattr(running, who, "nobody"))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"reason": ""}, "no reason", id="no-reason"),
        pytest.param({"reason": "asdf asdf asdf asdf asdf"}, "reason", id="filler"),
        pytest.param({"owner": "p999"}, "The owner is nobody", id="an-owner-who-is-nobody"),
        pytest.param({"review_on": NOW.date()}, "The review is on 2026-03-02", id="a-review-today"),
        pytest.param({"review_on": date(2036, 1, 1)}, "within 730 days", id="a-review-in-ten-years"),
        pytest.param({"text": "networks: {}"}, "the part 'networks'", id="a-part-that-only-the-file-has"),
        pytest.param({"text": "policies: {x: {block: gamez}}"}, "expected games", id="no-such-category"),
        pytest.param({"text": "policies: {x: {allow: illegal_csam}}"}, "illegal", id="what-is-illegal"),
        pytest.param({"text": "policies: {x: null}"}, "is not there", id="taking-away-what-is-not-there"),
        pytest.param({"text": "policies: {no-chat: {block: chat}}"}, "like this already", id="no-change"),
        pytest.param({"text": "policies: \ud800"}, "U+D800", id="half-a-character"),
    ],
)
def test_a_draft_that_cannot_be_used_is_refused_and_leaves_nothing(
    running: School, given: dict[str, Any], found: str
) -> None:
    with pytest.raises(RefusedRequestError) as refusal:
        running.draft(**given)
    assert found in str(refusal.value)
    assert len(running.versions()) == 1
    assert running.kinds() == ["filter_changed_on_disk"]


def test_nothing_can_be_drafted_before_a_site_is_on_record(school: School) -> None:
    with pytest.raises(RefusedRequestError, match="start the gateway once"):
        school.draft()


def test_an_unknown_version_is_told_and_is_no_attempt_to_break_a_rule(running: School) -> None:
    for act in (running.changes.get, lambda number: running.approve(number, step=1)):
        with pytest.raises(UnknownIdError, match="no version of the filter with that number"):
            act(99)
    assert "rule_refused" not in running.kinds()


def test_a_draft_is_not_approved_once_it_would_do_something_else(running: School) -> None:
    draft = running.draft(NO_CHAT_FOR_PUPILS)
    running.observe(SITE.replace("block: chat", "block: [chat, games]"))
    with pytest.raises(ConflictError, match="draft it again"):
        running.approve(draft.number)
    assert running.changes.get(draft.number).state is State.DRAFTED


def test_a_draft_is_approved_although_something_else_has_changed(running: School) -> None:
    draft = running.draft()
    running.observe(SITE.replace("12:10", "12:20"))
    running.approve(draft.number)
    assert set(running.policies()) == {"no-chat", "no-drugs"}


def test_refusing_needs_a_reason_and_ends_the_draft(running: School) -> None:
    draft = running.draft()
    with pytest.raises(RefusedRequestError, match="no reason"):
        running.changes.refuse(running.coordinator, draft.number, step=1, reason=" ")
    refused = running.changes.refuse(running.coordinator, draft.number, step=1, reason="Chat is needed for the club.")
    assert refused.state is State.REFUSED
    assert running.last().kind == "filter_change_refused"
    assert set(running.policies()) == {"no-chat"}
    with pytest.raises(RefusedRequestError, match="is refused"):
        running.approve(draft.number)


def test_who_drafted_it_can_take_it_back(running: School) -> None:
    draft = running.draft()
    assert running.changes.withdraw(running.technician, draft.number, step=1).state is State.WITHDRAWN
    assert running.last().kind == "filter_change_withdrawn"


def test_the_sites_of_a_draft_are_for_a_dry_run(running: School) -> None:
    sites = running.changes.sites_of(running.draft().number)
    before, after = ({each.id for each in site.rulebook.policies} for site in (sites.before, sites.after))
    assert after - before == {"no-drugs"}


@pytest.mark.parametrize("move", ["approve", "refuse", "withdraw"])
def test_whoever_looked_before_it_was_decided_is_told_so_and_broke_no_rule(running: School, move: str) -> None:
    draft = running.draft()
    running.changes.refuse(running.manager, draft.number, step=draft.step, reason="Chat is needed for the club.")
    moves: dict[str, Callable[[], Version]] = {
        "approve": lambda: running.approve(draft.number, step=draft.step),
        "refuse": lambda: running.changes.refuse(running.coordinator, draft.number, step=1, reason=REASON),
        "withdraw": lambda: running.changes.withdraw(running.technician, draft.number, step=1),
    }
    with pytest.raises(ConflictError, match="look again"):
        moves[move]()
    assert running.last().kind == "filter_change_refused"


def test_whoever_is_to_know_is_told_in_the_same_act(running: School) -> None:
    running.change(NO_DRUGS)
    refused = running.draft(NO_CHAT_FOR_PUPILS)
    running.changes.refuse(running.coordinator, refused.number, step=1, reason="Chat is needed for the club.")
    assert running.told == [
        ("filter_changed_on_disk", 1),
        ("filter_change_drafted", 2),
        ("filter_change_approved", 2),
        ("filter_change_drafted", 3),
        ("filter_change_refused", 3),
    ]


# --- The way back


def test_there_is_a_way_back_to_every_version_that_was_in_force(running: School) -> None:
    states = {1: running.policies()}
    for text in (NO_DRUGS, NO_CHAT_FOR_PUPILS, "policies: {no-chat: null}"):
        number = running.change(text).number
        states[number] = running.policies()
    on_disk = running.observe(SITE.replace("no-chat", "no-talk"))
    assert on_disk is not None
    states[on_disk.number] = running.policies()
    for number in (1, 4, 2, 3, 5, 1):
        running.back_to(number)
        assert running.policies() == states[number]


def test_the_way_back_is_a_draft_that_another_person_approves(running: School) -> None:
    number = running.change(NO_DRUGS).number
    back = running.changes.roll_back(running.manager, 1, reason=REASON, owner=running.manager, review_on=REVIEW)
    assert (back.state, back.restores) == (State.DRAFTED, 1)
    assert back.changes == ("The policy no-drugs was removed; it blocked Drugs for everybody, always.",)
    with pytest.raises(RefusedRequestError, match="drafted this change yourself"):
        running.approve(back.number, running.manager)
    assert running.changes.get(number).state is State.APPROVED


def test_there_is_no_way_back_to_what_was_never_in_force(running: School) -> None:
    draft = running.draft()
    with pytest.raises(RefusedRequestError, match="never in force"):
        running.back_to(draft.number)


def test_what_lost_its_place_in_the_file_is_taken_away_by_a_change(running: School) -> None:
    running.change("policies: {films: {allow: video, groups: media}}")
    running.observe(SITE.replace("media: ,", ""))
    with pytest.raises(RefusedRequestError, match=r"policies\.films\.groups"):
        running.draft(NO_DRUGS)
    away = running.change("policies: {films: null}")
    assert away.changes == (
        "Until now filter change 2 cannot lie over the site file; with this, what is approved can.",
    )
    assert set(running.policies()) == {"no-chat"}


# --- Reviews


def test_a_review_is_told_once_when_its_day_has_come(running: School) -> None:
    running.change(NO_DRUGS)
    running.now = datetime(2026, 8, 31, 23, 59, tzinfo=UTC)
    assert running.changes.remind() == 0
    running.now = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
    assert [running.changes.remind(), running.changes.remind()] == [1, 0]
    row = running.last()
    assert (row.kind, row.actor, row.subject) == ("filter_review_due", "system", "2")
    assert (row.facts["owner"], row.facts["review_on"]) == (running.manager, "2026-09-01")
    assert running.told[-1] == ("filter_review_due", 2)


def test_every_change_that_is_at_work_is_reviewed_and_no_other(running: School) -> None:
    running.change(NO_DRUGS)
    running.change(NO_CHAT_FOR_PUPILS)
    running.draft("policies: {no-games: {block: games}}")
    running.change("policies: {no-chat: {block: chat, audiences: staff}}")
    running.now += timedelta(days=300)
    assert running.changes.remind() == 2
    assert running.told[-2:] == [("filter_review_due", 2), ("filter_review_due", 5)]


def test_a_site_file_alone_has_no_review(running: School) -> None:
    running.now += timedelta(days=3000)
    assert running.changes.remind() == 0


# --- The record


def test_an_act_that_cannot_be_noted_leaves_no_version(running: School) -> None:
    running.store.close()
    with sqlite3.connect(running.store.path) as database:
        database.execute("DROP TABLE personal")
    database.close()
    store = StateStore(running.store.path, clock=lambda: NOW, schema=())
    changes = FilterChanges(store, People(store), clock=lambda: NOW)
    with pytest.raises(StorageError, match="nothing was stored"):
        changes.draft(running.technician, NO_DRUGS, reason=REASON, owner=running.manager, review_on=REVIEW)
    with store.read() as database:
        assert len(read_versions(database)) == 1
    store.close()


def test_the_record_verifies_after_a_whole_life(running: School) -> None:
    running.change(NO_DRUGS)
    running.back_to(1)
    with running.store.read() as database:
        assert verify(database, anchors_key=None).is_whole
