"""Templates: Jinja2, always escaped, in the language of the reader; what a template lacks is a mistake."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from agent.console.assets import address_of
from agent.texts import Texts, load_texts


@cache
def environment(language: str) -> Environment:
    """Give the templates in a language, compiled once a process."""
    texts = load_texts(language)
    made = Environment(
        loader=PackageLoader("agent.console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=False)  # type: ignore[attr-defined] # of the extension
    made.globals |= {"ngettext": texts.ngettext, "asset": address_of, "texts": texts}
    made.filters |= {
        "number": lambda number: format_decimal(number, locale=texts.locale),
        "percent": lambda share: format_percent(share, locale=texts.locale),
        "join_words": texts.join,
        "day": lambda on: _day(on, texts),
        "moment": _moment,
        "short_moment": _short_moment,
        "deadline": _deadline,
        "time": _time,
        "ago": _ago,
        "local_input": _local_input,
        "bidi": bidi,
    }
    return made


def render(texts: Texts, template: str, context: Mapping[str, Any]) -> str:
    """Make a page; `timezone` and `now` are among its values."""
    return environment(texts.language).get_template(template).render(context)


def bidi(text: object) -> Markup:
    """Set a name apart, so that marks for the direction of writing in it move nothing around it."""
    return Markup("<bdi>%s</bdi>") % escape(text)


def _day(on: date, texts: Texts) -> str:
    return format_date(on, "full" if texts.language == "ja" else "EEEE d MMMM y", locale=texts.locale)


@pass_context
def _moment(context: Context, at: datetime) -> Markup:
    """Write an instant in full on the clock of the school, and as a machine reads it."""
    texts: Texts = context["texts"]
    return _as_time(at, texts.moment(at, context["timezone"]))


@pass_context
def _short_moment(context: Context, at: datetime) -> Markup:
    """Write an instant in few words: the time alone where it is today."""
    texts: Texts = context["texts"]
    zone = ZoneInfo(context["timezone"])
    local, today = at.astimezone(zone), context["now"].astimezone(zone).date()
    time = format_time(local, "HH:mm", locale=texts.locale)
    if local.date() == today:
        return _as_time(at, time)
    pattern = "M月d日" if texts.language == "ja" else "EEE d MMM"
    pattern += "" if local.year == today.year else (" y" if texts.language != "ja" else "")
    if texts.language == "ja" and local.year != today.year:
        pattern = "y年M月d日"
    return _as_time(at, f"{format_date(local.date(), pattern, locale=texts.locale)} {time}")


@pass_context
def _deadline(context: Context, at: datetime) -> datetime:
    """Give a deadline as people say it: what ends with a day ends on that day, not at nought on the next."""
    local = at.astimezone(ZoneInfo(context["timezone"]))
    return at - timedelta(minutes=1) if (local.hour, local.minute) == (0, 0) else at


@pass_context
def _time(context: Context, at: datetime) -> Markup:
    """Write the time of an instant alone."""
    local = at.astimezone(ZoneInfo(context["timezone"]))
    return _as_time(at, format_time(local, "HH:mm", locale=context["texts"].locale))


@pass_context
def _ago(context: Context, at: datetime) -> str:
    """Say how long ago something was, or in how long it will be, in one unit."""
    # Just now was a moment ago, not in one.
    past = (at - context["now"]) or timedelta(seconds=-1)
    return format_timedelta(past, add_direction=True, locale=context["texts"].locale)


@pass_context
def _local_input(context: Context, at: datetime) -> str:
    """Write an instant as `<input type="datetime-local">` takes it."""
    return at.astimezone(ZoneInfo(context["timezone"])).strftime("%Y-%m-%dT%H:%M")


def _as_time(at: datetime, words: str) -> Markup:
    return Markup('<time datetime="%s">%s</time>') % (at.isoformat(timespec="seconds"), words)
