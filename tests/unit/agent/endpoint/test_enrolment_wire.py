import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.endpoint.enrolment_wire import (
    BadEnrolmentError,
    BadTokenError,
    Enrolled,
    EnrolmentRequest,
    Standing,
    Token,
    approval_code,
    decode_enrolled,
    decode_enrolment,
    decode_rotated,
    decode_rotation,
    decode_standing,
    encode_enrolled,
    encode_enrolment,
    encode_rotated,
    encode_rotation,
    encode_standing,
    parse_token,
    spki_pin,
    token_key,
    token_text,
)
from agent.endpoint.wire_batch import BadAnswerError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ACK = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([2] * 32))
SECRET = bytes(range(20))
TOKEN = Token("abcdefgh23", SECRET, "A" * 52)
HOST = {"os": "Debian", "version": "12", "hostname": "b12", "model": "X"}
REQUEST = EnrolmentRequest("abcdefgh23", KEY.public_key(), "0" * 32, HOST, "a" * 64, "1.0", 1_763_713_531)


def test_a_token_is_written_and_read() -> None:
    text = token_text(TOKEN)
    assert text == "sge1.abcdefgh23.AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT." + "A" * 52
    assert parse_token(f" {text}\n") == TOKEN


@pytest.mark.parametrize(
    "text", ["", "sge1", "sge2.abcdefgh23.A.B", token_text(TOKEN).lower(), token_text(TOKEN) + "A"]
)
def test_another_text_is_no_token_and_is_not_repeated(text: str) -> None:
    with pytest.raises(BadTokenError) as refusal:
        parse_token(text)
    assert "AAAQEAYE" not in str(refusal.value).upper()


def test_the_secret_shows_in_no_message() -> None:
    assert "secret" not in repr(TOKEN)


def test_the_secret_does_not_travel() -> None:
    body = encode_enrolment(REQUEST, SECRET, KEY)
    assert SECRET not in body
    assert SECRET.hex().encode() not in body
    assert b"AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT" not in body
    assert token_key(SECRET).hex().encode() not in body


def test_the_gateway_reads_what_the_laptop_says_and_checks_its_token() -> None:
    signed = decode_enrolment(encode_enrolment(REQUEST, SECRET, KEY))
    assert signed.request == REQUEST
    assert signed.verify(token_key(SECRET))
    assert not signed.verify(token_key(bytes(20)))


def test_a_request_that_another_key_signed_is_refused() -> None:
    with pytest.raises(BadEnrolmentError, match="signature"):
        decode_enrolment(encode_enrolment(REQUEST, SECRET, OTHER))


def test_a_request_whose_host_was_changed_on_the_way_is_refused() -> None:
    body = encode_enrolment(REQUEST, SECRET, KEY).replace(b"Debian", b"Ubuntu")
    with pytest.raises(BadEnrolmentError, match="signature"):
        decode_enrolment(body)


@pytest.mark.parametrize(
    "change",
    [{"nonce": "x"}, {"machine": "A" * 64}, {"agent": ""}, {"wall": 10**12}, {"token_id": "a b"}],
    ids=str,
)
def test_even_a_signed_request_has_its_form(change: dict[str, Any]) -> None:
    with pytest.raises(BadEnrolmentError):
        decode_enrolment(encode_enrolment(replace(REQUEST, **change), SECRET, KEY))


@given(
    st.binary(max_size=300) | st.recursive(st.integers() | st.text(), st.lists).map(lambda t: json.dumps(t).encode())
)
@settings(deadline=None)
def test_no_octets_do_worse_than_being_refused(octets: bytes) -> None:
    with pytest.raises(BadEnrolmentError):
        decode_enrolment(octets)
    with pytest.raises(BadEnrolmentError):
        decode_rotation(octets)
    with pytest.raises(BadAnswerError):
        decode_enrolled(octets)
    with pytest.raises(BadAnswerError):
        decode_standing(octets, ACK.public_key())


def test_a_body_that_is_too_large_is_refused() -> None:
    with pytest.raises(BadEnrolmentError, match="16384"):
        decode_enrolment(b" " * 16385)


def test_the_laptop_learns_the_keys_of_the_gateway() -> None:
    enrolled = Enrolled("dev1", "pending", OTHER.public_key(), ACK.public_key(), 5)
    assert decode_enrolled(encode_enrolled(enrolled, ACK)) == enrolled


@pytest.mark.parametrize(
    "change", [{"state": "king"}, {"device": "a b"}, {"ack_pub": "AAAA"}, {"policy_pub": 7}], ids=str
)
def test_an_answer_in_another_form_is_refused(change: dict[str, Any]) -> None:
    enrolled = Enrolled("dev1", "pending", OTHER.public_key(), ACK.public_key(), 5)
    tree = json.loads(encode_enrolled(enrolled, ACK)) | change
    with pytest.raises(BadAnswerError):
        decode_enrolled(json.dumps(tree).encode())


def test_only_the_gateway_says_that_a_laptop_is_let_in() -> None:
    standing = Standing("dev1", "active", 5)
    assert decode_standing(encode_standing(standing, ACK), ACK.public_key()) == standing
    with pytest.raises(BadAnswerError):
        decode_standing(encode_standing(standing, OTHER), ACK.public_key())


def test_a_new_key_proves_that_the_laptop_has_it() -> None:
    body = encode_rotation("dev1", OTHER)
    assert decode_rotation(body) == ("dev1", OTHER.public_key())
    with pytest.raises(BadEnrolmentError):
        decode_rotation(body.replace(b"dev1", b"dev2"))
    device, text = decode_rotated(encode_rotated("dev1", OTHER.public_key(), 5, ACK), ACK.public_key())
    assert (device, text) == ("dev1", json.loads(body)["pub"])


def test_both_screens_show_the_same_six_digits() -> None:
    code = approval_code(KEY.public_key(), ACK.public_key(), "d1")
    assert code == approval_code(KEY.public_key(), ACK.public_key(), "d1")
    assert len(code) == 6
    assert code.isdecimal()
    assert code != approval_code(OTHER.public_key(), ACK.public_key(), "d1")


def test_the_pin_is_of_the_key_whatever_the_certificate_says() -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def certificate(common_name: str) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        start = datetime(2020, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
        return builder.sign(key, SHA256()).public_bytes(Encoding.DER)

    assert spki_pin(certificate("a")) == spki_pin(certificate("b"))
    assert len(spki_pin(certificate("a"))) == 52
