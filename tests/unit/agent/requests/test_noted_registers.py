"""Handing out a register: who gets it, by which names, and what is on record of that."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from granting import MORNING, Granting

from agent.incidents.register_parts import WHOLE, Cell, Part, Placed
from agent.people.pseudonyms import Pseudonyms
from agent.requests.noted_registers import Namer, NotedRegisters
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.roles import Right

PURPOSE = "The governors meet on Thursday."


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def registers(school: Granting, tmp_path: Path) -> NotedRegisters:
    return NotedRegisters(school.store, Pseudonyms(tmp_path / "keys"), reading=frozenset({Right.READ_OVERRIDES}))


def rows(_act: Act, name: Namer) -> Iterable[Placed]:
    people = ("teacher", "somebody-else", "")
    return (((number,), (name(person, MORNING),)) for number, person in enumerate(people))


def names(registers: NotedRegisters, *, with_names: bool) -> list[Cell]:
    register = registers.hand_out(
        "keys", ("who",), "head", purpose=PURPOSE, make=rows, part=WHOLE, with_names=with_names
    )
    return [row[0] for row in register.rows]


def test_people_are_called_by_pseudonym_or_name_and_nobody_is_nobody(registers: NotedRegisters) -> None:
    first, second, nobody = names(registers, with_names=False)
    assert str(first).startswith("p-")
    assert (first != second, nobody) == (True, "")
    assert names(registers, with_names=True) == ["teacher", "somebody-else", ""]


def test_that_it_was_handed_out_is_on_record(school: Granting, registers: NotedRegisters) -> None:
    names(registers, with_names=True)
    assert school.facts() == {"register": "keys", "rows": 3, "with_names": True}
    assert school.kinds()[-1] == "register_read"


def test_a_part_says_where_the_next_begins_and_how_much_of_it_was_handed_out(
    school: Granting, registers: NotedRegisters
) -> None:
    found = registers.hand_out(
        "keys", ("who",), "head", purpose=PURPOSE, make=rows, part=Part(limit=2), with_names=True
    )
    assert (found.rows, found.next) == ((("teacher",), ("somebody-else",)), (1,))
    assert school.facts() == {"register": "keys", "rows": 2, "with_names": True}


@pytest.mark.parametrize(
    ("person", "purpose", "told"),
    [
        pytest.param(
            "teacher", PURPOSE, "None of your roles reads the register of spare-keys", id="without-the-right"
        ),
        pytest.param("head", " ", "There is no purpose", id="no-purpose"),
    ],
)
def test_who_gets_none(school: Granting, registers: NotedRegisters, person: str, purpose: str, told: str) -> None:
    with pytest.raises(RefusedRequestError, match=told):
        registers.hand_out("spare_keys", ("who",), person, purpose=purpose, make=rows, part=WHOLE, with_names=False)
    assert school.kinds()[-1] == "rule_refused"
