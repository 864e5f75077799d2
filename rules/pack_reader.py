"""The written form of a policy pack.

A pack is a YAML file in `rules/packs`, one for each policy document. Text is English, or a mapping by language
(`{nl: ..., en: ...}`, English always among them). Times have a unit (`72 h`, `15 school days`, `at once`). Where
something stands in the document is said by `section` and `line`, and what stands there, in our words, by `says`.

    pack: uk-esafety                    # its name, as a site writes it
    language: en                        # of the document
    title: E-safety
    source: E-safety policy of ...      # how it is cited
    law: {as_of: 2018-01-01, notes: [...]}
    rows:                               # the table of user actions, where the document has one
      gambling:
        label: Betting and games for money
        section: ...
        line: 315
        tick: unacceptable              # one of `Tick`
        categories: [gambling]          # what of it has a name that can be looked up; may be empty
        visibility: partial             # full, partial or none
        note: ...                       # needed where visibility is none
    communications:                     # the table of means of communication
      columns: {staff_allowed: Staff may, ...}
      rows: {phones_in_lessons: {label: ..., line: 262, ticks: [staff_selected], footnote: ...}}
    sanctions:                          # by audience; see `rules.sanction_reader`
    roles: ...                          # and the rest of the handbook; see `rules.handbook_reader`
    assessment: ...                     # see `rules.assessment_reader`

A school's own pack is written the same way and lies over those of the product that the school loads: it may refer to
their roles, and replace roles, actions and rows of their tables (`rules.pack_layers`). It has no table of user
actions: what is filtered stands in the site file, where each change is on record.

Text becomes a `Pack` here; opening files is the business of `agent`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final

from rules.assessment_reader import read_assessment
from rules.category import LANGUAGES
from rules.document import parse_document
from rules.errors import ConfigurationError, Problem
from rules.handbook import Law, PackRole
from rules.handbook_reader import read_handbook
from rules.pack import Row, Tick
from rules.pack_fields import Fields
from rules.policy_pack import Communication, CommunicationsTable, Pack
from rules.sanction import SanctionTable
from rules.sanction_reader import read_sanctions
from rules.visibility import Visibility

MAX_PACK_CHARACTERS: Final = 1_000_000
_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


def parse_pack(text: str, *, file: str, categories: Collection[str], over: Sequence[Pack] | None = None) -> Pack:
    """Read a pack.

    Args:
        text: the YAML text.
        file: what to call it in the places of problems and policies.
        categories: the ids that exist.
        over: the packs that it lies on, where it is a school's own; None for one of the product.

    Raises:
        ConfigurationError: all problems of the pack at once.
    """
    if len(text) > MAX_PACK_CHARACTERS:
        found = f"{len(text):,} characters"
        raise ConfigurationError((Problem(file, found, f"at most {MAX_PACK_CHARACTERS:,}"),))
    document = parse_document(text, file=file)
    problems = list(document.problems)
    fields = Fields(document, (), problems)
    handbook = read_handbook(fields, below=_roles_below(over or ()))
    rows = tuple(fields.each("rows", lambda name, row: _row(name, row, categories)).values())
    if rows and over is not None:
        fields.fault(
            "rows", "a table of user actions", "none here: rows and policies of the site file say what is filtered"
        )
    sanctions = read_sanctions(fields, roles=handbook.roles, below=_tables_below(over or ()))
    illegal = (row.categories for row in rows if row.tick is Tick.UNACCEPTABLE_ILLEGAL)
    pack = Pack(
        id=_id(fields),
        title=fields.words("title"),
        source=fields.text("source"),
        language=_language(fields),
        law=_law(fields),
        rows=rows,
        communications=_communications(fields.inner("communications")) if fields.has("communications") else None,
        sanctions=sanctions,
        handbook=handbook,
        assessment=read_assessment(
            fields, categories=categories, sanctions=sanctions, statutory=frozenset[str]().union(*illegal)
        ),
    )
    fields.done()
    if problems:
        raise ConfigurationError(tuple(problems))
    return pack


def _roles_below(over: Sequence[Pack]) -> dict[str, PackRole]:
    """Give the roles of several packs; where two call theirs the same, that of the first."""
    return {name: role for pack in reversed(over) for name, role in pack.handbook.roles.items()}


def _tables_below(over: Sequence[Pack]) -> Mapping[str, SanctionTable]:
    return {audience: table for pack in reversed(over) for audience, table in pack.sanctions.items()}


def _id(fields: Fields) -> str:
    name = fields.text("pack")
    if name and not _ID.fullmatch(name):
        fields.fault("pack", f"'{name}'", "a name of small letters, digits and hyphens, such as our-school")
    return name


def _language(fields: Fields) -> str:
    language = fields.text("language", default="en")
    if language not in LANGUAGES:
        fields.fault("language", f"'{language}'", "one of " + ", ".join(LANGUAGES))
    return language


def _law(fields: Fields) -> Law:
    if not fields.has("law"):
        return Law(date.min)
    law = fields.inner("law")
    read = Law(law.day("as_of"), law.all_words("notes"))
    law.done()
    return read


def _row(name: str, row: Fields, categories: Collection[str]) -> Row:
    visibility = row.choice("visibility", Visibility)
    listed = row.names("categories", categories, "a category that exists")
    if not row.has("categories"):
        row.fault("", "no categories", "a list of categories, which may be empty")
    note = row.text("note", default="")
    if visibility is Visibility.NONE and (listed or not note):
        row.fault("", "categories, or no note, in a row that nobody sees", "no categories, and a note who reports it")
    return Row(
        id=name,
        label=row.text("label"),
        section=row.text("section"),
        source_line=row.number("line"),
        tick=row.choice("tick", Tick),
        categories=frozenset(listed),
        visibility=visibility,
        note=note,
        location=row.location,
    )


def _communications(fields: Fields) -> CommunicationsTable:
    columns = fields.each_words("columns")

    def read(name: str, row: Fields) -> Communication:
        return Communication(
            id=name,
            label=row.words("label"),
            line=row.number("line"),
            ticks=row.names("ticks", columns, "a column of the table"),
            footnote=row.words("footnote", is_needed=False),
            location=row.location,
        )

    table = CommunicationsTable(columns, fields.each("rows", read))
    fields.done()
    return table
