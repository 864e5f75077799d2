"""Codes of an authenticator: six digits that change every half minute.

Source: RFC 6238; SHA-1, six digits and 30 s are what every authenticator understands.
"""

import base64
import binascii
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

_SECRET_BYTES: Final = 20
_STEP_SECONDS: Final = 30
# RFC 6238, 5.2: "We RECOMMEND that at most one time step is allowed as the network delay"; and as much for a clock.
_STEPS_AROUND: Final = 1


def new_secret() -> str:
    """Make a secret as authenticators take it, in base 32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def enrolment_uri(secret: str, *, login: str, issuer: str) -> str:
    """Give the address that an authenticator reads from a QR code."""
    return _totp(secret).get_provisioning_uri(login, issuer)


def step_of(secret: str, code: str, *, at: datetime, after: int | None) -> int | None:
    """Give the half minute whose code this is, or nothing if it is none that is taken now.

    Args:
        after: the last half minute whose code was taken; RFC 6238, 5.2: "The verifier MUST NOT accept the second
            attempt of the OTP".
    """
    written = re.sub(r"\s", "", code)
    if re.fullmatch(r"[0-9]{6}", written) is None:
        return None
    try:
        totp = _totp(secret)
    except (binascii.Error, ValueError):
        return None
    now = int(at.timestamp()) // _STEP_SECONDS
    found = None
    for step in range(max(0, now - _STEPS_AROUND), now + _STEPS_AROUND + 1):
        is_code = hmac.compare_digest(totp.generate(step * _STEP_SECONDS), written.encode())
        if is_code and (after is None or step > after):
            found = step
    return found


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), 6, SHA1(), _STEP_SECONDS)  # noqa: S303 - HMAC, and what authenticators know
