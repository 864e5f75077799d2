"""What counts as a clear reason, and what is only there to fill the field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.reason import MAX_CHARACTERS, check_reason, check_words


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Year 6 study how betting firms advertise, for their maths project.", id="a-sentence"),
        pytest.param("History lesson about propaganda posters", id="no-full-stop"),
        pytest.param("Needed for the lesson on gambling", id="short-and-clear"),
        pytest.param("Les élèves de CM2 étudient la publicité des jeux", id="french"),
        pytest.param("Groep 8 leert over reclame voor gokken", id="dutch"),
        pytest.param("六年生の授業で広告について調べるため", id="japanese-without-spaces"),
        pytest.param("<b>Robert'); DROP TABLE overrides;--</b> in a lesson on injection", id="markup-is-only-text"),
        pytest.param("The class compares\nnews from two countries", id="two-lines"),
    ],
)
def test_a_reason(text: str) -> None:
    assert check_reason(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "no reason", id="empty"),
        pytest.param(" \n\t", "no reason", id="blank"),
        pytest.param("... !!! ---", "no reason", id="only-signs"),
        pytest.param("maths lesson", "has 2 words and 11 letters", id="two-words"),
        pytest.param("gambling", "has 1 word and 8 letters", id="one-word"),
        pytest.param("a bb ccc d", "has 4 words and 7 letters", id="too-few-letters"),
        pytest.param("授業のため", "has 1 word and 5 letters", id="japanese-too-short"),
        pytest.param("1 2 3 4 5 6 7 8 9 10 11 12 13", "0 letters", id="numbers"),
        pytest.param("lesson lesson lesson lesson", "repeats itself", id="one-word-again-and-again"),
        pytest.param("this is this is this is this", "repeats itself", id="two-words-again-and-again"),
        pytest.param("aaaaaa bbbbbb aabbaa abab", "repeats itself", id="few-letters"),
        pytest.param("授業授業授業授業授業", "repeats itself", id="japanese-repeated"),
        pytest.param("asdfgh qwerty zxcvbn poiuy", "does not say", id="keyboard"),
        pytest.param("I need this site for my work please", "does not say", id="filler"),
        pytest.param("please please unblock this website now thanks", "does not say", id="begging"),
        pytest.param("lorem ipsum dolor sit amet", "does not say", id="lorem-ipsum"),
        pytest.param("Year six study adverts\x00 in maths", "cannot be shown", id="nul"),
        pytest.param("Year six study adverts \ud800 in maths", "cannot be shown", id="lone-surrogate"),
        pytest.param("study of adverts " * 1000, f"at most {MAX_CHARACTERS}", id="a-book"),
    ],
)
def test_no_reason(text: str, says: str) -> None:
    fault = check_reason(text)
    assert fault is not None
    assert says in fault
    assert fault.endswith(".")


@given(st.text(max_size=200))
def test_any_text_gets_an_answer_and_the_same_one_around_blanks(text: str) -> None:
    answer = check_reason(text)
    assert answer is None or answer.endswith(".")
    assert check_reason(f"  {text} ") == answer


@given(st.sampled_from("aeiou xyz"), st.integers(0, 200))
def test_one_character_is_never_a_reason(character: str, times: int) -> None:
    assert check_reason(character * times) is not None


# ---- what people write about what they did -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Told him orally", id="three-words"),
        pytest.param("Elle a compris", id="french"),
        pytest.param("本人と話した", id="japanese-without-spaces"),
    ],
)
def test_a_few_words_are_enough(text: str) -> None:
    assert check_words(text, "outcome") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "The outcome is missing or says too little", id="empty"),
        pytest.param("ok", "says too little", id="two-letters"),
        pytest.param("understood", "says too little", id="one-word"),
        pytest.param("a b c", "says too little", id="three-letters"),
        pytest.param("了解", "says too little", id="japanese-too-short"),
        pytest.param("rings\x07 a bell", "cannot be shown", id="control-character"),
        pytest.param("word " * 401, "has 2,005 characters; at most 2,000 are kept", id="too-long"),
    ],
)
def test_what_says_too_little(text: str, says: str) -> None:
    assert says in str(check_words(text, "outcome"))


def test_how_much_is_kept_is_for_whoever_asks() -> None:
    assert check_words("word " * 401, "report", at_most=5_000) is None


@given(st.text(max_size=200))
def test_every_text_is_judged(text: str) -> None:
    assert check_words(text, "outcome") is None or str(check_words(text, "outcome")).startswith("The outcome")
