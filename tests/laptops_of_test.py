"""Laptops at a school of test whose events are weighed: what they tell, by which clock, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from incidents_of_test import NOW
from observing_of_test import STAFF_DEVICE, ObservingOfTest

from agent.dns.askers import Askers
from agent.dns.shared_memory import SharedMemory
from agent.endpoint.wire_batch import GENESIS, Batch, Event, encode_batch
from agent.fleet.batch_reader import read_batch
from agent.fleet.device_candidates import DeviceCandidates
from agent.fleet.fleet import Fleet
from agent.fleet.fleet_events import Delivery
from agent.fleet.media import Media
from agent.storage.fleet_rows import Device, DeviceState, write_device
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline

MINUTE = timedelta(minutes=1)
MONO = 5000.0
BOOT = "boot-1"
STICK: Mapping[str, Any] = {
    "device": "sdb1",
    "disk": "sdb",
    "attach": "removable",
    "bus": "usb",
    "crypt": "plain",
    "why": "",
    "evidence": [{"source": "mountinfo.type", "value": "vfat", "privilege": "user"}],
    "filesystem": "vfat",
    "label": "PUPILS",
    "label_marks": [],
    "uuid": "7F5A-E8BA",
    "size_bytes": 16_000_000_000,
    "read_only": False,
    "mounted": True,
    "mount_points": ["/media/staff/PUPILS"],
    "usb": {"vendor": "0951", "product": "1666", "serial": "001CC0C60DBD", "name": "DataTraveler"},
    "insertion": "17",
    "system": False,
    "container": False,
    "medium": True,
}


def stick(**changes: Any) -> dict[str, Any]:
    """Give the facts of a stick that anybody can read."""
    return {**STICK, **changes}


def session(account: str | None, *, address: str = STAFF_DEVICE, **changes: Any) -> dict[str, Any]:
    """Give the facts of one person who is signed in, or of nobody."""
    facts = {
        "account": account,
        "confidence": "A" if account else "D",
        "why": "signed_in" if account else "nobody",
        "addresses": [address],
        "sessions": [{"account": account, "since": None, "local": True, "active": True}] if account else [],
    }
    return {**facts, **changes}


def writes(files: int, **changes: Any) -> dict[str, Any]:
    """Give the facts of files that were written to the stick."""
    facts = {
        "volume": "7F5A-E8BA",
        "device": "sdb1",
        "insertion": "17",
        "since": 0.0,
        "until": 10.0,
        "files": files,
        "bytes": files * 1000,
        "names": ["c2VjcmV0"],
        "coverage": "complete",
        "last": False,
    }
    return {**facts, **changes}


@dataclass
class Laptop:
    """A laptop that was let in: it tells what happened so long ago, in the order in which it is told."""

    weighed: "WeighedLaptops"
    id: str
    sequence: int = 0
    epoch: str = "0" * 31 + "1"
    boot: str = BOOT
    address: str = STAFF_DEVICE

    def tell(self, *told: tuple[str, timedelta, Mapping[str, Any]], waiting: int = 0, **more: Any) -> None:
        """Send a batch: of each event its kind, how long ago it was, and its facts."""
        now = self.weighed.now.timestamp()
        mono = MONO + now - NOW.timestamp()
        events = []
        for kind, ago, facts in told:
            self.sequence += 1
            seconds = ago.total_seconds()
            events.append(Event(self.sequence, now - seconds, mono - seconds, self.boot, kind, 1, facts))
        batch = Batch(
            device=self.id,
            epoch=self.epoch,
            previous=GENESIS,
            boot=self.boot,
            sent_wall=now,
            sent_monotonic=mono,
            policy=0,
            agent="0.1.0",
            depth=len(events) + waiting,
            oldest_seconds=0.0,
            events=tuple(events),
        )
        body = encode_batch(replace(batch, **more))
        delivery = Delivery(read_batch(body), now, self.address, sha256(body).digest(), "{}", body)
        self.weighed.fleet.events.submit(delivery).result(timeout=60)

    def beat(self) -> None:
        """Say that it is on."""
        self.tell(("heartbeat", timedelta(0), {}))


class WeighedLaptops(ObservingOfTest):
    """A school with laptops, and who weighs what they tell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.runtime = folder / "runtime"
        self.runtime.mkdir()
        SharedMemory.create(self.runtime / "shared.mem", workers=1).close()
        self.askers = Askers(self.runtime, 0, wall_clock=self._monotonic)
        self.fleet = self.open_fleet()
        self.media = Media(self.store, lambda: self.site, tell=lambda *_, **__: None, incidents=self.incidents.desk)
        with self.store.act() as act:
            query = "INSERT INTO accounts (login, person, password_hash, created_at) VALUES (?, ?, '', '')"
            act.database.executemany(query, [(name, self.ids[name]) for name in ("teacher", "five", "pupil")])
        self.weigh()

    def open_fleet(self, **changes: Any) -> Fleet:
        """Open the file of events, as after a start."""
        parts: dict[str, Any] = {"pin": "A" * 52, "new_id": lambda: "x", **changes}
        return Fleet(self.store, lambda: self.site, **parts)

    def weigh(self) -> None:
        """Begin to weigh, as after a start."""
        self.candidates = DeviceCandidates(
            self.store,
            self.fleet,
            self.media,
            self.observing,
            self.pseudonyms,
            site=lambda: self.site,
            runtime=self.runtime,
            monotonic=self._monotonic,
        )

    def _monotonic(self) -> float:
        return self.now.timestamp()

    def laptop(self, name: str = "laptop1", *, owner: str = "", address: str = STAFF_DEVICE) -> Laptop:
        """Let a laptop in."""
        person = self.ids[owner] if owner else None
        with self.store.act() as act:
            state = DeviceState.ACTIVE
            write_device(act.database, Device(name, 1, state, "Deputy head", person, f"m-{name}", {}, self.now))
        self.fleet.devices.refresh()
        return Laptop(self, name, address=address)

    def ask_worker(self, *devices: str) -> None:
        """Let devices ask the one worker for something; it tells of them where a minute has gone by."""
        self.askers.seen |= {ip_address(device).packed for device in devices}
        self.askers.tick()

    def look(self, *, after: timedelta = timedelta(0)) -> None:
        """Weigh everything that waits, so much later."""
        self.now += after
        while self.candidates.look():
            pass
        super().look()

    def stay(self, *laptops: Laptop, minutes: int) -> None:
        """Let time go by in which laptops are on."""
        for _ in range(minutes // 5):
            self.now += 5 * MINUTE
            for laptop in laptops:
                laptop.beat()
            self.look()

    # ---- what comes of it ------------------------------------------------------------------------------------

    def one(self) -> Filed:
        """Give the one incident that is on file."""
        (filed,) = self.filed_all()
        return filed

    def evidence(self, filed: Filed) -> list[dict[str, Any]]:
        """Give what stands in the timeline of an incident of what was observed."""
        with self.store.read() as database:
            entries = read_timeline(database, filed.incident.id, with_personal=True)
        return [{**entry.content, **(entry.personal or {})} for entry in entries if entry.observation]
