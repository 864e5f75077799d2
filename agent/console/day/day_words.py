"""The words of the page of the day: a sentence that answers each of its three questions, and what stands below it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from babel.dates import format_date, format_timedelta, get_day_names

from agent.console.charts.coverage_figures import Filtering as Stands
from agent.console.day.day_figures import Filtering
from agent.console.day.day_waiting import Changes, Waiting, What
from agent.lists.list_status import ListState
from agent.texts import Texts
from rules.incident_weight import Weight


class Tone(StrEnum):
    """How an answer sounds; the words say it too."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence that answers one of the three questions."""

    words: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do or to know: what, where to do it, and since when it waits."""

    words: str
    path: str
    since: datetime | None = None
    is_late: bool = False


# Where each is done.
PATHS: Final = {
    What.EMERGENCIES: "/overrides",
    What.REQUESTS: "/overrides",
    What.SUSPENSIONS: "/suspensions",
    What.CANDIDATES: "/incidents",
    What.FILTER_CHANGES: "/filter",
    What.PEOPLE: "/people",
    What.EXCEPTIONS: "/media",
    What.SIGN_OUTS: "/media",
    What.LAPTOPS: "/devices",
}


# --- Is filtering on and right?


def answer_filtering(filtering: Filtering, texts: Texts) -> Answer:
    """Say in a sentence whether filtering is on and right."""
    _ = texts.gettext
    networks = filtering.coverage.networks
    off = [each.network for each in networks if each.filtering is Stands.OFF]
    if not networks:
        return Answer(_("No network is set up yet, so nothing is filtered."), Tone.BAD)
    if off:
        words = _("Filtering is off in %(networks)s, and nothing on record says why.")
        return Answer(words % {"networks": texts.join(off)}, Tone.BAD)
    if filtering.workers is None:
        return Answer(_("Nobody knows just now whether filtering is on: the gateway does not answer."), Tone.BAD)
    unknown = sum(each.filtering is Stands.UNKNOWN for each in networks)
    if unknown:
        words = texts.ngettext(
            "Of %(number)d network nobody knows just now whether filtering is on there.",
            "Of %(number)d networks nobody knows just now whether filtering is on there.",
            unknown,
        )
        return Answer(words % {"number": unknown}, Tone.WARN)
    if filtering.suspended.issuperset(each.network for each in networks):
        words = _("Filtering is off in the whole school for a while, as two people agreed.")
        return Answer(
            _with(words, [*_faulty_lists(filtering, texts), *_faulty_workers(filtering, texts)], texts), Tone.WARN
        )
    if filtering.is_suspended:
        on = _("Filtering is off for a while, as two people agreed; elsewhere it is on")
        return Answer(_answer_lists(filtering, on, texts).words, Tone.WARN)
    return _answer_lists(filtering, _everywhere(len(networks), texts), texts)


def _everywhere(number: int, texts: Texts) -> str:
    words = texts.ngettext("Filtering is on in the one network", "Filtering is on in all %(number)d networks", number)
    return words % {"number": number} if "%" in words else words


def _answer_lists(filtering: Filtering, on: str, texts: Texts) -> Answer:
    _ = texts.gettext
    lists, late = filtering.lists.lists, _faulty_workers(filtering, texts)
    if not lists:
        words = _("%(on)s, by the school's own rules alone: there is no list.") % {"on": on}
        return Answer(_with(words, late, texts), Tone.WARN)
    if faulty := _not_fresh(filtering):
        words = _("%(on)s, but not all lists are as they should be: %(lists)s.")
        return Answer(_with(words % {"on": on, "lists": texts.join(faulty)}, late, texts), Tone.WARN)
    if late:
        return Answer(_("%(on)s, but a part of it answers by older rules or not at all.") % {"on": on}, Tone.WARN)
    oldest = max(each.age_seconds or 0.0 for each in lists)
    words = _("%(on)s, by lists that are at most %(age)s old.")
    return Answer(words % {"on": on, "age": span_of(oldest, texts)}, Tone.GOOD)


def _not_fresh(filtering: Filtering) -> list[str]:
    return [each.name for each in filtering.lists.lists if each.state is not ListState.FRESH]


def _faulty_lists(filtering: Filtering, texts: Texts) -> list[str]:
    """Say in a sentence what is wrong with the lists, where anything is."""
    _ = texts.gettext
    if not filtering.lists.lists:
        return [_("There is no list.")]
    names = _not_fresh(filtering)
    return [_("Not all lists are as they should be: %(lists)s.") % {"lists": texts.join(names)}] if names else []


def _faulty_workers(filtering: Filtering, texts: Texts) -> list[str]:
    """Say in a sentence that workers lag, where they do."""
    if filtering.workers is None or filtering.workers.are_well:
        return []
    return [texts.gettext("A part of the gateway answers by older rules or not at all.")]


def _with(words: str, further: Iterable[str], texts: Texts) -> str:
    """Put sentences behind one another."""
    for each in further:
        words = _both(words, each, texts)
    return words


def span_of(seconds: float, texts: Texts) -> str:
    """Write how long something is in one unit: `2 days`."""
    return str(
        format_timedelta(
            timedelta(seconds=max(seconds, 60.0)), threshold=1.5, granularity="minute", locale=texts.locale
        )
    )


def stand_words(texts: Texts) -> dict[Stands, tuple[str, str]]:
    """Give words and tone for how a network stands."""
    _ = texts.gettext
    return {
        Stands.ON: (_("on"), "good"),
        Stands.OPENED: (_("on, with exceptions on record"), "good"),
        Stands.OFF: (_("off, without a record"), "bad"),
        Stands.UNKNOWN: (_("unknown"), "warn"),
    }


def list_words(texts: Texts) -> dict[ListState, tuple[str, str]]:
    """Give words and tone for how a list is."""
    _ = texts.gettext
    return {
        ListState.FRESH: (_("as it should be"), "good"),
        ListState.STALE: (_("too old"), "warn"),
        ListState.REFUSED: (_("the new copy was refused"), "warn"),
        ListState.MISSING: (_("not there"), "bad"),
        ListState.NEVER_LOADED: (_("never loaded"), "bad"),
    }


# --- What needs me?


def answer_waiting(waiting: Waiting, texts: Texts) -> Answer:
    """Say in a sentence what waits for whoever looks."""
    _, overdue = texts.gettext, waiting.overdue.number
    if waiting.record is not None and waiting.record.is_intact is False:
        return Answer(_("The record is not whole; somebody has to look at it now."), Tone.BAD)
    late = _("Nothing is overdue.")
    if overdue:
        late = texts.ngettext("%(number)d thing is overdue.", "%(number)d things are overdue.", overdue)
        late %= {"number": overdue}
    if waiting.waits:
        what = texts.join([wait_words(each.what, each.number, texts) for each in waiting.waits])
        words = _("Waiting for you: %(what)s.") % {"what": what}
        return Answer(_both(words, late, texts), Tone.WARN)
    return (
        Answer(late, Tone.WARN) if overdue else Answer(_("Nothing waits for you, and nothing is overdue."), Tone.GOOD)
    )


def waiting_lines(waiting: Waiting, texts: Texts) -> list[Line]:
    """Give what waits and what is overdue, line by line."""
    overdue = waiting.overdue
    lines = [Line(wait_words(each.what, each.number, texts), PATHS[each.what], each.since) for each in waiting.waits]
    for count, words, path in (
        (overdue.own, _own_steps(overdue.own, texts), "/tasks"),
        (overdue.others, _others_steps(overdue.others, texts), "/incidents?standing=accepted"),
        (overdue.reviews, _reviews(overdue.reviews, texts), "/filter"),
    ):
        if count:
            lines.append(Line(words, path, is_late=True))
    return lines


def _own_steps(number: int, texts: Texts) -> str:
    words = texts.ngettext("%(number)d step of yours", "%(number)d steps of yours", number)
    return words % {"number": number}


def _others_steps(number: int, texts: Texts) -> str:
    words = texts.ngettext("%(number)d step of others", "%(number)d steps of others", number)
    return words % {"number": number}


def _reviews(number: int, texts: Texts) -> str:
    words = texts.ngettext(
        "%(number)d change of the filter to look at again",
        "%(number)d changes of the filter to look at again",
        number,
    )
    return words % {"number": number}


def wait_words(what: What, number: int, texts: Texts) -> str:
    """Say how much of something waits."""
    words = {
        What.EMERGENCIES: texts.ngettext(
            "%(number)d emergency to countersign", "%(number)d emergencies to countersign", number
        ),
        What.REQUESTS: texts.ngettext("%(number)d request", "%(number)d requests", number),
        What.SUSPENSIONS: texts.ngettext(
            "%(number)d request to switch filtering off", "%(number)d requests to switch filtering off", number
        ),
        What.CANDIDATES: texts.ngettext("%(number)d candidate", "%(number)d candidates", number),
        What.FILTER_CHANGES: texts.ngettext(
            "%(number)d proposed change of the filter", "%(number)d proposed changes of the filter", number
        ),
        What.PEOPLE: texts.ngettext("%(number)d person to confirm", "%(number)d people to confirm", number),
        What.EXCEPTIONS: texts.ngettext(
            "%(number)d exception for a medium", "%(number)d exceptions for media", number
        ),
        What.SIGN_OUTS: texts.ngettext("%(number)d medium to sign out", "%(number)d media to sign out", number),
        What.LAPTOPS: texts.ngettext("%(number)d laptop to let in", "%(number)d laptops to let in", number),
    }[what]
    return words % {"number": number}


def weight_words(weight: Weight, texts: Texts) -> str:
    """Name a weight."""
    _ = texts.gettext
    return {
        Weight.HIGH: _("much speaks for it"),
        Weight.MIDDLE: _("something speaks for it"),
        Weight.LOW: _("little speaks for it"),
    }[weight]


# --- What changed?


def answer_changes(changes: Changes, today: datetime, texts: Texts) -> Answer:
    """Say in a sentence what has changed of the filter, and what of it nobody approved."""
    _, number = texts.gettext, len(changes.filter)
    parts = []
    if number:
        words = texts.ngettext("%(number)d change of the filter", "%(number)d changes of the filter", number)
        parts.append(words % {"number": number})
    if changes.emergencies:
        words = texts.ngettext("%(number)d emergency", "%(number)d emergencies", changes.emergencies)
        parts.append(words % {"number": changes.emergencies})
    if changes.suspensions:
        words = texts.ngettext(
            "filtering off for a while, %(number)d time",
            "filtering off for a while, %(number)d times",
            changes.suspensions,
        )
        parts.append(words % {"number": changes.suspensions})
    since = since_words(changes.since, today, texts)
    if not parts:
        return Answer(_("Nothing of the filter has changed since %(day)s.") % {"day": since}, Tone.GOOD)
    words = _("Since %(day)s: %(what)s.") % {"day": since, "what": texts.join(parts)}
    if unreviewed := changes.unreviewed:
        of_it = texts.ngettext(
            "Nobody approved %(number)d of these changes.", "Nobody approved %(number)d of these changes.", unreviewed
        )
        return Answer(_both(words, of_it % {"number": unreviewed}, texts), Tone.WARN)
    return Answer(words, Tone.WARN if changes.emergencies else Tone.GOOD)


def _both(first: str, second: str, texts: Texts) -> str:
    """Put two sentences one after the other, as the language does it."""
    return texts.gettext("%(first)s %(second)s") % {"first": first, "second": second}


def since_words(since: datetime, today: datetime, texts: Texts) -> str:
    """Name the day since when something changed."""
    day = since.astimezone(today.tzinfo).date()
    if day == today.date() - timedelta(days=1):
        return texts.gettext("yesterday")
    if day > today.date() - timedelta(days=7):
        return str(get_day_names("wide", locale=texts.locale)[day.weekday()])
    return str(format_date(day, "long", locale=texts.locale))
