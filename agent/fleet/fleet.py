"""The fleet as the interface works with it: one place that constructs its parts and knows their order.

The keys lie beside that of the record: one signs acknowledgements, the other one policies, and neither anything else.
"""

import json
from asyncio import to_thread, wrap_future
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.dns.clients import ClientResolver, parse_address
from agent.endpoint.enrolment_wire import (
    BadEnrolmentError,
    Enrolled,
    Standing,
    decode_enrolment,
    decode_rotation,
    encode_enrolled,
    encode_rotated,
    encode_standing,
)
from agent.endpoint.wire_batch import Answer, BadBatchError, OversizedBatchError, encode_answer
from agent.fleet.batch_reader import read_batch
from agent.fleet.device_errors import RefusedDeviceError
from agent.fleet.enrolment_desk import EnrolmentDesk
from agent.fleet.fleet_devices import FleetDevices
from agent.fleet.fleet_events import FILE_NAME, Delivery, FleetEvents, Gap
from agent.fleet.fleet_policy import FleetPolicy
from agent.sites.site import EndpointSettings, Site
from agent.storage.anchors import record_key
from agent.storage.fleet_rows import Device, FindingKind, KeyState, read_findings, write_finding
from agent.storage.state import StateStore

# The folder of the key of the record.
KEYS: Final = "keys"
ACK_KEY: Final = "endpoint-ack.key"
POLICY_KEY: Final = "endpoint-policy.key"
_SIGNED_HEADERS: Final = ("content-digest", "signature-input", "signature")
# So long numbers may be missing before somebody is told: what explains them may still be on its way.
GAP_GRACE: Final = timedelta(hours=24)
# One finding a day tells that a disk was copied, or that events are missing; the laptops go on.
CLONE_AGAIN: Final = timedelta(days=1)
MISSING_AGAIN: Final = timedelta(days=1)
_SYSTEM: Final = "system"
_MANY: Final = 2**53
Headers = Mapping[str, str]


class Fleet:
    """Laptops: who they are, what they tell, and what they are told; files and keys are made when first needed.

    Args:
        site: the site in force.
        pin: the hash of the gateway's own TLS key, as it stands in tokens.
        new_id: makes the ids of devices.
    """

    def __init__(
        self,
        store: StateStore,
        site: Callable[[], Site],
        *,
        pin: str,
        new_id: Callable[[], str],
    ) -> None:
        folder = store.path.parent
        self._store = store
        self._site = site
        self._keys = folder / KEYS
        self._clients: ClientResolver | None = None
        self.devices = FleetDevices(store)
        self.events = FleetEvents(folder / FILE_NAME)
        self.desk = EnrolmentDesk(store, self.devices, pin=pin, ack_key=self._known_by, new_id=new_id)
        self.policy = FleetPolicy(store, self.settings, key=self._key_of_policies)

    @cached_property
    def _ack_key(self) -> Ed25519PrivateKey:
        return record_key(self._keys / ACK_KEY)

    @cached_property
    def _policy_key(self) -> Ed25519PrivateKey:
        return record_key(self._keys / POLICY_KEY)

    def _known_by(self) -> Ed25519PublicKey:
        return self._ack_key.public_key()

    def _key_of_policies(self) -> Ed25519PrivateKey:
        return self._policy_key

    def close(self) -> None:
        """Store what waits."""
        self.events.close()

    def settings(self) -> EndpointSettings:
        """Give what the site in force says of laptops."""
        return self._site().private.endpoints

    def is_ours(self, address: str) -> bool:
        """Say whether an address is in a network of the school; nobody else is answered."""
        try:
            return parse_address(address).is_loopback or self._resolver().network_of(address) is not None
        except ValueError:
            return False

    def _resolver(self) -> ClientResolver:
        """Give whose address is whose, as it was at the last look: laptops come by the hundred."""
        if self._clients is None:
            self._clients = ClientResolver(self._site().networks, ())
        return self._clients

    # ---- what laptops ask ----------------------------------------------------------------------------------

    def enrol(self, body: bytes) -> bytes:
        """Answer a laptop that wants to join.

        Raises:
            RefusedDeviceError: it may not, or the request is none.
        """
        try:
            signed = decode_enrolment(body)
        except BadEnrolmentError as error:
            raise RefusedDeviceError("bad-enrolment", str(error)) from None
        key = self.desk.enrol(signed)
        keys = self._policy_key.public_key(), self._ack_key.public_key()
        return encode_enrolled(Enrolled(key.device, key.state.value, *keys, self._now_ms()), self._ack_key)

    def standing(self, headers: Headers, *, path: str) -> bytes:
        """Answer a laptop that asks whether it is let in.

        Raises:
            RefusedDeviceError: it is not known, or was refused or taken off the list.
        """
        signer = self.devices.signer(headers, method="GET", path=path, body=b"")
        if signer.key.state is not KeyState.PENDING:
            self.devices.active_signer(headers, method="GET", path=path, body=b"")
        return encode_standing(Standing(signer.device.id, signer.key.state.value, self._now_ms()), self._ack_key)

    def rotate(self, headers: Headers, body: bytes, *, path: str) -> bytes:
        """Answer a laptop that puts a new key in the place of its own.

        Raises:
            RefusedDeviceError: it is not known, or the new key is not its own.
        """
        signer = self.devices.signer(headers, method="POST", path=path, body=body)
        try:
            device, key = decode_rotation(body)
        except BadEnrolmentError as error:
            raise RefusedDeviceError("bad-enrolment", str(error)) from None
        if device != signer.device.id:
            raise RefusedDeviceError("other-device", "A laptop changes its own key alone.")
        self.desk.rotate(signer, key.public_bytes_raw())
        return encode_rotated(device, key, self._now_ms(), self._ack_key)

    async def take(self, device: Device, headers: Headers, body: bytes, *, address: str) -> bytes:
        """Store a batch of a device that has signed it, and answer once it is on the disk.

        Raises:
            RefusedDeviceError: it is no batch of this device, or contradicts what came before.
            StorageError: it could not be stored.
        """
        self.events.check_room()
        delivery = self._delivery(device, headers, body, address=address)
        try:
            taken = await wrap_future(self.events.submit(delivery))
        except RefusedDeviceError as error:
            if error.kind == "clone-suspected":
                await to_thread(self._note_clone, device.id, delivery.batch.epoch)
            raise
        answer = Answer(
            device=device.id,
            epoch=delivery.batch.epoch,
            acknowledged=taken.acknowledged,
            duplicates=taken.duplicates,
            gaps=taken.gaps,
            server_time_ms=self._now_ms(),
            policy=self.policy.version,
        )
        return encode_answer(answer, self._ack_key)

    def _delivery(self, device: Device, headers: Headers, body: bytes, *, address: str) -> Delivery:
        try:
            batch = read_batch(body)
        except OversizedBatchError as error:
            raise RefusedDeviceError("batch-too-large", str(error)) from None
        except BadBatchError as error:
            raise RefusedDeviceError("bad-batch", str(error)) from None
        if batch.device != device.id:
            raise RefusedDeviceError("other-device", "The batch is of another laptop than the one that signed it.")
        signed = json.dumps({name: headers[name] for name in _SIGNED_HEADERS})
        received = self._store.clock().timestamp()
        return Delivery(batch, received, address, sha256(body).digest(), signed, body)

    def _now_ms(self) -> int:
        return int(self._store.clock().timestamp() * 1000)

    # ---- what happens by itself ----------------------------------------------------------------------------

    def look(self) -> None:
        """Write down whose events are missing, end tokens whose time is over, and publish what has changed."""
        self._clients = None
        self.desk.sweep()
        self.policy.look()
        before = (self._store.clock() - GAP_GRACE).timestamp()
        if gaps := self.events.untold_gaps(before=before):
            self.events.mark_told(self._note_missing(gaps))

    def keep(self) -> None:
        """Delete what has been kept for as long as the school says."""
        settings = self.settings()
        before = (self._store.clock() - timedelta(days=settings.keep_days)).timestamp()
        self.events.prune(before=before, most=settings.keep_events)

    def _note_clone(self, device: str, epoch: str) -> None:
        """Write down that two laptops may use one copied disk, once a day."""
        since = self._store.clock() - CLONE_AGAIN
        with self._store.act() as act:
            known = read_findings(act.database, device)
            if any(each.kind is FindingKind.CLONE_SUSPECTED and each.at > since for each in known):
                return
            facts = {"where": "events", "epoch": epoch}
            act.note("device_clone_suspected", actor=_SYSTEM, subject=device, facts=facts)
            write_finding(act.database, device, FindingKind.CLONE_SUSPECTED, at=act.now, facts=facts)

    def _note_missing(self, gaps: list[Gap]) -> list[Gap]:
        """Write down what is missing, once a day of each laptop however many gaps it makes; gives what was told."""
        since = self._store.clock() - MISSING_AGAIN
        with self._store.read() as database:
            of_late = {
                each.device
                for each in read_findings(database, since=since)
                if each.kind is FindingKind.EVENTS_MISSING
            }
        missing: dict[str, list[Gap]] = {}
        for gap in gaps:
            if gap.device not in of_late:
                missing.setdefault(gap.device, []).append(gap)
        if not missing:
            return []
        with self._store.act() as act:
            for device, found in missing.items():
                # The rest of many stands in the file of events.
                gap = found[0]
                facts: dict[str, Any] = {
                    "epoch": gap.epoch,
                    "first": gap.first,
                    "last": gap.last,
                    "gaps": len(found),
                    "numbers": min(sum(each.last - each.first + 1 for each in found), _MANY),
                }
                act.note("device_events_missing", actor=_SYSTEM, subject=device, facts=facts)
                write_finding(act.database, device, FindingKind.EVENTS_MISSING, at=act.now, facts=facts)
        return [gap for found in missing.values() for gap in found]
