"""Words for requests: how they stand, what they are about, for whom and for how long."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from agent.api.schemas import OverrideTold, SuspensionTold
from agent.categories import load_categories
from agent.durations import end_of_lesson, parse_end
from agent.packs.pack_words import spell_place
from agent.texts import Texts
from rules import override, suspension
from rules.errors import ConfigurationError
from rules.policy_pack import Pack
from rules.schedule import Schedule
from rules.subject import Audience

_MOST_NAMED: Final = 3
_TONES: Final = {
    override.State.WAITING: "warn",
    override.State.HALF_APPROVED: "warn",
    override.State.REFUSED: "bad",
    override.State.UNCONFIRMED: "bad",
}
_HELD: Final = frozenset({override.State.APPROVED, override.State.ENDED})
# How long something lasts, by what stands in the form, as `agent.durations` reads it.
LENGTHS: Final = {
    "lesson": "this lesson",
    "15m": "15m",
    "30m": "30m",
    "1h": "1h",
    "2h": "2h",
    "today": "today",
    "tomorrow": "tomorrow",
    "friday": "friday",
}


class Procedure(NamedTuple):
    """How a document of the school wants something done; `place` says where it stands there."""

    title: str
    place: str
    steps: tuple[str, ...]


def name_of_state(state: override.State, texts: Texts) -> str:
    """Name a state of a request."""
    _ = texts.gettext
    return {
        override.State.WAITING: _("Waits for a decision"),
        override.State.HALF_APPROVED: _("One of two has agreed"),
        override.State.APPROVED: _("Approved"),
        override.State.REFUSED: _("Refused"),
        override.State.WITHDRAWN: _("Withdrawn"),
        override.State.REVOKED: _("Ended early"),
        override.State.ENDED: _("Over"),
        override.State.UNCONFIRMED: _("Emergency that nobody countersigned"),
    }[state]


def words_of_state(told: OverrideTold, now: datetime, texts: Texts) -> tuple[str, str]:
    """Say how a request stands by the clock, and in which tone."""
    _ = texts.gettext
    state = override.State(told.state)
    if state in _HELD and told.is_break_glass and not told.approvers:
        return _("Emergency, waits to be countersigned"), "bad"
    if state is override.State.ENDED and told.decided_at is None:
        return _("Over before it was decided"), "quiet"
    if state is not override.State.APPROVED:
        return name_of_state(state, texts), _TONES.get(state, "quiet")
    if now < told.from_at:
        return _("Approved, begins later"), "good"
    return (_("Open now"), "good") if now < told.until_at else (_("Over"), "quiet")


def words_of_suspension(told: SuspensionTold, now: datetime, texts: Texts) -> tuple[str, str]:
    """Say how a suspension stands, and in which tone."""
    _ = texts.gettext
    if told.state == suspension.State.AGREED:
        if now < told.from_at:
            return _("Agreed, begins later"), "warn"
        return (_("Filtering is off there now"), "bad") if now < told.until_at else (_("Over"), "quiet")
    if told.state == suspension.State.ENDED and told.agreed_by is None:
        return _("Over before it was decided"), "quiet"
    return {
        suspension.State.WAITING: (_("Waits for a decision"), "warn"),
        suspension.State.REFUSED: (_("Refused"), "bad"),
        suspension.State.WITHDRAWN: (_("Withdrawn"), "quiet"),
        suspension.State.STOPPED: (_("Ended early"), "quiet"),
        suspension.State.ENDED: (_("Over"), "quiet"),
    }[suspension.State(told.state)]


def words_of_move(move: str, texts: Texts) -> str:
    """Say what somebody did with a request."""
    _ = texts.gettext
    found = {
        "request": _("asked"),
        override.Move.APPROVE: _("approved"),
        override.Move.HALF_APPROVE: _("agreed, as the first of two"),
        override.Move.BEGIN_AGAIN: _("begun again, because the first of two can agree no more"),
        override.Move.NARROW: _("approved less than was asked for"),
        override.Move.REFUSE: _("refused"),
        override.Move.WITHDRAW: _("took it back"),
        override.Move.REVOKE: _("ended it early"),
        override.Move.END: _("over"),
        override.Move.COUNTERSIGN: _("countersigned"),
        override.Move.LAPSE: _("not countersigned in time"),
        "tell": _("was told"),
    }
    return found.get(move, move)


def category_words(categories: Iterable[str], texts: Texts) -> list[str]:
    """Name categories in the order in which people are shown them; what is none is left as it is."""
    wanted = set(categories)
    named = [each.name(texts.language) for each in load_categories() if each.id in wanted]
    return named + sorted(wanted.difference(load_categories().ids))


def what_words(told: OverrideTold, texts: Texts) -> str:
    """Say in a line what a request is about: its first names, or its categories."""
    if told.names:
        return first_of(told.names, texts)
    return texts.join(category_words(told.categories, texts))


def first_of(names: Sequence[str], texts: Texts) -> str:
    """Write the first of some names, and how many there are besides."""
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    if more <= 0:
        return shown
    text = texts.ngettext("%(names)s and %(number)d more", "%(names)s and %(number)d more", more)
    return text % {"names": shown, "number": more}


def whom_words(groups: Sequence[str], audiences: Iterable[str], texts: Texts) -> str:
    """Say whom a request is for."""
    named = [texts.audience(each) for each in Audience if each.value in set(audiences)]
    whom = texts.join([*groups])
    if named and groups:
        return texts.gettext("%(audience)s (%(groups)s)") % {"audience": texts.join(named), "groups": whom}
    return whom or texts.join(named) or texts.gettext("everybody")


def where_words(told: SuspensionTold, texts: Texts) -> str:
    """Say where filtering is or would be off."""
    if told.is_for_school:
        return texts.gettext("the whole school")
    return texts.join([*told.networks, *told.groups])


def lengths(
    schedules: Sequence[Schedule], now: datetime, texts: Texts, *, at_most: timedelta = timedelta(days=7)
) -> list[tuple[str, str]]:
    """Give the choices for how long something lasts; this lesson first where one is on."""
    _ = texts.gettext
    found = [
        ("15m", _("15 minutes"), timedelta(minutes=15)),
        ("30m", _("30 minutes"), timedelta(minutes=30)),
        ("1h", _("1 hour"), timedelta(hours=1)),
        ("2h", _("2 hours"), timedelta(hours=2)),
        ("today", _("until the end of today"), timedelta(hours=23)),
        ("tomorrow", _("until the end of tomorrow"), timedelta(days=1)),
        ("friday", _("until the end of Friday"), timedelta(days=7)),
    ]
    ends_at = end_of_lesson(schedules, now)
    first = [("lesson", _("until the end of this lesson"))] if ends_at and ends_at - now <= at_most else []
    return first + [(value, words) for value, words, length in found if length <= at_most]


def end_after(length: str, schedules: Sequence[Schedule], timezone: str, *, start: datetime) -> datetime | None:
    """Give the end of a length that was chosen; nothing where it is none, or no lesson is on."""
    try:
        return parse_end(LENGTHS[length], timezone, start=start, lesson_end=lambda at: end_of_lesson(schedules, at))
    except (KeyError, ConfigurationError):
        return None


def procedures_of(packs: Iterable[Pack], procedure: str, texts: Texts) -> list[Procedure]:
    """Give what the school's documents say how something is done, in words."""
    found = (pack.handbook.procedures.get(procedure) for pack in packs)
    return [
        Procedure(
            each.title.in_language(texts.language),
            spell_place(each.cites, texts),
            tuple(step.in_language(texts.language) for step in each.steps),
        )
        for each in found
        if each is not None
    ]
