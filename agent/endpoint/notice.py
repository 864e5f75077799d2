"""Who is to be told of a medium that is not encrypted, who was, and what people said back.

Once a device and day. It decides what is due and what goes on record; how it is worded and shown is the helper's.
What follows from it is the gateway's: the facts say when somebody was told and until when there is time.
"""

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.endpoint.endpoint_policy import PolicySettings
from agent.endpoint.local_channel import Caller
from agent.endpoint.service_state import ServiceState
from collectors.observed import JSON, Observed, Priority
from collectors.volume import Crypt

PLAIN_MEDIUM: Final = "plain_medium"
# A helper asks more often than this; after it nobody is there to show anything.
HELPER_SECONDS: Final = 60.0
# So long somebody may take to be told before it is on record that nobody was.
UNTOLD_SECONDS: Final = 120.0
_READABLE: Final = frozenset({Crypt.PLAIN, Crypt.SUSPENDED})
_HERE: Final = frozenset({"media_present", "media_inserted", "media_changed"})
_GONE: Final = frozenset({"media_removed", "media_unclean"})
_TEXT_CHARACTERS: Final = 1000
_WORDS_CHARACTERS: Final = 1000
_MEDIA: Final = 64


@dataclass
class _Medium:
    """A medium that somebody must hear of."""

    number: str
    facts: Mapping[str, Any]
    since: float
    is_over: bool = False
    deferred: str = ""


@dataclass
class NoticeBoard:
    """What is due; its methods may be called from several threads.

    Args:
        key: for what stands for a device in the file of the state.
        settings: those of the policy that holds now.
    """

    state: ServiceState
    key: bytes
    settings: Callable[[], PolicySettings]
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    helper_at: float | None = None
    _media: dict[str, _Medium] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def see(self, observed: Observed) -> list[Observed]:
        """Take in what was observed; what there is to say at once is given."""
        if observed.kind not in _HERE | _GONE:
            return []
        facts: Mapping[str, Any] = observed.facts
        key = f"{facts.get('device')}#{facts.get('insertion')}"
        with self._guard:
            if observed.kind in _GONE or not is_due(facts):
                self._media.pop(key, None)
                return []
            if key in self._media:
                self._media[key].facts = facts
                return []
            if len(self._media) >= _MEDIA:
                return []
            medium = _Medium(self._stands_for(facts), facts, self.monotonic())
            self._media[key] = medium
            told_at = self.state.remembered.told.get(medium.number)
            if told_at is None or not _is_same_day(told_at, self.wall()):
                return []
            medium.is_over = True
            return [self._notice(medium, shown=False, why="told_today", told_at=told_at)]

    def look(self) -> list[Observed]:
        """Say of whom nobody was told in time; that is said once for each time that a medium is plugged in."""
        with self._guard:
            late = [
                each
                for each in self._media.values()
                if not each.is_over and self.monotonic() - each.since >= UNTOLD_SECONDS and not each.deferred
            ]
            for each in late:
                # It stays due: whoever signs in now is told, and then that is on record too.
                each.deferred = "not_shown" if self.has_helper else "no_helper"
            return [self._notice(each, shown=False, why=each.deferred) for each in late]

    @property
    def has_helper(self) -> bool:
        """Whether somebody is there who shows notices."""
        return self.helper_at is not None and self.monotonic() - self.helper_at < HELPER_SECONDS

    def waiting(self) -> list[dict[str, JSON]]:
        """Give what is to be shown, to a helper that is asking."""
        with self._guard:
            self.helper_at = self.monotonic()
            due = {each.number: each for each in self._media.values() if not each.is_over}
            return [_shown_facts(each) for each in due.values()]

    def note_shown(self, number: str, caller: Caller, said: Mapping[str, Any]) -> list[Observed]:
        """Note that a helper has shown a notice, for each part of the device; nothing where it was not due.

        Args:
            said: `language`, `text`, `how` it was shown, and what is known of a `presentation`.
        """
        with self._guard:
            due = self._due(number)
            if not due:
                return []
            now = self.wall()
            self.state.note_told(number, now)
            for each in due:
                each.is_over = True
            return [self._notice(each, shown=True, told_at=now, caller=caller, said=said) for each in due]

    def note_deferred(self, number: str, caller: Caller, said: Mapping[str, Any]) -> list[Observed]:
        """Note that a helper has not shown it yet, for somebody presents; that is told once."""
        with self._guard:
            due = [each for each in self._due(number) if not each.deferred]
            for each in due:
                each.deferred = "presenting"
            return [self._notice(each, shown=False, why="presenting", caller=caller, said=said) for each in due]

    def plain_media(self) -> list[dict[str, JSON]]:
        """Give the media that an exception could be asked for."""
        with self._guard:
            return [_names(each.facts) for each in self._media.values()]

    def _due(self, number: str) -> list[_Medium]:
        return [each for each in self._media.values() if each.number == number and not each.is_over]

    def _notice(
        self,
        medium: _Medium,
        *,
        shown: bool,
        why: str = "",
        told_at: float | None = None,
        caller: Caller | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> Observed:
        grace = self.settings().grace_seconds
        said = said or {}
        facts: dict[str, JSON] = {
            "notice": PLAIN_MEDIUM,
            **_names(medium.facts),
            "shown": shown,
            "why": why,
            "notified_at": told_at,
            "grace_until": None if told_at is None else told_at + grace,
            "account": caller.account if caller else None,
            "language": bounded(said.get("language"), 16),
            "text": bounded(said.get("text"), _TEXT_CHARACTERS),
            "how": bounded(said.get("how"), 40),
            "presentation": bounded(said.get("presentation"), 40),
        }
        return Observed("notice_shown", Priority.INCIDENT, facts)

    def _stands_for(self, facts: Mapping[str, Any]) -> str:
        usb = facts.get("usb")
        parts = [usb.get("vendor"), usb.get("product"), usb.get("serial")] if isinstance(usb, Mapping) else []
        if not parts or not parts[-1]:
            parts = [facts.get("uuid") or f"{facts.get('device')}#{facts.get('insertion')}"]
        text = "\0".join(str(part) for part in parts)
        return hmac.digest(self.key, f"device {text}".encode("utf-8", "replace"), "sha256").hex()[:32]


def is_due(facts: Mapping[str, Any]) -> bool:
    """Say whether somebody is to be told of a medium: it can be read by who finds it, and written to."""
    return (
        facts.get("crypt") in _READABLE
        and bool(facts.get("mounted"))
        and facts.get("read_only") is not True
        and not facts.get("system")
    )


def observe_exception(
    caller: Caller, *, words: str, until: str, media: list[dict[str, JSON]], wall: float
) -> Observed:
    """Give somebody's request to go on with a medium as it is.

    Args:
        until: a date, as they wrote it.
    """
    facts: dict[str, JSON] = {
        "account": caller.account,
        "words": bounded(words, _WORDS_CHARACTERS),
        "until": until,
        "asked_at": wall,
        "media": media,
    }
    return Observed("exception_asked", Priority.INCIDENT, facts)


def observe_answer(caller: Caller, *, version: str, accepted: bool, said: Mapping[str, Any], wall: float) -> Observed:
    """Give somebody's answer to the rules that were shown when they signed in."""
    facts: dict[str, JSON] = {
        "account": caller.account,
        "aup_version": version,
        "accepted": accepted,
        "answered_at": wall,
        "language": bounded(said.get("language"), 16),
        "text": bounded(said.get("text"), _TEXT_CHARACTERS),
        "how": bounded(said.get("how"), 40),
    }
    return Observed("sign_in_answered", Priority.INCIDENT, facts)


def bounded(value: object, characters: int) -> str:
    """Give a text that another program said, cut, valid, and without control characters but line ends."""
    text = value if isinstance(value, str) else ""
    kept = "".join(each if each.isprintable() or each == "\n" else " " for each in text[:characters])
    return kept.encode("utf-8", "replace").decode("utf-8")


def _names(facts: Mapping[str, Any]) -> dict[str, JSON]:
    """Give what tells a medium from others."""
    return {name: facts.get(name) for name in ("device", "insertion", "uuid", "label", "usb", "crypt")}


def _shown_facts(medium: _Medium) -> dict[str, JSON]:
    facts = medium.facts
    return {
        "number": medium.number,
        "label": facts.get("label"),
        "bus": facts.get("bus"),
        "crypt": facts.get("crypt"),
    }


def _is_same_day(then: float, now: float) -> bool:
    try:
        return time.localtime(then)[:3] == time.localtime(now)[:3]
    except (ValueError, OverflowError, OSError):
        return False
