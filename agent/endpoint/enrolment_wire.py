"""What laptop and gateway say to each other before the laptop is known; no clock, no file, no socket.

The secret of a token never travels: the laptop proves by a MAC that it has it, and by a signature that it holds the
key that it brings. The token names the key of the gateway's TLS, so the laptop knows the gateway before it speaks.

Source: RFC 5869 (HKDF), RFC 2104 (HMAC), RFC 7469 section 2.4 (the pin is over the SubjectPublicKeyInfo).
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent.endpoint.message_signatures import (
    BadSignatureError,
    parse_public_key,
    public_key_text,
    sign_values,
    verify_values,
)
from agent.endpoint.wire_batch import BadAnswerError, BadBatchError, parse_json, signed_members
from agent.storage.chain import canonical

ENROL_PATH: Final = "/endpoint/v1/enrol"
ENROLMENT_PATH: Final = "/endpoint/v1/enrolment"
POLICY_PATH: Final = "/endpoint/v1/policy"
ROTATE_PATH: Final = "/endpoint/v1/rotate"
MAX_REQUEST_BYTES: Final = 16 * 1024
SECRET_BYTES: Final = 20
STATES: Final = ("active", "pending")

_PREFIX: Final = "sge1"
_TOKEN: Final = re.compile(r"sge1\.([a-z0-9]{10})\.([A-Z2-7]{32})\.([A-Z2-7]{52})", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NONCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_RELEASE: Final = re.compile(r"[0-9A-Za-z.+_-]{1,40}", re.ASCII)
_HOST_MEMBERS: Final = ("os", "version", "hostname", "model")
_MAX_HOST_CHARACTERS: Final = 200
_REQUEST_MEMBERS: Final = frozenset({"token_id", "pub", "nonce", "host", "machine", "agent", "wall"})
_ANSWER_MEMBERS: Final = frozenset({"device", "state", "policy_pub", "ack_pub", "server_time_ms"})
_STATE_MEMBERS: Final = frozenset({"device", "state", "server_time_ms"})
_ROTATION_MEMBERS: Final = frozenset({"device", "pub"})
_ROTATED_MEMBERS: Final = frozenset({"device", "pub", "server_time_ms"})


class BadTokenError(ValueError):
    """A text that is not a token for a laptop."""


class BadEnrolmentError(ValueError):
    """A request to enrol or to change the key that is not what it must be."""


@dataclass(frozen=True, slots=True)
class Token:
    """What an administrator hands over: once, for one laptop, for a short time.

    Args:
        token_id: 10 lower-case letters and digits.
        secret: SECRET_BYTES random octets.
        pin: the `spki_pin` of the gateway's certificate.
    """

    token_id: str
    secret: bytes = field(repr=False)
    pin: str


def token_text(token: Token) -> str:
    """Write a token as it is handed over: `sge1.<id>.<secret>.<pin>`."""
    return ".".join((_PREFIX, token.token_id, base64.b32encode(token.secret).decode(), token.pin))


def parse_token(text: str) -> Token:
    """Read a token.

    Raises:
        BadTokenError: it is none; the sentence does not repeat it.
    """
    found = _TOKEN.fullmatch(text.strip())
    if found is None:
        raise BadTokenError("This is not a token for a laptop; expected sge1.ID.SECRET.PIN, as it was handed over.")
    return Token(found[1], base64.b32decode(found[2]), found[3])


def token_key(secret: bytes) -> bytes:
    """Derive the key of the MAC, which is all that the gateway keeps of a token's secret."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"schoolgate enrol").derive(secret)


def spki_pin(certificate: bytes) -> str:
    """Give the base32 SHA-256 of the SubjectPublicKeyInfo of a certificate in DER, without padding.

    Raises:
        ValueError: the octets are not a certificate.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b32encode(hashlib.sha256(spki).digest()).decode().rstrip("=")


def approval_code(device_key: Ed25519PublicKey, ack_key: Ed25519PublicKey, device: str) -> str:
    """Give the six digits that both screens show while an enrolment waits for a person.

    Args:
        device: the id, which the gateway draws once it has the key: so nobody looks for a key with a certain code.
    """
    keys = device_key.public_bytes_raw() + ack_key.public_bytes_raw()
    digest = hashlib.sha256(b"schoolgate code" + keys + device.encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06}"


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """What a laptop says of itself.

    Args:
        nonce: 32 hexadecimal digits.
        host: os, version, hostname and model, as the laptop tells them; not proven.
        machine: 64 hexadecimal digits that stay the same when the system is not installed anew.
        wall: seconds since 1970 by the laptop's clock.
    """

    token_id: str
    key: Ed25519PublicKey
    nonce: str
    host: Mapping[str, str]
    machine: str
    agent: str
    wall: int


@dataclass(frozen=True, slots=True)
class SignedEnrolment:
    """A request whose signature is right; `verify` says whether its token is."""

    request: EnrolmentRequest
    content: bytes
    mac: str

    def verify(self, key: bytes) -> bool:
        """Say whether whoever made it has the secret that `key` was derived from (`token_key`)."""
        return hmac.compare_digest(self.mac, hmac.digest(key, self.content, "sha256").hex())


def encode_enrolment(request: EnrolmentRequest, secret: bytes, key: Ed25519PrivateKey) -> bytes:
    """Give the body of a request to enrol."""
    values = {
        "token_id": request.token_id,
        "pub": public_key_text(request.key),
        "nonce": request.nonce,
        "host": {name: request.host.get(name, "")[:_MAX_HOST_CHARACTERS] for name in _HOST_MEMBERS},
        "machine": request.machine,
        "agent": request.agent,
        "wall": request.wall,
    }
    mac = hmac.digest(token_key(secret), canonical(values).encode(), "sha256").hex()
    return json.dumps({"enrol": sign_values(key, values), "mac": mac}, separators=(",", ":")).encode()


def decode_enrolment(body: bytes) -> SignedEnrolment:
    """Read the body of a request to enrol and check that its key signed it.

    Raises:
        BadEnrolmentError: it is none, or another key signed it.
    """
    tree = _object(body)
    mac, signed = tree.get("mac"), tree.get("enrol")
    if not isinstance(mac, str) or not _HEX.fullmatch(mac) or not isinstance(signed, dict) or len(tree) != 2:
        raise BadEnrolmentError("A request to enrol has a signed object enrol and a mac of 64 hexadecimal digits.")
    try:
        key = parse_public_key(signed.get("pub"))
        values = verify_values(key, signed)
    except BadSignatureError as error:
        raise BadEnrolmentError(str(error)) from None
    if values.keys() != _REQUEST_MEMBERS:
        raise BadEnrolmentError(f"A request to enrol has the members {', '.join(sorted(_REQUEST_MEMBERS))}.")
    host, wall = values["host"], values["wall"]
    if not isinstance(host, dict) or host.keys() != set(_HOST_MEMBERS) or not all(map(_is_short, host.values())):
        raise BadEnrolmentError(f"The host has the short texts {', '.join(_HOST_MEMBERS)}.")
    if not isinstance(wall, int) or isinstance(wall, bool) or abs(wall) > 1e11:
        raise BadEnrolmentError("The member wall is a whole number of seconds.")
    request = EnrolmentRequest(
        _text(values, "token_id", _ID),
        key,
        _text(values, "nonce", _NONCE),
        host,
        _text(values, "machine", _HEX),
        _text(values, "agent", _RELEASE),
        wall,
    )
    return SignedEnrolment(request, canonical(values).encode(), mac)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the gateway says to a laptop that it took in.

    Args:
        state: one of STATES; while `pending`, a person must still approve it.
        policy_key: signs policies.
        ack_key: signs acknowledgements, and this answer.
    """

    device: str
    state: str
    policy_key: Ed25519PublicKey
    ack_key: Ed25519PublicKey
    server_time_ms: int


def encode_enrolled(enrolled: Enrolled, ack_key: Ed25519PrivateKey) -> bytes:
    """Give the signed answer to a request to enrol."""
    values = {
        "device": enrolled.device,
        "state": enrolled.state,
        "policy_pub": public_key_text(enrolled.policy_key),
        "ack_pub": public_key_text(enrolled.ack_key),
        "server_time_ms": enrolled.server_time_ms,
    }
    return _encoded(sign_values(ack_key, values))


def decode_enrolled(octets: bytes) -> Enrolled:
    """Read the answer to a request to enrol; that it is the gateway's, the pin of the connection says.

    Raises:
        BadAnswerError: it is none.
    """
    try:
        tree = parse_json(octets)
        ack_key = parse_public_key(tree.get("ack_pub") if isinstance(tree, dict) else None)
        values = signed_members(octets, ack_key, _ANSWER_MEMBERS)
        policy_key = parse_public_key(values["policy_pub"])
    except (BadBatchError, BadSignatureError) as error:
        raise BadAnswerError(str(error)) from None
    device, state, server_time_ms = _standing(values)
    return Enrolled(device, state, policy_key, ack_key, server_time_ms)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a laptop is let in by now; `state` is one of STATES."""

    device: str
    state: str
    server_time_ms: int


def encode_standing(standing: Standing, ack_key: Ed25519PrivateKey) -> bytes:
    """Give the signed answer to whoever asks whether they are let in."""
    values = {"device": standing.device, "state": standing.state, "server_time_ms": standing.server_time_ms}
    return _encoded(sign_values(ack_key, values))


def decode_standing(octets: bytes, ack_key: Ed25519PublicKey) -> Standing:
    """Read it.

    Raises:
        BadAnswerError: it is none, or not the gateway's.
    """
    return Standing(*_standing(signed_members(octets, ack_key, _STATE_MEMBERS)))


def encode_rotation(device: str, new_key: Ed25519PrivateKey) -> bytes:
    """Give the body that asks for a new key, signed by it; the headers of the request are signed by the old one."""
    return _encoded(sign_values(new_key, {"device": device, "pub": public_key_text(new_key.public_key())}))


def decode_rotation(body: bytes) -> tuple[str, Ed25519PublicKey]:
    """Read which device wants which new key, and check that it holds it.

    Raises:
        BadEnrolmentError: it is no such body, or the new key did not sign it.
    """
    tree = _object(body)
    try:
        key = parse_public_key(tree.get("pub"))
        values = verify_values(key, tree)
    except BadSignatureError as error:
        raise BadEnrolmentError(str(error)) from None
    if values.keys() != _ROTATION_MEMBERS:
        raise BadEnrolmentError("A change of the key has the members device, pub and sig.")
    return _text(values, "device", _ID), key


def encode_rotated(device: str, key: Ed25519PublicKey, server_time_ms: int, ack_key: Ed25519PrivateKey) -> bytes:
    """Give the signed answer that this key is the device's from now on."""
    values = {"device": device, "pub": public_key_text(key), "server_time_ms": server_time_ms}
    return _encoded(sign_values(ack_key, values))


def decode_rotated(octets: bytes, ack_key: Ed25519PublicKey) -> tuple[str, str]:
    """Give the device and the text of the key that is its own from now on.

    Raises:
        BadAnswerError: it is no such answer, or not the gateway's.
    """
    values = signed_members(octets, ack_key, _ROTATED_MEMBERS)
    return str(values["device"]), str(values["pub"])


def _standing(values: Mapping[str, Any]) -> tuple[str, str, int]:
    device, state, server_time_ms = values["device"], values["state"], values["server_time_ms"]
    if not isinstance(device, str) or not _ID.fullmatch(device):
        raise BadAnswerError("The answer names no device.")
    if state not in STATES:
        raise BadAnswerError(f"The answer has a state that is not known; expected {' or '.join(STATES)}.")
    if not isinstance(server_time_ms, int):
        raise BadAnswerError("The answer does not say the gateway's time in milliseconds.")
    return device, state, server_time_ms


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_REQUEST_BYTES:
        raise BadEnrolmentError(f"The body has {len(body)} octets; at most {MAX_REQUEST_BYTES} are taken.")
    try:
        tree = parse_json(body)
    except BadBatchError as error:
        raise BadEnrolmentError(str(error)) from None
    if not isinstance(tree, dict):
        raise BadEnrolmentError("The body is not a JSON object.")
    return tree


def _encoded(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_HOST_CHARACTERS


def _text(values: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = values[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadEnrolmentError(f"The member {name} is not in the form that is expected here.")
    return value
