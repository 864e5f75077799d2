"""Changes of the filter: drafted by one person and approved by another, or found on disk where nobody approved them.

What was approved lies over the site file as an overlay (`agent.filter_changing.filter_overlay`); the file itself is
never written. Every version stays, so that the filter can be brought back to how it was with any of them.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from agent.filter_changing.filter_acts import (
    APPROVED,
    DRAFTED,
    REFUSED,
    REVIEW_DUE,
    SYSTEM,
    Tell,
    existing,
    file_version,
    hash_of,
    supersede,
    tell_nobody,
)
from agent.filter_changing.filter_basis import Sites, basis_of, judge, judge_draft
from agent.filter_changing.filter_found import record_found
from agent.filter_changing.filter_overlay import lay_over, read_settings, render_settings
from agent.logs import log
from agent.people.attempts import ConflictError, check_length, check_version, known_person, noting
from agent.people.people import People
from agent.sites.site import Site
from agent.storage.filter_rows import Source, State, Version, next_number, read_in_state, read_version
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError, SchoolgateError
from rules.reason import check_reason
from rules.roles import Right, rights_of

LONGEST_REVIEW: Final = timedelta(days=730)
WITHDRAWN: Final = "filter_change_withdrawn"
TRIED: Final = "filter_tried"


class FilterChanges:
    """The service that changes of the filter go through.

    Args:
        store: where acts become permanent.
        people: who is who.
        clock: aware UTC.
        on_change: called after an act that changes the filter; the act stands whatever becomes of the call.
        tell: called within an act (a draft, an approval, a refusal, a file found changed, a review that is due), so
            that messages are queued in the same transaction.
    """

    def __init__(
        self,
        store: StateStore,
        people: People,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[], None] = lambda: None,
        tell: Tell = tell_nobody,
    ) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._on_change = on_change
        self._tell = tell

    # ---- the file ------------------------------------------------------------------------------------------

    def observe(self, text: str, site: Site, *, os_user: str) -> Version | None:
        """Record a site file that has come into force (see `record_found`); gives the version, if it has changed.

        Raises:
            StorageError: nothing was recorded.
        """
        with self._store.act() as act:
            return record_found(act, text, site, os_user=os_user, tell=self._tell)

    # ---- looking -------------------------------------------------------------------------------------------

    def get(self, number: int) -> Version:
        """Give a version.

        Raises:
            UnknownIdError: there is none with this number.
        """
        with self._store.read() as database:
            return existing(database, number)

    def sites_of(self, number: int) -> Sites:
        """Give the filter in force and as it would be with a draft, for a dry run.

        Raises:
            RefusedRequestError: there is no such draft, or it cannot be used any more.
        """
        with self._store.read() as database:
            draft = existing(database, number)
            _check_is_draft(draft)
            return judge_draft(basis_of(database), draft)[0]

    def preview(self, text: str) -> tuple[str, ...]:
        """Say in words what changes would do; nothing is stored.

        Raises:
            RefusedRequestError: they cannot be used, or change nothing.
        """
        return _changes(self.sites_with(text))

    def sites_with(self, text: str) -> Sites:
        """Give the filter in force and as it would be with changes that nobody has drafted yet.

        Raises:
            RefusedRequestError: they cannot be used.
        """
        with self._store.read() as database:
            return judge(basis_of(database), text, number=next_number(database))[0]

    def note_tried(self, person: str, *, version: int | None, names: int) -> None:
        """Record that somebody tried what a change would have meant, of so many names; which ones is not recorded.

        Args:
            version: the number of the draft, if it is one.

        Raises:
            StorageError: nothing was recorded.
        """
        with self._store.act() as act:
            act.note(TRIED, actor=person, subject="" if version is None else str(version), facts={"names": names})

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
            earlier = existing(database, number)
        if earlier.state not in (State.APPROVED, State.SUPERSEDED, State.ON_DISK):
            raise RefusedRequestError(
                f"Version {number} was {earlier.state}, never in force; expected one that the filter ran with."
            )
        return self._draft(person, earlier.in_force, reason=reason, owner=owner, review_on=review_on, restores=number)

    def approve(self, person: str, number: int, *, step: int, reason: str = "") -> Version:
        """Put into force what somebody else drafted.

        Args:
            person: the id of who approves.
            number: that of the draft.
            step: how far it had come when this person saw it (`Version.step`).
            reason: why, where there is more to say.

        Raises:
            RefusedRequestError: this person may not, drafted it, or it is decided or unusable.
            ConflictError: it was decided since this person saw it, or the filter has changed since it was drafted, so
                that it would do something else now.
        """
        check_length(reason)
        with noting(self._store, person, "filter_change_approve", subject=str(number)), self._store.act() as act:
            draft = _draft_of_another(act.database, person, number, step)
            basis = basis_of(act.database)
            sites, overlay = judge_draft(basis, draft)
            if sites.changes != draft.changes:
                raise ConflictError(
                    "The filter has changed since this was drafted, so it would do something else now;"
                    " draft it again."
                )
            approved = replace(
                draft,
                state=State.APPROVED,
                approved_by=person,
                decided_at=act.now,
                decision_reason=reason.strip(),
                overlay=render_settings(overlay),
                origins=basis.origins(overlay, number=number),
                in_force=render_settings(lay_over(read_settings(basis.text), overlay)),
            )
            supersede(act, State.APPROVED)
            facts = {"drafted_by": draft.drafted_by, "in_force_hash": hash_of(approved.in_force)}
            personal = _said(approved)
            file_version(act, approved, APPROVED, actor=person, tell=self._tell, facts=facts, personal=personal)
        self._publish()
        return approved

    def refuse(self, person: str, number: int, *, step: int, reason: str) -> Version:
        """Refuse what somebody else drafted.

        Raises:
            RefusedRequestError: this person may not, drafted it, gives no reason, or it is decided.
            ConflictError: it was decided since this person saw it.
        """
        _need_reason(reason)
        with noting(self._store, person, "filter_change_refuse", subject=str(number)), self._store.act() as act:
            draft = _draft_of_another(act.database, person, number, step)
            refused = replace(draft, state=State.REFUSED, decided_at=act.now, decision_reason=reason.strip())
            return file_version(act, refused, REFUSED, actor=person, tell=self._tell, personal=_said(refused))

    def withdraw(self, person: str, number: int, *, step: int, reason: str = "") -> Version:
        """Take back what this person drafted.

        Raises:
            RefusedRequestError: somebody else drafted it, or it is decided.
            ConflictError: it was decided since this person saw it.
        """
        check_length(reason)
        with noting(self._store, person, "filter_change_withdraw", subject=str(number)), self._store.act() as act:
            known_person(act.database, person)
            draft = existing(act.database, number)
            if draft.drafted_by != person:
                raise RefusedRequestError("Somebody else drafted this; expected to refuse it, not to take it back.")
            check_version(draft.step, step)
            _check_is_draft(draft)
            withdrawn = replace(draft, state=State.WITHDRAWN, decided_at=act.now, decision_reason=reason.strip())
            return file_version(act, withdrawn, WITHDRAWN, actor=person, tell=self._tell, personal=_said(withdrawn))

    # ---- what happens by itself ----------------------------------------------------------------------------

    def remind(self) -> int:
        """Write down once for each version that is at work that its review is due; gives for how many."""
        today = self._clock().date()
        with self._store.read() as database:
            if not _due(database, today):
                return 0
        with self._store.act() as act:
            due = _due(act.database, today)
            for version in due:
                told = replace(version, is_review_told=True)
                file_version(act, told, REVIEW_DUE, actor=SYSTEM, tell=self._tell)
            return len(due)

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
            sites, _ = judge(basis_of(act.database), text, number=number, is_whole=restores is not None)
            draft = Version(
                number=number,
                at=act.now,
                source=Source.API,
                state=State.DRAFTED,
                text=text,
                hash=hash_of(text),
                changes=_changes(sites),
                drafted_by=person,
                reason=reason.strip(),
                review_on=review_on,
                owner=owner,
                restores=restores,
            )
            personal = {"reason": draft.reason}
            return file_version(act, draft, DRAFTED, actor=person, tell=self._tell, personal=personal)

    def _publish(self) -> None:
        """Let the gateway take the change; the act stands whatever becomes of that."""
        try:
            self._on_change()
        except SchoolgateError as error:
            log.error("filter_change_not_published", reason=str(error))


# --- What changes


def _changes(sites: Sites) -> tuple[str, ...]:
    if changes := sites.changes:
        return changes
    raise RefusedRequestError("The filter is like this already; expected a change of it.")


def _said(version: Version) -> dict[str, str] | None:
    return {"reason": version.decision_reason} if version.decision_reason else None


def _due(database: sqlite3.Connection, today: date) -> list[Version]:
    """Give the versions that are at work, whose review is due and of whom nobody was told."""
    approved = read_in_state(database, State.APPROVED)
    if approved is None:
        return []
    at_work = (read_version(database, number) for number in sorted({*approved.origins.values(), approved.number}))
    return [
        each for each in at_work if each and each.review_on and each.review_on <= today and not each.is_review_told
    ]


# --- Checks


def _need_right(database: sqlite3.Connection, person: str, right: Right, what: str) -> None:
    if right not in rights_of(known_person(database, person).roles):
        raise RefusedRequestError(f"None of your roles can {what}.")


def _draft_of_another(database: sqlite3.Connection, person: str, number: int, step: int) -> Version:
    """Give a draft about which this person may decide, as they saw it."""
    _need_right(database, person, Right.APPROVE_FILTER_CHANGE, "decide about a change of the filter")
    draft = existing(database, number)
    if draft.drafted_by == person:
        raise RefusedRequestError("You drafted this change yourself; somebody else has to decide about it.")
    check_version(draft.step, step)
    _check_is_draft(draft)
    return draft


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
