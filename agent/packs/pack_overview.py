"""Several packs at once: which there are, what a school's own replaces, and where they disagree."""

from collections.abc import Iterator, Sequence

from babel.dates import format_date

from agent.packs.pack_text import spell_replaced
from agent.packs.pack_words import spell_kinds, spell_span
from agent.sites.site_packs import Packs
from agent.tables import printable, render_table
from agent.texts import Texts
from rules.incident_kind import Kind
from rules.pack_union import Conflict, Point, unite
from rules.policy_pack import Pack


def render_overview(packs: Packs, texts: Texts, *, is_of_a_school: bool) -> str:
    """Write which packs there are, and below it what a school should know that goes by them together."""
    _ = texts.gettext
    columns = (_("Pack"), _("Language"), _("Title"), _("The law as of"), _("Tables"))
    table = render_table(columns, [_row(pack, texts) for pack in packs.packs])
    below = [printable(spell_replaced(each, texts)) for each in packs.replaced]
    if is_of_a_school:
        below += conflicts_in_words(packs.packs, texts)
    return table + "".join(f"{line}\n" for line in (("", *below) if below else ()))


def _row(pack: Pack, texts: Texts) -> tuple[str, ...]:
    _ = texts.gettext
    tables = [_("user actions")] if pack.rows else []
    tables += [_("means of communication")] if pack.communications else []
    tables += [_("sanctions")] if pack.sanctions else []
    as_of = format_date(pack.law.as_of, format="medium", locale=texts.locale) if pack.law.notes else ""
    return pack.id, pack.language, pack.title.in_language(texts.language), as_of, texts.join(tables)


def conflicts_in_words(packs: Sequence[Pack], texts: Texts) -> Iterator[str]:
    """Say where packs disagree and what holds, each point once."""
    by_who: dict[tuple[str, ...], list[Kind]] = {}
    for conflict in unite(packs).conflicts:
        if conflict.point is Point.FIRST_TOLD:
            titles = (title.in_language(texts.language) for title in conflict.titles)
            who = tuple(f"{title} ({pack})" for title, pack in zip(titles, conflict.packs, strict=True))
            by_who.setdefault(who, []).append(Kind(conflict.what))
        else:
            yield printable(_spell(conflict, texts))
    for who, kinds in by_who.items():
        text = texts.gettext("Of %(kinds)s the packs tell different people first, so all of them are told: %(whom)s.")
        yield printable(text % {"kinds": spell_kinds(kinds, texts), "whom": texts.join(who)})


def _spell(conflict: Conflict, texts: Texts) -> str:
    _ = texts.gettext
    if conflict.point is Point.ROWS:
        text = _("The row %(row)s stands in %(packs)s; both hold, and what either blocks is blocked.")
        return text % {"row": conflict.what, "packs": texts.join(conflict.packs)}
    said = [f"{spell_span(span, texts)} ({pack})" for span, pack in zip(conflict.spans, conflict.packs, strict=True)]
    text = _("%(what)s: %(times)s; the stricter holds, %(time)s.")
    if conflict.point is Point.RETENTION:
        text = _("%(what)s: %(times)s; the longer holds, %(time)s, because what is deleted is gone.")
    kept = conflict.span_kept
    what = conflict.title.in_language(texts.language)
    return text % {"what": what, "times": texts.join(said), "time": spell_span(kept, texts) if kept else ""}
