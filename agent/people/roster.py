"""Rosters: who is at the school as a file says it: the CSV that a school writes itself, or its site file.

Reading changes nothing. A line that cannot be used is a value with its place, and a roster with such lines is never
taken for complete, or whoever stands on them would count as gone.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agent.people.people import MAX_NAME_CHARACTERS, fault_of_roles, fault_of_text
from agent.sites.site import Private
from filters.list_entries import BadLine
from rules.document import describe, suggest
from rules.errors import RefusedRequestError
from rules.roles import Role, parse_role

MAX_TEXT_CHARACTERS: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 500_000
MAX_BAD_LINES: Final = 1000
MAX_ID_CHARACTERS: Final = 255
_SHOWN_CHARACTERS: Final = 80
_SEPARATOR: Final = re.compile(r"[;|]")
_PEOPLE_COLUMNS: Final = ("id", "name", "roles")
_CLASS_COLUMNS: Final = ("class", "title", "group")


class Part(StrEnum):
    """What a roster can be the complete list of."""

    PEOPLE = "people"
    CLASSES = "classes"
    MEMBERSHIPS = "memberships"


@dataclass(frozen=True, slots=True)
class RosterPerson:
    """Somebody on a roster; no roles where the file does not say."""

    name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class RosterClass:
    """A class on a roster; no title or group where the file does not say."""

    title: str
    group: str = ""


@dataclass(slots=True)
class Roster:
    """What one file says; people and classes stand under the ids that it gives them.

    `governs` are the roles that this source decides about: others that somebody was given by hand stay.
    `joined` and `left` are pairs of person and class. `whole` is what the file is the complete list of: who or what
    it does not name there is gone.
    """

    source: str
    governs: frozenset[Role] = frozenset(Role)
    people: dict[str, RosterPerson] = field(default_factory=dict)
    classes: dict[str, RosterClass] = field(default_factory=dict)
    joined: set[tuple[str, str]] = field(default_factory=set)
    left: set[tuple[str, str]] = field(default_factory=set)
    gone_people: set[str] = field(default_factory=set)
    gone_classes: set[str] = field(default_factory=set)
    whole: frozenset[Part] = frozenset()
    notes: list[str] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    bad_lines: int = 0

    def refuse(self, row: "Row", why: str) -> None:
        """Keep a line that cannot be used; beyond a bound they are only counted."""
        self.bad_lines += 1
        if len(self.bad) < MAX_BAD_LINES:
            self.bad.append(BadLine(row.file, row.line, row.text, why))

    def is_whole(self, part: Part) -> bool:
        """Say whether whatever this roster does not name is gone."""
        return part in self.whole and not self.bad_lines


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table by its columns; a column that the file does not have reads as empty."""

    file: str
    line: int
    cells: Mapping[str, str]
    text: str

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column.casefold(), "")


class Table:
    """A CSV text with a header; columns may be unknown and in any order, commas may be semicolons.

    Raises:
        RefusedRequestError: no header, or too much text.
    """

    def __init__(self, text: str, *, file: str) -> None:
        if len(text) > MAX_TEXT_CHARACTERS:
            raise RefusedRequestError(
                f"{file}: found {len(text)} characters; expected at most {MAX_TEXT_CHARACTERS} in one file."
            )
        self.file = file
        text = text.removeprefix("\ufeff")
        header = text.partition("\n")[0]
        delimiter = ";" if header.count(";") > header.count(",") else ","
        self._reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            self.columns = tuple(cell.strip().casefold() for cell in next(self._reader, ()))
        except csv.Error:
            self.columns = ()

    def require(self, columns: Collection[str]) -> None:
        """Check that the header names these columns.

        Raises:
            RefusedRequestError: it does not, or names one twice.
        """
        missing = [column for column in columns if column.casefold() not in self.columns]
        if missing:
            found = describe(", ".join(self.columns)) if any(self.columns) else "nothing"
            raise RefusedRequestError(
                f"{self.file}:1: found {found} as column names; expected {', '.join(missing)} among them."
            )
        if twice := next((column for column in self.columns if column and self.columns.count(column) > 1), None):
            raise RefusedRequestError(f"{self.file}:1: found the column {twice} twice; expected each once.")

    def rows(self, roster: Roster) -> Iterator[Row]:
        """Give the lines that can be read; the others are kept as bad lines of the roster.

        Raises:
            RefusedRequestError: there are too many.
        """
        seen = 0
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                roster.refuse(Row(self.file, line, {}, ""), f"found text that is not CSV ({error}); expected cells")
                continue
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            seen += 1
            if seen > MAX_ROWS:
                raise RefusedRequestError(
                    f"{self.file}: found more than {MAX_ROWS} lines; expected the roster of a school."
                )
            row = self._row(line, cells)
            if len(cells) != len(self.columns):
                roster.refuse(row, f"found {len(cells)} cells; expected {len(self.columns)}")
            else:
                yield row

    def _row(self, line: int, cells: list[str]) -> Row:
        text = ",".join(cells)[: 2 * _SHOWN_CHARACTERS]
        shown = "".join(character if character.isprintable() else "·" for character in text)[:_SHOWN_CHARACTERS]
        by_column = {column: cell.strip() for column, cell in zip(self.columns, cells, strict=False)}
        return Row(self.file, line, by_column, shown)


def parse_id(roster: Roster, row: Row, column: str) -> str | None:
    """Read an id that the file gives; a bad one makes a bad line."""
    if fault := fault_of_text(row[column], longest=MAX_ID_CHARACTERS):
        roster.refuse(row, f"{column}: {fault.replace('a name', 'an id')}")
        return None
    return row[column]


def parse_title(roster: Roster, row: Row, column: str, text: str) -> str | None:
    """Read the name of a person or class; a bad one makes a bad line."""
    if fault := fault_of_text(text, longest=MAX_NAME_CHARACTERS):
        roster.refuse(row, f"{column}: {fault}")
        return None
    return text


def read_csv(text: str, *, file: str = "people.csv") -> Roster:
    """Read a school's own CSV: people (`id,name,roles,classes`) or classes (`class,title,group`).

    Several roles or classes stand in one cell, with ; or | between them. A class that people are in and that no
    file names is called as it is written there.

    Raises:
        RefusedRequestError: the text is neither.
    """
    table = Table(text, file=file)
    roster = Roster("csv")
    if "class" in table.columns and "name" not in table.columns:
        table.require(_CLASS_COLUMNS)
        _read_classes(table, roster)
        return roster
    table.require(_PEOPLE_COLUMNS)
    _read_people(table, roster)
    roster.whole = frozenset({Part.PEOPLE})
    if "classes" in table.columns:
        roster.whole = frozenset(Part)
    return roster


def _read_people(table: Table, roster: Roster) -> None:
    for row in table.rows(roster):
        person = parse_id(roster, row, "id")
        name = parse_title(roster, row, "name", row["name"]) if person else None
        if person is None or name is None:
            continue
        roles, unknown = _parse_roles(row["roles"])
        if unknown:
            expected = suggest(unknown, [role.value for role in Role], "one of")
            roster.refuse(row, f"roles: found {describe(unknown)}; expected {expected}")
        elif fault := fault_of_roles(roles):
            roster.refuse(row, f"roles: {fault}")
        elif person in roster.people:
            roster.refuse(row, f"id: found {describe(person)} a second time; expected each person once")
        elif _read_memberships(roster, row, person):
            roster.people[person] = RosterPerson(name, roles)


def _read_memberships(roster: Roster, row: Row, person: str) -> bool:
    classes = [title.strip() for title in _SEPARATOR.split(row["classes"]) if title.strip()]
    for title in classes:
        if fault := fault_of_text(title):
            roster.refuse(row, f"classes: {fault}")
            return False
    for title in classes:
        roster.classes.setdefault(title, RosterClass(""))
        roster.joined.add((person, title))
    return True


def _parse_roles(text: str) -> tuple[frozenset[Role], str]:
    """Read roles as people write them (`ICT Co-ordinator`); gives also the first that is none."""
    roles = set()
    for written in _SEPARATOR.split(text):
        role = parse_role(written)
        if role is not None:
            roles.add(role)
        elif written.strip(" -"):
            return frozenset(), written.strip()
    return frozenset(roles), ""


def _read_classes(table: Table, roster: Roster) -> None:
    for row in table.rows(roster):
        school_class = parse_id(roster, row, "class")
        title = parse_title(roster, row, "title", row["title"]) if school_class else None
        if school_class is None or title is None:
            continue
        if row["group"] and (fault := fault_of_text(row["group"])):
            roster.refuse(row, f"group: {fault}")
        elif school_class in roster.classes:
            roster.refuse(row, f"class: found {describe(school_class)} a second time; expected each class once")
        else:
            roster.classes[school_class] = RosterClass(title, row["group"])


def read_from_site(private: Private) -> Roster:
    """Read the people and classes that the site file names, by the ids that it gives them.

    Raises:
        RefusedRequestError: it names neither.
    """
    if private.people is None and private.classes is None:
        raise RefusedRequestError("The site file in force names nobody; expected the part people, or classes.")
    roster = Roster("site", whole=frozenset({Part.CLASSES} if private.people is None else Part))
    for known_as, school_class in (private.classes or {}).items():
        roster.classes[known_as] = RosterClass(school_class.title, school_class.group)
    for known_as, person in (private.people or {}).items():
        roster.people[known_as] = RosterPerson(person.name, frozenset(map(Role, person.roles)))
        roster.joined |= {(known_as, each) for each in person.classes}
    return roster
