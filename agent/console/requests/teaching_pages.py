"""The teacher's page: the lesson that is on, one's classes, one's requests, and what a site is for somebody."""

from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from agent.api import override_routes
from agent.api.explain_routes import is_restricted, told_to
from agent.api.filter_routes import small_number_of
from agent.categories import load_categories
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.requests.lesson_counts import LessonCounts, count_blocked
from agent.console.requests.request_pages import group_titles, my_classes, row_of
from agent.console.requests.request_words import category_words
from agent.durations import end_of_lesson, lessons_of
from agent.explaining.explain import Explanation
from agent.explaining.explain_site import explain_names
from agent.explaining.explain_text import render
from agent.explaining.what_if import parse_asked_name
from agent.sites.site import ActivityLevel
from filters.wire import Ede
from rules.errors import ConfigurationError
from rules.schedule import Schedule
from rules.subject import Audience
from rules.verdict import Block, ReasonCode, Rewrite

MOST_REQUESTS: Final = 5
_MINUTES_OF_DAY: Final = 1440


def add_teaching_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/teaching", show_lesson)
    pages.get("/teaching/check", check_site)


def show_lesson(page: Page) -> Response:
    """Show the lesson that is on, how often its classes met a block, and what one has asked for."""
    schedules, classes = page.parts.schedules(), my_classes(page)
    lesson_until = end_of_lesson(schedules, page.now)
    since = _since(schedules, page.now, page.parts.timezone)
    groups = sorted({each.group for each in classes if each.group})
    listed = override_routes.list_overrides(page.call, requester=page.person, limit=MOST_REQUESTS)
    return page.render(
        "teaching/lesson.html",
        lesson_until=lesson_until,
        lessons=[each.name for each in lessons_of(schedules) if each.covers(page.now)],
        since=since,
        classes=classes,
        counts=_counts(page, groups, since) if groups else None,
        is_counted=page.parts.incidents.desk.site().retention.activity is not ActivityLevel.COUNTS,
        small_number=small_number_of(page.parts),
        requests=[row_of(page, each) for each in listed.items],
        whom=_whom(page),
        chosen=groups[0] if groups else Audience.PUPIL.value,
    )


def _since(schedules: tuple[Schedule, ...] | Any, now: datetime, timezone: str) -> datetime:
    """Give since when the lesson is on, or the day where none is."""
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)
    covering = [each for each in schedules if each.covers(now)]
    minute = local.hour * 60 + local.minute
    starts = [
        window.start_minute
        for each in lessons_of(covering) or covering
        for window in each.windows
        if local.weekday() in window.days and window.start_minute <= minute < window.end_minute
    ]
    if not starts:
        return midnight
    return datetime.combine(local.date(), time(max(starts) // 60 % 24, max(starts) % 60), zone)


def _counts(page: Page, groups: list[str], since: datetime) -> dict[str, Any] | None:
    day = page.now.astimezone(ZoneInfo(page.parts.timezone)).date()
    found = count_blocked(
        page.parts.activity,
        page.parts.observing.known(),
        groups,
        day=day,
        since=since,
        small_number=small_number_of(page.parts),
    )
    return None if found is None else _counted(page, found)


def _counted(page: Page, found: LessonCounts) -> dict[str, Any]:
    rule = page.texts.gettext("a rule of the school")
    return {
        "times": found.times,
        "devices": found.devices,
        "by_category": [
            ((category_words([each], page.texts) or [rule])[0] if each else rule, times)
            for each, times in found.by_category
        ],
        "has_others": found.has_others,
        "is_partial": found.is_partial,
    }


def _whom(page: Page) -> list[tuple[str, str]]:
    titles = group_titles(page)
    groups = sorted(page.parts.context().groups, key=lambda each: (each not in titles, titles.get(each, each)))
    return [
        *((each.value, page.texts.audience(each)) for each in Audience),
        *((each, titles.get(each, each)) for each in groups),
    ]


# ---- checking a site ---------------------------------------------------------------------------------------


def check_site(page: Page) -> Response:
    """Say whether a site is open for somebody, why, and what would open it."""
    _, whom, written = page.texts.gettext, _whom(page), page.query("name").strip()
    chosen = page.query("whom")
    if chosen not in dict(whom):
        chosen = Audience.PUPIL.value
    found, fault = _explained(page, written, chosen)
    if found is None and not fault:
        sentence = _("What is open for %(whom)s cannot be worked out: the site does not say whose devices these are.")
        fault = sentence % {"whom": dict(whom)[chosen]}
    return page.render(
        "teaching/check.html",
        written=written,
        whom=whom,
        chosen=chosen,
        chosen_words=dict(whom)[chosen],
        found=None if found is None else _told(page, found),
        fault=fault,
        group="" if chosen in tuple(Audience) else chosen,
    )


def _explained(page: Page, written: str, chosen: str) -> tuple[Explanation | None, str]:
    """Explain a name for an audience or a group, or say what is wrong with the name.

    Neither is given where the name is one, and it cannot be told which audience is in the group.
    """
    _ = page.texts.gettext
    if not written:
        return None, _("Write the name of a site.")
    try:
        name = parse_asked_name(written)
    except ConfigurationError:
        return None, _("That is no name of a site; expected one such as www.example.com.")
    site = page.parts.incidents.desk.site()
    # Devices of several audiences may be in a group; in a class they are those of pupils.
    for who in (chosen, f"{Audience.PUPIL.value}+{chosen}"):
        try:
            return explain_names(site, (name,), who=who, at=page.now)[0], ""
        except ConfigurationError:
            continue
    return None, ""


def _told(page: Page, found: Explanation) -> dict[str, Any]:
    """Give an explanation in words; who asked for what was granted is for those who may read that."""
    verdict = found.verdict
    told, site = told_to(page.call, found), page.parts.incidents.desk.site()
    lines = render(told, site, load_categories(), page.texts).splitlines()
    return {
        "name": found.name,
        "is_blocked": isinstance(verdict, Block),
        "is_safe_mode": isinstance(verdict, Rewrite),
        "categories": [each.name(page.texts.language) for each in found.categories],
        "opens": _what_opens(page, told),
        "may_ask": isinstance(verdict, Block) and _is_askable(told) and not is_restricted(found),
        "changes_at": None if told.change is None else told.change.at,
        "lines": [each.strip() for each in lines[1:]],
    }


def _is_askable(found: Explanation) -> bool:
    return found.refusal is not None and found.refusal.ede == Ede.FILTERED


def _what_opens(page: Page, found: Explanation) -> str:
    _ = page.texts.gettext
    reason = found.verdict.reason
    if not found.is_blocked:
        return ""
    if found.is_untold:
        return _("It is closed at the moment.")
    if reason.code is ReasonCode.STATUTORY:
        return _("It is illegal, and nothing opens it.")
    if reason.code is ReasonCode.ALLOW_ONLY and reason.policy_id is not None:
        return _("Access is restricted for a while; whoever deals with that can end it.")
    if not _is_askable(found):
        return _("Nobody can ask for it; only a change of the school's rules would open it.")
    return _("You can ask for it to be open for a while; somebody else decides.")
