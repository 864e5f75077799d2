"""How laptop and gateway sign what they say to each other; no clock, no file, no socket.

A request carries Content-Digest, Signature-Input and Signature, so ordinary libraries can check it; an answer of the
gateway carries its signature in itself, as the member `sig`. Requests are idempotent, therefore no nonce: whoever
repeats one changes nothing.

Source: RFC 9421 (signatures), RFC 9530 (digest), RFC 8032 (Ed25519).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.storage.chain import canonical

_COMPONENTS: Final = '("@method" "@path" "content-digest")'
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INPUT: Final = re.compile(
    r'sig1=(?P<parameters>\("@method" "@path" "content-digest"\);created=(?P<created>[0-9]{1,12});'
    r'keyid="(?P<key_id>[A-Za-z0-9_-]{1,64})";alg="ed25519")',
    re.ASCII,
)
# RFC 8941 section 3.3.5: a byte sequence is base64 between colons.
_SIGNATURE: Final = re.compile(r"sig1=:(?P<signature>[A-Za-z0-9+/]{86}==):", re.ASCII)
_DIGEST: Final = re.compile(r"sha-256=:(?P<digest>[A-Za-z0-9+/]{43}=):", re.ASCII)
_PUBLIC_KEY_OCTETS: Final = 32


class BadSignatureError(ValueError):
    """A signature that is missing, cannot be read, or does not belong to this message and this key."""


def content_digest(body: bytes) -> str:
    """Give the Content-Digest of a body as it travels, that is after compression."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign_request(
    key: Ed25519PrivateKey, key_id: str, *, method: str, path: str, body: bytes, created: int
) -> dict[str, str]:
    """Give the headers that sign a request.

    Args:
        key_id: the id of the device; letters, digits, `_` and `-`, at most 64.
        path: without a query.
        created: seconds since 1970, by the clock of whoever signs.
    """
    if not _KEY_ID.fullmatch(key_id):
        raise ValueError("a key id has 1 to 64 letters, digits, _ or -")
    parameters = f'{_COMPONENTS};created={max(0, created)};keyid="{key_id}";alg="ed25519"'
    digest = content_digest(body)
    signature = key.sign(_signature_base(method, path, digest, parameters))
    return {
        "Content-Digest": digest,
        "Signature-Input": f"sig1={parameters}",
        "Signature": f"sig1=:{base64.b64encode(signature).decode()}:",
    }


@dataclass(frozen=True, slots=True)
class RequestSignature:
    """What the headers of a request claim: `key_id` says whose key must be looked up for `verify`."""

    key_id: str
    created: int
    parameters: str
    digest: str
    signature: bytes

    def verify(self, key: Ed25519PublicKey, *, method: str, path: str, body: bytes) -> None:
        """Let pass what this key signed: this method, this path and this body.

        Raises:
            BadSignatureError: it is not so.
        """
        self.check_digest(body)
        self.check_key(key, method=method, path=path)

    def check_digest(self, body: bytes) -> None:
        """Let pass the body that was signed, whoever signed it.

        Raises:
            BadSignatureError: it is another one.
        """
        if not hmac.compare_digest(self.digest, content_digest(body)):
            raise BadSignatureError("The body is not the one that Content-Digest tells of.")

    def check_key(self, key: Ed25519PublicKey, *, method: str, path: str) -> None:
        """Let pass what this key signed, once `check_digest` has let its body pass.

        Raises:
            BadSignatureError: another key signed it, or it was for another request.
        """
        try:
            key.verify(self.signature, _signature_base(method, path, self.digest, self.parameters))
        except InvalidSignature:
            raise BadSignatureError("The signature is not by the key of this device.") from None


def parse_signature(headers: Mapping[str, str]) -> RequestSignature:
    """Read the signature of a request.

    Args:
        headers: by names in lower case, or a mapping that does not mind.

    Raises:
        BadSignatureError: a header is missing or is not in the one form that is used here.
    """
    told = _parsed(_INPUT, headers, "signature-input")
    signature = _parsed(_SIGNATURE, headers, "signature")["signature"]
    digest = _parsed(_DIGEST, headers, "content-digest")
    try:
        octets = base64.b64decode(signature, validate=True)
    except binascii.Error:
        raise BadSignatureError("The header signature is not base64.") from None
    return RequestSignature(told["key_id"], int(told["created"]), told["parameters"], digest.string, octets)


def sign_values(key: Ed25519PrivateKey, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give these values with their signature `sig`; numbers must be whole."""
    signature = key.sign(_octets_of(values))
    return {**values, "sig": base64.b64encode(signature).decode()}


def verify_values(key: Ed25519PublicKey, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give signed values without their signature.

    Raises:
        BadSignatureError: they are not signed by this key.
    """
    signature = values.get("sig")
    if not isinstance(signature, str):
        raise BadSignatureError("The signature is missing; expected a member sig.")
    content = {name: value for name, value in values.items() if name != "sig"}
    try:
        key.verify(base64.b64decode(signature, validate=True), _octets_of(content))
    except (InvalidSignature, ValueError, TypeError, RecursionError):
        raise BadSignatureError("The signature is not by the key that was expected.") from None
    return content


def public_key_text(key: Ed25519PublicKey) -> str:
    """Write a public key as it travels: base64 of its 32 octets."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def parse_public_key(text: object) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        BadSignatureError: it is none.
    """
    try:
        octets = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        octets = b""
    if len(octets) != _PUBLIC_KEY_OCTETS:
        raise BadSignatureError("A public key is the base64 of 32 octets; found something else.")
    return Ed25519PublicKey.from_public_bytes(octets)


def _signature_base(method: str, path: str, digest: str, parameters: str) -> bytes:
    # RFC 9421 section 2.5: one line a component, the parameters last, no newline at the end.
    lines = f'"@method": {method.upper()}', f'"@path": {path}', f'"content-digest": {digest}'
    return "\n".join((*lines, f'"@signature-params": {parameters}')).encode()


def _parsed(form: re.Pattern[str], headers: Mapping[str, str], name: str) -> re.Match[str]:
    value = headers.get(name)
    if value is None:
        raise BadSignatureError(f"The header {name} is missing.")
    found = form.fullmatch(value)
    if found is None:
        raise BadSignatureError(f"The header {name} is not in the form that is expected here.")
    return found


def _octets_of(values: Mapping[str, Any]) -> bytes:
    return canonical(values).encode()
