"""Certificates: their pins as openssl computes them, and octets that are none."""

import base64
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nano_dns import make_certificate

from agent.dns.upstream_tls import BadCertificateError, check_pins, server_name, spki_digest, tls_context
from agent.sites.site import Endpoint, Transport, Upstream

PIN = base64.b64encode(bytes(32)).decode()


def upstream(address: str = "192.0.2.53", *, name: str | None = None, pins: tuple[str, ...] = ()) -> Upstream:
    return Upstream(Endpoint(address, 853), Transport.TLS, name, pins)


@pytest.mark.parametrize("key", ["ec", "rsa", "ed25519"])
def test_a_pin_is_what_openssl_says(tmp_path: Path, key: str) -> None:
    certificate = make_certificate(tmp_path, ["DNS:dns.example.test"], key=key)
    command = (
        f"openssl x509 -in {certificate.path} -pubkey -noout | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -binary | openssl base64 -A"
    )
    expected = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout
    assert spki_digest(ssl.PEM_cert_to_DER_cert(certificate.path.read_text())) == expected


@given(st.binary(max_size=200))
def test_octets_that_are_no_certificate_are_refused(octets: bytes) -> None:
    with pytest.raises(BadCertificateError):
        spki_digest(octets)


def test_a_certificate_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, ["DNS:dns.example.test"])
    octets = ssl.PEM_cert_to_DER_cert(certificate.path.read_text())
    for end in range(len(octets)):
        with pytest.raises(BadCertificateError, match="cut short"):
            spki_digest(octets[:end])


def test_without_pins_nothing_is_checked_by_pin() -> None:
    check_pins(upstream(), None)


def test_with_pins_a_certificate_must_be_shown() -> None:
    with pytest.raises(BadCertificateError, match="showed no certificate"):
        check_pins(upstream(pins=(PIN,)), None)


def test_only_a_pin_without_a_name_replaces_the_authorities() -> None:
    trusted = ssl.create_default_context()
    assert tls_context(upstream(pins=(PIN,)), trusted).verify_mode is ssl.CERT_NONE
    for checked in (upstream(), upstream(name="a.test"), upstream(name="a.test", pins=(PIN,))):
        assert tls_context(checked, trusted) is trusted
        system = tls_context(checked, None)
        assert system.verify_mode is ssl.CERT_REQUIRED
        assert system.check_hostname
        assert system.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        (upstream(name="dns.example.test"), "dns.example.test"),
        (upstream(), "192.0.2.53"),
        (upstream("fe80::1%eth0"), "fe80::1"),
    ],
    ids=["name", "address", "address-with-scope"],
)
def test_the_certificate_must_name_the_upstream(upstream: Upstream, expected: str) -> None:
    assert server_name(upstream) == expected
