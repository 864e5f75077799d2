"""A policy pack as people read it: who has a task, who is told by when, which tables and registers there are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from babel.dates import format_date
from babel.lists import format_list

from agent.packs.pack_words import (
    spell_keeper,
    spell_kinds,
    spell_place,
    spell_role,
    spell_span,
    spell_start,
    spell_tick,
    spell_within,
)
from agent.tables import printable, render_table, terminal_width
from agent.texts import Texts
from rules.handbook import Chain
from rules.pack_layers import Replaced, What
from rules.policy_pack import Pack
from rules.sanction import SanctionTable
from rules.subject import Audience
from rules.words import Words

_INDENT: Final = "  "
_TICK: Final = "✓"
_MARK: Final = "*"

Row: TypeAlias = Sequence[str]


def render_pack(pack: Pack, texts: Texts, *, replaced: Iterable[Replaced] = ()) -> str:
    """Write a pack; each part has a heading and indented lines.

    Args:
        texts: the words of the language to write it in.
        replaced: what a school's own packs replaced.
    """
    writer = _Writer(pack, texts, tuple(each for each in replaced if pack.id in (each.pack, each.by)))
    parts = ((heading, list(lines())) for heading, lines in writer.parts())
    blocks = (
        "\n".join((heading, *((_INDENT + line).rstrip() for line in lines))) for heading, lines in parts if lines
    )
    return "\n\n".join(blocks) + "\n"


class _Writer:
    def __init__(self, pack: Pack, texts: Texts, replaced: tuple[Replaced, ...]) -> None:
        self.pack = pack
        self.book = pack.handbook
        self.texts = texts
        self.replaced = replaced

    def parts(self) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
        _ = self.texts.gettext
        yield f"{self.words(self.pack.title)} ({self.pack.id})", self._source
        yield _("Who has a task"), self._roles
        yield _("Who is told first, and then"), self._chains
        yield _("Clocks"), self._clocks
        yield _("What may be visited, by the table"), self._rows
        for audience, table in self.pack.sanctions.items():
            heading = _("What follows from misuse by %(whom)s") % {"whom": self.texts.audience(Audience(audience))}
            yield heading, partial(self._sanctions, table)
        yield _("Means of communication"), self._communications
        yield _("Registers"), self._registers
        yield _("How long things are kept"), self._retention
        yield _("What is looked at again"), self._reviews
        yield _("Technical measures, and what shows them"), self._measures
        yield _("What to do"), self._procedures
        yield _("What else there is to know"), self._statements
        yield _("What the school's own packs replace"), self._replaced

    def words(self, words: Words) -> str:
        return printable(words.in_language(self.texts.language))

    def role(self, name: str) -> str:
        return self.words(self.book.roles[name].title)

    def table(self, columns: Row, rows: Iterable[Row]) -> Iterator[str]:
        found = list(rows)
        if found:
            width = terminal_width() - len(_INDENT)
            yield from render_table(columns, found, width=width).splitlines()

    def _source(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield _("From: %(source)s") % {"source": printable(self.pack.source)}
        law = self.pack.law
        if law.notes:
            day = format_date(law.as_of, format="long", locale=self.texts.locale)
            yield _("The law as of %(day)s; since then:") % {"day": day}
        for note in law.notes:
            yield f"- {self.words(note)}"

    def _roles(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("Who"), _("In the product"), _("Task"), _("Place")),
            (
                (
                    self.words(role.title) + self._mark(What.ROLE, "", role.id),
                    spell_role(role.holds, self.texts) if role.holds else _("outside") if role.is_outside else "",
                    self.words(role.cites.says),
                    spell_place(role.cites, self.texts),
                )
                for role in self.book.roles.values()
            ),
        )

    def _chains(self) -> Iterator[str]:
        for chain in self.book.chains.values():
            yield from self._chain(chain)

    def _chain(self, chain: Chain) -> Iterator[str]:
        _ = self.texts.gettext
        place = spell_place(chain.cites, self.texts)
        kinds = spell_kinds(chain.kinds, self.texts)
        if chain.audience is not None:
            kinds = _("%(what)s, about %(whom)s") % {"what": kinds, "whom": self.texts.audience(chain.audience)}
        yield _("%(what)s: %(text)s") % {"what": kinds, "text": place} if kinds else place
        for number, step in enumerate(chain.steps, 1):
            within = spell_within(step.within, self.texts)
            line = f"{number}. {self.role(step.to)}, {within}"
            when = self.words(step.when)
            yield _INDENT + (f"{line} ({when})" if when else line)
        yield _INDENT + self.words(chain.cites.says)

    def _clocks(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What for"), _("Time"), _("From when"), _("What it says"), _("Place")),
            (
                (
                    self.words(clock.title),
                    spell_span(clock.length, self.texts),
                    spell_start(clock.starts, self.texts),
                    self.words(clock.cites.says),
                    spell_place(clock.cites, self.texts),
                )
                for clock in self.book.clocks.values()
            ),
        )

    def _rows(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What"), _("Column that is ticked"), _("Place")),
            (
                (_(row.label), spell_tick(row.tick, self.texts), self._line(row.section, row.source_line))
                for row in self.pack.rows
            ),
        )

    def _line(self, section: str, line: int) -> str:
        return self.texts.gettext("%(section)s, line %(line)d") % {"section": section, "line": line}

    def _sanctions(self, table: SanctionTable) -> Iterator[str]:
        _ = self.texts.gettext
        numbers = {name: str(number) for number, name in enumerate(table.actions, 1)}
        for name, action in table.actions.items():
            roles = [self.role(owner) for owner in action.owners]
            owners = format_list(roles, style="or", locale=self.texts.locale) if roles else _("nobody")
            mark = self._mark(What.ACTION, table.audience, name)
            within = spell_within(action.within, self.texts)
            yield f"{numbers[name]}. {self.words(action.label)}{mark} ({owners}, {within})"
        yield ""
        yield from self.table(
            ("", _("Misuse"), *numbers.values(), _("Line")),
            (
                (
                    row.id + self._mark(What.ROW, table.audience, row.id),
                    self.words(row.label),
                    *(_TICK if name in row.actions else "" for name in numbers),
                    str(row.line or ""),
                )
                for row in table.rows.values()
            ),
        )

    def _communications(self) -> Iterator[str]:
        _ = self.texts.gettext
        table = self.pack.communications
        if table is None:
            return
        numbers = {name: str(number) for number, name in enumerate(table.columns, 1)}
        for name, label in table.columns.items():
            yield f"{numbers[name]}. {self.words(label)}"
        yield ""
        yield from self.table(
            (_("Means"), *numbers.values(), _("Line"), _("Note")),
            (
                (
                    self.words(row.label),
                    *(_TICK if name in row.ticks else "" for name in numbers),
                    str(row.line or ""),
                    self.words(row.footnote),
                )
                for row in table.rows.values()
            ),
        )

    def _registers(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What"), _("Kept by"), _("What it says"), _("Place")),
            (
                (
                    self.words(each.title),
                    spell_keeper(each.kept_by, self.texts),
                    self.words(each.cites.says),
                    spell_place(each.cites, self.texts),
                )
                for each in self.book.registers.values()
            ),
        )

    def _retention(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What"), _("Time"), _("What it says"), _("Place")),
            (
                (
                    self.words(each.title),
                    spell_span(each.length, self.texts) if each.length else _("no time is named"),
                    self.words(each.cites.says),
                    spell_place(each.cites, self.texts),
                )
                for each in self.book.retention.values()
            ),
        )

    def _reviews(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What"), _("Every"), _("Who"), _("What it says"), _("Place")),
            (
                (
                    self.words(each.title),
                    spell_span(each.every, self.texts),
                    self.texts.join([self.role(name) for name in each.by]),
                    self.words(each.cites.says),
                    spell_place(each.cites, self.texts),
                )
                for each in self.book.reviews.values()
            ),
        )

    def _measures(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What it says"), _("What shows it"), _("Place")),
            (
                (
                    self.words(each.cites.says),
                    ", ".join(each.evidence) or _("nothing yet"),
                    spell_place(each.cites, self.texts),
                )
                for each in self.book.measures.values()
            ),
        )

    def _procedures(self) -> Iterator[str]:
        _ = self.texts.gettext
        for procedure in self.book.procedures.values():
            place = spell_place(procedure.cites, self.texts)
            yield _("%(what)s: %(text)s") % {"what": self.words(procedure.title), "text": place}
            for number, step in enumerate(procedure.steps, 1):
                yield f"{_INDENT}{number}. {self.words(step)}"
            if procedure.contacts:
                calls = self.texts.join([self.words(each) for each in procedure.contacts])
                yield _INDENT + _("Whom to call: %(whom)s") % {"whom": calls}

    def _statements(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield from self.table(
            (_("What it says"), _("Place")),
            ((self.words(each.says), spell_place(each, self.texts)) for each in self.book.statements.values()),
        )

    def _replaced(self) -> Iterator[str]:
        for each in self.replaced:
            yield f"{_MARK} {spell_replaced(each, self.texts)}"

    def _mark(self, what: What, audience: str, name: str) -> str:
        found = ((each.what, each.audience, each.id) for each in self.replaced if each.pack == self.pack.id)
        return f" {_MARK}" if (what, audience, name) in found else ""


def spell_replaced(replaced: Replaced, texts: Texts) -> str:
    """Say what a school's own pack replaces or adds."""
    _ = texts.gettext
    names: Mapping[What, str] = {What.ROLE: _("role"), What.ACTION: _("action"), What.ROW: _("row")}
    thing = f"{names[replaced.what]} {replaced.id}"
    if replaced.audience:
        whom = texts.audience(Audience(replaced.audience))
        thing = _("%(thing)s of the table for %(whom)s") % {"thing": thing, "whom": whom}
    text = _("%(own)s adds to %(pack)s: %(thing)s (%(place)s)")
    if not replaced.is_new:
        text = _("%(own)s replaces in %(pack)s: %(thing)s (%(place)s)")
    return text % {"own": replaced.by, "pack": replaced.pack, "thing": thing, "place": replaced.location}
