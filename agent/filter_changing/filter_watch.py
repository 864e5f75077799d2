"""What stands in the site file that is in force, noticed when the gateway has taken it: nobody approved that.

The gateway leaves the text that it took beside its policy; the one writer of the state looks at it from time to time.
"""

from contextlib import suppress
from pathlib import Path

from agent.filter_changing.filter_changes import FilterChanges
from agent.filter_changing.filter_found import owner_of
from agent.filter_changing.filter_in_force import TEXT_NAME
from agent.logs import log
from agent.sites.config import parse_site
from rules.errors import SchoolgateError


class FilterWatch:
    """Records each site file that has come into force.

    Args:
        runtime: the folder where the gateway leaves the text.
        site_path: gives where the file itself is.
    """

    def __init__(self, changes: FilterChanges, runtime: Path, site_path: Path) -> None:
        self._changes = changes
        self._text_path = runtime / TEXT_NAME
        self._site_path = site_path
        self._seen: tuple[int, int] | None = None

    def look(self) -> bool:
        """Record what is new; says whether something was.

        Raises:
            SchoolgateError: it could not be recorded, and is looked at again.
        """
        with suppress(FileNotFoundError):
            status = self._text_path.stat()
            found = status.st_ino, status.st_mtime_ns
            if found != self._seen:
                text = self._text_path.read_text(encoding="utf-8")
                has_changed = self._observe(text)
                self._seen = found
                return has_changed
        return False

    def _observe(self, text: str) -> bool:
        try:
            site = parse_site(text, path=self._site_path).site
        except SchoolgateError as error:
            log.error("site_text_unusable", reason=str(error).partition("\n")[0])
            return False
        return self._changes.observe(text, site, os_user=owner_of(self._site_path)) is not None
