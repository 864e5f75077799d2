"""Media as the interface works with them: one place that constructs the services and knows their order."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.fleet.fleet_events import FleetEvents
from agent.fleet.fleet_inventory import read_states
from agent.fleet.media_desk import MediaDesk, Tell
from agent.fleet.media_exceptions import MediaExceptions
from agent.fleet.media_lost import MediaLost
from agent.fleet.media_register import MediaRegister
from agent.fleet.media_registers import MediaRegisters
from agent.fleet.media_retention import MediaRetention
from agent.fleet.media_serials import MediaSerials
from agent.fleet.media_sign_outs import SignOuts
from agent.incidents.incident_desk import Desk
from agent.sites.site import Site
from agent.storage.fleet_rows import read_device
from agent.storage.state import StateStore

_KEYS: Final = "keys"
# What a laptop tells of its own disks.
_DISK: Final = ("posture", "disk_encryption")


class Media:
    """The services that media go through.

    Args:
        incidents: the desk at which incidents are opened.
        events: what laptops told; without them nothing is known of one.

    Raises:
        StorageError: the key of the serial numbers cannot be used.
    """

    def __init__(
        self,
        store: StateStore,
        site: Callable[[], Site],
        *,
        tell: Tell,
        incidents: Desk,
        events: FleetEvents | None = None,
    ) -> None:
        self._events = events
        self.desk = MediaDesk(store, site, tell, MediaSerials(store.path.parent / _KEYS))
        self.register = MediaRegister(self.desk)
        self.sign_outs = SignOuts(self.desk)
        self.exceptions = MediaExceptions(self.desk)
        self.lost = MediaLost(self.desk, self.sign_outs, incidents, of_laptop=self._of_laptop)
        self.registers = MediaRegisters(self.desk, incidents.pseudonyms)
        self.retention = MediaRetention(self.desk)

    def sweep(self) -> int:
        """Write down what the clock has done, and remind; gives of how many things."""
        return self.exceptions.sweep() + self.sign_outs.sweep() + self.register.sweep()

    def keep(self) -> int:
        """Erase what is kept no longer; gives of how many things."""
        return self.retention.keep() + self.register.keep()

    def _of_laptop(self, database: sqlite3.Connection, device_id: str) -> Mapping[str, Any] | None:
        """Give what is known of a laptop that has enrolled, and what it last proved of its own disks."""
        device = read_device(database, device_id)
        if device is None:
            return None
        disk = self._disk(device_id)
        return {
            "device": device.id,
            "label": device.label,
            "owner": device.owner,
            "state": device.state.value,
            "enrolled_at": device.enrolled_at.isoformat(),
            "disk": disk,
            "proved": None if disk is None else {"crypt": disk["state"], "at": disk["at"]},
        }

    def _disk(self, device: str) -> dict[str, Any] | None:
        if self._events is None:
            return None
        with self._events.read() as database:
            states = read_states(database, device)
        found = next((each for each in states if (each.kind, each.key) == _DISK), None)
        if found is None:
            return None
        facts = found.facts
        at = found.proven_at.isoformat()
        return {"state": str(facts.get("state", "unknown")), "at": at, "evidence": facts.get("evidence", [])}
