"""What everybody tries first, and what is somebody's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.people.common_passwords import is_common


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("password12", id="word-and-digits"),
        pytest.param("12password", id="digits-and-word"),
        pytest.param("PassWord!2", id="capitals-and-a-mark"),
        pytest.param("p4ssw0rd99", id="letters-in-disguise"),
        pytest.param("We1c0me2024!", id="one-for-l"),
        pytest.param("h01iday2024", id="one-for-i"),
        pytest.param("Summer2026", id="season-and-year"),
        pytest.param("schoolteacher1", id="two-words"),
        pytest.param("monday-tuesday-3", id="two-words-with-marks"),
        pytest.param("wachtwoord123", id="dutch"),
        pytest.param("motdepasse2", id="french"),
        pytest.param("qwertyuiop1", id="keyboard-row"),
        pytest.param("1azertyuiop", id="french-keyboard-row"),
        pytest.param("0987654321a", id="digits-backwards"),
        pytest.param("abcdefghij1", id="alphabet"),
        pytest.param("zyxwvutsrq9", id="alphabet-backwards"),
        pytest.param("1q2w3e4r5t", id="two-rows-in-turn"),
        pytest.param("a1b2c3d4e5", id="alphabet-and-digits-in-turn"),
        pytest.param("aaaaaaaaaa1", id="one-letter"),
        pytest.param("abab1abab1", id="three-characters"),
        pytest.param("xkcvxkcvxkcv1", id="a-part-repeated"),
    ],
)
def test_what_is_tried_first_is_common(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("kestrel over the weir 7", id="a-sentence"),
        pytest.param("Tr0ubador&3vening", id="own-words-in-disguise"),
        pytest.param("summer7Kestrel", id="a-common-word-beside-an-own-one"),
        pytest.param("83649x27461y", id="digits-at-random"),
        pytest.param("vG7#kPz2Lq", id="characters-at-random"),
        pytest.param("Hofstraatlaan12", id="foreign-words"),
    ],
)
def test_what_is_somebodys_own_is_not_common(password: str) -> None:
    assert not is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("Chestertree22", id="first-word-and-little-else"),
        pytest.param("hillchester12", id="both-words-turned-round"),
        pytest.param("ch3st3rhill1", id="in-disguise"),
    ],
)
def test_the_schools_own_words_are_common_there(password: str) -> None:
    words = ["Chester Hill", "tree"]
    assert is_common(password, words)


def test_the_schools_own_words_are_not_common_elsewhere() -> None:
    assert not is_common("Chesterfolk22")


@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_can_be_asked_about(password: str, words: list[str]) -> None:
    assert is_common(password, words) in {True, False}
