"""Media in words: every code has some, and what is not known comes as it is."""

import re
from pathlib import Path

import pytest
from api_of_test import NOW

import agent.fleet
from agent.api.media_schemas import MoveTold, ProofTold
from agent.api.schemas import PersonNamed
from agent.console.machines.medium_words import (
    crypt_words,
    details_of_move,
    kind_choices,
    short_proof,
    state_choices,
    stated_choices,
    words_of_loss,
    words_of_move,
    words_of_proof,
    words_stated,
)
from agent.texts import load_texts
from collectors.volume import Crypt
from rules.medium import LostHow, MediumKind, MediumState, Stated

ENGLISH = load_texts("en")
NOTED = re.compile(r'"((?:medium|sign_out|media_exception)_[a-z_]+)"')
# Of whoever tries something, and of erasing: no move of a medium.
NO_MOVES = re.compile(r"_(register|change|purge|attest|dispose|find|sign_out|sign_in|ask|erased|not_asked)$")


def test_every_kind_state_and_statement_has_a_word() -> None:
    assert {each for each, _ in kind_choices(ENGLISH)} == {each.value for each in MediumKind}
    assert {each for each, _ in state_choices(ENGLISH)} == {each.value for each in MediumState}
    assert {each for each, _ in stated_choices(ENGLISH)} == {each.value for each in Stated}


@pytest.mark.parametrize("crypt", list(Crypt))
def test_every_proof_has_words(crypt: Crypt) -> None:
    words, tone = crypt_words(crypt.value, ENGLISH)
    assert words != crypt.value or "_" not in words
    assert (tone == "good") == (crypt.value in ("encrypted", "encrypted_locked"))


@pytest.mark.parametrize("crypt", list(Crypt))
def test_in_a_list_no_proof_takes_a_sentence_and_none_sounds_better_than_it_is(crypt: Crypt) -> None:
    proof = ProofTold(crypt=crypt.value, at=NOW, device="d1", evidence=[])
    words, tone = short_proof(proof, ENGLISH)
    assert len(words) < 45
    assert tone == words_of_proof(proof, ENGLISH)[1]


def test_what_somebody_said_reads_for_others() -> None:
    assert [words_stated(each.value, ENGLISH) for each in Stated] == ["encrypted", "not encrypted", "not known"]


def test_that_nothing_was_proved_is_said() -> None:
    assert words_of_proof(None, ENGLISH) == ("nothing proved", "quiet")


@pytest.mark.parametrize("how", list(LostHow))
def test_every_loss_has_a_word(how: LostHow) -> None:
    assert words_of_loss(how.value, ENGLISH) == how.value


def test_every_move_that_is_written_down_has_words() -> None:
    folder = Path(agent.fleet.__file__).parent
    found = {each for file in folder.glob("media*.py") for each in NOTED.findall(file.read_text(encoding="utf-8"))}
    moves = {each for each in found if not NO_MOVES.search(each)}
    assert len(moves) > 10
    assert [each for each in moves if words_of_move(each, ENGLISH) == each.replace("_", " ")] == []


def test_what_else_is_known_of_a_move_is_told_in_words() -> None:
    move = MoveTold(
        at=NOW,
        person=PersonNamed(id="p1", name="Ann"),
        move="medium_changed",
        content={"kind": "stick", "due_on": "2026-03-03", "sign_out": 3, "state": "out", "is_foreign": True, "x": 7},
        words={"purpose": "Marks", "place": ""},
    )
    assert list(details_of_move(move, ENGLISH, "Europe/London")) == [
        "stick", "Due back: 3 Mar 2026", "S-3", "Not the school's", "7", "What for: Marks",
    ]  # fmt: skip


def test_a_day_that_is_none_comes_as_it_is() -> None:
    move = MoveTold(
        at=NOW, person=PersonNamed(id="", name=""), move="x", content={"due_on": "soon", "at": "late"}, words={}
    )
    assert list(details_of_move(move, ENGLISH, "Europe/London")) == ["Due back: soon", "late"]
