"""The site as the interface works by it: what the gateway published, and what the site says of people beside it.

Workers are told nothing of people, so it is not in the snapshot that they read (`Site.private`). The interface takes
it from the text of the site file, which the gateway leaves for it when it has taken that file.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from agent.dns.clients import Seat
from agent.dns.snapshot import read_snapshot
from agent.filter_changing.filter_in_force import TEXT_NAME
from agent.logs import log
from agent.people.pseudonyms import Devices
from agent.sites.config import load_site, parse_private
from agent.sites.site import Private, Site
from rules.errors import SchoolgateError

_SNAPSHOT: Final = ".json"
# A file as it was last seen; nothing where it was not there.
Seen: TypeAlias = tuple[int, int] | None


class SiteInForce:
    """The site as the gateway published it, read again when that has changed; or as its file says, read once.

    Args:
        path: the snapshot, beside which the text of the site is left; or the site file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text_path = path.with_name(TEXT_NAME)
        self._is_published = path.suffix == _SNAPSHOT
        self._turn = threading.Lock()
        self._policy_seen: Seen = None
        self._text_seen: Seen = None
        self._devices: Devices = {}
        self._seats: Mapping[str, Seat] = {}
        self._site = self._read_policy() if self._is_published else load_site(path).site
        self._adopt()

    def __call__(self) -> Site:
        """Give the site; the one before where the new one cannot be read."""
        with self._turn:
            self._adopt()
            return self._site

    def devices(self) -> Devices:
        """Give what else the devices behind addresses are known by, as the gateway published it."""
        with self._turn:
            self._adopt()
            return self._devices

    def seats(self) -> Mapping[str, Seat]:
        """Give what addresses have from whoever is signed in there, as the gateway published it."""
        with self._turn:
            self._adopt()
            return self._seats

    def _adopt(self) -> None:
        if not self._is_published:
            return
        private = self._site.private
        if (seen := _state_of(self._text_path)) != self._text_seen:
            private = self._read_private(private)
            self._text_seen = seen
        site = self._site
        if _state_of(self._path) != self._policy_seen:
            try:
                site = self._read_policy()
            except SchoolgateError as error:
                log.error("adopt_failed", reason=str(error))
        if site is not self._site or private is not site.private:
            self._site = replace(site, private=private)

    def _read_policy(self) -> Site:
        seen = _state_of(self._path)
        snapshot = read_snapshot(self._path)
        self._policy_seen = seen
        self._devices = snapshot.devices
        self._seats = snapshot.seats
        return snapshot.site

    def _read_private(self, before: Private) -> Private:
        """Read what the site says of people; a text that cannot be read changes nothing."""
        try:
            return parse_private(self._text_path.read_text(encoding="utf-8"), path=Path(self._site.path))
        except (OSError, ValueError):
            log.error("site_text_unusable", reason="the text of the site beside the policy could not be read")
        except SchoolgateError:
            # What is wrong with it was said by whoever refused it, and may hold an address.
            log.error("site_text_unusable", reason="the site file has changed again since it was taken")
        return before


def _state_of(path: Path) -> Seen:
    with suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_mtime_ns
    return None
