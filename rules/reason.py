"""Whether a reason is one: present, at least a sentence, and not filler."""

import re
from typing import Final

MIN_WORDS: Final = 3
MIN_LETTERS: Final = 15
# Writing without spaces says as much in fewer characters; kana and Han characters are counted for themselves.
MIN_DENSE_LETTERS: Final = 8
MAX_CHARACTERS: Final = 2_000

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_DENSE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_KEYBOARD_ROWS: Final = ("qwertyuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "wxcvbn", "1234567890")
_RUN_LENGTH: Final = 4
_MIN_DISTINCT_LETTERS: Final = 6
_MIN_SAYING: Final = 2
# What people write about what they did is shorter than why they ask for something.
_MIN_SAID: Final = 6
_MIN_DENSE_SAID: Final = 4
# Words with which a sentence can be filled without saying what something is needed for.
_FILLER: Final = frozenset(
    """
    a an and any are be because blah can could do don't dont for get give have help hello hi i i'd i'm idk im in is it
    its just know lorem ipsum dolor sit amet maybe me my na need needed needs no none nothing now ok okay of on open
    or our please pls plz reason really site sites so some something stuff test testing that the them then there these
    thing things this to today unblock urgent us use very want wants we website websites whatever will with work works
    would xxx yes you your
    je le la les un une des du de et pour svp merci besoin ai ce cette est il faut que site test
    de het een en ik wil dit dat is voor mij mijn nodig graag aub test
    """.split()  # noqa: SIM905 (words are easier to read and to add to than a list of literals)
)


def check_reason(text: str) -> str | None:
    """Say in a sentence why a text is no reason that an auditor would understand, or give None if it is one."""
    words = _WORD.findall(text.casefold())
    letters = sum(character.isalpha() for character in text)
    dense = _DENSE.findall(text)
    if not words:
        return "There is no reason; say in a sentence what this is needed for."
    if len(text) > MAX_CHARACTERS:
        return f"The reason has {len(text)} characters; at most {MAX_CHARACTERS} are kept."
    if _UNWRITABLE.search(text):
        return "The reason holds a character that cannot be shown; write it as plain text."
    if len(dense) >= MIN_DENSE_LETTERS:
        return _REPEATS if len(set(dense)) < _MIN_DISTINCT_LETTERS else None
    if len(words) < MIN_WORDS or letters < MIN_LETTERS:
        return (
            f"The reason has {_count(len(words), 'word')} and {_count(letters, 'letter')}; a sentence of at least"
            f" {MIN_WORDS} words and {MIN_LETTERS} letters is expected."
        )
    distinct = set(words)
    if len(distinct) < MIN_WORDS or len(set("".join(distinct))) < _MIN_DISTINCT_LETTERS:
        return _REPEATS
    if sum(not _is_filler(word) for word in distinct) < _MIN_SAYING:
        return "The reason does not say what this is needed for; name the lesson, the subject or the task."
    return None


def check_words(text: str, what: str, *, at_most: int = MAX_CHARACTERS) -> str | None:
    """Say in a sentence why a text says too little, or nothing that can be kept, or give None.

    Args:
        what: what it should say, after an article: `outcome`.
        at_most: so many characters.
    """
    if len(text) > at_most:
        return f"The {what} has {len(text):,} characters; at most {at_most:,} are kept."
    said = sum(character.isalpha() for character in text)
    dense = len(_DENSE.findall(text))
    if _UNWRITABLE.search(text):
        return f"The {what} holds a character that cannot be shown; write it as plain text."
    if dense < _MIN_DENSE_SAID and (said < _MIN_SAID or len(_WORD.findall(text)) < _MIN_SAYING):
        return f"The {what} is missing or says too little; write a few words that somebody else understands."
    return None


_REPEATS: Final = "The reason repeats itself; say in a sentence what this is needed for."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_filler(word: str) -> bool:
    if word in _FILLER or len(set(word)) <= 2:
        return True
    if len(word) < _RUN_LENGTH:
        return False
    return any(word in row or word[::-1] in row for row in _KEYBOARD_ROWS)
