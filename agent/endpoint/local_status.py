"""What the service tells people at the laptop, and what it takes from them.

Everybody sees what is recorded about the laptop and about themselves; of somebody else's session nothing.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from agent.endpoint.budget import MOST_RSS_BYTES, Budget
from agent.endpoint.contact import Contact
from agent.endpoint.endpoint_policy import KEPT
from agent.endpoint.event_spool import EventSpool
from agent.endpoint.lanes import Lane
from agent.endpoint.local_channel import Caller, LocalError
from agent.endpoint.notice import NoticeBoard, observe_answer, observe_exception
from agent.endpoint.probes import BYPASS, FILTER, MEDIA, POSTURE, PROGRAMS, RESOLVER, SESSION, WRITES, Collectors
from agent.endpoint.service_state import ServiceState
from agent.endpoint.told_by_session import finding_of
from collectors.observed import JSON, Observed

_MOST_STATES: Final = 300
# So many requests that go on record an account may make in an hour.
_REPORTS_AN_HOUR: Final = 30
_HOUR: Final = 3600.0
_LONGEST_DAYS: Final = 400
_NAMES: Final = ("check", "name", "what", "collector")
# What comes again and again and says nothing lasting.
_NOT_SHOWN: Final = frozenset({"heartbeat", "service_started", "service_stopped", "media_removed", "media_unclean"})


class LatestTold:
    """The latest of each thing that was told, for whoever asks what is recorded now."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._guard = threading.Lock()
        self._states: dict[tuple[str, str], tuple[Mapping[str, Any], float]] = {}

    def note(self, observed: Observed) -> None:
        """Take in what was told."""
        facts: Mapping[str, Any] = observed.facts
        is_medium = observed.kind.startswith("media_")
        name = next((str(facts[each]) for each in _NAMES if each in facts), "")
        device = f"{facts.get('device')}#{facts.get('insertion')}" if "insertion" in facts else ""
        key = ("media" if is_medium else observed.kind, device or name)
        with self._guard:
            # The newest last, and what was told first goes first.
            self._states.pop(key, None)
            if observed.kind in _NOT_SHOWN:
                return
            self._states[key] = facts, self._wall()
            while len(self._states) > _MOST_STATES:
                self._states.pop(next(iter(self._states)))

    def states(self) -> list[tuple[str, str, Mapping[str, Any], float]]:
        """Give all: kind, which of the kind, facts, and when."""
        with self._guard:
            return sorted((kind, name, facts, at) for (kind, name), (facts, at) in self._states.items())


@dataclass
class LocalDesk:
    """Answers whoever asks at the laptop.

    Args:
        sink: takes what goes on record, and says whether it is kept.
    """

    sink: Callable[[Observed], bool]
    latest: LatestTold
    board: NoticeBoard
    state: ServiceState
    contact: Contact
    spool: EventSpool
    collectors: Collectors
    lanes: Sequence[Lane]
    budget: Budget
    wall: Callable[[], float]
    release: str
    monotonic: Callable[[], float] = time.monotonic
    _reports: dict[int | str, deque[float]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def may_ask(self, caller: Caller) -> bool:
        """Say whether somebody is answered: they are signed in here, or an administrator."""
        if caller.is_administrator:
            return True
        account = caller.account.lower()
        return bool(account) and any(each.account.lower() == account for each in self.collectors.sessions)

    def answer(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request.

        Raises:
            LocalError: it is not answered; the sentence says why.
        """
        asks: dict[str, Callable[[Caller, Mapping[str, Any]], Mapping[str, Any]]] = {
            "status": self._status,
            "work": self._work,
            "shown": self._shown,
            "deferred": self._deferred,
            "screen_lock": self._screen_lock,
            "exception": self._exception,
            "answer": self._answer,
        }
        ask = asks.get(str(request.get("ask")))
        if ask is None:
            raise LocalError(f"A request asks for one of {', '.join(asks)}.")
        return ask(caller, request)

    # What helpers ask and report.

    def _work(self, caller: Caller, _request: Mapping[str, Any]) -> Mapping[str, Any]:
        settings = self.contact.settings()
        version = settings.aup_version
        return {
            "notices": self.board.waiting(),
            "link": settings.register_url,
            "grace_seconds": settings.grace_seconds,
            # Whoever has answered to these is not asked again, whatever they said.
            "aup": "" if _answered(caller, version) in self.state.remembered.answers else version,
        }

    def _shown(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._noted(*self.board.note_shown(str(request.get("number")), caller, request))

    def _deferred(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._noted(*self.board.note_deferred(str(request.get("number")), caller, request))

    def _screen_lock(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.collectors.told_by_session.note(caller.number, finding_of(request))
        return {"noted": True}

    def _exception(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        words, until = request.get("words"), request.get("until")
        if not isinstance(words, str) or not words.strip():
            raise LocalError("A request for an exception says in a few words why the medium stays as it is.")
        today = datetime.fromtimestamp(self.wall()).astimezone().date()
        try:
            last = date.fromisoformat(until if isinstance(until, str) else "")
        except ValueError:
            last = date.min
        if not 0 <= (last - today).days <= _LONGEST_DAYS:
            raise LocalError("An exception ends on a day such as 2026-12-18, within a year or so from today.")
        media = self.board.plain_media()
        if not media:
            raise LocalError("No medium that is not encrypted is plugged in; an exception is asked for while it is.")
        self._count(caller.number)
        self._keep(observe_exception(caller, words=words, until=last.isoformat(), media=media, wall=self.wall()))
        return {"noted": True, "media": len(media)}

    def _answer(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        version, accepted = self.contact.settings().aup_version, request.get("accepted")
        if not version:
            raise LocalError("Your school asks for no answer here.")
        if not isinstance(accepted, bool) or request.get("version") not in {None, version}:
            raise LocalError(f"An answer accepts or declines the rules in force, version {version}.")
        self._count(caller.number)
        self._keep(observe_answer(caller, version=version, accepted=accepted, said=request, wall=self.wall()))
        # Only now: to be asked twice is harmless, and an answer that is lost would never be asked for again.
        self.state.note_answer(_answered(caller, version), accepted=accepted)
        return {"noted": True, "version": version}

    def _keep(self, said: Observed) -> None:
        if not self.sink(said):
            raise LocalError("This laptop has no room to record it now; try again later.")

    def _noted(self, *observed: Observed) -> dict[str, JSON]:
        for each in observed:
            self.sink(each)
        return {"noted": bool(observed)}

    def _count(self, number: int | str) -> None:
        now = self.monotonic()
        with self._guard:
            times = self._reports.setdefault(number, deque())
            while times and now - times[0] > _HOUR:
                times.popleft()
            if len(times) >= _REPORTS_AN_HOUR:
                raise LocalError(f"At most {_REPORTS_AN_HOUR} reports are taken in an hour.")
            times.append(now)

    # The status.

    def _status(self, caller: Caller, _request: Mapping[str, Any]) -> Mapping[str, Any]:
        spool, status, policy = self.spool.state(), self.contact.status, self.contact.policy
        settings = self.contact.settings()
        usage = self.budget.usage
        identity = self.contact.identity
        return {
            "now": self.wall(),
            "agent": self.release,
            "device": identity.device if identity else "",
            "gateway": self.contact.gateway,
            "standing": self._standing(),
            "code": self.contact.code,
            "problem": status.problem,
            "policy_problem": status.policy_problem,
            "last_contact": status.last_contact,
            "started_at": self.state.remembered.started_at,
            "heard_before": self.state.remembered.heard_at,
            "skew_seconds": round(status.skew_seconds, 1),
            "waiting": spool.depth,
            "oldest_seconds": round(spool.oldest_seconds, 1),
            "missing": status.missing,
            "quarantined": spool.quarantined,
            "spool_usable": spool.is_usable,
            "policy": {
                "version": policy.version,
                "expires": policy.expires,
                "is_expired": policy.is_expired(self.wall() + status.skew_seconds),
                "fault": self.contact.policy_fault,
                "warnings": list(policy.warnings),
                "file_names": settings.file_names,
                "file_names_reason": settings.file_names_reason if settings.file_names == KEPT else "",
                "grace_seconds": settings.grace_seconds,
                "register_url": settings.register_url,
                "aup_version": settings.aup_version,
            },
            "account": caller.account,
            "helper": self.board.has_helper,
            "filter": self._filter(),
            "followed": sorted(self.collectors.sources.values()),
            "collectors": [dict(each) for each in self._collector_rows()],
            "recorded": list(self._recorded(caller)),
            "usage": {**usage.facts(), "rss_allowed_bytes": MOST_RSS_BYTES},
        }

    def _standing(self) -> str:
        status = self.contact.status
        if self.contact.identity is None:
            return "not_enrolled"
        if status.is_refused:
            return "refused"
        return "pending" if status.is_pending else "active"

    def _filter(self) -> dict[str, JSON]:
        look = self.collectors.filter_look
        found = look.found
        return {
            "seen": str(found.seen) if found else "",
            "open": list(found.open) if found else [],
            "asked_at": look.asked_at,
        }

    def _recorded(self, caller: Caller) -> Iterator[dict[str, Any]]:
        sees_all = caller.is_administrator
        for kind, name, facts, at in self.latest.states():
            account = facts.get("account")
            if kind == "session" and not sees_all:
                own = [each for each in facts.get("sessions", ()) if each.get("account") == caller.account]
                facts = {**facts, "sessions": own, "account": account if account == caller.account else None}  # noqa: PLW2901
            elif account is not None and account != caller.account and not sees_all:
                continue
            yield {"kind": kind, "name": name, "at": at, "facts": facts}

    def _collector_rows(self) -> Iterator[Mapping[str, Any]]:
        now = self.monotonic()
        for timed in (each for lane in self.lanes for each in lane.timed):
            probe = timed.probe
            yield {
                "name": probe.name,
                "health": str(probe.health),
                "why": probe.why,
                "looked_seconds_ago": None if timed.looked_at is None else round(now - timed.looked_at, 1),
                "cpu_seconds": round(probe.cost.cpu_seconds, 3),
                **coverage(probe.name, self.collectors),
            }


def _answered(caller: Caller, version: str) -> str:
    """Name what an account answered to: another one that got its number has not."""
    return f"{caller.number}/{caller.account}/{version}"


def coverage(name: str, collectors: Collectors) -> dict[str, JSON]:
    """Say what a collector can see here, and what it cannot."""
    sees, cannot = _COVERAGE[name]
    missing = list(cannot)
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if name == MEDIA:
        events = collectors.events
        missing += [f"{what} as they happen: {why}" for what, why in (events.blind if events else {}).items()]
        if events is None:
            missing.append(_("devices as they happen; it looks every few seconds"))
    if name == MEDIA and not is_root:
        missing.append(_("what a medium that is not mounted begins with, which takes an administrator"))
    if name == PROGRAMS:
        missing.append(_SIGNATURES.get(collectors.machine.platform, _NO_SIGNATURES))
    if name == WRITES:
        sources = sorted(set(collectors.sources.values()))
        missing += [_SOURCES[source] for source in sources if source in _SOURCES]
    if name == WRITES and not is_root:
        missing.append(_("every write for certain, which takes an administrator"))
    return {"sees": sees, "cannot": missing}


# Marks a sentence for the catalogue; whoever shows it translates it.
_: Final = str
_NO_SIGNATURES: Final = _("whether a signature of a program is one to be trusted")
_SIGNATURES: Final = dict.fromkeys(("win32", "darwin"), _("whether a signature was revoked of late"))
_SOURCES: Final = {
    "inotify": _("writes that the system lost under load; that is said then"),
    "fsevents": _("each of several writes to one file within a moment"),
    "inventory": _("a file that came and went between two looks"),
}
_COVERAGE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    MEDIA: (
        _("media that can be taken out, and whether they are encrypted"),
        (_("whether a container file on a medium is really encrypted"),),
    ),
    WRITES: (
        _("how much is written to such media, and what kinds of files"),
        (_("what is in a file"), _("what is written in the moment between mounting and the first look")),
    ),
    PROGRAMS: (
        _("new programs on such media and among downloads, and which were on a medium when it was plugged in"),
        (),
    ),
    POSTURE: (_("how this laptop protects itself"), (_("the lock of a screen where no helper runs in its session"),)),
    BYPASS: (_("tunnels and programs known to go round a filter"), (_("what a program was started with, or sends"),)),
    RESOLVER: (_("whom this laptop asks for names, on the school's network"), (_("the profiles of browsers"),)),
    FILTER: (
        _("whether the school's filter answers this laptop, on the school's network"),
        (_("whether a program asks somebody else than the system does"),),
    ),
    SESSION: (_("which account is signed in, and at which address"), (_("who is behind an account"),)),
}
