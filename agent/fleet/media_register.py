"""The register of media: what somebody states of each, what a laptop has proved of it, and what was done with it.

What is stated and what is proved stand side by side, and neither ever takes the place of the other.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from agent.fleet.media_desk import SYSTEM, MediaDesk, called, manages
from agent.people.attempts import check_version, noting
from agent.sites.site import NoticeKind
from agent.storage.media_rows import (
    Proof,
    Which,
    delete_strange_proofs,
    delete_worst,
    read_by_key,
    read_media_by_serial,
    read_proofs,
    read_to_attest,
    read_to_purge,
    write_medium,
    write_proof,
)
from agent.storage.permit_rows import exception_for, read_open_sign_out
from agent.storage.state import Act
from collectors.volume import Crypt, Evidence, worst
from rules.errors import RefusedRequestError
from rules.medium import (
    REMINDED_AFTER_DAYS,
    Medium,
    MediumException,
    MediumKind,
    MediumMove,
    SignOutState,
    Stated,
    check_medium,
    check_said,
    next_medium_state,
    steps_reached,
)
from rules.roles import Role

# What a laptop says that could not tell.
UNCLEAR: Final = (Crypt.UNKNOWN, Crypt.MAYBE_ENCRYPTED)
# So many are dealt with in one act; the rest when it is next looked.
_AT_ONCE: Final = 200
_MAX_EVIDENCES: Final = 8
_MAX_EVIDENCE_CHARACTERS: Final = 120
# So long what was proved of media on no register is kept.
_KEEP_STRANGE: Final = timedelta(days=366)
# What of a medium stands on the record in its own words, and what only beside it.
_FACTS: Final = ("kind", "stated", "holds_personal_data", "is_foreign", "checked_on", "purge_on")
_WORDS: Final = ("owner", "purpose", "place", "label")


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody says of a medium; without an owner it is their own. Vendor and product are USB ids."""

    kind: MediumKind
    purpose: str
    owner: str = ""
    label: str = ""
    place: str = ""
    stated: Stated = Stated.UNKNOWN
    holds_personal_data: bool = False
    is_foreign: bool = False
    checked_on: date | None = None
    purge_on: date | None = None
    vendor: str = ""
    product: str = ""
    serial: str = ""


class MediaRegister:
    """Media as people put them on the register; each method raises `RefusedRequestError` where the rules say no."""

    def __init__(self, desk: MediaDesk) -> None:
        self._desk = desk

    # ---- what people do ------------------------------------------------------------------------------------

    def register(self, person: str, draft: Draft) -> Medium:
        """Put a medium on the register, as one's own or, for whoever manages media, as somebody else's."""
        desk = self._desk
        with noting(desk.store, person, "medium_register"), desk.store.act() as act:
            who = desk.staff(act.database, person)
            owner = draft.owner or who.id
            if owner != who.id:
                desk.manager(act.database, person)
                desk.owner(act.database, owner)
            medium = Medium(
                kind=draft.kind,
                owner=owner,
                purpose=draft.purpose.strip(),
                label=draft.label.strip(),
                place=draft.place.strip(),
                stated=draft.stated,
                holds_personal_data=draft.holds_personal_data,
                is_foreign=draft.is_foreign,
                checked_on=draft.checked_on,
                purge_on=draft.purge_on,
                registered_at=act.now,
                registered_by=who.id,
            )
            check_medium(medium, desk.day_of(act.now))
            if draft.serial or draft.vendor or draft.product:
                medium = self._with_serial(act, medium, draft.vendor, draft.product, draft.serial)
            medium = write_medium(act, medium)
            facts, words = _said(medium, (*_FACTS, *_WORDS))
            facts["has_serial"] = bool(medium.serial_key)
            desk.note(act, "medium_registered", who.id, medium.number, facts=facts, words=words)
            return medium

    def change(self, person: str, number: int, *, version: int, changes: Mapping[str, Any]) -> Medium:
        """Change what is said of a medium.

        Args:
            changes: fields of `Draft`; what is left out stays. Whose it is changes only whoever manages media.
        """
        desk = self._desk
        with noting(desk.store, person, "medium_change", subject=called(number)), desk.store.act() as act:
            who, before = desk.seen(act.database, person, number)
            check_version(before.version, version)
            self._check_own(who.id, before, is_manager=manages(who))
            plain = {name: value for name, value in changes.items() if name in (*_FACTS, *_WORDS)}
            if plain.get("owner", before.owner) != before.owner:
                desk.manager(act.database, person)
                desk.owner(act.database, plain["owner"])
            texts = {name: value.strip() for name, value in plain.items() if name in _WORDS}
            after = replace(before, **plain | texts)
            if {"serial", "vendor", "product"} & changes.keys():
                ids = (changes.get(name, "") for name in ("vendor", "product", "serial"))
                after = self._with_serial(act, after, *ids)
            if after == before:
                raise RefusedRequestError(f"Nothing of {called(number)} would change; expected something new.")
            check_medium(after, desk.day_of(act.now), before=before)
            reminded = before.reminded if after.purge_on == before.purge_on else 0
            changed = [name for name in (*_FACTS, *_WORDS) if getattr(after, name) != getattr(before, name)]
            facts, words = _said(after, changed)
            if after.serial_key != before.serial_key:
                facts["has_serial"] = bool(after.serial_key)
            after = self._moved(after, MediumMove.CHANGE, reminded=reminded)
            write_medium(act, after)
            desk.note(act, "medium_changed", who.id, number, facts=facts, words=words)
            return after

    def purge(self, person: str, number: int, *, version: int, how: str, next_on: date | None = None) -> Medium:
        """State that what was on a medium is deleted, and how.

        Args:
            next_on: when it is to be cleared again, where it is used on.
        """
        desk = self._desk
        with noting(desk.store, person, "medium_purge", subject=called(number)), desk.store.act() as act:
            who, before = desk.seen(act.database, person, number)
            check_version(before.version, version)
            self._check_own(who.id, before, is_manager=manages(who))
            check_said(how, "way in which it was cleared")
            after = self._moved(before, MediumMove.PURGE, reminded=0, purge_on=next_on)
            after = replace(after, holds_personal_data=before.holds_personal_data and next_on is not None)
            check_medium(after, desk.day_of(act.now), before=before)
            write_medium(act, after)
            facts = {"purge_on": _plain(before.purge_on), "next_on": _plain(next_on)}
            desk.note(act, "medium_purged", who.id, number, facts=facts, words={"how": how.strip()})
            return after

    def attest(self, person: str, number: int, *, version: int, how: str) -> Medium:
        """State how one's own medium is protected; that is kept as stated, and proves nothing."""
        desk = self._desk
        with noting(desk.store, person, "medium_attest", subject=called(number)), desk.store.act() as act:
            who, before = desk.seen(act.database, person, number)
            check_version(before.version, version)
            if who.id != before.owner:
                raise RefusedRequestError(f"Only whoever answers for {called(number)} says how it is protected.")
            check_said(how, "way in which it is protected")
            after = self._moved(
                before, MediumMove.ATTEST, attested_at=act.now, attested_by=who.id, attested=how.strip()
            )
            write_medium(act, after)
            desk.note(act, "medium_attested", who.id, number, words={"how": how.strip()})
            return after

    def dispose(self, person: str, number: int, *, version: int, how: str) -> Medium:
        """Take a medium off the register for good, with how it was destroyed or given away."""
        desk = self._desk
        with noting(desk.store, person, "medium_dispose", subject=called(number)), desk.store.act() as act:
            who = desk.manager(act.database, person)
            before = desk.existing(act.database, number)
            check_version(before.version, version)
            permit = read_open_sign_out(act.database, number)
            if permit is not None and permit.state is SignOutState.OUT:
                raise RefusedRequestError(
                    f"{called(number)} is signed out (S-{permit.number}), so it cannot be disposed of; sign it in."
                )
            if permit is not None:
                raise RefusedRequestError(
                    f"Somebody asks to take {called(number)} (S-{permit.number}); refuse that first."
                )
            check_said(how, "way in which it was disposed of")
            after = self._moved(
                before, MediumMove.DISPOSE, disposed_at=act.now, disposed_by=who.id, disposal=how.strip()
            )
            write_medium(act, after)
            desk.note(act, "medium_disposed", who.id, number, words={"how": how.strip()})
            return after

    def find(self, person: str, number: int, *, version: int, where: str) -> Medium:
        """Put a medium that was lost back in its place."""
        desk = self._desk
        with noting(desk.store, person, "medium_find", subject=called(number)), desk.store.act() as act:
            who = desk.manager(act.database, person)
            before = desk.existing(act.database, number)
            check_version(before.version, version)
            check_said(where, "place where it was found")
            after = self._moved(before, MediumMove.FIND)
            write_medium(act, after)
            desk.note(act, "medium_found", who.id, number, words={"where": where.strip()})
            return after

    # ---- what laptops tell ---------------------------------------------------------------------------------

    def serial_key(self, vendor: str, product: str, serial: str) -> str:
        """Give the keyed hash of a serial number, by which a medium is known.

        Raises:
            RefusedRequestError: it is no serial number, or one of the ids is none.
        """
        return self._desk.serials.key(vendor, product, serial)

    def known_key(self, database: sqlite3.Connection, vendor: str, product: str, serial: str) -> str:
        """Give the keyed hash under which a medium stands here; of some, people know the serial number alone.

        Raises:
            RefusedRequestError: as for `serial_key`.
        """
        exact, alone = self.serial_key(vendor, product, serial), self.serial_key("", "", serial)
        medium = read_media_by_serial(database, exact, alone)
        return exact if medium is None else medium.serial_key

    def record_proof(
        self, act: Act, serial_key: str, crypt: Crypt, evidence: Iterable[Evidence], *, device: str, at: datetime
    ) -> None:
        """Keep what a laptop has proved of a medium: the latest, and the worst since its registration.

        Args:
            at: when it was so; an older proof never takes the place of a newer one.
        """
        at = min(at, act.now)
        proof = Proof(crypt.value, at, device, tuple(map(_bounded, list(evidence)[:_MAX_EVIDENCES])))
        medium, known = read_by_key(act.database, serial_key), read_proofs(act.database, serial_key)
        latest, so_far = known.get(Which.LATEST), known.get(Which.WORST)
        if latest is None or at >= latest.at:
            write_proof(act, serial_key, Which.LATEST, proof)
            if medium is not None and (latest is None or latest.crypt != crypt):
                facts = {"crypt": crypt.value, "device": device, "at": at.isoformat()}
                self._desk.note(act, "medium_proved", SYSTEM, medium.number, facts=facts)
        counts = medium is None or at >= medium.registered_at
        if counts and (so_far is None or worst((crypt, Crypt(so_far.crypt))) is not Crypt(so_far.crypt)):
            write_proof(act, serial_key, Which.WORST, proof)

    def exception_for(self, database: sqlite3.Connection, serial_key: str, at: datetime) -> MediumException | None:
        """Give the exception that lets a medium pass at an instant, if there is one."""
        return exception_for(database, serial_key, at)

    # ---- what happens by itself ----------------------------------------------------------------------------

    def sweep(self) -> int:
        """Remind of what should have been cleared, and ask how protected it is what nobody could tell of."""
        today = self._desk.day_of(self._desk.store.clock())
        with self._desk.store.read() as database:
            is_due = any(_is_due(each, today) for each in read_to_purge(database, today))
            is_due = is_due or bool(read_to_attest(database, UNCLEAR))
        if not is_due:
            return 0
        with self._desk.store.act() as act:
            late = [each for each in read_to_purge(act.database, today) if _is_due(each, today)][:_AT_ONCE]
            for medium in late:
                self._remind(act, medium, today)
            unclear = read_to_attest(act.database, UNCLEAR)[:_AT_ONCE]
            for medium in unclear:
                self._ask(act, medium)
        return len(late) + len(unclear)

    def keep(self) -> int:
        """Delete what was proved long ago of media that nobody registered."""
        with self._desk.store.act() as act:
            return delete_strange_proofs(act, act.now - _KEEP_STRANGE)

    def _remind(self, act: Act, medium: Medium, today: date) -> None:
        if medium.purge_on is None:
            return
        reached = steps_reached(medium.purge_on, today)
        write_medium(act, replace(medium, reminded=reached))
        facts = {"purge_on": medium.purge_on.isoformat(), "step": reached}
        self._desk.note(act, "medium_purge_due", SYSTEM, medium.number, facts=facts)
        roles = {Role.ICT_COORDINATOR} | ({Role.HEAD_TEACHER} if reached == len(REMINDED_AFTER_DAYS) else set())
        self._desk.tell(
            act,
            NoticeKind.MEDIA_PURGE_DUE,
            called(medium.number),
            on=medium.purge_on,
            people=(medium.owner,),
            roles=roles,
        )

    def _ask(self, act: Act, medium: Medium) -> None:
        write_medium(act, replace(medium, attestation_asked_at=act.now))
        self._desk.note(act, "medium_attestation_asked", SYSTEM, medium.number)
        self._desk.tell(act, NoticeKind.MEDIA_ATTEST, called(medium.number), people=(medium.owner,))

    # ---- parts of each -------------------------------------------------------------------------------------

    def _moved(self, medium: Medium, move: MediumMove, **changes: Any) -> Medium:
        state = next_medium_state(medium, move)
        return replace(medium, state=state, version=medium.version + 1, **changes)

    def _check_own(self, person: str, medium: Medium, *, is_manager: bool) -> None:
        if medium.owner != person and not is_manager:
            raise RefusedRequestError(
                f"Only whoever answers for {called(medium.number)}, or manages media, changes what is said of it."
            )

    def _with_serial(self, act: Act, medium: Medium, vendor: str, product: str, serial: str) -> Medium:
        """Give a medium with the keyed hash of a serial number; the worst that is proved counts from now on."""
        if bool(vendor) != bool(product):
            raise RefusedRequestError("Found one of vendor and product; expected both, or none of them.")
        exact, alone = self.serial_key(vendor, product, serial), self.serial_key("", "", serial)
        known = read_media_by_serial(act.database, exact, alone)
        if known is not None and known.number != medium.number:
            raise RefusedRequestError(
                f"A medium with this serial number stands on the register as {called(known.number)};"
                " expected another one."
            )
        if exact != medium.serial_key:
            delete_worst(act, exact)
        return replace(medium, serial_key=exact, serial_only=alone)


def _is_due(medium: Medium, today: date) -> bool:
    return medium.purge_on is not None and steps_reached(medium.purge_on, today) > medium.reminded


def _said(medium: Medium, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give what is said of a medium, for the record and apart from it."""
    chosen = tuple(names)
    facts = {name: _plain(getattr(medium, name)) for name in chosen if name in _FACTS}
    return facts, {name: getattr(medium, name) for name in chosen if name in _WORDS}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _bounded(evidence: Evidence) -> Mapping[str, str]:
    """Give evidence as it is kept: short, and nothing but text."""
    fields = {"source": evidence.source, "value": evidence.value, "privilege": evidence.privilege}
    return {name: _readable(text) for name, text in fields.items()}


def _readable(text: str) -> str:
    whole = text[:_MAX_EVIDENCE_CHARACTERS].encode("utf-8", "replace").decode()
    return "".join(each if each.isprintable() else " " for each in whole)
