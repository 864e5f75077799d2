"""Codes of an authenticator, against the examples of RFC 6238 and against being used twice."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from agent.people.totp import enrolment_uri, new_secret, step_of

# RFC 6238, appendix B; its eight digits end with our six.
SECRET = base64.b32encode(b"12345678901234567890").decode()


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        pytest.param(59, "287082", id="1970"),
        pytest.param(1111111109, "081804", id="2005"),
        pytest.param(1234567890, "005924", id="2009"),
        pytest.param(2000000000, "279037", id="2033"),
    ],
)
def test_the_examples_of_the_rfc(seconds: int, code: str) -> None:
    assert step_of(SECRET, code, at=at(seconds), after=None) == seconds // 30


@pytest.mark.parametrize(
    ("seconds", "is_taken"),
    [
        pytest.param(0, True, id="a-step-early"),
        pytest.param(30, True, id="begin-of-the-step"),
        pytest.param(89.9, True, id="a-step-late"),
        pytest.param(90, False, id="two-steps-late"),
    ],
)
def test_a_clock_may_be_a_step_off(seconds: float, is_taken: bool) -> None:
    assert (step_of(SECRET, "287082", at=at(seconds), after=None) == 1) == is_taken


@pytest.mark.parametrize(("after", "step"), [(0, 1), (1, None), (2, None)])
def test_a_code_is_taken_once(after: int, step: int | None) -> None:
    assert step_of(SECRET, "287082", at=at(59), after=after) == step


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="none"),
        pytest.param("28708", id="five-digits"),
        pytest.param("2870822", id="seven-digits"),
        pytest.param("٢٨٧٠٨٢", id="other-digits"),
        pytest.param("287083", id="another"),
        pytest.param("28708\ud800", id="half-a-character"),
    ],
)
def test_what_is_no_code(code: str) -> None:
    assert step_of(SECRET, code, at=at(59), after=None) is None


def test_a_code_may_be_written_in_two_parts() -> None:
    assert step_of(SECRET, " 287 082 ", at=at(59), after=None) == 1


@pytest.mark.parametrize("secret", ["", "1", "ü"])
def test_a_damaged_secret_takes_no_code(secret: str) -> None:
    assert step_of(secret, "287082", at=at(59), after=None) is None


def test_a_new_secret_is_long_and_its_own() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b32decode(first)) == 20
    assert step_of(first, "287082", at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1), after=10**9) is None


def test_the_address_for_authenticators() -> None:
    uri = enrolment_uri(SECRET, login="ada", issuer="Hill School")
    assert uri.startswith("otpauth://totp/Hill%20School:ada?")
    assert f"secret={SECRET}" in uri
