"""What is in force of the filter, and what would be with a change: the site file and what lies over it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.filter_overlay import (
    Settings,
    check_removals,
    lay_over,
    overlay_between,
    parse_overlay,
    read_settings,
    site_with,
    spell_problems,
)
from agent.site import Site
from agent.storage.filter_rows import State, Version, read_in_state
from rules.errors import ConfigurationError, RefusedRequestError

_NO_SITE: Final = "No site file is on record yet; start the gateway once, so that there is something to change."


@dataclass(frozen=True, slots=True)
class Sites:
    """The filter before and after a change."""

    before: Site
    after: Site


@dataclass(frozen=True, slots=True)
class Basis:
    """What is in force: the site file, and what was approved to lie over it."""

    disk: Version
    approved: Version | None

    @property
    def overlay(self) -> Settings:
        """The settings that lie over those of the file."""
        return read_settings(self.approved.overlay) if self.approved else {}

    def site(self, overlay: Mapping[str, Any], *, name: str) -> Site:
        """Give the site with an overlay.

        Raises:
            ConfigurationError: the two cannot be used together.
        """
        return site_with(self.disk.text, overlay, path=Path(self.disk.path), name=name)

    def site_in_force(self) -> Site:
        """Give the site that the gateway runs.

        Raises:
            ConfigurationError: file and overlay cannot be used together.
        """
        return self.site(self.overlay, name=change_name(self.approved.number if self.approved else 0))

    def settings(self) -> Settings:
        """Give the filter settings in force."""
        return lay_over(read_settings(self.disk.text), self.overlay)


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
    return Basis(disk, approved)


def judge_draft(basis: Basis, draft: Version) -> tuple[Sites, Settings]:
    """Judge what a draft holds, as `judge` does."""
    return judge(basis, draft.text, name=change_name(draft.number), is_whole=draft.restores is not None)


def judge(basis: Basis, text: str, *, name: str, is_whole: bool = False) -> tuple[Sites, Settings]:
    """Give the filter before and after changes, and the overlay that makes the difference.

    Args:
        basis: what is in force.
        text: the changes, or where `is_whole` all settings as they shall be.
        name: what people call the changes.
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
    overlay = overlay_between(read_settings(basis.disk.text), wanted)
    try:
        return Sites(basis.site_in_force(), basis.site(overlay, name=name)), overlay
    except ConfigurationError as error:
        raise RefusedRequestError(spell_problems(error.problems)) from None


def change_name(number: int) -> str:
    """Say how people call a change."""
    return f"filter change {number}"
