"""What is over of media: found by when it ended and whom it is about, and erased beside the record too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.media_erasure import Thing, count_about, erase_thing, erase_words_of, read_over
from agent.storage.media_rows import Move, read_medium, read_moves, write_medium, write_move
from agent.storage.permit_rows import read_exceptions, read_sign_outs, write_exception, write_sign_out
from agent.storage.record import show, verify
from agent.storage.state import Act, StateStore
from rules.medium import (
    ExceptionState,
    Medium,
    MediumException,
    MediumKind,
    MediumState,
    SignOut,
    SignOutState,
)

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)
STICK = Medium(MediumKind.STICK, "ada", "Marks of year five", NOW, "ben", serial_key="k1", serial_only="k0")
GONE = replace(STICK, state=MediumState.DISPOSED, disposed_at=NOW, disposed_by="ben", disposal="Shredded")
OUT = SignOut(1, is_foreign=False, person="ada", purpose="Reports", due_on=TODAY, state=SignOutState.OUT,
              asked_at=NOW, asked_by="ada")  # fmt: skip
BACK = replace(OUT, state=SignOutState.RETURNED, returned_at=NOW, returned_by="ben")
LET = MediumException(1, "k1", "ada", "Museum", TODAY, NOW, ExceptionState.ENDED, NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        for person in ("ada", "ben"):
            act.database.execute("INSERT INTO people (id, name, created_at) VALUES (?, 'A', '2026')", (person,))
    yield store
    store.close()


def move(act: Act, kind: str, words: dict[str, str], **content: int) -> int:
    row = act.note(kind, actor="ada", subject="M-1", facts=content, personal=words)
    write_move(act, 1, Move(NOW, "ada", kind, content, words, row))
    return row


def test_only_what_ended_before_an_instant_is_over(store: StateStore) -> None:
    with store.act() as act:
        write_medium(act, GONE)
        write_medium(act, replace(STICK, serial_key="k2"))
        write_sign_out(act, BACK)
        write_sign_out(act, replace(BACK, due_on=TODAY + 9 * DAY))
        write_sign_out(act, OUT)
        write_exception(act, LET)
        write_exception(act, replace(LET, state=ExceptionState.ALLOWED, medium=2))
    with store.read() as database:
        before = {thing: read_over(database, thing, before=NOW + DAY) for thing in Thing}
        assert before == {Thing.REPORT: [], Thing.SIGN_OUT: [1], Thing.EXCEPTION: [1], Thing.MEDIUM: [1]}
        assert [read_over(database, thing, before=NOW - DAY) for thing in Thing] == [[], [], [], []]
        assert read_over(database, Thing.SIGN_OUT) == [1, 2]
        assert read_over(database, Thing.SIGN_OUT, number=2) == [2]
        assert read_over(database, Thing.SIGN_OUT, person="ben") == []
        assert (count_about(database, "ada"), count_about(database, "ben")) == (7, 0)


def test_each_thing_takes_its_own_words_with_it_and_no_others(store: StateStore) -> None:
    with store.act() as act:
        write_medium(act, GONE)
        write_sign_out(act, BACK)
        write_exception(act, LET)
        first = move(act, "medium_registered", {"purpose": "Marks"})
        second = move(act, "sign_out_asked", {"purpose": "Reports"}, sign_out=1)
        third = move(act, "media_exception_asked", {"purpose": "Museum"}, exception=1)

    def left() -> tuple[list[str], list[int]]:
        with store.read() as database:
            assert verify(database, anchors_key=None).is_whole
            words = [each.words.get("purpose", "") for each in read_moves(database, 1)]
            rows = [each.number for each in show(database, with_personal=True) if each.personal is not None]
        return words, sorted(rows)

    assert left() == (["Marks", "Reports", "Museum"], [first, second, third])
    with store.act() as act:
        assert erase_thing(act, Thing.SIGN_OUT, 1, actor="system", reason="It is over") == 1
    assert left() == (["Marks", "", "Museum"], [first, third])
    with store.act() as act:
        erase_thing(act, Thing.MEDIUM, 1, actor="system", reason="It is over")
    assert left() == (["", "", "Museum"], [third])
    with store.act() as act:
        erase_thing(act, Thing.EXCEPTION, 1, actor="system", reason="It is over")
    assert left() == (["", "", ""], [])
    with store.read() as database:
        medium, (permit,), (exception,) = (
            read_medium(database, 1),
            read_sign_outs(database),
            read_exceptions(database),
        )
        assert {each.person for each in read_moves(database, 1)} == {""}
        assert [read_over(database, thing) for thing in Thing] == [[], [], [], []]
    assert medium is not None
    assert (medium.owner, medium.purpose, medium.disposal, medium.serial_key) == ("", "", "", "")
    assert (permit.person, permit.asked_by, permit.purpose, permit.returned_by) == ("", "", "", "")
    assert (exception.asked_by, exception.purpose, exception.serial_key) == ("", "", "")


def test_words_of_one_row_go_alone(store: StateStore) -> None:
    with store.act() as act:
        write_medium(act, STICK)
        first = move(act, "medium_registered", {"purpose": "Marks"})
        move(act, "medium_attested", {"how": "A password"})
        erase_words_of(act, first)
    with store.read() as database:
        assert [dict(each.words) for each in read_moves(database, 1)] == [{}, {"how": "A password"}]


def test_no_copy_is_left_in_the_files(store: StateStore) -> None:
    with store.act() as act:
        write_medium(act, GONE)
    with store.act() as act:
        erase_thing(act, Thing.MEDIUM, 1, actor="system", reason="It is over")
    files = list(store.path.parent.glob("state.db*"))
    assert len(files) > 1
    assert [path.name for path in files if b"Marks of year five" in path.read_bytes()] == []
