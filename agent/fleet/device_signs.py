"""Signs that laptops tell of: ways round the filter, programs nobody signed, and what a laptop itself is found to be.

What a laptop is (its disk, its key, its service) is nobody's doing. One weak sign alone comes to nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from agent.fleet.device_sessions import DeviceSessions, LaptopNow
from agent.fleet.device_telling import Facts, Telling, line, number, proof_of, tell
from agent.fleet.dns_silence import Found
from agent.fleet.fleet_reading import StoredEvent
from agent.storage.fleet_rows import Device, Finding
from agent.storage.state import Act
from collectors.school_filter import Seen
from rules.incident_kind import Kind
from rules.observation import Place
from rules.silence import Silence

# So many unsigned programs within so long are told together.
PROGRAMS_FOR: Final = timedelta(hours=1)
_DISK: Final = "disk_encryption"
_BAD: Final = frozenset({"off", "suspended"})
_GOOD: Final = frozenset({"on", "partly"})
_MOST_FOUND: Final = 10
_MEDIUM_DIGITS: Final = 16
_MOST_SIGNALS: Final = 100
# Where a program came from that is no download.
_VOLUME: Final = "volume"
# Of these nobody whom the laptop trusts says whose they are; of one that nobody has checked, that is not known.
_UNVOUCHED: Final = ("not_valid", "none")


def says_anything(event: StoredEvent) -> bool:
    """Say whether anybody looks at an event of a kind that is looked at: of the checks, at that of the disk alone."""
    return event.kind != "posture" or event.facts.get("check") == _DISK


class DeviceSigns:
    """Where they are told on; each method takes one event, or what the gateway found itself."""

    def __init__(self, sessions: DeviceSessions) -> None:
        self._sessions = sessions

    # ---- what is done at a laptop ----------------------------------------------------------------------------

    def bypass(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at signs of a way round the filter; away from the school there is none to go round."""
        laptop.weak = number(event.facts.get("signals"))
        if not laptop.weak:
            return
        is_away = self._sessions.place_of(event, laptop) is Place.OFF_SITE
        told = self._telling(
            act,
            event,
            device,
            laptop,
            {"found": _listed(event.facts, "found", "signal", "what")},
            who=self._sessions.nobody(device, event.at) if is_away else None,
        )
        is_weak = event.facts.get("is_weak") is True
        told = replace(told, kind=Kind.BYPASS, signals=self._signals(event, laptop), is_weak=is_weak)
        tell(act, event.id, told, proofs=(proof_of(event),))

    def filter_seen(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at who answers a laptop in the school: somebody else is one weak sign more, whatever else there is."""
        laptop.is_unfiltered = event.facts.get("seen") == Seen.NOT_OURS
        if not self._sessions.is_heard_in_school(event, laptop):
            return
        if laptop.is_unfiltered:
            told = self._telling(act, event, device, laptop, {"finding": "filter_not_ours"})
            told = replace(told, kind=Kind.BYPASS, signals=self._signals(event, laptop), is_weak=True)
            tell(act, event.id, told, proofs=(proof_of(event),))
        elif opened := _words(event.facts, "open"):
            # It is the filter that is open, and nobody's doing at a laptop.
            self._of_laptop(act, event, device, laptop, {"finding": "filter_open", "found": opened}, is_weak=True)

    def program(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at a program that has come and for which nobody vouches: one download alone is a weak sign."""
        facts = event.facts
        if facts.get("signature") not in _UNVOUCHED:
            return
        of_late = _of_late(laptop, event.at)
        count = of_late["count"] + 1
        laptop.programs = {**of_late, "count": count}
        found: Facts = {"program_from": line(facts.get("place", "")), "programs": count, **_program(facts)}
        if of_late["is_beside"]:
            found = {**found, "medium_had_programs": True}
        told = replace(
            self._telling(act, event, device, laptop, found),
            kind=Kind.FILE_TRANSFER,
            signals=min(count + of_late["is_beside"], _MOST_SIGNALS),
            is_weak=facts.get("place") != _VOLUME,
        )
        tell(act, event.id, told, proofs=(proof_of(event),))

    def programs_there(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at programs for which nobody vouches and that were on a medium when it was plugged in.

        They weigh less than one that has come. Whoever plugs a medium in need not know what is on it, has brought
        nothing to the laptop so far, and the installers of a school are often unsigned. So a medium is one weak sign
        a day, however many there are, and media alone are nothing: it takes a program that came within the hour.
        """
        unvouched = _counted(event.facts)
        if not unvouched:
            return
        of_late = _of_late(laptop, event.at)
        listed = event.facts.get("programs")
        found: Facts = {
            "program_from": _VOLUME,
            "programs": unvouched,
            "left_out": number(event.facts.get("left_out")),
            "medium_had_programs": True,
            **_program(_worst(listed)),
        }
        told = replace(
            self._telling(act, event, device, laptop, found),
            kind=Kind.FILE_TRANSFER,
            signals=min(of_late["count"] + 1, _MOST_SIGNALS),
            is_weak=True,
        )
        known_as = f"programs/{device.id}/{_medium(event)}/{self._sessions.day(event.at)}"
        if tell(act, known_as, told, proofs=(proof_of(event),)):
            laptop.programs = {**of_late, "is_beside": True}

    # ---- what a laptop is found to be ------------------------------------------------------------------------

    def posture(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at the disk of the laptop; what goes on being so is told once."""
        state = event.facts.get("state")
        if event.facts.get("check") != _DISK or not isinstance(state, str):
            return
        if state in _GOOD:
            laptop.told.pop(_DISK, None)
        if state not in _BAD or laptop.told.get(_DISK) == state:
            return
        laptop.told[_DISK] = state
        seen = _listed(event.facts, "evidence", "source", "value")
        self._of_laptop(act, event, device, laptop, {"finding": f"disk_{state}", "evidence": seen})

    def started(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at how the service ended before: a laptop without power says less than a service that was killed."""
        laptop.weak, laptop.is_unfiltered = 0, False
        if event.facts.get("clean") is False:
            is_same = event.facts.get("same_boot") is True
            found: Facts = {"finding": "service_killed", "same_boot": is_same}
            self._of_laptop(act, event, device, laptop, found, is_weak=not is_same)

    def reset(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at a spool that had to begin anew: what was in it may be lost."""
        self._of_laptop(act, event, device, laptop, {"finding": "spool_reset"})

    # ---- what the gateway found itself -----------------------------------------------------------------------

    def finding(self, act: Act, finding: Finding, device: Device) -> None:
        """Tell of a changed key, a copied disk, events that are missing."""
        laptop = self._sessions.read(act, device.id)
        plain = {name: value for name, value in finding.facts.items() if isinstance(value, str | int)}
        told = Telling(
            Kind.DEVICE_SECURITY,
            finding.at,
            self._sessions.nobody(device, finding.at),
            self._sessions.audience(act, device, laptop),
            Place.UNKNOWN,
            {"laptop": device.label, **plain, "finding": finding.kind.value},
            is_finding=True,
        )
        tell(act, f"finding/{finding.number}", told)

    def silence(self, act: Act, found: Found, device: Device, *, at: datetime) -> None:
        """Tell of a laptop of which one half is silent, at most once an hour."""
        laptop = self._sessions.read(act, device.id)
        is_bypass = found.silence is Silence.NO_QUESTIONS
        sessions = self._sessions
        told = Telling(
            Kind.BYPASS if is_bypass else Kind.DEVICE_SECURITY,
            at,
            sessions.who(device, laptop, at) if is_bypass else sessions.nobody(device, at),
            sessions.audience(act, device, laptop),
            Place.ON_SITE,
            {
                "laptop": device.label,
                "finding": found.silence.value,
                "asked_at": found.asked_at.isoformat(),
                "heard_at": found.heard_at.isoformat(),
                "others": found.others,
            },
            signals=min(1 + laptop.weak + laptop.is_unfiltered, _MOST_SIGNALS) if is_bypass else 1,
        )
        tell(act, f"{found.silence.value}/{device.id}/{at:%Y%m%d%H}", told)

    # ---- parts of each ---------------------------------------------------------------------------------------

    def _signals(self, event: StoredEvent, laptop: LaptopNow) -> int:
        """Count the signs of a way round the filter that a laptop tells of now."""
        is_one = laptop.is_unfiltered and self._sessions.is_heard_in_school(event, laptop)
        return min(laptop.weak + is_one, _MOST_SIGNALS)

    def _of_laptop(
        self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow, found: Facts, *, is_weak: bool = False
    ) -> None:
        who = self._sessions.nobody(device, event.at)
        told = self._telling(act, event, device, laptop, found, who=who)
        tell(act, event.id, replace(told, is_weak=is_weak), proofs=(proof_of(event),))

    def _telling(
        self,
        act: Act,
        event: StoredEvent,
        device: Device,
        laptop: LaptopNow,
        found: Facts,
        *,
        who: Mapping[str, Any] | None = None,
    ) -> Telling:
        return Telling(
            Kind.DEVICE_SECURITY,
            event.at,
            who or self._sessions.who(device, laptop, event.at),
            self._sessions.audience(act, device, laptop),
            self._sessions.place_of(event, laptop),
            {"laptop": device.label, **found},
        )


def _words(facts: Mapping[str, Any], name: str) -> str:
    """Give a list of words as one text."""
    listed = facts.get(name)
    return ", ".join(line(each) for each in (listed if isinstance(listed, list) else [])[:_MOST_FOUND])


def _of_late(laptop: LaptopNow, at: datetime) -> dict[str, Any]:
    """Give what is known of programs within the hour: since when, how many came, whether a medium had some."""
    since = laptop.programs.get("since")
    if not isinstance(since, str) or at - datetime.fromisoformat(since) > PROGRAMS_FOR:
        return {"since": at.isoformat(), "count": 0, "is_beside": False}
    known = laptop.programs
    return {"since": since, "count": number(known.get("count")), "is_beside": known.get("is_beside") is True}


def _program(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: line(facts.get(name, "")) for name in ("form", "sha256", "signature")}


def _counted(facts: Mapping[str, Any]) -> int:
    """Count the programs of a medium for which nobody vouches."""
    signatures = facts.get("signatures")
    return sum(number(signatures.get(each)) for each in _UNVOUCHED) if isinstance(signatures, Mapping) else 0


def _worst(listed: object) -> Mapping[str, Any]:
    """Give the first program of a list for which nobody vouches."""
    programs = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, Mapping)]
    return next((each for each in programs[:_MOST_FOUND] if each.get("signature") in _UNVOUCHED), {})


def _medium(event: StoredEvent) -> str:
    """Give what stands for a medium: its volume, or where that has no id, that it was plugged in."""
    facts = event.facts
    named = facts.get("volume") or f"{event.boot} {facts.get('device')}#{facts.get('insertion')}"
    return sha256(str(named).encode("utf-8", "replace")).hexdigest()[:_MEDIUM_DIGITS]


def _listed(facts: Mapping[str, Any], name: str, *parts: str) -> str:
    """Give a list of what was seen as one text: `source: value; source: value`."""
    listed = facts.get(name)
    seen = [each for each in (listed if isinstance(listed, list) else [])[:_MOST_FOUND] if isinstance(each, Mapping)]
    return "; ".join(": ".join(line(each.get(part, "")) for part in parts) for each in seen)
