"""What a change would have meant, in the language of the reader: a figure a row, and what the figures do not show."""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from babel.numbers import format_decimal

from agent.filter_changing.filter_dry_run import DryRun, Gap, Remark
from agent.filter_changing.turned_names import Turn
from agent.texts import Texts


@dataclass(frozen=True, slots=True)
class Row:
    """So many names and questions of an audience would turn; where it is not sure, for some of them, or perhaps.

    `names` is None where nobody knows, and 0 where there are a few.
    """

    whom: str
    turn: str
    names: int | None
    questions: int
    is_sure: bool
    opens: bool


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name that would turn for an audience, and how many devices asked for it on one day."""

    name: str
    whom: str
    turn: str
    devices: int
    questions: int
    is_sure: bool
    opens: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """The days that are on record, what would have turned, and what nobody can know.

    `names` is None for whoever is told no names.
    """

    days: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]
    names: tuple[NameRow, ...] | None = None


def replay_words(run: DryRun, texts: Texts) -> Replayed:
    """Word a dry run."""
    _ = texts.gettext
    turns = {Turn.OPENED: _("would be open"), Turn.CLOSED: _("would be blocked")}
    days = texts.ngettext(
        "%(number)d day of %(first)s to %(last)s is on record.",
        "%(number)d days of %(first)s to %(last)s are on record.",
        run.days_kept,
    )
    rows = (
        Row(
            texts.audience(each.audience),
            turns[each.turn],
            each.names,
            each.questions,
            each.is_sure,
            each.turn is Turn.OPENED,
        )
        for each in run.figures
    )
    names = (
        NameRow(
            each.name,
            texts.audience(each.audience),
            turns[each.turn],
            each.devices,
            each.questions,
            each.is_sure,
            each.turn is Turn.OPENED,
        )
        for each in run.names or ()
    )
    first, last = (_day(day, texts) for day in (run.first_on, run.last_on))
    return Replayed(
        days % {"number": run.days_kept, "first": first, "last": last},
        tuple(rows),
        tuple(_remark(each, texts) for each in run.remarks),
        None if run.names is None else tuple(names),
    )


def _remark(remark: Remark, texts: Texts) -> str:
    _ = texts.gettext
    number = format_decimal(remark.questions, locale=texts.locale)
    match remark.gap:
        case Gap.UNREADABLE:
            day = _day(remark.day, texts) if remark.day else ""
            return _("The activity of %(day)s could not be read.") % {"day": day}
        case Gap.ONLY_COUNTED:
            return _(
                "Of what was answered only numbers are kept, without names, so names that would be blocked are not"
                " counted; of %(number)s answered questions no category is known."
            ) % {"number": number}
        case Gap.ONE_CATEGORY:
            return _("Of each name only the category that decided is known; another one may still block it.")
        case Gap.LISTS_DIFFER:
            return _("The lists differ; what a new list names is not known before it was fetched.")
        case Gap.GROUPS:
            return _("Nobody kept in which groups somebody was, so changes for groups are counted as perhaps.")
        case Gap.UNEXPLAINED:
            return _(
                "%(number)s refused questions would be answered today anyway, because of an override, a list or a"
                " setting of that time; they are left out."
            ) % {"number": number}
        case Gap.FEW:
            return _(
                "Figures are rounded, and what fewer than %(number)d devices asked for on the same day is left out."
            ) % {"number": remark.devices}


def _day(day: date, texts: Texts) -> str:
    return str(format_date(day, "long", locale=texts.locale))
