"""An attempt that the rules refuse leaves a row; one that only came too late leaves none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from granting import Granting

from agent.people.attempts import (
    NOBODY,
    ConflictError,
    UnknownIdError,
    check_length,
    check_version,
    has_left,
    known_person,
    noting,
)
from rules.errors import RefusedRequestError


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("person", "actor"), [("teacher", "teacher"), ("x" * 9_999, NOBODY)], ids=["somebody", "an-id-of-nobody"]
)
def test_a_refusal_is_noted_and_goes_on(school: Granting, person: str, actor: str) -> None:
    with pytest.raises(RefusedRequestError, match="not you"), noting(school.store, person, "to_fly", subject="o1"):
        raise RefusedRequestError("not you")
    (row,) = school.rows()
    assert (row["kind"], row["actor"], row["subject"], row["facts"]) == (
        "rule_refused",
        actor,
        "o1",
        '{"attempt":"to_fly"}',
    )
    assert row["commitment"], "the sentence can hold what somebody wrote, so it can be erased"


@pytest.mark.parametrize("error", [ConflictError("late"), UnknownIdError("gone"), ValueError("ours")], ids=repr)
def test_what_breaks_no_rule_is_not_noted(school: Granting, error: Exception) -> None:
    with pytest.raises(type(error)), noting(school.store, "teacher", "to_fly"):
        raise error
    assert school.rows() == []


@pytest.mark.parametrize("person", ["gone", "unheard-of"])
def test_only_who_is_at_the_school_is_known(school: Granting, person: str) -> None:
    with school.store.read() as database:
        assert known_person(database, "teacher").id == "teacher"
        with pytest.raises(RefusedRequestError, match="Nobody at this school"):
            known_person(database, person)
        assert (has_left(database, "teacher"), has_left(database, person)) == (False, True)


def test_what_was_seen_must_be_what_is_there() -> None:
    check_version(3, 3)
    with pytest.raises(ConflictError):
        check_version(4, 3)


def test_a_reason_ends_somewhere() -> None:
    check_length("x" * 2_000)
    with pytest.raises(RefusedRequestError, match="2,001 characters"):
        check_length("x" * 2_001)
