"""What a laptop has told, in sentences for people who are not technicians: each says what is known, and no more.

A fact or a code that has no words here is shown as it is, and is never left out. Names that only programs need, such
as that of a device file beside a label, are not repeated in a sentence; `--json` has them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from agent.endpoint import code_words
from agent.endpoint.media_words import MediaWords
from agent.endpoint.notice_texts import EndpointTexts
from agent.endpoint.value_words import ValueWords

Facts = Mapping[str, Any]
_MEDIA: Final = frozenset(
    {"media", "media_present", "media_inserted", "media_changed", "media_removed", "media_unclean"}
)
# Of each kind, the facts that its words tell, or that nobody but a program needs.
_MEDIUM: Final = (
    "device disk attach bus crypt why evidence filesystem label label_marks uuid size_bytes read_only mounted"
    " mount_points usb insertion system container medium changed proof"
)
KNOWN: Final[Mapping[str, str]] = {
    **dict.fromkeys((*_MEDIA, "phone_present"), _MEDIUM),
    "posture": "check state why evidence details checked_at",
    "bypass": "kind signals is_weak found unseen",
    "resolver": "on_site resolvers encrypted found",
    "filter": "on_site seen why open asked_at",
    "session": "account confidence why addresses sessions",
    "writes": (
        "volume device insertion since until files bytes removed kinds names names_left_out total_files total_bytes"
        " total_removed sizes_unknown coverage why source last clean"
    ),
    "program_new": "volume device insertion place name form signature sha256 why left_out",
    "programs_present": "volume device insertion place files signatures programs left_out coverage",
    "collector_health": "collector health failures why",
    "service_started": "clean why same_boot started_before stopped_before agent",
    "service_stopped": "why seconds",
    "spool_dropped": "class count t_first t_last seq_first seq_last",
    "spool_reset": "why epoch_before salvaged",
    "event_quarantined": "number kind size_bytes reason",
    "clock": "what state seconds uncertainty_seconds wall_before",
    "notice_shown": (
        "notice device insertion uuid label usb crypt shown why notified_at grace_until account language text how"
        " presentation"
    ),
    "exception_asked": "account words until asked_at media",
    "sign_in_answered": "account aup_version accepted answered_at language text how",
    "heartbeat": (
        "cpu_average cpu_recent cpu_burst rss_bytes rss_most_bytes in_budget seconds collectors probe_errors depth"
        " oldest_seconds quarantined policy policy_expired program agent helper media"
    ),
}


class FactWords:
    """The words of one language.

    Args:
        when: writes an instant, in seconds since 1970, on the clock of whoever reads it.
        media: facts of media that are plugged in; what is told of one of them then names it as people do.
    """

    def __init__(self, texts: EndpointTexts, when: Callable[[float], str], *, media: Iterable[Facts] = ()) -> None:
        self._ = texts.gettext
        self._values = ValueWords(texts, when)
        self._media = MediaWords(self._values, media)

    def of(self, kind: str, facts: Facts) -> str:
        """Word what was told of a kind; never empty where there is a fact."""
        tell = {
            **dict.fromkeys(_MEDIA, self._media.medium),
            "phone_present": self._media.phone,
            "posture": self._posture,
            "bypass": self._bypass,
            "resolver": self._resolver,
            "filter": self._filter,
            "session": self._session,
            "writes": self._media.writes,
            "program_new": self._media.program,
            "programs_present": self._media.programs,
            "collector_health": self._health,
            "service_started": self._started,
            "service_stopped": self._stopped,
            "spool_dropped": self._dropped,
            "spool_reset": self._reset,
            "event_quarantined": self._quarantined,
            "clock": self._clock,
            "notice_shown": self._notice,
            "exception_asked": self._exception,
            "sign_in_answered": self._answer,
            "heartbeat": self._heartbeat,
        }.get(kind)
        if tell is None:
            return self._as_is(kind, facts)
        known = KNOWN[kind].split()
        try:
            said = tell(facts)
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
            # Of another version, or made up: shown as it is.
            return self._as_is(kind, facts)
        rest = {key: value for key, value in facts.items() if key not in known}
        return self._values.parts((said, *self._values.rest(rest)))

    def _as_is(self, kind: str, facts: Facts) -> str:
        return self._values.named(kind.replace("_", " "), self._values.row(self._values.rest(facts) or [""]))

    # ---- the laptop itself -----------------------------------------------------------------------------------

    def _posture(self, facts: Facts) -> str:
        _ = self._
        check, state, details = str(facts["check"]), str(facts["state"]), dict(facts.get("details") or {})
        words = code_words.states(_).get(state, state)
        if check == "disk_encryption" and state != "unknown":
            crypt = {"on": "encrypted", "partly": "converting", "off": "plain"}.get(state, state)
            words = code_words.crypts(_).get(str(details.pop("crypt", crypt)), words)
        why = str(facts.get("why") or "")
        if state == "unknown" and why:
            table = {**code_words.crypts(_), **code_words.unchecked(_)}
            details.pop("crypt", None)
            words = self._values.parts((words, code_words.reason(why, table, _)))
        elif why:
            words = self._values.aside(words, why)
        name = code_words.checks(_).get(check, check.replace("_", " "))
        return self._values.row((self._values.named(name, words), *self._details(check, details)))

    def _details(self, check: str, details: Facts) -> Iterator[str]:
        _ = self._
        for key, value in details.items():
            match key, value:
                case "age_days", _days:
                    last = (
                        _("last looked for %(ago)s")
                        if check == "updates"
                        else _("last learnt of new viruses %(ago)s")
                    )
                    yield last % {"ago": self._ago(value)}
                case "defender_age_days", _days:
                    yield _("Microsoft Defender last learnt of new viruses %(ago)s") % {"ago": self._ago(value)}
                case "delay_seconds", int():
                    yield _("after %(time)s") % {"time": self._values.time(value)}
                case "min_length", int():
                    yield _("the shortest has %(number)s characters") % {"number": value}
                case "max_age_days", int():
                    yield _("to be changed every %(time)s") % {"time": self._values.time(value * 86_400)}
                case "max_age_days", None:
                    yield _("never has to be changed")
                case "lockout", bool():
                    yield _("guessing locks the account") if value else _("guessing locks nothing")
                case "restart_due", bool():
                    if value:
                        yield _("a restart is due")
                case _, None:
                    pass
                case _:
                    yield f"{key.replace('_', ' ')} {self._values.plain(value)}"

    def _ago(self, days: object) -> str:
        _ = self._
        if not isinstance(days, int):
            return _("nobody knows when")
        return {0: _("within a day"), 1: _("a day ago")}.get(days, _("%(number)s days ago") % {"number": days})

    def _bypass(self, facts: Facts) -> str:
        _ = self._
        found, count = facts.get("found") or [], facts["signals"]
        listed = self._values.parts([self._sign(each) for each in found] or [str(count)])
        if not count:
            parts = [_("Nothing that goes round the filter was seen on this laptop")]
        elif facts["is_weak"]:
            parts = [_("Weak signs of a way round the filter, each of which may be harmless: %(signs)s")]
        else:
            parts = [_("Signs of a way round the filter: %(signs)s")]
        parts[0] = parts[0] % {"signs": listed} if count else parts[0]
        if count > len(found) > 0:
            parts.append(_("not listed: %(number)s") % {"number": count - len(found)})
        names, whys = code_words.unseen(_), code_words.unchecked(_)
        parts += [
            _("could not be seen: %(what)s (%(why)s)")
            % {"what": names.get(what, what), "why": code_words.reason(str(why), whys, _)}
            for what, why in (facts.get("unseen") or {}).items()
        ]
        return self._values.parts(parts)

    def _sign(self, sign: Facts) -> str:
        what = str(sign["what"])
        words = code_words.signs(self._).get(str(sign["signal"]))
        return words % {"what": what} if words else f"{sign['signal']} {what}"

    def _resolver(self, facts: Facts) -> str:
        _ = self._
        found = list(facts.get("found") or ())
        asked = [str(each) for each in facts.get("resolvers") or ()]
        signs = [self._sign(each) for each in found]
        whole = {"addresses": ", ".join(asked)}
        if any(each["signal"] == "resolver_not_ours" for each in found):
            said = self._values.parts(signs)
            return said[:1].upper() + said[1:]
        if not asked:
            said = _("Whom this laptop asks for names was not compared with whom the school asks")
        elif all(each.startswith("127.") or each == "::1" for each in asked):
            said = _("Names are asked of this laptop itself (%(addresses)s), which asks another in turn") % whole
        else:
            said = _("Names are asked of the school's filter (%(addresses)s)") % whole
        return self._values.parts((said, *signs))

    def _filter(self, facts: Facts) -> str:
        said = self.answered(facts)
        return said[:1].upper() + said[1:]

    def answered(self, facts: Facts) -> str:
        """Say who answers this laptop."""
        _ = self._
        seen, why = str(facts.get("seen") or ""), str(facts.get("why") or "")
        words = code_words.answers(_).get(seen, seen)
        if why:
            words = self._values.aside(words, code_words.reason(why, code_words.unchecked(_), _))
        if opened := facts.get("open"):
            listed = ", ".join(str(each).replace("_", " ") for each in opened)
            words = self._values.parts(
                (words, _("open that should be closed: %(categories)s") % {"categories": listed})
            )
        return words

    def _session(self, facts: Facts) -> str:
        _ = self._
        why, account = str(facts["why"]), facts.get("account")
        words = code_words.sessions(_).get(why)
        if why != "nobody" and account is None:
            said = _("Several people are signed in; who uses the laptop is not said")
        elif words is None:
            said = f"{why} {account or ''}".strip()
        else:
            said = words % {"account": str(account)}
        here = [each for each in facts.get("sessions") or () if each.get("since")]
        since = {(str(each["account"]), self._values.when(each["since"])) for each in here}
        listed = [f"{who} " + _("since %(time)s") % {"time": at} for who, at in sorted(since)]
        if len(listed) == 1 and account is not None:
            listed = [_("since %(time)s") % {"time": at} for _who, at in since]
        if addresses := facts.get("addresses"):
            where = _("the laptop is at %(addresses)s") if why == "nobody" else _("at %(addresses)s")
            listed.append(where % {"addresses": ", ".join(map(str, addresses))})
        return (self._values.parts if len(since) > 1 else self._values.row)((said, *listed))

    # ---- the service -----------------------------------------------------------------------------------------

    def _health(self, facts: Facts) -> str:
        name, health = str(facts["collector"]), str(facts["health"])
        name = code_words.collectors(self._).get(name, name)
        said = self._values.named(name, self.health(health, str(facts.get("why") or "")))
        row = self._("times in a row: %(number)s") % {"number": facts.get("failures")}
        return self._values.aside(said, row) if facts.get("failures") else said

    def health(self, health: str, why: str) -> str:
        """Say how a look at something goes."""
        words = code_words.healths(self._).get(health, health)
        return (
            self._values.named(words, code_words.reason(why, code_words.unchecked(self._), self._)) if why else words
        )

    def _started(self, facts: Facts) -> str:
        why = str(facts["why"])
        return self._("The service began: %(how)s") % {"how": code_words.starts(self._).get(why, why)}

    def _stopped(self, facts: Facts) -> str:
        return self._("The service ended (%(why)s)") % {"why": facts["why"]}

    def _dropped(self, facts: Facts) -> str:
        given_up = self._("Events given up because there was no room: %(number)s") % {"number": facts["count"]}
        return f"{given_up}, {self._values.span(facts['t_first'], facts['t_last'])}"

    def _reset(self, facts: Facts) -> str:
        why = str(facts["why"])
        told = {"why": code_words.spool_resets(self._).get(why, why), "number": facts["salvaged"]}
        return self._("What waits had to begin anew: %(why)s; events that were saved: %(number)s") % told

    def _quarantined(self, facts: Facts) -> str:
        told = {"kind": str(facts["kind"]).replace("_", " "), "why": facts["reason"]}
        return self._("An event was put aside, for the gateway could not take it: %(kind)s (%(why)s)") % told

    def _clock(self, facts: Facts) -> str:
        _ = self._
        seconds = float(facts["seconds"])
        told = {"time": self._values.time(abs(seconds))}
        if facts["what"] == "step":
            back = _("The clock of this laptop was set back by %(time)s")
            return (_("The clock of this laptop was set forward by %(time)s") if seconds > 0 else back) % told
        if facts["state"] == "right":
            return _("The clock of this laptop is right")
        fast = _("The clock of this laptop is fast by %(time)s")
        return (_("The clock of this laptop is slow by %(time)s") if seconds > 0 else fast) % told

    def _notice(self, facts: Facts) -> str:
        _ = self._
        about = _("Notice about %(medium)s") % {"medium": self._media.name_of(facts)}
        parts = [self._values.named(about, self._media.crypt({**facts, "why": ""}))]
        if facts["shown"]:
            parts.append(_("shown to %(account)s") % {"account": str(facts["account"])})
            parts.append(self._values.when(facts["notified_at"]))
        else:
            why = code_words.not_shown(_).get(facts["why"], facts["why"])
            parts.append(_("not shown: %(why)s") % {"why": why})
        if facts["grace_until"]:
            parts.append(_("there is time until %(time)s") % {"time": self._values.when(facts["grace_until"])})
        if facts["notice"] != "plain_medium":
            parts.append(str(facts["notice"]))
        return self._values.parts(parts)

    def _exception(self, facts: Facts) -> str:
        media = ", ".join(self._media.name_of(each) for each in facts["media"])
        told = {"account": str(facts["account"]), "day": facts["until"], "words": facts["words"]}
        return self._("%(account)s asked for an exception until %(day)s: %(words)s") % told + f"; {media}"

    def _answer(self, facts: Facts) -> str:
        _ = self._
        told = {"account": str(facts["account"]), "version": str(facts["aup_version"])}
        said = _("%(account)s accepted the rules, version %(version)s") % told
        if not facts["accepted"]:
            said = _("%(account)s declined the rules, version %(version)s") % told
        return f"{said}, {self._values.when(facts['answered_at'])}"

    def _heartbeat(self, facts: Facts) -> str:
        _ = self._
        share, memory = self._values.share(facts["cpu_average"]), self._values.size(facts["rss_bytes"])
        parts = [
            _("The service has run for %(time)s") % {"time": self._values.time(facts["seconds"])},
            _("%(share)s of a processor on average, %(memory)s of memory") % {"share": share, "memory": memory},
        ]
        names = code_words.collectors(_)
        parts += [
            self._values.named(names.get(name, name), self.health(health, ""))
            for name, health in facts["collectors"].items()
            if health != "ok"
        ]
        parts.append(_("a helper shows notices") if facts["helper"] else _("no helper runs to show notices"))
        parts.append(_("media plugged in: %(number)s") % {"number": facts["media"]})
        if facts["depth"]:
            parts.append(_("events that wait: %(number)s") % {"number": facts["depth"]})
        if facts["quarantined"]:
            parts.append(_("put aside: %(number)s") % {"number": facts["quarantined"]})
        return self._values.parts(parts)
