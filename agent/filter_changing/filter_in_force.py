"""The site that is in force: its file, of one read, and what was approved to lie over it.

What was approved is read from the state, which may be unreadable, and may not go with a file that has changed since.
At a reload either is a reason to refuse; at a start it is none, because somebody has to answer: then the file holds
alone, and says so.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.assembly import STATE_NAME
from agent.logs import log
from agent.sites.config import LoadedSite, load_site
from agent.sites.site import Site
from rules.errors import ConfigurationError, SchoolgateError, StorageError

if TYPE_CHECKING:
    from agent.storage.filter_rows import Version

# The text of the site file that is in force, beside the policy: for those who record what changed in it.
TEXT_NAME: Final = "site-in-force.yaml"


class FilterInForce:
    """The site that a gateway runs.

    `site` is what is in force. Where that is not what was approved, `fault` says so in a sentence, and `why` gives
    what is wrong; both are empty where all is well.
    """

    def __init__(self, loaded: LoadedSite) -> None:
        self._loaded = loaded
        # Where the state is does not change while a gateway runs, whatever its file says.
        self._state = Path(loaded.site.paths.state) / STATE_NAME
        # The number and the text of what lies over the file.
        self._approved: tuple[int, str] | None = None
        self.site = loaded.site
        self.fault = ""
        self.why = ""

    @property
    def text(self) -> str:
        """The text of the file as it was read when it was taken."""
        return self._loaded.text

    @property
    def over(self) -> str:
        """What lies over the file, as people call it (`filter change 3`); empty where nothing does."""
        return f"filter change {self._approved[0]}" if self._approved else ""

    @property
    def trouble(self) -> str:
        """What is wrong, with why; empty where nothing is."""
        return f"{self.fault} ({self.why})" if self.fault else ""

    def refresh(self) -> bool:
        """Take what was approved since; says whether the site is another now.

        Where it cannot be had, what is in force stays, which at the start is the file alone.
        """
        before = self.site
        try:
            self.lay_over()
        except SchoolgateError as error:
            self.why = str(error).replace("\n", "; ").rstrip(".")
            what = "cannot lie over the site file" if isinstance(error, ConfigurationError) else "cannot be read"
            self.fault = f"what was approved of the filter {what}; in force is {self.over or 'the site file alone'}"
        return self.site is not before

    def lay_over(self) -> None:
        """Lay what was approved over the file as it was read.

        Raises:
            ConfigurationError: the two cannot be used together; what is in force stays.
            StorageError: what was approved cannot be read; what is in force stays.
        """
        self._take(self._loaded)

    def reload(self) -> LoadedSite:
        """Read the file again and take it, with what was approved over it.

        Raises:
            ConfigurationError: the file cannot be used, or not with what was approved; what is in force stays.
            StorageError: what was approved cannot be read; what is in force stays.
        """
        loaded = load_site(Path(self._loaded.site.path))
        self._take(loaded)
        return loaded

    def _take(self, loaded: LoadedSite) -> None:
        version = read_approved(self._state)
        approved = None if version is None else (version.number, version.overlay)
        if loaded is not self._loaded or approved != self._approved:
            self.site = loaded.site if version is None else _lay_over(loaded, version)
            self._loaded, self._approved = loaded, approved
        self.fault = self.why = ""


def publish_text(runtime: Path, text: str) -> None:
    """Leave the text of the site file that was taken; that it could not be left is logged, and nothing else fails."""
    fresh = runtime / f"{TEXT_NAME}.new"
    try:
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text.encode())
        fresh.replace(runtime / TEXT_NAME)
    except OSError as error:
        log.error("site_text_unpublished", reason=error.strerror or str(error))


def read_approved(path: Path) -> "Version | None":
    """Read from the state what was approved to lie over the site file; without one, what reads it is not loaded.

    Raises:
        StorageError: it could not be read.
    """
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise StorageError(f"{path}: the state could not be opened ({error.strerror})") from error
    from agent.storage.filter_rows import State, read_in_state  # noqa: PLC0415
    from agent.storage.state import is_begun, read_only  # noqa: PLC0415

    try:
        if not is_begun(path):
            return None
        with read_only(path) as database:
            return read_in_state(database, State.APPROVED)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: what was approved of the filter could not be read ({error})") from error


def _lay_over(loaded: LoadedSite, version: "Version") -> Site:
    from agent.filter_changing.filter_basis import Basis  # noqa: PLC0415

    return Basis(loaded.text, Path(loaded.site.path), version).site_in_force()
