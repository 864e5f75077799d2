"""Who may join the fleet: tokens, laptops that enrol by them, and people who compare a code and decide.

One token lets one laptop in. A token for several, a laptop that comes with another key than before, and one that was
refused or taken off the list wait for a person, who types the six digits that the laptop shows.

The key in use stays valid until a person has approved another one: whoever holds a token cannot silence a laptop.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.endpoint.enrolment_wire import (
    SECRET_BYTES,
    EnrolmentRequest,
    SignedEnrolment,
    approval_code,
    token_key,
    token_text,
)
from agent.endpoint.enrolment_wire import Token as TokenText
from agent.fleet.device_errors import RefusedDeviceError
from agent.fleet.fleet_devices import FleetDevices, Signer
from agent.people.attempts import UnknownIdError, check_version, known_person, noting
from agent.people.people import fault_of_text
from agent.storage.fleet_rows import (
    Device,
    DeviceKey,
    DeviceState,
    EnrolmentToken,
    FindingKind,
    KeyState,
    delete_ended_keys,
    read_device,
    read_device_of_key,
    read_device_of_machine,
    read_token,
    read_tokens,
    write_device,
    write_finding,
    write_token,
)
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError

USUAL_LIFETIME: Final = timedelta(hours=72)
LONGEST_LIFETIME: Final = timedelta(days=30)
MAX_USES: Final = 200
MAX_REASON_CHARACTERS: Final = 400
# What is tried again and again with one token stands on record once in so long.
NOTED_AGAIN: Final = timedelta(hours=1)
_SYSTEM: Final = "system"
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_BAD_TOKEN: Final = (
    "This token is not known here, was used up or has ended; whoever manages devices can make another."  # noqa: S105 (a sentence)
)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as it is handed over: the text is shown once, and nobody can show it again."""

    id: str
    text: str
    ends_at: datetime
    uses: int


class EnrolmentDesk:
    """Enrolments on record; every change is an act with its row.

    Args:
        pin: gives the hash of the gateway's own TLS key, which stands in every token.
        ack_key: gives the public key that laptops know the gateway's answers by.
    """

    def __init__(
        self,
        store: StateStore,
        devices: FleetDevices,
        *,
        pin: str,
        ack_key: Callable[[], Ed25519PublicKey],
        new_id: Callable[[], str],
        new_secret: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._devices = devices
        self._pin = pin
        self._ack_key = ack_key
        self._new_id = new_id
        self._new_secret = new_secret
        self._noted: dict[tuple[str, str], datetime] = {}

    # ---- tokens --------------------------------------------------------------------------------------------

    def issue(
        self,
        actor: str,
        label: str,
        *,
        uses: int = 1,
        lifetime: timedelta = USUAL_LIFETIME,
        owner: str | None = None,
    ) -> IssuedToken:
        """Make a token.

        Args:
            label: which laptop or laptops it is for.
            owner: the id of whose laptop it is.

        Raises:
            RefusedRequestError: no label, too long a life, too many uses, or nobody by this id.
        """
        if fault := fault_of_text(label):
            what = fault.replace("a name", "which laptop it is for")
            raise RefusedRequestError(f"The label of a token cannot be used: {what}.")
        if not 1 <= uses <= MAX_USES:
            raise RefusedRequestError(f"Found {uses} uses; expected 1 to {MAX_USES}.")
        if not timedelta(minutes=1) <= lifetime <= LONGEST_LIFETIME:
            raise RefusedRequestError("Found another time to live; expected one minute to 30 days.")
        secret = self._new_secret(SECRET_BYTES)
        token_id = "".join(_LETTERS[octet % len(_LETTERS)] for octet in self._new_secret(10))
        with self._store.act() as act:
            if owner is not None:
                known_person(act.database, owner)
            token = EnrolmentToken(
                id=token_id,
                key=token_key(secret),
                label=label,
                owner=owner,
                uses=uses,
                uses_left=uses,
                created_by=actor,
                created_at=act.now,
                ends_at=act.now + lifetime,
            )
            write_token(act.database, token)
            facts = {"token": token.id, "uses": uses, "ends_at": token.ends_at.isoformat()}
            act.note("device_token_issued", actor=actor, facts=facts, personal={"label": label, "owner": owner})
        return IssuedToken(token.id, token_text(TokenText(token.id, secret, self._pin)), token.ends_at, uses)

    def tokens(self) -> list[EnrolmentToken]:
        """Give every token, the newest first."""
        with self._store.read() as database:
            return read_tokens(database)

    def end_token(self, actor: str, token_id: str) -> None:
        """End a token at once; a second time changes nothing.

        Raises:
            UnknownIdError: there is no such token.
        """
        with self._store.act() as act:
            token = read_token(act.database, token_id)
            if token is None:
                raise UnknownIdError("There is no token for laptops with this id.")
            if token.key is not None:
                ended = replace(token, key=None, uses_left=0, ends_at=min(token.ends_at, act.now))
                write_token(act.database, ended)
                act.erases = True
                act.note("device_token_ended", actor=actor, facts={"token": token.id})

    def sweep(self) -> None:
        """Delete the keys of tokens that have ended."""
        with self._store.read() as database:
            query = "SELECT 1 FROM enrolment_tokens WHERE key IS NOT NULL AND ends_at <= ? LIMIT 1"
            due = database.execute(query, (self._store.clock().isoformat(timespec="microseconds"),)).fetchone()
        if due is not None:
            with self._store.act() as act:
                act.erases = True
                ended = delete_ended_keys(act.database, act.now)
                act.note("device_tokens_ended", actor=_SYSTEM, facts={"tokens": ended})

    # ---- laptops -------------------------------------------------------------------------------------------

    def enrol(self, signed: SignedEnrolment) -> DeviceKey:
        """Let a laptop in, or let it wait; gives its key with the device that it belongs to.

        The same laptop with the same key gets the same answer again: its reply may have been lost.

        Raises:
            RefusedDeviceError: the token is none, was used up or has ended, or the key is another laptop's.
        """
        request = signed.request
        public_key = request.key.public_bytes_raw()
        refused: RefusedDeviceError | None = None
        with self._store.act() as act:
            token = read_token(act.database, request.token_id)
            if token is None or token.key is None or not signed.verify(token.key):
                raise RefusedDeviceError("bad-token", _BAD_TOKEN)
            owned_by = read_device_of_key(act.database, public_key)
            if owned_by is not None and owned_by.machine != request.machine:
                refused = self._note_clone(act, owned_by)
            elif owned_by is not None:
                return _key_again(owned_by, public_key)
            elif token.uses_left < 1 or token.ends_at <= act.now:
                why = "used_up" if token.uses_left < 1 else "ended"
                if self._is_news(token.id, why, act.now):
                    facts = {"token": token.id, "why": why}
                    act.note("device_enrolment_refused", actor=_SYSTEM, facts=facts)
                refused = RefusedDeviceError("bad-token", _BAD_TOKEN)
            else:
                key = self._take_in(act, token, request, public_key)
        self._devices.refresh()
        if refused is not None:
            raise refused
        return key

    def rotate(self, signer: Signer, public_key: bytes) -> None:
        """Put a new key in the place of the one that signed for it; the same again changes nothing.

        Raises:
            RefusedDeviceError: the key that signed is not in use, or the new one is or was somebody's.
        """
        with self._store.act() as act:
            device = read_device(act.database, signer.device.id)
            active = None if device is None else device.key_in(KeyState.ACTIVE)
            if device is None or active is None:
                raise RefusedDeviceError("device-revoked", "This laptop has no key in use that could be changed.")
            if active.public_key == public_key:
                return
            if active.public_key != signer.key.public_key:
                raise RefusedDeviceError(
                    "bad-signature", "This key of the laptop has ended; another one took its place."
                )
            if read_device_of_key(act.database, public_key) is not None:
                raise RefusedDeviceError("key-in-use", "This key was used before; expected one that is new.")
            ended = replace(active, state=KeyState.ENDED, ended_at=act.now)
            new = DeviceKey(public_key, device.id, KeyState.ACTIVE, active.token, act.now)
            write_device(act.database, replace(device, version=device.version + 1, keys=(ended, new)))
            act.note("device_key_rotated", actor=_SYSTEM, subject=device.id, facts={"key": public_key.hex()})
        self._devices.refresh()

    def _take_in(self, act: Act, token: EnrolmentToken, request: EnrolmentRequest, public_key: bytes) -> DeviceKey:
        write_token(act.database, replace(token, uses_left=token.uses_left - 1))
        known = read_device_of_machine(act.database, request.machine)
        is_active = known is None and token.uses == 1
        device = known or Device(
            id=self._new_id(),
            version=0,
            state=DeviceState.ACTIVE if is_active else DeviceState.PENDING,
            label=token.label,
            owner=token.owner,
            machine=request.machine,
            host=dict(request.host),
            enrolled_at=act.now,
        )
        key = DeviceKey(public_key, device.id, KeyState.ACTIVE if is_active else KeyState.PENDING, token.id, act.now)
        waiting = (replace(old, state=KeyState.ENDED, ended_at=act.now) for old in device.keys if _waits(old))
        state = device.state if device.state is DeviceState.ACTIVE else DeviceState.PENDING
        state = DeviceState.ACTIVE if is_active else state
        changed = replace(device, version=device.version + 1, state=state, keys=(*waiting, key))
        write_device(act.database, changed)
        facts = {"token": token.id, "state": key.state.value, "key": public_key.hex()}
        personal = {"host": dict(request.host), "owner": token.owner}
        act.note("device_enrolled", actor=_SYSTEM, subject=device.id, facts=facts, personal=personal)
        if known is not None:
            was = {"was": known.state.value, "key": public_key.hex()}
            act.note("device_key_changed", actor=_SYSTEM, subject=device.id, facts=was)
            write_finding(act.database, device.id, FindingKind.KEY_CHANGED, at=act.now, facts=was)
        return key

    def _note_clone(self, act: Act, device: Device) -> RefusedDeviceError:
        if self._is_news(device.id, "clone", act.now):
            facts = {"where": "enrolment"}
            act.note("device_clone_suspected", actor=_SYSTEM, subject=device.id, facts=facts)
            write_finding(act.database, device.id, FindingKind.CLONE_SUSPECTED, at=act.now, facts=facts)
        return RefusedDeviceError(
            "clone-suspected",
            "This key belongs to another laptop; a copied disk needs a key of its own before it can enrol.",
        )

    def _is_news(self, what: str, why: str, now: datetime) -> bool:
        before = self._noted.get((what, why))
        if before is not None and now - before < NOTED_AGAIN:
            return False
        self._noted[what, why] = now
        return True

    # ---- people --------------------------------------------------------------------------------------------

    def code_of(self, device: Device) -> str | None:
        """Give the six digits that a laptop that waits shows as well."""
        key = device.key_in(KeyState.PENDING)
        if key is None:
            return None
        return approval_code(Ed25519PublicKey.from_public_bytes(key.public_key), self._ack_key(), device.id)

    def approve(self, actor: str, device_id: str, *, version: int, code: str) -> Device:
        """Let a laptop in that waits, whose code somebody has read off its screen.

        Raises:
            UnknownIdError: there is no such device.
            ConflictError: it was changed meanwhile.
            RefusedRequestError: it does not wait, or shows another code.
        """
        with noting(self._store, actor, "device_approve", subject=device_id), self._store.act() as act:
            device = _waiting(act, device_id, version)
            if not secrets.compare_digest((self.code_of(device) or "").encode(), code.strip().encode()):
                raise RefusedRequestError(
                    "The laptop that waits shows another code; compare the six digits on its own screen."
                )
            keys = tuple(
                replace(key, state=KeyState.ACTIVE) if _waits(key) else _ended(key, act.now) for key in device.keys
            )
            decided = self._decide(act, device, DeviceState.ACTIVE, keys, actor=actor, kind="device_approved")
        self._devices.refresh()
        return decided

    def refuse(self, actor: str, device_id: str, *, version: int, reason: str = "") -> Device:
        """Refuse what waits: a laptop, or another key of one that goes on with the key that it has.

        Raises:
            UnknownIdError: there is no such device.
            ConflictError: it was changed meanwhile.
            RefusedRequestError: it does not wait.
        """
        _check_reason(reason)
        with noting(self._store, actor, "device_refuse", subject=device_id), self._store.act() as act:
            device = _waiting(act, device_id, version)
            keys = tuple(_ended(key, act.now) if _waits(key) else key for key in device.keys)
            is_known = device.key_in(KeyState.ACTIVE) is not None
            state = DeviceState.ACTIVE if is_known else DeviceState.REFUSED
            decided = self._decide(act, device, state, keys, actor=actor, kind="device_refused", reason=reason)
        self._devices.refresh()
        return decided

    def revoke(self, actor: str, device_id: str, *, version: int, reason: str = "") -> Device:
        """Take a laptop off the list: nothing that it signs is taken from now on.

        Raises:
            UnknownIdError: there is no such device.
            ConflictError: it was changed meanwhile.
            RefusedRequestError: it is off the list already.
        """
        _check_reason(reason)
        with noting(self._store, actor, "device_revoke", subject=device_id), self._store.act() as act:
            device = _known(act, device_id, version)
            if device.state is DeviceState.REVOKED:
                raise RefusedRequestError("This laptop is off the list already.")
            keys = tuple(_ended(key, act.now) for key in device.keys)
            revoked = DeviceState.REVOKED
            decided = self._decide(act, device, revoked, keys, actor=actor, kind="device_revoked", reason=reason)
        self._devices.refresh()
        return decided

    def give_to(self, actor: str, device_id: str, *, version: int, owner: str | None) -> Device:
        """Say whose laptop it is; None is nobody's.

        Raises:
            UnknownIdError: there is no such device.
            ConflictError: it was changed meanwhile.
            RefusedRequestError: nobody by this id is at the school.
        """
        with noting(self._store, actor, "device_owner", subject=device_id), self._store.act() as act:
            device = _known(act, device_id, version)
            if owner is not None:
                known_person(act.database, owner)
            given = replace(device, version=device.version + 1, owner=owner)
            write_device(act.database, given)
            act.note("device_given", actor=actor, subject=device_id, personal={"owner": owner})
        self._devices.refresh()
        return given

    def _decide(
        self,
        act: Act,
        device: Device,
        state: DeviceState,
        keys: tuple[DeviceKey, ...],
        *,
        actor: str,
        kind: str,
        reason: str = "",
    ) -> Device:
        decided = replace(
            device, version=device.version + 1, state=state, keys=keys, decided_at=act.now, decided_by=actor
        )
        write_device(act.database, decided)
        personal = {"reason": reason} if reason else None
        act.note(kind, actor=actor, subject=device.id, facts={"state": state.value}, personal=personal)
        return decided


def _key_again(device: Device, public_key: bytes) -> DeviceKey:
    key = next(each for each in device.keys if each.public_key == public_key)
    if key.state is KeyState.ENDED:
        raise RefusedDeviceError("key-in-use", "This key of the laptop has ended; expected one that is new.")
    return key


def _known(act: Act, device_id: str, version: int) -> Device:
    device = read_device(act.database, device_id)
    if device is None:
        raise UnknownIdError("There is no laptop with this id.")
    check_version(device.version, version)
    return device


def _waiting(act: Act, device_id: str, version: int) -> Device:
    device = _known(act, device_id, version)
    if not device.is_waiting:
        raise RefusedRequestError("This laptop does not wait for anybody's decision.")
    return device


def _waits(key: DeviceKey) -> bool:
    return key.state is KeyState.PENDING


def _ended(key: DeviceKey, at: datetime) -> DeviceKey:
    return key if key.state is KeyState.ENDED else replace(key, state=KeyState.ENDED, ended_at=at)


def _check_reason(reason: str) -> None:
    if len(reason) > MAX_REASON_CHARACTERS:
        raise RefusedRequestError(
            f"The reason has {len(reason):,} characters; expected at most {MAX_REASON_CHARACTERS}."
        )
