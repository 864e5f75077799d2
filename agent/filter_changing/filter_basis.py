"""What is in force of the filter, and what would be with a change: the site file and what lies over it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.filter_changing.filter_overlay import (
    Settings,
    check_removals,
    entries_of,
    lay_over,
    overlay_between,
    parse_overlay,
    read_settings,
    site_with,
    spell_problems,
)
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.sites.site_diff import diff_sites
from agent.storage.filter_rows import State, Version, read_in_state
from rules.errors import ConfigurationError, RefusedRequestError

_NO_SITE: Final = "No site file is on record yet; start the gateway once, so that there is something to change."


@dataclass(frozen=True, slots=True)
class Sites:
    """The filter before and after a change; `remark` is what the change does that no setting shows."""

    before: Site
    after: Site
    remark: str = ""

    @property
    def changes(self) -> tuple[str, ...]:
        """What the change does, in words; empty where it does nothing."""
        return (*diff_sites(self.before, self.after), *filter(None, (self.remark,)))


@dataclass(frozen=True, slots=True)
class Basis:
    """What is in force: the text of the site file at its path, and what was approved to lie over it."""

    text: str
    path: Path
    approved: Version | None

    @property
    def overlay(self) -> Settings:
        """The settings that lie over those of the file."""
        return read_settings(self.approved.overlay) if self.approved else {}

    def site(self, overlay: Mapping[str, Any], *, number: int) -> Site:
        """Give the site with an overlay; what was approved before keeps the name that it has.

        Args:
            overlay: what lies over the file.
            number: the version by whose name everything else in it goes.

        Raises:
            ConfigurationError: the two cannot be used together.
        """
        places = {entry: change_name(origin) for entry, origin in self.origins(overlay, number=number).items()}
        return site_with(self.text, overlay, path=self.path, name=change_name(number), places=places)

    def site_in_force(self) -> Site:
        """Give the site with what was approved.

        Raises:
            ConfigurationError: file and overlay cannot be used together.
        """
        return self.site(self.overlay, number=self.approved.number if self.approved else 0)

    def site_of_file(self) -> Site:
        """Give the site as its file says.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        return parse_site(self.text, path=self.path).site

    def site_with_what_fits(self) -> Site:
        """Give the site that a gateway runs which is started now: the file alone where nothing can lie over it.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        try:
            return self.site_in_force()
        except ConfigurationError:
            return self.site_of_file()

    def settings(self) -> Settings:
        """Give the filter settings in force."""
        return lay_over(read_settings(self.text), self.overlay)

    def origins(self, overlay: Mapping[str, Any], *, number: int) -> dict[str, int]:
        """Say which version each entry of an overlay was approved with; `number` for what is not approved yet."""
        origins = dict.fromkeys(entries_of(overlay), number)
        if self.approved is not None:
            held, wanted = entries_of(self.overlay), entries_of(overlay)
            kept = (entry for entry in held.keys() & wanted.keys() if held[entry] == wanted[entry])
            origins |= {entry: self.approved.origins.get(entry, self.approved.number) for entry in kept}
        return origins


def in_force(database: sqlite3.Connection) -> tuple[Version | None, Version | None]:
    """Read the site file in force, and what was approved to lie over it."""
    return read_in_state(database, State.ON_DISK), read_in_state(database, State.APPROVED)


def basis_of(database: sqlite3.Connection) -> Basis:
    """Read what is in force.

    Raises:
        RefusedRequestError: no site file is on record.
    """
    disk, approved = in_force(database)
    if disk is None:
        raise RefusedRequestError(_NO_SITE)
    return Basis(disk.text, Path(disk.path), approved)


def judge_draft(basis: Basis, draft: Version) -> tuple[Sites, Settings]:
    """Judge what a draft holds, as `judge` does."""
    return judge(basis, draft.text, number=draft.number, is_whole=draft.restores is not None)


def judge(basis: Basis, text: str, *, number: int, is_whole: bool = False) -> tuple[Sites, Settings]:
    """Give the filter before and after changes, and the overlay that makes the difference.

    Args:
        basis: what is in force.
        text: the changes, or where `is_whole` all settings as they shall be.
        number: the version that the changes are to be.
        is_whole: whether what is not written shall not be.

    Raises:
        RefusedRequestError: the changes cannot be used.
    """
    held = basis.settings()
    if is_whole:
        wanted = read_settings(text)
    else:
        changes = parse_overlay(text)
        check_removals(held, changes)
        wanted = lay_over(held, changes)
    overlay = overlay_between(read_settings(basis.text), wanted)
    try:
        after = basis.site(overlay, number=number)
    except ConfigurationError as error:
        raise RefusedRequestError(spell_problems(error.problems)) from None
    return _before(basis, after), overlay


def _before(basis: Basis, after: Site) -> Sites:
    """Give the filter before a change: where what was approved cannot lie over the file, that is the file alone."""
    try:
        return Sites(basis.site_in_force(), after)
    except ConfigurationError:
        name = change_name(basis.approved.number if basis.approved else 0)
        remark = f"Until now {name} cannot lie over the site file; with this, what is approved can."
        return Sites(basis.site_of_file(), after, remark)


def change_name(number: int) -> str:
    """Say how people call a change."""
    return f"filter change {number}"
