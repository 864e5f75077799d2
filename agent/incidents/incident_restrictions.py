"""Restricted access as a step of an incident: a real profile in the filter, with an end and the minimum left."""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from agent.incidents.incident_desk import SYSTEM, Desk
from agent.logs import log
from agent.people.attempts import UnknownIdError, check_version
from agent.storage.incident_rows import Filed
from agent.storage.restriction_rows import (
    Restriction,
    read_restriction,
    read_restrictions,
    read_running,
    write_restriction,
)
from agent.storage.state import Act
from agent.storage.step_rows import read_step
from agent.storage.timeline_rows import Entry
from rules.errors import RefusedRequestError, SchoolgateError
from rules.incident import State
from rules.reason import check_words
from rules.restriction import LONGEST
from rules.sanction import Step

BEGUN: Final = "incident_access_restricted"
ENDED: Final = "incident_access_restored"
MAX_DEVICES: Final = 20


class Restrictions:
    """What is taken away for a while; errors as for steps.

    Args:
        on_change: called after an act that changes what is open; the act stands whatever becomes of the call.
    """

    def __init__(self, desk: Desk, *, on_change: Callable[[], None]) -> None:
        self._desk = desk
        self._on_change = on_change

    def of(self, person: str, incident_id: str) -> list[Restriction]:
        """Give the restrictions that follow from an incident."""
        desk = self._desk
        with desk.attempt(person, "restrictions", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            desk.reader_or_owner(database, person, filed.incident)
            return read_restrictions(database, incident_id)

    def begin(
        self,
        person: str,
        incident_id: str,
        number: int,
        *,
        until_at: datetime,
        review_on: date,
        reason: str,
        groups: Collection[str] = (),
        devices: Collection[str] = (),
        seen: int | None = None,
    ) -> Restriction:
        """Restrict the access of groups or devices as a step says; the step itself is then to be marked done.

        Args:
            number: that of the step.
            review_on: when somebody looks again whether it is still needed.
            seen: how many restrictions of the step this person saw, where it is known.
        """
        desk = self._desk
        with desk.attempt(person, "restrict", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader_or_owner(act.database, person, filed.incident, step=number)
            self._check_step(act.database, filed, number)
            if seen is not None:
                found = read_restrictions(act.database, incident_id)
                check_version(sum(each.step == number for each in found), seen)
            restriction = Restriction(
                id=desk.new_id(),
                incident=incident_id,
                step=number,
                groups=frozenset(groups),
                devices=frozenset(device.strip().lower() for device in devices),
                from_at=act.now,
                until_at=until_at,
                review_on=review_on,
            )
            self._check(restriction, act.now, reason)
            write_restriction(act, restriction)
            facts = {"restriction": restriction.id, "step": number}
            entry = Entry(act.now, BEGUN, person, facts, {"reason": reason.strip()})
            desk.enter(act, filed, BEGUN, entry, facts=facts)
        self._publish()
        return restriction

    def end(self, person: str, restriction_id: str, *, reason: str) -> Restriction:
        """Give access back before its time."""
        desk = self._desk
        with desk.store.read() as database:
            found = read_restriction(database, restriction_id)
        if found is None:
            raise UnknownIdError("There is no restriction with that id that you may end.")
        with desk.attempt(person, "restore", found.incident), desk.store.act() as act:
            filed = desk.existing(act.database, found.incident)
            desk.reader_or_owner(act.database, person, filed.incident, step=found.step)
            found = read_restriction(act.database, restriction_id) or found
            if found.ended_at is not None:
                raise RefusedRequestError("This restriction is over already.")
            if fault := check_words(reason, "reason"):
                raise RefusedRequestError(fault)
            found = _end(desk, act, filed, found, person, reason=reason.strip())
        self._publish()
        return found

    def sweep(self) -> int:
        """Write down which restrictions the clock has ended; gives how many."""
        desk, now, done = self._desk, self._desk.clock(), 0
        with desk.store.read() as database:
            over = [each for each in read_running(database) if each.until_at <= now]
        for each in over:
            with desk.store.act() as act:
                current = read_restriction(act.database, each.id)
                if current is not None and current.ended_at is None:
                    _end(desk, act, desk.existing(act.database, each.incident), current, SYSTEM)
                    done += 1
        if done:
            self._publish()
        return done

    def _check_step(self, database: sqlite3.Connection, filed: Filed, number: int) -> None:
        step = read_step(database, filed.incident.id, number)
        if filed.incident.state is not State.ACCEPTED or step is None or step.step is not Step.RESTRICT:
            raise RefusedRequestError(
                "Access is restricted by a step of an accepted incident; expected the number of a step that says so."
            )

    def _check(self, restriction: Restriction, now: datetime, reason: str) -> None:
        if fault := check_words(reason, "reason"):
            raise RefusedRequestError(fault)
        if restriction.until_at.tzinfo is None or not now < restriction.until_at <= now + LONGEST:
            raise RefusedRequestError(
                f"A restriction ends; expected an instant with its time zone within {LONGEST.days} days from now."
            )
        if not self._desk.day_of(now) <= restriction.review_on <= self._desk.day_of(restriction.until_at):
            raise RefusedRequestError(
                "Somebody looks at it again before it ends; expected such a day for the review."
            )
        known = {group.name for group in self._desk.site().groups}
        if unknown := sorted(restriction.groups - known):
            raise RefusedRequestError(f"The site has no group {unknown[0][:40]!r}; expected one that it names.")
        if not restriction.groups and not restriction.devices:
            raise RefusedRequestError("This would restrict nobody; expected a group of the site, or a device.")
        if len(restriction.devices) > MAX_DEVICES or not all(map(_is_device, restriction.devices)):
            raise RefusedRequestError(
                f"Found devices that cannot be told; expected at most {MAX_DEVICES}, each by its address or the name"
                " that the network knows it by."
            )

    def _publish(self) -> None:
        """Let the gateway take the change; the act stands whatever becomes of that."""
        try:
            self._on_change()
        except SchoolgateError as error:
            log.error("policy_not_published", reason=str(error))


def end_restrictions(desk: Desk, act: Act, filed: Filed, person: str) -> int:
    """End every restriction that follows from an incident; gives how many there were."""
    running = [each for each in read_restrictions(act.database, filed.incident.id) if each.ended_at is None]
    for each in running:
        _end(desk, act, filed, each, person)
    return len(running)


def _end(
    desk: Desk, act: Act, filed: Filed, restriction: Restriction, person: str, *, reason: str = ""
) -> Restriction:
    ended_at = min(act.now, restriction.until_at)
    ended = replace(restriction, ended_at=ended_at, ended_by=person)
    write_restriction(act, ended)
    facts = {"restriction": restriction.id, "step": restriction.step}
    personal = {"reason": reason} if reason else None
    desk.enter(act, filed, ENDED, Entry(act.now, ENDED, person, facts, personal), facts=facts)
    return ended


def _is_device(device: str) -> bool:
    return 0 < len(device) <= 64 and device.isascii() and device.isprintable() and " " not in device
