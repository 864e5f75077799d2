"""Media and proofs: what is written is what is read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.media_rows import (
    Move,
    Proof,
    Which,
    delete_strange_proofs,
    delete_worst,
    read_by_key,
    read_media,
    read_media_by_serial,
    read_medium,
    read_moves,
    read_proofs,
    read_to_attest,
    read_to_purge,
    write_medium,
    write_move,
    write_proof,
)
from agent.storage.state import StateStore
from rules.medium import Medium, MediumKind, MediumState, Stated

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
TODAY = NOW.date()
PLAIN = Medium(MediumKind.STICK, "ada", "Marks of year five", NOW, "ben", stated=Stated.PLAIN)
WHOLE = replace(
    PLAIN,
    version=3,
    state=MediumState.DISPOSED,
    label="blue",
    place="Büro, 引き出し",
    stated=Stated.ENCRYPTED,
    holds_personal_data=True,
    is_foreign=True,
    checked_on=TODAY,
    purge_on=date(2026, 7, 1),
    serial_key="k1",
    serial_only="k0",
    reminded=2,
    attestation_asked_at=NOW,
    attested_at=NOW,
    attested_by="ada",
    attested="A password of mine",
    disposed_at=NOW,
    disposed_by="ben",
    disposal="Shredded",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        for person in ("ada", "ben"):
            act.database.execute("INSERT INTO people (id, name, created_at) VALUES (?, 'A', '2026')", (person,))
    yield store
    store.close()


@pytest.mark.parametrize("medium", [PLAIN, WHOLE], ids=["what-is-needed-alone", "everything"])
def test_a_medium_is_read_as_it_was_written(store: StateStore, medium: Medium) -> None:
    with store.act() as act:
        written = write_medium(act, medium)
        assert (written.number, read_medium(act.database, 1)) == (1, written)
        changed = replace(written, place="Safe", version=4)
        assert write_medium(act, changed) == changed
        assert (read_medium(act.database, 1), read_medium(act.database, 2)) == (changed, None)


def test_they_are_listed_from_the_newest_by_owner_state_and_place_in_the_list(store: StateStore) -> None:
    with store.act() as act:
        for owner, state in (("ada", MediumState.REGISTERED), ("ben", MediumState.LOST), ("ada", MediumState.LOST)):
            write_medium(act, replace(PLAIN, owner=owner, state=state))

        def numbers(**wanted: object) -> list[int]:
            return [each.number for each in read_media(act.database, **wanted)]  # type: ignore[arg-type] # as asked for

        assert numbers() == [3, 2, 1]
        assert numbers(owner="ada") == [3, 1]
        assert numbers(state=MediumState.LOST) == [3, 2]
        assert (numbers(before=3), numbers(limit=1)) == ([2, 1], [3])


def test_one_is_found_by_its_number_with_its_maker_or_alone(store: StateStore) -> None:
    with store.act() as act:
        write_medium(act, replace(PLAIN, serial_key="whole", serial_only="alone"))
        write_medium(act, replace(PLAIN, serial_key="bare", serial_only="bare"))
        write_medium(act, PLAIN)

        def number(exact: str, alone: str) -> int | None:
            found = read_media_by_serial(act.database, exact, alone)
            return None if found is None else found.number

        assert (number("whole", "alone"), number("alone", "alone"), number("other", "alone")) == (1, 1, None)
        assert (number("any", "bare"), number("", "")) == (2, None)
        assert read_by_key(act.database, "") is None
        assert read_by_key(act.database, "bare") == read_medium(act.database, 2)


def test_what_is_to_be_cleared_and_what_is_to_be_asked_about(store: StateStore) -> None:
    proof = Proof("unknown", NOW, "d7")
    with store.act() as act:
        write_medium(act, replace(PLAIN, purge_on=TODAY - timedelta(days=1), serial_key="k1"))
        write_medium(act, replace(PLAIN, purge_on=TODAY))
        write_medium(act, replace(PLAIN, stated=Stated.UNKNOWN, kind=MediumKind.PAPER))
        write_proof(act, "k1", Which.LATEST, proof)
        assert [each.number for each in read_to_purge(act.database, TODAY)] == [1]
        assert [each.number for each in read_to_attest(act.database, ["unknown"])] == [1]
        assert read_to_attest(act.database, ["maybe_encrypted"]) == []


def test_a_history_is_read_from_the_oldest(store: StateStore) -> None:
    moves = [Move(NOW, "ada", f"move{number}", {"number": number}, {"why": "Because"}) for number in range(3)]
    with store.act() as act:
        write_medium(act, PLAIN)
        for move in moves:
            write_move(act, 1, move)
        assert read_moves(act.database, 1) == moves
        assert read_moves(act.database, 1, limit=2) == moves[1:]


def test_proofs_stand_by_their_key(store: StateStore) -> None:
    latest = Proof("encrypted", NOW, "d7", ({"source": "s", "value": "v", "privilege": "user"},))
    worst = Proof("plain", NOW - timedelta(days=400), "d3")
    with store.act() as act:
        write_proof(act, "k1", Which.LATEST, latest)
        write_proof(act, "k1", Which.WORST, worst)
        assert read_proofs(act.database, "k1") == {Which.LATEST: latest, Which.WORST: worst}
        assert read_proofs(act.database, "") == {}
        assert delete_strange_proofs(act, NOW - timedelta(days=366)) == 1
        write_proof(act, "k1", Which.WORST, worst)
        delete_worst(act, "k1")
        assert read_proofs(act.database, "k1") == {Which.LATEST: latest}
