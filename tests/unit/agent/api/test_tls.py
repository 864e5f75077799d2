"""The certificate of the interface: the school's own, or one made at the first start."""

import ssl
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509

from agent.api.tls import open_certificate
from rules.errors import StorageError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
NAMES = ("gateway.example", "localhost", "127.0.0.1", "::1", "localhost")


def test_one_is_made_at_the_first_start_and_stays(tmp_path: Path) -> None:
    made = open_certificate(tmp_path / "tls", names=NAMES, now=NOW)
    again = open_certificate(tmp_path / "tls", names=("other.example",), now=NOW)
    assert made == again
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls").stat().st_mode & 0o077 == 0
    assert not list((tmp_path / "tls").glob("*.new"))


def test_it_is_for_the_names_that_clients_use(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=NAMES, now=NOW)
    shown = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gateway.example", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert shown.not_valid_before_utc < NOW < shown.not_valid_after_utc == made.ends_at


def test_the_fingerprint_is_what_browsers_show(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=NAMES, now=NOW)
    der = ssl.PEM_cert_to_DER_cert(made.certificate.read_text())
    assert made.fingerprint.replace(":", "").lower() == sha256(der).hexdigest()


def test_python_serves_with_it(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=NAMES, now=NOW)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(made.certificate, made.key)


def test_a_certificate_without_its_key_is_not_replaced(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=NAMES, now=NOW)
    made.key.unlink()
    with pytest.raises(StorageError, match=r"key\.pem is missing"):
        open_certificate(tmp_path, names=NAMES, now=NOW)


def test_whose_maker_was_killed_between_the_two_is_put_together(tmp_path: Path) -> None:
    made = open_certificate(tmp_path, names=NAMES, now=NOW)
    made.certificate.rename(tmp_path / "certificate.new")
    again = open_certificate(tmp_path, names=NAMES, now=NOW)
    assert again == made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["certificate.pem", "key.pem"]


def test_a_key_alone_is_not_replaced(tmp_path: Path) -> None:
    mine = open_certificate(tmp_path / "mine", names=NAMES, now=NOW)
    other = open_certificate(tmp_path / "other", names=NAMES, now=NOW)
    mine.certificate.unlink()
    with pytest.raises(StorageError, match=r"certificate\.pem is missing"):
        open_certificate(tmp_path / "mine", names=NAMES, now=NOW)
    # What was begun there once belongs to another key.
    other.certificate.rename(tmp_path / "mine" / "certificate.new")
    with pytest.raises(StorageError, match="expected two files that belong together"):
        open_certificate(tmp_path / "mine", names=NAMES, now=NOW)
    assert not mine.certificate.exists()


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    open_certificate(tmp_path, names=NAMES, now=NOW).key.chmod(0o640)
    with pytest.raises(StorageError, match="expected the mode 0600"):
        open_certificate(tmp_path, names=NAMES, now=NOW)


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    mine = open_certificate(tmp_path / "mine", names=NAMES, now=NOW)
    other = open_certificate(tmp_path / "other", names=NAMES, now=NOW)
    mine.key.write_bytes(other.key.read_bytes())
    with pytest.raises(StorageError, match="is not the key of"):
        open_certificate(tmp_path / "mine", names=NAMES, now=NOW)


@pytest.mark.parametrize("content", [b"", b"not PEM", b"\xff\x00"], ids=["empty", "prose", "octets"])
def test_a_file_that_is_no_certificate_is_told(tmp_path: Path, content: bytes) -> None:
    open_certificate(tmp_path, names=NAMES, now=NOW).certificate.write_bytes(content)
    with pytest.raises(StorageError, match="no certificate with its key"):
        open_certificate(tmp_path, names=NAMES, now=NOW)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("in the way")
    with pytest.raises(StorageError, match="could not be used"):
        open_certificate(tmp_path / "tls", names=NAMES, now=NOW)
