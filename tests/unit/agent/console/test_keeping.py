"""For whom a form was made, and what was kept of one: sealed by a key of the process."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.console.keeping import KEPT_FOR, MAX_KEPT_OCTETS, TOLD_FOR, Keeper, Kept, proof_of_page, told_again
from agent.texts import load_texts

KEEPER = Keeper()
AT = datetime(2026, 3, 2, 9, 15, 20, tzinfo=UTC)
KEPT = Kept("/x", "n1", "Page\tButton", [("reason", "für Ada")], AT)


def test_a_form_tells_for_whom_it_was_made() -> None:
    proof = KEEPER.proof("c5", "org.7.p1")
    assert (proof_of_page(proof), KEEPER.whose(proof)) == ("c5", "org.7.p1")


@pytest.mark.parametrize("change", [("p1", "p2"), ("c5", "c6"), (".", ""), ("c5", "\u00e9")])
def test_a_form_that_was_changed_tells_nobody(change: tuple[str, str]) -> None:
    assert KEEPER.whose(KEEPER.proof("c5", "p1").replace(*change)) == ""


def test_another_process_knows_nobody() -> None:
    assert Keeper().whose(KEEPER.proof("c5", "p1")) == ""


def test_what_was_kept_is_opened_for_its_person_alone() -> None:
    sealed = KEEPER.sealed(KEPT, person="p1")
    assert KEEPER.opened(sealed, person="p1") == KEPT
    assert KEEPER.opened(sealed, person="p2") is None
    assert Keeper().opened(sealed, person="p1") is None


@pytest.mark.parametrize("change", [("gAAAA", "gAAAB"), ("gAAAA", "\u00e9"), ("gAAAA", "")])
def test_what_was_changed_is_not_opened(change: tuple[str, str]) -> None:
    sealed = KEEPER.sealed(KEPT, person="p1")
    assert KEEPER.opened(sealed.replace(*change, 1), person="p1") is None


def test_what_is_sealed_is_read_by_nobody_on_the_way() -> None:
    once, twice = (KEEPER.sealed(KEPT, person="p1") for _ in range(2))
    assert once != twice
    assert b"Ada" not in urlsafe_b64decode(once)


def test_what_is_kept_has_an_end() -> None:
    assert not KEPT.is_over(AT + KEPT_FOR - timedelta(seconds=1))
    assert KEPT.is_over(AT + KEPT_FOR)


@pytest.mark.parametrize("letters", ["x" * MAX_KEPT_OCTETS, "é" * (MAX_KEPT_OCTETS // 2)], ids=["plain", "accents"])
def test_what_is_too_long_is_neither_sealed_nor_opened(letters: str) -> None:
    assert KEEPER.sealed(replace(KEPT, fields=[("reason", letters)]), person="p1") == ""
    almost = replace(KEPT, fields=[("reason", letters[:-100])])
    assert KEEPER.opened(KEEPER.sealed(almost, person="p1"), person="p1") == almost
    assert KEEPER.opened("x" * MAX_KEPT_OCTETS * 2, person="p1") is None


def test_what_somebody_wrote_is_told_in_words_and_what_a_form_hid_is_not() -> None:
    kept = [("version", "3"), ("reason", "maths"), ("note_7", "in many words"), ("why", " "), ("row", "S1")]
    assert told_again(kept, load_texts("en")) == [("Reason", "maths"), ("What you wrote", "in many words")]


SLIP = KEEPER.slip("c5", "/x", {"told": "done", "number": "2"}, at=AT)


def test_what_was_done_may_be_told_for_a_few_minutes() -> None:
    for later, may in ((timedelta(), True), (TOLD_FOR - timedelta(seconds=1), True), (TOLD_FOR, False)):
        assert KEEPER.is_slip(SLIP, "c5", "/x", {"number": "2", "told": "done"}, now=AT + later) is may


@pytest.mark.parametrize(
    ("session", "path", "query"),
    [
        ("c6", "/x", {"told": "done", "number": "2"}),
        ("c5", "/y", {"told": "done", "number": "2"}),
        ("c5", "/x", {"told": "closed", "number": "2"}),
        ("c5", "/x", {"told": "done", "number": "200"}),
        ("c5", "/x", {"told": "done"}),
    ],
    ids=["another-session", "another-page", "another-code", "another-number", "less"],
)
def test_nothing_else_may_be_told(session: str, path: str, query: dict[str, str]) -> None:
    assert not KEEPER.is_slip(SLIP, session, path, query, now=AT)


@pytest.mark.parametrize("slip", ["", ".", "x.y", "9" * 10, "9" * 30 + ".a", "\u0661.a", "1.\u00e9", "{}0", "1{}"])
def test_what_is_no_slip_tells_nothing(slip: str) -> None:
    assert not KEEPER.is_slip(slip.format(SLIP), "c5", "/x", {"told": "done", "number": "2"}, now=AT)
