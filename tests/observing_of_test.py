"""A school whose questions are kept and weighed: the day files as the intake writes them, and whoever observes."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from incidents_of_test import NOW, IncidentsOfTest

from agent.dns.outcomes import outcome
from agent.dns.spool import Batch, Row, row_code
from agent.observing.observing import Observing
from agent.observing.observing_told import ToldEvent
from agent.observing.sign_ins import ToldSignIn
from agent.people.pseudonyms import device_of
from agent.sites.site import ActivityLevel, Site
from agent.sites.site_packs import load_pack
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.note_rows import Note, read_notes
from agent.storage.observation_rows import read_counts
from agent.storage.presence_rows import SignIn
from rules.name import DomainName, to_wire
from rules.policy_pack import Pack
from rules.verdict import ReasonCode

PUPIL_DEVICE, OTHER_DEVICE, STAFF_DEVICE = "192.0.2.7", "192.0.2.8", "192.0.2.130"
GAMBLING = tuple(f"{word}-bets.example" for word in ("green", "blue", "red", "white", "black", "grey", "pink"))
MINUTE = timedelta(minutes=1)


class ObservingOfTest(IncidentsOfTest):
    """A school with its day files; `devices` is what leases know."""

    def __init__(self, folder: Path, *, site: Site | None = None, packs: Iterable[Pack] | None = None) -> None:
        chosen = tuple(packs) if packs is not None else (load_pack("uk-esafety"),)
        super().__init__(folder, packs=chosen)
        if site is not None:
            self.site = replace(site, private=self.site.private)
        self.folder = folder
        self.devices: dict[str, tuple[str, ...]] = {}
        self.seconds = 0.0
        self._positions = count(1)
        self.observing = self.begin()

    def begin(self, **changes: Any) -> Observing:
        """Begin to observe, as after a start."""
        parts: dict[str, Any] = {"devices": lambda: self.devices, "monotonic": lambda: self.seconds}
        self.observing = Observing(self.incidents, self.folder / "activity", **{**parts, **changes})
        return self.observing

    def keep(self, level: ActivityLevel) -> None:
        """Let the school keep this of what is asked."""
        self.site = replace(self.site, retention=replace(self.site.retention, activity=level))

    # ---- what is asked ---------------------------------------------------------------------------------------

    def ask(
        self,
        *names: str,
        device: str = PUPIL_DEVICE,
        at: datetime = NOW,
        apart: timedelta = MINUTE,
        category: str = "gambling",
        audience: str = "pupil",
        verdict: str = "blocked",
    ) -> None:
        """Ask for names, one after the other, as the intake stores it."""
        code = row_code(outcome(audience, verdict, category, 0), ReasonCode.POLICY)
        address = ip_address(device).packed
        self.store_rows(
            (at + number * apart, Row(address, to_wire(DomainName(name)), code, 1))
            for number, name in enumerate(names)
        )

    def store_rows(self, rows: Iterable[tuple[datetime, Row]]) -> None:
        """Store rows of any days."""
        zone = ZoneInfo(self.site.school.timezone)
        with closing(
            ActivityStore(
                self.folder / "activity",
                timezone=zone,
                keeping=Keeping(self.site.retention.activity, frozenset()),
                pseudonym_of=lambda address, day: self.pseudonyms.pseudonym(device_of(address, self.devices), day),
            )
        ) as store:
            for at, row in rows:
                batch = Batch("segment", next(self._positions), at.timestamp(), [row])
                store.store_rows(at.astimezone(zone).date(), [batch])

    def sign_in(
        self,
        name: str,
        *,
        device: str = PUPIL_DEVICE,
        kind: SignIn = SignIn.LOGON,
        from_at: datetime = NOW - timedelta(minutes=30),
        until_at: datetime | None = None,
        id: str = "",  # noqa: A002 (as machines call it)
    ) -> None:
        """Let a machine tell that somebody signed in."""
        told = ToldSignIn(id or f"{name}@{device}", device, self.ids.get(name, name), kind, from_at, until_at)
        taken = self.observing.sign_ins.take([told])
        assert taken.refused == ()

    def tell(self, *events: ToldEvent) -> None:
        """Let a machine tell what it saw."""
        assert self.observing.events.take(events).refused == ()

    # ---- what comes of it ------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let everything be weighed that waits."""
        while self.observing.look():
            pass

    def filed_all(self) -> list[Filed]:
        """Give what is on file, the oldest first."""
        with self.store.read() as database:
            return read_incidents(database)[::-1]

    def notes(self) -> list[Note]:
        """Give what is known of devices."""
        with self.store.read() as database:
            return read_notes(database)

    def counts(self) -> dict[str, int]:
        """Give what was counted, as `what` or `what why`."""
        with self.store.read() as database:
            return {" ".join(filter(None, key)): times for key, times in read_counts(database).items()}

    def device(self, address: str = PUPIL_DEVICE) -> str:
        """Give the pseudonym of a device."""
        return self.observing.known().pseudonym(address, NOW.date())
