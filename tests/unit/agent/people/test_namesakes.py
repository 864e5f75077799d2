"""Who is called as somebody else: nobody makes a second person of themselves who decides."""

from dataclasses import replace

import pytest

from agent.people.namesakes import check_not_oneself
from agent.people.people import Person
from rules.errors import RefusedRequestError
from rules.roles import DECIDING, Role

ADA = Person("p1", "Ada Lovelace", frozenset({Role.NETWORK_MANAGER}))


@pytest.mark.parametrize("name", ["ada lovelace", "Ada  Lovelace", "ÁDA-Lovelace", "\uff21da Lovelace"])
@pytest.mark.parametrize("role", sorted(DECIDING))
@pytest.mark.parametrize("waits", [False, True], ids=["in-force", "waiting"])
def test_nobody_is_two_people_who_decide(name: str, role: Role, *, waits: bool) -> None:
    held, other = frozenset({role}), Person("p2", name)
    other = replace(other, waiting=held) if waits else replace(other, roles=held)
    with pytest.raises(RefusedRequestError, match="Found your own name"):
        check_not_oneself(other, ADA)


@pytest.mark.parametrize(
    ("person", "actor"),
    [
        pytest.param(Person("p2", "Ada Lovelace", frozenset({Role.TEACHER})), ADA, id="who-does-not-decide"),
        pytest.param(Person("p2", "Bea", frozenset({Role.HEAD_TEACHER})), ADA, id="who-has-another-name"),
        pytest.param(ADA, ADA, id="who-acts"),
        pytest.param(replace(ADA, id="p2"), None, id="whom-the-gateway-itself-makes"),
    ],
)
def test_everybody_else_is_somebody_else(person: Person, actor: Person | None) -> None:
    check_not_oneself(person, actor)
