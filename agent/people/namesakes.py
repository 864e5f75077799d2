"""Whoever is called as somebody else: one name for two people is all that a program sees of one person who is two."""

import unicodedata
from typing import TYPE_CHECKING

from rules.errors import RefusedRequestError
from rules.roles import DECIDING

if TYPE_CHECKING:
    from agent.people.people import Person


def check_not_oneself(person: "Person", actor: "Person | None") -> None:
    """Check that nobody becomes a second person who decides, with a way in of their own making.

    Whoever gives the second one another name is found by people: a second person confirms whoever decides.

    Args:
        person: who gets a role or an account.
        actor: who gives it; nobody, where that is done on the gateway itself.

    Raises:
        RefusedRequestError: this person is to decide, and is called as whoever acts.
    """
    if actor is None or actor.id == person.id or person.given.isdisjoint(DECIDING):
        return
    if _plain(actor.name) == _plain(person.name):
        raise RefusedRequestError(
            "Found your own name, with a role that decides; somebody else who manages people has to do this for"
            " whoever is called as you are."
        )


def _plain(name: str) -> str:
    """Write a name so that two spellings of one are the same: without marks, spaces and the case of letters."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
