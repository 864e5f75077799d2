"""Lists come in parts that lose nothing and repeat nothing, whatever is added meanwhile."""

from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.api.paging import ids_after, read_cursor, write_cursor
from agent.api.problems import ProblemError
from agent.storage.state import StateStore, instant_text

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        for person in ("t1", "t2"):
            act.database.execute(
                "INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", (person, person, instant_text(NOW))
            )
    return store


def add(store: StateStore, ident: str, minutes: int, *, state: str = "waiting", requester: str = "t1") -> None:
    at = instant_text(NOW + timedelta(minutes=minutes))
    with store.act() as act:
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at)"
            " VALUES (?, ?, '{}', '', ?, ?, ?, ?)",
            (ident, requester, state, at, at, at),
        )


def part(
    store: StateStore, after: str | None = None, *, limit: int = 2, **wanted: str
) -> tuple[list[str], str | None]:
    with store.read() as database:
        return ids_after(
            database,
            "overrides",
            states=[wanted["state"]] if "state" in wanted else [],
            requester=wanted.get("requester"),
            after=after,
            limit=limit,
        )


def test_the_newest_comes_first_and_nothing_is_repeated(store: StateStore) -> None:
    for number in range(5):
        add(store, f"o{number}", number)
    first, after = part(store)
    add(store, "o9", 9)
    second, after = part(store, after)
    third, end = part(store, after)
    assert (first, second, third, end) == (["o4", "o3"], ["o2", "o1"], ["o0"], None)


def test_requests_of_one_instant_keep_an_order(store: StateStore) -> None:
    for name in "cabed":
        add(store, name, 0)
    first, after = part(store)
    second, after = part(store, after)
    third, end = part(store, after)
    assert [*first, *second, *third] == list("abcde")
    assert end is None


def test_a_part_that_is_just_full_has_none_after_it(store: StateStore) -> None:
    add(store, "a", 0)
    add(store, "b", 1)
    assert part(store) == (["b", "a"], None)


def test_only_what_is_wanted(store: StateStore) -> None:
    add(store, "mine", 0)
    add(store, "theirs", 1, requester="t2")
    add(store, "over", 2, state="ended")
    assert part(store, requester="t2")[0] == ["theirs"]
    assert part(store, state="ended")[0] == ["over"]


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P"))), st.integers(0, 2**60))
def test_a_cursor_comes_back(text: str, number: int) -> None:
    assert read_cursor(write_cursor(text, number), (str, int)) == (text, number)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="empty"),
        pytest.param("!", id="no-base64"),
        pytest.param("\xe9", id="no-ascii"),
        pytest.param(urlsafe_b64encode(b"[1]").decode(), id="another-list"),
        pytest.param(urlsafe_b64encode(b'{"a": 1}').decode(), id="no-list"),
        pytest.param(urlsafe_b64encode(b'["a", -1]').decode(), id="negative"),
        pytest.param(urlsafe_b64encode(b'["a", 99999999999999999999999]').decode(), id="too-large"),
        pytest.param(urlsafe_b64encode(b'["a", true]').decode(), id="a-truth"),
        pytest.param(urlsafe_b64encode(b'["\\ud800", 1]').decode(), id="half-a-character"),
        pytest.param(urlsafe_b64encode(b"[" * 1500).decode(), id="nested"),
    ],
)
def test_what_is_no_cursor_of_ours(written: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_cursor(written, (str, int))
    assert refused.value.status == 422


@given(st.text(max_size=60))
def test_no_text_raises_the_unexpected(written: str) -> None:
    with suppress(ProblemError):
        read_cursor(written, (str, int))
