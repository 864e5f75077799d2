"""Handing out a register: to whom, for what purpose, by which names, and the row in the record that it was."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeAlias

from agent.incidents.incident_access import fault_of_purpose
from agent.incidents.incident_registers import READ, Register
from agent.incidents.register_parts import Part, Placed, cut
from agent.people.attempts import known_person, noting
from agent.people.people import read_people
from agent.people.pseudonyms import Pseudonyms
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError
from rules.roles import Right, rights_of

# Gives what a person is called in a register that covers an instant.
Namer: TypeAlias = Callable[[str, datetime], str]
Make: TypeAlias = Callable[[Act, Namer], Iterable[Placed]]


class NotedRegisters:
    """Registers that whoever holds one of some rights reads, by pseudonym unless they ask for names."""

    def __init__(self, store: StateStore, pseudonyms: Pseudonyms, *, reading: frozenset[Right]) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._reading = reading

    def hand_out(
        self,
        name: str,
        columns: tuple[str, ...],
        person: str,
        *,
        purpose: str,
        make: Make,
        part: Part,
        with_names: bool,
    ) -> Register:
        """Give a register.

        Raises:
            RefusedRequestError: this person may not read it, or says no purpose.
        """
        with noting(self._store, person, f"register_{name}"), self._store.act() as act:
            if self._reading.isdisjoint(rights_of(known_person(act.database, person).roles)):
                raise RefusedRequestError(f"None of your roles reads the register of {name.replace('_', '-')}.")
            if fault := fault_of_purpose(purpose):
                raise RefusedRequestError(fault)
            rows, more = cut(make(act, self._namer(act, with_names=with_names)), part)
            facts = {"register": name, "rows": len(rows), "with_names": with_names, **part.facts()}
            act.note(READ, actor=person, facts=facts, personal={"purpose": purpose.strip()})
            return Register(name, columns, rows, more)

    def _namer(self, act: Act, *, with_names: bool) -> Namer:
        people = {each.id: each.name for each in read_people(act.database)} if with_names else {}

        def name(person: str, at: datetime) -> str:
            if not person:
                return ""
            return people.get(person, person) if with_names else self._pseudonyms.person(person, at.date())

        return name
