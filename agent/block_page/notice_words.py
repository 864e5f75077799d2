"""The rules that hold for whoever uses the internet here: the notice of the sign-in, and the table of the school."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.block_page.blocked_table import audiences_of, held_for, without_grants
from agent.sites.site import Site
from agent.texts import Texts
from rules.pack import TableRow, Tick
from rules.policy import Rulebook
from rules.subject import Audience


@dataclass(frozen=True, slots=True)
class RulesPart:
    """A heading, and what stands under it, as the table of the school calls it."""

    title: str
    rows: tuple[str, ...]


def notice_sentences(site: Site, texts: Texts) -> Iterator[str]:
    """Give what whoever signs in is told."""
    _ = texts.gettext
    version = site.private.endpoints.aup_version
    if version:
        yield _("The rules of your school for computers and the internet hold here (version %(version)s).") % {
            "version": version
        }
        yield _("A laptop of the school asks you to accept them when you sign in, and your answer is recorded.")
    else:
        yield _("The rules of your school for computers and the internet hold here.")
    yield _("This network is filtered, and some of what is asked for is recorded.")
    yield _(
        "You are kind to others here, you keep your password to yourself, and you tell a grown-up when something"
        " worries you."
    )


def rules_parts(site: Site, texts: Texts, *, at: datetime) -> tuple[RulesPart, ...]:
    """Sort the rows of the school's table by what holds of them at an instant."""
    _ = texts.gettext
    rulebook, audiences = without_grants(site.rulebook), audiences_of(site) or tuple(Audience)
    always: list[str] = []
    at_times: list[str] = []
    not_here: list[str] = []
    for row in site.table:
        # What is illegal has one line for all of it: the rest is no reading for a child.
        if row.row.tick is not Tick.UNACCEPTABLE_ILLEGAL:
            tick = _tick_in_effect(row, rulebook, audiences, at)
            place = {Tick.UNACCEPTABLE: not_here, Tick.ACCEPTABLE: always}.get(tick, at_times)
            place.append(_(row.row.label))
    parts = (
        (_("All right at school"), always),
        (_("At certain times, or for some people"), at_times),
        (_("Not at school"), not_here),
        (_("Against the law, for everybody"), [_("What the law does not allow. Nobody at school can open it.")]),
    )
    return tuple(RulesPart(title, tuple(dict.fromkeys(rows))) for title, rows in parts if rows)


def _tick_in_effect(row: TableRow, rulebook: Rulebook, audiences: tuple[Audience, ...], at: datetime) -> Tick:
    """Give what the filter makes of a row; of what no filter sees, what the table says."""
    held = [held_for(rulebook, each, tag, at) for each in audiences for tag in row.row.categories]
    if not held:
        return _tick(row)
    if all(each.is_always_open for each in held):
        return Tick.ACCEPTABLE
    return Tick.UNACCEPTABLE if all(each.is_never_open for each in held) else Tick.CERTAIN_TIMES


def _tick(row: TableRow) -> Tick:
    """Give what a row says where it says the same of everybody, and that it depends where it does not."""
    ticks = {ruling.tick for ruling in row.rulings}
    return ticks.pop() if len(ticks) == 1 else Tick.CERTAIN_TIMES
