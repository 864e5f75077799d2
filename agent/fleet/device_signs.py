"""Signs that laptops tell of: ways round the filter, programs nobody signed, and what a laptop itself is found to be.

What a laptop is (its disk, its key, its service) is nobody's doing. One weak sign alone comes to nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from agent.fleet.device_sessions import DeviceSessions, LaptopNow
from agent.fleet.device_telling import Facts, Telling, line, number, proof_of, tell
from agent.fleet.dns_silence import Found
from agent.fleet.fleet_reading import StoredEvent
from agent.storage.fleet_rows import Device, Finding
from agent.storage.state import Act
from rules.incident_kind import Kind
from rules.observation import Place
from rules.silence import Silence

# So many unsigned programs within so long are told together.
PROGRAMS_FOR: Final = timedelta(hours=1)
_DISK: Final = "disk_encryption"
_BAD: Final = frozenset({"off", "suspended"})
_GOOD: Final = frozenset({"on", "partly"})
_MOST_FOUND: Final = 10
_MOST_SIGNALS: Final = 100
# Where a program came from that is no download.
_VOLUME: Final = "volume"


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
        told = replace(told, kind=Kind.BYPASS, signals=min(laptop.weak, _MOST_SIGNALS), is_weak=is_weak)
        tell(act, event.id, told, proofs=(proof_of(event),))

    def program(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Look at a program that has come and that nobody signed: one download alone is a weak sign."""
        facts = event.facts
        if facts.get("signature") != "none":
            return
        since = laptop.programs.get("since")
        is_of_late = isinstance(since, str) and event.at - datetime.fromisoformat(since) <= PROGRAMS_FOR
        count = number(laptop.programs.get("count")) + 1 if is_of_late else 1
        laptop.programs = {"since": since if is_of_late else event.at.isoformat(), "count": count}
        shown = {name: line(facts.get(name, "")) for name in ("form", "sha256", "signature")}
        told = self._telling(
            act, event, device, laptop, {"program_from": line(facts.get("place", "")), "programs": count, **shown}
        )
        is_weak = facts.get("place") != _VOLUME
        told = replace(told, kind=Kind.FILE_TRANSFER, signals=min(count, _MOST_SIGNALS), is_weak=is_weak)
        tell(act, event.id, told, proofs=(proof_of(event),))

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
        laptop.weak = 0
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
            signals=min(1 + laptop.weak, _MOST_SIGNALS) if is_bypass else 1,
        )
        tell(act, f"{found.silence.value}/{device.id}/{at:%Y%m%d%H}", told)

    # ---- parts of each ---------------------------------------------------------------------------------------

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


def _listed(facts: Mapping[str, Any], name: str, *parts: str) -> str:
    """Give a list of what was seen as one text: `source: value; source: value`."""
    listed = facts.get(name)
    seen = [each for each in (listed if isinstance(listed, list) else [])[:_MOST_FOUND] if isinstance(each, Mapping)]
    return "; ".join(": ".join(line(each.get(part, "")) for part in parts) for each in seen)
