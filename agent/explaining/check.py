"""What a site means, in plain words for those who answer for it: who gets what blocked when, and what is kept."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_day_names
from babel.lists import format_list

from agent.explaining.check_endpoints import endpoints_in_words
from agent.explaining.check_incidents import incidents_in_words, policies_in_words
from agent.explaining.check_media import media_in_words
from agent.sites.site import ActivityLevel, AnswerStyle, FailMode, ListConfig, Site
from agent.sites.site_packs import Packs
from agent.texts import Texts
from rules.category import Catalogue
from rules.event import NAME_TAG, SEARCH_TAG
from rules.pack import Ruling, TableRow, Tick
from rules.policy import Effect, Policy
from rules.roles import APPROVERS
from rules.schedule import Schedule, Window
from rules.subject import Audience, Scope

_LENGTHS: Final = ((3600, "hour"), (60, "minute"), (1, "second"))
_SERVICES: Final = {"google": "Google", "youtube": "YouTube", "duckduckgo": "DuckDuckGo"}


def describe(site: Site, catalogue: Catalogue, texts: Texts, *, packs: Packs) -> str:
    """Say what a site means that goes by these packs; each part has a heading and indented lines."""
    wording = _Wording(site, catalogue, texts, packs)
    parts = ((heading, list(lines())) for heading, lines in wording.parts())
    blocks = ("\n".join((heading, *(f"  {line}" for line in lines))) for heading, lines in parts if lines)
    return "\n\n".join((wording.title(), *blocks)) + "\n"


class _Wording:
    def __init__(self, site: Site, catalogue: Catalogue, texts: Texts, packs: Packs) -> None:
        self.site = site
        self.packs = packs
        self.catalogue = catalogue
        self.texts = texts
        # Lists and dates as they are written where the policy documents come from.
        self.locale = "en_GB" if texts.language == "en" else texts.language

    def title(self) -> str:
        return self.texts.gettext("%(school)s: what this site means") % {"school": self.site.school.name}

    def parts(self) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
        _ = self.texts.gettext
        yield _("Who is where"), self._people
        yield _("When"), self._schedules
        yield _("What the school's table says"), self._table
        yield _("What the school adds"), self._policies
        yield _("What is always open"), self._guards
        yield _("What may be opened for a while"), self._overrides
        yield _("Whom this file names"), self._named
        yield _("Who is told when something waits"), self._told
        yield _("Which policies it goes by"), lambda: policies_in_words(self.packs, self.texts)
        yield _("What happens with incidents"), lambda: incidents_in_words(self.site, self.packs, self.texts)
        yield _("What laptops tell, and are told"), lambda: endpoints_in_words(self.site, self.texts)
        yield _("Media"), lambda: media_in_words(self.site, self.texts)
        yield _("Safe search"), self._safe_search
        yield _("Where the lists come from"), self._lists
        yield _("What somebody sees who is blocked"), self._answers
        yield _("What is recorded"), self._recorded
        yield _("Where questions go"), self._contact
        yield _("What it cannot do"), self._limits

    # --- People and times

    def _people(self) -> Iterator[str]:
        _ = self.texts.gettext
        for audience in Audience:
            networks = [network for network in self.site.networks if network.audience is audience]
            if networks:
                cidrs = self._join([cidr for network in networks for cidr in network.cidrs])
                yield self._labelled(self._audience(audience), cidrs)
        for group in self.site.groups:
            named = [network.name for network in self.site.networks if group.name in network.groups]
            members = self._join([*group.cidrs, *group.devices, *named]) or _("nobody yet")
            text = _("group %(group)s: %(members)s")
            if group.audience is not None:
                text = _("group %(group)s (%(audience)s): %(members)s")
            yield text % {"group": group.name, "members": members, "audience": self._audience(group.audience)}
            if group.is_shared:
                text = _("several people share the devices of %(group)s: what is asked there is put down to nobody")
                yield text % {"group": group.name}
        yield _("Nobody else gets an answer.")

    def _schedules(self) -> Iterator[str]:
        _ = self.texts.gettext
        for schedule in self.site.schedules:
            text = self._labelled(schedule.name, self._windows(schedule))
            yield _("%(text)s, in term only") % {"text": text} if schedule.terms else text
        if self.site.schedules and self.site.holidays:
            yield _("None of this holds in the holidays: %(holidays)s.") % {
                "holidays": self._join([holiday.name for holiday in self.site.holidays])
            }

    def _windows(self, schedule: Schedule) -> str:
        _ = self.texts.gettext
        values = (
            {"days": self._days(window), "start": _clock(window.start_minute), "end": _clock(window.end_minute)}
            for window in schedule.windows
        )
        return _("; ").join(_("%(days)s %(start)s to %(end)s") % value for value in values)

    def _days(self, window: Window) -> str:
        names = get_day_names("wide", locale=self.locale)
        if len(window.days) == 7:
            return self.texts.gettext("every day")
        runs: list[list[int]] = []
        for day in sorted(window.days):
            if runs and runs[-1][-1] == day - 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        words = []
        for run in runs:
            if len(run) > 2:
                words.append(
                    self.texts.gettext("%(first)s to %(last)s") % {"first": names[run[0]], "last": names[run[-1]]}
                )
            else:
                words += [names[day] for day in run]
        return self._join(words)

    # --- The table

    def _table(self) -> Iterator[str]:
        _ = self.texts.gettext
        rows = self.site.table
        illegal = [row for row in rows if row.row.tick is Tick.UNACCEPTABLE_ILLEGAL]
        unseen = [row for row in rows if not row.row.categories and row not in illegal]
        decided = [row for row in rows if row.row.categories and row not in illegal]
        plain = [row for row in decided if _is_plain(row)]
        for clause in dict.fromkeys(row.clause.rpartition(", ")[0] for row in rows):
            yield _("From: %(source)s") % {"source": clause}
        yield from self._rows(_("Illegal, so blocked for everybody, always; nobody can lift it:"), illegal)
        blocked = [row for row in plain if row.rulings[0].tick is Tick.UNACCEPTABLE]
        yield from self._rows(_("Blocked for everybody:"), blocked)
        yield from self._rows(_("Open for everybody:"), [row for row in plain if row not in blocked])
        rest = [row for row in decided if row not in plain]
        if rest:
            yield _("As the school has decided:")
            for row in rest:
                yield "  " + self._labelled(_(row.row.label), _("; ").join(self._rulings(row)))
        yield from self._rows(
            _("A filter of names cannot know these; a person has to notice and report them:"), unseen
        )

    def _rows(self, heading: str, rows: Sequence[TableRow]) -> Iterator[str]:
        if rows:
            yield heading
            for row in rows:
                yield f"  {self.texts.gettext(row.row.label)}"

    def _rulings(self, row: TableRow) -> Iterator[str]:
        """Word the rulings of a row, those for some before that for everybody else."""
        _ = self.texts.gettext
        everybody, *some = row.rulings
        for ruling in some:
            whom = ruling.group or self._audience(ruling.audience)
            yield _("for %(whom)s: %(what)s") % {"whom": whom, "what": self._ruling(ruling)}
        whom = _("everybody else") if some else _("everybody")
        yield _("for %(whom)s: %(what)s") % {"whom": whom, "what": self._ruling(everybody)}

    def _ruling(self, ruling: Ruling) -> str:
        _ = self.texts.gettext
        match ruling.tick:
            case Tick.ACCEPTABLE:
                return _("open")
            case Tick.CERTAIN_TIMES if ruling.schedule is not None:
                return _("open during %(schedule)s, otherwise blocked") % {"schedule": ruling.schedule.name}
            case Tick.CERTAIN_TIMES:
                return _("blocked, because no schedule says when it is open")
            case Tick.NOMINATED_USERS if ruling.nominated:
                groups = self._join(sorted(ruling.nominated))
                return _("blocked, except for members of %(groups)s") % {"groups": groups}
            case Tick.NOMINATED_USERS:
                return _("blocked, because nobody is nominated")
        return _("blocked")

    # --- What the school adds

    def _policies(self) -> Iterator[str]:
        _ = self.texts.gettext
        for scope in self.site.rulebook.allow_only:
            yield _("Blocked for %(whom)s: everything that no rule opens") % {"whom": self._whom(scope)}
        for policy in self.site.rulebook.policies:
            if _is_of_the_site(policy):
                yield self._policy(policy)

    def _policy(self, policy: Policy) -> str:
        _ = self.texts.gettext
        text = _("Blocked for %(whom)s") if policy.effect is Effect.BLOCK else _("Open for %(whom)s")
        text = text % {"whom": self._whom(policy.scope)}
        if policy.schedule is not None:
            text = _("%(rule)s during %(schedule)s") % {"rule": text, "schedule": policy.schedule.name}
        if policy.from_at is not None:
            text = _("%(rule)s from %(moment)s") % {"rule": text, "moment": self._moment(policy.from_at)}
        if policy.until_at is not None:
            moment = self._moment(policy.until_at, is_end=True)
            text = _("%(rule)s until %(moment)s") % {"rule": text, "moment": moment}
        values = {"rule": text, "what": self._tags(policy.tags), "name": policy.id, "reason": policy.clause}
        text = _("%(rule)s: %(what)s (%(name)s: %(reason)s)") if policy.clause else _("%(rule)s: %(what)s (%(name)s)")
        return text % values

    def _guards(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield _("%(what)s; no rule can block them") % {"what": self._tags(self.site.rulebook.guards)}

    def _overrides(self) -> Iterator[str]:
        _ = self.texts.gettext
        settings = self.site.overrides
        if self.site.listeners.api is None:
            yield _("Nobody can ask: no address is set for that (listeners, api).")
            return
        days = self.texts.ngettext("%(days)d day", "%(days)d days", settings.max_days) % {"days": settings.max_days}
        yield _("What somebody asks for and somebody else approves, for %(days)s at most.") % {"days": days}
        text = _("An emergency, for %(minutes)d minutes at most; somebody else confirms it within %(hours)d hours.")
        yield text % {"minutes": settings.break_glass_minutes, "hours": settings.countersign_hours}
        if settings.sensitive:
            yield _("With two who approve, the safeguarding lead and the ICT Co-ordinator: %(what)s") % {
                "what": self._tags(settings.sensitive)
            }
        if settings.never:
            yield _("Nobody can ask for: %(what)s") % {"what": self._tags(settings.never)}

    def _named(self) -> Iterator[str]:
        _ = self.texts.gettext
        people, classes = self.site.private.people, self.site.private.classes
        if people is None and classes is None:
            return
        named, taught = len(people or ()), len(classes or ())
        people_named = self.texts.ngettext("%(number)d person", "%(number)d people", named)
        classes_named = self.texts.ngettext("%(number)d class", "%(number)d classes", taught)
        approvers = sum(not APPROVERS.isdisjoint(person.roles) for person in (people or {}).values())
        yield self._join([people_named % {"number": named}, classes_named % {"number": taught}])
        yield _("May decide about what is opened: %(number)d") % {"number": approvers}
        yield _("They count once somebody imports them: schoolgate people import --from-site")

    def _told(self) -> Iterator[str]:
        """Say which notices go where, in numbers: an address is nobody's business here."""
        _ = self.texts.gettext
        if self.site.listeners.api is None:
            return
        notifications = self.site.private.notifications
        mail, webhooks = notifications.mail, notifications.webhooks
        if mail is None and not webhooks:
            yield _("Nobody: neither a mail server nor a program is set (notifications).")
            return
        if mail is not None:
            roles, people = len(mail.by_role), len(mail.by_person)
            numbers = (
                self.texts.ngettext("%(number)d role", "%(number)d roles", roles) % {"number": roles},
                self.texts.ngettext("%(number)d person", "%(number)d people", people) % {"number": people},
            )
            yield _("By mail from %(host)s: %(whom)s") % {"host": mail.host, "whom": self._join(numbers)}
        for webhook in webhooks:
            if webhook.events:
                text = self.texts.ngettext(
                    "%(name)s, a program: of %(number)d kind of event",
                    "%(name)s, a program: of %(number)d kinds of event",
                    len(webhook.events),
                )
                yield text % {"name": webhook.name, "number": len(webhook.events)}
            else:
                yield _("%(name)s, a program: of everything") % {"name": webhook.name}
        after = self._length(notifications.escalate_after_seconds)
        yield _("A request that has waited for %(time)s is told to the next who may decide.") % {"time": after}

    def _length(self, seconds: int) -> str:
        """Write a length of time in the largest unit of which it is a multiple."""
        size, unit = next(each for each in _LENGTHS if seconds % each[0] == 0)
        return self.texts.amount(seconds // size, unit)

    def _safe_search(self) -> Iterator[str]:
        _ = self.texts.gettext
        modes = {"strict": _("strict"), "moderate": _("moderate")}
        for rule in self.site.rulebook.safe_search:
            by_mode: dict[str, list[str]] = {}
            for tag, mode in rule.modes.items():
                service = tag.removeprefix(SEARCH_TAG)
                by_mode.setdefault(mode, []).append(_SERVICES.get(service, service.capitalize()))
            for mode, services in by_mode.items():
                yield _("%(whom)s: %(services)s: %(mode)s") % {
                    "whom": self._whom(rule.scope),
                    "services": self._join(services),
                    "mode": modes[mode],
                }
        if not self.site.rulebook.safe_search:
            yield _("off for everybody")

    # --- Running

    def _lists(self) -> Iterator[str]:
        _ = self.texts.gettext
        for config in self.site.lists:
            yield self._labelled(config.name, self._source(config))
        if not self.site.lists:
            yield _("There are none, so no category is known and only names that rules mention are blocked.")

    def _source(self, config: ListConfig) -> str:
        _ = self.texts.gettext
        if config.source.startswith("builtin:"):
            return _("comes with the product; only a start")
        if config.source.startswith("https:"):
            hours = round(config.refresh_seconds / 3600) or 1
            every = self.texts.ngettext("every hour", "every %(hours)d hours", hours) % {"hours": hours}
            return _("%(source)s, looked at %(every)s") % {"source": config.source, "every": every}
        return config.source

    def _answers(self) -> Iterator[str]:
        _ = self.texts.gettext
        styles = {
            AnswerStyle.NXDOMAIN: _("an error of the browser: there is no such name"),
            AnswerStyle.NODATA: _("an error of the browser: the name has no address"),
            AnswerStyle.NULL: _("an error of the browser: nothing answers"),
            AnswerStyle.PAGE: _("the school's own page, where the connection is not encrypted; else an error"),
        }
        answers = self.site.answers
        yield styles[answers.default]
        for category, style in answers.by_category.items():
            yield self._labelled(self._tags({category}), styles[style])

    def _recorded(self) -> Iterator[str]:
        _ = self.texts.gettext
        retention = self.site.retention
        days = self.texts.ngettext("%(days)d day", "%(days)d days", retention.activity_days)
        values = {"days": days % {"days": retention.activity_days}, "reason": retention.all_reason}
        match retention.activity:
            case ActivityLevel.COUNTS:
                yield _("Counts of questions, for %(days)s; nothing about anybody.") % values
            case ActivityLevel.BLOCKED:
                yield _("Blocked questions under a pseudonym, for %(days)s; of all others only counts.") % values
            case ActivityLevel.ALL:
                yield _("Every question under a pseudonym, for %(days)s, because: %(reason)s") % values
        unrecorded = self._tags(self.catalogue.unrecorded)
        if unrecorded:
            yield _("Questions about %(what)s are never recorded against a person.") % {"what": unrecorded}

    def _contact(self) -> Iterator[str]:
        yield self.site.school.contact or self.texts.gettext("Nobody is named; say so under school, contact.")

    def _limits(self) -> Iterator[str]:
        _ = self.texts.gettext
        yield _("It sees names, not pages, searches or what people do there.")
        yield _("What no list names is not recognised.")
        yield _("It cannot show a page of its own in place of an encrypted one.")
        yield _("Official lists of illegal addresses need a membership; none comes with it.")
        yield _("It punishes nobody: what it records is for a person to judge.")
        fail_modes = self.site.fail_modes
        if fail_modes.no_index is FailMode.OPEN:
            yield _("When no list can be used, everything is open, because: %(reason)s") % {
                "reason": fail_modes.reason
            }
        else:
            yield _("When no list can be used, nothing is answered until one can.")

    # --- Words for parts of a sentence

    def _labelled(self, what: str, text: str) -> str:
        return self.texts.gettext("%(what)s: %(text)s") % {"what": what, "text": text}

    def _audience(self, audience: Audience | None) -> str:
        _ = self.texts.gettext
        names = {Audience.PUPIL: _("pupils"), Audience.STAFF: _("staff"), Audience.GUEST: _("guests")}
        return names[audience] if audience is not None else _("everybody")

    def _whom(self, scope: Scope) -> str:
        _ = self.texts.gettext
        groups = self._join(sorted(scope.groups))
        text = self._join([self._audience(audience) for audience in Audience if audience in scope.audiences])
        if text and groups:
            text = _("%(audience)s (%(groups)s)") % {"audience": text, "groups": groups}
        text = text or groups or _("everybody")
        if scope.except_groups:
            rest = self._join(sorted(scope.except_groups))
            text = _("%(whom)s except %(groups)s") % {"whom": text, "groups": rest}
        return text

    def _tags(self, tags: frozenset[str] | set[str]) -> str:
        categories = [category.name(self.texts.language) for category in self.catalogue if category.id in tags]
        names = sorted(tag.removeprefix(NAME_TAG) for tag in tags if tag.startswith(NAME_TAG))
        return self._join([*categories, *names])

    def _join(self, words: Sequence[str]) -> str:
        return format_list(words, locale=self.locale) if words else ""

    def _moment(self, at: datetime, *, is_end: bool = False) -> str:
        """Write a day, or a day with its time; what ends at midnight ends with the day before."""
        local = at.astimezone(ZoneInfo(self.site.school.timezone))
        if local.time() != time():
            return self.texts.moment(at, self.site.school.timezone)
        return format_date(local.date() - timedelta(days=is_end), format="long", locale=self.locale)


def _is_plain(row: TableRow) -> bool:
    """Say whether the row is simply open or simply blocked, for everybody."""
    return len(row.rulings) == 1 and row.rulings[0].tick in (Tick.ACCEPTABLE, Tick.UNACCEPTABLE)


def _is_of_the_site(policy: Policy) -> bool:
    """Say whether a person wrote this policy; those of a pack are named after it."""
    return "/" not in policy.id


def _clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"
