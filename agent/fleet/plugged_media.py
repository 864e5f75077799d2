"""Media that are plugged in to laptops: followed from event to event, proved to the register, judged in their time.

Nothing is judged before everything that happened until then is known: a laptop that is away keeps what it saw, and a
medium that was pulled out again in time must not become anybody's case because nobody had heard of that yet.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.fleet.device_sessions import DeviceSessions, LaptopNow
from agent.fleet.device_telling import MOST_PROOFS, Telling, line, number, proof_of, tell
from agent.fleet.fleet_reading import StoredEvent
from agent.fleet.media_register import MediaRegister
from agent.sites.site import Site
from agent.storage.case_rows import Case
from agent.storage.fleet_rows import Device, FindingKind, write_finding
from agent.storage.held_cases import HeldCases
from agent.storage.state import Act
from collectors.volume import Crypt, Evidence
from rules.errors import RefusedRequestError
from rules.incident_kind import Kind
from rules.media_judgement import Judgement, Outcome, PluggedIn, judge
from rules.observation import Place
from rules.subject import Audience

PREFIX: Final = "media "
HERE: Final = frozenset({"media_present", "media_inserted", "media_changed"})
GONE: Final = frozenset({"media_removed", "media_unclean"})
WRITES: Final = "writes"
NOTICE: Final = "notice_shown"
_PRESENTING: Final = "presenting"
# So long what was told of a medium that is gone may still be on its way.
_KEPT: Final = timedelta(hours=1)
_GONE: Final = " gone "
_MOST_EVIDENCES: Final = 8
# So many media of one laptop are followed at once, those too that are gone and not judged yet. One that comes back
# after a month tells of some hundreds; nobody plugs in more, and each turn reads all of them.
MOST_MEDIA: Final = 500
_SYSTEM: Final = "system"
_SHOWN: Final = ("bus", "filesystem", "label")


class PluggedMedia:
    """What is followed.

    Args:
        register: where what is proved of a medium is kept, and what is let pass.
    """

    def __init__(self, register: MediaRegister, sessions: DeviceSessions, *, site: Callable[[], Site]) -> None:
        self._register = register
        self._sessions = sessions
        self._site = site
        self._of_act: tuple[Act, HeldCases] | None = None

    def hold(self, act: Act) -> HeldCases:
        """Begin an act in which media are followed; whoever began it ends what is held."""
        held = HeldCases(act, PREFIX)
        self._of_act = act, held
        return held

    # ---- what happens ----------------------------------------------------------------------------------------

    def see(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Take a medium as it is seen now, or that it is gone."""
        key = _key_of(event)
        case = self._case(act, event, key)
        before = _plugged(case)
        after = before.gone(event.at)
        if event.kind in HERE:
            after = before.seen(
                event.at,
                _crypt(event.facts).value,
                is_mounted=event.facts.get("mounted") is True,
                is_read_only=event.facts.get("read_only") is True,
            )
            case.update(facts=_facts_of(event), serial_key=self._prove(act, event))
            if after.is_exposed and before.was_over_in_time(event.at, self._grace):
                before, case["settled"] = replace(before, exposed_at=None, over_at=None), ""
                after = replace(after, exposed_at=event.at)
        case["is_gone"] = event.kind in GONE
        case["proofs"] = [*case["proofs"], proof_of(event)][-MOST_PROOFS:]
        if after.exposed_at is not None and before.exposed_at is None:
            case.update(
                opened=event.id,
                who=self._sessions.who(device, laptop, event.at),
                audience=self._sessions.audience(act, device, laptop).value,
                place=self._sessions.place_of(event, laptop).value,
            )
        if case["is_gone"]:
            # What is plugged in next may have the same name, and is another one.
            self._held(act).delete(event.device, key)
            key = f"{key}{_GONE}{event.sequence:015d}"
        self._keep(act, event.device, key, case, after)
        self._bound(act, event, device, laptop)
        if after.exposed_at is None and event.kind in HERE:
            self._note(act, event, device, laptop, judge(after, now=event.at, grace=self._grace, is_excepted=False))

    def write(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """Take how much was written to a medium; names of files are left where they are."""
        found = self._written_to(act, event)
        if found is None:
            return
        key, case = found.key, dict(found.content)
        before = _plugged(case)
        length = _seconds(event.facts, "until") - _seconds(event.facts, "since")
        since = event.at - timedelta(seconds=min(max(length, 0.0), 86_400.0))
        after = before.written(number(event.facts.get("files")), since=since)
        if after is not before:
            case["bytes"] = case.get("bytes", 0) + number(event.facts.get("bytes"))
            case["coverage"] = line(event.facts.get("coverage", ""))
            case["proofs"] = [*case["proofs"], proof_of(event)][-MOST_PROOFS:]
        self._keep(act, event.device, key, case, after)
        if case["settled"] == Outcome.CANDIDATE and self._is_more(
            case, after, is_last=event.facts.get("last") is True
        ):
            case.update(told_signals=after.signals, told_files=after.files)
            self._keep(act, event.device, key, case, after)
            # Whoever writes to it need not be who plugged it in.
            case["who"] = self._sessions.who(device, laptop, event.at)
            tell(act, event.id, self._telling(device, case, after, at=event.at), proofs=case["proofs"])

    def notice(self, act: Act, event: StoredEvent) -> None:
        """Take that whoever uses a medium was told, or why not yet."""
        for found in self._held(act).read_all(event.device):
            if _is_meant(found, event):
                case = {**found.content, "proofs": [*found.content["proofs"], proof_of(event)][-MOST_PROOFS:]}
                medium, why = _plugged(case), event.facts.get("why")
                if event.facts.get("shown") is True:
                    medium, case["notice_text"] = medium.told(event.at), line(event.facts.get("text", ""))
                elif why == _PRESENTING:
                    medium = medium.put_off()
                case["notice_why"] = line(why or "")
                self._keep(act, event.device, found.key, case, medium)

    def end_all(self, act: Act, device: str, last: datetime) -> None:
        """Take everything as gone since a laptop was last heard: its service begins anew and tells what is there."""
        for found in self._held(act).read_all(device):
            case = dict(found.content)
            if not case["is_gone"]:
                case["is_gone"] = True
                self._keep(act, device, found.key, case, _plugged(case).gone(last))

    # ---- by the clock ----------------------------------------------------------------------------------------

    def settle(self, act: Act, found: Case, device: Device, *, known_until: datetime) -> bool:
        """Judge a medium whose time is over; says whether that could be done.

        Args:
            known_until: up to when everything that happened at the laptop is known.
        """
        case = dict(found.content)
        medium = _plugged(case)
        if case["settled"]:
            if found.due is not None and known_until.timestamp() >= found.due:
                self._held(act).delete(found.device, found.key)
            return True
        due_at = medium.due_at(self._grace)
        if due_at is None:
            self._held(act).delete(found.device, found.key)
            return True
        instants = [at for at in (medium.exposed_at, due_at) if at is not None and known_until >= due_at]
        is_excepted = any(self._register.exception_for(act.database, case["serial_key"], at) for at in instants)
        judged = judge(medium, now=known_until, grace=self._grace, is_excepted=is_excepted)
        if judged.outcome is Outcome.WAITS:
            return False
        case.update(settled=judged.outcome.value, why=judged.why)
        if judged.outcome is Outcome.CANDIDATE:
            case.update(told_signals=medium.signals, told_files=medium.files)
            told = self._telling(device, case, medium, at=medium.exposed_at or due_at)
            tell(act, case["opened"], told, proofs=case["proofs"])
        self._keep(act, found.device, found.key, case, medium)
        return True

    # ---- parts of each ---------------------------------------------------------------------------------------

    def _bound(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow) -> None:
        """End what is too much to follow, what is gone first and then the oldest; once a day that is a finding."""
        followed = self._held(act).read_all(device.id)
        if len(followed) <= MOST_MEDIA:
            return
        followed.sort(key=lambda each: (not each.content["is_gone"], each.content["inserted_at"]))
        for found in followed[:-MOST_MEDIA]:
            self._end(act, found, device, at=event.at)
        # The day on which it came in: when it was, is the word of the laptop.
        day = self._sessions.day(act.now).isoformat()
        if laptop.told.get(FindingKind.MANY_MEDIA) == day:
            return
        laptop.told[FindingKind.MANY_MEDIA.value] = day
        facts = {"most": MOST_MEDIA}
        act.note("device_media_not_followed", actor=_SYSTEM, subject=device.id, facts=facts)
        write_finding(act.database, device.id, FindingKind.MANY_MEDIA, at=act.now, facts=facts)

    def _end(self, act: Act, found: Case, device: Device, *, at: datetime) -> None:
        """Take a medium as gone, judge it by that at once, and follow it no more."""
        medium = _plugged(found.content).gone(at)
        if not found.content["settled"]:
            content = {**found.content, "is_gone": True, "plugged": _written(medium)}
            until = max(at, medium.due_at(self._grace) or at)
            self.settle(act, replace(found, content=content), device, known_until=until)
        self._held(act).delete(found.device, found.key)

    def _held(self, act: Act) -> HeldCases:
        if self._of_act is None or self._of_act[0] is not act:
            raise RuntimeError("Media are followed only in an act that was begun for it.")
        return self._of_act[1]

    @property
    def _grace(self) -> timedelta:
        return timedelta(seconds=self._site().private.endpoints.grace_seconds)

    def _written_to(self, act: Act, event: StoredEvent) -> Case | None:
        """Find the medium that an account of writes is about; the last one of a medium may follow its removal."""
        key = _key_of(event)
        held = self._held(act)
        there = held.read(event.device, key)
        if there is not None and event.facts.get("last") is not True:
            return there
        gone = [each for each in held.read_all(event.device) if each.key.startswith(f"{key}{_GONE}")]
        return gone[-1] if gone else there

    def _case(self, act: Act, event: StoredEvent, key: str) -> dict[str, Any]:
        found = self._held(act).read(event.device, key)
        if found is not None:
            return dict(found.content)
        return {
            "boot": event.boot,
            "inserted_at": event.at.isoformat(),
            "plugged": {},
            "facts": _facts_of(event),
            "serial_key": "",
            "proofs": [],
            "settled": "",
            "is_gone": False,
        }

    def _keep(self, act: Act, device: str, key: str, case: dict[str, Any], medium: PluggedIn) -> None:
        due_at = None if case["settled"] else medium.due_at(self._grace)
        if due_at is None and case["is_gone"]:
            due_at = (medium.over_at or act.now) + _KEPT
        case["plugged"] = _written(medium)
        self._held(act).write(Case(device, key, case, None if due_at is None else due_at.timestamp()))

    def _prove(self, act: Act, event: StoredEvent) -> str:
        """Let the register know what was seen; gives the keyed hash of the medium, if it has a serial number."""
        usb = event.facts.get("usb")
        if not isinstance(usb, Mapping):
            return ""
        ids = (str(usb.get("vendor", "")), str(usb.get("product", "")), str(usb.get("serial", "")))
        try:
            key = self._register.known_key(act.database, *ids)
        except RefusedRequestError:
            return ""
        crypt, evidence = _crypt(event.facts), _evidence(event.facts)
        self._register.record_proof(act, key, crypt, evidence, device=event.device, at=event.at)
        return key

    def _note(self, act: Act, event: StoredEvent, device: Device, laptop: LaptopNow, judged: Judgement) -> None:
        """Note on the laptop, once a day, what is no case of anybody."""
        if judged.outcome not in (Outcome.NOTE, Outcome.ATTESTATION):
            return
        day = event.at.astimezone(ZoneInfo(self._site().school.timezone)).date().isoformat()
        if laptop.told.get(judged.why) == day:
            return
        laptop.told[judged.why] = day
        told = Telling(
            Kind.MEDIA,
            event.at,
            self._sessions.nobody(device, event.at),
            self._sessions.audience(act, device, laptop),
            self._sessions.place_of(event, laptop),
            {"laptop": device.label, "why": judged.why},
        )
        tell(act, event.id, told)

    def _is_more(self, case: Mapping[str, Any], medium: PluggedIn, *, is_last: bool) -> bool:
        """Say whether what was told of a medium is to be told again: it is worse, or all of it is known now."""
        return medium.signals > case["told_signals"] or (is_last and medium.files > case["told_files"])

    def _telling(self, device: Device, case: Mapping[str, Any], medium: PluggedIn, *, at: datetime) -> Telling:
        facts: dict[str, str | int | bool] = {
            "laptop": device.label,
            **case["facts"],
            "crypt": medium.crypt,
            "serial_key": case["serial_key"],
            "inserted_at": case["inserted_at"],
            "open_since": medium.exposed_at.isoformat() if medium.exposed_at else "",
            "over_since": medium.over_at.isoformat() if medium.over_at else "",
            "notice": "shown" if medium.noticed_at else case.get("notice_why") or "not_shown",
            "notice_text": case.get("notice_text", ""),
            "notice_at": medium.noticed_at.isoformat() if medium.noticed_at else "",
            "grace_seconds": int(self._grace.total_seconds()),
            "files": medium.files,
            "files_after_notice": medium.files_after_notice,
            "bytes": case.get("bytes", 0),
            "coverage": case.get("coverage", ""),
        }
        audience, place = Audience(case["audience"]), Place(case["place"])
        return Telling(Kind.MEDIA, at, case["who"], audience, place, facts, signals=medium.signals)


def _key_of(event: StoredEvent) -> str:
    """Give what a medium is called from one start of the laptop to the next: insertions are counted from there."""
    return f"{PREFIX}{event.boot} {_volume(event.facts)}"


def _volume(facts: Mapping[str, Any]) -> str:
    return f"{line(facts.get('device', ''))}#{line(facts.get('insertion', ''))}"


def _is_meant(case: Case, event: StoredEvent) -> bool:
    """Say whether a notice was about a medium."""
    return case.content["boot"] == event.boot and case.key.split(" ", 2)[2] == _volume(event.facts)


def _plugged(case: Mapping[str, Any]) -> PluggedIn:
    values = dict(case["plugged"])
    for name in ("exposed_at", "over_at", "noticed_at"):
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    return PluggedIn(**values)


def _written(medium: PluggedIn) -> dict[str, Any]:
    values = {name: getattr(medium, name) for name in PluggedIn.__dataclass_fields__}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _crypt(facts: Mapping[str, Any]) -> Crypt:
    """Read the state of a medium; one of which we have never heard says nothing."""
    with suppress(ValueError):
        return Crypt(str(facts.get("crypt")))
    return Crypt.UNKNOWN


def _evidence(facts: Mapping[str, Any]) -> list[Evidence]:
    found = facts.get("evidence")
    return [
        Evidence(line(each.get("source", "")), line(each.get("value", "")), line(each.get("privilege", "")))
        for each in (found if isinstance(found, list) else [])[:_MOST_EVIDENCES]
        if isinstance(each, Mapping)
    ]


def _facts_of(event: StoredEvent) -> dict[str, str | int | bool]:
    """Give what is known of a medium, as it stands in the evidence."""
    facts, usb = event.facts, event.facts.get("usb")
    known: dict[str, str | int | bool] = {name: line(facts[name]) for name in _SHOWN if facts.get(name)}
    if isinstance(usb, Mapping):
        known["medium"] = line(usb.get("name", ""))
        known["usb"] = line(f"{usb.get('vendor', '')}:{usb.get('product', '')}")
    known["size_bytes"] = number(facts.get("size_bytes"))
    known["has_container"] = facts.get("container") is True
    known["evidence"] = json.dumps([asdict(each) for each in _evidence(facts)])
    return known


def _seconds(facts: Mapping[str, Any], name: str) -> float:
    value = facts.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
