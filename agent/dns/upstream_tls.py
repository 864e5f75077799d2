"""Whether the other end of a TLS connection is the upstream that the site means: by name, by key, or by both.

Source: RFC 7858 section 4.2 and appendix A (pins), RFC 8310 section 8.1 (names), RFC 5280 section 4.1 (the
certificate), X.690 section 8.1 (its encoding).
"""

import base64
import hashlib
import ssl
from functools import cache

from agent.sites.site import Upstream

# X.690 section 8.1.2: SEQUENCE, and the context tag 0 that holds a version.
_SEQUENCE = 0x30
_VERSION = 0xA0
_FIELDS_BEFORE_KEY = 5


class BadCertificateError(ValueError):
    """A certificate that could not be read, or whose key is not the one pinned."""


@cache
def _name_checking_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # RFC 8310 section 8: TLS 1.2 or later, as BCP 195 says.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@cache
def _pin_checking_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The pin is the proof; a certificate that only a pin vouches for may be self-signed.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def tls_context(upstream: Upstream, trusted: ssl.SSLContext | None) -> ssl.SSLContext:
    """Choose what checks this upstream; `trusted` stands in for the system's certificate authorities."""
    if upstream.pins and not upstream.tls_name:
        return _pin_checking_context()
    return trusted or _name_checking_context()


def server_name(upstream: Upstream) -> str:
    """Give what the certificate must name: with no name in the site, the address."""
    return upstream.tls_name or upstream.endpoint.address.partition("%")[0]


def check_pins(upstream: Upstream, certificate: bytes | None) -> None:
    """Let pass whoever shows a pinned key, or anybody where the site has no pins.

    Raises:
        BadCertificateError: another key, or none that can be read.
    """
    if not upstream.pins:
        return
    if certificate is None:
        raise BadCertificateError("it showed no certificate, a pinned key was expected")
    found = spki_digest(certificate)
    if found not in upstream.pins:
        raise BadCertificateError(f"its key has the pin {found}, another was expected")


def spki_digest(certificate: bytes) -> str:
    """Give the base64 SHA-256 of the SubjectPublicKeyInfo of a certificate in DER.

    Raises:
        BadCertificateError: the octets are not a certificate.
    """
    _, start, _ = _element(certificate, 0)
    _, position, _ = _element(certificate, start)
    tag, _, end = _element(certificate, position)
    if tag == _VERSION:
        position = end
    # RFC 5280 section 4.1: serialNumber, signature, issuer, validity, subject, then subjectPublicKeyInfo.
    for _ in range(_FIELDS_BEFORE_KEY):
        _, _, position = _element(certificate, position)
    tag, _, end = _element(certificate, position)
    if tag != _SEQUENCE:
        raise BadCertificateError("its certificate has no public key where one belongs")
    return base64.b64encode(hashlib.sha256(certificate[position:end]).digest()).decode()


def _element(octets: bytes, position: int) -> tuple[int, int, int]:
    """Read the tag of a DER element, where its content starts and where it ends."""
    try:
        tag, length = octets[position], octets[position + 1]
    except IndexError:
        raise BadCertificateError("its certificate is cut short") from None
    start = position + 2
    # X.690 section 8.1.3.5: the long form names the number of length octets that follow.
    if length & 0x80:
        width = length & 0x7F
        length = int.from_bytes(octets[start : start + width], "big")
        start += width
    if start + length > len(octets):
        raise BadCertificateError("its certificate is cut short")
    return tag, start, start + length
