"""The words of changes of the filter, and one rule for some names as the settings have it."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from agent.filter_changing.filter_found import FIRST_ON_RECORD, NOTHING_FOLLOWS
from agent.filter_changing.filter_overlay import render_settings
from agent.storage.filter_rows import Source, State
from agent.texts import SOURCE_LANGUAGE, Texts

_MAX_ID_CHARACTERS: Final = 40


def one_rule(
    names: Sequence[str],
    *,
    is_open: bool,
    audiences: Sequence[str],
    groups: Sequence[str],
    reason: str,
    held: Collection[str],
) -> str:
    """Write a change that opens or blocks some names for somebody, as settings.

    Args:
        audiences, groups: for whom; everybody, where there is none.
        held: the names that rules of the school have already.
    """
    rule: dict[str, Any] = {"allow" if is_open else "block": {"names": [_host(each) for each in names]}}
    rule |= {"audiences": list(audiences)} if audiences else {}
    rule |= {"groups": list(groups)} if groups else {}
    rule |= {"reason": reason} if reason else {}
    return render_settings({"policies": {_free_id("open" if is_open else "block", _host(names[0]), held): rule}})


def _host(written: str) -> str:
    """Give the name in the address of a page; what is no name is for the settings to refuse."""
    return written.partition("//")[2].partition("/")[0].partition(":")[0] if "//" in written else written


def _free_id(verb: str, name: str, held: Collection[str]) -> str:
    word = re.sub(r"[^a-z0-9]+", "-", f"{verb}-{name}".lower())[:_MAX_ID_CHARACTERS].strip("-")
    return next(each for number in range(1, len(held) + 2) if (each := _numbered(word, number)) not in held)


def _numbered(word: str, number: int) -> str:
    return word if number == 1 else f"{word}-{number}"


def state_words(texts: Texts) -> dict[str, tuple[str, str]]:
    """Give words and tone for where a version stands."""
    _ = texts.gettext
    return {
        State.DRAFTED: (_("waits for a decision"), "warn"),
        State.APPROVED: (_("in force"), "good"),
        State.REFUSED: (_("turned down"), "quiet"),
        State.WITHDRAWN: (_("taken back"), "quiet"),
        State.SUPERSEDED: (_("no longer in force"), "quiet"),
        State.ON_DISK: (_("in force, found in the site file"), "good"),
    }


def change_words(sentence: str, texts: Texts) -> tuple[str, bool]:
    """Give a sentence that says what a version does, and whether it is in the language of the reader.

    Most are in the words of the settings, which are English.
    """
    _ = texts.gettext
    known = {
        FIRST_ON_RECORD: _("This is the first site file on record."),
        NOTHING_FOLLOWS: _("The site file was written anew; nothing that it sets has changed."),
    }
    return known.get(sentence, sentence), sentence in known or texts.language == SOURCE_LANGUAGE


def source_words(texts: Texts) -> dict[str, str]:
    """Name where a version comes from."""
    _ = texts.gettext
    return {Source.DISK: _("site file"), Source.API: _("change of the filter")}
