"""Bad input about incidents, one kind a test: a clear sentence, nothing lost, and nobody exposed."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import NOW, SchoolOfTest, generous
from incidents_of_test import PURPOSE, REASON, TRACKS, WHY, IncidentsOfTest

from agent.api.problems import MEDIA_TYPE
from agent.api.security import RateLimit
from agent.incidents.incident_letters import Wanted
from agent.observing.observing_told import MOST_AT_ONCE
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.letter_rows import LetterKind
from agent.storage.timeline_rows import read_timeline
from rules.errors import ConfigurationError
from rules.incident import Intent, Level, Track
from rules.incident_kind import Kind
from rules.pack_reader import parse_pack
from rules.pack_union import unite
from rules.roles import Role

LOOK = "I look into what was reported today."


def said(response: httpx.Response, status: int) -> str:
    """Give the sentence of a refusal; it is one, it is a problem, and it ends as a sentence does."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    detail: str = response.json()["detail"]
    assert detail.endswith(".")
    assert "\n" not in detail
    return detail


# --- Packs

PLACE = "section: s, line: 1, says: So it is."
PACK = f"""\
pack: p
title: t
source: s
roles: {{teacher: {{title: Class teacher, holds: class_teacher, {PLACE}}}}}
chains: {{all: {{kinds: [social], {PLACE}, steps: [{{to: teacher, within: at once}}]}}}}
clocks: {{regulator: {{title: Regulator, from: awareness, length: 72 h, {PLACE}}}}}
sanctions:
  pupil:
    actions:
      tell: {{label: Tell the class teacher, owners: [teacher], step: refer, within: 1 school day}}
    rows:
      P04: {{key: social, label: Chats, line: 3, ticks: [tell], kinds: [social], risk: contact, visibility: partial}}
"""
ROW = PACK.splitlines()[-1]


@pytest.mark.parametrize(
    ("was", "written", "says"),
    [
        pytest.param(ROW, f"{ROW}\n{ROW}", "p.yaml:13:7: sanctions.pupil.rows.P04: found", id="a-duplicate-row"),
        pytest.param("{to: teacher", "{to: caretaker", "p.yaml:5:", id="an-unknown-role"),
        pytest.param("holds: class_teacher", "holds: caretaker", "p.yaml:4:", id="a-role-that-nobody-can-hold"),
        pytest.param("owners: [teacher]", "owners: [caretaker]", "p.yaml:10:", id="an-owner-that-is-no-role"),
        pytest.param("ticks: [tell]", "ticks: [tell, police]", "p.yaml:12:", id="a-tick-outside-the-table"),
        pytest.param("length: 72 h", "length: 72", "p.yaml:6:", id="a-clock-without-a-unit"),
    ],
)
def test_a_pack_that_cannot_be_says_where_and_what_is_expected(was: str, written: str, says: str) -> None:
    assert PACK.count(was) == 1
    with pytest.raises(ConfigurationError) as refused:
        parse_pack(PACK.replace(was, written), file="p.yaml", categories=())
    told = [str(problem) for problem in refused.value.problems]
    assert any(each.startswith(says) for each in told), told
    assert all(re.match(r"p\.yaml:\d+:\d+: .+; expected .+", each) or "a second time" in each for each in told), told


def test_of_two_packs_that_disagree_the_stricter_clock_holds_and_the_conflict_is_told() -> None:
    first = parse_pack(PACK, file="p.yaml", categories=())
    text = PACK.replace("pack: p", "pack: q").replace("72 h", "24 h")
    second = parse_pack(text, file="q.yaml", categories=())
    both = unite((first, second))
    assert both.clocks["regulator"][0] == "q"
    sentences = [each.sentence for each in both.conflicts]
    assert any("The clock regulator is" in each and each.endswith("holds.") for each in sentences), sentences


# --- Events


class Machines(SchoolOfTest):
    """A school with a machine that tells what it sees, and who reads of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, limits=replace(generous(), reports=RateLimit(rate=1e6, burst=10**6)))
        self.machine = self.person("Manager", Role.NETWORK_MANAGER).with_token(["tell_sign_ins", "tell_observations"])
        self.coordinator = self.person("Coordinator", Role.ICT_COORDINATOR)
        self.pupil = self.person("Pupil", Role.PUPIL)

    def event(self, number: int = 1, **changes: Any) -> dict[str, Any]:
        values = {"id": f"event-{number:07}", "kind": "malware", "device": "192.0.2.7", "account": "pupil"}
        return {**values, "signals": 3, "at": NOW.isoformat(), **changes}

    def tell(self, *events: dict[str, Any]) -> dict[str, Any]:
        answer = self.machine.post("/observations", {"items": list(events)})
        assert answer.status_code == 200, answer.text
        while self.parts.observing.look():
            pass
        told: dict[str, Any] = answer.json()
        return told

    def filed(self) -> list[Filed]:
        with self.store.read() as database:
            return read_incidents(database)


@pytest.fixture
def school(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(
            {"at": (NOW + timedelta(hours=2)).isoformat()},
            "This happened 120 minutes from now; expected an instant in the past.",
            id="from-the-future",
        ),
        pytest.param({"kind": "mischief"}, "A machine tells nothing of the kind 'mischief'", id="of-an-unknown-kind"),
        pytest.param({"kind": "grooming"}, "A machine tells nothing of the kind 'grooming'", id="for-people-to-say"),
        pytest.param({"device": "the blue one"}, "No device is called the blue one; expected", id="of-no-device"),
    ],
)
def test_an_event_that_cannot_be_keeps_no_other_from_being_taken(
    school: Machines, changes: dict[str, Any], says: str
) -> None:
    told = school.tell(school.event(1, **changes), school.event(2))
    assert told["accepted"] == 1
    (refused,) = told["refused"]
    assert (refused["place"], refused["id"]) == (0, "event-0000001")
    assert refused["why"].startswith(says)
    assert refused["why"].endswith(".")
    assert len(school.filed()) == 1


def test_events_out_of_order_are_one_incident_in_their_order(school: Machines) -> None:
    times = [NOW - timedelta(minutes=each) for each in (5, 20, 10)]
    school.tell(*(school.event(number, at=at.isoformat()) for number, at in enumerate(times)))
    (filed,) = school.filed()
    assert (filed.incident.opened_at, filed.incident.last_at) == (min(times), max(times))
    with school.store.read() as database:
        assert [each.at for each in read_timeline(database, filed.incident.id)] == sorted(times)


def test_an_event_twice_is_one(school: Machines) -> None:
    first = school.tell(school.event())
    again = school.tell(school.event(), school.event())
    assert (first["accepted"], again["accepted"], again["repeated"]) == (1, 0, 2)
    (filed,) = school.filed()
    with school.store.read() as database:
        assert len(read_timeline(database, filed.incident.id)) == 1


def test_a_hundred_thousand_events_at_once_are_refused_whole_and_what_was_told_before_stays(school: Machines) -> None:
    school.tell(school.event())
    short = [{"id": f"e{number:07}"} for number in range(100_000)]
    assert "too long" in said(school.machine.post("/observations", {"items": short}), 413)
    few = [{"id": f"e{number:07}"} for number in range(MOST_AT_ONCE + 1)]
    assert f"at most {MOST_AT_ONCE}" in said(school.machine.post("/observations", {"items": few}), 422)
    assert len(school.filed()) == 1


def test_thousands_of_events_of_one_matter_are_one_incident(school: Machines) -> None:
    for batch in range(3):
        numbers = range(batch * MOST_AT_ONCE, (batch + 1) * MOST_AT_ONCE)
        assert school.tell(*(school.event(number) for number in numbers))["accepted"] == MOST_AT_ONCE
    (filed,) = school.filed()
    with school.store.read() as database:
        entries = read_timeline(database, filed.incident.id, limit=-1)
    assert len(entries) + filed.further == 3 * MOST_AT_ONCE
    assert len(entries) <= 500


# --- Reports


def report(school: Machines, text: str, **changes: Any) -> httpx.Response:
    return school.stranger().post("/reports", {"about": "mean", "text": text} | changes)


def test_a_report_of_10_mb_is_refused_and_nothing_of_it_kept(school: Machines) -> None:
    assert said(report(school, "x" * 10 * 2**20), 413) == "The body is too long; expected at most 65,536 bytes."
    assert "Found 6,000 characters; expected some words, and at most" in said(report(school, "x " * 3_000), 422)
    assert school.filed() == []


@pytest.mark.parametrize("text", ["<script>alert(1)</script> they say", "'; DROP TABLE incidents; -- they say"])
def test_html_in_a_report_is_text_and_stays_as_it_was_written(school: Machines, text: str) -> None:
    assert report(school, text).status_code == 201
    (filed,) = school.filed()
    lead = school.person("Lead", Role.SAFEGUARDING_LEAD)
    shown = lead.get(f"/incidents/{filed.incident.id}", purpose=LOOK, case=filed.number)
    assert shown.headers["content-type"] == "application/json"
    assert text in shown.json()["timeline"][0]["personal"]["text"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/shadow", "C:\\Users\\a.png", "a/b.png", "..", "a\nb.png"], ids=ascii
)
def test_the_name_of_an_attachment_with_a_path_is_refused(school: Machines, name: str) -> None:
    detail = said(report(school, "They laugh at me in the chat of our class.", keeps=["fine.png", name]), 409)
    assert detail.startswith("The name of something that you keep is no plain name; expected one such as")
    assert school.filed() == []


# --- Decisions

DECISIONS: dict[str, dict[str, Any]] = {
    "accept": {"row": "P02", "deliberate": "unclear", "why": WHY},
    "reclassify": {"kind": "games", "reason": REASON},
    "dismiss": {"dismissal": "lesson", "words": REASON},
    "merge": {"into": "x1", "reason": REASON},
    "split": {"entries": [1], "kind": "games", "reason": REASON},
    "close": {"outcome": REASON, "lesson": REASON},
    "name-subject": {"subject": "p1", "reason": REASON},
}


@pytest.mark.parametrize("move", DECISIONS)
def test_a_decision_on_a_closed_incident(school: Machines, move: str) -> None:
    filed = school.candidate(about=school.pupil.person)
    place = f"/incidents/{filed.incident.id}"
    for version, each in ((1, "accept"), (2, "close")):
        if each == "close":
            for step in school.coordinator.get(f"{place}/steps").json()["items"]:
                done = school.coordinator.post(f"{place}/steps/{step['number']}/done", {"how": "Talked with them."})
                assert done.status_code == 200, done.text
        assert school.coordinator.post(f"{place}/{each}", DECISIONS[each], version=version).status_code == 200
    before = school.filed()
    late = school.coordinator.post(f"{place}/{move}", DECISIONS[move], version=2)
    assert said(late, 412) == "Somebody has changed this since you looked at it; look again before you decide."
    detail = said(school.coordinator.post(f"{place}/{move}", DECISIONS[move], version=3), 409)
    assert detail.startswith(("This incident is closed, so it cannot be", "Only what waits for a decision"))
    assert school.filed() == before


# --- A role holder whom it is about: it goes past them, by every way

# Whom it is about, of which kind, and by whom it is accepted as which row.
ABOUT: dict[str, tuple[str, Kind, str, str]] = {
    "the-co-ordinator": ("coordinator", Kind.FILE_TRANSFER, "head", "S03"),
    "the-head-teacher": ("head", Kind.FILE_TRANSFER, "coordinator", "S03"),
    "the-safeguarding-lead": ("lead", Kind.FILE_TRANSFER, "head", "S03"),
    "the-network-manager": ("network", Kind.FILE_TRANSFER, "head", "S03"),
    "the-line-manager": ("deputy", Kind.FILE_TRANSFER, "head", "S03"),
    "a-teacher-accused": ("teacher", Kind.STAFF_CONDUCT, "head", "S15"),
    "the-second-reader-accused": ("deputy", Kind.STAFF_CONDUCT, "head", "S15"),
    "the-head-teacher-accused": ("head", Kind.STAFF_CONDUCT, "deputy", "S15"),
    "the-lead-in-a-matter-of-safeguarding": ("lead", Kind.GROOMING, "head", "S15"),
}


class Routed:
    """An incident about somebody to whom it would be routed."""

    def __init__(self, folder: Path, about: str) -> None:
        self.school = IncidentsOfTest(folder)
        self.about, self.kind, self.by, self.row = ABOUT[about]
        self.filed = self.school.open(self.kind, self.about, rows=(self.row,))

    @property
    def who(self) -> str:
        return self.school.ids[self.about]

    def accept(self) -> None:
        self.school.accept(self.filed, self.by, self.row)

    def told(self) -> set[str]:
        """Give everybody who was told anything of it."""
        return {name for _, number, people in self.school.told if number == self.filed.number for name in people}


@pytest.fixture(params=ABOUT)
def routed(request: pytest.FixtureRequest, tmp_path: Path) -> Routed:
    return Routed(tmp_path, request.param)


def test_whom_it_is_about_is_not_told_first_and_somebody_else_is(routed: Routed) -> None:
    assert routed.told()
    assert routed.about not in routed.told()


def test_whom_it_is_about_gets_no_step_and_is_not_told_when_one_is_overdue(routed: Routed) -> None:
    routed.accept()
    steps = routed.school.steps(routed.filed)
    assert steps
    assert all(routed.school.names(each.owners) for each in steps)
    assert routed.about not in {name for each in steps for name in routed.school.names(each.owners)}
    assert routed.school.incidents.steps.mine(routed.who) == []
    for _ in range(12):
        routed.school.later(days=2)
        routed.school.incidents.sweep()
    assert routed.about not in routed.told()


def test_whom_it_is_about_is_not_told_that_nobody_decides(routed: Routed) -> None:
    for _ in range(12):
        routed.school.later(days=2)
        routed.school.incidents.sweep()
    assert "incident_undecided" in routed.school.kinds()
    assert routed.about not in routed.told()


LOOKS: dict[str, Callable[[Routed], object]] = {
    "show": lambda it: it.school.incidents.looking.get(it.who, it.filed.incident.id, **look(it)),
    "reveal": lambda it: it.school.incidents.looking.reveal(it.who, it.filed.incident.id, **look(it)),
    "steps": lambda it: it.school.incidents.steps.of(it.who, it.filed.incident.id),
    "step-done": lambda it: it.school.incidents.steps.done(it.who, it.filed.incident.id, 1, how="Talked to all"),
    "warnings": lambda it: it.school.incidents.warnings.of(it.who, it.filed.incident.id),
    "letters": lambda it: it.school.incidents.letters.of(it.who, it.filed.incident.id),
    "letter-drafted": lambda it: it.school.incidents.letters.draft(
        it.who, it.filed.incident.id, Wanted(LetterKind.LINE_MANAGER), **look(it)
    ),
    "letter-read": lambda it: it.school.incidents.letters.read(it.who, letter_of(it), **look(it)),
    "restrictions": lambda it: it.school.incidents.restrictions.of(it.who, it.filed.incident.id),
    "export": lambda it: it.school.incidents.exports.export(it.who, it.filed.incident.id, **look(it)),
    "dismissed": lambda it: it.school.incidents.decisions.correct(
        it.who, it.filed.incident.id, version=2, reason=REASON
    ),
    "held": lambda it: it.school.incidents.corrections.hold(it.who, it.filed.incident.id, version=2, reason=REASON),
}


def look(routed: Routed) -> dict[str, Any]:
    return {"purpose": PURPOSE, "case": routed.filed.number}


def letter_of(routed: Routed) -> str:
    letters, incident_id = routed.school.incidents.letters, routed.filed.incident.id
    by = routed.school.ids[routed.by]
    return letters.draft(by, incident_id, Wanted(LetterKind.LINE_MANAGER), **look(routed)).id


@pytest.mark.parametrize("way", LOOKS)
def test_to_whom_it_is_about_it_is_not_there(routed: Routed, way: str) -> None:
    routed.accept()
    with pytest.raises(UnknownIdError, match="There is no incident with that id that you may read"):
        LOOKS[way](routed)


def test_whom_it_is_about_finds_it_in_no_queue_count_or_register(routed: Routed) -> None:
    school = routed.school
    routed.accept()
    letter_of(routed)
    reads = school.people.get(routed.who)
    assert reads is not None
    assert routed.filed.number not in [each.number for each in school.incidents.looking.queue(routed.who)]
    with school.store.read() as database:
        if not school.incidents.desk.reads_incidents(database, reads):
            return
    registers = school.incidents.registers
    for register in (registers.incidents, registers.warnings, registers.referrals, registers.accesses):
        rows = register(routed.who, purpose=PURPOSE).as_items()
        assert routed.filed.number not in {row.get("number", row.get("case")) for row in rows}
    assert school.incidents.looking.counts(routed.who).by_kind == {}


def test_what_the_record_tells_to_who_reads_it_does_not_say_that_it_is_about_them(routed: Routed) -> None:
    routed.accept()
    facts = [text for kind, _, text in routed.school.record() if kind.startswith("incident_")]
    assert facts
    if routed.about in {"coordinator", "head", "lead"} or routed.filed.incident.track is Track.RESTRICTED:
        assert all('"is_confidential":true' in text and routed.kind.value not in text for text in facts)


@pytest.mark.parametrize("about", ["head", "lead", "coordinator"])
def test_whom_a_sealed_incident_is_about_is_not_the_second_person(tmp_path: Path, about: str) -> None:
    school = IncidentsOfTest(tmp_path)
    filed = school.open(Kind.ILLEGAL, about, rows=("S01",))
    others = [name for name in ("head", "lead", "coordinator") if name != about]
    unseal = school.incidents.sealed.unseal
    assert not unseal(school.ids[others[0]], filed.incident.id, purpose=PURPOSE, case=filed.number).is_open
    for ask in (unseal, school.incidents.sealed.metadata, school.incidents.sealed.reveal):
        with pytest.raises(UnknownIdError):
            ask(school.ids[about], filed.incident.id, purpose=PURPOSE, case=filed.number)
    with pytest.raises(UnknownIdError):
        school.incidents.sealed.card(school.ids[about], filed.incident.id)
    assert about not in {name for _, _, people in school.told for name in people}
    assert unseal(school.ids[others[1]], filed.incident.id, purpose=PURPOSE, case=filed.number).is_open
    assert about not in {name for _, _, people in school.told for name in people}


@pytest.mark.parametrize("track", TRACKS)
def test_nobody_decides_about_themselves_even_where_nobody_else_can(tmp_path: Path, track: Track) -> None:
    school = IncidentsOfTest(tmp_path, second_reader="", chair="")
    kind, _, _ = TRACKS[track]
    for name in ("coordinator", "lead"):
        with school.store.act() as act:
            school.people.close(act, school.ids[name], actor="system")
    filed = school.open(kind, "head", rows=("S03",))
    assert filed.incident.level is Level.PERSON
    with pytest.raises(UnknownIdError):
        school.incidents.decisions.accept(
            school.ids["head"], filed.incident.id, version=1, row="S03", deliberate=Intent.UNCLEAR, why=WHY
        )
    assert school.told == []
    assert school.filed(filed) == filed
