"""A site file that came into force: whoever wrote it, nobody approved it, and the record says so."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from pwd import getpwuid
from typing import Any, Final

from agent.filter_changing.canary_expectation import facts_of_opening
from agent.filter_changing.filter_acts import FOUND, SYSTEM, Tell, file_version, hash_of, supersede
from agent.filter_changing.filter_basis import Basis, change_name, in_force
from agent.filter_changing.filter_overlay import read_settings, render_settings, spell_problems
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.sites.site_diff import diff_sites
from agent.storage.filter_rows import Source, State, Version, next_number, write_version
from agent.storage.state import Act
from rules.errors import ConfigurationError

FIRST_ON_RECORD: Final = "This is the first site file on record."
NOTHING_FOLLOWS: Final = "The site file was written anew; nothing that it sets has changed."
LAID_ASIDE: Final = "filter_change_laid_aside"
LAID_AGAIN: Final = "filter_change_laid_again"
_UNREADABLE: Final = "The site file before this one cannot be read any more, so nobody can say what has changed."


def record_found(act: Act, text: str, site: Site, *, os_user: str, tell: Tell) -> Version | None:
    """Record a site file that has changed since it was last seen; gives the version that it is, if it has.

    Where what was approved cannot lie over the file, the gateway runs the file alone; that is recorded too.

    Args:
        act: the act that this is.
        text: the text of the file.
        site: what it means by itself, checked.
        os_user: the operating system's user to whom the file belongs.
        tell: told within the act.
    """
    before, approved = in_force(act.database)
    basis = Basis(text, Path(site.path), approved)
    fault = _fault_of(basis)
    if approved is not None and approved.fault != fault:
        _record_fault(act, approved, fault)
    if before is not None and before.hash == hash_of(text):
        return None
    supersede(act, State.ON_DISK)
    found = Version(
        number=next_number(act.database),
        at=act.now,
        source=Source.DISK,
        state=State.ON_DISK,
        text=text,
        hash=hash_of(text),
        changes=(*_changes(before, site), *_laid_aside(approved, fault)),
        in_force=render_settings(read_settings(text) if fault else basis.settings()),
        path=site.path,
        os_user=os_user,
    )
    facts = {"approved_by": None, "is_first": before is None} | _openings(before, basis, act.now)
    return file_version(act, found, FOUND, actor=SYSTEM, tell=tell, facts=facts, personal={"os_user": os_user})


def owner_of(path: Path) -> str:
    """Give the operating system's user to whom a file belongs, by number where the user has no name."""
    try:
        number = path.stat().st_uid
    except OSError:
        return "unknown"
    try:
        return getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _changes(before: Version | None, site: Site) -> tuple[str, ...]:
    """Say what is different in a site file that was found."""
    if before is None:
        return (FIRST_ON_RECORD,)
    try:
        earlier = parse_site(before.text, path=Path(before.path)).site
    except ConfigurationError:
        return (_UNREADABLE,)
    return diff_sites(earlier, site) or (NOTHING_FOLLOWS,)


def _openings(before: Version | None, basis: Basis, at: datetime) -> dict[str, Any]:
    """Say what a site file opened that was found; nothing where nobody can say what was in force before it."""
    if before is None:
        return {}
    try:
        earlier = replace(basis, text=before.text, path=Path(before.path)).site_with_what_fits()
    except ConfigurationError:
        return {}
    return facts_of_opening(earlier, basis.site_with_what_fits(), at)


def _fault_of(basis: Basis) -> str:
    """Say why what was approved does not lie over the file; empty where it does, or where nothing was."""
    try:
        basis.site_in_force()
    except ConfigurationError as error:
        return spell_problems(error.problems)
    return ""


def _laid_aside(approved: Version | None, fault: str) -> tuple[str, ...]:
    if approved is None or not fault:
        return ()
    name = change_name(approved.number)
    return (f"What was approved up to {name} cannot lie over this file and is not in force: {fault}",)


def _record_fault(act: Act, approved: Version, fault: str) -> None:
    """Write down that what was approved cannot lie over the site file, or that it can again."""
    write_version(act.database, replace(approved, fault=fault))
    kind, facts = (LAID_ASIDE, {"why": fault}) if fault else (LAID_AGAIN, {})
    act.note(kind, actor=SYSTEM, subject=str(approved.number), facts=facts)
