"""The certificate that the interface shows: the school's own, or one that it makes for itself at its first start.

Both lie in one folder as `certificate.pem` and `key.pem`; whoever has a certificate puts it there. The key is
readable by the gateway's own user only.
"""

import ipaddress
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rules.errors import StorageError

LIFETIME: Final = timedelta(days=10 * 365)
# Clocks of clients may be a little behind ours.
BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SiteCertificate:
    """Where certificate and key lie, and what a person compares: the SHA-256 fingerprint."""

    certificate: Path
    key: Path
    fingerprint: str
    ends_at: datetime

    def der(self) -> bytes:
        """Give the certificate itself, as DER."""
        shown = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return shown.public_bytes(serialization.Encoding.DER)

    def names(self) -> frozenset[str]:
        """Give the names of hosts that the certificate is for."""
        shown = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        try:
            found = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return frozenset()
        return frozenset(found.get_values_for_type(x509.DNSName))


def open_certificate(folder: Path, *, names: Iterable[str], now: datetime) -> SiteCertificate:
    """Find the certificate of a site, or make one that it signs itself.

    Args:
        folder: where both files lie, or will.
        names: host names and addresses that clients use; read only where a certificate is made.

    Raises:
        StorageError: a file cannot be read or written, one is missing, or they do not belong together.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    with _told(folder):
        if not certificate.exists() and not key.exists():
            _make(certificate, key, names=tuple(names), now=now)
        elif not certificate.exists() and (fresh := _fresh(certificate)).exists():
            # Whoever made the two was killed between them.
            _read(fresh, key)
            fresh.replace(certificate)
        return _read(certificate, key)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder}: the certificate could not be used ({error.strerror or error})") from error


def _read(certificate: Path, key: Path) -> SiteCertificate:
    for path in (certificate, key):
        if not path.exists():
            raise StorageError(f"{path} is missing; expected certificate.pem and key.pem, or neither of them")
    if key.stat().st_mode & 0o077:
        raise StorageError(f"{key} can be read by other users; expected the mode 0600")
    try:
        shown = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise StorageError(f"{certificate.parent}: no certificate with its key in PEM, without a password") from error
    if _public(shown.public_key()) != _public(secret.public_key()):
        raise StorageError(f"{key} is not the key of {certificate}; expected two files that belong together")
    return SiteCertificate(certificate, key, fingerprint(shown), shown.not_valid_after_utc)


def _public(key: object) -> bytes:
    octets: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every public key has it, their union does not
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return octets


def fingerprint(certificate: x509.Certificate) -> str:
    """Write the SHA-256 of a certificate as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _make(certificate: Path, key: Path, *, names: tuple[str, ...], now: datetime) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Schoolgate")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(each) for each in dict.fromkeys(names)]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    private = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The certificate comes last: where there is a key without one, it still lies there under its other name.
    fresh_key, fresh_certificate = _fresh(key), _fresh(certificate)
    _write(fresh_key, private, mode=0o600)
    _write(fresh_certificate, made.public_bytes(serialization.Encoding.PEM), mode=0o644)
    fresh_key.replace(key)
    fresh_certificate.replace(certificate)


def _fresh(path: Path) -> Path:
    return path.with_suffix(".new")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
