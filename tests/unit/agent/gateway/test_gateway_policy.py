"""What workers answer by: put together of its parts, and published whole."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.dns.clients import Seat
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import read_snapshot
from agent.gateway.gateway_policy import PolicyInForce, read_granted, read_seats_in_force
from agent.sites.config import load_site
from agent.storage.seat_rows import SeatRow, write_seats
from agent.storage.state import StateStore
from rules.errors import StorageError

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: 192.0.2.0/24}}
devices: {neighbours: false}
LISTENERS
"""


def policy_of(folder: Path, said: list[str], *, listeners: str = "", lists: str = "") -> PolicyInForce:
    (folder / "runtime").mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(SITE.replace("LISTENERS", f"{listeners}\n{lists}"))
    return PolicyInForce(load_site(folder / "site.yaml"), say=said.append)


def test_each_time_it_is_published_it_has_a_new_number(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, [])
    with SharedMemory.create(tmp_path / "shared.mem", workers=1) as shared:
        assert [policy.write(shared), policy.write(shared)] == ["", ""]
        assert (policy.number, shared.policy_generation, read_snapshot(policy.path).generation) == (2, 2, 2)
        shared.publish(index_generation=0, policy_generation=9)
        policy.write(shared)
    assert policy.number == 10


def test_a_file_that_has_changed_takes_effect_but_for_what_needs_a_start(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, [])
    policy_of(tmp_path, [], listeners='listeners: {dns: "127.0.0.9:5399"}\nworkers: 3')
    before = policy.site.listeners
    policy.filter.reload()
    assert policy.take_site() == [
        "listeners: changed; takes effect at the next start of the gateway",
        "workers: changed; takes effect at the next start of the gateway",
    ]
    assert (policy.site.listeners, policy.site.workers) == (before, 1)


def test_a_state_that_cannot_be_read_is_told_and_what_was_granted_stays(tmp_path: Path) -> None:
    said: list[str] = []
    policy = policy_of(tmp_path, said)
    Path(policy.site.paths.state).mkdir()
    (Path(policy.site.paths.state) / "state.db").write_text("no database")
    policy.begin()
    assert said[0].startswith("The filter is not as it was approved: ")
    assert policy.reasons()
    with SharedMemory.create(tmp_path / "shared.mem", workers=1) as shared:
        assert "state.db" in policy.write(shared)
        assert shared.policy_generation == 1


def test_without_lists_the_fail_mode_is_a_reason(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, [], lists='lists: {far: {source: "https://192.0.2.1/list", category: games}}')
    policy.prepare_lists()
    assert policy.reasons() == ["no lists could be loaded; the fail mode is closed"]
    assert policy.index_number == 0


def test_a_school_that_never_granted_anything_has_no_grants(tmp_path: Path) -> None:
    site = policy_of(tmp_path, []).site
    assert read_granted(tmp_path / "state.db", site) == ()
    (tmp_path / "state.db").write_text("no database")
    with pytest.raises(StorageError):
        read_granted(tmp_path / "state.db", site)


def test_what_those_bring_who_are_signed_in_is_published_and_stays_where_it_cannot_be_read(tmp_path: Path) -> None:
    extra = "groups: {year5: {devices: [192.0.2.9]}}\nrows: {shopping_commerce: {nominated: [year5]}}"
    policy = policy_of(tmp_path, [], lists=extra)
    state = Path(policy.site.paths.state) / "state.db"
    state.parent.mkdir()
    now = datetime.now(UTC)
    row = SeatRow("192.0.2.7", frozenset({"year5", "year6"}), None, now, now + timedelta(minutes=15))
    with closing(StateStore(state, clock=lambda: now)) as store, store.act() as act:
        write_seats(act, [row])
    expected = {"192.0.2.7": Seat(("year5",), row.until_at.timestamp())}
    with SharedMemory.create(tmp_path / "shared.mem", workers=1) as shared:
        assert policy.write(shared) == ""
        assert read_snapshot(policy.path).seats == expected
        state.write_text("no database")
        assert policy.write(shared)
        assert read_snapshot(policy.path).seats == expected


def test_where_there_is_no_state_nobody_is_signed_in(tmp_path: Path) -> None:
    assert read_seats_in_force(tmp_path / "state.db", policy_of(tmp_path, []).site) == {}
