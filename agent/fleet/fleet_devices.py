"""The devices that are known, held in memory for whoever checks a signature, and who signed what.

The process that holds them is the one that changes them, so what is held is what is on file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.endpoint.message_signatures import BadSignatureError, RequestSignature, parse_signature
from agent.fleet.device_errors import RefusedDeviceError
from agent.storage.fleet_rows import Device, DeviceKey, DeviceState, KeyState, read_devices
from agent.storage.state import StateStore

# The order in which keys are tried, and how many: a signature costs a stranger nothing to make up.
_TRIED: Final = (KeyState.ACTIVE, KeyState.PENDING, KeyState.ENDED)
_MAX_TRIED: Final = 4
_STANDING: Final = {
    DeviceState.PENDING: ("device-pending", "This laptop waits until somebody at the school has compared its code."),
    DeviceState.REFUSED: ("device-refused", "This laptop was refused; somebody who manages devices can say why."),
    DeviceState.REVOKED: ("device-revoked", "This laptop was taken off the list; it can enrol again with a token."),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request: a device, and by which of its keys."""

    device: Device
    key: DeviceKey


class FleetDevices:
    """Every device that ever enrolled, as it is on file."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._read: Mapping[str, Device] | None = None
        self._keys: dict[bytes, Ed25519PublicKey] = {}

    def refresh(self) -> None:
        """Read again what is on file; whoever changes a device calls this."""
        with self._store.read() as database:
            self._read = {device.id: device for device in read_devices(database)}

    @property
    def _devices(self) -> Mapping[str, Device]:
        if self._read is None:
            self.refresh()
        return self._read or {}

    def get(self, device: str) -> Device | None:
        """Give a device."""
        return self._devices.get(device)

    def all(self) -> list[Device]:
        """Give every device, by label."""
        return list(self._devices.values())

    def signer(self, headers: Mapping[str, str], *, method: str, path: str, body: bytes) -> Signer:
        """Say who signed a request, whatever they may do.

        Raises:
            RefusedDeviceError: nobody who is known.
        """
        try:
            signature = parse_signature(headers)
        except BadSignatureError as error:
            raise RefusedDeviceError("bad-signature", str(error)) from None
        device = self._devices.get(signature.key_id)
        if device is None:
            raise RefusedDeviceError(
                "device-unknown", "No laptop is known here by this id; it can enrol with a token."
            )
        try:
            return Signer(device, self._key_of(device, signature, method=method, path=path, body=body))
        except BadSignatureError as error:
            raise RefusedDeviceError("bad-signature", str(error)) from None

    def active_signer(self, headers: Mapping[str, str], *, method: str, path: str, body: bytes) -> Device:
        """Give the device that signed a request, if it may tell something.

        Raises:
            RefusedDeviceError: nobody who is known, or one that waits, was refused or was taken off the list.
        """
        signer = self.signer(headers, method=method, path=path, body=body)
        if signer.key.state is KeyState.ACTIVE and signer.device.state is DeviceState.ACTIVE:
            return signer.device
        if signer.key.state is KeyState.PENDING:
            raise RefusedDeviceError(*_STANDING[DeviceState.PENDING])
        if signer.device.state is DeviceState.ACTIVE:
            raise RefusedDeviceError("bad-signature", "This key of the laptop has ended; another one took its place.")
        raise RefusedDeviceError(*_STANDING[signer.device.state])

    def _key_of(
        self, device: Device, signature: RequestSignature, *, method: str, path: str, body: bytes
    ) -> DeviceKey:
        """Find the key that signed, the one in use first."""
        keys = sorted(device.keys, key=lambda each: (_TRIED.index(each.state), -each.enrolled_at.timestamp()))[
            :_MAX_TRIED
        ]
        signature.check_digest(body)
        fault = BadSignatureError("The signature is not by the key of this device.")
        for key in keys:
            try:
                signature.check_key(self._parsed(key.public_key), method=method, path=path)
            except BadSignatureError as error:
                fault = error
            else:
                return key
        raise fault

    def _parsed(self, public_key: bytes) -> Ed25519PublicKey:
        parsed = self._keys.get(public_key)
        if parsed is None:
            parsed = self._keys[public_key] = Ed25519PublicKey.from_public_bytes(public_key)
        return parsed
