"""What Prometheus is told of the state: what people did, in numbers, in closed words, and never for long."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from granting import LESSON, MORNING, WHO, Granting, add_account
from lists_of_test import Clock
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from agent.dns.shared_memory import SharedMemory
from agent.fleet.media_metrics import NOT_PROVED
from agent.gateway.metrics import GatewayCollector
from agent.gateway.state_metrics import CONFIRMATIONS, MAX_WAITED, WAITING_BOUNDS, state_metrics
from agent.gateway.waiting_metrics import WAITING
from agent.incidents.incident_metrics import BECAME, DECIDED, OPEN, TOLD, WHYS
from agent.notices.notify import DeliveryError, Notice, Queued, Sender, enqueue
from agent.people.people import People, read_approvers
from agent.requests.suspensions import AskedSuspension
from agent.storage.anchors import anchor_if_due
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import StateStore, instant_text
from collectors.volume import Crypt
from rules.assess import Outcome
from rules.medium import MediumKind, MediumState
from rules.override import State
from rules.roles import Role

WHY = "The dice game is not part of this lesson plan."
WAITED = "schoolgate_override_waiting_seconds"

CLOSED_LABELS = {
    "state": {state.value for state in (*State, *OPEN, *MediumState)},
    "kind": {kind.value for kind in MediumKind},
    "crypt": {*(crypt.value for crypt in Crypt), NOT_PROVED},
    "what": {*WAITING, *TOLD},
    "decision": set(DECIDED),
    "outcome": {outcome.value for outcome in Outcome},
    "why": {"", *WHYS},
    "result": set(BECAME),
    "confirmation": set(CONFIRMATIONS),
    "channel": {"mail", "webhook"},
    "effect": {"waiting", "in_force"},
    "le": {str(float(bound)) for bound in WAITING_BOUNDS} | {"+Inf"},
}


class Unreachable:
    """A way that is shut."""

    is_shared = True

    def deliver(self, _: Queued) -> None:
        raise DeliveryError("The mail server could not be reached.", concerns_all=True)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def page(school: Granting, folder: Path) -> str:
    """Give what the gateway shows."""
    with SharedMemory.create(folder / "shared.mem", workers=1) as memory:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(GatewayCollector(memory, state=lambda: state_metrics(school.store.path, school.clock())))
        return generate_latest(registry).decode()


def samples(school: Granting) -> list[Sample]:
    return [sample for each in state_metrics(school.store.path, school.clock()) for sample in each.samples]


def value(school: Granting, name: str, **labels: str) -> float:
    (found,) = (sample.value for sample in samples(school) if sample.name == name and sample.labels == labels)
    return found


def names(path: Path) -> dict[str, float]:
    return {sample.name: sample.value for each in state_metrics(path, MORNING) for sample in each.samples}


def waited(school: Granting) -> dict[str, float]:
    return {sample.labels["le"]: sample.value for sample in samples(school) if sample.name == f"{WAITED}_bucket"}


def request(school: Granting, *, begins: timedelta = timedelta(), is_break_glass: bool = False) -> str:
    written = school.written(begins=begins, is_break_glass=is_break_glass)
    return school.overrides.request("manager" if is_break_glass else "teacher", written).override.id


def suspend(school: Granting) -> str:
    until_at = school.clock() + LESSON
    asked = AskedSuspension(groups=("year5",), reason="The test of the exam board needs it.", until_at=until_at)
    return school.suspensions.request("technician", asked).suspension.id


def test_a_missing_file_gives_nothing(tmp_path: Path) -> None:
    assert state_metrics(tmp_path / "state.db", MORNING) == []
    assert not (tmp_path / "state.db").exists()


@pytest.mark.parametrize(
    "content", [pytest.param(b"", id="without-tables"), pytest.param(b"no database " * 500, id="no-database")]
)
def test_a_fault_gives_that_it_is_not_readable_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(content)
    assert names(path) == {"schoolgate_state_readable": 0}


def test_a_folder_in_the_way_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    (tmp_path / "file").touch()
    assert names(tmp_path / "state.db") == {"schoolgate_state_readable": 0}
    assert names(tmp_path / ("x" * 300) / "state.db") == {"schoolgate_state_readable": 0}


def test_damage_in_the_middle_of_a_file_is_a_fault(school: Granting) -> None:
    for _ in range(200):
        request(school)
    school.store.close()
    octets = bytearray(school.store.path.read_bytes())
    octets[4096:] = b"\xa5" * (len(octets) - 4096)
    school.store.path.write_bytes(octets)
    assert names(school.store.path) == {"schoolgate_state_readable": 0}


def test_notices_that_wait_or_were_given_up_are_counted_by_channel(school: Granting) -> None:
    with school.store.act() as act:
        for channel, target in (("mail", "a@example.test"), ("mail", "b@example.test"), ("webhook", "board")):
            enqueue(act, channel, target, Notice("test", "", ""))
    school.clock.advance(minutes=5)
    # What cannot be sent by any way there is, is given up at once.
    Sender(school.store, lambda: {"mail": Unreachable()}, clock=school.clock).send_due()
    found = {
        (each.name.removeprefix("schoolgate_"), each.labels["channel"]): each.value
        for each in samples(school)
        if "channel" in each.labels
    }
    assert found == {
        ("notices_waiting", "mail"): 2,
        ("notices_waiting", "webhook"): 0,
        ("oldest_notice_age_seconds", "mail"): 300,
        ("oldest_notice_age_seconds", "webhook"): 0,
        ("notices_given_up", "mail"): 0,
        ("notices_given_up", "webhook"): 1,
    }


def test_a_new_school_is_all_zeros(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.db", clock=Clock(MORNING))
    store.close()
    told = names(store.path)
    assert told.pop("schoolgate_state_readable") == 1
    assert told.pop("schoolgate_beginning") == 1
    assert set(told.values()) == {0}
    assert "schoolgate_record_anchor_time_seconds" not in told, "there never was one"


def test_the_beginning_and_whomever_nobody_confirmed_are_told(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.db", clock=Clock(MORNING))
    people = People(store)

    def told() -> tuple[float, ...]:
        found = {
            (each.name, *each.labels.values()): each.value
            for family in state_metrics(store.path, MORNING)
            for each in family.samples
        }
        unconfirmed = (found["schoolgate_unconfirmed_people", effect] for effect in ("waiting", "in_force"))
        return (found["schoolgate_beginning",], *unconfirmed)

    with store.act() as act:
        first = people.open(act, "Ada", [Role.NETWORK_MANAGER], actor="system")
    assert told() == (1, 0, 1)
    with store.act() as act:
        act.note(BEGINNING_ENDED, actor="system")
        people.open(act, "Ben", [Role.SLT], actor=first.id)
        people.open(act, "Cy", [Role.TEACHER], actor=first.id)
    assert told() == (0, 1, 1)
    store.close()


def test_requests_are_counted_by_state(school: Granting) -> None:
    waiting, approved, refused, withdrawn, revoked = (request(school) for _ in range(5))
    school.overrides.approve("manager", approved, version=1)
    school.overrides.refuse("manager", refused, version=1, reason=WHY)
    school.overrides.withdraw("teacher", withdrawn, version=1)
    school.overrides.approve("manager", revoked, version=1)
    school.overrides.revoke("manager", revoked, version=2, reason=WHY)
    for state in State:
        expected = state in {State.WAITING, State.APPROVED, State.REFUSED, State.WITHDRAWN, State.REVOKED}
        assert value(school, "schoolgate_overrides", state=state.value) == expected
    assert value(school, "schoolgate_refusals_total", what="override") == 1
    assert value(school, "schoolgate_refusals_total", what="suspension") == 0
    assert waiting


def test_an_override_is_active_from_its_beginning_to_its_end_by_the_clock(school: Granting) -> None:
    later = request(school, begins=LESSON)
    school.overrides.approve("manager", later, version=1)
    seen = []
    for _ in range(3):
        seen.append(value(school, "schoolgate_active_overrides"))
        school.clock.at += LESSON
    assert seen == [0, 1, 0]
    assert value(school, "schoolgate_overrides", state="approved") == 1, "nobody has written its end down"


def test_suspensions_are_active_while_filtering_is_off(school: Granting) -> None:
    agreed, refused = suspend(school), suspend(school)
    assert value(school, "schoolgate_active_suspensions") == 0, "one person alone switches nothing off"
    school.suspensions.agree("head", agreed, version=1)
    school.suspensions.refuse("head", refused, version=1, reason=WHY)
    assert value(school, "schoolgate_active_suspensions") == 1
    assert value(school, "schoolgate_refusals_total", what="suspension") == 1
    school.clock.at += LESSON
    assert value(school, "schoolgate_active_suspensions") == 0


def test_emergencies_are_counted_by_their_confirmation(school: Granting) -> None:
    confirmed = request(school, is_break_glass=True)
    filed = school.overrides.get(confirmed)
    school.overrides.countersign("head", confirmed, version=filed.version, reason=WHY)
    lapsed = request(school, is_break_glass=True)
    school.clock.advance(hours=25)
    school.overrides.sweep()
    request(school, is_break_glass=True)
    school.overrides.request("head", school.written(names=("game.example",), is_break_glass=True))
    seen = {each: value(school, "schoolgate_break_glass_overrides", confirmation=each) for each in CONFIRMATIONS}
    assert seen == {"confirmed": 1, "unconfirmed": 1, "waiting": 2}
    assert value(school, f"{WAITED}_gcount") == 0, "nobody waited"
    assert school.overrides.get(lapsed).override.state is State.UNCONFIRMED


def test_waiting_ends_with_the_decision(school: Granting) -> None:
    first, second, third = (request(school) for _ in range(3))
    school.clock.advance(seconds=60)
    school.overrides.approve("manager", first, version=1)
    school.clock.advance(seconds=0.001)
    school.overrides.refuse("manager", second, version=1, reason=WHY)
    school.clock.advance(minutes=9)
    school.overrides.revoke("manager", first, version=2, reason=WHY)
    school.overrides.withdraw("teacher", third, version=1)
    assert waited(school)["60.0"] == 1, "a bound belongs to its bucket, and revoking is no decision"
    assert set(list(waited(school).values())[1:]) == {2}
    assert value(school, f"{WAITED}_gcount") == 2
    assert value(school, f"{WAITED}_gsum") == pytest.approx(120.001)


def test_what_ended_by_the_clock_was_decided_only_if_somebody_did(school: Granting) -> None:
    decided, _ = request(school), request(school)
    school.clock.advance(minutes=10)
    school.overrides.approve("manager", decided, version=1)
    school.clock.advance(hours=2)
    school.overrides.sweep()
    assert value(school, "schoolgate_overrides", state="ended") == 2
    assert (waited(school)["300.0"], waited(school)["900.0"], waited(school)["+Inf"]) == (0, 1, 1)


def test_old_requests_leave_the_waiting_times(school: Granting) -> None:
    school.overrides.refuse("manager", request(school), version=1, reason=WHY)
    school.clock.advance(days=90)
    assert value(school, f"{WAITED}_gcount") == 1
    school.clock.advance(seconds=1)
    assert value(school, f"{WAITED}_gcount") == 0
    assert value(school, "schoolgate_refusals_total", what="override") == 1, "a counter never falls"


def test_possible_approvers_are_people_not_roles(school: Granting) -> None:
    assert value(school, "schoolgate_approvers") == 0, "without an account nobody decides"
    with school.store.act() as act:
        for person in WHO:
            add_account(act, person)
    assert value(school, "schoolgate_approvers") == 4
    with school.store.act() as act:
        act.database.execute("INSERT INTO memberships (person, role) VALUES ('manager', 'head_teacher')")
        act.database.execute("DELETE FROM memberships WHERE person IN ('head', 'everything')")
    assert value(school, "schoolgate_approvers") == 2
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET closed_at = created_at WHERE person = 'manager'")
    assert value(school, "schoolgate_approvers") == 1
    with school.store.read() as database:
        assert [each.id for each in read_approvers(database)] == ["coordinator"]


def test_the_record_tells_its_length_and_its_last_anchor(school: Granting) -> None:
    request(school)
    anchor_if_due(school.store)
    school.clock.advance(days=1, minutes=7)
    anchored_at = school.clock()
    anchor_if_due(school.store)
    school.clock.advance(hours=1)
    request(school)
    assert value(school, "schoolgate_record_rows") == len(school.rows())
    assert value(school, "schoolgate_record_anchor_time_seconds") == anchored_at.timestamp()


def test_the_record_tells_what_its_last_check_found(school: Granting) -> None:
    def checked(kind: str) -> dict[str, float]:
        with school.store.act() as act:
            act.note(kind, actor="system", facts={"what": "Row 3 was altered."})
        return names(school.store.path)

    unchecked = names(school.store.path)
    assert not {"schoolgate_record_intact", "schoolgate_record_verified_time_seconds"} & unchecked.keys()
    assert checked("record_verified")["schoolgate_record_intact"] == 1
    school.clock.advance(days=1)
    told = checked("record_broken")
    assert told["schoolgate_record_intact"] == 0
    assert told["schoolgate_record_verified_time_seconds"] == school.clock().timestamp()


def test_the_page_of_the_gateway_has_it_in_closed_words_and_names_nobody(school: Granting, tmp_path: Path) -> None:
    school.overrides.approve("manager", request(school), version=1)
    told = state_metrics(school.store.path, school.clock())
    seen = {(label, text) for each in told for sample in each.samples for label, text in sample.labels.items()}
    assert {label for label, _ in seen} == set(CLOSED_LABELS)
    assert [(label, text) for label, text in sorted(seen) if text not in CLOSED_LABELS[label]] == []
    shown = {family.name for family in text_string_to_metric_families(page(school, tmp_path))}
    for each in told:
        assert re.fullmatch(r"schoolgate(_[a-z]+)+", each.name)
        assert each.documentation.endswith(".")
        assert each.name in shown
    labels = " ".join(text for _, text in seen)
    assert not [word for word in (*WHO, "bet.example", "year5", "lesson") if word in labels.split()]


def test_a_state_that_is_not_closed_to_us_is_not_told(school: Granting) -> None:
    request(school)
    with school.store.act() as act:
        act.database.execute("UPDATE overrides SET state = 'teacher anna'")
    assert all(text in CLOSED_LABELS[label] for each in samples(school) for label, text in each.labels.items())


def test_a_scrape_looks_at_a_bounded_number_of_overrides(school: Granting) -> None:
    with school.store.act() as act:
        act.database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
            " INSERT INTO overrides (id, requester, lift, reason, state, is_break_glass, approvers, requested_at,"
            " from_at, until_at, decided_at) SELECT 'o' || i, 'teacher', hex(zeroblob(150)), hex(zeroblob(100)),"
            " CASE i % 4 WHEN 0 THEN 'revoked' WHEN 1 THEN 'refused' ELSE 'ended' END, i % 10 = 0, '[]', ?, ?, ?, ?"
            " FROM n",
            tuple(instant_text(school.clock() + timedelta(minutes=each)) for each in (-30, -30, -10, -20)),
        )
        act.database.execute("INSERT INTO override_moves SELECT id, decided_at, 'head', 'approve', '' FROM overrides")
        act.database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " INSERT INTO audit SELECT i, '', '', '', '', '', '', '', '' FROM n"
        )
    told = samples(school)
    assert {sample.name: sample.value for sample in told}["schoolgate_record_rows"] == 100_000
    assert value(school, f"{WAITED}_gcount") == MAX_WAITED * 9 / 10
