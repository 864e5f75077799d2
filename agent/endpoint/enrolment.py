"""How a laptop becomes known to a gateway, and what it remembers of it.

The key is made before the token is used and stays if the answer is lost: who asks again asks with the same key, and
the gateway that took it in says so again. Nothing that a gateway answers makes the laptop forget what it has.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    STATES,
    EnrolmentRequest,
    approval_code,
    decode_enrolled,
    encode_enrolment,
    parse_token,
)
from agent.endpoint.gateway_link import Link
from agent.endpoint.keys import KeyStore, write_private
from agent.endpoint.message_signatures import BadSignatureError, parse_public_key, public_key_text
from agent.endpoint.wire_batch import BadAnswerError

FILE: Final = "identity.json"


class EnrolmentError(Exception):
    """The laptop could not be enrolled; the sentence says why, and nothing was given up."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this laptop is to its gateway.

    Args:
        state: `active`, or `pending` until a person has compared the code.
        pin: of the gateway's TLS key; `ack_key` and `policy_key` are its other public keys, as text.
    """

    gateway: str
    pin: str
    device: str
    state: str
    ack_key: str
    policy_key: str

    @property
    def is_pending(self) -> bool:
        """Whether a person must still approve it."""
        return self.state == "pending"

    def code(self, key: Ed25519PublicKey) -> str:
        """Give the six digits that a person compares."""
        return approval_code(key, parse_public_key(self.ack_key), self.device)


class IdentityStore:
    """The file that says who this laptop is."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Identity | None:
        """Give who it is; None where it was never enrolled.

        Raises:
            EnrolmentError: the file is damaged; it stays where it is.
        """
        try:
            values = json.loads(self._path.read_bytes())
            identity = Identity(**values)
            for text in (identity.ack_key, identity.policy_key):
                parse_public_key(text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, BadSignatureError) as error:
            raise EnrolmentError(f"{self._path} cannot be read; expected what enrolment wrote there.") from error
        if identity.state not in STATES:
            raise EnrolmentError(f"{self._path} has a state that is not known.")
        return identity

    def save(self, identity: Identity) -> None:
        """Keep it.

        Raises:
            OSError: it could not be written.
        """
        write_private(self._path, json.dumps(asdict(identity), indent=1).encode())

    def approve(self, identity: Identity) -> Identity:
        """Keep that a person has approved it.

        Raises:
            OSError: it could not be written.
        """
        approved = replace(identity, state="active")
        self.save(approved)
        return approved


@dataclass(frozen=True, slots=True)
class Laptop:
    """What the laptop tells of itself: `machine` is 64 hexadecimal digits that outlive a new key."""

    host: Mapping[str, str]
    machine: str
    agent: str


def enrol(
    token_text: str,
    *,
    gateway: str,
    laptop: Laptop,
    keys: KeyStore,
    identities: IdentityStore,
    connect: Callable[[str, str], Link],
    now: float,
    token_file: Path | None = None,
    again: bool = False,
) -> Identity:
    """Enrol this laptop with a token.

    Args:
        gateway: https, host and port.
        connect: gives the way to a gateway, by its address and pin.
        now: seconds since 1970.
        token_file: where the token was; deleted once it is of no more use.
        again: enrol anew, with a new key; the old one is kept until then, and beside it afterwards.

    Raises:
        BadTokenError: the text is no token.
        BadKeyError: there is a key that cannot be used.
        LinkError: the gateway was not reached, or has another key.
        EnrolmentError: it is enrolled already, or the gateway refuses.
        OSError: what was agreed could not be written.
    """
    token = parse_token(token_text)
    known = identities.load()
    if known is not None and not again:
        raise EnrolmentError(f"This laptop is enrolled already, as {known.device}; expected one that is not.")
    key = keys.make_next() if known is not None else keys.make()
    request = EnrolmentRequest(
        token.token_id,
        key.public_key(),
        secrets.token_hex(16),
        laptop.host,
        laptop.machine,
        laptop.agent,
        int(now),
    )
    body = encode_enrolment(request, token.secret, key)
    with closing(connect(gateway, token.pin)) as link:
        reply = link.send("POST", ENROL_PATH, headers={"Content-Type": "application/json"}, body=body)
    if reply.status != HTTPStatus.OK:
        raise EnrolmentError(reply.sentence)
    try:
        enrolled = decode_enrolled(reply.body)
    except BadAnswerError as error:
        raise EnrolmentError(f"The gateway's answer cannot be used: {error}") from error
    identity = Identity(
        gateway,
        token.pin,
        enrolled.device,
        enrolled.state,
        public_key_text(enrolled.ack_key),
        public_key_text(enrolled.policy_key),
    )
    # In this order: whoever dies in between is found by the uplink with the next key, which the gateway knows.
    identities.save(identity)
    if known is not None:
        keys.adopt_next(now)
    if token_file is not None:
        token_file.unlink(missing_ok=True)
    return identity
