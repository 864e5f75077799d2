"""Which passwords everybody tries first: words, keyboard rows, sequences, years, and the school's own words.

The words are our own compilation. What counts is what a password holds beside such parts, so `Welcome2024!` is no
better than `welcome`. Nothing here knows an account.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

# Fewer letters than these beside known parts do not make a password.
_LETTERS_OF_ITS_OWN: Final = 4
_DIFFERENT_CHARACTERS: Final = 5
_SHORTEST_RUN: Final = 4
_SHORTEST_WORD: Final = 3

_WORD_LIST: Final = """
    password passwort passphrase motdepasse wachtwoord contrasena senha pasuwado secret geheim default changeme
    letmein welcome welkom bienvenue willkommen youkoso hello hallo bonjour konnichiwa goodbye login logon access
    admin administrator root system server network guest user username test tester testing temp temporary example
    school schoolgate college academy primary secondary infant junior nursery kindergarten ecole gakkou classroom
    class teacher teaching headteacher head deputy governor staff pupil student children homework lesson learning
    office library playground assembly register safeguarding computer laptop tablet internet wireless printer
    keyboard monday tuesday wednesday thursday friday saturday sunday weekend holiday january february march april
    may june july august september october november december spring summer autumn winter christmas easter
    halloween sunshine rainbow flower butterfly princess superman batman spiderman starwars pokemon minecraft
    fortnite roblox dragon monkey tiger lion panda kitten puppy horse dolphin unicorn dinosaur chocolate cheese
    cookie banana football rugby cricket tennis liverpool arsenal chelsea manchester united city rangers celtic
    everton tottenham red blue green yellow purple orange black white pink silver gold love iloveyou lovely angel
    baby family mother father mummy daddy friend forever freedom master shadow hunter london england scotland
    wales ireland britain france paris america japan tokyo amsterdam montreal one two three four five six seven
    eight nine ten hundred thousand abc abcd qwe asd zxc qaz wsx edc
"""
_WORDS: Final = frozenset(_WORD_LIST.split())
_ROWS: Final = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
    "qazwsxedcrfvtgbyhnujmikolp",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_REPEATED: Final = re.compile(r"(.{1,4}?)\1{2,}")
# Ways to write letters as something else; 1 and ! stand for two of them.
_DISGUISES: Final = (
    str.maketrans("013457@$!+|", "oleastasitl"),
    str.maketrans("013457@$!+|", "oieastaslti"),
)
# Stands where a known part was, so that what is left on both sides does not grow together.
_GAP: Final = "\0"


def is_common(password: str, words: Iterable[str] = ()) -> bool:
    """Say whether a password is little more than what is tried first.

    Args:
        password: as it was chosen.
        words: what is common at this place: the login, the names of the person and of the school.
    """
    folded = password.casefold()
    if len(set(folded)) < _DIFFERENT_CHARACTERS:
        return True
    known = sorted(_WORDS | set(_local(words)), key=len, reverse=True)
    return any(_is_little_beside(variant, known) for variant in _variants(folded))


def _local(words: Iterable[str]) -> Iterator[str]:
    """Give each word of a name, and the name written as one word."""
    for name in words:
        folded = name.casefold()
        for part in (*re.findall(r"[^\W\d_]+", folded), re.sub(r"\W", "", folded)):
            if len(part) >= _SHORTEST_WORD:
                yield part


def _variants(folded: str) -> Iterator[str]:
    yield folded
    for disguise in _DISGUISES:
        yield folded.translate(disguise)
    yield re.sub(r"[\W\d_]", "", folded)


def _is_little_beside(text: str, known: list[str]) -> bool:
    left = text
    for word in known:
        left = left.replace(word, _GAP)
    for part in _runs(left):
        left = left.replace(part, _GAP)
    for pattern in (_REPEATED, _YEAR):
        left = pattern.sub(_GAP, left)
    return left != text and sum(character.isalpha() for character in left) < _LETTERS_OF_ITS_OWN


def _runs(text: str) -> list[str]:
    """Find the parts that follow a keyboard row, the alphabet or the digits, forwards or backwards; longest first."""
    found = set()
    for row in _ROWS:
        for line in (row, row[::-1]):
            start = 0
            while start < len(text):
                end = start + 1
                while end < len(text) and text[start : end + 1] in line:
                    end += 1
                if end - start >= _SHORTEST_RUN:
                    found.add(text[start:end])
                start = end
    return sorted(found, key=len, reverse=True)
