"""Changes of the filter: drafted by one person and approved by another, or found on disk where nobody approved them.

What was approved lies over the site file as an overlay (`agent.filter_overlay`); the file itself is never written.
Every version stays, so that the filter can be brought back to how it was with any of them.
"""

import builtins
import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from pwd import getpwuid
from typing import Any, Final

from agent.attempts import ConflictError, UnknownIdError, check_length, known_person, noting
from agent.config import parse_site
from agent.filter_basis import Basis, Sites, basis_of, change_name, in_force, judge, judge_draft
from agent.filter_overlay import (
    lay_over,
    read_settings,
    render_settings,
)
from agent.logs import log
from agent.people import People
from agent.site import Site
from agent.site_diff import diff_sites
from agent.storage.filter_rows import (
    MAX_LISTED,
    Source,
    State,
    Version,
    next_number,
    read_in_state,
    read_version,
    read_versions,
    write_version,
)
from agent.storage.state import Act, StateStore
from rules.errors import ConfigurationError, RefusedRequestError, SchoolgateError
from rules.reason import check_reason
from rules.roles import Right, rights_of

SYSTEM: Final = "system"
LONGEST_REVIEW: Final = timedelta(days=730)
# The record holds so many sentences of a diff for ever; the version holds all of them.
RECORDED_CHANGES: Final = 50
FIRST_ON_RECORD: Final = "This is the first site file on record."
NOTHING_FOLLOWS: Final = "The site file was written anew; nothing that it sets has changed."
_UNREADABLE: Final = "The site file before this one cannot be read any more, so nobody can say what has changed."


@dataclass(frozen=True, slots=True)
class Observed:
    """What the gateway is to run: the site with what was approved; `version` where the file was found changed."""

    site: Site
    version: Version | None = None


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


class FilterChanges:
    """The service that changes of the filter go through.

    Args:
        store: where acts become permanent.
        people: who is who.
        clock: aware UTC.
        on_change: called after an act that changes the filter; the act stands whatever becomes of the call.
    """

    def __init__(
        self,
        store: StateStore,
        people: People,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._on_change = on_change

    # ---- the file ------------------------------------------------------------------------------------------

    def observe(self, site_text: str, site: Site, *, os_user: str) -> Observed:
        """Record a site file that has changed since it was last seen, and give the site to run.

        Args:
            site_text: the text of the file.
            site: what it means by itself, checked.
            os_user: the operating system's user to whom the file belongs.

        Raises:
            ConfigurationError: what was approved cannot lie over this file; nothing is recorded.
            StorageError: nothing was recorded.
        """
        with self._store.act() as act:
            before, approved = in_force(act.database)
            found = Version(
                number=next_number(act.database),
                at=act.now,
                source=Source.DISK,
                state=State.ON_DISK,
                text=site_text,
                hash=_hash(site_text),
                changes=_found_changes(before, site),
                path=site.path,
                os_user=os_user,
            )
            now = Basis(found, approved)
            running = now.site_in_force() if approved else site
            if before is not None and before.hash == found.hash:
                return Observed(running)
            found = replace(found, in_force=render_settings(now.settings()))
            _supersede(act, State.ON_DISK)
            write_version(act.database, found)
            act.note(
                "filter_changed_on_disk",
                actor=SYSTEM,
                subject=str(found.number),
                facts=_facts(found) | {"approved_by": None, "is_first": before is None},
                personal={"os_user": os_user},
            )
        return Observed(running, found)

    # ---- looking -------------------------------------------------------------------------------------------

    def get(self, number: int) -> Version:
        """Give a version.

        Raises:
            UnknownIdError: there is none with this number.
        """
        with self._store.read() as database:
            return _existing(database, number)

    def list(
        self, *, states: Iterable[State] = tuple(State), limit: int = MAX_LISTED, offset: int = 0
    ) -> "builtins.list[Version]":
        """Give versions, the newest first."""
        with self._store.read() as database:
            return read_versions(database, states=states, limit=limit, offset=offset)

    def sites_of(self, number: int) -> Sites:
        """Give the filter in force and as it would be with a draft, for a dry run.

        Raises:
            RefusedRequestError: there is no such draft, or it cannot be used any more.
        """
        with self._store.read() as database:
            draft = _existing(database, number)
            _check_is_draft(draft)
            return judge_draft(basis_of(database), draft)[0]

    def preview(self, text: str) -> tuple[str, ...]:
        """Say in words what changes would do; nothing is stored.

        Raises:
            RefusedRequestError: they cannot be used, or change nothing.
        """
        with self._store.read() as database:
            sites, _ = judge(basis_of(database), text, name=change_name(next_number(database)))
        return _changes(sites)

    # ---- changing ------------------------------------------------------------------------------------------

    def draft(self, person: str, text: str, *, reason: str, owner: str, review_on: date) -> Version:
        """Draft changes, for somebody else to approve.

        Args:
            person: the id of who drafts.
            text: the changes as YAML: parts of a site as they shall be, `null` for what shall go.
            reason: why, in a sentence.
            owner: the id of who answers for the change.
            review_on: when the change is looked at again.

        Raises:
            RefusedRequestError: this person may not draft, or something is wrong with what was written.
        """
        return self._draft(person, text, reason=reason, owner=owner, review_on=review_on, restores=None)

    def roll_back(self, person: str, number: int, *, reason: str, owner: str, review_on: date) -> Version:
        """Draft the way back to the settings that were in force with an earlier version.

        Raises:
            RefusedRequestError: as for `draft`; also where that version was never in force.
        """
        with self._store.read() as database:
            earlier = _existing(database, number)
        if earlier.state not in (State.APPROVED, State.SUPERSEDED, State.ON_DISK):
            raise RefusedRequestError(
                f"Version {number} was {earlier.state}, never in force; expected one that the filter ran with."
            )
        return self._draft(person, earlier.in_force, reason=reason, owner=owner, review_on=review_on, restores=number)

    def approve(self, person: str, number: int) -> Version:
        """Put into force what somebody else drafted.

        Raises:
            RefusedRequestError: this person may not, drafted it, or it is decided or unusable.
            ConflictError: the filter has changed since, and the draft would do something else now.
        """
        with noting(self._store, person, "filter_change_approve", subject=str(number)), self._store.act() as act:
            draft = _draft_of_another(act.database, person, number)
            basis = basis_of(act.database)
            sites, overlay = judge_draft(basis, draft)
            if diff_sites(sites.before, sites.after) != draft.changes:
                raise ConflictError(
                    "The filter has changed since this was drafted, so it would do something else now;"
                    " draft it again."
                )
            approved = replace(
                draft,
                state=State.APPROVED,
                approved_by=person,
                decided_at=act.now,
                overlay=render_settings(overlay),
                in_force=render_settings(lay_over(read_settings(basis.disk.text), overlay)),
            )
            _supersede(act, State.APPROVED)
            write_version(act.database, approved)
            facts = _facts(approved) | {"drafted_by": draft.drafted_by, "in_force_hash": _hash(approved.in_force)}
            act.note("filter_change_approved", actor=person, subject=str(number), facts=facts)
        self._publish()
        return approved

    def refuse(self, person: str, number: int, *, reason: str) -> Version:
        """Refuse what somebody else drafted.

        Raises:
            RefusedRequestError: this person may not, drafted it, gives no reason, or it is decided.
        """
        _need_reason(reason)
        with noting(self._store, person, "filter_change_refuse", subject=str(number)), self._store.act() as act:
            draft = _draft_of_another(act.database, person, number)
            return _close(act, draft, State.REFUSED, person, reason.strip())

    def withdraw(self, person: str, number: int) -> Version:
        """Take back what this person drafted.

        Raises:
            RefusedRequestError: somebody else drafted it, or it is decided.
        """
        with noting(self._store, person, "filter_change_withdraw", subject=str(number)), self._store.act() as act:
            known_person(act.database, person)
            draft = _existing(act.database, number)
            if draft.drafted_by != person:
                raise RefusedRequestError("Somebody else drafted this; expected to refuse it, not to take it back.")
            _check_is_draft(draft)
            return _close(act, draft, State.WITHDRAWN, person, "")

    # ---- parts of every act --------------------------------------------------------------------------------

    def _draft(
        self, person: str, text: str, *, reason: str, owner: str, review_on: date, restores: int | None
    ) -> Version:
        with noting(self._store, person, "filter_change_draft"), self._store.read() as database:
            _need_right(database, person, Right.DRAFT_FILTER_CHANGE, "draft a change of the filter")
        _need_reason(reason)
        _check_review(review_on, self._clock().date())
        answers = self._people.get(owner)
        if answers is None or answers.closed:
            raise RefusedRequestError("The owner is nobody at this school; expected the id of somebody who is.")
        with self._store.act() as act:
            number = next_number(act.database)
            sites, _ = judge(basis_of(act.database), text, name=change_name(number), is_whole=restores is not None)
            draft = Version(
                number=number,
                at=act.now,
                source=Source.API,
                state=State.DRAFTED,
                text=text,
                hash=_hash(text),
                changes=_changes(sites),
                drafted_by=person,
                reason=reason.strip(),
                review_on=review_on,
                owner=owner,
                restores=restores,
            )
            write_version(act.database, draft)
            act.note(
                "filter_change_drafted",
                actor=person,
                subject=str(number),
                facts=_facts(draft),
                personal={"reason": draft.reason},
            )
        return draft

    def _publish(self) -> None:
        """Let the gateway take the change; the act stands whatever becomes of that."""
        try:
            self._on_change()
        except SchoolgateError as error:
            log.error("filter_change_not_published", reason=str(error))


# --- What changes


def _changes(sites: Sites) -> tuple[str, ...]:
    if changes := diff_sites(sites.before, sites.after):
        return changes
    raise RefusedRequestError("The filter is like this already; expected a change of it.")


def _found_changes(before: Version | None, site: Site) -> tuple[str, ...]:
    """Say what is different in a site file that was found."""
    if before is None:
        return (FIRST_ON_RECORD,)
    try:
        earlier = parse_site(before.text, path=Path(before.path)).site
    except ConfigurationError:
        return (_UNREADABLE,)
    return diff_sites(earlier, site) or (NOTHING_FOLLOWS,)


# --- Checks


def _need_right(database: sqlite3.Connection, person: str, right: Right, what: str) -> None:
    if right not in rights_of(known_person(database, person).roles):
        raise RefusedRequestError(f"None of your roles can {what}.")


def _draft_of_another(database: sqlite3.Connection, person: str, number: int) -> Version:
    """Give a draft about which this person may decide."""
    _need_right(database, person, Right.APPROVE_FILTER_CHANGE, "decide about a change of the filter")
    draft = _existing(database, number)
    if draft.drafted_by == person:
        raise RefusedRequestError("You drafted this change yourself; somebody else has to decide about it.")
    _check_is_draft(draft)
    return draft


def _existing(database: sqlite3.Connection, number: int) -> Version:
    version = read_version(database, number)
    if version is None:
        raise UnknownIdError("There is no version of the filter with that number.")
    return version


def _check_is_draft(version: Version) -> None:
    if version.state is not State.DRAFTED:
        state = version.state.replace("_", " ")
        raise RefusedRequestError(f"Version {version.number} is {state}; expected one that waits for a decision.")


def _need_reason(reason: str) -> None:
    check_length(reason)
    if fault := check_reason(reason):
        raise RefusedRequestError(fault)


def _check_review(review_on: date, today: date) -> None:
    if not today < review_on <= today + LONGEST_REVIEW:
        raise RefusedRequestError(
            f"The review is on {review_on}; expected a day after today and within {LONGEST_REVIEW.days} days."
        )


# --- Writing


def _supersede(act: Act, state: State) -> None:
    """Put out of force what a new version takes the place of."""
    if (version := read_in_state(act.database, state)) is not None:
        write_version(act.database, replace(version, state=State.SUPERSEDED))


def _close(act: Act, draft: Version, state: State, person: str, reason: str) -> Version:
    closed = replace(draft, state=state, decided_at=act.now, decision_reason=reason)
    write_version(act.database, closed)
    personal = {"reason": reason} if reason else None
    kind = f"filter_change_{state.value}"
    act.note(kind, actor=person, subject=str(draft.number), facts=_facts(closed), personal=personal)
    return closed


def _facts(version: Version) -> dict[str, Any]:
    return {
        "source": version.source.value,
        "hash": version.hash,
        "changes": list(version.changes[:RECORDED_CHANGES]),
        "changes_in_all": len(version.changes),
        "owner": version.owner,
        "review_on": version.review_on.isoformat() if version.review_on else None,
        "restores": version.restores,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
