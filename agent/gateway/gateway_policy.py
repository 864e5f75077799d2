"""What the workers of a gateway answer by: site, grants, devices and lists, put together and published."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.assembly import STATE_NAME, build_snapshot, open_generations, read_devices, with_granted
from agent.dns.clients import Seat
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import write_snapshot
from agent.filter_changing.filter_in_force import FilterInForce, publish_text
from agent.lists.publisher import Generation
from agent.logs import log
from agent.sites.config import LoadedSite
from agent.sites.site import Site
from rules.errors import SchoolgateError, StorageError
from rules.policy import Policy

if TYPE_CHECKING:
    from agent.lists.list_updater import ListUpdater


class PolicyInForce:
    """The policy of one gateway, and where it is published.

    `path` is the snapshot that workers read; `number` is its generation. `site` is the one in force, `granted` what
    people were granted beside it, `seats` what those bring who are signed in, `generation` the lists, `devices` what
    is known of the devices.

    Args:
        loaded: the site as its file was read.
        say: tells a person what is not as it should be.
    """

    def __init__(self, loaded: LoadedSite, *, say: Callable[[str], None]) -> None:
        self.filter = FilterInForce(loaded)
        self.site = loaded.site
        self.path = Path(loaded.site.paths.runtime) / "snapshot.json"
        self.number = 0
        self.generation: Generation | None = None
        self.granted: tuple[Policy, ...] = ()
        self.seats: dict[str, Seat] = {}
        self.devices: dict[str, tuple[str, ...]] = {}
        self._say = say
        self._state = Path(loaded.site.paths.state)
        self._generations = open_generations(loaded.site)

    @property
    def index_number(self) -> int:
        """The generation of the lists; 0 where there are none."""
        return self.generation.number if self.generation else 0

    # ---- taking --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Lay what was approved over the site file; where that cannot be, somebody has to answer all the same."""
        self.filter.refresh()
        self.site = self.filter.site
        if self.filter.fault:
            self._say(f"The filter is not as it was approved: {self.filter.trouble}")
            log.error("filter_not_as_approved", reason=self.filter.fault)

    def prepare_lists(self) -> int:
        """Find the lists in force; where there are none yet, make them of what needs no network.

        Gives how many damaged generations others had to stand in for.
        """
        faults = self.open_lists()
        for fault in faults:
            self._say(f"A damaged index was set aside: {fault}")
        if self.generation is None and self.site.lists:
            try:
                self._updater().update(offline=True)
            except SchoolgateError as error:
                self._say(f"The lists could not be prepared: {error}")
            self.open_lists()
        return len(faults)

    def open_lists(self) -> list[str]:
        """Take the lists that are in force on disk; gives what was wrong with damaged ones."""
        self.generation, faults = self._generations.open_current()
        return faults

    def _updater(self) -> "ListUpdater":
        """Make what updates lists; it is loaded late, because with a compiled index nobody waits for it."""
        from agent.lists.list_progress import PlainProgress  # noqa: PLC0415
        from agent.lists.list_updater import ListUpdater  # noqa: PLC0415

        return ListUpdater(self.site, index=self._generations, progress=PlainProgress(sys.stderr))

    def take_site(self) -> list[str]:
        """Put the site of the filter in force, except for what only a new start can change; gives what is not."""
        site = self.filter.site
        notes = []
        kept = {}
        for part in ("listeners", "paths", "workers"):
            if getattr(site, part) != getattr(self.site, part):
                notes.append(f"{part}: changed; takes effect at the next start of the gateway")
                kept[part] = getattr(self.site, part)
        self.site = replace(site, **kept)
        self.devices = read_devices(self.site)
        return notes

    def take_approved(self) -> bool:
        """Take what was approved of the filter since; says whether that is another. Nothing is published yet."""
        told = self.filter.fault
        has_changed = self.filter.refresh()
        if has_changed:
            self.take_site()
        if self.filter.fault not in ("", told):
            log.error("filter_not_as_approved", reason=self.filter.fault)
        return has_changed

    # ---- publishing ----------------------------------------------------------------------------------------

    def write(self, shared: SharedMemory) -> str:
        """Publish the site, what people were granted and the index in force; workers look for themselves.

        Gives what is wrong with the state, or nothing. What was granted before then stays, until its end.
        """
        fault = ""
        try:
            self.granted = read_granted(self._state / STATE_NAME, self.site)
            self.seats = read_seats_in_force(self._state / STATE_NAME, with_granted(self.site, self.granted))
        except StorageError as error:
            fault = str(error)
            log.error("granted_unreadable", reason=fault)
        # Beyond what anybody else may have written there, so that every worker takes it.
        number = max(self.number, shared.policy_generation) + 1
        snapshot = build_snapshot(
            self.site,
            self.generation,
            number=number,
            devices=self.devices,
            granted=self.granted,
            seats=self.seats,
        )
        write_snapshot(self.path, snapshot)
        self.number = number
        shared.publish(index_generation=self.index_number, policy_generation=self.number)
        return fault

    def publish_text(self) -> None:
        """Leave the text of the site file for those who record what changed in it, where somebody does."""
        if self.site.listeners.api is not None:
            publish_text(self.path.parent, self.filter.text)

    def reasons(self) -> list[str]:
        """Say what of the site is not as it should be, beside what the workers report."""
        reasons = [self.filter.fault] if self.filter.fault else []
        if self.generation is None and self.site.lists:
            reasons.append(f"no lists could be loaded; the fail mode is {self.site.fail_modes.no_index}")
        return reasons


def read_granted(path: Path, site: Site) -> tuple[Policy, ...]:
    """Read what people were granted; a school that never granted anything does not load what reads it.

    Raises:
        StorageError: the state could not be read.
    """
    if not path.exists():
        return ()
    from agent.requests.granted import active_policies  # noqa: PLC0415

    return active_policies(path, datetime.now(UTC), site.rulebook)


def read_seats_in_force(path: Path, site: Site) -> dict[str, Seat]:
    """Read what addresses have from whoever is signed in there.

    Args:
        site: the site with everything granted beside its own rules.

    Raises:
        StorageError: the state could not be read.
    """
    if not path.exists():
        return {}
    from agent.requests.granted import active_seats  # noqa: PLC0415

    return active_seats(path, datetime.now(UTC), site.rulebook)
