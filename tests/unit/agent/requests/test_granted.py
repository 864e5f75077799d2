"""What those see who only read: policies that hold now or will, and who stands behind them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import MORNING, REASON, RULEBOOK, Granting

from agent.dns.clients import Seat
from agent.requests.granted import (
    Grant,
    active_policies,
    active_seats,
    blocked_tags,
    find_grant,
    seats_of,
    suspendable_tags,
)
from agent.requests.suspensions import AskedSuspension
from agent.storage.override_rows import Filed, write_override
from agent.storage.seat_rows import SeatRow, write_seats
from agent.storage.suspension_rows import FiledSuspension, write_suspension
from rules.errors import StorageError
from rules.override import Override
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.subject import Audience, Scope
from rules.suspension import Extent, State, Suspension


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def approved(school: Granting, **parts: Any) -> str:
    filed = school.overrides.request("teacher", school.written(**parts))
    return school.overrides.approve("manager", filed.override.id, version=1).override.id


def existing(school: Granting, override_id: str) -> Override:
    return school.overrides.get(override_id).override


def ids(school: Granting) -> list[str]:
    return [policy.id for policy in active_policies(school.store.path, school.clock(), RULEBOOK)]


def test_where_there_is_no_state_nobody_was_granted_anything(tmp_path: Path) -> None:
    assert active_policies(tmp_path / "state.db", MORNING, RULEBOOK) == ()
    assert find_grant(tmp_path / "state.db", "override-1") is None
    assert list(tmp_path.iterdir()) == [], "looking makes no file"


def test_where_the_state_is_only_being_made_nobody_was_granted_anything_yet(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    assert active_policies(path, MORNING, RULEBOOK) == ()
    assert active_seats(path, MORNING, RULEBOOK) == {}
    assert find_grant(path, "override-1") is None


def test_what_holds_and_what_will_is_given_and_what_is_over_is_not(school: Granting) -> None:
    now, later = approved(school), approved(school, begins=timedelta(days=1))
    school.overrides.request("teacher", school.written())
    assert set(ids(school)) == {f"override-{now}", f"override-{later}"}
    school.clock.advance(minutes=45)
    assert ids(school) == [f"override-{later}"], "although nobody swept"


def test_however_many_there_are_all_of_them_are_given(school: Granting) -> None:
    override = existing(school, approved(school))
    until_at = school.clock() + timedelta(hours=1)
    extent = Extent(groups=frozenset({"year5"}))
    suspension = Suspension(
        "s0", "manager", extent, REASON, State.AGREED, school.clock(), school.clock(), until_at, "head"
    )
    with school.store.act() as act:
        for number in range(1, 1500):
            write_override(act.database, Filed(replace(override, id=f"m{number}"), 1))
        for number in range(1500):
            write_suspension(act.database, FiledSuspension(replace(suspension, id=f"s{number}"), 1))
    found = ids(school)
    assert [sum(each.startswith(kind) for each in found) for kind in ("override-", "suspension-")] == [1500, 1500]
    with school.store.read() as database:
        assert len(school.overrides.active(database, school.clock())) == 1500
        assert len(school.suspensions.active(database, school.clock())) == 1500
    school.clock.advance(hours=1)
    assert (school.overrides.sweep(), school.suspensions.sweep()) == (1500, 1500)


def test_a_suspension_is_among_them(school: Granting) -> None:
    asked = AskedSuspension(groups=("year5",), reason=REASON, until_at=school.clock() + timedelta(hours=1))
    filed = school.suspensions.request("manager", asked)
    assert ids(school) == []
    school.suspensions.agree("head", filed.suspension.id, version=1)
    (policy,) = active_policies(school.store.path, school.clock(), RULEBOOK)
    assert policy.tags == suspendable_tags(RULEBOOK)
    assert policy.until_at == asked.until_at
    assert find_grant(school.store.path, policy.id) == Grant(
        filed.suspension.id,
        is_suspension=True,
        requester="manager",
        approvers=("head",),
        reason=REASON,
        until_at=asked.until_at,
    )


def test_who_asked_who_approved_and_why(school: Granting) -> None:
    override_id = approved(school)
    until_at = school.clock() + timedelta(minutes=45)
    assert find_grant(school.store.path, f"override-{override_id}") == Grant(
        override_id,
        is_suspension=False,
        requester="teacher",
        approvers=("manager",),
        reason=REASON,
        until_at=until_at,
    )


def test_every_policy_of_an_override_leads_to_it(school: Granting) -> None:
    override_id = approved(school, names=("bet.example", "film.example"))
    assert ids(school) == [f"override-{override_id}", f"override-{override_id}-2"]
    one, other = (find_grant(school.store.path, policy_id) for policy_id in ids(school))
    assert one is not None
    assert one.id == override_id
    assert one == other


@pytest.mark.parametrize(
    "policy_id", ["override-0", "override-0-2", "suspension-0", "table", "uk-esafety/gambling", ""]
)
def test_a_rule_of_the_site_was_granted_to_nobody(school: Granting, policy_id: str) -> None:
    assert find_grant(school.store.path, policy_id) is None


@pytest.mark.parametrize("damage", ["lift = '{'", "lift = '{}'", "lift = '[]'", "from_at = 'soon'"])
def test_what_cannot_be_read_is_told_as_such(school: Granting, damage: str) -> None:
    override_id = approved(school)
    with school.store.act() as act:
        act.database.execute(f"UPDATE overrides SET {damage}")  # noqa: S608 (from the table above)
    with pytest.raises(StorageError, match="overrides and suspensions cannot be read"):
        active_policies(school.store.path, school.clock(), RULEBOOK)
    with pytest.raises(StorageError):
        find_grant(school.store.path, f"override-{override_id}")


def test_a_file_that_is_no_state_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database, but long enough to be looked at " * 40)
    with pytest.raises(StorageError):
        active_policies(path, MORNING, RULEBOOK)


def test_reading_does_not_wait_for_a_writer(school: Granting) -> None:
    override_id = approved(school)
    with school.store.act() as act:
        act.database.execute("UPDATE overrides SET state = 'revoked'")
        assert ids(school) == [f"override-{override_id}"], "not committed yet"


def test_everything_blocked_but_what_is_statutory_and_what_stands_falls_with_a_suspension() -> None:
    assert "name:own.example" in blocked_tags(RULEBOOK)
    assert "gambling" in suspendable_tags(RULEBOOK)
    assert not {"criminal_activity", "malware"} & suspendable_tags(RULEBOOK)
    assert blocked_tags(Rulebook()) == frozenset()


# ---- seats -------------------------------------------------------------------------------------------------------

YEAR5 = Scope(groups=frozenset({"year5"}))
LATER = MORNING + timedelta(minutes=15)


def seat(*groups: str, audience: Audience | None = Audience.PUPIL) -> SeatRow:
    return SeatRow("192.0.2.7", frozenset(groups), audience, MORNING, LATER)


def rule(effect: Effect = Effect.BLOCK, scope: Scope = YEAR5) -> Policy:
    return Policy("rule", effect, frozenset({"games"}), scope, "")


def groups_of(row: SeatRow, *policies: Policy, **parts: Any) -> tuple[str, ...]:
    found = seats_of([row], MORNING, Rulebook(policies, **parts)).values()
    return tuple(group for each in found for group in each.groups)


@pytest.mark.parametrize(
    "rulebook",
    [
        pytest.param(Rulebook((rule(),)), id="a-rule-for-them"),
        pytest.param(Rulebook((rule(scope=Scope(except_groups=YEAR5.groups)),)), id="a-rule-that-leaves-them-out"),
        pytest.param(Rulebook(allow_only=(YEAR5,)), id="only-what-is-allowed"),
        pytest.param(Rulebook(safe_search=(SafeSearch(YEAR5, {}),)), id="safe-search"),
    ],
)
def test_a_seat_brings_the_groups_that_rules_ask_for(rulebook: Rulebook) -> None:
    assert seats_of([seat("year5", "year6")], MORNING, rulebook) == {"192.0.2.7": Seat(("year5",), LATER.timestamp())}


def test_what_no_rule_asks_for_is_nothing() -> None:
    assert groups_of(seat("year5", "year6")) == ()
    assert groups_of(seat(), rule()) == ()


def test_a_seat_that_is_over_is_none() -> None:
    assert seats_of([seat("year5")], LATER, Rulebook((rule(),))) == {}


def test_a_class_whose_access_is_restricted_takes_its_pupils_with_it_and_nobody_else() -> None:
    restriction = rule(Effect.RESTRICT)
    assert groups_of(seat("year5"), restriction) == ("year5",)
    for audience in (Audience.STAFF, None):
        assert groups_of(seat("year5", audience=audience), rule()) == ("year5",)
        assert groups_of(seat("year5", audience=audience), rule(), restriction) == ()


def test_seats_are_read_from_the_state(school: Granting, tmp_path: Path) -> None:
    assert active_seats(tmp_path / "elsewhere.db", MORNING, Rulebook((rule(),))) == {}
    with school.store.act() as act:
        write_seats(act, [seat("year5")])
    assert active_seats(school.store.path, MORNING, Rulebook((rule(),))).keys() == {"192.0.2.7"}
    with school.store.act() as act:
        act.database.execute("UPDATE seats SET groups = '{'")
    with pytest.raises(StorageError, match="cannot be read"):
        active_seats(school.store.path, MORNING, Rulebook((rule(),)))
