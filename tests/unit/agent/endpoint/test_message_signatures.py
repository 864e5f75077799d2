import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.message_signatures import (
    BadSignatureError,
    content_digest,
    parse_public_key,
    parse_signature,
    public_key_text,
    sign_request,
    sign_values,
    verify_values,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
BODY = b"a body"


def signed(method: str = "POST", path: str = "/a/b", body: bytes = BODY) -> dict[str, str]:
    headers = sign_request(KEY, "dev-1", method=method, path=path, body=body, created=1_763_713_531)
    return {name.lower(): value for name, value in headers.items()}


def test_the_headers_are_those_of_the_standards() -> None:
    headers = signed()
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    parameters = '("@method" "@path" "content-digest");created=1763713531;keyid="dev-1";alg="ed25519"'
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    assert headers["signature-input"] == f"sig1={parameters}"
    base = (
        f'"@method": POST\n"@path": /a/b\n"content-digest": sha-256=:{digest}:\n"@signature-params": {parameters}'
    ).encode()
    octets = base64.b64decode(headers["signature"].removeprefix("sig1=:").removesuffix(":"))
    KEY.public_key().verify(octets, base)


def test_a_signature_is_checked_by_whose_it_says_it_is() -> None:
    signature = parse_signature(signed())
    assert (signature.key_id, signature.created) == ("dev-1", 1_763_713_531)
    signature.verify(KEY.public_key(), method="post", path="/a/b", body=BODY)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/a/b", BODY), ("POST", "/a/c", BODY), ("POST", "/a/b", b"another")],
    ids=["method", "path", "body"],
)
def test_a_signature_is_for_one_request(method: str, path: str, body: bytes) -> None:
    with pytest.raises(BadSignatureError):
        parse_signature(signed()).verify(KEY.public_key(), method=method, path=path, body=body)


def test_a_signature_by_another_key_is_refused() -> None:
    with pytest.raises(BadSignatureError, match="not by the key"):
        parse_signature(signed()).verify(OTHER.public_key(), method="POST", path="/a/b", body=BODY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signature", None),
        ("signature-input", None),
        ("content-digest", None),
        ("signature", "sig1=:AAAA:"),
        ("signature", "sig2=:" + "A" * 86 + "==:"),
        ("content-digest", "sha-512=:AAAA:"),
        ("signature-input", 'sig1=("@method");created=1;keyid="a";alg="ed25519"'),
        ("signature-input", 'sig1=("@method" "@path" "content-digest");created=1;keyid="a";alg="hmac-sha256"'),
        ("signature-input", 'sig1=("@method" "@path" "content-digest");created=1;keyid="a\n";alg="ed25519"'),
        ("signature-input", 'sig1=("@method" "@path" "content-digest");created=-1;keyid="a";alg="ed25519"'),
    ],
)
def test_a_header_in_another_form_is_refused(name: str, value: str | None) -> None:
    headers = signed()
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    with pytest.raises(BadSignatureError, match=name):
        parse_signature(headers)


@given(st.dictionaries(st.sampled_from(["signature", "signature-input", "content-digest"]), st.text()))
def test_no_headers_do_worse_than_being_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignatureError):
        parse_signature(headers)


def test_a_key_id_that_would_end_the_header_is_refused() -> None:
    with pytest.raises(ValueError, match="key id"):
        sign_request(KEY, 'a"', method="GET", path="/", body=b"", created=0)


def test_values_are_signed_in_any_order() -> None:
    values = sign_values(KEY, {"b": 1, "a": ["é", None, True]})
    assert verify_values(KEY.public_key(), dict(reversed(values.items()))) == {"b": 1, "a": ["é", None, True]}


@pytest.mark.parametrize(
    "values",
    [{}, {"a": 2}, {"a": 1, "c": 2}, {"a": 1.5}, {"sig": "no base64"}, {"sig": None}],
    ids=str,
)
def test_values_that_are_not_signed_so_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadSignatureError):
        verify_values(
            KEY.public_key(), {**values, **({} if "sig" in values else {"sig": sign_values(KEY, {"a": 1})["sig"]})}
        )


def test_a_public_key_travels_as_text() -> None:
    text = public_key_text(KEY.public_key())
    assert parse_public_key(text) == KEY.public_key()


@pytest.mark.parametrize("text", [None, 7, "", "AAAA", "é" * 44, "A" * 44 + "\n"], ids=repr)
def test_a_text_that_is_no_public_key_is_refused(text: object) -> None:
    with pytest.raises(BadSignatureError):
        parse_public_key(text)


def test_an_empty_body_has_a_digest_too() -> None:
    assert content_digest(b"") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
